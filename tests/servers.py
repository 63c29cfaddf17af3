"""Real servers for tests: containers when an engine answers, otherwise the embedded programs.

`OVOP_TEST_SERVERS=embedded|containers` decides instead of asking.
"""

import os
import shutil
import socket
import subprocess
import time
from collections.abc import Callable, Mapping
from contextlib import AbstractContextManager, ExitStack
from dataclasses import dataclass
from functools import cache
from pathlib import Path
from typing import Protocol
from urllib.parse import urlsplit, urlunsplit

import psycopg
from psycopg import sql

from services.embedded import EmbeddedNats, EmbeddedPostgres, NatsConfig

POSTGRES_IMAGE = "postgres:18"
NATS_IMAGE = "nats:2.15"

#: Who may connect to a test's database; each acts as the role of its name, and its password is its name.
LOGINS = {
    "test_owner": "ovop_owner",
    "test_writer": "ovop_writer",
    "test_relay": "ovop_relay",
    "test_projector": "ovop_projector",
    "test_reader": "ovop_reader",
    "test_keeper": "ovop_keeper",
    "test_ministry": "ovop_ministry",
}


@cache
def use_containers() -> bool:
    """Whether the servers of this run are containers."""
    forced = os.environ.get("OVOP_TEST_SERVERS")
    if forced is not None:
        assert forced in ("embedded", "containers"), f"OVOP_TEST_SERVERS={forced}"
        return forced == "containers"
    docker = shutil.which("docker")
    if docker is None:
        return False
    try:
        asked = subprocess.run([docker, "info"], capture_output=True, timeout=10, check=False)
    except subprocess.TimeoutExpired:
        return False
    return asked.returncode == 0


@dataclass(frozen=True)
class PostgresServer:
    """A PostgreSQL of this test session."""

    admin_url: str

    def url(self, database: str, login: str | None = None) -> str:
        """How to connect to a database, as the administrator or as one of LOGINS."""
        parts = urlsplit(self.admin_url)
        where = parts.netloc.rpartition("@")
        netloc = f"{login}:{login}@{where[2]}" if login else parts.netloc
        return urlunsplit(parts._replace(netloc=netloc, path=f"/{database}"))

    def run(self, *statements: sql.Composed) -> None:
        """Statements of the administrator outside any database of a test."""
        with psycopg.connect(self.admin_url, autocommit=True) as connection:
            for statement in statements:
                connection.execute(statement)

    def create(self, database: str, template: str = "template0") -> None:
        """A new database, as a copy of another one."""
        names = {"new": sql.Identifier(database), "old": sql.Identifier(template)}
        # A copy does not take along who may connect and create; the test must meet the same walls as the service.
        rights = sql.SQL(
            "UPDATE pg_database new SET datacl = old.datacl FROM pg_database old"
            " WHERE old.datname = {old} AND new.datname = {new}"
        ).format(old=sql.Literal(template), new=sql.Literal(database))
        self.run(sql.SQL("CREATE DATABASE {new} TEMPLATE {old} STRATEGY wal_log").format(**names), rights)

    def drop(self, database: str) -> None:
        """End everybody's connections to a database, and the database."""
        self.run(sql.SQL("DROP DATABASE IF EXISTS {name} WITH (FORCE)").format(name=sql.Identifier(database)))


@dataclass(frozen=True)
class LogDatabase:
    """A migrated, empty database of one test, and its address for each role."""

    server: PostgresServer
    name: str

    @property
    def admin(self) -> str:
        return self.server.url(self.name)

    @property
    def writer(self) -> str:
        return self.server.url(self.name, "test_writer")

    @property
    def relay(self) -> str:
        return self.server.url(self.name, "test_relay")

    @property
    def projector(self) -> str:
        return self.server.url(self.name, "test_projector")

    @property
    def reader(self) -> str:
        return self.server.url(self.name, "test_reader")

    @property
    def keeper(self) -> str:
        return self.server.url(self.name, "test_keeper")

    @property
    def ministry(self) -> str:
        return self.server.url(self.name, "test_ministry")


class NatsServer(Protocol):
    """A broker without accounts, for tests that do not look at permissions."""

    def url(self) -> str: ...


class _Container(Protocol):
    def get_container_host_ip(self) -> str: ...
    def get_exposed_port(self, port: int) -> int: ...


@dataclass(frozen=True)
class _ContainerNats:
    container: _Container

    def url(self) -> str:
        return f"nats://{self.container.get_container_host_ip()}:{self.container.get_exposed_port(4222)}"


def start_postgres(directory: Path, until: ExitStack) -> PostgresServer:
    """Start PostgreSQL for a whole test session; `until` stops it."""
    # These databases outlive no power cut; tests of durability start a server of their own.
    tuning = {"fsync": "off", "max_connections": "150"}
    if not use_containers():
        server = EmbeddedPostgres(directory / "postgres", tuning=tuning)
        until.callback(server.stop)
        server.start()
        return PostgresServer(server.url())
    os.environ.setdefault("TESTCONTAINERS_RYUK_DISABLED", "true")
    from testcontainers.community.postgres import PostgresContainer

    container = PostgresContainer(POSTGRES_IMAGE, username="ovop_admin", dbname="ovop", driver=None)
    container.with_env("LC_ALL", "C.UTF-8")  # what initdb takes the encoding from, if the image says nothing
    container.with_command(
        ["postgres", *(part for name, value in tuning.items() for part in ("-c", f"{name}={value}"))]
    )
    until.enter_context(_entered(container))
    return PostgresServer(container.get_connection_url())


def start_nats(directory: Path, until: ExitStack) -> NatsServer:
    """Start a broker with JetStream and no accounts; `until` stops it."""
    if not use_containers():
        server = EmbeddedNats(directory / "nats")
        until.callback(server.stop)
        server.start()
        return server
    os.environ.setdefault("TESTCONTAINERS_RYUK_DISABLED", "true")
    from testcontainers.core.container import DockerContainer

    container = DockerContainer(NATS_IMAGE).with_command("-js").with_exposed_ports(4222)
    until.enter_context(_entered(container))
    nats = _ContainerNats(container)
    wait_for(lambda: greets(nats.url()), "the broker's greeting")
    return nats


def start_configured_nats(directory: Path, config: NatsConfig, until: ExitStack) -> EmbeddedNats:
    """Start a broker with the project's own accounts. Always the embedded program: it is stopped, wiped and killed."""
    server = EmbeddedNats(directory / "nats", config=config)
    until.callback(server.stop)
    server.start()
    return server


def _entered(container: object) -> AbstractContextManager[object]:
    assert isinstance(container, AbstractContextManager)
    return container


def greets(url: str) -> bool:
    """Whether a broker answers there."""
    parts = urlsplit(url)
    try:
        with socket.create_connection((parts.hostname or "", parts.port or 4222), timeout=2) as connection:
            return connection.recv(5) == b"INFO "
    except OSError:
        return False


def wait_for(condition: Callable[[], bool], what: str, seconds: float = 30.0) -> None:
    """Wait until something holds; fail by name when it does not."""
    deadline = time.monotonic() + seconds
    while not condition():
        assert time.monotonic() < deadline, f"waited {seconds:g} s for {what}"
        time.sleep(0.02)


def environment(**changes: str | None) -> Mapping[str, str]:
    """The environment for a process under test: ours without any OVOP_ setting, and with these."""
    kept = {name: value for name, value in os.environ.items() if not name.startswith("OVOP_")}
    return kept | {name: value for name, value in changes.items() if value is not None}
