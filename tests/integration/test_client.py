"""The typed client at the real door: what it sends, what it tries again, what it reads, and what a refusal becomes."""

import asyncio
import dataclasses
import hashlib
import json
import types
from collections.abc import AsyncIterator, Callable, Coroutine, Iterator
from datetime import UTC, datetime
from pathlib import Path
from typing import Any, Literal, get_type_hints
from urllib.parse import quote
from uuid import uuid4

import httpx
import pytest
from pydantic import TypeAdapter

from events.canonical import canonical
from events.catalogue.base import Fact
from events.catalogue.outlets import SaleMade
from projections import (
    income_queries,
    income_sales,
    inventory_queries,
    lineage_tables,
    overview,
    traceability_queries,
    traceability_trace,
    whereabouts,
)
from services import aggregates
from services.access.people_store import PeopleStore
from services.access.secrets import new_key
from services.access.sender import Sender
from services.client import (
    Answer,
    Asking,
    Chain,
    Client,
    DeviceKey,
    NoAnswer,
    Patience,
    Refused,
    Report,
    books,
    enrol,
    money,
    uuid7,
)
from services.client.answers import Said
from tests import make
from tests.door import Door, opened
from tests.integration.test_api import found
from tests.servers import LogDatabase

PATIENCE = Patience(seconds=3, pause_seconds_first=0.02, pause_seconds_max=0.1)


@pytest.fixture
def door(log_database: LogDatabase, tmp_path: Path) -> Iterator[Door]:
    with opened(log_database, tmp_path) as opened_door:
        yield opened_door


def key_of(door: Door) -> str:
    return door.admin_key


class Unsteady(httpx.AsyncBaseTransport):
    """A line that breaks: before the request is through, or after it, when the answer is lost."""

    def __init__(self, *faults: str | httpx.Response) -> None:
        self.faults = list(faults)
        self.bodies: list[bytes] = []
        self.tags: list[str | None] = []
        self.paths: list[str] = []
        self.statuses: list[int] = []
        self._line = httpx.AsyncHTTPTransport()

    async def handle_async_request(self, request: httpx.Request) -> httpx.Response:
        self.bodies.append(await request.aread())
        self.paths.append(request.url.raw_path.decode())
        self.tags.append(request.headers.get("if-none-match"))
        fault = self.faults.pop(0) if self.faults else None
        if isinstance(fault, httpx.Response):
            return fault
        if fault == "before":
            raise httpx.ConnectError("nobody there")
        response = await self._line.handle_async_request(request)
        if fault == "after":
            await response.aread()
            raise httpx.ReadError("cut off")
        self.statuses.append(response.status_code)
        return response

    async def aclose(self) -> None:
        await self._line.aclose()


type Work = Callable[[Client], Coroutine[Any, Any, None]]


def using(door: Door, work: Work, line: Unsteady | None = None, key: str | None = None) -> None:
    async def whole() -> None:
        async with Client(door.url, key or key_of(door), patience=PATIENCE, transport=line) as client:
            await work(client)

    asyncio.run(whole())


async def all_of[T](rows: AsyncIterator[T]) -> list[T]:
    return [row async for row in rows]


# Writing


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


# Devices and people


@pytest.mark.parametrize("algorithm", ["ed25519", "p256"])
def test_a_device_enrols_signs_its_chain_and_reads_in_a_session(door: Door, algorithm: Any) -> None:
    found(door)

    async def work(admin: Client) -> None:
        asked = {"till": "karakol-1", "outlet": "karakol", "credential": "code"}
        code = (await admin.ask("network/enroll-till", asked)).code
        assert code is not None
        device = await enrol(door.url, code, algorithm)
        with pytest.raises(Refused, match="wrong_code"):
            await enrol(door.url, code, algorithm)
        kept = DeviceKey.from_pem(device.actor, device.key_id, device.pem())
        async with Client(door.url, kept, patience=PATIENCE) as till:
            chain = Chain()
            sales = [chain.add(make.sale_made(sale=f"sale-{n}")) for n in range(3)]
            first = await till.report(sales[:2])
            second = await till.report(sales[2:])
            assert not any("chain_broken" in answer.flags for answer in first + second)
            broken = Chain(counter=3, head="0" * 64)
            [torn] = await till.report([broken.add(make.sale_made(sale="sale-9"))])
            assert "chain_broken" in torn.flags
            door.fold()
            [stock] = [each async for each in till.stock(place="outlet/karakol", after=torn.position or 0)]
            assert stock.sold == 8
            assert (await till.get("session"))["actor"] == "till/karakol-1"

    using(door, work)


