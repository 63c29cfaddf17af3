"""Reports that come through the broker: taken from OVOP_INTAKE through the same door as those that come by HTTP.

Who reports is the actor's token in the subject, which the broker lets nobody else publish on. A message is
acknowledged when what it reports is in the log, and never terminated: a redelivered one finds its id known, what cannot
be understood is kept in quarantine, and only a log that does not answer sends a message back into the queue, for later.
An outlet with a server of its own has the same queue there (OVOP_OUTBOX), emptied over the link in the same way.
"""

import asyncio
import contextlib
import logging
from collections.abc import Awaitable, Callable, Iterable, Iterator, Sequence
from dataclasses import dataclass, replace
from typing import Protocol

import nats.errors
import orjson
import psycopg
from faststream import AckPolicy
from faststream.nats import JStream, NatsBroker, NatsMessage
from nats.aio.client import Client
from nats.js import JetStreamContext
from nats.js.api import AckPolicy as ConsumerAckPolicy
from nats.js.api import ConsumerConfig, DeliverPolicy
from nats.js.errors import NotFoundError, ServiceUnavailableError
from psycopg_pool import PoolTimeout

from events.broker import (
    INBOX,
    INTAKE_STREAM,
    INTAKE_SUBJECTS,
    OUTBOX_STREAM,
    BrokerAddress,
    outlet_domain,
    outlet_intake_user,
    receipt_subject,
)
from events.nats_config import INTAKE_CONSUMER
from events.store import LogBusy, LogClosed, LogUnavailable
from events.streams import ensure_stream, intake_stream
from services.access.sender import Sender
from services.access.signatures import upload_text, verify
from services.access.store import Device
from services.answers import Answer
from services.errors import NotAuthenticated
from services.items import ITEMS_MAX, Item
from services.messages import Brought, brought

#: Messages handed out before the first of them is acknowledged; so many may wait in memory.
ACK_PENDING_MAX = 2_000
#: A message that was not acknowledged for so long is handed out again, which is harmless.
ACK_WAIT_SECONDS = 30.0
#: Messages taken in one go.
GROUP_MESSAGES = 500
#: How long a message stays away when the log does not answer, by how often it was delivered.
RETRY_SECONDS = (0.5, 1.0, 2.0, 5.0, 10.0)
WATCH_SECONDS = 2.0
#: What a device that signs sends beside its report: the id of its key, the signature, the head of its chain.
KEY_HEADER = "Ovop-Key"
SIGNATURE_HEADER = "Ovop-Signature"
CHAIN_HEAD_HEADER = "Ovop-Chain-Head"

#: What says that the database does not answer just now; whatever else goes wrong is the report's own.
_LATER = (LogUnavailable, LogBusy, LogClosed, psycopg.OperationalError, PoolTimeout, OSError, TimeoutError)

logger = logging.getLogger(__name__)


class Door(Protocol):
    """The one way in for reports, whoever brings them (`services.reports.Reports`)."""

    async def take(self, items: Sequence[Item | bytes], sender: Sender, *, advise: bool = True) -> list[Answer]:
        """An answer per item; an item given as bytes is read there."""

    async def keep(self, contents: Sequence[bytes], sender: Sender, problem: str) -> list[Answer]:
        """Keep reports in quarantine as they are."""


@dataclass(frozen=True, slots=True)
class Queue:
    """Where reports wait to be taken: on the hub, or on an outlet's own server behind it."""

    address: BrokerAddress
    stream: str = INTAKE_STREAM
    #: The outlet server's JetStream domain; None: the hub's own.
    domain: str | None = None
    #: Whose reports may wait there; None: of whomever the hub let in.
    actors: frozenset[str] | None = None

    @classmethod
    def of_hub(cls, nats_url: str) -> "Queue":
        """OVOP_INTAKE, on the broker that we connect to."""
        return cls(BrokerAddress.of_url(nats_url))

    @classmethod
    def of_outlet(cls, nats_url: str, outlet: str, actors: Iterable[str]) -> "Queue":
        """OVOP_OUTBOX on the outlet's own server, which has joined the broker that we connect to.

        What such a server says of who reported is believed for the outlet's own `actors` only.
        """
        address = BrokerAddress.of_url(nats_url).as_user(outlet_intake_user(outlet))
        return cls(address, OUTBOX_STREAM, outlet_domain(outlet), frozenset(actors))

    def jetstream(self, client: Client) -> JetStreamContext:
        """JetStream where the queue is."""
        return client.jetstream(domain=self.domain)

    def may_hold(self, actor: str) -> bool:
        """Whether a report of this actor may wait here."""
        return self.actors is None or actor in self.actors


