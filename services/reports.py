"""The door for facts: every report is read alone, kept whatever it is, and answered by name.

HTTP (`/api/v1/events`, `/api/v1/sales`) and the broker's intake come through here alike. What an authentic sender
reports is never lost: what cannot be understood is kept as MessageQuarantined, with its bytes beside the log.
"""

import asyncio
import hashlib
from collections.abc import Callable, Sequence
from contextlib import suppress
from dataclasses import dataclass
from datetime import UTC, datetime
from typing import Any, Final, Protocol
from uuid import UUID, uuid5

import orjson

from events.appends import Append, Conflict, Duplicate
from events.canonical import EventTooLarge, canonical
from events.catalogue.base import Fact
from events.catalogue.exchange import MessageQuarantined
from events.catalogue.production import StepFact
from events.catalogue.registry import TOO_DEEP, UndecodableEvent, UnknownEventType, upcast, validate_as_written
from events.catalogue.values import QUANTITY_MAX
from projections.inventory_book import clock_flag
from services.access.judge import Judge
from services.access.sender import NotYourTill, Sender
from services.access.signatures import CHAIN_BROKEN
from services.admission import Chains, broken_chains, refusals_of
from services.answers import Answer, Status, conflict, receipt_of, refused
from services.errors import IdConflict, Malformed, NotAllowed, NotJson, Refused, plain_code
from services.handle import Handler, Settled
from services.incoming import (
    ActorNotYours,
    ClockIsReal,
    read_id,
    read_instant,
    said_by,
    stated_actor,
    stated_record_time,
    wrong,
)
from services.items import Item, whole

#: Reports without a readable id are kept under one derived from their content, so that a resent one is known again.
QUARANTINE_IDS: Final = UUID("7d0e3c52-6a0b-5d6c-9a55-5b1d1b0e9a41")

_ITEM_FIELDS = frozenset({"id", "type", "occurred_at", "data", "actor", "recorded_at"})


class NotAFact(NotAllowed):
    """This event is not reported: it is decided, or made by the system itself."""

    advice = "For a decision send its command under /api/v1/<context>/."


#: With what a report alone may be refused, and with what any item may, whichever way it comes.
OF_REPORTS: Final[tuple[type[Refused], ...]] = (NotAFact, NotYourTill)
MAY_ANSWER: Final[tuple[type[Refused], ...]] = (*OF_REPORTS, ActorNotYours, ClockIsReal, IdConflict)


class Advice(Protocol):
    """What read models know about reports: advice for the answer, best effort, stored nowhere."""

    async def flags(self, facts: Sequence[Append]) -> list[tuple[str, ...]]:
        """The flags of each fact, in order."""

    async def closes_cycle(self, steps: Sequence[StepFact]) -> list[bool]:
        """Whether a step's output is known to be among the ancestors of one of its inputs."""


@dataclass(frozen=True, slots=True)
class _Kept:
    """One report as it goes to the log: a fact, or the note that it could not be understood."""

    append: Append
    claimed_id: str | None
    item: Item
    identity: bytes  #: what tells it from another report: see `_canonical`
    problem: str | None = None
    detail: str | None = None


@dataclass(frozen=True, slots=True)
class _From:
    """Who sends, and what is the same for everything in one request."""

    sender: Sender
    simulated: bool
    now: datetime


def _now() -> datetime:
    return datetime.now(UTC)


