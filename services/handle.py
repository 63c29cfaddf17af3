"""The one way to write: known id? load, decide, append, retry a lost race.

A fact loads nothing and is never refused here.
"""

import asyncio
from collections import Counter, OrderedDict
from collections.abc import Callable, Iterable, Sequence
from dataclasses import dataclass
from datetime import datetime
from functools import reduce
from typing import Any
from uuid import UUID

from events.catalogue.base import Event
from events.catalogue.registry import FieldProblem
from events.store import Append, Appended, Conflict, Duplicate, EventTooLarge, Found, Log, LostRace
from services.decider import Command, Decider
from services.errors import Busy, Malformed, Refused

#: What became of a request in the end: stored, stored before, or another request's id. A lost race is decided anew.
Settled = Appended | Duplicate | Conflict

#: How often a decision is taken anew because somebody else decided first.
ATTEMPTS = 5
#: How many streams' states and known names are kept in memory.
REMEMBERED_STREAMS = 50_000


class UnknownReference(Refused):
    """The command names something that was never registered."""

    advice = "Register it first, then send the command again with a new id."


@dataclass(frozen=True, slots=True)
class Asked[C: Command]:
    """A command as it came in: the sender's id, what was sent, by whom and when."""

    id: UUID
    content_hash: bytes  #: SHA-256 of the canonical content as sent; the same id with another one is a conflict
    command: C
    actor: str
    occurred_at: datetime
    recorded_at: datetime | None = None  #: only on a network with a simulated clock


class Handler:
    """Writes facts and decisions to one log."""

    def __init__(self, log: Log) -> None:
        self.log = log
        self._states: OrderedDict[str, tuple[int, Any]] = OrderedDict()
        self._begun: set[str] = set()

    async def record(self, facts: Sequence[Append]) -> list[Settled]:
        """Append facts as they are, in one group commit; one outcome each, in order.

        Raises LogUnavailable, LogBusy: send the same again.
        """
        outcomes = await self.log.append_soon(facts) if facts else []
        return [outcome for outcome in outcomes if not isinstance(outcome, LostRace)]

    async def carry_out[C: Command, S, E: Event](
        self, decider: Decider[C, S, E], requests: Sequence[Asked[C]]
    ) -> list[Settled | Refused]:
        """Decide on every request and append what follows; one outcome or refusal each, in order.

        Requests about one stream are decided one after the other, each on what the one before has left; requests about
        different streams share their appends. A known id is answered by its first receipt, whatever the rules say now.
        Raises LogUnavailable, LogBusy: send the same again.
        """
        work = _Work(self, decider, requests)
        await work.answer_known(range(len(requests)))
        while wave := work.next_wave():
            await work.carry_out(wave)
        return work.answers()

    # What is remembered of streams. A remembered state may only say yes: the append proves that it was current.
    # Before a refusal is given the stream is read again.

    def remembered(self, stream: str) -> tuple[int, Any] | None:
        found = self._states.get(stream)
        if found is not None:
            self._states.move_to_end(stream)
        return found

    def remember(self, stream: str, version: int, state: object) -> None:
        self._states[stream] = (version, state)
        self._states.move_to_end(stream)
        if len(self._states) > REMEMBERED_STREAMS:
            self._states.popitem(last=False)
        if version:
            self.note_begun((stream,))

    def forget(self, stream: str) -> None:
        self._states.pop(stream, None)

    def note_begun(self, streams: Iterable[str]) -> None:
        """A stream that has begun never ends, so this knowledge cannot grow old."""
        if len(self._begun) > REMEMBERED_STREAMS:
            self._begun.clear()
        self._begun.update(streams)

    async def not_begun(self, streams: Iterable[str]) -> set[str]:
        """Those of the streams that hold no event."""
        doubtful = {stream for stream in streams if stream not in self._begun}
        if doubtful:
            found = await asyncio.to_thread(self.log.read_streams, sorted(doubtful))
            self.note_begun(stream for stream, events in found.items() if events)
        return {stream for stream in doubtful if stream not in self._begun}


@dataclass(frozen=True, slots=True)
class _Decided[S]:
    """The events that follow from one request, and the state and version they follow from."""

    index: int
    version: int
    state: S
    events: tuple[Event, ...]


