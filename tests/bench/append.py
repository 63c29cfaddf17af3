"""Appending: events a second for 1, 8 and 64 callers and for 500 in a call, each event durable before its answer.

Callers are tasks of one event loop, as in the API, but for the single one and where threads are named. Beside them, in
the same rounds on the same server: a bare row in a commit of its own (psycopg, one statement, no stream
version, no idempotence, no hash), COPY in groups of 500, and the `eventsourcing` library saving the same event.
The raw table has the columns that carry an event, a primary key and the unique stream version.
"""

import asyncio
import itertools
import secrets
from collections.abc import Callable, Iterator, Mapping, Sequence
from contextlib import ExitStack, contextmanager
from datetime import UTC, datetime
from functools import partial
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
from tests.bench.measure import Report, bar, in_threads, rounds, row, timed, uuid7

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

BARE_1 = "bare row per commit, 1 thread"
OURS_1 = "log, 1 caller"
BARE_8 = "bare row per commit, 8 threads"
OURS_8 = "log, 8 callers"
THREADS_8 = "log, 8 blocking threads"
OURS_64 = "log, 64 callers"
FOREIGN_64 = "log, 64 callers, foreign snapshot open"
THREADS_64 = "log, 64 blocking threads"
PEER_64 = "peer eventsourcing, 64 threads"
COPY_500 = "COPY in groups of 500"
OURS_500 = "log, 500 per call"


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


class Ours:
    """The log, called as a worker thread calls it and as the API does.

    What happened is there before the clock starts; from there on everything counts: canonical bytes, nonce, ids, order,
    hash, commit, answer.
    """

    def __init__(self, conninfo: str) -> None:
        self.log = Log(conninfo)

    def work(self, numbers: range) -> list[Append]:
        sales = [a_sale(number) for number in numbers]
        return [Append(uuid7(), _HASH, sale.stream(), None, "till", datetime.now(UTC), (sale,)) for sale in sales]

    def one_at_a_time(self, requests: Sequence[Append]) -> None:
        for request in requests:
            (outcome,) = self.log.append([request])
            assert isinstance(outcome, Appended)

    def together(self, requests: Sequence[Append]) -> None:
        outcomes = self.log.append(requests)
        assert all(isinstance(outcome, Appended) for outcome in outcomes)

    def soon(self, callers: int, requests: Sequence[Append]) -> None:
        async def caller(mine: Sequence[Append]) -> None:
            for request in mine:
                (outcome,) = await self.log.append_soon([request])
                assert isinstance(outcome, Appended)

        async def everybody() -> None:
            await asyncio.gather(*(caller(requests[n::callers]) for n in range(callers)))

        asyncio.run(everybody())


type _RawRow = tuple[object, ...]


class Bare:
    """psycopg and a table, nothing else: the rows are ready before the clock starts."""

    def __init__(self, conninfo: str) -> None:
        self._conninfo = conninfo
        self._leaf = secrets.token_bytes(700)
        self.connection = psycopg.connect(conninfo, autocommit=True)
        self.connection.execute(_RAW)

    def work(self, numbers: range) -> list[_RawRow]:
        return [
            (
                uuid7(),
                f"shift/{n % OUTLETS}-{n // 6400}",
                n,
                "outlets.sale_made.v1",
                datetime.now(UTC),
                "till",
                self._leaf,
            )
            for n in numbers
        ]

    def one_at_a_time(self, rows: Sequence[_RawRow]) -> None:
        with psycopg.connect(self._conninfo, autocommit=True) as connection:
            for raw in rows:
                connection.execute(_INSERT, raw)

    def together(self, rows: Sequence[_RawRow]) -> None:
        with self.connection.cursor().copy(_COPY) as copy:
            copy.set_types(_COPY_TYPES)
            for raw in rows:
                copy.write_row(raw)


class PeerSale(Aggregate):
    """The same receipt as the peer models it: one aggregate, one event."""

    @event("Made")
    def __init__(self, receipt: dict[str, Any]) -> None:
        self.receipt = receipt


