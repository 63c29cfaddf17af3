"""The tutorial of docs/naryn.py, run: a region is set up by the API alone, from nothing or beside another region."""

import importlib.util
import subprocess
import sys
from collections.abc import Iterator
from pathlib import Path
from typing import Any

import pytest

from events.catalogue.base import Event
from services.web.codes import is_well_formed
from tests import make
from tests.door import Door, following, opened
from tests.servers import LogDatabase

SCRIPT = Path(__file__).parents[2] / "docs" / "naryn.py"


@pytest.fixture
def door(log_database: LogDatabase, tmp_path: Path) -> Iterator[Door]:
    with opened(log_database, tmp_path) as opened_door:
        yield opened_door


@pytest.fixture(scope="module")
def naryn() -> Any:
    specification = importlib.util.spec_from_file_location("naryn", SCRIPT)
    assert specification is not None
    assert specification.loader is not None
    module = importlib.util.module_from_spec(specification)
    specification.loader.exec_module(module)
    return module


def told(door: Door, naryn: Any) -> tuple[dict[str, int], list[Event]]:
    key = door.admin_key
    before = door.log.head().position
    with following(door):
        paid = naryn.main(door.url, key)
    return paid, [recorded.event for recorded in door.log.read(before, 999)]


def test_a_network_of_naryn_is_set_up_from_nothing_up_to_its_first_payout(
    door: Door, naryn: Any, capsys: pytest.CaptureFixture[str]
) -> None:
    paid, events = told(door, naryn)

    makers_tyiyn = 10 * naryn.PRICE_TYIYN * 6_600 // 10_000
    brought = {producer: mass_g for producer, (_, mass_g) in naryn.PRODUCERS.items()}
    assert sum(paid.values()) == makers_tyiyn
    assert all(abs(paid[each] - makers_tyiyn * brought[each] // 70_000) <= 1 for each in brought)
    said = capsys.readouterr().out
    assert "1 jar of naryn-c-1 is missing" in said
    assert "birlik 64.29 %, at-bashy 35.71 %" in said
    assert "n-0001 of birlik: earned" in said
    modules = {event.wire_name.partition(".")[0] for event in events}
    assert modules == {"network", "production", "committee", "logistics", "outlets", "settlement"}
    held = {each["place"]: each["on_hand"] for each in door.get("/api/v1/inventory", batch=naryn.BATCH).json()["stock"]}
    assert held == {f"outlet/{naryn.SHOP}": 29, f"workshop/{naryn.WORKSHOP}": 160}
    assert door.get("/api/v1/inventory", by="transit").json()["in_transit"] == []
    stands = door.get("/api/v1/committee/certificates", region="KG-N").json()["certificates"]
    assert [each["standing"] for each in stands] == ["certified"]


def test_the_tutorial_runs_as_it_says_with_nothing_but_python(door: Door, naryn: Any) -> None:
    with following(door):
        ran = subprocess.run(
            [sys.executable, "-I", "-S", SCRIPT, door.url, door.front.settings.admin_key_file],
            capture_output=True,
            text=True,
            timeout=120,
            check=False,
        )

    assert (ran.returncode, ran.stderr) == (0, "")
    assert "1 jar of naryn-c-1 is missing" in ran.stdout
    assert [line.partition(":")[0] for line in ran.stdout.splitlines() if ": earned" in line] == [
        f"{producer} of {village}" for producer, (village, _) in naryn.PRODUCERS.items()
    ]


def test_naryn_joins_a_network_in_which_another_region_is_at_work(door: Door, naryn: Any) -> None:
    """Neither the other region's month nor its makers are touched, and each committee is its own."""
    for path, event in (
        ("network/found-network", make.network_founded()),
        ("settlement/agree-terms", make.share_terms_agreed(makers_bp=7_000, workshop_bp=500)),
        ("network/join-region", make.region_joined()),
        ("network/register-village", make.village_registered()),
        ("network/register-producer", make.producer_registered()),
    ):
        assert door.ask(path, event).status_code == 200
    door.command("network/grant-role", to="user/member-1", role="committee_member", region="KG-Y")

    paid, _ = told(door, naryn)

    assert sum(paid.values()) == 10 * naryn.PRICE_TYIYN * 7_000 // 10_000
    periods = door.get("/api/v1/income", by="period").json()["income"]
    assert {period["region"] for period in periods} == {"KG-N"}
    about = {"maker": f"workshop/{naryn.WORKSHOP}", "product": naryn.HONEY, "submission": "again"}
    assert door.command("committee/submit-product", **about, region="KG-N").status_code == 200
    score = door.command(
        "committee/score-assessment", **about, member="user/member-1", scores=make.scores().model_dump()
    )
    assert score.json()["code"] == "not_on_the_committee"


def test_the_tutorial_speaks_of_things_that_can_be(naryn: Any) -> None:
    text = SCRIPT.read_text()
    code = text.partition('code="')[2].partition('"')[0]
    assert is_well_formed(code)
    assert "/home/" not in text
    assert sum(mass_g for _, mass_g in naryn.PRODUCERS.values()) == naryn.JARS * naryn.JAR_G
