"""Where the money of a batch belongs when its maker turns out to be another one, or is entered after the sale."""

from collections.abc import Iterator
from datetime import UTC, date, datetime, timedelta
from itertools import permutations

import pytest
from hypothesis import HealthCheck, given, settings
from hypothesis import strategies as st

from events.catalogue.base import Event
from events.catalogue.production import ByProduct
from events.catalogue.values import LotInput
from projections.base import Connection, Db
from projections.income import MODEL
from projections.income_identities import a1_postings_sum_to_zero, a2_sales_are_shared_whole, a3_earned_is_paid_or_owed
from projections.income_periods import statement
from projections.statements import Row
from tests import make
from tests.books import START, History, Tables, connect
from tests.servers import LogDatabase
from tests.shop_histories import id_of

DECISIONS: tuple[Event, ...] = (
    make.region_joined(),
    make.village_registered(),
    make.village_registered(village="at-bashy", region="KG-N"),
    make.producer_registered(),
    make.producer_registered(producer="p-002", village="at-bashy"),
    make.workshop_opened(),
    make.workshop_opened(workshop="at-bashy-honey", village="at-bashy"),
    make.outlet_opened(),
    make.share_terms_agreed(),
)
FIRST = id_of(len(DECISIONS) + 1)
NARYN = "workshop/at-bashy-honey"


@pytest.fixture
def connection(module_log_database: LogDatabase) -> Iterator[Connection]:
    with connect(module_log_database.admin) as connection:
        yield connection
        connection.rollback()


@pytest.fixture
def income(connection: Connection) -> Tables:
    return Tables(connection, MODEL, "income_test")


def honey_sold(sale: str = "sale-1", batch: str = "honey") -> Event:
    return make.sale_made(sale=sale, lines=(make.sale_line(product="honey-500", batch=batch),))


def history_of(*facts: Event) -> History:
    history = History().add(*DECISIONS)
    for hours, fact in enumerate(facts, start=1):
        history.add(fact, at=START + timedelta(hours=hours))
    return history


def everything(income: Tables, history: History, cuts: tuple[int, ...] = ()) -> dict[str, list[Row]]:
    with income.connection.transaction(force_rollback=True):
        return income.fold(history, cuts).everything()


def homes(tables: dict[str, list[Row]]) -> tuple[set[Row], list[Row]]:
    """Pools in which there is something, and the sums of sales."""
    return {row for row in tables["income_pools"] if row[-1]}, tables["income_sales"]


COLLECTED = make.lot_collected(lot="honey", producer="p-001", material="honey")
OF_ANOTHER = make.lot_corrected(lot="honey", corrects=FIRST, producer="p-002", mass_g=20_000)
MADE_IN_NARYN = make.batch_produced(lot="honey", product="honey-500", made_by=NARYN, made_at=NARYN, inputs=())
MADE_AT_HOME = make.batch_produced(lot="honey", product="honey-500", made_by="producer/p-001", inputs=())
MADE_ALONG = make.batch_produced(
    lot="mead", made_by=NARYN, made_at=NARYN, inputs=(), by_products=(ByProduct(material="wax", mass_g=9, lot="honey"),)
)
NOT_ALONG = make.batch_inputs_corrected(lot="mead", corrects=FIRST, inputs=(), by_products=())


