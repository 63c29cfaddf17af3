"""The commands that look: what they print is what the log says, for people and for programs."""

import json
from collections.abc import Iterator
from typing import Any

import psycopg
import pytest
from typer.testing import CliRunner, Result

from services import checks
from services import settings as settings_module
from services.cli import app
from tests import small_network
from tests.door import opened
from tests.servers import LogDatabase
from tests.small_network import BATCH, CODE, PRICE_TYIYN


class Shell:
    """`ovop` on a terminal without colours, over one database."""

    def __init__(self, database: LogDatabase) -> None:
        self.database = database

    def run(self, *arguments: str) -> Result:
        settings_module.settings.cache_clear()
        environment = {
            "OVOP_DATABASE_URL": self.database.admin,
            "OVOP_READER_DATABASE_URL": self.database.reader,
            "OVOP_PROJECTOR_DATABASE_URL": self.database.projector,
            "OVOP_NATS_URL": "nats://127.0.0.1:1",
            "COLUMNS": "160",
            "NO_COLOR": "1",
        }
        try:
            return CliRunner().invoke(app, list(arguments), env=environment, catch_exceptions=False)
        finally:
            settings_module.settings.cache_clear()

    def json(self, *arguments: str, exit_code: int = 0) -> dict[str, Any]:
        result = self.run(*arguments, "--json")
        assert result.exit_code == exit_code, result.output
        told: dict[str, Any] = json.loads(result.stdout)
        return told


@pytest.fixture(scope="module")
def small(module_log_database: LogDatabase, tmp_path_factory: pytest.TempPathFactory) -> Iterator[Shell]:
    with opened(module_log_database, tmp_path_factory.mktemp("small")) as door:
        small_network.fill(door.front.handler.log)
        door.fold()
        yield Shell(module_log_database)


@pytest.fixture
def own(log_database: LogDatabase, tmp_path_factory: pytest.TempPathFactory) -> Iterator[Shell]:
    with opened(log_database, tmp_path_factory.mktemp("own")) as door:
        small_network.fill(door.front.handler.log)
        door.fold()
        yield Shell(log_database)


def test_status_says_where_the_log_and_the_read_models_are(small: Shell) -> None:
    told = small.json("status")
    assert told["network"] == "kg"
    assert told["clock"] == "simulated"
    assert told["lag_events"] == 0
    assert set(told["read_models"].values()) == {told["position"]}
    assert "up to date" in small.run("status").output


def test_trace_names_the_villages_of_a_jar_with_their_shares(small: Shell) -> None:
    told = small.json("trace", CODE)
    assert told["found"] is True
    assert told["lot"] == BATCH
    assert {share["village"]: share["ppm"] for share in told["villages"]} == {
        "tosor": 500_000,
        "barskoon": 300_000,
        "ozgorush": 150_000,
        "ton": 50_000,
    }
    assert told["verdict"] == "certified"
    assert len(told["proof"]["leaf_hash"]) == 64
    text = small.run("trace", CODE.lower(), "--language", "ky").output
    assert "Өрүк кыямы" in text
    assert "Өзгөрүш" in text
    assert "15.0000 %" in text


def test_trace_knows_lots_too_and_says_when_it_knows_nothing(small: Shell) -> None:
    assert small.json("trace", "lot-pool-1")["product"] == "apricot"
    assert small.json("trace", "no-such-thing", exit_code=1) == {"found": False, "asked": "no-such-thing"}
    unknown = small.run("trace", "no-such-thing")
    assert unknown.exit_code == 1
    assert "no batch is known" in unknown.stderr
    assert "check symbol" not in unknown.stderr
    assert "check symbol" in small.run("trace", "4T7QX9BJ").stderr
    assert "check symbol" not in small.run("trace", "00000000").stderr


def test_replay_shows_the_books_as_they_stood_and_why_they_differ(small: Shell) -> None:
    told = small.json("replay", "--as-of", "2014-12-31")
    years = {year["year"]: year for year in told["years"]}
    assert years[2014]["then_sales_tyiyn"] == (2 + 3) * PRICE_TYIYN
    assert years[2014]["late_sales_tyiyn"] == small_network.SOLD_LATE * PRICE_TYIYN
    assert years[2014]["later_sales_tyiyn"] == 0
    assert years[2014]["now_sales_tyiyn"] == (2 + 3 + 4) * PRICE_TYIYN
    assert years[2015]["then_sales_tyiyn"] == 0
    assert years[2015]["later_sales_tyiyn"] == 2 * PRICE_TYIYN
    assert told["is_explained"] is True
    assert told["late_events"] == {"outlets.sale_made.v1": 1}
    late = [(line["year"], line["kind"], line["sales_tyiyn"]) for line in told["late_lines"]]
    assert late == [(2014, "sale", small_network.SOLD_LATE * PRICE_TYIYN)]
    assert told["then"]["counts"]["receipts"] == 3
    assert told["then"]["stock"]["units_sold"] == 5
    assert told["identities"]
    assert all(identity["holds"] for identity in told["identities"].values())


