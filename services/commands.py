"""From a request to the deciders and back: what all command routes have in common."""

import asyncio
from collections.abc import Awaitable, Callable, Sequence
from dataclasses import dataclass, replace
from datetime import datetime
from typing import Any
from uuid import UUID

import orjson
from fastapi import APIRouter, Request, Response

from events.canonical import content_hash
from events.catalogue.base import Event
from events.catalogue.registry import TOO_DEEP
from events.store import Appended, Conflict
from services.access.permissions import COMMANDS, Rule
from services.access.sender import About, NoSuchRight, NotAgreed, NotYours, Permission, Sender
from services.answers import Answer, Status, conflict, receipt_of, refused
from services.decider import Command, Decider
from services.errors import Refused
from services.front import Front, answers_response
from services.handle import Asked, Settled
from services.incoming import (
    read_id,
    read_instant,
    said_by,
    stated_actor,
    stated_record_time,
    wrong,
)
from services.items import Item
from services.openapi import takes

_ENVELOPE = ("id", "occurred_at", "actor", "recorded_at")

type Asking = Asked[Any] | Refused
#: What a route adds to commands before they are decided: what read models know, the day, a new device's key. A whole
#: request comes back where its content may leave no trace in the log.
Prepare = Callable[[Sequence[Asked[Any]]], Awaitable[Sequence[Command | Asked[Any] | Refused]]]
#: What a route does about the answers: hand out the key of an enrolled device, end those of a revoked one.
Finish = Callable[[Sequence[Asking], list[Answer]], Awaitable[list[Answer]]]


@dataclass(frozen=True, slots=True)
class Commands:
    """Adds the routes of one context's commands to its router."""

    context: str
    front: Front
    router: APIRouter

    def add[S, E: Event](
        self,
        decider: Decider[Any, S, E],
        *commands: type[Command],
        prepare: Prepare | None = None,
        finish: Finish | None = None,
    ) -> None:
        """One route for each command: POST /api/v1/<context>/<verb>, one object or a list of up to 500."""
        for command in commands:
            self._add_one(decider, command, prepare, finish)

    def _add_one[S, E: Event](
        self, decider: Decider[Any, S, E], command: type[Command], prepare: Prepare | None, finish: Finish | None
    ) -> None:
        async def carry_out(request: Request) -> Response:
            sender = await self.front.sender(request)
            many, items = await self.front.items_of(request)
            read = [_read(self.front, command, item, sender) for item in items]
            read = await permitted(self.front, COMMANDS[f"{self.context}/{command.verb()}"], read, sender)
            if prepare is not None:
                read = await _prepared(read, prepare)
            answers = await _decided(self.front, decider, items, read)
            if finish is not None:
                answers = await finish(read, answers)
            return answers_response(many, answers)

        self.router.add_api_route(
            f"/api/v1/{self.context}/{command.verb()}",
            carry_out,
            methods=["POST"],
            name=f"{self.context} {command.verb()}",
            description=command.__doc__,
            tags=[self.context],
            openapi_extra=takes(command),
        )


async def _decided[S, E: Event](
    front: Front, decider: Decider[Any, S, E], items: Sequence[Item], read: Sequence[Asking]
) -> list[Answer]:
    """Decide on those items that could be read, and answer each, in order."""
    outcomes = iter(await front.handler.carry_out(decider, [each for each in read if isinstance(each, Asked)]))
    return [
        refused(_claimed_id(item.value), each)
        if isinstance(each, Refused)
        else answer_to(item.value, each, next(outcomes))
        for item, each in zip(items, read, strict=True)
    ]


async def _prepared(read: Sequence[Asking], prepare: Prepare) -> list[Asking]:
    asked = [each for each in read if isinstance(each, Asked)]
    ready = iter(await prepare(asked) if asked else ())
    prepared: list[Asking] = []
    for each in read:
        if isinstance(each, Asked):
            made = next(ready)
            prepared.append(made if isinstance(made, Refused | Asked) else replace(each, command=made))
        else:
            prepared.append(each)
    return prepared


