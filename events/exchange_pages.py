"""What was taken in and given out: captured documents, exports for auditors, their cases, the keys that sign."""

from collections.abc import Sequence
from dataclasses import dataclass
from datetime import datetime
from typing import Any, Final
from uuid import UUID

import psycopg

ROWS_PER_PAGE_MAX: Final = 200

# Streams sort by bytes, so one range of their index holds all of a kind and nothing else: the log may be long.
_OF_KIND: Final = "e.stream >= %(kind)s || '/' AND e.stream < %(kind)s || '0'"
#: What an event says. To open one costs more than to find it, so only what is asked for or shown is opened.
_DATA: Final = "(convert_from(e.leaf, 'UTF8')::jsonb -> 'data')"
_TOLD: Final = f"SELECT e.position, e.event_id, e.recorded_at, e.actor, {_DATA}"


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
    asked = {name: value for name, value in (("place", place), ("about", about)) if value is not None}
    where = " AND ".join([_OF_KIND, *(f"{_DATA} ->> '{name}' = %({name})s" for name in asked)])
    return _page(connection, where, {"kind": "document", **asked}, before, limit)


def document(connection: psycopg.Connection[Any], name: str) -> Told | None:
    """One captured document."""
    return _one(connection, f"document/{name}")


def exports(connection: psycopg.Connection[Any], before: int | None = None, limit: int = 100) -> Page:
    """Copies of the log that auditors took."""
    return _page(connection, _OF_KIND, {"kind": "export"}, before, limit)


def export(connection: psycopg.Connection[Any], name: str) -> Told | None:
    """One copy of the log that an auditor took."""
    return _one(connection, f"export/{name}")


def case_notes(
    connection: psycopg.Connection[Any], case: str | None = None, before: int | None = None, limit: int = 100
) -> Page:
    """What auditors noted, of one case or of all."""
    if case is None:
        return _page(connection, _OF_KIND, {"kind": "case"}, before, limit)
    return _page(connection, "e.stream = %(stream)s", {"stream": f"case/{case}"}, before, limit)


def signing_keys(connection: psycopg.Connection[Any]) -> list[Told]:
    """The keys that sign what is stated about the log, from the first to the one in use."""
    statement = f"{_TOLD} FROM log.events e WHERE {_OF_KIND} ORDER BY e.position"
    rows = connection.execute(statement.encode(), {"kind": "signing"})
    return [Told(*row) for row in rows.fetchall()]


def unknown_events(connection: psycopg.Connection[Any], named: Sequence[UUID]) -> set[UUID]:
    """Those of these ids that no event of the log has."""
    rows = connection.execute("SELECT event_id FROM log.events WHERE event_id = ANY(%s)", [list(named)]).fetchall()
    return set(named) - {event_id for (event_id,) in rows}


def _one(connection: psycopg.Connection[Any], stream: str) -> Told | None:
    statement = f"{_TOLD} FROM log.events e WHERE e.stream = %s ORDER BY e.version LIMIT 1"
    row = connection.execute(statement.encode(), [stream]).fetchone()
    return None if row is None else Told(*row)


def _page(
    connection: psycopg.Connection[Any], where: str, values: dict[str, Any], before: int | None, limit: int
) -> Page:
    """Those for which `where` holds; it names the events `e`."""
    wanted = f"FROM log.events e WHERE {where}"
    [(count,)] = connection.execute(f"SELECT count(*) {wanted}".encode(), values).fetchall()
    page = f"{wanted} AND (%(before)s::bigint IS NULL OR e.position < %(before)s)"
    page = f"SELECT e.* {page} ORDER BY e.position DESC LIMIT %(limit)s"
    told = f"{_TOLD} FROM ({page}) AS e ORDER BY e.position DESC"
    rows = connection.execute(told.encode(), {**values, "before": before, "limit": limit + 1}).fetchall()
    items = [Told(*row) for row in rows[:limit]]
    return Page(items, count, items[-1].position if len(rows) > limit else None)
