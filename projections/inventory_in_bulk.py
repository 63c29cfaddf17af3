"""What a long build makes of the ordinary events of a batch: rows, all at a time, without reading the events.

They come to stand before everything that is read, whatever their positions were; a stock count is told which of them
were recorded after it.
"""

from collections.abc import Iterable, Sequence
from dataclasses import dataclass, field
from typing import Final

from psycopg.errors import UniqueViolation

from events.catalogue import outlets
from events.catalogue.base import Event, Recorded
from projections.base import Db
from projections.inventory_left import lay_out, rows, run, take_out
from projections.inventory_left_counters import Counters
from projections.inventory_ordinary import around, not_ordinary

#: A stock count's line: position, place, batch.
type CountedLine = tuple[int, str, str]


@dataclass(frozen=True, slots=True)
class Taken:
    """What was taken in the database, as far as the rest of the batch must know."""

    read: list[Recorded[Event]] = field(default_factory=list)  #: events that had to be read after all
    counters: list[tuple[str, int, int]] = field(default_factory=list)  #: till, first and last of a run of its counters
    recorded_later: dict[CountedLine, int] = field(default_factory=dict)  #: units that came after a count


#: Of two receipts or lots of one id the first one counts.
_SALES: Final = """
    INSERT INTO inventory_sales (sale, position, place, shift, occurred_at, cash_tyiyn, lines)
    SELECT sale, position, 'outlet/' || outlet, shift, occurred_at, tyiyn, lines
    FROM left_reports WHERE is_sale
"""
_LOTS: Final = """
    INSERT INTO inventory_lots
        (lot, item, maker, made_at, made_position, mass_g, pieces, inputs, by_products, corrected, packed_units)
    SELECT lot, item, maker, made_at, position, mass_g, pieces, '', '', '', 0
    FROM left_lots
"""
_REPEATED_SALES: Final = """
    SELECT told.position
    FROM (SELECT position, sale, min(position) OVER (PARTITION BY sale) AS first FROM left_reports WHERE is_sale)
            AS told
        LEFT JOIN LATERAL (SELECT true AS is_stored FROM inventory_sales s WHERE s.sale = told.sale OFFSET 0) AS stored
            ON true
    WHERE told.position > told.first OR is_stored
"""
_REPEATED_LOTS: Final = """
    SELECT told.position
    FROM (SELECT position, lot, min(position) OVER (PARTITION BY lot) AS first FROM left_lots) AS told
        LEFT JOIN LATERAL (SELECT true AS is_stored FROM inventory_lots s WHERE s.lot = told.lot OFFSET 0) AS stored
            ON true
    WHERE told.position > told.first OR is_stored
"""

_BULK: Final = """
    INSERT INTO inventory_bulk AS b
        (lot, place, made_g, made_pieces, on_hand_g, on_hand_pieces, consumed_g, consumed_pieces, packed_g,
        packed_pieces, destroyed_g, destroyed_pieces, sampled_g)
    SELECT lot, made_at, mass_g, pieces, mass_g, pieces, 0, 0, 0, 0, 0, 0, 0 FROM left_lots
    ON CONFLICT (lot, place) DO UPDATE SET
        made_g = b.made_g + excluded.made_g, made_pieces = b.made_pieces + excluded.made_pieces,
        on_hand_g = b.on_hand_g + excluded.on_hand_g, on_hand_pieces = b.on_hand_pieces + excluded.on_hand_pieces
"""

_STOCK: Final = """
    INSERT INTO inventory_stock AS s
        (place, batch, received, shipped, sold, on_hand, packed, opening, cancelled, returned, destroyed, sampled,
        unexplained)
    SELECT place, batch, sum(received), sum(shipped), sum(sold), sum(received - shipped - sold), 0, 0, 0, 0, 0, 0, 0
    FROM left_lines GROUP BY place, batch
    ON CONFLICT (place, batch) DO UPDATE SET
        received = s.received + excluded.received, shipped = s.shipped + excluded.shipped,
        sold = s.sold + excluded.sold, on_hand = s.on_hand + excluded.on_hand
"""

#: Nothing of these consignments was ever cancelled: what is under way or too much follows from the sums.
_TRANSIT: Final = """
    INSERT INTO inventory_transit AS t
        (consignment, batch, shipped, received, lost, cancelled, surplus, in_transit)
    SELECT consignment, batch, sum(shipped), sum(received), 0, 0,
        greatest(sum(received) - sum(shipped), 0), greatest(sum(shipped) - sum(received), 0)
    FROM left_lines WHERE consignment IS NOT NULL GROUP BY consignment, batch
    ON CONFLICT (consignment, batch) DO UPDATE SET
        shipped = t.shipped + excluded.shipped, received = t.received + excluded.received,
        surplus = greatest(t.received + excluded.received + t.lost - t.shipped - excluded.shipped, 0),
        in_transit = greatest(t.shipped + excluded.shipped - t.received - excluded.received - t.lost, 0)
"""
#: The first shipping says from where to where; an arrival alone does not know.
_CONSIGNMENTS: Final = """
    INSERT INTO inventory_consignments AS c (consignment, origin, destination, shipped_at, is_cancelled)
    SELECT DISTINCT ON (consignment) consignment, CASE WHEN destination IS NOT NULL THEN place END, destination,
        CASE WHEN destination IS NOT NULL THEN occurred_at END, false
    FROM left_consignments ORDER BY consignment, destination IS NULL, position
    ON CONFLICT (consignment) DO UPDATE SET
        origin = excluded.origin, destination = excluded.destination, shipped_at = excluded.shipped_at
    WHERE c.origin IS NULL AND excluded.origin IS NOT NULL
"""

