"""What the inventory makes of the reports of workshops, carriers and shops."""

from collections.abc import Callable, Iterator
from datetime import date, timedelta

import pytest

from events.catalogue.base import Event
from events.catalogue.production import ByProduct
from projections import inventory_queries as ask
from projections.base import Connection
from projections.inventory import MODEL
from projections.inventory_identities import (
    a4_stock_balances,
    a5_consignments_balance,
    a6_sold_units_were_packed_or_are_flagged,
    a7_drawers_balance,
    a8_counters_are_accounted_for,
)
from projections.inventory_shifts import shifts, tills
from tests import make
from tests.books import START, History, Tables, connect
from tests.servers import LogDatabase
from tests.shop_histories import id_of


@pytest.fixture
def connection(module_log_database: LogDatabase) -> Iterator[Connection]:
    with connect(module_log_database.admin) as connection:
        yield connection
        connection.rollback()


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
        make.shift_opened(till_counter=1),
    )


def on_hand(inventory: Tables) -> dict[str, int]:
    return {row.place: row.on_hand for row in ask.stock(inventory.here(), batch="batch-jam-1")}


def raised(inventory: Tables) -> set[tuple[str, str]]:
    return {(flag.flag, flag.subject) for flag in ask.flags(inventory.here())}


def test_units_are_where_the_reports_put_them(inventory: Tables) -> None:
    inventory.fold(jam().add(make.sale_made(till_counter=2)))
    assert on_hand(inventory) == {"outlet/karakol": 36, "workshop/tosor-jam": 60}
    _, [moving] = ask.stock_of_batch(inventory.here(), "batch-jam-1")
    assert (moving.in_transit, moving.surplus) == (2, 0)


def test_grams_turn_into_jars(inventory: Tables) -> None:
    inventory.fold(jam())
    left = {row.lot: row.on_hand_g for row in ask.raw_stock(inventory.here())}
    packed = make.batch_packed()
    produced = make.batch_produced()
    assert left.get("batch-jam-1", 0) == produced.mass_g - packed.units * packed.unit_mass_g


def test_a_cancelled_consignment_is_at_its_origin_again(inventory: Tables) -> None:
    inventory.fold(jam().add(make.shipment_cancelled()))
    assert on_hand(inventory) == {"outlet/karakol": 38, "workshop/tosor-jam": 62}


def test_more_than_was_shipped_is_a_surplus_not_a_debt(inventory: Tables) -> None:
    inventory.fold(jam().add(make.stock_received(lines=(make.stock_line(units=5),))))
    _, [moving] = ask.stock_of_batch(inventory.here(), "batch-jam-1")
    assert (moving.in_transit, moving.surplus) == (0, 3)
    assert a4_stock_balances(inventory.here()) == []
    assert ("consignment", 3) in {(found.kind, found.difference) for found in ask.discrepancies(inventory.here())}


def test_a_count_becomes_what_is_on_hand_and_the_rest_is_unexplained(inventory: Tables) -> None:
    inventory.fold(
        jam().add(make.stock_counted(lines=(make.stock_counted().lines[0].model_copy(update={"units": 30}),)))
    )
    [shelf] = ask.stock(inventory.here(), place="outlet/karakol")
    assert (shelf.on_hand, shelf.unexplained) == (30, -8)


def test_a_shop_may_sell_more_than_it_has_and_it_is_loud(inventory: Tables) -> None:
    inventory.fold(jam().add(make.sale_made(till_counter=2, lines=(make.sale_line(units=39),), tenders=())))
    assert on_hand(inventory)["outlet/karakol"] == -1
    assert {("oversold", "batch-jam-1"), ("sum_differs", "sale/sale-1")} <= raised(inventory)


def test_what_nobody_packed_is_flagged_until_it_is(inventory: Tables) -> None:
    history = History().add(make.outlet_opened(), make.sale_made(till_counter=1))
    inventory.fold(history)
    assert ("unknown_batch", "batch-jam-1") in raised(inventory)


