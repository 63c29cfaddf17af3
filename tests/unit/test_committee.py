"""The committee's rules: certificates on the sealed scores of two members without an interest in the maker."""

from datetime import date

import pytest

from events.catalogue.committee import AssessmentScored
from events.catalogue.network import Role
from services.committee import decider as rules
from services.committee import requests as ask
from services.committee.assessment import HeldRole, OpenedScores, seal_of
from services.committee.decider import CERTIFICATE
from services.committee.requests import AcceptConditionally, CertifyProduct, DecideSubmission, RejectProduct
from services.decider import Command, TwoMembersNeeded
from tests import make
from tests.given import given

SUBMITTED = make.product_submitted(assessors=())
ABOUT = {"maker": SUBMITTED.maker, "product": SUBMITTED.product, "submission": SUBMITTED.submission}
CERTIFIED = make.product_certified()
CERTIFY = CertifyProduct(
    **ABOUT, certificate="certificate-1", valid_from=date(2016, 1, 1), valid_until=date(2017, 12, 31)
)
CONDITION = AcceptConditionally(**ABOUT, conditions=("label",), fulfil_by=date(2016, 3, 1))
REJECT = RejectProduct(**ABOUT)


def opened(member: str, *points: int) -> OpenedScores:
    """What a member scored, with a salt of their own."""
    return OpenedScores(member=member, scores=make.scores(*points), salt=member.encode().hex().ljust(32, "0")[:32])


def sealed(scored: OpenedScores) -> AssessmentScored:
    """The seal of it, as the log has it while the submission is open."""
    seal = seal_of(SUBMITTED.submission, scored)
    return make.assessment_scored(**ABOUT, member=scored.member, seal=seal, scores=None, salt=None)


def opening(scored: OpenedScores) -> AssessmentScored:
    """The same with what was behind it, as the log has it once the submission is decided."""
    return make.assessment_scored(
        **ABOUT,
        member=scored.member,
        seal=seal_of(SUBMITTED.submission, scored),
        scores=scored.scores,
        salt=scored.salt,
    )


MEMBER = HeldRole(role="committee_member", region=SUBMITTED.region)
ONE, TWO, THREE = "user/member-1", "user/member-2", "user/member-3"
GOOD = (opened(ONE, 16, 16, 16, 16, 16), opened(TWO, 12, 12, 12, 12, 13))
POOR = (opened(ONE, 13, 13, 13, 13, 13), opened(TWO, 14, 14, 14, 14, 14))


def scored_by(scored: OpenedScores, *roles: HeldRole, kept: OpenedScores | None = None) -> ask.SealAssessment:
    """A member's scores on their way to the log; `kept` is what lies behind an earlier seal."""
    asked = ask.ScoreAssessment(**ABOUT, member=scored.member, scores=scored.scores)
    seals = frozenset(() if kept is None else (seal_of(SUBMITTED.submission, kept),))
    seal = seal_of(SUBMITTED.submission, scored)
    return ask.SealAssessment(asked=asked, seal=seal, roles=roles or (MEMBER,), kept=seals)


def decided(
    verdict: CertifyProduct | AcceptConditionally | RejectProduct, scored: tuple[OpenedScores, ...] = GOOD
) -> DecideSubmission:
    return DecideSubmission(verdict=verdict, opened=scored)


def after(*scored: OpenedScores) -> tuple[AssessmentScored, ...]:
    return tuple(sealed(each) for each in scored)


def test_a_product_is_submitted_once_at_a_time() -> None:
    submit = ask.SubmitProduct(event=SUBMITTED)
    given(CERTIFICATE).when(submit).then(SUBMITTED)
    given(CERTIFICATE, SUBMITTED).when(submit).then_refused(rules.SubmissionOpen)


def test_what_was_certified_is_submitted_again_for_its_renewal_under_another_id() -> None:
    history = (SUBMITTED, *after(*GOOD), CERTIFIED)
    renewal = make.product_submitted(submission="submission-2")
    given(CERTIFICATE, *history).when(ask.SubmitProduct(event=renewal)).then(renewal)
    given(CERTIFICATE, *history).when(ask.SubmitProduct(event=SUBMITTED)).then_refused(rules.SubmittedBefore)


def test_named_assessors_are_two_at_least() -> None:
    alone = make.product_submitted(assessors=(ONE,))
    refused = given(CERTIFICATE).when(ask.SubmitProduct(event=alone)).then_refused(TwoMembersNeeded)
    assert refused.field == "assessors"


