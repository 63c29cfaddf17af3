"""The read models as they are served, read by connections that can do nothing else."""

import asyncio
import time
from collections.abc import Callable, Collection
from datetime import datetime
from typing import Final, NamedTuple

import psycopg
from psycopg_pool import ConnectionPool

from projections.base import Connection, Db
from services.errors import NotThereYet

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


class Standing(NamedTuple):
    """Up to where an answer speaks: a position, and when its event was recorded (None for an empty log)."""

    position: int
    recorded_at: datetime | None


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

    def ask[T](self, question: Callable[[Db], T], models: Collection[str] = MODELS) -> Told[T]:
        """Put a question to the read models in one snapshot; `models` are those whose position the answer states."""
        with self.pool.connection() as connection:
            standing = standing_of(connection, models)
            return Told(question(Db(connection)), standing)

    async def ask_soon[T](
        self, question: Callable[[Db], T], models: Collection[str] = MODELS, *, after: int = 0
    ) -> Told[T]:
        """The same from asyncio, when the read models have reached the position `after`. Raises NotThereYet."""
        if after > 0:
            await self.reach(after, models)
        return await asyncio.to_thread(self.ask, question, models)

    async def reach(self, position: int, models: Collection[str] = MODELS, seconds: float = WAIT_SECONDS_MAX) -> None:
        """Wait until the read models hold a position. Raises NotThereYet."""
        deadline = time.monotonic() + seconds
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


def standing_of(connection: Connection, models: Collection[str] = MODELS) -> Standing:
    """The position that all of these models have reached, in this connection's snapshot."""
    position = _slowest(connection, models)
    row = connection.execute("SELECT recorded_at FROM log.events WHERE position = %s", [position]).fetchone()
    return Standing(position, row[0] if row else None)
