"""The brand committee's rules: no certificate without the sealed scores of two members, no recall by one alone."""

from collections.abc import Mapping
from dataclasses import dataclass, field, replace
from typing import Literal, assert_never

from events.catalogue.base import Decision, Fact
from events.catalogue.committee import (
    AssessmentScored,
    CertificateReinstated,
    CertificateRevoked,
    CertificateSuspended,
    ProblemReported,
    ProductCertified,
    ProductConditionallyAccepted,
    ProductRejected,
    ProductSubmitted,
    Scores,
)
from services.committee.assessment import (
    CRITERION_MAX,
    MEMBERS_TO_DECIDE,
    all_sit_for,
    criteria,
    has_interest,
    mean_milli,
    passes,
    seal_of,
    sits_for,
)
from services.committee.requests import (
    AcceptConditionally,
    AdviseImprovement,
    CertificateRequest,
    CertifyProduct,
    DecideSubmission,
    ReceiveSample,
    ReinstateCertificate,
    RejectProduct,
    RevokeCertificate,
    SealAssessment,
    SubmitProduct,
    SuspendCertificate,
)
from services.decider import Decider, must_be_two
from services.errors import NotFound, Refused

#: What is reported to the committee; nothing of it is ever refused.
FACTS: tuple[type[Fact], ...] = (ProblemReported,)


class SubmissionOpen(Refused):
    """This product of this maker is being assessed already."""

    advice = "Finish the open submission first."


class SubmittedBefore(Refused):
    """A submission of this id was decided before; each assessment has an id of its own."""

    advice = "Choose another id for the new submission."


class NoSuchSubmission(NotFound):
    """There is no open submission of this id for this maker and product."""

    advice = "Submit the product first, or name its open submission."


class ScoreOutOfRange(Refused):
    """A criterion takes 0 to 20 points."""

    advice = "Correct the score."


class AlreadyScored(Refused):
    """A member scores a submission once, unless what was scored is lost."""

    advice = "Nothing needs to be done; scores are not changed afterwards."


class NotOnTheCommittee(Refused):
    """Only members of the region's own committee score and decide what is made there."""

    advice = "Let a member of that committee do it, or grant the role committee_member for the region."


class NotAnAssessor(Refused):
    """Other members were named to assess this submission."""

    advice = "Let the assessors of the submission score it."


class ConflictOfInterest(Refused):
    """Nobody scores their own work, nor that of a place in which they hold a role."""

    advice = "Let a member score who has nothing to do with the maker."


class AssessmentsMissing(Refused):
    """A submission is decided when all its assessors have scored it, and two members at least."""

    advice = "Let the others score it first."


class SealBroken(Refused):
    """What was scored is not found behind its seal, so nobody can say what the members meant."""

    advice = "Tell the operators; those whose scores are lost may score anew."


class BelowThreshold(Refused):
    """Certified is what reaches 70 points on the members' mean, with no criterion's mean below 10."""

    advice = "Advise improvements, accept it conditionally, or reject it."


class ReachedThreshold(Refused):
    """What reached the threshold is certified; it cannot be rejected."""

    advice = "Certify it, or accept it conditionally."


class ConditionsMissing(Refused):
    """A conditional acceptance names at least one condition."""

    advice = "Name what is to be fulfilled."


class ValidityReversed(Refused):
    """A certificate cannot end before it begins."""

    advice = "Check the two days."


class CertificateIssuedBefore(Refused):
    """A certificate of this id was issued to this maker before; a renewal has an id of its own."""

    advice = "Choose another id for the new certificate."


class NoSuchCertificate(NotFound):
    """This maker holds no certificate of this id for this product."""

    advice = "Check the certificate's id."


class NotValidNow(Refused):
    """This certificate does not stand: it is suspended or revoked."""

    advice = "See its history; a suspended one can be reinstated, a revoked one never."


class NotSuspended(Refused):
    """This certificate is not suspended, so it cannot be reinstated."""

    advice = "Nothing needs to be done, or submit the product anew if it was revoked."


@dataclass(frozen=True, slots=True)
class Certificate:
    """What is remembered of one maker's product: the open submission's scores, and how its certificate stands."""

    submission: str | None = None
    region: str | None = None
    committee: str | None = None  #: the region whose committee gave the certificate
    assessors: frozenset[str] = frozenset()
    scored: Mapping[str, str | Scores] = field(default_factory=dict)  #: by member: the seal, or scores that lay open
    certificate: str | None = None
    standing: Literal["none", "valid", "suspended", "revoked"] = "none"
    used: frozenset[str] = frozenset()  #: as `submission/<id>` and `certificate/<id>`


def decide_certificate(command: CertificateRequest, certificate: Certificate) -> list[Decision]:
    match command:
        case SubmitProduct(event=submitted):
            if certificate.submission is not None:
                raise SubmissionOpen(field="submission")
            if f"submission/{submitted.submission}" in certificate.used:
                raise SubmittedBefore(field="submission")
            if submitted.assessors:
                must_be_two(submitted.assessors, "assessors")
            return [submitted]
        case ReceiveSample() | AdviseImprovement():
            _must_be_open(command.event.submission, certificate)
            return [command.event]
        case SealAssessment():
            return [_sealed(command, certificate)]
        case DecideSubmission():
            return _decided(command, certificate)
        case SuspendCertificate() | RevokeCertificate() | ReinstateCertificate():
            return [_change_of_standing(command, certificate)]
        case _:
            assert_never(command)


def _must_be_open(submission: str, certificate: Certificate) -> None:
    if certificate.submission != submission:
        raise NoSuchSubmission(field="submission")