class Peer:
    """`eventsourcing` as it sets itself up for PostgreSQL; the aggregates are ready before the clock starts."""

    def __init__(self, server: EmbeddedPostgres, database: str) -> None:
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

    def work(self, numbers: range) -> list[PeerSale]:
        return [PeerSale(a_sale(number).model_dump(mode="json", exclude_none=True)) for number in numbers]

    def one_at_a_time(self, sales: Sequence[PeerSale]) -> None:
        for sale in sales:
            self.application.save(sale)


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
        ours = Ours(server.url(_LOGIN, "ovop"))
        until.callback(ours.log.close)
        peer = Peer(server, "peer")
        until.callback(peer.application.close)
        bare = Bare(server.url(database="bare"))
        until.callback(bare.connection.close)
        return _measure(_ways(server, ours, bare, peer, share), times)


def _ways(server: EmbeddedPostgres, ours: Ours, bare: Bare, peer: Peer, share: float) -> dict[str, Callable[[], float]]:
    numbers = itertools.count()

    def rate[T](count: int, make: Callable[[range], list[T]], use: Callable[[Sequence[T]], None]) -> float:
        count = max(GROUP, round(count * share))
        start = next(numbers) * 1_000_000
        items = make(range(start, start + count))
        return timed(lambda: use(items), count)

    def groups[T](count: int, make: Callable[[range], list[T]], use: Callable[[Sequence[T]], None]) -> float:
        """Group by group, as calls come: each is made ready outside the clock, and used while it is fresh."""
        calls, start, seconds = max(1, round(count * share) // GROUP), next(numbers) * 1_000_000, 0.0
        for call in range(calls):
            items = make(range(start + call * GROUP, start + (call + 1) * GROUP))
            seconds += 1 / timed(partial(use, items), 1)
        return calls * GROUP / seconds

    def threads[T](
        callers: int, count: int, make: Callable[[range], list[T]], use: Callable[[Sequence[T]], None]
    ) -> Callable[[], float]:
        return lambda: rate(count, make, partial(in_threads, callers, use))

    def behind_a_foreign_snapshot() -> float:
        with foreign_snapshot(server):
            return rate(12_800, ours.work, partial(ours.soon, 64))

    return {
        BARE_1: threads(1, 2_000, bare.work, bare.one_at_a_time),
        OURS_1: threads(1, 2_000, ours.work, ours.one_at_a_time),
        BARE_8: threads(8, 8_000, bare.work, bare.one_at_a_time),
        OURS_8: lambda: rate(8_000, ours.work, partial(ours.soon, 8)),
        THREADS_8: threads(8, 8_000, ours.work, ours.one_at_a_time),
        OURS_64: lambda: rate(12_800, ours.work, partial(ours.soon, 64)),
        FOREIGN_64: behind_a_foreign_snapshot,
        THREADS_64: threads(64, 12_800, ours.work, ours.one_at_a_time),
        PEER_64: threads(64, 1_280, peer.work, peer.one_at_a_time),
        COPY_500: lambda: groups(20_000, bare.work, bare.together),
        OURS_500: lambda: groups(20_000, ours.work, ours.together),
    }


def _measure(ways: Mapping[str, Callable[[], float]], times: int) -> Report:
    for way in ways.values():  # connections, plans and files that the first use makes
        way()
    found = rounds(ways, times)
    bars = [
        bar(f"{ours} / {theirs}", found[ours], found[theirs], at_least)
        for ours, theirs, at_least in (
            (OURS_1, BARE_1, 0.7),
            (OURS_8, BARE_8, 1.0),
            (OURS_64, BARE_8, 2.0),
            (OURS_500, COPY_500, 0.3),
            (OURS_64, PEER_64, 8.0),
            (FOREIGN_64, OURS_64, 0.8),
        )
    ]
    rows = [row(name, values, "events/s") for name, values in found.items()]
    return Report("Append, each event durable before its answer", rows, bars)
