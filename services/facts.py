"""Reports by HTTP: any fact at one address, and each fact at an address of its own in a friendlier form."""

import re
from collections.abc import Iterable
from dataclasses import replace
from typing import Any, Final

from fastapi import APIRouter, Request, Response

from events.catalogue.base import Fact
from services.front import Front, answers_response
from services.items import Item
from services.openapi import takes

#: `OVOP-Advice: none` leaves out the look-ups in read models: for back-fill in bulk.
ADVICE_HEADER: Final = "ovop-advice"
_ENVELOPE = frozenset({"id", "occurred_at", "actor", "recorded_at"})


def path_of(fact: type[Fact]) -> str:
    """Its name in a URL, e.g. `sale-made`."""
    return re.sub(r"(?<!^)(?=[A-Z])", "-", fact.__name__).lower()


def add_facts(router: APIRouter, front: Front, context: str, facts: Iterable[type[Fact]]) -> None:
    """One route for each fact: POST /api/v1/<context>/<fact>, one object or a list of up to 500."""
    for fact in facts:
        add_fact(router, front, f"/api/v1/{context}/{path_of(fact)}", fact, context)


def add_fact(router: APIRouter, front: Front, path: str, fact: type[Fact], tag: str) -> None:
    """A route whose items are the fields of one fact, with `id` and `occurred_at` beside them."""

    async def report(request: Request) -> Response:
        sender = await front.sender(request)
        many, items = await front.items_of(request)
        named = [_with_type(item, fact.wire_name) for item in items]
        return answers_response(many, await front.reports.take(named, sender, advise=wants_advice(request)))

    router.add_api_route(
        path,
        report,
        methods=["POST"],
        name=path.removeprefix("/api/v1/").replace("/", " "),
        description=fact.__doc__,
        tags=[tag],
        openapi_extra=takes(fact),
    )


def routes(front: Front) -> APIRouter:
    """Reports of any kind."""
    router = APIRouter()

    @router.post("/api/v1/events", tags=["reports"], openapi_extra=takes(None))
    async def events(request: Request) -> Response:
        """Report facts: one item or up to 500, each `{id, type, occurred_at, data}`, each answered alone."""
        sender = await front.sender(request)
        many, items = await front.items_of(request)
        return answers_response(many, await front.reports.take(items, sender, advise=wants_advice(request)))

    return router


def wants_advice(request: Request) -> bool:
    return request.headers.get(ADVICE_HEADER) != "none"


def _with_type(item: Item, wire_name: str) -> Item:
    """The same item as /api/v1/events takes it, so that it has the same content whichever way it came."""
    said = named(item.value, wire_name) if isinstance(item.value, dict) else item.value
    return replace(item, value=said, written=item.sent, reported_as=wire_name)


def named(said: dict[str, Any], wire_name: str) -> dict[str, Any]:
    """What came by a fact's own address, in the form of /api/v1/events."""
    item: dict[str, Any] = {name: value for name, value in said.items() if name in _ENVELOPE}
    item["type"] = wire_name
    item["data"] = {name: value for name, value in said.items() if name not in _ENVELOPE}
    return item
