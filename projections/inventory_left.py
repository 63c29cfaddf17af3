"""Reports of tills, deliveries and consignments that a long build left in the log, laid out as tables of one batch.

An event is parsed once, by PostgreSQL; what follows reads columns. What is not ordinary is taken out of these tables
again (inventory_ordinary.py), the rest becomes rows of the inventory (inventory_in_bulk.py).
"""

from collections.abc import Collection, Mapping, Sequence
from typing import Any, Final

from events.catalogue.base import Event, Recorded
from events.catalogue.network import OutletOpened, PriceSet
from events.catalogue.registry import EVENTS
from events.catalogue.values import QUANTITY_MAX
from projections.base import Db
from projections.inventory_book import AHEAD_AFTER, LATE_AFTER
from projections.statements import Row

# The names as SQL meets them in the log.
SOLD, OPENED, CLOSED = "outlets.sale_made.v1", "outlets.shift_opened.v1", "outlets.shift_closed.v1"
COLLECTED, SHIPPED, RECEIVED = (
    "production.lot_collected.v2",
    "logistics.stock_shipped.v1",
    "logistics.stock_received.v1",
)
#: Taken in the database when they are ordinary.
IN_BULK: Final[frozenset[type[Event]]] = frozenset(
    EVENTS[name] for name in (SOLD, OPENED, CLOSED, COLLECTED, SHIPPED, RECEIVED)
)

#: The fields of an event of today's version as jsonb; `e` is its row in the log. A leaf is never searched: everything
#: around the fields has a known length (events/canonical.py), apart from three names that are columns as well.
_DATA: Final = (
    "convert_from(substr(e.leaf, 20 + octet_length(e.actor), octet_length(e.leaf)"
    " - 223 - octet_length(e.actor) - octet_length(e.stream) - octet_length(e.type)), 'UTF8')::jsonb"
)

#: A row each: what a till said (`tyiyn` is the cash of a receipt, else what was in the drawer), a delivered lot, what
#: a consignment is. `flag` is a judgement on the reporter's clock, if there is one, and `subject` what it is about.
_TABLES: Final = (
    # What has a fixed width stands in front: a column behind a text is found by walking over it, in every scan.
    """
    CREATE TEMPORARY TABLE IF NOT EXISTS left_reports (
        position bigint, occurred_at timestamptz, till_counter bigint, tyiyn bigint,
        is_opening boolean, is_closing boolean, is_sale boolean, sum_may_differ boolean,
        shift text COLLATE "C", till text COLLATE "C", outlet text COLLATE "C", sale text COLLATE "C",
        flag text COLLATE "C", subject text COLLATE "C", cashier text COLLATE "C", lines text COLLATE "C"
    ) ON COMMIT DELETE ROWS
    """,
    """
    CREATE TEMPORARY TABLE IF NOT EXISTS left_lots (
        position bigint, occurred_at timestamptz, mass_g bigint, pieces bigint,
        lot text COLLATE "C", item text COLLATE "C", maker text COLLATE "C", made_at text COLLATE "C",
        flag text COLLATE "C", subject text COLLATE "C"
    ) ON COMMIT DELETE ROWS
    """,
    """
    CREATE TEMPORARY TABLE IF NOT EXISTS left_consignments (
        position bigint, occurred_at timestamptz,
        consignment text COLLATE "C", place text COLLATE "C", destination text COLLATE "C",
        flag text COLLATE "C", subject text COLLATE "C"
    ) ON COMMIT DELETE ROWS
    """,
    # Units of a batch that came to a place or left it, by the line of a receipt or of a consignment.
    """
    CREATE TEMPORARY TABLE IF NOT EXISTS left_lines (
        position bigint, received bigint, shipped bigint, sold bigint, on_day date, price_differs boolean,
        batch text COLLATE "C", place text COLLATE "C", consignment text COLLATE "C"
    ) ON COMMIT DELETE ROWS
    """,
)

