"""An auditor's copies and notes by HTTP."""

import asyncio
from typing import Annotated, Any

from fastapi import APIRouter, Path, Query, Request, Response
from fastapi.responses import StreamingResponse

from events import exchange_pages
from events.catalogue.values import QUANTITY_MAX
from events.exchange_pages import Told
from services.access.permissions import AUDIT
from services.access.sender import NETWORK
from services.audit.copies import Copies, MakeExportAsked
from services.audit.decider import CASE, EXPORT
from services.audit.notes import NoteCase, Notes, Store
from services.books import Look
from services.commands import Commands
from services.errors import NotFound
from services.front import Front, json_response
from services.incoming import WORD
from services.signed import export_text
from services.signer import SigningKeys

ExportName = Annotated[str, Path(max_length=100, pattern=WORD)]
CaseName = Annotated[str, Path(max_length=100, pattern=WORD)]
Before = Annotated[int | None, Query(ge=1, le=QUANTITY_MAX, description="`next` of the page before.")]
Limit = Annotated[int, Query(ge=1, le=exchange_pages.ROWS_PER_PAGE_MAX)]


class NoSuchExport(NotFound):
    """No export of this id was ever made."""

    advice = "See GET /api/v1/audit/exports."


class NoSuchCase(NotFound):
    """Nothing was ever noted on this case."""

    advice = "See GET /api/v1/audit/cases."


class NothingSignsHere(NotFound):
    """This network has no signing key yet, or it does not lie where this service runs."""

    advice = "Make one with ovop keys rotate-signing; until then compare the hash with the one in the log."


def routes(front: Front, store: Store) -> APIRouter:
    """The export and its file, the notes and their cases."""
    commands = Commands("audit", front, APIRouter())
    copies, notes = Copies(front), Notes(front, store)
    commands.add(EXPORT, MakeExportAsked, prepare=copies.with_hash)
    commands.add(CASE, NoteCase, prepare=notes.keep)
    _add_exports(commands.router, front, copies)
    _add_cases(commands.router, front, notes)
    return commands.router


def _add_exports(router: APIRouter, front: Front, copies: Copies) -> None:
    async def found(request: Request, export: str) -> Told:
        await front.admit(request, AUDIT, NETWORK)
        told = (await front.books.ask_soon(lambda db: exchange_pages.export(db.connection, export))).answer
        if told is None:
            raise NoSuchExport(field="export")
        return told

    @router.get("/api/v1/audit/exports", tags=["audit"])
    async def exports(request: Request, before: Before = None, limit: Limit = 100) -> Response:
        """Every copy of the log that was taken, the newest first: by whom, from where to where, and its hash."""
        await front.admit(request, AUDIT, NETWORK)
        limit = front.page(limit)

        def question(db: Look) -> dict[str, Any]:
            page = exchange_pages.exports(db.connection, before, limit)
            return {"exports": [told.as_json() for told in page.items], "count": page.count, "next": page.next_before}

        return json_response((await front.books.ask_soon(question)).answer)

    @router.get("/api/v1/audit/exports/{export}", tags=["audit"])
    async def one(request: Request, export: ExportName) -> Response:
        """One copy: by whom it was taken, from where to where, and its hash."""
        return json_response((await found(request, export)).as_json())

    @router.get(
        "/api/v1/audit/exports/{export}/file",
        tags=["audit"],
        response_class=Response,
        responses={200: {"description": "The copy", "content": {"text/tab-separated-values": {}}}},
    )
    async def file(request: Request, export: ExportName) -> Response:
        """The copy itself: a line for each event with its hash and its very bytes, to be checked off line."""
        made = await found(request, export)
        pieces = copies.file(made.data["after_position"], made.data["through_position"])
        headers = {
            "Content-Disposition": f'attachment; filename="{made.data["export"]}.tsv"',
            "Cache-Control": "no-store",
            "X-Content-Type-Options": "nosniff",
        }
        return StreamingResponse(pieces, media_type="text/tab-separated-values", headers=headers)

    @router.get("/api/v1/audit/exports/{export}/statement", tags=["audit"])
    async def statement(request: Request, export: ExportName) -> Response:
        """What the network states about a copy, signed with the key in use; `text` is what was signed."""
        made = await found(request, export)
        told = await front.books.ask_soon(lambda db: exchange_pages.signing_keys(db.connection))
        if not told.answer:
            raise NothingSignsHere(field="export")
        key, data = told.answer[-1].data, made.data
        text = export_text(
            front.settings.network,
            data["export"],
            data["after_position"],
            data["through_position"],
            data["content_sha256"],
        )
        keys = SigningKeys(front.settings.signing_key_dir)
        signature = await asyncio.to_thread(keys.sign, key["key_id"], text)
        if signature is None:
            raise NothingSignsHere(field="export")
        said = {"key_id": key["key_id"], "public_key": key["public_key"], "signature": signature}
        return json_response({"export": made.as_json(), "text": text.decode(), **said})


def _add_cases(router: APIRouter, front: Front, notes: Notes) -> None:
    def noted(front_page: exchange_pages.Page) -> dict[str, Any]:
        return {"count": front_page.count, "next": front_page.next_before}

    @router.get("/api/v1/audit/cases", tags=["audit"])
    async def cases(request: Request, before: Before = None, limit: Limit = 100) -> Response:
        """What was noted on all cases, the newest first, without the texts."""
        await front.admit(request, AUDIT, NETWORK)
        limit = front.page(limit)

        def question(db: Look) -> dict[str, Any]:
            page = exchange_pages.case_notes(db.connection, None, before, limit)
            return {"notes": [told.as_json() for told in page.items], **noted(page)}

        return json_response((await front.books.ask_soon(question)).answer)

    @router.get("/api/v1/audit/cases/{case}", tags=["audit"])
    async def one(request: Request, case: CaseName, before: Before = None, limit: Limit = 100) -> Response:
        """The notes of one case, the newest first; a text that was erased is null."""
        await front.admit(request, AUDIT, NETWORK)
        limit = front.page(limit)
        page = (
            await front.books.ask_soon(lambda db: exchange_pages.case_notes(db.connection, case, before, limit))
        ).answer
        if not page.count:
            raise NoSuchCase(field="case")
        texts = await asyncio.to_thread(notes.of, case)
        said = [told.as_json() | {"note": texts.get(told.data["note_commitment"])} for told in page.items]
        return json_response({"case": case, "notes": said, **noted(page)})
