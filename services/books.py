"""The read models as they are served, read by connections that can do nothing else."""

import asyncio
import threading
import time
from collections.abc import Callable, Collection
from datetime import datetime
from typing import Final, NamedTuple

import psycopg
from psycopg_pool import ConnectionPool

from projections.base import Connection, Db
from projections.past_of_lot import FoldTheWhole, turn_back
from services.errors import Busy, NotThereYet
from services.read_models import READ_MODELS

#: How long a reader waits for a position before it is told to ask again.
WAIT_SECONDS_MAX: Final = 5.0
WAIT_STEP_SECONDS: Final = 0.01
#: How many readers wait at the same time.
WAITERS_MAX: Final = 200

#: How many fold the past of a lot at the same time.
LOOKING_BACK_MAX: Final = 2

MODELS: Final = ("inventory", "traceability", "income")
_OPTIONS = (
    "-c timezone=UTC -c default_transaction_read_only=on -c default_transaction_isolation=repeatable\\ read"
    " -c jit=off -c search_path=inventory,traceability,income"
)


class NotAtHand(Exception):
    """The books of an earlier position are not at hand; somebody has to ask for them (`services.past`)."""

    def __init__(self, position: int) -> None:
        super().__init__(f"{self.__doc__} ({position})")
        self.position = position


class BusyWithThePast(Busy):
    """Others look back at this moment, and one lot's past is some work."""

    advice = "Ask again in a moment."


class Standing(NamedTuple):
    """Up to where an answer speaks: a position, and when its event was recorded (None for an empty log)."""

    position: int
    recorded_at: datetime | None


class Look(Db):
    """The tables of the read models in one snapshot, and up to where they speak."""

    def __init__(self, connection: Connection, standing: Standing) -> None:
        super().__init__(connection)
        self.standing = standing


class Told[T](NamedTuple):
    """An answer of a read model, and the position it speaks for."""

    answer: T
    standing: Standing


class Books:
    """The served read models of one network. Its methods block, except those that wait."""

    def __init__(self, reader_conninfo: str, connections: int = 8, statement_seconds: float = 20.0) -> None:
        options = f"{_OPTIONS} -c statement_timeout={int(statement_seconds * 1000)}"
        self.pool: ConnectionPool[Connection] = ConnectionPool(
            psycopg.conninfo.make_conninfo(reader_conninfo, options=options, connect_timeout=5),
            min_size=0,
            max_size=connections,
            timeout=10,
            num_workers=1,
            open=False,
        )
        self.pool.open()
        self._waiters = asyncio.Semaphore(WAITERS_MAX)
        self._looking_back = threading.BoundedSemaphore(LOOKING_BACK_MAX)

    def close(self) -> None:
        self.pool.close()

    def ask[T](
        self,
        question: Callable[[Look], T],
        models: Collection[str] = MODELS,
        *,
        as_of: int | datetime | None = None,
        lot: str | None = None,
    ) -> Told[T]:
        """Put a question to the read models in one snapshot; `models` are those whose position the answer states.

        `as_of`: as they stood at an earlier position, or at a moment of the log's clock. A question about one `lot` (or
        the batch of a code) is then answered on the spot, if that is little work. Raises NotAtHand, BusyWithThePast.
        """
        with self.pool.connection() as connection:
            standing = standing_of(connection, models)
            if as_of is None:
                return Told(question(Look(connection, standing)), standing)
            standing, is_there = _look_back(connection, as_of, standing)
            if is_there:
                try:
                    return Told(question(Look(connection, standing)), standing)
                except (psycopg.errors.UndefinedTable, psycopg.errors.InvalidSchemaName) as error:
                    raise NotAtHand(standing.position) from error  # it made room for another one this very moment
        if lot is None:
            raise NotAtHand(standing.position)
        return self._ask_of_lot(question, lot, standing)

    def _ask_of_lot[T](self, question: Callable[[Look], T], lot: str, standing: Standing) -> Told[T]:
        if not self._looking_back.acquire(timeout=WAIT_SECONDS_MAX):
            raise BusyWithThePast(field="as_of")
        try:
            with self.pool.connection() as connection, connection.transaction(force_rollback=True):
                connection.execute("SET TRANSACTION READ WRITE")  # of tables of its own alone: see events/migrate.py
                turn_back(connection, lot, standing.position)
                return Told(question(Look(connection, standing)), standing)
        except FoldTheWhole as error:
            raise NotAtHand(standing.position) from error
        finally:
            self._looking_back.release()

    async def ask_soon[T](
        self,
        question: Callable[[Look], T],
        models: Collection[str] = MODELS,
        *,
        after: int = 0,
        as_of: int | datetime | None = None,
        lot: str | None = None,
    ) -> Told[T]:
        """The same from asyncio, once the read models have reached the position `after`. Raises NotThereYet."""
        if after > 0:
            await self.reach(after, models)
        return await asyncio.to_thread(self.ask, question, models, as_of=as_of, lot=lot)

    async def reach(self, position: int, models: Collection[str] = MODELS) -> None:
        """Wait until the read models hold a position. Raises NotThereYet."""
        deadline = time.monotonic() + WAIT_SECONDS_MAX
        async with self._waiters:
            while (await asyncio.to_thread(self._position, models)) < position:
                if time.monotonic() > deadline:
                    raise NotThereYet(field="after")
                await asyncio.sleep(WAIT_STEP_SECONDS)

    def _position(self, models: Collection[str]) -> int:
        with self.pool.connection() as connection:
            return _slowest(connection, models)


