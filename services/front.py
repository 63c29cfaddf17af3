"""What every route shares: who is asking, how much may be sent, how answers look."""

import asyncio
from collections.abc import Sequence
from dataclasses import dataclass
from typing import Any, Final

import orjson
from fastapi import Request, Response

from services.access import Keys, Sender
from services.answers import Answer
from services.books import Books
from services.clock import NetworkClock
from services.errors import PROBLEM_JSON, NotAuthenticated, Refused, TooLarge, problem
from services.handle import Handler
from services.items import BODY_BYTES_MAX
from services.past import Past
from services.reports import Reports
from services.settings import Settings

#: A body that is too large is still read up to here, so that its sender hears the answer; beyond, it is cut off.
_DRAINED_BYTES_MAX: Final = 16_000_000
_BEARER: Final = "Bearer "
_QUARANTINED: Final = 202
_NOT_AUTHENTICATED: Final = 401
_LATER: Final = 503


@dataclass(frozen=True, slots=True)
class Front:
    """The parts behind the routes of one installation."""

    settings: Settings
    handler: Handler
    reports: Reports
    keys: Keys
    books: Books
    past: Past
    clock: NetworkClock

    async def sender(self, request: Request) -> Sender:
        """Who is asking. Raises NotAuthenticated."""
        given = request.headers.get("authorization", "")
        if not given.startswith(_BEARER):
            raise NotAuthenticated
        text = given[len(_BEARER) :].strip()
        known = self.keys.believed(text)
        return known if known is not None else await asyncio.to_thread(self.keys.bearer, text)

    async def administrator(self, request: Request) -> Sender:
        """The administrator. Raises NotAuthenticated, AdministratorOnly."""
        sender = await self.sender(request)
        sender.must_be_administrator()
        return sender


async def body_of(request: Request) -> bytes:
    """The request's body. Raises TooLarge."""
    parts: list[bytes] = []
    size = 0
    async for part in request.stream():
        size += len(part)
        if size <= BODY_BYTES_MAX:
            parts.append(part)
        elif size > _DRAINED_BYTES_MAX:
            break
    if size > BODY_BYTES_MAX:
        raise TooLarge
    return b"".join(parts)


def json_response(content: Any, status: int = 200) -> Response:
    return Response(orjson.dumps(content), status_code=status, media_type="application/json")


def problem_response(refusal: Refused, **more: Any) -> Response:
    """A refusal as RFC 9457 problem details."""
    details = problem(refusal) | more
    headers = {}
    if details["status"] == _NOT_AUTHENTICATED:
        headers["WWW-Authenticate"] = "Bearer"
    if details["status"] == _LATER:
        headers["Retry-After"] = "1"
    return Response(orjson.dumps(details), status_code=details["status"], media_type=PROBLEM_JSON, headers=headers)


def answers_response(many: bool, answers: Sequence[Answer]) -> Response:
    """A list for a list. A single item that was refused, or whose id stands for something else, is a problem."""
    if many:
        return json_response([answer.as_json() for answer in answers])
    [answer] = answers
    if answer.refusal is not None:
        return problem_response(answer.refusal, answer=answer.as_json())
    return json_response(answer.as_json(), _QUARANTINED if answer.status == "quarantined" else 200)
