"""The past of one lot: what bears on it, of all that was recorded up to a position, is folded again on the spot.

The served tables say where to look: they hold every lot, edge, movement and receipt that was ever recorded, and the
little that a later correction took away is found in the streams of the corrected steps. More is folded than needed and
never less, so what the tables then say of this one lot, and of the units that came of it, is what a fold of the whole
log says. Of anything else they say nothing.
"""

from collections import defaultdict
from collections.abc import Iterable, Iterator
from typing import Any, Final, NamedTuple

from sqlalchemy.dialects import postgresql
from sqlalchemy.schema import CreateTable

from events.canonical import decode_leaf
from events.catalogue.base import Event, Recorded
from events.catalogue.outlets import TillFact
from events.catalogue.production import BatchInputsCorrected, BatchPacked, BatchProduced, LotFact
from events.catalogue.registry import UndecodableEvent, UnknownEventType
from projections.base import Connection, Db
from projections.folding import is_outage
from projections.inventory import MODEL as INVENTORY
from projections.lineage_reports import content_of, outputs
from projections.traceability import MODEL as TRACEABILITY
from projections.traceability_queries import lot_of

#: More than so many events or lots are not folded while somebody waits.
EVENTS_MAX: Final = 5_000
LOTS_MAX: Final = 3_000

_MODELS = (TRACEABILITY, INVENTORY)
_TABLES = ";".join(
    str(CreateTable(table).compile(dialect=postgresql.dialect()))  # type: ignore[no-untyped-call]
    for model in _MODELS
    for table in model.tables.sorted_tables
)
#: Fields that name somebody or something with a stream of its own.
_NAMED = frozenset({"producer", "supplier", "workshop", "outlet", "product", "village"})
_PLACES = ("workshop/", "outlet/", "producer/")


class FoldTheWhole(Exception):
    """This lot's past is not told by a few events; the whole log up to the position has to be folded."""


def turn_back(connection: Connection, lot_or_code: str, position: int) -> None:
    """Turn this transaction to tables of its own, as they stood at a position, for one lot.

    The transaction shows the served tables, may write, and is to be rolled back. Raises FoldTheWhole.
    """
    db = Db(connection)
    events = _Search(db, position).all_about(lot_or_code)
    connection.execute("SELECT set_config('search_path', 'pg_temp', true)")
    connection.execute(_TABLES.encode())
    try:
        for model in _MODELS:
            taken = [recorded for recorded in events if type(recorded.event) in model.takes]
            if taken:
                model.fold(taken, db)
    except BaseException as error:
        if is_outage(error):
            raise
        raise FoldTheWhole from error  # which parks what cannot be folded


class _Edge(NamedTuple):
    output: str
    input: str