def _sealed(command: SealAssessment, certificate: Certificate) -> AssessmentScored:
    asked = command.asked
    _must_be_open(asked.submission, certificate)
    if max(criteria(asked.scores)) > CRITERION_MAX:
        raise ScoreOutOfRange(field="scores")
    if not sits_for(command.roles, certificate.region):
        raise NotOnTheCommittee(field="member")
    if certificate.assessors and asked.member not in certificate.assessors:
        raise NotAnAssessor(field="member")
    if has_interest(asked.member, command.roles, asked.maker):
        raise ConflictOfInterest(field="member")
    before = certificate.scored.get(asked.member)
    if isinstance(before, Scores) or before in command.kept:
        raise AlreadyScored(field="member")
    return AssessmentScored(
        maker=asked.maker,
        product=asked.product,
        submission=asked.submission,
        member=asked.member,
        seal=command.seal,
        note_commitment=asked.note_commitment,
    )


def _decided(command: DecideSubmission, certificate: Certificate) -> list[Decision]:
    """The verdict, and every score that was sealed, open beside it."""
    verdict = command.verdict
    _must_be_open(verdict.submission, certificate)
    if len(certificate.scored) < MEMBERS_TO_DECIDE or not certificate.assessors <= certificate.scored.keys():
        raise AssessmentsMissing
    by_seal = {seal_of(verdict.submission, opened): opened for opened in command.opened}
    scores: dict[str, Scores] = {}
    openings: list[AssessmentScored] = []
    for member, scored in sorted(certificate.scored.items()):
        if isinstance(scored, Scores):
            scores[member] = scored
            continue
        opened = by_seal.get(scored)
        if opened is None or opened.member != member:
            raise SealBroken(field="submission")
        scores[member] = opened.scores
        openings.append(
            AssessmentScored(
                maker=verdict.maker,
                product=verdict.product,
                submission=verdict.submission,
                member=member,
                seal=scored,
                scores=opened.scores,
                salt=opened.salt,
            )
        )
    return [_verdict(verdict, scores, certificate), *openings]


def _verdict(
    verdict: CertifyProduct | AcceptConditionally | RejectProduct,
    scores: Mapping[str, Scores],
    certificate: Certificate,
) -> Decision:
    members = tuple(sorted(scores))
    score_milli = mean_milli(scores.values())
    maker, product, submission = verdict.maker, verdict.product, verdict.submission
    match verdict:
        case CertifyProduct():
            if verdict.valid_until < verdict.valid_from:
                raise ValidityReversed(field="valid_until")
            if f"certificate/{verdict.certificate}" in certificate.used:
                raise CertificateIssuedBefore(field="certificate")
            if not passes(scores.values()):
                raise BelowThreshold
            return ProductCertified(
                maker=maker,
                product=product,
                submission=submission,
                certificate=verdict.certificate,
                members=members,
                score_milli=score_milli,
                valid_from=verdict.valid_from,
                valid_until=verdict.valid_until,
            )
        case AcceptConditionally():
            if not verdict.conditions:
                raise ConditionsMissing(field="conditions")
            return ProductConditionallyAccepted(
                maker=maker,
                product=product,
                submission=submission,
                members=members,
                score_milli=score_milli,
                conditions=verdict.conditions,
                fulfil_by=verdict.fulfil_by,
            )
        case RejectProduct():
            if passes(scores.values()):
                raise ReachedThreshold
            return ProductRejected(
                maker=maker, product=product, submission=submission, members=members, score_milli=score_milli
            )


def _change_of_standing(
    command: SuspendCertificate | RevokeCertificate | ReinstateCertificate, certificate: Certificate
) -> Decision:
    if command.event.certificate != certificate.certificate:
        raise NoSuchCertificate(field="certificate")
    regions = () if certificate.committee is None else (certificate.committee,)
    if not command.seats or not all_sit_for(command.seats, regions):
        raise NotOnTheCommittee(field="members" if isinstance(command, RevokeCertificate) else None)
    match command:
        case SuspendCertificate() if certificate.standing != "valid":
            raise NotValidNow(field="certificate")
        case ReinstateCertificate() if certificate.standing != "suspended":
            raise NotSuspended(field="certificate")
        case RevokeCertificate(event=revoked):
            must_be_two(revoked.members)
            if certificate.standing == "revoked":
                raise NotValidNow(field="certificate")
    return command.event


def evolve_certificate(certificate: Certificate, event: Decision) -> Certificate:
    match event:
        case ProductSubmitted():
            return replace(
                certificate,
                submission=event.submission,
                region=event.region,
                assessors=frozenset(event.assessors),
                scored={},
                used=certificate.used | {f"submission/{event.submission}"},
            )
        case AssessmentScored():
            if event.submission != certificate.submission:
                return certificate  # opened with the verdict that came before it
            said = event.seal or event.scores
            return (
                certificate if said is None else replace(certificate, scored={**certificate.scored, event.member: said})
            )
        case ProductCertified():
            return replace(
                _closed(certificate),
                committee=certificate.region,
                certificate=event.certificate,
                standing="valid",
                used=certificate.used | {f"certificate/{event.certificate}"},
            )
        case ProductConditionallyAccepted() | ProductRejected():
            return _closed(certificate)
        case CertificateSuspended():
            return replace(certificate, standing="suspended")
        case CertificateReinstated():
            return replace(certificate, standing="valid")
        case CertificateRevoked():
            return replace(certificate, standing="revoked")
        case _:
            return certificate


def _closed(certificate: Certificate) -> Certificate:
    return replace(certificate, submission=None, region=None, assessors=frozenset(), scored={})


CERTIFICATE: Decider[CertificateRequest, Certificate, Decision] = Decider(
    Certificate(), decide_certificate, evolve_certificate
)