def test_replay_takes_a_day_an_instant_and_a_position(small: Shell) -> None:
    by_day = small.json("replay", "--as-of", "2014-12-31")["as_of"]["position"]
    assert small.json("replay", "--as-of", "2014-12-31T23:59:59+06:00")["as_of"]["position"] == by_day
    assert small.json("replay", "--as-of", str(by_day))["as_of"]["position"] == by_day
    assert small.json("replay", "--as-of", "2000-01-01")["as_of"]["position"] == 0
    wrong = small.run("replay", "--as-of", "yesterday")
    assert wrong.exit_code == 1
    assert "2014-12-31" in wrong.stderr


def test_replay_of_today_is_today(small: Shell) -> None:
    told = small.json("replay", "--as-of", "2030-01-01")
    assert told["then"] == told["now"]
    assert told["late_events"] == {}
    text = small.run("replay", "--as-of", "2014-12-31").output
    assert "came late" in text
    assert "720.00" in text


def test_verify_finds_nothing_in_a_sound_log(small: Shell) -> None:
    told = small.json("verify")
    assert told["ok"] is True
    assert told["events"] == told["position"] > 30
    assert "without a gap" in small.run("verify").output


@pytest.mark.parametrize(
    ("tampering", "said"),
    [
        ("UPDATE log.events SET leaf = convert_to(replace(convert_from(leaf, 'UTF8'), ':18000', ':18001'), 'UTF8')"
         " WHERE type = 'outlets.sale_made.v1' AND stream = 'shift/shift-1' AND version = 1", "changed: the leaf"),
        ("UPDATE log.events SET actor = 'user/mallory' WHERE position = 5", "differ in actor"),
        ("UPDATE log.events SET occurred_at = occurred_at + interval '1 day' WHERE position = 9", "occurred_at"),
        ("DELETE FROM log.events WHERE position = 7", "missing: position 6 is followed by 8"),
        ("DELETE FROM log.events WHERE position IN (SELECT position FROM log.events WHERE stream = 'shift/shift-1'"
         " ORDER BY version LIMIT 1)", "stream broken"),
    ],
)  # fmt: skip
def test_verify_names_the_place_that_somebody_with_all_rights_changed(own: Shell, tampering: str, said: str) -> None:
    with psycopg.connect(own.database.admin, autocommit=True) as connection:
        connection.execute("ALTER TABLE log.events DISABLE TRIGGER USER")
        assert connection.execute(tampering.encode()).rowcount == 1
    told = own.json("verify", exit_code=1)
    assert told["ok"] is False
    assert any(said in fault["problem"] for fault in told["faults"]), told["faults"]
    assert own.run("verify").exit_code == 1


def test_rebuild_makes_everything_anew_and_finds_it_the_same(own: Shell) -> None:
    told = own.json("rebuild")
    assert {one["model"] for one in told["rebuilt"]} == {"inventory", "traceability", "income"}
    assert all(one["was_compared"] and not one["differs_in"] for one in told["rebuilt"])
    assert own.json("trace", CODE)["found"] is True
    assert own.json("rebuild", "income", "--back")["served"] == {"income": "income_1"}
    assert "same" in own.run("rebuild", "inventory").output
    unknown = own.run("rebuild", "weather")
    assert unknown.exit_code == 1
    assert "no read model is called weather" in unknown.stderr


def test_doctor_names_what_is_wrong_and_what_helps(small: Shell) -> None:
    told = small.json("doctor", exit_code=1)
    found = {check["name"]: check for check in told["checks"]}
    assert found["database"]["is_well"]
    assert found["log"]["is_well"]
    assert found["read models"]["is_well"]
    assert not found["broker"]["is_well"]
    assert found["broker"]["advice"]


def test_doctor_tells_of_read_models_that_are_far_behind(small: Shell, monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setattr(checks, "LAG_EVENTS_UNREMARKABLE", -1)
    found = {check["name"]: check for check in small.json("doctor", exit_code=1)["checks"]}
    assert not found["read models"]["is_well"]
    assert found["read models"]["advice"]


def test_without_a_database_a_command_says_so_in_a_sentence(monkeypatch: pytest.MonkeyPatch, tmp_path: Any) -> None:
    monkeypatch.chdir(tmp_path)
    for name in ("OVOP_DATABASE_URL", "OVOP_READER_DATABASE_URL"):
        monkeypatch.delenv(name, raising=False)
    for command in (["status"], ["verify"], ["trace", CODE]):
        settings_module.settings.cache_clear()
        result = CliRunner().invoke(app, command)
        assert result.exit_code == 1
        assert "ovop up" in result.stderr
        assert "Traceback" not in result.stderr
    settings_module.settings.cache_clear()