class _Search:
    """Finds the events up to a position that bear on a lot."""

    def __init__(self, db: Db, position: int) -> None:
        self._db, self._position = db, position
        self._found: dict[int, Recorded[Event]] = {}
        self._streams: set[str] = set()
        self._inputs_of: dict[str, set[str]] = defaultdict(set)
        self._outputs_of: dict[str, set[str]] = defaultdict(set)

    def all_about(self, lot_or_code: str) -> list[Recorded[Event]]:
        """In the order of their positions. Raises FoldTheWhole."""
        if self._db.rows("SELECT 1 FROM projection.parked JOIN projection.serving USING (schema) LIMIT 1"):
            raise FoldTheWhole  # the served tables do not know everything
        lot = lot_of(self._db, lot_or_code)
        if lot is None:
            return []
        is_known = any(known for (known,) in self._db.rows("SELECT is_known FROM trace_lots WHERE lot = %s", [lot]))
        self._take_back_corrections(0 if not is_known else self._position)
        moved = self._reach([lot], up=False)
        lots = sorted(self._reach([lot], up=True) | moved)
        self._read([f"lot/{one}" for one in lots], self._makings(lots))
        # The steps that have one of them as a by-product, with their own corrections.
        self._read(f"lot/{each.event.lot}" for each in self._events() if isinstance(each.event, LotFact))
        self._read(*self._movements(sorted(moved)))
        self._read((), self._receipts(sorted(moved)))
        self._read(f"recall/{recall}" for (recall,) in self._db.rows("SELECT recall FROM trace_recalls"))
        self._read(self._certificates(lot))
        while (names := set(self._names())) - self._streams:
            self._read(names)
        return self._events()

    def _events(self) -> list[Recorded[Event]]:
        return [self._found[position] for position in sorted(self._found)]

    def _read(self, streams: Iterable[str], positions: Iterable[int] = ()) -> None:
        """Whole streams and single events, up to the position."""
        wanted = set(streams) - self._streams
        self._streams |= wanted
        rows = self._db.rows(
            "SELECT position, version, leaf FROM log.events WHERE stream = ANY(%(streams)s::text[])"
            " AND position <= %(upto)s UNION "
            "SELECT position, version, leaf FROM log.events WHERE position = ANY(%(positions)s::bigint[])"
            " AND position <= %(upto)s LIMIT %(most)s",
            {
                "streams": list(wanted),
                "positions": list(set(positions) - self._found.keys()),
                "upto": self._position,
                "most": EVENTS_MAX + 1,
            },
        )
        if len(self._found) + len(rows) > EVENTS_MAX:
            raise FoldTheWhole
        try:
            self._found.update({row[0]: decode_leaf(*row) for row in rows})
        except (UnknownEventType, UndecodableEvent) as error:
            raise FoldTheWhole from error

    # ------------------------------------------------------------------ the lineage as it may have been

    def _take_back_corrections(self, after: int) -> None:
        """Edges that were there and that a later correction took away; of a lot that is only named, any correction."""
        rows = self._db.rows(
            "SELECT DISTINCT said::jsonb ->> 'lot' FROM trace_corrections WHERE position > %s AND type = %s LIMIT %s",
            [after, BatchInputsCorrected.wire_name, LOTS_MAX + 1],
        )
        if len(rows) > LOTS_MAX:
            raise FoldTheWhole
        self._read(f"lot/{lot}" for (lot,) in rows)
        for recorded in self._found.values():
            if isinstance(recorded.event, LotFact) and hasattr(recorded.event, "inputs"):
                content = content_of(recorded.event)
                self._note(_Edge(made, taken.lot) for made in outputs(content) for taken in content.inputs)
        self._found.clear()
        self._streams.clear()

    def _note(self, edges: Iterable[_Edge]) -> None:
        for output, given in edges:
            self._inputs_of[output].add(given)
            self._outputs_of[given].add(output)

    def _reach(self, lots: Iterable[str], *, up: bool) -> set[str]:
        """These lots and all above or below them, over every edge, closing a cycle or not, taken back or not."""
        column, step = ("output", self._inputs_of) if up else ("input", self._outputs_of)
        query = " UNION ALL ".join(
            f"SELECT output, input FROM {table} WHERE {column} = ANY(%(ahead)s::text[])"  # noqa: S608 - words of ours
            for table in ("trace_edges", "trace_withdrawn_edges")
        )
        reached: set[str] = set()
        ahead = set(lots)
        while ahead:
            reached |= ahead
            if len(reached) > LOTS_MAX:
                raise FoldTheWhole
            self._note(_Edge(*row) for row in self._db.rows(query, {"ahead": list(ahead)}))
            ahead = {found for lot in ahead for found in step.get(lot, ())} - reached
        return reached

    def _makings(self, lots: list[str]) -> list[int]:
        rows = self._db.rows(
            "SELECT first_position FROM trace_makings WHERE lot = ANY(%(lots)s::text[]) UNION ALL"
            " SELECT first_position FROM trace_lots WHERE lot = ANY(%(lots)s::text[]) AND event IS NOT NULL",
            {"lots": lots},
        )
        return [position for (position,) in rows]

    # ------------------------------------------------------------------ what happened to units

    def _movements(self, lots: list[str]) -> tuple[list[str], list[int]]:
        """The streams of the consignments they were in, and whatever else happened to them at places."""
        rows = self._db.rows("SELECT consignment, position FROM trace_movements WHERE lot = ANY(%s::text[])", [lots])
        return [f"consignment/{consignment}" for consignment, _ in rows if consignment], [row[1] for row in rows]

    def _receipts(self, lots: list[str]) -> list[int]:
        """Receipts that ever named one of them, and all that was said of those receipts."""
        rows = self._db.rows(
            """
            WITH refs AS MATERIALIZED (
                SELECT ref FROM income_lines WHERE batch = ANY(%(lots)s::text[])
                UNION
                SELECT ref FROM income_changes WHERE batch = ANY(%(lots)s::text[])
            )
            SELECT position FROM income_lines JOIN refs USING (ref)
            UNION
            SELECT position FROM income_changes JOIN refs USING (ref)
            """,
            {"lots": lots},
        )
        return [position for (position,) in rows]

    # ------------------------------------------------------------------ who and where

    def _certificates(self, lot: str) -> Iterator[str]:
        """Of the lot's own makers, for its own products."""
        events = [each.event for each in self._events() if isinstance(each.event, LotFact) and each.event.lot == lot]
        makers = {event.made_by for event in events if isinstance(event, BatchProduced)}
        makers |= {f"producer/{producer}" for event in events if (producer := getattr(event, "producer", None))}
        products = {event.product for event in events if isinstance(event, BatchProduced | BatchPacked)}
        return (f"certificate/{maker}/{product}" for maker in makers for product in products)

    def _names(self) -> Iterator[str]:
        """The streams of everybody and everything that the events found so far name."""
        for recorded in self._found.values():
            if isinstance(recorded.event, TillFact):
                continue
            fields: dict[str, Any] = vars(recorded.event)
            for name, value in fields.items():
                if not isinstance(value, str):
                    continue
                if name in _NAMED:
                    yield f"{name}/{value}"
                elif name == "region":
                    yield f"region/{value.lower()}"
                elif value.startswith(_PLACES):
                    yield value
