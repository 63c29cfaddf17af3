"""The brand committee's rules: no certificate without the scores of two members, no recall by one alone."""

from collections.abc import Mapping
from dataclasses import dataclass, field, replace
from typing import Literal

from events.catalogue.base import Decision, Fact
from events.catalogue.committee import (
    AssessmentScored,
    CertificateReinstated,
    CertificateRevoked,
    CertificateSuspended,
    ImprovementAdvised,
    ProblemReported,
    ProductCertified,
    ProductConditionallyAccepted,
    ProductRejected,
    ProductSubmitted,
    RecallClosed,
    RecallExtended,
    RecallRoot,
    RecallStarted,
    RecallTickedOff,
    SampleReceived,
    Scores,
)
from events.catalogue.values import Day, Id, Maker, ProductId, Reason
from services.decider import Command, Decider, Proposal, must_be_two
from services.errors import NotFound, Refused

#: What is reported to the committee; nothing of it is ever refused.
FACTS: tuple[type[Fact], ...] = (ProblemReported,)

#: The rubric: five criteria of up to 20 points each; 70 of 100 on the mean of the members, no criterion below 10.
CRITERION_MAX = 20
MEAN_TO_PASS = 70
CRITERION_TO_PASS = 10
MEMBERS_TO_DECIDE = 2


class SubmissionOpen(Refused):
    """This product of this maker is being assessed already."""

    advice = "Finish the open submission first."


class NoSuchSubmission(NotFound):
    """There is no open submission of this id for this maker and product."""

    advice = "Submit the product first, or name its open submission."


class ScoreOutOfRange(Refused):
    """A criterion takes 0 to 20 points."""

    advice = "Correct the score."


class AlreadyScored(Refused):
    """A member scores a submission once."""

    advice = "Nothing needs to be done; scores are not changed afterwards."


class AssessmentsMissing(Refused):
    """A submission is decided on the scores of at least two members."""

    advice = "Let another member score it first."


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


class NoSuchCertificate(NotFound):
    """This maker holds no certificate of this id for this product."""

    advice = "Check the certificate's id."


class NotValidNow(Refused):
    """This certificate does not stand: it is suspended or revoked."""

    advice = "See its history; a suspended one can be reinstated, a revoked one never."


class NotSuspended(Refused):
    """This certificate is not suspended, so it cannot be reinstated."""

    advice = "Nothing needs to be done, or submit the product anew if it was revoked."


class RecallAlreadyStarted(Refused):
    """A recall of this id was started before."""

    advice = "Extend it, or start another under another id."


class RecallNotOpen(Refused):
    """There is no open recall of this id."""

    advice = "Check the id; a closed recall is not opened again."


class RootsMissing(Refused):
    """A recall names what it starts from, and names each thing once."""

    advice = "Name a lot, a step, a material lot or a supplier that is not in the recall yet."


class AlreadyTickedOff(Refused):
    """This outlet ticked this batch off before."""

    advice = "Nothing needs to be done; a wrong count is corrected by a stock count."


class SubmitProduct(Proposal[ProductSubmitted]):
    """A maker asks a region's committee to assess a product."""

    def refers_to(self) -> tuple[str, ...]:
        event = self.event
        return (event.maker, f"product/{event.product}", f"region/{event.region.lower()}")


class ReceiveSample(Proposal[SampleReceived]):
    """Take samples in."""


class ScoreAssessment(Proposal[AssessmentScored]):
    """One member's scores."""


class AdviseImprovement(Proposal[ImprovementAdvised]):
    """Tell the maker what to improve."""


class Verdict(Command):
    """How a submission ends. Who scored, and the mean, come from the scores themselves."""

    maker: Maker
    product: ProductId
    submission: Id

    def stream(self) -> str:
        return f"certificate/{self.maker}/{self.product}"


class CertifyProduct(Verdict):
    """Certify what reached the threshold."""

    certificate: Id
    valid_from: Day
    valid_until: Day


