"""Folding a long stretch of the log into tables beside those that are served.

Each batch of a model is one transaction with its checkpoint, so a build that is interrupted goes on where it was, and
memory does not grow with the log. Of a short stretch each event is decoded once for all models. Over a long one each
model goes its way in a process of its own and decodes only what it takes: folding is the interpreter's work, and one
interpreter uses one processor.
"""

import gc
import importlib
import logging
import multiprocessing
from collections.abc import Callable, Collection, Iterator, Mapping, Sequence
from concurrent.futures import Future, ThreadPoolExecutor
from contextlib import ExitStack, contextmanager
from dataclasses import replace
from multiprocessing.connection import Connection as Pipe
from multiprocessing.connection import wait
from types import TracebackType
from typing import NamedTuple, Self

import psycopg
from psycopg import sql

from events.group_commit import with_options
from events.store import Log
from projections.base import Connection, ReadModel, create_other_indexes
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
from projections.schemas import OPTIONS, Built, FencedOff, move_checkpoints

logger = logging.getLogger(__name__)

#: Events folded at a time.
BATCH_EVENTS = 20_000
#: From so many events on, starting a process for each model pays.
EVENTS_FOR_PROCESSES = 60_000

#: A new table is looked at closely enough to plan by; how often each value occurs, autovacuum finds out later.
_BUILD_OPTIONS = f"{OPTIONS} -c maintenance_work_mem=128MB -c work_mem=32MB -c default_statistics_target=20"

#: Told the position reached by all models and the position aimed at.
type Progress = Callable[[int, int], None]


class BuildFailed(Exception):
    """A process that folded a model ended before it was done."""


class Build:
    """Several models on their way through the log. Use as a context manager."""

    def __init__(self, conninfo: str, log: Log, models: Mapping[str, ReadModel], into: Sequence[Built]) -> None:
        self._conninfo, self._log = conninfo, log
        self._until = ExitStack()
        self._lanes = [
            self._until.enter_context(_Lane(with_options(conninfo, _BUILD_OPTIONS), models[built.model], built))
            for built in into
        ]

    def __enter__(self) -> Self:
        return self

    def __exit__(
        self, kind: type[BaseException] | None, error: BaseException | None, trace: TracebackType | None
    ) -> None:
        self._until.close()

    @property
    def position(self) -> int:
        """Where the slowest of the models is."""
        return min(lane.built.position for lane in self._lanes)

    def complete(self, upto: int, progress: Progress | None = None, batch_events: int = BATCH_EVENTS) -> None:
        """`advance`, then create what only queries need: of each model as soon as it is there."""
        named = [_name_of(lane.model) for lane in self._lanes]
        if len(named) > 1 and None not in named and upto - self.position >= EVENTS_FOR_PROCESSES:
            self._complete_in_processes([name for name in named if name is not None], upto, progress, batch_events)
        else:
            self.advance(upto, progress, batch_events)
            for lane in self._lanes:
                lane.index()

    def advance(self, upto: int, progress: Progress | None = None, batch_events: int = BATCH_EVENTS) -> None:
        """Fold everything up to a position; committed when this returns."""
        passed = passed_over(lane.model for lane in self._lanes)
        left = self._lanes[0].leaves() if len(self._lanes) == 1 else frozenset()
        with _no_garbage(), _Reading(self._log, passed) as reading:
            while (after := self.position) < upto:
                ahead = min((at for lane in self._lanes if (at := lane.built.position) > after), default=upto)
                batch = reading.batch(_Stretch(after, batch_events, min(ahead, upto), left))
                if batch is None:
                    break
                if batch.upto < upto:
                    reading.begin(_Stretch(batch.upto, batch_events, upto, left))
                for lane in self._lanes:
                    if lane.built.position == after and not lane.fold(batch):
                        # Something in it, or in what was left, is to be parked: everything is read, and looked at.
                        lane.fold_carefully(_whole(self._log, batch, passed))
                        left = lane.leaves()
                if progress is not None:
                    progress(batch.upto, upto)

    def _complete_in_processes(
        self, names: Sequence["_Name"], upto: int, progress: Progress | None, batch_events: int
    ) -> None:
        # The server of forks has the models loaded once, and none of our threads and connections.
        spawn = multiprocessing.get_context("forkserver")
        spawn.set_forkserver_preload(sorted({name.module for name in names}))
        with ExitStack() as until:
            lanes: dict[Pipe, _Lane] = {}
            for name, lane in zip(names, self._lanes, strict=True):
                ours, theirs = spawn.Pipe(duplex=False)
                task = _Task(self._conninfo, name, lane.built, upto, batch_events)
                process = spawn.Process(target=_work, args=(task, theirs), daemon=True)
                process.start()
                theirs.close()
                until.callback(process.join)
                until.callback(process.terminate)
                lanes[until.enter_context(ours)] = lane
            while lanes:
                for pipe in [pipe for pipe in wait(list(lanes)) if isinstance(pipe, Pipe)]:
                    if _told(pipe, lanes[pipe]):
                        del lanes[pipe]
                if progress is not None:
                    progress(self.position, upto)
        for lane in self._lanes:
            lane.look_again()


class _Name(NamedTuple):
    """Where another process finds a model."""

    module: str
    attribute: str


class _Task(NamedTuple):
    """What a process is to do."""

    conninfo: str
    model: _Name
    built: Built
    upto: int
    batch_events: int


