"""A till's chain is judged from the log: whoever took the reports, and whatever became of the answers."""

import hashlib
from collections.abc import Iterator
from datetime import UTC, datetime, timedelta
from pathlib import Path
from typing import Any

import pytest

from events.canonical import canonical
from projections.chains import Broken, broken_chains
from tests import make
from tests.door import Door, opened, report
from tests.integration.test_access import chain
from tests.servers import LogDatabase

OTHER: dict[str, Any] = {"till": "karakol-2", "shift": "shift-2"}


@pytest.fixture
def door(log_database: LogDatabase, tmp_path: Path) -> Iterator[Door]:
    with opened(log_database, tmp_path) as opened_door:
        yield opened_door


def broken(door: Door, since: datetime | None = None) -> list[tuple[str, int]]:
    moment = since or datetime.now(UTC) - timedelta(days=1)
    found: list[Broken] = door.front.books.ask(lambda look: broken_chains(look.connection, moment)).answer
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
