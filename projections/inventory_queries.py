"""What people ask of the inventory, wherever the search path says the tables are: served, rebuilt or past."""

from collections.abc import Collection
from dataclasses import dataclass
from datetime import date, datetime

from projections.base import Connection, records

#: Most rows that one answer holds, ask for more with `after`: a page of the API, and one to see if there are more.
ROWS_MAX = 1_001


@dataclass(frozen=True, slots=True)
class Stock:
    """Units of one batch at one place."""

    place: str
    batch: str
    product: str | None
    code: str | None
    best_before: date | None
    on_hand: int
    packed: int
    opening: int
    received: int
    shipped: int
    cancelled: int
    sold: int
    returned: int
    destroyed: int
    sampled: int
    unexplained: int


@dataclass(frozen=True, slots=True)
class ProductStock:
    """Units of one product over places and batches, with the nearest expiry among those on hand."""

    product: str
    batches: int
    on_hand: int
    in_transit: int
    sold: int
    returned: int
    destroyed: int
    unexplained: int
    nearest_best_before: date | None


@dataclass(frozen=True, slots=True)
class RawStock:
    """Grams and pieces of one lot that is not packed, at one place."""

    lot: str
    place: str
    item: str | None
    maker: str | None
    made_g: int
    made_pieces: int
    consumed_g: int
    consumed_pieces: int
    packed_g: int
    packed_pieces: int
    on_hand_g: int
    on_hand_pieces: int


@dataclass(frozen=True, slots=True)
class InTransit:
    """Units of one batch that are under way, or whose count on arrival differed."""

    consignment: str
    origin: str | None
    destination: str | None
    shipped_at: datetime | None
    batch: str
    shipped: int
    received: int
    lost: int
    cancelled: int
    surplus: int
    in_transit: int


@dataclass(frozen=True, slots=True)
class Flag:
    """A judgement: raised by an event at a position, or following from a state (position 0)."""

    flag: str
    subject: str
    position: int
    place: str
    detail: str
    occurred_at: datetime | None


@dataclass(frozen=True, slots=True)
class Discrepancy:
    """Something that does not add up at a place: units, or tyiyn of a drawer."""

    kind: str
    place: str
    subject: str
    expected: int
    found: int
    difference: int


def stock(
    connection: Connection,
    *,
    place: str | None = None,
    product: str | None = None,
    batch: str | None = None,
    after: tuple[str, str] = ("", ""),
    limit: int = ROWS_MAX,
) -> list[Stock]:
    """Stock by place and batch, in the order of their ids; `after` is the last (place, batch) of the page before."""
    return records(
        connection,
        Stock,
        """
        SELECT s.place, s.batch, coalesce(l.product, l.item) AS product, l.code, l.best_before, s.on_hand, s.packed,
               s.opening, s.received, s.shipped, s.cancelled, s.sold, s.returned, s.destroyed, s.sampled, s.unexplained
        FROM inventory_stock s LEFT JOIN inventory_lots l ON l.lot = s.batch
        WHERE (%(place)s::text IS NULL OR s.place = %(place)s) AND (%(batch)s::text IS NULL OR s.batch = %(batch)s)
          AND (%(product)s::text IS NULL OR coalesce(l.product, l.item) = %(product)s)
          AND (s.place, s.batch) > (%(after_place)s, %(after_batch)s)
        ORDER BY s.place, s.batch LIMIT %(limit)s
        """,
        {
            "place": place,
            "product": product,
            "batch": batch,
            "after_place": after[0],
            "after_batch": after[1],
            "limit": min(limit, ROWS_MAX),
        },
    )


def stock_by_product(connection: Connection, *, place: str | None = None) -> list[ProductStock]:
    """Units by product, over one place or all of them."""
    return records(
        connection,
        ProductStock,
        """
        WITH under_way AS (
            SELECT coalesce(l.product, l.item, '') AS product, sum(t.in_transit) AS units
            FROM inventory_transit t JOIN inventory_lots l ON l.lot = t.batch
            JOIN inventory_consignments c USING (consignment)
            WHERE t.in_transit <> 0 AND (%(place)s::text IS NULL OR c.destination = %(place)s) GROUP BY 1
        )
        SELECT coalesce(l.product, l.item, '') AS product, count(DISTINCT s.batch) AS batches,
               sum(s.on_hand) AS on_hand, coalesce(max(u.units), 0) AS in_transit,
               sum(s.sold) AS sold, sum(s.returned) AS returned,
               sum(s.destroyed) AS destroyed, sum(s.unexplained) AS unexplained,
               min(l.best_before) FILTER (WHERE s.on_hand > 0) AS nearest_best_before
        FROM inventory_stock s LEFT JOIN inventory_lots l ON l.lot = s.batch
        LEFT JOIN under_way u ON u.product = coalesce(l.product, l.item, '')
        WHERE %(place)s::text IS NULL OR s.place = %(place)s
        GROUP BY 1 ORDER BY 1
        """,
        {"place": place},
    )


