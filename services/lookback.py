"""Builds the books of an earlier position when somebody of the staff asked for them.

The API may only ask; this process has the projector's rights and does it, one position at a time in a database, beside
the live read models and out of their way. What it was at when it ended is begun again by its successor.
"""

import logging
import threading
import time
from contextlib import closing
from typing import Final

import psycopg

from events.appends import LogUnavailable
from events.group_commit import with_options
from events.store import Log
from projections.base import Connection
from projections.building import BuildFailed
from projections.schemas import OPTIONS, FencedOff
from projections.scratch import scratch
from services.read_models import READ_MODELS

#: How often one position is begun before it is given up.
TRIES_MAX: Final = 3
POLL_SECONDS: Final = 1.0
#: How often the progress of a build is told.
TOLD_SECONDS: Final = 0.2
ERROR_LENGTH_MAX: Final = 500

#: One builder at a time in a database; any number that nothing else locks.
_ONE_AT_A_TIME: Final = 0x4F564F53
#: What passes, or is over when a build is begun again: it is tried again, `TRIES_MAX` times in all.
_AGAIN = (psycopg.OperationalError, psycopg.InterfaceError, LogUnavailable, BuildFailed, FencedOff)

logger = logging.getLogger(__name__)


def run(projector_conninfo: str, stop: threading.Event) -> None:
    """Build what is asked for until `stop` is set. Outlives the absence of the database; a second one waits."""
    with Log(projector_conninfo, readers=1) as log:
        while not stop.is_set():
            try:
                _follow(projector_conninfo, log, stop)
            except _AGAIN as error:
                logger.warning("lookback: %s", error)
                stop.wait(POLL_SECONDS)


def _follow(conninfo: str, log: Log, stop: threading.Event) -> None:
    with closing(psycopg.connect(with_options(conninfo, OPTIONS), autocommit=True)) as connection:
        connection.execute("LISTEN ovop_asked")
        while not stop.is_set():
            if build_next(connection, conninfo, log, stop) is None:
                for _ in connection.notifies(timeout=POLL_SECONDS, stop_after=1):
                    pass


def build_next(connection: Connection, conninfo: str, log: Log, stop: threading.Event | None = None) -> int | None:
    """Build the position that was asked for first; which one, None when nobody waits or another builder is at work.

    What fails is reported in its row. Raises what passes, such as a database that is away; then it is begun again.
    """
    if connection.execute("SELECT pg_try_advisory_lock(%s)", [_ONE_AT_A_TIME]).fetchone() != (True,):
        return None
    try:
        first = connection.execute(
            "UPDATE projection.asked SET state = 'building', tries = tries + 1, reached = 0 WHERE position ="
            " (SELECT position FROM projection.asked WHERE state <> 'failed' ORDER BY asked_at, position LIMIT 1)"
            " RETURNING position, tries"
        ).fetchone()
        if first is None:
            return None
        position, tries = first
        if tries > TRIES_MAX:
            _give_up(connection, position, f"the builder ended {TRIES_MAX} times before it was done")
        else:
            _build(connection, conninfo, log, position, stop)
        return int(position)
    finally:
        if not connection.broken:
            connection.execute("SELECT pg_advisory_unlock(%s)", [_ONE_AT_A_TIME])


class _Stopped(Exception):
    """We were asked to end in the middle of a build."""


def _build(connection: Connection, conninfo: str, log: Log, position: int, stop: threading.Event | None) -> None:
    told_at = 0.0

    def tell(reached: int, _: int) -> None:
        nonlocal told_at
        if stop is not None and stop.is_set():
            raise _Stopped
        if time.monotonic() - told_at >= TOLD_SECONDS:
            told_at = time.monotonic()
            connection.execute("UPDATE projection.asked SET reached = %s WHERE position = %s", [reached, position])

    logger.info("lookback: building position %d", position)
    try:
        with scratch(conninfo, log, READ_MODELS, position, tell):
            pass
    except _AGAIN:
        raise
    except _Stopped:
        # That we ended was not the position's fault.
        connection.execute("UPDATE projection.asked SET tries = tries - 1 WHERE position = %s", [position])
    except Exception as error:
        logger.exception("lookback: position %d", position)
        _give_up(connection, position, f"{type(error).__name__}: {error}")
    else:
        connection.execute("DELETE FROM projection.asked WHERE position = %s", [position])


def _give_up(connection: Connection, position: int, error: str) -> None:
    said = error.replace("\x00", "")[:ERROR_LENGTH_MAX]
    connection.execute("UPDATE projection.asked SET state = 'failed', error = %s WHERE position = %s", [said, position])
