"""Reports through the broker on real servers: stored once, answered, never terminated."""

import asyncio
import contextlib
import hashlib
import os
import signal
import subprocess
import sys
from collections.abc import Iterator
from contextlib import ExitStack
from typing import Any

import orjson
import psycopg
import pytest
from cryptography.hazmat.primitives.asymmetric.ed25519 import Ed25519PrivateKey
from nats.aio.client import Client

from events.broker import INTAKE_STREAM, actor_user, intake_subject
from events.canonical import canonical
from events.nats_config import INTAKE
from services.access.people_store import PeopleStore
from services.access.sender import Sender
from services.access.signatures import upload_text
from services.intake import Queue
from tests.access import Tablet, chain
from tests.devices import (
    SALE,
    TILL,
    Receipts,
    cloud_event,
    queue_is_there,
    recorded,
    report,
    senders,
    taking,
    taking_from,
)
from tests.post import Broker, start_broker, until
from tests.servers import LogDatabase, environment

OTHER_TILL = "till/karakol-2"


@pytest.fixture
def broker(tmp_path_factory: pytest.TempPathFactory) -> Iterator[Broker]:
    with ExitStack() as stack:
        yield start_broker(tmp_path_factory.mktemp("broker-"), stack)


@pytest.fixture
def known(log_database: LogDatabase) -> LogDatabase:
    """A log with the keys of two senders; `till/karakol-2` has none."""
    senders(
        log_database,
        Sender(TILL, "till", "karakol"),
        Sender("integrator/naryn.2", "integrator", scopes=frozenset({"report", "name"})),
    )
    return log_database


async def queued(broker: Broker) -> int:
    async with broker.connected(INTAKE) as client:
        return (await client.jetstream().stream_info(INTAKE_STREAM)).state.messages


def test_a_cloud_event_of_a_till_is_recorded_in_its_name_and_answered_with_a_receipt(
    broker: Broker, known: LogDatabase
) -> None:
    async def scenario() -> None:
        async with taking(known, broker), broker.connected(actor_user(TILL)) as client:
            receipts = await Receipts.of(client)
            sale = cloud_event()
            await report(client, sale)
            assert await receipts.statuses(1) == ["accepted"]
            assert receipts.answers[0]["id"] == sale["id"]
            assert receipts.answers[0]["receipt"]["position"] == 1
            assert recorded(known) == [(SALE, TILL, sale["id"])]
            assert await queued(broker) == 0

    asyncio.run(scenario())


def test_the_items_that_http_takes_are_taken_too_alone_or_in_a_list(broker: Broker, known: LogDatabase) -> None:
    async def scenario() -> None:
        def item() -> dict[str, Any]:
            told = cloud_event()
            return {"id": told["id"], "type": told["type"], "occurred_at": told["time"], "data": told["data"]}

        async with taking(known, broker), broker.connected(actor_user(TILL)) as client:
            receipts = await Receipts.of(client)
            await report(client, item())
            await report(client, [item(), item()])
            assert await receipts.statuses(3) == ["accepted"] * 3
            assert len(recorded(known)) == 3

    asyncio.run(scenario())


def test_a_report_sent_again_is_answered_with_its_first_receipt(broker: Broker, known: LogDatabase) -> None:
    async def scenario() -> None:
        async with taking(known, broker), broker.connected(actor_user(TILL)) as client:
            receipts = await Receipts.of(client)
            sale = cloud_event()
            await report(client, sale)
            await receipts.statuses(1)
            await report(client, sale)
            assert await receipts.statuses(2) == ["accepted", "duplicate"]
            assert receipts.answers[0]["receipt"] == receipts.answers[1]["receipt"]
            assert len(recorded(known)) == 1

    asyncio.run(scenario())


@pytest.mark.parametrize(
    ("body", "problem"),
    [
        (b"\xff not JSON", "not_json"),
        (orjson.dumps(cloud_event(type="outlets.sale_dreamt.v1")), "unknown_type"),
        (orjson.dumps(cloud_event(subject="x", colour="red")), "unknown_field"),
        (orjson.dumps([]), "wrong_type"),
        (orjson.dumps([{}] * 501), "wrong_type"),
    ],
)
def test_what_is_not_understood_is_kept_whole_and_acknowledged(
    broker: Broker, known: LogDatabase, body: bytes, problem: str
) -> None:
    async def scenario() -> None:
        async with taking(known, broker), broker.connected(actor_user(TILL)) as client:
            receipts = await Receipts.of(client)
            await report(client, body)
            assert await receipts.statuses(1) == ["quarantined"]
            assert receipts.answers[0]["problem"] == problem
            with psycopg.connect(known.admin) as connection:
                kept = [bytes(row[0]) for row in connection.execute("SELECT content FROM quarantine.messages")]
            assert len(kept) == 1
            assert kept[0] == body or _same_report(orjson.loads(kept[0]), orjson.loads(body))
            assert await queued(broker) == 0

    asyncio.run(scenario())


