"""The quarantine desk as pages: forms that work without a script, and the same rules behind them as for the API."""

import asyncio
from collections.abc import Awaitable, Callable, Mapping
from typing import Annotated, Any, Final, Literal
from urllib.parse import parse_qsl, urlencode

import orjson
from fastapi import APIRouter, Path, Query, Request
from fastapi.responses import RedirectResponse, Response

from events import quarantine_pages
from events.catalogue.values import QUANTITY_MAX
from events.quarantine_pages import State
from services.access.permissions import DESK, READ_DESK
from services.access.sender import NETWORK
from services.answers import Answer
from services.books import Look
from services.decider import Command
from services.errors import Malformed, NotAllowed, NotAuthenticated, Refused, plain_code, status_of
from services.front import Front
from services.incoming import WORD
from services.quarantine.decider import Dismiss, Map, NotInQuarantine, Resubmit
from services.quarantine.desk import Desk, Kept
from services.todo import tasks, tasks_of
from services.web import desk_words
from services.web.desk_page import Told, changes_of, closed_page, desk_page, message_page, pretty, todo_page
from services.web.language import Language
from services.web.menu import menus, own_page
from services.web.routes import SECURITY_HEADERS, language_of, page

_PER_PAGE: Final = 50
_VERBS: Final[Mapping[str, type[Command]]] = {"map": Map, "resubmit": Resubmit, "dismiss": Dismiss}
Message = Annotated[str, Path(max_length=100, pattern=WORD)]


def routes(front: Front) -> APIRouter:
    """The list with the to-dos, one message, and its forms."""
    router = APIRouter(include_in_schema=False)
    desk, menu_of = Desk(front), menus(front)

    async def opened(request: Request, lang: str | None, show: Callable[[Language], Awaitable[Response]]) -> Response:
        """Show something to those who may see it, and to others a page that says so."""
        language = language_of(request, lang)
        why: Literal["unknown", "not_allowed", "not_there"]
        try:
            return await show(language)
        except NotAuthenticated:
            why, status = "unknown", 401
        except NotAllowed:
            why, status = "not_allowed", 403
        except NotInQuarantine:
            why, status = "not_there", 404
        chosen = urlencode([(name, said) for name, said in request.query_params.multi_items() if name != "lang"])
        back, menu = own_page(f"{request.url.path}?{chosen}"), await menu_of(request)
        body = closed_page(language, why, front.clock.simulated(), back=back, menu=menu)
        return page(request, body, language, lang, cache="no-store", status=status)

    @router.get("/todo")
    async def waiting(request: Request, lang: str | None = None) -> Response:
        async def show(language: Language) -> Response:
            told = await tasks_of(front, await front.sender(request))
            menu, simulated = await menu_of(request), front.clock.simulated()
            body = todo_page(language, told.answer, is_simulated=simulated, menu=menu)
            return page(request, body, language, lang, cache="no-store")

        return await opened(request, lang, show)

    @router.get("/quarantine")
    async def messages(
        request: Request,
        state: State = "open",
        before: Annotated[int | None, Query(ge=1, le=QUANTITY_MAX)] = None,
        lang: str | None = None,
    ) -> Response:
        async def show(language: Language) -> Response:
            await front.admit(request, READ_DESK, NETWORK)

            def question(look: Look) -> Any:
                found = quarantine_pages.page(look.connection, state=state, before=before, limit=_PER_PAGE)
                return found, quarantine_pages.counts(look.connection), tasks(front, look)

            (found, counts, to_do), _ = await front.books.ask_soon(question)
            simulated = front.clock.simulated()
            body = desk_page(
                language,
                found,
                counts,
                state,
                to_do,
                is_simulated=simulated,
                before=before,
                menu=await menu_of(request),
            )
            return page(request, body, language, lang, cache="no-store")

        return await opened(request, lang, show)

    @router.get("/quarantine/{quarantine}")
    async def message(request: Request, quarantine: Message, lang: str | None = None) -> Response:
        async def show(language: Language) -> Response:
            await front.admit(request, READ_DESK, NETWORK)
            kept = await asyncio.to_thread(desk.kept, quarantine)
            menu = await menu_of(request)
            body = message_page(language, kept, is_simulated=front.clock.simulated(), menu=menu)
            return page(request, body, language, lang, cache="no-store")

        return await opened(request, lang, show)

    @router.post("/quarantine/{quarantine}")
    async def act(request: Request, quarantine: Message, lang: str | None = None) -> Response:
        async def do(language: Language) -> Response:
            sender = await front.admit(request, DESK, NETWORK)
            form = _form(await front.body_of(request))
            kept = await asyncio.to_thread(desk.kept, quarantine)
            try:
                if form.get("do") == "try":
                    changes = _changes(form, kept)
                    _, tried = await desk.tried(quarantine, Map.parse(_fields(quarantine, form, changes)).changes)
                    told, status = _tried(language, tried.answer, tried.content), 200
                else:
                    verb = _VERBS.get(form.get("do", ""))
                    if verb is None:
                        raise Malformed
                    extra = {"changes": _changes(form, kept)} if verb is Map else {}
                    fields = {"quarantine": quarantine, "reason": form.get("reason", "")} | extra
                    await desk.carry_out(verb, fields, sender)
                    return RedirectResponse(request.url.path, status_code=303, headers=SECURITY_HEADERS)
            except Refused as refusal:
                if isinstance(refusal, NotAuthenticated):
                    raise
                told, status = _refused(language, refusal), status_of(type(refusal))
            menu, simulated = await menu_of(request), front.clock.simulated()
            body = message_page(language, kept, is_simulated=simulated, told=told, form=form, menu=menu)
            return page(request, body, language, lang, cache="no-store", status=status)

        return await opened(request, lang, do)

    return router


