"""The center's decisions by HTTP, what it reports, and how its orders stand."""

import asyncio
from datetime import date
from typing import Annotated

from fastapi import APIRouter, Query, Request, Response

from events.catalogue.values import QUANTITY_MAX, Id
from projections.traceability_queries import villages_of
from services.access.permissions import ORDERS
from services.access.sender import NETWORK
from services.books import Look
from services.center.decider import CENTER, FACTS, AnswerConsultation, IntroduceBuyer, PlaceOrder
from services.center.orders import Origins, batches_of, standing
from services.commands import Commands
from services.errors import NotFound
from services.facts import add_facts
from services.front import Front
from services.polling import POLLED, answered


class NoSuchOrder(NotFound):
    """Nothing of this id was ever ordered or delivered."""

    advice = "Check the order's id."


def routes(front: Front) -> APIRouter:
    """Every command of the center, its facts, and its orders."""
    commands = Commands("center", front, APIRouter())
    commands.add(CENTER, IntroduceBuyer, PlaceOrder, AnswerConsultation)
    add_facts(commands.router, front, "center", FACTS)
    _add_orders(commands.router, front)
    return commands.router


def _add_orders(router: APIRouter, front: Front) -> None:
    @router.get("/api/v1/center/orders/{order}", tags=["center"], openapi_extra=POLLED)
    async def one_order(
        request: Request,
        order: Id,
        on: Annotated[date | None, Query(description="The day in Bishkek; today when none is said.")] = None,
        after: Annotated[int, Query(ge=0, le=QUANTITY_MAX, description="Wait for this position.")] = 0,
    ) -> Response:
        """An order: what was delivered of it, by village beside its quota, and what differs from the contract."""
        await front.admit(request, ORDERS, NETWORK)
        stream = f"order/{order}"
        found = await asyncio.to_thread(front.handler.log.read_streams, [stream])
        history = [recorded.event for recorded in found[stream]]
        if not history:
            raise NoSuchOrder(field="order")

        def origins(db: Look) -> Origins:
            return {
                batch: [(part.village, part.ppm) for part in villages_of(db, batch)]
                for batch in sorted(batches_of(history))
            }

        told = await front.books.ask_soon(origins, ("traceability",), after=after)
        day = on or front.clock.day_of(told.standing.recorded_at)
        said = {"order": standing(order, history, told.answer, day)}
        return answered(request, said, told.standing.position, dated=False)
