"""Personal values by HTTP, and by HTTP only: kept, shown to whom they belong, erased."""

import asyncio
import logging
from dataclasses import asdict
from typing import Annotated, Any, Final
from uuid import UUID

from fastapi import APIRouter, Query, Request, Response
from pydantic import BaseModel, ConfigDict, Field, StringConstraints, ValidationError

from events import quarantine_pages
from events.catalogue.registry import FieldProblem, problems_of
from events.catalogue.values import ActorId, EventIdText, Reason
from services.access.permissions import ERASE, ERASURES, PERSONAL_VALUES
from services.access.sender import NETWORK, About
from services.books import Look
from services.errors import Malformed
from services.front import Front, json_response
from services.incoming import WORD, said_by
from services.items import Item, split_body
from services.openapi import takes_plain
from services.paging import Behind, Limit, cut
from services.personal.export import about
from services.personal.vault import Vault

VALUE_CHARACTERS_MAX: Final = 4_000
MESSAGES_MAX: Final = 500
Subject = Annotated[str, Query(max_length=96, pattern=r"^[a-z0-9][a-z0-9._/-]*$")]

#: Examples for the description.
_VALUE: Final = {"subject": "producer/p-001", "kind": "name", "value": "Асанова Айгүл"}
_ERASURE: Final = {"id": "0198c0de-0000-7000-8000-000000000001", "subject": "producer/p-001"}

logger = logging.getLogger(__name__)


class StoreValue(BaseModel):
    """A value of a person (`producer/p-001`): a name, a phone, a text. The answer is the commitment for the event."""

    model_config = ConfigDict(frozen=True, strict=True, extra="forbid", hide_input_in_errors=True)

    subject: ActorId
    kind: Reason
    value: Annotated[
        str,
        StringConstraints(min_length=1, max_length=VALUE_CHARACTERS_MAX, pattern=WORD, strip_whitespace=True),
    ]


class Erase(BaseModel):
    """Forget a person: every value and salt, what the person sent to quarantine, and the messages that are named."""

    model_config = ConfigDict(frozen=True, strict=True, extra="forbid")

    id: EventIdText
    subject: ActorId
    messages: Annotated[tuple[EventIdText, ...], Field(max_length=MESSAGES_MAX)] = ()


def routes(front: Front, vault: Vault) -> APIRouter:
    """Keep, show, erase."""
    router = APIRouter(tags=["personal"])

    @router.post("/api/v1/personal/values", openapi_extra=takes_plain(StoreValue, _VALUE, many=True))
    async def store(request: Request) -> Response:
        """Keep values, one or up to 500; each is answered by its commitment. The same value again keeps its first."""
        many, items = await front.items_of(request)
        read = [_read(StoreValue, item) for item in items]
        for each in read:
            await front.admit(request, PERSONAL_VALUES, _about(each.subject))
        told = [await asyncio.to_thread(_store, vault, each) for each in read]
        return json_response(told if many else told[0])

    @router.get("/api/v1/personal")
    async def show(request: Request, subject: Subject) -> Response:
        """Everything about one person: values, commitments, consents, events about the pseudonym, income."""
        await front.admit(request, PERSONAL_VALUES, _about(subject))
        values = await asyncio.to_thread(vault.values, subject)
        erasures = await asyncio.to_thread(vault.erasures, subject)

        def question(look: Look) -> dict[str, Any]:
            sent = quarantine_pages.page(look.connection, sender=subject)
            return {**about(look, subject, values), "quarantined": sent.items, "erasures": erasures}

        return json_response((await front.books.ask_soon(question)).answer)

    @router.get("/api/v1/personal/erasures")
    async def erasures(request: Request, behind: Behind = "", limit: Limit = None) -> Response:
        """All erasures: to be kept beside backups, and done once more after one was brought back."""
        await front.admit(request, ERASURES, NETWORK)
        rows_max = front.page(limit)
        rows = await asyncio.to_thread(vault.erasures)
        found, more = cut(rows, lambda each: (each["erased_at"].isoformat(), str(each["id"])), behind, rows_max)
        return json_response({"erasures": found, "next": more})

    @router.post("/api/v1/personal/erase", openapi_extra=takes_plain(Erase, _ERASURE))
    async def erase(request: Request) -> Response:
        """Erase what is kept of a person outside the log, and say what was erased."""
        asked = _read(Erase, _one(await front.body_of(request)))
        sender = await front.admit(request, ERASE, NETWORK if asked.messages else _about(asked.subject))
        named = [UUID(message) for message in asked.messages]
        erased = await asyncio.to_thread(vault.erase, UUID(asked.id), asked.subject, named, sender.actor)
        logger.info(
            "erased %d values and %d messages of %s for %s",
            len(erased.commitments), len(erased.messages), asked.subject, sender.actor,
        )  # fmt: skip
        return json_response({"subject": asked.subject, "erased": asdict(erased)})

    return router


def _store(vault: Vault, asked: StoreValue) -> dict[str, Any]:
    kept = vault.store(asked.subject, asked.kind, asked.value)
    return {
        "subject": asked.subject,
        "kind": asked.kind,
        "commitment": kept.commitment.hex(),
        "stored_at": kept.stored_at,
    }


def _about(subject: str) -> About:
    """A producer's own; anybody else's is the center's business."""
    return About(places=(subject,)) if subject.startswith("producer/") else NETWORK


def _one(body: bytes) -> Item:
    """Raises NotJson, TooLarge, Malformed."""
    many, items = split_body(body)
    if many:
        raise Malformed([FieldProblem(field="item", message="One person at a time.", code="wrong_type")])
    return items[0]


def _read[M: BaseModel](model: type[M], item: Item) -> M:
    """Raises Malformed, which says what is wrong and never the value."""
    said_by(item)
    try:
        return model.model_validate_json(item.sent)
    except ValidationError as error:
        raise Malformed(problems_of(error)) from None