def test_a_wrong_signature_is_refused(door: Door) -> None:
    found(door)

    async def work(admin: Client) -> None:
        asked = {"till": "karakol-1", "outlet": "karakol", "credential": "code"}
        device = await enrol(door.url, (await admin.ask("network/enroll-till", asked)).code or "")
        other = await enrol_elsewhere(admin, door)
        forged = DeviceKey.from_pem(device.actor, device.key_id, other.pem())
        async with Client(door.url, forged, patience=PATIENCE) as till:
            with pytest.raises(Refused, match="wrong_signature"):
                await till.tell(make.sale_made())
            with pytest.raises(Refused, match="wrong_signature"):
                await till.lot("lot-1")

    using(door, work)


def test_a_session_that_cannot_be_opened_now_is_asked_for_again(door: Door) -> None:
    found(door)
    soon = {"Retry-After": "0"}
    line = Unsteady(httpx.Response(429, headers=soon), "before", httpx.Response(502), "", httpx.Response(503), "after")

    async def work(admin: Client) -> None:
        device = await enrol_elsewhere(admin, door)
        async with Client(door.url, device, patience=PATIENCE, transport=line) as till:
            assert (await till.get("session"))["actor"] == device.actor

    using(door, work)
    asked = [path.rpartition("/")[2] for path in line.paths]
    assert asked == [*["challenge"] * 4, "session", "challenge", "challenge", "session", "session"]


def test_whoever_cannot_open_a_session_hears_what_was_said_last(door: Door) -> None:
    found(door)
    line = Unsteady(*[httpx.Response(503, headers={"Retry-After": "2"})] * 9)

    async def work(admin: Client) -> None:
        device = await enrol_elsewhere(admin, door)
        async with Client(door.url, device, patience=PATIENCE, transport=line) as till:
            with pytest.raises(NoAnswer, match="http_503"):
                await till.get("session")

    using(door, work)
    assert len(line.bodies) == 2, "a third time would be too late"


def test_a_session_that_was_ended_is_followed_by_another_and_a_key_that_was_revoked_by_none(door: Door) -> None:
    found(door)
    line = Unsteady()

    async def work(admin: Client) -> None:
        device = await enrol_elsewhere(admin, door)
        async with Client(door.url, device, patience=PATIENCE, transport=line) as till:
            await till.get("session")
            await till.delete("session")
            assert (await till.get("session"))["actor"] == device.actor
            await admin.ask("network/revoke-till", {"till": "karakol-2", "reason": "lost"})
            with pytest.raises(Refused) as refused:
                await till.get("session")
            assert refused.value.problem.status == 401

    using(door, work)
    # Challenge, session and read; the end; a read, and all three anew; a read of one who gets no session any more.
    assert line.statuses == [200, 200, 200, 200, 401, 200, 200, 200, 401, 200, 401]


class Beneath(httpx.AsyncBaseTransport):
    """A proxy that has the installation beneath an address of its own."""

    def __init__(self, prefix: str) -> None:
        self.prefix = prefix.encode()
        self._line = httpx.AsyncHTTPTransport()

    async def handle_async_request(self, request: httpx.Request) -> httpx.Response:
        if not request.url.raw_path.startswith(self.prefix):
            return httpx.Response(404)
        request.url = request.url.copy_with(raw_path=request.url.raw_path.removeprefix(self.prefix))
        return await self._line.handle_async_request(request)

    async def aclose(self) -> None:
        await self._line.aclose()


