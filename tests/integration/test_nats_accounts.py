"""What each user of the broker may do, and that it can do no more. Asked of the real server with our configuration."""

import asyncio
import json
import stat
from collections.abc import Awaitable, Callable, Iterable, Iterator
from contextlib import ExitStack
from pathlib import Path
from typing import Any

import nats.errors
import orjson
import pytest
from nats.aio.client import Client
from nats.js.api import ConsumerConfig

from events.broker import EVENTS_STREAM, INTAKE_STREAM, OUTBOX_STREAM, actor_user, outlet_user
from events.nats_config import INTAKE, PROJECTOR, RELAY, SERVICES, SUBSCRIBER, SYSTEM, load_users, reader_user
from events.store import Append, Log
from events.streams import ensure_stream, events_stream, intake_stream
from tests import make
from tests.post import Broker, answer_to_greeting, append, fact, relaying, start_broker, until
from tests.servers import LogDatabase

TILL, OTHER = actor_user("till/karakol-1"), actor_user("till/karakol-2")
#: The intake service where the server of the outlet `karakol` joins.
AT_OUTLET = "outlet-intake.karakol"
MINISTRY = reader_user("ministry")
EVERYBODY = (RELAY, PROJECTOR, SUBSCRIBER, MINISTRY, INTAKE, AT_OUTLET, TILL, OTHER)


@pytest.fixture(scope="module")
def started(tmp_path_factory: pytest.TempPathFactory) -> Iterator[Broker]:
    with ExitStack() as stack:
        yield start_broker(tmp_path_factory.mktemp("broker-"), stack, outlets=["karakol", "naryn"])


@pytest.fixture
def broker(started: Broker) -> Broker:
    """A broker with both streams, whatever the test before was allowed to do to them."""
    asyncio.run(_make_streams(started))
    return started


async def _make_streams(broker: Broker) -> None:
    async with broker.connected(RELAY) as client:
        await ensure_stream(client.jetstream(), events_stream())
    async with broker.connected(INTAKE) as client:
        await ensure_stream(client.jetstream(), intake_stream())


def as_user(broker: Broker, user: str, doing: Callable[[Client], Awaitable[Any]]) -> tuple[Any, list[str]]:
    """Do something as a user; what came of it, and what the server refused."""

    async def scenario() -> tuple[Any, list[str]]:
        async with broker.connected(user, INTAKE if user == AT_OUTLET else None) as client:
            result = await doing(client)
            await client.flush()
            await asyncio.sleep(0.05)
            return result, client.refused  # type: ignore[attr-defined]

    return asyncio.run(scenario())


def allowed(broker: Broker, user: str, subjects: Iterable[str], attempt: str) -> set[str]:
    """On which of the subjects a user may `publish` or `subscribe`."""

    async def all_of_them(client: Client) -> None:
        for subject in subjects:
            await (client.publish(subject, b"{}") if attempt == "publish" else client.subscribe(subject))

    _, refused = as_user(broker, user, all_of_them)
    told = "".join(refused).lower()
    return {subject for subject in subjects if f'"{subject.lower()}"' not in told}


def messages(broker: Broker, user: str, stream: str) -> int:
    info, _ = as_user(broker, user, lambda client: client.jetstream().stream_info(stream))
    return int(info.state.messages)


def test_the_passwords_are_readable_by_their_owner_alone_and_stay_when_actors_come(tmp_path: Path) -> None:
    path = tmp_path / "secrets" / "users.json"
    first = load_users(path, ["till/a"])
    second = load_users(path, ["till/b"])
    assert stat.S_IMODE(path.stat().st_mode) == 0o600
    assert first.passwords.items() <= second.passwords.items()
    assert second.actors == ("till/a", "till/b")
    assert len({*json.loads(path.read_text()).values()}) == len(SERVICES) + 2
    assert first.passwords[RELAY] not in repr(first)


@pytest.mark.parametrize("who", ["nobody", "somebody with another's password", "an outlet's server as a client"])
def test_nobody_connects_without_a_name_or_with_a_wrong_password(broker: Broker, who: str) -> None:
    options: dict[str, object] = {"verbose": True, "pedantic": False}
    if who == "somebody with another's password":
        options |= {"user": RELAY, "pass": broker.users.passwords[PROJECTOR]}
    if who == "an outlet's server as a client":
        server = outlet_user("karakol")
        options |= {"user": server, "pass": broker.users.passwords[server]}
    said = answer_to_greeting(broker, options)
    assert b"-ERR 'Authorization Violation'" in said
    assert b"PONG" not in said


