"""An outlet with a broker of its own: reports are stored there while the link is down, and forwarded when it is back.

Two real servers with the project's configurations, and a wire between them that the tests cut.
"""

import asyncio
import contextlib
from collections.abc import AsyncIterator, Iterator
from contextlib import ExitStack
from dataclasses import dataclass
from datetime import UTC, datetime, timedelta
from pathlib import Path

import nats.errors
import orjson
import pytest
from cryptography import x509
from cryptography.hazmat.primitives import hashes, serialization
from cryptography.hazmat.primitives.asymmetric import ec
from cryptography.x509.oid import NameOID
from nats.aio.client import Client
from nats.js.errors import NoStreamResponseError

from events.broker import OUTBOX_STREAM, actor_user, intake_subject
from events.catalogue.base import Event
from events.nats_config import INTAKE, LeafListener
from services.access import Sender
from services.embedded import free_port
from services.intake import Intake, Queue
from tests import make
from tests.devices import SALE, TILL, Receipts, cloud_event, recorded, report, senders, taking_from
from tests.post import Broker, answer_to_greeting, start_broker, start_outlet, until
from tests.servers import LogDatabase

OUTLET = "karakol"
OTHER_TILL = "till/cholpon-ata-1"


class Wire:
    """A wire of TCP from the outlet to the hub's leaf port, that can be cut and mended."""

    def __init__(self, hub_port: int) -> None:
        self._hub_port = hub_port
        self.port = free_port()
        self._server: asyncio.Server | None = None
        self._carrying: set[asyncio.Task[None]] = set()

    async def mend(self) -> None:
        self._server = await asyncio.start_server(self._join, "127.0.0.1", self.port)

    async def cut(self) -> None:
        """Nothing gets through any more, and what was on its way is gone."""
        if self._server is not None:
            self._server.close()
        for task in self._carrying:
            task.cancel()
        await asyncio.gather(*self._carrying, return_exceptions=True)

    def _join(self, reader: asyncio.StreamReader, writer: asyncio.StreamWriter) -> None:
        task = asyncio.create_task(self._carry(reader, writer))
        self._carrying.add(task)
        task.add_done_callback(self._carrying.discard)

    async def _carry(self, reader: asyncio.StreamReader, writer: asyncio.StreamWriter) -> None:
        ends = [writer]
        try:
            hub_reader, hub_writer = await asyncio.open_connection("127.0.0.1", self._hub_port)
            ends.append(hub_writer)
            await asyncio.wait(
                [asyncio.create_task(_copy(reader, hub_writer)), asyncio.create_task(_copy(hub_reader, writer))],
                return_when=asyncio.FIRST_COMPLETED,
            )
        finally:
            for end in ends:
                end.transport.abort()
            await asyncio.sleep(0.01)  # what read from them ends, too


async def _copy(reader: asyncio.StreamReader, writer: asyncio.StreamWriter) -> None:
    with contextlib.suppress(OSError):
        while data := await reader.read(65_536):
            writer.write(data)
            await writer.drain()


@dataclass
class Shop:
    """A hub, an outlet's own server, and the wire between them."""

    hub: Broker
    outlet: Broker
    wire: Wire
    queue: Queue


@pytest.fixture
def shop(tmp_path_factory: pytest.TempPathFactory) -> Iterator[Shop]:
    with ExitStack() as stack:
        directory, leaf_port = tmp_path_factory.mktemp("shop-"), free_port()
        actors = [TILL, OTHER_TILL]
        hub = start_broker(directory / "hub", stack, actors, [OUTLET], leaf=LeafListener(f"127.0.0.1:{leaf_port}"))
        wire = Wire(leaf_port)
        # The other till's user stands in this outlet's configuration although the hub knows it elsewhere: a server in a
        # shop may be changed by whoever stands before it.
        outlet = start_outlet(hub, OUTLET, actors, f"127.0.0.1:{wire.port}", directory / OUTLET, stack)
        yield Shop(hub, outlet, wire, Queue.of_outlet(hub.url(INTAKE), OUTLET, [TILL]))


