"""Every limit has a name: what goes beyond it is refused by it, and the sender is told what to do."""

import socket
import threading
from collections.abc import Iterator
from contextlib import contextmanager, suppress
from pathlib import Path
from typing import Any

import httpx
import psycopg
import pytest

from services.access.secrets import new_key
from services.access.sender import Sender
from services.settings import Settings
from tests import make
from tests.door import Door, accepted, opened, report
from tests.integration.test_api import found
from tests.servers import LogDatabase


@pytest.fixture
def limited(log_database: LogDatabase, tmp_path: Path) -> Any:
    """Opens the door with the limits that a test sets."""

    @contextmanager
    def opening(**limits: Any) -> Iterator[Door]:
        with opened(log_database, tmp_path, **limits) as door:
            yield door

    return opening


def problem(response: httpx.Response) -> tuple[int, str]:
    told = response.json()
    assert told["what_to_do"].endswith(".")
    return response.status_code, told["code"]


def integrator(door: Door, actor: str = "integrator/office") -> str:
    key = new_key()
    sender = Sender(actor, "integrator", scopes=frozenset({"report", "read"}))
    door.front.credentials.store.add_key(key, sender)
    return key.text


def get(door: Door, path: str, key: str | None = None, **params: Any) -> httpx.Response:
    headers = {} if key is None else {"Authorization": f"Bearer {key}"}
    return httpx.get(f"{door.url}{path}", headers=headers, params=params, timeout=30)


def test_a_body_may_be_so_long(limited: Any) -> None:
    with limited(body_bytes_max=2_000) as door:
        assert door.post("/api/v1/events", b"[" + b" " * 1_998 + b"]").status_code == 200
        assert problem(door.post("/api/v1/events", b"[" + b" " * 1_999 + b"]")) == (413, "too_large")
        assert problem(door.post("/api/v1/network/join-region", b"[" + b" " * 1_999 + b"]")) == (413, "too_large")
        assert problem(door.post("/api/v1/session", b"[" + b" " * 1_999 + b"]")) == (413, "too_large")
        assert door.log.head().position == 0


def test_a_request_s_headers_may_be_so_long(limited: Any) -> None:
    with limited(header_bytes_max=8_000) as door:
        assert door.get("/api/v1/session").status_code == 200
        assert door.client.get("/api/v1/session", headers={"X-A": "x" * 7_000}).status_code == 200
        refused = door.client.get("/api/v1/session", headers={"X-A": "x" * 8_000})
        assert problem(refused) == (431, "headers_too_large")
        assert refused.headers["content-type"] == "application/problem+json"
        assert problem(door.get("/" + "x" * 8_000)) == (431, "headers_too_large")
        many = {f"X-{n}": "x" * 100 for n in range(80)}
        assert problem(door.post("/api/v1/events", report(make.sale_made()), **many)) == (431, "headers_too_large")
        assert door.log.head().position == 0


def test_headers_that_never_end_are_not_gathered(limited: Any) -> None:
    with limited() as door, socket.create_connection((door.client.base_url.host, door.client.base_url.port)) as sender:
        sender.settimeout(30)
        sender.sendall(b"GET /healthz HTTP/1.1\r\nHost: x\r\nX-A: ")
        sent = 0
        with suppress(ConnectionError):  # a server that stops reading and hangs is no refusal: TimeoutError
            while sent < 64_000_000:
                sender.sendall(b"x" * 10_000)
                sent += 10_000
        assert sent < 64_000_000  # the rest went nowhere: it was hung up


def test_a_request_may_hold_so_many_items(limited: Any) -> None:
    with limited(items_max=3) as door:
        items = [report(make.sale_made(sale=f"s-{n}")) for n in range(4)]
        assert problem(door.post("/api/v1/events", items)) == (413, "too_many_items")
        assert problem(door.post("/api/v1/network/join-region", items)) == (413, "too_many_items")
        assert door.log.head().position == 0
        assert door.post("/api/v1/events", items[:3]).status_code == 200


def test_a_copy_of_the_log_may_hold_so_many_events_and_a_longer_log_is_taken_in_stretches(limited: Any) -> None:
    with limited(export_events_max=3) as door:
        door.tell(*(report(make.sale_made(sale=f"s-{n}")) for n in range(4)))
        refused = door.command("audit/make-export", export="all")
        assert problem(refused) == (409, "too_much_for_one_export")
        assert refused.json()["field"] == "through_position"
        assert problem(door.command("audit/make-export", export="all", through_position=4)) == problem(refused)
        assert door.log.head().position == 4
        accepted(door.command("audit/make-export", export="first", through_position=3))
        accepted(door.command("audit/make-export", export="rest", after_position=3))
        lines = door.get("/api/v1/audit/exports/first/file").text.splitlines()
        assert [line.split("\t")[0] for line in lines[1:]] == ["1", "2", "3"]


@pytest.mark.parametrize("path", ["/api/v1/inventory", "/api/v1/events"])
def test_a_page_may_hold_so_many_rows(limited: Any, path: str) -> None:
    with limited(page_rows_max=50) as door:
        door.fold()
        assert door.get(path, limit=50).status_code == 200
        response = door.get(path, limit=51)
        assert problem(response) == (422, "page_too_large")
        assert response.json()["field"] == "limit"


