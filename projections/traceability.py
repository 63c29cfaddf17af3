"""Traceability: of what, by whom and where every jar was made, and what has become of it.

Edges, origin shares and balances follow from the reports in whatever order they were recorded. The questions that are
put to these tables are in `traceability_queries`; who sells what where is the inventory's to say.
"""

from collections import defaultdict
from collections.abc import Callable, Iterable, Mapping, Sequence
from typing import Any

import sqlalchemy as sa

from events.catalogue import committee, logistics, network, outlets, production
from events.catalogue.base import Event, Recorded
from events.catalogue.values import Names
from projections import lineage_tables
from projections import traceability_tables as t
from projections.base import ROWS_IN_ARRAYS, Db, ReadModel, Row, array_text
from projections.lineage_fold import LineageFold
from projections.lineage_reports import Change
from projections.totals import Totals
from projections.traceability_in_bulk import IN_BULK, take_ordinary

# Columns of `trace_balances` after its key.
MADE_G, MADE_PIECES, CONSUMED_G, CONSUMED_PIECES, PACKED_G, PACKED_PIECES = range(6)
DESTROYED_G, DESTROYED_PIECES, SAMPLED_G, ON_HAND_G, ON_HAND_PIECES = range(6, 11)


_CONSUMED = """
    INSERT INTO trace_balances AS kept
    SELECT lot, 0, 0, mass_g, pieces, 0, 0, 0, 0, 0, -mass_g, -pieces
    FROM unnest(%s::text[], %s::bigint[], %s::bigint[]) AS taken (lot, mass_g, pieces)
    ON CONFLICT (lot) DO UPDATE SET
        consumed_g = kept.consumed_g + excluded.consumed_g,
        consumed_pieces = kept.consumed_pieces + excluded.consumed_pieces,
        on_hand_g = kept.on_hand_g + excluded.on_hand_g,
        on_hand_pieces = kept.on_hand_pieces + excluded.on_hand_pieces
"""


class Book:
    """What one batch of events adds to the tables, apart from the lineage."""

    def __init__(self, db: Db) -> None:
        self._db = db
        self.balances = Totals(t.BALANCES)
        self._new: dict[sa.Table, list[Row]] = defaultdict(list)
        self._set: dict[sa.Table, dict[Any, Row]] = defaultdict(dict)
        self._moves: dict[tuple[str, int], Row] = {}
        self._consumed: dict[str, list[int]] = defaultdict(lambda: [0, 0])

    def add(self, table: sa.Table, row: Row) -> None:
        """A row that no other event can make."""
        self._new[table].append(row)

    def put(self, table: sa.Table, row: Row) -> None:
        """A row that a later event may set anew."""
        self._set[table][row[: len(table.primary_key)]] = row

    def change(self, table: sa.Table, key: Any, **values: Any) -> None:
        """Set some columns of a row that an earlier event made; nothing when there is none."""
        row = self._set[table].get((key,)) or self._db.by_key(table, [key]).get(key)
        if row is not None:
            self.put(table, tuple(values.get(column.name, row[at]) for at, column in enumerate(table.columns)))

    def move(
        self,
        lot: str,
        kind: str,
        recorded: Recorded[Any],
        place: str | None,
        *,
        other_place: str | None = None,
        consignment: str | None = None,
        units: int = 0,
        mass_g: int = 0,
        detail: str | None = None,
    ) -> None:
        """Something happened to a lot; lines of one event about the same batch add up."""
        key = (lot, recorded.position)
        before = self._moves.get(key)
        units += before[6] if before else 0
        moment = recorded.occurred_at
        self._moves[key] = (*key, kind, place, other_place, consignment, units, mass_g, detail, moment)

    def take(self, lot: str, column: int, *, mass_g: int = 0, pieces: int = 0) -> None:
        """Grams and pieces leave a lot; the column of the pieces stands behind that of the grams, if there is one."""
        sums = self.balances[lot,]
        sums[column] += mass_g
        sums[ON_HAND_G] -= mass_g
        if pieces:
            sums[column + 1] += pieces
            sums[ON_HAND_PIECES] -= pieces

    def lineage(self, change: Change) -> None:
        """What being made and being consumed does to balances."""
        for lot, _, mass_g, pieces in change.made:
            sums = self.balances[lot,]
            sums[MADE_G] += mass_g
            sums[MADE_PIECES] += pieces
            sums[ON_HAND_G] += mass_g
            sums[ON_HAND_PIECES] += pieces
        for lot, _, mass_g, pieces in change.consumed:
            sums = self._consumed[lot]
            sums[0] += mass_g
            sums[1] += pieces

    def flush(self) -> None:
        """Write everything, one statement or COPY for each table that changed."""
        for table, rows in self._new.items():
            self._db.copy_in(table, rows)
        self._db.copy_in(t.MOVEMENTS, list(self._moves.values()))
        for table, keyed in self._set.items():
            self._db.upsert(table, list(keyed.values()))
        self._flush_consumed()
        self.balances.flush(self._db)

    def _flush_consumed(self) -> None:
        """What steps took: of many lots in a long batch, so only the columns that it changes travel then."""
        if len(self._consumed) <= ROWS_IN_ARRAYS:
            for lot, (mass_g, pieces) in self._consumed.items():
                self.take(lot, CONSUMED_G, mass_g=mass_g, pieces=pieces)
            return
        sums = zip(*self._consumed.values(), strict=True)
        self._db.execute(_CONSUMED, [array_text(self._consumed), *map(array_text, sums)])


