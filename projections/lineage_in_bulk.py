"""Lots that somebody gathered and that meet nothing else in their batch, taken in the database all at a time.

Most lots of a network are of this kind: nobody named them before, nobody corrects them, and what is made of them
comes later. Such a lot may be there before anything else of its batch is looked at, as if a batch had ended behind it;
hence `lineage_fold` finds it stored. The others are read, and `lineage_fold` takes them one by one.
"""

from collections.abc import Collection, Iterable, Sequence
from typing import Any, Final

from events.catalogue.base import Event, Recorded
from events.catalogue.production import LotCollected
from projections.base import Db, array_text
from projections.in_bulk import LEFT, stretch
from projections.lineage_image import CORRECTIONS, REPORTS
from projections.lineage_tables import Correction, LineageTables, content_of, mentioned

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

# Reported twice; named before this batch, or in it by another event that comes first; corrected. Arrays, because a
# list of keys is looked up in an index whatever the planner believes of tables that it has not seen full.
_NOT_ORDINARY: Final = """
    DELETE FROM {ordinary}
    WHERE lot IN (SELECT lot FROM {ordinary} GROUP BY lot HAVING count(*) > 1)
       OR lot IN (SELECT lot FROM {lots} WHERE lot = ANY (ARRAY(SELECT lot FROM {ordinary})))
       OR lot = ANY (%(careful)s::text[])
       OR position IN (SELECT o.position FROM unnest(%(named)s::text[], %(named_at)s::bigint[]) AS first (lot, position)
                       JOIN {ordinary} o ON o.lot = first.lot AND o.position > first.position)
       OR event = ANY (%(corrected)s::text[])
       OR event IN (SELECT corrects FROM {corrections} WHERE corrects = ANY (ARRAY(SELECT event FROM {ordinary})))
    RETURNING position
"""

# What `LineageFold` writes of a lot that begins.
_LOTS: Final = """
    INSERT INTO {lots} (lot, is_known, kind, producer, material, made_at, mass_g, pieces, occurred_at,
                        first_position, last_position)
    SELECT lot, true, 'collected', producer, material, place, mass_g, pieces, occurred_at, position, position
    FROM {ordinary}
"""
_MAKINGS: Final = """
    INSERT INTO {makings} (lot, event, kind, producer_reported, producer, material, place, occurred_at, basis,
                           mass_g, pieces, first_position, position, by_lots)
    SELECT lot, event, 'collected', producer, producer, material, place, occurred_at, 'mass',
           mass_g, pieces, position, position, '{{}}'
    FROM {ordinary}
"""
_SHARES: Final = """
    INSERT INTO {shares} (lot, computed_at_position, producers, ppm)
    SELECT lot, position, ARRAY[producer], ARRAY[1000000] FROM {ordinary}
"""


def ordinary(tables: LineageTables) -> str:
    """The temporary table in which the ordinary lots of a batch stand, until its transaction ends."""
    return f"{tables.prefix}_ordinary"


def take_ordinary(
    tables: LineageTables,
    db: Db,
    positions: Sequence[int],
    others: Sequence[Recorded[Event]],
    careful: Collection[str] = (),
) -> Sequence[Recorded[Event]]:
    """Write the rows of ordinary lots among those that a stretch of the log left at `positions`.

    `others` are its events that were read; they come back together with the lots that are not ordinary. Lots that are
    `careful` never are: whoever calls may need to see them come.
    """
    names = {name: getattr(tables, name).name for name in ("lots", "makings", "shares", "corrections")}
    names["ordinary"] = ordinary(tables)
    db.execute(_KEPT_APART.format(**names))
    db.execute("TRUNCATE {ordinary}".format(**names))
    db.execute(_COLLECTED.format(**names), stretch(positions, LotCollected))
    named = _named(tables, db, others)
    corrected = [recorded.event.corrects for recorded in others if isinstance(recorded.event, CORRECTIONS)]
    found = db.rows(
        _NOT_ORDINARY.format(**names),
        {
            "named": array_text(named),
            "named_at": array_text(named.values()),
            "corrected": corrected,
            "careful": array_text(careful),
        },
    )
    for statement in (_LOTS, _MAKINGS, _SHARES):
        db.execute(statement.format(**names))
    if not found:
        return others
    opened = db.opened([position for (position,) in found])
    return sorted([*others, *opened], key=lambda recorded: recorded.position)


def _named(tables: LineageTables, db: Db, others: Iterable[Recorded[Any]]) -> dict[str, int]:
    """Which lots are named by events that were read, or by corrections that waited for these, and where first."""
    named: dict[str, int] = {}
    reports: dict[str, int] = {}
    for recorded in others:
        event, position = recorded.event, recorded.position
        if isinstance(event, REPORTS + CORRECTIONS):
            for lot in mentioned(content_of(event)):
                named.setdefault(lot, position)
            if isinstance(event, REPORTS):
                reports[str(recorded.event_id)] = position
    for row in db.where_in(tables.corrections, "corrects", reports):
        correction = Correction(*row)
        position = reports[correction.corrects]
        for lot in mentioned(correction.content()):
            named[lot] = min(named.get(lot, position), position)
    return named
