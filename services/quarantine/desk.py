"""The desk: what lies in quarantine, what is in it, and the way of a message back through the door."""

import asyncio
import json
from collections import Counter
from collections.abc import Sequence
from contextlib import suppress
from dataclasses import dataclass, replace
from typing import Any, Final, cast
from uuid import uuid4, uuid5

import orjson

from events.canonical import canonical, content_hash, instant
from events.catalogue.base import Event, Recorded
from events.catalogue.exchange import MessageQuarantined, QuarantineResolved
from events.catalogue.network import TillEnrolled
from events.catalogue.registry import FieldProblem
from services.access.sender import Sender
from services.answers import Answer
from services.commands import answer_to, read_request
from services.decider import Command
from services.errors import IdConflict, Malformed, Refused
from services.facts import named
from services.front import Front
from services.handle import Asked
from services.incoming import read_id
from services.quarantine.decider import QUARANTINE, Map, NotInQuarantine, QuarantineCommand, Resubmit, SentAgain
from services.quarantine.mapping import Change, apply

#: The number of the event of a quarantined request that the message becomes in the end; its event 0 is the note.
_UNDERSTOOD: Final = "1"


class StillNotUnderstood(Malformed):
    """The message cannot be understood like this either. It stays where it is."""

    advice = "See `problems`, and map what is named there; an event's own fields stand below `data`."


class BytesErased(Refused):
    """The bytes of this message were erased, so nothing can be sent again."""

    advice = "Dismiss it, or let its sender report anew."


class NothingToMap(Refused):
    """These bytes are no JSON object, so there is nothing in them to map."""

    advice = "Read them, enter by hand what they say, and dismiss the message."


@dataclass(frozen=True, slots=True)
class Step:
    """Something that was done about a message, and the changes that were made for it (None: none, or erased)."""

    resolved: Recorded[QuarantineResolved]
    mapping: Any = None


@dataclass(frozen=True, slots=True)
class Kept:
    """A message in quarantine with all that is known of it."""

    note: Recorded[MessageQuarantined]
    content: bytes | None  #: None: erased
    steps: Sequence[Step]

    @property
    def is_sent_again(self) -> bool:
        return any(step.resolved.event.resolution != "dismissed" for step in self.steps)

    @property
    def state(self) -> str:
        return self.steps[-1].resolved.event.resolution if self.steps else "open"

    def item(self) -> dict[str, Any]:
        """What the bytes say, as an item of a report. Raises BytesErased, NothingToMap."""
        if self.content is None:
            raise BytesErased(field="quarantine")
        try:
            found = orjson.loads(self.content)
        except orjson.JSONDecodeError:
            found = None
        if not isinstance(found, dict):
            raise NothingToMap(field="quarantine")
        reported_as = self.note.event.reported_as
        return found if reported_as is None else named(found, reported_as)

    def must_say_once(self, changes: tuple[Change, ...]) -> None:
        """Nobody knows which of two equal keys counts, unless a change says so. Raises StillNotUnderstood."""
        settled = {change.wherever or (change.at or "").rpartition(".")[2] for change in changes}
        for key in sorted(_repeated_keys(self.content or b"null") - settled):
            said = "This key stands twice in one object: map it to say which one counts."
            raise StillNotUnderstood([FieldProblem(field=key[:100], message=said, code="duplicate_key")])


@dataclass(frozen=True, slots=True)
class Tried:
    """A message as it would be sent again, and what the door says to it."""

    content: bytes
    sender: Sender
    answer: Answer