@pytest.mark.parametrize(
    "command",
    [
        ask.ReceiveSample(event=make.sample_received()),
        ask.AdviseImprovement(event=make.improvement_advised()),
        scored_by(GOOD[0]),
        decided(CERTIFY),
        decided(CONDITION),
        decided(REJECT),
    ],
)
def test_nothing_is_done_about_a_submission_that_is_not_open(command: Command) -> None:
    given(CERTIFICATE).when(command).then_refused(rules.NoSuchSubmission)
    other = make.product_submitted(submission="another")
    given(CERTIFICATE, other).when(command).then_refused(rules.NoSuchSubmission)


def test_samples_and_advice_belong_to_the_open_submission() -> None:
    sample, advice = make.sample_received(), make.improvement_advised()
    given(CERTIFICATE, SUBMITTED).when(ask.ReceiveSample(event=sample)).then(sample)
    given(CERTIFICATE, SUBMITTED, sample).when(ask.AdviseImprovement(event=advice)).then(advice)


def test_a_member_scores_once_with_0_to_20_points_for_each_criterion() -> None:
    score = opened(ONE, 20, 0, 20, 20, 20)
    given(CERTIFICATE, SUBMITTED).when(scored_by(score)).then(sealed(score))
    again = opened(ONE, 20, 20, 20, 20, 20)
    given(CERTIFICATE, SUBMITTED, sealed(score)).when(scored_by(again, kept=score)).then_refused(rules.AlreadyScored)
    beyond = opened(TWO, 21, 0, 0, 0, 0)
    given(CERTIFICATE, SUBMITTED, sealed(score)).when(scored_by(beyond)).then_refused(rules.ScoreOutOfRange)


def test_while_a_submission_is_open_the_log_holds_seals_and_no_score() -> None:
    [event] = given(CERTIFICATE, SUBMITTED).when(scored_by(GOOD[0])).events
    assert isinstance(event, AssessmentScored)
    assert (event.scores, event.salt) == (None, None)
    others = {seal_of(SUBMITTED.submission, GOOD[0].model_copy(update={"salt": f"{n:032x}"})) for n in range(9)}
    assert event.seal not in others, "a seal without its salt gives the scores away"
    assert seal_of("another", GOOD[0]) != event.seal
    assert seal_of(SUBMITTED.submission, GOOD[0].model_copy(update={"member": TWO})) != event.seal


@pytest.mark.parametrize(
    "roles",
    [
        (HeldRole(role="committee_member", region="KG-N"),),
        (HeldRole(role="center"),),
        (HeldRole(role="committee_member", region="KG-Y", place="outlet/karakol"),),
    ],
)
def test_only_members_of_the_regions_own_committee_score(roles: tuple[HeldRole, ...]) -> None:
    given(CERTIFICATE, SUBMITTED).when(scored_by(GOOD[0], *roles)).then_refused(rules.NotOnTheCommittee)


def test_a_member_of_all_committees_scores_in_every_region() -> None:
    everywhere = HeldRole(role="committee_member")
    given(CERTIFICATE, SUBMITTED).when(scored_by(GOOD[0], everywhere)).then(sealed(GOOD[0]))


def test_only_the_named_assessors_score_when_some_were_named() -> None:
    named = make.product_submitted(assessors=(ONE, TWO))
    given(CERTIFICATE, named).when(scored_by(GOOD[0])).then(sealed(GOOD[0]))
    given(CERTIFICATE, named).when(scored_by(opened(THREE))).then_refused(rules.NotAnAssessor)


@pytest.mark.parametrize("role", ["workshop_lead", "producer"])
def test_nobody_scores_the_work_of_a_place_in_which_they_have_a_part(role: Role) -> None:
    own = HeldRole(role=role, place=SUBMITTED.maker)
    elsewhere = HeldRole(role=role, place="workshop/another")
    given(CERTIFICATE, SUBMITTED).when(scored_by(GOOD[0], MEMBER, own)).then_refused(rules.ConflictOfInterest)
    given(CERTIFICATE, SUBMITTED).when(scored_by(GOOD[0], MEMBER, elsewhere)).then(sealed(GOOD[0]))


def test_nobody_scores_their_own_work() -> None:
    about = ABOUT | {"maker": "producer/p-001"}
    asked = ask.ScoreAssessment(**about, member="producer/p-001", scores=make.scores())
    own = ask.SealAssessment(asked=asked, seal=make.HASH, roles=(MEMBER,))
    submitted = make.product_submitted(**about, assessors=())
    given(CERTIFICATE, submitted).when(own).then_refused(rules.ConflictOfInterest)


