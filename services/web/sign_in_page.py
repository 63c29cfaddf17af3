"""The page to sign in on, and the way over another provider and back."""

import asyncio
from typing import Final
from urllib.parse import parse_qs

from fastapi import APIRouter, Request
from fastapi.responses import RedirectResponse, Response

from services.access.oidc import FLOW_MINUTES, NoOtherProvider, NotSignedInThere, Oidc, SubjectUnknown
from services.access.passwords import WrongNameOrPassword
from services.entry import OTHER_RETURN, begin_session, drop_session, end_session, set_session, token_of
from services.errors import Malformed, Refused, TooManyRequests
from services.front import Front, address_of
from services.incoming import wrong
from services.web.language import Language
from services.web.menu import own_page
from services.web.rendering import render
from services.web.routes import SECURITY_HEADERS, language_of, page

#: Holds the state of a sign-in under way, so that nobody can finish it in another browser.
_STATE_COOKIE: Final = "ovop_sign_in"
#: Beside it, the page to come back to.
_BACK_COOKIE: Final = "ovop_sign_in_to"
_FIELD_MAX: Final = 200


def sign_in_pages(front: Front) -> APIRouter:
    """The form, what it sends, and signing out."""
    router = APIRouter(include_in_schema=False)

    def shown(
        request: Request, lang: str | None = None, refused: Refused | None = None, name: str = "", to: str | None = None
    ) -> Response:
        language = language_of(request, lang)
        body = render(
            "sign_in.html",
            language,
            is_simulated=front.clock.simulated(),
            has_other=front.oidc is not None,
            refused=None if refused is None else _says(refused, language),
            name=name,
            back=own_page(to),
        )
        status = 200 if refused is None else 429 if isinstance(refused, TooManyRequests) else 401
        return page(request, body, language, lang, cache="no-store", status=status)

    @router.get("/sign-in")
    def form(request: Request, lang: str | None = None, to: str | None = None) -> Response:
        return shown(request, lang, to=to)

    @router.post("/sign-in")
    async def sign_in(request: Request) -> Response:
        front.must_be_ours(request)
        fields = _form(await front.body_of(request))
        name, password = (fields.get(field, [""])[0] for field in ("name", "password"))
        to = fields.get("to", [""])[0]
        try:
            person = await front.passwords.check(name[:_FIELD_MAX], password, address_of(request))
        except (WrongNameOrPassword, TooManyRequests) as refusal:
            return await asyncio.to_thread(shown, request, None, refusal, name[:_FIELD_MAX], to)
        return await _signed_in(front, person.actor, own_page(to))

    @router.post("/sign-out")
    async def sign_out(request: Request) -> Response:
        front.must_be_ours(request)
        token = token_of(front, request)
        if token is not None:
            await end_session(front, token)
        response = RedirectResponse("/", status_code=303, headers=SECURITY_HEADERS)
        drop_session(front, response)
        return response

    @router.get("/sign-in/other")
    async def over(to: str | None = None) -> Response:
        where, state = await asyncio.to_thread(_other(front).begin)
        response = RedirectResponse(where, status_code=303, headers=SECURITY_HEADERS)
        for name, value in ((_STATE_COOKIE, state), (_BACK_COOKIE, own_page(to))):
            response.set_cookie(
                name,
                value,
                max_age=int(FLOW_MINUTES * 60),
                path=OTHER_RETURN,
                secure=front.is_encrypted,
                httponly=True,
                samesite="lax",
            )
        return response

    @router.get(OTHER_RETURN)
    async def back(request: Request, code: str = "", state: str = "") -> Response:
        kept, to = request.cookies.get(_STATE_COOKIE, ""), request.cookies.get(_BACK_COOKIE)
        try:
            actor = await asyncio.to_thread(_other(front).finish, code, state, kept)
        except (NotSignedInThere, SubjectUnknown) as refusal:
            return await asyncio.to_thread(shown, request, None, refusal, to=to)
        response = await _signed_in(front, actor, own_page(to))
        for name in (_STATE_COOKIE, _BACK_COOKIE):
            response.delete_cookie(name, path=OTHER_RETURN, secure=front.is_encrypted, httponly=True)
        return response

    return router


def _form(body: bytes) -> dict[str, list[str]]:
    """What the form says. Raises Malformed."""
    try:
        fields = parse_qs(body.decode(), max_num_fields=8)
    except ValueError:
        raise Malformed from None
    if any("\x00" in value for values in fields.values() for value in values):
        raise wrong("name", "wrong_form", "A database has no NUL in its texts.")
    return fields


async def _signed_in(front: Front, actor: str, to: str = "/") -> Response:
    response = RedirectResponse(to, status_code=303, headers=SECURITY_HEADERS)
    set_session(front, response, await begin_session(front, actor))
    return response


def _other(front: Front) -> Oidc:
    if front.oidc is None:
        raise NoOtherProvider
    return front.oidc


def _says(refusal: Refused, language: Language) -> str:
    """Why it did not work, in the reader's language."""
    match refusal:
        case TooManyRequests():
            return language.gettext("Too many attempts. Try again in a quarter of an hour.")
        case SubjectUnknown():
            return language.gettext("Your organisation knows you, this network does not. Ask the center to enter you.")
        case NotSignedInThere():
            return language.gettext("Your organisation did not confirm this sign-in. Begin again.")
        case _:
            return language.gettext("Nobody signs in by this name and this password.")