@pytest.mark.parametrize(
    ("event", "flag", "subject"),
    [
        (make.sale_made(till_counter=2, lines=(make.sale_line(unit_price_tyiyn=1),)), "price_differs", "sale/sale-1"),
        (make.sale_made(till_counter=2, lines=(make.sale_line(batch=None),)), "no_batch", "apricot-jam-300"),
        (make.sale_made(till_counter=1), "counter_repeated", "till/karakol-1/1"),
        (make.sale_made(till_counter=5), "counter_gap", "karakol-1/2-4"),
        (make.lot_collected(), "lot_repeated", "lot/lot-apricots-1"),
        (make.batch_discarded(mass_g=10**9), "overconsumed", make.batch_discarded().lot),
        (make.shift_opened(till_counter=2), "shift_repeated", "shift/shift-1"),
    ],
)
def test_an_odd_fact_is_taken_and_flagged(inventory: Tables, event: Event, flag: str, subject: str) -> None:
    inventory.fold(jam().add(event))
    assert (flag, subject) in raised(inventory)


@pytest.mark.parametrize(
    ("written_off", "alone"),
    [
        (make.stock_written_off(lines=(make.stock_line(units=20),), members=()), False),
        (make.stock_written_off(lines=(make.stock_line(units=21),), members=()), True),
        (make.stock_written_off(lines=(make.stock_line(units=21),), members=("user/lead-1", "user/lead-1")), True),
        (make.stock_written_off(lines=(make.stock_line(units=21),), members=("user/lead-1", "user/center-1")), False),
        (make.stock_written_off_v1(lines=(make.stock_line(units=21),)).upcast(), True),
        (make.stock_written_off(lines=2 * (make.stock_line(units=11),), members=()), True),
    ],
)
def test_more_than_twenty_units_are_written_off_by_two_or_flagged(
    inventory: Tables, written_off: Event, alone: bool
) -> None:
    inventory.fold(jam().add(written_off))
    assert (("written_off_alone", "write-off/write-off-1") in raised(inventory)) == alone
    assert on_hand(inventory)["outlet/karakol"] < 38, "a write-off is taken whoever signs"


def test_late_and_hasty_clocks_are_flagged(inventory: Tables) -> None:
    history = jam()
    history.add(make.sale_made(till_counter=2), at=START, late=timedelta(days=1, seconds=1))
    history.add(make.sale_made(till_counter=3, sale="sale-2"), at=START + timedelta(days=9), late=-timedelta(minutes=6))
    inventory.fold(history)
    assert {("late", "sale/sale-1"), ("clock_ahead", "sale/sale-2")} <= raised(inventory)


@pytest.mark.parametrize("order", [(0, 1), (1, 0)])
def test_a_receipt_after_its_shift_closed_is_flagged_whichever_came_first(
    inventory: Tables, order: tuple[int, int]
) -> None:
    facts = (
        (make.shift_closed(till_counter=2), START + timedelta(hours=1)),
        (make.sale_made(till_counter=3), START + timedelta(hours=2)),
    )
    history = jam()
    for at in order:
        event, when = facts[at]
        history.add(event, at=when)
    inventory.fold(history)
    assert ("closed_shift", "sale/sale-1") in raised(inventory)


def test_a_second_void_changes_nothing_and_is_flagged(inventory: Tables) -> None:
    history = jam().add(
        make.sale_made(till_counter=2), make.sale_voided(till_counter=3), make.sale_voided(till_counter=4)
    )
    inventory.fold(history)
    assert on_hand(inventory)["outlet/karakol"] == 38
    assert ("voided_twice", "sale/sale-1") in raised(inventory)


def test_one_receipt_reported_twice_counts_once(inventory: Tables) -> None:
    inventory.fold(jam().add(make.sale_made(till_counter=2), make.sale_made(till_counter=3)), cuts=(11,))
    assert on_hand(inventory)["outlet/karakol"] == 36
    assert ("sale_repeated", "sale/sale-1") in raised(inventory)


