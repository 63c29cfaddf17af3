"""The business day of a moment, asked of the moment and of how the log writes it."""

from datetime import UTC, datetime

from hypothesis import example, given
from hypothesis import strategies as st

from events.canonical import instant
from projections.bishkek import day_of, day_said


@given(st.datetimes(timezones=st.just(UTC)))
@example(datetime(1924, 5, 1, 19, 1, 30, tzinfo=UTC))
@example(datetime(2016, 12, 31, 17, 59, 59, 999_999, tzinfo=UTC))
@example(datetime(2016, 12, 31, 18, 0, tzinfo=UTC))
@example(datetime.max.replace(tzinfo=UTC))
def test_a_moment_as_the_log_writes_it_has_the_same_day(moment: datetime) -> None:
    assert day_said(instant(moment)) == day_of(moment)
