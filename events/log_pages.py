"""Looking events up by what they say, a page at a time, with exact counts."""

from collections.abc import Sequence
from dataclasses import dataclass
from datetime import datetime
from typing import Any, Final

import psycopg
from psycopg import sql

from events.canonical import take_apart

EVENTS_PER_PAGE_MAX: Final = 200


@dataclass(frozen=True, slots=True)
class Wanted:
    """Which events; a condition that is None does not count."""

    type: str | None = None
    stream: str | None = None
    actor: str | None = None
    recorded_from: datetime | None = None
    recorded_to: datetime | None = None
    position: int | None = None


@dataclass(frozen=True, slots=True)
class Page:
    """Some events in the order of positions, how many there are in all, and where to go on (None at the end)."""

    events: Sequence[dict[str, Any]]
    count: int
    next_after: int | None


def page(connection: psycopg.Connection[Any], wanted: Wanted, after: int, limit: int) -> Page:
    """The wanted events behind the position `after`, at most `limit` of them."""
    conditions, values = _conditions(wanted)
    where = sql.SQL(" AND ").join(conditions)
    [(count,)] = connection.execute(
        sql.SQL("SELECT count(*) FROM log.events WHERE {}").format(where), values
    ).fetchall()
    rows = connection.execute(
        sql.SQL(
            "SELECT position, version, leaf, leaf_hash FROM log.events WHERE {} AND position > %(after)s"
            " ORDER BY position LIMIT %(limit)s"
        ).format(where),
        {**values, "after": after, "limit": limit + 1},
    ).fetchall()
    events = [_event(*row) for row in rows[:limit]]
    return Page(events, count, events[-1]["position"] if len(rows) > limit else None)


def _conditions(wanted: Wanted) -> tuple[list[sql.SQL], dict[str, Any]]:
    """Instants become positions first: `recorded_at` never falls from one position to the next."""
    conditions = [sql.SQL("position > 0")]
    values: dict[str, Any] = {}
    for name, condition in (
        ("type", "type = %(type)s"),
        ("stream", "stream = %(stream)s"),
        ("actor", "actor = %(actor)s"),
        ("recorded_from", "position > log.position_at(%(recorded_from)s - interval '1 microsecond')"),
        ("recorded_to", "position <= log.position_at(%(recorded_to)s)"),
        ("position", "position = %(position)s"),
    ):
        value = getattr(wanted, name)
        if value is not None:
            conditions.append(sql.SQL(condition))
            values[name] = value
    return conditions, values


def _event(position: int, version: int, leaf: bytes, leaf_hash: bytes) -> dict[str, Any]:
    parts = take_apart(leaf)
    return {
        "position": position,
        "event_id": parts.event_id,
        "type": parts.wire_name,
        "stream": parts.stream,
        "version": version,
        "actor": parts.actor,
        "occurred_at": parts.occurred_at,
        "recorded_at": parts.recorded_at,
        "data": parts.data,
        "leaf_hash": leaf_hash.hex(),
    }
