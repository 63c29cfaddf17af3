"""Looking through the quarantine: every message that was not understood, and what became of it, newest first."""

from collections.abc import Mapping, Sequence
from dataclasses import dataclass
from datetime import datetime
from typing import Any, Final, Literal

import psycopg
from psycopg.rows import class_row

ITEMS_PER_PAGE_MAX: Final = 200

#: `open`: nobody dealt with it yet. The others are the last thing that somebody did about it.
State = Literal["open", "mapped", "resubmitted", "dismissed"]


@dataclass(frozen=True, slots=True)
class Item:
    """One quarantined message as the log knows it; its bytes lie beside the log."""

    quarantine: str
    position: int
    occurred_at: datetime
    recorded_at: datetime
    sender: str
    till: str | None
    till_counter: int | None
    claimed_id: str | None
    problem: str
    content_bytes: int
    content_sha256: str
    state: State
    reason: str | None
    resolved_by: str | None
    resolved_at: datetime | None
    resubmitted_as: str | None


@dataclass(frozen=True, slots=True)
class Page:
    """Some items, how many there are in all, and behind which position the next page begins (None at the end)."""

    items: Sequence[Item]
    count: int
    next_before: int | None


# Streams sort by bytes, so one range of their index holds the whole quarantine and nothing else: the log may be long.
_ITEMS: Final = """
WITH happened AS (
    SELECT e.*, convert_from(e.leaf, 'UTF8')::jsonb -> 'data' AS data FROM log.events e
    WHERE e.stream >= 'quarantine/' AND e.stream < 'quarantine0'
), resolved AS (
    SELECT DISTINCT ON (stream) stream, actor, recorded_at, data FROM happened
    WHERE type = 'exchange.quarantine_resolved.v1' ORDER BY stream, version DESC
), items AS (
    SELECT n.data ->> 'quarantine' AS quarantine, n.position, n.occurred_at, n.recorded_at,
           n.data ->> 'sender' AS sender,
           n.data ->> 'till' AS till, (n.data ->> 'till_counter')::bigint AS till_counter,
           n.data ->> 'claimed_id' AS claimed_id, n.data ->> 'problem' AS problem,
           (n.data ->> 'content_bytes')::bigint AS content_bytes, n.data ->> 'content_sha256' AS content_sha256,
           coalesce(r.data ->> 'resolution', 'open') AS state, r.data ->> 'reason' AS reason, r.actor AS resolved_by,
           r.recorded_at AS resolved_at, r.data ->> 'resubmitted_as' AS resubmitted_as
    FROM happened n LEFT JOIN resolved r USING (stream)
    WHERE n.type = 'exchange.message_quarantined.v1'
)
"""
_WANTED: Final = """
WHERE (%(state)s::text IS NULL OR state = %(state)s) AND (%(sender)s::text IS NULL OR sender = %(sender)s)
  AND (%(problem)s::text IS NULL OR problem = %(problem)s)
"""
_COUNT: Final = _ITEMS + "SELECT count(*) FROM items" + _WANTED  # noqa: S608 - our own text, here and below
_COUNTS: Final = _ITEMS + "SELECT state, count(*) FROM items GROUP BY state"  # noqa: S608
_PAGE: Final = (
    _ITEMS + "SELECT * FROM items" + _WANTED + " AND (%(before)s::bigint IS NULL OR position < %(before)s)"  # noqa: S608
    " ORDER BY position DESC LIMIT %(limit)s"
)


def page(
    connection: psycopg.Connection[Any],
    *,
    state: State | None = None,
    sender: str | None = None,
    problem: str | None = None,
    before: int | None = None,
    limit: int = ITEMS_PER_PAGE_MAX,
) -> Page:
    """Items in a state, of a sender, with a problem; None: any. `before`: only those at earlier positions."""
    wanted = {"state": state, "sender": sender, "problem": problem, "before": before, "limit": limit + 1}
    count = connection.execute(_COUNT, wanted).fetchone()
    with connection.cursor(row_factory=class_row(Item)) as cursor:
        found = cursor.execute(_PAGE, wanted).fetchall()
    items = found[:limit]
    return Page(items, count[0] if count else 0, items[-1].position if len(found) > limit else None)


def counts(connection: psycopg.Connection[Any]) -> Mapping[str, int]:
    """How many items there are in each state."""
    found = connection.execute(_COUNTS)
    return {"open": 0, "mapped": 0, "resubmitted": 0, "dismissed": 0} | dict(found.fetchall())
