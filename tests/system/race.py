"""Several processes append at once, one reads on behind them: nothing is lost, nothing doubled, no order broken.

    make race                              8 writers, 1,000,000 events
    make race ARGS='--events 20000'        small, as in `make test`

Somebody else's writing transaction stays open in another database of the cluster throughout. Afterwards every answer
that a writer got, everything the reader saw and the log itself are compared. The control runs the same with positions
from a sequence and without the head lock, as many event stores have them, and must be caught.
"""

import argparse
import itertools
import json
import subprocess
import sys
import tempfile
import time
from collections.abc import Iterator
from contextlib import ExitStack, contextmanager
from dataclasses import asdict, dataclass, field
from pathlib import Path

import psycopg
from psycopg import sql

from events.migrate import READER, WRITER, login, migrate
from services.embedded import EmbeddedPostgres
from services.verification import verify
from tests.system.racers import ANSWER, SEEN, TailTask, WriterTask, arguments

WRITERS = 8
EVENTS = 1_000_000
#: Events of the control: enough for it to fail each time.
CONTROL_EVENTS = 20_000
#: The last tenth must not be slower than this share of the first. Behind an open snapshot a hot row that every append
#: updates falls to a third.
DECAY_RATIO_MIN = 0.6
#: Below this many events a tenth is over before the processes have found their pace.
DECAY_EVENTS_MIN = 200_000


@dataclass
class Result:
    """What a race found; it is clean when it found no fault."""

    events: int
    writers: int
    seconds: float = 0.0
    events_per_second: int = 0
    tenths_per_second: list[int] = field(default_factory=list)
    last_tenth_to_first: float = 0.0
    lost_by_reader: int = 0
    doubled_by_reader: int = 0
    faults: list[str] = field(default_factory=list)


def race(directory: Path, events: int, writers: int = WRITERS, *, broken: bool = False) -> Result:
    """Run a race on a PostgreSQL of its own below `directory`. `broken`: the control."""
    result = Result(events, writers)
    with ExitStack() as until:
        server = EmbeddedPostgres(directory / "postgres")
        until.callback(server.stop)
        server.start()
        for database in ("race", "foreign"):
            with psycopg.connect(server.url(), autocommit=True) as connection:
                connection.execute(sql.SQL("CREATE DATABASE {}").format(sql.Identifier(database)))
        migrate(server.url(database="race"))
        for name, role in (("race_writer", WRITER), ("race_reader", READER)):
            login(server.url(database="race"), name, role, server.password(name))
        if broken:
            _break(server.url(database="race"))
        with _foreign_transaction(server):
            _run(server, directory, result, plainly=broken)
        _compare(server, directory, result)
        if not broken:
            _look_at_log(server, result)
    return result


@contextmanager
def _foreign_transaction(server: EmbeddedPostgres) -> Iterator[None]:
    """Somebody else has written in another database of the cluster, and neither commits nor goes away."""
    with psycopg.connect(server.url(database="foreign")) as connection:
        connection.execute("SET TRANSACTION ISOLATION LEVEL REPEATABLE READ")
        connection.execute("CREATE TABLE work (n integer)")
        yield


def _break(admin_conninfo: str) -> None:
    """Positions from a sequence, and no lock: what the race is there to catch."""
    lock = "PERFORM 1 FROM log.head WHERE one FOR UPDATE;"
    changes = {
        "append": ("SELECT before + n,", "SELECT nextval('log.broken'),"),
        "append_one": ("first := coalesce(last, 0) + 1;", "first := nextval('log.broken');"),
    }
    with psycopg.connect(admin_conninfo, autocommit=True) as connection:
        connection.execute("CREATE SEQUENCE log.broken")
        connection.execute("ALTER SEQUENCE log.broken OWNER TO ovop_owner")
        for name, (right, wrong) in changes.items():
            ((text,),) = connection.execute(
                "SELECT pg_get_functiondef(p.oid) FROM pg_proc p WHERE p.proname = %s", [name]
            ).fetchall()
            if lock not in text or right not in text:
                raise AssertionError(f"the control does not fit log.{name} any more")
            connection.execute(text.replace(lock, "").replace(right, wrong))


def _run(server: EmbeddedPostgres, directory: Path, result: Result, *, plainly: bool) -> None:
    share, rest = divmod(result.events, result.writers)
    tasks: list[WriterTask | TailTask] = [
        WriterTask(server.url("race_writer", "race"), n, share + (n < rest), str(directory / f"answers-{n}"), plainly)
        for n in range(result.writers)
    ]
    tasks.append(TailTask(server.url("race_reader", "race"), str(directory / "seen"), str(directory / "over")))
    racers = [
        subprocess.Popen(arguments(task), stdin=subprocess.PIPE, stdout=subprocess.PIPE, text=True) for task in tasks
    ]
    try:
        for racer in racers:
            if racer.stdout is None or racer.stdout.readline() != "ready\n":
                raise AssertionError("a racer did not start")
        start = time.monotonic()
        for racer in racers[:-1]:
            _go(racer)
        for number, racer in enumerate(racers):
            if racer.wait() != 0:
                result.faults.append(f"{'the reader' if number == result.writers else f'writer {number}'} failed")
            if number == result.writers - 1:
                result.seconds = round(time.monotonic() - start, 1)
                (directory / "over").touch()
    finally:
        for racer in racers:
            racer.kill()
            racer.wait()
            for pipe in (racer.stdin, racer.stdout):
                if pipe is not None:
                    pipe.close()
    result.events_per_second = round(result.events / max(result.seconds, 0.1))


