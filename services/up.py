"""The supervisor behind `ovop up`: the embedded servers, and the Python processes of one installation.

Whatever dies is started again, a little later each time; what keeps dying ends the whole with an error. With
OVOP_DATABASE_URL or OVOP_NATS_URL the server in question is somebody else's, and only the processes are ours.
"""

import json
import logging
import os
import shutil
import signal
import subprocess
import sys
import time
import urllib.request
from collections import deque
from collections.abc import Callable, Iterator, Mapping
from contextlib import contextmanager
from dataclasses import dataclass, field
from pathlib import Path
from types import FrameType
from typing import Protocol
from urllib.error import URLError

from events import nats_config
from events.migrate import KEEPER, MINISTRY, PROJECTOR, READER, RELAY, WRITER, login, migrate
from services.embedded import EmbeddedNats, EmbeddedPostgres, free_port, only_owner, owner_only
from services.settings import Settings

#: The Python processes, in the order in which they are started; stopped the other way round.
PROCESSES = ("api", "relay", "projector", "lookback", "intake")
DATABASE_ROLES = {
    "writer": WRITER,
    "relay": RELAY,
    "projector": PROJECTOR,
    "reader": READER,
    "keeper": KEEPER,
    "ministry": MINISTRY,
}
#: Which addresses a process is given: its own roles, no other.
ADDRESSES: Mapping[str, tuple[str, ...]] = {
    "api": ("writer_database_url", "reader_database_url", "keeper_database_url"),
    "relay": ("relay_database_url", "relay_nats_url"),
    "projector": ("projector_database_url", "projector_nats_url"),
    "lookback": ("projector_database_url",),
    "intake": ("writer_database_url", "reader_database_url", "keeper_database_url", "intake_nats_url"),
}

READY_SECONDS = 120.0
PAUSE_SECONDS_FIRST = 0.1
PAUSE_SECONDS_MAX = 5.0
#: Who ran this long is thought healthy again.
HEALTHY_SECONDS = 30.0

logger = logging.getLogger(__name__)


class KeepsDying(Exception):
    """A process died again and again; its log says why."""


class NotReady(Exception):
    """The installation did not become ready in time; the logs say why."""


class Kept(Protocol):
    """Something that is kept alive."""

    @property
    def alive(self) -> bool: ...
    def start(self) -> None: ...
    def stop(self) -> None: ...


@dataclass
class PythonProcess:
    """One `ovop run <name>`: its output goes to its log file, and it ends when the supervisor ends."""

    name: str
    log: Path
    environment: Mapping[str, str]
    stop_seconds: float
    process: subprocess.Popen[bytes] | None = field(default=None, init=False)

    @property
    def alive(self) -> bool:
        return self.process is not None and self.process.poll() is None

    def start(self) -> None:
        """Start it unless it runs."""
        if self.alive:
            return
        command = [sys.executable, "-m", "services.cli", "run", self.name]
        if setpriv := shutil.which("setpriv"):
            command = [setpriv, "--pdeathsig=TERM", "--", *command]
        self.log.parent.mkdir(parents=True, exist_ok=True)
        with self.log.open("ab") as log:
            self.process = subprocess.Popen(
                command,
                stdin=subprocess.DEVNULL,
                stdout=log,
                stderr=subprocess.STDOUT,
                env=dict(self.environment),
                start_new_session=True,
            )

    def stop(self) -> None:
        """Ask it to end; end it when it does not."""
        if self.process is None or self.process.poll() is not None:
            return
        self.process.terminate()
        try:
            self.process.wait(self.stop_seconds)
        except subprocess.TimeoutExpired:
            logger.warning("%s did not stop in %g s and is killed", self.name, self.stop_seconds)
            self.process.kill()
            self.process.wait()


@dataclass
class Keeper:
    """Keeps one thing alive, with a growing pause and an end to patience."""

    name: str
    kept: Kept
    deaths_per_minute_max: int
    _deaths: deque[float] = field(default_factory=deque, init=False)
    _started_at: float = field(default=0.0, init=False)
    _pause: float = field(default=PAUSE_SECONDS_FIRST, init=False)
    _again_at: float | None = field(default=None, init=False)

    def start(self) -> None:
        self.kept.start()
        self._started_at = time.monotonic()
        self._again_at = None

    def look(self) -> None:
        """Start it again if it died and the pause is over. Raises KeepsDying."""
        now = time.monotonic()
        if self.kept.alive:
            if now - self._started_at > HEALTHY_SECONDS:
                self._pause = PAUSE_SECONDS_FIRST
            return
        if self._again_at is None:
            self._deaths.append(now)
            while self._deaths[0] < now - 60:
                self._deaths.popleft()
            if len(self._deaths) > self.deaths_per_minute_max:
                raise KeepsDying(f"{self.name}: {KeepsDying.__doc__}")
            logger.warning("%s died; starting it again in %.1f s", self.name, self._pause)
            self._again_at = now + self._pause
            self._pause = min(self._pause * 2, PAUSE_SECONDS_MAX)
        elif now >= self._again_at:
            self.start()


