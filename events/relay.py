"""Follows the log and publishes each recorded event, so that the sequence in the stream is the position in the log.

The relay keeps no checkpoint: where to go on is what the stream itself says. Any number of relays may run; the server
takes an event only as the one after its predecessor, so a second relay can add nothing twice and nothing out of order.
What the stream holds is never believed: it is compared with the log whenever a connection is new or a publish failed,
and a stream that is not a window on this log is dropped and made again.
"""

import asyncio
import contextlib
import logging
import random
from collections.abc import AsyncIterator, Callable, Sequence
from typing import Any

import nats.errors
import orjson
import psycopg
from nats.aio.client import Client
from nats.js import JetStreamContext
from nats.js.api import ConsumerInfo, DeliverPolicy, StreamInfo
from nats.js.errors import APIError, NotFoundError
from psycopg.rows import args_row

from events.broker import EVENTS_STREAM, BrokerAddress, Posted, cloud_event, event_subject, headers_of, note_error
from events.canonical import take_apart
from events.group_commit import with_options
from events.streams import WINDOW_EVENTS, ensure_stream, events_stream

#: Events read and published in one go; only the last one of them asks for an answer.
CHUNK_EVENTS = 500
POLL_SECONDS = 1.0
ACK_SECONDS = 5.0
BACKOFF_SECONDS = (0.05, 0.1, 0.2, 0.5, 1.0, 2.0)
#: The channel on which the log says that it has grown.
NOTIFY_CHANNEL = "ovop_log"

_OPTIONS = "-c default_transaction_read_only=on"
_ROWS = """
    SELECT position, leaf, leaf_hash FROM log.events WHERE position > %s ORDER BY position LIMIT %s
"""
_HEAD = "SELECT coalesce(max(position), 0) FROM log.events"
_LEAF_HASH = "SELECT leaf_hash FROM log.events WHERE position = %s"

logger = logging.getLogger(__name__)


class StreamMoved(Exception):
    """The stream did not take what was to follow: another relay was faster, or the stream is another one."""


class StreamTakesNothing(Exception):
    """The stream did not move, and does not take what follows all the same: the broker is full, or keeps it from us."""


