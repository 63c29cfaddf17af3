"""Appending: events a second for 1, 8 and 64 callers and for 500 in a call, each event durable before its answer.

Beside it, in the same rounds on the same server: a bare row in a commit of its own (psycopg, one statement, no stream
version, no idempotence, no hash), COPY in groups of 500, and the `eventsourcing` library saving the same event.
The raw table has the columns that carry an event, a primary key and the unique stream version.
"""

import asyncio
import secrets
import threading
from collections.abc import Callable, Iterator
from contextlib import ExitStack, contextmanager
from datetime import UTC, datetime
from pathlib import Path
from typing import Any

import psycopg
from eventsourcing.application import Application
from eventsourcing.domain import Aggregate, event
from psycopg import sql

from events.catalogue.outlets import SaleMade
from events.catalogue.values import SaleLine, Tender
from events.migrate import WRITER, login, migrate
from events.store import Append, Appended, Log
from services.embedded import EmbeddedPostgres
from tests.bench.measure import Report, bar, rounds, row, timed, uuid7

OUTLETS = 32
GROUP = 500
_LOGIN = "bench_writer"
_HASH = bytes(32)
_RAW = """
CREATE SCHEMA raw;
CREATE TABLE raw.events (
    position bigint GENERATED ALWAYS AS IDENTITY PRIMARY KEY, event_id uuid NOT NULL, stream text COLLATE "C" NOT NULL,
    version bigint NOT NULL, type text COLLATE "C" NOT NULL, occurred_at timestamptz NOT NULL, actor text NOT NULL,
    leaf bytea NOT NULL, UNIQUE (stream, version)
)
"""
_INSERT = (
    "INSERT INTO raw.events (event_id, stream, version, type, occurred_at, actor, leaf) VALUES (%s,%s,%s,%s,%s,%s,%s)"
)
_COPY = "COPY raw.events (event_id, stream, version, type, occurred_at, actor, leaf) FROM STDIN (FORMAT binary)"
_COPY_TYPES = ("uuid", "text", "int8", "text", "timestamptz", "text", "bytea")


def a_sale(number: int) -> SaleMade:
    """A receipt as a till reports it, some 700 bytes in the log; the tills take turns."""
    till = number % OUTLETS
    return SaleMade(
        shift=f"outlet-{till:02d}-2016-07-{number // 200 % 28 + 1:02d}-{number // 5600}",
        outlet=f"outlet-{till:02d}",
        till=f"till-{till:02d}",
        till_counter=number + 1,
        sale=f"sale-{number}",
        cashier=f"cashier-{till:02d}",
        lines=(
            SaleLine(product="jam-apricot-450", batch=f"lot-{number % 977}", units=2, unit_price_tyiyn=18_000),
            SaleLine(product="felt-slippers", batch=f"lot-{number % 1511}", units=1, unit_price_tyiyn=95_000),
        ),
        tenders=(Tender(kind="cash", amount_tyiyn=131_000),),
    )


class Counter:
    """Numbers for events: each one once, whichever caller asks."""

    def __init__(self) -> None:
        self._next = 0
        self._lock = threading.Lock()

    def take(self, count: int) -> range:
        with self._lock:
            self._next += count
            return range(self._next - count, self._next)


def a_request(number: int) -> Append:
    sale = a_sale(number)
    return Append(uuid7(), _HASH, sale.stream(), None, "till", datetime.now(UTC), (sale,))


