"""Certificates through the front door: scores stay sealed until the verdict, and what waits is told by the day."""

from collections.abc import Iterator
from concurrent.futures import ThreadPoolExecutor
from datetime import UTC, datetime, timedelta
from pathlib import Path
from typing import Any
from uuid import uuid4

import httpx
import psycopg
import pytest

from events.catalogue.committee import AssessmentScored
from services import lookback
from services.committee.assessment import OpenedScores, seal_of
from tests import make
from tests.cut_off import answers_withheld, cut_off_when_stored
from tests.door import NOW, Door, accepted, opened, report
from tests.servers import LogDatabase

ABOUT = {"maker": "workshop/tosor-jam", "product": "apricot-jam-300", "submission": "submission-1"}
ONE, TWO, NARYN = "user/member-1", "user/member-2", "user/member-of-naryn"
GOOD = make.scores(15, 15, 15, 15, 15).model_dump()


@pytest.fixture
def door(log_database: LogDatabase, tmp_path: Path) -> Iterator[Door]:
    with opened(log_database, tmp_path) as door:
        for path, event in (
            ("network/found-network", make.network_founded()),
            ("network/join-region", make.region_joined()),
            ("network/register-village", make.village_registered()),
            ("network/open-workshop", make.workshop_opened()),
            ("network/define-product", make.product_defined()),
        ):
            accepted(door.ask(path, event))
        for member, region in ((ONE, "KG-Y"), (TWO, "KG-Y"), (NARYN, "KG-N")):
            accepted(door.command("network/grant-role", to=member, role="committee_member", region=region))
        accepted(door.command("committee/submit-product", **ABOUT, region="KG-Y", assessors=[ONE, TWO]))
        yield door


def refused(response: httpx.Response) -> tuple[int, str]:
    return response.status_code, response.json()["code"]


def score(door: Door, member: str, **more: Any) -> httpx.Response:
    return door.command("committee/score-assessment", **ABOUT, member=member, **({"scores": GOOD} | more))


def certify(door: Door, valid_until: str = "2028-11-30") -> httpx.Response:
    days = {"valid_from": "2026-12-01", "valid_until": valid_until}
    return door.command("committee/certify-product", **ABOUT, certificate="certificate-1", **days)


def scored_in_the_log(door: Door) -> list[AssessmentScored]:
    return [one.event for one in door.log.read(0, 999) if isinstance(one.event, AssessmentScored)]


def kept_seals(door: Door) -> set[str]:
    with psycopg.connect(door.database.admin) as connection:
        rows = connection.execute("SELECT commitment FROM personal.vault WHERE kind = 'scores'").fetchall()
    return {bytes(commitment).hex() for (commitment,) in rows}


def test_nobody_sees_a_score_before_the_submission_is_decided(door: Door) -> None:
    accepted(score(door, ONE))
    assert refused(certify(door)) == (409, "assessments_missing")
    accepted(score(door, TWO))
    shown = door.get("/api/v1/events", type="committee.assessment_scored.v2").json()["events"]
    assert [sorted(event["data"]) for event in shown] == 2 * [["maker", "member", "product", "seal", "submission"]], (
        "something of the scores is in the log"
    )
    door.fold()
    waiting = door.get("/api/v1/committee/certificate", maker=ABOUT["maker"], product=ABOUT["product"])
    assert waiting.json()["submission"]["scored"] == [ONE, TWO]
    assert "quality" not in waiting.text

    accepted(certify(door))

    *sealed, first, second = scored_in_the_log(door)
    for before, after in zip(sealed, (first, second), strict=True):
        assert after.scores is not None
        assert after.salt is not None
        opened_now = OpenedScores(member=after.member, scores=after.scores, salt=after.salt)
        assert before.seal == after.seal == seal_of(ABOUT["submission"], opened_now)
    assert {event.member for event in (first, second)} == {ONE, TWO}


def test_a_repeated_score_is_known_and_a_second_one_is_refused_and_forgotten(door: Door) -> None:
    request = {"id": str(uuid4()), "occurred_at": NOW, **ABOUT, "member": ONE, "scores": GOOD}
    first = accepted(door.post("/api/v1/committee/score-assessment", request))
    again = door.post("/api/v1/committee/score-assessment", request).json()
    assert (again["status"], again["receipt"]) == ("duplicate", first["receipt"])
    assert refused(score(door, ONE)) == (409, "already_scored")
    twice = [request | {"id": str(uuid4()), "member": TWO} for _ in range(2)]
    answers = door.post("/api/v1/committee/score-assessment", twice).json()
    assert door.problems_of(answers) == [("accepted", None), ("refused", "already_scored")]
    assert kept_seals(door) == {event.seal for event in scored_in_the_log(door)}


