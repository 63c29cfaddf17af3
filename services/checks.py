"""What `ovop doctor` looks at: each check says what it found and, when something is wrong, what to do."""

import os
import shutil
import socket
import sys
from collections.abc import Callable, Sequence
from dataclasses import dataclass
from pathlib import Path
from typing import Final
from urllib.parse import urlsplit

import psycopg

from projections.runner import lag
from services.settings import NoBroker, NoDatabase, Settings

PYTHON_MIN: Final = (3, 12)
POSTGRES_MIN: Final = 160_000
FREE_BYTES_MIN: Final = 1_000_000_000
#: Read models further behind are told of, long before they are not fit to answer readers (`services.operations`).
LAG_EVENTS_UNREMARKABLE: Final = 10_000
_TIMEOUT_SECONDS: Final = 3


@dataclass(frozen=True, slots=True)
class Check:
    name: str
    is_well: bool
    found: str
    advice: str = ""


def run_checks(given: Settings) -> Sequence[Check]:
    """All checks, none of which changes anything or stops the others."""
    return [_guarded(name, check, given) for name, check in _CHECKS.items()]


def _guarded(name: str, check: Callable[[Settings], Check], given: Settings) -> Check:
    try:
        return check(given)
    except (NoDatabase, NoBroker) as error:
        return Check(name, False, str(error), "ovop up")
    except (OSError, psycopg.Error) as error:
        said = str(error).splitlines()
        return Check(name, False, said[0] if said else type(error).__name__, "Is it running? See the files in logs/.")


def _python(_: Settings) -> Check:
    version = ".".join(map(str, sys.version_info[:3]))
    return Check("python", sys.version_info >= PYTHON_MIN, version, "Python 3.12 or newer is needed.")


def _disk(given: Settings) -> Check:
    where = given.data_dir.resolve()
    while not where.exists():
        where = where.parent
    free = shutil.disk_usage(where).free
    return Check("disk", free >= FREE_BYTES_MIN, f"{free // 1_000_000:,} MB free", "Make room: the log only grows.")


def _key(given: Settings) -> Check:
    path: Path = given.admin_key_file
    if not path.exists():
        return Check("admin key", True, "none yet; made at the first start")
    mode = path.stat().st_mode & 0o777
    is_private = os.name == "nt" or mode & 0o077 == 0
    return Check("admin key", is_private, f"mode {mode:o}", f"chmod 600 {path}")


def _database(given: Settings) -> Check:
    with _connected(given) as connection:
        version = connection.info.server_version
    found = f"PostgreSQL {version // 10_000}.{version % 10_000}"
    return Check("database", version >= POSTGRES_MIN, found, "PostgreSQL 16 or newer is needed; 18 is tested.")


def _log(given: Settings) -> Check:
    with _connected(given) as connection:
        prepared = connection.execute("SELECT to_regclass('log.events') IS NOT NULL").fetchone()
        if prepared != (True,):
            return Check("log", False, "there is no log in this database", "ovop migrate")
        row = connection.execute(
            "SELECT coalesce(max(position), 0), count(*) FILTER (WHERE position = 1) FROM log.events"
        ).fetchone() or (0, 0)
    return Check("log", row[0] == 0 or row[1] == 1, f"{row[0]:,} events", "Restore the log from its backup.")


def _read_models(given: Settings) -> Check:
    with _connected(given) as connection:
        behind = lag(connection)
    parked = sum(behind.parked.values())
    if parked:
        return Check("read models", False, f"{parked:,} events parked", "See projection.parked, then ovop rebuild.")
    if not behind.positions:
        return Check("read models", False, "none yet", "ovop up starts the projector, which makes them.")
    found = f"{len(behind.positions)} models, {behind.events:,} events behind"
    return Check(
        "read models", behind.events <= LAG_EVENTS_UNREMARKABLE, found, "Is the projector running? ovop status"
    )


def _broker(given: Settings) -> Check:
    address = urlsplit(given.nats_for("projector"))
    host, port = address.hostname or "127.0.0.1", address.port or 4222
    with socket.create_connection((host, port), timeout=_TIMEOUT_SECONDS) as connection:
        connection.settimeout(_TIMEOUT_SECONDS)
        greeting = connection.recv(4)
    return Check("broker", greeting == b"INFO", f"answers on port {port}", "Something else than NATS answers there.")


def _connected(given: Settings) -> psycopg.Connection[tuple[object, ...]]:
    return psycopg.connect(given.database_for("reader"), connect_timeout=_TIMEOUT_SECONDS, autocommit=True)


_CHECKS: Final[dict[str, Callable[[Settings], Check]]] = {
    "python": _python,
    "disk": _disk,
    "admin key": _key,
    "database": _database,
    "log": _log,
    "read models": _read_models,
    "broker": _broker,
}
