"""The form of every rule: a command, what must be remembered, `decide` and `evolve`. Pure: no clock, no ids, no I/O."""

import re
from collections.abc import Callable, Sequence
from dataclasses import dataclass
from typing import Self, cast

from pydantic import BaseModel, ConfigDict, ValidationError

from events.catalogue.base import Decision, Event
from events.catalogue.registry import problems_of
from events.catalogue.values import ASKED
from services.errors import Malformed, Refused


class TwoMembersNeeded(Refused):
    """This is decided by two different members together, never by one alone."""

    advice = "Name two members who agree."


def must_be_two(members: Sequence[str], field: str = "members") -> None:
    """Raises TwoMembersNeeded."""
    if len(set(members)) < 2 or len(set(members)) != len(members):
        raise TwoMembersNeeded(field=field)


class Command(BaseModel):
    """Somebody wants something decided. Time, ids and what read models know come in with the command."""

    model_config = ConfigDict(frozen=True, strict=True, extra="forbid")

    def stream(self) -> str:
        """The one short stream on which it is decided."""
        raise NotImplementedError

    def refers_to(self) -> tuple[str, ...]:
        """Streams that must have begun, because the command names what they are about."""
        return ()

    def kept_beside(self) -> bytes | None:
        """Bytes that are kept beside the log with the first event that follows, where they can be erased."""
        return None

    @classmethod
    def writes(cls) -> tuple[type[Event], ...]:
        """The events that may follow when it is carried out."""
        raise NotImplementedError

    @classmethod
    def parse(cls, fields: bytes) -> Self:
        """The command from its JSON fields. Raises Malformed."""
        try:
            return cls.model_validate_json(fields, context=ASKED)
        except ValidationError as error:
            raise Malformed(problems_of(error)) from error

    @classmethod
    def verb(cls) -> str:
        """Its name in a URL, e.g. `register-village`."""
        return re.sub(r"(?<!^)(?=[A-Z])", "-", cls.__name__).lower()

    @classmethod
    def fields_model(cls) -> type[BaseModel]:
        """The model whose fields the JSON of this command has."""
        return cls


class Proposal[E: Decision](Command):
    """A command that asks for one event just as it stands: its JSON fields are the event's fields."""

    event: E

    def stream(self) -> str:
        return self.event.stream()

    @classmethod
    def parse(cls, fields: bytes) -> Self:
        try:
            return cls(event=cls.proposes().model_validate_json(fields, context=ASKED))
        except ValidationError as error:
            raise Malformed(problems_of(error)) from error

    @classmethod
    def writes(cls) -> tuple[type[Event], ...]:
        return (cls.proposes(),)

    @classmethod
    def proposes(cls) -> type[E]:
        return cast(type[E], cls.model_fields["event"].annotation)

    @classmethod
    def fields_model(cls) -> type[BaseModel]:
        return cls.proposes()


@dataclass(frozen=True, slots=True)
class Decider[C: Command, S, E: Event]:
    """The rules of one kind of stream.

    `decide` answers with the events that follow, at least one, or raises a Refused.
    `evolve` takes an event into account. State remembers only what `decide` needs.
    """

    initial: S
    decide: Callable[[C, S], Sequence[Event]]
    evolve: Callable[[S, E], S]

    def state(self, events: Sequence[E]) -> S:
        """What is remembered after these events."""
        state = self.initial
        for event in events:
            state = self.evolve(state, event)
        return state
