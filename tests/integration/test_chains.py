"""A till's chain is judged from the log: whoever took the reports, and whatever became of the answers."""

import hashlib
from collections.abc import Iterator
from datetime import UTC, datetime, timedelta
from pathlib import Path
from typing import Any

import pytest

from events.canonical import canonical
from projections.chains import Broken, TillChains, _reports_between
from services.books import Look
from tests import make
from tests.access import chain
from tests.door import Door, opened, report
from tests.servers import LogDatabase

OTHER: dict[str, Any] = {"till": "karakol-2", "shift": "shift-2"}


@pytest.fixture
def door(log_database: LogDatabase, tmp_path: Path) -> Iterator[Door]:
    with opened(log_database, tmp_path) as opened_door:
        yield opened_door


def broken(door: Door, since: datetime | None = None) -> list[tuple[str, int]]:
    moment = since or datetime.now(UTC) - timedelta(days=1)

    def asked(chains: TillChains) -> list[Broken]:
        return door.front.books.ask(lambda look: chains.broken(look.connection, moment)).answer

    found = asked(door.front.till_chains)
    assert found == asked(TillChains())  # what was read before changes nothing
    return [(each.till, each.counter) for each in found]


def test_a_chain_that_holds_is_no_judgement_in_whatever_order_it_comes(door: Door) -> None:
    items, _ = chain(1, 2, 3, 4)
    for at in (3, 1, 0, 2):
        door.tell(items[at])
    assert broken(door) == []


def test_a_report_that_follows_on_something_else_is_stored_and_waits_for_the_center(door: Door) -> None:
    items, _ = chain(1, 2)
    cut, _ = chain(3, 4, before="f" * 64)
    answers = door.tell(*items, *cut)
    door.fold()

    assert {answer["status"] for answer in answers} <= {"accepted", "flagged"}
    assert broken(door) == [("karakol-1", 3)]
    [task] = [task for task in door.get("/api/v1/todo").json()["tasks"] if task["kind"] == "chain_broken"]
    assert (task["role"], task["place"], task["is_urgent"]) == ("center", "outlet/karakol", True)
    assert (task["subjects"], task["position"]) == (["till/karakol-1/3"], answers[2]["position"])
    assert broken(door, since=datetime.now(UTC) + timedelta(seconds=1)) == []


def test_a_till_that_kept_a_chain_and_states_none_any_more_is_told(door: Door) -> None:
    items, _ = chain(1, 2)
    door.tell(*items, report(make.sale_made(sale="forged", till_counter=3)))
    assert broken(door) == [("karakol-1", 3)]


def test_a_till_that_keeps_no_chain_and_a_gap_are_no_judgement(door: Door) -> None:
    door.tell(*(report(make.sale_made(sale=f"s-{n}", till_counter=n, **OTHER)) for n in (1, 2, 3)))
    items, _ = chain(1, 2, 3)
    door.tell(items[0], items[2])
    assert broken(door) == []


def test_a_report_in_quarantine_is_a_link_of_its_chain(door: Door) -> None:
    [first], head = chain(1)
    odd = report(make.sale_made(sale="odd", till_counter=2, prev_hash=head)) | {"colour": "red"}
    rest, _ = chain(3, before=hashlib.sha256(canonical(odd)).hexdigest())
    for path, event in (
        ("network/found-network", make.network_founded()),
        ("network/join-region", make.region_joined()),
        ("network/open-outlet", make.outlet_opened(village=None)),
    ):
        assert door.ask(path, event).status_code == 200
    made = door.command("network/enroll-till", till="karakol-1", outlet="karakol").json()
    answers = door.post("/api/v1/events", [first, odd, *rest], key=made["key"]).json()

    assert [answer["status"] == "quarantined" for answer in answers] == [False, True, False]
    assert broken(door) == []


def test_reports_that_come_between_two_questions_are_judged_as_if_asked_once(door: Door) -> None:
    """Whatever order they come in: each is looked at with those that are there by then, and again with later ones."""
    items, _ = chain(1, 2, 3, 4, 5, 6)
    other, _ = chain(4, 5, before="f" * 64)
    repeated, _ = chain(2)
    seen = []
    for item in (items[5], *other, *repeated, items[2], items[0], items[3], items[1], items[4]):
        door.tell(item)
        seen.append(broken(door))
    till = "karakol-1"
    assert seen[1] == []  # 6, and then 4 of the other chain: nothing was before either
    assert seen[2] == [(till, 6)]  # 5 of the other chain follows on its 4; 6 does not follow on that 5
    assert seen[4] == [(till, 6), (till, 4), (till, 3)]  # 3 does not follow on that 2
    assert seen[-1] == [(till, 4)]  # the one of the other chain: everything else found what it follows on


def test_a_question_reads_on_from_where_the_one_before_it_stopped(door: Door) -> None:
    items, _ = chain(1, 2, 3)
    chains, since = TillChains(), datetime.now(UTC) - timedelta(days=1)
    read: list[int] = []

    def ask(look: Look) -> list[Broken]:
        with pytest.MonkeyPatch.context() as patch:
            patch.setattr("projections.chains._reports_between", counted)
            return chains.broken(look.connection, since)

    def counted(*asked: Any) -> Iterator[Any]:
        found = list(_reports_between(*asked))
        read.append(len(found))
        return iter(found)

    for item in items:
        door.tell(item)
        door.front.books.ask(ask)
    door.front.books.ask(ask)
    assert read == [1, 1, 1, 0]


def test_what_is_too_old_is_let_go_and_read_again_when_somebody_looks_further_back(door: Door) -> None:
    cut, _ = chain(2, before="f" * 64)
    [first], _ = chain(1)
    door.tell(first)
    door.tell(*cut)
    recorded = [each.recorded_at for each in door.log.read(0, 10)]
    assert broken(door) == [("karakol-1", 2)]
    assert broken(door, since=recorded[0]) == []  # the report before it is out of sight
    assert broken(door, since=recorded[1]) == []
    assert broken(door) == [("karakol-1", 2)]
