"""May this sender do that? The table says for whom it is; the log says whose the thing is, and in which region."""

import asyncio
from collections.abc import Iterable, Mapping, Sequence
from dataclasses import replace
from typing import Any, Final, Literal, Protocol

from events.catalogue.base import Event
from events.catalogue.committee import ProductSubmitted
from events.catalogue.logistics import StockShipped
from events.catalogue.network import (
    OutletOpened,
    ProducerRegistered,
    RoleGranted,
    RoleWithdrawn,
    TillEnrolled,
    VillageRegistered,
    WorkshopOpened,
)
from events.catalogue.outlets import ShiftOpened
from events.catalogue.production import BatchProduced, LotCollected, LotsPooled, MaterialReceived
from services.access import concerns
from services.access.sender import FREE, PERSONAL, About, Grant, Permission, Sender

#: `unknown`: the log does not say (yet) whose it is.
Verdict = Literal["yes", "no", "unknown"]
#: Something to be judged: who may do it, and what it is about.
type Matter = tuple[Permission, Sequence[About]]

#: Regions of places never change, and there are some thousands of places.
REGIONS_REMEMBERED_MAX: Final = 50_000


class Streams(Protocol):
    """The log, as far as it is needed here (`events.store.Log`)."""

    def read_streams(self, streams: Sequence[str]) -> Mapping[str, Sequence[Any]]:
        """The recorded events of each of these streams, in order."""


class Judge:
    """Judges for one network."""

    def __init__(self, log: Streams) -> None:
        self._log = log
        self._regions: dict[str, str] = {}

    def grants_of(self, actor: str) -> frozenset[Grant]:
        """The roles an actor holds now, as the log has it. Blocks."""
        held: set[Grant] = set()
        for recorded in self._log.read_streams([f"actor/{actor}"]).get(f"actor/{actor}", ()):
            match recorded.event:
                case RoleGranted(role=role, region=region, place=place):
                    held.add(Grant(role, region, place))
                case RoleWithdrawn(role=role, region=region, place=place):
                    held.discard(Grant(role, region, place))
        return frozenset(held)

    async def judge(
        self, sender: Sender, matters: Sequence[Matter], ahead: Mapping[str, Sequence[Event]] | None = None
    ) -> list[Verdict]:
        """A verdict on each matter; `ahead` are events of the same request, which are not in the log yet, by stream."""
        if sender.kind in ("admin", "integrator"):
            return ["yes" if may.allows(sender, abouts, {}) else "no" for may, abouts in matters]
        wanted = {
            about.found_in
            for may, abouts in matters
            for about in abouts
            if about.found_in is not None and _is_needed(about, may, sender)
        }
        found = await self._events(wanted, ahead or {}) if wanted else {}
        whole = [
            [made for about in abouts for made in _complete(about, found, about.found_in in wanted)]
            for _, abouts in matters
        ]
        regions = await self._regions_for(sender, (about for each in whole for about in each))

        def verdict(may: Permission, abouts: Sequence[About], completed: Sequence[About]) -> Verdict:
            if may.allows(sender, completed, regions):
                return "yes"
            unsaid = [about for about in abouts if about.found_in in wanted and not _says(about, found)]
            # Whatever the stream will say, another's outlet stays another's.
            hopeful = [FREE if about.is_network else replace(about, persons=()) for about in unsaid]
            return "unknown" if may.allows(sender, hopeful, regions) else "no"

        return [verdict(may, abouts, each) for (may, abouts), each in zip(matters, whole, strict=True)]

    def regions_of(self, streams: Iterable[str]) -> set[str]:
        """The regions of the places that these streams name (of lots: where they were gathered or made). Blocks."""
        found = {
            stream: [recorded.event for recorded in events]
            for stream, events in self._log.read_streams(sorted(streams)).items()
        }
        places = {place for stream in found for said in _says(About(found_in=stream), found) for place in said.places}
        return set(self._look_up_regions(places).values()) if places else set()

    async def _events(self, wanted: Iterable[str], ahead: Mapping[str, Sequence[Event]]) -> dict[str, list[Event]]:
        stored = await asyncio.to_thread(self._log.read_streams, sorted(wanted))
        return {
            stream: [*(recorded.event for recorded in stored.get(stream, ())), *ahead.get(stream, ())]
            for stream in wanted
        }

    async def _regions_for(self, sender: Sender, abouts: Iterable[About]) -> Mapping[str, str]:
        if not any(grant.region for grant in sender.grants):
            return {}
        places = {place for about in abouts for place in about.places} - self._regions.keys()
        if places:
            if len(self._regions) > REGIONS_REMEMBERED_MAX:
                self._regions.clear()
            self._regions |= await asyncio.to_thread(self._look_up_regions, places)
        return self._regions

    def _look_up_regions(self, places: Iterable[str]) -> dict[str, str]:
        """A shop says its region; a workshop and a producer say their village, and that says its region."""
        found: dict[str, str] = {}
        villages: dict[str, str] = {}
        for place, events in self._log.read_streams(sorted(places)).items():
            match events[0].event if events else None:
                case OutletOpened(region=region) | VillageRegistered(region=region):
                    found[place] = region
                case WorkshopOpened(village=village) | ProducerRegistered(village=village):
                    villages[place] = f"village/{village}"
        named = self._log.read_streams(sorted(set(villages.values()))) if villages else {}
        for place, village in villages.items():
            for recorded in named.get(village, ())[:1]:
                if isinstance(recorded.event, VillageRegistered):
                    found[place] = recorded.event.region
        return found


def _is_needed(about: About, may: Permission, sender: Sender) -> bool:
    """Whose shift it is matters to a cashier alone; whose lot, consignment or certificate, to everybody."""
    if about.is_network:
        return True
    return any(grant.role in PERSONAL and grant.role in may.roles for grant in sender.grants)


def _says(about: About, found: Mapping[str, Sequence[Event]]) -> list[About]:
    """What the events of its stream say; the last one to say something is right, for lots and shifts there is one."""
    said: list[About] = []
    for event in found.get(about.found_in or "", ()):
        match event:
            case LotCollected():
                said = said or list(concerns.collected(event))
            case MaterialReceived():
                said = said or [About(places=(event.delivered_to,))]
            case LotsPooled():
                said = said or [About(places=(f"workshop/{event.workshop}",))]
            case BatchProduced():
                said = said or list(concerns.produced(event))
            case ShiftOpened():
                said = said or list(concerns.at_till(event))
            case StockShipped():
                said = said or [About(places=(event.origin,)), About(places=(event.destination,))]
            case TillEnrolled():
                said = [About(places=(f"outlet/{event.outlet}",))]
            case ProductSubmitted():
                said = [About(regions=(event.region,))]
    return said


def _complete(about: About, found: Mapping[str, Sequence[Event]], wanted: bool) -> list[About]:
    """The same matter with what its stream says: both must be the sender's. A stream that says nothing names nobody."""
    if not wanted:
        return [about]
    if not _says(about, found):
        return [] if about.is_network else [replace(about, persons=("",))]
    return [
        replace(
            about,
            places=tuple({*about.places, *said.places}),
            regions=about.regions + said.regions,
            persons=about.persons or said.persons,
        )
        for said in _says(about, found)
    ]
