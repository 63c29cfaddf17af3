"""The read models as they are served, read by connections that can do nothing else."""

import asyncio
import time
from collections.abc import Callable, Collection
from datetime import datetime
from typing import Final, NamedTuple

import psycopg
from psycopg_pool import ConnectionPool

from projections.base import Connection, Db
from services.errors import NotBuiltHere, NotThereYet

#: How long a reader waits for a position before it is told to ask again.
WAIT_SECONDS_MAX: Final = 5.0
WAIT_STEP_SECONDS: Final = 0.01
#: How many readers wait at the same time.
WAITERS_MAX: Final = 200

MODELS: Final = ("inventory", "traceability", "income")
_OPTIONS = (
    "-c timezone=UTC -c default_transaction_read_only=on -c default_transaction_isolation=repeatable\\ read"
    " -c jit=off -c statement_timeout=20s -c search_path=inventory,traceability,income"
)


class AsOfNotBuilt(NotBuiltHere):
    """The books of that position are not at hand on this server."""

    advice = "Build them with `ovop replay --as-of <position or time>`; the latest three stay at hand."


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

    def __init__(self, reader_conninfo: str, connections: int = 8) -> None:
        self.pool: ConnectionPool[Connection] = ConnectionPool(
            psycopg.conninfo.make_conninfo(reader_conninfo, options=_OPTIONS, connect_timeout=5),
            min_size=0,
            max_size=connections,
            timeout=10,
            num_workers=1,
            open=False,
        )
        self.pool.open()
        self._waiters = asyncio.Semaphore(WAITERS_MAX)

    def close(self) -> None:
        self.pool.close()

    def ask[T](
        self, question: Callable[[Look], T], models: Collection[str] = MODELS, *, as_of: int | datetime | None = None
    ) -> Told[T]:
        """Put a question to the read models in one snapshot; `models` are those whose position the answer states.

        `as_of`: as they stood at an earlier position, or at a moment of the log's clock. Raises AsOfNotBuilt.
        """
        with self.pool.connection() as connection:
            standing = standing_of(connection, models)
            if as_of is not None:
                standing = _look_back(connection, as_of, standing)
            return Told(question(Look(connection, standing)), standing)

    async def ask_soon[T](
        self,
        question: Callable[[Look], T],
        models: Collection[str] = MODELS,
        *,
        after: int = 0,
        as_of: int | datetime | None = None,
    ) -> Told[T]:
        """The same from asyncio, once the read models have reached the position `after`. Raises NotThereYet."""
        if after > 0:
            await self.reach(after, models)
        return await asyncio.to_thread(self.ask, question, models, as_of=as_of)

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


def _look_back(connection: Connection, as_of: int | datetime, now: Standing) -> Standing:
    """Turn this transaction to the tables of an earlier position, if they are at hand."""
    if isinstance(as_of, datetime):
        [(position,)] = connection.execute("SELECT log.position_at(%s)", [as_of]).fetchall()
    else:
        position = as_of
    if position >= now.position:
        return now
    ready = connection.execute(
        "SELECT 1 FROM projection.scratch WHERE position = %s AND is_ready", [position]
    ).fetchone()
    if ready is None:
        raise AsOfNotBuilt(field="as_of")
    # For this transaction only: the connection goes back to the pool.
    schemas = ", ".join(f"scratch_{position}_{model}" for model in MODELS)
    connection.execute("SELECT set_config('search_path', %s, true)", [schemas])
    return Standing(position, _recorded_at(connection, position))


def standing_of(connection: Connection, models: Collection[str] = MODELS) -> Standing:
    """The position that all of these models have reached, in this connection's snapshot."""
    position = _slowest(connection, models)
    return Standing(position, _recorded_at(connection, position))


def _recorded_at(connection: Connection, position: int) -> datetime | None:
    row = connection.execute("SELECT recorded_at FROM log.events WHERE position = %s", [position]).fetchone()
    return row[0] if row else None
