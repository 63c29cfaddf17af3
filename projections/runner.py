"""The projector: reads on in the log and folds each contiguous batch into the served read models.

A batch is one transaction that moves the checkpoints and writes the rows. News from the broker only wakes the loop; it
looks for itself every second as well, so a silent broker costs a moment and never data.
"""

import asyncio
import contextlib
import logging
import time
from collections.abc import AsyncIterator, Callable, Sequence
from dataclasses import dataclass
from typing import Protocol

import psycopg

from events.appends import LogUnavailable
from events.bell import Bell
from events.group_commit import with_options
from events.store import Log
from projections import schemas
from projections.base import Connection, ReadModel
from projections.folding import (
    Batch,
    fold_and_park,
    fold_batch,
    is_outage,
    needs_care,
    parked_streams,
    passed_over,
    read_batch,
)
from projections.rebuild import rebuild
from projections.schemas import OPTIONS, Built, FencedOff, move_checkpoints

logger = logging.getLogger(__name__)

#: Events in one transaction when the projector is behind.
BATCH_EVENTS_MAX = 5_000
#: When so many came while the last batch was folded, many are coming: a little later they are folded for half the work.
CROWD_EVENTS = 200
CROWD_SECONDS = 0.05
#: How long the projector waits for news before it looks for itself.
POLL_SECONDS = 1.0
#: How long it waits when the database or another projector stands in its way.
RETRY_SECONDS = 0.5


class Projector:
    """Keeps the served read models of one process up with the log. Used by one thread at a time."""

    def __init__(
        self,
        conninfo: str,
        log: Log,
        models: Sequence[ReadModel],
        *,
        batch_events: int = BATCH_EVENTS_MAX,
        pause: Callable[[float], None] = time.sleep,
    ) -> None:
        self._pause = pause
        self._conninfo = with_options(conninfo, OPTIONS)
        self._log = log
        self._models = {model.name: model for model in models}
        self._batch_events = batch_events
        self._passed = passed_over(models)
        self._connection: Connection | None = None
        #: By schema, what was parked when its checkpoint was where we know it to be.
        self._parked: dict[str, dict[str, int]] = {}
        self._known_at: dict[str, int] = {}

    def close(self) -> None:
        if self._connection is not None:
            self._connection.close()
            self._connection = None

    def prepare(self) -> list[ReadModel]:
        """Create the tables of new models; those whose served version is another one than ours are returned.

        What is served of those stays in service, and stands still, until it is rebuilt.
        """
        connection = self._connect()
        schemas.prepare(connection, list(self._models.values()))
        served = schemas.serving(connection)
        return [model for model in self._models.values() if served[model.name].version != model.version]

    def drain(self, upto: int | None = None) -> int:
        """Fold everything that the log holds (up to a position); the position that all served models then are at.

        Raises what the database raises when it is away, and FencedOff when another projector works at the same time.
        """
        while True:
            served = self._served()
            if not served:
                return 0
            behind = min(built.position for built in served)
            if upto is not None and behind >= upto:
                return behind
            # Models at different positions are first brought to the same one.
            ahead = min((built.position for built in served if built.position > behind), default=upto)
            batch = read_batch(self._log, behind, self._batch_events, ahead, self._passed)
            if batch is None:
                return behind
            self._fold([built for built in served if built.position == behind], batch)
            if CROWD_EVENTS <= batch.upto - behind < self._batch_events:
                self._pause(CROWD_SECONDS)

    def _served(self) -> list[Built]:
        connection = self._connect()
        served = schemas.serving(connection).values()
        ours = [built for built in served if built.model in self._models]
        for built in ours:
            if self._known_at.get(built.schema) != built.position:  # new to us, or another projector went on from there
                self._parked[built.schema] = parked_streams(connection, built.schema)
                self._known_at[built.schema] = built.position
        return [built for built in ours if built.version == self._models[built.model].version]

    def _fold(self, into: Sequence[Built], batch: Batch) -> None:
        connection = self._connect()
        parked = {built.schema: self._parked[built.schema] for built in into}
        careful = any(needs_care(self._models[built.model], batch, parked[built.schema]) for built in into)
        if not careful:
            try:
                with connection.transaction():
                    move_checkpoints(connection, {built.schema: built.position for built in into}, batch.upto)
                    for built in into:
                        fold_batch(connection, self._models[built.model], built.schema, batch)
                self._known_at |= {built.schema: batch.upto for built in into}
                return
            except BaseException as error:
                if is_outage(error) or isinstance(error, FencedOff):
                    raise
        with connection.transaction():
            move_checkpoints(connection, {built.schema: built.position for built in into}, batch.upto)
            found = {schema: dict(streams) for schema, streams in parked.items()}
            for built in into:
                fold_and_park(connection, self._models[built.model], built.schema, batch, found[built.schema])
        self._parked.update(found)
        self._known_at |= {built.schema: batch.upto for built in into}

    def _connect(self) -> Connection:
        if self._connection is None or self._connection.closed or self._connection.broken:
            self._connection = psycopg.connect(self._conninfo, autocommit=True)
            self._known_at = {}
        return self._connection


