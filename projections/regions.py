"""What there is in one region, over the read models together: whoever has an office for a region lists it from here."""

from collections.abc import Mapping
from typing import Any, Final, Literal

from psycopg.rows import dict_row

from projections.base import Connection

What = Literal["villages", "producers", "workshops", "outlets", "stock", "consignments", "statements"]

#: Every place of the region.
_PLACES: Final = """
SELECT 'outlet/' || outlet AS place FROM trace_outlets WHERE region = %(region)s
UNION ALL
SELECT 'workshop/' || w.workshop FROM trace_workshops w JOIN trace_villages v USING (village)
WHERE v.region = %(region)s
UNION ALL
SELECT 'producer/' || p.producer FROM trace_producers p JOIN trace_villages v USING (village)
WHERE v.region = %(region)s
"""

#: What is told of each thing; by `key` they are ordered, and the next page begins behind it.
_ROWS: Final[Mapping[What, str]] = {
    "villages": """
        SELECT v.village AS key, v.village, v.ky, v.ru, v.en,
               (SELECT count(*) FROM trace_producers p WHERE p.village = v.village) AS producers
        FROM trace_villages v WHERE v.region = %(region)s
    """,
    "producers": """
        SELECT p.producer AS key, p.producer, p.village, p.joined_on
        FROM trace_producers p JOIN trace_villages v USING (village) WHERE v.region = %(region)s
    """,
    "workshops": """
        SELECT w.workshop AS key, w.workshop, w.village, w.ky, w.ru, w.en
        FROM trace_workshops w JOIN trace_villages v USING (village) WHERE v.region = %(region)s
    """,
    "outlets": """
        SELECT o.outlet AS key, o.outlet, o.village, o.ky, o.ru, o.en FROM trace_outlets o WHERE o.region = %(region)s
    """,
    "stock": f"""
        SELECT s.place || ' ' || s.batch AS key, s.place, s.batch, coalesce(l.product, l.item) AS product,
               l.best_before, s.on_hand
        FROM inventory_stock s LEFT JOIN inventory_lots l ON l.lot = s.batch
        WHERE s.on_hand <> 0 AND s.place IN ({_PLACES})
    """,  # noqa: S608 - our own text, here and below
    "consignments": f"""
        SELECT c.consignment AS key, c.consignment, c.origin, c.destination, c.shipped_at, c.is_cancelled,
               t.shipped, t.received, t.lost, t.in_transit
        FROM inventory_consignments c LEFT JOIN (
            SELECT consignment, sum(shipped) AS shipped, sum(received) AS received,
                   sum(lost) AS lost, sum(in_transit) AS in_transit
            FROM inventory_transit GROUP BY consignment
        ) AS t USING (consignment)
        WHERE c.origin IN ({_PLACES}) OR c.destination IN ({_PLACES})
    """,  # noqa: S608
    "statements": """
        SELECT s.period || ' ' || s.producer AS key, s.period AS month, s.producer, s.earned_tyiyn, c.closed_position
        FROM income_statements s JOIN income_periods c USING (region, period) WHERE s.region = %(region)s
    """,
}


def in_region(
    connection: Connection, what: What, region: str, behind: str = "", limit: int = 1_000
) -> tuple[list[dict[str, Any]], str | None]:
    """Things of one kind in a region, in the order of their ids, and behind which key the next page begins."""
    statement = f"SELECT * FROM ({_ROWS[what]}) AS found WHERE key > %(behind)s ORDER BY key LIMIT %(limit)s"  # noqa: S608
    with connection.cursor(row_factory=dict_row) as cursor:
        rows = cursor.execute(statement.encode(), {"region": region, "behind": behind, "limit": limit + 1}).fetchall()
    shown = rows[:limit]
    more = shown[-1]["key"] if len(rows) > limit else None
    return [{name: value for name, value in row.items() if name != "key"} for row in shown], more