def _same_report(kept: Any, sent: Any) -> bool:
    """A CloudEvent is kept as the report that it is: without the attributes of the envelope that say nothing more."""
    if not isinstance(sent, dict) or "colour" in sent:
        return bool(kept == sent)
    told = {"id": sent["id"], "type": sent["type"], "occurred_at": sent["time"], "data": sent["data"]}
    return bool(kept == told)


def test_reports_of_an_actor_whose_keys_were_revoked_are_kept_in_quarantine(broker: Broker, known: LogDatabase) -> None:
    async def scenario() -> None:
        unknown = "till/karakol-2"
        async with taking(known, broker), broker.connected(actor_user(unknown)) as client:
            receipts = await Receipts.of(client, unknown)
            await report(client, cloud_event(), actor=unknown)
            assert await receipts.statuses(1) == ["quarantined"]
            assert receipts.answers[0]["problem"] == "unknown_sender"
            assert recorded(known)[0][:2] == ("exchange.message_quarantined.v1", unknown)

    asyncio.run(scenario())


def test_a_report_that_breaks_the_intake_is_kept_as_it_came_and_others_are_taken(
    broker: Broker, known: LogDatabase
) -> None:
    strange = "till/karakol-2"

    async def sender_of(actor: str) -> Sender | None:
        if actor == strange:
            raise ZeroDivisionError("nobody thought of this")
        return Sender(actor, "till", "karakol")

    async def scenario() -> None:
        async with (
            taking_from(known, Queue.of_hub(broker.url(INTAKE)), sender_of),
            broker.connected(actor_user(TILL)) as client,
            broker.connected(actor_user(strange)) as other,
        ):
            await queue_is_there(broker)
            receipts, others = await Receipts.of(client), await Receipts.of(other, strange)
            broken = [cloud_event() for _ in range(3)]
            for sale in broken:
                await report(other, sale, actor=strange)
                await report(client, cloud_event())
            assert await receipts.statuses(3) == ["accepted"] * 3
            assert await others.statuses(3) == ["quarantined"] * 3
            assert {answer["problem"] for answer in others.answers} == {"not_taken"}
            with psycopg.connect(known.admin) as connection:
                kept = [bytes(row[0]) for row in connection.execute("SELECT content FROM quarantine.messages")]
            assert sorted(kept) == sorted(orjson.dumps(sale) for sale in broken)
            assert await queued(broker) == 0

    asyncio.run(scenario())


def test_an_answer_of_the_broker_is_no_report(broker: Broker, known: LogDatabase) -> None:
    async def scenario() -> None:
        async with taking(known, broker) as intake, broker.connected(actor_user(TILL)) as client:
            subject = intake_subject(TILL, SALE)
            await client.publish(subject, orjson.dumps(cloud_event()), reply=subject)
            await until(lambda: len(recorded(known)) == 1, "the report")
            await asyncio.sleep(0.3)
            assert await queued(broker) == 0
            assert [row[0] for row in recorded(known)] == [SALE]
            assert intake.taken == 1

    asyncio.run(scenario())


def test_reports_wait_for_a_log_that_does_not_answer(broker: Broker, known: LogDatabase) -> None:
    async def scenario() -> None:
        async with taking(known, broker), broker.connected(actor_user(TILL)) as client:
            receipts = await Receipts.of(client)
            await report(client, cloud_event())
            await receipts.statuses(1)
            _let_nobody_in(known, True)
            for _ in range(5):
                await report(client, cloud_event())
            await asyncio.sleep(1.5)
            assert await queued(broker) == 5
            _let_nobody_in(known, False)
            assert await receipts.statuses(6) == ["accepted"] * 6
            assert len(recorded(known)) == 6

    asyncio.run(scenario())


def _let_nobody_in(database: LogDatabase, closed: bool) -> None:
    """A database that is away, as far as everybody but its owner can see."""
    with psycopg.connect(database.server.admin_url, autocommit=True) as connection:
        connection.execute(f"ALTER DATABASE {database.name} CONNECTION LIMIT {0 if closed else -1}")
        if closed:
            connection.execute(
                "SELECT pg_terminate_backend(pid) FROM pg_stat_activity WHERE datname = %s", (database.name,)
            )