def stock_of_batch(connection: Connection, batch: str) -> tuple[list[Stock], list[InTransit]]:
    """Where the units of a batch are: at places, and under way."""
    return stock(connection, batch=batch), in_transit(connection, batch=batch)


def raw_stock(connection: Connection, *, place: str | None = None, limit: int = ROWS_MAX) -> list[RawStock]:
    """Lots of raw and intermediate goods of which something is left, or too much was taken."""
    return records(
        connection,
        RawStock,
        """
        SELECT b.lot, b.place, l.item, l.maker, b.made_g, b.made_pieces, b.consumed_g, b.consumed_pieces, b.packed_g,
               b.packed_pieces, b.on_hand_g, b.on_hand_pieces
        FROM inventory_bulk b LEFT JOIN inventory_lots l ON l.lot = b.lot
        WHERE (b.on_hand_g <> 0 OR b.on_hand_pieces <> 0) AND (%(place)s::text IS NULL OR b.place = %(place)s)
        ORDER BY b.place, b.lot LIMIT %(limit)s
        """,
        {"place": place, "limit": min(limit, ROWS_MAX)},
    )


def in_transit(
    connection: Connection,
    *,
    batch: str | None = None,
    place: str | None = None,
    after: tuple[str, str, str] | None = None,
    limit: int = ROWS_MAX,
) -> list[InTransit]:
    """What is under way, or of one batch everything that ever was; from or to a place, if one is named.

    `after`: when (or `-infinity`), consignment and batch of the last row of the page before.
    """
    return records(
        connection,
        InTransit,
        """
        SELECT t.consignment, c.origin, c.destination, c.shipped_at, t.batch, t.shipped, t.received, t.lost,
               t.cancelled, t.surplus, t.in_transit
        FROM inventory_transit t JOIN inventory_consignments c USING (consignment)
        WHERE (%(batch)s::text IS NOT NULL OR t.in_transit <> 0) AND (%(batch)s::text IS NULL OR t.batch = %(batch)s)
              AND (%(place)s::text IS NULL OR %(place)s IN (c.origin, c.destination))
              AND (%(after_when)s::timestamptz IS NULL OR (coalesce(c.shipped_at, '-infinity'), t.consignment, t.batch)
                   > (%(after_when)s::timestamptz, %(after_consignment)s, %(after_batch)s))
        ORDER BY c.shipped_at NULLS FIRST, t.consignment, t.batch LIMIT %(limit)s
        """,
        dict(zip(("after_when", "after_consignment", "after_batch"), after or (None, "", ""), strict=True))
        | {"batch": batch, "place": place, "limit": min(limit, ROWS_MAX)},
    )


def expiring(connection: Connection, *, until: date, place: str | None = None, limit: int = ROWS_MAX) -> list[Stock]:
    """Units on hand whose best-before day is not after `until`, the nearest first."""
    return records(
        connection,
        Stock,
        """
        SELECT s.place, s.batch, coalesce(l.product, l.item) AS product, l.code, l.best_before, s.on_hand, s.packed,
               s.opening, s.received, s.shipped, s.cancelled, s.sold, s.returned, s.destroyed, s.sampled, s.unexplained
        FROM inventory_stock s JOIN inventory_lots l ON l.lot = s.batch
        WHERE s.on_hand > 0 AND l.best_before <= %(until)s AND (%(place)s::text IS NULL OR s.place = %(place)s)
        ORDER BY l.best_before, s.place, s.batch LIMIT %(limit)s
        """,
        {"until": until, "place": place, "limit": min(limit, ROWS_MAX)},
    )


def discrepancies(
    connection: Connection,
    *,
    kinds: Collection[str] | None = None,
    place: str | None = None,
    after: tuple[str, str, str] = ("", "", ""),
    limit: int = ROWS_MAX,
) -> list[Discrepancy]:
    """Counts that differed (`count`), drawers that differed (`cash`), consignments whose count on arrival differed
    (`consignment`). `after`: place, kind and subject of the last row of the page before."""
    return records(
        connection,
        Discrepancy,
        """
        SELECT * FROM (
            SELECT 'count' AS kind, place, batch AS subject, expected, counted AS found, difference
            FROM inventory_counts WHERE difference <> 0
            UNION ALL
            SELECT 'cash', 'outlet/' || outlet, shift, counted_tyiyn::numeric - difference_tyiyn, counted_tyiyn,
                   difference_tyiyn
            FROM inventory_shifts WHERE difference_tyiyn <> 0
            UNION ALL
            SELECT 'consignment', coalesce(destination, ''), consignment || '/' || batch, shipped, received,
                   received::numeric + lost + cancelled - shipped
            FROM inventory_transit JOIN inventory_consignments USING (consignment)
            WHERE received > 0 AND received::numeric + lost + cancelled <> shipped
        ) AS found
        WHERE (%(place)s::text IS NULL OR place = %(place)s) AND (%(kinds)s::text[] IS NULL OR kind = ANY(%(kinds)s))
          AND (place, kind COLLATE "C", subject COLLATE "C") > (%(after_place)s, %(after_kind)s, %(after_subject)s)
        ORDER BY place, kind COLLATE "C", subject COLLATE "C" LIMIT %(limit)s
        """,
        dict(zip(("after_place", "after_kind", "after_subject"), after, strict=True))
        | {"place": place, "kinds": None if kinds is None else list(kinds), "limit": min(limit, ROWS_MAX)},
    )


