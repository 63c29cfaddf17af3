"""Ordinary receipts of a long build, shared line by line in the database, all of a stretch of the log at a time.

A receipt is ordinary when it meets nothing but what was there before the stretch: its batches have a home, its terms
are agreed, its month is open, nobody says anything else of it. Any other receipt is told to the caller, who folds it
one by one as in a small batch. How an amount is split is asked of `projections.split` for every amount that occurs, so
there is one rule for both ways.
"""

from collections.abc import Collection, Iterable, Sequence
from dataclasses import dataclass, field
from typing import Any, Final

from events.catalogue.base import Event, Recorded
from events.catalogue.network import OutletOpened, ProducerRegistered, ProductDefined, WorkshopOpened
from events.catalogue.outlets import GoodsReturned, SaleLineCorrected, SaleVoided
from events.catalogue.production import BatchInputsCorrected, BatchProduced, LotCorrected, LotFact
from events.catalogue.settlement import ShareTermsAgreed
from projections import income_tables as t
from projections.base import Db, array_text
from projections.in_bulk import DATA
from projections.split import Terms, split

#: Fewer receipts are read and folded one by one: four statements cost more.
RECEIPTS_MIN: Final = 20


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


def share_ordinary_receipts(db: Db, after: int, upto: int, others: Sequence[Recorded[Event]]) -> list[Recorded[Event]]:
    """Share the ordinary ones of the receipts left in a stretch of the log; the others, read, in the log's order.

    `others` are the stretch's events that were read; no month is closed in it.
    """
    left = db.left.between(after, upto) if db.left else []
    if len(left) < RECEIPTS_MIN:
        return db.opened(left)
    _stage(db, left, _touched(db, others))
    careful = [
        position for (position,) in db.rows("SELECT DISTINCT position FROM staged_receipts WHERE NOT is_ordinary")
    ]
    if careful:
        db.execute("DELETE FROM staged_receipts WHERE position = ANY(%s::bigint[])", [array_text(careful)])
    _post(db)
    return db.opened(careful)


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


_CREATE_STAGE = """
CREATE TEMPORARY TABLE IF NOT EXISTS staged_receipts (
    position bigint, line bigint, ref text COLLATE "C", channel text COLLATE "C", place text COLLATE "C",
    product text COLLATE "C", batch text COLLATE "C", workshop text COLLATE "C", region text COLLATE "C",
    day date, month text COLLATE "C", units bigint, gross bigint,
    makers_bp bigint, workshop_bp bigint, outlet_bp bigint, brand_bp bigint, fund_bp bigint, is_ordinary boolean
) ON COMMIT DELETE ROWS
"""

#: Every line of the receipts left in the stretch with all that decides how it is shared. `LIMIT 1` and `OFFSET 0` keep
#: the planner from reading whole tables for a stretch and from taking a leaf apart more than once; `IN (SELECT unnest`
#: is looked up in a hash, where `= ANY` of a parameter would be compared one by one.
_STAGE = f"""
WITH lines AS MATERIALIZED (
    SELECT e.position, coalesce(l.line, 1) - 1 AS line, s.said ->> 'sale' AS ref, s.said ->> 'outlet' AS outlet,
           (e.occurred_at AT TIME ZONE 'Asia/Bishkek')::date AS day, l.product, l.batch, l.units,
           l.units * l.unit_price_tyiyn AS gross
    FROM log.events e
    CROSS JOIN LATERAL (SELECT {DATA} AS said OFFSET 0) s
    LEFT JOIN LATERAL ROWS FROM (
        jsonb_to_recordset(s.said -> 'lines') AS (product text, batch text, units bigint, unit_price_tyiyn bigint)
    ) WITH ORDINALITY AS l (product, batch, units, unit_price_tyiyn, line) ON true
    WHERE e.position = ANY(%(left)s::bigint[])
), met AS MATERIALIZED (
    SELECT ref FROM lines WHERE line = 0 GROUP BY ref HAVING count(*) > 1
    UNION ALL
    SELECT unnest(%(refs)s::text[])
    UNION ALL
    SELECT s.ref FROM lines s
    CROSS JOIN LATERAL (
        (SELECT FROM income_lines x WHERE x.ref = s.ref LIMIT 1)
        UNION ALL
        (SELECT FROM income_changes c WHERE c.ref = s.ref LIMIT 1)
    ) known
    WHERE s.line = 0
), homes AS MATERIALIZED (
    SELECT b.batch, m.region, CASE WHEN m.maker LIKE 'workshop/%%' THEN substr(m.maker, 10) ELSE '' END AS workshop
    FROM (SELECT DISTINCT batch FROM lines WHERE batch NOT IN (SELECT unnest(%(lots)s::text[]))) b
    CROSS JOIN LATERAL (
        SELECT coalesce(maker, 'producer/' || producer) AS maker FROM income_lots WHERE lot = b.batch LIMIT 1
    ) l
    CROSS JOIN LATERAL (SELECT maker, region FROM income_makers WHERE maker = l.maker LIMIT 1) m
    WHERE m.region <> '' AND m.maker NOT IN (SELECT unnest(%(makers)s::text[]))
), placed AS MATERIALIZED (
    SELECT lines.*, coalesce(o.channel, 'retail') AS channel, coalesce(p.product_group, '') AS product_group
    FROM lines
    LEFT JOIN income_outlets o ON o.outlet = lines.outlet
    LEFT JOIN income_products p ON p.product = lines.product
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
"""  # noqa: S608 - only constants go in


def _stage(db: Db, left: Collection[int], touched: Touched) -> None:
    db.execute(_CREATE_STAGE)
    db.execute("TRUNCATE staged_receipts")
    db.execute("SET LOCAL enable_mergejoin = off")
    db.execute("SET LOCAL enable_memoize = off")  # the planner takes every receipt to be like another
    sets = {name: array_text(getattr(touched, name)) for name in Touched.__slots__}
    db.execute(_STAGE, {"left": array_text(left), **sets})


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