PUBLISHES = {
    "ovop.events.outlets.sale_made": {RELAY},
    "ovop.intake.till/karakol-1.outlets.sale_made": {TILL},
    "ovop.intake.till/karakol-2.outlets.sale_made": {OTHER},
    "ovop.intake.till/nobody.outlets.sale_made": set(),
    "ovop.receipts.till/karakol-1": {INTAKE, AT_OUTLET},
    f"$JS.API.STREAM.CREATE.{EVENTS_STREAM}": {RELAY},
    f"$JS.API.STREAM.DELETE.{EVENTS_STREAM}": {RELAY},
    f"$JS.API.STREAM.PURGE.{EVENTS_STREAM}": set(),
    f"$JS.API.STREAM.MSG.DELETE.{EVENTS_STREAM}": set(),
    f"$JS.API.STREAM.CREATE.{INTAKE_STREAM}": {INTAKE},
    f"$JS.API.STREAM.DELETE.{INTAKE_STREAM}": set(),
    f"$JS.API.STREAM.PURGE.{INTAKE_STREAM}": set(),
    f"$JS.API.STREAM.MSG.GET.{INTAKE_STREAM}": set(),
    "$JS.API.STREAM.CREATE.ELSE": set(),
    f"$JS.API.STREAM.INFO.{EVENTS_STREAM}": {RELAY, PROJECTOR, SUBSCRIBER, MINISTRY},
    f"$JS.API.DIRECT.GET.{EVENTS_STREAM}": {SUBSCRIBER, MINISTRY},
    f"$JS.API.CONSUMER.CREATE.{EVENTS_STREAM}.projector": {RELAY, PROJECTOR},
    f"$JS.API.CONSUMER.CREATE.{EVENTS_STREAM}.else": {RELAY},
    f"$JS.API.CONSUMER.DELETE.{EVENTS_STREAM}.else": {RELAY},
    f"$JS.API.CONSUMER.CREATE.{INTAKE_STREAM}.intake": {INTAKE},
    f"$JS.API.CONSUMER.CREATE.{INTAKE_STREAM}.else": set(),
    f"$JS.ACK.{EVENTS_STREAM}.projector.1.1.1.1.1": {PROJECTOR},
    f"$JS.ACK.{INTAKE_STREAM}.intake.1.1.1.1.1": {INTAKE},
    f"$JS.karakol.API.STREAM.CREATE.{OUTBOX_STREAM}": {AT_OUTLET},
    f"$JS.karakol.API.STREAM.DELETE.{OUTBOX_STREAM}": set(),
    f"$JS.karakol.API.STREAM.PURGE.{OUTBOX_STREAM}": set(),
    f"$JS.karakol.API.CONSUMER.CREATE.{OUTBOX_STREAM}.intake": {AT_OUTLET},
    f"$JS.karakol.API.CONSUMER.CREATE.{OUTBOX_STREAM}.else": set(),
    f"$JS.naryn.API.STREAM.CREATE.{OUTBOX_STREAM}": set(),
    f"$JS.ACK.{OUTBOX_STREAM}.intake.1.1.1.1.1": {AT_OUTLET},
    "$SYS.REQ.SERVER.PING": set(),
    "_INBOX.projector.x": set(),
}


@pytest.mark.parametrize("user", EVERYBODY)
def test_a_user_publishes_on_its_own_subjects_and_no_others(broker: Broker, user: str) -> None:
    assert allowed(broker, user, PUBLISHES, "publish") == {s for s, users in PUBLISHES.items() if user in users}


SUBSCRIBES = {
    "ovop.events.>": {SUBSCRIBER, MINISTRY},
    "ovop.intake.>": set(),
    "ovop.intake.till/karakol-1.>": set(),
    "ovop.receipts.till/karakol-1": {TILL},
    "ovop.receipts.*": set(),
    ">": set(),
    "$JS.>": set(),
    "$SYS.>": set(),
    "_INBOX.>": set(),
} | {f"_INBOX.{user}.x": {user} for user in EVERYBODY}


@pytest.mark.parametrize("user", EVERYBODY)
def test_a_user_listens_on_its_own_subjects_and_no_others(broker: Broker, user: str) -> None:
    assert allowed(broker, user, SUBSCRIBES, "subscribe") == {s for s, users in SUBSCRIBES.items() if user in users}


@pytest.mark.parametrize("request_subject", ["$JS.API.STREAM.INFO.OVOP_EVENTS", "$JS.API.DIRECT.GET.OVOP_EVENTS"])
def test_a_reader_cannot_make_an_answer_of_the_server_appear_as_an_event(broker: Broker, request_subject: str) -> None:
    before = messages(broker, RELAY, EVENTS_STREAM)
    reply = "ovop.events.outlets.sale_made"
    as_user(broker, SUBSCRIBER, lambda client: client.publish(request_subject, b'{"seq":1}', reply=reply))
    assert messages(broker, RELAY, EVENTS_STREAM) == before


def test_an_actor_cannot_make_an_acknowledgement_appear_as_the_report_of_another(broker: Broker) -> None:
    subject, reply = "ovop.intake.till/karakol-1.outlets.sale_made", "ovop.intake.till/karakol-2.outlets.sale_made"

    def reports(of: str) -> int:
        info, _ = as_user(broker, INTAKE, lambda c: c.jetstream().stream_info(INTAKE_STREAM, subjects_filter=of))
        return int((info.state.subjects or {}).get(of, 0))

    before = reports(subject), reports(reply)
    as_user(broker, TILL, lambda client: client.publish(subject, b"{}", reply=reply))
    assert (reports(subject), reports(reply)) == (before[0] + 1, before[1])