# ---------------------------------------------------------------------- lots


def batch_packed(book: Book, recorded: Recorded[production.BatchPacked]) -> None:
    event = recorded.event
    book.add(
        t.PACKINGS,
        (
            event.lot,
            str(recorded.event_id),
            event.code,
            event.product,
            event.packed_at,
            event.units,
            event.unit_mass_g,
            event.unit_pieces,
            event.best_before,
            recorded.occurred_at,
            recorded.position,
        ),
    )
    mass_g, pieces = event.units * event.unit_mass_g, event.units * event.unit_pieces
    book.take(event.lot, PACKED_G, mass_g=mass_g, pieces=pieces)


def labels_printed(book: Book, recorded: Recorded[production.LabelsPrinted]) -> None:
    event = recorded.event
    book.move(event.lot, "labelled", recorded, event.printed_at, units=event.labels, detail=event.code)


def lot_tested(book: Book, recorded: Recorded[production.LotTested]) -> None:
    event = recorded.event
    book.move(
        event.lot,
        "tested",
        recorded,
        event.tested_at,
        units=event.sample_units,
        mass_g=event.sample_mass_g,
        detail=f"{event.test}/{event.result}",
    )
    if event.sample_mass_g:
        book.take(event.lot, SAMPLED_G, mass_g=event.sample_mass_g)


def batch_discarded(book: Book, recorded: Recorded[production.BatchDiscarded]) -> None:
    event = recorded.event
    book.move(
        event.lot, "discarded", recorded, event.place, units=event.units, mass_g=event.mass_g, detail=event.reason
    )
    if event.mass_g or event.pieces:
        book.take(event.lot, DESTROYED_G, mass_g=event.mass_g, pieces=event.pieces)


# ---------------------------------------------------------------------- goods on their way


def stock_shipped(book: Book, recorded: Recorded[logistics.StockShipped]) -> None:
    event = recorded.event
    for line in event.lines:
        book.move(
            line.batch,
            "shipped",
            recorded,
            event.origin,
            other_place=event.destination,
            consignment=event.consignment,
            units=line.units,
        )


def stock_received(book: Book, recorded: Recorded[logistics.StockReceived]) -> None:
    event = recorded.event
    for line in event.lines:
        book.move(line.batch, "arrived", recorded, event.place, units=line.units, consignment=event.consignment)