def _form(body: bytes) -> dict[str, str]:
    try:
        return dict(parse_qsl(body.decode(), keep_blank_values=True, max_num_fields=50))
    except ValueError:
        raise Malformed from None


def _changes(form: Mapping[str, str], kept: Kept) -> list[dict[str, Any]]:
    return changes_of(form, kept.item())


def _fields(quarantine: str, form: Mapping[str, str], changes: list[dict[str, Any]]) -> bytes:
    return orjson.dumps({"quarantine": quarantine, "reason": form.get("reason", ""), "changes": changes})


def _tried(language: Language, answer: Answer, content: bytes) -> Told:
    shown = pretty(orjson.loads(content))
    if answer.status == "accepted":
        return Told(language.gettext("It can be understood like this."), True, item=shown)
    details = [_detail(language, answer.problem or "", (answer.detail or "").partition(": ")[0])]
    return Told(language.gettext("It cannot be understood like this either."), False, details, shown)


def _refused(language: Language, refusal: Refused) -> Told:
    """What went wrong, by name; the fields at fault as the API names them."""
    problems = refusal.problems if isinstance(refusal, Malformed) else ()
    details = [_detail(language, plain_code(problem.code), problem.field) for problem in problems]
    code = type(refusal).code()
    said = {
        "still_not_understood": language.gettext("It cannot be understood like this either."),
        "already_dealt_with": language.gettext("Somebody has dealt with this report before."),
        "bytes_erased": language.gettext("The bytes were erased, so nothing can be sent again."),
        "nothing_to_map": language.gettext("There are no fields in this report that could be mapped."),
        "id_stays": language.gettext("The id of a report is not changed."),
        "malformed": language.gettext("Something is missing or wrong in the form."),
    }
    if code not in said:
        details = [refusal.message()]
    return Told(said.get(code, language.gettext("This was refused.")), False, details)


def _detail(language: Language, code: str, field: str) -> str:
    """What is wrong with which field; the API says it in more words."""
    return f"{desk_words.problem(language, code)}: {field}"