#: Everything in one statement, so that a leaf is parsed once. Of a receipt's lines the inventory keeps a text as well.
#: The price list, with what this batch adds to it, is laid out as stretches of days each with the one price that counts
#: in it; a receipt that was recorded before that price is judged by an earlier one, and so not here. Likewise a shop
#: that is opened in this batch has a channel from then on. A receipt that was paid in several ways is read.
_LAY_OUT: Final = f"""
    WITH said AS MATERIALIZED (
        SELECT e.position, e.type, e.stream, e.occurred_at, {_DATA} AS d,
            CASE WHEN e.recorded_at - e.occurred_at > %(late)s THEN 'late'
                 WHEN e.recorded_at - e.occurred_at < - %(ahead)s THEN 'clock_ahead' END AS flag,
            (e.occurred_at AT TIME ZONE 'Asia/Bishkek')::date AS on_day
        FROM log.events e
        WHERE e.position BETWEEN %(first)s AND %(last)s AND e.type = ANY(%(types)s)
    ), shop AS (
        SELECT outlet, channel, 0 AS position FROM inventory_outlets
        UNION ALL
        SELECT * FROM unnest(%(outlets)s::text[], %(outlet_channels)s::text[], %(outlets_at)s::bigint[])
    ), listed AS (
        SELECT product, channel, unit_price_tyiyn, effective_from, position,
            coalesce(lead(effective_from) OVER (PARTITION BY product, channel ORDER BY effective_from, position),
                'infinity') AS until
        FROM (
            SELECT product, channel, effective_from, position, unit_price_tyiyn FROM inventory_prices
            UNION ALL
            SELECT * FROM unnest(%(products)s::text[], %(channels)s::text[], %(since)s::date[], %(prices_at)s::bigint[],
                %(prices)s::bigint[])
        ) AS price
    ), reports AS (
        INSERT INTO left_reports
        SELECT position, occurred_at, (d->'till_counter')::bigint,
            CASE WHEN type = '{OPENED}' THEN (d->'opening_cash_tyiyn')::bigint
                WHEN type = '{CLOSED}' THEN (d->'counted_cash_tyiyn')::bigint
                WHEN d->'tenders'->0->>'kind' = 'cash' THEN (d->'tenders'->0->'amount_tyiyn')::bigint ELSE 0 END,
            type = '{OPENED}', type = '{CLOSED}', type = '{SOLD}',
            d->'tenders'->1 IS NOT NULL OR sold.tyiyn + coalesce((d->'rounding_tyiyn')::bigint, 0)
                <> coalesce((d->'tenders'->0->'amount_tyiyn')::bigint, 0),
            d->>'shift', d->>'till', d->>'outlet', d->>'sale',
            flag, CASE WHEN flag IS NOT NULL THEN coalesce('sale/' || (d->>'sale'), stream) END,
            d->>'cashier', sold.lines
        FROM said
            LEFT JOIN LATERAL (
                SELECT coalesce(string_agg(concat_ws('/', product, coalesce(batch, ''), units), ' '), '') AS lines,
                    coalesce(sum(units * unit_price_tyiyn), 0) AS tyiyn
                FROM jsonb_to_recordset(d->'lines')
                    AS line (product text, batch text, units bigint, unit_price_tyiyn bigint)
            ) AS sold ON type = '{SOLD}'
        WHERE type IN ('{SOLD}', '{OPENED}', '{CLOSED}')
    ), lots AS (
        INSERT INTO left_lots
        SELECT position, occurred_at, (d->'mass_g')::bigint, coalesce((d->'pieces')::bigint, 0),
            d->>'lot', d->>'material', 'producer/' || (d->>'producer'), d->>'delivered_to',
            flag, CASE WHEN flag IS NOT NULL THEN stream END
        FROM said WHERE type = '{COLLECTED}'
    ), consignments AS (
        INSERT INTO left_consignments
        SELECT position, occurred_at, d->>'consignment', coalesce(d->>'origin', d->>'place'), d->>'destination',
            flag, CASE WHEN flag IS NOT NULL THEN stream END
        FROM said WHERE type IN ('{SHIPPED}', '{RECEIVED}')
    )
    INSERT INTO left_lines
    SELECT line.position, CASE type WHEN '{RECEIVED}' THEN units ELSE 0 END,
        CASE type WHEN '{SHIPPED}' THEN units ELSE 0 END, CASE type WHEN '{SOLD}' THEN units ELSE 0 END, on_day,
        coalesce(listed.unit_price_tyiyn <> line.unit_price_tyiyn OR listed.position > line.position, false),
        batch, coalesce('outlet/' || line.outlet, place), consignment
    FROM (
            SELECT position, type, on_day, d->>'outlet' AS outlet, coalesce(d->>'origin', d->>'place') AS place,
                d->>'consignment' AS consignment, told.*
            FROM said CROSS JOIN LATERAL jsonb_to_recordset(d->'lines')
                AS told (product text, batch text, units bigint, unit_price_tyiyn bigint)
            WHERE units BETWEEN 1 AND {QUANTITY_MAX} -- all of them; the planner thinks of a hundred lines otherwise
            OFFSET 0 -- from here on without the leaf
        ) AS line
        LEFT JOIN shop ON shop.outlet = line.outlet AND shop.position < line.position
        LEFT JOIN listed ON listed.product = line.product AND listed.channel = shop.channel
            AND on_day >= listed.effective_from AND on_day < listed.until
"""  # noqa: S608 - only constants go in


def run(db: Db, statement: str, params: Mapping[str, Any] | Sequence[Any] = ()) -> int:
    """Run a statement planned for the sizes of today: one planned for a first, small batch would scan whole tables."""
    return db.connection.execute(statement, params or None, prepare=False).rowcount


def rows(db: Db, statement: str, params: Mapping[str, Any] | Sequence[Any] = ()) -> list[Row]:
    """The rows of a query, planned as `run` does."""
    return db.connection.execute(statement, params or None, prepare=False).fetchall()


def lay_out(
    db: Db, first: int, last: int, prices: Sequence[Recorded[PriceSet]], opened: Sequence[Recorded[OutletOpened]]
) -> None:
    """Lay out what lies from one position to another; prices and shops are those that the batch itself brings."""
    for table in _TABLES:
        db.execute(table)
    params = {
        "first": first,
        "last": last,
        "types": [event.wire_name for event in IN_BULK],
        "late": LATE_AFTER,
        "ahead": AHEAD_AFTER,
        "outlets": [shop.event.outlet for shop in opened],
        "outlet_channels": [shop.event.channel for shop in opened],
        "outlets_at": [shop.position for shop in opened],
        "products": [price.event.product for price in prices],
        "channels": [price.event.channel for price in prices],
        "since": [price.event.effective_from for price in prices],
        "prices_at": [price.position for price in prices],
        "prices": [price.event.unit_price_tyiyn for price in prices],
    }
    run(db, _LAY_OUT, params)


def take_out(db: Db, positions: Collection[int]) -> list[tuple[str, int]]:
    """Take events out again that are to be read after all; till and counter of those that tills reported."""
    if not positions:
        return []
    odd = [list(positions)]
    out = "DELETE FROM {} USING unnest(%s::bigint[]) AS odd WHERE position = odd"
    for table in ("left_lots", "left_consignments", "left_lines"):
        run(db, out.format(table), odd)
    return [
        (till, counter) for till, counter in rows(db, out.format("left_reports") + " RETURNING till, till_counter", odd)
    ]