class AcceptConditionally(Verdict):
    """Accept a product on conditions, to be assessed again by a day."""

    conditions: tuple[Reason, ...]
    fulfil_by: Day


class RejectProduct(Verdict):
    """Reject what stayed below the threshold."""


class SuspendCertificate(Proposal[CertificateSuspended]):
    """Let a certificate not count for a while."""


class ReinstateCertificate(Proposal[CertificateReinstated]):
    """Let a suspended certificate count again."""


class RevokeCertificate(Proposal[CertificateRevoked]):
    """End a certificate before its time; two members."""


@dataclass(frozen=True, slots=True)
class Certificate:
    """What is remembered of one maker's product: the open submission's scores, and how its certificate stands."""

    submission: str | None = None
    scores: Mapping[str, Scores] = field(default_factory=dict)  #: by member, of the open submission
    certificate: str | None = None
    standing: Literal["none", "valid", "suspended", "revoked"] = "none"

    def mean_milli(self) -> int:
        """The mean of the members' totals in thousandths of a point, rounded down."""
        return 1000 * sum(scores.total() for scores in self.scores.values()) // len(self.scores)

    def passes(self) -> bool:
        """Whether the means reach the threshold; compared as sums, so nothing is rounded."""
        members = len(self.scores)
        sums = [0] * 5
        for scores in self.scores.values():
            for n, points in enumerate(_criteria(scores)):
                sums[n] += points
        return sum(sums) >= MEAN_TO_PASS * members and min(sums) >= CRITERION_TO_PASS * members


def _criteria(scores: Scores) -> tuple[int, int, int, int, int]:
    return (scores.local_raw_material, scores.quality, scores.uniqueness, scores.packaging, scores.supply)


def decide_certificate(command: Command, certificate: Certificate) -> list[Decision]:
    match command:
        case SubmitProduct():
            if certificate.submission is not None:
                raise SubmissionOpen(field="submission")
            return [command.event]
        case ReceiveSample() | AdviseImprovement():
            _must_be_open(command.event.submission, certificate)
            return [command.event]
        case ScoreAssessment(event=scored):
            _must_be_open(scored.submission, certificate)
            if max(_criteria(scored.scores)) > CRITERION_MAX:
                raise ScoreOutOfRange(field="scores")
            if scored.member in certificate.scores:
                raise AlreadyScored(field="member")
            return [scored]
        case CertifyProduct() | AcceptConditionally() | RejectProduct():
            return [_verdict(command, certificate)]
        case SuspendCertificate() | RevokeCertificate() | ReinstateCertificate():
            return [_change_of_standing(command, certificate)]
        case _:
            raise TypeError(f"not a command about certificates: {command!r}")


def _must_be_open(submission: str, certificate: Certificate) -> None:
    if certificate.submission != submission:
        raise NoSuchSubmission(field="submission")


def _verdict(command: CertifyProduct | AcceptConditionally | RejectProduct, certificate: Certificate) -> Decision:
    _must_be_open(command.submission, certificate)
    if len(certificate.scores) < MEMBERS_TO_DECIDE:
        raise AssessmentsMissing
    members = tuple(sorted(certificate.scores))
    score_milli = certificate.mean_milli()
    maker, product, submission = command.maker, command.product, command.submission
    match command:
        case CertifyProduct():
            if command.valid_until < command.valid_from:
                raise ValidityReversed(field="valid_until")
            if not certificate.passes():
                raise BelowThreshold
            return ProductCertified(
                maker=maker,
                product=product,
                submission=submission,
                certificate=command.certificate,
                members=members,
                score_milli=score_milli,
                valid_from=command.valid_from,
                valid_until=command.valid_until,
            )
        case AcceptConditionally():
            if not command.conditions:
                raise ConditionsMissing(field="conditions")
            return ProductConditionallyAccepted(
                maker=maker,
                product=product,
                submission=submission,
                members=members,
                score_milli=score_milli,
                conditions=command.conditions,
                fulfil_by=command.fulfil_by,
            )
        case RejectProduct():
            if certificate.passes():
                raise ReachedThreshold
            return ProductRejected(
                maker=maker, product=product, submission=submission, members=members, score_milli=score_milli
            )