@pytest.mark.parametrize("prefix", ["/ovop", "/gate/api/v1/kg"])
def test_a_device_finds_an_installation_that_lies_beneath_another_address(door: Door, prefix: str) -> None:
    found(door)

    async def work(admin: Client) -> None:
        device = await enrol_elsewhere(admin, door)
        async with Client(door.url + prefix, device, patience=PATIENCE, transport=Beneath(prefix)) as till:
            assert (await till.get("session", whatever="/api/v1/"))["actor"] == device.actor

    using(door, work)


async def enrol_elsewhere(admin: Client, door: Door) -> DeviceKey:
    asked = {"till": "karakol-2", "outlet": "karakol", "credential": "code"}
    return await enrol(door.url, (await admin.ask("network/enroll-till", asked)).code or "")


def test_the_chain_of_the_client_is_the_chain_of_the_server() -> None:
    chain = Chain()
    first, second = (chain.add(make.sale_made(sale=f"sale-{n}")) for n in range(2))
    assert json.loads(second.body)["data"]["prev_hash"] == hashlib.sha256(canonical(json.loads(first.body))).hexdigest()
    assert second.body == canonical(json.loads(second.body))


def test_a_person_signs_in_and_out(door: Door) -> None:
    found(door)
    store = PeopleStore(door.database.keeper)
    store.add_person("user/aigul", "aigul")
    asyncio.run(door.front.passwords.choose(store.person("aigul"), "сары өрүктүн кыямы"))  # type: ignore[arg-type]
    store.close()

    async def work(_: Client) -> None:
        async with Client(door.url, patience=PATIENCE) as client:
            assert (await client.network()).network == "kg"
            with pytest.raises(Refused, match="not_authenticated"):
                await client.get("session")
            assert await client.sign_in("aigul", "сары өрүктүн кыямы") == "user/aigul"
            assert (await client.get("session"))["actor"] == "user/aigul"
            await client.sign_out()
            with pytest.raises(Refused, match="not_authenticated"):
                await client.get("session")

    using(door, work)


def test_two_agree_by_the_very_bytes_that_are_sent(door: Door) -> None:
    found(door)
    store = PeopleStore(door.database.keeper)
    tokens = []
    for name in ("m-1", "m-2"):
        store.add_person(f"user/{name}", name)
        door.command("network/grant-role", to=f"user/{name}", role="committee_member")
        tokens.append(store.begin_session(f"user/{name}", 1.0))
    store.close()
    recall = Asking.of("committee/start-recall", make.recall_started(members=("user/m-1", "user/m-2")))

    async def work(_: Client) -> None:
        async with Client(door.url, tokens[0]) as one, Client(door.url, tokens[1]) as two:
            [alone] = await one.ask_all(recall.command, [recall])
            assert alone.problem == "not_agreed"
            await two.agree(recall)
            [together] = await one.ask_all(recall.command, [recall])
            assert together.status == "accepted"

    using(door, work)


# Reading


def fill(door: Door, count: int) -> list[Answer]:
    found(door)
    answers: list[Answer] = []

    async def work(client: Client) -> None:
        facts: list[Fact] = [make.lot_collected(), make.batch_produced(), make.batch_packed()]
        facts += [make.batch_packed(lot=f"b-{n}", code=f"{n:07d}A") for n in range(count)]
        facts += [make.stock_shipped(), make.sale_made()]
        answers.extend(await client.report(Report.of(fact) for fact in facts))

    using(door, work)
    door.fold()
    return answers


def test_every_read_answers_in_its_own_type(door: Door) -> None:
    answers = fill(door, 2)

    async def work(client: Client) -> None:
        after = answers[-1].position or 0
        lot = await client.lot(make.batch_packed().lot, after=after)
        assert lot.batch is not None
        assert lot.position == client.position == after
        trace = await client.trace(lot.batch.code)
        assert sum(part.ppm for part in trace.villages) == 1_000_000
        assert trace.places
        forward = await client.forward(make.lot_collected().lot)
        assert lot.lot in forward.batches
        assert {each.batch for each in await all_of(client.stock())} >= {"b-0", "b-1", lot.lot}
        assert [each.product for each in await all_of(client.stock_by_product())]
        assert [each.consignment for each in await all_of(client.in_transit())] == [make.stock_shipped().consignment]
        assert await all_of(client.flags())
        for rows in (
            client.sales("year"), client.sales("month"), client.product_sales(), client.producers(),
            client.income("village"), client.income("region"),
        ):  # fmt: skip
            assert [row async for row in rows]
        assert await all_of(client.periods()) == []
        assert all(each.suspense_tyiyn for each in await all_of(client.suspense()))
        card = await client.producer(make.lot_collected().producer or "")
        assert card.lots_delivered == 1
        network = await client.network()
        assert network.counts.outlets == len(network.outlets) == 1

    using(door, work)


