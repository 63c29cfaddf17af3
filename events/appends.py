"""What is asked of the log, and what it answers."""

from dataclasses import dataclass
from datetime import datetime
from functools import cached_property
from uuid import UUID, uuid5

from events.canonical import Ends, event_data, leaf_ends
from events.catalogue.base import Event

#: Events in one commit, and so in one request and in one group.
GROUP_EVENTS_MAX = 500


class LogUnavailable(Exception):
    """The log did not answer, so it is not known whether this was stored. Sending it again with the same id is safe."""

    def __init__(self, detail: str = "") -> None:
        super().__init__(f"{self.__doc__} ({detail})" if detail else self.__doc__)


class LogBusy(Exception):
    """Too much is waiting to be stored; send the same again later, with the same ids."""

    def __init__(self) -> None:
        super().__init__(self.__doc__)


class LogClosed(Exception):
    """This log was closed."""

    def __init__(self) -> None:
        super().__init__(self.__doc__)


class AppendRefused(Exception):
    """The database refused these events. They are not stored."""

    def __init__(self, detail: str) -> None:
        super().__init__(f"{self.__doc__} ({detail})")


class RecordedAtRefused(AppendRefused):
    """A network with a real clock takes no recorded_at from outside. A request that brings one is not stored."""


class AppendTooLarge(ValueError):
    """A request has no event, or more than fit into one commit (500)."""

    def __init__(self, events: int) -> None:
        super().__init__(f"{self.__doc__} ({events})")
        self.events = events


@dataclass(frozen=True)
class Append:
    """One request: all its events go to one stream, or none does."""

    request_id: UUID  #: the sender's id; event 0 has it, event n has uuid5(request_id, str(n))
    request_hash: bytes  #: sha256 of the canonical content as the sender sent it
    stream: str
    expected_version: int | None  #: None: a fact, any version; n: a decision taken at version n (0: a new stream)
    actor: str
    occurred_at: datetime
    events: tuple[Event, ...]
    recorded_at: datetime | None = None  #: only for a network with a simulated clock, refused by a real one
    quarantined: bytes | None = None  #: bytes kept in the erasable side table beside the first event

    def __post_init__(self) -> None:
        if not 1 <= len(self.events) <= GROUP_EVENTS_MAX:
            raise AppendTooLarge(len(self.events))

    @cached_property
    def event_ids(self) -> tuple[UUID, ...]:
        if len(self.events) == 1:
            return (self.request_id,)
        return (self.request_id, *(uuid5(self.request_id, str(n)) for n in range(1, len(self.events))))

    @cached_property
    def ends(self) -> tuple[Ends, ...]:
        """The leaves of its events without `recorded_at`. Raises NotPlain, EventTooLarge."""
        actor, occurred_at, stream = self.actor, self.occurred_at, self.stream
        return tuple(
            [
                leaf_ends(actor, event_data(event), event_id, occurred_at, stream, event.wire_name)
                for event, event_id in zip(self.events, self.event_ids, strict=True)
            ]
        )


@dataclass(frozen=True, slots=True)
class Appended:
    """Stored now. `leaf_hash` is that of the first event, `recorded_at` too."""

    first_position: int
    last_position: int
    recorded_at: datetime
    leaf_hash: bytes


@dataclass(frozen=True, slots=True)
class Duplicate:
    """The same content under the same id was stored before: this is what it was told the first time."""

    first_position: int
    last_position: int
    recorded_at: datetime
    leaf_hash: bytes


@dataclass(frozen=True, slots=True)
class Conflict:
    """Other content is stored under this id, at this position."""

    position: int


@dataclass(frozen=True, slots=True)
class LostRace:
    """The stream is no longer at the version that the decision was taken at."""

    actual_version: int


Outcome = Appended | Duplicate | Conflict | LostRace
