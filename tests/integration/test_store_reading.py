"""Reading the log: by position, by stream, by moment, and hearing of what is new."""

import asyncio
import threading
from collections.abc import Iterator
from datetime import UTC, datetime, timedelta

import psycopg
import pytest

from events.catalogue import production
from events.store import Log, LogDamaged
from tests import make
from tests.integration.test_store_groups import database_away
from tests.requests_to_log import decision, fact, sale_in
from tests.servers import LogDatabase, wait_for

THEN = datetime(2014, 5, 1, 9, 0, tzinfo=UTC)


@pytest.fixture
def log(log_database: LogDatabase) -> Iterator[Log]:
    with Log(log_database.writer) as log:
        yield log


def test_reading_goes_on_behind_a_position_up_to_another(log: Log) -> None:
    log.append([fact(sale_in(f"s-{n}")) for n in range(10)])

    assert [recorded.position for recorded in log.read(0, 3)] == [1, 2, 3]
    assert [recorded.position for recorded in log.read(3, 100, upto=5)] == [4, 5]
    assert [row.position for row in log.read_leaves(8, 100)] == [9, 10]
    assert log.read(10, 100) == []
    assert log.read_leaves(12, 100) == []


def test_a_raw_row_says_what_the_decoded_event_says(log: Log) -> None:
    log.append([fact()])

    (row,), (recorded,) = log.read_leaves(0, 1), log.read(0, 1)

    assert (row.position, row.event_id, row.stream, row.version, row.actor, row.occurred_at, row.recorded_at) == (
        recorded.position, recorded.event_id, recorded.stream, recorded.version, recorded.actor,
        recorded.occurred_at, recorded.recorded_at,
    )  # fmt: skip
    assert row.type == recorded.event.wire_name
    assert row.data in row.leaf


def test_streams_are_read_from_their_beginning_in_one_answer(log: Log) -> None:
    log.append([fact(sale_in("a")), fact(sale_in("b")), fact(sale_in("a"))])

    streams = log.read_streams(["shift/a", "shift/b", "shift/nowhere"])

    assert {name: [r.version for r in found] for name, found in streams.items()} == {
        "shift/a": [1, 2], "shift/b": [1], "shift/nowhere": [],
    }  # fmt: skip
    assert [recorded.position for recorded in log.read_stream("shift/a")] == [1, 3]


def test_an_event_of_an_old_version_is_read_as_today_s(log: Log) -> None:
    log.append([fact(make.lot_collected_v1())])

    (recorded,) = log.read(0, 1)

    assert log.read_leaves(0, 1)[0].type == "production.lot_collected.v1"
    assert isinstance(recorded.event, production.LotCollected)


def test_a_moment_is_mapped_to_the_last_position_recorded_by_then(log: Log) -> None:
    founded = decision(make.network_founded(clock="simulated"), at=0, recorded_at=THEN)
    log.append([founded, *[fact(recorded_at=THEN + timedelta(days=n // 2)) for n in range(1, 12)]])

    assert log.position_at(THEN - timedelta(microseconds=1)) == 0
    moments = [recorded.recorded_at for recorded in log.read(0, 100)]
    for day in range(-1, 8):
        moment = THEN + timedelta(days=day, hours=1)
        assert log.position_at(moment) == sum(recorded_at <= moment for recorded_at in moments)
    assert log.position_at(THEN + timedelta(days=2)) == sum(m <= THEN + timedelta(days=2) for m in moments)


def test_an_empty_log_has_position_nought_at_every_moment(log: Log) -> None:
    assert log.position_at(datetime.now(UTC)) == 0


def test_a_log_with_a_hole_is_not_read_as_if_it_were_whole(log: Log, log_database: LogDatabase) -> None:
    log.append([fact() for _ in range(5)])
    with psycopg.connect(log_database.admin, autocommit=True) as connection:
        connection.execute("ALTER TABLE log.events DISABLE TRIGGER ALL")
        connection.execute("DELETE FROM log.events WHERE position = 3")

    assert [recorded.position for recorded in log.read(0, 2)] == [1, 2]
    with pytest.raises(LogDamaged):
        log.read(0, 3)
    with pytest.raises(LogDamaged):
        log.read_leaves(2, 10)
    with pytest.raises(LogDamaged):
        log.read_but(0, 10, None, {fact().events[0].wire_name})


class TestListening:
    def test_whoever_listens_hears_of_each_new_end(self, log: Log) -> None:
        stop = threading.Event()
        log.append([fact()])
        heard = log.listen(0, stop, poll_seconds=30)

        assert next(heard) == 1
        log.append([fact(), fact()])
        assert next(heard) == 3
        stop.set()
        heard.close()  # type: ignore[attr-defined]

    def test_whoever_listens_is_not_told_what_he_knows(self, log: Log) -> None:
        stop = threading.Event()
        log.append([fact(), fact()])
        heard: list[int] = []
        listener = threading.Thread(target=lambda: heard.extend(log.listen(2, stop, poll_seconds=0.1)))
        listener.start()
        log.append([fact()])
        wait_for(lambda: heard == [3], "the new end to be heard")
        stop.set()
        listener.join(10)

        assert heard == [3]
        assert not listener.is_alive()

    def test_asyncio_listeners_hear_too(self, log: Log) -> None:
        async def listen() -> list[int]:
            heard = log.listen_soon(0, poll_seconds=30)
            await log.append_soon([fact()])
            first = await anext(heard)
            await log.append_soon([fact()])
            return [first, await asyncio.wait_for(anext(heard), 10)]

        assert asyncio.run(listen()) == [1, 2]

    def test_a_listener_outlives_the_absence_of_the_database(self, log: Log, log_database: LogDatabase) -> None:
        stop = threading.Event()
        heard = log.listen(0, stop, poll_seconds=0.2)
        log.append([fact()])
        assert next(heard) == 1
        with database_away(log_database):
            pass
        log.append([fact()])

        assert next(heard) == 2
        stop.set()
