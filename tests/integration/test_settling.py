"""Months, terms and accounts through the front door: closed, stated anew, paid by one or by two."""

import hashlib
from collections.abc import Iterator
from datetime import datetime, timedelta
from pathlib import Path
from typing import Any

import httpx
import pytest

from events.catalogue.settlement import PeriodClosed, RestatementMade, ShareTermsAgreed
from projections.bishkek import BISHKEK
from tests import make
from tests.door import Door, accepted, opened, report
from tests.servers import LogDatabase

MARCH, APRIL, MAY = (f"2016-{month:02}-10T12:00:00+06:00" for month in (3, 4, 5))
MONTH = {"region": "KG-Y", "month": "2016-03"}
SIGNED = {"members": ["user/clerk-1", "user/clerk-2"], "reason": "late_receipts"}


@pytest.fixture
def door(log_database: LogDatabase, tmp_path: Path) -> Iterator[Door]:
    """A simulated network in which two jars were sold in March."""
    with opened(log_database, tmp_path) as door:
        for path, event in (
            ("network/found-network", make.network_founded(clock="simulated")),
            ("network/join-region", make.region_joined()),
            ("network/register-village", make.village_registered()),
            ("network/open-workshop", make.workshop_opened()),
            ("network/register-producer", make.producer_registered()),
            ("network/register-producer", make.producer_registered(producer="p-002")),
            ("network/open-outlet", make.outlet_opened()),
            ("network/define-product", make.product_defined()),
            ("settlement/agree-terms", make.share_terms_agreed()),
        ):
            accepted(door.ask(path, event, occurred_at="2016-03-01T12:00:00+06:00"))
        tell(door, MARCH, make.lot_collected(), make.batch_produced(), make.batch_packed(), make.sale_made())
        yield door


def tell(door: Door, at: str, *events: Any, recorded_at: str | None = None) -> list[int]:
    answers = door.tell(*(report(event, occurred_at=at, recorded_at=recorded_at or at) for event in events))
    assert {answer["status"] for answer in answers} <= {"accepted", "flagged"}, answers
    door.fold()
    return [answer["position"] for answer in answers]


def refused(response: httpx.Response) -> str:
    assert response.status_code >= 400, response.text
    code: str = response.json()["code"]
    return code


def close(door: Door) -> PeriodClosed:
    accepted(door.command("settlement/close-period", **MONTH, occurred_at=APRIL))
    door.fold()
    *_, last = door.log.read(0, 999)
    assert isinstance(last.event, PeriodClosed)
    return last.event


def restate(door: Door, **changes: Any) -> httpx.Response:
    return door.command("settlement/make-restatement", **(MONTH | SIGNED | {"occurred_at": MAY} | changes))


def test_a_month_is_stated_only_from_books_that_reach_the_end_of_the_log(
    door: Door, monkeypatch: pytest.MonkeyPatch
) -> None:
    close(door)
    monkeypatch.setattr("services.books.WAIT_SECONDS_MAX", 0.1)
    door.tell(report(make.sale_made(sale="unfolded"), occurred_at=APRIL, recorded_at=APRIL))
    head = door.log.head().position
    for response in (door.command("settlement/close-period", **MONTH, occurred_at=APRIL), restate(door)):
        said = response.json()
        assert (response.status_code, said["code"]) == (503, "statement_not_ready")
        assert "field" not in said
        assert "same id" in said["what_to_do"]
    assert door.log.head().position == head


def digest(**earned: int) -> str:
    """The digest of a statement, told independently of the code that makes it."""
    lines = "".join(f"{producer.replace('_', '-')}:{tyiyn}\n" for producer, tyiyn in sorted(earned.items()))
    return hashlib.sha256(lines.encode()).hexdigest()


def earned(door: Door) -> dict[str, int]:
    told = door.get("/api/v1/income", by="producer").json()["income"]
    return {each["producer"]: each["earned_tyiyn"] for each in told if each["earned_tyiyn"]}


def test_a_restatement_says_what_a_closed_month_came_to_with_all_that_is_known_now(door: Door) -> None:
    closed = close(door)
    stated = earned(door)
    assert closed.statement_digest == digest(**{name.replace("-", "_"): tyiyn for name, tyiyn in stated.items()})
    assert refused(restate(door)) == "nothing_to_restate"

    tell(door, MARCH, make.sale_made(sale="late", till_counter=2), recorded_at=MAY)
    assert refused(restate(door, members=["user/clerk-1"])) == "two_members_needed"
    accepted(restate(door))
    door.fold()

    [anew] = [one.event for one in door.log.read(0, 999) if isinstance(one.event, RestatementMade)]
    twice = {name.replace("-", "_"): 2 * tyiyn for name, tyiyn in stated.items()}
    assert anew.statement_digest == digest(**twice), "the late receipt is as large as the one in time"
    assert earned(door) == stated, "a closed statement moved"
    assert refused(restate(door)) == "nothing_to_restate"


def test_an_open_month_is_not_stated_anew(door: Door) -> None:
    assert refused(restate(door)) == "period_not_closed"


def test_what_a_corrected_origin_changes_is_in_the_restatement(door: Door) -> None:
    closed = close(door)
    [produced] = [one.event_id for one in door.log.read(0, 999) if one.event == make.batch_produced()]
    lot = make.lot_collected(lot="lot-apricots-2", producer="p-002")
    correction = make.batch_inputs_corrected(
        corrects=str(produced), inputs=(make.lot_input(lot="lot-apricots-2", mass_g=20_000),)
    )
    tell(door, APRIL, lot, correction)
    accepted(restate(door))
    [anew] = [one.event for one in door.log.read(0, 999) if isinstance(one.event, RestatementMade)]
    assert anew.statement_digest == digest(p_002=closed.earned_tyiyn)