def test_an_account_may_ask_so_often(limited: Any) -> None:
    with limited(account_requests_per_minute=5) as door:
        one, other = integrator(door), integrator(door, "integrator/other")
        answers = [get(door, "/api/v1/session", one) for _ in range(7)]
        if {answer.status_code for answer in answers} == {200}:  # the minute turned meanwhile
            answers = [get(door, "/api/v1/session", one) for _ in range(7)]
        assert problem(answers[-1]) == (429, "too_many_requests")
        assert 1 <= int(answers[-1].headers["Retry-After"]) <= 60
        assert get(door, "/api/v1/session", other).status_code == 200


def test_a_device_may_report_so_often(limited: Any) -> None:
    with limited(device_requests_per_minute=3) as door:
        found(door)
        key = accepted(door.command("network/enroll-till", till="karakol-1", outlet="karakol"))["key"]
        answers = [
            door.post("/api/v1/events", report(make.sale_made(sale=f"s-{n}", till_counter=n + 1)), key)
            for n in range(8)
        ]
        assert problem(answers[-1]) == (429, "too_many_requests")
        assert answers[0].status_code == 200


def test_an_address_may_ask_without_a_key_so_often(limited: Any) -> None:
    with limited(address_requests_per_minute=4) as door:
        answers = [get(door, "/healthz") for _ in range(10)]
        assert problem(answers[-1]) == (429, "too_many_requests")
        assert problem(get(door, "/")) == (429, "too_many_requests")


def test_trying_keys_is_counted_by_address(limited: Any) -> None:
    with limited(address_requests_per_minute=4) as door:
        answers = [get(door, "/api/v1/session", new_key().text) for _ in range(10)]
        assert problem(answers[0]) == (401, "not_authenticated")
        assert problem(answers[-1]) == (429, "too_many_requests")


def test_the_administrator_is_not_counted(limited: Any) -> None:
    with limited(account_requests_per_minute=2, address_requests_per_minute=2) as door:
        assert {door.get("/api/v1/session").status_code for _ in range(8)} == {200}


def test_counts_are_shared_by_all_processes(log_database: LogDatabase, tmp_path: Path) -> None:
    limits = {"account_requests_per_minute": 30}
    with opened(log_database, tmp_path / "a", **limits) as one, opened(log_database, tmp_path / "b", **limits) as other:
        key = integrator(one)
        for _ in range(30):
            get(one, "/api/v1/session", key)

        def other_knows() -> bool:
            return get(other, "/api/v1/session", key).status_code == 429

        from tests.servers import wait_for

        wait_for(other_knows, "the count of the first process", 10)


def test_a_question_may_take_the_database_so_long(limited: Any) -> None:
    with limited(read_statement_seconds=0.2) as door:
        door.fold()
        with locked(door, "inventory_stock"):
            response = door.get("/api/v1/inventory")
        assert problem(response) == (503, "took_too_long")
        assert response.headers["Retry-After"] == "1"
        assert door.get("/api/v1/inventory").status_code == 200


def test_an_append_may_take_the_database_so_long_and_is_sent_again(limited: Any) -> None:
    with limited(write_statement_seconds=0.3) as door:
        item = report(make.sale_made())
        with psycopg.connect(door.database.admin) as connection:
            connection.execute("SELECT FROM log.head FOR UPDATE")
            response = door.post("/api/v1/events", item)
        assert response.status_code == 503, response.text
        assert problem(response)[1] in ("took_too_long", "unavailable")
        assert door.post("/api/v1/events", item).json()["position"] == 1


@contextmanager
def locked(door: Door, table: str) -> Iterator[None]:
    """A served table that nobody can read meanwhile."""
    with psycopg.connect(door.database.admin) as connection:
        [(schema,)] = connection.execute(
            "SELECT table_schema FROM information_schema.tables WHERE table_name = %s AND table_type = 'BASE TABLE'",
            [table],
        ).fetchall()
        connection.execute(f"LOCK TABLE {schema}.{table} IN ACCESS EXCLUSIVE MODE")
        yield


def test_many_at_once_are_no_way_around(limited: Any) -> None:
    with limited(account_requests_per_minute=10) as door:
        key = integrator(door)
        get(door, "/api/v1/session", key)
        statuses: list[int] = []
        threads = [
            threading.Thread(target=lambda: statuses.append(get(door, "/api/v1/session", key).status_code))
            for _ in range(40)
        ]
        for thread in threads:
            thread.start()
        for thread in threads:
            thread.join()
        assert statuses.count(200) <= 20  # two minutes at most touch this test
        assert 429 in statuses


def test_every_setting_is_in_a_table_of_the_operators_page() -> None:
    page = (Path(__file__).parents[2] / "docs" / "operators.md").read_text()
    told = [row.split("|")[1] for row in page.splitlines() if row.startswith("| `OVOP_")]
    missing = [name for name in Settings.model_fields if not any(f"`OVOP_{name.upper()}`" in names for names in told)]
    assert missing == []
