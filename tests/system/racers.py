"""The processes of the race: writers who append as fast as they can, and one who reads on behind them.

Each is a program of its own: `python -m tests.system.racers writer|tail <what it needs, as JSON>`. A writer begins when
it gets a line on its standard input, notes every answer it is given and ends; the tail reads on until it is told that
everybody has ended, and then to the end.
"""

import asyncio
import hashlib
import json
import random
import struct
import sys
import time
from collections.abc import Iterator
from dataclasses import asdict, dataclass
from datetime import UTC, datetime
from pathlib import Path
from typing import BinaryIO

import psycopg

from events.catalogue.outlets import CashMoved
from events.store import Append, Appended, Duplicate, Log, LostRace, Outcome
from tests.bench.measure import uuid7

#: One answered event: caller, position, event id.
ANSWER = struct.Struct("!Iq16s")
#: One event as the tail saw it.
SEEN = struct.Struct("!q16s")
#: How many events a caller sends at once; most send one.
CALL_SIZES = (1, 1, 1, 1, 2, 5, 20, 60)
CALLERS = 12


@dataclass(frozen=True)
class WriterTask:
    conninfo: str
    writer: int
    events: int
    answers: str  #: the file it writes
    plainly: bool  #: without decisions on streams that all writers want, and without sending anything twice


@dataclass(frozen=True)
class TailTask:
    conninfo: str
    seen: str  #: the file it writes
    over: str  #: the file that is there once all writers have ended


@dataclass
class _Quota:
    left: int

    def take(self, count: int) -> int:
        taken = min(count, self.left)
        self.left -= taken
        return taken


def _request(stream_id: str, till: str, counter: int, expected_version: int | None) -> Append:
    moved = CashMoved(
        shift=stream_id,
        outlet="karakol",
        till=till,
        till_counter=counter,
        direction="in",
        amount_tyiyn=1,
        reason="race",
    )
    return Append(
        uuid7(), hashlib.sha256(counter.to_bytes(8, "big")).digest(), moved.stream(), expected_version, till,
        datetime.now(UTC), (moved,),
    )  # fmt: skip


class _Caller:
    """One of a writer's concurrent callers: it has a stream of its own and waits for each answer."""

    def __init__(self, log: Log, number: int, task: WriterTask, quota: _Quota, answers: BinaryIO) -> None:
        self._log = log
        self._number = number
        self._quota = quota
        self._answers = answers
        self._plainly = task.plainly
        self._random = random.Random(number)  # noqa: S311 - a seeded mix, nothing secret
        self._till = f"till-{number}"
        self._counter = 0

    async def run(self) -> None:
        while count := self._quota.take(self._random.choice(CALL_SIZES)):
            asked = [self._own() for _ in range(count)]
            outcomes = await self._log.append_soon(asked)
            self._note(asked, outcomes)
            if self._plainly:
                continue
            if self._random.random() < 0.02:  # the answer got lost on its way, so it sends the same again
                again = await self._log.append_soon(asked)
                if again != [Duplicate(o.first_position, o.last_position, o.recorded_at, o.leaf_hash)
                             for o in outcomes if isinstance(o, Appended)]:  # fmt: skip
                    raise AssertionError("a repeated request was not told what it was told first")
            if self._random.random() < 0.05 and self._quota.take(1):
                await self._decide()

    def _own(self) -> Append:
        self._counter += 1
        return _request(f"race-{self._number}", self._till, self._counter, None)

    async def _decide(self) -> None:
        """Decide on a stream that all writers want; who loses the race decides again."""
        stream_id = f"race-shared-{self._random.randrange(5)}"
        version = 0
        while True:
            request = _request(stream_id, self._till, 1, version)
            (outcome,) = await self._log.append_soon([request])
            if not isinstance(outcome, LostRace):
                self._note([request], [outcome])
                return
            version = outcome.actual_version

    def _note(self, asked: list[Append], outcomes: list[Outcome]) -> None:
        for request, outcome in zip(asked, outcomes, strict=True):
            if not isinstance(outcome, Appended):
                raise AssertionError(f"a new request was answered {outcome}")
            self._answers.write(ANSWER.pack(self._number, outcome.first_position, request.request_id.bytes))


def write(task: WriterTask) -> None:
    """Append the writer's share."""
    with Log(task.conninfo) as log, Path(task.answers).open("wb") as answers:
        log.head()
        sys.stdout.write("ready\n")
        sys.stdout.flush()
        sys.stdin.readline()
        quota = _Quota(task.events)
        callers = [_Caller(log, task.writer * CALLERS + n, task, quota, answers) for n in range(CALLERS)]

        async def everybody() -> None:
            await asyncio.gather(*(caller.run() for caller in callers))

        asyncio.run(everybody())


def read_on(task: TailTask) -> None:
    """Follow the log the plain way: whatever lies behind the last position seen is news, and nothing else ever is."""
    with psycopg.connect(task.conninfo, autocommit=True) as connection, Path(task.seen).open("wb") as seen:
        sys.stdout.write("ready\n")
        sys.stdout.flush()
        for position, event_id in _behind(connection, Path(task.over)):
            seen.write(SEEN.pack(position, event_id))


def _behind(connection: psycopg.Connection, over: Path) -> Iterator[tuple[int, bytes]]:
    after = 0
    while True:
        is_over = over.exists()
        rows = connection.execute(
            "SELECT position, event_id FROM log.events WHERE position > %s ORDER BY position LIMIT 2000", [after]
        ).fetchall()
        for position, event_id in rows:
            yield position, event_id.bytes
            after = position
        if not rows:
            if is_over:
                return
            time.sleep(0.002)


def arguments(task: WriterTask | TailTask) -> list[str]:
    """How to start a process for this task."""
    kind = "writer" if isinstance(task, WriterTask) else "tail"
    return [sys.executable, "-m", "tests.system.racers", kind, json.dumps(asdict(task))]


if __name__ == "__main__":
    if sys.argv[1] == "writer":
        write(WriterTask(**json.loads(sys.argv[2])))
    else:
        read_on(TailTask(**json.loads(sys.argv[2])))