def test_a_wiped_broker_is_taken_from_again(broker: Broker, known: LogDatabase) -> None:
    async def scenario() -> None:
        async with taking(known, broker):
            broker.wipe()
            await queue_is_there(broker)
            async with broker.connected(actor_user(TILL)) as client:
                receipts = await Receipts.of(client)
                await report(client, cloud_event())
                assert await receipts.statuses(1) == ["accepted"]

    asyncio.run(scenario())


INTAKE_PROCESS = """
import asyncio, sys
from events.store import Log
from services.access.credentials import Credentials
from services.access.judge import Judge
from services.access.people_store import PeopleStore
from services.handle import Handler
from services.intake import Intake, Queue
from services.intakes import KnownActors
from services.reports import Reports
log = Log(sys.argv[1])
known = KnownActors(Credentials(PeopleStore(sys.argv[3]), Judge(log)))
reports = Reports(Handler(log), simulated=lambda: False)
asyncio.run(Intake(Queue.of_hub(sys.argv[2]), reports, known, ack_wait_seconds=2.0).run())
"""


def test_an_intake_killed_in_the_middle_loses_nothing_and_doubles_nothing(broker: Broker, known: LogDatabase) -> None:
    command = [sys.executable, "-c", INTAKE_PROCESS, known.writer, broker.url(INTAKE), known.keeper]

    async def scenario() -> None:
        async with taking(known, broker):
            pass  # the stream is there now
        sales = [cloud_event() for _ in range(1_500)]
        async with broker.connected(actor_user(TILL)) as client:
            jetstream = client.jetstream()
            acks = [
                await jetstream.publish_async(intake_subject(TILL, SALE), orjson.dumps(sale))
                for sale in (*sales, *sales[::7])
            ]
            await asyncio.gather(*acks)
        for _ in range(3):
            process = subprocess.Popen(command, env=environment())
            before = len(recorded(known))
            await until(lambda before=before: len(recorded(known)) > before, "some reports")  # type: ignore[misc]
            os.kill(process.pid, signal.SIGKILL)
            process.wait()
        async with taking(known, broker):
            for _ in range(400):
                if await queued(broker) == 0:
                    break
                await asyncio.sleep(0.05)
        assert sorted(row[2] for row in recorded(known)) == sorted(sale["id"] for sale in sales)

    asyncio.run(scenario())


def test_what_a_signing_device_sends_through_the_broker_is_verified_before_it_is_stored(
    broker: Broker, log_database: LogDatabase
) -> None:
    tablet = Tablet(Ed25519PrivateKey.generate(), actor=TILL)
    with contextlib.closing(PeopleStore(log_database.keeper)) as store:
        code = store.use_code("device", store.add_code("device", TILL, 15, outlet="karakol"))
        assert code is not None
        tablet.key_id = "key-1"
        assert store.add_device(code, tablet.key_id, "ed25519", tablet.private.public_key().public_bytes_raw())  # type: ignore[union-attr]
        other = store.use_code("device", store.add_code("device", OTHER_TILL, 15, outlet="karakol"))
        assert other is not None
        neighbour = Tablet(Ed25519PrivateKey.generate(), key_id="key-2", actor=OTHER_TILL)
        assert store.add_device(other, "key-2", "ed25519", neighbour.private.public_key().public_bytes_raw())  # type: ignore[union-attr]

    async def send(
        client: Client, item: dict[str, Any], *, signed_for: str = TILL, key: str = "key-1", by: Tablet = tablet
    ) -> None:
        body = orjson.dumps([item])
        head = hashlib.sha256(canonical(item)).hexdigest()
        headers = {
            "Ovop-Key": key,
            "Ovop-Chain-Head": head,
            "Ovop-Signature": by.sign(upload_text(signed_for, head, body)),
        }
        await client.jetstream().publish(intake_subject(TILL, SALE), body, headers=headers if key else None)

    async def scenario() -> None:
        async with taking(log_database, broker), broker.connected(actor_user(TILL)) as client:
            receipts = await Receipts.of(client)
            items, _ = chain(1, 2, 3, 4, 5)
            await send(client, items[0])
            await send(client, items[1], signed_for=OTHER_TILL)
            await send(client, items[2], key="")
            await send(client, items[3], key="key-of-nobody")
            await send(client, items[4], signed_for=OTHER_TILL, key="key-2", by=neighbour)
            assert len(await receipts.statuses(5)) == 5
            told = [(answer["status"] in ("accepted", "flagged"), answer["problem"]) for answer in receipts.answers]
            assert told == [(True, None)] + [(False, "wrong_signature")] * 4
            assert {answer["status"] for answer in receipts.answers[1:]} == {"quarantined"}

    asyncio.run(scenario())
