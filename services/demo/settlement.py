"""The clerk's side: when months are closed and payouts made, and what is paid of what a producer is owed."""

from collections.abc import Iterable, Mapping
from dataclasses import dataclass
from datetime import date
from random import Random
from typing import Any

from services.demo.calendar import at, iso, month_before
from services.demo.journal import Journal, Settle, uuid7
from services.demo.people import CLERK
from services.demo.places import VILLAGE, WORKSHOPS

#: The day of the next month on which a month is closed, when most late receipts are in.
CLOSING_DAY = 6
PAYING_MONTHS = (1, 4, 7, 10)
#: Nobody is paid less than this.
PAYOUT_MIN_TYIYN = 10_000
_REVERSED_PERMILLE, _ADVANCE_PERMILLE = 4, 6


def closing_regions(day: date) -> tuple[str, ...]:
    """Regions whose makers had something to sell in the month before a day."""
    month_start = date(day.year - (day.month == 1), (day.month - 2) % 12 + 1, 1)
    found = {VILLAGE[each.takes_from[0]].region for each in WORKSHOPS if date(each.year, 1, 1) <= month_start}
    return tuple(sorted(found))


def schedule(journal: Journal, day: date) -> None:
    """Ask for the month's close when its day has come."""
    if day.day == CLOSING_DAY and closing_regions(day):
        pays = day.month in PAYING_MONTHS
        journal.settle(closing_regions(day), month_before(day), at(day, 18), pays=pays)


@dataclass(frozen=True, slots=True)
class Asked:
    """Commands for one route."""

    route: str
    items: tuple[Mapping[str, Any], ...]


class Clerk:
    """Turns what the books say into the commands of one settling day. Draws only from its own seed."""

    def __init__(self, seed: int) -> None:
        self._rng = Random(f"clerk {seed}")
        self._number = 0
        self._coming_back: list[dict[str, Any]] = []  #: payouts that do not arrive; known on the next paying day

    def close(self, settle: Settle, region: str) -> Mapping[str, Any]:
        """The command that closes a region's month."""
        return self._envelope(settle.recorded_s) | {"region": region, "month": settle.month}

    def pay(self, settle: Settle, owed_tyiyn: Iterable[tuple[str, int]]) -> list[Asked]:
        """Pay everybody what is owed, in order; a few payouts come back, a few people need an advance."""
        payouts, advances = [], []
        moment = settle.recorded_s
        reversals = [self._envelope(moment) | each for each in self._coming_back]
        self._coming_back = []
        for producer, tyiyn in sorted(owed_tyiyn):
            draw = self._rng.randrange(1000)
            if tyiyn < PAYOUT_MIN_TYIYN:
                continue
            self._number += 1
            payout = f"payout-{self._number:06d}"
            method = "transfer" if self._rng.random() < 0.4 else "cash"
            fields = {"producer": producer, "payout": payout, "amount_tyiyn": tyiyn, "method": method}
            payouts.append(self._envelope(moment) | fields)
            if draw < _REVERSED_PERMILLE:
                self._coming_back.append({"producer": producer, "payout": payout, "reason": "account_closed"})
            elif draw < _REVERSED_PERMILLE + _ADVANCE_PERMILLE:
                ahead = {"producer": producer, "advance": f"advance-{self._number:06d}", "amount_tyiyn": 50_000}
                advances.append(self._envelope(moment) | ahead | {"method": "cash"})
        asked = (
            Asked("settlement/reverse-payout", tuple(reversals)),
            Asked("settlement/make-payout", tuple(payouts)),
            Asked("settlement/give-advance", tuple(advances)),
        )
        return [each for each in asked if each.items]

    def _envelope(self, moment_s: int) -> dict[str, Any]:
        said = iso(moment_s)
        return {"id": uuid7(self._rng, moment_s), "occurred_at": said, "recorded_at": said, "actor": CLERK}
