"""The life of a certificate under any sequence of requests, beside a model that knows the rules by heart."""

from datetime import date
from fractions import Fraction
from typing import Any, Literal

from hypothesis import settings
from hypothesis import strategies as st
from hypothesis.stateful import RuleBasedStateMachine, invariant, rule

from events.catalogue.committee import AssessmentScored, ProductCertified
from services.committee import requests as ask
from services.committee.assessment import HeldRole, OpenedScores, seal_of
from services.committee.decider import CERTIFICATE
from tests import make
from tests.given import given

ABOUT = {"maker": "workshop/tosor-jam", "product": "apricot-jam-300"}
OURS, THEIRS = HeldRole(role="committee_member", region="KG-Y"), HeldRole(role="committee_member", region="KG-N")
PART = HeldRole(role="workshop_lead", place=ABOUT["maker"])
ROLES = {"anna": (OURS,), "bek": (OURS,), "cholpon": (OURS,), "with-a-part": (OURS, PART), "of-naryn": (THEIRS,)}
MAY_SCORE = {"anna", "bek", "cholpon"}
SUBMISSIONS = ("s-1", "s-2", "s-3", "s-4", "s-5")
CERTIFICATES = ("c-1", "c-2")
#: Mostly what is asked is about what is open or stands now; sometimes it is about anything.
THIS = "this"
ABOUT_SUBMISSIONS = st.sampled_from((*3 * (THIS,), *SUBMISSIONS))
ABOUT_CERTIFICATES = st.sampled_from((*3 * (THIS,), *CERTIFICATES))
NAMED = st.sampled_from(
    ((), (), ("anna", "bek"), ("anna", "bek", "cholpon"), ("anna",), ("bek", "of-naryn"), ("anna", "with-a-part"))
).map(frozenset)
#: Around the threshold of 70 on the mean, of 10 for a criterion, and of 20 points at most.
POINTS = st.sampled_from(
    (
        (14, 14, 14, 14, 14),
        (15, 15, 15, 15, 10),
        (20, 20, 20, 20, 9),
        (9, 20, 20, 20, 20),
        (20, 8, 20, 20, 20),
        (20, 20, 20, 20, 11),
        (13, 14, 14, 14, 14),
        (18, 18, 18, 18, 18),
        (0, 0, 0, 0, 0),
        (21, 20, 20, 20, 20),
    )
)


