"""Whatever the broker says, withholds, repeats or invents, the read models say what the log says."""

import asyncio
import random
from collections.abc import Callable, Coroutine, Iterator
from contextlib import ExitStack
from typing import Any

import psycopg
import pytest

from events.nats_config import PROJECTOR, RELAY
from events.store import Log
from projections.rebuild import rebuild
from projections.runner import lag, run_projector
from services.read_models import READ_MODELS
from tests import small_network
from tests.post import Broker, relaying, start_broker, until
from tests.servers import LogDatabase

COPIES = 3


@pytest.fixture
def broker(tmp_path_factory: pytest.TempPathFactory) -> Iterator[Broker]:
    with ExitStack() as stack:
        yield start_broker(tmp_path_factory.mktemp("broker-"), stack)


async def say_nothing(broker: Broker, database: LogDatabase) -> None:
    """The relay stands still: no news at all."""


async def say_it_all_wrong(broker: Broker, database: LogDatabase) -> None:
    """Every message several times over, in no order, with bodies that claim what is not so."""
    chance = random.Random(7)  # noqa: S311
    async with relaying(database, broker) as relay:
        await until(lambda: relay.position >= 30, "some true news first")
    async with broker.connected(RELAY) as client:
        positions = [position for position in range(1, 60) for _ in range(COPIES)]
        chance.shuffle(positions)
        for position in positions:
            body = b'{"position":%d,"type":"outlets.sale_made.v1","data":{"lines":[]}}' % (position * 7)
            await client.publish("ovop.events.outlets.sale_made", body)
        await client.flush()


@pytest.mark.parametrize("news", [say_nothing, say_it_all_wrong])
def test_live_is_rebuilt_whatever_is_withheld_doubled_shuffled_or_forged(
    broker: Broker, log_database: LogDatabase, news: Callable[[Broker, LogDatabase], Coroutine[Any, Any, None]]
) -> None:
    async def follow(log: Log) -> int:
        stop = asyncio.Event()
        following = asyncio.create_task(run_projector(log_database.projector, broker.url(PROJECTOR), READ_MODELS, stop))
        await asyncio.to_thread(small_network.fill, log)
        await news(broker, log_database)
        head = log.head().position
        async with asyncio.timeout(30):
            while await asyncio.to_thread(positions) != {head}:
                await asyncio.sleep(0.05)
        stop.set()
        await following
        return head

    def positions() -> set[int]:
        with psycopg.connect(log_database.reader) as connection:
            return set(lag(connection).positions.values())

    with Log(log_database.writer) as log:
        head = asyncio.run(follow(log))
        again = rebuild(log_database.projector, log, READ_MODELS)

    assert {built.position for built in again} == {head}
    assert all(built.was_compared and not built.differs_in for built in again)
