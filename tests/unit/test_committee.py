"""The committee's rules: certificates on two members' scores, recalls by two members."""

from datetime import date

import pytest

from events.catalogue.committee import AssessmentScored, Scores
from services.committee import decider as rules
from services.committee.decider import CERTIFICATE, RECALL, AcceptConditionally, CertifyProduct, RejectProduct
from services.decider import Command, TwoMembersNeeded
from tests import make
from tests.given import given

SUBMITTED = make.product_submitted()
ABOUT = {"maker": SUBMITTED.maker, "product": SUBMITTED.product, "submission": SUBMITTED.submission}
CERTIFIED = make.product_certified()
CERTIFY = CertifyProduct(
    **ABOUT, certificate="certificate-1", valid_from=date(2016, 1, 1), valid_until=date(2017, 12, 31)
)
CONDITION = AcceptConditionally(**ABOUT, conditions=("label",), fulfil_by=date(2016, 3, 1))
REJECT = RejectProduct(**ABOUT)


def scored(member: str, *points: int) -> AssessmentScored:
    criteria = ("local_raw_material", "quality", "uniqueness", "packaging", "supply")
    return make.assessment_scored(member=member, scores=Scores(**dict(zip(criteria, points, strict=True))))


GOOD = (scored("user/member-1", 16, 16, 16, 16, 16), scored("user/member-2", 12, 12, 12, 12, 13))
POOR = (scored("user/member-1", 13, 13, 13, 13, 13), scored("user/member-2", 14, 14, 14, 14, 14))


def test_a_product_is_submitted_once_at_a_time() -> None:
    submit = rules.SubmitProduct(event=SUBMITTED)
    given(CERTIFICATE).when(submit).then(SUBMITTED)
    given(CERTIFICATE, SUBMITTED).when(submit).then_refused(rules.SubmissionOpen)


def test_what_was_certified_may_be_submitted_again_for_its_renewal() -> None:
    given(CERTIFICATE, SUBMITTED, *GOOD, CERTIFIED).when(rules.SubmitProduct(event=SUBMITTED)).then(SUBMITTED)


@pytest.mark.parametrize(
    "command",
    [
        rules.ReceiveSample(event=make.sample_received()),
        rules.AdviseImprovement(event=make.improvement_advised()),
        rules.ScoreAssessment(event=make.assessment_scored()),
        CERTIFY,
        CONDITION,
        REJECT,
    ],
)
def test_nothing_is_done_about_a_submission_that_is_not_open(command: Command) -> None:
    given(CERTIFICATE).when(command).then_refused(rules.NoSuchSubmission)
    other = make.product_submitted(submission="another")
    given(CERTIFICATE, other).when(command).then_refused(rules.NoSuchSubmission)


def test_samples_and_advice_belong_to_the_open_submission() -> None:
    sample, advice = make.sample_received(), make.improvement_advised()
    given(CERTIFICATE, SUBMITTED).when(rules.ReceiveSample(event=sample)).then(sample)
    given(CERTIFICATE, SUBMITTED, sample).when(rules.AdviseImprovement(event=advice)).then(advice)


def test_a_member_scores_once_with_0_to_20_points_for_each_criterion() -> None:
    score = scored("user/member-1", 20, 0, 20, 20, 20)
    given(CERTIFICATE, SUBMITTED).when(rules.ScoreAssessment(event=score)).then(score)
    given(CERTIFICATE, SUBMITTED, score).when(rules.ScoreAssessment(event=score)).then_refused(rules.AlreadyScored)
    beyond = scored("user/member-2", 21, 0, 0, 0, 0)
    given(CERTIFICATE, SUBMITTED, score).when(rules.ScoreAssessment(event=beyond)).then_refused(rules.ScoreOutOfRange)


