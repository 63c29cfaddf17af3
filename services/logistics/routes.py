"""What was shipped and received, by HTTP, and the differences that nobody has explained yet."""

from typing import Annotated

import orjson
from fastapi import APIRouter, Query, Request, Response

from events.catalogue.values import QUANTITY_MAX, Place
from projections.inventory_queries import discrepancies
from services.access.permissions import DIFFERENCES
from services.access.sender import NETWORK, About
from services.facts import add_facts
from services.front import Front
from services.logistics.decider import FACTS


def routes(front: Front) -> APIRouter:
    """A route for each fact, and one for the differences."""
    router = APIRouter()
    add_facts(router, front, "logistics", FACTS)

    @router.get("/api/v1/logistics/differences", tags=["logistics"])
    async def differences(
        request: Request,
        place: Annotated[Place | None, Query(description="The destination.")] = None,
        after: Annotated[int, Query(ge=0, le=QUANTITY_MAX, description="Wait for this position.")] = 0,
    ) -> Response:
        """Consignments whose count on arrival differs from what left, until it is lost, cancelled or received."""
        await front.admit(request, DIFFERENCES, About(places=(place,)) if place else NETWORK)
        told = await front.books.ask_soon(
            lambda db: discrepancies(db.connection, kinds=("consignment",), place=place), ("inventory",), after=after
        )
        said = {"position": told.standing.position, "differences": told.answer}
        return Response(orjson.dumps(said), media_type="application/json")

    return router
