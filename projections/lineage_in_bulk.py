"""Lots that somebody gathered and that nobody else makes or corrects, taken in the database all at a time.

Most lots of a network are of this kind, and what is made of them mostly comes later. Such a lot may be there before
anything else of its batch is looked at, as if a batch had ended behind it; hence `lineage_fold` finds it stored. If it
was taken by a step before it was reported, `lineage_fold` is told when it comes, and computes anew what was made of it.
Other lots are read, and `lineage_fold` takes them one by one.
"""

from collections.abc import Iterable, Sequence
from typing import Any, Final, NamedTuple

from events.catalogue.base import Event, Recorded
from events.catalogue.production import LotCollected
from projections.base import Db, array_text
from projections.in_bulk import LEFT, stretch
from projections.lineage_image import Late
from projections.lineage_reports import CORRECTIONS, REPORTS, Content, content_of, corrected_content, outputs
from projections.lineage_tables import Correction, LineageTables

_KEPT_APART: Final = """
    CREATE TEMPORARY TABLE IF NOT EXISTS {ordinary} (
        position bigint, event text COLLATE "C", occurred_at timestamptz, lot text COLLATE "C",
        producer text COLLATE "C", material text COLLATE "C", mass_g bigint, pieces bigint, place text COLLATE "C"
    ) ON COMMIT DELETE ROWS
"""

_COLLECTED: Final = f"""
    INSERT INTO {{ordinary}}
    SELECT said.position, said.event, said.occurred_at, said.data ->> 'lot', said.data ->> 'producer',
           said.data ->> 'material', (said.data ->> 'mass_g')::bigint,
           coalesce((said.data ->> 'pieces')::bigint, 0), said.data ->> 'delivered_to'
    FROM {LEFT} AS said
"""  # noqa: S608 - constants

# Reported twice; named before this batch; made or corrected in it by another event. Arrays, because a list of keys is
# looked up in an index whatever the planner believes of tables that it has not seen full.
_NOT_ORDINARY: Final = """
    DELETE FROM {ordinary}
    WHERE lot IN (SELECT lot FROM {ordinary} GROUP BY lot HAVING count(*) > 1)
       OR lot IN (SELECT lot FROM {lots} WHERE lot = ANY (ARRAY(SELECT lot FROM {ordinary})))
       OR lot = ANY (%(made)s::text[])
       OR event = ANY (%(corrected)s::text[])
       OR event IN (SELECT corrects FROM {corrections} WHERE corrects = ANY (ARRAY(SELECT event FROM {ordinary})))
       OR {careful}
    RETURNING position
"""

_LATE: Final = """
    SELECT o.position, o.lot, o.producer
    FROM unnest(%s::text[], %s::bigint[]) AS taken (lot, position)
    JOIN {ordinary} o ON o.lot = taken.lot AND o.position > taken.position
    ORDER BY o.position
"""

# What `LineageFold` writes of a lot that begins.
_LOTS: Final = """
    INSERT INTO {lots} (lot, is_known, kind, producer, material, made_at, mass_g, pieces, occurred_at,
                        first_position, last_position, event, computed_at_position, producers, ppm)
    SELECT lot, true, 'collected', producer, material, place, mass_g, pieces, occurred_at,
           position, position, event, position, ARRAY[producer], ARRAY[1000000]
    FROM {ordinary}
"""


def ordinary(tables: LineageTables) -> str:
    """The temporary table in which the ordinary lots of a batch stand, until its transaction ends."""
    return f"{tables.prefix}_ordinary"


class Taken(NamedTuple):
    """What is left to do of a stretch of the log, in the order of positions."""

    others: Sequence[Recorded[Event]]  #: events that were read, and lots that were left but are not ordinary
    late: Sequence[Late]  #: lots that have their rows, but were taken by a step before they came


def take_ordinary(
    tables: LineageTables,
    db: Db,
    positions: Sequence[int],
    others: Sequence[Recorded[Event]],
    careful: str = "false",
) -> Taken:
    """Write the rows of ordinary lots among those that a stretch of the log left at `positions`.

    `others` are its events that were read. `careful` is a condition in SQL on `lot`, for lots that are not ordinary to
    the caller, who needs to see them come.
    """
    names = {"lots": tables.lots.name, "corrections": tables.corrections.name}
    names |= {"ordinary": ordinary(tables), "careful": careful}
    db.execute(_KEPT_APART.format(**names))
    db.execute("TRUNCATE {ordinary}".format(**names))
    db.execute(_COLLECTED.format(**names), stretch(positions, LotCollected))
    said = _Said(tables, db, others)
    not_ordinary = db.rows(
        _NOT_ORDINARY.format(**names), {"made": array_text(said.made), "corrected": array_text(said.corrected)}
    )
    db.execute(_LOTS.format(**names))
    late = db.rows(_LATE.format(**names), [array_text(said.taken), array_text(said.taken.values())])
    if not_ordinary:
        opened = db.opened([position for (position,) in not_ordinary])
        others = sorted([*others, *opened], key=lambda recorded: recorded.position)
    return Taken(others, [Late(*row) for row in late])


class _Said:
    """Which lots are made, corrected and taken by events that were read, or by corrections that waited for these."""

    def __init__(self, tables: LineageTables, db: Db, others: Iterable[Recorded[Any]]) -> None:
        self.made: set[str] = set()
        self.corrected: set[str] = set()
        self.taken: dict[str, int] = {}  #: by the first of them, at which position
        reports: dict[str, int] = {}
        for recorded in others:
            event = recorded.event
            if isinstance(event, REPORTS):
                reports[str(recorded.event_id)] = recorded.position
            elif isinstance(event, CORRECTIONS):
                self.corrected.add(event.corrects)
            else:
                continue
            self._note(content_of(event), recorded.position)
        for row in db.where_in(tables.corrections, "corrects", reports):
            correction = Correction(*row)
            self._note(corrected_content(correction), reports[correction.corrects])

    def _note(self, content: Content, position: int) -> None:
        self.made.update(outputs(content))
        for given in content.inputs:
            if position < self.taken.get(given.lot, position + 1):
                self.taken[given.lot] = position