def shipment_lost(book: Book, recorded: Recorded[logistics.ShipmentLost]) -> None:
    event = recorded.event
    for line in event.lines:
        book.move(
            line.batch, "lost", recorded, None, consignment=event.consignment, units=line.units, detail=event.reason
        )


def shipment_cancelled(book: Book, recorded: Recorded[logistics.ShipmentCancelled]) -> None:
    event = recorded.event
    book.add(t.CANCELLATIONS, (event.consignment, recorded.position, event.reason))


def opening_stock_counted(book: Book, recorded: Recorded[outlets.OpeningStockCounted]) -> None:
    for line in recorded.event.lines:
        book.move(line.batch, "opening", recorded, f"outlet/{recorded.event.outlet}", units=line.units)


def stock_counted(book: Book, recorded: Recorded[outlets.StockCounted]) -> None:
    for line in recorded.event.lines:
        book.move(line.batch, "counted", recorded, recorded.event.place, units=line.units)


def stock_written_off(book: Book, recorded: Recorded[outlets.StockWrittenOff]) -> None:
    event = recorded.event
    for line in event.lines:
        book.move(line.batch, "written_off", recorded, event.place, units=line.units, detail=event.reason)


# ---------------------------------------------------------------------- the committee


def certificate_step(book: Book, recorded: Recorded[Any]) -> None:
    event = recorded.event
    book.add(
        t.CERTIFICATE_STEPS,
        (
            event.maker,
            event.product,
            recorded.position,
            _CERTIFICATE_STEPS[type(event)],
            getattr(event, "submission", None),
            getattr(event, "region", None),
            getattr(event, "certificate", None),
            getattr(event, "score_milli", None),
            len(event.members) if hasattr(event, "members") else None,
            getattr(event, "valid_from", None) or getattr(event, "effective_from", None),
            getattr(event, "valid_until", None),
            recorded.occurred_at,
        ),
    )


def sample_received(book: Book, recorded: Recorded[committee.SampleReceived]) -> None:
    event = recorded.event
    if event.batch is not None:
        book.move(event.batch, "sampled", recorded, None, units=event.units, detail=event.submission)


def recall_started(book: Book, recorded: Recorded[committee.RecallStarted]) -> None:
    event = recorded.event
    start = (recorded.occurred_at, recorded.position)
    book.put(t.RECALLS, (event.recall, event.severity, event.reason, event.drill, *start, None, None))
    _roots(book, recorded, event.recall, event.roots)


def recall_extended(book: Book, recorded: Recorded[committee.RecallExtended]) -> None:
    _roots(book, recorded, recorded.event.recall, recorded.event.roots)


def _roots(book: Book, recorded: Recorded[Any], recall: str, roots: Iterable[committee.RecallRoot]) -> None:
    for root in roots:
        book.put(t.RECALL_ROOTS, (recall, root.kind, root.id, recorded.position))


def recall_ticked_off(book: Book, recorded: Recorded[committee.RecallTickedOff]) -> None:
    event = recorded.event
    book.put(t.RECALL_TICKS, (event.recall, event.outlet, event.batch, event.units_set_aside, recorded.position))


def recall_closed(book: Book, recorded: Recorded[committee.RecallClosed]) -> None:
    book.change(t.RECALLS, recorded.event.recall, closed_at=recorded.occurred_at, outcome=recorded.event.outcome)


# ---------------------------------------------------------------------- who and where


def _said(names: Names) -> tuple[str, str, str]:
    return names.ky, names.ru, names.en


def region_joined(book: Book, recorded: Recorded[network.RegionJoined]) -> None:
    event = recorded.event
    book.put(t.REGIONS, (event.region, *_said(event.names), *_said(event.committee_names)))


def village_registered(book: Book, recorded: Recorded[network.VillageRegistered]) -> None:
    event = recorded.event
    book.put(t.VILLAGES, (event.village, event.region, *_said(event.names), *_point(event)))