def test_a_certificate_carries_who_scored_and_the_mean_of_their_totals() -> None:
    given(CERTIFICATE, SUBMITTED, *GOOD).when(CERTIFY).then(
        make.product_certified(
            **ABOUT,
            certificate="certificate-1",
            members=("user/member-1", "user/member-2"),
            score_milli=70_500,
            valid_from=date(2016, 1, 1),
            valid_until=date(2017, 12, 31),
        )
    )


@pytest.mark.parametrize("verdict", [CERTIFY, CONDITION, REJECT])
def test_no_submission_is_decided_on_the_scores_of_one_member(verdict: Command) -> None:
    given(CERTIFICATE, SUBMITTED, GOOD[0]).when(verdict).then_refused(rules.AssessmentsMissing)


def test_below_70_points_on_the_mean_nothing_is_certified() -> None:
    at_threshold = scored("user/member-2", 12, 12, 12, 12, 12)
    short = scored("user/member-2", 12, 12, 12, 12, 11)
    assert given(CERTIFICATE, SUBMITTED, GOOD[0], at_threshold).when(CERTIFY).refusal is None
    given(CERTIFICATE, SUBMITTED, GOOD[0], short).when(CERTIFY).then_refused(rules.BelowThreshold)


def test_a_criterion_below_10_on_the_mean_bars_a_certificate_whatever_the_total() -> None:
    weak = (scored("user/member-1", 20, 20, 20, 20, 10), scored("user/member-2", 20, 20, 20, 20, 9))
    given(CERTIFICATE, SUBMITTED, *weak).when(CERTIFY).then_refused(rules.BelowThreshold)


def test_a_certificate_ends_no_earlier_than_it_begins() -> None:
    reversed_days = CERTIFY.model_copy(update={"valid_until": date(2015, 12, 31)})
    given(CERTIFICATE, SUBMITTED, *GOOD).when(reversed_days).then_refused(rules.ValidityReversed)


def test_what_stays_below_is_rejected_and_what_reached_the_threshold_is_not() -> None:
    given(CERTIFICATE, SUBMITTED, *POOR).when(REJECT).then(
        make.product_rejected(**ABOUT, members=("user/member-1", "user/member-2"), score_milli=67_500)
    )
    given(CERTIFICATE, SUBMITTED, *GOOD).when(REJECT).then_refused(rules.ReachedThreshold)


def test_a_conditional_acceptance_names_its_conditions_and_ends_the_submission() -> None:
    given(CERTIFICATE, SUBMITTED, *POOR).when(CONDITION).then(
        accepted := make.product_conditionally_accepted(
            **ABOUT,
            members=("user/member-1", "user/member-2"),
            score_milli=67_500,
            conditions=("label",),
            fulfil_by=date(2016, 3, 1),
        )
    )
    without = CONDITION.model_copy(update={"conditions": ()})
    given(CERTIFICATE, SUBMITTED, *POOR).when(without).then_refused(rules.ConditionsMissing)
    given(CERTIFICATE, SUBMITTED, *POOR, accepted).when(CERTIFY).then_refused(rules.NoSuchSubmission)


SUSPENDED, REINSTATED, REVOKED = (
    make.certificate_suspended(certificate=CERTIFIED.certificate),
    make.certificate_reinstated(certificate=CERTIFIED.certificate),
    make.certificate_revoked(certificate=CERTIFIED.certificate),
)
SUSPEND, REINSTATE, REVOKE = (
    rules.SuspendCertificate(event=SUSPENDED),
    rules.ReinstateCertificate(event=REINSTATED),
    rules.RevokeCertificate(event=REVOKED),
)


def test_a_certificate_is_suspended_and_reinstated() -> None:
    given(CERTIFICATE, CERTIFIED).when(SUSPEND).then(SUSPENDED)
    given(CERTIFICATE, CERTIFIED, SUSPENDED).when(REINSTATE).then(REINSTATED)
    given(CERTIFICATE, CERTIFIED, SUSPENDED, REINSTATED).when(SUSPEND).then(SUSPENDED)