@pytest.mark.parametrize(
    ("facts", "pools"),
    [
        ((COLLECTED, OF_ANOTHER, honey_sold()), {("KG-N", "2016-03", "honey", 27_000)}),
        ((MADE_IN_NARYN, MADE_AT_HOME, honey_sold()), {("KG-N", "2016-03", "honey", 21_600)}),
        ((MADE_AT_HOME, MADE_IN_NARYN, honey_sold()), {("KG-Y", "2016-03", "honey", 27_000)}),
        ((MADE_ALONG, NOT_ALONG, honey_sold()), set()),
        (
            (COLLECTED, OF_ANOTHER, honey_sold(), make.goods_returned(lines=(make.return_line(batch="honey"),))),
            {("KG-N", "2016-03", "honey", 13_500)},
        ),
    ],
    ids=["corrected", "made-elsewhere-first", "made-here-first", "not-made-after-all", "returned"],
)
def test_money_goes_to_where_the_batch_belongs_in_whatever_order_that_was_said(
    income: Tables, facts: tuple[Event, ...], pools: set[Row]
) -> None:
    history = history_of(*facts)
    known = len(DECISIONS)
    expected = homes(everything(income, history))
    assert expected[0] == pools
    for order in permutations(range(known, known + len(facts))):
        other = history.in_order([*range(known), *order])
        whole = everything(income, other)
        assert homes(whole) == expected, order
        assert everything(income, other, tuple(range(1, 99))) == whole, f"{order}, event by event"


def test_a_long_build_moves_money_as_the_live_fold_does(income: Tables) -> None:
    """Receipts shared in bulk before a correction is met, in its own stretch and in one before."""
    history = history_of(
        COLLECTED,
        make.lot_collected(lot="other-honey", producer="p-001", material="honey"),
        honey_sold(),
        honey_sold("sale-2"),
        honey_sold("sale-3", "other-honey"),
        OF_ANOTHER,
        honey_sold("sale-4"),
        make.goods_returned(lines=(make.return_line(batch="honey"),)),
    )
    live = everything(income, history, tuple(range(1, 99)))
    assert homes(live)[0] == {("KG-N", "2016-03", "honey", 67_500), ("KG-Y", "2016-03", "other-honey", 27_000)}
    for cuts in ((), (13,), (14, 15)):
        with income.connection.transaction(force_rollback=True):
            assert income.fold_unopened(history, cuts).everything() == live, cuts


@pytest.mark.parametrize(
    ("made", "entered"),
    [
        (make.lot_collected(lot="honey", producer="p-003"), make.producer_registered(producer="p-003")),
        (
            make.batch_produced(lot="honey", made_by="workshop/new", inputs=()),
            make.workshop_opened(workshop="new"),
        ),
    ],
)
def test_a_sale_leaves_suspense_when_its_maker_is_entered(income: Tables, made: Event, entered: Event) -> None:
    for facts in ((made, honey_sold()), (honey_sold(), made)):
        history = history_of(*facts, entered, honey_sold("sale-2"))
        whole = everything(income, history)
        [pool] = whole["income_pools"]
        assert pool[:3] == ("KG-Y", "2016-03", "honey")
        assert pool[3] in (54_000, 43_200)
        assert all(row[-1] == 0 for row in whole["income_sales"]), "nothing is left in suspense"
        assert everything(income, history, tuple(range(1, 99))) == whole
        with income.connection.transaction(force_rollback=True):
            assert income.fold_unopened(history, (11,)).everything() == whole


def test_a_closed_month_stays_and_the_difference_goes_to_the_other_region(income: Tables) -> None:
    march, april = datetime(2016, 3, 31, 17, 59, tzinfo=UTC), datetime(2016, 3, 31, 18, 0, tzinfo=UTC)
    history = history_of(COLLECTED).add(honey_sold(), at=march).add(honey_sold("sale-2"), at=april)
    through = len(history.recorded)
    income.fold(history)
    found = statement(Db(income.here()), "KG-Y", "2016-03", through)
    assert found.rows == (("p-001", 27_000),), "the second sale is of April in Bishkek"
    history.add(
        make.period_closed(
            region="KG-Y", month="2016-03", through_position=through, statement_digest=found.digest,
            producers=1, earned_tyiyn=27_000, unknown_tyiyn=0,
        )
    )  # fmt: skip
    history.add(OF_ANOTHER, at=april)
    later = History()
    later.recorded = history.recorded[through:]
    income.fold(later)
    assert statement(Db(income.here()), "KG-Y", "2016-03", through).rows == found.rows
    at = len(history.recorded)
    assert statement(Db(income.here()), "KG-Y", "2016-04", at).rows == (("p-001", -27_000),)
    assert statement(Db(income.here()), "KG-N", "2016-03", at).rows == (("p-002", 27_000),)
    assert statement(Db(income.here()), "KG-N", "2016-04", at).rows == (("p-002", 27_000),)
    for identity in (a1_postings_sum_to_zero, a2_sales_are_shared_whole, a3_earned_is_paid_or_owed):
        assert identity(income.here()) == []
    live = income.everything()
    assert everything_anew(income, history) == live