class Supervisor:
    """All of one installation. `start`, then `watch` until stopped, then `stop`, from the main thread."""

    def __init__(self, settings: Settings) -> None:
        data_dir = settings.data_dir.absolute()
        port = settings.port or free_port()
        self._settings = settings.model_copy(update={"data_dir": data_dir, "port": port})
        self._stopping = False
        self._keepers: list[Keeper] = []
        self._nats: EmbeddedNats | None = None
        self._users_seen = 0.0
        self._lock: int | None = None
        #: The settings with every address filled in; what the processes are told.
        self.resolved = self._settings

    def start(self) -> None:
        """Servers, database, processes, in this order; returns when all have been started (not yet ready).

        Raises DataDirectoryInUse and what the embedded servers raise.
        """
        data_dir = self._settings.data_dir
        data_dir.mkdir(mode=0o700, parents=True, exist_ok=True)
        self._lock = only_owner(data_dir / "up.lock")
        found: dict[str, object] = {}
        if self._settings.database_url is None and self._settings.admin_database_url is None:
            found |= self._start_postgres()
        else:
            self._migrate_elsewhere()
        if self._settings.nats_url is None and self._settings.relay_nats_url is None:
            found |= self._start_nats()
        self.resolved = self._settings.model_copy(update=found)
        owner_only(data_dir / "running.json", self.resolved.model_dump_json(exclude_unset=True, indent=1))
        for name in PROCESSES:
            log = data_dir / "logs" / f"{name}.log"
            self._keep(name, PythonProcess(name, log, self._environment_of(name), self._settings.stop_seconds))

    def wait_ready(self, seconds: float = READY_SECONDS) -> None:
        """Wait until the API says that everything is ready, starting again what dies. Raises NotReady, KeepsDying."""
        deadline = time.monotonic() + seconds
        while not self._stopping and not is_ready(self.resolved.base_url):
            if time.monotonic() > deadline:
                raise NotReady(f"{NotReady.__doc__} ({self._settings.data_dir / 'logs'})")
            self.look()
            time.sleep(0.05)

    def watch(self) -> None:
        """Keep everything alive until somebody asks to stop. Raises KeepsDying."""
        while not self._stopping:
            self.look()
            time.sleep(0.1)

    def look(self) -> None:
        """Start again what died."""
        for keeper in self._keepers:
            keeper.look()
        self._take_new_broker_users()

    @property
    def stopping(self) -> bool:
        """Whether somebody asked to stop."""
        return self._stopping

    def ask_to_stop(self, _signal: int = 0, _frame: FrameType | None = None) -> None:
        """Let `watch` and `wait_ready` return; safe in a signal handler."""
        self._stopping = True

    def stop(self) -> None:
        """Stop in the opposite order: nobody loses a server that still needs it."""
        if self._lock is None:
            return
        (self._settings.data_dir / "running.json").unlink(missing_ok=True)
        for keeper in reversed(self._keepers):
            keeper.kept.stop()
        self._keepers.clear()
        os.close(self._lock)
        self._lock = None

    def _keep(self, name: str, kept: Kept) -> None:
        keeper = Keeper(name, kept, self._settings.restarts_per_minute)
        self._keepers.append(keeper)
        keeper.start()

    def _start_postgres(self) -> dict[str, object]:
        database = f"ovop_{self._settings.network}"
        server = EmbeddedPostgres(self._settings.data_dir / "postgres")
        self._keep("postgres", server)
        server.create_database(database)
        admin = server.url(database=database)
        migrate(admin)
        addresses: dict[str, object] = {"admin_database_url": admin}
        for name, role in DATABASE_ROLES.items():
            user = f"ovop_{name}_login"
            login(admin, user, role, server.password(user))
            addresses[f"{name}_database_url"] = server.url(user, database)
        return addresses

    def _migrate_elsewhere(self) -> None:
        """Bring somebody else's server to the present, if we were given the address of an administrator."""
        admin = self._settings.database_for("admin")
        migrate(admin)

    @property
    def _users_file(self) -> Path:
        return broker_users_file(self._settings)

    def _start_nats(self) -> dict[str, object]:
        given = self._settings
        leaf = broker_leaf(given)

        def config(port: int, store: Path) -> str:
            return nats_config.server_config(nats_config.load_users(self._users_file), port, store, leaf=leaf)

        nats_config.load_users(self._users_file, given.broker_devices, given.broker_outlets, given.broker_readers)
        self._users_seen = self._users_file.stat().st_mtime
        self._nats = EmbeddedNats(self._settings.data_dir / "nats", config=config)
        self._keep("nats", self._nats)
        users = nats_config.load_users(self._users_file)
        urls = {name: users.url(name, "127.0.0.1", self._nats.port) for name in ("relay", "projector", "intake")}
        return {f"{name}_nats_url": url for name, url in urls.items()}

    def _take_new_broker_users(self) -> None:
        """Let in the actors that were added to the file of users since the broker started."""
        if self._nats is None or not self._nats.alive:
            return
        changed = self._users_file.stat().st_mtime
        if changed != self._users_seen:
            self._users_seen = changed
            self._nats.reload()

    def _environment_of(self, name: str) -> dict[str, str]:
        """Our environment with this process's own addresses, and nobody else's."""
        addresses = {field for field in Settings.model_fields if field.endswith("_url")}
        kept = {k: v for k, v in os.environ.items() if not k.startswith("OVOP_")}
        stated = json.loads(self.resolved.model_dump_json(exclude_unset=True, exclude=addresses))
        own = {field: getattr(self.resolved, field) or self._fallback(field) for field in ADDRESSES[name]}
        given = {
            f"OVOP_{k.upper()}": v if isinstance(v, str) else json.dumps(v) for k, v in (stated | own).items() if v
        }
        return kept | given | {"PYTHONUNBUFFERED": "1"}

    def _fallback(self, address: str) -> str | None:
        return self.resolved.nats_url if address.endswith("_nats_url") else self.resolved.database_url