class Reports:
    """Takes reports of one network."""

    def __init__(
        self,
        handler: Handler,
        *,
        simulated: Callable[[], bool],
        clock: Callable[[], datetime] = _now,
        advice: Advice | None = None,
        chains: Chains | None = None,
    ) -> None:
        """`simulated`: whether the network's clock is; then, and only then, a report may state `recorded_at`."""
        self._handler = handler
        self._judge = Judge(handler.log)
        self._chains = chains
        self._simulated = simulated
        self._clock = clock
        self._advice = advice

    async def take(self, items: Sequence[Item | bytes], sender: Sender, *, advise: bool = True) -> list[Answer]:
        """Record items, each alone; one answer each, in order.

        An item given as `bytes` is parsed here, and kept in quarantine if it is not JSON. `advise` False leaves out
        what read models know (for back-fill in bulk); their folds raise the same flags afterwards.
        """
        origin = self._from(sender)
        read = [_read(item, origin) for item in items]
        if sender.kind != "admin":
            read = await self._permitted(read, origin)
        if advise and self._advice is not None:
            read = await _without_cycles(read, origin, self._advice)
        kept = [each for each in read if isinstance(each, _Kept)]
        outcomes = await self._handler.record([each.append for each in kept])
        flags = await _flags(kept, origin, self._advice if advise else None)
        if self._chains is not None and sender.kind != "admin":
            reports = [(each.item.value, each.append.request_hash) for each in kept]
            wrong_ones = await broken_chains(reports, sender, self._chains)
            flags = [(*each, CHAIN_BROKEN) if i in wrong_ones else each for i, each in enumerate(flags)]
        answers = iter(await self._answers(kept, outcomes, flags, origin))
        return [each if isinstance(each, Answer) else next(answers) for each in read]

    async def examine(self, content: bytes, sender: Sender) -> Answer:
        """What `take` would say of an item, without storing anything: accepted, quarantined or refused."""
        origin = self._from(sender)
        read = [_read(content, origin)]
        if sender.kind != "admin":
            read = await self._permitted(read, origin)
        if self._advice is not None:
            read = await _without_cycles(read, origin, self._advice)
        [each] = read
        if isinstance(each, Answer):
            return each
        status: Status = "accepted" if each.problem is None else "quarantined"
        return Answer(each.claimed_id, status, problem=each.problem, detail=each.detail)

    async def keep(self, contents: Sequence[bytes], sender: Sender, problem: str) -> list[Answer]:
        """Keep reports in quarantine as they came, without a look at what is in them; one answer each, in order."""
        origin = self._from(sender)
        kept = []
        for content in contents:
            item = Item(None, content)
            note = _note(_derived_id(content, sender), item, content, origin, problem)
            kept.append(_Kept(note, None, item, content, problem))
        outcomes = await self._handler.record([each.append for each in kept])
        problems = await self._first_problems(kept, outcomes)
        return [
            _answer(each, outcome, (), first_problem)
            for each, outcome, first_problem in zip(kept, outcomes, problems, strict=True)
        ]

    async def _permitted(self, read: list[_Kept | Answer], origin: _From) -> list[_Kept | Answer]:
        """The same list, where what the sender may not report is refused, and what is nobody's yet is kept aside.

        What the same sender reported when it might goes on, to be told its first receipt.
        """
        facts = [
            (i, each, event)
            for i, each in enumerate(read)
            if isinstance(each, _Kept)
            and each.problem is None
            and isinstance(event := upcast(each.append.events[0]), Fact)
        ]
        refusals = await refusals_of([event for _, _, event in facts], origin.sender, self._judge)
        refused_now = [each.append for (_, each, _), why in zip(facts, refusals, strict=True) if why is not None]
        told_before = await self._told_before(refused_now)
        for (i, each, _), refusal in zip(facts, refusals, strict=True):
            if isinstance(refusal, Malformed):
                found = refusal.problems[0]
                detail = f"{found.field}: {found.message}"
                read[i] = _not_fitting(each, origin, found.code, detail)
            elif refusal is not None and (each.append.request_id, each.append.request_hash) not in told_before:
                read[i] = refused(each.claimed_id, refusal)
        return read

    async def _told_before(self, reports: Sequence[Append]) -> set[tuple[UUID, bytes]]:
        """Which of these, by id and content, are in the log already, from the same sender."""
        if not reports:
            return set()
        found = await asyncio.to_thread(self._handler.log.find, [report.request_id for report in reports])
        known = {(request_id, first.request_hash, first.actor) for request_id, first in found.items()}
        asked = [(report.request_id, report.request_hash, report.actor) for report in reports]
        return {(request_id, digest) for request_id, digest, actor in asked if (request_id, digest, actor) in known}

    async def _answers(
        self, kept: Sequence[_Kept], outcomes: Sequence[Settled], flags: Sequence[tuple[str, ...]], origin: _From
    ) -> list[Answer]:
        conflicting = [(each, found) for each, found in zip(kept, outcomes, strict=True) if isinstance(found, Conflict)]
        conflicts = iter(await self._conflicts(conflicting, origin))
        problems = await self._first_problems(kept, outcomes)
        return [
            next(conflicts) if isinstance(outcome, Conflict) else _answer(each, outcome, flagged, first_problem)
            for each, outcome, flagged, first_problem in zip(kept, outcomes, flags, problems, strict=True)
        ]

    async def _first_problems(self, kept: Sequence[_Kept], outcomes: Sequence[Settled]) -> list[str | None]:
        """With what the first of each repetition is in quarantine; None if it was taken, and for what is new."""
        repeated = {
            _note_stream(each.append.request_id)
            for each, outcome in zip(kept, outcomes, strict=True)
            if isinstance(outcome, Duplicate)
        }
        found = await asyncio.to_thread(self._handler.log.read_streams, sorted(repeated)) if repeated else {}
        notes = {stream: recorded[0].event for stream, recorded in found.items() if recorded}
        firsts = [notes.get(_note_stream(each.append.request_id)) for each in kept]
        return [first.problem if isinstance(first, MessageQuarantined) else None for first in firsts]

    async def _conflicts(self, found: Sequence[tuple[_Kept, Conflict]], origin: _From) -> list[Answer]:
        """Ids that stand for something else: the first report stands, this one is kept as evidence beside it."""
        notes = [
            _note(_derived_id(kept.identity, origin.sender), kept.item, kept.identity, origin, IdConflict.code())
            for kept, _ in found
        ]
        answers = []
        for (kept, first), note, outcome in zip(found, notes, await self._handler.record(notes), strict=True):
            evidence = None if isinstance(outcome, Conflict) else receipt_of(note.request_id, outcome)
            answers.append(conflict(kept.claimed_id, first.position, evidence))
        return answers

    def _from(self, sender: Sender) -> _From:
        return _From(sender, self._simulated(), self._clock())


