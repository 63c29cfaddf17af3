"""Receipts that a long build leaves unopened come to the same tables as receipts that are opened one by one."""

from collections.abc import Iterator
from datetime import date, timedelta

import pytest
from hypothesis import HealthCheck, given, settings
from hypothesis import strategies as st

from events.catalogue import production
from events.catalogue.base import Event
from projections import income, income_in_bulk
from projections.income import MODEL
from tests import make
from tests.books import START, History, Tables, connect, note_opened
from tests.integration.test_income_closings import Live
from tests.servers import LogDatabase
from tests.shop_histories import BATCHES, DECISIONS, PRODUCTS, facts, id_of

MONTHS = ("2016-03", "2016-04")
#: What stands before every stretch, so that most receipts in it are ordinary: batches with a home, terms, a far region.
FRONT: tuple[Event, ...] = (
    make.village_registered(village="at-bashy", region="KG-N"),
    make.share_terms_agreed(channel="wholesale", makers_bp=8_000, outlet_bp=0, fund_bp=0),
    make.batch_produced(inputs=()),
    make.batch_produced(lot="batch-honey-1", product="honey-500", made_by="producer/p-002", inputs=()),
)
#: What may come between receipts and change how those behind it are shared.
MEETING: tuple[Event, ...] = (
    make.share_terms_agreed(effective_from=date(2016, 3, 20), makers_bp=5_000, fund_bp=1_500),
    make.product_defined(product="honey-500", group="sweets"),
    make.product_defined(product="tea-50", group="tea"),
    make.outlet_opened(outlet="bokonbaevo", channel="wholesale"),
    make.producer_registered(producer="p-002", village="at-bashy"),
    make.producer_registered(producer="p-009"),
    make.batch_produced(lot="batch-tea-1", made_by="producer/p-009", product="tea-50"),
    make.lot_collected(lot="batch-jam-2", producer="p-001", material="jam"),
    make.batch_produced(lot="batch-jam-1", made_by="producer/p-002", inputs=()),
)


@pytest.fixture
def books(module_log_database: LogDatabase) -> Iterator[Tables]:
    with connect(module_log_database.admin) as connection:
        yield Tables(connection, MODEL, "income_test")
        connection.rollback()


@st.composite
def receipts(draw: st.DrawFn) -> list[Event]:
    """Receipts of two shops, most by known batches; some ids come twice, some are voided before or after."""
    said: list[Event] = []
    batches = st.sampled_from((*BATCHES, *BATCHES, *BATCHES, *BATCHES, "batch-jam-2", "batch-tea-1", "lost", None))
    for number in range(draw(st.integers(5, 25))):
        sold = [
            make.sale_line(
                product=draw(st.sampled_from((*PRODUCTS, *PRODUCTS, "tea-50", "ghost"))),
                batch=draw(batches),
                units=draw(st.integers(1, 4)),
                unit_price_tyiyn=draw(st.integers(0, 50_001)),
            )
            for _ in range(draw(st.sampled_from((1, 1, 2, 3, 0))))
        ]
        total = sum(line.units * line.unit_price_tyiyn for line in sold)
        said.append(
            make.sale_made(
                sale=f"receipt-{draw(st.integers(0, 40))}",
                outlet=draw(st.sampled_from(("karakol", "bokonbaevo"))),
                lines=tuple(sold),
                tenders=(make.cash(total),),
                till_counter=1_000 + number,
            )
        )
        if draw(st.integers(0, 7)) == 0:
            said.append(make.sale_voided(sale=f"receipt-{draw(st.integers(0, 40))}", till_counter=2_000 + number))
    return said


@settings(max_examples=60, deadline=None, suppress_health_check=[HealthCheck.function_scoped_fixture])
@given(sold=receipts(), data=st.data())
def test_receipts_left_unopened_are_shared_as_those_that_are_opened(
    books: Tables, sold: list[Event], data: st.DataObject
) -> None:
    meeting = data.draw(st.lists(st.sampled_from(MEETING), max_size=2, unique_by=repr))
    others = data.draw(facts()) if data.draw(st.integers(0, 3)) == 0 else []
    with books.connection.transaction(force_rollback=True):
        live = Live(books)
        for event in (*DECISIONS, *FRONT):
            live.record(event)
        for event in data.draw(st.permutations([*sold, *meeting, *others])):
            live.record(event, days=data.draw(st.sampled_from((0, 14, 30))))
            if data.draw(st.integers(0, 19)) == 0:
                live.state(month := data.draw(st.sampled_from(MONTHS)))
                live.close(month)
        expected = books.everything()
    begun, ended = len(DECISIONS) + len(FRONT), len(live.history.recorded)
    cuts = data.draw(st.lists(st.integers(begun, ended), max_size=2))
    with books.connection.transaction(force_rollback=True):
        assert books.fold_unopened(live.history, [begun, *cuts]).everything() == expected


SWEETS = make.share_terms_agreed(product_group="sweets", makers_bp=5_000, fund_bp=1_500)
COMB = make.lot_collected(lot="comb", producer="p-001", material="honey")


