"""What was shipped and received, by HTTP, and the differences that nobody has explained yet."""

from typing import Annotated

from fastapi import APIRouter, Query, Request, Response

from events.catalogue.values import QUANTITY_MAX, Place
from projections.inventory_queries import discrepancies
from services.access.permissions import DIFFERENCES
from services.access.sender import NETWORK, About
from services.books import Look
from services.facts import add_facts
from services.front import Front
from services.logistics.decider import FACTS
from services.paging import Behind, Limit, key_of, page
from services.polling import POLLED, answered


def routes(front: Front) -> APIRouter:
    """A route for each fact, and one for the differences."""
    router = APIRouter()
    add_facts(router, front, "logistics", FACTS)

    @router.get("/api/v1/logistics/differences", tags=["logistics"], openapi_extra=POLLED)
    async def differences(
        request: Request,
        place: Annotated[Place | None, Query(description="The destination.")] = None,
        behind: Behind = "",
        limit: Limit = None,
        after: Annotated[int, Query(ge=0, le=QUANTITY_MAX, description="Wait for this position.")] = 0,
    ) -> Response:
        """Consignments whose count on arrival differs from what left, until it is lost, cancelled or received."""
        await front.admit(request, DIFFERENCES, About(places=(place,)) if place else NETWORK)
        rows_max = front.page(limit)

        def question(db: Look) -> dict[str, object]:
            known = key_of(behind, str, str, str) if behind else ("", "", "")
            after_row = (known[0], known[1], known[2])
            found = discrepancies(
                db.connection, kinds=("consignment",), place=place, after=after_row, limit=rows_max + 1
            )
            rows, more = page(found, lambda each: (each.place, each.kind, each.subject), rows_max)
            return {"differences": rows, "next": more}

        told = await front.books.ask_soon(question, ("inventory",), after=after)
        return answered(request, told.answer, told.standing.position, dated=False)

    return router
