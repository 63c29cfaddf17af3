"""What there is in a region, by HTTP: for the committee, the center, the clerks and the leads with an office there."""

from typing import Annotated, Any, Literal

from fastapi import APIRouter, Path, Query, Request, Response

from events.catalogue.values import QUANTITY_MAX, RegionCode
from projections.certificates import certificates_on
from projections.income_restatements import disputes
from projections.regions import in_region
from services.access.permissions import REGION
from services.access.sender import About
from services.books import Look
from services.front import Front
from services.looking_back import WORD, AsOf, answer


def routes(front: Front) -> APIRouter:
    """One address for everything that is listed by region."""
    router = APIRouter(tags=["reads"])

    @router.get("/api/v1/regions/{region}/{what}")
    async def listed(
        request: Request,
        region: Annotated[RegionCode, Path(description="By its ISO 3166-2 code, such as KG-Y.")],
        what: Literal[
            "villages",
            "producers",
            "workshops",
            "outlets",
            "certificates",
            "stock",
            "consignments",
            "statements",
            "disputes",
        ],
        behind: Annotated[str, Query(description="`next` of the page before.", max_length=200, pattern=WORD)] = "",
        limit: Annotated[int, Query(ge=1, le=1_000)] = 200,
        after: Annotated[int, Query(ge=0, le=QUANTITY_MAX, description="Wait for this position.")] = 0,
        as_of: AsOf = None,
    ) -> Response:
        """What there is in one region, a page at a time; certificates and disputes whole, as they stand today."""
        sender = await front.admit(request, REGION[what], About(regions=(region,)))
        limit = front.page(limit)

        def question(db: Look) -> dict[str, Any]:
            match what:
                case "certificates":
                    day = front.clock.today(db.standing.recorded_at or front.clock.now())
                    return {what: certificates_on(db, day, region), "next": None}
                case "disputes":
                    return {
                        what: [each for each in disputes(db, db.standing.position) if each.region == region],
                        "next": None,
                    }
                case _:
                    rows, more = in_region(db.connection, what, region, behind, limit)
                    return {what: rows, "next": more}

        return await answer(front, sender, question, after=after, as_of=as_of)

    return router
