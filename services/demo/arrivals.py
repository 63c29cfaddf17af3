"""When what a shop reports reaches the log: at once, in the evening, or when somebody comes by a week later."""

from collections import Counter
from dataclasses import dataclass
from datetime import date, timedelta
from random import Random

from services.demo.calendar import DAY_S, HOUR_S, at
from services.demo.places import Outlet

#: Assumed shares of the receipts that arrive more than an hour and more than three days late, in permille.
LATE_PERMILLE, VERY_LATE_PERMILLE = 300, 50
#: How many shops at most keep a year's last receipts over the holiday, when nobody comes by and no line is mended.
OVER_NEW_YEAR_MAX = 3
_OVER_NEW_YEAR_CHANCE = 0.25
_EVENING_CHANCE = {"good": 0.35, "daytime": 0.8, "evenings": 1.0, "weekly": 1.0}


@dataclass(frozen=True, slots=True)
class WrongClock:
    """A till whose clock was wrong for some days."""

    outlet: str
    first: date
    last: date
    ahead_s: int


WRONG_CLOCKS = (
    WrongClock("cholpon-ata-1", date(2013, 6, 3), date(2013, 6, 30), 3 * HOUR_S + 720),
    WrongClock("bosteri-1", date(2014, 8, 4), date(2014, 8, 24), -25 * HOUR_S),
    WrongClock("kyzyl-suu", date(2016, 5, 2), date(2016, 6, 12), 47 * 60),
)


class Line:
    """The connection of one shop: whatever it reports before `held_until_s` is kept on the device until then."""

    __slots__ = ("held_until_s", "outlet", "sent_s")

    def __init__(self, outlet: Outlet) -> None:
        self.outlet = outlet
        self.held_until_s = 0
        self.sent_s = 0


class Arrivals:
    """Keeps the shares of late receipts near what is assumed, whatever the shops' connections are like."""

    def __init__(self, rng: Random) -> None:
        self._rng = rng
        self.receipts = 0
        self.late = 0
        self.very_late = 0
        self._over_new_year: Counter[int] = Counter()  #: shops by year

    def begin_day(self, line: Line, day: date) -> None:
        """Decide how long a shop keeps today's reports."""
        rng, quality = self._rng, line.outlet.connectivity
        if (day.month, day.day) >= (12, 29) and self._keeps_over_new_year(line, day):
            line.held_until_s = at(date(day.year + 1, 1, 3), 11) + rng.randrange(HOUR_S)
            return
        if at(day, 8) < line.held_until_s:
            return
        long = self.very_late * 1000 < self.receipts * VERY_LATE_PERMILLE
        if quality == "weekly" or (long and quality != "good" and rng.random() < 0.2) or (long and rng.random() < 0.02):
            line.held_until_s = at(day + timedelta(days=6), 20.6) + rng.randrange(1200)
        elif self.late * 1000 < self.receipts * LATE_PERMILLE and rng.random() < _EVENING_CHANCE[quality]:
            line.held_until_s = at(day, 21.3) + rng.randrange(1800)

    def _keeps_over_new_year(self, line: Line, day: date) -> bool:
        """Whether a shop reports its last sales of a year in the next one; in every year at least one does."""
        new_year = at(date(day.year + 1, 1, 1))
        if line.held_until_s >= new_year:
            return False
        shops = self._over_new_year[day.year]
        chosen = shops < OVER_NEW_YEAR_MAX and self._rng.random() < _OVER_NEW_YEAR_CHANCE
        if chosen or (day.day == 31 and shops == 0):
            self._over_new_year[day.year] += 1
            return True
        return False

    def arrival(self, line: Line, true_s: int) -> int:
        """When a report made at a moment is recorded; a device sends in the order of its counter."""
        moment = max(true_s + 2, line.held_until_s, line.sent_s)
        line.sent_s = moment
        return moment

    def note_receipt(self, recorded_s: int, occurred_s: int) -> None:
        """Count a receipt by how late it is."""
        self.receipts += 1
        self.late += recorded_s - occurred_s > HOUR_S
        self.very_late += recorded_s - occurred_s > 3 * DAY_S


def clock_error_s(outlet: str, day: date) -> int:
    """By how much a shop's clock was ahead on a day."""
    for wrong in WRONG_CLOCKS:
        if wrong.outlet == outlet and wrong.first <= day <= wrong.last:
            return wrong.ahead_s
    return 0
