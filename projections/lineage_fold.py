"""The fold of a lineage: reports and corrections in, edges and origin shares out, whatever order they come in."""

from collections.abc import Iterable, Sequence
from typing import Any

from events.catalogue.base import Event, Recorded
from events.catalogue.network import ProductDefined
from events.catalogue.production import (
    BatchInputsCorrected,
    BatchProduced,
    LotCollected,
    LotCorrected,
    LotsPooled,
    MaterialReceived,
)
from projections.base import Db, Row
from projections.lineage import ALL_UNKNOWN, Basis, Part, Shares, all_of, blend, closes_cycle, downstream, inputs_first
from projections.lineage_tables import (
    Change,
    Content,
    Correction,
    Edge,
    Input,
    LineageTables,
    Lot,
    Making,
    Quantity,
    content_of,
    first_making,
    outputs,
)

_REPORTS = (LotCollected, MaterialReceived, LotsPooled, BatchProduced)
_CORRECTIONS = (LotCorrected, BatchInputsCorrected)
_NOTHING = Change()


class LineageFold:
    """The part of a lineage that one batch touches, in memory: read once, changed event by event, written once.

    Besides the lots of the batch it holds whatever lies downstream of lots that were known before, for they are
    computed anew when an input of theirs arrives late or is corrected.
    """

    def __init__(self, tables: LineageTables, db: Db, batch: Sequence[Recorded[Any]]) -> None:
        self._tables = tables
        self._db = db
        #: Judgements raised by the batch: flag, lot, position.
        self.flags: list[tuple[str, str, int]] = []
        #: Lots that the batch may make or change: of its reports, and of corrections that waited for one of these.
        self.made: set[str] = set()
        self._lots: dict[str, Lot] = {}
        self._makings: dict[str, dict[str, Making]] = {}
        self._in_edges: dict[str, dict[tuple[str, str], Edge]] = {}
        self._outputs_of: dict[str, set[str]] = {}
        self._bearing_outputs_of: dict[str, set[str]] = {}
        self._shares: dict[str, tuple[int, Shares]] = {}
        self._corrections: dict[tuple[str, str], Correction] = {}
        self._bases: dict[str, str] = {}
        self._stored: set[tuple[str, Any]] = set()
        self._touched: dict[str, dict[Any, None]] = {name: {} for name in _KEPT}
        self._earlier: list[Row] = []
        self._said: dict[int, Content] = {}
        self._load([recorded for recorded in batch if isinstance(recorded.event, _REPORTS + _CORRECTIONS)], batch)

    # ------------------------------------------------------------------ what the caller asks

    def apply(self, recorded: Recorded[Any]) -> Change:
        """Take one event of the batch, in the order of the log; what it changed."""
        event = recorded.event
        if isinstance(event, _REPORTS):
            return self._report(recorded, event)
        if isinstance(event, _CORRECTIONS):
            return self._correct(recorded, event)
        if isinstance(event, ProductDefined):
            self._bases[event.product] = event.origin_basis
            self._touch("bases", event.product)
        return _NOTHING

    def lot(self, lot: str) -> Lot | None:
        """A lot that the batch touches, as it is now."""
        return self._lots.get(lot)

    def stored_makers(self) -> set[str]:
        """Who made what the batch may change, as far as it was known before the batch."""
        makings = [making for makings in self._makings.values() for making in makings.values()]
        alone = {f"producer/{making.producer}" for making in makings if making.producer}
        return alone | {making.maker for making in makings if making.maker}

    def _is_named(self, lot: str) -> bool:
        """Whether the lineage knows of a lot: it was made, or taken by a step."""
        return lot in self._lots or lot in self._shares

    def shares(self, lot: str) -> Shares:
        """The origin shares of a lot that the batch touches, as they are now."""
        found = self._shares.get(lot)
        return found[1] if found else ALL_UNKNOWN

    def write(self) -> None:
        """Write what changed: new rows are added, known ones set, withdrawn ones removed."""
        tables = self._tables
        self._write("lots", tables.lots, self._lots.get)
        self._write("makings", tables.makings, lambda key: self._makings[key[0]].get(key[1]))
        self._write("edges", tables.edges, lambda key: self._in_edges[key[0]].get(key[1:]))
        self._write("corrections", tables.corrections, self._corrections.get)
        self._write("bases", tables.bases, lambda key: (key, self._bases[key]))
        self._write("shares", tables.shares, self._share_row)
        self._db.copy_in(tables.earlier_shares, self._earlier)

    # ------------------------------------------------------------------ one event

    def _report(self, recorded: Recorded[Any], event: Any) -> Change:
        basis = self._bases.get(event.product, "mass") if isinstance(event, BatchProduced) else "mass"
        content = self._said.pop(recorded.position, None) or content_of(event)
        making = first_making(event, recorded, basis, content, recorded.position)
        correction = self._correction_of(making) if self._corrections else None
        if correction is not None:
            content = self._agreeing(making, correction.content(), recorded.position) or content
        elif not content.inputs and not self._is_named(making.lot):
            return self._begin(making)
        if self._makings.get(making.lot):
            self.flags.append(("made_twice", making.lot, recorded.position))
        return self._replace(making, content, recorded.position)

    def _begin(self, making: Making) -> Change:
        """A lot that nobody named before and that was made of nothing: most lots of a network."""
        lot = making.lot
        self._makings[lot] = {making.event: making}
        self._touch("makings", (lot, making.event))
        self._sum_up(lot)
        producer = making.producer
        self._shares[lot] = (making.position, all_of(producer) if producer else ALL_UNKNOWN)
        self._touch("shares", lot)
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
            self._touch("makings", (made.lot, made.event))
            change.made.append(Quantity(made.lot, made.place, made.mass_g, made.pieces))
        after = list(outputs(content))
        self._connect(making, content, after, position, change)
        changed = dict.fromkeys([*before, *after])
        for lot in changed:
            self._sum_up(lot)
        change.reshared = self._share(changed, position)
        return change

    def _take_back(self, lot: str, making: Making, change: Change) -> None:
        gone = self._makings[lot].pop(making.event)
        self._touch("makings", (lot, making.event))
        change.made.append(Quantity(lot, gone.place, -gone.mass_g, -gone.pieces))
        edges = self._in_edges.get(lot, {})
        for key, edge in [(key, edge) for key, edge in edges.items() if edge.event == making.event]:
            del edges[key]
            self._touch("edges", (lot, *key))
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
                self._lots[given.lot] = _not_known(given.lot)
                self._touch("lots", given.lot)
            for output in made:
                self._add_edge(making.event, output, given, output == content.lot, given.lot in looping)
        for lot in sorted(looping):
            self.flags.append(("lineage_cycle", lot, position))

    def _add_edge(self, event: str, output: str, given: Input, is_main: bool, closes: bool) -> None:
        edge = Edge(output, given.lot, event, given.mass_g, given.pieces, given.bears_origin, is_main, closes)
        self._in_edges.setdefault(output, {})[given.lot, event] = edge
        self._touch("edges", (output, given.lot, event))
        self._follow(edge)

    def _follow(self, edge: Edge) -> None:
        if not edge.closes_cycle:
            self._outputs_of.setdefault(edge.input, set()).add(edge.output)
            if edge.bears_origin:
                self._bearing_outputs_of.setdefault(edge.input, set()).add(edge.output)

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
            self._lots[lot] = _not_known(lot)
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
        )

    def _share(self, changed: Iterable[str], position: int) -> list[str]:
        """Compute the shares of lots that changed and of all that was made of them, inputs first."""
        lots = set(changed)
        lots |= downstream(lots, self._bearing_outputs_of)
        order = list(lots) if len(lots) == 1 else inputs_first(lots, {lot: self._bearing_inputs(lot) for lot in lots})
        for lot in order:
            was = self._shares.get(lot)
            if was is not None:
                self._earlier.append((lot, was[0], was[1].producers, was[1].ppm))
            self._shares[lot] = (position, self._blend(lot))
            self._touch("shares", lot)
        return order

    def _bearing_inputs(self, lot: str) -> list[str]:
        edges = self._in_edges.get(lot, {}).values()
        return [edge.input for edge in edges if edge.bears_origin and not edge.closes_cycle]

    def _blend(self, lot: str) -> Shares:
        makings = list(self._makings.get(lot, {}).values())
        if not makings:
            return ALL_UNKNOWN
        made = [(making, self._blend_of_one(making)) for making in makings]
        if len(made) == 1:
            return made[0][1]
        return blend([Part(making.mass_g, making.pieces, shares) for making, shares in made])

    def _blend_of_one(self, making: Making) -> Shares:
        if making.kind == "material":
            return ALL_UNKNOWN
        parts = [
            Part(edge.mass_g, edge.pieces, ALL_UNKNOWN if edge.closes_cycle else self.shares(edge.input))
            for edge in self._in_edges.get(making.lot, {}).values()
            if edge.event == making.event and edge.bears_origin
        ]
        if parts:
            basis: Basis = "pieces" if making.basis == "pieces" else "mass"
            return blend(parts, basis)
        # Nothing of a village went in: what a single producer made is that producer's, anything else nobody's.
        return all_of(making.producer) if making.producer else ALL_UNKNOWN

    # ------------------------------------------------------------------ reading

    def _load(self, mentions: Sequence[Recorded[Any]], batch: Sequence[Recorded[Any]]) -> None:
        products = {
            recorded.event.product for recorded in batch if isinstance(recorded.event, BatchProduced | ProductDefined)
        }
        for product, basis in self._db.by_key(self._tables.bases, products).values():
            self._bases[product] = basis
            self._stored.add(("bases", product))
        if not mentions:
            return
        self._said = {recorded.position: content_of(recorded.event) for recorded in mentions}
        contents = [*self._said.values(), *self._load_corrections(mentions)]
        made = {lot for content in contents for lot in outputs(content)}
        taken = {given.lot for content in contents for given in content.inputs}
        # A lot with shares is known; only of the others it matters whether they were named at all.
        self._load_shares(made | taken)
        known = self._load_lots(made | (taken - self._shares.keys())) & made
        if known:
            known |= self._load_makings(known)
            made |= known
            by_steps = {lot for content in contents if content.inputs for lot in outputs(content)} & known
            self._load_downstream(known, by_steps)
        self.made = made

    def _load_corrections(self, mentions: Sequence[Recorded[Any]]) -> list[Content]:
        reports = {str(recorded.event_id) for recorded in mentions if isinstance(recorded.event, _REPORTS)}
        corrected = {recorded.event.corrects for recorded in mentions if isinstance(recorded.event, _CORRECTIONS)}
        found = [
            Correction(*row) for row in self._db.where_in(self._tables.corrections, "corrects", reports | corrected)
        ]
        for correction in found:
            key = (correction.corrects, correction.type)
            self._corrections[key] = correction
            self._stored.add(("corrections", key))
        return [correction.content() for correction in found if correction.corrects in reports]

    def _load_lots(self, lots: set[str]) -> set[str]:
        found = self._db.by_key(self._tables.lots, lots - self._lots.keys())
        for lot, row in found.items():
            self._lots[lot] = Lot(*row)
            self._stored.add(("lots", lot))
        return set(found)

    def _load_makings(self, lots: set[str]) -> set[str]:
        """Load the makings of lots, and of the by-products made along with them; the latter's lots are returned."""
        along: set[str] = set()
        for row in self._db.where_in(self._tables.makings, "lot", lots):
            making = Making(*row)
            self._makings.setdefault(making.lot, {})[making.event] = making
            self._stored.add(("makings", (making.lot, making.event)))
            along |= set(making.by_lots) - lots
        along -= self._makings.keys()
        if along:
            self._load_lots(along)
            self._load_makings(along)
        return along

    def _load_downstream(self, known: set[str], by_steps: set[str]) -> None:
        """Load what was made of lots that were known before, with all that is needed to compute it anew.

        Along origin-bearing edges only, but for lots that a step makes along all of them, to see a cycle.
        """
        below = self._reach(known, "AND e.bears_origin") | self._reach(by_steps, "")
        edges = {
            row[:3]: Edge(*row)
            for column, lots in (("input", below), ("output", below))
            for row in self._db.where_in(self._tables.edges, column, lots)
        }
        for key, edge in edges.items():
            self._in_edges.setdefault(edge.output, {})[edge.input, edge.event] = edge
            self._stored.add(("edges", key))
            self._follow(edge)
        self._load_makings(below - self._makings.keys())
        self._load_shares(below | {edge.input for edge in edges.values()})

    def _reach(self, roots: set[str], only: str) -> set[str]:
        if not roots:
            return set()
        edges = self._tables.edges.name
        found = self._db.rows(
            f"""
            WITH RECURSIVE reached (lot) AS (
                SELECT lot COLLATE "C" FROM unnest(%s::text[]) AS root (lot)
                UNION
                SELECT e.output FROM reached r JOIN {edges} e ON e.input = r.lot WHERE NOT e.closes_cycle {only}
            )
            SELECT lot FROM reached
            """,  # noqa: S608 - the table's own name and a constant
            [list(roots)],
        )
        return {row[0] for row in found}

    def _load_shares(self, lots: set[str]) -> None:
        for row in self._db.by_key(self._tables.shares, lots - self._shares.keys()).values():
            lot, position, producers, ppm = row
            self._shares[lot] = (position, Shares(tuple(producers), tuple(ppm)))
            self._stored.add(("shares", lot))

    # ------------------------------------------------------------------ writing

    def _touch(self, table: str, key: Any) -> None:
        self._touched[table][key] = None

    def _share_row(self, lot: str) -> Row:
        position, shares = self._shares[lot]
        return lot, position, shares.producers, shares.ppm

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


_KEPT = ("lots", "makings", "edges", "corrections", "bases", "shares")


def _not_known(lot: str) -> Lot:
    return Lot(lot, False, None, None, None, None, None, None, None, 0, 0, None, None, None)


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


def is_lineage(event: Event) -> bool:
    """Whether an event makes, consumes or corrects lots."""
    return isinstance(event, _REPORTS + _CORRECTIONS)
