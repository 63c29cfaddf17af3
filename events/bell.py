"""Wakes a projector when the stream says that there is news. The news is only that a position exists.

What a projector applies it reads from the log, so a lost, doubled, forged or reordered message costs a moment and never
data; a projector polls as well. Messages are acknowledged when what they announce is committed, all up to one position
at once. A bell that is far behind (after a rebuild, a bulk load) is set forward instead of being rung for every event.
"""

import asyncio
import contextlib
import logging
import warnings
from collections import deque

import nats.errors
from faststream import AckPolicy
from faststream.nats import JStream, NatsBroker, NatsMessage
from nats.aio.client import Client
from nats.js.api import AckPolicy as ConsumerAckPolicy
from nats.js.api import ConsumerConfig, ConsumerInfo, DeliverPolicy
from nats.js.errors import NotFoundError

from events.broker import EVENTS_STREAM, EVENTS_SUBJECTS, BrokerAddress
from events.nats_config import PROJECTOR_CONSUMER

#: Messages on their way before the first of them is acknowledged.
ACK_PENDING_MAX = 256
ACK_WAIT_SECONDS = 30.0
#: How often the consumer is looked for: a wiped broker has forgotten it, and says nothing.
WATCH_SECONDS = 2.0
RETRY_SECONDS = 0.25

logger = logging.getLogger(__name__)


class Bell:
    """The bell of one projector process; it rings on the event loop that started it.

    ```
    async with Bell(nats_url, committed=checkpoint) as bell:
        while True:
            await bell.wait(seconds=1.0)     # news, or time for a poll
            position = drain(...)
            await bell.committed(position)   # everything up to here is in the read models
    ```
    Without a broker it does not ring, and the caller's poll goes on.
    """

    def __init__(self, nats_url: str, *, committed: int = 0, consumer: str = PROJECTOR_CONSUMER) -> None:
        self._address = BrokerAddress.of_url(nats_url)
        self._consumer = consumer
        self._committed = committed
        self._news = asyncio.Event()
        self._heard: deque[tuple[int, NatsMessage]] = deque(maxlen=4 * ACK_PENDING_MAX)
        self._inbox = ""
        self._client: Client | None = None
        self._watch: asyncio.Task[None] | None = None

    async def __aenter__(self) -> "Bell":
        self._watch = asyncio.create_task(self._stand_by())
        return self

    async def __aexit__(self, *_: object) -> None:
        if self._watch is not None:
            self._watch.cancel()
            with contextlib.suppress(asyncio.CancelledError):
                await self._watch

    async def wait(self, seconds: float) -> bool:
        """Wait for news, at most so long; True when there was some."""
        with contextlib.suppress(TimeoutError):
            await asyncio.wait_for(self._news.wait(), seconds)
        rang = self._news.is_set()
        self._news.clear()
        return rang

    async def committed(self, position: int) -> None:
        """Acknowledge what the read models hold; called after their transaction is committed."""
        self._committed = position
        last: tuple[int, NatsMessage] | None = None
        while self._heard and self._heard[0][0] <= position:
            last = self._heard.popleft()
        if last is None:
            return
        with contextlib.suppress(nats.errors.Error, OSError, TimeoutError):
            await last[1].ack()
            if position - last[0] > ACK_PENDING_MAX and self._client is not None:
                await self._client.jetstream().reset_consumer(EVENTS_STREAM, self._consumer, position + 1)

    async def _stand_by(self) -> None:
        """Be subscribed, and look from time to time whether that still means anything."""
        while True:
            broker = self._broker()
            try:
                self._client = await broker.connect()
                self._inbox = self._client.new_inbox()
                while not await self._holds_consumer(self._client):
                    await asyncio.sleep(RETRY_SECONDS)
                await broker.start()
                while True:
                    await asyncio.sleep(WATCH_SECONDS)
                    if self._client.is_connected:
                        await self._holds_consumer(self._client)
            except (nats.errors.Error, OSError, TimeoutError) as error:
                logger.warning("bell: %r", error)
                await asyncio.sleep(RETRY_SECONDS)
            finally:
                self._client = None
                with contextlib.suppress(nats.errors.Error, OSError, TimeoutError):
                    await broker.stop()

    def _broker(self) -> NatsBroker:
        """A new FastStream broker: it decodes nothing, as the message's body is never looked at."""
        broker = self._address.faststream_broker("ovop-projector")

        with warnings.catch_warnings():
            # FastStream warns that a durable push consumer does not share its messages among several instances. It must
            # not: one projector works at a time, and the others poll until it is gone.
            warnings.simplefilter("ignore", RuntimeWarning)
            subscriber = broker.subscriber(
                EVENTS_SUBJECTS,
                stream=JStream(EVENTS_STREAM, declare=False),
                durable=self._consumer,
                ack_policy=AckPolicy.MANUAL,
                no_reply=True,
                decoder=_undecoded,
                description="Rings when events were recorded; the projector reads them from the log.",
            )
        subscriber(self._ring)
        return broker

    async def _ring(self, message: NatsMessage) -> None:
        self._heard.append((message.raw_message.metadata.sequence.stream, message))
        self._news.set()

    async def _holds_consumer(self, client: Client) -> bool:
        """Whether the durable consumer delivers to us; it is made, or taken over from a dead process, when nobody's."""
        jetstream = client.jetstream()
        try:
            info: ConsumerInfo | None = await jetstream.consumer_info(EVENTS_STREAM, self._consumer)
        except NotFoundError:
            info = None
        if info is not None:
            if info.config.deliver_subject == self._inbox:
                return True
            if info.push_bound:
                return False  # another projector is awake; we poll
            await jetstream.delete_consumer(EVENTS_STREAM, self._consumer)
        try:
            await jetstream.add_consumer(EVENTS_STREAM, self._config())
        except NotFoundError:
            return False  # the relay has not made the stream yet
        logger.info("bell: consumer %s begins after position %d", self._consumer, self._committed)
        self._news.set()
        return True

    def _config(self) -> ConsumerConfig:
        return ConsumerConfig(
            name=self._consumer,
            durable_name=self._consumer,
            description="Wakes the projector; acknowledged when the read models hold the event.",
            deliver_subject=self._inbox,
            deliver_policy=DeliverPolicy.BY_START_SEQUENCE,
            opt_start_seq=self._committed + 1,
            ack_policy=ConsumerAckPolicy.ALL,
            ack_wait=ACK_WAIT_SECONDS,
            max_ack_pending=ACK_PENDING_MAX,
            headers_only=True,
        )


async def _undecoded(message: NatsMessage) -> NatsMessage:
    return message
