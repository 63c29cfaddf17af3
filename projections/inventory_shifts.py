"""What people ask of drawers and tills: what a shift should hold, and which reports are missing.

Each works wherever the search path says the tables are: served, rebuilt or past.
"""

from dataclasses import dataclass
from datetime import datetime

from projections.base import Connection, records

#: Most rows that one answer holds.
ROWS_MAX = 1_001


@dataclass(frozen=True, slots=True)
class ShiftCash:
    """A shift and its drawer, in tyiyn."""

    shift: str
    outlet: str
    till: str
    cashier: str | None
    opened_at: datetime | None
    closed_at: datetime | None
    expected_tyiyn: int
    counted_tyiyn: int | None
    difference_tyiyn: int | None


@dataclass(frozen=True, slots=True)
class TillCounters:
    """A till's reports by its own counter, with the ranges that nobody has seen."""

    till: str
    outlet: str | None
    revoked_for: str | None
    highest: int
    accepted: int
    quarantined: int
    missing: int
    gaps: list[list[int]]


def shifts(
    connection: Connection,
    *,
    outlet: str | None = None,
    after: tuple[str, str] | None = None,
    limit: int = ROWS_MAX,
) -> list[ShiftCash]:
    """Shifts and their drawers, the newest first; of equal ones the greater id, those without a beginning last.

    `after`: when (or `-infinity`) and which was the last row of the page before.
    """
    return records(
        connection,
        ShiftCash,
        """
        SELECT shift, outlet, till, cashier, opened_at, closed_at,
               opening_tyiyn::numeric + sales_tyiyn + in_tyiyn - voids_tyiyn - refunds_tyiyn - out_tyiyn
                 AS expected_tyiyn,
               counted_tyiyn, difference_tyiyn
        FROM inventory_shifts WHERE (%(outlet)s::text IS NULL OR outlet = %(outlet)s)
          AND (%(after_when)s::timestamptz IS NULL
               OR (coalesce(opened_at, '-infinity'), shift) < (%(after_when)s::timestamptz, %(after_shift)s))
        ORDER BY opened_at DESC NULLS LAST, shift DESC LIMIT %(limit)s
        """,
        dict(zip(("after_when", "after_shift"), after or (None, ""), strict=True))
        | {"outlet": outlet, "limit": min(limit, ROWS_MAX)},
    )


def tills(connection: Connection, *, outlet: str | None = None) -> list[TillCounters]:
    """Tills with their counters; a gap is a report that a till made and nobody has."""
    return records(
        connection,
        TillCounters,
        """
        SELECT t.till, t.outlet, t.revoked_for, t.highest, t.accepted, t.quarantined,
               coalesce(sum(g.last - g.first + 1), 0) AS missing,
               coalesce(array_agg(ARRAY[g.first, g.last] ORDER BY g.first) FILTER (WHERE g.first IS NOT NULL), '{}')
                 AS gaps
        FROM inventory_tills t LEFT JOIN inventory_till_gaps g USING (till)
        WHERE %(outlet)s::text IS NULL OR t.outlet = %(outlet)s
        GROUP BY t.till, t.outlet, t.revoked_for, t.highest, t.accepted, t.quarantined ORDER BY t.till
        """,
        {"outlet": outlet},
    )
