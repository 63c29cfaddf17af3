"""What people ask of the income. Each works wherever the search path says the tables are: served, rebuilt or past.

Earned is what closed months stated, for ever; accruing is what the open months come to now and is computed here.
"""

from collections import defaultdict
from collections.abc import Collection, Iterator
from dataclasses import dataclass, replace
from datetime import date
from typing import Any

from projections.base import Connection, records
from projections.income_periods import allocated
from projections.income_sales import Year, year_text
from projections.lineage import ALL_UNKNOWN, UNKNOWN, Shares

#: Most rows that one answer holds.
ROWS_MAX = 5_000


@dataclass(frozen=True, slots=True)
class ProducerIncome:
    """One producer's money, in tyiyn. `owed` is of closed months; it may be negative after an advance."""

    producer: str
    village: str
    region: str
    earned_tyiyn: int = 0
    accruing_tyiyn: int = 0
    paid_tyiyn: int = 0
    owed_tyiyn: int = 0


@dataclass(frozen=True, slots=True)
class GroupIncome:
    """The producers of one village or region together, in tyiyn."""

    key: str
    region: str
    producers: int
    earned_tyiyn: int
    accruing_tyiyn: int
    paid_tyiyn: int
    owed_tyiyn: int

    @property
    def total_tyiyn(self) -> int:
        return self.earned_tyiyn + self.accruing_tyiyn


@dataclass(frozen=True, slots=True)
class Suspense:
    """The makers' and workshop's part of sales whose batch nobody knows yet, in tyiyn."""

    place: str
    product: str
    batch: str
    receipts: int
    suspense_tyiyn: int


@dataclass(frozen=True, slots=True)
class Payment:
    """A payout, its reversal or an advance, in tyiyn."""

    position: int
    kind: str
    ref: str
    day: date
    amount_tyiyn: int


@dataclass(frozen=True, slots=True)
class MonthEarned:
    """What a producer earned in a closed month of a region, in tyiyn."""

    period: str
    region: str
    earned_tyiyn: int


@dataclass(frozen=True, slots=True)
class ProducerCard:
    """Everything about one producer's income: delivered, sold, earned, paid, owed."""

    income: ProducerIncome
    lots_delivered: int
    delivered_mass_g: int
    delivered_pieces: int
    batches_sold: int
    months: list[MonthEarned]
    payments: list[Payment]


@dataclass(frozen=True, slots=True)
class Period:
    """A closed month of a region, tyiyn."""

    region: str
    period: str
    through_position: int
    closed_position: int
    digest: str
    producers: int
    earned_tyiyn: int
    unknown_tyiyn: int


def accruing(connection: Connection, *, producer: str | None = None) -> Iterator[tuple[str, str, str, str, int]]:
    """What the open months come to now: (region, period, batch, producer, tyiyn), by the origin shares of today.

    Corrections of closed months that were posted into an open one are part of it.
    """
    pools = connection.execute(
        "SELECT p.region, p.period, p.batch, p.makers_tyiyn, s.producers, s.ppm"
        " FROM income_pools p LEFT JOIN income_lots s ON s.lot = p.batch AND s.computed_at_position IS NOT NULL"
        " WHERE p.makers_tyiyn <> 0 AND (%(producer)s::text IS NULL OR %(producer)s = ANY (s.producers))"
        " AND NOT EXISTS (SELECT 1 FROM income_periods c WHERE c.region = p.region AND c.period = p.period)",
        {"producer": producer},
    ).fetchall()
    for region, period, batch, makers, producers, ppm in pools:
        shares = Shares(tuple(producers), tuple(ppm)) if producers else ALL_UNKNOWN
        for name, tyiyn in zip(shares.producers, allocated(makers, shares), strict=True):
            if producer is None or name == producer:
                yield region, period, batch, name, tyiyn
    for region, period, batch, producers, adjusted in connection.execute(
        "SELECT region, period, batch, producers, adjusted_tyiyn FROM income_adjustments a WHERE NOT EXISTS"
        " (SELECT 1 FROM income_periods c WHERE c.region = a.region AND c.period = a.period)"
    ):
        for name, tyiyn in zip(producers, adjusted, strict=True):
            if producer is None or name == producer:
                yield region, period, batch, name, tyiyn


