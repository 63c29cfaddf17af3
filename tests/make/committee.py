"""Events of the committee: submissions, scores, certificates and recalls."""

from datetime import date
from typing import Any

from events.catalogue import committee
from services.committee.assessment import HeldRole, Seat
from tests.make.values import HASH, MEMBERS, made


def _certificate(changes: dict[str, Any]) -> dict[str, Any]:
    return {"maker": "workshop/tosor-jam", "product": "apricot-jam-300"} | changes


def product_submitted(**changes: Any) -> committee.ProductSubmitted:
    return made(
        committee.ProductSubmitted,
        _certificate(changes),
        submission="submission-1",
        region="KG-Y",
        assessors=MEMBERS,
    )


def product_submitted_v1(**changes: Any) -> committee.ProductSubmittedV1:
    return made(committee.ProductSubmittedV1, _certificate(changes), submission="submission-1", region="KG-Y")


def sample_received(**changes: Any) -> committee.SampleReceived:
    return made(
        committee.SampleReceived, _certificate(changes), submission="submission-1", batch="batch-jam-1", units=2
    )


def assessment_scored(**changes: Any) -> committee.AssessmentScored:
    return made(
        committee.AssessmentScored,
        _certificate(changes),
        submission="submission-1",
        member="user/member-1",
        seal=HASH,
        scores=scores(),
        salt="5a" * 16,
    )


def assessment_scored_v1(**changes: Any) -> committee.AssessmentScoredV1:
    return made(
        committee.AssessmentScoredV1,
        _certificate(changes),
        submission="submission-1",
        member="user/member-1",
        scores=scores(),
    )


def scores(*points: int) -> committee.Scores:
    """Points of the five criteria, in their order."""
    names = ("local_raw_material", "quality", "uniqueness", "packaging", "supply")
    return committee.Scores(**dict(zip(names, points or (18, 17, 16, 15, 14), strict=True)))


def improvement_advised(**changes: Any) -> committee.ImprovementAdvised:
    return made(committee.ImprovementAdvised, _certificate(changes), submission="submission-1", criterion="packaging")


def product_certified(**changes: Any) -> committee.ProductCertified:
    return made(
        committee.ProductCertified,
        _certificate(changes),
        submission="submission-1",
        certificate="cert-1",
        members=MEMBERS,
        score_milli=80_000,
        valid_from=date(2012, 6, 1),
        valid_until=date(2014, 5, 31),
    )


def product_conditionally_accepted(**changes: Any) -> committee.ProductConditionallyAccepted:
    return made(
        committee.ProductConditionallyAccepted,
        _certificate(changes),
        submission="submission-1",
        members=MEMBERS,
        score_milli=65_000,
        conditions=("better_lids",),
        fulfil_by=date(2012, 9, 1),
    )


def product_rejected(**changes: Any) -> committee.ProductRejected:
    return made(
        committee.ProductRejected, _certificate(changes), submission="submission-1", members=MEMBERS, score_milli=40_000
    )


def certificate_suspended(**changes: Any) -> committee.CertificateSuspended:
    return made(
        committee.CertificateSuspended,
        _certificate(changes),
        certificate="cert-1",
        reason="complaints",
        effective_from=date(2013, 1, 1),
    )


def certificate_reinstated(**changes: Any) -> committee.CertificateReinstated:
    return made(
        committee.CertificateReinstated, _certificate(changes), certificate="cert-1", effective_from=date(2013, 3, 1)
    )


def certificate_revoked(**changes: Any) -> committee.CertificateRevoked:
    return made(
        committee.CertificateRevoked,
        _certificate(changes),
        certificate="cert-1",
        reason="complaints",
        members=MEMBERS,
        effective_from=date(2013, 4, 1),
    )


def seats(*members: str, region: str | None = "KG-Y") -> tuple[Seat, ...]:
    """Members of a region's committee, as the rules are told of them."""
    role = HeldRole(role="committee_member", region=region)
    return tuple(Seat(member=member, roles=(role,)) for member in members)


def recall_started(**changes: Any) -> committee.RecallStarted:
    return made(
        committee.RecallStarted,
        changes,
        recall="recall-1",
        roots=(committee.RecallRoot(kind="lot", id="lot-sugar-1"),),
        severity="risk",
        reason="glass_found",
        members=MEMBERS,
    )


def recall_extended(**changes: Any) -> committee.RecallExtended:
    return made(
        committee.RecallExtended,
        changes,
        recall="recall-1",
        roots=(committee.RecallRoot(kind="supplier", id="kant-sugar"),),
        members=MEMBERS,
    )


def recall_ticked_off(**changes: Any) -> committee.RecallTickedOff:
    return made(
        committee.RecallTickedOff, changes, recall="recall-1", outlet="karakol", batch="batch-jam-1", units_set_aside=12
    )


def recall_closed(**changes: Any) -> committee.RecallClosed:
    return made(committee.RecallClosed, changes, recall="recall-1", members=MEMBERS, outcome="all_found")


def problem_reported(**changes: Any) -> committee.ProblemReported:
    return made(
        committee.ProblemReported, changes, report="report-1", code="4T7QX9BA", outlet="karakol", problem="mould"
    )