def _read(given: Item | bytes, origin: _From) -> _Kept | Answer:
    """One item, understood or kept as it is; or the refusal of a sender who may not report it."""
    try:
        item = whole(given) if isinstance(given, bytes) else given
    except NotJson:
        content = given if isinstance(given, bytes) else given.sent
        return _not_understood(Item(None, content), content, origin, "not_json", NotJson.message())
    try:
        data, identity = _canonical(item)
        return _Kept(_fact(item, data, identity, origin), item.value["id"], item, identity)
    except orjson.JSONEncodeError:  # of what was just read: only because it is read deeper than it is written
        return _not_understood(item, item.sent, origin, "too_deep", f"item: {TOO_DEEP}")
    except Malformed as why:
        first = why.problems[0]
        return _not_understood(item, identity, origin, plain_code(first.code), f"{first.field}: {first.message}")
    except Refused as refusal:
        return refused(item.value["id"], refusal)


def _canonical(item: Item) -> tuple[bytes, bytes]:
    """The canonical bytes of what an item says under `data`, and of all of it: what is the same for the same report.

    One that can be read in two ways has but the bytes in which it was sent.
    """
    if not item.is_readable or item.repeated_key is not None:
        return b"null", item.sent
    if type(item.value) is not dict:
        return b"null", canonical(item.value)
    data = canonical(item.value.get("data"))
    return data, canonical({**item.value, "data": orjson.Fragment(data)} if "data" in item.value else item.value)


def _fact(given: Item, data: bytes, content: bytes, origin: _From) -> Append:
    """The append of one item; `data` and `content` are its canonical bytes. Raises Malformed, Refused."""
    item = said_by(given)
    if type(item) is not dict:
        raise wrong("item", "wrong_type", "An item is an object with id, type, occurred_at and data.")
    if not item.keys() <= _ITEM_FIELDS:
        raise wrong(min(item.keys() - _ITEM_FIELDS), "unknown_field", "An item has no such field.")
    request_id = read_id(item.get("id"))
    occurred_at = read_instant(item.get("occurred_at"), "occurred_at")
    event = _event(item.get("type"), data)
    append = Append(
        request_id=request_id,
        request_hash=hashlib.sha256(content).digest(),
        stream=event.stream(),
        expected_version=None,
        actor=stated_actor(item.get("actor"), origin.sender),
        occurred_at=occurred_at,
        recorded_at=stated_record_time(item.get("recorded_at"), simulated=origin.simulated),
        events=(event,),
    )
    try:
        _ = append.ends  # made once, here: the bytes of the leaf, which may not be too long
    except EventTooLarge as error:
        raise wrong("data", "too_large", str(error)) from None
    return append


def _not_understood(item: Item, identity: bytes, origin: _From, problem: str, detail: str) -> _Kept:
    claimed = item.value.get("id") if isinstance(item.value, dict) else None
    request_id = _derived_id(identity, origin.sender)
    with suppress(Malformed):
        request_id = read_id(claimed)
    note = _note(request_id, item, identity, origin, problem)
    return _Kept(note, claimed if isinstance(claimed, str) else None, item, identity, problem, detail)


def _not_fitting(kept: _Kept, origin: _From, problem: str, detail: str) -> _Kept:
    """A report that is understood, and kept aside for what is known, or is not known, by now."""
    return _not_understood(kept.item, kept.identity, origin, problem, detail)


