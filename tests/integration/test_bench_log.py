"""The log that `make bench` measures with is of the demonstration's mix, can be written, and is built from anew."""

import gc
from collections import Counter
from collections.abc import Iterator
from contextlib import closing, contextmanager

import psycopg

from events.store import Log
from projections.base import Connection, ReadModel
from projections.building import Build
from projections.digest import differing, digests
from projections.runner import Projector
from projections.schemas import OPTIONS, named_schema, serving
from services.read_models import READ_MODELS
from tests.bench.demo_log import DemoLog
from tests.servers import LogDatabase

EVENTS = 12_000
BATCH_EVENTS = 3_000


@contextmanager
def kept_garbage() -> Iterator[Counter[str]]:
    """What of ours is still there at the end though nothing refers to it but itself, by class."""
    found: Counter[str] = Counter()
    gc.collect()
    gc.disable()
    try:
        yield found
        gc.set_debug(gc.DEBUG_SAVEALL)
        gc.collect()
        found.update(type(one).__name__ for one in gc.garbage if type(one).__module__.startswith("projections"))
    finally:
        gc.set_debug(0)
        gc.garbage.clear()
        gc.enable()


def assert_built_alike(database: LogDatabase, log: Log, books: Connection, model: ReadModel) -> None:
    """A build of many batches makes what is served, and what it made for a batch is free when that is folded."""
    built = named_schema(books, model, f"built_{model.name}")
    with kept_garbage() as kept, Build(database.projector, log, {model.name: model}, [built]) as build:
        build.advance(EVENTS, batch_events=BATCH_EVENTS)

    assert kept == Counter()
    served = digests(books, model, serving(books)[model.name].schema)
    assert differing(served, digests(books, model, built.schema)) == []


def test_the_log_of_the_bench_holds_what_was_asked_for_and_is_folded_whole(log_database: LogDatabase) -> None:
    path = "-c search_path=inventory,traceability,income"
    with (
        Log(log_database.writer) as log,
        closing(Projector(log_database.projector, log, READ_MODELS)) as served,
        psycopg.connect(log_database.projector, autocommit=True, options=f"{OPTIONS} {path}") as books,
    ):
        served.prepare()
        DemoLog(log, served, books, EVENTS).write(1)

        assert served.drain() == EVENTS
        parked = books.execute("SELECT count(*) FROM projection.parked").fetchone()
        closed = books.execute("SELECT count(*) > 0 FROM income_periods").fetchone()
        certified = books.execute(
            "SELECT count(*) > 0 FROM trace_certificate_steps WHERE kind = 'certified'"
        ).fetchone()
        for model in READ_MODELS:
            assert_built_alike(log_database, log, books, model)

    assert (parked, closed, certified) == ((0,), (True,), (True,))
