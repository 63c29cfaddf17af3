"""The client in Python writes: once, whatever happens on the way."""

import json
from collections.abc import Iterator
from datetime import UTC, datetime
from pathlib import Path

import httpx
import pytest

from services.client import (
    Asking,
    Client,
    NoAnswer,
    Refused,
    Report,
    uuid7,
)
from tests import make
from tests.clients import Unsteady, using
from tests.door import Door, opened
from tests.integration.test_api import found
from tests.servers import LogDatabase


@pytest.fixture
def door(log_database: LogDatabase, tmp_path: Path) -> Iterator[Door]:
    with opened(log_database, tmp_path) as opened_door:
        yield opened_door


def test_a_network_is_founded_and_a_sale_is_reported_and_read(door: Door) -> None:
    async def work(client: Client) -> None:
        founded = await client.ask("network/found-network", make.network_founded())
        assert (founded.status, founded.position) == ("accepted", 1)
        receipt = founded.receipt
        assert receipt is not None
        assert receipt.recorded_at <= datetime.now(UTC)
        answer = await client.tell(make.sale_made())
        assert answer.is_taken
        door.fold()
        network = await client.network(after=answer.position or 0)
        assert (network.network, network.position, client.position) == ("kg", 2, 2)

    using(door, work)


def test_what_was_cut_off_is_sent_again_with_the_same_bytes_and_counts_once(door: Door) -> None:
    line = Unsteady("before", "after", httpx.Response(503, headers={"Retry-After": "0"}), httpx.Response(502))

    async def work(client: Client) -> None:
        answer = await client.tell(make.sale_made())
        assert answer.status == "duplicate", "the answer to the first that came through was lost"
        assert answer.position == 1

    using(door, work, line)
    assert len(line.bodies) == 5
    assert len(set(line.bodies)) == 1
    assert door.log.head().position == 1


def test_who_asks_to_wait_is_waited_for(door: Door) -> None:
    line = Unsteady(httpx.Response(429, headers={"Retry-After": "1"}))
    begun = datetime.now(UTC)
    using(door, _told, line)
    assert (datetime.now(UTC) - begun).total_seconds() >= 1


async def _told(client: Client) -> None:
    await client.tell(make.sale_made())


def test_patience_has_an_end_and_says_what_was_heard_last(door: Door) -> None:
    line = Unsteady(*[httpx.Response(503, headers={"Retry-After": "2"})] * 9)
    with pytest.raises(NoAnswer, match="send the same again later") as stopped:
        using(door, _told, line)
    assert stopped.value.problem is not None
    assert stopped.value.problem.code == "http_503"
    assert len(line.bodies) == 2, "a third time would be too late"


def test_what_must_not_be_done_twice_is_not_sent_twice(door: Door) -> None:
    line = Unsteady("after")

    async def work(client: Client) -> None:
        with pytest.raises(NoAnswer):
            await client.sign_in("aigul", "whatever")

    using(door, work, line)
    assert len(line.bodies) == 1


@pytest.mark.parametrize("status", [429, 500, 501, 502, 503, 504, 507, 520, 599])
def test_whatever_the_server_could_not_do_now_is_sent_again_and_once_only_where_nothing_was_done(
    door: Door, status: int
) -> None:
    line = Unsteady(httpx.Response(status))
    using(door, _told, line)
    assert len(line.bodies) == 2

    async def once(client: Client) -> None:
        with pytest.raises((Refused, NoAnswer)):
            await client.sign_in("aigul", "whatever")

    line = Unsteady(httpx.Response(status))
    using(door, once, line)
    assert len(line.bodies) == (2 if status in (429, 503) else 1)


def test_a_refusal_has_a_code_a_field_and_advice(door: Door) -> None:
    found(door)

    async def work(client: Client) -> None:
        with pytest.raises(Refused, match="malformed") as malformed:
            await client.ask("network/join-region", {"region": "nowhere"})
        problem = malformed.value.problem
        assert (problem.status, problem.field) == (422, "region")
        assert ("names", "missing_field") in {(each.field, each.code) for each in problem.problems}
        with pytest.raises(Refused) as unknown:
            await client.ask("network/register-village", make.village_registered(village="v-9", region="KG-J"))
        assert unknown.value.problem.code == "unknown_reference"
        assert unknown.value.problem.what_to_do
        assert unknown.value.problem.answer is not None
        assert unknown.value.problem.answer.status == "refused"
        with pytest.raises(Refused, match="no_such_lot"):
            await client.lot("nothing-like-it")
        with pytest.raises(Refused, match="not_found"):
            await client.get("nothing/like/it")

    using(door, work)


def test_any_number_of_reports_go_in_lists_and_each_has_its_answer(door: Door) -> None:
    line = Unsteady()
    reports = [Report.of(make.sale_made(sale=f"sale-{n}")) for n in range(1_203)]
    reports[700] = reports[3]
    other = json.loads(reports[5].body) | {"data": json.loads(reports[6].body)["data"]}
    reports[900] = Report(json.dumps(other).encode())

    async def work(client: Client) -> None:
        answers = await client.report(reports, advise=False)
        assert [answer.id for answer in answers] == [report.id for report in reports]
        statuses = [answer.status for answer in answers]
        assert (statuses[700], answers[700].position) == ("duplicate", answers[3].position)
        assert statuses[900] == "conflict"
        assert statuses.count("accepted") == 1_201

    using(door, work, line)
    assert [len(json.loads(body)) for body in line.bodies] == [500, 500, 203]


def test_a_list_of_askings_tells_the_refused_from_the_taken(door: Door) -> None:
    found(door)
    command = "network/register-village"
    askings = [
        Asking.of(command, make.village_registered(village="bokonbaev")),
        Asking.of(command, make.village_registered(village="elsewhere", region="KG-J")),
    ]

    async def work(client: Client) -> None:
        answers = await client.ask_all(command, askings)
        assert [(answer.status, answer.problem) for answer in answers] == [
            ("accepted", None),
            ("refused", "unknown_reference"),
        ]
        with pytest.raises(ValueError, match="join-region"):
            await client.ask_all("network/join-region", askings)

    using(door, work)


def test_a_fact_has_the_same_content_at_its_own_address(door: Door) -> None:
    request_id, sale, moment = uuid7(), make.sale_made(), datetime.now(UTC)

    async def work(client: Client) -> None:
        first = await client.tell_at("sales", sale, moment, id=request_id)
        again = await client.tell(sale, moment, id=request_id)
        assert (first.is_taken, again.status, again.position) == (True, "duplicate", first.position)

    using(door, work)


def test_a_quarantined_report_is_answered_and_not_raised(door: Door) -> None:
    async def work(client: Client) -> None:
        unknown = [Report(b'{"id":"0198c0de-0000-7000-8000-000000000001","type":"no.such.v1"}')]
        [answer] = await client.report(unknown)
        assert (answer.status, answer.is_taken) == ("quarantined", False)
        assert answer.detail
        [again] = await client.report(unknown)
        assert (again.status, again.is_taken, again.problem) == ("duplicate", False, answer.problem)

    using(door, work)


def test_ids_are_uuids_of_version_7_in_the_order_of_time() -> None:
    ids = [uuid7() for _ in range(5)]
    assert {each.version for each in ids} == {7}
    assert [each.int >> 80 for each in ids] == sorted(each.int >> 80 for each in ids)
