"""Terms, months and accounts by HTTP, and what is disputed of them."""

from typing import Annotated

import orjson
from fastapi import APIRouter, Query, Request, Response

from events.catalogue.values import QUANTITY_MAX
from projections.income_restatements import disputes
from services.access.permissions import DISPUTES
from services.access.sender import NETWORK
from services.commands import Commands
from services.front import Front
from services.settlement.decider import (
    ACCOUNT,
    PERIOD,
    TERMS,
    AgreeTerms,
    DisputePayout,
    GiveAdvance,
    ReversePayout,
    SettleDispute,
)
from services.settlement.statements import ClosePeriodAsked, MakePayoutAsked, MakeRestatementAsked, Statements


def routes(front: Front) -> APIRouter:
    """Every command of settlement, and its disputes."""
    commands = Commands("settlement", front, APIRouter())
    books = Statements(front)
    commands.add(TERMS, AgreeTerms, prepare=books.with_last_closed_month)
    commands.add(PERIOD, ClosePeriodAsked, prepare=books.with_statement_to_close)
    commands.add(PERIOD, MakeRestatementAsked, prepare=books.with_statement_anew)
    commands.add(ACCOUNT, MakePayoutAsked, prepare=books.with_what_is_earned)
    commands.add(ACCOUNT, ReversePayout, GiveAdvance, DisputePayout, SettleDispute)

    @commands.router.get("/api/v1/settlement/disputes", tags=["settlement"])
    async def disputed(
        request: Request,
        after: Annotated[int, Query(ge=0, le=QUANTITY_MAX, description="Wait for this position.")] = 0,
    ) -> Response:
        """What producers dispute, those that wait first, and what was answered, reversed or stated anew since."""
        await front.admit(request, DISPUTES, NETWORK)
        told = await front.books.ask_soon(lambda db: disputes(db, db.standing.position), ("income",), after=after)
        said = {"position": told.standing.position, "disputes": told.answer}
        return Response(orjson.dumps(said), media_type="application/json")

    return commands.router
