"""What may be done about a message in quarantine: sent again as it is, mapped and sent again, or dismissed."""

from dataclasses import dataclass, replace
from typing import Annotated, Literal

from pydantic import Field

from events.catalogue.base import Event
from events.catalogue.exchange import MessageQuarantined, QuarantineResolved
from events.catalogue.values import EventIdText, Id, Reason
from services.decider import Command, Decider
from services.errors import NotFound, Refused
from services.quarantine.mapping import CHANGES_MAX, Change


class NotInQuarantine(NotFound):
    """No message of this id was ever quarantined."""

    advice = "See GET /api/v1/quarantine for the ids."


class AlreadyDealtWith(Refused):
    """Somebody has dealt with this message before."""

    advice = "Look at it again to see what became of it. A dismissed message can still be sent again."


class QuarantineCommand(Command):
    """Something to be done about one message, for a reason that is a word and no free text."""

    quarantine: Id
    reason: Reason

    def stream(self) -> str:
        return f"quarantine/{self.quarantine}"

    @classmethod
    def writes(cls) -> tuple[type[Event], ...]:
        return (QuarantineResolved,)


class Dismiss(QuarantineCommand):
    """Put a message aside for good: it reports nothing that is missing. It stays readable."""


class Resubmit(QuarantineCommand):
    """Send a message through the door again just as it came, because it can be understood by now."""


class Map(QuarantineCommand):
    """Change what could not be understood, and send the message through the door so."""

    changes: Annotated[
        tuple[Change, ...],
        Field(
            min_length=1,
            max_length=CHANGES_MAX,
            examples=[[{"wherever": "product", "is": "apricot-jam-03", "to": "apricot-jam-300"}]],
        ),
    ]


class SentAgain(QuarantineCommand):
    """A message has come through the door again, as an event of its own."""

    resolution: Literal["resubmitted", "mapped"]
    resubmitted_as: EventIdText
    mapping: bytes | None = None  #: what was changed

    def kept_beside(self) -> bytes | None:
        return self.mapping


@dataclass(frozen=True, slots=True)
class Message:
    """What is remembered of a message: whether it is there, and what was done about it last."""

    is_there: bool = False
    resolution: Literal["resubmitted", "mapped", "dismissed"] | None = None


def decide(command: QuarantineCommand, message: Message) -> list[QuarantineResolved]:
    if not message.is_there:
        raise NotInQuarantine(field="quarantine")
    match command:
        case Dismiss():
            if message.resolution is not None:
                raise AlreadyDealtWith(field="quarantine")
            return [QuarantineResolved(quarantine=command.quarantine, resolution="dismissed", reason=command.reason)]
        case SentAgain():
            # Dismissed by mistake, or by somebody else at the same moment: the fact is in the log, so it is said.
            if message.resolution not in (None, "dismissed"):
                raise AlreadyDealtWith(field="quarantine")
            return [
                QuarantineResolved(
                    quarantine=command.quarantine,
                    resolution=command.resolution,
                    reason=command.reason,
                    resubmitted_as=command.resubmitted_as,
                )
            ]
        case _:
            raise TypeError(f"nothing that is decided about a quarantined message: {command!r}")


def evolve(message: Message, event: Event) -> Message:
    match event:
        case MessageQuarantined():
            return replace(message, is_there=True)
        case QuarantineResolved():
            return replace(message, resolution=event.resolution)
        case _:
            return message


QUARANTINE: Decider[QuarantineCommand, Message, Event] = Decider(Message(), decide, evolve)
