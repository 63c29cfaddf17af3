"""The relay on real servers: the stream's sequence is the log's position, and a stream that is not is made again."""

import asyncio
import contextlib
import os
import random
import shutil
import signal
import subprocess
import sys
from collections.abc import Iterator
from contextlib import ExitStack

import nats
import nats.errors
import orjson
import psycopg
import pytest
from nats.aio.client import Client
from nats.js import JetStreamContext
from nats.js.api import AckPolicy, ConsumerConfig, DeliverPolicy

from events import nats_config
from events.broker import EVENTS_STREAM, EVENTS_SUBJECTS, event_subject
from events.catalogue.registry import EVENTS
from events.nats_config import RELAY
from events.relay import Relay, Standing, StreamMoved
from events.store import Log
from events.streams import events_stream
from services.embedded import EmbeddedNats, bare_nats_config
from tests.post import Broker, append, fact, relaying, running, start_broker, until
from tests.servers import LogDatabase, environment, start_configured_nats


@pytest.fixture
def broker(tmp_path_factory: pytest.TempPathFactory) -> Iterator[Broker]:
    with ExitStack() as stack:
        yield start_broker(tmp_path_factory.mktemp("broker-"), stack)


async def in_step(broker: Broker, database: LogDatabase) -> int:
    """Assert that the stream is a window on the log up to its head; how many messages it holds."""
    with psycopg.connect(database.admin) as connection:
        rows = connection.execute("SELECT position, event_id, leaf_hash FROM log.events").fetchall()
    log = {position: (str(event_id), leaf_hash.hex()) for position, event_id, leaf_hash in rows}
    messages = await broker.messages()
    assert [message["sequence"] for message in messages] == [message["position"] for message in messages]
    assert {m["position"]: (m["id"], m["leafhash"]) for m in messages}.items() <= log.items()
    assert not messages or messages[-1]["position"] == len(log)
    return len(messages)


def test_every_event_of_the_catalogue_has_a_subject_of_its_own_below_the_streams() -> None:
    subjects = {event_subject(name) for name in EVENTS}
    assert len(subjects) == len(EVENTS)
    assert event_subject("outlets.sale_made.v1") == "ovop.events.outlets.sale_made"


def test_an_event_is_published_as_a_cloud_event_at_the_sequence_of_its_position(
    broker: Broker, log_database: LogDatabase
) -> None:
    async def scenario() -> None:
        append(log_database, 3)
        async with relaying(log_database, broker, network="kg") as relay:
            await until(lambda: relay.position == 3, "three events in the stream")
        assert await in_step(broker, log_database) == 3
        message = (await broker.messages())[1]
        with psycopg.connect(log_database.admin) as connection:
            row = connection.execute("SELECT event_id, stream, leaf FROM log.events WHERE position = 2").fetchone()
        assert row is not None
        leaf = orjson.loads(row[2])
        assert message == {
            "specversion": "1.0",
            "id": str(row[0]),
            "source": "/ovop/kg",
            "type": "outlets.sale_made.v1",
            "time": leaf["occurred_at"],
            "subject": row[1],
            "datacontenttype": "application/json",
            "position": 2,
            "sequence": 2,
            "recordedat": leaf["recorded_at"],
            "actor": "till/karakol-1",
            "leafhash": message["leafhash"],
            "data": leaf["data"],
        }

    asyncio.run(scenario())


def test_an_event_recorded_while_the_relay_waits_is_published_at_once(
    broker: Broker, log_database: LogDatabase
) -> None:
    async def scenario() -> None:
        append(log_database, 1)
        async with relaying(log_database, broker) as relay:
            await until(lambda: relay.position == 1, "the first event")
            await asyncio.sleep(0.2)
            started = asyncio.get_running_loop().time()
            await asyncio.to_thread(append, log_database, 1)
            await until(lambda: relay.position == 2, "the second event")
            assert asyncio.get_running_loop().time() - started < 0.5, (
                "it was found by the poll, not by the notification"
            )

    asyncio.run(scenario())


