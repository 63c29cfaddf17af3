"""Answers as of an earlier position by HTTP: at once when the books are at hand, otherwise as a job to come back to."""

from collections.abc import Callable
from datetime import datetime
from typing import Annotated, Any, Final

from fastapi import APIRouter, Path, Query, Request, Response

from events.catalogue.values import QUANTITY_MAX
from services.access.permissions import PAST
from services.access.sender import Sender
from services.books import Look, NotAtHand
from services.errors import NotAllowed, NotFound
from services.front import Front, json_response
from services.incoming import WORD, read_instant
from services.past import Job
from services.polling import answered

_POSITION_DIGITS: Final = 15
_LATER: Final = 202

After = Annotated[
    int,
    Query(ge=0, le=QUANTITY_MAX, description="Wait until the answer speaks for this position, at most five seconds."),
]
Name = Annotated[str, Query(max_length=100, pattern=WORD)]
AsOf = Annotated[
    str | None,
    Query(
        max_length=40,
        pattern=WORD,
        description="As it stood at this position, or at this instant of the log's clock.",
        json_schema_extra={
            "anyOf": [
                {"type": "string", "pattern": f"^[0-9]{{1,{_POSITION_DIGITS}}}$"},
                {"type": "string", "format": "date-time", "maxLength": 40},
            ]
        },
    ),
]


class StaffOnly(NotAllowed):
    """Only the staff looks back at the whole network; a device may ask for the past of one lot."""

    advice = "Leave out `as_of`, or ask with a key of the center."


def routes(front: Front) -> APIRouter:
    """How far the books of a position are."""
    router = APIRouter(tags=["reads"])

    @router.get("/api/v1/as-of/{position}")
    async def job(request: Request, position: Annotated[int, Path(ge=0, le=QUANTITY_MAX)]) -> Response:
        """The job that builds the books of a position: waiting, building, ready or failed, and how far it is."""
        _must_be_staff(await front.sender(request))
        return _job_response(await front.past.job(position), 200)

    return router


async def answer(
    front: Front,
    request: Request,
    sender: Sender,
    question: Callable[[Look], dict[str, Any] | None],
    *,
    after: int,
    as_of: str | None,
    lot: str | None = None,
    absent: NotFound | None = None,
) -> Response:
    """What the read models say, now or then; where nothing is built yet, 202 and the address of the job.

    `lot`: the question is about this one. `absent` is raised when the answer is None. Raises StaffOnly, Malformed.
    """
    moment = _moment(as_of)
    if moment is not None and lot is None:
        _must_be_staff(sender)
    try:
        told = await front.books.ask_soon(question, after=after, as_of=moment, lot=lot)
    except NotAtHand as missing:
        _must_be_staff(sender)
        return _job_response(await front.past.ask(missing.position, sender.actor), _LATER)
    if moment is not None and lot is None:
        await front.past.looked_at(told.standing.position)
    if told.answer is None and absent is not None:
        raise absent
    return answered(request, told.answer or {}, *told.standing)


def _job_response(job: Job, status: int) -> Response:
    address = f"/api/v1/as-of/{job.position}"
    response = json_response({"job": address, **job._asdict()}, status)
    if status == _LATER:
        response.headers["location"] = address
        response.headers["retry-after"] = "1"
    return response


def _must_be_staff(sender: Sender) -> None:
    """Raises StaffOnly."""
    if not PAST.open_to(sender):
        raise StaffOnly(field="as_of")


def _moment(as_of: str | None) -> int | datetime | None:
    """A position or an instant. Raises Malformed."""
    if as_of is None:
        return None
    if as_of.isdecimal() and len(as_of) <= _POSITION_DIGITS:
        return int(as_of)
    return read_instant(as_of, "as_of")
