"""Days and seconds of Asia/Bishkek, and how busy a month is. Bishkek has kept UTC+6 all year round since 2005."""

from datetime import date, timedelta
from functools import lru_cache

DAY_S = 86_400
HOUR_S = 3_600
_UTC_OFFSET_S = 6 * HOUR_S
_EPOCH = date(1970, 1, 1).toordinal()

#: Assumed weights of the months, January to December.
MONTH_WEIGHTS = {
    "lake": (2, 2, 3, 4, 7, 13, 22, 22, 10, 5, 4, 6),
    "city": (6, 8, 10, 6, 7, 8, 9, 9, 8, 7, 8, 14),
    "summer": (0, 0, 0, 0, 0, 22, 35, 33, 10, 0, 0, 0),
    "winter": (30, 28, 16, 0, 0, 0, 0, 0, 0, 0, 0, 26),
}
_WEEKDAY_WEIGHTS = (0.9, 0.85, 0.9, 0.95, 1.05, 1.25, 1.1)


def at(day: date, hour: float = 0.0) -> int:
    """Unix seconds of an hour of a Bishkek day."""
    return (day.toordinal() - _EPOCH) * DAY_S - _UTC_OFFSET_S + int(hour * HOUR_S)


def day_of(moment_s: int) -> date:
    """The Bishkek day of a moment."""
    return date.fromordinal(_EPOCH + (moment_s + _UTC_OFFSET_S) // DAY_S)


@lru_cache(maxsize=4096)
def _day_text(days: int) -> str:
    return date.fromordinal(_EPOCH + days).isoformat()


def iso(moment_s: int) -> str:
    """A moment as ISO 8601 in UTC."""
    days, second = divmod(moment_s, DAY_S)
    return f"{_day_text(days)}T{second // 3600:02}:{second // 60 % 60:02}:{second % 60:02}Z"


def month_before(day: date) -> str:
    """The calendar month before a day's, as YYYY-MM."""
    return (day.replace(day=1) - timedelta(days=1)).isoformat()[:7]


def day_weight(season: str, day: date) -> float:
    """How busy a shop of a season is on a day; 0 when it is shut."""
    return MONTH_WEIGHTS[season][day.month - 1] * _WEEKDAY_WEIGHTS[day.weekday()]
