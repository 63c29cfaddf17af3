"""Folding a long stretch of the log: decoded once for several models, written while the next model folds.

Each model has a connection and a writing thread of its own, and each batch of a model is one transaction with its
checkpoint, so a build that is interrupted goes on where it was, and memory does not grow with the log.
"""

import gc
import queue
import threading
from collections.abc import Callable, Collection, Iterator, Mapping, Sequence
from contextlib import ExitStack, contextmanager
from types import TracebackType
from typing import Any, Self

import psycopg
import sqlalchemy as sa
from psycopg import sql

from events.group_commit import with_options
from events.store import Log
from projections.base import Connection, Db, ReadModel, Row, create_other_indexes, use_schema
from projections.folding import Batch, fold_and_park, is_outage, needs_care, parked_streams, read_batch
from projections.schemas import OPTIONS, Built, move_checkpoints

#: Events decoded and folded at a time.
BATCH_EVENTS = 20_000

_BUILD_OPTIONS = f"{OPTIONS} -c maintenance_work_mem=128MB -c work_mem=32MB"

#: Told the position reached and the position aimed at.
type Progress = Callable[[int, int], None]


class Build:
    """Several models on their way through the log together. Use as a context manager."""

    def __init__(self, conninfo: str, log: Log, models: Mapping[str, ReadModel], into: Sequence[Built]) -> None:
        self._log = log
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
        return min(lane.position for lane in self._lanes)

    def advance(self, upto: int, progress: Progress | None = None, batch_events: int = BATCH_EVENTS) -> None:
        """Fold everything up to a position; committed when this returns."""
        with _collecting_less():
            while (after := self.position) < upto:
                ahead = min((lane.position for lane in self._lanes if lane.position > after), default=upto)
                batch = read_batch(self._log, after, batch_events, min(ahead, upto))
                if batch is None:
                    break
                for lane in self._lanes:
                    if lane.position == after:
                        lane.fold(batch)
                if progress is not None:
                    progress(batch.upto, upto)
            for lane in self._lanes:
                lane.finish()

    def index(self) -> None:
        """Create what only queries need, and let the planner know the tables."""
        for lane in self._lanes:
            lane.index()


@contextmanager
def _collecting_less() -> Iterator[None]:
    """Events are many and make no cycles: looking for garbage among them after every few hundred is time lost."""
    before = gc.get_threshold()
    gc.set_threshold(200_000, 50, 1_000)
    try:
        yield
    finally:
        gc.set_threshold(*before)


class _Lane:
    """One model's way: its fold runs here, its writes in a thread, behind each other."""

    def __init__(self, conninfo: str, model: ReadModel, built: Built) -> None:
        self._model, self._schema, self.position = model, built.schema, built.position
        self._connection: Connection = psycopg.connect(conninfo)
        self._parked = parked_streams(self._connection, built.schema)
        self._connection.commit()
        self._writer = _Writer()
        self._unfinished: Batch | None = None

    def __enter__(self) -> Self:
        return self

    def __exit__(
        self, kind: type[BaseException] | None, error: BaseException | None, trace: TracebackType | None
    ) -> None:
        self._writer.close()
        self._connection.close()

    def fold(self, batch: Batch) -> None:
        """Fold a batch; what it wrote may still be on its way when this returns, and is committed by the next call."""
        self.finish()
        self._unfinished, self.position = batch, batch.upto
        if needs_care(self._model, batch, self._parked):
            self._fold_with_care(batch)
            return
        try:
            self._begin(batch)
            taken = batch.taken_by(self._model)
            if taken:
                self._model.fold(taken, _LaterDb(self._connection, self._writer))
            self._writer.do(self._connection.commit)
        except BaseException as error:
            if is_outage(error):
                raise
            self._fold_with_care(batch)

    def finish(self) -> None:
        """Wait until the batch before is committed; if writing it failed, fold it again with care."""
        batch = self._unfinished
        if batch is None:
            return
        try:
            self._writer.wait()
        except BaseException as error:
            if is_outage(error):
                raise
            self._fold_with_care(batch)
        self._unfinished = None

    def index(self) -> None:
        create_other_indexes(self._connection, self._model, self._schema)
        for name in sorted(self._model.tables.tables):
            self._connection.execute(sql.SQL("ANALYZE {}").format(sql.Identifier(name)))
        self._connection.commit()

    def _begin(self, batch: Batch) -> None:
        move_checkpoints(self._connection, {self._schema: batch.after}, batch.upto)
        use_schema(self._connection, self._schema)

    def _fold_with_care(self, batch: Batch) -> None:
        self._writer.forget()
        self._connection.rollback()
        self._begin(batch)
        fold_and_park(self._connection, self._model, self._schema, batch, self._parked)
        self._connection.commit()


class _LaterDb(Db):
    """Reads at once, when all writes before are done; writes in the lane's thread."""

    def __init__(self, connection: Connection, writer: "_Writer") -> None:
        super().__init__(connection)
        self._writer = writer

    def rows(self, statement: str, params: Sequence[Any] | Mapping[str, Any] = ()) -> list[Row]:
        self._writer.wait()
        return super().rows(statement, params)

    def execute(self, statement: str, params: Sequence[Any] | Mapping[str, Any] = ()) -> int:
        self._writer.wait()
        return super().execute(statement, params)

    def by_key(self, table: sa.Table, keys: Collection[Any]) -> dict[Any, Row]:
        if not keys:
            return {}
        self._writer.wait()
        return super().by_key(table, keys)

    def where_in(self, table: sa.Table, column: str, values: Collection[Any]) -> list[Row]:
        if not values:
            return []
        self._writer.wait()
        return super().where_in(table, column, values)

    def copy_in(self, table: sa.Table, rows: Collection[Row]) -> None:
        write, kept = super().copy_in, list(rows)
        self._writer.do(lambda: write(table, kept))

    def upsert(self, table: sa.Table, rows: Collection[Row]) -> None:
        write, kept = super().upsert, list(rows)
        self._writer.do(lambda: write(table, kept))

    def add(self, table: sa.Table, rows: Collection[Row]) -> None:
        write, kept = super().add, list(rows)
        self._writer.do(lambda: write(table, kept))

    def delete(self, table: sa.Table, keys: Collection[Any]) -> None:
        remove, kept = super().delete, list(keys)
        self._writer.do(lambda: remove(table, kept))


class _Writer:
    """A thread that does what it is given, in order; after a failure nothing more, until that was looked at."""

    def __init__(self) -> None:
        # One batch of one model hands over a few dozen writes; the bound only says that it cannot be without end.
        self._work: queue.Queue[Callable[[], object] | None] = queue.Queue(maxsize=1_000)
        self._error: BaseException | None = None
        self._thread = threading.Thread(target=self._run, name="build-writer", daemon=True)
        self._thread.start()

    def do(self, work: Callable[[], object]) -> None:
        self._work.put(work)

    def wait(self) -> None:
        """Wait for everything given so far. Raises what failed."""
        self._work.join()
        if self._error is not None:
            error, self._error = self._error, None
            raise error

    def forget(self) -> None:
        """Wait, and take no notice of a failure."""
        self._work.join()
        self._error = None

    def close(self) -> None:
        self._work.put(None)
        self._thread.join()

    def _run(self) -> None:
        while (work := self._work.get()) is not None:
            if self._error is None:
                try:
                    work()
                except BaseException as error:
                    self._error = error
            self._work.task_done()