def _slowest(connection: Connection, models: Collection[str]) -> int:
    rows = connection.execute(
        "SELECT c.position FROM projection.serving s JOIN projection.checkpoints c USING (schema)"
        " WHERE s.model = ANY(%s)",
        [list(models)],
    ).fetchall()
    return min((row[0] for row in rows), default=0) if len(rows) == len(set(models)) else 0


def _look_back(connection: Connection, as_of: int | datetime, now: Standing) -> tuple[Standing, bool]:
    """Turn this transaction to the tables of an earlier position, and say whether they are at hand."""
    if isinstance(as_of, datetime):
        [(position,)] = connection.execute("SELECT log.position_at(%s)", [as_of]).fetchall()
    else:
        position = as_of
    if position >= now.position:
        return now, True
    then = Standing(position, _recorded_at(connection, position))
    if not is_at_hand(connection, position):
        return then, False
    # For this transaction only: the connection goes back to the pool.
    schemas = ", ".join(f"scratch_{position}_{model}" for model in MODELS)
    connection.execute("SELECT set_config('search_path', %s, true)", [schemas])
    return then, True


def is_at_hand(connection: Connection, position: int) -> bool:
    """Whether there is a copy of the read models as of a position, made by the folds of this program."""
    row = connection.execute(
        "SELECT count(*) FROM projection.scratch s"
        " JOIN projection.checkpoints c ON c.schema = 'scratch_' || s.position || '_' || c.model"
        " JOIN unnest(%s::text[], %s::int[]) AS ours (model, version) USING (model, version)"
        " WHERE s.position = %s AND s.is_ready",
        [[model.name for model in READ_MODELS], [model.version for model in READ_MODELS], position],
    ).fetchone()
    return row == (len(READ_MODELS),)


def standing_of(connection: Connection, models: Collection[str] = MODELS) -> Standing:
    """The position that all of these models have reached, in this connection's snapshot."""
    position = _slowest(connection, models)
    return Standing(position, _recorded_at(connection, position))


def _recorded_at(connection: Connection, position: int) -> datetime | None:
    row = connection.execute("SELECT recorded_at FROM log.events WHERE position = %s", [position]).fetchone()
    return row[0] if row else None