def test_only_what_stands_is_suspended_and_only_what_is_suspended_is_reinstated() -> None:
    given(CERTIFICATE, CERTIFIED, SUSPENDED).when(SUSPEND).then_refused(rules.NotValidNow)
    given(CERTIFICATE, CERTIFIED).when(REINSTATE).then_refused(rules.NotSuspended)
    given(CERTIFICATE, CERTIFIED, REVOKED).when(REINSTATE).then_refused(rules.NotSuspended)


def test_a_certificate_is_revoked_by_two_members_and_once() -> None:
    alone = rules.RevokeCertificate(event=make.certificate_revoked(members=("user/member-1", "user/member-1")))
    given(CERTIFICATE, CERTIFIED, SUSPENDED).when(REVOKE).then(REVOKED)
    given(CERTIFICATE, CERTIFIED).when(alone).then_refused(TwoMembersNeeded)
    given(CERTIFICATE, CERTIFIED, REVOKED).when(REVOKE).then_refused(rules.NotValidNow)


@pytest.mark.parametrize("command", [SUSPEND, REINSTATE, REVOKE])
def test_nothing_is_done_to_a_certificate_that_the_maker_does_not_hold(command: Command) -> None:
    given(CERTIFICATE).when(command).then_refused(rules.NoSuchCertificate)


STARTED, EXTENDED, TICKED, CLOSED = (
    make.recall_started(),
    make.recall_extended(),
    make.recall_ticked_off(),
    make.recall_closed(),
)
START, EXTEND, TICK, CLOSE = (
    rules.StartRecall(event=STARTED),
    rules.ExtendRecall(event=EXTENDED),
    rules.TickOffRecall(event=TICKED),
    rules.CloseRecall(event=CLOSED),
)


def test_a_recall_is_started_extended_ticked_off_and_closed() -> None:
    given(RECALL).when(START).then(STARTED)
    given(RECALL, STARTED).when(EXTEND).then(EXTENDED)
    given(RECALL, STARTED, EXTENDED).when(TICK).then(TICKED)
    given(RECALL, STARTED, TICKED).when(CLOSE).then(CLOSED)


def test_nobody_starts_extends_or_closes_a_recall_alone() -> None:
    alone = ("user/member-1",)
    given(RECALL).when(rules.StartRecall(event=make.recall_started(members=alone))).then_refused(TwoMembersNeeded)
    given(RECALL, STARTED).when(rules.ExtendRecall(event=make.recall_extended(members=alone))).then_refused(
        TwoMembersNeeded
    )
    given(RECALL, STARTED).when(rules.CloseRecall(event=make.recall_closed(members=alone))).then_refused(
        TwoMembersNeeded
    )


def test_a_recall_is_started_once() -> None:
    given(RECALL, STARTED).when(START).then_refused(rules.RecallAlreadyStarted)
    given(RECALL, STARTED, CLOSED).when(START).then_refused(rules.RecallAlreadyStarted)


@pytest.mark.parametrize("command", [EXTEND, TICK, CLOSE])
def test_nothing_is_done_to_a_recall_that_is_not_open(command: Command) -> None:
    given(RECALL).when(command).then_refused(rules.RecallNotOpen)
    given(RECALL, STARTED, CLOSED).when(command).then_refused(rules.RecallNotOpen)


def test_a_recall_names_its_roots_and_each_of_them_once() -> None:
    given(RECALL).when(rules.StartRecall(event=make.recall_started(roots=()))).then_refused(rules.RootsMissing)
    again = rules.ExtendRecall(event=make.recall_extended(roots=STARTED.roots))
    given(RECALL, STARTED).when(again).then_refused(rules.RootsMissing)


def test_an_outlet_ticks_a_batch_off_once() -> None:
    given(RECALL, STARTED, TICKED).when(TICK).then_refused(rules.AlreadyTickedOff)
