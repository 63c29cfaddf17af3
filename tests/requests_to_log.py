"""Requests to the log, with the defaults of the story in `make`."""

import hashlib
from datetime import UTC, datetime
from typing import Any
from uuid import UUID, uuid4

from events.catalogue.base import Event
from events.store import Append
from tests import make

#: When the events of these tests happened.
HAPPENED = datetime(2026, 11, 23, 12, 0, tzinfo=UTC)


def a_hash(content: str) -> bytes:
    return hashlib.sha256(content.encode()).digest()


def fact(*events: Event, request_id: UUID | None = None, content: str = "content", **changes: Any) -> Append:
    """A report: appended whatever the stream's version. Without an event: a sale."""
    return decision(*events, at=None, request_id=request_id, content=content, **changes)


def decision(
    *events: Event, at: int | None, request_id: UUID | None = None, content: str = "content", **changes: Any
) -> Append:
    """The outcome of a rule, taken when the stream was at version `at`."""
    events = events or (make.sale_made(),)
    asked: dict[str, Any] = {
        "request_id": request_id or uuid4(),
        "request_hash": a_hash(content),
        "stream": events[0].stream(),
        "expected_version": at,
        "actor": "till/karakol-1",
        "occurred_at": HAPPENED,
        "events": events,
    }
    return Append(**(asked | changes))


def sale_in(shift: str, **changes: Any) -> Event:
    """A sale in the stream of this shift."""
    return make.sale_made(shift=shift, **changes)