async def permitted(front: Front, rule: Rule, read: Sequence[Asking], sender: Sender) -> list[Asking]:
    """The same list, where what the sender may not ask for is refused."""
    if sender.kind == "admin":
        return list(read)
    may, concern = rule
    # A command that only wraps its event is about what the event is about.
    abouts = [concern(getattr(each.command, "event", each.command)) if isinstance(each, Asked) else () for each in read]
    verdicts = await front.judge.judge(sender, [(may, about) for about in abouts])
    judged: list[Asking] = []
    for each, about, verdict in zip(read, abouts, verdicts, strict=True):
        if isinstance(each, Refused):
            judged.append(each)
        elif verdict != "yes":
            judged.append(NotYours() if may.open_to(sender) else NoSuchRight())
        elif not await _all_agreed(front, may, each, about, sender):
            judged.append(NotAgreed(field="members"))
        else:
            judged.append(each)
    return judged


async def _all_agreed(front: Front, may: Permission, asked: Asked[Any], abouts: Sequence[About], by: Sender) -> bool:
    """Whether everybody who is named beside the sender holds the same right, and said yes to this very command."""
    others = {person for about in abouts for person in about.persons} - {by.actor} if may.two else set()
    if not others:
        return True
    store, hours = front.credentials.store, front.settings.agreement_hours
    agreed = await asyncio.to_thread(store.agreed, asked.content_hash, hours)
    return others <= agreed and all([await _holds(front, may, abouts, other) for other in others])


async def _holds(front: Front, may: Permission, abouts: Sequence[About], actor: str) -> bool:
    holder = Sender(actor, "person", grants=await asyncio.to_thread(front.judge.grants_of, actor))
    return await front.judge.judge(holder, [(may, abouts)]) == ["yes"]


def _read(front: Front, command: type[Command], item: Item, sender: Sender) -> Asking:
    try:
        return read_request(front, command, said_by(item), sender)
    except orjson.JSONEncodeError:  # of what was just read: only because it is read deeper than it is written
        return wrong("item", "too_deep", TOO_DEEP)
    except Refused as refusal:
        return refusal


def read_request(front: Front, command: type[Command], item: Any, sender: Sender) -> Asked[Any]:
    """One item as a request. Raises Malformed, ActorNotYours, ClockIsReal."""
    if type(item) is not dict:
        raise wrong("item", "wrong_type", "An item is an object: id, occurred_at and the fields of the command.")
    request_id: UUID = read_id(item.get("id"))
    occurred_at: datetime = read_instant(item.get("occurred_at"), "occurred_at")
    fields = {name: value for name, value in item.items() if name not in _ENVELOPE}
    parsed = command.parse(orjson.dumps(fields))
    simulated = front.clock.simulated() or _founds_simulated(command, fields)
    return Asked(
        id=request_id,
        content_hash=content_hash([command.verb(), item]),
        command=parsed,
        actor=stated_actor(item.get("actor"), sender),
        occurred_at=occurred_at,
        recorded_at=stated_record_time(item.get("recorded_at"), simulated=simulated),
    )


def _founds_simulated(command: type[Command], fields: dict[str, Any]) -> bool:
    """The very first request makes the clock that it is recorded by."""
    return command.verb() == "found-network" and fields.get("clock") == "simulated"


def answer_to(item: Any, asked: Asked[Any], outcome: Settled | Refused) -> Answer:
    """What became of one request."""
    claimed = _claimed_id(item)
    match outcome:
        case Refused():
            return refused(claimed, outcome)
        case Conflict(position=position):
            return conflict(claimed, position)
        case _:
            receipt = receipt_of(asked.id, outcome)
            status: Status = "accepted" if isinstance(outcome, Appended) else "duplicate"
            return Answer(claimed, status, receipt.position, receipt=receipt)


def _claimed_id(item: Any) -> str | None:
    claimed = item.get("id") if isinstance(item, dict) else None
    return claimed if isinstance(claimed, str) else None
