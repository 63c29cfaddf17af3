"""The to-do list: what waits, for whom, and that it is gone once it is dealt with."""

import re
from collections.abc import Iterator
from datetime import UTC, date, datetime, timedelta
from pathlib import Path
from typing import Any

import pytest

from projections.inventory_queries import STATE_FLAGS
from projections.todo import Waiting, waiting
from services.todo import ROLE_OF
from services.web.language import LANGUAGES
from services.web.todo_words import what_to_do
from tests import make, small_network
from tests.door import NOW, Door, opened, report
from tests.servers import LogDatabase
from tests.small_network import BATCH

ROOT = Path(__file__).parent.parent.parent


@pytest.fixture
def door(log_database: LogDatabase, tmp_path: Path) -> Iterator[Door]:
    with opened(log_database, tmp_path) as opened_door:
        yield opened_door


def tasks(door: Door, **params: Any) -> dict[str, dict[str, Any]]:
    door.fold()
    told = door.get("/api/v1/todo", **params)
    assert told.status_code == 200, told.text
    return {task["kind"]: task for task in told.json()["tasks"]}


def test_an_open_message_is_the_centers_to_do_until_it_is_dealt_with(door: Door) -> None:
    [answer] = door.tell(report(make.sale_made()) | {"colour": "red"})
    message = answer["receipt"]["event_id"]

    task = tasks(door)["quarantine_open"]

    assert (task["role"], task["count"], task["subjects"], task["is_urgent"]) == ("center", 1, [message], True)
    assert "quarantine_open" not in tasks(door, role="outlet_lead")
    door.command("quarantine/dismiss", quarantine=message, reason="test_report")
    assert "quarantine_open" not in tasks(door)


def test_an_oversold_batch_waits_for_the_head_of_the_outlet_until_it_is_packed(door: Door) -> None:
    door.tell(report(make.sale_made()))

    found = tasks(door, role="outlet_lead", place="outlet/karakol")

    assert found["oversold"]["subjects"] == ["batch-jam-1"]
    assert found["oversold"]["what_to_do"] == "More was sold than was on hand: count this batch."
    russian = tasks(door, lang="ru")["oversold"]["what_to_do"]
    assert russian == LANGUAGES["ru"].gettext("More was sold than was on hand: count this batch.")
    door.tell(
        report(make.stock_received(consignment="c-1", place="outlet/karakol", lines=(make.stock_line(units=50),)))
    )
    assert "oversold" not in tasks(door)


def test_judgements_of_one_kind_are_one_task_with_their_number(door: Door) -> None:
    long_ago = "2026-01-01T12:00:00+06:00"
    door.tell(*(report(make.sale_made(sale=f"s-{n}", till_counter=n), occurred_at=long_ago) for n in range(1, 9)))

    late = tasks(door)["late"]

    assert (late["count"], late["place"], len(late["subjects"])) == (8, "", 5)
    assert late["subjects"][0] == "sale/s-8"


def test_only_the_administrator_sees_the_whole_list(door: Door) -> None:
    assert door.client.get("/api/v1/todo", headers={"Authorization": ""}).status_code == 401
    assert door.get("/api/v1/todo", role="king").status_code == 422


@pytest.fixture(scope="module")
def small(module_log_database: LogDatabase, tmp_path_factory: pytest.TempPathFactory) -> Iterator[Door]:
    with opened(module_log_database, tmp_path_factory.mktemp("small")) as small_door:
        small_network.fill(small_door.front.handler.log)
        small_door.fold()
        yield small_door


def at(small: Door, moment: datetime, kind: str) -> list[Waiting]:
    found = small.front.books.ask(lambda look: waiting(look.connection, moment)).answer
    return [each for each in found if each.kind == kind]


def instant(day: date) -> datetime:
    return datetime(day.year, day.month, day.day, 6, tzinfo=UTC)


def test_a_certificate_is_renewed_in_time_and_missed_while_goods_are_on_sale(small: Door) -> None:
    """Valid until 2016-05-31, and some of the 180 jars are still there."""
    assert at(small, instant(date(2016, 4, 1)), "certificate_expires") == []
    [soon] = at(small, instant(date(2016, 5, 1)), "certificate_expires")
    assert (soon.place, soon.subjects) == ("workshop/tosor-jam", ["apricot-jam-300"])
    assert at(small, instant(date(2016, 5, 31)), "certificate_expired") == []
    [over] = at(small, instant(date(2016, 6, 1)), "certificate_expired")
    assert (over.place, over.count) == ("workshop/tosor-jam", 1)
    assert at(small, instant(date(2016, 6, 1)), "certificate_expires") == []


def test_goods_are_sold_before_their_day_and_written_off_after_it(small: Door) -> None:
    """Best before 2016-01-31."""
    assert at(small, instant(date(2016, 1, 16)), "best_before_near") == []
    near = at(small, instant(date(2016, 1, 17)), "best_before_near")
    assert {each.place for each in near} == {"outlet/karakol", "workshop/tosor-jam"}
    assert at(small, instant(date(2016, 1, 31)), "best_before_passed") == []
    passed = at(small, instant(date(2016, 2, 1)), "best_before_passed")
    assert {tuple(each.subjects) for each in passed} == {(BATCH,)}


def test_a_month_is_closed_some_days_after_its_end(small: Door) -> None:
    assert at(small, instant(date(2014, 10, 10)), "period_open") == []
    [month] = at(small, instant(date(2014, 10, 12)), "period_open")
    assert (month.place, month.subjects) == ("KG-Y", ["2014-09"])


def test_a_judgement_of_an_event_is_shown_for_a_month(small: Door) -> None:
    """The receipt of 30 December was recorded on 4 January."""
    recorded = datetime(2015, 1, 4, 3, tzinfo=UTC)
    assert [each.subjects for each in at(small, recorded + timedelta(days=29), "late")] == [["sale/sale-late"]]
    assert at(small, recorded + timedelta(days=31), "late") == []


def test_a_consignment_is_asked_about_after_two_weeks(door: Door) -> None:
    door.tell(report(make.stock_shipped(lines=(make.stock_line(units=60),)), occurred_at=NOW))
    door.fold()
    sent = datetime.fromisoformat(NOW)
    assert at(door, sent + timedelta(days=13), "shipment_overdue") == []
    [late] = at(door, sent + timedelta(days=15), "shipment_overdue")
    assert (late.place, late.count) == ("outlet/karakol", 1)


def test_every_judgement_that_a_fold_raises_has_somebody_who_deals_with_it() -> None:
    texts = [path.read_text() for path in (ROOT / "projections").glob("*.py")]
    raised = {name for text in texts for name in re.findall(r"\.flag\(\"(\w+)\"", text)}
    raised |= {name for text in texts for name in re.findall(r"flags\.append\(\(\"(\w+)\"", text)}
    raised |= set(re.findall(r"SELECT '(\w+)'", STATE_FLAGS))
    assert len(raised) > 20
    assert raised - ROLE_OF.keys() == set()


@pytest.mark.parametrize("kind", ROLE_OF)
def test_every_kind_of_task_says_what_to_do(kind: str) -> None:
    assert what_to_do(LANGUAGES["en"], kind) != what_to_do(LANGUAGES["en"], "something_new")
