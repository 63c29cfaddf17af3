"""The identities of goods, drawers and tills: A4 and A5 as the inventory sees them, A6, A7 and A8.

Each returns what breaks it, by key and number; nothing means that it holds.
"""

from collections import defaultdict

from projections.base import Connection
from projections.inventory_book import Change, Receipt, lines_from
from projections.inventory_queries import STATE_FLAGS
from projections.inventory_receipts import effects_of

#: At most so many failures are named; one is enough to stop at.
FAILURES_MAX = 20


def _failures(connection: Connection, statement: str) -> list[str]:
    rows = connection.execute(f"{statement} LIMIT {FAILURES_MAX}".encode()).fetchall()
    return [row[0] for row in rows]


def a4_stock_balances(connection: Connection) -> list[str]:
    """A4: what was packed, made or found at a place is on hand there or went one of the known ways; so for each batch.

    On hand is kept by the movements; here it is held against the sums. Over all places and consignments a batch's units
    packed + opening + surplus = sold - returned + on hand + in transit + lost + destroyed + samples - unexplained.
    """
    return _failures(
        connection,
        """
        SELECT format('%s at %s: on hand %s, movements %s', batch, place, on_hand, moved) FROM (
            SELECT *, packed::numeric + opening + received + cancelled + returned + unexplained - shipped - sold
                      - destroyed - sampled AS moved FROM inventory_stock
        ) AS s WHERE on_hand <> moved
        UNION ALL
        SELECT format('lot %s at %s: on hand %s g %s pieces, movements %s g %s pieces', lot, place, on_hand_g,
                      on_hand_pieces, moved_g, moved_pieces) FROM (
            SELECT *, made_g::numeric - consumed_g - packed_g - destroyed_g - sampled_g AS moved_g,
                   made_pieces::numeric - consumed_pieces - packed_pieces - destroyed_pieces AS moved_pieces
            FROM inventory_bulk
        ) AS b WHERE on_hand_g <> moved_g OR on_hand_pieces <> moved_pieces
        UNION ALL
        SELECT format('batch %s: packed and found %s, accounted for %s', batch, there, accounted) FROM (
            SELECT batch, s.there + coalesce(t.surplus, 0) AS there, s.accounted + coalesce(t.away, 0) AS accounted
            FROM (
                SELECT batch, sum(packed::numeric + opening + unexplained) AS there,
                       sum(on_hand::numeric + sold - returned + destroyed + sampled) AS accounted
                FROM inventory_stock GROUP BY batch
            ) AS s LEFT JOIN (
                SELECT batch, sum(surplus) AS surplus, sum(in_transit::numeric + lost) AS away
                FROM inventory_transit GROUP BY batch
            ) AS t USING (batch)
        ) AS whole WHERE there <> accounted
        """,
    )


def a5_consignments_balance(connection: Connection) -> list[str]:
    """A5: per consignment and batch, shipped + surplus = received + in transit + lost + cancelled."""
    return _failures(
        connection,
        """
        SELECT format('%s/%s: shipped %s, surplus %s, received %s, in transit %s, lost %s, cancelled %s', consignment,
                      batch, shipped, surplus, received, in_transit, lost, cancelled)
        FROM inventory_transit
        WHERE shipped::numeric + surplus <> received::numeric + in_transit + lost + cancelled OR in_transit < 0
        """,
    )


def a6_sold_units_were_packed_or_are_flagged(connection: Connection) -> list[str]:
    """A6: a batch's units sold - returned never exceed what was packed, else it is flagged.

    Sold and returned are counted a second time, from the receipts and from what was said of them.
    """
    failures = _failures(
        connection,
        f"""
        SELECT format('batch %s: sold - returned exceeds what was packed by %s, not flagged', batch, excess) FROM (
            SELECT batch, sum(sold) - sum(returned) - sum(packed) - sum(opening) AS excess
            FROM inventory_stock GROUP BY batch
        ) AS s WHERE excess > 0 AND batch NOT IN (
            SELECT subject FROM ({STATE_FLAGS}) AS f WHERE flag = 'oversold_batch'
        )
        """,  # noqa: S608 - our own text
    )
    counted = _units_of_receipts(connection)
    for place, batch, sold in connection.execute("SELECT place, batch, sold FROM inventory_stock"):
        if counted.get((place, batch), 0) != sold:
            failures.append(f"{batch} at {place}: sold {sold}, its receipts say {counted.get((place, batch), 0)}")
    return failures[:FAILURES_MAX]


def _units_of_receipts(connection: Connection) -> dict[tuple[str, ...], int]:
    changed: dict[str, list[Change]] = defaultdict(list)
    for row in connection.execute("SELECT * FROM inventory_sale_changes"):
        changed[row[0]].append(Change(*row))
    units: dict[tuple[str, ...], int] = defaultdict(int)
    with connection.cursor() as cursor:
        for sale, place, text in cursor.stream("SELECT sale, place, lines FROM inventory_sales"):
            receipt = Receipt(place, 0, lines_from(text))
            if sale in changed:
                for key, (sold, _) in effects_of(receipt, changed[sale]).items():
                    units[key] += sold
            else:
                for _, batch, sold in receipt.lines:
                    units[receipt.place, batch] += sold
    return units


def a7_drawers_balance(connection: Connection) -> list[str]:
    """A7: per shift, cash counted - expected = the recorded difference; and cash taken is that of its receipts."""
    return _failures(
        connection,
        """
        SELECT format('shift %s: expected %s, counted %s, recorded difference %s', shift, expected, counted_tyiyn,
                      difference_tyiyn) FROM (
            SELECT *, opening_tyiyn::numeric + sales_tyiyn + in_tyiyn - voids_tyiyn - refunds_tyiyn
                      - out_tyiyn AS expected
            FROM inventory_shifts
        ) AS s WHERE counted_tyiyn - expected IS DISTINCT FROM difference_tyiyn
        UNION ALL
        SELECT format('shift %s: cash of sales %s, its receipts %s', shift, sales_tyiyn, receipts) FROM (
            SELECT s.shift, s.sales_tyiyn, coalesce(r.cash, 0) AS receipts FROM inventory_shifts s
            LEFT JOIN (SELECT shift, sum(cash_tyiyn) AS cash FROM inventory_sales GROUP BY shift) AS r USING (shift)
        ) AS both_ways WHERE sales_tyiyn <> receipts
        """,
    )


def a8_counters_are_accounted_for(connection: Connection) -> list[str]:
    """A8: per till, highest counter = accepted + quarantined + open gaps."""
    return _failures(
        connection,
        """
        SELECT format('till %s: highest %s, accepted %s, quarantined %s (%s kept), missing %s', till, highest, accepted,
                      quarantined, kept, missing) FROM (
            SELECT t.*, coalesce((SELECT sum(g.last - g.first + 1) FROM inventory_till_gaps g WHERE g.till = t.till), 0)
                     AS missing,
                   (SELECT count(*) FROM inventory_till_quarantine q WHERE q.till = t.till) AS kept
            FROM inventory_tills t
        ) AS s WHERE highest <> accepted + quarantined + missing OR quarantined <> kept
        """,
    )
