"""A sum over many rows may be greater than any row may: it is told whole, and no read breaks over it."""

import json
from collections.abc import Iterator
from contextlib import closing
from datetime import UTC, datetime
from pathlib import Path
from typing import Any, Final

import httpx
import psycopg
import pytest
import sqlalchemy as sa

from events.catalogue.values import QUANTITY_MAX, LotInput
from projections import income_queries, income_sales, inventory_queries, label, yearbook
from projections.base import Db
from projections.identities import identities
from projections.income_restatements import restated
from services.read_models import READ_MODELS
from services.replay import SERVED
from tests import make
from tests.door import Door, accepted, opened
from tests.servers import LogDatabase
from tests.small_network import BATCH, CODE, fill

BIGINT_MAX: Final = 2**63 - 1
#: Beyond this a JSON writer that counts with machine words gives up.
WORD_MAX: Final = 2**64 - 1
SHOPS: Final = (
    ("karakol", "apricot-jam-300", BATCH),
    ("bishkek", "pear-jam-300", "batch-pear-1"),
    ("naryn", "plum-jam-300", "batch-plum-1"),
)
#: Lines of the receipts of one shop: as many of the greatest amount as a row can just hold.
RECEIPTS: Final = (*[400] * 23, 20)
SOLD: Final = sum(RECEIPTS) * QUANTITY_MAX
DAY: Final = datetime(2014, 10, 1, 6, tzinfo=UTC)

READS: Final = (
    "/",
    f"/l/{CODE}",
    "/api/v1/network",
    "/api/v1/todo",
    *(f"/api/v1/inventory?by={by}" for by in ("batch", "product", "transit", "flag")),
    *(
        f"/api/v1/income?by={by}"
        for by in ("year", "month", "producer", "village", "region", "product", "outlet", "channel", "period")
    ),
    "/api/v1/income?by=suspense",
    "/api/v1/income?by=producer&year=2014",
    "/api/v1/income?producer=p-tosor",
    f"/api/v1/lots/{BATCH}",
    f"/api/v1/lots/{BATCH}/trace",
    "/api/v1/lots/lot-tosor/forward",
    "/api/v1/outlets/karakol/shifts",
    "/api/v1/logistics/differences",
    "/api/v1/settlement/disputes",
    "/api/v1/committee/certificates",
    *(f"/api/v1/regions/KG-Y/{what}" for what in ("stock", "consignments", "statements", "outlets", "producers")),
    "/readyz",
    "/metrics",
)


@pytest.fixture
def door(log_database: LogDatabase, tmp_path: Path) -> Iterator[Door]:
    with opened(log_database, tmp_path) as opened_door:
        yield opened_door


def sell_much(door: Door) -> None:
    """Three shops, each of which sells as much as a row can hold, in units and in tyiyn."""
    recorder = fill(door.front.handler.log)
    recorder.record(make.outlet_opened(outlet="naryn"), DAY)
    for outlet, product, batch in SHOPS:
        if batch != BATCH:
            recorder.record(make.product_defined(product=product), DAY)
            recorder.record(
                make.batch_produced(lot=batch, product=product, inputs=(LotInput(lot="lot-ton", mass_g=9),)), DAY
            )
            recorder.record(make.batch_packed(lot=batch, product=product, code=f"4T7QX9B{batch[6].upper()}"), DAY)
        till: dict[str, Any] = {"shift": f"shift-{outlet}", "outlet": outlet, "till": f"{outlet}-1"}
        counter = iter(range(1, 1_000))
        recorder.record(make.shift_opened(**till, till_counter=next(counter), opening_cash_tyiyn=QUANTITY_MAX), DAY)
        for lines in RECEIPTS:
            recorder.record(
                make.sale_made(
                    **till,
                    till_counter=(n := next(counter)),
                    sale=f"sale-{outlet}-{n}",
                    lines=(make.sale_line(product=product, batch=batch, units=QUANTITY_MAX, unit_price_tyiyn=1),)
                    * lines,
                    tenders=(make.cash(QUANTITY_MAX),) * lines,
                ),
                DAY,
            )
        for _ in range(3):
            recorder.record(
                make.cash_moved(**till, till_counter=next(counter), direction="in", amount_tyiyn=QUANTITY_MAX), DAY
            )
        recorder.record(make.shift_closed(**till, till_counter=next(counter), counted_cash_tyiyn=QUANTITY_MAX), DAY)


def broken(door: Door) -> dict[str, str]:
    """The reads that do not answer, and what they say."""
    answers = {path: door.client.get(path) for path in READS}
    return {path: answer.text for path, answer in answers.items() if answer.status_code != 200}


def first_totals(door: Door) -> Any:
    """The first totals of the live news."""
    with httpx.stream("GET", f"{door.url}/api/v1/stream", timeout=10) as response:
        lines = (line for line in response.iter_lines() if line.startswith("data:") and "sales_tyiyn" in line)
        return json.loads(next(lines).removeprefix("data:"))


