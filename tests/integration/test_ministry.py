"""What the ministry sees by SQL, with a program of its own: incomes of five at least, takings, and nothing else."""

from collections.abc import Callable, Iterator, Sequence
from datetime import UTC, date, datetime
from pathlib import Path
from typing import Any

import psycopg
import pytest
from hypothesis import HealthCheck, given, settings
from hypothesis import strategies as st
from psycopg import errors, sql

from events.catalogue.values import LotInput
from events.store import Log
from projections.rebuild import rebuild
from services.aggregates import PERSONS_MIN
from services.read_models import READ_MODELS
from tests import make
from tests.door import Door, accepted, opened
from tests.integration.test_api import found
from tests.servers import LogDatabase
from tests.small_network import PRICE_TYIYN, SOLD_IN_2015, SOLD_IN_TIME, SOLD_LATE, VOIDED, fill

type Told = list[tuple[str, str, int, int]]
type Reader = Callable[..., list[dict[str, Any]]]


@pytest.fixture
def door(log_database: LogDatabase, tmp_path: Path) -> Iterator[Door]:
    with opened(log_database, tmp_path) as opened_door:
        yield opened_door


def state(door: Door, earners: Sequence[tuple[str, str]], idle: Sequence[tuple[str, str]] = ()) -> None:
    """Statements of a closed month: a producer for each (region, village), the n-th of whom earned 2**n tyiyn.

    Those who are `idle` live there too and earned nothing.
    """
    with psycopg.connect(door.database.admin) as connection:
        connection.execute("TRUNCATE income_1.income_statements, income_1.income_makers")
        for n, (region, village) in enumerate([*earners, *idle]):
            connection.execute(
                "INSERT INTO income_1.income_makers (maker, village, region) VALUES (%s, %s, %s)",
                [f"producer/p-{n}", village, region],
            )
            if n >= len(earners):
                continue
            connection.execute(
                "INSERT INTO income_1.income_statements (region, period, producer, earned_tyiyn)"
                " VALUES (%s, '2016-03', %s, %s)",
                [region, f"p-{n}", 2**n],
            )


def villages(door: Door) -> Told:
    with psycopg.connect(door.database.ministry) as connection:
        return connection.execute(
            "SELECT region, village, producers, earned_tyiyn FROM ministry.income_by_village ORDER BY 1, 2"
        ).fetchall()


def regions(door: Door) -> Told:
    with psycopg.connect(door.database.ministry) as connection:
        return connection.execute(
            "SELECT '', region, producers, earned_tyiyn FROM ministry.income_by_region ORDER BY 2"
        ).fetchall()


@pytest.fixture
def reader(door: Door) -> Reader:
    """Asks the API as somebody of the ministry."""
    found(door)
    store = door.front.credentials.store
    store.add_person("user/g", "g")
    accepted(door.command("network/grant-role", to="user/g", role="ministry"))
    headers = {"Authorization": f"Bearer {store.begin_session('user/g', 1)}"}

    def ask(by: str, year: int | None = None) -> list[dict[str, Any]]:
        response = door.client.get(
            "/api/v1/income", params={"by": by} | ({} if year is None else {"year": year}), headers=headers
        )
        assert response.status_code == 200, response.text
        rows: list[dict[str, Any]] = response.json()["income"]
        return rows

    return ask


def test_villages_of_five_are_told_and_smaller_ones_together(door: Door) -> None:
    state(door, [("KG-Y", "tosor")] * 6 + [("KG-Y", "ton")] * 3 + [("KG-Y", "bokon")] * 2)

    assert villages(door) == [("KG-Y", "others", 5, 2**11 - 2**6), ("KG-Y", "tosor", 6, 2**6 - 1)]
    assert regions(door) == [("", "KG-Y", 11, 2**11 - 1)]


def test_a_small_rest_takes_the_next_village_with_it_so_that_no_difference_tells_it(door: Door) -> None:
    state(door, [("KG-Y", "tosor")] * 9 + [("KG-Y", "ton")] * 5 + [("KG-Y", "bokon")] * 2)

    assert [(key, producers) for _, key, producers, _ in villages(door)] == [("others", 7), ("tosor", 9)]


def test_a_region_of_fewer_than_five_hides_among_others_and_no_village_of_those_is_told(door: Door) -> None:
    many = [("KG-O", "nookat")] * 20
    state(door, [("KG-Y", "tosor")] * 7 + [("KG-N", "at-bashy")] * 4 + many)

    assert [(key, producers) for _, key, producers, _ in regions(door)] == [("KG-O", 20), ("others", 11)]
    assert [(region, key) for region, key, _, _ in villages(door)] == [("KG-O", "nookat")]


