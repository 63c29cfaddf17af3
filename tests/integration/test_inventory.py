"""What the inventory makes of the reports of workshops, carriers and shops."""

from collections.abc import Iterator
from datetime import timedelta

import pytest

from projections.base import Connection
from projections.inventory import MODEL
from tests import make
from tests.books import START, History, Tables, connect
from tests.servers import LogDatabase


@pytest.fixture
def connection(bare_database: LogDatabase) -> Iterator[Connection]:
    with connect(bare_database.admin) as connection:
        yield connection


@pytest.fixture
def inventory(connection: Connection) -> Tables:
    return Tables(connection, MODEL, "inventory_test")


def jam() -> History:
    """100 jars packed, 40 sent to the shop, 38 counted there."""
    return History().add(
        make.outlet_opened(),
        make.price_set(),
        make.till_enrolled(),
        make.lot_collected(),
        make.material_received(),
        make.batch_produced(),
        make.batch_packed(),
        make.stock_shipped(lines=(make.stock_line(units=40),)),
        make.stock_received(lines=(make.stock_line(units=38),)),
    )


def test_units_are_where_the_reports_put_them(inventory: Tables) -> None:
    history = jam().add(make.shift_opened(till_counter=1), make.sale_made(till_counter=2))
    inventory.fold(history)
    stock = {(row[0], row[1]): row for row in inventory.rows("inventory_stock")}
    assert stock["outlet/karakol", "batch-jam-1"][-1] == 36
    assert stock["workshop/tosor-jam", "batch-jam-1"][-1] == 60
    assert inventory.one("SELECT in_transit FROM inventory_transit") == (2,)
