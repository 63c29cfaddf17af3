"""Months and accounts under any sequence of requests, beside a model that keeps one purse for each producer."""

from datetime import date
from typing import Any

from hypothesis import settings
from hypothesis import strategies as st
from hypothesis.stateful import RuleBasedStateMachine, invariant, rule

from events.catalogue.settlement import AdvanceGiven, PayoutMade, PayoutReversed
from services.settlement.decider import ACCOUNT, PERIOD, TERMS
from services.settlement.requests import (
    AgreeTerms,
    ClosePeriod,
    GiveAdvance,
    MakePayout,
    MakeRestatement,
    ReversePayout,
)
from tests import make
from tests.given import given

PRODUCERS = ("p-001", "p-002", "unknown")
MONTHS = ("2016-01", "2016-02", "2016-03")
IDS = st.sampled_from(("1", "2", "3", "4"))
TYIYN = st.sampled_from((1, 400, 5_000_000, 5_000_001, 9_000_000))
TWO = ("user/clerk-1", "user/clerk-2")
DIGESTS = ("aa" * 32, "bb" * 32)


class Settlement(RuleBasedStateMachine):
    """What the rules decide against a purse: in goes what was earned, out what was paid, back what was reversed."""

    def __init__(self) -> None:
        super().__init__()
        self.logs: dict[str, list[Any]] = {}
        self.earned = dict.fromkeys(PRODUCERS, 0)
        self.purse = dict.fromkeys(PRODUCERS, 0)
        self.paid: dict[tuple[str, str], int] = {}  #: payouts that stand
        self.used: set[tuple[str, str, str]] = set()
        self.stated: dict[str, str] = {}
        self.terms_from = date.min

    def asks(self, decider: Any, command: Any, expected: bool) -> bool:
        log = self.logs.setdefault(command.stream(), [])
        told = given(decider, *log).when(command)
        assert (told.refusal is None) == expected, told
        log += told.events
        return told.refusal is None

    @rule(
        month=st.sampled_from(MONTHS),
        today=st.dates(date(2016, 1, 20), date(2016, 4, 2)),
        digest=st.sampled_from(DIGESTS),
        earned=st.fixed_dictionaries({producer: st.integers(-500, 12_000_000) for producer in PRODUCERS}),
    )
    def close(self, month: str, today: date, digest: str, earned: dict[str, int]) -> None:
        command = ClosePeriod(
            region="KG-Y", month=month, today=today, through_position=1, statement_digest=digest, producers=3,
            earned_tyiyn=sum(earned.values()), unknown_tyiyn=earned["unknown"],
        )  # fmt: skip
        ended = (today.year, today.month) > (int(month[:4]), int(month[5:]))
        if self.asks(PERIOD, command, ended and month not in self.stated):
            self.stated[month] = digest
            for producer, tyiyn in earned.items():
                self.earned[producer] += tyiyn
                self.purse[producer] += tyiyn

    @rule(month=st.sampled_from(MONTHS), digest=st.sampled_from(DIGESTS), together=st.booleans())
    def restate(self, month: str, digest: str, together: bool) -> None:
        command = MakeRestatement(
            region="KG-Y", month=month, through_position=2, statement_digest=digest,
            members=TWO if together else TWO[:1], reason="late_receipts",
        )  # fmt: skip
        may = together and month in self.stated and self.stated[month] != digest
        if self.asks(PERIOD, command, may):
            self.stated[month] = digest

    @rule(producer=st.sampled_from(PRODUCERS), payout=IDS, tyiyn=TYIYN, together=st.booleans())
    def pay(self, producer: str, payout: str, tyiyn: int, together: bool) -> None:
        command = MakePayout(
            producer=producer, payout=payout, amount_tyiyn=tyiyn, method="cash", members=TWO if together else (),
            earned_tyiyn=self.earned[producer], statement_position=1,
        )  # fmt: skip
        may = (
            producer != "unknown"
            and ("payout", producer, payout) not in self.used
            and tyiyn <= self.purse[producer]
            and (together or tyiyn <= 5_000_000)
        )
        if self.asks(ACCOUNT, command, may):
            self.purse[producer] -= tyiyn
            self.paid[producer, payout] = tyiyn
            self.used.add(("payout", producer, payout))

    @rule(producer=st.sampled_from(PRODUCERS), payout=IDS, together=st.booleans())
    def reverse(self, producer: str, payout: str, together: bool) -> None:
        command = ReversePayout(
            producer=producer, payout=payout, reason="account_closed", members=TWO if together else ()
        )
        tyiyn = self.paid.get((producer, payout))
        if self.asks(ACCOUNT, command, tyiyn is not None and (together or tyiyn <= 5_000_000)):
            self.purse[producer] += self.paid.pop((producer, payout))

    @rule(producer=st.sampled_from(PRODUCERS), advance=IDS, tyiyn=TYIYN, together=st.booleans())
    def advance(self, producer: str, advance: str, tyiyn: int, together: bool) -> None:
        event = make.advance_given(
            producer=producer, advance=advance, amount_tyiyn=tyiyn, members=TWO if together else ()
        )
        fresh = ("advance", producer, advance) not in self.used
        if self.asks(
            ACCOUNT, GiveAdvance(event=event), producer != "unknown" and fresh and (together or tyiyn <= 5_000_000)
        ):
            self.purse[producer] -= tyiyn
            self.used.add(("advance", producer, advance))

    @rule(since=st.dates(date(2016, 1, 1), date(2016, 5, 1)), today=st.dates(date(2016, 1, 1), date(2016, 5, 1)))
    def agree(self, since: date, today: date) -> None:
        event = make.share_terms_agreed(effective_from=since)
        closed = max(self.stated, default=None)
        first = self.terms_from == date.min
        may = (closed is None or f"{since:%Y-%m}" > closed) and since >= self.terms_from and (first or since >= today)
        if self.asks(TERMS, AgreeTerms(event=event, last_closed_month=closed, today=today), may):
            self.terms_from = since

    @invariant()
    def what_was_earned_was_paid_or_is_owed(self) -> None:
        for producer in PRODUCERS:
            handed = 0
            for event in self.logs.get(f"account/{producer}", ()):
                if isinstance(event, PayoutMade | AdvanceGiven):
                    handed += event.amount_tyiyn
                if isinstance(event, PayoutReversed):
                    handed -= event.amount_tyiyn
            assert self.earned[producer] == handed + self.purse[producer]
            assert ACCOUNT.state(self.logs.get(f"account/{producer}", ())).handed_tyiyn == handed

    @invariant()
    def nobody_unknown_was_ever_handed_anything(self) -> None:
        assert not self.logs.get("account/unknown")


TestSettlement = Settlement.TestCase
TestSettlement.settings = settings(max_examples=150, stateful_step_count=40, deadline=None)