def broker_users_file(settings: Settings) -> Path:
    """The passwords of the embedded broker's users."""
    return settings.data_dir / "secrets" / "broker-users.json"


def broker_leaf(settings: Settings) -> nats_config.LeafListener | None:
    """Where the outlets' own servers join; None: nowhere."""
    if settings.broker_leaf is None:
        return None
    paths = (settings.broker_certificate, settings.broker_certificate_key)
    return nats_config.LeafListener(settings.broker_leaf, *(path.absolute() if path else None for path in paths))


def is_ready(base_url: str) -> bool:
    """Whether the API answers 200 on /readyz."""
    try:
        with urllib.request.urlopen(f"{base_url}/readyz", timeout=5) as answer:  # noqa: S310 - our own address
            return bool(answer.status == 200)
    except (URLError, OSError):
        return False


def supervise(settings: Settings, *, ready_file: Path | None = None, told: Callable[[Settings], None]) -> None:
    """Run an installation until SIGTERM or SIGINT. `told` hears once that it is ready, `ready_file` then appears.

    Raises KeepsDying, NotReady and the errors of the embedded servers.
    """
    supervisor = Supervisor(settings)
    for number in (signal.SIGTERM, signal.SIGINT):
        signal.signal(number, supervisor.ask_to_stop)
    try:
        supervisor.start()
        supervisor.wait_ready()
        if supervisor.stopping:
            return
        if ready_file is not None:
            owner_only(ready_file, supervisor.resolved.model_dump_json(exclude_unset=True))
        told(supervisor.resolved)
        supervisor.watch()
    finally:
        if ready_file is not None:
            ready_file.unlink(missing_ok=True)
        supervisor.stop()


@contextmanager
def running(settings: Settings) -> Iterator[Settings]:
    """An installation of our own beside us (`ovop up` as a child), ready, with all addresses; stopped at the end.

    Raises NotReady.
    """
    data_dir = settings.data_dir.absolute()
    (data_dir / "logs").mkdir(mode=0o700, parents=True, exist_ok=True)
    ready_file = data_dir / "ready.json"
    ready_file.unlink(missing_ok=True)
    stated = json.loads(settings.model_copy(update={"data_dir": data_dir}).model_dump_json(exclude_none=True))
    given = {f"OVOP_{k.upper()}": v if isinstance(v, str) else json.dumps(v) for k, v in stated.items()}
    command = [sys.executable, "-m", "services.cli", "up", "--ready-file", str(ready_file)]
    if setpriv := shutil.which("setpriv"):
        command = [setpriv, "--pdeathsig=TERM", "--", *command]
    kept = {k: v for k, v in os.environ.items() if not k.startswith("OVOP_")}
    with (data_dir / "logs" / "up.log").open("ab") as log:
        process = subprocess.Popen(
            command, stdin=subprocess.DEVNULL, stdout=log, stderr=log, env=kept | given, start_new_session=True
        )
    try:
        deadline = time.monotonic() + READY_SECONDS
        while not ready_file.exists():
            if process.poll() is not None or time.monotonic() > deadline:
                tail = (data_dir / "logs" / "up.log").read_text(errors="replace").splitlines()[-8:]
                raise NotReady("\n".join([NotReady.__doc__ or "", *tail]))
            time.sleep(0.02)
        yield Settings.model_validate_json(ready_file.read_bytes())
    finally:
        process.terminate()
        try:
            process.wait(settings.stop_seconds * 6)
        except subprocess.TimeoutExpired:
            process.kill()
            process.wait()