def test_sums_over_shops_are_told_whole_however_great(door: Door) -> None:
    sell_much(door)
    assert len(SHOPS) * SOLD > WORD_MAX
    assert SOLD < BIGINT_MAX < SOLD + 4 * QUANTITY_MAX
    door.fold()
    with psycopg.connect(door.database.admin) as connection:
        assert connection.execute("SELECT type, error FROM projection.parked").fetchall() == []

    assert broken(door) == {}
    years = door.get("/api/v1/income", by="year").json()["income"]
    year = years[0]
    shared = ("makers", "workshop", "outlet", "brand", "fund", "suspense")
    assert len(SHOPS) * SOLD < year["gross_tyiyn"] < len(SHOPS) * SOLD + QUANTITY_MAX
    assert year["gross_tyiyn"] == sum(year[f"{part}_tyiyn"] for part in shared)
    assert first_totals(door)["sales_tyiyn"] == sum(each["gross_tyiyn"] for each in years)
    [shift] = [each for each in door.get("/api/v1/outlets/karakol/shifts").json()["shifts"] if each["opened_at"]]
    assert shift["expected_tyiyn"] == SOLD + 4 * QUANTITY_MAX

    with closing(psycopg.connect(door.database.projector, options=SERVED)) as connection:
        books = yearbook.books(connection)
        assert books.years[0].sales_tyiyn == year["gross_tyiyn"]
        assert {name: each.detail for name, each in identities(Db(connection)).items() if not each.holds} == {}
    close = {"region": "KG-Y", "month": "2014-10", "occurred_at": "2015-02-10T06:00:00+06:00"}
    refused = door.command("settlement/close-period", **close)
    assert (refused.status_code, refused.json()["code"]) == (409, "month_beyond_counting")
    with psycopg.connect(door.database.ministry) as connection:
        [(_, channel, _, gross)] = connection.execute(
            "SELECT * FROM ministry.sales_by_year WHERE year = 2014"
        ).fetchall()
    assert (channel, gross) == ("retail", year["gross_tyiyn"])


#: Numbers that are no quantities.
NO_QUANTITIES: Final = (
    "position",
    "microdegrees",
    "ppm",
    "line",
    "part",
    "counter",
    "first",
    "last",
    "highest",
    "accepted",
    "quarantined",
)


def fill_to_the_brim(connection: psycopg.Connection[Any]) -> None:
    """Put the greatest number a row can hold wherever one counts something."""
    for model in READ_MODELS:
        for table in model.tables.sorted_tables:
            for column in table.columns:
                counts = isinstance(column.type, sa.BigInteger) and not column.primary_key
                if counts and not any(word in column.name for word in NO_QUANTITIES):
                    connection.execute(f"UPDATE {model.name}.{table.name} SET {column.name} = {BIGINT_MAX}".encode())


def test_no_read_breaks_over_rows_that_are_as_great_as_rows_may_be(door: Door) -> None:
    fill(door.front.handler.log)
    door.fold()
    accepted(
        door.command("settlement/close-period", region="KG-Y", month="2014-09", occurred_at="2015-02-10T06:00:00+06:00")
    )
    door.fold()
    with psycopg.connect(door.database.admin) as connection:
        fill_to_the_brim(connection)

    assert broken(door) == {}
    with closing(psycopg.connect(door.database.projector, options=SERVED)) as connection:
        assert yearbook.books(connection).sales_tyiyn > BIGINT_MAX
        assert yearbook.recorded_later(connection, 0, DAY.date())
        assert yearbook.months_closed_later(connection, 0, "2014-12")[0] == 1
        assert label.packed(connection, BATCH)
        assert inventory_queries.flag_counts(connection)
        assert inventory_queries.discrepancies(connection)
        assert income_queries.totals(connection)[0] > BIGINT_MAX
        assert income_sales.sales_by_month(connection, place="outlet/karakol")
        assert restated(Db(connection), "KG-Y", "2014-09", 1_000).rows
        assert not all(each.holds for each in identities(Db(connection)).values())
    with psycopg.connect(door.database.ministry) as connection:
        for view in ("sales_by_year", "income_by_region", "income_by_village"):
            connection.execute(f"SELECT * FROM ministry.{view}".encode())


def test_only_numbers_without_decimal_places_are_read_as_integers(log_database: LogDatabase) -> None:
    with psycopg.connect(log_database.reader) as connection:
        [row] = connection.execute("SELECT -1e20::numeric, sum(3::bigint), 1.50, 'NaN'::numeric").fetchall()
    assert [repr(number) for number in row] == [str(-(10**20)), "3", "Decimal('1.50')", "Decimal('NaN')"]
