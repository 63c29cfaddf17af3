"""Rebuilding the three read models from a log of the demonstration's mix, beside two things measured on the same log.

The limit: a client that fetches every leaf and parses its JSON, and does nothing with it. The peer: the projection
runner of the `eventsourcing` library keeping one running sum of sales, one event a transaction, as it is documented; on
fewer events, as it would take half an hour for all.
"""

import json
import os
import resource
import time
from collections.abc import Sequence
from contextlib import ExitStack, closing, suppress
from pathlib import Path
from typing import Any

import psycopg
from psycopg.conninfo import conninfo_to_dict

from events.migrate import PROJECTOR, WRITER, login, migrate
from events.store import Log
from projections import schemas
from projections.base import Connection
from projections.building import EVENTS_FOR_PROCESSES, Build
from projections.digest import differing, digests
from projections.runner import Projector
from projections.schemas import OPTIONS
from services.embedded import EmbeddedPostgres
from services.read_models import READ_MODELS
from tests.bench.demo_log import DemoLog
from tests.bench.measure import Bar, Report, bar, rounds, row
from tests.bench.peer_projection import run_projection

EVENTS = 1_000_000
#: The demonstration at its own size has some 210,000 events.
EVENTS_PER_SCALE = 200_000
PEER_EVENTS = 4_000
AT_LEAST_OF_PARSING = 0.35
AT_LEAST_OF_PEER = 10.0
#: The most memory ever held against the most that was held in the first third.
MEMORY_GROWTH_MAX = 1.25

_WRITER, _PROJECTOR = "bench_writer", "bench_projector"


def parse_everything(conninfo: str, events: int) -> float:
    """Events a second of a server-side cursor whose client parses each leaf."""
    begun, seen = time.perf_counter(), 0
    with psycopg.connect(conninfo) as connection, connection.cursor(name="leaves", binary=True) as cursor:
        cursor.itersize = 5_000
        cursor.execute("SELECT position, leaf FROM log.events ORDER BY position")
        for _, leaf in cursor:
            json.loads(leaf)
            seen += 1
    if seen != events:
        raise ValueError(f"{seen} events instead of {events}")
    return seen / (time.perf_counter() - begun)


class Rebuilds:
    """Builds all three read models anew, each time into schemas that are thrown away after."""

    def __init__(self, conninfo: str, log: Log) -> None:
        self._conninfo, self._log = conninfo, log
        self.megabytes: list[float] = []
        self.digests: dict[str, dict[str, str]] = {}

    def once(self, upto: int) -> float:
        """Events a second, from empty tables to indexed ones; table creation and indexes are part of it."""
        by_name = {model.name: model for model in READ_MODELS}
        names = {model.name: f"bench_{model.name}" for model in READ_MODELS}
        with closing(psycopg.connect(self._conninfo, autocommit=True, options=OPTIONS)) as connection:
            begun = time.perf_counter()
            with connection.transaction():
                fresh = [schemas.named_schema(connection, model, names[model.name]) for model in READ_MODELS]
            with Build(self._conninfo, self._log, by_name, fresh) as build:
                build.complete(upto, self._look)
            seconds = time.perf_counter() - begun
            self.digests = {name: digests(connection, by_name[name], schema) for name, schema in names.items()}
            for schema in names.values():
                schemas.drop(connection, schema)
        return upto / seconds

    def _look(self, _at: int, _of: int) -> None:
        self.megabytes.append(resident_megabytes())


def resident_megabytes() -> float:
    """What this process and those it started hold in memory just now."""
    children = Path(f"/proc/self/task/{os.getpid()}/children").read_text().split()
    pages = 0
    for process in ("self", *children):
        with suppress(FileNotFoundError, ProcessLookupError):
            pages += int(Path(f"/proc/{process}/statm").read_text().split()[1])
    return pages * resource.getpagesize() / 1_000_000


