"""The books as they stood at a moment, and why they are different today.

What was recorded by that moment is folded again, by the same folds, into tables beside the served ones; nothing is
remembered, so nothing can have been prettified since. The difference to today is what was recorded later: ordinary
business of later days, and late facts, which happened before and arrived after.
"""

from collections.abc import Mapping, Sequence
from dataclasses import dataclass
from datetime import UTC, date, datetime, timedelta
from typing import Final

import psycopg

from events.store import Log
from projections import yearbook
from projections.base import Connection, Db
from projections.bishkek import BISHKEK, day_of, month_of
from projections.building import Progress
from projections.identities import Identity, identities
from projections.scratch import scratch
from projections.yearbook import Books, Later
from services.read_models import READ_MODELS

SERVED: Final = "-c timezone=UTC -c search_path=inventory,traceability,income -c jit=off"


class NoSuchMoment(ValueError):
    """Say a day (2014-12-31), an instant with its offset (2014-12-31T18:00:00+06:00) or a position of the log."""

    def __str__(self) -> str:
        return self.__doc__ or ""


@dataclass(frozen=True, slots=True)
class Moment:
    """A place in the log, and up to when facts that belong before it may have occurred."""

    position: int
    moment: datetime

    @property
    def day(self) -> date:
        return day_of(self.moment)


@dataclass(frozen=True, slots=True)
class YearThenAndNow:
    """Sales of one year then and now: now = then + what came late + later business."""

    year: int
    then_sales_tyiyn: int
    then_makers_tyiyn: int
    late_sales_tyiyn: int
    late_makers_tyiyn: int
    later_sales_tyiyn: int
    later_makers_tyiyn: int
    now_sales_tyiyn: int
    now_makers_tyiyn: int

    @property
    def is_explained(self) -> bool:
        """Whether what was recorded later accounts for the whole difference, to the tyiyn."""
        sales = self.then_sales_tyiyn + self.late_sales_tyiyn + self.later_sales_tyiyn
        makers = self.then_makers_tyiyn + self.late_makers_tyiyn + self.later_makers_tyiyn
        return sales == self.now_sales_tyiyn and makers == self.now_makers_tyiyn


@dataclass(frozen=True, slots=True)
class Replayed:
    """The books then and now, and everything that explains the difference."""

    as_of: Moment
    now_position: int
    then: Books
    now: Books
    years: Sequence[YearThenAndNow]
    late_lines: Sequence[Later]  #: lines of income that came late, by year of the sale and kind
    late_events: Mapping[str, int]  #: all events that came late, by type
    months_closed_since: int  #: months up to the moment's own that were closed after it
    earned_since_tyiyn: int  #: what these made earned
    identities: Mapping[str, Identity]


def moment_of(text: str, log: Log) -> Moment:
    """What a person means by a moment: the end of a day in Bishkek, an instant, or a position. Raises NoSuchMoment."""
    if text.isdecimal() and len(text) < 16:
        position = min(int(text), log.head().position)
        recorded = log.read_leaves(position - 1, 1) if position > 0 else []
        return Moment(position, recorded[0].recorded_at if recorded else datetime.fromtimestamp(0, UTC))
    try:
        if len(text) == len("2014-12-31"):
            next_day = date.fromisoformat(text) + timedelta(days=1)
            midnight = datetime(next_day.year, next_day.month, next_day.day, tzinfo=BISHKEK)
            moment = midnight.astimezone(UTC) - timedelta(microseconds=1)
        else:
            moment = datetime.fromisoformat(text)
            if moment.tzinfo is None:
                moment = moment.replace(tzinfo=BISHKEK)
            moment = moment.astimezone(UTC)
    except (ValueError, OverflowError) as error:
        raise NoSuchMoment from error
    return Moment(log.position_at(moment), moment)


def replay(projector_conninfo: str, log: Log, as_of: Moment, progress: Progress | None = None) -> Replayed:
    """Fold the log up to a moment into a scratch copy and compare its books with what is served now."""
    with scratch(projector_conninfo, log, READ_MODELS, as_of.position, progress) as past:
        then = yearbook.books(past)
        held = identities(Db(past))
    with psycopg.connect(projector_conninfo, options=SERVED) as present:
        present.isolation_level = psycopg.IsolationLevel.REPEATABLE_READ
        now_position = _served_position(present)
        now = yearbook.books(present)
        later = yearbook.recorded_later(present, as_of.position, as_of.day)
        late_events = yearbook.late_facts(present, as_of.position, as_of.moment)
        closed, earned = yearbook.months_closed_later(present, as_of.position, month_of(as_of.day))
    return Replayed(
        as_of=as_of,
        now_position=now_position,
        then=then,
        now=now,
        years=_years(then, now, later),
        late_lines=[line for line in later if line.is_late],
        late_events=late_events,
        months_closed_since=closed,
        earned_since_tyiyn=earned,
        identities=held,
    )


def _served_position(connection: Connection) -> int:
    row = connection.execute(
        "SELECT min(position) FROM projection.serving JOIN projection.checkpoints USING (schema)"
    ).fetchone()
    return row[0] or 0 if row else 0


def _years(then: Books, now: Books, later: Sequence[Later]) -> list[YearThenAndNow]:
    then_by_year = {row.year: (row.sales_tyiyn, row.makers_tyiyn) for row in then.years}
    now_by_year = {row.year: (row.sales_tyiyn, row.makers_tyiyn) for row in now.years}
    years = sorted(then_by_year.keys() | now_by_year.keys() | {line.year for line in later})
    return [
        YearThenAndNow(
            year,
            *then_by_year.get(year, (0, 0)),
            *_sums(later, year, is_late=True),
            *_sums(later, year, is_late=False),
            *now_by_year.get(year, (0, 0)),
        )
        for year in years
    ]


def _sums(later: Sequence[Later], year: int, *, is_late: bool) -> tuple[int, int]:
    lines = [line for line in later if line.year == year and line.is_late is is_late]
    return sum(line.sales_tyiyn for line in lines), sum(line.makers_tyiyn for line in lines)
