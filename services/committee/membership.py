"""Who decides on certificates that were given, and on recalls: what the rules are told about their members."""

import asyncio
from collections.abc import Collection, Sequence
from typing import Any

from events.catalogue.committee import RecallExtended, RecallStarted
from services.committee.assessment import HeldRole, Seat
from services.decider import Command
from services.front import Front
from services.handle import Asked


class Membership:
    """Looks up in the log which roles people hold, and in which regions lots were made."""

    def __init__(self, front: Front) -> None:
        self._log = front.handler.log
        self._judge = front.judge

    async def of_certificate(self, asked: Sequence[Asked[Any]]) -> list[Command]:
        """Put beside each command who decides: the members whom it names, or whoever sent it."""
        return [
            each.command.model_copy(
                update={"seats": await self._seats(getattr(each.command.event, "members", (each.actor,)))}
            )
            for each in asked
        ]

    async def of_recall(self, asked: Sequence[Asked[Any]]) -> list[Command]:
        """Put beside each command who decides, and the regions in which the recall has its roots."""
        return [
            each.command.model_copy(
                update={
                    "seats": await self._seats(each.command.event.members),
                    "regions": await asyncio.to_thread(self._regions, each.command.event),
                }
            )
            for each in asked
        ]

    async def _seats(self, members: Collection[str]) -> tuple[Seat, ...]:
        return tuple([await asyncio.to_thread(self._seat, member) for member in sorted(set(members))])

    def _seat(self, member: str) -> Seat:
        held = self._judge.grants_of(member)
        roles = [HeldRole(role=grant.role, region=grant.region, place=grant.place) for grant in held]
        return Seat(member=member, roles=tuple(roles))

    def _regions(self, event: Any) -> tuple[str, ...]:
        """Of the recall's roots, of those of this event too; what nobody has reported, or a supplier's, is in none."""
        started = [recorded.event for recorded in self._log.read_stream(event.stream())]
        told = [each for each in (*started, event) if isinstance(each, RecallStarted | RecallExtended)]
        lots = {f"lot/{root.id}" for each in told for root in each.roots if root.kind != "supplier"}
        return tuple(sorted(self._judge.regions_of(lots)))
