"""The center's decisions by HTTP, and what it reports."""

from fastapi import APIRouter

from services.center.decider import CENTER, FACTS, AnswerConsultation, IntroduceBuyer, PlaceOrder
from services.commands import Commands
from services.facts import add_facts
from services.front import Front


def routes(front: Front) -> APIRouter:
    """Every command of the center, and its facts."""
    commands = Commands("center", front, APIRouter())
    commands.add(CENTER, IntroduceBuyer, PlaceOrder, AnswerConsultation)
    add_facts(commands.router, front, "center", FACTS)
    return commands.router
