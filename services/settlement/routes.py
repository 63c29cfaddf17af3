"""Terms, months and accounts by HTTP, and what is disputed of them."""

from typing import Annotated

from fastapi import APIRouter, Query, Request, Response

from events.catalogue.values import QUANTITY_MAX
from projections.income_restatements import Dispute, disputes
from services.access.permissions import DISPUTES
from services.access.sender import NETWORK
from services.books import Look
from services.commands import Commands
from services.front import Front
from services.paging import Behind, Key, Limit, cut
from services.polling import POLLED, answered
from services.settlement.decider import ACCOUNT, PERIOD, TERMS
from services.settlement.requests import AgreeTerms, DisputePayout, GiveAdvance, ReversePayout, SettleDispute
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

    @commands.router.get("/api/v1/settlement/disputes", tags=["settlement"], openapi_extra=POLLED)
    async def disputed(
        request: Request,
        behind: Behind = "",
        limit: Limit = None,
        after: Annotated[int, Query(ge=0, le=QUANTITY_MAX, description="Wait for this position.")] = 0,
    ) -> Response:
        """What producers dispute, those that wait first, and what was answered, reversed or stated anew since."""
        await front.admit(request, DISPUTES, NETWORK)
        rows_max = front.page(limit)

        def question(db: Look) -> dict[str, object]:
            found, more = cut(disputes(db, db.standing.position), dispute_key, behind, rows_max)
            return {"disputes": found, "next": more}

        told = await front.books.ask_soon(question, ("income",), after=after)
        return answered(request, told.answer, told.standing.position, dated=False)

    return commands.router


def dispute_key(dispute: Dispute) -> Key:
    """Those that wait come first."""
    return (int(not dispute.waits), dispute.position)