def test_lists_fetch_their_pages_as_they_are_read(log_database: LogDatabase, tmp_path: Path) -> None:
    line = Unsteady()
    with opened(log_database, tmp_path, page_rows_max=3) as door:
        fill(door, 7)

        async def work(client: Client) -> None:
            stock = await all_of(client.stock())
            assert len(stock) == len({(each.place, each.batch) for each in stock}) == 9
            assert len(line.bodies) == 3
            pages = [page async for page in client.pages("inventory", by="batch", place="outlet/karakol")]
            assert [len(page["stock"]) for page in pages] == [1]

        using(door, work, line)


def test_the_whole_log_is_read_in_its_order_and_decoded(door: Door) -> None:
    fill(door, 250)

    async def work(client: Client) -> None:
        events = await all_of(client.events())
        assert [each.position for each in events] == list(range(1, door.log.head().position + 1))
        [sale] = await all_of(client.events(after=200, type=SaleMade.wire_name, since=datetime(2016, 1, 1, tzinfo=UTC)))
        assert isinstance(sale.event, SaleMade)
        assert sale.event.sale == make.sale_made().sale

    using(door, work)


def test_what_was_read_before_and_still_holds_is_not_sent_again(door: Door) -> None:
    fill(door, 1)
    line = Unsteady()

    async def work(client: Client) -> None:
        first = await client.lot("b-0")
        await client.tell(make.lot_collected(lot="lot-elsewhere"))
        door.fold()
        again = await client.lot("b-0")
        assert again.position == first.position + 1, "the same, and for a later position"
        assert again.model_copy(update={"position": first.position}) == first
        await client.tell(make.stock_written_off(lines=(make.stock_line(batch="b-0"),)))
        door.fold()
        assert await client.lot("b-0") != again

    using(door, work, line)
    assert line.statuses == [200, 200, 304, 200, 200]


def test_an_answer_at_hand_is_dated_anew_and_untouched_by_whoever_got_it_before(door: Door) -> None:
    fill(door, 1)
    line = Unsteady()

    async def work(client: Client) -> None:
        first = await client.get("inventory", by="batch")
        rows = len(first["stock"])
        first["stock"].clear()
        await client.tell(make.lot_collected(lot="lot-elsewhere"))
        door.fold()
        again = await client.get("inventory", by="batch")
        assert len(again["stock"]) == rows > 0
        again["stock"].clear()
        assert len((await client.get("inventory", by="batch"))["stock"]) == rows
        head = door.log.head()
        assert again["position"] == head.position == first["position"] + 1
        assert datetime.fromisoformat(again["recorded_at"]) == head.recorded_at

    using(door, work, line)
    assert line.statuses == [200, 200, 304, 304]


def test_an_answer_about_an_empty_network_is_dated_when_something_is_recorded(door: Door) -> None:
    line = Unsteady()

    async def work(client: Client) -> None:
        empty = await client.get("inventory", by="batch")
        assert empty["recorded_at"] is None
        assert (await client.get("inventory", by="batch"))["recorded_at"] is None

    using(door, work, line)
    assert line.statuses == [200, 304]


@pytest.mark.parametrize("name", ["lot/1", "../income?by=year", "кыям 1", "a%2Fb"])
def test_a_name_with_anything_in_it_is_asked_for_as_one_part_of_the_address(door: Door, name: str) -> None:
    found(door)
    line = Unsteady()

    async def work(client: Client) -> None:
        for ask in (client.lot, client.trace, client.forward):
            with pytest.raises(Refused):
                await ask(name)

    using(door, work, line)
    part = quote(name, safe="")
    assert line.paths == [f"/api/v1/lots/{part}{what}?after=0" for what in ("", "/trace", "/forward")]


