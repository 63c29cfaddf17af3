"""The bell on a real broker: it rings when something was recorded, and comes back whatever the broker forgot."""

import asyncio
from collections.abc import Iterator
from contextlib import ExitStack

import pytest
from nats.js.api import ConsumerInfo

from events.bell import ACK_PENDING_MAX, Bell
from events.broker import EVENTS_STREAM
from events.nats_config import PROJECTOR, PROJECTOR_CONSUMER, RELAY
from tests.post import Broker, append, relaying, start_broker, until
from tests.servers import LogDatabase


@pytest.fixture
def broker(tmp_path_factory: pytest.TempPathFactory) -> Iterator[Broker]:
    with ExitStack() as stack:
        yield start_broker(tmp_path_factory.mktemp("broker-"), stack)


async def consumer(broker: Broker) -> ConsumerInfo:
    async with broker.connected(RELAY) as client:
        info: ConsumerInfo = await client.jetstream().consumer_info(EVENTS_STREAM, PROJECTOR_CONSUMER)
        return info


async def quiet(bell: Bell) -> None:
    """Wait until it has rung for everything so far."""
    while await bell.wait(0.5):
        pass


async def heard_at_last(bell: Bell, seconds: float = 15.0) -> None:
    loop = asyncio.get_running_loop()
    deadline = loop.time() + seconds
    while not await bell.wait(0.2):
        assert loop.time() < deadline, "the bell stays silent"


def test_it_rings_for_what_is_recorded_and_acknowledges_what_is_committed(
    broker: Broker, log_database: LogDatabase
) -> None:
    async def scenario() -> None:
        append(log_database, 3)
        async with relaying(log_database, broker) as relay, Bell(broker.url(PROJECTOR)) as bell:
            await heard_at_last(bell)
            await until(lambda: relay.position == 3, "the stream")
            await quiet(bell)
            assert (await consumer(broker)).num_ack_pending == 3
            await bell.committed(2)
            await asyncio.sleep(0.1)
            info = await consumer(broker)
            assert info.ack_floor is not None
            assert (info.ack_floor.stream_seq, info.num_ack_pending) == (2, 1)
            await asyncio.to_thread(append, log_database, 1)
            assert await bell.wait(2.0)

    asyncio.run(scenario())


def test_it_is_set_forward_when_it_is_far_behind(broker: Broker, log_database: LogDatabase) -> None:
    async def scenario() -> None:
        append(log_database, 5_000)
        async with relaying(log_database, broker) as relay, Bell(broker.url(PROJECTOR)) as bell:
            await heard_at_last(bell)
            await until(lambda: relay.position == 5_000, "the stream")
            await quiet(bell)
            assert (await consumer(broker)).num_ack_pending == ACK_PENDING_MAX
            await bell.committed(5_000)
            await quiet(bell)
            info = await consumer(broker)
            assert info.ack_floor is not None
            assert (info.ack_floor.stream_seq, info.num_pending) == (5_000, 0)
            assert info.delivered is not None
            assert info.delivered.consumer_seq < 2 * ACK_PENDING_MAX, "it was rung for every event"
            await asyncio.to_thread(append, log_database, 1)
            assert await bell.wait(2.0)

    asyncio.run(scenario())


@pytest.mark.parametrize("loss", ["wiped", "consumer gone", "stream gone"])
def test_it_rings_again_after_the_broker_forgot_it(broker: Broker, log_database: LogDatabase, loss: str) -> None:
    async def scenario() -> None:
        append(log_database, 10)
        async with relaying(log_database, broker) as relay, Bell(broker.url(PROJECTOR)) as bell:
            await until(lambda: relay.position == 10, "the stream")
            await quiet(bell)
            await bell.committed(10)
            if loss == "wiped":
                await asyncio.to_thread(broker.wipe)
            else:
                async with broker.connected(RELAY) as client:
                    if loss == "consumer gone":
                        await client.jetstream().delete_consumer(EVENTS_STREAM, PROJECTOR_CONSUMER)
                    else:
                        await client.jetstream().delete_stream(EVENTS_STREAM)
            await asyncio.to_thread(append, log_database, 1)
            await heard_at_last(bell)
            await until(lambda: relay.position == 11, "the stream again")
            await bell.committed(11)
            await asyncio.sleep(3.0)
            await quiet(bell)
            await asyncio.to_thread(append, log_database, 1)
            assert await bell.wait(0.5), "it is back only by its own watch"

    asyncio.run(scenario())


def test_without_a_broker_it_does_not_ring_and_does_not_fail(broker: Broker, log_database: LogDatabase) -> None:
    async def scenario() -> None:
        url = broker.url(PROJECTOR)
        broker.server.kill()
        async with Bell(url) as bell:
            assert not await bell.wait(0.3)
            await bell.committed(5)
            await asyncio.to_thread(broker.server.start)
            append(log_database, 1)
            async with relaying(log_database, broker):
                await heard_at_last(bell)

    asyncio.run(scenario())


def test_a_second_bell_waits_and_takes_over_when_the_first_is_gone(broker: Broker, log_database: LogDatabase) -> None:
    async def scenario() -> None:
        append(log_database, 1)
        async with relaying(log_database, broker) as relay, Bell(broker.url(PROJECTOR)) as first:
            await heard_at_last(first)
            async with Bell(broker.url(PROJECTOR)) as second:
                assert not await second.wait(1.0)
                await first.__aexit__()
                await heard_at_last(second)
                await quiet(second)
                await asyncio.to_thread(append, log_database, 1)
                assert await second.wait(2.0)
                assert relay.position >= 1

    asyncio.run(scenario())