def test_a_certificate_carries_who_scored_and_the_mean_and_all_scores_are_opened_with_it() -> None:
    given(CERTIFICATE, SUBMITTED, *after(*GOOD)).when(decided(CERTIFY)).then(
        make.product_certified(
            **ABOUT,
            certificate="certificate-1",
            members=(ONE, TWO),
            score_milli=70_500,
            valid_from=date(2016, 1, 1),
            valid_until=date(2017, 12, 31),
        ),
        *map(opening, GOOD),
    )


def test_scores_that_lay_open_in_the_first_form_of_the_event_count_as_they_are() -> None:
    lay_open = tuple(
        make.assessment_scored_v1(**ABOUT, member=each.member, scores=each.scores).upcast() for each in GOOD
    )
    told = given(CERTIFICATE, SUBMITTED, *lay_open).when(decided(CERTIFY, ()))
    assert [type(event).__name__ for event in told.events] == ["ProductCertified"]


@pytest.mark.parametrize("verdict", [CERTIFY, CONDITION, REJECT])
def test_no_submission_is_decided_on_the_scores_of_one_member(
    verdict: CertifyProduct | AcceptConditionally | RejectProduct,
) -> None:
    one = GOOD[:1]
    given(CERTIFICATE, SUBMITTED, *after(*one)).when(decided(verdict, one)).then_refused(rules.AssessmentsMissing)


def test_no_submission_is_decided_before_all_who_were_named_have_scored() -> None:
    named = make.product_submitted(assessors=(ONE, TWO, THREE))
    third = opened(THREE, 15, 15, 15, 15, 15)
    given(CERTIFICATE, named, *after(*GOOD)).when(decided(CERTIFY)).then_refused(rules.AssessmentsMissing)
    all_in = (*GOOD, third)
    assert given(CERTIFICATE, named, *after(*all_in)).when(decided(CERTIFY, all_in)).refusal is None


@pytest.mark.parametrize(
    "found",
    [
        (),
        GOOD[:1],
        (GOOD[0], GOOD[1].model_copy(update={"scores": make.scores(20, 20, 20, 20, 20)})),
        (GOOD[0], GOOD[1].model_copy(update={"salt": "0" * 32})),
        (GOOD[0], GOOD[1].model_copy(update={"member": THREE})),
    ],
)
def test_scores_count_only_as_they_were_sealed(found: tuple[OpenedScores, ...]) -> None:
    given(CERTIFICATE, SUBMITTED, *after(*GOOD)).when(decided(CERTIFY, found)).then_refused(rules.SealBroken)


def test_who_scored_what_is_lost_scores_anew_and_the_later_seal_counts() -> None:
    lost, anew = GOOD[0], GOOD[0].model_copy(update={"salt": "7" * 32})
    history = (SUBMITTED, *after(*GOOD))
    given(CERTIFICATE, *history).when(decided(CERTIFY, (anew, GOOD[1]))).then_refused(rules.SealBroken)
    given(CERTIFICATE, *history).when(scored_by(anew, kept=GOOD[1])).then(sealed(anew))
    given(CERTIFICATE, *history, sealed(anew)).when(decided(CERTIFY, (lost, GOOD[1]))).then_refused(rules.SealBroken)
    assert given(CERTIFICATE, *history, sealed(anew)).when(decided(CERTIFY, (anew, GOOD[1]))).refusal is None
    lay_open = make.assessment_scored_v1(**ABOUT, member=ONE, scores=lost.scores).upcast()
    given(CERTIFICATE, SUBMITTED, lay_open).when(scored_by(anew)).then_refused(rules.AlreadyScored)


def test_below_70_points_on_the_mean_nothing_is_certified() -> None:
    at_threshold = (GOOD[0], opened(TWO, 12, 12, 12, 12, 12))
    short = (GOOD[0], opened(TWO, 12, 12, 12, 12, 11))
    assert given(CERTIFICATE, SUBMITTED, *after(*at_threshold)).when(decided(CERTIFY, at_threshold)).refusal is None
    given(CERTIFICATE, SUBMITTED, *after(*short)).when(decided(CERTIFY, short)).then_refused(rules.BelowThreshold)


def test_a_criterion_below_10_on_the_mean_bars_a_certificate_whatever_the_total() -> None:
    weak = (opened(ONE, 20, 20, 20, 20, 10), opened(TWO, 20, 20, 20, 20, 9))
    given(CERTIFICATE, SUBMITTED, *after(*weak)).when(decided(CERTIFY, weak)).then_refused(rules.BelowThreshold)


def test_a_certificate_ends_no_earlier_than_it_begins() -> None:
    reversed_days = CERTIFY.model_copy(update={"valid_until": date(2015, 12, 31)})
    given(CERTIFICATE, SUBMITTED, *after(*GOOD)).when(decided(reversed_days)).then_refused(rules.ValidityReversed)


