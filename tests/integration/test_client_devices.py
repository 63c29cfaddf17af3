"""The client in Python as a device that signs, and as a person."""

import asyncio
import hashlib
import json
from collections.abc import Iterator
from pathlib import Path
from typing import Any

import httpx
import pytest

from events.canonical import canonical
from services.access.people_store import PeopleStore
from services.client import (
    Asking,
    Chain,
    Client,
    DeviceKey,
    NoAnswer,
    Refused,
    enrol,
)
from tests import make
from tests.clients import PATIENCE, Unsteady, using
from tests.door import Door, opened
from tests.integration.test_api import found
from tests.servers import LogDatabase


@pytest.fixture
def door(log_database: LogDatabase, tmp_path: Path) -> Iterator[Door]:
    with opened(log_database, tmp_path) as opened_door:
        yield opened_door


@pytest.mark.parametrize("algorithm", ["ed25519", "p256"])
def test_a_device_enrols_signs_its_chain_and_reads_in_a_session(door: Door, algorithm: Any) -> None:
    found(door)

    async def work(admin: Client) -> None:
        asked = {"till": "karakol-1", "outlet": "karakol", "credential": "code"}
        code = (await admin.ask("network/enroll-till", asked)).code
        assert code is not None
        device = await enrol(door.url, code, algorithm)
        with pytest.raises(Refused, match="wrong_code"):
            await enrol(door.url, code, algorithm)
        kept = DeviceKey.from_pem(device.actor, device.key_id, device.pem())
        async with Client(door.url, kept, patience=PATIENCE) as till:
            chain = Chain()
            sales = [chain.add(make.sale_made(sale=f"sale-{n}")) for n in range(3)]
            first = await till.report(sales[:2])
            second = await till.report(sales[2:])
            assert not any("chain_broken" in answer.flags for answer in first + second)
            broken = Chain(counter=3, head="0" * 64)
            [torn] = await till.report([broken.add(make.sale_made(sale="sale-9"))])
            assert "chain_broken" in torn.flags
            door.fold()
            [stock] = [each async for each in till.stock(place="outlet/karakol", after=torn.position or 0)]
            assert stock.sold == 8
            assert (await till.get("session"))["actor"] == "till/karakol-1"

    using(door, work)


def test_a_wrong_signature_is_refused(door: Door) -> None:
    found(door)

    async def work(admin: Client) -> None:
        asked = {"till": "karakol-1", "outlet": "karakol", "credential": "code"}
        device = await enrol(door.url, (await admin.ask("network/enroll-till", asked)).code or "")
        other = await enrol_elsewhere(admin, door)
        forged = DeviceKey.from_pem(device.actor, device.key_id, other.pem())
        async with Client(door.url, forged, patience=PATIENCE) as till:
            with pytest.raises(Refused, match="wrong_signature"):
                await till.tell(make.sale_made())
            with pytest.raises(Refused, match="wrong_signature"):
                await till.lot("lot-1")

    using(door, work)


def test_a_session_that_cannot_be_opened_now_is_asked_for_again(door: Door) -> None:
    found(door)
    soon = {"Retry-After": "0"}
    line = Unsteady(httpx.Response(429, headers=soon), "before", httpx.Response(502), "", httpx.Response(503), "after")

    async def work(admin: Client) -> None:
        device = await enrol_elsewhere(admin, door)
        async with Client(door.url, device, patience=PATIENCE, transport=line) as till:
            assert (await till.get("session"))["actor"] == device.actor

    using(door, work)
    asked = [path.rpartition("/")[2] for path in line.paths]
    assert asked == [*["challenge"] * 4, "session", "challenge", "challenge", "session", "session"]


def test_whoever_cannot_open_a_session_hears_what_was_said_last(door: Door) -> None:
    found(door)
    line = Unsteady(*[httpx.Response(503, headers={"Retry-After": "2"})] * 9)

    async def work(admin: Client) -> None:
        device = await enrol_elsewhere(admin, door)
        async with Client(door.url, device, patience=PATIENCE, transport=line) as till:
            with pytest.raises(NoAnswer, match="http_503"):
                await till.get("session")

    using(door, work)
    assert len(line.bodies) == 2, "a third time would be too late"