class Certificates(RuleBasedStateMachine):
    """What the rules decide against what a person with paper and pencil would."""

    def __init__(self) -> None:
        super().__init__()
        self.log: list[Any] = []
        self.vault: list[tuple[str, OpenedScores]] = []
        self.open: str | None = None
        self.named: set[str] = set()
        self.scored: dict[str, tuple[int, ...]] = {}
        self.submitted: set[str] = set()
        self.issued: dict[str, str] = {}  #: certificate to its standing; only the last one can change
        self.last: str | None = None
        self.salt = 0

    def asks(self, command: Any, expected: bool) -> list[Any]:
        """Have it decided; whether it may pass is the model's word."""
        told = given(CERTIFICATE, *self.log).when(command)
        assert (told.refusal is None) == expected, told
        self.log += told.events
        return list(told.events)

    @rule(submission=ABOUT_SUBMISSIONS, named=NAMED)
    def submit(self, submission: str, named: frozenset[str]) -> None:
        if submission == THIS:
            submission = next((each for each in SUBMISSIONS if each not in self.submitted), SUBMISSIONS[0])
        may = self.open is None and submission not in self.submitted and len(named) != 1
        event = make.product_submitted(**ABOUT, submission=submission, assessors=tuple(sorted(named)))
        if self.asks(ask.SubmitProduct(event=event), may):
            self.open, self.named, self.scored = submission, set(named), {}
            self.submitted.add(submission)

    @rule(submission=ABOUT_SUBMISSIONS)
    def sample(self, submission: str) -> None:
        submission = self.meant(submission)
        event = make.sample_received(**ABOUT, submission=submission)
        self.asks(ask.ReceiveSample(event=event), submission == self.open)

    @rule(submission=ABOUT_SUBMISSIONS, member=st.sampled_from(sorted(ROLES)), points=POINTS)
    def score(self, submission: str, member: str, points: tuple[int, ...]) -> None:
        submission = self.meant(submission)
        self.salt += 1
        opened = OpenedScores(member=member, scores=make.scores(*points), salt=f"{self.salt:032x}")
        self.vault.append((submission, opened))  # kept before it is decided, and forgotten by nobody here
        asked = ask.ScoreAssessment(**ABOUT, submission=submission, member=member, scores=opened.scores)
        kept = frozenset(seal_of(of, each) for of, each in self.vault)
        command = ask.SealAssessment(asked=asked, seal=seal_of(submission, opened), roles=ROLES[member], kept=kept)
        may = (
            submission == self.open
            and member in MAY_SCORE
            and (not self.named or member in self.named)
            and member not in self.scored
            and max(points) <= 20
        )
        if self.asks(command, may):
            self.scored[member] = points

    @rule(points=POINTS, last=st.none() | POINTS)
    def everybody_scores(self, points: tuple[int, ...], last: tuple[int, ...] | None) -> None:
        *others, final = sorted(self.named or MAY_SCORE)
        for member in others:
            self.score(THIS, member, points)
        self.score(THIS, final, last or points)

    @rule(
        submission=ABOUT_SUBMISSIONS,
        kind=st.sampled_from(("certify", "accept", "reject")),
        certificate=st.sampled_from(CERTIFICATES),
    )
    def decide(self, submission: str, kind: Literal["certify", "accept", "reject"], certificate: str) -> None:
        submission = self.meant(submission)
        about = ABOUT | {"submission": submission}
        verdicts: dict[str, Any] = {
            "certify": ask.CertifyProduct(
                **about, certificate=certificate, valid_from=date(2016, 1, 1), valid_until=date(2017, 1, 1)
            ),
            "accept": ask.AcceptConditionally(**about, conditions=("label",), fulfil_by=date(2016, 3, 1)),
            "reject": ask.RejectProduct(**about),
        }
        opened = tuple(opened for of, opened in self.vault if of == submission)
        complete = submission == self.open and len(self.scored) >= 2 and self.named <= self.scored.keys()
        good = complete and self.reaches_the_threshold()
        may = {"certify": good and certificate not in self.issued, "accept": complete, "reject": complete and not good}
        events = self.asks(ask.DecideSubmission(verdict=verdicts[kind], opened=opened), may[kind])
        if not events:
            return
        assert {each.member for each in events[1:] if isinstance(each, AssessmentScored)} == self.scored.keys()
        if isinstance(events[0], ProductCertified):
            assert events[0].members == tuple(sorted(self.scored))
            assert events[0].score_milli == int(1000 * self.mean())
            self.issued[certificate], self.last = "valid", certificate
        self.open, self.named, self.scored = None, set(), {}

    def mean(self) -> Fraction:
        return Fraction(sum(map(sum, self.scored.values())), len(self.scored))

    def reaches_the_threshold(self) -> bool:
        criteria = [Fraction(sum(points), len(points)) for points in zip(*self.scored.values(), strict=True)]
        return self.mean() >= 70 and min(criteria) >= 10

    @rule(certificate=ABOUT_CERTIFICATES)
    def suspend(self, certificate: str) -> None:
        certificate = self.held(certificate)
        event = make.certificate_suspended(**ABOUT, certificate=certificate)
        if self.asks(
            ask.SuspendCertificate(event=event, seats=make.seats(*make.MEMBERS)), self.stands(certificate) == "valid"
        ):
            self.issued[certificate] = "suspended"

    @rule(certificate=ABOUT_CERTIFICATES)
    def reinstate(self, certificate: str) -> None:
        certificate = self.held(certificate)
        event = make.certificate_reinstated(**ABOUT, certificate=certificate)
        if self.asks(
            ask.ReinstateCertificate(event=event, seats=make.seats(*make.MEMBERS)),
            self.stands(certificate) == "suspended",
        ):
            self.issued[certificate] = "valid"

    @rule(certificate=ABOUT_CERTIFICATES, together=st.booleans())
    def revoke(self, certificate: str, together: bool) -> None:
        certificate = self.held(certificate)
        members = make.MEMBERS if together else make.MEMBERS[:1]
        event = make.certificate_revoked(**ABOUT, certificate=certificate, members=members)
        may = together and self.stands(certificate) in ("valid", "suspended")
        if self.asks(ask.RevokeCertificate(event=event, seats=make.seats(*make.MEMBERS)), may):
            self.issued[certificate] = "revoked"

    def meant(self, submission: str) -> str:
        return (self.open or SUBMISSIONS[0]) if submission == THIS else submission

    def held(self, certificate: str) -> str:
        return (self.last or CERTIFICATES[0]) if certificate == THIS else certificate

    def stands(self, certificate: str) -> str | None:
        """How a certificate stands; one that a later one replaced can no longer be changed."""
        return self.issued[certificate] if certificate == self.last else None

    @invariant()
    def the_log_says_nothing_of_scores_of_an_open_submission(self) -> None:
        for event in self.log:
            if isinstance(event, AssessmentScored) and event.submission == self.open:
                assert event.scores is None
                assert event.salt is None

    @invariant()
    def what_is_remembered_is_what_the_model_knows(self) -> None:
        state = CERTIFICATE.state(self.log)
        assert state.submission == self.open
        assert set(state.scored) == set(self.scored)
        assert state.certificate == self.last
        assert state.standing == (self.issued[self.last] if self.last else "none")


TestCertificates = Certificates.TestCase
TestCertificates.settings = settings(max_examples=200, stateful_step_count=50, deadline=None)


def test_the_machine_can_reach_every_outcome() -> None:
    """A story by hand through the same rules: a machine that could not certify would prove nothing."""
    machine = Certificates()
    machine.submit("s-1", frozenset(("anna", "bek")))
    for member in ("anna", "bek"):
        machine.score("s-1", member, (15, 15, 15, 15, 10))
    machine.decide("s-1", "certify", "c-1")
    machine.suspend("c-1")
    machine.reinstate("c-1")
    machine.submit("s-2", frozenset())
    for member, points in (("anna", (14, 14, 14, 14, 10)), ("cholpon", (14, 14, 14, 14, 14))):
        machine.score("s-2", member, points)
    machine.decide("s-2", "reject", "c-2")
    machine.revoke("c-1", True)
    assert machine.issued == {"c-1": "revoked"}
