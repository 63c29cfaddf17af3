"""How income is shared, closed and paid. All of it is decided, on one short stream each."""

from typing import Literal, Self

from pydantic import model_validator

from events.catalogue.base import Decision
from events.catalogue.values import (
    ActorId,
    BasisPoints,
    Channel,
    Count,
    Day,
    EventIdText,
    Id,
    Month,
    Position,
    PositiveTyiyn,
    ProducerId,
    ProductGroup,
    Reason,
    RegionCode,
    Sha256Hex,
    SignedTyiyn,
)

BASIS_POINTS_WHOLE = 10_000


class ShareTermsAgreed(Decision):
    """How one som of a sale is split, in basis points that add up to 10 000, from a day on, in a channel.

    `product_group` None: the channel's default, also for products nobody knows.
    """

    wire_name = "settlement.share_terms_agreed.v1"
    channel: Channel
    product_group: ProductGroup | None = None
    effective_from: Day
    makers_bp: BasisPoints
    workshop_bp: BasisPoints
    outlet_bp: BasisPoints
    brand_bp: BasisPoints
    fund_bp: BasisPoints

    @model_validator(mode="after")
    def _whole_som(self) -> Self:
        if self.makers_bp + self.workshop_bp + self.outlet_bp + self.brand_bp + self.fund_bp != BASIS_POINTS_WHOLE:
            raise ValueError("terms_do_not_add_up: the five shares must add up to 10000 basis points")
        return self

    def stream(self) -> str:
        return f"terms/{self.channel}/{self.product_group or 'default'}"


class PeriodDecision(Decision):
    """A decision about one region's month (of Asia/Bishkek)."""

    region: RegionCode
    month: Month

    def stream(self) -> str:
        return f"period/{self.region.lower()}/{self.month}"


class PeriodClosed(PeriodDecision):
    """What was accruing in a month became earned: every event up to `through_position` counts, nothing after it.

    `statement_digest` is the SHA-256 of the per-producer statement at that position; whoever folds the log and gets
    another one has found an error.
    """

    wire_name = "settlement.period_closed.v1"
    through_position: Position
    statement_digest: Sha256Hex
    producers: Count
    earned_tyiyn: SignedTyiyn
    unknown_tyiyn: SignedTyiyn


class RestatementMade(PeriodDecision):
    """A closed month is stated anew, by two; the first statement stays, the open month takes the difference."""

    wire_name = "settlement.restatement_made.v1"
    through_position: Position
    statement_digest: Sha256Hex
    members: tuple[ActorId, ...]
    reason: Reason


class AccountDecision(Decision):
    """A decision about what one producer is owed."""

    producer: ProducerId

    def stream(self) -> str:
        return f"account/{self.producer}"


class PayoutMade(AccountDecision):
    """A producer was paid, out of what frozen statements said at `statement_position`.

    `members` are the two who signed an amount above the limit for one.
    """

    wire_name = "settlement.payout_made.v2"
    payout: Id
    amount_tyiyn: PositiveTyiyn
    statement_position: Position
    method: Literal["cash", "elqr", "transfer"]
    members: tuple[ActorId, ...] = ()


class PayoutReversed(AccountDecision):
    """A payout did not arrive or was wrong; it is owed again. `members` as in a payout."""

    wire_name = "settlement.payout_reversed.v2"
    payout: Id
    amount_tyiyn: PositiveTyiyn
    reason: Reason
    members: tuple[ActorId, ...] = ()


class AdvanceGiven(AccountDecision):
    """A producer was paid before it was earned; netted against later earnings. `members` as in a payout.

    The method `opening` is an advance that was open already when the producer's shop joined the network.
    """

    wire_name = "settlement.advance_given.v2"
    advance: Id
    amount_tyiyn: PositiveTyiyn
    method: Literal["cash", "elqr", "transfer", "opening"]
    members: tuple[ActorId, ...] = ()


class PayoutDisputed(AccountDecision):
    """A producer says that a payout or a statement is wrong."""

    wire_name = "settlement.payout_disputed.v1"
    dispute: Id
    disputed: EventIdText | None = None
    month: Month
    reason: Reason
    opened_on: Day


class DisputeSettled(AccountDecision):
    """A dispute was answered: the producer was right, or was not. What follows from it is an event of its own."""

    wire_name = "settlement.dispute_settled.v1"
    dispute: Id
    outcome: Literal["upheld", "rejected"]
    reason: Reason


class PayoutMadeV1(AccountDecision):
    """The first form, of one signature whatever the amount. Read for ever."""

    wire_name = "settlement.payout_made.v1"
    payout: Id
    amount_tyiyn: PositiveTyiyn
    statement_position: Position
    method: Literal["cash", "elqr", "transfer"]

    def upcast(self) -> PayoutMade:
        return PayoutMade(
            producer=self.producer,
            payout=self.payout,
            amount_tyiyn=self.amount_tyiyn,
            statement_position=self.statement_position,
            method=self.method,
        )


class PayoutReversedV1(AccountDecision):
    """The first form, of one signature whatever the amount. Read for ever."""

    wire_name = "settlement.payout_reversed.v1"
    payout: Id
    amount_tyiyn: PositiveTyiyn
    reason: Reason

    def upcast(self) -> PayoutReversed:
        return PayoutReversed(
            producer=self.producer, payout=self.payout, amount_tyiyn=self.amount_tyiyn, reason=self.reason
        )


class AdvanceGivenV1(AccountDecision):
    """The first form, of one signature whatever the amount. Read for ever."""

    wire_name = "settlement.advance_given.v1"
    advance: Id
    amount_tyiyn: PositiveTyiyn
    method: Literal["cash", "elqr", "transfer"]

    def upcast(self) -> AdvanceGiven:
        return AdvanceGiven(
            producer=self.producer, advance=self.advance, amount_tyiyn=self.amount_tyiyn, method=self.method
        )