@dataclass(frozen=True, slots=True)
class Lag:
    """How far the served read models are behind the log, and what they could not take."""

    head: int
    positions: dict[str, int]  #: the checkpoint of each served model
    seconds: float  #: since the oldest event that some model has not folded was recorded; 0 when there is none
    parked: dict[str, int]  #: events that a model does not hold

    @property
    def events(self) -> int:
        """By how many positions the slowest model is behind."""
        return self.head - min(self.positions.values(), default=0)


def lag(connection: Connection) -> Lag:
    """The lag as of now, in one statement; for readiness, metrics and pages."""
    rows = connection.execute(
        """
        SELECT s.model, c.position,
               (SELECT count(*) FROM projection.parked p WHERE p.schema = s.schema),
               (SELECT position FROM log.events ORDER BY position DESC LIMIT 1),
               (SELECT extract(epoch FROM clock_timestamp() - e.recorded_at)::float8
                FROM log.events e WHERE e.position = c.position + 1)
        FROM projection.serving s JOIN projection.checkpoints c USING (schema)
        """
    ).fetchall()
    return Lag(
        head=max((row[3] or 0 for row in rows), default=0),
        positions={row[0]: row[1] for row in rows},
        seconds=max((max(row[4] or 0.0, 0.0) for row in rows), default=0.0),
        parked={row[0]: row[2] for row in rows if row[2]},
    )


class Wakes(Protocol):
    """What wakes the loop."""

    async def wait(self, seconds: float) -> bool: ...
    async def committed(self, position: int) -> None: ...


class _Notified:
    """Woken by the log's own NOTIFY, where there is no broker."""

    def __init__(self, log: Log) -> None:
        self._log = log
        self._news = asyncio.Event()

    async def listen(self) -> None:
        async for _ in self._log.listen_soon(0):
            self._news.set()

    async def wait(self, seconds: float) -> bool:
        with contextlib.suppress(TimeoutError):
            await asyncio.wait_for(self._news.wait(), seconds)
        rang = self._news.is_set()
        self._news.clear()
        return rang

    async def committed(self, position: int) -> None:
        """Nobody waits for an acknowledgement."""


@contextlib.asynccontextmanager
async def _wakes(log: Log, nats_url: str | None, committed: int) -> AsyncIterator[Wakes]:
    if nats_url is not None:
        async with Bell(nats_url, committed=committed) as bell:
            yield bell
        return
    notified = _Notified(log)
    listening = asyncio.create_task(notified.listen())
    try:
        yield notified
    finally:
        listening.cancel()


async def run_projector(
    conninfo: str, nats_url: str | None, models: Sequence[ReadModel], stop: asyncio.Event | None = None
) -> None:
    """Keep the read models up with the log until `stop` is set or the task is cancelled.

    A model whose version changed is built anew beside what is served, then switched. Outlives the absence of the
    database and of the broker; a second projector beside this one waits and takes over.
    """
    stop = stop or asyncio.Event()
    with Log(conninfo) as log:
        projector = Projector(conninfo, log, models)
        try:
            await _retrying(stop, lambda: _bring_up(projector, conninfo, log))
            position = await _retrying(stop, projector.drain)
            async with _wakes(log, nats_url, position or 0) as wakes:
                while not stop.is_set():
                    if position is not None:
                        await wakes.committed(position)
                    await wakes.wait(POLL_SECONDS)
                    position = await _retrying(stop, projector.drain)
        finally:
            projector.close()


def _bring_up(projector: Projector, conninfo: str, log: Log) -> int:
    outdated = projector.prepare()
    if outdated:
        logger.warning("rebuilding %s for their new versions", ", ".join(model.name for model in outdated))
        rebuild(conninfo, log, outdated)
    return 0


class _Work(Protocol):
    def __call__(self) -> int: ...


async def _retrying(stop: asyncio.Event, work: _Work) -> int | None:
    """Do the work in a thread of its own, again until the servers let it be done; None when told to stop."""
    while not stop.is_set():
        try:
            return await _in_thread(work)
        except (psycopg.OperationalError, psycopg.InterfaceError, LogUnavailable, FencedOff) as error:
            logger.warning("projector: %s", error)
            with contextlib.suppress(TimeoutError):
                await asyncio.wait_for(stop.wait(), RETRY_SECONDS)
    return None


async def _in_thread(work: _Work) -> int:
    """Like asyncio.to_thread, but a cancelled caller still waits for the batch under way to end."""
    done: asyncio.Future[int] = asyncio.get_running_loop().run_in_executor(None, work)
    try:
        return await asyncio.shield(done)
    except asyncio.CancelledError:
        with contextlib.suppress(Exception):
            await done
        raise
