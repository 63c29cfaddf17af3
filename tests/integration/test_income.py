"""What becomes of the money of a sale: shared once, earned when its month closes, paid, never lost on the way."""

from collections.abc import Callable, Iterator
from datetime import UTC, datetime

import pytest

from events.catalogue.base import Event
from events.catalogue.values import LotInput
from projections import income_queries, income_sales
from projections.base import Connection, Db
from projections.income import MODEL
from projections.income_identities import a1_postings_sum_to_zero, a2_sales_are_shared_whole, a3_earned_is_paid_or_owed
from projections.income_periods import Statement, StatementDiffers, statement
from tests import make
from tests.books import History, Tables, connect
from tests.servers import LogDatabase
from tests.shop_histories import id_of

MARCH = datetime(2016, 3, 10, 6, 0, tzinfo=UTC)
APRIL = datetime(2016, 4, 10, 6, 0, tzinfo=UTC)


@pytest.fixture
def connection(module_log_database: LogDatabase) -> Iterator[Connection]:
    with connect(module_log_database.admin) as connection:
        yield connection
        connection.rollback()


@pytest.fixture
def income(connection: Connection) -> Tables:
    return Tables(connection, MODEL, "income_test")


def network() -> History:
    return History().add(
        make.region_joined(),
        make.village_registered(),
        make.producer_registered(),
        make.producer_registered(producer="p-002"),
        make.workshop_opened(),
        make.outlet_opened(),
        make.product_defined(),
        make.share_terms_agreed(),
    )


def jam() -> History:
    """One batch of jam, three quarters of p-001 and one of p-002; made at position 12."""
    return network().add(
        make.lot_collected(),
        make.lot_collected(lot="lot-apricots-2", producer="p-002"),
        make.material_received(),
        make.batch_produced(
            inputs=(LotInput(lot="lot-apricots-1", mass_g=15_000), LotInput(lot="lot-apricots-2", mass_g=5_000))
        ),
        make.batch_packed(),
    )


def stated(income: Tables, through: int, month: str = "2016-03") -> Statement:
    return statement(Db(income.here()), "KG-Y", month, through)


def closing(found: Statement, **changes: object) -> Event:
    totals = found.totals
    said = {
        "region": found.region,
        "month": found.month,
        "through_position": found.through_position,
        "statement_digest": found.digest,
        "producers": totals.producers,
        "earned_tyiyn": totals.earned_tyiyn,
        "unknown_tyiyn": totals.unknown_tyiyn,
    }
    return make.period_closed(**(said | changes))


class Book:
    """A history that is folded as it grows, event by event, as a live projector does."""

    def __init__(self, income: Tables, history: History) -> None:
        self.income, self.history = income, history
        self.folded = 0
        self.add()

    def add(self, *events: Event, at: datetime | None = None) -> int:
        """Record and fold; the position of the last event."""
        self.history.add(*events, at=at)
        part = History()
        part.recorded = self.history.recorded[self.folded :]
        self.folded = len(self.history.recorded)
        self.income.fold(part)
        return self.folded

    def close(self, month: str, through: int | None = None) -> int:
        return self.add(closing(stated(self.income, through or self.folded, month)))

    def earned(self) -> dict[str, int]:
        return {row[0]: row[1] for row in self.income.rows("income_accounts", "producer, earned_tyiyn") if row[1]}


def test_a_line_is_shared_once_to_the_tyiyn(income: Tables) -> None:
    income.fold(jam().add(make.sale_made()))
    [year] = income_sales.sales_by_year(income.here())
    assert (year.key, year.units, year.gross_tyiyn) == ("2016", 2, 36_000)
    assert year.makers_tyiyn + year.workshop_tyiyn + year.outlet_tyiyn + year.brand_tyiyn + year.fund_tyiyn == 36_000
    assert stated(income, 100).rows == (("p-001", 16_200), ("p-002", 5_400))


