"""Who has an office for a region lists what is in it, page by page, and nothing of another region."""

from collections.abc import Iterator
from typing import Any

import httpx
import pytest

from tests import make, small_network
from tests.door import Door, accepted, opened
from tests.servers import LogDatabase

#: In it the small network sold most.
CLOSED = {"region": "KG-Y", "month": "2014-09", "occurred_at": "2015-03-01T12:00:00+06:00"}


@pytest.fixture(scope="module")
def door(module_log_database: LogDatabase, tmp_path_factory: pytest.TempPathFactory) -> Iterator[Door]:
    """The small network of KG-Y, and a village with a workshop and a producer in KG-N."""
    with opened(module_log_database, tmp_path_factory.mktemp("regions"), believed_seconds=0) as opened_door:
        small_network.fill(opened_door.front.handler.log)
        opened_door.fold()
        for path, event in (
            ("network/join-region", make.region_joined(region="KG-N")),
            ("network/register-village", make.village_registered(village="at-bashy", region="KG-N")),
            ("network/register-producer", make.producer_registered(producer="p-naryn", village="at-bashy")),
            ("network/open-workshop", make.workshop_opened(workshop="naryn-felt", village="at-bashy")),
        ):
            accepted(opened_door.ask(path, event))
        opened_door.fold()
        accepted(opened_door.command("settlement/close-period", **CLOSED))
        opened_door.fold()
        yield opened_door


def listed(door: Door, region: str, what: str, **params: Any) -> list[dict[str, Any]]:
    told = door.get(f"/api/v1/regions/{region}/{what}", **params)
    assert told.status_code == 200, told.text
    found: list[dict[str, Any]] = told.json()[what]
    return found


@pytest.mark.parametrize(
    ("what", "field", "theirs"),
    [
        ("villages", "village", ["at-bashy"]),
        ("producers", "producer", ["p-naryn"]),
        ("workshops", "workshop", ["naryn-felt"]),
        ("outlets", "outlet", []),
        ("stock", "place", []),
        ("consignments", "consignment", []),
        ("statements", "producer", []),
        ("certificates", "certificate", []),
        ("disputes", "dispute", []),
    ],
)
def test_a_region_holds_its_own_and_none_of_anothers(door: Door, what: str, field: str, theirs: list[str]) -> None:
    assert [row[field] for row in listed(door, "KG-N", what)] == theirs
    ours = [row[field] for row in listed(door, "KG-Y", what)]
    assert not set(ours) & {"at-bashy", "p-naryn", "naryn-felt"}
    assert ours or what == "disputes"


def test_what_is_told_is_what_the_network_knows(door: Door) -> None:
    tosor = next(row for row in listed(door, "KG-Y", "villages") if row["village"] == "tosor")
    assert tosor["producers"] == len([row for row in listed(door, "KG-Y", "producers") if row["village"] == "tosor"])
    [karakol] = [row for row in listed(door, "KG-Y", "outlets") if row["outlet"] == "karakol"]
    assert set(karakol) == {"outlet", "village", "ky", "ru", "en"}
    consignment = listed(door, "KG-Y", "consignments")[0]
    assert consignment["shipped"] == consignment["received"] + consignment["in_transit"] + consignment["lost"]
    assert {row["place"] for row in listed(door, "KG-Y", "stock")} >= {"outlet/karakol"}


def test_a_statement_of_a_closed_month_is_what_each_producer_earned(door: Door) -> None:
    [period] = door.get("/api/v1/income", by="period").json()["income"]
    stated = listed(door, "KG-Y", "statements")

    assert [(row["month"], row["producer"]) for row in stated] == [
        ("2014-09", f"p-{village}") for village in ("barskoon", "ozgorush", "ton", "tosor")
    ]
    assert sum(row["earned_tyiyn"] for row in stated) == period["earned_tyiyn"] > 0
    assert {row["closed_position"] for row in stated} == {period["closed_position"]}


def test_a_long_list_is_read_page_by_page(door: Door) -> None:
    whole = listed(door, "KG-Y", "producers")
    found, behind = [], ""
    while behind is not None:
        told = door.get("/api/v1/regions/KG-Y/producers", limit=2, behind=behind).json()
        found += told["producers"]
        behind = told["next"]
    assert found == whole
    assert len(whole) > 2
    assert door.get("/api/v1/regions/KG-Y/producers", limit=len(whole)).json()["next"] is None


def test_a_region_that_is_none_and_a_list_that_is_none_are_refused(door: Door) -> None:
    assert door.get("/api/v1/regions/naryn/producers").status_code == 422
    assert door.get("/api/v1/regions/KG-Y/secrets").status_code == 422


def test_a_clerk_of_a_region_sees_its_open_months_and_its_lists_and_no_others(door: Door) -> None:
    store = door.front.credentials.store
    store.add_person("user/clerk", "clerk")
    accepted(door.command("network/grant-role", to="user/clerk", role="settlement_clerk", region="KG-Y"))
    headers = {"Authorization": f"Bearer {store.begin_session('user/clerk', 1)}"}

    def ask(path: str) -> httpx.Response:
        return httpx.get(f"{door.url}/api/v1/{path}", headers=headers)

    tasks = ask("todo").json()["tasks"]
    assert ("period_open", "KG-Y") in {(task["kind"], task["place"]) for task in tasks}
    assert ask("regions/KG-Y/producers").status_code == 200
    assert ask("regions/KG-N/producers").json()["code"] == "not_yours"
