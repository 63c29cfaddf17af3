"""Fixtures that everybody uses: a real PostgreSQL and a real broker, a fresh database for each test."""

import itertools
import os
import shutil
from collections.abc import Iterator
from contextlib import ExitStack
from pathlib import Path

import pytest

from events.migrate import login, migrate
from tests.servers import LOGINS, LogDatabase, NatsServer, PostgresServer, start_nats, start_postgres

TEMPLATE = "ovop_template"
_numbers = itertools.count(1)

#: A file system in memory, on Linux.
MEMORY = Path("/dev/shm")  # noqa: S108 - only where pytest makes directories of its own
#: Four times what all tests need at a time.
ROOM_BYTES = 4 << 30


@pytest.hookimpl(tryfirst=True)
def pytest_configure() -> None:
    """Where memory has room, what tests write goes there: a disk takes twice as long to make hundreds of databases."""
    if room_in_memory() >= ROOM_BYTES:
        os.environ.setdefault("PYTEST_DEBUG_TEMPROOT", str(MEMORY))


def room_in_memory() -> int:
    """Bytes that are free both in the file system in memory and in memory; 0 where there is no such file system."""
    if not os.access(MEMORY, os.W_OK):
        return 0
    said = dict(line.split(":", 1) for line in Path("/proc/meminfo").read_text().splitlines())
    return min(int(said["MemAvailable"].split()[0]) << 10, shutil.disk_usage(MEMORY).free)


@pytest.fixture(scope="session")
def postgres(tmp_path_factory: pytest.TempPathFactory) -> Iterator[PostgresServer]:
    """One PostgreSQL for the tests of this process."""
    with ExitStack() as until:
        yield start_postgres(tmp_path_factory.mktemp("postgres-"), until)


@pytest.fixture(scope="session")
def migrated_template(postgres: PostgresServer) -> str:
    """A migrated database that others are copied from."""
    postgres.create(TEMPLATE)
    migrate(postgres.url(TEMPLATE))
    for name, role in LOGINS.items():
        login(postgres.url(TEMPLATE), name, role, password=name)
    return TEMPLATE


def _copy(postgres: PostgresServer, template: str) -> Iterator[LogDatabase]:
    database = LogDatabase(postgres, f"ovop_{next(_numbers)}")
    postgres.create(database.name, template)
    yield database
    postgres.drop(database.name)


@pytest.fixture
def log_database(postgres: PostgresServer, migrated_template: str) -> Iterator[LogDatabase]:
    """A migrated, empty database for one test."""
    yield from _copy(postgres, migrated_template)


@pytest.fixture(scope="module")
def module_log_database(postgres: PostgresServer, migrated_template: str) -> Iterator[LogDatabase]:
    """A migrated database that the tests of one module share."""
    yield from _copy(postgres, migrated_template)


@pytest.fixture
def bare_database(postgres: PostgresServer) -> Iterator[LogDatabase]:
    """An empty database without the log."""
    yield from _copy(postgres, "template0")


@pytest.fixture(scope="module")
def nats_server(tmp_path_factory: pytest.TempPathFactory) -> Iterator[NatsServer]:
    """A broker with JetStream and no accounts, for the tests of one module."""
    with ExitStack() as until:
        yield start_nats(tmp_path_factory.mktemp("nats-"), until)