def _name_of(model: ReadModel) -> _Name | None:
    """None for a model that is no module's own, as tests make them: it is folded here."""
    module = importlib.import_module(model.fold.__module__)
    for attribute, value in vars(module).items():
        if value is model:
            return _Name(module.__name__, attribute)
    return None


def _work(task: _Task, tell: Pipe) -> None:
    """Fold one model up to a position; tells the positions it reaches, or what went wrong. Runs in its own process."""
    try:
        model: ReadModel = getattr(importlib.import_module(task.model.module), task.model.attribute)
        with (
            Log(task.conninfo, readers=1) as log,
            Build(task.conninfo, log, {model.name: model}, [task.built]) as build,
        ):
            build.complete(task.upto, lambda at, _: tell.send(at), task.batch_events)
            tell.send(None)
    except Exception as error:
        tell.send(error)


def _told(pipe: Pipe, lane: "_Lane") -> bool:
    """Take one message of a process; whether it was its last. Raises what was raised there, BuildFailed."""
    try:
        said = pipe.recv()
    except EOFError:
        raise BuildFailed(f"{BuildFailed.__doc__} ({lane.built.schema})") from None
    if isinstance(said, Exception):
        raise said
    if said is not None:
        lane.built = replace(lane.built, position=said)
    return said is None


@contextmanager
def _no_garbage() -> Iterator[None]:
    """Events are many and make no cycles: looking for garbage among them again and again took a third of a build."""
    was_on = gc.isenabled()
    gc.disable()
    try:
        yield
    finally:
        if was_on:
            gc.enable()


class _Stretch(NamedTuple):
    """What is to be read: the arguments of `read_batch`."""

    after: int
    limit: int
    upto: int
    left: Collection[str]


class _Reading:
    """Reads and decodes the next stretch while the database folds the last one. Use as a context manager."""

    def __init__(self, log: Log, passed: Collection[str]) -> None:
        self._log, self._passed = log, passed
        self._worker = ThreadPoolExecutor(max_workers=1)
        self._begun: tuple[_Stretch, Future[Batch | None]] | None = None

    def __enter__(self) -> Self:
        return self

    def __exit__(
        self, kind: type[BaseException] | None, error: BaseException | None, trace: TracebackType | None
    ) -> None:
        self._worker.shutdown()

    def begin(self, stretch: _Stretch) -> None:
        self._begun = stretch, self._worker.submit(self._read, stretch)

    def batch(self, stretch: _Stretch) -> Batch | None:
        """A stretch, begun or not. Raises what `read_batch` raises."""
        begun, self._begun = self._begun, None
        if begun is not None and begun[0] == stretch:
            return begun[1].result()
        return self._read(stretch)

    def _read(self, stretch: _Stretch) -> Batch | None:
        after, limit, upto, left = stretch
        return read_batch(self._log, after, limit, upto, self._passed, left)


def _whole(log: Log, batch: Batch, passed: Collection[str]) -> Batch:
    """The same batch with everything read and decoded that was left."""
    if batch.left is None:
        return batch
    found = read_batch(log, batch.after, batch.upto - batch.after, batch.upto, passed)
    assert found is not None  # noqa: S101 - it was just there
    return found


class _Lane:
    """One model's way: a connection of its own, and where it is."""

    def __init__(self, conninfo: str, model: ReadModel, built: Built) -> None:
        self.model, self.built = model, built
        self._connection: Connection = psycopg.connect(conninfo, autocommit=True)
        self._parked = parked_streams(self._connection, built.schema)

    def __enter__(self) -> Self:
        return self

    def __exit__(
        self, kind: type[BaseException] | None, error: BaseException | None, trace: TracebackType | None
    ) -> None:
        self._connection.close()

    def leaves(self) -> frozenset[str]:
        """The wire names of events that need not be decoded: none once a stream is parked."""
        return frozenset() if self._parked else frozenset(event.wire_name for event in self.model.in_bulk)

    def fold(self, batch: Batch) -> bool:
        """Fold the next batch, and commit it; False when there is something in it that is to be parked."""
        if needs_care(self.model, batch, self._parked) or not self._fold(batch):
            return False
        self.built = replace(self.built, position=batch.upto)
        return True

    def fold_carefully(self, batch: Batch) -> None:
        """Fold what can be folded of the next batch, park the rest, and commit both."""
        with self._connection.transaction():
            move_checkpoints(self._connection, {self.built.schema: batch.after}, batch.upto)
            fold_and_park(self._connection, self.model, self.built.schema, batch, self._parked)
        self.built = replace(self.built, position=batch.upto)

    def _fold(self, batch: Batch) -> bool:
        try:
            with self._connection.transaction():
                move_checkpoints(self._connection, {self.built.schema: batch.after}, batch.upto)
                fold_batch(self._connection, self.model, self.built.schema, batch)
        except BaseException as error:
            if is_outage(error) or isinstance(error, FencedOff):
                raise
            logger.warning(
                "%s cannot take %d to %d at once", self.built.schema, batch.after + 1, batch.upto, exc_info=error
            )
            return False
        return True

    def look_again(self) -> None:
        """Another process went on in this schema."""
        self._parked = parked_streams(self._connection, self.built.schema)

    def index(self) -> None:
        """Create what only queries need, and let the planner know the tables."""
        create_other_indexes(self._connection, self.model, self.built.schema)
        for name in sorted(self.model.tables.tables):
            self._connection.execute(sql.SQL("ANALYZE {}").format(sql.Identifier(name)))
