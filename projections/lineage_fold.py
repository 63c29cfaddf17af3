"""The fold of a lineage: reports and corrections in, edges and origin shares out, whatever order they come in."""

import sys
from collections.abc import Iterable, Sequence
from operator import attrgetter
from typing import Any

from events.catalogue.base import Recorded
from events.catalogue.network import ProductDefined
from events.catalogue.production import (
    BatchInputsCorrected,
    BatchProduced,
    LotCorrected,
)
from events.catalogue.values import LotInput
from projections.base import Db
from projections.lineage import ALL_UNKNOWN, Basis, Part, Shares, all_of, blend, closes_cycle, downstream, inputs_first
from projections.lineage_image import Late, LineageImage
from projections.lineage_reports import (
    CORRECTIONS,
    REPORTS,
    Change,
    Content,
    Quantity,
    content_of,
    corrected_content,
    first_making,
    outputs,
)
from projections.lineage_tables import Correction, Edge, LineageTables, Lot, Making, not_known
from projections.statements import Row

_NOTHING = Change()


class LineageFold(LineageImage):
    """A lineage and one batch of events: read once, changed event by event, written once."""

    def __init__(
        self, tables: LineageTables, db: Db, batch: Sequence[Recorded[Any]], late: Sequence[Late] = ()
    ) -> None:
        super().__init__(tables, db, batch, late)
        #: Once all is written: positions of late lots, and the lots whose shares were computed anew for them.
        self.reshared: list[tuple[int, str]] = []
        self._waiting = sorted(late, reverse=True, key=attrgetter("position"))

    # ------------------------------------------------------------------ what the caller asks

    def apply(self, recorded: Recorded[Any]) -> Change:
        """Take one event of the batch, in the order of the log; what it changed."""
        event = recorded.event
        self._let_come(recorded.position)
        if isinstance(event, REPORTS):
            return self._report(recorded, event)
        if isinstance(event, CORRECTIONS):
            return self._correct(recorded, event)
        if isinstance(event, ProductDefined):
            self._bases[event.product] = event.origin_basis
            self._touch("bases", event.product)
        return _NOTHING

    def write(self) -> None:
        """Write what changed: new rows are added, known ones set, withdrawn ones removed."""
        self._let_come(sys.maxsize)
        tables = self._tables
        self._write("lots", tables.lots, self._lot_row)
        self._write_makings()
        self._write("edges", tables.edges, lambda key: self._in_edges[key[0]].get(key[1:]))
        self._write("corrections", tables.corrections, self._corrections.get)
        self._write("bases", tables.bases, lambda key: (key, self._bases[key]))
        self._db.copy_in(tables.earlier_shares, self._earlier)

    # ------------------------------------------------------------------ one event

    def _let_come(self, position: int) -> None:
        """Lots of other hands get the shares they have from before a position: what was made of them is shared anew."""
        while self._waiting and (now := self._waiting[-1].position) < position:
            come = []
            while self._waiting and self._waiting[-1].position == now:
                late = self._waiting.pop()
                self._shares[late.lot] = (now, late.shares)
                come.append(late.lot)
            below = downstream(come, self._bearing_outputs_of)
            self.reshared += [(now, lot) for lot in self._share_anew(below, now)]

    def _report(self, recorded: Recorded[Any], event: Any) -> Change:
        basis = self._bases.get(event.product, "mass") if isinstance(event, BatchProduced) else "mass"
        content = self._said.pop(recorded.position, None) or content_of(event)
        making = first_making(event, recorded, basis, content, recorded.position)
        correction = self._correction_of(making) if self._corrections else None
        if correction is not None:
            content = self._agreeing(making, corrected_content(correction), recorded.position) or content
        elif not (content.inputs or content.by_products or self._is_named(making.lot)):
            return self._begin(making)
        if self._makings.get(making.lot):
            self.flags.append(("made_twice", making.lot, recorded.position))
        return self._replace(making, content, recorded.position)

    def _begin(self, making: Making) -> Change:
        """A lot that nobody named before and that was made of nothing: most lots of a network."""
        lot = making.lot
        self._makings[lot] = {making.event: making}
        self._touch("makings", lot)
        self._sum_up(lot)
        producer = making.producer
        self._shares[lot] = (making.position, all_of(producer) if producer else ALL_UNKNOWN)
        return Change([Quantity(lot, making.place, making.mass_g, making.pieces)], [], [lot])

    def _correct(self, recorded: Recorded[Any], event: Any) -> Change:
        said = event.model_dump_json(exclude_none=True)
        correction = Correction(
            event.corrects, event.wire_name, str(recorded.event_id), recorded.occurred_at, recorded.position, said
        )
        key = (correction.corrects, correction.type)
        counts = self._corrections.get(key)
        if counts is not None and (counts.occurred_at, counts.event) > (correction.occurred_at, correction.event):
            return _NOTHING
        self._corrections[key] = correction
        self._touch("corrections", key)
        making = self._makings.get(event.lot, {}).get(event.corrects)
        if making is None or self._correction_of(making) is not correction:
            return _NOTHING
        content = self._agreeing(making, self._said[recorded.position], recorded.position)
        return _NOTHING if content is None else self._replace(making, content, recorded.position)

    def _correction_of(self, making: Making) -> Correction | None:
        is_step = making.kind in ("pooled", "produced", "by_product")
        kind = BatchInputsCorrected if is_step else LotCorrected
        return self._corrections.get((making.event, kind.wire_name))

    def _agreeing(self, making: Making, content: Content, position: int) -> Content | None:
        """A correction's content if it speaks of the lot that the corrected report made."""
        if content.lot == making.lot:
            return content
        self.flags.append(("correction_of_another_lot", content.lot, position))
        return None

    def _replace(self, making: Making, content: Content, position: int) -> Change:
        """Let one report say this from now on: its makings and edges are taken back and made again."""
        change = Change()
        before = [making.lot, *making.by_lots] if making.event in self._makings.get(making.lot, {}) else []
        for lot in before:
            self._take_back(lot, making, change)
        for made in _makings_of(making, content, position):
            self._makings.setdefault(made.lot, {})[made.event] = made
            self._touch("makings", made.lot)
            change.made.append(Quantity(made.lot, made.place, made.mass_g, made.pieces))
        after = list(outputs(content))
        self._connect(making, content, after, position, change)
        if change.withdrawn:
            again = {(lot, given.lot) for lot in after for given in content.inputs}
            change.withdrawn = [edge for edge in change.withdrawn if edge not in again]
        changed = dict.fromkeys([*before, *after])
        for lot in changed:
            was = self._lots.get(lot)
            self._sum_up(lot)
            now = self._lots[lot]
            if was is not None and was.is_known and (was.maker, was.producer) != (now.maker, now.producer):
                change.moved.append(was)
        change.reshared = self._share(changed, position)
        return change

    def _take_back(self, lot: str, making: Making, change: Change) -> None:
        gone = self._makings[lot].pop(making.event)
        self._touch("makings", lot)
        change.made.append(Quantity(lot, gone.place, -gone.mass_g, -gone.pieces))
        edges = self._in_edges.get(lot, {})
        for key, edge in [(key, edge) for key, edge in edges.items() if edge.event == making.event]:
            del edges[key]
            self._touch("edges", (lot, *key))
            change.withdrawn.append((lot, edge.input))
            if edge.is_main:
                change.consumed.append(Quantity(edge.input, making.place, -edge.mass_g, -edge.pieces))
            self._follow_again(edge.input, lot)

    def _connect(self, making: Making, content: Content, made: list[str], position: int, change: Change) -> None:
        inputs = [given.lot for given in content.inputs]
        looping: set[str] = set(inputs) & set(made)
        for output in made:
            if self._outputs_of.get(output):
                looping |= closes_cycle(output, inputs, self._outputs_of)
        for given in content.inputs:
            change.consumed.append(Quantity(given.lot, making.place, given.mass_g, given.pieces))
            if not self._is_named(given.lot):
                self._lots[given.lot] = not_known(given.lot)
                self._touch("lots", given.lot)
            for output in made:
                self._add_edge(making.event, output, given, output == content.lot, given.lot in looping)
        for lot in sorted(looping):
            self.flags.append(("lineage_cycle", lot, position))

    def _add_edge(self, event: str, output: str, given: LotInput, is_main: bool, closes: bool) -> None:
        edge = Edge(output, given.lot, event, given.mass_g, given.pieces, given.bears_origin, is_main, closes)
        self._in_edges.setdefault(output, {})[given.lot, event] = edge
        self._touch("edges", (output, given.lot, event))
        self._follow(edge)

    def _follow_again(self, given: str, output: str) -> None:
        """After an edge between two lots went: is there another one to follow?"""
        self._outputs_of.get(given, set()).discard(output)
        self._bearing_outputs_of.get(given, set()).discard(output)
        for edge in self._in_edges.get(output, {}).values():
            if edge.input == given:
                self._follow(edge)

    # ------------------------------------------------------------------ what follows from the makings

    def _sum_up(self, lot: str) -> None:
        makings = self._makings.get(lot)
        self._touch("lots", lot)
        if not makings:
            self._lots[lot] = not_known(lot)
            return
        if len(makings) == 1:
            (only,) = makings.values()
            self._lots[lot] = Lot(
                lot,
                True,
                only.kind,
                only.producer,
                only.supplier,
                only.maker,
                only.product,
                only.material,
                only.place,
                only.mass_g,
                only.pieces,
                only.occurred_at,
                only.first_position,
                only.position,
                only.event if only.is_said_by_lot() else None,
            )
            return
        first = min(makings.values(), key=lambda making: (making.occurred_at, making.event))
        self._lots[lot] = Lot(
            lot,
            True,
            first.kind,
            first.producer,
            first.supplier,
            first.maker,
            first.product,
            first.material,
            first.place,
            sum(making.mass_g for making in makings.values()),
            sum(making.pieces for making in makings.values()),
            first.occurred_at,
            min(making.first_position for making in makings.values()),
            max(making.position for making in makings.values()),
            None,
        )

    def _share(self, changed: Iterable[str], position: int) -> list[str]:
        """Compute the shares of lots that changed and of all that was made of them, inputs first."""
        lots = set(changed)
        return self._share_anew(lots | downstream(lots, self._bearing_outputs_of), position)

    def _share_anew(self, lots: set[str], position: int) -> list[str]:
        order = list(lots) if len(lots) == 1 else inputs_first(lots, self._bearing_outputs_of)
        for lot in order:
            was = self._shares.get(lot)
            if was is not None:
                self._earlier.append((lot, was[0], was[1].producers, was[1].ppm))
            self._shares[lot] = (position, self._blend(lot))
            self._touch("lots", lot)
        return order

    def _blend(self, lot: str) -> Shares:
        makings = self._makings.get(lot)
        if not makings:
            return ALL_UNKNOWN
        made = [Part(making.mass_g, making.pieces, self._blend_of_one(making)) for making in makings.values()]
        return made[0].shares if len(made) == 1 else blend(made)

    def _blend_of_one(self, making: Making) -> Shares:
        if making.kind == "material":
            return ALL_UNKNOWN
        event, shares = making.event, self._shares
        parts = [
            Part(mass_g, pieces, shares[given][1] if given in shares and not closes_cycle else ALL_UNKNOWN)
            for _, given, of, mass_g, pieces, bears, _, closes_cycle in self._in_edges.get(making.lot, {}).values()
            if bears and of == event
        ]
        if parts:
            basis: Basis = "pieces" if making.basis == "pieces" else "mass"
            return blend(parts, basis)
        # Nothing of a village went in: what a single producer made is that producer's, anything else nobody's.
        return all_of(making.producer) if making.producer else ALL_UNKNOWN

    # ------------------------------------------------------------------ writing

    def _lot_row(self, lot: str) -> Row:
        position, shares = self._shares.get(lot, (None, None))
        return (*self._lots[lot], position, *((shares.producers, shares.ppm) if shares else ((), ())))

    def _write_makings(self) -> None:
        """A lot's only making has a row of its own when the lot's row does not say all of it."""
        gone: list[tuple[str, str]] = []
        changed: list[Making] = []
        added: list[Making] = []
        for lot in self._touched["makings"]:
            makings = {} if self._lots[lot].event else self._makings[lot]
            stored = self._stored_makings.get(lot, set())
            gone += [(lot, event) for event in stored if event not in makings]
            for event, making in makings.items():
                (changed if event in stored else added).append(making)
        self._db.delete(self._tables.makings, gone)
        self._db.upsert(self._tables.makings, changed)
        self._db.copy_in(self._tables.makings, added)

    def _write(self, name: str, table: Any, row_of: Any) -> None:
        added, changed, gone = [], [], []
        for key in self._touched[name]:
            row, is_stored = row_of(key), (name, key) in self._stored
            if row is None:
                if is_stored:
                    gone.append(key)
            elif is_stored:
                changed.append(row)
            else:
                added.append(row)
        self._db.delete(table, gone)
        self._db.upsert(table, changed)
        self._db.copy_in(table, added)


def _makings_of(making: Making, content: Content, position: int) -> Iterable[Making]:
    """The main making with this content, and those of the by-products that are kept."""
    yield making._replace(
        producer=content.producer or making.producer_reported,
        mass_g=content.mass_g,
        pieces=content.pieces,
        position=position,
        by_lots=tuple(lot for lot, _, _ in content.by_products),
    )
    for lot, material, mass_g in content.by_products:
        yield making._replace(
            lot=lot,
            kind="by_product",
            producer=making.producer_reported,
            product=None,
            material=material,
            mass_g=mass_g,
            pieces=0,
            position=position,
            by_lots=(),
        )
