"""What tills and shops report, by HTTP; `/api/v1/sales` is the short name of `/api/v1/outlets/sale-made`."""

from fastapi import APIRouter

from services.facts import add_fact, add_facts
from services.front import Front
from services.outlets.decider import FACTS, RECEIPT


def routes(front: Front) -> APIRouter:
    """A route for each fact."""
    router = APIRouter()
    add_facts(router, front, "outlets", FACTS)
    add_fact(router, front, "/api/v1/sales", RECEIPT, "outlets")
    return router