@pytest.fixture
def known(log_database: LogDatabase) -> LogDatabase:
    senders(log_database, Sender(TILL, "till", "karakol"), Sender(OTHER_TILL, "till", "cholpon-ata"))
    return log_database


@contextlib.asynccontextmanager
async def joined(shop: Shop, database: LogDatabase) -> AsyncIterator[Intake]:
    """The link stands, the intake runs, and the outlet's queue is there."""
    await shop.wire.mend()
    async with taking_from(database, shop.queue) as intake, shop.outlet.connected(actor_user(TILL)) as till:
        await first_report(till)
        await until(lambda: intake.taken == 1, "the first report")
        try:
            yield intake
        finally:
            await shop.wire.cut()


async def first_report(till: Client, actor: str = TILL) -> None:
    """Report until the outlet's server has its queue; an empty report is one too, kept in quarantine."""
    for _ in range(1_000):
        with contextlib.suppress(NoStreamResponseError):
            await till.jetstream().publish(intake_subject(actor, SALE), b"")
            return
        await asyncio.sleep(0.02)
    pytest.fail("the outlet's server has no queue")


def sales(database: LogDatabase) -> list[str]:
    """The ids of the recorded sales, in their order."""
    return [event_id for wire_name, _, event_id in recorded(database) if wire_name == SALE]


def test_reports_made_without_a_link_are_in_the_log_once_when_it_is_back(shop: Shop, known: LogDatabase) -> None:
    async def scenario() -> None:
        async with joined(shop, known), shop.outlet.connected(actor_user(TILL)) as till:
            receipts = await Receipts.of(till)
            before, without, after = ([cloud_event() for _ in range(20)] for _ in range(3))
            for sale in before:
                await report(till, sale)
            await receipts.statuses(20)
            await shop.wire.cut()
            for sale in without:
                await report(till, sale)
            await asyncio.sleep(0.3)
            assert len(sales(known)) == 20
            await shop.wire.mend()
            for sale in after:
                await report(till, sale)
            assert await receipts.statuses(60) == ["accepted"] * 60
            assert sorted(sales(known)) == sorted(sale["id"] for sale in [*before, *without, *after])

    asyncio.run(scenario())


def test_a_link_cut_in_the_middle_of_a_flow_loses_nothing_and_doubles_nothing(shop: Shop, known: LogDatabase) -> None:
    async def scenario() -> None:
        async with joined(shop, known), shop.outlet.connected(actor_user(TILL)) as till:
            told = [cloud_event() for _ in range(900)]
            for begin in range(0, 900, 300):
                part = told[begin : begin + 300]
                # Every third one is sent twice: a device that was not answered in time.
                acks = [
                    await till.jetstream().publish_async(intake_subject(TILL, SALE), orjson.dumps(sale))
                    for sale in (*part, *part[::3])
                ]
                await asyncio.gather(*acks)
                await until(lambda begin=begin: len(sales(known)) > begin, "some of them")  # type: ignore[misc]
                await shop.wire.cut()
                await shop.wire.mend()
            await until(lambda: len(sales(known)) >= 900, "all of them")
            assert sorted(sales(known)) == sorted(sale["id"] for sale in told)
            await until_empty(shop)

    asyncio.run(scenario())


async def until_empty(shop: Shop) -> None:
    """Everything at the outlet is acknowledged; a look through the hub, as the intake has it."""
    async with shop.hub.connected("outlet-intake.karakol", INTAKE) as client:
        for _ in range(1_000):
            with contextlib.suppress(nats.errors.Error):
                found = await client.jetstream(domain=OUTLET).stream_info(OUTBOX_STREAM)
                if found.state.messages == 0:
                    return
            await asyncio.sleep(0.02)
        pytest.fail("something is left at the outlet")