class Desk:
    """Deals with the quarantine of one network."""

    def __init__(self, front: Front) -> None:
        self._front = front
        self._log = front.handler.log

    def kept(self, quarantine: str) -> Kept:
        """One message. Blocks. Raises NotInQuarantine."""
        stream: list[Recorded[Event]] = self._log.read_stream(f"quarantine/{quarantine}")
        note: Recorded[Any] | None = None
        steps = []
        for recorded in stream:
            match recorded.event:
                case MessageQuarantined():
                    note = recorded
                case QuarantineResolved():
                    mapping = self._log.quarantined(recorded.event_id)
                    changes = None if mapping is None else orjson.loads(mapping)
                    steps.append(Step(cast(Recorded[QuarantineResolved], recorded), changes))
                case _:
                    pass
        if note is None:
            raise NotInQuarantine(field="quarantine")
        return Kept(note, self._log.quarantined(note.event_id), steps)

    async def tried(self, quarantine: str, changes: tuple[Change, ...] = ()) -> tuple[Kept, Tried]:
        """A message after some changes, and whether the door would take it so. Stores nothing.

        Raises NotInQuarantine, BytesErased, NothingToMap, IdStays, Malformed.
        """
        kept = await asyncio.to_thread(self.kept, quarantine)
        item = apply(kept.item(), changes)
        kept.must_say_once(changes)
        if self._front.clock.simulated():
            # It states when it was recorded; if this one did not, then when it was quarantined, whenever it is mended.
            item.setdefault("recorded_at", instant(kept.note.recorded_at))
        item["id"] = await asyncio.to_thread(self._id_of, kept.note, item)
        sender = await asyncio.to_thread(self._sender_of, kept.note.event)
        content = canonical(item)
        return kept, Tried(content, sender, await self._front.reports.examine(content, sender))

    async def prepare(self, asked: Sequence[Asked[Any]]) -> list[QuarantineCommand | Refused]:
        """Send messages through the door, one after the other; then what is to be said of each.

        The fact is stored before the note that says so: whoever dies between the two repeats both and doubles nothing.
        """
        return [await self._sent(each) for each in asked]

    async def carry_out(self, command: type[Command], fields: dict[str, Any], sender: Sender) -> Answer:
        """Do one thing about a message, now, in the sender's name. Raises Refused."""
        now = self._front.clock.now()
        item = {"id": str(uuid4()), "occurred_at": instant(now), **fields}
        head = await asyncio.to_thread(self._log.head)
        if self._front.clock.simulated() and head.recorded_at is not None:
            item |= {"occurred_at": instant(head.recorded_at), "recorded_at": instant(head.recorded_at)}
        asked = read_request(self._front, command, item, sender)
        [ready] = await self.prepare([asked])
        if isinstance(ready, Refused):
            raise ready
        [outcome] = await self._front.handler.carry_out(QUARANTINE, [replace(asked, command=ready)])
        answer = answer_to(item, asked, outcome)
        if answer.refusal is not None:
            raise answer.refusal
        return answer

    async def _sent(self, asked: Asked[Any]) -> QuarantineCommand | Refused:
        command = asked.command
        if not isinstance(command, Map | Resubmit):
            return command  # type: ignore[no-any-return]
        changes = command.changes if isinstance(command, Map) else ()
        try:
            kept, tried = await self.tried(command.quarantine, changes)
            if kept.is_sent_again:
                return _said(command, kept.steps[-1].resolved.event.resubmitted_as or "", changes)
            _must_be_understood(tried.answer)
            [answer] = await self._front.reports.take([tried.content], tried.sender)
            _must_be_understood(answer)
        except Refused as refusal:
            return refusal
        return _said(command, str(answer.receipt.event_id) if answer.receipt else "", changes)

    def _id_of(self, note: Recorded[MessageQuarantined], item: dict[str, Any]) -> str:
        """The id it came with, unless that stands for something else: for the note itself, or for another report.

        Then it is event 1 of the request whose event 0 is the note, so a message becomes one fact and never two.
        """
        with suppress(Malformed):
            claimed = read_id(item.get("id"))
            found = self._log.find([claimed]).get(claimed)
            is_the_note = found is not None and found.position == note.position  # that was not understood then
            if found is None or (found.request_hash == content_hash(item) and not is_the_note):
                return str(item["id"])
        return str(uuid5(note.event_id, _UNDERSTOOD))

    def _sender_of(self, note: MessageQuarantined) -> Sender:
        """Who sent it, with the rights that the sender has; a device as it was enrolled, whatever became of its key."""
        if note.till is None:
            known = self._front.credentials.of_actor(note.sender)
            return known or Sender(note.sender, "person", grants=self._front.judge.grants_of(note.sender))
        stream = self._log.read_stream(f"till/{note.till}")
        outlets = [recorded.event.outlet for recorded in stream if isinstance(recorded.event, TillEnrolled)]
        return Sender(note.sender, "till", outlets[-1] if outlets else None)


def _repeated_keys(content: bytes) -> set[str]:
    repeated: set[str] = set()

    def note(pairs: list[tuple[str, Any]]) -> None:
        counted = Counter(key for key, _ in pairs)
        repeated.update(key for key, count in counted.items() if count > 1)

    # Only the keys are of interest: numbers stay text, of whatever length they are.
    json.loads(content, object_pairs_hook=note, parse_int=str, parse_float=str)
    return repeated


def _must_be_understood(answer: Answer) -> None:
    """Raises StillNotUnderstood, IdConflict, or the refusal of a sender who may not say that."""
    if answer.refusal is not None:
        raise answer.refusal
    if answer.status == "conflict":
        raise IdConflict(field="quarantine", advice="Somebody used its id at this moment; send it again.")
    if answer.status == "quarantined":
        field, _, message = (answer.detail or "").partition(": ")
        problem = FieldProblem(field=field, message=message or field, code=answer.problem or "not_understood")
        raise StillNotUnderstood([problem])


def _said(command: Map | Resubmit, resubmitted_as: str, changes: tuple[Change, ...]) -> SentAgain:
    told = [change.model_dump(mode="json", by_alias=True, exclude_unset=True) for change in changes]
    return SentAgain(
        quarantine=command.quarantine,
        reason=command.reason,
        resolution="mapped" if isinstance(command, Map) else "resubmitted",
        resubmitted_as=resubmitted_as,
        mapping=canonical(told) if told else None,
    )
