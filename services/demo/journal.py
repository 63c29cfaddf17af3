"""What the demonstration has to say, put into the order in which it reaches the log."""

import heapq
from collections.abc import Iterator, Mapping, Sequence
from dataclasses import dataclass
from random import Random
from typing import Any

import orjson

from services.demo.calendar import iso

type Fields = Mapping[str, Any]


@dataclass(frozen=True, slots=True)
class Fact:
    """One item of a report: its own bytes, as the device stored them and sends them, however often."""

    body: bytes
    recorded_s: int
    by_broker: tuple[str, str] | None = None  #: actor and wire name of what is reported through the broker
    repeats: bool = False  #: sent before


@dataclass(frozen=True, slots=True)
class Command:
    """One decision asked for: where, and the fields of the command with its id and times."""

    route: str  #: `<context>/<verb>`
    body: bytes
    recorded_s: int


@dataclass(frozen=True, slots=True)
class Settle:
    """The day on which the clerk closes a month and, `pays` permitting, pays what earlier statements left owed."""

    regions: tuple[str, ...]
    month: str
    pays: bool
    recorded_s: int


type Item = Fact | Command | Settle


def uuid7(rng: Random, moment_s: int) -> str:
    """A UUIDv7 of a simulated moment."""
    bits = rng.getrandbits(84)
    value = ((moment_s * 1000 + bits % 1000) << 80) | 0x7000_8000_0000_0000_0000
    value |= ((bits >> 72) & 0xFFF) << 64 | (bits >> 10) & 0x3FFF_FFFF_FFFF_FFFF
    text = f"{value:032x}"
    return f"{text[:8]}-{text[8:12]}-{text[12:16]}-{text[16:20]}-{text[20:]}"


class SaidTooLate(ValueError):
    """What is recorded after this is out already; the history is not in order."""


class Journal:
    """Collects items in the order in which they happen and hands them out in the order in which they are recorded.

    Holds only what is under way: reports of devices that are offline, and decisions of the coming days.
    """

    def __init__(self, rng: Random, not_before_s: int = 0) -> None:
        self.rng = rng
        self.not_before_s = not_before_s  #: nothing is recorded earlier, e.g. the notebooks of the year before
        self._waiting: list[tuple[int, int, Item]] = []
        self._count = 0
        self._released_s = 0

    def fact(
        self, wire_name: str, actor: str, occurred_s: int, data: Fields, *, recorded_s: int | None = None,
        copies: Sequence[int] = (), through_broker: bool = False,
    ) -> str:  # fmt: skip
        """Report a fact; answers with its id. `copies` are later moments at which the same bytes arrive again."""
        event_id = uuid7(self.rng, occurred_s)
        moment = max(occurred_s + 2 if recorded_s is None else recorded_s, self.not_before_s)
        item = {
            "id": event_id,
            "type": wire_name,
            "occurred_at": iso(occurred_s),
            "recorded_at": iso(moment),
            "actor": actor,
            "data": data,
        }
        body = orjson.dumps(item)
        self._put(moment, Fact(body, moment, (actor, wire_name) if through_broker else None))
        for again in copies:
            self._put(max(again, moment), Fact(body, moment, None, repeats=True))
        return event_id

    def command(self, route: str, actor: str, at_s: int, fields: Fields) -> str:
        """Ask for a decision; answers with the id of the request."""
        request_id = uuid7(self.rng, at_s)
        moment = max(at_s, self.not_before_s)
        body = {"id": request_id, "occurred_at": iso(at_s), "recorded_at": iso(moment), "actor": actor, **fields}
        self._put(moment, Command(route, orjson.dumps(body), moment))
        return request_id

    def settle(self, regions: tuple[str, ...], month: str, at_s: int, *, pays: bool) -> None:
        self._put(at_s, Settle(regions, month, pays, at_s))

    def _put(self, moment_s: int, item: Item) -> None:
        if moment_s < self._released_s:
            raise SaidTooLate(iso(moment_s))
        self._count += 1
        heapq.heappush(self._waiting, (moment_s, self._count, item))

    def until(self, moment_s: int) -> Iterator[Item]:
        """What is recorded before a moment, in order."""
        self._released_s = moment_s
        while self._waiting and self._waiting[0][0] < moment_s:
            yield heapq.heappop(self._waiting)[2]

    def rest(self) -> Iterator[Item]:
        """All that is left."""
        while self._waiting:
            yield heapq.heappop(self._waiting)[2]

    def chance(self, probability: float) -> bool:
        return self.rng.random() < probability