def test_an_outlets_server_that_is_killed_without_a_link_still_has_what_it_acknowledged(
    shop: Shop, known: LogDatabase
) -> None:
    async def scenario() -> None:
        async with joined(shop, known):
            await shop.wire.cut()
            told = [cloud_event() for _ in range(10)]
            async with shop.outlet.connected(actor_user(TILL)) as till:
                for sale in told:
                    await report(till, sale)
            shop.outlet.server.kill()
            shop.outlet.server.start()
            await shop.wire.mend()
            await until(lambda: len(sales(known)) == 10, "what was acknowledged")
            assert sorted(sales(known)) == sorted(sale["id"] for sale in told)

    asyncio.run(scenario())


def test_an_outlets_server_with_a_new_disk_is_given_its_queue_again(shop: Shop, known: LogDatabase) -> None:
    async def scenario() -> None:
        async with joined(shop, known):
            shop.outlet.wipe()
            async with shop.outlet.connected(actor_user(TILL)) as till:
                receipts = await Receipts.of(till)
                await first_report(till)
                assert await receipts.statuses(1) == ["duplicate"]
                await report(till, cloud_event())
                assert await receipts.statuses(2) == ["duplicate", "accepted"]

    asyncio.run(scenario())


def test_an_outlets_server_speaks_for_its_own_devices_only(shop: Shop, known: LogDatabase) -> None:
    async def scenario() -> None:
        async with joined(shop, known), shop.outlet.connected(actor_user(OTHER_TILL)) as stranger:
            receipts = await Receipts.of(stranger, OTHER_TILL)
            await report(stranger, cloud_event(), actor=OTHER_TILL)
            assert await receipts.statuses(1) == ["quarantined"]
            assert receipts.answers[0]["problem"] == "unknown_sender"
            assert sales(known) == []

    asyncio.run(scenario())


def test_the_devices_of_an_outlet_touch_their_own_subjects_and_nothing_else(shop: Shop, known: LogDatabase) -> None:
    publishes = {
        "ovop.intake.till/karakol-1.outlets.sale_made": True,
        "ovop.intake.till/cholpon-ata-1.outlets.sale_made": False,
        "ovop.receipts.till/cholpon-ata-1": False,
        f"$JS.API.STREAM.PURGE.{OUTBOX_STREAM}": False,
        f"$JS.API.CONSUMER.CREATE.{OUTBOX_STREAM}.else": False,
        f"$JS.ACK.{OUTBOX_STREAM}.intake.1.1.1.1.1": False,
    }
    subscribes = {"ovop.receipts.till/karakol-1": True, "ovop.receipts.*": False, "ovop.intake.>": False, ">": False}

    async def scenario() -> None:
        async with joined(shop, known), shop.outlet.connected(actor_user(TILL)) as till:
            for subject in publishes:
                await till.publish(subject, b"{}")
            for subject in subscribes:
                await till.subscribe(subject)
            await till.flush()
            await asyncio.sleep(0.1)
            told = "".join(till.refused).lower()  # type: ignore[attr-defined]
            done = {s: f'"{s.lower()}"' not in told for s in (*publishes, *subscribes)}
            assert done == publishes | subscribes
        stranger = await asyncio.to_thread(answer_to_greeting, shop.outlet, {"verbose": True})
        assert b"-ERR 'Authorization Violation'" in stranger

    asyncio.run(scenario())


