"""What becomes of the money of a sale: shared once, earned when its month is closed, paid, and never lost on the way."""

from collections.abc import Iterator
from datetime import UTC, date, datetime

import pytest

from projections.base import Connection, Db
from projections.income import MODEL
from projections.income_periods import statement
from tests import make
from tests.books import History, Tables, connect
from tests.servers import LogDatabase


@pytest.fixture
def connection(bare_database: LogDatabase) -> Iterator[Connection]:
    with connect(bare_database.admin) as connection:
        yield connection


@pytest.fixture
def income(connection: Connection) -> Tables:
    return Tables(connection, MODEL, "income_test")


def network() -> History:
    return History().add(
        make.region_joined(),
        make.village_registered(),
        make.producer_registered(),
        make.workshop_opened(),
        make.outlet_opened(),
        make.product_defined(),
        make.share_terms_agreed(),
    )


def jam() -> History:
    return network().add(make.lot_collected(), make.material_received(), make.batch_produced(), make.batch_packed())


def test_a_line_is_shared_once_to_the_tyiyn(income: Tables) -> None:
    income.fold(jam().add(make.sale_made()))
    print(income.rows("income_lines"))
    print(income.rows("income_pools"))
    print(income.rows("income_sales"))
    assert income.one("SELECT sum(gross_tyiyn) FROM income_lines") == (36_000,)
    found = statement(Db(income.connection), "KG-Y", "2016-03", 1000)
    print(found, found.totals)
