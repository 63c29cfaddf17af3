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
from typing import Self

import nats
import orjson
from nats.aio.client import Client as NatsClient
from nats.aio.msg import Msg

from events.broker import connect_options, intake_subject, receipt_subject
from services.client import BYTES_MAX, ITEMS_MAX, Answer, Asking, Client, OvopError, Report
from services.demo.journal import Command, Fact, Item, Settle
from services.demo.settlement import Clerk

#: How long the read models and the broker's door are waited for.
WAIT_SECONDS_MAX = 120.0
_BROKER_GROUP_MAX = 400


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


@contextlib.contextmanager
def _named(route: str) -> Iterator[None]:
    """What the client could not bring in, by where it was going. Raises NotTaken."""
    try:
        yield
    except OvopError as error:
        raise NotTaken(f"{NotTaken.__doc__} ({route}: {error})") from error


class Broker:
    """One till at a time reports through the broker and waits for its receipts."""

    def __init__(self, servers: Mapping[str, tuple[str, str, str]]) -> None:
        """`servers`: address, user and password by actor."""
        self._servers = servers
        self._clients: dict[str, NatsClient] = {}
        self._answers: asyncio.Queue[list[Answer]] = asyncio.Queue()

    async def report(self, facts: Sequence[Fact]) -> list[Answer]:
        """Publish facts of tills; their answers, in the order in which they come."""
        acknowledged = []
        for fact in facts:
            actor, wire_name = fact.by_broker or ("", "")
            client = await self._client(actor)
            acknowledged.append(client.jetstream().publish(intake_subject(actor, wire_name), fact.body))
        await asyncio.gather(*acknowledged)
        answers: list[Answer] = []
        async with asyncio.timeout(WAIT_SECONDS_MAX):
            while len(answers) < len(facts):
                answers += await self._answers.get()
        return answers

    async def _client(self, actor: str) -> NatsClient:
        if actor not in self._clients:
            server, user, password = self._servers[actor]
            client = await nats.connect(server, **connect_options(user, password))
            await client.subscribe(receipt_subject(actor), cb=self._hear)
            await client.flush()
            self._clients[actor] = client
        return self._clients[actor]

    async def _hear(self, message: Msg) -> None:
        await self._answers.put([Answer.model_validate(each) for each in orjson.loads(message.data)])

    async def close(self) -> None:
        for client in self._clients.values():
            with contextlib.suppress(Exception):
                await client.close()


class Sender:
    """Sends one history. An asynchronous context manager."""

    def __init__(self, base_url: str, admin_key: str, broker: Broker, books: Books, clerk: Clerk) -> None:
        self._client = Client(base_url, admin_key)
        self._broker = broker
        self._books = books
        self._clerk = clerk
        self.sent = Sent()

    async def __aenter__(self) -> Self:
        return self

    async def __aexit__(
        self, kind: type[BaseException] | None, error: BaseException | None, trace: TracebackType | None
    ) -> None:
        await self._client.close()
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
            case "events":
                reports = [Report(item.body) for item in run.items if isinstance(item, Fact)]
                with _named(run.route):
                    self._note(await self._client.report(reports, advise=False), run.route)
            case _:
                await self._ask(run.route, [item.body for item in run.items if isinstance(item, Command)])

    async def _ask(self, command: str, bodies: Iterable[bytes]) -> None:
        with _named(command):
            askings = [Asking(command, body) for body in bodies]
            self._note(await self._client.ask_all(command, askings), command)

    def _note(self, answers: Sequence[Answer], route: str) -> None:
        sent = self.sent
        for answer in answers:
            if not answer.is_taken or answer.position is None:
                raise NotTaken(f"{NotTaken.__doc__} ({route}: {answer.model_dump_json(exclude_none=True)})")
            if answer.status == "duplicate":
                sent.duplicates += 1
            else:
                sent.events += 1
            sent.by_status[answer.status] += 1
            sent.head = max(sent.head, answer.position)

    async def _settle(self, settle: Settle) -> None:
        """Wait for the books, pay what they say is owed, close the month of those regions that are to be closed."""
        await self.wait(self.sent.head)
        if settle.pays:
            owed = await asyncio.to_thread(self._books.owed_tyiyn)
            for asked in self._clerk.pay(settle, owed):
                await self._ask(asked.route, [orjson.dumps(item) for item in asked.items])
            await self.wait(self.sent.head)
        if not settle.regions:
            return
        closes = [self._clerk.close(settle, region) for region in settle.regions]
        await self._ask("settlement/close-period", [orjson.dumps(close) for close in closes])

    async def wait(self, position: int) -> None:
        """Wait until the read models hold a position. Raises TimeoutError."""
        async with asyncio.timeout(WAIT_SECONDS_MAX):
            while await asyncio.to_thread(self._books.position) < position:
                await asyncio.sleep(0.02)