@pytest.mark.parametrize("sale", ["sale-1", None])
def test_one_return_reported_twice_counts_once(inventory: Tables, sale: str | None) -> None:
    history = jam().add(make.sale_made(till_counter=2), make.goods_returned(till_counter=3, sale=sale))
    stood = len(history.recorded)
    history.add(make.goods_returned(till_counter=4, sale=sale))
    inventory.fold(history, cuts=(stood,))
    assert on_hand(inventory)["outlet/karakol"] == 37
    assert inventory.rows("inventory_shifts", "refunds_tyiyn") == [(18_000,)]
    assert ("return_repeated", "return/return-1") in raised(inventory)


def test_a_sale_under_a_suspended_certificate_is_flagged_until_it_is_reinstated(inventory: Tables) -> None:
    suspended = make.certificate_suspended(effective_from=date(2016, 3, 1))
    restored = make.certificate_reinstated(effective_from=date(2016, 3, 10))
    history = jam().add(suspended, make.sale_made(till_counter=2)).add(restored)
    inventory.fold(history.add(make.sale_made(till_counter=3, sale="sale-2")), cuts=(11,))
    found = {subject for flag, subject in raised(inventory) if flag == "suspended_certificate"}
    assert found == {"sale/sale-1"}


@pytest.mark.parametrize("kind", ["lot", "supplier"])
def test_a_recall_reaches_what_was_made_with_the_sugar(inventory: Tables, kind: str) -> None:
    sugar = make.material_received()
    root = {"lot": sugar.lot, "supplier": sugar.supplier}[kind]
    roots = (make.recall_started().roots[0].model_copy(update={"kind": kind, "id": root}),)
    history = jam().add(make.sale_made(till_counter=2), make.recall_started(roots=roots, drill=False))
    inventory.fold(history.add(make.sale_made(till_counter=3, sale="sale-2")), cuts=(11,))
    assert {subject for flag, subject in raised(inventory) if flag == "recalled_batch"} == {"sale/sale-2"}
    assert ("recalled_on_hand", "batch-jam-1") in raised(inventory)


@pytest.mark.parametrize("cuts", [(), (1,)], ids=["in one batch", "in two"])
def test_a_step_that_took_nothing_made_its_by_products_all_the_same(inventory: Tables, cuts: tuple[int, ...]) -> None:
    pomace = ByProduct(material="pomace", mass_g=700, lot="lot-pomace")
    step = make.batch_produced(inputs=(), by_products=(pomace,), mass_g=100)
    root = make.recall_started().roots[0].model_copy(update={"kind": "step", "id": step.lot})
    inventory.fold(History().add(step, make.recall_started(roots=(root,), drill=False)), cuts)
    assert {row.lot: row.on_hand_g for row in ask.raw_stock(inventory.here())} == {step.lot: 100, "lot-pomace": 700}
    assert inventory.rows("inventory_recalled", "lot") == [(step.lot,), ("lot-pomace",)]


@pytest.mark.parametrize("cuts", [(), (1,)], ids=["in one batch", "in two"])
def test_a_recall_of_a_corrected_step_reaches_what_it_made_by_the_correction(
    inventory: Tables, cuts: tuple[int, ...]
) -> None:
    pomace = ByProduct(material="pomace", mass_g=700, lot="lot-pomace")
    history = History().add(make.batch_produced(by_products=(pomace,)))
    stones = pomace.model_copy(update={"lot": "lot-stones"})
    root = make.recall_started().roots[0].model_copy(update={"kind": "step", "id": "batch-jam-1"})
    history.add(
        make.batch_inputs_corrected(corrects=id_of(1), by_products=(stones,)),
        make.recall_started(roots=(root,), drill=False),
    )
    inventory.fold(history, cuts)
    assert inventory.rows("inventory_recalled", "lot") == [("batch-jam-1",), ("lot-stones",)]


def test_a_correction_of_a_step_gives_its_inputs_back(inventory: Tables) -> None:
    history = jam().add(make.batch_inputs_corrected(corrects=id_of(6), inputs=(make.lot_input(mass_g=1),)))
    inventory.fold(history)
    left = {row.lot: row.consumed_g for row in ask.raw_stock(inventory.here())}
    assert left["lot-apricots-1"] == 1


