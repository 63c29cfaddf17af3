"""The quarantine by HTTP: the list, one message with its bytes, what would become of it, and what is done about it."""

import asyncio
import base64
from typing import Annotated, Any, Literal

import orjson
from fastapi import APIRouter, Path, Query, Request, Response
from pydantic import BaseModel, ConfigDict, Field, ValidationError

from events import quarantine_pages
from events.catalogue.registry import problems_of
from events.catalogue.values import QUANTITY_MAX, Id
from services.access.permissions import DESK, READ_DESK
from services.access.sender import NETWORK
from services.answers import Answer
from services.books import Look
from services.commands import Commands
from services.errors import Malformed, NotJson
from services.front import Front, json_response
from services.incoming import WORD
from services.openapi import takes_plain
from services.polling import POLLED, answered
from services.quarantine.decider import QUARANTINE, Dismiss, Map, Resubmit
from services.quarantine.desk import Desk, Kept
from services.quarantine.mapping import CHANGES_MAX, Change

Name = Annotated[str, Query(max_length=100, pattern=WORD)]


class Trial(BaseModel):
    """A message in quarantine, and changes to try on it."""

    model_config = ConfigDict(frozen=True, strict=True, extra="forbid")

    quarantine: Id
    changes: Annotated[tuple[Change, ...], Field(max_length=CHANGES_MAX)] = ()


def routes(front: Front) -> APIRouter:
    """The list, one message, a trial, and the three things that can be done."""
    desk = Desk(front)
    commands = Commands("quarantine", front, APIRouter())
    commands.add(QUARANTINE, Map, Resubmit, prepare=desk.prepare)
    commands.add(QUARANTINE, Dismiss)
    _add_reading(commands.router, front, desk)
    return commands.router


def _add_reading(router: APIRouter, front: Front, desk: Desk) -> None:
    @router.get("/api/v1/quarantine", tags=["quarantine"], openapi_extra=POLLED)
    async def messages(
        request: Request,
        state: Literal["open", "mapped", "resubmitted", "dismissed", "all"] = "open",
        sender: Name | None = None,
        problem: Name | None = None,
        before: Annotated[int | None, Query(ge=1, le=QUANTITY_MAX, description="`next` of the page before.")] = None,
        limit: Annotated[int, Query(ge=1, le=quarantine_pages.ITEMS_PER_PAGE_MAX)] = 100,
    ) -> Response:
        """Messages that were not understood, the newest first, with an exact count."""
        await front.admit(request, READ_DESK, NETWORK)
        limit = front.page(limit)

        def question(db: Look) -> dict[str, Any]:
            wanted = None if state == "all" else state
            found = quarantine_pages.page(
                db.connection, state=wanted, sender=sender, problem=problem, before=before, limit=limit
            )
            return {
                "counts": quarantine_pages.counts(db.connection),
                "count": found.count,
                "messages": found.items,
                "next": found.next_before,
            }

        told = await front.books.ask_soon(question)
        head = await asyncio.to_thread(front.handler.log.head)
        return answered(request, told.answer, head.position, dated=False)

    @router.post(
        "/api/v1/quarantine/try",
        tags=["quarantine"],
        openapi_extra=takes_plain(Trial, {"quarantine": "0198c0de-0000-7000-8000-000000000001"}),
    )
    async def attempt(request: Request) -> Response:
        """What would become of a message after some changes. Stores nothing."""
        await front.admit(request, DESK, NETWORK)
        trial = _read(await front.body_of(request))
        _, tried = await desk.tried(trial.quarantine, trial.changes)
        return json_response(tried_as_json(orjson.loads(tried.content), tried.answer))

    @router.get("/api/v1/quarantine/{quarantine}", tags=["quarantine"])
    async def message(request: Request, quarantine: Annotated[str, Path(max_length=100, pattern=WORD)]) -> Response:
        """One message: what the log says of it, its bytes while they are kept, and what was done about it."""
        await front.admit(request, READ_DESK, NETWORK)
        return json_response(as_json(await asyncio.to_thread(desk.kept, quarantine)))


def as_json(kept: Kept) -> dict[str, Any]:
    note = kept.note
    return {
        "quarantine": note.event.quarantine,
        "state": kept.state,
        "position": note.position,
        "occurred_at": note.occurred_at,
        "recorded_at": note.recorded_at,
        **note.event.model_dump(mode="json", exclude={"quarantine"}),
        "content": _content(kept.content),
        "steps": [
            {
                "position": step.resolved.position,
                "recorded_at": step.resolved.recorded_at,
                "actor": step.resolved.actor,
                **step.resolved.event.model_dump(mode="json", exclude={"quarantine"}),
                "changes": step.mapping,
            }
            for step in kept.steps
        ],
    }


def tried_as_json(item: Any, answer: Answer) -> dict[str, Any]:
    return {
        "understood": answer.status == "accepted",
        "item": item,
        "problem": answer.problem,
        "detail": answer.detail,
    }


def _content(content: bytes | None) -> dict[str, Any]:
    """The very bytes: as text where they are text, else in base64; nothing when they were erased."""
    if content is None:
        return {"erased": True}
    try:
        return {"erased": False, "text": content.decode()}
    except UnicodeDecodeError:
        return {"erased": False, "base64": base64.b64encode(content).decode()}


def _read(body: bytes) -> Trial:
    """Raises NotJson, Malformed."""
    try:
        return Trial.model_validate_json(body)
    except ValidationError as error:
        problems = problems_of(error)
        if any(problem.code == "json_invalid" for problem in problems):
            raise NotJson from None
        raise Malformed(problems) from error