def test_a_session_that_was_ended_is_followed_by_another_and_a_key_that_was_revoked_by_none(door: Door) -> None:
    found(door)
    line = Unsteady()

    async def work(admin: Client) -> None:
        device = await enrol_elsewhere(admin, door)
        async with Client(door.url, device, patience=PATIENCE, transport=line) as till:
            await till.get("session")
            await till.delete("session")
            assert (await till.get("session"))["actor"] == device.actor
            await admin.ask("network/revoke-till", {"till": "karakol-2", "reason": "lost"})
            with pytest.raises(Refused) as refused:
                await till.get("session")
            assert refused.value.problem.status == 401

    using(door, work)
    # Challenge, session and read; the end; a read, and all three anew; a read of one who gets no session any more.
    assert line.statuses == [200, 200, 200, 200, 401, 200, 200, 200, 401, 200, 401]


class Beneath(httpx.AsyncBaseTransport):
    """A proxy that has the installation beneath an address of its own."""

    def __init__(self, prefix: str) -> None:
        self.prefix = prefix.encode()
        self._line = httpx.AsyncHTTPTransport()

    async def handle_async_request(self, request: httpx.Request) -> httpx.Response:
        if not request.url.raw_path.startswith(self.prefix):
            return httpx.Response(404)
        request.url = request.url.copy_with(raw_path=request.url.raw_path.removeprefix(self.prefix))
        return await self._line.handle_async_request(request)

    async def aclose(self) -> None:
        await self._line.aclose()


@pytest.mark.parametrize("prefix", ["/ovop", "/gate/api/v1/kg"])
def test_a_device_finds_an_installation_that_lies_beneath_another_address(door: Door, prefix: str) -> None:
    found(door)

    async def work(admin: Client) -> None:
        device = await enrol_elsewhere(admin, door)
        async with Client(door.url + prefix, device, patience=PATIENCE, transport=Beneath(prefix)) as till:
            assert (await till.get("session", whatever="/api/v1/"))["actor"] == device.actor

    using(door, work)


async def enrol_elsewhere(admin: Client, door: Door) -> DeviceKey:
    asked = {"till": "karakol-2", "outlet": "karakol", "credential": "code"}
    return await enrol(door.url, (await admin.ask("network/enroll-till", asked)).code or "")


def test_the_chain_of_the_client_is_the_chain_of_the_server() -> None:
    chain = Chain()
    first, second = (chain.add(make.sale_made(sale=f"sale-{n}")) for n in range(2))
    assert json.loads(second.body)["data"]["prev_hash"] == hashlib.sha256(canonical(json.loads(first.body))).hexdigest()
    assert second.body == canonical(json.loads(second.body))


def test_a_person_signs_in_and_out(door: Door) -> None:
    found(door)
    store = PeopleStore(door.database.keeper)
    store.add_person("user/aigul", "aigul")
    asyncio.run(door.front.passwords.choose(store.person("aigul"), "сары өрүктүн кыямы"))  # type: ignore[arg-type]
    store.close()

    async def work(_: Client) -> None:
        async with Client(door.url, patience=PATIENCE) as client:
            assert (await client.network()).network == "kg"
            with pytest.raises(Refused, match="not_authenticated"):
                await client.get("session")
            assert await client.sign_in("aigul", "сары өрүктүн кыямы") == "user/aigul"
            assert (await client.get("session"))["actor"] == "user/aigul"
            await client.sign_out()
            with pytest.raises(Refused, match="not_authenticated"):
                await client.get("session")

    using(door, work)


def test_two_agree_by_the_very_bytes_that_are_sent(door: Door) -> None:
    found(door)
    store = PeopleStore(door.database.keeper)
    tokens = []
    for name in ("m-1", "m-2"):
        store.add_person(f"user/{name}", name)
        door.command("network/grant-role", to=f"user/{name}", role="committee_member")
        tokens.append(store.begin_session(f"user/{name}", 1.0))
    store.close()
    recall = Asking.of("committee/start-recall", make.recall_started(members=("user/m-1", "user/m-2")))

    async def work(_: Client) -> None:
        async with Client(door.url, tokens[0]) as one, Client(door.url, tokens[1]) as two:
            [alone] = await one.ask_all(recall.command, [recall])
            assert alone.problem == "not_agreed"
            await two.agree(recall)
            [together] = await one.ask_all(recall.command, [recall])
            assert together.status == "accepted"

    using(door, work)
