"""Stock and money follow from the facts, not from the order of their recording nor from how the log was cut."""

from collections.abc import Callable, Iterable, Iterator

import pytest
from hypothesis import HealthCheck, given, settings
from hypothesis import strategies as st

from events.catalogue.base import Event
from projections import income, inventory
from projections.base import Connection
from projections.income_identities import a1_postings_sum_to_zero, a2_sales_are_shared_whole, a3_earned_is_paid_or_owed
from projections.inventory_identities import (
    a4_stock_balances,
    a5_consignments_balance,
    a6_sold_units_were_packed_or_are_flagged,
    a7_drawers_balance,
    a8_counters_are_accounted_for,
)
from projections.statements import Row
from tests.books import History, Tables, connect
from tests.servers import LogDatabase
from tests.shop_histories import facts, history_of, orders

SETTINGS = settings(
    max_examples=20, deadline=None, derandomize=True, suppress_health_check=[HealthCheck.function_scoped_fixture]
)

#: What the order of recording must not change, by read model. Sums of nothing are as good as no sums at all.
INVENTORY = (
    "SELECT place, batch, packed, opening, received, shipped, cancelled, sold, returned, destroyed, sampled,"
    " unexplained, on_hand FROM inventory_stock WHERE (packed, opening, received, shipped, cancelled, sold, returned,"
    " destroyed, sampled, unexplained, on_hand) <> (0, 0, 0, 0, 0, 0, 0, 0, 0, 0, 0)",
    "SELECT * FROM inventory_bulk WHERE (made_g, made_pieces, consumed_g, consumed_pieces, packed_g, packed_pieces,"
    " destroyed_g, destroyed_pieces, sampled_g) <> (0, 0, 0, 0, 0, 0, 0, 0, 0)",
    "SELECT * FROM inventory_no_batch WHERE sold <> 0 OR returned <> 0",
    "SELECT * FROM inventory_transit",
    "SELECT * FROM inventory_shifts",
    "SELECT till, highest, accepted, quarantined FROM inventory_tills",
    "SELECT till, first, last FROM inventory_till_gaps",
    "SELECT flag, subject, place, detail FROM inventory_flags",
    "SELECT lot, item, maker, made_at, mass_g, pieces, inputs, by_products, product, code, packed_units"
    " FROM inventory_lots",
)
INCOME = (
    "SELECT * FROM income_pools WHERE makers_tyiyn <> 0",
    "SELECT * FROM income_sales",
    "SELECT * FROM income_product_sales WHERE (units, gross_tyiyn, makers_tyiyn, suspense_tyiyn) <> (0, 0, 0, 0)",
    "SELECT lot, producers, ppm FROM income_lots WHERE computed_at_position IS NOT NULL",
    "SELECT ref, line, product, batch, workshop, region, period, sum(units), sum(gross_tyiyn), sum(makers_tyiyn),"
    " sum(workshop_tyiyn), sum(outlet_tyiyn), sum(brand_tyiyn), sum(fund_tyiyn), sum(suspense_tyiyn) FROM income_lines"
    " GROUP BY 1, 2, 3, 4, 5, 6, 7 HAVING (sum(units), sum(gross_tyiyn), sum(makers_tyiyn), sum(suspense_tyiyn),"
    " sum(outlet_tyiyn)) <> (0, 0, 0, 0, 0)",
)


@pytest.fixture
def connection(module_log_database: LogDatabase) -> Iterator[Connection]:
    with connect(module_log_database.admin) as connection:
        yield connection
        connection.rollback()


@pytest.fixture
def inventory_tables(connection: Connection) -> Tables:
    return Tables(connection, inventory.MODEL, "inventory_test")


@pytest.fixture
def income_tables(connection: Connection) -> Tables:
    return Tables(connection, income.MODEL, "income_test")


def seen[T](tables: Tables, history: History, look: Callable[[Tables], T], cuts: Iterable[int] = ()) -> T:
    """What one sees after folding a history into empty tables, which are empty again afterwards."""
    with tables.connection.transaction(force_rollback=True):
        return look(tables.fold(history, cuts))


def asking(questions: tuple[str, ...]) -> Callable[[Tables], list[list[Row]]]:
    def look(tables: Tables) -> list[list[Row]]:
        connection = tables.here()
        return [sorted(connection.execute(question.encode()).fetchall(), key=repr) for question in questions]

    return look


def failing(identities: tuple[Callable[[Connection], list[str]], ...]) -> Callable[[Tables], list[str]]:
    def look(tables: Tables) -> list[str]:
        return [failure for identity in identities for failure in identity(tables.here())]

    return look


@SETTINGS
@given(said=facts(), data=st.data())
def test_facts_recorded_in_another_order_give_the_same_stock_and_drawers(
    inventory_tables: Tables, said: list[Event], data: st.DataObject
) -> None:
    history = history_of(said)
    other = history.in_order(data.draw(orders(history)))
    expected = seen(inventory_tables, history, asking(INVENTORY))
    assert seen(inventory_tables, other, asking(INVENTORY)) == expected


@SETTINGS
@given(said=facts(), data=st.data())
def test_facts_recorded_in_another_order_give_the_same_money(
    income_tables: Tables, said: list[Event], data: st.DataObject
) -> None:
    history = history_of(said)
    other = history.in_order(data.draw(orders(history)))
    expected = seen(income_tables, history, asking(INCOME))
    assert seen(income_tables, other, asking(INCOME)) == expected


@SETTINGS
@given(said=facts(counts=True), data=st.data())
def test_any_cut_of_the_log_into_batches_gives_the_same_tables(
    inventory_tables: Tables, income_tables: Tables, said: list[Event], data: st.DataObject
) -> None:
    history = history_of(said)
    history = history.in_order(data.draw(orders(history)))
    cuts = data.draw(st.lists(st.integers(1, len(history.recorded)), max_size=8))
    for tables in (inventory_tables, income_tables):
        whole = seen(tables, history, Tables.everything)
        assert seen(tables, history, Tables.everything, cuts) == whole


@SETTINGS
@given(said=facts(counts=True), data=st.data())
def test_the_identities_hold_after_any_history(
    inventory_tables: Tables, income_tables: Tables, said: list[Event], data: st.DataObject
) -> None:
    history = history_of(said)
    history = history.in_order(data.draw(orders(history)))
    goods = (
        a4_stock_balances,
        a5_consignments_balance,
        a6_sold_units_were_packed_or_are_flagged,
        a7_drawers_balance,
        a8_counters_are_accounted_for,
    )
    money = (a1_postings_sum_to_zero, a2_sales_are_shared_whole, a3_earned_is_paid_or_owed)
    for tables, identities in ((inventory_tables, goods), (income_tables, money)):
        broken = seen(tables, history, failing(identities))
        assert broken == []
