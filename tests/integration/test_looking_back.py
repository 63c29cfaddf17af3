"""Looking back by HTTP: a lot on the spot, the whole network as a job that somebody else does."""

import os
import signal
import subprocess
import sys
import threading
from collections.abc import Iterator
from concurrent.futures import ThreadPoolExecutor
from contextlib import contextmanager
from pathlib import Path
from typing import Any

import psycopg
import pytest
from httpx import Response

from projections.scratch import _LOCK_CLASS, SCRATCH_POSITIONS_MAX
from services import lookback
from services.books import LOOKING_BACK_MAX
from services.past import WAITING_MAX
from tests import make
from tests.door import Door, opened, report
from tests.integration.test_api import enrolled, found
from tests.integration.test_limits import locked
from tests.servers import LogDatabase, wait_for


@pytest.fixture
def door(log_database: LogDatabase, tmp_path: Path) -> Iterator[Door]:
    with opened(log_database, tmp_path) as opened_door:
        yield opened_door


def sold_twice(door: Door) -> int:
    """A network and two receipts in the log and the read models; the position between the two."""
    found(door)
    [answer] = door.tell(report(make.sale_made()))
    door.tell(report(make.sale_made(sale="s-2")))
    door.fold()
    return int(answer["position"])


def work(door: Door) -> int | None:
    """What the process that looks back does when it is rung."""
    with psycopg.connect(door.database.projector, autocommit=True) as connection:
        return lookback.build_next(connection, door.database.projector, door.log)


@contextmanager
def held(door: Door, position: int) -> Iterator[None]:
    """Whoever builds this position waits."""
    with psycopg.connect(door.database.projector, autocommit=True) as connection:
        connection.execute("SELECT pg_advisory_lock(%s, %s)", [_LOCK_CLASS, position])
        yield


def job(door: Door, position: int) -> dict[str, Any]:
    told: dict[str, Any] = door.get(f"/api/v1/as-of/{position}").json()
    return told


def sums(response: Response) -> int:
    return sum(year["gross_tyiyn"] for year in response.json()["income"])


def test_the_whole_network_of_an_earlier_day_is_a_job_and_then_an_answer(door: Door) -> None:
    before = sold_twice(door)

    first = door.get("/api/v1/income", as_of=before)
    again = door.get("/api/v1/inventory", as_of=before)

    assert [response.status_code for response in (first, again)] == [202, 202]
    assert first.headers["location"] == again.headers["location"] == f"/api/v1/as-of/{before}"
    assert first.json() == {
        "job": f"/api/v1/as-of/{before}",
        "position": before,
        "state": "waiting",
        "reached": 0,
        "error": None,
    }
    assert work(door) == before
    assert work(door) is None, "asked twice it is one job"
    assert job(door, before) | {"job": ""} == {
        "job": "",
        "position": before,
        "state": "ready",
        "reached": before,
        "error": None,
    }
    then, now = door.get("/api/v1/income", as_of=before), door.get("/api/v1/income", as_of=10**9)
    assert [response.json()["position"] for response in (then, now)] == [before, before + 1]
    assert [sums(response) for response in (then, now)] == [36_000, 72_000]
    moment = door.get("/api/v1/events", position=before).json()["events"][0]["recorded_at"]
    assert door.get("/api/v1/income", as_of=moment).json() == then.json()
    assert door.get("/api/v1/income").json() == now.json(), "a connection kept looking at the past"
    wrong = door.get("/api/v1/income", as_of="yesterday")
    assert (wrong.status_code, wrong.json()["code"]) == (422, "malformed")


def test_a_job_tells_how_far_it_is_and_a_builder_that_dies_is_followed_by_another(door: Door) -> None:
    before = sold_twice(door)
    door.get("/api/v1/income", as_of=before)
    environment = {key: value for key, value in os.environ.items() if not key.startswith("OVOP_")}
    environment["OVOP_PROJECTOR_DATABASE_URL"] = door.database.projector
    command = [sys.executable, "-m", "services.cli", "run", "lookback"]
    with held(door, before):
        with subprocess.Popen(command, env=environment, stderr=subprocess.DEVNULL) as builder:
            wait_for(lambda: job(door, before)["state"] == "building", "the builder")
            builder.send_signal(signal.SIGKILL)
        assert job(door, before)["state"] == "building"
        second = subprocess.Popen(command, env=environment, stderr=subprocess.DEVNULL)
        wait_for(lambda: tries(door, before) == 2, "another builder")
        assert work(door) is None, "one builder at a time"
    wait_for(lambda: job(door, before)["state"] == "ready", "the books")
    second.terminate()
    assert second.wait(20) == 0


def test_a_position_whose_builder_ends_again_and_again_is_given_up_and_may_be_asked_for_anew(door: Door) -> None:
    before = sold_twice(door)
    door.get("/api/v1/income", as_of=before)
    with psycopg.connect(door.database.projector) as connection:
        connection.execute("UPDATE projection.asked SET tries = %s", [lookback.TRIES_MAX])

    assert work(door) == before
    assert job(door, before)["state"] == "failed"
    assert "before it was done" in job(door, before)["error"]
    assert work(door) is None

    assert door.get("/api/v1/income", as_of=before).json()["state"] == "waiting"
    assert work(door) == before
    assert sums(door.get("/api/v1/income", as_of=before)) == 36_000


def test_a_builder_that_is_asked_to_end_leaves_the_job_to_its_successor(door: Door) -> None:
    before = sold_twice(door)
    door.get("/api/v1/income", as_of=before)
    stop = threading.Event()
    stop.set()
    with psycopg.connect(door.database.projector, autocommit=True) as connection:
        lookback.build_next(connection, door.database.projector, door.log, stop)
    assert (job(door, before)["state"], tries(door, before)) == ("building", 0)
    assert work(door) == before