class Intake:
    """The service that empties one queue. Any number of them may run; each message goes to one."""

    def __init__(
        self,
        queue: Queue,
        door: Door,
        sender_of: Callable[[str], Awaitable[Sender | None]],
        *,
        signer: Callable[[str], Device] | None = None,
        ack_wait_seconds: float = ACK_WAIT_SECONDS,
    ) -> None:
        """`signer` finds the device of a key id, for actors whose devices sign; it may block."""
        self._signer = signer
        self._ack_wait_seconds = ack_wait_seconds
        self._queue = queue
        self._door = door
        self._sender_of = sender_of
        self._waiting: asyncio.Queue[NatsMessage] = asyncio.Queue(2 * ACK_PENDING_MAX)
        self._stopping = asyncio.Event()
        self._client: Client | None = None
        self._linked: bool | None = None
        #: Messages acknowledged so far.
        self.taken = 0

    def stop(self) -> None:
        """Let `run` end; what is not acknowledged is handed to another, or to us next time."""
        self._stopping.set()

    async def run(self) -> None:
        """Take reports until stopped; without a broker or a log, wait for it."""
        failures = 0
        while not self._stopping.is_set():
            broker = self._broker()
            work: asyncio.Task[None] | None = None
            try:
                self._client = await broker.connect()
                await self._found(self._client)
                if self._stopping.is_set():
                    break
                await broker.start()
                failures = 0
                work = asyncio.create_task(self._work())
                await self._watch(self._client, work)
            except (nats.errors.Error, OSError, TimeoutError) as error:
                logger.warning("intake: %r", error)
                await self._pause(RETRY_SECONDS[min(failures, len(RETRY_SECONDS) - 1)])
                failures += 1
            finally:
                if work is not None:
                    work.cancel()
                    with contextlib.suppress(asyncio.CancelledError):
                        await work
                with contextlib.suppress(nats.errors.Error, OSError, TimeoutError):
                    await broker.stop()

    def _broker(self) -> NatsBroker:
        broker = self._queue.address.faststream_broker("ovop-intake", self._queue.domain)
        subscriber = broker.subscriber(
            INTAKE_SUBJECTS,
            queue=INTAKE_CONSUMER,
            stream=JStream(self._queue.stream, declare=False),
            ack_policy=AckPolicy.MANUAL,
            no_reply=True,
            decoder=_undecoded,
            description="Reports of actors, as CloudEvents or as the items of POST /api/v1/events.",
        )
        subscriber(self._waiting.put)
        return broker

    async def _watch(self, client: Client, work: asyncio.Task[None]) -> None:
        """Look from time to time whether stream and consumer are still there: a wiped broker says nothing."""
        while not self._stopping.is_set():
            await self._pause(WATCH_SECONDS)
            if work.done():
                work.result()
            if client.is_connected:
                with self._link_may_be_down():
                    await self._stand(client)

    async def _found(self, client: Client) -> None:
        """Wait for an outlet's server that is not there; on the hub itself whatever is missing is an error."""
        stands = False
        while not stands and not self._stopping.is_set():
            with self._link_may_be_down():
                await self._stand(client)
                stands = True
            if not stands:
                await self._pause(WATCH_SECONDS)

    @contextlib.contextmanager
    def _link_may_be_down(self) -> Iterator[None]:
        """An outlet without a link is nothing to begin anew for: its queue delivers again when the link is back."""
        try:
            yield
        except (ServiceUnavailableError, nats.errors.NoRespondersError, nats.errors.TimeoutError) as error:
            if self._queue.domain is None:
                raise
            if self._linked is not False:
                logger.warning("intake: no link to the server of %s: %r", self._queue.domain, error)
            self._linked = False
        else:
            if self._linked is False:
                logger.warning("intake: the link to the server of %s is back", self._queue.domain)
            self._linked = True

    async def _stand(self, client: Client) -> None:
        jetstream = self._queue.jetstream(client)
        try:
            await jetstream.consumer_info(self._queue.stream, INTAKE_CONSUMER)
        except NotFoundError:
            await ensure_stream(jetstream, intake_stream(self._queue.stream))
            await jetstream.add_consumer(self._queue.stream, self._consumer())

    def _consumer(self) -> ConsumerConfig:
        return ConsumerConfig(
            name=INTAKE_CONSUMER,
            durable_name=INTAKE_CONSUMER,
            description="Hands each report to one intake service until it is stored.",
            deliver_subject=f"{self._queue.address.options.get('inbox_prefix', INBOX)}.deliver",
            deliver_group=INTAKE_CONSUMER,
            deliver_policy=DeliverPolicy.ALL,
            ack_policy=ConsumerAckPolicy.EXPLICIT,
            ack_wait=self._ack_wait_seconds,
            max_ack_pending=ACK_PENDING_MAX,
            max_deliver=-1,
        )

    async def _work(self) -> None:
        while True:
            messages = [await self._waiting.get()]
            while len(messages) < GROUP_MESSAGES and not self._waiting.empty():
                messages.append(self._waiting.get_nowait())
            await self._take(messages)

    async def _take(self, messages: Sequence[NatsMessage]) -> None:
        """Take a group; each actor's messages in their order, the actors side by side in the same commits."""
        by_actor: dict[str, list[Brought]] = {}
        for message in messages:
            report = brought(message)
            if report is None:
                logger.warning(
                    "intake: an answer of the broker was sent into the queue on %s", message.raw_message.subject
                )
                await message.ack()
            else:
                by_actor.setdefault(report.actor, []).append(report)
        await asyncio.gather(*(self._take_of(actor, reports) for actor, reports in by_actor.items()))

    async def _take_of(self, actor: str, reports: list[Brought]) -> None:
        while reports:
            count = items = 0
            while count < len(reports) and (count == 0 or items + len(reports[count].items) <= ITEMS_MAX):
                items += len(reports[count].items)
                count += 1
            group, reports = reports[:count], reports[count:]
            await self._settle(actor, group)

    async def _settle(self, actor: str, group: list[Brought]) -> None:
        """Store a group and answer each message; a report that the door breaks on is kept alone, as it came."""
        try:
            answers = await self._answers(actor, group)
        except _LATER as error:
            logger.warning("intake: %s", error)
            for report in group:
                await self._later(report.message)
            return
        except Exception:
            logger.exception("intake: %d messages of %s could not be taken", len(group), actor)
            if len(group) > 1:
                for report in group:
                    await self._settle(actor, [report])
            else:
                await self._keep(actor, group[0])
            return
        for report in group:
            count = len(report.items)
            await self._answer(report, answers[:count])
            answers = answers[count:]

    async def _answers(self, actor: str, group: list[Brought]) -> list[Answer]:
        items = [item for report in group for item in report.items]
        sender = await self._sender_of(actor) if self._queue.may_hold(actor) else None
        if sender is None:
            contents = [item if isinstance(item, bytes) else item.sent for item in items]
            return await self._door.keep(contents, Sender(actor=actor), "unknown_sender")
        if sender.key_id is not None:
            return [answer for report in group for answer in await self._answers_signed(report, sender)]
        return await self._door.take(items, sender)

    async def _answers_signed(self, report: Brought, sender: Sender) -> list[Answer]:
        """Whoever may publish for a device is not the device: without its signature a report is kept aside."""
        message = report.message.raw_message
        headers = message.headers or {}
        head = headers.get(CHAIN_HEAD_HEADER, "")
        try:
            if self._signer is None:
                raise NotAuthenticated
            device = await asyncio.to_thread(self._signer, headers.get(KEY_HEADER, ""))
            if device.actor != sender.actor:
                raise NotAuthenticated
            text = upload_text(device.actor, head, message.data)
            verify(device.algorithm, device.public_key, headers.get(SIGNATURE_HEADER, ""), text)
        except NotAuthenticated:
            contents = [item if isinstance(item, bytes) else item.sent for item in report.items]
            return await self._door.keep(contents, sender, "wrong_signature")
        return await self._door.take(report.items, replace(sender, key_id=device.key_id, signed_head=head))

    async def _keep(self, actor: str, report: Brought) -> None:
        try:
            answers = await self._door.keep([report.message.raw_message.data], Sender(actor=actor), "not_taken")
        except Exception:
            logger.exception("intake: a message of %s could not even be kept; it comes again", actor)
            await self._later(report.message)
        else:
            await self._answer(report, answers)

    async def _answer(self, report: Brought, answers: Sequence[Answer]) -> None:
        """Acknowledge, and send the receipt; a sender that hears nothing sends again and gets the same one."""
        with contextlib.suppress(nats.errors.Error, OSError):
            await report.message.ack()
            self.taken += 1
            if self._client is not None:
                body = orjson.dumps([answer.as_json() for answer in answers])
                await self._client.publish(receipt_subject(report.actor), body)

    async def _later(self, message: NatsMessage) -> None:
        deliveries = message.raw_message.metadata.num_delivered or 1
        with contextlib.suppress(nats.errors.Error, OSError):
            await message.nack(delay=RETRY_SECONDS[min(deliveries, len(RETRY_SECONDS)) - 1])

    async def _pause(self, seconds: float) -> None:
        with contextlib.suppress(TimeoutError):
            await asyncio.wait_for(self._stopping.wait(), seconds)


async def _undecoded(message: NatsMessage) -> NatsMessage:
    return message