def peer_rate(server: EmbeddedPostgres, database: str, events: int) -> float:
    """Events a second of the peer's projection into one row of sums."""
    with psycopg.connect(server.url(), autocommit=True) as connection:
        connection.execute(f"DROP DATABASE IF EXISTS {database} WITH (FORCE)")
        connection.execute(f"CREATE DATABASE {database}")
    given = conninfo_to_dict(server.url(database=database))
    return run_projection({name: str(value) for name, value in given.items() if value is not None}, events)


def run(directory: Path, times: int = 5, share: float = 1.0) -> Report:
    """Write the log once, then measure in rounds; `share` is the part of EVENTS to do it with."""
    events = max(int(EVENTS * share), 2 * EVENTS_FOR_PROCESSES)
    with ExitStack() as until:
        server = EmbeddedPostgres(directory / "postgres")
        until.callback(server.stop)
        server.start()
        writer, projector = _prepare(server)
        log = until.enter_context(Log(writer))
        served = Projector(projector, log, READ_MODELS)
        until.callback(served.close)
        served.prepare()
        with _books(projector) as books:
            DemoLog(log, served, books, events).write(-(-events // EVENTS_PER_SCALE))
        written = served.drain()
        live = _served_digests(projector)
        rebuilds = Rebuilds(projector, log)
        ways = {
            "parse": lambda: parse_everything(projector, written),
            "rebuild": lambda: rebuilds.once(written),
            "peer": lambda: peer_rate(server, "peer", PEER_EVENTS),
        }
        found = rounds(ways, times)
        wrong = [table for name in live for table in differing(live[name], rebuilds.digests[name])]
    return _report(found, rebuilds.megabytes, wrong, written)


def _report(found: dict[str, list[float]], megabytes: Sequence[float], wrong: Sequence[str], events: int) -> Report:
    note = f"differs from what was served: {', '.join(wrong)}" if wrong else "equal to what was served, by digest"
    # Memory rises while the first batches come in; after a third of the way it should stand still.
    steady = max(megabytes[: len(megabytes) // 3], default=1.0)
    return Report(
        f"rebuild of all three read models, {events:,} events",
        [
            row("client cursor that only parses", found["parse"], "events/s"),
            row("rebuild of inventory, traceability, income", found["rebuild"], "events/s", note),
            row("peer's projection of one sum", found["peer"], "events/s", f"{PEER_EVENTS:,} events"),
            row("memory of the rebuild", megabytes or [0.0], "MB"),
        ],
        [
            bar("rebuild / parsing", found["rebuild"], found["parse"], AT_LEAST_OF_PARSING),
            bar("rebuild / peer", found["rebuild"], found["peer"], AT_LEAST_OF_PEER),
            Bar("memory in the first third / at most", steady / max(megabytes, default=1.0), 1 / MEMORY_GROWTH_MAX),
            Bar("tables that are equal", 0.0 if wrong else 1.0, 1.0),
        ],
    )


def _prepare(server: EmbeddedPostgres) -> tuple[str, str]:
    with psycopg.connect(server.url(), autocommit=True) as connection:
        connection.execute("CREATE DATABASE bench")
    admin = server.url(database="bench")
    migrate(admin)
    for name, role in ((_WRITER, WRITER), (_PROJECTOR, PROJECTOR)):
        login(admin, name, role, server.password(name))
    return server.url(_WRITER, "bench"), server.url(_PROJECTOR, "bench")


def _books(conninfo: str) -> Connection:
    path = "-c search_path=inventory,traceability,income"
    return psycopg.connect(conninfo, autocommit=True, options=f"{OPTIONS} {path}")


def _served_digests(conninfo: str) -> dict[str, dict[str, str]]:
    with closing(psycopg.connect(conninfo, autocommit=True, options=OPTIONS)) as connection:
        served: dict[str, Any] = schemas.serving(connection)
        return {model.name: digests(connection, model, served[model.name].schema) for model in READ_MODELS}