def test_terms_are_never_agreed_for_days_that_have_passed(door: Door) -> None:
    """By the day in Bishkek on which they are agreed: at 20:00 UTC it is the next day there."""
    late = datetime.fromisoformat("2016-04-09T20:00:00+00:00").astimezone(BISHKEK).isoformat()
    passed = make.share_terms_agreed(effective_from=datetime(2016, 4, 9).date())
    today = make.share_terms_agreed(effective_from=passed.effective_from + timedelta(days=1))
    assert refused(door.ask("settlement/agree-terms", passed, occurred_at=late)) == "terms_backdated"
    accepted(door.ask("settlement/agree-terms", today, occurred_at=late))
    assert [one.event for one in door.log.read(0, 999) if isinstance(one.event, ShareTermsAgreed)][1:] == [today]


def test_a_decision_at_the_end_of_the_calendar_has_a_day_too(door: Door) -> None:
    """Six hours before its end it is the day after the last one in Bishkek."""
    last = make.share_terms_agreed(effective_from=datetime(9999, 12, 31).date())
    asked = {"occurred_at": "9999-12-31T23:59:59Z", "recorded_at": MAY}
    accepted(door.ask("settlement/agree-terms", last, **asked))
    today = {"occurred_at": "9999-12-31T23:59:59Z"}
    accepted(door.ask("settlement/agree-terms", last.model_copy(update={"channel": "export"}), **today))


def test_no_terms_begin_within_a_month_that_some_region_has_closed(door: Door) -> None:
    close(door)
    within = make.share_terms_agreed(channel="export", effective_from=datetime(2016, 3, 31).date())
    assert refused(door.ask("settlement/agree-terms", within, occurred_at=APRIL)) == "terms_backdated"


def test_what_is_handed_out_above_the_limit_takes_two_names(door: Door) -> None:
    accepted(door.ask("network/register-producer", make.producer_registered(producer="p-003")))
    advance = {"producer": "p-003", "advance": "a-1", "amount_tyiyn": 5_000_001, "method": "cash"}
    assert refused(door.command("settlement/give-advance", **advance)) == "second_signature_missing"
    accepted(door.command("settlement/give-advance", **advance, members=SIGNED["members"]))


def test_a_dispute_waits_until_a_payout_is_reversed_or_the_month_is_stated_anew(door: Door) -> None:
    def waiting() -> list[str]:
        told = door.get("/api/v1/settlement/disputes").json()["disputes"]
        return [each["dispute"] for each in told if not (each["reversed_position"] or each["restated_position"])]

    def dispute(name: str, producer: str) -> None:
        fields = {"reason": "too_little", "opened_on": "2016-04-12", "month": "2016-03", "occurred_at": APRIL}
        accepted(door.command("settlement/dispute-payout", producer=producer, dispute=name, **fields))

    close(door)
    pay = {"producer": "p-001", "payout": "payout-1", "occurred_at": APRIL}
    accepted(door.command("settlement/make-payout", **pay, amount_tyiyn=100, method="cash"))
    dispute("of-a-payout", "p-001")
    dispute("of-a-statement", "p-002")
    door.fold()
    assert waiting() == ["of-a-payout", "of-a-statement"]

    accepted(door.command("settlement/reverse-payout", **pay, reason="account_closed"))
    door.fold()
    assert waiting() == ["of-a-statement"]
    told = door.get("/api/v1/settlement/disputes").json()["disputes"]
    assert [each["dispute"] for each in told] == ["of-a-statement", "of-a-payout"], "those that wait come first"

    tell(door, MARCH, make.sale_made(sale="late", till_counter=2), recorded_at=MAY)
    accepted(restate(door))
    door.fold()
    assert waiting() == []


def test_an_unfounded_dispute_waits_for_the_clerk_of_the_region_until_it_is_answered(door: Door) -> None:
    close(door)
    fields = {"reason": "too_little", "opened_on": "2016-04-12", "month": "2016-03", "occurred_at": APRIL}
    accepted(door.command("settlement/dispute-payout", producer="p-001", dispute="d-1", **fields))
    door.fold()

    def tasks() -> list[tuple[str, str, list[str]]]:
        told = door.get("/api/v1/todo", role="settlement_clerk").json()["tasks"]
        return [(task["kind"], task["place"], task["subjects"]) for task in told if task["kind"] == "payout_disputed"]

    assert tasks() == [("payout_disputed", "KG-Y", ["p-001/d-1"])]
    answer = {"producer": "p-001", "dispute": "d-1", "outcome": "rejected", "reason": "statement_is_right"}
    accepted(door.command("settlement/settle-dispute", **answer, occurred_at=MAY))
    assert tasks() == []
    door.fold()
    [told] = door.get("/api/v1/regions/KG-Y/disputes").json()["disputes"]
    assert (told["outcome"], told["settled_position"]) == ("rejected", door.log.head().position)
    assert told["reversed_position"] is told["restated_position"] is None
    assert door.get("/api/v1/regions/KG-N/disputes").json()["disputes"] == []
    assert refused(door.command("settlement/settle-dispute", **answer)) == "dispute_settled_before"
