"""The identities of lots: A4 as traceability sees it. Each returns what breaks it; nothing means that it holds."""

from projections.base import Connection

#: At most so many failures are named; one is enough to stop at.
FAILURES_MAX = 20


def _failures(connection: Connection, statement: str) -> list[str]:
    rows = connection.execute(f"{statement} LIMIT {FAILURES_MAX}".encode()).fetchall()
    return [row[0] for row in rows]


def a4_lots_balance(connection: Connection) -> list[str]:
    """A4: of every lot, made = consumed + packed + destroyed + samples + on hand, in grams and in pieces.

    On hand is kept by the movements; made, consumed and packed are counted a second time, from the lot's own reports,
    the edges and the packings.
    """
    return _failures(
        connection,
        """
        SELECT format('lot %s: made %s g %s pieces, on hand %s g %s pieces', b.lot, b.made_g, b.made_pieces,
                      b.on_hand_g, b.on_hand_pieces)
        FROM trace_balances b
        LEFT JOIN trace_lots l USING (lot)
        LEFT JOIN (SELECT input AS lot, sum(mass_g) AS g, sum(pieces) AS pieces FROM trace_edges WHERE is_main
                   GROUP BY input) AS e USING (lot)
        LEFT JOIN (SELECT batch AS lot, sum(units::numeric * unit_mass_g) AS g,
                          sum(units::numeric * unit_pieces) AS pieces
                   FROM trace_packings GROUP BY batch) AS p USING (lot)
        WHERE b.made_g <> b.consumed_g::numeric + b.packed_g + b.destroyed_g + b.sampled_g + b.on_hand_g
           OR b.made_pieces <> b.consumed_pieces::numeric + b.packed_pieces + b.destroyed_pieces + b.on_hand_pieces
           OR b.made_g <> coalesce(l.mass_g, 0) OR b.made_pieces <> coalesce(l.pieces, 0)
           OR b.consumed_g <> coalesce(e.g, 0) OR b.consumed_pieces <> coalesce(e.pieces, 0)
           OR b.packed_g <> coalesce(p.g, 0) OR b.packed_pieces <> coalesce(p.pieces, 0)
        """,
    )


def a4_origins_are_whole(connection: Connection) -> list[str]:
    """A4, origin: every lot that was made has shares, and they add up to one million."""
    return _failures(
        connection,
        """
        SELECT format('lot %s: origin shares %s', lot, ppm)
        FROM trace_lots
        WHERE is_known AND (SELECT coalesce(sum(part), 0) FROM unnest(ppm) AS part) <> 1000000
        """,
    )
