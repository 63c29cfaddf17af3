"""Hearing of new events: NOTIFY wakes, a poll makes sure. A notification that is lost costs time, never an event."""

import asyncio
import threading
import time
from collections.abc import AsyncIterator, Iterator

import psycopg

from events.group_commit import with_options

CHANNEL = "ovop_log"

_HEAD = "SELECT coalesce((SELECT position FROM log.events ORDER BY position DESC LIMIT 1), 0)"
_OPTIONS = "-c default_transaction_read_only=on -c enable_seqscan=off"
#: Between two attempts to reach a database that is away.
_RETRY_SECONDS = 0.5


def heads(conninfo: str, after: int, poll_seconds: float, stop: threading.Event) -> Iterator[int]:
    """The position of the log's end whenever it is past the last one told, until `stop` is set.

    Several appends may be told as one. Outlives the database's absence. `stop` is looked at once in `poll_seconds`.
    """
    while not stop.is_set():
        try:
            with psycopg.connect(with_options(conninfo, _OPTIONS), autocommit=True) as connection:
                connection.execute(f"LISTEN {CHANNEL}")
                while not stop.is_set():
                    ((head,),) = connection.execute(_HEAD).fetchall()
                    if head > after:
                        after = head
                        yield after
                    for _ in connection.notifies(timeout=poll_seconds, stop_after=1):
                        pass
        except psycopg.OperationalError:
            time.sleep(_RETRY_SECONDS)


async def heads_soon(conninfo: str, after: int, poll_seconds: float) -> AsyncIterator[int]:
    """The same in asyncio; ends when its task is cancelled or the generator is closed."""
    while True:
        try:
            connection = await psycopg.AsyncConnection.connect(with_options(conninfo, _OPTIONS), autocommit=True)
            async with connection:
                await connection.execute(f"LISTEN {CHANNEL}")
                while True:
                    ((head,),) = await (await connection.execute(_HEAD)).fetchall()
                    if head > after:
                        after = head
                        yield after
                    async for _ in connection.notifies(timeout=poll_seconds, stop_after=1):
                        pass
        except psycopg.OperationalError:
            await asyncio.sleep(_RETRY_SECONDS)