class Relay:
    """One relay of one network's log."""

    def __init__(
        self,
        log_conninfo: str,
        nats_url: str,
        *,
        network: str = "kg",
        window: int = WINDOW_EVENTS,
        on_published: Callable[[int], None] | None = None,
    ) -> None:
        self._conninfo = log_conninfo
        self._broker = BrokerAddress.of_url(nats_url)
        self._network = network
        self._window = window
        self._on_published = on_published
        self._stopping = asyncio.Event()
        #: How often in a row the broker was of no use.
        self._failures = 0
        #: The position after which the stream did not take the next event.
        self._refused_after: int | None = None
        #: The last position that the stream is known to hold.
        self.position = 0
        #: How often a stream that was no window on this log was made again.
        self.rebuilt = 0

    def stop(self) -> None:
        """Let `run` end after the chunk in hand."""
        self._stopping.set()

    async def run(self) -> None:
        """Publish until stopped. Whatever breaks, the relay comes back, at most two seconds later."""
        failures = 0
        while not self._stopping.is_set():
            try:
                async with await self._log() as log:
                    failures = 0
                    await self._publish_from(log)
            except psycopg.OperationalError as error:
                logger.warning("log: %s", str(error).strip())
                await self._pause(failures)
                failures += 1

    async def _log(self) -> psycopg.AsyncConnection[Any]:
        connection = await psycopg.AsyncConnection.connect(
            with_options(self._conninfo, _OPTIONS), autocommit=True, application_name="ovop-relay"
        )
        try:
            await connection.execute(f"LISTEN {NOTIFY_CHANNEL}")
        except BaseException:
            await connection.close()
            raise
        return connection

    async def _publish_from(self, log: psycopg.AsyncConnection[Any]) -> None:
        """Publish over one connection to the log, which outlives any number of connections to the broker."""
        while not self._stopping.is_set():
            try:
                async with self._connected() as client:
                    while not self._stopping.is_set():
                        with contextlib.suppress(StreamMoved):
                            self.position = await Standing(client, log, self._window, self._count_rebuilt).position()
                            await self._follow(client, log)
            except (nats.errors.Error, OSError, TimeoutError, StreamTakesNothing) as error:
                logger.warning("broker: %r", error)
                # Read what the log says meanwhile, so that its queue of notifications does not grow.
                await _read_for(log, BACKOFF_SECONDS[min(self._failures, len(BACKOFF_SECONDS) - 1)])
                self._failures += 1

    @contextlib.asynccontextmanager
    async def _connected(self) -> AsyncIterator[Client]:
        client = Client()
        await client.connect(
            self._broker.server,
            **self._broker.options,
            name="ovop-relay",
            allow_reconnect=False,
            connect_timeout=2,
            error_cb=note_error,
        )
        try:
            yield client
        finally:
            with contextlib.suppress(nats.errors.Error, OSError, TimeoutError):
                await client.close()

    async def _follow(self, client: Client, log: psycopg.AsyncConnection[Any]) -> None:
        """Publish what follows `position`, as it comes. Raises StreamMoved, StreamTakesNothing."""
        while not self._stopping.is_set():
            async with log.cursor(row_factory=args_row(Posted), binary=True) as cursor:
                await cursor.execute(_ROWS, (self.position, CHUNK_EVENTS), prepare=True)
                rows = await cursor.fetchall()
            if rows:
                await self._publish(client, rows)
                continue
            if not await _drain(log, POLL_SECONDS):
                await self._check_quiet_stream(client)

    async def _publish(self, client: Client, rows: Sequence[Posted]) -> None:
        """Publish a chunk. Each message is taken only after its predecessor, so one answer speaks for all of them."""
        after = self.position
        for row in rows[:-1]:
            subject, body, headers = self._message(row, after)
            await client.publish(subject, body, headers=headers)
            after = row.position
        last = rows[-1]
        subject, body, headers = self._message(last, after)
        answer = await client.request(subject, body, timeout=ACK_SECONDS, headers=headers)
        self._accept(orjson.loads(answer.data), last.position)

    def _message(self, row: Posted, after: int) -> tuple[str, bytes, dict[str, str]]:
        said = take_apart(row.leaf)
        return event_subject(said.wire_name), cloud_event(row, said, self._network), headers_of(said.wire_name, after)

    def _accept(self, answer: dict[str, Any], position: int) -> None:
        """Whatever is not a plain yes means: look again. A server may say error, or an acknowledgement of another.

        Raises StreamMoved, StreamTakesNothing.
        """
        if "error" in answer or answer.get("seq") != position or answer.get("duplicate"):
            if self._refused_after == self.position:
                raise StreamTakesNothing(answer)
            self._refused_after = self.position
            raise StreamMoved(answer)
        self.position = position
        self._refused_after = None
        self._failures = 0
        if self._on_published is not None:
            self._on_published(position)

    async def _check_quiet_stream(self, client: Client) -> None:
        """While nothing happens, a stream that was wiped, cut or emptied would go unseen. Raises StreamMoved."""
        try:
            info = await client.jetstream().stream_info(EVENTS_STREAM)
        except NotFoundError as error:
            raise StreamMoved from error
        if info.state.last_seq != self.position or info.state.messages < min(self.position, self._window):
            raise StreamMoved
        self._failures = 0

    def _count_rebuilt(self) -> None:
        self.rebuilt += 1

    async def _pause(self, failures: int) -> None:
        seconds = BACKOFF_SECONDS[min(failures, len(BACKOFF_SECONDS) - 1)]
        with contextlib.suppress(TimeoutError):
            await asyncio.wait_for(self._stopping.wait(), seconds * random.uniform(0.5, 1.0))  # noqa: S311


