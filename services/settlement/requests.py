"""What settlement is asked about terms, months and accounts, and what the rules are told besides."""

from typing import Literal

from events.catalogue.base import Event
from events.catalogue.settlement import (
    AdvanceGiven,
    DisputeSettled,
    PayoutDisputed,
    PayoutMade,
    PayoutReversed,
    PeriodClosed,
    RestatementMade,
    ShareTermsAgreed,
)
from events.catalogue.values import (
    ActorId,
    Count,
    Day,
    Id,
    Month,
    Position,
    PositiveTyiyn,
    ProducerId,
    Reason,
    RegionCode,
    Sha256Hex,
)
from services.decider import Command, Proposal

#: Makers whom nobody knows.
UNKNOWN = "unknown"


class AgreeTerms(Proposal[ShareTermsAgreed]):
    """Agree how one som is split, in a channel, from a day on."""

    last_closed_month: Month | None = None  #: of any region, as the income read model has it
    today: Day | None = None  #: in Bishkek

    def refers_to(self) -> tuple[str, ...]:
        return ()


class ClosePeriod(Command):
    """Turn what was accruing in a region's month into what is earned, by the statement at a position."""

    region: RegionCode
    month: Month
    today: Day  #: in Bishkek
    through_position: Position
    statement_digest: Sha256Hex
    producers: Count
    earned_tyiyn: int  #: a sum, so of any size
    unknown_tyiyn: int

    @classmethod
    def writes(cls) -> tuple[type[Event], ...]:
        return (PeriodClosed,)

    def stream(self) -> str:
        return f"period/{self.region.lower()}/{self.month}"

    def refers_to(self) -> tuple[str, ...]:
        return (f"region/{self.region.lower()}",)


class MakeRestatement(Command):
    """State a closed month anew; the difference goes into the open month."""

    region: RegionCode
    month: Month
    through_position: Position
    statement_digest: Sha256Hex
    members: tuple[ActorId, ...]
    reason: Reason

    @classmethod
    def writes(cls) -> tuple[type[Event], ...]:
        return (RestatementMade,)

    def stream(self) -> str:
        return f"period/{self.region.lower()}/{self.month}"


class AccountCommand(Command):
    """Something to be done on one producer's account."""

    producer: ProducerId

    def stream(self) -> str:
        return f"account/{self.producer}"


class MakePayout(AccountCommand):
    """Pay a producer out of what frozen statements say."""

    payout: Id
    amount_tyiyn: PositiveTyiyn
    method: Literal["cash", "elqr", "transfer"]
    members: tuple[ActorId, ...] = ()  #: who signed, when it takes two
    earned_tyiyn: int  #: frozen statements and their adjustments up to `statement_position`: a sum, so of any size
    statement_position: Position

    @classmethod
    def writes(cls) -> tuple[type[Event], ...]:
        return (PayoutMade,)

    def refers_to(self) -> tuple[str, ...]:
        return _producer(self.producer)


class ReversePayout(AccountCommand):
    """Take a payout back that did not arrive or was wrong."""

    payout: Id
    reason: Reason
    members: tuple[ActorId, ...] = ()  #: who signed, when it takes two

    @classmethod
    def writes(cls) -> tuple[type[Event], ...]:
        return (PayoutReversed,)


class GiveAdvance(Proposal[AdvanceGiven]):
    """Pay a producer before it is earned."""

    def refers_to(self) -> tuple[str, ...]:
        return _producer(self.event.producer)


class DisputePayout(Proposal[PayoutDisputed]):
    """A producer says that a payout or a statement is wrong."""

    def refers_to(self) -> tuple[str, ...]:
        return (f"producer/{self.event.producer}",)


class SettleDispute(Proposal[DisputeSettled]):
    """Answer a dispute. A payout is reversed and a month stated anew by commands of their own."""


def _producer(producer: str) -> tuple[str, ...]:
    """What a payment refers to; that nobody pays the unknown makers is said in its own words."""
    return () if producer == UNKNOWN else (f"producer/{producer}",)
