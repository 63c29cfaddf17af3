"""What people ask of sales: by year, month, place, channel and product, and how many there are in the network.

Each works wherever the search path says the tables are: served, rebuilt or past.
"""

from dataclasses import dataclass

from projections.base import Connection, records

#: Most products that one answer holds.
ROWS_MAX = 5_000

type Year = int | None


@dataclass(frozen=True, slots=True)
class Sales:
    """Sales net of their voids and returns, and the parts they were shared into, in tyiyn."""

    key: str
    units: int
    gross_tyiyn: int
    makers_tyiyn: int
    workshop_tyiyn: int
    outlet_tyiyn: int
    brand_tyiyn: int
    fund_tyiyn: int
    suspense_tyiyn: int


@dataclass(frozen=True, slots=True)
class ProductSales:
    """Sales of one product net of their voids and returns, in tyiyn."""

    product: str
    units: int
    gross_tyiyn: int
    makers_tyiyn: int
    suspense_tyiyn: int


@dataclass(frozen=True, slots=True)
class NetworkCounts:
    """How many there are in the network."""

    outlets: int
    producers: int
    workshops: int
    villages: int
    products: int


_PARTS = (
    "sum(units) AS units, sum(gross_tyiyn) AS gross_tyiyn, sum(makers_tyiyn) AS makers_tyiyn,"
    " sum(workshop_tyiyn) AS workshop_tyiyn, sum(outlet_tyiyn) AS outlet_tyiyn,"
    " sum(brand_tyiyn) AS brand_tyiyn, sum(fund_tyiyn) AS fund_tyiyn,"
    " sum(suspense_tyiyn) AS suspense_tyiyn"
)


def _sales(connection: Connection, key: str, channel: str | None, year: Year, place: str | None = None) -> list[Sales]:
    return records(
        connection,
        Sales,
        f"SELECT {key} AS key, {_PARTS} FROM income_sales"  # noqa: S608 - the key is one of ours
        " WHERE (%(channel)s::text IS NULL OR channel = %(channel)s)"
        " AND (%(year)s::text IS NULL OR left(sale_month, 4) = %(year)s)"
        " AND (%(place)s::text IS NULL OR place = %(place)s) GROUP BY 1 ORDER BY 1",
        {"channel": channel, "year": year_text(year), "place": place},
    )


def year_text(year: Year) -> str | None:
    """A year as months of it begin."""
    return None if year is None else f"{year:04d}"


def sales_by_year(connection: Connection, *, channel: str | None = "retail") -> list[Sales]:
    """Sales per Bishkek year of the sale, net of its voids and returns; contract deliveries are other channels."""
    return _sales(connection, "left(sale_month, 4)", channel, None)


def sales_by_month(
    connection: Connection, *, year: Year = None, channel: str | None = "retail", place: str | None = None
) -> list[Sales]:
    """Sales per Bishkek month of the sale."""
    return _sales(connection, "sale_month", channel, year, place)


def sales_by_place(connection: Connection, *, year: Year = None, channel: str | None = None) -> list[Sales]:
    """Sales per outlet (or place of a contract delivery)."""
    return _sales(connection, "place", channel, year)


def sales_by_channel(connection: Connection, *, year: Year = None) -> list[Sales]:
    """Sales per channel: retail, wholesale, export."""
    return _sales(connection, "channel", None, year)


def sales_by_product(connection: Connection, *, year: Year = None, limit: int = ROWS_MAX) -> list[ProductSales]:
    """Sales per product, the greatest first."""
    return records(
        connection,
        ProductSales,
        "SELECT product, sum(units) AS units, sum(gross_tyiyn) AS gross_tyiyn,"
        " sum(makers_tyiyn) AS makers_tyiyn, sum(suspense_tyiyn) AS suspense_tyiyn"
        " FROM income_product_sales WHERE %(year)s::text IS NULL OR left(sale_month, 4) = %(year)s"
        " GROUP BY product ORDER BY 3 DESC, product LIMIT %(limit)s",
        {"year": year_text(year), "limit": min(limit, ROWS_MAX)},
    )


def network_counts(connection: Connection) -> NetworkCounts:
    """How many outlets, producers, workshops, villages and products were ever registered."""
    [found] = records(
        connection,
        NetworkCounts,
        "SELECT (SELECT count(*) FROM income_outlets) AS outlets,"
        " (SELECT count(*) FROM income_makers WHERE maker LIKE 'producer/%%') AS producers,"
        " (SELECT count(*) FROM income_makers WHERE maker LIKE 'workshop/%%') AS workshops,"
        " (SELECT count(*) FROM income_villages) AS villages,"
        " (SELECT count(*) FROM income_products) AS products WHERE %s",
        [True],
    )
    return found


def outlets_by_year(connection: Connection) -> dict[int, int]:
    """How many outlets had opened by the end of each year in which one did."""
    total, found = 0, {}
    for year, opened in connection.execute(
        "SELECT extract(year FROM opened_on)::int, count(*) FROM income_outlets GROUP BY 1 ORDER BY 1"
    ):
        total += opened
        found[int(year)] = total
    return found