def test_a_wiped_broker_is_filled_again(broker: Broker, log_database: LogDatabase) -> None:
    async def scenario() -> None:
        append(log_database, 700)
        async with relaying(log_database, broker) as relay:
            await until(lambda: relay.position == 700, "the stream")
            broker.wipe()
            append(log_database, 5)
            await until(lambda: relay.position == 705, "the stream again")
        assert await in_step(broker, log_database) == 705

    asyncio.run(scenario())


def test_a_broker_wiped_while_nothing_happens_is_noticed(broker: Broker, log_database: LogDatabase) -> None:
    async def scenario() -> None:
        append(log_database, 20)
        async with relaying(log_database, broker) as relay:
            await until(lambda: relay.position == 20, "the stream")
            async with broker.connected(RELAY) as client:
                await client.jetstream().delete_stream(EVENTS_STREAM)
            await asyncio.sleep(2.5)
            assert await in_step(broker, log_database) == 20

    asyncio.run(scenario())


def test_a_stream_emptied_while_nothing_happens_is_noticed(broker: Broker, log_database: LogDatabase) -> None:
    """It goes on where it was, so nobody who publishes would notice; who reads again from a position would."""

    async def scenario() -> None:
        append(log_database, 60)
        async with relaying(log_database, broker) as relay:
            await until(lambda: relay.position == 60, "the stream")
            async with broker.connected(RELAY) as client:
                await _replace(client.jetstream(), [])
            await until(lambda: relay.rebuilt == 1 and relay.position == 60, "the stream again", seconds=5)
        assert await in_step(broker, log_database) == 60

    asyncio.run(scenario())


def test_a_broker_that_takes_nothing_more_is_tried_again_in_peace_and_said_aloud(
    tmp_path_factory: pytest.TempPathFactory,
    log_database: LogDatabase,
    monkeypatch: pytest.MonkeyPatch,
    caplog: pytest.LogCaptureFixture,
) -> None:
    monkeypatch.setattr(nats_config, "FILE_STORE_BYTES_MAX", 300_000)

    async def scenario(broker: Broker) -> None:
        append(log_database, 800)
        async with relaying(log_database, broker) as relay:
            await until(lambda: "StreamTakesNothing" in caplog.text, "a word about it")
            caplog.clear()
            for _ in range(20):
                await asyncio.to_thread(append, log_database, 1)
                await asyncio.sleep(0.1)
            assert caplog.text.count("StreamTakesNothing") <= 6, "each new event was a new try"
            assert 0 < relay.position < 800

    with ExitStack() as stack:
        asyncio.run(scenario(start_broker(tmp_path_factory.mktemp("broker-"), stack)))


def test_what_a_subscriber_did_not_acknowledge_comes_again_when_the_end_of_the_stream_is_lost(
    tmp_path_factory: pytest.TempPathFactory, log_database: LogDatabase
) -> None:
    """It was given 50 events and acknowledged 10; a crash cuts the stream at 40, and 11 to 40 are owed as well."""
    directory = tmp_path_factory.mktemp("broker-")

    async def scenario(server: EmbeddedNats) -> None:
        append(log_database, 40)
        relay = Relay(log_database.relay, server.url())
        async with running(relay):
            await until(lambda: relay.position == 40, "the stream")
        server.stop()
        stored = next(server.store.rglob(f"{EVENTS_STREAM}/msgs"))
        shutil.copytree(stored, directory / "kept")
        server.start()
        append(log_database, 10)
        async with running(relay):
            await until(lambda: relay.position == 50, "the whole stream")
        assert await _given(server, acknowledge=10) == list(range(1, 51))
        server.stop()
        shutil.rmtree(stored)
        (directory / "kept").rename(stored)
        server.start()
        relay = Relay(log_database.relay, server.url())
        async with running(relay):
            await until(lambda: relay.position == 50, "the rest again")
            await asyncio.sleep(2)
            assert set(await _given(server)) == set(range(11, 51))

    with ExitStack() as stack:
        asyncio.run(scenario(start_configured_nats(directory, bare_nats_config, stack)))


