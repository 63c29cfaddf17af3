"""The rules of terms, months and accounts."""

from datetime import date
from typing import Any

import pytest

from events.catalogue.values import QUANTITY_MAX
from services.decider import Command, TwoMembersNeeded
from services.settlement import decider as rules
from services.settlement.decider import ACCOUNT, PERIOD, TERMS
from services.settlement.requests import (
    AgreeTerms,
    ClosePeriod,
    DisputePayout,
    GiveAdvance,
    MakePayout,
    MakeRestatement,
    ReversePayout,
    SettleDispute,
)
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


def day_after(day: date) -> date:
    return date.fromordinal(day.toordinal() + 1)


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


def test_terms_begin_on_the_day_they_are_agreed_or_later() -> None:
    today = AgreeTerms(event=AGREED, today=AGREED.effective_from)
    tomorrow = AgreeTerms(event=AGREED, today=day_after(AGREED.effective_from))
    earlier = make.share_terms_agreed(effective_from=date(2012, 1, 1))
    given(TERMS, earlier).when(today).then(AGREED)
    given(TERMS, earlier).when(tomorrow).then_refused(rules.TermsBackdated)


def test_only_a_channels_first_terms_may_begin_in_the_past() -> None:
    """So that a shop which joins brings its past along; a group's sales have had the channel's terms until now."""
    tomorrow = day_after(AGREED.effective_from)
    of_felt = make.share_terms_agreed(product_group="felt")
    given(TERMS).when(AgreeTerms(event=AGREED, today=tomorrow)).then(AGREED)
    given(TERMS).when(AgreeTerms(event=of_felt, today=tomorrow)).then_refused(rules.TermsBackdated)


