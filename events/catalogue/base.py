"""What every event is: a frozen, strict statement with a name for ever and a stream of its own."""

from dataclasses import dataclass
from datetime import datetime
from typing import ClassVar
from uuid import UUID

from pydantic import BaseModel, ConfigDict


class Event(BaseModel):
    """Something that happened in the network, said once and never changed.

    A concrete event has a hand-written `wire_name` (`module.event_name.vN`) that is stored for ever, so the class may
    move or be renamed. Unknown fields and wrong types do not decode: quantities are integers with their unit
    in the field's name, money is integer tyiyn (100 = 1 som).
    """

    model_config = ConfigDict(frozen=True, strict=True, extra="forbid", ser_json_inf_nan="constants")

    wire_name: ClassVar[str]
    #: A fact happened in the world and is never refused; a decision is taken here and can be.
    is_fact: ClassVar[bool]

    def stream(self) -> str:
        """The short stream this event belongs to, as `kind/id`."""
        raise NotImplementedError


class Fact(Event):
    """A report of what happened in the world: appended at any version, it loads nothing, it is never refused."""

    is_fact = True

    def beyond_counting(self) -> str | None:
        """The field that, multiplied by another one, comes to more than anything here is counted with; mostly None.

        It is asked when a fact is reported, and not when it is read: what is in the log stays readable.
        """
        return None


class Decision(Event):
    """The outcome of a rule: appended only at the version of the stream on which it was decided."""

    is_fact = False


@dataclass(frozen=True, slots=True)
class Recorded[E: Event]:
    """An event as the log holds it."""

    position: int  #: 1, 2, 3 ... without a gap over the whole log
    event_id: UUID
    stream: str
    version: int  #: 1, 2, 3 ... within the stream
    occurred_at: datetime  #: what the reporter claims, UTC
    recorded_at: datetime  #: the log's own clock, UTC, monotone in position
    actor: str  #: who reported or decided, a pseudonymous id
    event: E
