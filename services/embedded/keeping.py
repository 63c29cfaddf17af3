"""What the embedded servers keep beside their data: generated secrets, locks, private files, ports."""

import fcntl
import os
import secrets
import socket
import tempfile
from pathlib import Path


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


def free_port() -> int:
    """A loopback port that nobody listens on just now."""
    with socket.socket() as probe:
        probe.bind(("127.0.0.1", 0))
        return int(probe.getsockname()[1])