def income_by_producer(
    connection: Connection, *, year: Year = None, producer: str | None = None
) -> list[ProducerIncome]:
    """Every producer's income. With a year: what was earned, accrues and was paid in it; `owed` is always of now."""
    homes: dict[str, tuple[str, str]] = {
        maker.removeprefix("producer/"): (village, region)
        for maker, village, region in connection.execute(
            "SELECT maker, village, region FROM income_makers WHERE maker LIKE 'producer/%%'"
            " AND (%(maker)s::text IS NULL OR maker = %(maker)s)",
            {"maker": producer and f"producer/{producer}"},
        )
    }
    params = {"year": year_text(year), "producer": producer}
    earned = _sums(
        connection,
        "SELECT producer, sum(earned_tyiyn) FROM income_statements"
        " WHERE (%(year)s::text IS NULL OR left(period, 4) = %(year)s)"
        " AND (%(producer)s::text IS NULL OR producer = %(producer)s) GROUP BY 1",
        params,
    )
    paid = _sums(
        connection,
        "SELECT producer, sum(CASE kind WHEN 'reversal' THEN -amount_tyiyn ELSE amount_tyiyn END)"
        " FROM income_payments WHERE (%(year)s::text IS NULL OR extract(year FROM day)::int = %(year)s::int)"
        " AND (%(producer)s::text IS NULL OR producer = %(producer)s) GROUP BY 1",
        params,
    )
    owed = _sums(
        connection,
        "SELECT producer, owed_tyiyn FROM income_accounts WHERE %(producer)s::text IS NULL OR producer = %(producer)s",
        params,
    )
    open_now: dict[str, int] = defaultdict(int)
    for _, period, _, name, tyiyn in accruing(connection, producer=producer):
        if year is None or period[:4] == year_text(year):
            open_now[name] += tyiyn
    found = []
    for name in sorted({*homes, *earned, *paid, *owed, *open_now}):
        village, region = homes.get(name, (UNKNOWN, ""))
        money = (earned.get(name, 0), open_now.get(name, 0), paid.get(name, 0), owed.get(name, 0))
        found.append(ProducerIncome(name, village, region, *money))
    return found


def _sums(connection: Connection, statement: str, params: dict[str, Any]) -> dict[str, int]:
    return dict(connection.execute(statement.encode(), params).fetchall())


def income_by_village(connection: Connection, *, year: Year = None) -> list[GroupIncome]:
    """Income by village of the producers; `unknown` is the village of unknown origin."""
    return _grouped(income_by_producer(connection, year=year), by_region=False)


def income_by_region(connection: Connection, *, year: Year = None) -> list[GroupIncome]:
    """Income by region of the producers."""
    return _grouped(income_by_producer(connection, year=year), by_region=True)


def _grouped(producers: list[ProducerIncome], *, by_region: bool) -> list[GroupIncome]:
    groups: dict[str, GroupIncome] = {}
    for one in producers:
        key = (one.region or UNKNOWN) if by_region else one.village
        before = groups.get(key) or GroupIncome(key, one.region, 0, 0, 0, 0, 0)
        groups[key] = replace(
            before,
            producers=before.producers + 1,
            earned_tyiyn=before.earned_tyiyn + one.earned_tyiyn,
            accruing_tyiyn=before.accruing_tyiyn + one.accruing_tyiyn,
            paid_tyiyn=before.paid_tyiyn + one.paid_tyiyn,
            owed_tyiyn=before.owed_tyiyn + one.owed_tyiyn,
        )
    return [groups[key] for key in sorted(groups)]


def producer_card(connection: Connection, producer: str) -> ProducerCard | None:
    """One producer's card, or None for an id that nobody registered and nothing was ever credited to."""
    income = income_by_producer(connection, producer=producer)
    if not income:
        return None
    row = connection.execute(
        "SELECT count(*), coalesce(sum(mass_g), 0), coalesce(sum(pieces), 0) FROM income_lots"
        " WHERE kind = 'collected' AND producer = %s",
        [producer],
    ).fetchone()
    sold = connection.execute(
        "SELECT count(DISTINCT p.batch) FROM income_pools p JOIN income_lots s ON s.lot = p.batch"
        " WHERE %s = ANY (s.producers)",
        [producer],
    ).fetchone()
    assert row is not None  # noqa: S101 - an aggregate has a row
    assert sold is not None  # noqa: S101
    months = records(
        connection,
        MonthEarned,
        "SELECT period, region, earned_tyiyn FROM income_statements WHERE producer = %s ORDER BY period, region",
        [producer],
    )
    payments = records(
        connection,
        Payment,
        "SELECT position, kind, ref, day, amount_tyiyn FROM income_payments WHERE producer = %s ORDER BY position",
        [producer],
    )
    lots, mass_g, pieces = row
    return ProducerCard(income[0], lots, mass_g, pieces, sold[0], months, payments)


def account(connection: Connection, producer: str) -> tuple[int, int]:
    """What closed months say a producer has earned, and what of it is owed now, in tyiyn: for the payout's decider."""
    row = connection.execute(
        "SELECT earned_tyiyn, owed_tyiyn FROM income_accounts WHERE producer = %s", [producer]
    ).fetchone()
    return (row[0], row[1]) if row else (0, 0)


