"""What workshops made and packed, by HTTP."""

from fastapi import APIRouter

from services.facts import add_facts
from services.front import Front
from services.workshops.decider import FACTS


def routes(front: Front) -> APIRouter:
    """A route for each fact."""
    router = APIRouter()
    add_facts(router, front, "workshops", FACTS)
    return router
