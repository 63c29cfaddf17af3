"""The brand committee: assessment, certificates, recalls."""

from typing import Literal, Self

from pydantic import model_validator

from events.catalogue.base import Decision, Fact
from events.catalogue.values import (
    ActorId,
    BatchCode,
    Count,
    Day,
    Id,
    LotId,
    Maker,
    OutletId,
    ProductId,
    Reason,
    RecallId,
    RegionCode,
    SaltHex,
    Sha256Hex,
    Value,
)


class CertificateDecision(Decision):
    """A step in the life of one maker's certificate for one product."""

    maker: Maker
    product: ProductId

    def stream(self) -> str:
        return f"certificate/{self.maker}/{self.product}"


class ProductSubmitted(CertificateDecision):
    """A maker asked a region's committee to assess a product.

    `assessors` are the members who will score it; none named: whoever of the committee comes, two at least.
    """

    wire_name = "committee.product_submitted.v2"
    submission: Id
    region: RegionCode
    assessors: tuple[ActorId, ...] = ()


class SampleReceived(CertificateDecision):
    """The committee received samples; the units leave the stock of their batch when it is known."""

    wire_name = "committee.sample_received.v1"
    submission: Id
    batch: LotId | None = None
    units: Count


class Scores(Value):
    """Five criteria of 0 to 20 points each."""

    local_raw_material: Count
    quality: Count
    uniqueness: Count
    packaging: Count
    supply: Count

    def total(self) -> int:
        return self.local_raw_material + self.quality + self.uniqueness + self.packaging + self.supply


class AssessmentScored(CertificateDecision):
    """One member's scores, given without seeing those of the others.

    First only their `seal` is in the log (SHA-256 over the salt and what was scored); with the decision of the
    submission all are opened together: the same seal, now with `scores` and `salt`, so that everybody can check it.
    """

    wire_name = "committee.assessment_scored.v2"
    submission: Id
    member: ActorId
    seal: Sha256Hex | None = None
    scores: Scores | None = None
    salt: SaltHex | None = None
    note_commitment: Sha256Hex | None = None

    @model_validator(mode="after")
    def _sealed_or_scored(self) -> Self:
        if self.seal is None and self.scores is None:
            raise ValueError("nothing_scored: an assessment carries a seal, or scores")
        return self


class ImprovementAdvised(CertificateDecision):
    """The committee told the maker what to improve."""

    wire_name = "committee.improvement_advised.v1"
    submission: Id
    criterion: Reason
    advice_commitment: Sha256Hex | None = None


class ProductCertified(CertificateDecision):
    """The committee certified a maker's product: mean of the members' totals in thousandths of a point, and dates."""

    wire_name = "committee.product_certified.v1"
    submission: Id
    certificate: Id
    members: tuple[ActorId, ...]
    score_milli: Count
    valid_from: Day
    valid_until: Day


class ProductConditionallyAccepted(CertificateDecision):
    """Accepted on conditions, to be assessed again by a day."""

    wire_name = "committee.product_conditionally_accepted.v1"
    submission: Id
    members: tuple[ActorId, ...]
    score_milli: Count
    conditions: tuple[Reason, ...]
    fulfil_by: Day


class ProductRejected(CertificateDecision):
    """Below the threshold."""

    wire_name = "committee.product_rejected.v1"
    submission: Id
    members: tuple[ActorId, ...]
    score_milli: Count


class CertificateSuspended(CertificateDecision):
    """A certificate does not count until it is reinstated."""

    wire_name = "committee.certificate_suspended.v1"
    certificate: Id
    reason: Reason
    effective_from: Day


class CertificateReinstated(CertificateDecision):
    """A suspended certificate counts again."""

    wire_name = "committee.certificate_reinstated.v1"
    certificate: Id
    effective_from: Day


class CertificateRevoked(CertificateDecision):
    """A certificate ended before its time; decided by two members."""

    wire_name = "committee.certificate_revoked.v1"
    certificate: Id
    reason: Reason
    members: tuple[ActorId, ...]
    effective_from: Day


class RecallRoot(Value):
    """What a recall starts from: a lot, a step with its siblings, a material lot, or all of a supplier."""

    kind: Literal["lot", "step", "material", "supplier"]
    id: Id


class RecallDecision(Decision):
    """A step in the life of one recall."""

    recall: RecallId

    def stream(self) -> str:
        return f"recall/{self.recall}"


class RecallStarted(RecallDecision):
    """Two members called back everything reachable from the roots. A drill is marked in every output."""

    wire_name = "committee.recall_started.v1"
    roots: tuple[RecallRoot, ...]
    severity: Literal["danger", "risk", "quality"]
    reason: Reason
    members: tuple[ActorId, ...]
    drill: bool = False


class RecallExtended(RecallDecision):
    """More roots came under a recall."""

    wire_name = "committee.recall_extended.v1"
    roots: tuple[RecallRoot, ...]
    members: tuple[ActorId, ...]


class RecallTickedOff(RecallDecision):
    """An outlet took a recalled batch off its shelves and counted it."""

    wire_name = "committee.recall_ticked_off.v1"
    outlet: OutletId
    batch: LotId
    units_set_aside: Count


class RecallClosed(RecallDecision):
    """Two members ended a recall."""

    wire_name = "committee.recall_closed.v1"
    members: tuple[ActorId, ...]
    outcome: Reason


class ProblemReported(Fact):
    """Somebody reported a problem with a jar: by its code, from the public page or an outlet."""

    wire_name = "committee.problem_reported.v1"
    report: Id
    code: BatchCode | None = None
    outlet: OutletId | None = None
    problem: Reason
    text_commitment: Sha256Hex | None = None

    def stream(self) -> str:
        return f"problem/{self.report}"


class ProductSubmittedV1(CertificateDecision):
    """The first form, which named no assessors. Read for ever."""

    wire_name = "committee.product_submitted.v1"
    submission: Id
    region: RegionCode

    def upcast(self) -> ProductSubmitted:
        return ProductSubmitted(maker=self.maker, product=self.product, submission=self.submission, region=self.region)


class AssessmentScoredV1(CertificateDecision):
    """The first form, whose scores lay open from the start. Read for ever."""

    wire_name = "committee.assessment_scored.v1"
    submission: Id
    member: ActorId
    scores: Scores
    note_commitment: Sha256Hex | None = None

    def upcast(self) -> AssessmentScored:
        return AssessmentScored(
            maker=self.maker,
            product=self.product,
            submission=self.submission,
            member=self.member,
            scores=self.scores,
            note_commitment=self.note_commitment,
        )
