"""Whether an installation kept its promises: asked of the log, the stream and the read models."""

import asyncio
import random
from collections.abc import Mapping

import nats
import orjson
import psycopg

from events.broker import EVENTS_STREAM, BrokerAddress
from events.store import Log
from events.streams import WINDOW_EVENTS
from projections.rebuild import RebuildDiffers, rebuild
from projections.runner import lag
from services.read_models import READ_MODELS
from services.settings import Settings

#: Messages of the stream that are compared with the log one by one, beside the first and the last.
SAMPLED_MESSAGES = 200


def missing(settings: Settings, promised: Mapping[str, int]) -> list[str]:
    """Promised reports that the log does not hold at the promised position."""
    with psycopg.connect(settings.database_for("reader")) as connection:
        rows = connection.execute(
            "SELECT event_id::text, position FROM log.events WHERE event_id = ANY(%s::uuid[])", [list(promised)]
        ).fetchall()
    held: dict[str, int] = dict(rows)
    return [f"{known} was promised position {at}" for known, at in promised.items() if held.get(known) != at]


def gaps(settings: Settings) -> list[str]:
    """Whether positions are 1, 2, 3 ... and versions are 1, 2, 3 ... in every stream."""
    with psycopg.connect(settings.database_for("reader")) as connection:
        events, first, last = connection.execute(
            "SELECT count(*), coalesce(min(position), 1), coalesce(max(position), 0) FROM log.events"
        ).fetchone() or (0, 1, 0)
        torn = connection.execute(
            "SELECT stream FROM log.events GROUP BY stream HAVING max(version) <> count(*) LIMIT 5"
        ).fetchall()
    found = [] if (first, last) == (1, events) else [f"{events} events at positions {first} to {last}"]
    return found + [f"versions of {stream} have a gap" for (stream,) in torn]


def behind(settings: Settings) -> int | None:
    """By how many events the slowest of the stream and the read models is behind the log; None: not to be told yet."""
    try:
        with psycopg.connect(settings.database_for("reader"), connect_timeout=5) as connection:
            models = lag(connection)
        in_stream = asyncio.run(_last_in_stream(settings))
    except (psycopg.Error, nats.errors.Error, OSError, TimeoutError):
        return None
    if len(models.positions) < len(READ_MODELS):
        return None
    return max(models.events, abs(models.head - in_stream))


def parked(settings: Settings) -> list[str]:
    """Events that a read model could not take."""
    with psycopg.connect(settings.database_for("reader")) as connection:
        return [f"{model} parked {count} events" for model, count in lag(connection).parked.items()]


def differences(settings: Settings) -> list[str]:
    """Whether every read model equals its rebuild from the log, by digest."""
    conninfo = settings.database_for("projector")
    try:
        with Log(conninfo) as log:
            done = rebuild(conninfo, log, READ_MODELS)
    except RebuildDiffers as difference:
        return [str(difference)]
    return [f"{each.model} was not compared" for each in done if not each.was_compared]


def stream_faults(settings: Settings, seed: int) -> list[str]:
    """Whether the events stream is a window on the log: its edges, its length, and a sample of its messages."""
    with psycopg.connect(settings.database_for("reader")) as connection:
        rows = connection.execute("SELECT position, leaf_hash FROM log.events").fetchall()
    hashes = {position: bytes(leaf_hash).hex() for position, leaf_hash in rows}
    return asyncio.run(_stream_faults(settings, hashes, seed))


async def _last_in_stream(settings: Settings) -> int:
    address = BrokerAddress.of_url(settings.nats_for("relay"))
    client = await nats.connect(address.server, **address.options, allow_reconnect=False, connect_timeout=2)
    try:
        return (await client.jetstream().stream_info(EVENTS_STREAM)).state.last_seq
    finally:
        await client.close()


async def _stream_faults(settings: Settings, hashes: Mapping[int, str], seed: int) -> list[str]:
    address = BrokerAddress.of_url(settings.nats_for("relay"))
    client = await nats.connect(address.server, **address.options, allow_reconnect=False, connect_timeout=2)
    try:
        jetstream = client.jetstream()
        state = (await jetstream.stream_info(EVENTS_STREAM)).state
        expected = (len(hashes), min(len(hashes), WINDOW_EVENTS))
        if (state.last_seq, state.messages) != expected:
            return [f"the stream ends at {state.last_seq} and holds {state.messages}; expected {expected}"]
        held = range(state.first_seq, state.last_seq + 1)
        chance = random.Random(seed)  # noqa: S311 - repeatable, not secret
        found = []
        for sequence in {*chance.sample(held, min(SAMPLED_MESSAGES, len(held))), *held[:1], *held[-1:]}:
            body = orjson.loads((await jetstream.get_msg(EVENTS_STREAM, sequence)).data or b"null")
            if (body["position"], body["leafhash"]) != (sequence, hashes[sequence]):
                found.append(f"message {sequence} is not the event at that position")
        return found
    finally:
        await client.close()
