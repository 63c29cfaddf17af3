"""Devices that report through a broker: what they send, what they are answered, and the intake that takes it."""

import asyncio
import contextlib
from collections.abc import AsyncIterator, Awaitable, Callable
from datetime import UTC, datetime
from typing import Any
from uuid import uuid4

import orjson
import psycopg
from nats.aio.client import Client

from events.broker import INTAKE_STREAM, intake_subject, receipt_subject
from events.catalogue.base import Event
from events.nats_config import INTAKE
from events.store import Log
from services.access.credentials import Credentials
from services.access.judge import Judge
from services.access.people_store import PeopleStore
from services.access.secrets import new_key
from services.access.sender import Sender
from services.handle import Handler
from services.intake import Intake, Queue
from services.intakes import KnownActors
from services.reports import Reports
from tests import make
from tests.post import Broker, until
from tests.servers import LogDatabase

TILL = "till/karakol-1"
SALE = "outlets.sale_made.v1"


def senders(database: LogDatabase, *known: Sender) -> None:
    """Give a key to each of these."""
    with contextlib.closing(PeopleStore(database.keeper)) as store:
        for sender in known:
            store.add_key(new_key(), sender)


@contextlib.asynccontextmanager
async def taking(database: LogDatabase, broker: Broker) -> AsyncIterator[Intake]:
    """An intake service of the hub that runs for the time of a test; it is ready when this begins."""
    async with taking_from(database, Queue.of_hub(broker.url(INTAKE))) as intake:
        await queue_is_there(broker)
        yield intake


async def queue_is_there(broker: Broker) -> None:
    """Wait until the hub's intake has its queue and listens to it."""
    async with broker.connected(INTAKE) as client:
        while True:
            with contextlib.suppress(Exception):
                if (await client.jetstream().consumer_info(INTAKE_STREAM, "intake")).push_bound:
                    return
            await asyncio.sleep(0.02)


@contextlib.asynccontextmanager
async def taking_from(
    database: LogDatabase, queue: Queue, sender_of: Callable[[str], Awaitable[Sender | None]] | None = None
) -> AsyncIterator[Intake]:
    """An intake service of any queue that runs for the time of a test, ready or not."""
    with Log(database.writer) as log, contextlib.closing(PeopleStore(database.keeper)) as store:
        credentials = Credentials(store, Judge(log))
        reports = Reports(Handler(log), simulated=lambda: False, chains=credentials)
        intake = Intake(
            queue,
            reports,
            sender_of or KnownActors(credentials),
            signer=lambda key_id: credentials.device(key_id)[0],
            ack_wait_seconds=2.0,
        )
        running = asyncio.create_task(intake.run())
        try:
            yield intake
        finally:
            intake.stop()
            await running


def cloud_event(event: Event | None = None, **changes: Any) -> dict[str, Any]:
    told = event or make.sale_made()
    return {
        "specversion": "1.0",
        "id": str(uuid4()),
        "source": "/till/karakol-1",
        "type": told.wire_name,
        "time": datetime.now(UTC).isoformat(),
        "datacontenttype": "application/json",
        "data": told.model_dump(mode="json", exclude_none=True),
    } | changes


async def report(client: Client, body: Any, *, actor: str = TILL) -> int:
    """Send a report as a device does; the broker's acknowledgement says that it is kept."""
    content = body if isinstance(body, bytes) else orjson.dumps(body)
    return (await client.jetstream().publish(intake_subject(actor, SALE), content)).seq


class Receipts:
    """What an actor is answered."""

    def __init__(self) -> None:
        self.answers: list[dict[str, Any]] = []

    @classmethod
    async def of(cls, client: Client, actor: str = TILL) -> "Receipts":
        told = cls()

        async def hear(message: Any) -> None:
            told.answers += orjson.loads(message.data)

        await client.subscribe(receipt_subject(actor), cb=hear)
        await client.flush()
        return told

    def ids(self) -> set[str | None]:
        """Of which reports there are answers so far."""
        return {answer["id"] for answer in self.answers}

    async def statuses(self, count: int) -> list[str]:
        await until(lambda: len(self.answers) >= count, f"{count} answers, got {self.answers}")
        return [answer["status"] for answer in self.answers]


def recorded(database: LogDatabase) -> list[tuple[str, str, str]]:
    with psycopg.connect(database.admin) as connection:
        return connection.execute("SELECT type, actor, event_id::text FROM log.events ORDER BY position").fetchall()
