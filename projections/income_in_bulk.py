"""Ordinary receipts and lots of a long build, taken in the database, all of a stretch of the log at a time.

A receipt is ordinary when it meets nothing but what was there before the stretch: its batches have a home, its terms
are agreed, its month is open, nobody says anything else of it. Any other receipt is told to the caller, who folds it
one by one as in a small batch. How an amount is split is asked of `projections.split` for every amount that occurs, so
there is one rule for both ways.
"""

from collections.abc import Iterable, Sequence
from dataclasses import dataclass, field
from typing import Any, Final, NamedTuple

from events.catalogue.base import Event, Recorded
from events.catalogue.center import OrderDelivered
from events.catalogue.network import OutletOpened, ProducerRegistered, ProductDefined, WorkshopOpened
from events.catalogue.outlets import GoodsReturned, SaleLineCorrected, SaleVoided
from events.catalogue.production import BatchInputsCorrected, BatchProduced, LotCorrected, LotFact
from events.catalogue.settlement import ShareTermsAgreed
from projections import income_tables as t
from projections import lineage_in_bulk
from projections.base import Db, array_text
from projections.in_bulk import LEFT, stretch
from projections.lineage_image import Late
from projections.split import Terms, split

#: Fewer events are read and folded one by one: a dozen statements cost more.
LEFT_MIN: Final = 40


class Taken(NamedTuple):
    """What is left to do of a stretch of the log."""

    others: Sequence[Recorded[Event]]  #: events that were read, and those that were left but are not ordinary
    late: Sequence[Late]  #: lots that have their rows, but were taken by a step before they came


@dataclass(slots=True)
class Touched:
    """What the other events of a stretch are about: a receipt that has to do with any of it is not ordinary."""

    refs: set[str] = field(default_factory=set)
    lots: set[str] = field(default_factory=set)
    makers: set[str] = field(default_factory=set)
    outlets: set[str] = field(default_factory=set)
    products: set[str] = field(default_factory=set)
    channels: set[str] = field(default_factory=set)

    def note(self, event: Event) -> None:
        match event:
            case SaleVoided(sale=str() as ref) | SaleLineCorrected(sale=ref) | GoodsReturned(sale=str() as ref):
                self.refs.add(ref)
            case LotFact():
                self.lots.add(event.lot)
                if isinstance(event, BatchProduced | BatchInputsCorrected):
                    self.lots.update(kept.lot for kept in event.by_products if kept.lot)
            case OutletOpened():
                self.outlets.add(event.outlet)
            case ProductDefined():
                self.products.add(event.product)
            case ProducerRegistered():
                self.makers.add(f"producer/{event.producer}")
            case WorkshopOpened():
                self.makers.add(f"workshop/{event.workshop}")
            case ShareTermsAgreed():
                self.channels.add(event.channel)
            case _:
                pass


def take_ordinary(db: Db, after: int, upto: int, read: Sequence[Recorded[Event]], receipts: type[Event]) -> Taken:
    """Write the rows of ordinary receipts and lots among those left between two positions, and say what remains.

    `read` are the events of that stretch that were read; no month is closed in it.
    """
    left = db.left.between(after, upto) if db.left else []
    if len(left) < LEFT_MIN:
        return Taken(_in_order(read, db.opened(left)), ())
    _lay_out(db, left, read, receipts)
    others, late = lineage_in_bulk.take_ordinary(t.LINEAGE, db, left, read, _NAMED_BY_A_RECEIPT)
    _stage(db, _touched(db, others))
    careful = db.rows(_TAKE_OUT)
    _post(db)
    return Taken(_in_order(others, db.opened({position for (position,) in careful})), late)


def _in_order(one: Sequence[Recorded[Event]], other: Sequence[Recorded[Event]]) -> Sequence[Recorded[Event]]:
    return sorted([*one, *other], key=lambda recorded: recorded.position) if other else one


def _touched(db: Db, others: Iterable[Recorded[Event]]) -> Touched:
    touched = Touched()
    corrected = set()
    for recorded in others:
        touched.note(recorded.event)
        if isinstance(recorded.event, BatchInputsCorrected | LotCorrected):
            corrected.add(recorded.event.lot)
    # A corrected step may no longer make what it made along with its lot.
    for row in db.where_in(t.LINEAGE.makings, "lot", corrected):
        touched.lots.update(row[-1])
    return touched


