"""What the projector promises: everything, once, in order, whatever stands in its way."""

import asyncio
import threading
from collections.abc import Iterator
from dataclasses import replace

import psycopg
import pytest

from events.catalogue.values import QUANTITY_MAX
from events.store import Log
from projections.base import ReadModel
from projections.runner import CROWD_EVENTS, CROWD_SECONDS, Projector, lag, run_projector
from projections.schemas import FencedOff
from services.read_models import READ_MODELS
from tests import make, toys
from tests.servers import LogDatabase
from tests.toys import cash_moved, record


@pytest.fixture
def log(log_database: LogDatabase) -> Iterator[Log]:
    with Log(log_database.writer) as opened:
        yield opened


def projector(database: LogDatabase, log: Log, *models: ReadModel, batch_events: int = 3) -> Projector:
    made = Projector(database.projector, log, models or (toys.MODEL,), batch_events=batch_events)
    made.prepare()
    return made


def moves(database: LogDatabase, schema: str = "toy") -> list[tuple[int, int]]:
    with psycopg.connect(database.reader) as connection:
        return connection.execute(f"SELECT position, tyiyn FROM {schema}.toy_moves ORDER BY position").fetchall()


def parked(database: LogDatabase) -> list[tuple[int, str, int]]:
    with psycopg.connect(database.reader) as connection:
        rows = connection.execute("SELECT position, type, cause_position FROM projection.parked ORDER BY position")
        return rows.fetchall()


def test_every_event_is_folded_once_in_order(log_database: LogDatabase, log: Log) -> None:
    record(log, *(cash_moved("s-1", tyiyn, tyiyn) for tyiyn in range(1, 11)))

    ours = projector(log_database, log)
    assert ours.drain() == 10
    assert ours.drain() == 10
    ours.close()

    assert moves(log_database) == [(n, n) for n in range(1, 11)]


@pytest.mark.parametrize(("events", "pauses"), [(CROWD_EVENTS - 1, 0), (CROWD_EVENTS, 1), (CROWD_EVENTS + 1, 0)])
def test_many_at_a_time_are_let_gather_unless_a_whole_batch_of_them_waits_already(
    log_database: LogDatabase, log: Log, events: int, pauses: int
) -> None:
    record(log, *(cash_moved("s-1", tyiyn, tyiyn) for tyiyn in range(1, events + 1)))
    waited: list[float] = []

    ours = Projector(log_database.projector, log, [toys.MODEL], batch_events=CROWD_EVENTS + 1, pause=waited.append)
    ours.prepare()
    assert ours.drain() == events
    ours.close()

    assert waited == [CROWD_SECONDS] * pauses


def test_draining_stops_where_it_is_told(log_database: LogDatabase, log: Log) -> None:
    record(log, *(cash_moved("s-1", tyiyn, tyiyn) for tyiyn in range(1, 11)))

    ours = projector(log_database, log)
    assert ours.drain(upto=4) == 4
    ours.close()

    assert [position for position, _ in moves(log_database)] == [1, 2, 3, 4]


def test_poison_and_later_events_of_its_stream_are_parked_and_all_others_go_on(
    log_database: LogDatabase, log: Log
) -> None:
    amounts = [("a", 1), ("b", 2), ("a", toys.POISON_TYIYN), ("b", 4), ("a", 5), ("b", 6)]
    record(log, *(cash_moved(shift, tyiyn) for shift, tyiyn in amounts))

    ours = projector(log_database, log, batch_events=100)
    ours.drain()
    record(log, cash_moved("a", 7), cash_moved("b", 8))
    ours.drain()
    ours.close()

    assert [tyiyn for _, tyiyn in moves(log_database)] == [1, 2, 4, 6, 8]
    name = "outlets.cash_moved.v1"
    assert parked(log_database) == [(3, name, 3), (5, name, 3), (7, name, 3)]


def test_a_sum_beyond_counting_parks_its_event_and_all_others_go_on(log_database: LogDatabase, log: Log) -> None:
    """The real models: of receipts as large as the log holds, the twelfth is more than fits into a sum."""
    dear = (make.sale_line(batch=None, units=1, unit_price_tyiyn=QUANTITY_MAX),) * 800
    sold = [dear] * 12 + [(make.sale_line(),)]
    record(
        log,
        *(
            make.sale_made(sale=f"s-{n}", shift=f"shift-{n}", till_counter=n, lines=lines, tenders=(make.cash(1),))
            for n, lines in enumerate(sold, start=1)
        ),
    )

    ours = projector(log_database, log, *READ_MODELS, batch_events=20)
    assert ours.drain() == 13
    ours.close()

    assert parked(log_database) == [(12, "outlets.sale_made.v1", 12)]
    with psycopg.connect(log_database.reader) as connection:
        assert connection.execute("SELECT sum(units) FROM income.income_sales").fetchone() == (8_802,)
        assert connection.execute("SELECT count(*) FROM inventory.inventory_sales").fetchone() == (13,)


@pytest.mark.parametrize("batch_events", [1, 2, 3, 100])
def test_what_is_parked_does_not_depend_on_the_cut_of_the_log(
    log_database: LogDatabase, log: Log, batch_events: int
) -> None:
    amounts = [1, toys.POISON_TYIYN, 3, 4, toys.POISON_TYIYN, 6, 7]
    record(log, *(cash_moved(f"s-{at % 3}", tyiyn) for at, tyiyn in enumerate(amounts)))

    for _ in range(2):  # a projector that begins anew knows what is parked
        ours = projector(log_database, log, batch_events=batch_events)
        ours.drain()
        ours.close()
        record(log, cash_moved("s-1", 8))

    assert [position for position, _, _ in parked(log_database)] == [2, 5, 8]
    assert [position for position, _ in moves(log_database)] == [1, 3, 4, 6, 7]


