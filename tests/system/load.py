"""Load that remembers what it was told: every report as sent, and as acknowledged or not known, like a careful till.

A report whose answer did not come is not lost and not stored: it is not known. Most senders send the same bytes again
until they are answered; some give up, and then either outcome is right.
"""

import asyncio
import contextlib
import random
import threading
import time
from collections.abc import Iterator
from dataclasses import dataclass, field
from datetime import UTC, datetime
from typing import Any
from uuid import uuid4

import httpx
import nats.errors
import orjson
from nats.aio.client import Client

from events.broker import actor_user, connect_options, intake_subject, receipt_subject
from events.catalogue import outlets
from events.catalogue.base import Event
from tests import make

STORED = ("accepted", "flagged", "duplicate", "quarantined")
#: One in so many senders gives up at the first silence.
GIVES_UP = 8
RESEND_SECONDS = 1.5


@dataclass
class Journal:
    """What was sent and what was promised."""

    sent: set[str] = field(default_factory=set)
    promised: dict[str, int] = field(default_factory=dict)
    #: Those promised through the broker.
    by_broker: set[str] = field(default_factory=set)
    #: What must never happen, seen by the senders themselves.
    faults: list[str] = field(default_factory=list)
    _lock: threading.Lock = field(default_factory=threading.Lock)

    def send(self, items: list[dict[str, Any]]) -> None:
        with self._lock:
            self.sent.update(item["id"] for item in items)

    def hear(self, answers: list[dict[str, Any]], *, by_broker: bool = False) -> None:
        with self._lock:
            if by_broker:
                self.by_broker.update(answer["id"] for answer in answers)
            for answer in answers:
                if answer["status"] not in STORED:
                    self.faults.append(f"an authentic report was answered {answer}")
                elif self.promised.setdefault(answer["id"], answer["position"]) != answer["position"]:
                    self.faults.append(f"{answer['id']} was promised two positions")

    @property
    def unknown(self) -> int:
        """Reports that were never answered."""
        return len(self.sent) - len(self.promised)


def as_item(event: Event) -> dict[str, Any]:
    return {
        "id": str(uuid4()),
        "type": event.wire_name,
        "occurred_at": datetime.now(UTC).isoformat(),
        "data": event.model_dump(mode="json", exclude_none=True),
    }


def reports(name: str, chance: random.Random) -> Iterator[Event]:
    """One workshop and one till of a small network for ever: gathered, cooked, packed, shipped, sold, voided."""
    number = 0
    while True:
        number += 1
        batch, lot = f"batch-{name}-{number}", f"lot-{name}-{number}"
        consignment, sales = f"consignment-{name}-{number}", chance.randint(2, 9)
        yield make.lot_collected(lot=lot, producer=chance.choice(("p-001", "p-002", "p-003")), mass_g=20_000)
        inputs = (make.lot_input(lot=lot), make.lot_input(lot="lot-sugar-1", mass_g=16_000, bears_origin=False))
        made = make.batch_produced(lot=batch, inputs=inputs)
        code = f"{number:07d}A"
        packed = make.batch_packed(lot=batch, code=code)
        yield from (made, packed) if chance.random() < 0.9 else (packed, made)
        line = make.stock_line(batch=batch, units=40)
        yield make.stock_shipped(consignment=consignment, lines=(line,))
        counted_line = make.stock_line(batch=batch, units=chance.randint(38, 41))
        yield make.stock_received(consignment=consignment, lines=(counted_line,))
        for sale in range(sales):
            known = batch if chance.random() < 0.9 else None
            sold = (make.sale_line(batch=known, units=1),)
            text = f"sale-{name}-{number}-{sale}"
            yield make.sale_made(sale=text, shift=f"shift-{name}", till_counter=number * 100 + sale, lines=sold)
            if chance.random() < 0.1:
                yield make.sale_voided(sale=text, shift=f"shift-{name}")
        if chance.random() < 0.2:
            counted = (outlets.CountLine(batch=batch, units=30),)
            yield make.stock_counted(count=f"count-{name}-{number}", lines=counted)


