"""How income is shared, closed and paid out: terms, months, accounts. One short stream for each."""

from collections.abc import Mapping
from dataclasses import dataclass, field, replace

from events.catalogue.base import Decision
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
from events.catalogue.values import QUANTITY_MAX, Day
from services.decider import Decider, must_be_two
from services.errors import NotFound, Refused
from services.settlement.requests import (
    UNKNOWN,
    AgreeTerms,
    ClosePeriod,
    DisputePayout,
    GiveAdvance,
    MakePayout,
    MakeRestatement,
    ReversePayout,
    SettleDispute,
)

#: What one clerk may hand out alone, at a time: 50 000 som. Above it two sign.
ALONE_TYIYN_MAX = 5_000_000


class TermsBackdated(Refused):
    """Share terms begin today or later: not before the terms agreed last, nor within a month that is closed.

    Only the first terms of a channel may begin earlier, so that a shop which joins can bring its past along.
    """

    advice = "Let them begin on a later day."


class MonthNotEnded(Refused):
    """A month is closed after its last day, by the calendar of Bishkek."""

    advice = "Close it on the first day of the next month or later."


class MonthBeyondCounting(Refused):
    """A month that came to more than anything here is counted with is not closed: some receipt in it cannot be true."""

    advice = "Void the receipts that make it so great, then close the month."


class PeriodAlreadyClosed(Refused):
    """This month of this region was closed before; a closed statement never moves."""

    advice = "What came later is in the open month; an error in the statement takes a restatement."


class PeriodNotClosed(Refused):
    """This month of this region was never closed, so there is nothing to restate."""

    advice = "Close the month first."


class NothingToRestate(Refused):
    """Nothing has changed since this month was stated last."""

    advice = "Nothing needs to be done; what is known of the month is what was stated."


class SecondSignatureMissing(Refused):
    """An amount above 50 000 som is signed by two different people."""

    advice = "Name the two in `members`."


class PayoutExceedsOwed(Refused):
    """More would be paid than the closed statements say is owed."""

    advice = "Pay what is owed, close the month first, or give an advance."


class NobodyToPay(Refused):
    """What is earned by unknown makers is kept until they are known; it cannot be paid out."""

    advice = "Correct the origin of the lot; the amount then moves to its makers."


class AlreadyPaid(Refused):
    """A payout, advance or dispute of this id was entered before."""

    advice = "Draw a new id for a new one; if you repeated a request, send it with its first id to get its receipt."


class NoSuchPayout(NotFound):
    """This producer was never paid under this id."""

    advice = "See the producer's account for its payouts."


class AlreadyReversed(Refused):
    """This payout was reversed before; it is reversed once, whole."""

    advice = "Nothing needs to be done."


class NoSuchDispute(NotFound):
    """This producer never disputed anything under this id."""

    advice = "See GET /api/v1/settlement/disputes."


class DisputeSettledBefore(Refused):
    """This dispute was answered before."""

    advice = "Nothing needs to be done; a producer who does not agree enters a new dispute."


@dataclass(frozen=True, slots=True)
class Terms:
    """The day from which the terms agreed last hold."""

    effective_from: Day | None = None


def decide_terms(command: AgreeTerms, terms: Terms) -> list[Decision]:
    event = command.event
    since = event.effective_from
    is_channels_first = event.product_group is None and terms.effective_from is None
    in_closed_month = command.last_closed_month is not None and f"{since:%Y-%m}" <= command.last_closed_month
    before_the_last = terms.effective_from is not None and since < terms.effective_from
    in_the_past = command.today is not None and since < command.today and not is_channels_first
    if in_closed_month or before_the_last or in_the_past:
        raise TermsBackdated(field="effective_from")
    return [event]


def evolve_terms(_: Terms, event: ShareTermsAgreed) -> Terms:
    return Terms(event.effective_from)


TERMS: Decider[AgreeTerms, Terms, ShareTermsAgreed] = Decider(Terms(), decide_terms, evolve_terms)


@dataclass(frozen=True, slots=True)
class Period:
    """Whether a region's month is closed, and the digest of what was stated last."""

    closed: bool = False
    stated: str = ""


def decide_period(command: ClosePeriod | MakeRestatement, period: Period) -> list[Decision]:
    match command:
        case ClosePeriod():
            if period.closed:
                raise PeriodAlreadyClosed(field="month")
            if command.month >= f"{command.today:%Y-%m}":
                raise MonthNotEnded(field="month")
            if max(abs(command.earned_tyiyn), abs(command.unknown_tyiyn)) > QUANTITY_MAX:
                raise MonthBeyondCounting(field="month")
            return [
                PeriodClosed(
                    region=command.region,
                    month=command.month,
                    through_position=command.through_position,
                    statement_digest=command.statement_digest,
                    producers=command.producers,
                    earned_tyiyn=command.earned_tyiyn,
                    unknown_tyiyn=command.unknown_tyiyn,
                )
            ]
        case MakeRestatement():
            if not period.closed:
                raise PeriodNotClosed(field="month")
            must_be_two(command.members)
            if command.statement_digest == period.stated:
                raise NothingToRestate(field="month")
            return [
                RestatementMade(
                    region=command.region,
                    month=command.month,
                    through_position=command.through_position,
                    statement_digest=command.statement_digest,
                    members=command.members,
                    reason=command.reason,
                )
            ]


