"""Lots that were reported more than once and corrected: stock and origin are of one mind, in whatever order it came."""

from collections.abc import Iterator
from datetime import timedelta
from itertools import permutations

import pytest
from hypothesis import HealthCheck, given, settings

from events.catalogue.base import Event
from events.catalogue.production import ByProduct
from events.catalogue.values import LotInput
from projections import inventory, traceability
from projections.base import Connection
from projections.statements import Row
from tests import make
from tests.books import START, History, Tables, connect
from tests.histories import Said, facts, recorded
from tests.servers import LogDatabase
from tests.shop_histories import id_of


@pytest.fixture
def connection(module_log_database: LogDatabase) -> Iterator[Connection]:
    with connect(module_log_database.admin) as connection:
        yield connection
        connection.rollback()


@pytest.fixture
def stock(connection: Connection) -> Tables:
    return Tables(connection, inventory.MODEL, "inventory_test")


@pytest.fixture
def trace(connection: Connection) -> Tables:
    return Tables(connection, traceability.MODEL, "trace_test")


SUMS = "made_g, made_pieces, consumed_g, consumed_pieces, packed_g, packed_pieces, destroyed_g, destroyed_pieces"
OF_A_LOT = ", ".join(f"sum({column})::bigint" for column in SUMS.split(", "))


def of_lots(tables: Tables, table: str, history: History, cuts: tuple[int, ...] = ()) -> list[Row]:
    """What a model says was made of each lot, and went from it."""
    with tables.connection.transaction(force_rollback=True):
        tables.fold(history, cuts).here()
        found = tables.connection.execute(f"SELECT lot, {OF_A_LOT} FROM {table} GROUP BY lot".encode()).fetchall()
        return sorted(row for row in found if any(row[1:]))


def history_of(*said: Event) -> History:
    history = History()
    for hours, event in enumerate(said):
        history.add(event, at=START + timedelta(hours=hours))
    return history


APRICOTS = make.lot_collected(lot="lot", mass_g=100)
AGAIN = make.lot_collected(lot="lot", mass_g=30, delivered_to="workshop/barskoon-felt")
STEP = make.batch_produced(lot="lot", inputs=(LotInput(lot="pulp", mass_g=9),), mass_g=50)


def corrected(which: int, mass_g: int) -> Event:
    return make.lot_corrected(lot="lot", corrects=id_of(which), producer=None, mass_g=mass_g)


@pytest.mark.parametrize(
    ("said", "made_g"),
    [
        pytest.param((APRICOTS, AGAIN, corrected(1, 5), corrected(2, 7)), 12, id="each-of-two"),
        pytest.param((APRICOTS, AGAIN, corrected(1, 5), corrected(1, 7)), 37, id="one-twice"),
        pytest.param((APRICOTS, STEP, corrected(1, 5)), 55, id="the-one-that-is-no-step"),
        pytest.param((APRICOTS, corrected(9, 5)), 100, id="a-report-of-nobody"),
        pytest.param((STEP, corrected(1, 5)), 50, id="not-as-a-step"),
    ],
)
def test_a_correction_is_of_one_report(stock: Tables, trace: Tables, said: tuple[Event, ...], made_g: int) -> None:
    history = history_of(*said)
    for order in permutations(range(len(said))):
        other = history.in_order(order)
        for cuts in ((), (1, 2, 3)):
            of_stock = of_lots(stock, "inventory_bulk", other, cuts)
            assert {row[0]: row[1] for row in of_stock}["lot"] == made_g, order
            assert of_stock == of_lots(trace, "trace_balances", other, cuts), order


def test_whose_a_lot_is_follows_the_latest_correction_in_any_order(stock: Tables) -> None:
    """A later correction that names nobody says that it was who had been reported."""
    of_another = make.lot_corrected(lot="lot", corrects=id_of(1), producer="p-002", mass_g=5)
    history = history_of(APRICOTS, of_another, corrected(1, 7))
    for upto, maker in ((2, "producer/p-002"), (3, "producer/p-001")):
        for order in permutations(range(upto)):
            with stock.connection.transaction(force_rollback=True):
                stock.fold(history.in_order(order), (1, 2))
                assert stock.rows("inventory_lots", "maker") == [(maker,)], order


def test_what_a_step_of_no_inputs_keeps_is_there(stock: Tables, trace: Tables) -> None:
    kept = (ByProduct(material="wax", mass_g=9, lot="wax"), ByProduct(material="jam", mass_g=7, lot="batch-jam-1"))
    history = history_of(make.batch_produced(inputs=(), by_products=kept))
    of_stock = of_lots(stock, "inventory_bulk", history)
    assert {row[0]: row[1] for row in of_stock} == {"batch-jam-1": 30_000, "wax": 9}
    assert of_stock == of_lots(trace, "trace_balances", history)


@settings(max_examples=60, deadline=None, suppress_health_check=[HealthCheck.function_scoped_fixture])
@given(said=facts(trade=False))
def test_stock_and_traceability_make_and_consume_the_same_of_every_lot(
    stock: Tables, trace: Tables, said: list[Said]
) -> None:
    history = History()
    history.recorded = recorded(said)
    assert of_lots(stock, "inventory_bulk", history) == of_lots(trace, "trace_balances", history)