async def _given(server: EmbeddedNats, acknowledge: int | None = None) -> list[int]:
    """The sequences that a durable subscriber is given; it acknowledges all up to one of them."""
    client = await nats.connect(server.url())
    async with client:
        config = ConsumerConfig(ack_policy=AckPolicy.ALL, deliver_policy=DeliverPolicy.ALL, ack_wait=2)
        pulling = await client.jetstream().pull_subscribe(
            EVENTS_SUBJECTS, durable="books", stream=EVENTS_STREAM, config=config
        )
        messages = await pulling.fetch(100, timeout=2)
        if acknowledge is not None:
            await messages[acknowledge - 1].ack_sync()
        return [message.metadata.sequence.stream for message in messages]


def test_a_relay_that_looks_where_the_stream_stands_touches_no_subscriber(
    tmp_path_factory: pytest.TempPathFactory, log_database: LogDatabase
) -> None:
    """While one relay publishes, others come and look; what a durable subscriber was given stays owed to it."""

    async def scenario(server: EmbeddedNats) -> None:
        relay = Relay(log_database.relay, server.url())
        async with running(relay), await nats.connect(server.url()) as client:
            append(log_database, 1)
            await until(lambda: relay.position == 1, "the stream")
            assert await _given(server) == [1]
            made = (await client.jetstream().consumer_info(EVENTS_STREAM, "books")).created
            writing = asyncio.create_task(_write_for(log_database, 3.0))
            reading = asyncio.create_task(_read_until(client, writing))
            async with await psycopg.AsyncConnection.connect(log_database.relay, autocommit=True) as log:
                while not writing.done():
                    with contextlib.suppress(StreamMoved):
                        await Standing(client, log, 200_000, lambda: None).position()
            assert await reading > 50
            books = await client.jetstream().consumer_info(EVENTS_STREAM, "books")
            assert books.created == made
            assert books.ack_floor is not None
            assert books.ack_floor.stream_seq == 0

    with ExitStack() as stack:
        asyncio.run(scenario(start_configured_nats(tmp_path_factory.mktemp("broker-"), bare_nats_config, stack)))


async def _read_until(client: Client, writing: asyncio.Task[int]) -> int:
    """Take what comes and acknowledge nothing, as somebody does who is about to die; how much it was."""
    pulling = await client.jetstream().pull_subscribe_bind("books", EVENTS_STREAM)
    taken = 0
    while not writing.done():
        with contextlib.suppress(nats.errors.TimeoutError):
            taken += len(await pulling.fetch(10, timeout=0.2))
    return taken


def test_a_broker_replaced_by_an_empty_one_is_filled_from_the_window_on(
    broker: Broker, log_database: LogDatabase
) -> None:
    async def scenario() -> None:
        append(log_database, 300)
        async with relaying(log_database, broker, window=100) as relay:
            await until(lambda: relay.position == 300, "the stream")
        async with broker.connected(RELAY) as client:
            await client.jetstream().delete_stream(EVENTS_STREAM)
            await client.jetstream().add_stream(events_stream(100))
        async with relaying(log_database, broker, window=100) as relay:
            await until(lambda: relay.position == 300, "the window")
            assert relay.rebuilt == 1
        assert await in_step(broker, log_database) == 100

    asyncio.run(scenario())


@pytest.mark.parametrize("damage", ["tail cut", "middle gone", "purged", "foreign tail"])
def test_a_stream_that_is_no_window_on_the_log_is_made_again(
    broker: Broker, log_database: LogDatabase, damage: str
) -> None:
    async def scenario() -> None:
        append(log_database, 60)
        async with relaying(log_database, broker) as relay:
            await until(lambda: relay.position == 60, "the stream")
        async with broker.connected(RELAY) as client:
            jetstream = client.jetstream()
            if damage == "foreign tail":
                await jetstream.publish("ovop.events.outlets.sale_made", b'{"position": 61, "leafhash": "00"}')
            else:
                # Only the server's owner could do this; the relay itself has no right to delete single messages.
                kept = [m for m in await broker.messages() if damage == "tail cut" and m["position"] <= 40]
                kept += [
                    m for m in await broker.messages() if damage == "middle gone" and m["position"] not in (30, 31)
                ]
                await _replace(jetstream, kept)
        append(log_database, 1)
        async with relaying(log_database, broker) as relay:
            await until(lambda: relay.position == 61, "the stream again")
            assert relay.rebuilt == (0 if damage == "tail cut" else 1)
        assert await in_step(broker, log_database) == 61

    asyncio.run(scenario())


