"""What the read models and the log say, by HTTP: every answer names the position it speaks for."""

from collections.abc import Callable, Sequence
from dataclasses import asdict
from typing import Annotated, Any, Final, Literal

import orjson
from fastapi import APIRouter, Path, Query, Request, Response

from events import log_pages
from events.catalogue.values import QUANTITY_MAX
from projections import income_queries, income_sales, inventory_queries, overview
from projections import traceability_queries as lots
from projections.base import Connection
from projections.income_queries import GroupIncome, Period, ProducerIncome
from projections.income_sales import ProductSales
from projections.traceability_trace import trace
from projections.whereabouts import forward
from services import stock_reads
from services.access.permissions import EVENTS, INCOME, LOTS, ONE_PRODUCER
from services.access.sender import NETWORK, About
from services.aggregates import OTHERS, SumsOfFive, sums_of_five
from services.books import Look
from services.errors import NotFound
from services.front import Front
from services.incoming import WORD, read_instant
from services.looking_back import After, AsOf, Name, answer
from services.paging import Behind, Key, Limit, cut, key_of, page
from services.polling import POLLED, answered

_INSTANT: Final[dict[str, Any]] = {
    "max_length": 40,
    "json_schema_extra": {"anyOf": [{"type": "string", "format": "date-time", "maxLength": 40}]},
}
Year = Annotated[int | None, Query(ge=2000, le=2100)]
LotOrCode = Annotated[str, Path(max_length=100, pattern=WORD)]


class NoSuchLot(NotFound):
    """Nobody has ever reported a lot of this id, nor packed a batch with this code."""

    advice = "Check the spelling; a code has 8 characters."


def routes(front: Front) -> APIRouter:
    """The reads of the API."""
    router = APIRouter(tags=["reads"])
    router.include_router(stock_reads.routes(front))
    _add_lots(router, front)
    _add_income(router, front)
    _add_network(router, front)
    _add_events(router, front)
    return router


def _add_lots(router: APIRouter, front: Front) -> None:
    async def about(
        request: Request, lot: str, question: Callable[[Look], dict[str, Any] | None], after: int, as_of: str | None
    ) -> Response:
        sender = await front.sender(request)
        whose = await front.books.ask_soon(lambda db: _places_of(db, lot), after=after)
        await front.admit(request, LOTS, NETWORK, *(About(places=(place,)) for place in whose.answer))
        absent = NoSuchLot(field="lot")
        return await answer(front, request, sender, question, after=after, as_of=as_of, lot=lot, absent=absent)

    @router.get("/api/v1/lots/{lot}", openapi_extra=POLLED)
    async def one_lot(request: Request, lot: LotOrCode, after: After = 0, as_of: AsOf = None) -> Response:
        """A lot, or the batch of a code: what it is, where it is, its balance and its stored origin."""

        def question(db: Look) -> dict[str, Any] | None:
            found = lots.lot_of(db, lot)
            if found is None:
                return None
            stock, in_transit = inventory_queries.stock_of_batch(db.connection, found)
            return {
                "lot": found,
                "made": lots.lot_row(db, found),
                "batch": lots.batch_of(db, found),
                "villages": lots.villages_of(db, found),
                "balance": lots.balance(db, found),
                "stock": stock,
                "in_transit": in_transit,
                "movements": lots.movements_of(db, [found]),
            }

        return await about(request, lot, question, after, as_of)

    @router.get("/api/v1/lots/{lot}/trace", openapi_extra=POLLED)
    async def back(request: Request, lot: LotOrCode, after: After = 0, as_of: AsOf = None) -> Response:
        """Back from a lot to its villages, producers and ingredients, over every edge."""
        sender = await front.sender(request)

        def question(db: Look) -> dict[str, Any] | None:
            day = front.clock.day_of(db.standing.recorded_at, is_past=as_of is not None)
            found = trace(db, lot, on=day, with_producers=sender.sees_pseudonyms)
            return None if found is None else {"trace": found}

        return await about(request, lot, question, after, as_of)

    @router.get("/api/v1/lots/{lot}/forward", openapi_extra=POLLED)
    async def forth(request: Request, lot: LotOrCode, after: After = 0, as_of: AsOf = None) -> Response:
        """Forward from a lot to everything that came of it, and where its units are."""

        def question(db: Look) -> dict[str, Any] | None:
            found = lots.lot_of(db, lot)
            if found is None:
                return None
            reached = forward(db, found)
            return {"forward": {**asdict(reached), "on_hand": reached.on_hand, "sold": reached.sold}}

        return await about(request, lot, question, after, as_of)