_TABLES = """
CREATE TEMPORARY TABLE IF NOT EXISTS left_lines (
    position bigint, line bigint, ref text COLLATE "C", outlet text COLLATE "C", day date,
    product text COLLATE "C", batch text COLLATE "C", units bigint, gross bigint
) ON COMMIT DELETE ROWS;
CREATE TEMPORARY TABLE IF NOT EXISTS named_batches (batch text COLLATE "C") ON COMMIT DELETE ROWS;
CREATE TEMPORARY TABLE IF NOT EXISTS staged_receipts (
    position bigint, line bigint, ref text COLLATE "C", channel text COLLATE "C", place text COLLATE "C",
    product text COLLATE "C", batch text COLLATE "C", workshop text COLLATE "C", region text COLLATE "C",
    day date, month text COLLATE "C", units bigint, gross bigint,
    makers_bp bigint, workshop_bp bigint, outlet_bp bigint, brand_bp bigint, fund_bp bigint, is_ordinary boolean
) ON COMMIT DELETE ROWS;
TRUNCATE left_lines, named_batches, staged_receipts;
SET LOCAL enable_mergejoin = off;
-- The planner takes every receipt to be like another, and would look each up in a table of those it has seen.
SET LOCAL enable_memoize = off;
"""

#: Every line of the receipts left in the stretch; one without a product for a receipt without lines.
_LINES = f"""
INSERT INTO left_lines
SELECT said.position, coalesce(l.line, 1) - 1, said.data ->> 'sale', said.data ->> 'outlet',
       (said.occurred_at AT TIME ZONE 'Asia/Bishkek')::date, l.product, l.batch, l.units, l.units * l.unit_price_tyiyn
FROM {LEFT} AS said
LEFT JOIN LATERAL ROWS FROM (
    jsonb_to_recordset(said.data -> 'lines') AS (product text, batch text, units bigint, unit_price_tyiyn bigint)
) WITH ORDINALITY AS l (product, batch, units, unit_price_tyiyn, line) ON true
"""  # noqa: S608 - only constants go in

_NAMED = "INSERT INTO named_batches SELECT DISTINCT batch FROM left_lines UNION SELECT unnest(%s::text[])"

#: A lot that a receipt of the stretch names, or one that waits for it, must be seen to come.
_NAMED_BY_A_RECEIPT = """
lot IN (SELECT batch FROM named_batches WHERE batch IS NOT NULL)
OR lot IN (SELECT batch FROM income_lines WHERE region = '')
"""


def _lay_out(db: Db, left: Sequence[int], read: Iterable[Recorded[Event]], receipts: type[Event]) -> None:
    db.connection.execute(_TABLES)
    db.execute(_LINES, stretch(left, receipts))
    batches = {line.batch for recorded in read for line in _lines_of(recorded.event) if line.batch}
    db.execute(_NAMED, [array_text(batches)])


def _lines_of(event: Event) -> Sequence[Any]:
    match event:
        case GoodsReturned(lines=lines) | OrderDelivered(lines=lines):
            return lines
        case SaleLineCorrected():
            return (event,)
        case _:
            return ()


#: Every line with all that decides how it is shared. `LIMIT 1` keeps the planner from reading whole tables for a
#: stretch; `IN (SELECT unnest` is looked up in a hash, where `= ANY` of a parameter would be compared one by one.
_STAGE = """
WITH met AS MATERIALIZED (
    SELECT ref FROM left_lines WHERE line = 0 GROUP BY ref HAVING count(*) > 1
    UNION ALL
    SELECT unnest(%(refs)s::text[])
    UNION ALL
    SELECT s.ref FROM left_lines s
    CROSS JOIN LATERAL (
        (SELECT FROM income_lines x WHERE x.ref = s.ref LIMIT 1)
        UNION ALL
        (SELECT FROM income_changes c WHERE c.ref = s.ref LIMIT 1)
    ) known
    WHERE s.line = 0
), homes AS MATERIALIZED (
    SELECT b.batch, m.region, CASE WHEN m.maker LIKE 'workshop/%%' THEN substr(m.maker, 10) ELSE '' END AS workshop
    FROM (SELECT DISTINCT batch FROM left_lines WHERE batch NOT IN (SELECT unnest(%(lots)s::text[]))) b
    CROSS JOIN LATERAL (
        SELECT coalesce(maker, 'producer/' || producer) AS maker FROM income_lots WHERE lot = b.batch LIMIT 1
    ) l
    CROSS JOIN LATERAL (SELECT maker, region FROM income_makers WHERE maker = l.maker LIMIT 1) m
    WHERE m.region <> '' AND m.maker NOT IN (SELECT unnest(%(makers)s::text[]))
), placed AS MATERIALIZED (
    SELECT s.*, coalesce(o.channel, 'retail') AS channel, coalesce(p.product_group, '') AS product_group
    FROM left_lines s
    LEFT JOIN income_outlets o ON o.outlet = s.outlet
    LEFT JOIN income_products p ON p.product = s.product
), agreed AS MATERIALIZED (
    SELECT k.*, to_char(k.day, 'YYYY-MM') AS month, t.*
    FROM (SELECT DISTINCT channel, product_group, day FROM placed) k
    CROSS JOIN LATERAL (
        SELECT makers_bp, workshop_bp, outlet_bp, brand_bp, fund_bp FROM income_terms t
        WHERE t.channel = k.channel AND t.product_group IN (k.product_group, '') AND t.effective_from <= k.day
        ORDER BY t.product_group = '' AND k.product_group <> '', t.effective_from DESC, t.position DESC
        LIMIT 1
    ) t
    WHERE k.day BETWEEN '2000-01-01' AND '2100-01-01' AND k.channel NOT IN (SELECT unnest(%(channels)s::text[]))
)
INSERT INTO staged_receipts
SELECT position, line, ref, channel, 'outlet/' || outlet, product, batch, workshop, region, day, month, units, gross,
       makers_bp, workshop_bp, outlet_bp, brand_bp, fund_bp,
       region IS NOT NULL AND month IS NOT NULL AND ref NOT IN (SELECT ref FROM met)
       AND outlet NOT IN (SELECT unnest(%(outlets)s::text[])) AND product NOT IN (SELECT unnest(%(products)s::text[]))
       AND (region, month) NOT IN (SELECT region, period FROM income_periods)
FROM placed
LEFT JOIN homes USING (batch)
LEFT JOIN agreed USING (channel, product_group, day)
"""