def _point(event: network.VillageRegistered | network.OutletOpened) -> tuple[int, int, bool]:
    return event.latitude_microdegrees, event.longitude_microdegrees, event.position_is_exact


def producer_registered(book: Book, recorded: Recorded[network.ProducerRegistered]) -> None:
    event = recorded.event
    book.put(t.PRODUCERS, (event.producer, event.village, event.joined_on))


def supplier_registered(book: Book, recorded: Recorded[network.SupplierRegistered]) -> None:
    book.put(t.SUPPLIERS, (recorded.event.supplier, *_said(recorded.event.names)))


def workshop_opened(book: Book, recorded: Recorded[network.WorkshopOpened]) -> None:
    event = recorded.event
    book.put(t.WORKSHOPS, (event.workshop, event.village, *_said(event.names)))


def outlet_opened(book: Book, recorded: Recorded[network.OutletOpened]) -> None:
    event = recorded.event
    book.put(t.OUTLETS, (event.outlet, event.region, event.village, *_said(event.names), *_point(event)))


def product_defined(book: Book, recorded: Recorded[network.ProductDefined]) -> None:
    event = recorded.event
    content = (event.unit, event.net_mass_g, event.shelf_life_days, event.origin_basis)
    book.put(t.PRODUCTS, (event.product, event.group, *_said(event.names), *content))


_CERTIFICATE_STEPS: Mapping[type[Event], str] = {
    committee.ProductSubmitted: "submitted",
    committee.ProductCertified: "certified",
    committee.ProductConditionallyAccepted: "accepted_conditionally",
    committee.ProductRejected: "rejected",
    committee.CertificateSuspended: "suspended",
    committee.CertificateReinstated: "reinstated",
    committee.CertificateRevoked: "revoked",
}

HANDLERS: Mapping[type[Event], Callable[[Book, Recorded[Any]], None]] = {
    network.RegionJoined: region_joined,
    network.VillageRegistered: village_registered,
    network.ProducerRegistered: producer_registered,
    network.SupplierRegistered: supplier_registered,
    network.WorkshopOpened: workshop_opened,
    network.OutletOpened: outlet_opened,
    network.ProductDefined: product_defined,
    production.BatchPacked: batch_packed,
    production.LabelsPrinted: labels_printed,
    production.LotTested: lot_tested,
    production.BatchDiscarded: batch_discarded,
    logistics.StockShipped: stock_shipped,
    logistics.StockReceived: stock_received,
    logistics.ShipmentLost: shipment_lost,
    logistics.ShipmentCancelled: shipment_cancelled,
    outlets.OpeningStockCounted: opening_stock_counted,
    outlets.StockCounted: stock_counted,
    outlets.StockWrittenOff: stock_written_off,
    committee.SampleReceived: sample_received,
    committee.RecallStarted: recall_started,
    committee.RecallExtended: recall_extended,
    committee.RecallTickedOff: recall_ticked_off,
    committee.RecallClosed: recall_closed,
    **dict.fromkeys(_CERTIFICATE_STEPS, certificate_step),
}


def fold(batch: Sequence[Recorded[Event]], db: Db) -> None:
    """Apply a contiguous batch of events to the tables, in the order of their positions."""
    batch, late = take_ordinary(db, batch)
    lineage = LineageFold(t.LINEAGE, db, batch, late)
    book = Book(db)
    for recorded in batch:
        kind = type(recorded.event)
        if kind in lineage_tables.TAKES:
            book.lineage(lineage.apply(recorded))
        handler = HANDLERS.get(kind)
        if handler is not None:
            handler(book, recorded)
    moments = {recorded.position: recorded.occurred_at for recorded in batch} if lineage.flags else {}
    for flag, subject, position in lineage.flags:
        book.put(t.FLAGS, (flag, subject, position, moments[position]))
    lineage.write()
    book.flush()


MODEL = ReadModel("traceability", 2, t.TABLES, frozenset(HANDLERS) | lineage_tables.TAKES, fold, IN_BULK)