def _go(racer: subprocess.Popen[str]) -> None:
    if racer.stdin is not None:
        racer.stdin.write("go\n")
        racer.stdin.flush()


def _compare(server: EmbeddedPostgres, directory: Path, result: Result) -> None:
    """What the writers were told and what the reader saw, against what is stored."""
    with psycopg.connect(server.url(database="race")) as connection:
        rows = connection.execute("SELECT position, event_id FROM log.events ORDER BY position", binary=True).fetchall()
    stored = {event_id.bytes: position for position, event_id in rows}
    if [position for position, _ in rows] != list(range(1, result.events + 1)):
        result.faults.append(f"positions are not 1 to {result.events:,}: {len(rows):,} events up to {rows[-1][0]:,}")
    answered = 0
    for path in sorted(directory.glob("answers-*")):
        last: dict[int, int] = {}
        for caller, position, event_id in ANSWER.iter_unpack(path.read_bytes()):
            answered += 1
            if stored.get(event_id) != position:
                result.faults.append(f"a caller was promised position {position:,}, stored: {stored.get(event_id)}")
            if last.get(caller, 0) >= position:
                result.faults.append(f"a caller's later event went before its earlier one, at {position:,}")
            last[caller] = position
    if answered != len(stored):
        result.faults.append(f"{answered:,} events were promised, {len(stored):,} are stored")
    seen = list(SEEN.iter_unpack((directory / "seen").read_bytes()))
    seen_ids = {event_id for _, event_id in seen}
    result.lost_by_reader = len(stored.keys() - seen_ids)
    result.doubled_by_reader = len(seen) - len(seen_ids)
    if result.lost_by_reader or result.doubled_by_reader:
        result.faults.append(
            f"the reader lost {result.lost_by_reader:,} and doubled {result.doubled_by_reader:,} events"
        )
    elif seen != [(position, event_id.bytes) for position, event_id in rows]:
        result.faults.append("the reader saw the events in another order")
    del result.faults[20:]


def _look_at_log(server: EmbeddedPostgres, result: Result) -> None:
    """Hashes, clocks and versions of the whole log; its pace from one tenth to the next."""
    verified = verify(server.url(database="race"))
    result.faults += [f"position {fault.position}: {fault.problem}" for fault in verified.faults]
    tenth = result.events // 10
    with psycopg.connect(server.url(database="race")) as connection:
        marks = connection.execute(
            "SELECT recorded_at FROM log.events WHERE position = ANY (%s) ORDER BY position",
            [[1, *(tenth * n for n in range(1, 11))]],
        ).fetchall()
        shared = connection.execute(
            "SELECT count(*) FROM log.events WHERE stream LIKE 'shift/race-shared-%'"
        ).fetchall()
    if not shared[0][0]:
        result.faults.append("no decision raced for a shared stream")
    moments = [moment for (moment,) in marks]
    result.tenths_per_second = [
        round(tenth / max((after - before).total_seconds(), 1e-3)) for before, after in itertools.pairwise(moments)
    ]
    result.last_tenth_to_first = round(result.tenths_per_second[-1] / result.tenths_per_second[0], 2)
    if result.events >= DECAY_EVENTS_MIN and result.last_tenth_to_first < DECAY_RATIO_MIN:
        result.faults.append(f"appending slowed down to {result.last_tenth_to_first} of its first pace")


def main() -> int:
    parser = argparse.ArgumentParser(prog="make race", description=__doc__.partition("\n")[0])
    parser.add_argument("--events", type=int, default=EVENTS)
    parser.add_argument("--writers", type=int, default=WRITERS)
    parser.add_argument("--json", action="store_true", help="one JSON object on standard output")
    given = parser.parse_args()
    results = {}
    for name, events, broken in (("race", given.events, False), ("control", CONTROL_EVENTS, True)):
        with tempfile.TemporaryDirectory(prefix="ovop-race-") as directory:
            Path(directory).chmod(0o755)
            results[name] = race(Path(directory), events, given.writers, broken=broken)
    caught = bool(results["control"].faults)
    clean = not results["race"].faults
    if given.json:
        told = {name: asdict(result) for name, result in results.items()} | {"clean": clean, "control_caught": caught}
        sys.stdout.write(json.dumps(told, indent=2) + "\n")
    else:
        sys.stdout.write(_as_text(results["race"]) + f"\ncontrol caught: {caught} {results['control'].faults[:2]}\n")
    return 0 if clean and caught else 1


def _as_text(result: Result) -> str:
    faults = "\n  ".join(result.faults) or "none"
    return (
        f"{result.events:,} events by {result.writers} processes in {result.seconds:,} s:"
        f" {result.events_per_second:,}/s, tenths {result.tenths_per_second},"
        f" last to first {result.last_tenth_to_first}\n"
        f"lost {result.lost_by_reader}, doubled {result.doubled_by_reader}, faults: {faults}"
    )


if __name__ == "__main__":
    sys.exit(main())