#: One line that is not ordinary makes its whole receipt so.
_TAKE_OUT = """
DELETE FROM staged_receipts WHERE position IN (SELECT position FROM staged_receipts WHERE NOT is_ordinary)
RETURNING position
"""


def _stage(db: Db, touched: Touched) -> None:
    db.execute(_STAGE, {name: array_text(getattr(touched, name)) for name in Touched.__slots__})


_BP: Final = "makers_bp, workshop_bp, outlet_bp, brand_bp, fund_bp"

#: Without a workshop its part is the makers'.
_POST = f"""
WITH splits AS MATERIALIZED (
    SELECT * FROM unnest(
        %s::bigint[], %s::bigint[], %s::bigint[], %s::bigint[], %s::bigint[], %s::bigint[],
        %s::bigint[], %s::bigint[], %s::bigint[], %s::bigint[], %s::bigint[]
    ) AS one (gross, {_BP}, makers, workshops, outlet, brand, fund)
), posted AS (
    INSERT INTO income_lines
    SELECT position, line, 'sale', ref, line, channel, place, product, batch, workshop, region, day, month, month,
           position, units, gross, makers + CASE workshop WHEN '' THEN workshops ELSE 0 END,
           CASE workshop WHEN '' THEN 0 ELSE workshops END, outlet, brand, fund, 0
    FROM staged_receipts JOIN splits USING (gross, {_BP})
    RETURNING channel, place, product, batch, region, period, sale_month, units,
              gross_tyiyn, makers_tyiyn, workshop_tyiyn, outlet_tyiyn, brand_tyiyn, fund_tyiyn
), pooled AS (
    INSERT INTO income_pools AS p
    SELECT region, period, batch, sum(makers_tyiyn) FROM posted GROUP BY region, period, batch
    ON CONFLICT (region, period, batch) DO UPDATE SET makers_tyiyn = p.makers_tyiyn + excluded.makers_tyiyn
), sold AS (
    INSERT INTO income_sales AS s
    SELECT channel, place, sale_month, sum(units), sum(gross_tyiyn), sum(makers_tyiyn), sum(workshop_tyiyn),
           sum(outlet_tyiyn), sum(brand_tyiyn), sum(fund_tyiyn), 0
    FROM posted GROUP BY channel, place, sale_month
    ON CONFLICT (channel, place, sale_month) DO UPDATE SET
        units = s.units + excluded.units, gross_tyiyn = s.gross_tyiyn + excluded.gross_tyiyn,
        makers_tyiyn = s.makers_tyiyn + excluded.makers_tyiyn,
        workshop_tyiyn = s.workshop_tyiyn + excluded.workshop_tyiyn,
        outlet_tyiyn = s.outlet_tyiyn + excluded.outlet_tyiyn,
        brand_tyiyn = s.brand_tyiyn + excluded.brand_tyiyn, fund_tyiyn = s.fund_tyiyn + excluded.fund_tyiyn
)
INSERT INTO income_product_sales AS s
SELECT product, channel, sale_month, sum(units), sum(gross_tyiyn), sum(makers_tyiyn), 0
FROM posted GROUP BY product, channel, sale_month
ON CONFLICT (product, channel, sale_month) DO UPDATE SET
    units = s.units + excluded.units, gross_tyiyn = s.gross_tyiyn + excluded.gross_tyiyn,
    makers_tyiyn = s.makers_tyiyn + excluded.makers_tyiyn
"""  # noqa: S608 - only constants go in


def _post(db: Db) -> None:
    """Write the lines that are staged, and the sums that they change."""
    amounts = db.rows(f"SELECT DISTINCT gross, {_BP} FROM staged_receipts")  # noqa: S608 - names of columns
    if not amounts:
        return
    rows: list[tuple[Any, ...]] = [(gross, *points, *split(gross, Terms(*points))) for gross, *points in amounts]
    db.execute(_POST, [array_text(column) for column in zip(*rows, strict=True)])
