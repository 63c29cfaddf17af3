"""What `ovop demo` does: start everything, send the history, wait, ask, show, serve."""

import asyncio
import json
import queue
import shlex
import shutil
import signal
import sys
import threading
import time
from collections.abc import Callable, Iterator
from contextlib import closing, contextmanager
from dataclasses import dataclass
from pathlib import Path
from types import FrameType

from rich.console import Console
from rich.progress import BarColumn, Progress, TextColumn, TimeElapsedColumn

from events.broker import actor_user
from events.nats_config import load_users
from projections.base import Connection
from projections.runner import lag
from services.demo import report
from services.demo.calendar import at, day_of
from services.demo.history import History, Plan
from services.demo.sender import Books, Broker, NotTaken, Run, Sender, runs
from services.demo.settlement import Clerk
from services.settings import Settings
from services.up import NotReady, running

#: Requests made ahead of the one that is being answered.
_AHEAD = 6
_MARK = "demo.json"


class Cannot(Exception):
    """The demonstration cannot go on."""


@dataclass(frozen=True, slots=True)
class Choices:
    """How the demonstration is to run."""

    once: bool
    as_json: bool
    scale: int
    small: bool
    seed: int
    data_dir: Path
    port: int
    keep: bool


def run(choices: Choices) -> None:
    """The whole demonstration. Raises Cannot, KeyboardInterrupt."""
    signal.signal(signal.SIGTERM, _interrupt)
    began = time.monotonic()
    console = Console(stderr=choices.as_json, highlight=False)
    plan = Plan.small() if choices.small else Plan.full(choices.scale)
    told = {"seed": choices.seed, "scale": 0 if choices.small else choices.scale}
    is_there = choices.keep and _mark(choices.data_dir) == told
    if not is_there:
        _clear(choices.data_dir)
    try:
        with running(_settings(choices, plan)) as here:
            if not is_there:
                send(History(plan, choices.seed), here, choices.seed, _progress(Console(stderr=True), plan))
                (choices.data_dir / _MARK).write_text(json.dumps(told))
            found = report.figures(here.database_for("reader"))
            seconds = time.monotonic() - began
            if choices.as_json:
                sys.stdout.write(json.dumps(report.as_json(found, seconds)) + "\n")
                sys.stdout.flush()
            else:
                report.show(found, None if is_there else seconds, console)
            if not choices.once:
                _serve(here, found, console)
    except (NotReady, NotTaken, TimeoutError) as error:
        raise Cannot(f"{error or 'the read models did not catch up'}; see {choices.data_dir / 'logs'}") from error


def _interrupt(_signal: int, _frame: FrameType | None) -> None:
    raise KeyboardInterrupt


def _settings(choices: Choices, plan: Plan) -> Settings:
    """Servers of our own, whatever the environment says."""
    return Settings(
        database_url=None,
        admin_database_url=None,
        writer_database_url=None,
        relay_database_url=None,
        projector_database_url=None,
        reader_database_url=None,
        keeper_database_url=None,
        nats_url=None,
        relay_nats_url=None,
        projector_nats_url=None,
        intake_nats_url=None,
        data_dir=choices.data_dir,
        network="kg",
        broker_actors=plan.broker_actors,
        port=choices.port,
    )


# Sending

type Told = Callable[[int, int], None]  #: simulated moment, events taken


def send(history: History, here: Settings, seed: int, progress: "_Bar") -> None:
    """Make the history in one thread and send it from another; returns when the read models hold all of it."""
    cut: queue.Queue[Run | BaseException | None] = queue.Queue(_AHEAD)
    stopped = threading.Event()

    def make() -> None:
        try:
            for each in runs(history.items()):
                while not stopped.is_set():
                    try:
                        cut.put(each, timeout=0.2)
                        break
                    except queue.Full:
                        continue
                if stopped.is_set():
                    return
            cut.put(None)
        except BaseException as error:
            cut.put(error)

    maker = threading.Thread(target=make, name="history", daemon=True)
    maker.start()
    try:
        asyncio.run(_send(cut, here, seed, progress))
    finally:
        stopped.set()


