"""Traceability: of what, by whom and where every jar was made, and what has become of it.

Edges, origin shares and balances follow from the reports in whatever order they were recorded. The questions that are
put to these tables are in `traceability_queries`; who sells what where is the inventory's to say.
"""

from collections.abc import Callable, Iterable, Mapping, Sequence
from typing import Any

from events.catalogue import committee, logistics, network, outlets, production
from events.catalogue.base import Event, Recorded
from events.catalogue.values import Names
from projections import lineage_tables
from projections import traceability_tables as t
from projections.base import Db, ReadModel
from projections.lineage_fold import LineageFold
from projections.traceability_book import DESTROYED_G, PACKED_G, SAMPLED_G, Book
from projections.traceability_in_bulk import IN_BULK, take_ordinary

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
    book = Book(db)
    batch, late = take_ordinary(book, db, batch)
    lineage = LineageFold(t.LINEAGE, db, batch, late)
    for recorded in batch:
        kind = type(recorded.event)
        if kind in lineage_tables.TAKES:
            book.lineage(lineage.apply(recorded), recorded.position)
        handler = HANDLERS.get(kind)
        if handler is not None:
            handler(book, recorded)
    moments = {recorded.position: recorded.occurred_at for recorded in batch} if lineage.flags else {}
    for flag, subject, position in lineage.flags:
        book.put(t.FLAGS, (flag, subject, position, moments[position]))
    lineage.write()
    book.flush()


MODEL = ReadModel("traceability", 4, t.TABLES, frozenset(HANDLERS) | lineage_tables.TAKES, fold, IN_BULK)
