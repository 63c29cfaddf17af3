"""Terms, months and accounts by HTTP."""

from fastapi import APIRouter

from services.commands import Commands
from services.front import Front
from services.settlement.decider import ACCOUNT, PERIOD, TERMS, AgreeTerms, DisputePayout, GiveAdvance, ReversePayout
from services.settlement.statements import ClosePeriodAsked, MakePayoutAsked, MakeRestatementAsked, Statements


def routes(front: Front) -> APIRouter:
    """Every command of settlement."""
    commands = Commands("settlement", front, APIRouter())
    books = Statements(front)
    commands.add(TERMS, AgreeTerms, prepare=books.with_last_closed_month)
    commands.add(PERIOD, ClosePeriodAsked, prepare=books.with_statement_to_close)
    commands.add(PERIOD, MakeRestatementAsked, prepare=books.with_statement_anew)
    commands.add(ACCOUNT, MakePayoutAsked, prepare=books.with_what_is_earned)
    commands.add(ACCOUNT, ReversePayout, GiveAdvance, DisputePayout)
    return commands.router