def test_what_was_scored_is_kept_when_the_answer_of_the_log_is_lost(door: Door) -> None:
    """Stored, cut off, found again: that is no repetition, and what is behind its seal stays."""
    accepted(score(door, ONE))
    with ThreadPoolExecutor(1) as caller:
        with answers_withheld(door.database):
            scoring = caller.submit(score, door, TWO)
            cut_off_when_stored(door.database)
        accepted(scoring.result(20))
    assert kept_seals(door) == {event.seal for event in scored_in_the_log(door)}
    accepted(certify(door))


def test_when_what_was_scored_is_lost_its_member_scores_anew(door: Door) -> None:
    accepted(score(door, ONE))
    accepted(score(door, TWO))
    with psycopg.connect(door.database.admin) as connection:
        lost = scored_in_the_log(door)[0].seal or ""
        connection.execute("DELETE FROM personal.vault WHERE commitment = %s", [bytes.fromhex(lost)])
    assert refused(certify(door)) == (409, "seal_broken")
    assert refused(score(door, TWO)) == (409, "already_scored")
    accepted(score(door, ONE))
    accepted(certify(door))


@pytest.mark.parametrize(
    ("member", "change", "code"),
    [
        (NARYN, {}, "not_on_the_committee"),
        ("user/anybody", {}, "not_on_the_committee"),
        ("user/third", {}, "not_an_assessor"),
        (ONE, {"scores": GOOD | {"quality": 21}}, "score_out_of_range"),
        (ONE, {"submission": "another"}, "no_such_submission"),
    ],
)
def test_a_refused_score_leaves_nothing(door: Door, member: str, change: dict[str, Any], code: str) -> None:
    accepted(door.command("network/grant-role", to="user/third", role="committee_member", region="KG-Y"))
    before = door.log.head().position
    response = door.command("committee/score-assessment", **(ABOUT | {"member": member, "scores": GOOD} | change))
    assert response.json()["code"] == code
    assert (door.log.head().position, kept_seals(door)) == (before, set())


def test_a_member_who_takes_up_a_role_at_the_maker_scores_it_no_more(door: Door) -> None:
    accepted(door.command("network/grant-role", to=ONE, role="workshop_lead", place=ABOUT["maker"]))
    assert refused(score(door, ONE)) == (409, "conflict_of_interest")
    accepted(door.command("network/withdraw-role", to=ONE, role="workshop_lead", place=ABOUT["maker"]))
    accepted(score(door, ONE))


def test_what_waits_for_the_committee_follows_from_the_day(door: Door) -> None:
    def waiting(on: str, region: str = "KG-Y") -> list[str]:
        told = door.get("/api/v1/committee/to-do", on=on, region=region).json()
        return [each["waiting"] for each in told["to_do"]]

    def standing(on: str) -> str:
        [told] = door.get("/api/v1/committee/certificates", on=on).json()["certificates"]
        one = door.get("/api/v1/committee/certificate", on=on, maker=ABOUT["maker"], product=ABOUT["product"]).json()
        assert one["standing"] == told["standing"]
        found: str = told["standing"]
        return found

    door.fold()
    assert waiting("2026-11-24") == ["to_decide"]
    assert waiting("2026-11-24", region="KG-N") == []
    accepted(score(door, ONE))
    accepted(score(door, TWO))
    accepted(certify(door))
    door.fold()
    assert waiting("2026-12-02") == []
    assert waiting("2028-10-15") == ["to_renew"]
    assert waiting("2028-12-01") == ["expired"]
    assert [standing(on) for on in ("2026-11-30", "2026-12-01", "2028-11-30", "2028-12-01")] == [
        "not_yet_valid",
        "certified",
        "certified",
        "expired",
    ]
    about = {"maker": ABOUT["maker"], "product": ABOUT["product"], "certificate": "certificate-1"}
    suspension = about | {"reason": "label_wrong", "effective_from": "2027-02-01"}
    accepted(door.command("committee/suspend-certificate", **suspension, actor=ONE))
    door.fold()
    assert waiting("2027-01-31") == []
    assert (waiting("2027-02-01"), standing("2027-02-01")) == (["suspended"], "suspended")
    accepted(door.command("committee/submit-product", **(ABOUT | {"submission": "submission-2"}), region="KG-Y"))
    door.fold()
    assert waiting("2028-10-15") == ["suspended", "to_decide"]


