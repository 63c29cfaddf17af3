"""What there is in a region, by HTTP: for the committee, the center, the clerks and the leads with an office there."""

from typing import Annotated, Any, Literal

from fastapi import APIRouter, Path, Request, Response

from events.catalogue.values import RegionCode
from projections.certificates import certificates_on
from projections.income_restatements import disputes
from projections.regions import in_region
from services.access.permissions import REGION
from services.access.sender import About
from services.books import Look
from services.committee.routes import certificate_key
from services.front import Front
from services.looking_back import After, AsOf, answer
from services.paging import Behind, Limit, cursor, cut, key_of
from services.polling import POLLED
from services.settlement.routes import dispute_key


def routes(front: Front) -> APIRouter:
    """One address for everything that is listed by region."""
    router = APIRouter(tags=["reads"])

    @router.get("/api/v1/regions/{region}/{what}", openapi_extra=POLLED)
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
        behind: Behind = "",
        limit: Limit = None,
        after: After = 0,
        as_of: AsOf = None,
    ) -> Response:
        """What there is in one region, a page at a time."""
        sender = await front.admit(request, REGION[what], About(regions=(region,)))
        rows_max = front.page(limit)

        def question(db: Look) -> dict[str, Any]:
            match what:
                case "certificates":
                    day = front.clock.day_of(db.standing.recorded_at, is_past=as_of is not None)
                    rows, more = cut(certificates_on(db, day, region), certificate_key, behind, rows_max)
                    return {what: rows, "next": more}
                case "disputes":
                    theirs = [each for each in disputes(db, db.standing.position) if each.region == region]
                    found, more = cut(theirs, dispute_key, behind, rows_max)
                    return {what: found, "next": more}
                case _:
                    known = key_of(behind, str)[0] if behind else ""
                    there, last = in_region(db.connection, what, region, known, rows_max)
                    return {what: there, "next": None if last is None else cursor((last,))}

        return await answer(front, request, sender, question, after=after, as_of=as_of)

    return router
