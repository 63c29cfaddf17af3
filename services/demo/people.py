"""Who takes part: producers by pseudonym, and those who report and decide. No name of a person occurs anywhere."""

from collections.abc import Mapping, Sequence
from dataclasses import dataclass
from datetime import date, timedelta
from random import Random
from zlib import crc32

from services.demo.places import WORKSHOPS, Workshop

CENTER = "center-desk"
CLERK = "settlement-clerk"
#: Committee members of Ysyk-Kol; the other committees are as small as their regions.
MEMBERS = ("member-1", "member-2", "member-3")
_IDLE_PERCENT = 13


@dataclass(frozen=True, slots=True)
class Producer:
    """A villager or household, and the workshop that takes what it brings."""

    id: str
    village: str
    workshop: Workshop
    joined: date


def tablet(workshop: Workshop) -> str:
    """The device that reports for a workshop."""
    return workshop.place


def cashier(outlet: str, number: int) -> str:
    return f"cashier-{outlet}-{number}"


def register(rng: Random, counts: Mapping[int, int]) -> tuple[Producer, ...]:
    """The producers in the order in which they join, as many by the end of each year as `counts` says.

    Workshops are filled evenly by what they have to make; a third of a workshop's people live where it stands.
    """
    people: list[Producer] = []
    first_year = min(counts)
    for year, count in sorted(counts.items()):
        workshops = [workshop for workshop in WORKSHOPS if workshop.year <= year]
        need = {workshop.id: 0 for workshop in workshops}
        for producer in people:
            need[producer.workshop.id] += 1
        coming = count - len(people)
        for number in range(coming):
            workshop = min(workshops, key=lambda each: (need[each.id] / (1 + len(each.makes)), each.id))
            need[workshop.id] += 1
            home = 0 if rng.random() < 0.33 else rng.randrange(len(workshop.takes_from))
            start = date(year - 1, 12, 12) if year == first_year else date(year, 1, 10)
            joined = start + timedelta(days=0 if number * 2 < coming else 20 * rng.randrange(2, 7))
            people.append(Producer(f"p{len(people) + 1:05d}", workshop.takes_from[home], workshop, joined))
    return tuple(people)


def at_work(people: Sequence[Producer], day: date) -> dict[str, list[Producer]]:
    """Those who bring something in the year of a day, by workshop; some rest all year. No workshop is left alone."""
    working: dict[str, list[Producer]] = {}
    resting: dict[str, list[Producer]] = {}
    for producer in people:
        if producer.joined <= day:
            rests = crc32(f"{producer.id}/{day.year}".encode()) % 100 < _IDLE_PERCENT
            (resting if rests else working).setdefault(producer.workshop.id, []).append(producer)
    for workshop, idle in resting.items():
        working.setdefault(workshop, idle)
    return working