def test_what_another_projector_has_parked_is_known_to_whoever_goes_on(log_database: LogDatabase, log: Log) -> None:
    """Two stand by, and the one that goes on was awake already when the other met the poison."""
    record(log, cash_moved("s-1", 1, 1))
    ours, theirs = projector(log_database, log), projector(log_database, log)
    assert ours.drain() == theirs.drain() == 1
    record(log, cash_moved("s-1", toys.POISON_TYIYN, 2))
    assert ours.drain() == 2
    ours.close()

    record(log, cash_moved("s-1", 3, 3), cash_moved("s-2", 4, 4))
    assert theirs.drain() == 4
    theirs.close()

    assert [position for position, _, _ in parked(log_database)] == [2, 3]
    assert moves(log_database) == [(1, 1), (4, 4)]


@pytest.mark.parametrize("batch_events", [1, 100])
def test_an_event_that_this_program_cannot_read_is_parked_and_what_follows_on_it(
    log_database: LogDatabase, log: Log, batch_events: int
) -> None:
    record(log, cash_moved("s-1", 1), cash_moved("s-1", 2), cash_moved("s-2", 3), cash_moved("s-1", 4))
    with psycopg.connect(log_database.admin) as connection:
        connection.execute("SET session_replication_role = replica")
        connection.execute(
            "UPDATE log.events SET type = 'outlets.cash_burnt.v1', leaf = convert_to(replace("
            "convert_from(leaf, 'UTF8'), 'cash_moved', 'cash_burnt'), 'UTF8') WHERE position = 2"
        )

    ours = projector(log_database, log, batch_events=batch_events)
    assert ours.drain() == 4
    ours.close()

    assert parked(log_database) == [(2, "outlets.cash_burnt.v1", 2), (4, "outlets.cash_moved.v1", 2)]
    assert moves(log_database) == [(1, 1), (3, 3)]


def test_a_second_projector_is_fenced_off_and_doubles_nothing(log_database: LogDatabase, log: Log) -> None:
    first, second = projector(log_database, log), projector(log_database, log)
    drains = 0
    refused = 0

    def work(one: Projector) -> None:
        nonlocal drains, refused
        for _ in range(40):
            try:
                one.drain()
                drains += 1
            except FencedOff:
                refused += 1

    threads = [threading.Thread(target=work, args=[one]) for one in (first, second)]
    for thread in threads:
        thread.start()
    for number in range(1, 121):
        record(log, cash_moved("s-1", number))
    for thread in threads:
        thread.join()
    first.drain()
    first.close()
    second.close()

    assert moves(log_database) == [(number, number) for number in range(1, 121)]


def test_a_model_added_later_catches_up_without_touching_the_others(log_database: LogDatabase, log: Log) -> None:
    record(log, *(cash_moved("s-1", tyiyn) for tyiyn in range(1, 6)))
    alone = projector(log_database, log)
    alone.drain()
    alone.close()
    other = replace(toys.MODEL, name="toy_too")

    both = projector(log_database, log, toys.MODEL, other)
    record(log, cash_moved("s-1", 6))
    assert both.drain() == 6
    both.close()

    assert moves(log_database, "toy_too") == moves(log_database, "toy") == [(n, n) for n in range(1, 7)]


def test_a_model_of_another_version_is_left_in_service_as_it_is(log_database: LogDatabase, log: Log) -> None:
    record(log, cash_moved("s-1", 1))
    old = projector(log_database, log)
    old.drain()
    old.close()
    record(log, cash_moved("s-1", 2))

    newer = Projector(log_database.projector, log, [replace(toys.MODEL, version=2)])
    assert [model.version for model in newer.prepare()] == [2]
    newer.drain()
    newer.close()

    assert moves(log_database) == [(1, 1)]


def test_lag_says_how_far_behind_each_model_is_and_what_is_parked(log_database: LogDatabase, log: Log) -> None:
    record(log, cash_moved("s-1", toys.POISON_TYIYN), cash_moved("s-2", 2), cash_moved("s-3", 3))
    ours = projector(log_database, log)
    ours.drain(upto=2)

    with psycopg.connect(log_database.reader, autocommit=True) as connection:
        behind = lag(connection)
        ours.drain()
        level = lag(connection)
    ours.close()

    assert (behind.head, behind.positions, behind.events, behind.parked) == (3, {"toy": 2}, 1, {"toy": 1})
    assert behind.seconds > 0
    assert (level.events, level.seconds) == (0, 0)


def test_the_process_follows_the_log_without_a_broker_and_outlives_a_lost_connection(
    log_database: LogDatabase, log: Log
) -> None:
    async def follow() -> None:
        stop = asyncio.Event()
        running = asyncio.create_task(run_projector(log_database.projector, None, [toys.MODEL], stop))
        await asyncio.to_thread(record, log, cash_moved("s-1", 1))
        await visible(1)
        with psycopg.connect(log_database.admin, autocommit=True) as connection:
            connection.execute(
                "SELECT pg_terminate_backend(pid) FROM pg_stat_activity"
                " WHERE datname = current_database() AND usename = 'test_projector'"
            )
        await asyncio.to_thread(record, log, cash_moved("s-1", 2))
        await visible(2)
        stop.set()
        await running

    async def visible(count: int) -> None:
        async with asyncio.timeout(20):
            while True:
                try:
                    if len(await asyncio.to_thread(moves, log_database)) == count:
                        return
                except psycopg.errors.UndefinedTable:
                    pass
                await asyncio.sleep(0.05)

    asyncio.run(follow())