def test_of_fewer_than_five_in_all_nothing_is_told(door: Door) -> None:
    state(door, [("KG-Y", "tosor")] * 4)

    assert villages(door) == regions(door) == []


_HOMES = st.sampled_from(make.HOMES)


@settings(max_examples=60, deadline=None, suppress_health_check=[HealthCheck.function_scoped_fixture])
@given(st.lists(_HOMES, max_size=26))
def test_no_sum_and_no_difference_of_sums_is_of_fewer_than_five(door: Door, earners: list[tuple[str, str]]) -> None:
    """Each producer's amount is a power of two of its own, so a sum says of whom it is."""
    state(door, earners)
    by_village, by_region = villages(door), regions(door)
    sums = {amount for *_, amount in (*by_village, *by_region)}
    for region, _, amount in ((key, 0, amount) for _, key, _, amount in by_region):
        parts = sum(part for of, _, _, part in by_village if of == region)
        sums |= {amount - parts} if parts else set()
    whole, of_villages = (sum(amount for *_, amount in told) for told in (by_region, by_village))
    sums |= {whole - of_villages} if of_villages else set()
    # Regions that are told together, against what is told of the villages of each.
    named = {key for _, key, _, _ in by_region}
    assert {region for region, *_ in by_village} <= named

    assert all(amount >= 0 for amount in sums), "what is told of villages is told of their region too"
    assert all(amount == 0 or amount.bit_count() >= PERSONS_MIN for amount in sums)
    assert all(amount.bit_count() == producers for *_, producers, amount in (*by_village, *by_region))


@settings(max_examples=60, deadline=None, suppress_health_check=[HealthCheck.function_scoped_fixture])
@given(st.lists(_HOMES, max_size=26), st.lists(_HOMES, max_size=12))
def test_the_api_tells_the_ministry_what_the_views_tell(
    door: Door, reader: Reader, earners: list[tuple[str, str]], idle: list[tuple[str, str]]
) -> None:
    state(door, earners, idle)

    def told(by: str) -> Told:
        return [
            (row["region"] if by == "village" else "", row["key"], row["producers"], row["earned_tyiyn"])
            for row in reader(by)
        ]

    assert sorted(told("village")) == sorted(villages(door))
    assert sorted(told("region")) == sorted(regions(door))


def test_who_earned_nothing_hides_nobody_who_did(door: Door, reader: Reader) -> None:
    state(door, [("KG-Y", "tosor")], idle=[("KG-Y", "tosor")] * 6)

    assert reader("village") == reader("region") == reader("village", 2016) == []


def test_who_gave_back_all_that_was_earned_makes_no_fifth(door: Door, reader: Reader) -> None:
    state(door, [("KG-Y", "tosor")] * 5)
    assert [producers for _, _, producers, _ in villages(door)] == [5]
    with psycopg.connect(door.database.admin) as connection:
        connection.execute("INSERT INTO income_1.income_statements VALUES ('KG-Y', '2016-04', 'p-4', -16)")

    assert villages(door) == regions(door) == []
    assert reader("village") == reader("region") == []


def test_each_sum_is_judged_by_those_who_have_a_part_in_it(door: Door, reader: Reader) -> None:
    state(door, [("KG-Y", "tosor")] * 7)
    with psycopg.connect(door.database.admin) as connection:
        for n in range(7):
            connection.execute("INSERT INTO income_1.income_accounts VALUES (%s, 9, 0, 0, 0, 9)", [f"p-{n}"])
        connection.execute("INSERT INTO income_1.income_payments VALUES (1, 'payout', 'p-0', 'r', '2016-05-02', 1)")
    row = {"key": "tosor", "region": "KG-Y", "producers": 7, "earned_tyiyn": 2**7 - 1, "accruing_tyiyn": None}

    assert reader("village") == [row | {"paid_tyiyn": None, "owed_tyiyn": 63}], "only one was paid"
    assert reader("village", 2016) == [row | {"paid_tyiyn": None, "owed_tyiyn": None}], "what is owed is of now"


