"""Where units are, what is under way and what was judged, by HTTP."""

from typing import Any, Literal

from fastapi import APIRouter, Request, Response

from projections import inventory_queries
from projections.base import Connection
from services.access.permissions import LOTS
from services.access.sender import NETWORK, About
from services.books import Look
from services.front import Front
from services.looking_back import After, AsOf, Name, answer
from services.paging import Behind, Limit, cut, key_of, page, when, when_of
from services.polling import POLLED


def routes(front: Front) -> APIRouter:
    """The inventory, a page at a time."""
    router = APIRouter(tags=["reads"])

    @router.get("/api/v1/inventory", openapi_extra=POLLED)
    async def inventory(
        request: Request,
        by: Literal["batch", "product", "transit", "flag"] = "batch",
        place: Name | None = None,
        product: Name | None = None,
        batch: Name | None = None,
        behind: Behind = "",
        limit: Limit = None,
        after: After = 0,
        as_of: AsOf = None,
    ) -> Response:
        """Units by place and batch, or by product; what is in transit; what was judged. `next` leads to more."""
        sender = await front.admit(request, LOTS, About(places=(place,)) if place else NETWORK)
        rows_max = front.page(limit)

        def question(db: Look) -> dict[str, Any]:
            match by:
                case "product":
                    return _products(db.connection, place, behind, rows_max)
                case "transit":
                    return _in_transit(db.connection, batch, place, behind, rows_max)
                case "flag":
                    counts = inventory_queries.flag_counts(db.connection) if place is None else {}
                    return {"counts": counts, **_flags(db.connection, place, behind, rows_max)}
                case "batch":
                    return _stock(db.connection, (place, product, batch), behind, rows_max)

        return await answer(front, request, sender, question, after=after, as_of=as_of)

    return router


def _stock(
    connection: Connection, wanted: tuple[str | None, str | None, str | None], behind: str, limit: int
) -> dict[str, Any]:
    after = key_of(behind, str, str) if behind else ("", "")
    place, product, batch = wanted
    found = inventory_queries.stock(
        connection, place=place, product=product, batch=batch, after=(after[0], after[1]), limit=limit + 1
    )
    stock, more = page(found, lambda each: (each.place, each.batch), limit)
    return {"stock": stock, "next": more}


def _products(connection: Connection, place: str | None, behind: str, limit: int) -> dict[str, Any]:
    found = inventory_queries.stock_by_product(connection, place=place)
    products, more = cut(found, lambda each: (each.product,), behind, limit)
    return {"products": products, "next": more}


def _in_transit(
    connection: Connection, batch: str | None, place: str | None, behind: str, limit: int
) -> dict[str, Any]:
    after = None
    if behind:
        shipped_at, consignment, of_batch = key_of(behind, str, str, str)
        after = (when_of(shipped_at), consignment, of_batch)
    found = inventory_queries.in_transit(connection, batch=batch, place=place, after=after, limit=limit + 1)
    under_way, more = page(found, lambda each: (when(each.shipped_at), each.consignment, each.batch), limit)
    return {"in_transit": under_way, "next": more}


def _flags(connection: Connection, place: str | None, behind: str, limit: int) -> dict[str, Any]:
    after = key_of(behind, int, str, str, str) if behind else None
    found = inventory_queries.flags(connection, place=place, after=after, limit=limit + 1)
    flags, more = page(found, lambda each: (each.position, each.flag, each.subject, each.place), limit)
    return {"flags": flags, "next": more}