class _Work[C: Command, S, E: Event]:
    """One list of requests on its way to their answers."""

    def __init__(self, handler: Handler, decider: Decider[C, S, E], requests: Sequence[Asked[C]]) -> None:
        self._handler = handler
        self._log = handler.log
        self._decider = decider
        self._requests = requests
        self._answers: list[Settled | Refused | None] = [None] * len(requests)
        self._races = [0] * len(requests)
        self._streams = [request.command.stream() for request in requests]
        self._ids = Counter(request.id for request in requests)

    def answers(self) -> list[Settled | Refused]:
        return [answer for answer in self._answers if answer is not None]

    async def answer_known(self, indexes: Iterable[int]) -> None:
        """Answer the requests whose id the log holds, by what it holds."""
        asked = list(indexes)
        found = await asyncio.to_thread(self._log.find, [self._requests[i].id for i in asked])
        for i in asked:
            known = found.get(self._requests[i].id)
            if known is not None:
                self._answers[i] = _first_answer(known, self._requests[i])

    def next_wave(self) -> list[int]:
        """The first open request of every stream (and of every id): none of them waits for another."""
        wave: list[int] = []
        taken: set[str | UUID] = set()
        for i, answer in enumerate(self._answers):
            stream, request_id = self._streams[i], self._requests[i].id
            if answer is None and stream not in taken and request_id not in taken:
                wave.append(i)
            if answer is None:
                taken.update((stream, request_id))
        return wave

    async def carry_out(self, wave: list[int]) -> None:
        repeated = [i for i in wave if self._races[i] or self._ids[self._requests[i].id] > 1]
        if repeated:
            await self.answer_known(repeated)
            wave = [i for i in wave if self._answers[i] is None]
        await self._load(i for i in wave if self._handler.remembered(self._streams[i]) is None)
        decided, doubted = await self._decide(wave, final=False)
        if doubted:
            await self._load(doubted)
            decided += (await self._decide(doubted, final=True))[0]
            # Asked last: what speaks against a request may be its own first try, stored meanwhile.
            await self.answer_known(i for i in doubted if self._answers[i] is not None)
        await self._append(decided)

    async def _load(self, indexes: Iterable[int]) -> None:
        streams = sorted({self._streams[i] for i in indexes})
        if not streams:
            return
        found = await asyncio.to_thread(self._log.read_streams, streams)
        for stream in streams:
            events: list[Any] = [recorded.event for recorded in found.get(stream, ())]
            self._handler.remember(stream, len(events), self._decider.state(events))

    async def _decide(self, wave: Iterable[int], *, final: bool) -> tuple[list[_Decided[S]], list[int]]:
        """What follows from each request, and which refusals rest on a remembered state (unless `final`)."""
        wave = list(wave)
        # Taken before anything is waited for: meanwhile another list's lost race may make the handler forget them.
        states = [self._handler.remembered(self._streams[i]) or (0, self._decider.initial) for i in wave]
        unknown = await self._handler.not_begun(
            stream for i in wave for stream in self._requests[i].command.refers_to()
        )
        decided: list[_Decided[S]] = []
        doubted: list[int] = []
        for i, (version, state) in zip(wave, states, strict=True):
            command = self._requests[i].command
            try:
                for stream in command.refers_to():
                    if stream in unknown:
                        raise UnknownReference(field=stream.partition("/")[0], advice=f"There is no {stream}.")
                events = tuple(self._decider.decide(command, state))
            except Refused as refusal:
                if final:
                    self._answers[i] = refusal
                else:
                    doubted.append(i)
            else:
                decided.append(_Decided(i, version, state, events))
        return decided, doubted

    async def _append(self, decided: Sequence[_Decided[S]]) -> None:
        fitting = [(each, append) for each in decided if (append := self._as_append(each)) is not None]
        outcomes = await self._log.append_soon([append for _, append in fitting]) if fitting else []
        for (each, _), outcome in zip(fitting, outcomes, strict=True):
            stream = self._streams[each.index]
            if isinstance(outcome, LostRace):
                self._handler.forget(stream)
                self._races[each.index] += 1
                if self._races[each.index] >= ATTEMPTS:
                    self._answers[each.index] = Busy()
                continue
            self._answers[each.index] = outcome
            if isinstance(outcome, Duplicate | Conflict):
                self._handler.forget(stream)
                continue
            evolve: Callable[[Any, Any], Any] = self._decider.evolve
            state = reduce(evolve, each.events, each.state)
            self._handler.remember(stream, each.version + len(each.events), state)

    def _as_append(self, decided: _Decided[S]) -> Append | None:
        """What to append; None when the log has no room for such an event, which then is this request's answer."""
        request = self._requests[decided.index]
        append = Append(
            request_id=request.id,
            request_hash=request.content_hash,
            stream=self._streams[decided.index],
            expected_version=decided.version,
            actor=request.actor,
            occurred_at=request.occurred_at,
            recorded_at=request.recorded_at,
            events=decided.events,
            quarantined=request.command.kept_beside(),
        )
        try:
            _ = append.ends  # made once, here
        except EventTooLarge as error:
            self._answers[decided.index] = Malformed([FieldProblem("item", str(error), "too_large")])
            return None
        return append


def _first_answer(known: Found, request: Asked[Any]) -> Settled:
    if known.request_hash != request.content_hash:
        return Conflict(known.position)
    return Duplicate(known.position, known.last_position, known.recorded_at, known.leaf_hash)