async def _replace(jetstream: JetStreamContext, messages: list[dict[str, object]]) -> None:
    """Another stream in its place, with these messages one after the other; without any: one that lost everything."""
    await jetstream.delete_stream(EVENTS_STREAM)
    await jetstream.add_stream(events_stream(first_position=1 if messages else 61))
    for message in messages:
        body = orjson.dumps({k: v for k, v in message.items() if k != "sequence"})
        await jetstream.publish("ovop.events.outlets.sale_made", body)


def test_a_stream_ahead_of_a_restored_log_is_dropped(broker: Broker, log_database: LogDatabase) -> None:
    async def scenario() -> None:
        append(log_database, 50)
        async with relaying(log_database, broker) as relay:
            await until(lambda: relay.position == 50, "the stream")
        _restore_to(log_database, 30)
        async with relaying(log_database, broker) as relay:
            await until(lambda: relay.position == 30 and relay.rebuilt == 1, "the shorter stream")
            assert await in_step(broker, log_database) == 30
            append(log_database, 40)
            await until(lambda: relay.position == 70, "the new history")
        assert await in_step(broker, log_database) == 70

    asyncio.run(scenario())


def test_a_log_restored_and_grown_past_the_stream_is_told_apart_by_the_leaf_hash(
    broker: Broker, log_database: LogDatabase
) -> None:
    async def scenario() -> None:
        append(log_database, 50)
        async with relaying(log_database, broker) as relay:
            await until(lambda: relay.position == 50, "the stream")
        _restore_to(log_database, 30)
        append(log_database, 40)
        async with relaying(log_database, broker) as relay:
            await until(lambda: relay.position == 70, "the stream of the other history")
            assert relay.rebuilt == 1
        assert await in_step(broker, log_database) == 70

    asyncio.run(scenario())


def _restore_to(database: LogDatabase, position: int) -> None:
    """What a restored backup looks like: a log that ends earlier. Only the database's owner can do that."""
    with psycopg.connect(database.admin) as connection:
        connection.execute("SET session_replication_role = replica")
        connection.execute("DELETE FROM log.events WHERE position > %s", (position,))


def test_a_stream_behind_by_more_than_its_window_begins_at_the_window(
    broker: Broker, log_database: LogDatabase
) -> None:
    async def scenario() -> None:
        append(log_database, 20)
        async with relaying(log_database, broker, window=100) as relay:
            await until(lambda: relay.position == 20, "the stream")
        append(log_database, 500)
        async with relaying(log_database, broker, window=100) as relay:
            await until(lambda: relay.position == 520, "the window")
        info = await broker.events_stream()
        assert (info.state.first_seq, info.state.last_seq, info.state.messages) == (421, 520, 100)
        assert await in_step(broker, log_database) == 100

    asyncio.run(scenario())


def test_the_relay_waits_for_a_broker_that_is_away_and_keeps_its_connection_to_the_log(
    broker: Broker, log_database: LogDatabase
) -> None:
    async def scenario() -> None:
        append(log_database, 10)
        async with relaying(log_database, broker) as relay:
            await until(lambda: relay.position == 10, "the stream")
            backends = _backends(log_database)
            broker.server.kill()
            append(log_database, 10)
            await asyncio.sleep(1.5)
            assert relay.position == 10
            broker.server.start()
            await until(lambda: relay.position == 20, "the rest")
            assert _backends(log_database) == backends
        assert await in_step(broker, log_database) == 20

    asyncio.run(scenario())


