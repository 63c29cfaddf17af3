"""One server's process: who it runs as, that it is the only one in its directory, and that it ends with us."""

import os
import pwd
import shutil
import signal
import subprocess
import time
from collections.abc import Callable
from dataclasses import dataclass, field
from pathlib import Path

from services.embedded.keeping import EmbeddedServerError, ServerDidNotStart, only_owner

START_SECONDS = 60.0
#: Who runs PostgreSQL when we are root, which it refuses to be: the first of these that exists.
UNPRIVILEGED_USERS = ("postgres", "nobody")


@dataclass(frozen=True, slots=True)
class Account:
    """The system user that a server runs as, when it must not be root."""

    name: str
    uid: int
    gid: int


def unprivileged() -> Account | None:
    if os.geteuid() != 0:
        return None
    for name in UNPRIVILEGED_USERS:
        try:
            found = pwd.getpwnam(name)
        except KeyError:
            continue
        return Account(name, found.pw_uid, found.pw_gid)
    raise EmbeddedServerError(f"PostgreSQL does not run as root, and none of these users exist: {UNPRIVILEGED_USERS}")


def _anyone_may_pass(path: Path) -> bool:
    return all(folder.stat().st_mode & 0o001 for folder in (path, *path.parents) if folder.is_dir())


def as_user(command: list[str], account: Account | None, reaches: tuple[Path, ...], dies_by: str | None) -> list[str]:
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
class Server:
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

    def _spawn(self, command: list[str], account: Account | None) -> None:
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


def end_leftover(pid: int, is_ours: Callable[[int], bool], signals: tuple[signal.Signals, ...]) -> None:
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
