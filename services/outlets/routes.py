"""What tills and shops report, by HTTP; `/api/v1/sales` is the short name of `/api/v1/outlets/sale-made`."""

from typing import Annotated

from fastapi import APIRouter, Query, Request, Response

from events.catalogue.values import QUANTITY_MAX, OutletId
from projections.base import Connection
from projections.inventory_queries import discrepancies
from projections.inventory_shifts import shifts
from services.access.permissions import SHIFTS
from services.access.sender import About
from services.books import Look
from services.facts import add_fact, add_facts
from services.front import Front
from services.outlets.decider import FACTS, RECEIPT
from services.paging import Behind, Limit, key_of, page, when, when_of
from services.polling import POLLED, answered


def routes(front: Front) -> APIRouter:
    """A route for each fact, and one for the shifts of a shop."""
    router = APIRouter()
    add_facts(router, front, "outlets", FACTS)
    add_fact(router, front, "/api/v1/sales", RECEIPT, "outlets")

    @router.get("/api/v1/outlets/{outlet}/shifts", tags=["outlets"], openapi_extra=POLLED)
    async def of_outlet(
        request: Request,
        outlet: OutletId,
        behind: Behind = "",
        behind_difference: Annotated[str, Query(max_length=1_000, description="The same of `differences`.")] = "",
        limit: Limit = None,
        after: Annotated[int, Query(ge=0, le=QUANTITY_MAX, description="Wait for this position.")] = 0,
    ) -> Response:
        """A shop's shifts with their drawers, the newest first, and the counts and drawers that differed.

        Two lists, each with its own pages: `next` and `next_difference`.
        """
        await front.admit(request, SHIFTS, About(places=(f"outlet/{outlet}",)))
        rows_max = front.page(limit)

        def question(db: Look) -> dict[str, object]:
            opened = _shifts(db.connection, outlet, behind, rows_max)
            return opened | _differences(db.connection, f"outlet/{outlet}", behind_difference, rows_max)

        told = await front.books.ask_soon(question, ("inventory",), after=after)
        return answered(request, told.answer, told.standing.position, dated=False)

    return router


def _shifts(connection: Connection, outlet: str, behind: str, limit: int) -> dict[str, object]:
    after = None
    if behind:
        opened_at, shift = key_of(behind, str, str)
        after = (when_of(opened_at), shift)
    found = shifts(connection, outlet=outlet, after=after, limit=limit + 1)
    rows, more = page(found, lambda each: (when(each.opened_at), each.shift), limit)
    return {"shifts": rows, "next": more}


def _differences(connection: Connection, place: str, behind: str, limit: int) -> dict[str, object]:
    known = key_of(behind, str, str, str) if behind else ("", "", "")
    after = (known[0], known[1], known[2])
    found = discrepancies(connection, kinds=("count", "cash"), place=place, after=after, limit=limit + 1)
    rows, more = page(found, lambda each: (each.place, each.kind, each.subject), limit)
    return {"differences": rows, "next_difference": more}