def test_postings_of_a_sale_are_double_entry(income: Tables) -> None:
    income.fold(jam().add(make.sale_made()))
    postings = income_queries.postings(income.here(), position=14)
    assert {account for _, _, account, _ in postings} == {
        "sales/outlet/karakol",
        "pool/batch-jam-1",
        "workshop/tosor-jam",
        "outlet/karakol",
        "brand",
        "fund",
    }
    assert sum(tyiyn for *_, tyiyn in postings) == 0


def test_what_a_single_producer_makes_has_no_workshop_part(income: Tables) -> None:
    history = network().add(
        make.lot_collected(lot="batch-honey-1", material="honey"),
        make.sale_made(lines=(make.sale_line(batch="batch-honey-1"),)),
    )
    income.fold(history)
    assert income.rows("income_pools", "makers_tyiyn") == [(27_000,)]
    assert income.one("SELECT workshop, workshop_tyiyn FROM income_lines") == ("", 0)


def test_a_sale_without_terms_waits_whole_and_is_flagged(income: Tables) -> None:
    history = History().add(make.outlet_opened(), make.product_defined(), make.sale_made())
    income.fold(history)
    assert income.one("SELECT suspense_tyiyn, makers_tyiyn FROM income_lines") == (36_000, 0)
    assert income.rows("income_flags", "flag") == [("no_terms",)]


def test_terms_agreed_later_do_not_reach_back(income: Tables) -> None:
    book = Book(income, jam())
    book.add(make.sale_made(), at=MARCH)
    later = make.share_terms_agreed(makers_bp=0, outlet_bp=7_500)
    book.add(later, make.sale_made(sale="sale-2"), at=MARCH)
    assert income.rows("income_lines", "ref, makers_tyiyn") == [("sale-1", 21_600), ("sale-2", 0)]
    book.add(make.sale_line_corrected(sale="sale-1", batch=None), at=MARCH)
    book.add(make.sale_line_corrected(sale="sale-1"), at=APRIL)
    assert income.one("SELECT sum(makers_tyiyn) FROM income_lines WHERE ref = 'sale-1'") == (21_600,)


def test_an_unknown_batch_is_in_suspense_until_it_arrives(income: Tables) -> None:
    book = Book(income, network())
    book.add(make.sale_made())
    [waiting] = income_queries.suspense(income.here())
    assert (waiting.batch, waiting.receipts, waiting.suspense_tyiyn) == ("batch-jam-1", 1, 27_000)
    book.add(make.lot_collected(), make.material_received(), make.batch_produced())
    assert income_queries.suspense(income.here()) == []
    assert income.rows("income_pools", "batch, period, makers_tyiyn") == [("batch-jam-1", "2016-03", 21_600)]
    assert a2_sales_are_shared_whole(income.here()) == []


def test_a_return_takes_back_its_sales_own_split(income: Tables) -> None:
    book = Book(income, jam())
    book.add(make.sale_made(), make.share_terms_agreed(makers_bp=0, outlet_bp=7_500))
    book.add(make.goods_returned(return_id="r-1"), make.goods_returned(return_id="r-2"))
    assert income.rows("income_sales", "gross_tyiyn, makers_tyiyn, outlet_tyiyn") == [(0, 0, 0)]


def test_a_return_without_a_receipt_follows_the_terms_of_its_day(income: Tables) -> None:
    line = make.return_line(line=None)
    income.fold(jam().add(make.goods_returned(sale=None, lines=(line,))))
    assert income.one("SELECT kind, gross_tyiyn, makers_tyiyn FROM income_lines") == ("return", -18_000, -10_800)


@pytest.mark.parametrize("sale", ["sale-1", None])
def test_a_return_that_is_reported_again_takes_back_nothing_more(income: Tables, sale: str | None) -> None:
    book = Book(income, jam())
    book.add(make.sale_made(), make.goods_returned(sale=sale))
    once = income.rows("income_lines")
    again = book.add(make.goods_returned(sale=sale))
    assert income.rows("income_lines") == once
    assert ("return_repeated", "return/return-1", again, "outlet/karakol", "") in income.rows("income_flags")


