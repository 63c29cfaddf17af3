"""What somebody with a browser sees where there is nothing to show: a page in their language, not JSON."""

from typing import Final

from fastapi import Request, Response

from services.web.rendering import render
from services.web.routes import language_of, page

#: Below these addresses programs ask, whatever they say that they accept.
_FOR_PROGRAMS: Final = ("/api/", "/static/")
_NO_SUCH_PAGE: Final = frozenset({404, 405, 422})
_NOT_NOW: Final = frozenset({429, 500, 503})


def is_lost(request: Request, status: int) -> bool:
    """Whether a person looks for a page and would get a problem of this status."""
    return (
        request.method == "GET"
        and status in _NO_SUCH_PAGE | _NOT_NOW
        and "text/html" in request.headers.get("accept", "")
        and not request.url.path.startswith(_FOR_PROGRAMS)
    )


def lost_page(request: Request, status: int, is_simulated: bool) -> Response:
    """That there is no such page, or none at the moment, and the ways on from here."""
    asked = request.query_params.get("lang")
    language = language_of(request, asked)
    body = render("lost.html", language, is_there=status in _NOT_NOW, is_simulated=is_simulated)
    return page(request, body, language, asked, cache="no-store", status=status)
