"""Day one of a shop that exists already: its stock, its past and its advances come along, through the front door."""

from collections.abc import Iterator
from datetime import date
from pathlib import Path

import pytest

from events.catalogue.base import Event
from events.catalogue.values import StockLine
from tests import make
from tests.door import Door, accepted, opened, report
from tests.servers import LogDatabase

DAY = "2016-03-10T09:00:00+06:00"
OLD, KNOWN = "jam-from-before", "batch-jam-1"


@pytest.fixture
def door(log_database: LogDatabase, tmp_path: Path) -> Iterator[Door]:
    """A network that begins in March 2016, and a shop that has been selling since 2012."""
    with opened(log_database, tmp_path) as door:
        for path, event in (
            ("network/found-network", make.network_founded(clock="simulated")),
            ("network/join-region", make.region_joined()),
            ("network/register-village", make.village_registered()),
            ("network/register-producer", make.producer_registered()),
            ("network/open-workshop", make.workshop_opened()),
            ("network/open-outlet", make.outlet_opened(opened_on=date(2012, 5, 1))),
            ("network/define-product", make.product_defined()),
            ("settlement/agree-terms", make.share_terms_agreed(effective_from=date(2012, 5, 1))),
        ):
            accepted(door.ask(path, event, occurred_at=DAY))
        yield door


def tell(door: Door, *events: Event, at: str = DAY) -> None:
    answers = door.tell(*(report(event, occurred_at=at, recorded_at=at) for event in events))
    assert {answer["status"] for answer in answers} <= {"accepted", "flagged"}, answers
    door.fold()


def on_the_shelf(door: Door) -> dict[str, int]:
    stock = door.get("/api/v1/inventory", place="outlet/karakol").json()["stock"]
    return {each["batch"]: each["on_hand"] for each in stock if each["on_hand"]}


def opening(**units: int) -> Event:
    lines = tuple(StockLine(batch=batch.replace("_", "-"), units=count) for batch, count in units.items())
    return make.opening_stock_counted(outlet="karakol", lines=lines)


def suspense(door: Door) -> dict[str, int]:
    waiting = door.get("/api/v1/income", by="suspense").json()["income"]
    return {each["batch"]: each["suspense_tyiyn"] for each in waiting}


def test_what_lay_on_the_shelves_is_there_to_be_sold_whether_the_log_knows_its_batch_or_not(door: Door) -> None:
    tell(door, opening(jam_from_before=12, batch_jam_1=30))
    assert on_the_shelf(door) == {OLD: 12, KNOWN: 30}

    tell(door, make.sale_made(lines=(make.sale_line(batch=OLD, units=5), make.sale_line(batch=KNOWN, units=1))))

    assert on_the_shelf(door) == {OLD: 7, KNOWN: 29}
    flags = door.get("/api/v1/inventory", by="flag").json()["flags"]
    raised = {(flag["flag"], flag["subject"]) for flag in flags}
    assert ("unknown_batch", OLD) in raised
    assert not {flag for flag, _ in raised if flag.startswith("oversold")}, (
        "what was there on day one was not made here"
    )


def test_the_makers_part_of_an_old_jar_waits_until_somebody_says_who_made_it(door: Door) -> None:
    tell(door, opening(jam_from_before=12))
    tell(door, make.sale_made(lines=(make.sale_line(batch=OLD, units=5, unit_price_tyiyn=10_000),)))
    assert suspense(door) == {OLD: 5 * 10_000 * 75 // 100}, "the makers' and the workshop's part"

    gathered = make.lot_collected(lot="apricots-from-before")
    made = make.batch_produced(lot=OLD, inputs=(make.lot_input(lot="apricots-from-before"),), by_products=())
    tell(door, gathered, made)

    assert suspense(door) == {}
    income = door.get("/api/v1/income", by="producer").json()["income"]
    assert {each["producer"]: each["accruing_tyiyn"] for each in income} == {"p-001": 5 * 10_000 * 60 // 100}


def test_what_was_sold_before_the_network_began_is_shared_by_the_channels_first_terms(door: Door) -> None:
    tell(door, make.lot_collected(), make.batch_produced(), make.batch_packed())
    answers = door.tell(
        report(make.sale_made(), occurred_at="2012-06-01T12:00:00+06:00", recorded_at="2016-03-11T09:00:00+06:00")
    )
    assert answers[0]["flags"] == ["late"]
    door.fold()
    years = door.get("/api/v1/income", by="year").json()["income"]
    assert {year["key"]: year["makers_tyiyn"] for year in years} == {"2012": 36_000 * 60 // 100}


def test_what_was_advanced_before_is_netted_against_what_is_earned_here(door: Door) -> None:
    accepted(
        door.command(
            "settlement/give-advance", producer="p-001", advance="from-before", amount_tyiyn=20_000, method="opening",
            occurred_at=DAY,
        )
    )  # fmt: skip
    tell(door, make.lot_collected(), make.batch_produced(), make.batch_packed(), make.sale_made())
    close = door.command(
        "settlement/close-period", region="KG-Y", month="2016-03", occurred_at="2016-04-01T12:00:00+06:00"
    )
    accepted(close)
    door.fold()
    pay = {"producer": "p-001", "payout": "first", "method": "cash", "occurred_at": "2016-04-02T12:00:00+06:00"}
    much = door.command("settlement/make-payout", **pay, amount_tyiyn=1_601)
    assert much.json()["code"] == "payout_exceeds_owed"
    accepted(door.command("settlement/make-payout", **pay, amount_tyiyn=21_600 - 20_000))


def test_differences_are_open_until_somebody_explains_them(door: Door) -> None:
    def open_now() -> dict[str, int]:
        told = door.get("/api/v1/logistics/differences", place="outlet/karakol").json()["differences"]
        return {each["subject"]: each["difference"] for each in told}

    units = (make.stock_line(units=40),)
    tell(door, make.lot_collected(), make.batch_produced(), make.batch_packed(), make.stock_shipped(lines=units))
    assert open_now() == {}, "nobody has counted yet"
    tell(door, make.stock_received(lines=(make.stock_line(units=38),)))
    assert open_now() == {"consignment-1/batch-jam-1": -2}
    tell(door, make.stock_received(lines=(make.stock_line(units=1),)))
    assert open_now() == {"consignment-1/batch-jam-1": -1}
    tell(door, make.shipment_lost(lines=(make.stock_line(units=1),)))
    assert open_now() == {}
    tell(door, make.stock_received(lines=(make.stock_line(units=3),)))
    assert open_now() == {"consignment-1/batch-jam-1": 3}, "more than left is a difference too"


def test_a_shops_shifts_show_what_their_drawers_should_hold_and_what_was_counted(door: Door) -> None:
    closed = make.shift_closed(till_counter=3, counted_cash_tyiyn=100_000)
    tell(door, make.shift_opened(opening_cash_tyiyn=50_000, till_counter=1), make.sale_made(till_counter=2), closed)
    tell(door, opening(batch_jam_1=10), make.stock_counted(lines=({"batch": KNOWN, "units": 7},)))
    told = door.get("/api/v1/outlets/karakol/shifts").json()
    [shift] = told["shifts"]
    assert (shift["expected_tyiyn"], shift["difference_tyiyn"]) == (86_000, 14_000)
    assert {(each["kind"], each["difference"]) for each in told["differences"]} == {("cash", 14_000), ("count", -1)}
