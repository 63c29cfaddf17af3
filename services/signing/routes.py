"""The signing keys by HTTP: who verifies something needs to know which keys there were."""

from typing import Any

from fastapi import APIRouter, Response

from events import exchange_pages
from services.books import Look
from services.commands import Commands
from services.front import Front, json_response
from services.signing.decider import SIGNING, RotateSigningKey


def routes(front: Front) -> APIRouter:
    """The rotation, and the list of keys."""
    commands = Commands("signing", front, APIRouter())
    commands.add(SIGNING, RotateSigningKey)

    @commands.router.get("/api/v1/signing/keys", tags=["signing"])
    async def keys() -> Response:
        """Every key that signed for this network, the first one first; the last one is in use."""

        def question(db: Look) -> list[dict[str, Any]]:
            return [told.as_json() for told in exchange_pages.signing_keys(db.connection)]

        return json_response({"keys": (await front.books.ask_soon(question)).answer})

    return commands.router