def test_a_projector_cannot_have_events_delivered_as_events(broker: Broker) -> None:
    async def attempt(client: Client) -> None:
        config = ConsumerConfig(name=PROJECTOR, durable_name=PROJECTOR, deliver_subject="ovop.events.outlets.sale_made")
        with pytest.raises(nats.errors.Error):
            await client.jetstream().add_consumer(EVENTS_STREAM, config)

    as_user(broker, PROJECTOR, attempt)


def test_an_actor_is_told_that_its_report_is_kept(broker: Broker) -> None:
    subject = "ovop.intake.till/karakol-1.outlets.sale_made"
    kept, refused = as_user(broker, TILL, lambda client: client.jetstream().publish(subject, b"{}"))
    assert kept.stream == INTAKE_STREAM
    assert not refused


def test_an_actor_whose_id_has_a_dot_has_one_token(broker: Broker) -> None:
    user, subject = actor_user("integrator/naryn.2"), "ovop.intake.integrator/naryn~2.outlets.sale_made"
    kept, _ = as_user(broker, user, lambda client: client.jetstream().publish(subject, b"{}"))
    assert kept.stream == INTAKE_STREAM


def test_the_systems_user_sees_the_server_and_no_stream(broker: Broker) -> None:
    async def attempt(client: Client) -> None:
        assert b"server" in (await client.request("$SYS.REQ.SERVER.PING", b"")).data
        with pytest.raises((nats.errors.Error, TimeoutError)):
            await client.jetstream().stream_info(EVENTS_STREAM)

    as_user(broker, SYSTEM, attempt)


def test_a_reader_replays_from_a_position_and_then_hears_what_comes(
    tmp_path_factory: pytest.TempPathFactory, log_database: LogDatabase
) -> None:
    async def scenario(broker: Broker) -> None:
        append(log_database, 30)
        async with relaying(log_database, broker) as relay, broker.connected(SUBSCRIBER) as client:
            await until(lambda: relay.position == 30, "the stream")
            live = await hearing(client, "ovop.events.>")
            replayed = await replay(client, {"seq": 21, "batch": 500})
            await asyncio.to_thread(append, log_database, 3)
            await until(lambda: len(live) == 3, "what comes")
            assert positions(replayed) == list(range(21, 31))
            assert positions(live) == [31, 32, 33]

    with ExitStack() as stack:
        asyncio.run(scenario(start_broker(tmp_path_factory.mktemp("broker-"), stack)))


def test_a_reader_takes_one_module_alone_page_by_page_and_live(
    tmp_path_factory: pytest.TempPathFactory, log_database: LogDatabase
) -> None:
    def told(first: int) -> list[Append]:
        """A sale and a collected lot by turns: the sales have the odd positions."""
        return [
            fact(make.sale_made() if i % 2 else make.lot_collected(lot=f"lot-{i}")) for i in range(first, first + 10)
        ]

    async def scenario(broker: Broker, log: Log) -> None:
        log.append(told(1))
        async with relaying(log_database, broker) as relay, broker.connected(MINISTRY) as client:
            await until(lambda: relay.position == 10, "the stream")
            live = await hearing(client, "ovop.events.production.>")
            replayed: list[dict[str, Any]] = []
            while page := await replay(client, _next("ovop.events.production.>", replayed)):
                replayed += page
            await asyncio.to_thread(log.append, told(11))
            await until(lambda: len(live) == 5, "what comes")
            assert positions(replayed) == [2, 4, 6, 8, 10]
            assert positions(live) == [12, 14, 16, 18, 20]
            assert {event["type"] for event in (*replayed, *live)} == {make.lot_collected().wire_name}

    with ExitStack() as stack:
        log = stack.enter_context(Log(log_database.writer))
        asyncio.run(scenario(start_broker(tmp_path_factory.mktemp("broker-"), stack), log))


def _next(subjects: str, had: list[dict[str, Any]]) -> dict[str, Any]:
    """A request for the next three events on these subjects."""
    return {"seq": positions(had)[-1] + 1 if had else 1, "next_by_subj": subjects, "batch": 3}


async def hearing(client: Client, subjects: str) -> list[dict[str, Any]]:
    """The events that come from now on."""
    live: list[dict[str, Any]] = []

    async def hear(message: Any) -> None:
        live.append(orjson.loads(message.data))

    await client.subscribe(subjects, cb=hear)
    await client.flush()
    return live


async def replay(client: Client, request: dict[str, Any]) -> list[dict[str, Any]]:
    """One page of what the stream holds, as docs/api.md tells to ask for it."""
    found: list[dict[str, Any]] = []
    inbox = client.new_inbox()
    replies = await client.subscribe(inbox)
    await client.publish(f"$JS.API.DIRECT.GET.{EVENTS_STREAM}", orjson.dumps(request), reply=inbox)
    while True:
        reply = await replies.next_msg(timeout=2)
        if "Status" in (reply.headers or {}):  # 204: the end of the page, 404: nothing there
            await replies.unsubscribe()
            return found
        found.append(orjson.loads(reply.data))


def positions(events: Iterable[dict[str, Any]]) -> list[int]:
    return [event["position"] for event in events]
