"""The to-do list: what waits, whose it is by role, and what to do about it. `GET /api/v1/todo`."""

from collections.abc import Mapping, Sequence
from dataclasses import asdict, dataclass
from datetime import timedelta
from typing import Annotated, Final, Literal

from fastapi import APIRouter, Query, Request, Response

from events import quarantine_pages
from events.catalogue.network import Role
from projections.chains import Broken
from projections.todo import SHOWN_DAYS, SUBJECTS_MAX, Waiting, waiting
from services.access.permissions import TASKS
from services.access.sender import NETWORK, About, NoSuchRight, Sender
from services.books import Look, Told
from services.front import Front
from services.incoming import WORD
from services.paging import Behind, Key, Limit, cut
from services.polling import POLLED, answered
from services.web.language import LANGUAGES
from services.web.todo_words import what_to_do

#: Who deals with it. What nobody thought of yet is the center's.
ROLE_OF: Final[Mapping[str, Role]] = {
    "quarantine_open": "center",
    "recalled_on_hand": "outlet_lead",
    "recalled_batch": "outlet_lead",
    "suspended_certificate": "outlet_lead",
    "oversold": "outlet_lead",
    "oversold_batch": "outlet_lead",
    "unknown_batch": "outlet_lead",
    "no_batch": "outlet_lead",
    "counter_gap": "outlet_lead",
    "counter_repeated": "center",
    "chain_broken": "center",
    "clock_ahead": "outlet_lead",
    "late": "outlet_lead",
    "sale_repeated": "outlet_lead",
    "voided_twice": "outlet_lead",
    "return_repeated": "outlet_lead",
    "closed_shift": "outlet_lead",
    "shift_repeated": "outlet_lead",
    "price_differs": "outlet_lead",
    "sum_differs": "outlet_lead",
    "written_off_alone": "outlet_lead",
    "best_before_near": "outlet_lead",
    "best_before_passed": "outlet_lead",
    "shipment_overdue": "outlet_lead",
    "overconsumed": "workshop_lead",
    "unknown_lot": "workshop_lead",
    "lot_repeated": "workshop_lead",
    "made_twice": "workshop_lead",
    "correction_of_another_lot": "workshop_lead",
    "lineage_cycle": "workshop_lead",
    "certificate_expires": "committee_member",
    "certificate_expired": "committee_member",
    "no_terms": "center",
    "delivery_repeated": "center",
    "period_open": "settlement_clerk",
    "payout_disputed": "settlement_clerk",
}
#: Somebody may eat it, or a report is missing from the books.
URGENT: Final = frozenset(
    {
        "recalled_on_hand",
        "recalled_batch",
        "best_before_passed",
        "quarantine_open",
        "certificate_expired",
        "chain_broken",
    }
)


@dataclass(frozen=True, slots=True)
class Task:
    """Something to do, of one kind at one place, for a role."""

    kind: str
    role: Role
    is_urgent: bool
    place: str
    count: int
    subjects: Sequence[str]
    position: int


def tasks(front: Front, look: Look) -> list[Task]:
    """What everybody has to do now by the network's clock, the urgent things first."""
    now = front.clock.moment_of(look.standing.recorded_at)
    found = [_task(each) for each in waiting(look.connection, now)]
    found += _broken(front.till_chains.broken(look.connection, now - timedelta(days=SHOWN_DAYS)))
    still_open = quarantine_pages.counts(look.connection)["open"]
    if still_open:
        page = quarantine_pages.page(look.connection, state="open", limit=5)
        subjects = [item.quarantine for item in page.items]
        found.append(_task(Waiting("quarantine_open", "", still_open, subjects, page.items[0].position)))
    return sorted(found, key=_order)


def _order(task: Task) -> Key:
    return (int(not task.is_urgent), task.role, task.kind, task.place)


def _broken(chains: Sequence[Broken]) -> list[Task]:
    """One task for each shop, with the newest reports that do not follow on the one before."""
    shops: dict[str, list[Broken]] = {}
    for each in reversed(chains):
        shops.setdefault(f"outlet/{each.outlet}", []).append(each)
    return [
        _task(
            Waiting(
                "chain_broken",
                place,
                len(of_shop),
                [f"till/{each.till}/{each.counter}" for each in of_shop[:SUBJECTS_MAX]],
                of_shop[0].position,
            )
        )
        for place, of_shop in sorted(shops.items())
    ]


def _task(found: Waiting) -> Task:
    role = ROLE_OF.get(found.kind, "center")
    return Task(found.kind, role, found.kind in URGENT, found.place, found.count, found.subjects, found.position)


def _about(place: str) -> About:
    """A place, a region, or the whole network."""
    if not place:
        return NETWORK
    return About(places=(place,)) if "/" in place else About(regions=(place,))


async def tasks_of(front: Front, sender: Sender) -> Told[list[Task]]:
    """What waits for this sender, as far as the roles reach. Raises NoSuchRight."""
    if not TASKS.open_to(sender):
        raise NoSuchRight
    told = await front.books.ask_soon(lambda look: tasks(front, look))
    verdicts = await front.judge.judge(sender, [(TASKS, (_about(task.place),)) for task in told.answer])
    return Told([task for task, verdict in zip(told.answer, verdicts, strict=True) if verdict == "yes"], told.standing)


def routes(front: Front) -> APIRouter:
    """The to-do list."""
    router = APIRouter(tags=["todo"])

    @router.get("/api/v1/todo", openapi_extra=POLLED)
    async def todo(
        request: Request,
        role: Role | None = None,
        place: Annotated[str | None, Query(max_length=100, pattern=WORD)] = None,
        lang: Literal["ky", "ru", "en"] = "en",
        behind: Behind = "",
        limit: Limit = None,
    ) -> Response:
        """What waits for somebody, by kind and place, with what to do; for one role, or at one place."""
        rows_max = front.page(limit)
        told = await tasks_of(front, await front.sender(request))
        chosen = [task for task in told.answer if role in (None, task.role) and place in (None, task.place)]
        found, more = cut(chosen, _order, behind, rows_max)
        said = [asdict(task) | {"what_to_do": what_to_do(LANGUAGES[lang], task.kind)} for task in found]
        return answered(request, {"count": len(chosen), "tasks": said, "next": more}, *told.standing)

    return router