def test_a_renewed_certificate_has_an_id_of_its_own() -> None:
    first = make.product_certified(submission="submission-0", certificate=CERTIFY.certificate)
    history = (first, SUBMITTED, *after(*GOOD))
    given(CERTIFICATE, *history).when(decided(CERTIFY)).then_refused(rules.CertificateIssuedBefore)


def test_what_stays_below_is_rejected_and_what_reached_the_threshold_is_not() -> None:
    given(CERTIFICATE, SUBMITTED, *after(*POOR)).when(decided(REJECT, POOR)).then(
        make.product_rejected(**ABOUT, members=(ONE, TWO), score_milli=67_500), *map(opening, POOR)
    )
    given(CERTIFICATE, SUBMITTED, *after(*GOOD)).when(decided(REJECT)).then_refused(rules.ReachedThreshold)


def test_a_conditional_acceptance_names_its_conditions_and_ends_the_submission() -> None:
    history = (SUBMITTED, *after(*POOR))
    accepted = make.product_conditionally_accepted(
        **ABOUT, members=(ONE, TWO), score_milli=67_500, conditions=("label",), fulfil_by=date(2016, 3, 1)
    )
    openings = tuple(map(opening, POOR))
    given(CERTIFICATE, *history).when(decided(CONDITION, POOR)).then(accepted, *openings)
    without = CONDITION.model_copy(update={"conditions": ()})
    given(CERTIFICATE, *history).when(decided(without, POOR)).then_refused(rules.ConditionsMissing)
    given(CERTIFICATE, *history, accepted, *openings).when(decided(CERTIFY, POOR)).then_refused(rules.NoSuchSubmission)


def test_opened_scores_belong_to_their_own_submission_and_not_to_the_next() -> None:
    history = (SUBMITTED, *after(*POOR), make.product_rejected(**ABOUT), *map(opening, POOR))
    again = make.product_submitted(submission="submission-2", assessors=())
    verdict = CERTIFY.model_copy(update={"submission": "submission-2"})
    given(CERTIFICATE, *history, again).when(decided(verdict)).then_refused(rules.AssessmentsMissing)


SUSPENDED, REINSTATED, REVOKED = (
    make.certificate_suspended(certificate=CERTIFIED.certificate),
    make.certificate_reinstated(certificate=CERTIFIED.certificate),
    make.certificate_revoked(certificate=CERTIFIED.certificate),
)
SEATS = make.seats(*make.MEMBERS)
SUSPEND, REINSTATE, REVOKE = (
    ask.SuspendCertificate(event=SUSPENDED, seats=SEATS[:1]),
    ask.ReinstateCertificate(event=REINSTATED, seats=SEATS[:1]),
    ask.RevokeCertificate(event=REVOKED, seats=SEATS),
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
    twice = make.certificate_revoked(members=("user/member-1", "user/member-1"))
    alone = ask.RevokeCertificate(event=twice, seats=SEATS[:1])
    given(CERTIFICATE, CERTIFIED, SUSPENDED).when(REVOKE).then(REVOKED)
    given(CERTIFICATE, CERTIFIED).when(alone).then_refused(TwoMembersNeeded)
    given(CERTIFICATE, CERTIFIED, REVOKED).when(REVOKE).then_refused(rules.NotValidNow)


@pytest.mark.parametrize("command", [SUSPEND, REINSTATE, REVOKE])
def test_nothing_is_done_to_a_certificate_that_the_maker_does_not_hold(command: Command) -> None:
    given(CERTIFICATE).when(command).then_refused(rules.NoSuchCertificate)


@pytest.mark.parametrize("command", [SUSPEND, REINSTATE, REVOKE])
def test_only_the_committee_that_certified_decides_what_becomes_of_a_certificate(
    command: ask.SuspendCertificate | ask.ReinstateCertificate | ask.RevokeCertificate,
) -> None:
    """Submitted and certified in KG-Y."""
    history = (SUBMITTED, *after(*GOOD), CERTIFIED, *((SUSPENDED,) if command is REINSTATE else ()))
    elsewhere = make.seats(*make.MEMBERS, region="KG-N")
    nobody = tuple(seat.model_copy(update={"roles": ()}) for seat in SEATS)
    one_of_two = (SEATS[0], elsewhere[1])

    given(CERTIFICATE, *history).when(command).then(command.event)
    for seats in ((), elsewhere, nobody, one_of_two):
        asked = command.model_copy(update={"seats": seats})
        given(CERTIFICATE, *history).when(asked).then_refused(rules.NotOnTheCommittee)