def test_a_month_is_closed_once_after_its_last_day() -> None:
    given(PERIOD).when(CLOSE).then(CLOSED)
    given(PERIOD, CLOSED).when(CLOSE).then_refused(rules.PeriodAlreadyClosed)
    year, month = map(int, CLOSED.month.split("-"))
    within = CLOSE.model_copy(update={"today": date(year, month, 28)})
    after = CLOSE.model_copy(update={"today": date(year + month // 12, month % 12 + 1, 1)})
    given(PERIOD).when(within).then_refused(rules.MonthNotEnded)
    given(PERIOD).when(after).then(CLOSED)


@pytest.mark.parametrize("said", ["earned_tyiyn", "unknown_tyiyn"])
@pytest.mark.parametrize("sign", [1, -1])
def test_a_month_that_comes_to_more_than_is_counted_stays_open(said: str, sign: int) -> None:
    most = CLOSE.model_copy(update={said: sign * QUANTITY_MAX})
    more = ClosePeriod(**CLOSE.model_dump() | {said: sign * (QUANTITY_MAX + 1)})
    given(PERIOD).when(most).then(CLOSED.model_copy(update={said: sign * QUANTITY_MAX}))
    given(PERIOD).when(more).then_refused(rules.MonthBeyondCounting)


def test_a_closed_month_is_stated_anew_by_two_and_an_open_one_is_not() -> None:
    restated = make.restatement_made(**STATED | {"statement_digest": "7a" * 32})
    anew = restate(restated.statement_digest)
    given(PERIOD, CLOSED).when(anew).then(restated)
    given(PERIOD).when(anew).then_refused(rules.PeriodNotClosed)
    given(PERIOD, CLOSED).when(restate("7a" * 32, alone=True)).then_refused(TwoMembersNeeded)
    given(PERIOD, CLOSED, restated).when(CLOSE).then_refused(rules.PeriodAlreadyClosed)


def test_a_month_is_stated_anew_only_when_something_has_changed() -> None:
    restated = make.restatement_made(**STATED | {"statement_digest": "7a" * 32})
    given(PERIOD, CLOSED).when(restate(CLOSED.statement_digest)).then_refused(rules.NothingToRestate)
    given(PERIOD, CLOSED, restated).when(restate("7a" * 32)).then_refused(rules.NothingToRestate)
    assert given(PERIOD, CLOSED, restated).when(restate("8b" * 32)).refusal is None
    assert given(PERIOD, CLOSED, restated).when(restate(CLOSED.statement_digest)).refusal is None, "changed back"


def restate(digest: str, *, alone: bool = False) -> MakeRestatement:
    restated = make.restatement_made()
    members = restated.members[:1] if alone else restated.members
    return MakeRestatement(**STATED | {"statement_digest": digest}, members=members, reason=restated.reason)


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
REVERSE = ReversePayout(producer="p-001", payout="payout-1", reason=REVERSED.reason)


def test_a_payout_pays_what_is_owed_and_not_a_tyiyn_more() -> None:
    expected = make.payout_made(
        producer="p-001", payout="payout-2", amount_tyiyn=400, statement_position=900, method="cash"
    )
    given(ACCOUNT, PAID).when(pay(400, earned_tyiyn=1_000)).then(expected)
    given(ACCOUNT, PAID).when(pay(400, earned_tyiyn=9 * QUANTITY_MAX)).then(expected)
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
        GiveAdvance(event=ADVANCE),
        DisputePayout(event=make.payout_disputed(producer="p-001")),
    ],
)
def test_no_payout_advance_or_dispute_is_entered_twice(command: Command) -> None:
    disputed = make.payout_disputed(producer="p-001")
    given(ACCOUNT, PAID, ADVANCE, disputed).when(command).then_refused(rules.AlreadyPaid)


def test_a_reversed_payouts_id_is_not_used_again() -> None:
    given(ACCOUNT, PAID, REVERSED).when(pay(1, earned_tyiyn=1_000, payout="payout-1")).then_refused(rules.AlreadyPaid)


def test_advances_and_disputes_are_entered() -> None:
    disputed = make.payout_disputed(producer="p-001")
    given(ACCOUNT).when(GiveAdvance(event=ADVANCE)).then(ADVANCE)
    given(ACCOUNT, PAID).when(DisputePayout(event=disputed)).then(disputed)


DISPUTED, SETTLED = make.payout_disputed(producer="p-001"), make.dispute_settled()
SETTLE = SettleDispute(event=SETTLED)


def test_a_dispute_is_answered_once_whatever_else_was_done_about_it() -> None:
    given(ACCOUNT, PAID, DISPUTED).when(SETTLE).then(SETTLED)
    given(ACCOUNT, PAID, DISPUTED, REVERSED).when(SETTLE).then(SETTLED)
    given(ACCOUNT, DISPUTED, SETTLED).when(SETTLE).then_refused(rules.DisputeSettledBefore)


def test_what_nobody_disputed_is_not_answered() -> None:
    given(ACCOUNT, PAID).when(SETTLE).then_refused(rules.NoSuchDispute)


def test_an_answer_moves_no_money_and_an_answered_id_is_not_used_again() -> None:
    assert given(ACCOUNT, PAID, DISPUTED, SETTLED).when(pay(1, earned_tyiyn=1_000)).refusal is None
    again = DisputePayout(event=DISPUTED)
    given(ACCOUNT, DISPUTED, SETTLED).when(again).then_refused(rules.AlreadyPaid)


def test_what_unknown_makers_earned_is_paid_to_nobody() -> None:
    given(ACCOUNT).when(pay(1, earned_tyiyn=1_000, producer="unknown")).then_refused(rules.NobodyToPay)
    ahead = GiveAdvance(event=make.advance_given(producer="unknown"))
    given(ACCOUNT).when(ahead).then_refused(rules.NobodyToPay)


LIMIT = rules.ALONE_TYIYN_MAX
TWO = ("user/clerk-1", "user/clerk-2")


def test_above_50_000_som_a_payout_is_signed_by_two() -> None:
    much = pay(LIMIT + 1, earned_tyiyn=LIMIT + 1)
    assert LIMIT == 50_000 * 100
    assert given(ACCOUNT).when(pay(LIMIT, earned_tyiyn=LIMIT)).refusal is None
    given(ACCOUNT).when(much).then_refused(rules.SecondSignatureMissing)
    twice = much.model_copy(update={"members": (TWO[0], TWO[0])})
    given(ACCOUNT).when(twice).then_refused(rules.SecondSignatureMissing)
    signed = much.model_copy(update={"members": TWO})
    given(ACCOUNT).when(signed).then(
        make.payout_made(
            producer="p-001",
            payout="payout-2",
            amount_tyiyn=LIMIT + 1,
            statement_position=900,
            method="cash",
            members=TWO,
        )
    )


def test_above_50_000_som_an_advance_is_signed_by_two() -> None:
    alone = make.advance_given(amount_tyiyn=LIMIT + 1)
    signed = make.advance_given(amount_tyiyn=LIMIT + 1, members=TWO)
    given(ACCOUNT).when(GiveAdvance(event=alone)).then_refused(rules.SecondSignatureMissing)
    given(ACCOUNT).when(GiveAdvance(event=signed)).then(signed)


def test_a_payout_that_two_signed_is_reversed_by_two() -> None:
    paid = make.payout_made(producer="p-001", payout="payout-1", amount_tyiyn=LIMIT + 1, members=TWO)
    back = make.payout_reversed(producer="p-001", payout="payout-1", amount_tyiyn=LIMIT + 1, members=TWO)
    signed = REVERSE.model_copy(update={"members": TWO})
    given(ACCOUNT, paid).when(REVERSE).then_refused(rules.SecondSignatureMissing)
    given(ACCOUNT, paid).when(signed).then(back)


def test_what_was_advanced_before_a_shop_joined_is_entered_on_its_first_day() -> None:
    before = make.advance_given(producer="p-001", amount_tyiyn=400, method="opening")
    given(ACCOUNT).when(GiveAdvance(event=before)).then(before)
    given(ACCOUNT, before).when(pay(601, earned_tyiyn=1_000)).then_refused(rules.PayoutExceedsOwed)
    assert given(ACCOUNT, before).when(pay(600, earned_tyiyn=1_000)).refusal is None