def earned_of(connection: Connection, producers: Collection[str]) -> dict[str, int]:
    """What closed months and their corrections say each of these producers has earned, in tyiyn; absent: nothing."""
    return _sums(
        connection,
        "SELECT producer, earned_tyiyn FROM income_accounts WHERE producer = ANY(%(producers)s)",
        {"producers": list(producers)},
    )


def last_closed_month(connection: Connection) -> str | None:
    """The latest month that some region has closed."""
    [(month,)] = connection.execute("SELECT max(period) FROM income_periods").fetchall()
    return None if month is None else str(month)


def totals(connection: Connection) -> tuple[int, int]:
    """All sales net of their voids and returns, and the makers' part of them, in tyiyn."""
    [(sales, makers)] = connection.execute(
        "SELECT coalesce(sum(gross_tyiyn), 0), coalesce(sum(makers_tyiyn), 0) FROM income_sales"
    ).fetchall()
    return sales, makers


def suspense(
    connection: Connection, *, after: tuple[str, str, str] = ("", "", ""), limit: int = ROWS_MAX
) -> list[Suspense]:
    """What waits for a batch to be known, by place, product and batch; `after`: those of the page before's last row."""
    return records(
        connection,
        Suspense,
        "SELECT place, product, batch, count(DISTINCT ref) AS receipts, sum(suspense_tyiyn) AS suspense_tyiyn"
        " FROM income_lines WHERE region = '' AND suspense_tyiyn <> 0"
        " AND (place, product, batch) > (%(place)s, %(product)s, %(batch)s)"
        " GROUP BY place, product, batch HAVING sum(suspense_tyiyn) <> 0"
        " ORDER BY place, product, batch LIMIT %(limit)s",
        dict(zip(("place", "product", "batch"), after, strict=True)) | {"limit": min(limit, ROWS_MAX)},
    )


def periods(connection: Connection, *, region: str | None = None) -> list[Period]:
    """Closed months, in order."""
    return records(
        connection,
        Period,
        "SELECT * FROM income_periods WHERE %(region)s::text IS NULL OR region = %(region)s ORDER BY period, region",
        {"region": region},
    )


#: Every movement of money, double-entry: the amounts of one group (`source`, `position`, `row`) sum to zero.
POSTINGS = """
    SELECT 'line' AS source, l.position, l.row::text AS row, p.account, p.amount_tyiyn
    FROM income_lines l CROSS JOIN LATERAL (VALUES
        ('sales/' || l.place, -l.gross_tyiyn), ('pool/' || l.batch, l.makers_tyiyn),
        ('workshop/' || l.workshop, l.workshop_tyiyn), (l.place, l.outlet_tyiyn), ('brand', l.brand_tyiyn),
        ('fund', l.fund_tyiyn), ('suspense/' || l.place || '/' || l.product, l.suspense_tyiyn)
    ) AS p (account, amount_tyiyn) WHERE p.amount_tyiyn <> 0
    UNION ALL
    SELECT 'closing', c.closed_position, e.batch, p.account, p.amount_tyiyn
    FROM income_earned e JOIN income_periods c USING (region, period) CROSS JOIN LATERAL (
        SELECT 'pool/' || e.batch, -e.makers_tyiyn
        UNION ALL
        SELECT 'producer/' || u.producer, u.tyiyn FROM unnest(e.producers, e.earned_tyiyn) AS u (producer, tyiyn)
    ) AS p (account, amount_tyiyn)
    UNION ALL
    SELECT 'adjustment', a.position, a.batch || '/' || a.origin_period, 'producer/' || u.producer, u.tyiyn
    FROM income_adjustments a CROSS JOIN LATERAL unnest(a.producers, a.adjusted_tyiyn) AS u (producer, tyiyn)
    UNION ALL
    SELECT 'payment', y.position, y.ref, p.account, p.amount_tyiyn
    FROM income_payments y CROSS JOIN LATERAL (VALUES
        ('producer/' || y.producer, CASE y.kind WHEN 'reversal' THEN y.amount_tyiyn ELSE -y.amount_tyiyn END),
        ('paid/' || y.kind, CASE y.kind WHEN 'reversal' THEN -y.amount_tyiyn ELSE y.amount_tyiyn END)
    ) AS p (account, amount_tyiyn)
"""


def postings(connection: Connection, *, position: int) -> list[tuple[str, str, str, int]]:
    """The postings that an event made: (source, row, account, tyiyn). They sum to zero."""
    found = connection.execute(
        f"SELECT source, row, account, amount_tyiyn FROM ({POSTINGS}) AS p"  # noqa: S608 - our own text
        " WHERE position = %s ORDER BY source, row, account".encode(),
        [position],
    )
    return [(source, row, name, tyiyn) for source, row, name, tyiyn in found]
