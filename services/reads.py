"""What the read models and the log say, by HTTP: every answer names the position it speaks for."""

from datetime import datetime
from typing import Annotated

import orjson
from fastapi import APIRouter, Query, Request, Response

from events import log_pages
from services.front import Front, json_response

After = Annotated[int, Query(ge=0, description="Wait until the answer speaks for this position, at most five seconds.")]


def routes(front: Front) -> APIRouter:
    """The reads of the API."""
    router = APIRouter(tags=["reads"])

    @router.get("/api/v1/events")
    async def events(
        request: Request,
        wire_name: Annotated[str | None, Query(alias="type")] = None,
        stream: str | None = None,
        actor: str | None = None,
        from_: Annotated[datetime | None, Query(alias="from")] = None,
        to: datetime | None = None,
        position: Annotated[int | None, Query(ge=1, description="This one event.")] = None,
        after: Annotated[int, Query(ge=0, description="Behind this position.")] = 0,
        limit: Annotated[int, Query(ge=1, le=log_pages.EVENTS_PER_PAGE_MAX)] = 100,
    ) -> Response:
        """Recorded events in their order, with an exact count; `next_after` goes on to the next page."""
        await front.sender(request)
        wanted = log_pages.Wanted(wire_name, stream, actor, from_, to, position)
        told = await front.books.ask_soon(lambda db: log_pages.page(db.connection, wanted, after, limit))
        found = told.answer
        items = [{**event, "data": orjson.Fragment(event["data"])} for event in found.events]
        return json_response({"events": items, "count": found.count, "next_after": found.next_after})

    return router