def _change_of_standing(
    command: SuspendCertificate | RevokeCertificate | ReinstateCertificate, certificate: Certificate
) -> Decision:
    if command.event.certificate != certificate.certificate:
        raise NoSuchCertificate(field="certificate")
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
            return replace(certificate, submission=event.submission, scores={})
        case AssessmentScored():
            return replace(certificate, scores={**certificate.scores, event.member: event.scores})
        case ProductCertified():
            return Certificate(certificate=event.certificate, standing="valid")
        case ProductConditionallyAccepted() | ProductRejected():
            return replace(certificate, submission=None, scores={})
        case CertificateSuspended():
            return replace(certificate, standing="suspended")
        case CertificateReinstated():
            return replace(certificate, standing="valid")
        case CertificateRevoked():
            return replace(certificate, standing="revoked")
        case _:
            return certificate


CERTIFICATE: Decider[Command, Certificate, Decision] = Decider(Certificate(), decide_certificate, evolve_certificate)


class StartRecall(Proposal[RecallStarted]):
    """Call back everything reachable from the roots; two members."""


class ExtendRecall(Proposal[RecallExtended]):
    """Bring more roots under a recall; two members."""


class TickOffRecall(Proposal[RecallTickedOff]):
    """An outlet took a recalled batch off its shelves and counted it."""


class CloseRecall(Proposal[RecallClosed]):
    """End a recall; two members."""


RecallCommand = StartRecall | ExtendRecall | TickOffRecall | CloseRecall


@dataclass(frozen=True, slots=True)
class Recall:
    """What is remembered of one recall."""

    standing: Literal["none", "open", "closed"] = "none"
    roots: frozenset[RecallRoot] = frozenset()
    ticked_off: frozenset[tuple[str, str]] = frozenset()  #: outlet and batch


def decide_recall(command: RecallCommand, recall: Recall) -> list[Decision]:
    match command:
        case StartRecall(event=started):
            must_be_two(started.members)
            if recall.standing != "none":
                raise RecallAlreadyStarted(field="recall")
            _must_be_new_roots(started.roots, recall)
        case ExtendRecall(event=extended):
            must_be_two(extended.members)
            _must_be_open_recall(recall)
            _must_be_new_roots(extended.roots, recall)
        case TickOffRecall(event=ticked):
            _must_be_open_recall(recall)
            if (ticked.outlet, ticked.batch) in recall.ticked_off:
                raise AlreadyTickedOff(field="batch")
        case CloseRecall(event=closed):
            must_be_two(closed.members)
            _must_be_open_recall(recall)
    return [command.event]


def _must_be_open_recall(recall: Recall) -> None:
    if recall.standing != "open":
        raise RecallNotOpen(field="recall")


def _must_be_new_roots(roots: tuple[RecallRoot, ...], recall: Recall) -> None:
    if not roots or len(set(roots)) != len(roots) or not recall.roots.isdisjoint(roots):
        raise RootsMissing(field="roots")


def evolve_recall(recall: Recall, event: Decision) -> Recall:
    match event:
        case RecallStarted():
            return Recall("open", frozenset(event.roots))
        case RecallExtended():
            return replace(recall, roots=recall.roots | set(event.roots))
        case RecallTickedOff():
            return replace(recall, ticked_off=recall.ticked_off | {(event.outlet, event.batch)})
        case RecallClosed():
            return replace(recall, standing="closed")
        case _:
            return recall


RECALL: Decider[RecallCommand, Recall, Decision] = Decider(Recall(), decide_recall, evolve_recall)
