"""The client in Python reads: pages, what is at hand, news."""

import asyncio
from collections.abc import Iterator
from datetime import UTC, datetime
from pathlib import Path
from urllib.parse import quote
from uuid import uuid4

import pytest

from events.catalogue.base import Fact
from events.catalogue.outlets import SaleMade
from services.access.secrets import new_key
from services.access.sender import Sender
from services.client import (
    Answer,
    Client,
    Refused,
    Report,
)
from tests import make
from tests.clients import Unsteady, all_of, using
from tests.door import Door, opened
from tests.integration.test_api import found
from tests.servers import LogDatabase


@pytest.fixture
def door(log_database: LogDatabase, tmp_path: Path) -> Iterator[Door]:
    with opened(log_database, tmp_path) as opened_door:
        yield opened_door


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
