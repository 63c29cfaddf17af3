"""What is sent: facts and askings as bytes that are final, so that sending again is sending the same."""

import json
import os
import time
from collections.abc import Iterable, Iterator, Mapping, Sequence
from dataclasses import dataclass
from datetime import UTC, datetime
from typing import Any, Final, Protocol, Self
from uuid import UUID

from events.catalogue.base import Decision, Event, Fact

#: What the door takes in one request.
ITEMS_MAX: Final = 500
BYTES_MAX: Final = 1_900_000


def uuid7() -> UUID:
    """An id as senders draw them: random, and in the order of time, so that a log's index stays together."""
    milliseconds = time.time_ns() // 1_000_000
    number = (milliseconds << 80) | int.from_bytes(os.urandom(10), "big")
    number = number & ~(0xF << 76) | (0x7 << 76)
    return UUID(int=number & ~(0x3 << 62) | (0x2 << 62))


def canonical(value: Any) -> bytes:
    """RFC 8785 bytes of JSON that has, as every report, no floats and no keys beyond ASCII."""
    return json.dumps(value, ensure_ascii=False, separators=(",", ":"), sort_keys=True).encode()


@dataclass(frozen=True, slots=True)
class Report:
    """A fact to be reported. Keep `body` until there is an answer: whatever happens, these bytes are sent again."""

    body: bytes

    @classmethod
    def of(
        cls,
        fact: Fact,
        occurred_at: datetime | None = None,
        *,
        id: UUID | None = None,  # noqa: A002 - the field's name in the request
        actor: str | None = None,
        recorded_at: datetime | None = None,
    ) -> Self:
        """A fact that happened at `occurred_at` (now, if nothing is said).

        `actor`: in whose name, for keys that may. `recorded_at` is for networks with a simulated clock.
        """
        around = _around(occurred_at, id, actor, recorded_at)
        return cls(canonical(around | {"type": fact.wire_name, "data": _fields(fact)}))

    @property
    def id(self) -> str:
        return str(json.loads(self.body)["id"])


@dataclass(frozen=True, slots=True)
class Asking:
    """A decision that is asked for, by the name of its command: `network/register-village`."""

    command: str
    body: bytes

    @classmethod
    def of(
        cls,
        command: str,
        fields: Decision | Mapping[str, Any],
        occurred_at: datetime | None = None,
        *,
        id: UUID | None = None,  # noqa: A002 - the field's name in the request
        actor: str | None = None,
        recorded_at: datetime | None = None,
    ) -> Self:
        """What is asked for: the event that is to follow, or the command's own fields."""
        said = _fields(fields) if isinstance(fields, Event) else dict(fields)
        return cls(command, canonical(said | _around(occurred_at, id, actor, recorded_at)))

    @property
    def id(self) -> str:
        return str(json.loads(self.body)["id"])


class Sent(Protocol):
    """Something with bytes that are final."""

    @property
    def body(self) -> bytes: ...


def lists[S: Sent](items: Iterable[S]) -> Iterator[Sequence[S]]:
    """Cut into what the door takes at a time."""
    waiting: list[S] = []
    size = 2
    for item in items:
        if waiting and (len(waiting) == ITEMS_MAX or size + len(item.body) + 1 > BYTES_MAX):
            yield waiting
            waiting, size = [], 2
        waiting.append(item)
        size += len(item.body) + 1
    if waiting:
        yield waiting


def together(items: Sequence[Sent]) -> bytes:
    """The body of one request."""
    return b"[" + b",".join(item.body for item in items) + b"]"


def _around(
    occurred_at: datetime | None, request_id: UUID | None, actor: str | None, recorded_at: datetime | None
) -> dict[str, str]:
    around = {"id": str(request_id or uuid7()), "occurred_at": (occurred_at or datetime.now(UTC)).isoformat()}
    if actor is not None:
        around["actor"] = actor
    if recorded_at is not None:
        around["recorded_at"] = recorded_at.isoformat()
    return around


def _fields(event: Event) -> dict[str, Any]:
    return event.model_dump(mode="json", exclude_none=True)
