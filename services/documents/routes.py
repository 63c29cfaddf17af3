"""Captured documents by HTTP: taken in, listed by place, shown to those whose they are."""

import asyncio
import hashlib
from collections.abc import Sequence
from typing import Annotated, Any, Final

from fastapi import APIRouter, Path, Query, Request, Response

from events import exchange_pages
from events.catalogue.values import QUANTITY_MAX
from events.exchange_pages import Told
from services.access.permissions import DOCUMENTS
from services.access.sender import NETWORK, About
from services.books import Look
from services.commands import Commands
from services.decider import Command
from services.documents.decider import DOCUMENT, CaptureDocument
from services.errors import NotFound, Refused, TooLarge
from services.front import Front, json_response
from services.handle import Asked
from services.incoming import WORD

Name = Annotated[str, Query(max_length=200, pattern=WORD)]
DocumentName = Annotated[str, Path(max_length=100, pattern=WORD)]
#: A file of somebody else: a browser saves it, and runs nothing that is in it.
_SAVED: Final = {
    "Content-Security-Policy": "default-src 'none'; sandbox",
    "X-Content-Type-Options": "nosniff",
    "Cache-Control": "no-store",
}


class NoSuchDocument(NotFound):
    """No document of this id was ever captured."""

    advice = "See GET /api/v1/documents for those of a place."


class DocumentErased(NotFound):
    """The bytes of this document were erased; the log still says that there was one."""

    advice = "Look at the paper itself, if it is still there."


class DocumentDamaged(Refused):
    """The bytes that are kept do not have the hash that stands in the log."""

    advice = "Tell the operators: somebody has changed what is kept beside the log."


class DocumentTooLarge(TooLarge):
    """The document is larger than this installation takes."""

    advice = "Take the picture with fewer pixels, or the paper page by page."


def routes(front: Front) -> APIRouter:
    """The capture, the list, one document, its bytes."""
    commands = Commands("documents", front, APIRouter())
    commands.add(DOCUMENT, CaptureDocument, prepare=_Sizes(front.settings.document_bytes_max).check)
    _add_reading(commands.router, front)
    return commands.router


class _Sizes:
    """How large a document may be here."""

    def __init__(self, bytes_max: int) -> None:
        self._bytes_max = bytes_max

    async def check(self, asked: Sequence[Asked[Any]]) -> list[Command | Refused]:
        return [
            DocumentTooLarge(field="content") if len(each.command.content) > self._bytes_max else each.command
            for each in asked
        ]


def _add_reading(router: APIRouter, front: Front) -> None:
    async def found(request: Request, document: str) -> Told:
        """The document, for those who may see what belongs to its place. Raises NoSuchDocument, NotYours."""
        told = (await front.books.ask_soon(lambda db: exchange_pages.document(db.connection, document))).answer
        # Who may not see all of them learns of another's no more than that it is not theirs.
        await front.admit(request, DOCUMENTS, About(places=(told.data["place"],)) if told else NETWORK)
        if told is None:
            raise NoSuchDocument(field="document")
        return told

    @router.get("/api/v1/documents", tags=["documents"])
    async def documents(
        request: Request,
        place: Name | None = None,
        about: Name | None = None,
        before: Annotated[int | None, Query(ge=1, le=QUANTITY_MAX, description="`next` of the page before.")] = None,
        limit: Annotated[int, Query(ge=1, le=exchange_pages.ROWS_PER_PAGE_MAX)] = 100,
    ) -> Response:
        """Captured documents, the newest first, of a place or about one thing; without their bytes."""
        await front.admit(request, DOCUMENTS, About(places=(place,)) if place else NETWORK)
        limit = front.page(limit)

        def question(db: Look) -> dict[str, Any]:
            page = exchange_pages.documents(db.connection, place=place, about=about, before=before, limit=limit)
            return {"documents": [told.as_json() for told in page.items], "count": page.count, "next": page.next_before}

        return json_response((await front.books.ask_soon(question)).answer)

    @router.get("/api/v1/documents/{document}", tags=["documents"])
    async def one(request: Request, document: DocumentName) -> Response:
        """What the log says of a document."""
        return json_response((await found(request, document)).as_json())

    @router.get(
        "/api/v1/documents/{document}/content",
        tags=["documents"],
        response_class=Response,
        responses={200: {"description": "The bytes", "content": {"*/*": {}}}},
    )
    async def content(request: Request, document: DocumentName) -> Response:
        """The bytes themselves, compared with their hash in the log."""
        told = await found(request, document)
        kept = await asyncio.to_thread(front.handler.log.quarantined, told.event_id)
        if kept is None:
            raise DocumentErased(field="document")
        if hashlib.sha256(kept).hexdigest() != told.data["content_sha256"]:
            raise DocumentDamaged(field="document")
        headers = _SAVED | {"Content-Disposition": f'attachment; filename="{told.data["document"]}"'}
        return Response(kept, media_type=told.data["media_type"], headers=headers)
