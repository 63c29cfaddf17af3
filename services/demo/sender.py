"""Brings a history to the front door in its order: reports and commands by HTTP, some tills through the broker.

Everything is sent by one caller, one request after the other, so that positions follow the order of the history; the
history is made meanwhile. Only the clerk's days wait for the read models.
"""

import asyncio
import contextlib
from collections import Counter
from collections.abc import Callable, Iterable, Iterator, Mapping, Sequence
from dataclasses import dataclass, field
from types import TracebackType
from typing import Any, Self

import httpx
import nats
import orjson
from nats.aio.client import Client
from nats.aio.msg import Msg

from events.broker import connect_options, intake_subject, receipt_subject
from services.demo.journal import Command, Fact, Item, Settle
from services.demo.settlement import Clerk

ITEMS_MAX = 500
BYTES_MAX = 1_800_000
#: How long the read models and the broker's door are waited for.
WAIT_SECONDS_MAX = 120.0
_BROKER_GROUP_MAX = 400
_TIMEOUT_SECONDS = 60.0


class NotTaken(Exception):
    """The front door did not take what the demonstration sent; nothing after it was sent."""


@dataclass(frozen=True, slots=True)
class Run:
    """Items that go in one request, or one settling day."""

    route: str  #: `events`, `broker`, `settle` or a command's route
    items: tuple[Item, ...]


def runs(items: Iterable[Item]) -> Iterator[Run]:
    """Cut a history into requests, in order: a run ends where the route changes or the request is full."""
    route, waiting, size = "", list[Item](), 0
    for item in items:
        its_route, its_size = _route(item), 0 if isinstance(item, Settle) else len(item.body) + 1
        most = _BROKER_GROUP_MAX if route == "broker" else ITEMS_MAX
        if waiting and (its_route != route or len(waiting) == most or size + its_size > BYTES_MAX or route == "settle"):
            yield Run(route, tuple(waiting))
            waiting, size = [], 0
        route = its_route
        waiting.append(item)
        size += its_size
    if waiting:
        yield Run(route, tuple(waiting))


def _route(item: Item) -> str:
    match item:
        case Fact():
            return "broker" if item.by_broker is not None else "events"
        case Command():
            return item.route
        case Settle():
            return "settle"


@dataclass(frozen=True, slots=True)
class Books:
    """What the clerk and the progress bar read of the read models; both functions may block."""

    position: Callable[[], int]  #: up to which all models have folded
    owed_tyiyn: Callable[[], Sequence[tuple[str, int]]]  #: by producer, of closed months


@dataclass
class Sent:
    """What has been taken so far."""

    events: int = 0
    duplicates: int = 0
    head: int = 0  #: the greatest position of a receipt
    by_status: Counter[str] = field(default_factory=Counter)


class Broker:
    """One till at a time reports through the broker and waits for its receipts."""

    def __init__(self, servers: Mapping[str, tuple[str, str, str]]) -> None:
        """`servers`: address, user and password by actor."""
        self._servers = servers
        self._clients: dict[str, Client] = {}
        self._answers: asyncio.Queue[list[dict[str, Any]]] = asyncio.Queue()

    async def report(self, facts: Sequence[Fact]) -> list[dict[str, Any]]:
        """Publish facts of tills; their answers, in the order in which they come."""
        acknowledged = []
        for fact in facts:
            actor, wire_name = fact.by_broker or ("", "")
            client = await self._client(actor)
            acknowledged.append(client.jetstream().publish(intake_subject(actor, wire_name), fact.body))
        await asyncio.gather(*acknowledged)
        answers: list[dict[str, Any]] = []
        async with asyncio.timeout(WAIT_SECONDS_MAX):
            while len(answers) < len(facts):
                answers += await self._answers.get()
        return answers

    async def _client(self, actor: str) -> Client:
        if actor not in self._clients:
            server, user, password = self._servers[actor]
            client = await nats.connect(server, **connect_options(user, password))
            await client.subscribe(receipt_subject(actor), cb=self._hear)
            await client.flush()
            self._clients[actor] = client
        return self._clients[actor]

    async def _hear(self, message: Msg) -> None:
        await self._answers.put(orjson.loads(message.data))

    async def close(self) -> None:
        for client in self._clients.values():
            with contextlib.suppress(Exception):
                await client.close()


class Sender:
    """Sends one history. An asynchronous context manager."""

    def __init__(self, base_url: str, admin_key: str, broker: Broker, books: Books, clerk: Clerk) -> None:
        headers = {"Authorization": f"Bearer {admin_key}", "OVOP-Advice": "none", "Content-Type": "application/json"}
        self._http = httpx.AsyncClient(base_url=base_url, headers=headers, timeout=_TIMEOUT_SECONDS)
        self._broker = broker
        self._books = books
        self._clerk = clerk
        self.sent = Sent()

    async def __aenter__(self) -> Self:
        return self

    async def __aexit__(
        self, kind: type[BaseException] | None, error: BaseException | None, trace: TracebackType | None
    ) -> None:
        await self._http.aclose()
        await self._broker.close()

    async def send(self, run: Run) -> None:
        """Bring one run in. Raises NotTaken."""
        match run.route:
            case "settle":
                for item in run.items:
                    assert isinstance(item, Settle)  # noqa: S101 - so it was cut
                    await self._settle(item)
            case "broker":
                self._note(await self._broker.report([item for item in run.items if isinstance(item, Fact)]), "broker")
            case _:
                bodies = [item.body for item in run.items if not isinstance(item, Settle)]
                await self._post(run.route, b"[" + b",".join(bodies) + b"]")

    async def _post(self, route: str, body: bytes) -> None:
        response = await self._http.post(f"/api/v1/{route}", content=body)
        if response.status_code != httpx.codes.OK:
            raise NotTaken(f"{NotTaken.__doc__} ({route}: {response.status_code} {response.text[:400]})")
        self._note(orjson.loads(response.content), route)

    def _note(self, answers: Sequence[Mapping[str, Any]], route: str) -> None:
        sent = self.sent
        for answer in answers:
            status = answer["status"]
            if status in ("accepted", "flagged"):
                sent.events += 1
            elif status == "duplicate":
                sent.duplicates += 1
            else:
                raise NotTaken(f"{NotTaken.__doc__} ({route}: {orjson.dumps(answer).decode()})")
            sent.by_status[status] += 1
            sent.head = max(sent.head, answer["position"])

    async def _settle(self, settle: Settle) -> None:
        """Wait for the books, pay what they say is owed, close the month of those regions that are to be closed."""
        await self.wait(self.sent.head)
        if settle.pays:
            owed = await asyncio.to_thread(self._books.owed_tyiyn)
            for asked in self._clerk.pay(settle, owed):
                for start in range(0, len(asked.items), ITEMS_MAX):
                    await self._post(asked.route, orjson.dumps(asked.items[start : start + ITEMS_MAX]))
            await self.wait(self.sent.head)
        if not settle.regions:
            return
        closes = [self._clerk.close(settle, region) for region in settle.regions]
        await self._post("settlement/close-period", orjson.dumps(closes))

    async def wait(self, position: int) -> None:
        """Wait until the read models hold a position. Raises TimeoutError."""
        async with asyncio.timeout(WAIT_SECONDS_MAX):
            while await asyncio.to_thread(self._books.position) < position:
                await asyncio.sleep(0.02)