#: Judgements that follow from the state, whatever the order of the facts that led to it. `detail` says how much.
STATE_FLAGS = """
    SELECT 'oversold' AS flag, batch AS subject, 0::bigint AS position, place, on_hand::text AS detail
    FROM inventory_stock WHERE on_hand < 0
    UNION ALL
    SELECT 'oversold_batch', batch, 0, '', (sum(sold) - sum(returned) - sum(packed) - sum(opening))::text
    FROM inventory_stock GROUP BY batch HAVING sum(sold) - sum(returned) > sum(packed) + sum(opening)
    UNION ALL
    SELECT 'overconsumed', lot, 0, '', sum(on_hand_g) || ' g ' || sum(on_hand_pieces) || ' pieces'
    FROM inventory_bulk GROUP BY lot
    HAVING CASE WHEN sum(made_pieces) > 0 THEN sum(on_hand_pieces) < 0 ELSE sum(on_hand_g) < 0 END
    UNION ALL
    SELECT 'unknown_batch', s.batch, 0, s.place, s.sold::text
    FROM inventory_stock s LEFT JOIN inventory_lots l ON l.lot = s.batch WHERE coalesce(l.packed_units, 0) = 0
    UNION ALL
    SELECT 'unknown_lot', b.lot, 0, b.place, b.consumed_g || ' g ' || b.consumed_pieces || ' pieces'
    FROM inventory_bulk b LEFT JOIN inventory_lots l ON l.lot = b.lot
    WHERE l.made_position IS NULL AND b.made_g = 0 AND b.made_pieces = 0
    UNION ALL
    SELECT 'no_batch', product, 0, 'outlet/' || outlet, (sold - returned)::text
    FROM inventory_no_batch WHERE sold <> 0 OR returned <> 0
    UNION ALL
    SELECT 'counter_gap', till || '/' || first || '-' || last, 0, coalesce('outlet/' || outlet, ''),
           (last - first + 1)::text
    FROM inventory_till_gaps JOIN inventory_tills USING (till)
    UNION ALL
    SELECT 'recalled_on_hand', s.batch, 0, s.place, s.on_hand::text
    FROM inventory_stock s JOIN inventory_recalled r ON r.lot = s.batch JOIN inventory_recalls c USING (recall)
    WHERE s.on_hand > 0 AND c.closed_at IS NULL AND NOT c.is_drill
"""


def flags(
    connection: Connection,
    *,
    flag: str | None = None,
    place: str | None = None,
    after: tuple[int, str, str, str] | None = None,
    limit: int = ROWS_MAX,
) -> list[Flag]:
    """All judgements, those of events (newest first) before those of the present state.

    `after`: position, flag, subject and place of the last row of the page before.
    """
    return records(
        connection,
        Flag,
        f"""
        SELECT * FROM (
            SELECT flag, subject, position, place, detail, occurred_at FROM inventory_flags
            UNION ALL
            SELECT state.*, NULL::timestamptz FROM ({STATE_FLAGS}) AS state
        ) AS raised
        WHERE (%(flag)s::text IS NULL OR flag = %(flag)s) AND (%(place)s::text IS NULL OR place = %(place)s)
          AND (%(after_position)s::bigint IS NULL OR (-position, flag COLLATE "C", subject COLLATE "C", place)
               > (-%(after_position)s::bigint, %(after_flag)s, %(after_subject)s, %(after_place)s))
        ORDER BY position DESC, flag COLLATE "C", subject COLLATE "C", place LIMIT %(limit)s
        """,  # noqa: S608 - our own text
        dict(
            zip(
                ("after_position", "after_flag", "after_subject", "after_place"),
                after or (None, "", "", ""),
                strict=True,
            )
        )
        | {"flag": flag, "place": place, "limit": min(limit, ROWS_MAX)},
    )


def flag_counts(connection: Connection) -> dict[str, int]:
    """How many judgements of each kind there are."""
    found = connection.execute(
        f"""
        SELECT flag, count(*) FROM (
            SELECT flag FROM inventory_flags UNION ALL SELECT flag FROM ({STATE_FLAGS}) AS state
        ) AS raised GROUP BY flag ORDER BY flag
        """.encode()  # noqa: S608 - our own text
    )
    return dict(found.fetchall())
