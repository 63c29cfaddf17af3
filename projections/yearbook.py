"""The network's books by year over the read models at hand: today's, or a scratch copy's as of some position.

The connection's search path says which; every number is added up from the tables, nothing is remembered from before.
"""

from collections.abc import Mapping, Sequence
from dataclasses import dataclass
from datetime import date, datetime

from projections.base import Connection

#: The channel of the shops; contract deliveries are others.
RETAIL = "retail"


@dataclass(frozen=True, slots=True)
class YearOfBooks:
    """A calendar year of Bishkek: sales net of voids and returns by the day of the sale, and where the money went."""

    year: int
    sales_tyiyn: int
    makers_tyiyn: int
    workshop_tyiyn: int
    outlet_tyiyn: int
    brand_tyiyn: int
    fund_tyiyn: int
    suspense_tyiyn: int


@dataclass(frozen=True, slots=True)
class MakersBooks:
    """What the makers earned: frozen in closed months, accruing in open ones, and what of it was paid."""

    earned_tyiyn: int
    accruing_tyiyn: int
    paid_tyiyn: int
    advanced_tyiyn: int
    owed_tyiyn: int
    months_closed: int


@dataclass(frozen=True, slots=True)
class StockBooks:
    """Units of packed batches. Negative stock is legal, and counted here as what it is."""

    units_on_hand: int
    units_in_transit: int
    units_sold: int
    units_destroyed: int
    units_unexplained: int
    oversold: int  #: places and batches with less than nothing on hand


@dataclass(frozen=True, slots=True)
class Books:
    years: Sequence[YearOfBooks]
    makers: MakersBooks
    stock: StockBooks
    counts: Mapping[str, int]

    @property
    def sales_tyiyn(self) -> int:
        return sum(year.sales_tyiyn for year in self.years)

    @property
    def makers_tyiyn(self) -> int:
        return sum(year.makers_tyiyn for year in self.years)


@dataclass(frozen=True, slots=True)
class Later:
    """Lines of income recorded after a position: one kind, one year of sales, claimed for before a day or after it."""

    year: int
    kind: str  #: sale, void, return, correction, release
    is_late: bool  #: it happened by that day and was recorded after it
    lines: int
    sales_tyiyn: int
    makers_tyiyn: int


_COUNTS = {
    "outlets": "SELECT count(*) FROM income_outlets",
    "producers": "SELECT count(*) FROM income_makers WHERE maker LIKE 'producer/%'",
    "workshops": "SELECT count(*) FROM income_makers WHERE maker LIKE 'workshop/%'",
    "villages": "SELECT count(*) FROM income_villages",
    "products": "SELECT count(*) FROM income_products",
    "lots": "SELECT count(*) FROM income_lots WHERE is_known",
    "batches": "SELECT count(*) FROM inventory_lots WHERE packed_units > 0",
    "receipts": "SELECT count(*) FROM inventory_sales",
    "consignments": "SELECT count(*) FROM inventory_consignments",
    "recalls": "SELECT count(*) FROM inventory_recalls",
}


def books(connection: Connection) -> Books:
    """The books of the read models that the search path names."""
    return Books(
        years=sales_by_year(connection),
        makers=_makers(connection),
        stock=_stock(connection),
        counts={name: _number(connection, query) for name, query in _COUNTS.items()},
    )


def sales_by_year(connection: Connection) -> list[YearOfBooks]:
    """Every year that had a sale, the earliest first."""
    rows = connection.execute(
        "SELECT left(sale_month, 4)::int, sum(gross_tyiyn), sum(makers_tyiyn),"
        " sum(workshop_tyiyn), sum(outlet_tyiyn), sum(brand_tyiyn), sum(fund_tyiyn),"
        " sum(suspense_tyiyn) FROM income_sales WHERE channel = %s GROUP BY 1 ORDER BY 1",
        [RETAIL],
    )
    return [YearOfBooks(*row) for row in rows.fetchall()]


def recorded_later(connection: Connection, position: int, day: date) -> list[Later]:
    """What today's lines hold that was not known at a position, by the year of the sale; late is what is for `day` or
    before."""
    rows = connection.execute(
        "SELECT left(sale_month, 4)::int, kind, day <= %s, count(*), sum(gross_tyiyn),"
        " sum(makers_tyiyn) FROM income_lines WHERE channel = %s AND position > %s"
        " GROUP BY 1, 2, 3 ORDER BY 1, 2, 3",
        [day, RETAIL, position],
    )
    return [Later(*row) for row in rows.fetchall()]


def late_facts(connection: Connection, position: int, moment: datetime) -> dict[str, int]:
    """Events recorded after a position that are claimed to have occurred by a moment: how many of each type."""
    rows = connection.execute(
        "SELECT type, count(*) FROM log.events WHERE position > %s AND occurred_at <= %s GROUP BY 1 ORDER BY 2 DESC, 1",
        [position, moment],
    )
    return dict(rows.fetchall())


def months_closed_later(connection: Connection, position: int, month: str) -> tuple[int, int]:
    """Months up to one that were closed after a position: how many, and the income they made earned, in tyiyn."""
    rows = connection.execute(
        "SELECT count(*), coalesce(sum(earned_tyiyn), 0) FROM income_periods"
        " WHERE closed_position > %s AND period <= %s",
        [position, month],
    ).fetchall()
    return rows[0][0], rows[0][1]


def _makers(connection: Connection) -> MakersBooks:
    earned, paid, reversed_, advanced, owed = _numbers(
        connection,
        "SELECT coalesce(sum(earned_tyiyn), 0), coalesce(sum(paid_tyiyn), 0),"
        " coalesce(sum(reversed_tyiyn), 0), coalesce(sum(advanced_tyiyn), 0),"
        " coalesce(sum(owed_tyiyn), 0) FROM income_accounts",
    )
    accruing = _number(
        connection,
        "SELECT coalesce(sum(makers_tyiyn), 0) FROM income_pools p WHERE NOT EXISTS"
        " (SELECT FROM income_periods c WHERE c.region = p.region AND c.period = p.period)",
    )
    closed = _number(connection, "SELECT count(*) FROM income_periods")
    return MakersBooks(earned, accruing, paid - reversed_, advanced, owed, closed)


def _stock(connection: Connection) -> StockBooks:
    on_hand, sold, destroyed, unexplained, oversold = _numbers(
        connection,
        "SELECT coalesce(sum(on_hand), 0), coalesce(sum(sold - returned), 0),"
        " coalesce(sum(destroyed), 0), coalesce(sum(unexplained), 0),"
        " count(*) FILTER (WHERE on_hand < 0) FROM inventory_stock",
    )
    in_transit = _number(connection, "SELECT coalesce(sum(in_transit), 0) FROM inventory_transit")
    return StockBooks(on_hand, in_transit, sold, destroyed, unexplained, oversold)


def _number(connection: Connection, query: str) -> int:
    return _numbers(connection, query)[0]


def _numbers(connection: Connection, query: str) -> tuple[int, ...]:
    return tuple(connection.execute(query).fetchall()[0])
