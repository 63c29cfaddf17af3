"""The log, through its one public door.

What is committed here has happened; nothing else has. Positions are 1, 2, 3 ... in the order of commits, without a
gap, so whoever reads on from a position misses nothing and needs no waiting and no guessing.
"""

import threading
from collections.abc import AsyncIterator, Collection, Iterable, Iterator, Sequence
from datetime import datetime
from types import TracebackType
from typing import Self
from uuid import UUID

from events import listening
from events.appends import (
    GROUP_EVENTS_MAX,
    Append,
    Appended,
    AppendRefused,
    AppendTooLarge,
    Conflict,
    Duplicate,
    LogBusy,
    LogClosed,
    LogUnavailable,
    LostRace,
    Outcome,
    RecordedAtRefused,
)
from events.canonical import EventTooLarge, NotPlain, content_hash
from events.catalogue.base import Event, Recorded
from events.group_commit import GroupCommit
from events.log_reader import Found, Head, LeafRow, LogDamaged, LogReader, Network, Stretch

__all__ = [
    "GROUP_EVENTS_MAX",
    "Append",
    "AppendRefused",
    "AppendTooLarge",
    "Appended",
    "Conflict",
    "Duplicate",
    "EventTooLarge",
    "Found",
    "Head",
    "LeafRow",
    "Log",
    "LogBusy",
    "LogClosed",
    "LogDamaged",
    "LogUnavailable",
    "LostRace",
    "Network",
    "NotPlain",
    "Outcome",
    "RecordedAtRefused",
    "content_hash",
]


class Log:
    """The log of one network. Safe to share between threads and event loops; connects when first used."""

    def __init__(self, conninfo: str, *, readers: int = 4) -> None:
        self._conninfo = conninfo
        self._commits = GroupCommit(conninfo)
        self._reader = LogReader(conninfo, readers)

    def __enter__(self) -> Self:
        return self

    def __exit__(
        self, kind: type[BaseException] | None, error: BaseException | None, trace: TracebackType | None
    ) -> None:
        self.close()

    def close(self) -> None:
        """Lets what waits be stored, then gives the connections back."""
        self._commits.close()
        self._reader.close()

    def append(self, appends: Sequence[Append]) -> list[Outcome]:
        """Store requests; blocks until each is durable or answered, and answers them in order.

        Callers at the same time share one commit of at most 500 events; a lost race or a repeated id is the answer to
        that one request and never touches its neighbours. Raises LogUnavailable (not known whether stored: send it
        again with the same ids), LogBusy, LogClosed, RecordedAtRefused, AppendRefused, NotPlain, EventTooLarge; of
        several requests the others may be stored all the same.
        """
        return self._commits.append(appends)

    async def append_soon(self, appends: Sequence[Append]) -> list[Outcome]:
        """The same from asyncio; joins the same commits."""
        return await self._commits.append_soon(appends)

    def head(self) -> Head:
        """The last event's position, instant and leaf hash."""
        return self._reader.head()

    def read(self, after: int, limit: int, upto: int | None = None) -> list[Recorded[Event]]:
        """The events at positions after+1, after+2, ..., at most `limit` of them and none beyond `upto`."""
        return self._reader.read(after, limit, upto)

    def read_but(
        self,
        after: int,
        limit: int,
        upto: int | None = None,
        passed_over: Collection[str] = (),
        left: Collection[str] = (),
    ) -> Stretch:
        """The same without events of some wire names that are `passed_over`; those `left` come unopened."""
        return self._reader.read_but(after, limit, upto, passed_over, left)

    def read_leaves(self, after: int, limit: int, upto: int | None = None) -> list[LeafRow]:
        """The same without decoding the events."""
        return self._reader.read_leaves(after, limit, upto)

    def read_stream(self, stream: str) -> list[Recorded[Event]]:
        """One stream from its first event."""
        return self._reader.read_streams([stream])[stream]

    def read_streams(self, streams: Iterable[str]) -> dict[str, list[Recorded[Event]]]:
        """Each stream from its first event; a stream without events is there with an empty list."""
        return self._reader.read_streams(streams)

    def find(self, request_ids: Iterable[UUID]) -> dict[UUID, Found]:
        """What is stored under these request ids; an id that is not known is not in the answer."""
        return self._reader.find(request_ids)

    def position_at(self, moment: datetime) -> int:
        """The greatest position recorded at or before a moment, 0 if none."""
        return self._reader.position_at(moment)

    def network(self) -> Network | None:
        """The network and its clock, None before it was founded."""
        return self._reader.network()

    def quarantined(self, event_id: UUID) -> bytes | None:
        """The bytes kept beside an event; None if there were none or they were erased."""
        return self._reader.quarantined(event_id)

    def listen(self, after: int, stop: threading.Event, poll_seconds: float = 1.0) -> Iterator[int]:
        """The position of the log's end whenever it is past the last one told, until `stop` is set."""
        return listening.heads(self._conninfo, after, poll_seconds, stop)

    def listen_soon(self, after: int, poll_seconds: float = 1.0) -> AsyncIterator[int]:
        """The same in asyncio, until the task is cancelled."""
        return listening.heads_soon(self._conninfo, after, poll_seconds)
