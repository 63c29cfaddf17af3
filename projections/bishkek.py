"""Days and months of Asia/Bishkek: the network's business calendar."""

from datetime import date, datetime
from functools import lru_cache
from zoneinfo import ZoneInfo

BISHKEK = ZoneInfo("Asia/Bishkek")


def in_bishkek(moment: datetime) -> datetime:
    """An instant by the clocks of Bishkek. One at the very edge of the calendar keeps its own date and time."""
    try:
        return moment.astimezone(BISHKEK)
    except OverflowError:
        return moment


def day_of(moment: datetime) -> date:
    """The business day of an instant."""
    return in_bishkek(moment).date()


def day_said(instant: str) -> date:
    """The business day of an instant as the log writes it: `2016-12-31T18:00:00.000000Z`."""
    # Since 1924 the clocks of Bishkek have stood whole hours from UTC: all moments of an hour fall on one day.
    return _day_of_hour(instant[:13]) if instant > "1925" else day_of(datetime.fromisoformat(instant))


@lru_cache(maxsize=16_384)
def _day_of_hour(hour: str) -> date:
    return day_of(datetime.fromisoformat(f"{hour}:00:00+00:00"))


@lru_cache(maxsize=16_384)
def month_of(day: date) -> str:
    """The month of a day as `2016-03`; compared as text, months sort as time does."""
    return f"{day.year:04d}-{day.month:02d}"


@lru_cache(maxsize=4_096)
def month_after(month: str) -> str:
    """The month that follows `2016-03`."""
    year, number = int(month[:4]), int(month[5:])
    return f"{year + 1:04d}-01" if number == 12 else f"{year:04d}-{number + 1:02d}"