def test_a_sample_leaves_what_is_there_at_once(inventory: Tables) -> None:
    inventory.fold(jam().add(make.lot_tested(sample_units=3, sample_mass_g=100)))
    assert on_hand(inventory)["workshop/tosor-jam"] == 57
    assert inventory.rows("inventory_lot_waiting") == []


def test_a_drawer_is_expected_to_hold_what_went_in_less_what_went_out(inventory: Tables) -> None:
    sale = make.sale_made(till_counter=2)
    history = jam().add(
        sale,
        make.cash_moved(till_counter=3),
        make.goods_returned(till_counter=4),
        make.shift_closed(till_counter=5, counted_cash_tyiyn=0),
    )
    inventory.fold(history)
    [shift] = shifts(inventory.here())
    moved = make.cash_moved().amount_tyiyn
    expected = make.shift_opened().opening_cash_tyiyn + sale.total_tyiyn() - moved - 18_000
    assert (shift.expected_tyiyn, shift.difference_tyiyn) == (expected, -expected)


def test_a_counter_in_quarantine_is_no_gap_and_is_accepted_once_it_comes_through(inventory: Tables) -> None:
    history = jam().add(
        make.sale_made(till_counter=4), make.message_quarantined(till="karakol-1", till_counter=3), make.sale_made()
    )
    inventory.fold(history)
    [till] = tills(inventory.here())
    assert (till.highest, till.accepted, till.quarantined, till.gaps) == (4, 3, 1, [])
    more = History()
    more.recorded = jam().add(make.sale_made(sale="sale-9", till_counter=3)).recorded[-1:]
    inventory.fold(more)
    [till] = tills(inventory.here())
    assert (till.highest, till.accepted, till.quarantined) == (4, 4, 0)


def test_what_expires_soon_comes_first(inventory: Tables) -> None:
    inventory.fold(jam())
    best_before = make.batch_packed().best_before
    assert best_before is not None
    assert {row.place for row in ask.expiring(inventory.here(), until=best_before)} == {
        "outlet/karakol",
        "workshop/tosor-jam",
    }
    assert ask.expiring(inventory.here(), until=best_before - timedelta(days=1)) == []
    [product] = ask.stock_by_product(inventory.here())
    assert (product.on_hand, product.in_transit, product.nearest_best_before) == (98, 2, best_before)


@pytest.mark.parametrize(
    ("identity", "damage", "named"),
    [
        (a4_stock_balances, "UPDATE inventory_stock SET on_hand = 7", "batch-jam-1 at outlet/karakol"),
        (a4_stock_balances, "UPDATE inventory_stock SET received = 0, on_hand = on_hand - received", "batch-jam-1"),
        (a4_stock_balances, "UPDATE inventory_bulk SET on_hand_g = 7", "lot-apricots-1"),
        (a5_consignments_balance, "UPDATE inventory_transit SET in_transit = 3", "consignment-1/batch-jam-1"),
        (a6_sold_units_were_packed_or_are_flagged, "UPDATE inventory_stock SET sold = sold + 1", "batch-jam-1"),
        (a6_sold_units_were_packed_or_are_flagged, "DELETE FROM inventory_sales", "batch-jam-1"),
        (a7_drawers_balance, "UPDATE inventory_shifts SET difference_tyiyn = 1", "shift-1"),
        (a7_drawers_balance, "UPDATE inventory_sales SET cash_tyiyn = 1", "shift-1"),
        (a8_counters_are_accounted_for, "UPDATE inventory_tills SET accepted = 9", "karakol-1"),
        (a8_counters_are_accounted_for, "DELETE FROM inventory_till_gaps", "karakol-1"),
    ],
)
def test_an_identity_of_goods_names_what_breaks_it(
    inventory: Tables, identity: Callable[[Connection], list[str]], damage: str, named: str
) -> None:
    inventory.fold(jam().add(make.sale_made(till_counter=3), make.shift_closed(till_counter=4)))
    assert identity(inventory.here()) == []
    inventory.break_it(damage)
    assert any(named in failure for failure in identity(inventory.here()))
