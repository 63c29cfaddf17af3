"""From accepted to visible: 200 sales a second come at random moments; when does each stand in every read model?

The whole way without HTTP: append (accepted when durable), notification, relay, broker, projector, one transaction of
rows and checkpoint, and a reader's connection that sees it. All processes and both servers share this machine.
"""

import asyncio
import random
import statistics
import threading
import time
from dataclasses import dataclass, field
from datetime import UTC, datetime
from pathlib import Path

import psycopg

from events.catalogue.base import Event
from events.store import Append, Appended, Log
from services.settings import Settings
from services.up import Supervisor
from tests import make
from tests.bench.append import a_sale
from tests.bench.measure import Bar, Report, row, uuid7
from tests.histories import prologue

RATE_PER_SECOND = 200.0
SECONDS = 8.0
#: The first moments of a run warm connections and plans and are not counted.
WARM_SECONDS = 1.0
P50_MS_MAX, P99_MS_MAX = 15.0, 60.0

_VISIBLE = """
    SELECT min(c.position) FROM projection.serving s JOIN projection.checkpoints c USING (schema)
"""
_SALES = "SELECT count(DISTINCT position) FROM income.income_lines WHERE position = ANY(%s)"


@dataclass
class Watch:
    """A reader that looks up to where the slowest read model has come, all the time."""

    conninfo: str
    stopping: threading.Event = field(default_factory=threading.Event)
    seen: list[tuple[float, int]] = field(default_factory=list)

    def look(self) -> None:
        with psycopg.connect(self.conninfo, autocommit=True) as connection:
            last = 0
            while not self.stopping.is_set():
                [position] = connection.execute(_VISIBLE, prepare=True).fetchone() or (0,)
                if position != last:
                    self.seen.append((time.perf_counter(), position))
                    last = position
                time.sleep(0.0007)

    def visible_at(self, positions: dict[int, float]) -> list[float]:
        """For each accepted position the seconds until it was seen, in order."""
        waits, looks = [], iter(self.seen)
        at, reached = next(looks, (0.0, 0))
        for position, accepted in sorted(positions.items()):
            while reached < position:
                at, reached = next(looks)
            waits.append(at - accepted)
        return waits


def request(number: int, run: int, event: Event | None = None) -> Append:
    sale = a_sale(number).model_copy(update={"sale": f"sale-{run}-{number}"})
    told = event or sale
    return Append(
        request_id=uuid7(),
        request_hash=number.to_bytes(32, "big"),
        stream=told.stream(),
        expected_version=None,
        actor="till/bench",
        occurred_at=datetime.now(UTC),
        events=(told,),
    )


async def arrivals(log: Log, run: int, seconds: float) -> dict[int, float]:
    """Open loop: sales come whether or not the earlier ones are through. Position to moment of acceptance."""
    chance = random.Random(run)  # noqa: S311 - repeatable, not secret
    accepted: dict[int, float] = {}
    tasks: list[asyncio.Task[None]] = []

    async def sell(number: int, counted: bool) -> None:
        [outcome] = await log.append_soon([request(number, run)])
        assert isinstance(outcome, Appended)
        if counted:
            accepted[outcome.first_position] = time.perf_counter()

    begun = due = time.perf_counter()
    while due < begun + seconds + WARM_SECONDS:
        due += chance.expovariate(RATE_PER_SECOND)
        await asyncio.sleep(max(0.0, due - time.perf_counter()))
        tasks.append(asyncio.create_task(sell(len(tasks), due > begun + WARM_SECONDS)))
    await asyncio.gather(*tasks)
    return accepted


def one_run(settings: Settings, run: int, seconds: float) -> list[float]:
    """The waits of one run, in milliseconds, sorted."""
    watch = Watch(settings.database_for("reader"))
    looking = threading.Thread(target=watch.look, daemon=True)
    looking.start()
    with Log(settings.database_for("writer")) as log:
        accepted = asyncio.run(arrivals(log, run, seconds))
        head = log.head().position
    deadline = time.monotonic() + 60
    while not watch.seen or watch.seen[-1][1] < head:
        assert time.monotonic() < deadline, "the read models do not follow"
        time.sleep(0.01)
    watch.stopping.set()
    looking.join()
    with psycopg.connect(settings.database_for("reader")) as connection:
        assert connection.execute(_SALES, [list(accepted)]).fetchone() == (len(accepted),), "a sale is not in the books"
    return sorted(1000 * wait for wait in watch.visible_at(accepted))


def run(directory: Path, times: int = 5, share: float = 1.0) -> Report:
    """The median over `times` runs of p50 and p99; `share` shortens the runs."""
    supervisor = Supervisor(Settings(data_dir=directory / "latency", port=0))
    try:
        supervisor.start()
        supervisor.wait_ready()
        with Log(supervisor.resolved.database_for("writer")) as log:
            log.append([request(n, 0, event) for n, event in enumerate((*prologue(), make.price_set()))])
        waits = [one_run(supervisor.resolved, n + 1, max(2.0, SECONDS * share)) for n in range(times)]
    finally:
        supervisor.stop()
    p50 = [statistics.median(each) for each in waits]
    p99 = [each[int(len(each) * 0.99)] for each in waits]
    rows = [row("p50", p50, "ms"), row("p99", p99, "ms"), row("longest", [each[-1] for each in waits], "ms")]
    bars = [
        Bar(f"{P50_MS_MAX:g} ms / p50", P50_MS_MAX / statistics.median(p50), 1.0),
        Bar(f"{P99_MS_MAX:g} ms / p99", P99_MS_MAX / statistics.median(p99), 1.0),
    ]
    return Report(f"From accepted to visible in all read models, {RATE_PER_SECOND:g} sales a second", rows, bars)