def _add_income(router: APIRouter, front: Front) -> None:
    @router.get("/api/v1/income", openapi_extra=POLLED)
    async def income(
        request: Request,
        by: Literal[
            "year", "month", "producer", "village", "region", "product", "outlet", "channel", "period", "suspense"
        ] = "year",
        year: Year = None,
        producer: Name | None = None,
        behind: Behind = "",
        limit: Limit = None,
        after: After = 0,
        as_of: AsOf = None,
    ) -> Response:
        """Sales and what became of them, in tyiyn, by id; with `producer`, everything about one producer's income."""
        rows_max = front.page(limit)
        about = NETWORK if producer is None else About(places=(f"producer/{producer}",))
        sender = await front.admit(request, INCOME[by] if producer is None else ONE_PRODUCER, about)
        sees_all = INCOME["producer"].allows(sender, [NETWORK], {})

        def question(db: Look) -> dict[str, Any] | None:
            connection = db.connection
            if producer is not None:
                card = income_queries.producer_card(connection, producer)
                return None if card is None else {"producer": card}
            asked: dict[str, Callable[[], Any]] = {
                "year": lambda: income_sales.sales_by_year(connection, channel=None),
                "month": lambda: income_sales.sales_by_month(connection, year=year, channel=None),
                "producer": lambda: income_queries.income_by_producer(connection, year=year),
                "village": lambda: _grouped(connection, "village", year, sees_all=sees_all),
                "region": lambda: _grouped(connection, "region", year, sees_all=sees_all),
                "product": lambda: income_sales.sales_by_product(connection, year=year),
                "outlet": lambda: income_sales.sales_by_place(connection, year=year),
                "channel": lambda: income_sales.sales_by_channel(connection, year=year),
                "period": lambda: income_queries.periods(connection),
            }
            if by == "suspense":
                return {"by": by, **_suspense(connection, behind, rows_max)}
            rows, more = cut(sorted(asked[by](), key=_income_key), _income_key, behind, rows_max)
            return {"by": by, "income": rows, "next": more}

        absent = NoSuchProducer(field="producer")
        return await answer(front, request, sender, question, after=after, as_of=as_of, absent=absent)


def _grouped(
    connection: Connection, by: Literal["village", "region"], year: int | None, *, sees_all: bool
) -> Sequence[GroupIncome | SumsOfFive]:
    """The ministry sees no sum of so few producers that one of them could be told from it."""
    if not sees_all:
        incomes = income_queries.income_by_producer(connection, year=year)
        return sums_of_five(incomes, by, of_a_year=year is not None)
    ask = income_queries.income_by_village if by == "village" else income_queries.income_by_region
    return ask(connection, year=year)


def _suspense(connection: Connection, behind: str, limit: int) -> dict[str, Any]:
    place, product, batch = key_of(behind, str, str, str) if behind else ("", "", "")
    found = income_queries.suspense(connection, after=(place, product, batch), limit=limit + 1)
    waiting, more = page(found, lambda each: (each.place, each.product, each.batch), limit)
    return {"income": waiting, "next": more}


def _income_key(row: Any) -> Key:
    """What tells the rows of one grouping apart; the ministry's `others` stand last."""
    match row:
        case ProducerIncome():
            return (row.producer,)
        case ProductSales():
            return (row.product,)
        case Period():
            return (row.period, row.region)
        case SumsOfFive():
            return (int(row.key == OTHERS), row.region, row.key)
        case _:
            return (str(row.key),)


def _places_of(db: Look, lot: str) -> list[str]:
    """Where a lot was made, delivered, packed or is on hand, and who gave it: those may ask about it."""
    found = lots.lot_of(db, lot)
    if found is None:
        return []
    stock, in_transit = inventory_queries.stock_of_batch(db.connection, found)
    places = {each.place for each in stock} | {each.destination for each in in_transit if each.destination}
    return sorted(places | lots.places_of(db, found))


class NoSuchProducer(NotFound):
    """Nobody of this id was ever registered, and nothing was ever credited to it."""

    advice = "Check the id."


def _add_network(router: APIRouter, front: Front) -> None:
    @router.get("/api/v1/network", openapi_extra=POLLED)
    async def network(request: Request, after: After = 0) -> Response:
        """The network at a glance, for everybody: how many there are, and what was sold."""

        def question(db: Look) -> dict[str, Any]:
            connection = db.connection
            founded = overview.founded(connection)
            return {
                "network": None if founded is None else founded.network,
                "names": None if founded is None else founded.names,
                "clock": None if founded is None else founded.clock,
                "head": overview.head(connection),
                "counts": income_sales.network_counts(connection),
                "sales_by_year": income_sales.sales_by_year(connection, channel=None),
                "outlets": overview.outlets(connection),
                "villages": overview.villages(connection),
            }

        told = await front.books.ask_soon(question, after=after)
        return answered(request, told.answer, *told.standing)


def _add_events(router: APIRouter, front: Front) -> None:
    @router.get("/api/v1/events", openapi_extra=POLLED)
    async def events(
        request: Request,
        wire_name: Annotated[str | None, Query(alias="type", max_length=100, pattern=WORD)] = None,
        stream: Annotated[str | None, Query(max_length=200, pattern=WORD)] = None,
        actor: Name | None = None,
        from_: Annotated[str | None, Query(alias="from", description="Recorded since.", **_INSTANT)] = None,
        to: Annotated[str | None, Query(description="Recorded until.", **_INSTANT)] = None,
        position: Annotated[int | None, Query(ge=1, le=QUANTITY_MAX, description="This one event.")] = None,
        after: Annotated[int, Query(ge=0, le=QUANTITY_MAX, description="Behind this position.")] = 0,
        limit: Annotated[int, Query(ge=1, le=log_pages.EVENTS_PER_PAGE_MAX)] = 100,
    ) -> Response:
        """Recorded events in their order, with an exact count; `next_after` goes on to the next page."""
        await front.admit(request, EVENTS, NETWORK)
        rows_max = front.page(limit)
        since = None if from_ is None else read_instant(from_, "from")
        until = None if to is None else read_instant(to, "to")
        wanted = log_pages.Wanted(wire_name, stream, actor, since, until, position)

        def question(db: Look) -> dict[str, Any]:
            found = log_pages.page(db.connection, wanted, after, rows_max)
            items = [{**event, "data": orjson.Fragment(event["data"])} for event in found.events]
            # The log itself is read, so the answer speaks for all of it and not for what read models hold.
            head = overview.head(db.connection)
            return {"events": items, "count": found.count, "next_after": found.next_after, "head": head}

        told = await front.books.ask_soon(question)
        return answered(request, told.answer, told.answer.pop("head"), dated=False)