def test_two_outlets_are_two_worlds(tmp_path_factory: pytest.TempPathFactory, known: LogDatabase) -> None:
    of_outlet = {OUTLET: TILL, "cholpon-ata": OTHER_TILL}

    async def scenario(hub: Broker, port: int, stack: ExitStack) -> None:
        told = [cloud_event(outlet_sale(till, outlet)) for outlet, till in of_outlet.items()]
        async with contextlib.AsyncExitStack() as until_here:
            receipts = []
            for sale, (outlet, till) in zip(told, of_outlet.items(), strict=True):
                server = start_outlet(hub, outlet, [till], f"127.0.0.1:{port}", directory / outlet, stack)
                await until_here.enter_async_context(
                    taking_from(known, Queue.of_outlet(hub.url(INTAKE), outlet, [till]))
                )
                device = await until_here.enter_async_context(server.connected(actor_user(till)))
                await first_report(device, till)
                receipts.append(await Receipts.of(device, till))
                await report(device, sale, actor=till)
            for sale, heard in zip(told, receipts, strict=True):
                await until(lambda heard=heard: sale["id"] in heard.ids(), "the receipt")  # type: ignore[misc] # noqa: B023
            await asyncio.sleep(0.2)
            assert [heard.ids() - {None} for heard in receipts] == [{sale["id"]} for sale in told]
            assert sorted(sales(known)) == sorted(sale["id"] for sale in told)

    directory = tmp_path_factory.mktemp("shops-")
    with ExitStack() as stack:
        port = free_port()
        hub = start_broker(
            directory / "hub", stack, [*of_outlet.values()], [*of_outlet], leaf=LeafListener(f"127.0.0.1:{port}")
        )
        asyncio.run(scenario(hub, port, stack))


def outlet_sale(till: str, outlet: str) -> Event:
    return make.sale_made(till=till.removeprefix("till/"), outlet=outlet)


def test_the_link_may_be_tls_and_then_trusts_one_authority_only(
    tmp_path_factory: pytest.TempPathFactory, known: LogDatabase
) -> None:
    directory = tmp_path_factory.mktemp("tls-")
    port = free_port()
    shown, another = certificate(directory, "hub", port), certificate(directory, "another", port)

    async def scenario(hub: Broker, stack: ExitStack) -> None:
        queue = Queue.of_outlet(hub.url(INTAKE), OUTLET, [TILL])
        link = f"localhost:{port}"
        fooled = start_outlet(hub, OUTLET, [TILL], link, directory / "fooled", stack, authority=another.certificate)
        async with taking_from(known, queue) as intake:
            async with fooled.connected(actor_user(TILL)) as till:
                await asyncio.sleep(1.0)
                with pytest.raises(NoStreamResponseError):
                    await report(till, cloud_event())
            fooled.server.stop()
            honest = start_outlet(hub, OUTLET, [TILL], link, directory / "honest", stack, authority=shown.certificate)
            async with honest.connected(actor_user(TILL)) as till:
                await first_report(till)
                await until(lambda: intake.taken == 1, "the report")

    with ExitStack() as stack:
        hub = start_broker(directory / "hub", stack, [TILL], [OUTLET], leaf=shown)
        asyncio.run(scenario(hub, stack))


def certificate(directory: Path, name: str, port: int) -> LeafListener:
    """A listener with a certificate for localhost that vouches for itself."""
    key = ec.generate_private_key(ec.SECP256R1())
    called = x509.Name([x509.NameAttribute(NameOID.COMMON_NAME, name)])
    now = datetime.now(UTC)
    made = (
        x509.CertificateBuilder(called, called, key.public_key(), x509.random_serial_number())
        .not_valid_before(now - timedelta(hours=1))
        .not_valid_after(now + timedelta(hours=1))
        .add_extension(x509.SubjectAlternativeName([x509.DNSName("localhost")]), critical=False)
        .add_extension(x509.BasicConstraints(ca=True, path_length=None), critical=True)
        .sign(key, hashes.SHA256())
    )
    shown, secret = directory / f"{name}.pem", directory / f"{name}-key.pem"
    shown.write_bytes(made.public_bytes(serialization.Encoding.PEM))
    secret.write_bytes(
        key.private_bytes(serialization.Encoding.PEM, serialization.PrivateFormat.PKCS8, serialization.NoEncryption())
    )
    return LeafListener(f"127.0.0.1:{port}", shown, secret)