def _note(request_id: UUID, item: Item, identity: bytes, origin: _From, problem: str) -> Append:
    """The note that a report was not understood; its bytes as they were sent go beside the log."""
    fields = item.value if isinstance(item.value, dict) else {}
    occurred_at, recorded_at = origin.now, None
    with suppress(Malformed, ClockIsReal):
        recorded_at = stated_record_time(fields.get("recorded_at"), simulated=origin.simulated)
    with suppress(Malformed):
        occurred_at = read_instant(fields.get("occurred_at"), "occurred_at")
    sent = item.sent
    event = MessageQuarantined(
        quarantine=str(request_id),
        sender=origin.sender.actor,
        till=origin.sender.till,
        till_counter=_till_counter(fields.get("data")),
        claimed_id=_claimed_id(fields.get("id")),
        problem=problem,
        reported_as=item.reported_as,
        content_sha256=hashlib.sha256(sent).hexdigest(),
        content_bytes=len(sent),
    )
    return Append(
        request_id=request_id,
        request_hash=hashlib.sha256(identity).digest(),
        stream=event.stream(),
        expected_version=None,
        actor=origin.sender.actor,
        occurred_at=occurred_at,
        recorded_at=recorded_at,
        events=(event,),
        quarantined=sent,
    )


async def _without_cycles(read: list[_Kept | Answer], origin: _From, advice: Advice) -> list[_Kept | Answer]:
    """The same list, where every step that would close a known circle of lots is kept as not understood."""
    steps = [
        (i, each, event)
        for i, each in enumerate(read)
        if isinstance(each, _Kept) and isinstance(event := each.append.events[0], StepFact)
    ]
    closing = await advice.closes_cycle([event for _, _, event in steps]) if steps else []
    for (i, kept, _), closes in zip(steps, closing, strict=True):
        if closes:
            detail = "data.inputs: One of these inputs was itself made from this lot."
            read[i] = _not_fitting(kept, origin, "lineage_cycle", detail)
    return read


async def _flags(kept: Sequence[_Kept], origin: _From, advice: Advice | None) -> list[tuple[str, ...]]:
    appends = [each.append for each in kept]
    by_clock = [clock_flag((append.recorded_at or origin.now) - append.occurred_at) for append in appends]
    found: list[tuple[str, ...]] = [() if flag is None else (flag,) for flag in by_clock]
    if advice is not None and kept:
        more = await advice.flags(appends)
        found = [(*first, *second) for first, second in zip(found, more, strict=True)]
    return found


def _event(wire_name: Any, data: bytes) -> Fact:
    """The fact that an item states. Raises Malformed, NotAFact."""
    try:
        event = validate_as_written(wire_name if type(wire_name) is str else "", data)
        upcast(event)  # what an old form says beyond the form of today could be stored, and never be read again
    except UnknownEventType:
        raise wrong("type", "unknown_type", "The catalogue has no event of this name and version.") from None
    except UndecodableEvent as error:
        raise Malformed(error.problems) from None
    if not isinstance(event, Fact) or event.wire_name.startswith("exchange."):
        raise NotAFact(field="type")
    beyond = event.beyond_counting()
    if beyond is not None:
        raise wrong(
            beyond, "out_of_range", f"Multiplied it comes to more than {QUANTITY_MAX:,}, beyond which nobody counts."
        )
    return event


def _answer(kept: _Kept, outcome: Settled, flags: tuple[str, ...], first_problem: str | None) -> Answer:
    """`first_problem`: with what the first of a repetition is in quarantine; whatever is known by now, it still is."""
    if isinstance(outcome, Conflict):
        return conflict(kept.claimed_id, outcome.position)
    receipt = receipt_of(kept.append.request_id, outcome)
    if isinstance(outcome, Duplicate):
        detail = kept.detail if first_problem == kept.problem else None
        return Answer(kept.claimed_id, "duplicate", receipt.position, first_problem, detail, receipt=receipt)
    if kept.problem is not None:
        return Answer(kept.claimed_id, "quarantined", receipt.position, kept.problem, kept.detail, receipt=receipt)
    status: Status = "flagged" if flags else "accepted"
    return Answer(kept.claimed_id, status, receipt.position, flags=flags, receipt=receipt)


def _note_stream(request_id: UUID) -> str:
    """Where the note of a report is that was not understood, if it was not."""
    return f"quarantine/{request_id}"


def _derived_id(content: bytes, sender: Sender) -> UUID:
    return uuid5(QUARANTINE_IDS, f"{sender.actor} {hashlib.sha256(content).hexdigest()}")


def _till_counter(data: Any) -> int | None:
    value = data.get("till_counter") if isinstance(data, dict) else None
    return value if type(value) is int and 0 <= value <= QUANTITY_MAX else None


def _claimed_id(value: Any) -> str | None:
    with suppress(Malformed):
        return str(read_id(value))
    return None
