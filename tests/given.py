"""Rules as they are told: given these events, when this is asked, then this follows.

given(DECIDER, make.producer_registered()).when(RetireProducer(...)).then(make.producer_retired())
given(DECIDER).when(RetireProducer(...)).then_refused(NoSuchProducer)
"""

from collections.abc import Sequence
from dataclasses import dataclass
from typing import Any

from events.catalogue.base import Event
from services.decider import Command, Decider
from services.errors import Refused


def given(decider: Decider[Any, Any, Any], *history: Event) -> "Given":
    """What has happened on the stream so far."""
    return Given(decider, history)


@dataclass(frozen=True)
class Given:
    decider: Decider[Any, Any, Any]
    history: tuple[Event, ...]

    def when(self, command: Command) -> "Told":
        """What is asked now."""
        try:
            return Told(tuple(self.decider.decide(command, self.decider.state(self.history))), None)
        except Refused as refusal:
            return Told((), refusal)


@dataclass(frozen=True)
class Told:
    events: Sequence[Event]
    refusal: Refused | None

    def then(self, *expected: Event) -> None:
        """Exactly these events follow, in this order."""
        assert self.refusal is None, f"refused: {self.refusal!r}"
        assert tuple(self.events) == expected

    def then_nothing(self) -> None:
        """Nothing is left to do, and nobody is refused."""
        self.then()

    def then_refused(self, kind: type[Refused]) -> Refused:
        """It is refused by exactly this class."""
        assert self.refusal is not None, f"not refused: {self.events!r}"
        assert type(self.refusal) is kind
        return self.refusal
