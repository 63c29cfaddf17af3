"""Advice at a busy door: one question for many requests, each told its own, and nothing believed for long."""

import asyncio
import threading
from collections.abc import Callable, Iterator, Sequence
from dataclasses import replace
from datetime import UTC, datetime
from pathlib import Path
from typing import Any
from uuid import uuid4

import pytest

from events.appends import Append
from events.catalogue.base import Event
from projections.advice import Known, Sold
from services import advice
from services.advice import ServedAdvice
from services.books import Books, Look, Told
from tests import make
from tests.door import Door, accepted, opened, report
from tests.integration.test_api import found
from tests.servers import LogDatabase

MOMENT = 0.3


class Counted(Books):
    """The books, and how often they were asked."""

    asked = 0

    def ask[T](self, question: Callable[[Look], T], *names: Any, **more: Any) -> Told[T]:
        self.asked += 1
        return super().ask(question, *names, **more)


@pytest.fixture
def door(log_database: LogDatabase, tmp_path: Path) -> Iterator[Door]:
    with opened(log_database, tmp_path) as opened_door:
        found(opened_door)
        accepted(opened_door.ask("network/set-price", make.price_set()))
        opened_door.tell(report(make.batch_packed()))
        opened_door.fold()
        yield opened_door


@pytest.fixture
def books(door: Door) -> Iterator[Counted]:
    counted = Counted(door.database.reader)
    yield counted
    counted.close()


def fact(event: Event) -> Append:
    return Append(uuid4(), bytes(32), event.stream(), None, "till/karakol-1", datetime.now(UTC), (event,))


def sale(**line: Any) -> Append:
    return fact(make.sale_made(lines=(make.sale_line(**line),)))


def flags_of(books: Books, *requests: Sequence[Append]) -> list[list[tuple[str, ...]]]:
    async def whole() -> list[list[tuple[str, ...]]]:
        served = ServedAdvice(books)
        return await asyncio.gather(*(served.flags(request) for request in requests))

    return asyncio.run(whole())


def test_many_requests_share_a_question_and_each_is_told_its_own(books: Counted) -> None:
    step = fact(make.batch_produced(lot="b-9", inputs=(make.lot_input(lot="never-reported"),)))
    kinds = [
        (sale(), ()),
        (sale(batch=None), ("no_batch",)),
        (sale(batch="b-unknown"), ("unknown_batch",)),
        (sale(product="jam-unknown"), ("unknown_product",)),
        (sale(unit_price_tyiyn=1), ("price_differs",)),
        (step, ("unknown_lot",)),
    ]
    requests = [[kinds[n % 6][0], kinds[(n + 1) % 6][0]] for n in range(60)]
    told = flags_of(books, *requests)
    assert told == [[kinds[n % 6][1], kinds[(n + 1) % 6][1]] for n in range(60)]
    assert books.asked <= 3


def test_what_was_heard_is_believed_for_a_moment_and_no_longer(
    door: Door, books: Counted, monkeypatch: pytest.MonkeyPatch
) -> None:
    monkeypatch.setattr(advice, "BELIEVED_SECONDS", MOMENT)

    async def whole() -> None:
        served = ServedAdvice(books)
        assert await served.flags([sale(batch="b-new")]) == [("unknown_batch",)]
        for _ in range(5):
            await served.flags([sale(batch="b-new")])
        assert books.asked == 1
        await asyncio.to_thread(door.tell, report(make.batch_packed(lot="b-new", code="ABCDEFG2")))
        await asyncio.to_thread(door.fold)
        await asyncio.sleep(MOMENT + 0.05)
        assert await served.flags([sale(batch="b-new")]) == [()]
        await asyncio.sleep(3 * MOMENT)
        assert await served.flags([sale()]) == [()]
        assert books.asked == 3

    asyncio.run(whole())


def test_books_that_do_not_answer_leave_reports_without_advice_and_are_asked_again(door: Door, books: Counted) -> None:
    async def whole() -> None:
        served = ServedAdvice(books)
        books.pool.close()
        assert await served.flags([sale(batch=None)]) == [()]
        books.pool = Books(door.database.reader).pool
        assert await served.flags([sale(batch=None)]) == [("no_batch",)]

    asyncio.run(whole())


def test_more_than_can_be_remembered_is_asked_anew(books: Counted, monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setattr(advice, "BELIEVED_MAX", 10)

    async def whole() -> None:
        served = ServedAdvice(books)
        for start in range(0, 60, 20):
            sales = [sale(batch=f"b-{n}") for n in range(start, start + 20)]
            assert await served.flags(sales) == [("unknown_batch",)] * 20
        assert await served.flags([sale()]) == [()]

    asyncio.run(whole())


def test_a_step_that_took_one_unknown_lot_among_others_is_told(books: Counted) -> None:
    inputs = (make.lot_input(lot="batch-jam-1"), make.lot_input(lot="never-reported"))
    mixed = fact(make.batch_produced(lot="b-9", inputs=inputs))
    known = fact(make.batch_produced(lot="b-9", inputs=inputs[:1]))
    assert flags_of(books, [mixed, known]) == [[("unknown_lot",), ()]]


def test_a_late_receipt_is_judged_by_its_own_day(books: Counted) -> None:
    """The list's price holds from May 2012; what was sold before had none, whenever it is reported."""
    late, today = sale(unit_price_tyiyn=1), sale(unit_price_tyiyn=1)
    late = replace(late, occurred_at=datetime(2012, 4, 1, tzinfo=UTC), recorded_at=datetime(2016, 4, 1, tzinfo=UTC))
    assert flags_of(books, [late, today]) == [[(), ("price_differs",)]]


def test_reports_about_which_there_is_nothing_to_say_ask_nothing(books: Counted) -> None:
    assert flags_of(books, [fact(make.shift_opened()), fact(make.cash_moved())]) == [[(), ()]]
    assert books.asked == 0


def test_nobody_waits_for_books_that_take_their_time(books: Counted, monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setattr(advice, "WAITED_SECONDS_MAX", 0.1)
    taken = threading.Event()
    plain = Counted.ask

    def slow(self: Counted, question: Any, *names: Any, **more: Any) -> Any:
        taken.wait(10)
        return plain(self, question, *names, **more)

    async def whole() -> None:
        served = ServedAdvice(books)
        monkeypatch.setattr(Counted, "ask", slow)
        told = await asyncio.gather(served.flags([sale(batch=None)]), served.flags([sale(batch=None)]))
        assert [*told] == [[()], [()]]
        taken.set()
        monkeypatch.setattr(advice, "WAITED_SECONDS_MAX", 10.0)
        assert await served.flags([sale(batch=None)]) == [("no_batch",)]

    asyncio.run(whole())


def test_a_fault_in_judging_holds_nobody_up(books: Counted, monkeypatch: pytest.MonkeyPatch) -> None:
    def fails(_: Known, sold: Sold) -> tuple[str, ...]:
        raise KeyError(sold.sale.sale)

    monkeypatch.setattr(advice, "WAITED_SECONDS_MAX", 1_000.0)  # else they would end by themselves
    monkeypatch.setattr(advice, "ASKED_TOGETHER_MAX", 1)
    with monkeypatch.context() as broken:
        broken.setattr(Known, "flags_of", fails)
        assert flags_of(books, [sale()], [sale()]) == [[()], [()]]
    assert flags_of(books, [sale(batch=None)]) == [[("no_batch",)]]