def test_three_positions_are_kept_and_the_one_that_nobody_looked_at_makes_room(door: Door) -> None:
    before = sold_twice(door)
    kept = [before, before - 1, before - 2]
    for position in kept:
        door.get("/api/v1/income", as_of=position)
        work(door)
    assert len(kept) == SCRATCH_POSITIONS_MAX
    with psycopg.connect(door.database.projector) as connection:
        connection.execute("UPDATE projection.scratch SET last_used = last_used - interval '1 hour'")
    door.get("/api/v1/income", as_of=before)
    door.get("/api/v1/income", as_of=before - 3)
    work(door)
    states = [door.get(f"/api/v1/as-of/{position}").status_code for position in (*kept, before - 3)]
    assert states == [200, 404, 200, 200]
    assert door.get(f"/api/v1/as-of/{before - 1}").json()["code"] == "past_not_asked_for"


def test_so_many_may_wait_and_no_more(door: Door) -> None:
    before = sold_twice(door)
    assert before > WAITING_MAX // 4
    with psycopg.connect(door.database.writer) as connection:
        for position in range(1_000, 1_000 + WAITING_MAX):
            connection.execute("SELECT projection.ask(%s, 'x', %s)", [position, WAITING_MAX])
    refused = door.get("/api/v1/income", as_of=before)
    assert (refused.status_code, refused.json()["code"]) == (503, "too_many_look_back")


def test_one_lot_of_an_earlier_day_is_answered_on_the_spot_even_to_a_till(door: Door) -> None:
    key = enrolled(door)
    for event in (make.lot_collected(), make.batch_produced()):
        door.tell(report(event))
    [packed] = door.tell(report(make.batch_packed()))
    door.tell(report(make.stock_shipped()))
    door.fold()
    then, code = packed["position"] - 1, make.batch_packed().code
    headers = {"Authorization": f"Bearer {key}"}

    def ask(path: str, as_of: int) -> Response:
        return door.client.get(f"/api/v1/lots/{path}", params={"as_of": as_of}, headers=headers)

    lot = ask(make.batch_packed().lot, then)
    assert lot.status_code == 200, lot.text
    assert (lot.json()["position"], lot.json()["batch"]) == (then, None)
    assert ask(code, then).status_code == 404, "nobody had packed it"
    assert ask(code, then + 1).json()["batch"]["code"] == code
    assert ask(f"{code}/trace", then + 1).json()["trace"]["villages"] == [
        {**village} for village in door.get(f"/api/v1/lots/{code}/trace").json()["trace"]["villages"]
    ]
    assert ask(f"{make.batch_packed().lot}/forward", then + 1).json()["forward"]["batches"] == [make.batch_packed().lot]
    assert ask(f"{make.batch_packed().lot}/forward", then).json()["forward"]["batches"] == []
    assert ask(f"{make.lot_collected().lot}/forward", then).status_code == 403, "the fruit never was the shop's"
    whole = door.client.get("/api/v1/inventory", params={"as_of": then, "place": "outlet/karakol"}, headers=headers)
    assert (whole.status_code, whole.json()["code"]) == (403, "staff_only")


def test_who_looks_back_while_as_many_as_may_do_so_is_told_to_ask_again(door: Door) -> None:
    found(door)
    for event in (make.lot_collected(), make.batch_produced(), make.batch_packed(), make.stock_shipped()):
        [answer] = door.tell(report(event))
    door.fold()
    asked = {"as_of": answer["position"] - 1}
    with ThreadPoolExecutor(LOOKING_BACK_MAX) as others:
        with locked(door, "trace_recalls"):
            held_up = [others.submit(door.get, "/api/v1/lots/batch-jam-1", **asked) for _ in range(LOOKING_BACK_MAX)]
            wait_for(lambda: waiting(door) == LOOKING_BACK_MAX, "those who look back")
            response = door.get("/api/v1/lots/batch-jam-1", **asked)
        assert [each.result().status_code for each in held_up] == [200] * LOOKING_BACK_MAX
    assert (response.status_code, response.json()["code"]) == (503, "busy_with_the_past")
    assert response.json()["field"] == "as_of"
    assert door.get("/api/v1/lots/batch-jam-1", **asked).status_code == 200


def waiting(door: Door) -> int:
    """How many sessions of this database wait for a lock."""
    with psycopg.connect(door.database.admin) as connection:
        query = "SELECT count(*) FROM pg_stat_activity WHERE wait_event_type = 'Lock' AND datname = current_database()"
        [(count,)] = connection.execute(query).fetchall()
        return int(count)


def test_a_lot_with_too_much_behind_it_is_left_to_the_job(door: Door, monkeypatch: pytest.MonkeyPatch) -> None:
    from projections import past_of_lot

    monkeypatch.setattr(past_of_lot, "EVENTS_MAX", 1)
    key = enrolled(door)
    for event in (make.lot_collected(), make.batch_produced(), make.batch_packed(), make.stock_shipped()):
        door.tell(report(event))
    door.fold()
    then, path = door.log.head().position - 1, f"/api/v1/lots/{make.batch_produced().lot}"
    by_till = door.client.get(path, params={"as_of": then}, headers={"Authorization": f"Bearer {key}"})
    assert (by_till.status_code, by_till.json()["code"]) == (403, "staff_only")
    assert door.get(path, as_of=then).status_code == 202
    work(door)
    assert door.get(path, as_of=then).json()["position"] == then


def tries(door: Door, position: int) -> int | None:
    with psycopg.connect(door.database.projector) as connection:
        row = connection.execute("SELECT tries FROM projection.asked WHERE position = %s", [position]).fetchone()
        return row[0] if row else None
