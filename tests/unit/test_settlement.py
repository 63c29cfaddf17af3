"""The rules of terms, months and accounts."""

from datetime import date
from typing import Any

import pytest

from services.decider import Command, TwoMembersNeeded
from services.settlement import decider as rules
from services.settlement.decider import ACCOUNT, PERIOD, TERMS, AgreeTerms, ClosePeriod, MakePayout, MakeRestatement
from tests import make
from tests.given import given

AGREED = make.share_terms_agreed()
CLOSED = make.period_closed()
STATED: dict[str, Any] = {
    "region": CLOSED.region,
    "month": CLOSED.month,
    "through_position": CLOSED.through_position,
    "statement_digest": CLOSED.statement_digest,
}
CLOSE = ClosePeriod(
    **STATED,
    today=date(2099, 1, 1),
    producers=CLOSED.producers,
    earned_tyiyn=CLOSED.earned_tyiyn,
    unknown_tyiyn=CLOSED.unknown_tyiyn,
)


def day_before(day: date) -> date:
    return date.fromordinal(day.toordinal() - 1)


def test_terms_begin_no_earlier_than_those_agreed_last() -> None:
    earlier = make.share_terms_agreed(effective_from=day_before(AGREED.effective_from))
    given(TERMS).when(AgreeTerms(event=AGREED)).then(AGREED)
    given(TERMS, AGREED).when(AgreeTerms(event=AGREED)).then(AGREED)
    given(TERMS, AGREED).when(AgreeTerms(event=earlier)).then_refused(rules.TermsBackdated)


def test_terms_never_begin_within_a_month_that_is_closed() -> None:
    in_march = make.share_terms_agreed(effective_from=date(2016, 3, 31))
    in_april = make.share_terms_agreed(effective_from=date(2016, 4, 1))
    given(TERMS).when(AgreeTerms(event=in_march, last_closed_month="2016-03")).then_refused(rules.TermsBackdated)
    given(TERMS).when(AgreeTerms(event=in_april, last_closed_month="2016-03")).then(in_april)


def test_a_month_is_closed_once_after_its_last_day() -> None:
    given(PERIOD).when(CLOSE).then(CLOSED)
    given(PERIOD, CLOSED).when(CLOSE).then_refused(rules.PeriodAlreadyClosed)
    year, month = map(int, CLOSED.month.split("-"))
    within = CLOSE.model_copy(update={"today": date(year, month, 28)})
    after = CLOSE.model_copy(update={"today": date(year + month // 12, month % 12 + 1, 1)})
    given(PERIOD).when(within).then_refused(rules.MonthNotEnded)
    given(PERIOD).when(after).then(CLOSED)


def test_a_closed_month_is_stated_anew_by_two_and_an_open_one_is_not() -> None:
    restated = make.restatement_made(**STATED)
    anew = MakeRestatement(**STATED, members=restated.members, reason=restated.reason)
    alone = MakeRestatement(**STATED, members=restated.members[:1], reason=restated.reason)
    given(PERIOD, CLOSED).when(anew).then(restated)
    given(PERIOD, CLOSED, restated).when(anew).then(restated)
    given(PERIOD).when(anew).then_refused(rules.PeriodNotClosed)
    given(PERIOD, CLOSED).when(alone).then_refused(TwoMembersNeeded)
    given(PERIOD, CLOSED, restated).when(CLOSE).then_refused(rules.PeriodAlreadyClosed)


def pay(amount_tyiyn: int, earned_tyiyn: int, payout: str = "payout-2", producer: str = "p-001") -> MakePayout:
    return MakePayout(
        producer=producer,
        payout=payout,
        amount_tyiyn=amount_tyiyn,
        method="cash",
        earned_tyiyn=earned_tyiyn,
        statement_position=900,
    )


PAID = make.payout_made(producer="p-001", payout="payout-1", amount_tyiyn=600)
REVERSED = make.payout_reversed(producer="p-001", payout="payout-1", amount_tyiyn=600)
ADVANCE = make.advance_given(producer="p-001", advance="advance-1", amount_tyiyn=300)
REVERSE = rules.ReversePayout(producer="p-001", payout="payout-1", reason=REVERSED.reason)


def test_a_payout_pays_what_is_owed_and_not_a_tyiyn_more() -> None:
    expected = make.payout_made(
        producer="p-001", payout="payout-2", amount_tyiyn=400, statement_position=900, method="cash"
    )
    given(ACCOUNT, PAID).when(pay(400, earned_tyiyn=1_000)).then(expected)
    given(ACCOUNT, PAID).when(pay(401, earned_tyiyn=1_000)).then_refused(rules.PayoutExceedsOwed)
    given(ACCOUNT).when(pay(1, earned_tyiyn=0)).then_refused(rules.PayoutExceedsOwed)


def test_an_advance_is_netted_and_a_reversed_payout_is_owed_again() -> None:
    given(ACCOUNT, ADVANCE).when(pay(701, earned_tyiyn=1_000)).then_refused(rules.PayoutExceedsOwed)
    assert given(ACCOUNT, ADVANCE).when(pay(700, earned_tyiyn=1_000)).refusal is None
    assert given(ACCOUNT, PAID, REVERSED).when(pay(1_000, earned_tyiyn=1_000)).refusal is None


def test_a_payout_is_reversed_once_and_whole() -> None:
    given(ACCOUNT, PAID).when(REVERSE).then(REVERSED)
    given(ACCOUNT).when(REVERSE).then_refused(rules.NoSuchPayout)
    given(ACCOUNT, PAID, REVERSED).when(REVERSE).then_refused(rules.AlreadyReversed)


@pytest.mark.parametrize(
    "command",
    [
        pay(1, earned_tyiyn=10_000, payout="payout-1"),
        rules.GiveAdvance(event=ADVANCE),
        rules.DisputePayout(event=make.payout_disputed(producer="p-001")),
    ],
)
def test_no_payout_advance_or_dispute_is_entered_twice(command: Command) -> None:
    disputed = make.payout_disputed(producer="p-001")
    given(ACCOUNT, PAID, ADVANCE, disputed).when(command).then_refused(rules.AlreadyPaid)


def test_a_reversed_payouts_id_is_not_used_again() -> None:
    given(ACCOUNT, PAID, REVERSED).when(pay(1, earned_tyiyn=1_000, payout="payout-1")).then_refused(rules.AlreadyPaid)


def test_advances_and_disputes_are_entered() -> None:
    disputed = make.payout_disputed(producer="p-001")
    given(ACCOUNT).when(rules.GiveAdvance(event=ADVANCE)).then(ADVANCE)
    given(ACCOUNT, PAID).when(rules.DisputePayout(event=disputed)).then(disputed)


def test_what_unknown_makers_earned_is_paid_to_nobody() -> None:
    given(ACCOUNT).when(pay(1, earned_tyiyn=1_000, producer="unknown")).then_refused(rules.NobodyToPay)
    ahead = rules.GiveAdvance(event=make.advance_given(producer="unknown"))
    given(ACCOUNT).when(ahead).then_refused(rules.NobodyToPay)
