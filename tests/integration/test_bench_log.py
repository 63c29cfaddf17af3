"""The log that `make bench` measures with is of the demonstration's mix, and can be written."""

from contextlib import closing

import psycopg

from events.store import Log
from projections.runner import Projector
from projections.schemas import OPTIONS
from services.read_models import READ_MODELS
from tests.bench.demo_log import DemoLog
from tests.servers import LogDatabase

EVENTS = 12_000


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

    assert (parked, closed, certified) == ((0,), (True,), (True,))