def everything_anew(income: Tables, history: History) -> dict[str, list[Row]]:
    anew = Tables(income.connection, MODEL, "income_anew")
    return anew.fold(history).everything()


def test_a_product_defined_after_its_sale_does_not_share_the_sale_anew(income: Tables) -> None:
    of_group = make.share_terms_agreed(
        product_group="honey", makers_bp=0, outlet_bp=7_500, effective_from=date(2012, 5, 1)
    )
    returned = make.return_line(product="honey-500", batch="honey", units=1, refund_tyiyn=18_000)
    history = history_of(
        of_group,
        COLLECTED,
        honey_sold(),
        make.product_defined(product="honey-500", group="honey"),
        make.goods_returned(lines=(returned,)),
        honey_sold("sale-2"),
    )
    whole = everything(income, history)
    parts = [(row[2], *row[16:19]) for row in whole["income_lines"]]
    assert sorted(parts) == [
        ("return", -18_000, -13_500, 0),
        ("sale", 36_000, 5_400, 0),
        ("sale", 36_000, 27_000, 0),
    ]
    assert everything(income, history, tuple(range(1, 99))) == whole


#: Pools, sales and origin, whatever nothing comes to left out.
ASKED = (
    "SELECT * FROM income_pools WHERE makers_tyiyn <> 0",
    "SELECT * FROM income_sales WHERE (units, gross_tyiyn, makers_tyiyn) <> (0, 0, 0)",
    "SELECT lot, maker, producer, producers, ppm FROM income_lots WHERE is_known",
)
#: What may be said of one batch and of its sales, besides that it was collected.
SAID = (
    OF_ANOTHER,
    make.lot_corrected(lot="honey", corrects=FIRST, producer=None, mass_g=7),
    MADE_IN_NARYN,
    MADE_AT_HOME,
    make.batch_produced(lot="honey", made_by="producer/p-002", inputs=(LotInput(lot="milk", mass_g=5),)),
    make.lot_collected(lot="milk", producer="p-002"),
    MADE_ALONG,
    honey_sold(),
    honey_sold("sale-2"),
    make.sale_voided(sale="sale-2"),
    make.sale_line_corrected(sale="sale-2", product="honey-500", batch="milk"),
    make.goods_returned(lines=(make.return_line(batch="honey", refund_tyiyn=17_999),)),
    make.goods_returned(return_id="r-2", sale=None, lines=(make.return_line(line=None, batch="honey"),)),
)


@settings(max_examples=60, deadline=None, suppress_health_check=list(HealthCheck))
@given(said=st.lists(st.sampled_from(SAID), min_size=3, max_size=8, unique_by=repr), data=st.data())
def test_facts_of_a_batch_in_any_order_and_any_cut_give_the_same_money(
    income: Tables, said: list[Event], data: st.DataObject
) -> None:
    history, known = history_of(COLLECTED, *said), len(DECISIONS)
    other = history.in_order([*range(known), *data.draw(st.permutations(range(known, len(history.recorded))))])
    found = []
    for one in (history, other):
        with income.connection.transaction(force_rollback=True):
            here = income.fold(one).here()
            found.append([sorted(here.execute(asked.encode()).fetchall(), key=repr) for asked in ASKED])
            whole = income.everything()
        cuts = data.draw(st.lists(st.integers(known, len(one.recorded)), max_size=3))
        assert everything(income, one, tuple(range(1, 99))) == whole
        with income.connection.transaction(force_rollback=True):
            assert income.fold_unopened(one, [known, *cuts]).everything() == whole
    assert found[0] == found[1]