@pytest.mark.parametrize(
    "statement",
    [
        "SELECT * FROM ministry.earned()",
        "SELECT * FROM ministry.judged(true)",
        "SELECT * FROM income.income_statements",
        "SELECT * FROM income_1.income_statements",
        "SELECT * FROM inventory.inventory_sales",
        "SELECT * FROM traceability.trace_producers",
        "SELECT * FROM log.events",
        "SELECT * FROM log.network",
        "SELECT * FROM personal.vault",
        "SELECT * FROM access.people",
        "SELECT * FROM quarantine.messages",
        "SELECT * FROM projection.serving",
        "CREATE TEMPORARY TABLE mine (n integer)",
        "CREATE SCHEMA mine",
        "CREATE FUNCTION ministry.mine() RETURNS integer LANGUAGE sql AS 'SELECT 1'",
        "CREATE OR REPLACE VIEW ministry.income_by_region AS SELECT 1",
        "SET ROLE ovop_owner",
        "SET ROLE ovop_reader",
    ],
)
def test_the_ministry_s_role_reads_its_views_and_nothing_else(door: Door, statement: str) -> None:
    with (
        psycopg.connect(door.database.ministry, autocommit=True) as connection,
        pytest.raises(errors.InsufficientPrivilege),
    ):
        connection.execute(statement)


def trade(door: Door) -> None:
    """The small network, whose four producers are too few to be told, and a month in which eleven others earn too."""
    spring = datetime(2015, 3, 2, 6, tzinfo=UTC)
    with Log(door.database.writer) as log:
        recorder = fill(log)
        lots = tuple(f"lot-new-{n}" for n in range(11))
        for n, lot in enumerate(lots):
            village = "tosor" if n < 6 else "barskoon"
            registered = make.producer_registered(producer=f"p-new-{n}", village=village, joined_on=spring.date())
            recorder.record(registered, spring)
            recorder.record(make.lot_collected(lot=lot, producer=f"p-new-{n}", mass_g=1_000 + n), spring)
        inputs = tuple(LotInput(lot=lot, mass_g=1_000 + n) for n, lot in enumerate(lots))
        made = make.batch_produced(lot="batch-new", inputs=inputs, mass_g=9_000, loss_mass_g=2_055)
        recorder.record(made, spring)
        packed = make.batch_packed(lot="batch-new", code="NARYNH1Q", units=30, best_before=date(2016, 12, 31))
        recorder.record(packed, spring)
        for kind in (make.stock_shipped, make.stock_received):
            recorder.record(kind(consignment="c-new", lines=(make.stock_line(batch="batch-new", units=20),)), spring)
        line = make.sale_line(batch="batch-new", units=7, unit_price_tyiyn=PRICE_TYIYN)
        sold = make.sale_made(sale="sale-spring", till_counter=99, lines=(line,), tenders=(make.cash(7 * PRICE_TYIYN),))
        recorder.record(sold, spring)
    door.fold()
    closing = {"region": "KG-Y", "month": "2015-03", "occurred_at": "2015-04-02T12:00:00+06:00"}
    accepted(door.command("settlement/close-period", **closing))
    door.fold()


def views(door: Door) -> dict[str, list[tuple[object, ...]]]:
    """The rows of each of the ministry's views."""
    told = {}
    with psycopg.connect(door.database.ministry) as connection:
        for view in ("income_by_region", "income_by_village", "sales_by_year"):
            told[view] = connection.execute(
                sql.SQL("SELECT * FROM {} ORDER BY 1, 2").format(sql.Identifier("ministry", view))
            ).fetchall()
    return told


def test_the_views_tell_what_months_stated_and_shops_took(door: Door) -> None:
    trade(door)

    told = views(door)

    [period] = door.get("/api/v1/income", by="period").json()["income"]
    of_villages = {village: (region, producers) for region, village, producers, _ in told["income_by_village"]}
    assert told["income_by_region"] == [("KG-Y", 11, period["earned_tyiyn"])]
    assert of_villages == {"tosor": ("KG-Y", 6), "barskoon": ("KG-Y", 5)}
    assert sum(int(str(earned)) for *_, earned in told["income_by_village"]) == period["earned_tyiyn"] > 0
    units = {2014: sum(SOLD_IN_TIME) - SOLD_IN_TIME[VOIDED] + SOLD_LATE, 2015: sum(SOLD_IN_2015) + 7}
    assert told["sales_by_year"] == [(year, "retail", sold, sold * PRICE_TYIYN) for year, sold in units.items()]


def test_the_views_outlive_a_rebuild_of_the_tables(door: Door) -> None:
    trade(door)
    before = views(door)
    assert all(before.values())

    rebuild(door.database.projector, door.log, [model for model in READ_MODELS if model.name == "income"])
    with psycopg.connect(door.database.projector) as connection:
        connection.execute("DROP SCHEMA income_1 CASCADE")

    assert views(door) == before