@pytest.mark.parametrize(
    ("before", "met", "sold"),
    [
        pytest.param(
            (SWEETS,), make.product_defined(product="honey-500", group="sweets"), "batch-honey-1", id="product"
        ),
        pytest.param((), make.producer_registered(producer="p-002", village="at-bashy"), "batch-honey-1", id="maker"),
        pytest.param((COMB,), make.lot_corrected(lot="comb", producer="p-003"), "comb", id="batch"),
        pytest.param((), make.outlet_opened(channel="wholesale"), "batch-honey-1", id="shop"),
    ],
)
def test_a_receipt_behind_what_changes_how_it_is_shared_is_not_ordinary(
    books: Tables, before: tuple[Event, ...], met: Event, sold: str
) -> None:
    history = History().add(*DECISIONS, *FRONT, make.producer_registered(producer="p-003", village="at-bashy"))
    history.add(*before)
    begun = len(history.recorded)
    if isinstance(met, production.LotCorrected):
        met = met.model_copy(update={"corrects": id_of(begun)})
    lines = (make.sale_line(product="honey-500", batch=sold),)
    for said in (make.sale_made(sale="first", lines=lines), met, make.sale_made(sale="second", lines=lines)):
        history.add(said, at=START + timedelta(days=1))
    with books.connection.transaction(force_rollback=True):
        expected = books.fold(history).everything()
        posted = books.rows("income_lines", "kind, ref, region, makers_tyiyn")
    [first, second] = [row[2:] for row in posted if row[0] == "sale"]
    assert first != second, "it changes nothing"
    with books.connection.transaction(force_rollback=True):
        assert books.fold_unopened(history, [begun]).everything() == expected


@pytest.mark.parametrize("odd_by", [make.sale_voided(), make.sale_made(lines=())], ids=["void", "repetition"])
def test_a_lot_that_a_receipt_of_any_kind_named_before_it_came_is_seen_to_come(books: Tables, odd_by: Event) -> None:
    history = History().add(*DECISIONS, *FRONT)
    begun = len(history.recorded)
    lines = (make.sale_line(product="honey-500", batch="comb"),)
    for said in (odd_by, make.sale_made(lines=lines), COMB):
        history.add(said, at=START + timedelta(days=1))
    with books.connection.transaction(force_rollback=True):
        expected = books.fold(history).everything()
    with books.connection.transaction(force_rollback=True):
        assert books.fold_unopened(history, [begun]).everything() == expected


def test_an_ordinary_receipt_is_never_opened(books: Tables, monkeypatch: pytest.MonkeyPatch) -> None:
    """Else the property above would hold by opening everything."""
    history = History().add(*DECISIONS, make.batch_produced(inputs=()))
    for number in range(3):
        history.add(make.sale_made(sale=f"sale-{number}"), at=START + timedelta(days=1))
    read = note_opened(monkeypatch, income, income_in_bulk)

    books.fold_unopened(history, [len(history.recorded) - 3])

    assert read == set()
    assert books.rows("income_sales", "units") == [(6,)]


JAM = make.batch_produced(lot="jam-9", inputs=())
OF_JAM = (make.sale_line(batch="jam-9"),)
SOLD = make.sale_made(sale="nine", lines=OF_JAM)


@pytest.mark.parametrize(
    ("before", "stretch", "odd"),
    [
        pytest.param((), (JAM, SOLD), set(), id="sold after it was made"),
        pytest.param((), (SOLD, JAM), {1, 2}, id="sold before"),
        pytest.param((), (SOLD.model_copy(update={"sale": "ten"}), SOLD, JAM), {1, 2, 3}, id="sold twice before"),
        pytest.param((), (SOLD, JAM, SOLD), {1, 2, 3}, id="a receipt said twice"),
        pytest.param((SOLD,), (JAM, COMB), {1}, id="sold before the stretch"),
        pytest.param(
            (), (make.sale_line_corrected(sale="first", line=0, batch="jam-9"), JAM), {2}, id="named by a correction"
        ),
        pytest.param(
            (),
            (make.sale_line_corrected(sale="first", line=0, batch="jam-9"), JAM, SOLD),
            {2},
            id="named by a correction, and sold behind",
        ),
        pytest.param(
            (make.sale_line_corrected(sale="first", line=0, batch="jam-9"),),
            (make.sale_made(sale="first"), JAM, COMB),
            {1, 2},
            id="named by a correction that waits for its receipt",
        ),
        pytest.param(
            (),
            (make.goods_returned(sale=None, lines=(make.return_line(batch="jam-9", line=None),)), JAM),
            {2},
            id="returned before",
        ),
    ],
)
def test_a_batch_is_seen_to_come_by_what_named_it_before(
    books: Tables, before: tuple[Event, ...], stretch: tuple[Event, ...], odd: set[int], monkeypatch: pytest.MonkeyPatch
) -> None:
    history = History().add(*DECISIONS, *FRONT, *before, *stretch)
    begun = len(DECISIONS) + len(FRONT) + len(before)
    with books.connection.transaction(force_rollback=True):
        expected = books.fold(history).everything()
    read = note_opened(monkeypatch, income, income_in_bulk)
    with books.connection.transaction(force_rollback=True):
        assert books.fold_unopened(history, [begun - len(before), begun]).everything() == expected
    assert {position - begun for position in read if position > begun} == odd


def test_payouts_are_taken_as_they_lie(books: Tables) -> None:
    """By the day on which each was made, whatever else is paid, given or taken back."""
    history = History().add(*DECISIONS)
    for number, late in enumerate((0, 13, 40)):
        history.add(make.payout_made(payout=f"payout-{number}"), at=START + timedelta(hours=late))
    history.add(make.payout_reversed(payout="payout-1"), make.advance_given(), make.payout_made(producer="p-002"))
    with books.connection.transaction(force_rollback=True):
        expected = books.fold(history).everything()
    with books.connection.transaction(force_rollback=True):
        assert books.fold_unopened(history, [len(DECISIONS) + 2]).everything() == expected
