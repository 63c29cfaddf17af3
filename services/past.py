"""The books of an earlier position: asked for here, built elsewhere (`services.lookback`)."""

import asyncio
from typing import Final, Literal, NamedTuple

from psycopg_pool import ConnectionPool

from projections.base import Connection
from services.books import Books, is_at_hand
from services.errors import Busy, NotFound

#: How many positions may be waited for at the same time.
WAITING_MAX: Final = 20

State = Literal["waiting", "building", "ready", "failed"]


class TooManyLookBack(Busy):
    """Others wait for the books of many earlier positions already."""

    advice = "Ask again when some of them are done."


class PastNotAskedFor(NotFound):
    """Nobody asked for the books of this position, or they made room for others."""

    advice = "Ask a question with `?as_of=`."


class Job(NamedTuple):
    """How far the books of a position are: `reached` of `position` events."""

    position: int
    state: State
    reached: int
    error: str | None = None


class Past:
    """Asks for earlier positions with the one right that the API has for it. Its methods block in threads."""

    def __init__(self, books: Books, pool: ConnectionPool[Connection]) -> None:
        """`pool` holds connections of the writer."""
        self._books, self._pool = books, pool

    def close(self) -> None:
        self._pool.close()

    async def ask(self, position: int, actor: str) -> Job:
        """See to it that a position is built; asked twice it is one job. Raises TooManyLookBack."""
        return await asyncio.to_thread(self._ask, position, actor)

    async def job(self, position: int) -> Job:
        """How far it is. Raises PastNotAskedFor."""
        found = await asyncio.to_thread(self._job, position)
        if found is None:
            raise PastNotAskedFor(field="position")
        return found

    async def looked_at(self, position: int) -> None:
        """Note that a copy is of use; the one that nobody looked at for the longest time makes room first."""
        await asyncio.to_thread(self._execute, "SELECT projection.looked_at(%s)", [position])

    def _ask(self, position: int, actor: str) -> Job:
        if self._execute("SELECT projection.ask(%s, %s, %s)", [position, actor, WAITING_MAX]) != (True,):
            raise TooManyLookBack(field="as_of")
        return self._job(position) or Job(position, "waiting", 0)

    def _job(self, position: int) -> Job | None:
        with self._books.pool.connection() as connection:
            if is_at_hand(connection, position):
                return Job(position, "ready", position)
            row = connection.execute(
                "SELECT state, reached, error FROM projection.asked WHERE position = %s", [position]
            ).fetchone()
            return Job(position, *row) if row else None

    def _execute(self, statement: str, parameters: list[object]) -> tuple[object, ...] | None:
        with self._pool.connection() as connection:
            return connection.execute(statement.encode(), parameters).fetchone()