def test_a_product_accepted_on_conditions_waits_until_it_comes_again(door: Door) -> None:
    poor = make.scores(13, 13, 13, 13, 13).model_dump()
    accepted(score(door, ONE, scores=poor))
    accepted(score(door, TWO, scores=poor))
    assert refused(certify(door)) == (409, "below_threshold")
    accepted(door.command("committee/accept-conditionally", **ABOUT, conditions=["label"], fulfil_by="2027-02-01"))
    door.fold()
    assert [each["waiting"] for each in door.get("/api/v1/committee/to-do").json()["to_do"]] == ["conditions"]
    accepted(door.command("committee/submit-product", **(ABOUT | {"submission": "submission-2"}), region="KG-Y"))
    door.fold()
    assert [each["waiting"] for each in door.get("/api/v1/committee/to-do").json()["to_do"]] == ["to_decide"]


def test_only_the_committee_that_certified_decides_what_becomes_of_a_certificate(door: Door) -> None:
    accepted(score(door, ONE))
    accepted(score(door, TWO))
    accepted(certify(door))
    about = {"maker": ABOUT["maker"], "product": ABOUT["product"], "certificate": "certificate-1"}
    suspension = about | {"reason": "label_wrong", "effective_from": "2027-02-01"}
    for actor in (NARYN, "user/nobody", "center/admin"):
        refusal = refused(door.command("committee/suspend-certificate", **suspension, actor=actor))
        assert refusal == (409, "not_on_the_committee")
    accepted(door.command("committee/suspend-certificate", **suspension, actor=ONE))

    for members, code in (((ONE, NARYN), "not_on_the_committee"), ((ONE,), "two_members_needed")):
        refusal = refused(door.command("committee/revoke-certificate", **suspension, members=list(members)))
        assert refusal == (409, code)
    accepted(door.command("committee/revoke-certificate", **suspension, members=[ONE, TWO]))


def test_only_the_committee_of_the_region_in_which_it_was_made_recalls(door: Door) -> None:
    second = "user/naryn-second"
    accepted(door.command("network/grant-role", to=second, role="committee_member", region="KG-N"))
    accepted(door.ask("network/register-producer", make.producer_registered()))
    door.tell(report(make.lot_collected()), report(make.batch_produced()))

    def start(recall: str, kind: str, root: str, *members: str) -> httpx.Response:
        event = make.recall_started(recall=recall, roots=({"kind": kind, "id": root},), members=members)
        return door.ask("committee/start-recall", event)

    lot = make.batch_produced().lot
    for members in ((NARYN, second), (ONE, NARYN), (ONE, "user/nobody")):
        assert refused(start("r-1", "lot", lot, *members)) == (409, "not_their_recall")
    assert refused(start("r-1", "lot", lot, ONE, ONE)) == (409, "two_members_needed")
    accepted(start("r-1", "lot", lot, ONE, TWO))
    close = {"recall": "r-1", "outcome": "destroyed"}
    assert refused(door.command("committee/close-recall", **close, members=[NARYN, second])) == (
        409,
        "not_their_recall",
    )
    accepted(door.command("committee/close-recall", **close, members=[TWO, ONE]))
    # A supplier belongs to no region, and a danger that nobody has placed yet must not wait for the right committee.
    accepted(start("r-2", "supplier", "sugar-of-kant", NARYN, second))
    accepted(start("r-3", "lot", "never-reported", NARYN, second))
    accepted(start("r-4", "supplier", lot, NARYN, second))  # called like a lot of another region by chance


def test_books_of_the_past_are_judged_by_the_day_they_speak_of(door: Door) -> None:
    score(door, ONE), score(door, TWO)
    today = datetime.fromisoformat(NOW).date()
    days = {"valid_from": today.isoformat(), "valid_until": (today + timedelta(365)).isoformat()}
    accepted(door.command("committee/certify-product", **ABOUT, certificate="certificate-1", **days))
    door.tell(report(make.lot_collected()), report(make.batch_produced()), report(make.batch_packed()))
    then = door.log.head().position
    door.tell(report(make.lot_collected(lot="lot-later")))
    door.fold()
    batch = make.batch_packed().lot
    asked = (f"lots/{batch}/trace", "regions/KG-Y/certificates")
    assert [door.get(f"/api/v1/{path}", as_of=then).status_code for path in asked] == [200, 202]
    with psycopg.connect(door.database.projector, autocommit=True) as connection:
        assert lookback.build_next(connection, door.database.projector, door.log) == then
    door.front.clock.now = lambda: datetime.now(UTC) + timedelta(500)

    def standings(**params: Any) -> tuple[str, str]:
        trace, listed = (door.get(f"/api/v1/{path}", **params).json() for path in asked)
        [certificate] = listed["certificates"]
        return trace["trace"]["certificate"]["standing"], certificate["standing"]

    assert standings(as_of=then) == ("certified", "certified")
    assert standings() == ("expired", "expired")
