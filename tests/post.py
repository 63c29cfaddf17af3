"""The post under test: the project's own broker with its users, a log to publish from, and a look into the stream."""

import asyncio
import contextlib
import shutil
import socket
from collections.abc import AsyncIterator, Callable, Mapping, Sequence
from contextlib import ExitStack
from dataclasses import dataclass
from datetime import UTC, datetime
from pathlib import Path
from typing import Any
from uuid import uuid4

import nats
import orjson
from nats.aio.client import Client
from nats.js.api import StreamInfo

from events.broker import EVENTS_STREAM, connect_options
from events.catalogue.base import Event
from events.nats_config import RELAY, BrokerUsers, load_users, server_config
from events.outlet_config import outlet_config
from events.relay import Relay
from events.store import Append, Log
from services.embedded import EmbeddedNats
from tests import make
from tests.servers import LogDatabase, start_configured_nats

READERS = ("ministry",)
ACTORS = ("till/karakol-1", "till/karakol-2", "integrator/naryn.2")


@dataclass
class Broker:
    """A broker with the project's own configuration."""

    server: EmbeddedNats
    users: BrokerUsers

    def url(self, user: str) -> str:
        return self.server.url(user, self.users.passwords[user])

    @contextlib.asynccontextmanager
    async def connected(self, user: str, password_of: str | None = None) -> AsyncIterator[Client]:
        """A connection of one user; `client.refused` lists what the server did not let it do."""
        refused: list[str] = []

        async def note(error: Exception) -> None:
            refused.append(str(error))

        options = connect_options(user, self.users.passwords[password_of or user])
        client = await nats.connect(self.server.url(), **options, allow_reconnect=False, error_cb=note)
        client.refused = refused  # type: ignore[attr-defined]
        try:
            yield client
        finally:
            with contextlib.suppress(Exception):
                await client.close()

    def wipe(self) -> None:
        """A broker that lost its disk: killed, emptied, started again."""
        self.server.kill()
        shutil.rmtree(self.server.store)
        self.server.start()

    async def events_stream(self) -> StreamInfo:
        async with self.connected(RELAY) as client:
            return await client.jetstream().stream_info(EVENTS_STREAM)

    async def messages(self) -> list[dict[str, Any]]:
        """Everything in the events stream, as CloudEvents with their `sequence`."""
        async with self.connected(RELAY) as client:
            state = (await client.jetstream().stream_info(EVENTS_STREAM)).state
            found = []
            for sequence in range(state.first_seq, state.last_seq + 1):
                message = await client.jetstream().get_msg(EVENTS_STREAM, sequence)
                found.append(orjson.loads(message.data or b"") | {"sequence": message.seq})
            return found


def start_broker(
    directory: Path, until: ExitStack, actors: Sequence[str] = ACTORS, outlets: Sequence[str] = (), **leaf: Any
) -> Broker:
    users = load_users(directory / "broker-users.json", actors, outlets, READERS)

    def config(port: int, store: Path) -> str:
        return server_config(users, port, store, **leaf)

    return Broker(start_configured_nats(directory, config, until), users)


def start_outlet(
    hub: Broker, outlet: str, actors: Sequence[str], link: str, directory: Path, until: ExitStack, **more: Any
) -> Broker:
    """An outlet's own broker, with the project's configuration for it; `link` is where it finds the hub."""

    def config(port: int, store: Path) -> str:
        return outlet_config(hub.users, outlet, actors, link, port, store, **more)

    return Broker(start_configured_nats(directory, config, until), hub.users)


def answer_to_greeting(broker: Broker, options: Mapping[str, object]) -> bytes:
    """All that the server says to somebody who connects like this, until it ends the connection."""
    host, _, port = broker.server.address.partition(":")
    said = b""
    with socket.create_connection((host, int(port)), timeout=5) as connection:
        connection.sendall(b"CONNECT " + orjson.dumps(options) + b"\r\nPING\r\n")
        while received := connection.recv(4096):
            said += received
    return said


def fact(event: Event | None = None, *, actor: str = "till/karakol-1") -> Append:
    """A request with one fact, never seen before."""
    return Append(
        request_id=uuid4(),
        request_hash=uuid4().bytes + uuid4().bytes,
        stream=(event or make.sale_made()).stream(),
        expected_version=None,
        actor=actor,
        occurred_at=datetime.now(UTC),
        events=(event or make.sale_made(),),
    )


def append(database: LogDatabase, count: int) -> None:
    """Put `count` new facts into the log."""
    with Log(database.writer) as log:
        for begin in range(0, count, 400):
            log.append([fact() for _ in range(min(400, count - begin))])


@contextlib.asynccontextmanager
async def relaying(database: LogDatabase, broker: Broker, **settings: Any) -> AsyncIterator[Relay]:
    """A relay that runs for the time of a test."""
    relay = Relay(database.relay, broker.url(RELAY), **settings)
    async with running(relay):
        yield relay


@contextlib.asynccontextmanager
async def running(relay: Relay) -> AsyncIterator[None]:
    """Let a relay run for a while."""
    task = asyncio.create_task(relay.run())
    try:
        yield
    finally:
        task.cancel()
        with contextlib.suppress(asyncio.CancelledError):
            await task


async def until(condition: Callable[[], bool], what: str, seconds: float = 20.0) -> None:
    """Wait until something holds; fail by name when it does not."""
    deadline = asyncio.get_running_loop().time() + seconds
    while not condition():
        assert asyncio.get_running_loop().time() < deadline, f"waited {seconds:g} s for {what}"
        await asyncio.sleep(0.01)