class HttpSender(threading.Thread):
    """A client of the API that sends lists of reports, again and again until it is answered."""

    def __init__(self, name: str, url: str, key: str, journal: Journal, seed: int) -> None:
        super().__init__(name=name, daemon=True)
        self._url, self._key, self._journal = f"{url}/api/v1/events", key, journal
        self._chance = random.Random(seed)  # noqa: S311 - repeatable, not secret
        self._reports = reports(name, self._chance)
        self.stopping = threading.Event()

    def run(self) -> None:
        with httpx.Client(headers={"Authorization": f"Bearer {self._key}"}, timeout=10) as client:
            while not self.stopping.is_set():
                items = [as_item(next(self._reports)) for _ in range(self._chance.randint(1, 12))]
                self._journal.send(items)
                self._send(client, orjson.dumps(items))
                time.sleep(self._chance.uniform(0.0, 0.05))

    def _send(self, client: httpx.Client, body: bytes) -> None:
        """The same bytes until they are answered; a sender that gives up leaves them unknown."""
        gives_up = self._chance.randrange(GIVES_UP) == 0
        while True:
            with contextlib.suppress(httpx.HTTPError, orjson.JSONDecodeError):
                answer = client.post(self._url, content=body)
                if answer.status_code == httpx.codes.OK:
                    self._journal.hear(orjson.loads(answer.content))
                    return
                if answer.status_code < httpx.codes.INTERNAL_SERVER_ERROR:
                    self._journal.faults.append(f"{answer.status_code}: {answer.text[:200]}")
                    return
            if gives_up or self.stopping.is_set():
                return
            time.sleep(0.1)


class BrokerSender(threading.Thread):
    """A device that reports through the broker, and sends again what it has no receipt for."""

    def __init__(self, name: str, address: str, actor: str, password: str, journal: Journal, seed: int) -> None:
        super().__init__(name=name, daemon=True)
        self._address, self._actor, self._password, self._journal = address, actor, password, journal
        self._chance = random.Random(seed)  # noqa: S311 - repeatable, not secret
        self._reports = reports(name, self._chance)
        self._open: dict[str, tuple[float, bytes, str]] = {}
        self.stopping = threading.Event()

    def run(self) -> None:
        asyncio.run(self._report())

    async def _report(self) -> None:
        while not self.stopping.is_set():
            client = Client()
            with contextlib.suppress(nats.errors.Error, OSError, TimeoutError):
                options = connect_options(actor_user(self._actor), self._password)
                await client.connect(self._address, **options, allow_reconnect=False, error_cb=_ignore)
                await client.subscribe(receipt_subject(self._actor), cb=self._hear)
                while client.is_connected and not self.stopping.is_set():
                    await self._send(client)
                    await asyncio.sleep(0.02)
            with contextlib.suppress(Exception):
                await client.close()
            await asyncio.sleep(0.1)

    async def _hear(self, message: Any) -> None:
        answers = orjson.loads(message.data)
        self._journal.hear(answers, by_broker=True)
        for answer in answers:
            self._open.pop(answer["id"], None)

    async def _send(self, client: Client) -> None:
        now = time.monotonic()
        if len(self._open) < 200:
            event = next(self._reports)
            item = as_item(event)
            self._journal.send([item])
            self._open[item["id"]] = (now, orjson.dumps(item), intake_subject(self._actor, event.wire_name))
            await client.publish(self._open[item["id"]][2], self._open[item["id"]][1])
        for known, (sent_at, body, subject) in list(self._open.items()):
            if now - sent_at > RESEND_SECONDS:
                self._open[known] = (now, body, subject)
                await client.publish(subject, body)


async def _ignore(_: Exception) -> None:
    pass