async def _send(cut: "queue.Queue[Run | BaseException | None]", here: Settings, seed: int, progress: "_Bar") -> None:
    with closing(report.reading(here.database_for("reader"))) as connection, progress.shown() as told:
        books = Books(lambda: _position(connection), lambda: report.owed(connection))
        broker = Broker(_broker_users(here))
        key = here.admin_key_file.read_text(encoding="ascii").strip()
        async with Sender(here.base_url, key, broker, books, Clerk(seed)) as sender:
            while True:
                each = cut.get_nowait() if not cut.empty() else await asyncio.to_thread(cut.get)
                if each is None:
                    break
                if isinstance(each, BaseException):
                    raise each
                await sender.send(each)
                told(each.items[-1].recorded_s, sender.sent.events)
            await sender.wait(sender.sent.head)


def _position(connection: Connection) -> int:
    return min(lag(connection).positions.values(), default=0)


def _broker_users(here: Settings) -> dict[str, tuple[str, str, str]]:
    """Address, user and password of each actor that reports through the broker."""
    users = load_users(here.data_dir / "secrets" / "broker-users.json")
    server = here.nats_for("intake").rpartition("@")[2]
    found = {}
    for actor in here.broker_actors:
        user = actor_user(actor)
        found[actor] = (f"nats://{server}", user, users.passwords[user])
    return found


@dataclass(frozen=True, slots=True)
class _Bar:
    console: Console
    first_s: int
    last_s: int

    @contextmanager
    def shown(self) -> Iterator[Told]:
        """A bar of simulated days and the count of events; a line per year where there is no terminal."""
        if not self.console.is_terminal:
            yield self._lines()
            return
        columns = (
            TextColumn("{task.fields[day]}"), BarColumn(), TextColumn("{task.fields[events]:,} events"),
            TimeElapsedColumn(),
        )  # fmt: skip
        with Progress(*columns, console=self.console, transient=True) as bar:
            task = bar.add_task("", total=self.last_s - self.first_s, day="", events=0)

            def told(moment_s: int, events: int) -> None:
                done = min(max(0, moment_s - self.first_s), self.last_s - self.first_s)
                bar.update(task, completed=done, day=day_of(moment_s).isoformat(), events=events)

            yield told

    def _lines(self) -> Told:
        year = 0

        def told(moment_s: int, events: int) -> None:
            nonlocal year
            if day_of(moment_s).year != year:
                year = day_of(moment_s).year
                self.console.print(f"{day_of(moment_s)}  {events:,} events")

        return told


def _progress(console: Console, plan: Plan) -> _Bar:
    first, last = plan.first_day, plan.last_day
    return _Bar(console, at(first), at(last))


# Data directory


def _mark(data_dir: Path) -> dict[str, int] | None:
    file = data_dir / _MARK
    return json.loads(file.read_text()) if file.is_file() else None


def _clear(data_dir: Path) -> None:
    """Throw an earlier demonstration away; nothing else is ever removed. Raises Cannot."""
    if not data_dir.exists():
        data_dir.mkdir(mode=0o700, parents=True)
    elif any(data_dir.iterdir()) and not (data_dir / _MARK).is_file():
        raise Cannot(f"{data_dir} holds something that is not a demonstration; choose another --data-dir")
    elif (data_dir / "running.json").exists() and _is_alive(data_dir):
        raise Cannot(f"a demonstration is running in {data_dir}; stop it, or choose another --data-dir")
    else:
        for each in data_dir.iterdir():
            shutil.rmtree(each) if each.is_dir() else each.unlink()
    (data_dir / _MARK).write_text("{}")


def _is_alive(data_dir: Path) -> bool:
    from services.up import is_ready

    return is_ready(Settings.model_validate_json((data_dir / "running.json").read_bytes()).base_url)


# Serving


def _serve(here: Settings, found: report.Figures, console: Console) -> None:
    """Stay until Ctrl-C."""
    console.print(f"\nThe network  [bold]{here.base_url}/[/bold]")
    if found.jar is not None:
        console.print(f"One jar      [bold]{here.base_url}/l/{found.jar.code}[/bold]")
    console.print("In a second terminal:")
    for line in (
        f'export OVOP_DATA_DIR={shlex.quote(str(here.data_dir))} PATH="{Path(sys.executable).parent}:$PATH"',
        *([f"ovop trace {found.jar.code}"] if found.jar is not None else []),
        "ovop replay --as-of 2014-12-31",
    ):
        console.print(f"  {line}", soft_wrap=True)  # a line that is broken cannot be copied
    console.print("[dim]Ctrl-C stops everything.[/dim]")
    while True:
        time.sleep(3600)