_SHIFTS: Final = """
    INSERT INTO inventory_shifts AS s
        (shift, outlet, till, cashier, opened_at, closed_at, last_sale_at, opening_tyiyn, sales_tyiyn,
        counted_tyiyn, difference_tyiyn, voids_tyiyn, refunds_tyiyn, in_tyiyn, out_tyiyn)
    SELECT shift, outlet, till, cashier, opened_at, closed_at, last_sale_at, opening_tyiyn, sales_tyiyn,
        counted_tyiyn, counted_tyiyn - opening_tyiyn - sales_tyiyn, 0, 0, 0, 0
    FROM (
        SELECT shift, min(outlet) AS outlet, min(till) AS till,
            max(cashier) FILTER (WHERE is_opening) AS cashier,
            max(occurred_at) FILTER (WHERE is_opening) AS opened_at,
            max(occurred_at) FILTER (WHERE is_closing) AS closed_at,
            max(occurred_at) FILTER (WHERE is_sale) AS last_sale_at,
            coalesce(sum(tyiyn) FILTER (WHERE is_opening), 0) AS opening_tyiyn,
            coalesce(sum(tyiyn) FILTER (WHERE is_sale), 0) AS sales_tyiyn,
            sum(tyiyn) FILTER (WHERE is_closing) AS counted_tyiyn
        FROM left_reports GROUP BY shift
    ) AS told
    ON CONFLICT (shift) DO UPDATE SET
        cashier = coalesce(s.cashier, excluded.cashier), opened_at = coalesce(s.opened_at, excluded.opened_at),
        closed_at = coalesce(s.closed_at, excluded.closed_at),
        last_sale_at = greatest(s.last_sale_at, excluded.last_sale_at),
        opening_tyiyn = s.opening_tyiyn + excluded.opening_tyiyn,
        sales_tyiyn = s.sales_tyiyn + excluded.sales_tyiyn,
        counted_tyiyn = coalesce(s.counted_tyiyn, excluded.counted_tyiyn),
        difference_tyiyn = coalesce(s.counted_tyiyn, excluded.counted_tyiyn)
            - (s.opening_tyiyn + excluded.opening_tyiyn + s.sales_tyiyn + excluded.sales_tyiyn + s.in_tyiyn
            - s.voids_tyiyn - s.refunds_tyiyn - s.out_tyiyn)
"""

_FLAGS: Final = """
    INSERT INTO inventory_flags (flag, subject, position, place, detail, occurred_at)
    SELECT flag, subject, position, '', '', occurred_at FROM left_reports WHERE flag IS NOT NULL
    UNION ALL
    SELECT flag, subject, position, '', '', occurred_at FROM left_lots WHERE flag IS NOT NULL
    UNION ALL
    SELECT flag, subject, position, '', '', occurred_at FROM left_consignments WHERE flag IS NOT NULL
"""

_RECORDED_LATER: Final = """
    SELECT counted.position, counted.place, counted.batch, sum(l.received - l.shipped - l.sold)::bigint
    FROM unnest(%s::bigint[], %s::text[], %s::text[]) AS counted (position, place, batch)
        JOIN left_lines l ON l.place = counted.place AND l.batch = counted.batch AND l.position > counted.position
    GROUP BY counted.position, counted.place, counted.batch
"""


def take(batch: Sequence[Recorded[Event]], db: Db) -> Taken:
    """Fold the ordinary ones of the events that a batch left in the log, and read the others."""
    if db.left is None:
        return Taken()
    # There are no statistics of what is laid out: of the plans that seem as good, those by hash are the better ones.
    # This ends with the batch's transaction.
    db.execute("SET LOCAL enable_memoize = off")
    db.execute("SET LOCAL enable_mergejoin = off")
    found = around(batch)
    lay_out(db, db.left.after + 1, db.left.upto, found.prices, found.opened)
    counters = Counters(db)
    odd = not_ordinary(db, found, counters)
    taken_out = take_out(db, odd)
    odd |= _write_first_ones(db, taken_out)
    for statement in (_BULK, _STOCK, _TRANSIT, _CONSIGNMENTS, _SHIFTS, _FLAGS):
        run(db, statement)
    return Taken(
        db.opened(odd),
        counters.runs(taken_out),
        _recorded_later(db, batch),
    )


def _write_first_ones(db: Db, taken_out: list[tuple[str, int]]) -> set[int]:
    """Write receipts and lots; those that are not the first of their ids are taken out, and their positions told.

    There are hardly ever any, so they are only looked for when the tables refuse them.
    """
    repeated: set[int] = set()
    for insert, again in ((_SALES, _REPEATED_SALES), (_LOTS, _REPEATED_LOTS)):
        try:
            with db.connection.transaction():
                run(db, insert)
        except UniqueViolation:
            found = {position for (position,) in rows(db, again)}
            taken_out += take_out(db, found)
            run(db, insert)
            repeated |= found
    return repeated


def _recorded_later(db: Db, batch: Iterable[Recorded[Event]]) -> dict[CountedLine, int]:
    counted = {
        (recorded.position, recorded.event.place, line.batch)
        for recorded in batch
        if isinstance(recorded.event, outlets.StockCounted)
        for line in recorded.event.lines
    }
    if not counted:
        return {}
    columns = [list(column) for column in zip(*counted, strict=True)]
    return {(at, place, lot): units for at, place, lot, units in rows(db, _RECORDED_LATER, columns)}