class Standing:
    """Where the stream stands against the log, after making it a window on the log where it is none."""

    def __init__(
        self, client: Client, log: psycopg.AsyncConnection[Any], window: int, on_rebuilt: Callable[[], None]
    ) -> None:
        self._jetstream: JetStreamContext = client.jetstream()
        self._log = log
        self._window = window
        self._on_rebuilt = on_rebuilt

    async def position(self) -> int:
        """The last position in the stream. Raises StreamMoved when it changes under our eyes.

        Consumers are left alone: one that was given more than is left after a crash is set back by the server itself.
        """
        wanted = events_stream(self._window, self._window_start(await self._scalar(_HEAD)))
        stream = await ensure_stream(self._jetstream, wanted)
        # Asked after the stream: another relay may be publishing, and never more than the log holds.
        head = await self._scalar(_HEAD)
        fault = await self._fault(stream, head)
        if fault is not None:
            stream = await self._rebuild(stream, head, fault)
        return stream.state.last_seq

    def _window_start(self, head: int) -> int:
        return max(1, int(head) - self._window + 1)

    async def _fault(self, stream: StreamInfo, head: int) -> str | None:
        """Why the stream is no window on this log, or None."""
        state, window_start = stream.state, self._window_start(head)
        if state.last_seq > head:
            return "it is ahead of the log, which was restored"
        if state.last_seq < window_start - 1:
            return "it is behind by more than the window"
        if state.messages != max(0, state.last_seq - state.first_seq + 1) or state.first_seq > window_start:
            return "messages are missing in it"
        if state.messages == 0:
            return None
        for sequence in {state.first_seq, state.last_seq}:
            if not await self._same_as_log(sequence):
                now = await self._jetstream.stream_info(EVENTS_STREAM)
                if (now.created, now.state.first_seq) != (stream.created, state.first_seq):
                    raise StreamMoved  # its oldest message has just made room, or another relay makes it again
                return f"its message {sequence} is not the event at that position"
        return None

    async def _same_as_log(self, sequence: int) -> bool:
        try:
            message = await self._jetstream.get_msg(EVENTS_STREAM, sequence)
            body = orjson.loads(message.data or b"null")
            position, leaf_hash = body["position"], bytes.fromhex(body["leafhash"])
        except (NotFoundError, ValueError, KeyError, TypeError):
            return False
        recorded = await self._scalar(_LEAF_HASH, sequence)
        return bool(position == sequence and recorded is not None and bytes(recorded) == leaf_hash)

    async def _rebuild(self, stream: StreamInfo, head: int, fault: str) -> StreamInfo:
        """Drop the stream and make it again, to be filled from the log; durable consumers go on where they were."""
        logger.warning("stream %s is made again: %s", EVENTS_STREAM, fault)
        window_start = self._window_start(head)
        consumers = await self._jetstream.consumers_info(EVENTS_STREAM)
        again = await self._jetstream.stream_info(EVENTS_STREAM)
        if again.created != stream.created:
            raise StreamMoved  # another relay has just done it
        await self._jetstream.delete_stream(EVENTS_STREAM)
        fresh = await ensure_stream(self._jetstream, events_stream(self._window, window_start))
        for info in consumers:
            acked = info.ack_floor.stream_seq if info.ack_floor else 0
            await self._put_back(info, max(window_start, min(acked, head) + 1))
        self._on_rebuilt()
        return fresh

    async def _put_back(self, consumer: ConsumerInfo, start: int) -> None:
        config = consumer.config
        if config is None or not config.durable_name:
            return  # its owner will notice, and it holds nothing that anybody relies on
        changes = {"deliver_policy": DeliverPolicy.BY_START_SEQUENCE, "opt_start_seq": start, "opt_start_time": None}
        with contextlib.suppress(APIError):  # its owner may have been faster
            await self._jetstream.add_consumer(EVENTS_STREAM, config.evolve(name=config.durable_name, **changes))

    async def _scalar(self, query: str, *parameters: object) -> Any:
        row = await (await self._log.execute(query, parameters)).fetchone()
        return None if row is None else row[0]


async def _drain(log: psycopg.AsyncConnection[Any], seconds: float) -> bool:
    """Wait for the log to say that it has grown; True when it did. Reads everything that was said."""
    heard = False
    async for _ in log.notifies(timeout=seconds, stop_after=1):
        heard = True
    return heard


async def _read_for(log: psycopg.AsyncConnection[Any], seconds: float) -> None:
    """Let the time pass, however much the log says meanwhile."""
    async for _ in log.notifies(timeout=seconds):
        pass