def evolve_period(_: Period, event: PeriodClosed | RestatementMade) -> Period:
    return Period(closed=True, stated=event.statement_digest)


PERIOD: Decider[ClosePeriod | MakeRestatement, Period, PeriodClosed | RestatementMade] = Decider(
    Period(), decide_period, evolve_period
)


@dataclass(frozen=True, slots=True)
class Account:
    """What was handed to one producer, net of reversals; and the ids that were used."""

    handed_tyiyn: int = 0  #: payouts not reversed, and advances
    payouts: Mapping[str, int] = field(default_factory=dict)  #: tyiyn of each payout that stands
    used: frozenset[str] = frozenset()  #: as `payout/<id>`, `advance/<id>`, `dispute/<id>`, `settled/<id>`


AccountRequest = MakePayout | ReversePayout | GiveAdvance | DisputePayout | SettleDispute
AccountEvent = PayoutMade | PayoutReversed | AdvanceGiven | PayoutDisputed | DisputeSettled


def decide_account(command: AccountRequest, account: Account) -> list[Decision]:
    match command:
        case MakePayout():
            return [_payout(command, account)]
        case ReversePayout(payout=payout):
            if f"payout/{payout}" not in account.used:
                raise NoSuchPayout(field="payout")
            if payout not in account.payouts:
                raise AlreadyReversed(field="payout")
            amount = account.payouts[payout]
            _must_be_signed(amount, command.members)
            return [
                PayoutReversed(
                    producer=command.producer,
                    payout=payout,
                    amount_tyiyn=amount,
                    reason=command.reason,
                    members=command.members,
                )
            ]
        case GiveAdvance(event=advance):
            if advance.producer == UNKNOWN:
                raise NobodyToPay(field="producer")
            _must_be_unused(f"advance/{advance.advance}", account)
            _must_be_signed(advance.amount_tyiyn, advance.members)
            return [advance]
        case DisputePayout(event=dispute):
            _must_be_unused(f"dispute/{dispute.dispute}", account)
            return [dispute]
        case SettleDispute(event=settled):
            if f"dispute/{settled.dispute}" not in account.used:
                raise NoSuchDispute(field="dispute")
            if f"settled/{settled.dispute}" in account.used:
                raise DisputeSettledBefore(field="dispute")
            return [settled]


def _payout(command: MakePayout, account: Account) -> PayoutMade:
    if command.producer == UNKNOWN:
        raise NobodyToPay(field="producer")
    _must_be_unused(f"payout/{command.payout}", account)
    if command.amount_tyiyn > command.earned_tyiyn - account.handed_tyiyn:
        raise PayoutExceedsOwed(field="amount_tyiyn")
    _must_be_signed(command.amount_tyiyn, command.members)
    return PayoutMade(
        producer=command.producer,
        payout=command.payout,
        amount_tyiyn=command.amount_tyiyn,
        statement_position=command.statement_position,
        method=command.method,
        members=command.members,
    )


def _must_be_signed(amount_tyiyn: int, members: tuple[str, ...]) -> None:
    if amount_tyiyn > ALONE_TYIYN_MAX and len(set(members)) < 2:
        raise SecondSignatureMissing(field="members")


def _must_be_unused(name: str, account: Account) -> None:
    if name in account.used:
        raise AlreadyPaid(field=name.partition("/")[0])


def evolve_account(account: Account, event: AccountEvent) -> Account:
    match event:
        case PayoutMade():
            return Account(
                account.handed_tyiyn + event.amount_tyiyn,
                {**account.payouts, event.payout: event.amount_tyiyn},
                account.used | {f"payout/{event.payout}"},
            )
        case PayoutReversed():
            standing = {payout: tyiyn for payout, tyiyn in account.payouts.items() if payout != event.payout}
            return replace(account, handed_tyiyn=account.handed_tyiyn - event.amount_tyiyn, payouts=standing)
        case AdvanceGiven():
            handed = account.handed_tyiyn + event.amount_tyiyn
            return replace(account, handed_tyiyn=handed, used=account.used | {f"advance/{event.advance}"})
        case PayoutDisputed():
            return replace(account, used=account.used | {f"dispute/{event.dispute}"})
        case DisputeSettled():
            return replace(account, used=account.used | {f"settled/{event.dispute}"})


ACCOUNT: Decider[AccountRequest, Account, AccountEvent] = Decider(Account(), decide_account, evolve_account)
