"""What a committee is asked about certificates, and what the rules are told besides."""

from events.catalogue.base import Event
from events.catalogue.committee import (
    AssessmentScored,
    CertificateReinstated,
    CertificateRevoked,
    CertificateSuspended,
    ImprovementAdvised,
    ProductCertified,
    ProductConditionallyAccepted,
    ProductRejected,
    ProductSubmitted,
    SampleReceived,
    Scores,
)
from events.catalogue.values import ActorId, Day, Id, Maker, ProductId, Reason, Sha256Hex
from services.committee.assessment import HeldRole, OpenedScores, Seat
from services.decider import Command, Proposal


class SubmitProduct(Proposal[ProductSubmitted]):
    """A maker asks a region's committee to assess a product."""

    def refers_to(self) -> tuple[str, ...]:
        event = self.event
        return (event.maker, f"product/{event.product}", f"region/{event.region.lower()}")


class ReceiveSample(Proposal[SampleReceived]):
    """Take samples in."""


class CertificateCommand(Command):
    """Something to be done about one maker's product."""

    maker: Maker
    product: ProductId

    def stream(self) -> str:
        return f"certificate/{self.maker}/{self.product}"


class ScoreAssessment(CertificateCommand):
    """One member's scores. They are sealed, and shown to nobody before the submission is decided."""

    submission: Id
    member: ActorId
    scores: Scores
    note_commitment: Sha256Hex | None = None

    @classmethod
    def writes(cls) -> tuple[type[Event], ...]:
        return (AssessmentScored,)


class SealAssessment(Command):
    """A member's scores, their seal, what roles the member holds now, and the seals that can still be opened."""

    asked: ScoreAssessment
    seal: Sha256Hex
    roles: tuple[HeldRole, ...]
    kept: frozenset[Sha256Hex] = frozenset()

    def stream(self) -> str:
        return self.asked.stream()


class AdviseImprovement(Proposal[ImprovementAdvised]):
    """Tell the maker what to improve."""


class Verdict(CertificateCommand):
    """How a submission ends. Who scored, and the mean, come from the scores themselves."""

    submission: Id


class CertifyProduct(Verdict):
    """Certify what reached the threshold."""

    certificate: Id
    valid_from: Day
    valid_until: Day

    @classmethod
    def writes(cls) -> tuple[type[Event], ...]:
        return (ProductCertified, AssessmentScored)


class AcceptConditionally(Verdict):
    """Accept a product on conditions, to be assessed again by a day."""

    conditions: tuple[Reason, ...]
    fulfil_by: Day

    @classmethod
    def writes(cls) -> tuple[type[Event], ...]:
        return (ProductConditionallyAccepted, AssessmentScored)


class RejectProduct(Verdict):
    """Reject what stayed below the threshold."""

    @classmethod
    def writes(cls) -> tuple[type[Event], ...]:
        return (ProductRejected, AssessmentScored)


class DecideSubmission(Command):
    """A verdict, and what was found behind the seals of its submission."""

    verdict: CertifyProduct | AcceptConditionally | RejectProduct
    opened: tuple[OpenedScores, ...]

    def stream(self) -> str:
        return self.verdict.stream()


class SuspendCertificate(Proposal[CertificateSuspended]):
    """Let a certificate not count for a while."""

    seats: tuple[Seat, ...] = ()  #: who decides it


class ReinstateCertificate(Proposal[CertificateReinstated]):
    """Let a suspended certificate count again."""

    seats: tuple[Seat, ...] = ()


class RevokeCertificate(Proposal[CertificateRevoked]):
    """End a certificate before its time; two members."""

    seats: tuple[Seat, ...] = ()


CertificateRequest = (
    SubmitProduct
    | ReceiveSample
    | AdviseImprovement
    | SealAssessment
    | DecideSubmission
    | SuspendCertificate
    | ReinstateCertificate
    | RevokeCertificate
)