def _backends(database: LogDatabase) -> list[int]:
    with psycopg.connect(database.admin) as connection:
        query = (
            "SELECT pid FROM pg_stat_activity WHERE application_name = 'ovop-relay' AND datname = current_database()"
        )
        return [pid for (pid,) in connection.execute(query)]


def test_a_log_that_vanished_without_a_word_is_given_up_within_half_a_minute(
    broker: Broker, log_database: LogDatabase
) -> None:
    """A power cut closes no connection, and the system alone would go on asking for a quarter of an hour."""

    async def scenario() -> None:
        async with await Relay(log_database.relay, broker.url(RELAY))._log() as log:
            given = log.info.get_parameters()
        assert int(given["tcp_user_timeout"]) <= 30_000
        waited = int(given["keepalives_idle"]) + int(given["keepalives_interval"]) * int(given["keepalives_count"])
        assert waited <= 30

    asyncio.run(scenario())


def test_the_relay_comes_back_to_a_log_that_ended_its_connection(broker: Broker, log_database: LogDatabase) -> None:
    async def scenario() -> None:
        append(log_database, 10)
        async with relaying(log_database, broker) as relay:
            await until(lambda: relay.position == 10, "the stream")
            with psycopg.connect(log_database.admin, autocommit=True) as connection:
                for pid in _backends(log_database):
                    connection.execute("SELECT pg_terminate_backend(%s)", (pid,))
            append(log_database, 10)
            await until(lambda: relay.position == 20, "the rest")
        assert await in_step(broker, log_database) == 20

    asyncio.run(scenario())


RELAY_PROCESS = """
import asyncio, sys
from events.relay import Relay, Standing, StreamMoved
asyncio.run(Relay(sys.argv[1], sys.argv[2]).run())
"""


def test_two_relays_killed_at_random_under_load_lose_nothing_and_double_nothing(
    broker: Broker, log_database: LogDatabase
) -> None:
    command = [sys.executable, "-c", RELAY_PROCESS, log_database.relay, broker.url(RELAY)]
    chance = random.Random(20161231)  # noqa: S311 - repeatable, not secret

    async def scenario() -> None:
        async with relaying(log_database, broker):
            await asyncio.sleep(0.5)
        made = (await broker.events_stream()).created
        first, second = relaying(log_database, broker), relaying(log_database, broker)
        async with first, second:
            await _under_load_with_kills(broker, log_database, command, chance)
        assert (await broker.events_stream()).created == made, "the fence did not hold, and the stream was made again"

    asyncio.run(scenario())


async def _under_load_with_kills(
    broker: Broker, database: LogDatabase, command: list[str], chance: random.Random
) -> None:
    """Two relay processes, killed one after the other while another two compete with them, and somebody writes."""
    relays = [subprocess.Popen(command, env=environment()) for _ in range(2)]
    writing = asyncio.create_task(_write_for(database, 6.0))
    try:
        while not writing.done():
            await asyncio.sleep(chance.uniform(0.5, 1.5))
            victim = chance.randrange(2)
            os.kill(relays[victim].pid, signal.SIGKILL)
            relays[victim].wait()
            relays[victim] = subprocess.Popen(command, env=environment())
        total = await writing
        assert total > 50
        async with broker.connected(RELAY) as client:
            for _ in range(400):
                if (await client.jetstream().stream_info(EVENTS_STREAM)).state.last_seq == total:
                    break
                await asyncio.sleep(0.05)
    finally:
        for relay in relays:
            relay.kill()
            relay.wait()
    assert await in_step(broker, database) == total


async def _write_for(database: LogDatabase, seconds: float) -> int:
    total, loop = 0, asyncio.get_running_loop()
    deadline = loop.time() + seconds
    with Log(database.writer) as log:
        while loop.time() < deadline:
            total += len(await log.append_soon([fact() for _ in range(3)]))
            await asyncio.sleep(0.005)
    return total
