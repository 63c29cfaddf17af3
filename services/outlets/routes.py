"""What tills and shops report, by HTTP; `/api/v1/sales` is the short name of `/api/v1/outlets/sale-made`."""

from typing import Annotated

import orjson
from fastapi import APIRouter, Query, Request, Response

from events.catalogue.values import QUANTITY_MAX, OutletId
from projections.inventory_queries import discrepancies, shifts
from services.access.permissions import SHIFTS
from services.access.sender import About
from services.books import Look
from services.facts import add_fact, add_facts
from services.front import Front
from services.outlets.decider import FACTS, RECEIPT


def routes(front: Front) -> APIRouter:
    """A route for each fact, and one for the shifts of a shop."""
    router = APIRouter()
    add_facts(router, front, "outlets", FACTS)
    add_fact(router, front, "/api/v1/sales", RECEIPT, "outlets")

    @router.get("/api/v1/outlets/{outlet}/shifts", tags=["outlets"])
    async def of_outlet(
        request: Request,
        outlet: OutletId,
        after: Annotated[int, Query(ge=0, le=QUANTITY_MAX, description="Wait for this position.")] = 0,
    ) -> Response:
        """A shop's shifts with their drawers, the newest first, and the counts and drawers that differed."""
        await front.admit(request, SHIFTS, About(places=(f"outlet/{outlet}",)))

        def question(db: Look) -> dict[str, object]:
            place = f"outlet/{outlet}"
            return {
                "shifts": shifts(db.connection, outlet=outlet),
                "differences": discrepancies(db.connection, kinds=("count", "cash"), place=place),
            }

        told = await front.books.ask_soon(question, ("inventory",), after=after)
        said = {"position": told.standing.position, **told.answer}
        return Response(orjson.dumps(said), media_type="application/json")

    return router