class Ours:
    """The log, called as a worker thread calls it and as the API does."""

    def __init__(self, conninfo: str, numbers: Counter) -> None:
        self.log = Log(conninfo)
        self._numbers = numbers
        self.log.append([a_request(number) for number in numbers.take(1)])

    def one_at_a_time(self, events: int) -> None:
        for number in self._numbers.take(events):
            (outcome,) = self.log.append([a_request(number)])
            assert isinstance(outcome, Appended)

    def in_groups(self, events: int) -> int:
        for _ in range(events // GROUP):
            outcomes = self.log.append([a_request(number) for number in self._numbers.take(GROUP)])
            assert all(isinstance(outcome, Appended) for outcome in outcomes)
        return events

    def soon(self, callers: int, events: int) -> int:
        async def caller() -> None:
            for number in self._numbers.take(events // callers):
                (outcome,) = await self.log.append_soon([a_request(number)])
                assert isinstance(outcome, Appended)

        async def everybody() -> None:
            await asyncio.gather(*(caller() for _ in range(callers)))

        asyncio.run(everybody())
        return events


class Bare:
    """psycopg and a table, nothing else."""

    def __init__(self, conninfo: str, numbers: Counter) -> None:
        self._conninfo = conninfo
        self._numbers = numbers
        self._leaf = secrets.token_bytes(700)
        with psycopg.connect(conninfo, autocommit=True) as connection:
            connection.execute(_RAW)

    def one_at_a_time(self, events: int) -> None:
        with psycopg.connect(self._conninfo, autocommit=True) as connection:
            for number in self._numbers.take(events):
                connection.execute(_INSERT, self._row(number))

    def in_groups(self, events: int) -> int:
        with psycopg.connect(self._conninfo, autocommit=True) as connection:
            for _ in range(events // GROUP):
                with connection.cursor().copy(_COPY) as copy:
                    copy.set_types(_COPY_TYPES)
                    for number in self._numbers.take(GROUP):
                        copy.write_row(self._row(number))
        return events

    def _row(self, number: int) -> tuple[object, ...]:
        stream = f"shift/outlet-{number % OUTLETS:02d}-{number // 6400}"
        return uuid7(), stream, number, "outlets.sale_made.v1", datetime.now(UTC), "till", self._leaf


class PeerSale(Aggregate):
    """The same receipt as the peer models it: one aggregate, one event."""

    @event("Made")
    def __init__(self, receipt: dict[str, Any]) -> None:
        self.receipt = receipt


class Peer:
    """`eventsourcing` as its documentation sets it up for PostgreSQL."""

    def __init__(self, database: str, server: EmbeddedPostgres, numbers: Counter) -> None:
        given = psycopg.conninfo.conninfo_to_dict(server.url(database=database))
        environment = {
            "PERSISTENCE_MODULE": "eventsourcing.postgres",
            "POSTGRES_DBNAME": database,
            "POSTGRES_HOST": str(given["host"]),
            "POSTGRES_PORT": str(given["port"]),
            "POSTGRES_USER": str(given["user"]),
            "POSTGRES_PASSWORD": str(given.get("password") or ""),
            "POSTGRES_POOL_SIZE": "8",
            "POSTGRES_MAX_OVERFLOW": "56",
        }
        self.application: Application[Any] = Application(env=environment)
        self._numbers = numbers

    def one_at_a_time(self, events: int) -> None:
        for number in self._numbers.take(events):
            self.application.save(PeerSale(a_sale(number).model_dump(mode="json", exclude_none=True)))


def in_threads(callers: int, events: int, work: Callable[[int], None]) -> int:
    """`events` in all, by blocking callers side by side."""
    failed: list[BaseException] = []

    def call() -> None:
        try:
            work(events // callers)
        except BaseException as error:
            failed.append(error)

    threads = [threading.Thread(target=call) for _ in range(callers)]
    for thread in threads:
        thread.start()
    for thread in threads:
        thread.join()
    if failed:
        raise failed[0]
    return events // callers * callers


@contextmanager
def foreign_snapshot(server: EmbeddedPostgres) -> Iterator[None]:
    """A writing transaction of somebody else, open in another database of the same cluster and in this one."""
    with ExitStack() as open_until:
        for database in ("postgres", "ovop"):
            connection = open_until.enter_context(psycopg.connect(server.url(database=database)))
            connection.execute("SET TRANSACTION ISOLATION LEVEL REPEATABLE READ")
            connection.execute("CREATE TEMPORARY TABLE foreign_work (n integer)")
            connection.execute("INSERT INTO foreign_work VALUES (1)")
        yield


def run(directory: Path, times: int = 5, share: float = 1.0) -> Report:
    """Measure in a PostgreSQL of its own below `directory`; `share` scales the number of events of each round."""
    with ExitStack() as until:
        server = EmbeddedPostgres(directory / "postgres")
        until.callback(server.stop)
        server.start()
        for database in ("ovop", "bare", "peer"):
            with psycopg.connect(server.url(), autocommit=True) as connection:
                connection.execute(sql.SQL("CREATE DATABASE {}").format(sql.Identifier(database)))
        migrate(server.url(database="ovop"))
        login(server.url(database="ovop"), _LOGIN, WRITER, server.password(_LOGIN))
        numbers = Counter()
        ours = Ours(server.url(_LOGIN, "ovop"), numbers)
        until.callback(ours.log.close)
        bare = Bare(server.url(database="bare"), numbers)
        peer = Peer("peer", server, numbers)
        until.callback(peer.application.close)
        return _measure(server, ours, bare, peer, times, share)


def _measure(server: EmbeddedPostgres, ours: Ours, bare: Bare, peer: Peer, times: int, share: float) -> Report:
    def events(count: int) -> int:
        return max(GROUP, round(count * share))

    def threads(callers: int, count: int, work: Callable[[int], None]) -> Callable[[], float]:
        return lambda: timed(lambda: in_threads(callers, events(count), work))

    def behind_a_foreign_snapshot() -> float:
        with foreign_snapshot(server):
            return timed(lambda: ours.soon(64, events(12_800)))

    bare8, ours64 = "bare row per commit, 8 threads", "ours, 64 callers (asyncio)"
    ways: dict[str, Callable[[], float]] = {
        "bare row per commit, 1 thread": threads(1, 2_000, bare.one_at_a_time),
        "ours, 1 caller": threads(1, 2_000, ours.one_at_a_time),
        bare8: threads(8, 8_000, bare.one_at_a_time),
        "ours, 8 callers (asyncio)": lambda: timed(lambda: ours.soon(8, events(8_000))),
        "ours, 8 callers (threads)": threads(8, 8_000, ours.one_at_a_time),
        ours64: lambda: timed(lambda: ours.soon(64, events(12_800))),
        "ours, 64 callers, foreign snapshot open": behind_a_foreign_snapshot,
        "ours, 64 callers (threads)": threads(64, 12_800, ours.one_at_a_time),
        "peer eventsourcing, 64 threads": threads(64, 1_280, peer.one_at_a_time),
        "COPY in groups of 500": lambda: timed(lambda: bare.in_groups(events(20_000))),
        "ours, 500 per call": lambda: timed(lambda: ours.in_groups(events(20_000))),
    }
    for way in ways.values():  # connections, plans and files that the first use makes
        way()
    found = rounds(ways, times)
    bars = [
        bar("1 caller / bare row, 1 thread", found["ours, 1 caller"], found["bare row per commit, 1 thread"], 0.7),
        bar("8 callers (asyncio) / bare row, 8 threads", found["ours, 8 callers (asyncio)"], found[bare8], 1.0),
        bar("8 callers (threads) / bare row, 8 threads", found["ours, 8 callers (threads)"], found[bare8], 1.0),
        bar("64 callers / bare row, 8 threads", found[ours64], found[bare8], 2.0),
        bar("500 per call / COPY in groups of 500", found["ours, 500 per call"], found["COPY in groups of 500"], 0.3),
        bar("64 callers / peer, 64 threads", found[ours64], found["peer eventsourcing, 64 threads"], 8.0),
        bar(
            "64 callers, foreign snapshot / without",
            found["ours, 64 callers, foreign snapshot open"],
            found[ours64],
            0.8,
        ),
    ]
    rows = [row(name, values, "events/s") for name, values in found.items()]
    return Report("Append, each event durable before its answer", rows, bars)
