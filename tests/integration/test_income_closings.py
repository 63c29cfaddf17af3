"""Months closed at any position, from statements taken earlier: live or rebuilt, never a tyiyn off."""

from collections.abc import Iterator
from datetime import timedelta

import pytest
from hypothesis import HealthCheck, given, settings
from hypothesis import strategies as st

from events.catalogue.base import Event
from projections.base import Connection, Db
from projections.income import MODEL
from projections.income_identities import a1_postings_sum_to_zero, a2_sales_are_shared_whole, a3_earned_is_paid_or_owed
from projections.income_periods import Statement, statement
from tests import make
from tests.books import START, History, Tables, connect
from tests.servers import LogDatabase
from tests.shop_histories import DECISIONS, facts

REGION = "KG-Y"


@pytest.fixture
def connection(module_log_database: LogDatabase) -> Iterator[Connection]:
    with connect(module_log_database.admin) as connection:
        yield connection
        connection.rollback()


@pytest.fixture
def income(connection: Connection) -> Tables:
    return Tables(connection, MODEL, "income_test")


def closing(found: Statement) -> Event:
    return make.period_closed(
        region=found.region,
        month=found.month,
        through_position=found.through_position,
        statement_digest=found.digest,
        producers=found.totals.producers,
        earned_tyiyn=found.totals.earned_tyiyn,
        unknown_tyiyn=found.totals.unknown_tyiyn,
    )


class Live:
    """Records and folds event by event, takes statements and closes months with them some events later."""

    def __init__(self, income: Tables) -> None:
        self.income = income
        self.history = History()
        self.taken: dict[str, Statement] = {}
        self.closed: set[str] = set()

    def record(self, event: Event, days: int = 0) -> None:
        self.history.add(event, at=START + timedelta(days=days))
        newest = History()
        newest.recorded = self.history.recorded[-1:]
        self.income.fold(newest)

    def state(self, month: str) -> None:
        if month not in self.closed:
            through = len(self.history.recorded)
            self.taken.setdefault(month, statement(Db(self.income.here()), REGION, month, through))

    def close(self, month: str) -> None:
        if month in self.taken and month not in self.closed:
            self.closed.add(month)
            self.record(closing(self.taken[month]))


MONTHS = ("2016-03", "2016-04", "2016-05")


@settings(max_examples=15, deadline=None, derandomize=True, suppress_health_check=[HealthCheck.function_scoped_fixture])
@given(said=facts(), data=st.data())
def test_closings_at_any_position_keep_every_tyiyn_and_do_not_depend_on_batches(
    income: Tables, said: list[Event], data: st.DataObject
) -> None:
    with income.connection.transaction(force_rollback=True):
        live = Live(income)
        for event in (*DECISIONS, *data.draw(st.permutations(said))):
            live.record(event, days=data.draw(st.sampled_from((0, 30, 60))))
            act = data.draw(st.sampled_from(("", "", live.state, live.close)))
            if callable(act):
                act(data.draw(st.sampled_from(MONTHS)))
        for month in MONTHS:
            live.state(month)
            live.close(month)
        for identity in (a1_postings_sum_to_zero, a2_sales_are_shared_whole, a3_earned_is_paid_or_owed):
            assert identity(income.here()) == []
        expected = income.everything()
        pools = income.one("SELECT coalesce(sum(makers_tyiyn), 0) FROM income_pools WHERE period <= '2016-05'")
        adjusted = income.one(
            "SELECT coalesce(sum(a), 0) FROM income_adjustments, unnest(adjusted_tyiyn) a WHERE period > '2016-05'"
        )
        earned = income.one("SELECT coalesce(sum(earned_tyiyn), 0) FROM income_accounts")
        assert pools == earned
        assert adjusted == (0,)
    cuts = data.draw(st.lists(st.integers(1, len(live.history.recorded)), max_size=5))
    with income.connection.transaction(force_rollback=True):
        assert income.fold(live.history, cuts).everything() == expected
