"""The pages by HTTP: which address shows what, in which language, how long it may be kept, what a browser may load."""

import hashlib
from collections.abc import Mapping, Sequence
from functools import cache
from typing import Annotated, Protocol

from fastapi import APIRouter, Depends, Query, Request
from fastapi.responses import RedirectResponse, Response
from starlette.datastructures import MutableHeaders
from starlette.types import ASGIApp, Message, Receive, Scope, Send

from services.errors import NotFound
from services.polling import holds
from services.web.codes import INPUT_LENGTH_MAX, candidates, is_well_formed
from services.web.language import LANGUAGE_COOKIE, LANGUAGES, Language, chosen
from services.web.menu import Menu, MenuOf
from services.web.network_page import network_page
from services.web.rendering import STATIC
from services.web.trace_page import trace_page, unknown_code_page
from services.web.views import JarView, NetworkView

#: A recall must be on a jar's page within a minute, whoever keeps copies of it.
TRACE_MAX_AGE_SECONDS = 60
_YEAR_SECONDS = 365 * 24 * 3600
_TYPES = {".css": "text/css", ".js": "text/javascript", ".svg": "image/svg+xml", ".json": "application/json"}

#: No inline script or style, nothing from another host, no frame around the page, no base that redirects its links.
CONTENT_SECURITY_POLICY = (
    "default-src 'none'; style-src 'self'; img-src 'self'; script-src {scripts}; connect-src {scripts}; "
    "form-action 'self'; base-uri 'none'; frame-ancestors 'none'"
)
SECURITY_HEADERS = {
    "X-Content-Type-Options": "nosniff",
    "X-Frame-Options": "DENY",
    # Nothing to other sites. With `no-referrer` a browser would send our own forms with `Origin: null`, like a
    # stranger's.
    "Referrer-Policy": "same-origin",
    "Permissions-Policy": "camera=(), geolocation=(), microphone=()",
    "Cross-Origin-Opener-Policy": "same-origin",
    "Cross-Origin-Resource-Policy": "same-origin",
}


class SafeStatic:
    """Gives the headers of safety to every answer below /static, refusals too: a browser believes those as well."""

    def __init__(self, app: ASGIApp) -> None:
        self._app = app

    async def __call__(self, scope: Scope, receive: Receive, send: Send) -> None:
        async def safely(message: Message) -> None:
            if message["type"] == "http.response.start":
                MutableHeaders(scope=message).update(SECURITY_HEADERS)
            await send(message)

        is_static = scope["type"] == "http" and scope["path"].startswith("/static/")
        await self._app(scope, receive, safely if is_static else send)


class PageSource(Protocol):
    """Where the pages get what they show."""

    def network(self) -> NetworkView:
        """The whole network as it stands now."""

    def jar(self, codes: Sequence[str]) -> JarView | None:
        """The batch with the first of these codes that is known; None if none is."""

    def sample_code(self) -> str | None:
        """The code of some batch that is worth a look, None while there is none."""

    def is_simulated(self) -> bool:
        """Whether the network's clock is simulated, so that every page says so."""


async def _nobody(_: Request) -> Menu | None:
    return None


def pages(source: PageSource, menu_of: MenuOf = _nobody) -> APIRouter:
    """The routes of the pages. They read only, so they may run beside each other in the thread pool."""
    router = APIRouter(include_in_schema=False)

    @router.get("/")
    def network(request: Request, menu: Annotated[Menu | None, Depends(menu_of)], lang: str | None = None) -> Response:
        language = language_of(request, lang)
        body = network_page(source.network(), language, source.sample_code(), menu)
        kept = "no-cache" if menu is None else "private, no-cache"
        return page(request, body, language, lang, cache=kept, scripts="'self'")

    @router.get("/l")
    @router.get("/L")
    def look_up(code: Annotated[str, Query(max_length=INPUT_LENGTH_MAX)]) -> Response:
        read_as = candidates(code)
        target = read_as[0] if read_as else "unknown"
        return RedirectResponse(f"/l/{target}", status_code=303, headers=SECURITY_HEADERS)

    @router.get("/l/{code}")
    @router.get("/L/{code}")
    def trace(request: Request, code: str, lang: str | None = None) -> Response:
        language = language_of(request, lang)
        read_as = candidates(code)
        jar = source.jar(read_as) if read_as else None
        kept = f"max-age={TRACE_MAX_AGE_SECONDS}"
        if jar is not None:
            return page(request, trace_page(jar, language), language, lang, cache=kept)
        is_mistyped = bool(read_as) and not any(map(is_well_formed, read_as))
        typed = read_as[0] if read_as else ""
        body = unknown_code_page(typed, is_mistyped, language, source.is_simulated())
        return page(request, body, language, lang, cache=kept, status=404)

    @router.get("/static/{name}")
    def static(request: Request, name: str) -> Response:
        found = _static_files().get(name)
        if found is None:
            raise NotFound(advice="See the pages for what they use.")
        content, media_type, etag = found
        headers = {"ETag": etag, "Cache-Control": f"public, max-age={_YEAR_SECONDS}, immutable"}
        if "v" not in request.query_params:
            headers["Cache-Control"] = "no-cache"
        if holds(request, etag):
            return Response(status_code=304, headers=headers)
        return Response(content, media_type=media_type, headers=headers)

    return router


def language_of(request: Request, asked: str | None) -> Language:
    """The language of an answer: as asked for, as chosen before, as the browser prefers."""
    return chosen(asked, request.cookies.get(LANGUAGE_COOKIE), request.headers.get("accept-language"))


def page(
    request: Request,
    body: bytes,
    language: Language,
    asked: str | None,
    *,
    cache: str,
    status: int = 200,
    scripts: str = "'none'",
) -> Response:
    """A page with the headers that keep it safe, or that it has not changed since."""
    etag = _etag(body)
    headers = {
        **SECURITY_HEADERS,
        "Content-Security-Policy": CONTENT_SECURITY_POLICY.format(scripts=scripts),
        "Content-Language": language.tag,
        "Cache-Control": cache,
        "ETag": etag,
        "Vary": "Accept-Language, Cookie",
    }
    same = status == 200 and holds(request, etag)
    response = (
        Response(status_code=304, headers=headers)
        if same
        else Response(body, status_code=status, media_type="text/html", headers=headers)
    )
    if asked in LANGUAGES:
        response.headers["Cache-Control"] = f"private, {cache}"
        response.set_cookie(LANGUAGE_COOKIE, language.code, max_age=_YEAR_SECONDS, httponly=True, samesite="lax")
    return response


def _etag(content: bytes) -> str:
    return f'"{hashlib.sha256(content).hexdigest()[:24]}"'


@cache
def _static_files() -> Mapping[str, tuple[bytes, str, str]]:
    files: dict[str, tuple[bytes, str, str]] = {}
    for path in STATIC.iterdir():
        media_type = _TYPES.get(path.suffix)
        if media_type is not None:
            content = path.read_bytes()
            files[path.name] = content, media_type, _etag(content)
    return files