def test_a_void_counts_in_the_month_of_its_sale_for_sales(income: Tables) -> None:
    book = Book(income, jam())
    book.add(make.sale_made(), at=MARCH)
    book.add(make.sale_voided(), at=APRIL)
    assert [(month.key, month.gross_tyiyn) for month in income_sales.sales_by_month(income.here())] == [("2016-03", 0)]


def test_a_closed_month_is_earned_for_ever_and_later_sales_move_on(income: Tables) -> None:
    book = Book(income, jam())
    through = book.add(make.sale_made(), at=MARCH)
    found = stated(income, through)
    book.add(make.sale_made(sale="sale-late"), at=MARCH)  # recorded between the statement and the closing
    book.add(closing(found))
    book.add(make.sale_made(sale="sale-later"), at=MARCH)
    assert book.earned() == {"p-001": 16_200, "p-002": 5_400}
    periods = income.rows("income_lines", "ref, period, to_char(day, 'YYYY-MM')")
    assert periods == [
        ("sale-1", "2016-03", "2016-03"),
        ("sale-late", "2016-04", "2016-03"),
        ("sale-later", "2016-04", "2016-03"),
    ]
    assert stated(income, book.folded).rows == found.rows
    assert stated(income, book.folded, "2016-04").rows == (("p-001", 32_400), ("p-002", 10_800))


def test_what_moved_into_a_month_is_not_in_a_statement_taken_before(income: Tables) -> None:
    """Two months are closed from statements of one position; the first closing moves lines between the two."""
    book = Book(income, jam())
    through = book.add(make.sale_made(), at=MARCH)
    book.add(make.sale_made(sale="sale-2"), at=MARCH)
    book.add(make.sale_made(sale="sale-3"), at=APRIL)
    march = stated(income, through)
    april = stated(income, book.folded, "2016-04")
    book.add(closing(march))
    book.add(closing(april))
    assert book.earned() == {"p-001": 32_400, "p-002": 10_800}
    assert income.one("SELECT period FROM income_lines WHERE ref = 'sale-2'") == ("2016-05",)
    book.close("2016-05")
    assert book.earned() == {"p-001": 48_600, "p-002": 16_200}
    assert a3_earned_is_paid_or_owed(income.here()) == []


def test_a_wrong_digest_stops_the_fold(income: Tables) -> None:
    book = Book(income, jam())
    book.add(make.sale_made(), at=MARCH)
    wrong = closing(stated(income, book.folded), statement_digest="00" * 32)
    with pytest.raises(StatementDiffers, match="another digest"):
        book.add(wrong)


def test_a_correction_of_origin_after_the_closing_posts_differences_into_the_open_month(income: Tables) -> None:
    book = Book(income, jam())
    book.add(make.sale_made(), at=MARCH)
    book.close("2016-03")
    corrected = make.batch_inputs_corrected(
        corrects=id_of(12),
        inputs=(LotInput(lot="lot-apricots-1", mass_g=10_000), LotInput(lot="lot-apricots-2", mass_g=10_000)),
    )
    book.add(corrected, at=APRIL)
    assert book.earned() == {"p-001": 16_200, "p-002": 5_400}
    assert stated(income, book.folded, "2016-04").rows == (("p-001", -5_400), ("p-002", 5_400))
    one, two = income_queries.income_by_producer(income.here())
    assert (one.earned_tyiyn, one.accruing_tyiyn, two.accruing_tyiyn) == (16_200, -5_400, 5_400)
    book.close("2016-04")
    assert book.earned() == {"p-001": 10_800, "p-002": 10_800}
    assert a3_earned_is_paid_or_owed(income.here()) == []


def test_a_correction_between_statement_and_closing_counts_in_the_next_month(income: Tables) -> None:
    book = Book(income, jam())
    through = book.add(make.sale_made(), at=MARCH)
    found = stated(income, through)
    book.add(make.batch_inputs_corrected(corrects=id_of(12), inputs=(LotInput(lot="lot-apricots-2", mass_g=9),)))
    book.add(closing(found))
    assert book.earned() == {"p-001": 16_200, "p-002": 5_400}
    book.close("2016-04")
    assert book.earned() == {"p-002": 21_600}