def test_a_question_about_the_past_is_answered_as_of_then(door: Door) -> None:
    answers = fill(door, 1)

    async def work(client: Client) -> None:
        packed = answers[2].position or 0
        lot = await client.lot(make.batch_packed().lot, as_of=packed)
        assert lot.position == packed
        assert [stock.shipped for stock in lot.stock] == [0]
        assert [stock.shipped for stock in (await client.lot(lot.lot)).stock if stock.place.startswith("work")] != [0]

    using(door, work)


def test_news_come_while_the_books_move(door: Door) -> None:
    fill(door, 1)

    async def work(client: Client) -> None:
        async with asyncio.timeout(20):
            async for news in client.news():
                if news.position == door.log.head().position and news.position > 15:
                    break
                await client.tell(make.sale_made(sale=str(uuid4())))
                await asyncio.to_thread(door.fold)
        assert news.sales_tyiyn > 0

    using(door, work)


def test_an_integrators_key_reads_what_its_scopes_say(door: Door) -> None:
    fill(door, 1)
    key = new_key()
    door.front.credentials.store.add_key(key, Sender("integrator/naryn", "integrator", scopes=frozenset({"read:lots"})))

    async def work(client: Client) -> None:
        assert (await client.lot("b-0")).lot == "b-0"
        with pytest.raises(Refused, match="no_such_right"):
            await all_of(client.producers())

    using(door, work, key=key.text)


# The client's types are the server's


NAMES: tuple[tuple[types.ModuleType, types.ModuleType, tuple[str, ...]], ...] = (
    (inventory_queries, books, ("Stock", "ProductStock", "InTransit", "Flag")),
    (income_sales, money, ("Sales", "ProductSales", "NetworkCounts")),
    (income_queries, money, ("ProducerIncome", "GroupIncome", "Period", "Suspense")),
    (income_queries, money, ("MonthEarned", "Payment", "ProducerCard")),
    (aggregates, money, ("SumsOfFive",)),
    (overview, money, ("OutletSeen", "VillageSeen")),
    (traceability_queries, books, ("VillagePart", "ProducerPart", "Batch", "Balance", "Movement", "Product")),
    (traceability_queries, books, ("Ancestry", "Point")),
    (traceability_trace, books, ("Trace", "Certificate", "Recall", "Where")),
    (whereabouts, books, ("AtPlace", "Underway")),
    (lineage_tables, books, ("Lot",)),
)
TYPES = [(getattr(theirs, name), getattr(ours, name)) for theirs, ours, names in NAMES for name in names]


@pytest.mark.parametrize(("theirs", "ours"), TYPES, ids=lambda kind: kind.__name__)
def test_a_read_has_the_same_fields_on_both_sides(theirs: type, ours: type[Said]) -> None:
    server = get_type_hints(theirs)
    if dataclasses.is_dataclass(theirs):
        server = {field.name: server[field.name] for field in dataclasses.fields(theirs)}
    client = get_type_hints(ours)
    read = {name: _shape_of(client[name], "validation") for name in ours.model_fields}
    assert read == {name: _shape_of(kind, "serialization") for name, kind in server.items()}


type Shape = str | tuple[str, "Shape"] | frozenset["Shape"]


def _shape_of(kind: Any, mode: Literal["validation", "serialization"]) -> Shape:
    """What JSON a field is, as far as both sides must agree; what is in an object is compared on its own."""
    schema = TypeAdapter(kind).json_schema(mode=mode)
    return _shape(schema, schema.get("$defs", {}))


def _shape(said: dict[str, Any], named: dict[str, Any]) -> Shape:
    if "$ref" in said:
        return _shape(named[said["$ref"].rpartition("/")[2]], named)
    if "anyOf" in said:
        return frozenset(_shape(one, named) for one in said["anyOf"])
    if "prefixItems" in said:  # a named tuple, which is answered as an object
        return "object"
    if said.get("type") == "array":
        return "array", _shape(said["items"], named)
    return str(said.get("format") or said.get("type") or type(said["const"]).__name__)
