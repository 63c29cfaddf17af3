"""The part of a lineage that one batch touches, read in bulk and held in memory."""

from collections.abc import Collection, Sequence
from typing import Any, NamedTuple

from events.catalogue.base import Recorded
from events.catalogue.network import ProductDefined
from events.catalogue.production import BatchProduced
from projections.base import Db
from projections.lineage import ALL_UNKNOWN, Shares, all_of
from projections.lineage_reports import CORRECTIONS, REPORTS, Content, content_of, corrected_content, outputs
from projections.lineage_tables import Correction, Edge, LineageTables, Lot, Making, only_making
from projections.statements import Row, array_text

#: The tables of whose rows an image notes which ones changed.
KEPT = ("lots", "makings", "edges", "corrections", "bases")


class Late(NamedTuple):
    """Shares that a lot has from a position on, whose rows are written already: they say how it ends."""

    position: int
    lot: str
    shares: Shares


class LineageImage:
    """Lots, makings, edges and shares as one batch finds them.

    Besides the lots of the batch it holds whatever lies downstream of lots that were known before, for they are
    computed anew when an input of theirs arrives late or is corrected.
    """

    def __init__(
        self, tables: LineageTables, db: Db, batch: Sequence[Recorded[Any]], late: Sequence[Late] = ()
    ) -> None:
        self._tables = tables
        self._db = db
        #: Judgements raised by the batch: flag, lot, position.
        self.flags: list[tuple[str, str, int]] = []
        #: Lots that the batch may make or change: of its reports, and of corrections that waited for one of these.
        self.made: set[str] = set()
        self._lots: dict[str, Lot] = {}
        self._named: set[str] = set()  #: lots of which only the shares are loaded
        self._makings: dict[str, dict[str, Making]] = {}
        self._in_edges: dict[str, dict[tuple[str, str], Edge]] = {}
        self._outputs_of: dict[str, set[str]] = {}
        self._bearing_outputs_of: dict[str, set[str]] = {}
        self._shares: dict[str, tuple[int, Shares]] = {}
        self._corrections: dict[tuple[str, str], Correction] = {}
        self._bases: dict[str, str] = {}
        self._stored: set[tuple[str, Any]] = set()
        self._stored_makings: dict[str, set[str]] = {}
        self._touched: dict[str, dict[Any, None]] = {name: {} for name in KEPT}
        self._earlier: list[Row] = []
        self._said: dict[int, Content] = {}
        self._late = {one.lot for one in late}
        self._said_makers: set[str] = set()  #: by corrections that waited for a report of the batch
        self._load([recorded for recorded in batch if isinstance(recorded.event, REPORTS + CORRECTIONS)], batch)

    def lot(self, lot: str) -> Lot | None:
        """A lot that the batch touches, as it is now."""
        return self._lots.get(lot)

    def stored_makers(self) -> set[str]:
        """Who made what the batch may change, as far as that was said before the batch."""
        makings = [making for makings in self._makings.values() for making in makings.values()]
        # A correction that names nobody says that it was who had been reported.
        producers = {name for making in makings for name in (making.producer, making.producer_reported) if name}
        alone = {f"producer/{producer}" for producer in producers}
        return alone | {making.maker for making in makings if making.maker} | self._said_makers

    def _is_named(self, lot: str) -> bool:
        """Whether the lineage knows of a lot: it was made, or taken by a step."""
        return lot in self._lots or lot in self._named or lot in self._late

    def shares(self, lot: str) -> Shares:
        """The origin shares of a lot that the batch touches, as they are now."""
        found = self._shares.get(lot)
        return found[1] if found else ALL_UNKNOWN

    def _follow(self, edge: Edge) -> None:
        if not edge.closes_cycle:
            self._outputs_of.setdefault(edge.input, set()).add(edge.output)
            if edge.bears_origin:
                self._bearing_outputs_of.setdefault(edge.input, set()).add(edge.output)

    def _touch(self, table: str, key: Any) -> None:
        self._touched[table][key] = None

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
        self._load_origins(taken - made)
        known = self._load_lots(made)
        if known:
            known |= self._load_makings(known)
            made |= known
            by_steps = {lot for content in contents if content.inputs for lot in outputs(content)} & known
            self._load_downstream(known, by_steps)
        self.made = made
        for lot in self._late:  # they have not come, or not become what they are, yet
            self._named.discard(lot)
            self._shares.pop(lot, None)

    def _load_corrections(self, mentions: Sequence[Recorded[Any]]) -> list[Content]:
        reports = {str(recorded.event_id) for recorded in mentions if isinstance(recorded.event, REPORTS)}
        corrected = {recorded.event.corrects for recorded in mentions if isinstance(recorded.event, CORRECTIONS)}
        found = [
            Correction(*row) for row in self._db.where_in(self._tables.corrections, "corrects", reports | corrected)
        ]
        for correction in found:
            key = (correction.corrects, correction.type)
            self._corrections[key] = correction
            self._stored.add(("corrections", key))
        waited = [corrected_content(correction) for correction in found if correction.corrects in reports]
        self._said_makers = {f"producer/{content.producer}" for content in waited if content.producer}
        return waited

    def _load_lots(self, lots: set[str]) -> set[str]:
        """Load lots with their shares; those are returned that were named before."""
        found = self._db.by_key(self._tables.lots, lots - self._lots.keys())
        for lot, row in found.items():
            *said, position, producers, ppm = row
            self._lots[lot] = Lot(*said)
            self._stored.add(("lots", lot))
            self._keep_shares(lot, position, producers, ppm)
        return set(found)

    def _load_origins(self, lots: set[str]) -> None:
        """Load which lots were named before, and their shares: all that matters of what a step takes."""
        found = self._db.rows(
            f"SELECT lot, computed_at_position, producers, ppm FROM {self._tables.lots.name}"  # noqa: S608 - its own name
            " WHERE lot = ANY(%s::text[])",
            [array_text(lots)],
        )
        for row in found:
            self._named.add(row[0])
            self._keep_shares(*row)

    def _keep_shares(self, lot: str, position: int | None, producers: Sequence[str], ppm: Sequence[int]) -> None:
        if position is not None:
            alone = len(producers) == 1
            self._shares[lot] = (position, all_of(*producers) if alone else Shares(tuple(producers), tuple(ppm)))

    def _load_makings(self, lots: set[str]) -> set[str]:
        """Load the makings of lots, and of the by-products made along with them; the latter's lots are returned."""
        along: set[str] = set()
        more: set[str] = set()
        for lot in lots:
            said = self._lots.get(lot)
            if said is not None and said.event is not None:
                self._makings[lot] = {said.event: only_making(said)}
            else:
                more.add(lot)
        for row in self._db.where_in(self._tables.makings, "lot", more):
            making = Making(*row)
            self._makings.setdefault(making.lot, {})[making.event] = making
            self._stored_makings.setdefault(making.lot, set()).add(making.event)
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
        tables, db = self._tables, self._db
        reached = below(tables, db, known, "AND e.bears_origin") | below(tables, db, by_steps)
        edges = {
            row[:3]: Edge(*row)
            for column, lots in (("input", reached), ("output", reached))
            for row in self._db.where_in(self._tables.edges, column, lots)
        }
        for key, edge in edges.items():
            self._in_edges.setdefault(edge.output, {})[edge.input, edge.event] = edge
            self._stored.add(("edges", key))
            self._follow(edge)
        self._load_lots(reached)
        self._load_origins({edge.input for edge in edges.values()} - self._lots.keys() - self._named)
        self._load_makings(reached - self._makings.keys())


def below(tables: LineageTables, db: Db, roots: Collection[str], only: str = "") -> set[str]:
    """Lots, and whatever of the tables was made of them, along edges that are followed; `only` some, if it says so."""
    if not roots:
        return set()
    found = db.rows(
        f"""
        WITH RECURSIVE reached (lot) AS (
            SELECT lot COLLATE "C" FROM unnest(%s::text[]) AS root (lot)
            UNION
            SELECT e.output FROM reached r CROSS JOIN LATERAL (
                SELECT output FROM {tables.edges.name} e WHERE e.input = r.lot AND NOT e.closes_cycle {only} OFFSET 0
            ) AS e -- lot by lot through the index, whatever the planner believes of tables it has not seen full
        )
        SELECT lot FROM reached
        """,  # noqa: S608 - the table's own name and a constant
        [list(roots)],
    )
    return {row[0] for row in found}