def test_paid_and_owed_make_up_what_was_earned(income: Tables) -> None:
    book = Book(income, jam())
    book.add(make.sale_made(), at=MARCH)
    book.close("2016-03")
    book.add(
        make.payout_made(producer="p-001", amount_tyiyn=10_000),
        make.payout_reversed(producer="p-001", amount_tyiyn=10_000),
        make.payout_made(producer="p-001", payout="payout-2", amount_tyiyn=16_000),
        make.advance_given(producer="p-002", amount_tyiyn=6_000),
    )
    assert income_queries.account(income.here(), "p-001") == (16_200, 200)
    assert income_queries.account(income.here(), "p-002") == (5_400, -600)
    assert a3_earned_is_paid_or_owed(income.here()) == []
    card = income_queries.producer_card(income.here(), "p-001")
    assert card is not None
    assert (card.lots_delivered, card.batches_sold, card.income.paid_tyiyn) == (1, 1, 16_000)
    assert [payment.kind for payment in card.payments] == ["payout", "reversal", "payout"]


@pytest.mark.parametrize(
    ("event", "flag"),
    [
        (make.sale_made(), ("sale_repeated", "sale/sale-1")),
        (make.order_delivered(), ("delivery_repeated", "order/delivery-1")),
    ],
    ids=["sale", "delivery"],
)
def test_what_is_reported_twice_is_income_once_and_flagged(income: Tables, event: Event, flag: tuple[str, str]) -> None:
    book = Book(income, jam().add(make.share_terms_agreed(channel="export"), event))
    before = income_sales.sales_by_channel(income.here())
    book.add(event)
    assert income_sales.sales_by_channel(income.here()) == before
    assert income.rows("income_flags", "flag, subject") == [flag]


def test_contract_deliveries_are_income_of_another_channel(income: Tables) -> None:
    history = jam().add(make.share_terms_agreed(channel="export"), make.order_delivered(channel="export"))
    income.fold(history)
    assert income_sales.sales_by_year(income.here()) == []
    [export] = income_sales.sales_by_channel(income.here())
    assert export.key == "export"
    assert export.gross_tyiyn > 0


@pytest.mark.parametrize(
    ("identity", "damage", "named"),
    [
        (a1_postings_sum_to_zero, "UPDATE income_lines SET brand_tyiyn = brand_tyiyn + 1", "sale-1"),
        (a1_postings_sum_to_zero, "UPDATE income_earned SET earned_tyiyn[1] = 7", "batch-jam-1"),
        (a2_sales_are_shared_whole, "UPDATE income_lines SET gross_tyiyn = gross_tyiyn - 1", "sale-1"),
        (a2_sales_are_shared_whole, "UPDATE income_pools SET makers_tyiyn = 0", "batch-jam-1"),
        (a2_sales_are_shared_whole, "UPDATE income_sales SET gross_tyiyn = 0", "outlet/karakol"),
        (a3_earned_is_paid_or_owed, "UPDATE income_accounts SET owed_tyiyn = 1 WHERE producer = 'p-002'", "p-002"),
        (a3_earned_is_paid_or_owed, "DELETE FROM income_payments", "p-001"),
        (a3_earned_is_paid_or_owed, "UPDATE income_statements SET earned_tyiyn = 3", "p-001"),
    ],
)
def test_an_identity_of_money_names_what_breaks_it(
    income: Tables, identity: Callable[[Connection], list[str]], damage: str, named: str
) -> None:
    book = Book(income, jam())
    book.add(make.sale_made(), at=MARCH)
    book.close("2016-03")
    book.add(make.payout_made(producer="p-001", amount_tyiyn=100))
    assert identity(income.here()) == []
    income.break_it(damage)
    assert any(named in failure for failure in identity(income.here()))
