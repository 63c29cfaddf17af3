"""What was taken in and given out: captured documents, exports for auditors, their cases, the keys that sign."""

from collections.abc import Sequence
from dataclasses import dataclass
from datetime import datetime
from typing import Any, Final
from uuid import UUID

import psycopg

ROWS_PER_PAGE_MAX: Final = 200

# Streams sort by bytes, so one range of their index holds all of a kind and nothing else: the log may be long.
_OF_KIND: Final = """
SELECT e.position, e.event_id, e.recorded_at, e.actor, convert_from(e.leaf, 'UTF8')::jsonb -> 'data' AS data
FROM log.events e WHERE e.stream >= %(kind)s || '/' AND e.stream < %(kind)s || '0'
"""


@dataclass(frozen=True, slots=True)
class Told:
    """One event about something that was taken in or given out."""

    position: int
    event_id: UUID
    recorded_at: datetime
    actor: str
    data: dict[str, Any]

    def as_json(self) -> dict[str, Any]:
        return {
            "position": self.position,
            "event_id": self.event_id,
            "recorded_at": self.recorded_at,
            "actor": self.actor,
            **self.data,
        }


@dataclass(frozen=True, slots=True)
class Page:
    """Some of them, the newest first, how many there are, and behind which position the next page begins."""

    items: Sequence[Told]
    count: int
    next_before: int | None


def documents(
    connection: psycopg.Connection[Any],
    *,
    place: str | None = None,
    about: str | None = None,
    before: int | None = None,
    limit: int = 100,
) -> Page:
    """Captured documents, of one place or about one thing."""
    where = "(%(place)s::text IS NULL OR data ->> 'place' = %(place)s)"
    where += " AND (%(about)s::text IS NULL OR data ->> 'about' = %(about)s)"
    return _page(connection, where, {"kind": "document", "place": place, "about": about}, before, limit)


def document(connection: psycopg.Connection[Any], name: str) -> Told | None:
    """One captured document."""
    return _one(connection, f"document/{name}")


def exports(connection: psycopg.Connection[Any], before: int | None = None, limit: int = 100) -> Page:
    """Copies of the log that auditors took."""
    return _page(connection, "true", {"kind": "export"}, before, limit)


def export(connection: psycopg.Connection[Any], name: str) -> Told | None:
    """One copy of the log that an auditor took."""
    return _one(connection, f"export/{name}")


def case_notes(
    connection: psycopg.Connection[Any], case: str | None = None, before: int | None = None, limit: int = 100
) -> Page:
    """What auditors noted, of one case or of all."""
    where = "(%(case)s::text IS NULL OR data ->> 'case' = %(case)s)"
    return _page(connection, where, {"kind": "case", "case": case}, before, limit)


def signing_keys(connection: psycopg.Connection[Any]) -> list[Told]:
    """The keys that sign what is stated about the log, from the first to the one in use."""
    rows = connection.execute(f"{_OF_KIND} ORDER BY e.position".encode(), {"kind": "signing"})
    return [Told(*row) for row in rows.fetchall()]


def unknown_events(connection: psycopg.Connection[Any], named: Sequence[UUID]) -> set[UUID]:
    """Those of these ids that no event of the log has."""
    rows = connection.execute("SELECT event_id FROM log.events WHERE event_id = ANY(%s)", [list(named)]).fetchall()
    return set(named) - {event_id for (event_id,) in rows}


def _one(connection: psycopg.Connection[Any], stream: str) -> Told | None:
    row = connection.execute(
        "SELECT position, event_id, recorded_at, actor, convert_from(leaf, 'UTF8')::jsonb -> 'data'"
        " FROM log.events WHERE stream = %s ORDER BY version LIMIT 1",
        [stream],
    ).fetchone()
    return None if row is None else Told(*row)


def _page(
    connection: psycopg.Connection[Any], where: str, values: dict[str, Any], before: int | None, limit: int
) -> Page:
    wanted = f"SELECT * FROM ({_OF_KIND}) AS told WHERE {where}"  # noqa: S608 - our own text
    [(count,)] = connection.execute(f"SELECT count(*) FROM ({wanted}) AS counted".encode(), values).fetchall()  # noqa: S608
    page = f"{wanted} AND (%(before)s::bigint IS NULL OR position < %(before)s) ORDER BY position DESC LIMIT %(limit)s"
    rows = connection.execute(page.encode(), {**values, "before": before, "limit": limit + 1}).fetchall()
    items = [Told(*row) for row in rows[:limit]]
    return Page(items, count, items[-1].position if len(rows) > limit else None)
