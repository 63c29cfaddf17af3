"""What traceability takes of a batch in the database: events whose rows are their own, and ordinary lots.

Each statement here says what a handler in `traceability` says of one event, for all of a batch.
"""

from collections.abc import Sequence
from typing import Final

from events.catalogue.base import Event, Recorded
from events.catalogue.logistics import StockReceived, StockShipped
from events.catalogue.outlets import StockCounted
from events.catalogue.production import BatchPacked, LabelsPrinted, LotCollected
from projections import lineage_in_bulk
from projections import traceability_tables as t
from projections.base import Db
from projections.in_bulk import LEFT, stretch
from projections.lineage_in_bulk import Taken

#: The kinds of which there are many.
IN_BULK: Final[frozenset[type[Event]]] = frozenset(
    {LotCollected, BatchPacked, LabelsPrinted, StockShipped, StockReceived, StockCounted}
)

# One look at the log for all of them. Lines of one event about the same batch add up.
_OWN_ROWS: Final = f"""
    WITH said AS MATERIALIZED {LEFT},
    goods_moved AS (
        INSERT INTO trace_movements (
            lot, position, kind, place, other_place, consignment, units, mass_g, detail, occurred_at)
        SELECT line.batch, said.position, kind.name, said.data ->> kind.place, said.data ->> 'destination',
               said.data ->> 'consignment', line.units, 0, NULL, said.occurred_at
        FROM said
        JOIN (VALUES ('{StockShipped.wire_name}', 'shipped', 'origin'),
                     ('{StockReceived.wire_name}', 'arrived', 'place'),
                     ('{StockCounted.wire_name}', 'counted', 'place')) AS kind (type, name, place) USING (type)
        CROSS JOIN LATERAL (
            SELECT batch, sum(units)::bigint
            FROM jsonb_to_recordset(said.data -> 'lines') AS line (batch text, units bigint)
            GROUP BY batch
        ) AS line (batch, units)
    ),
    labels_printed AS (
        INSERT INTO trace_movements (
            lot, position, kind, place, other_place, consignment, units, mass_g, detail, occurred_at)
        SELECT data ->> 'lot', position, 'labelled', data ->> 'printed_at', NULL, NULL,
               (data ->> 'labels')::bigint, 0, data ->> 'code', occurred_at
        FROM said WHERE type = '{LabelsPrinted.wire_name}'
    ),
    packed AS (
        INSERT INTO trace_packings (
            batch, event, code, product, place, units, unit_mass_g, unit_pieces, best_before, occurred_at, position)
        SELECT data ->> 'lot', event, data ->> 'code', data ->> 'product', data ->> 'packed_at',
               (data ->> 'units')::bigint, (data ->> 'unit_mass_g')::bigint,
               coalesce((data ->> 'unit_pieces')::bigint, 0), (data ->> 'best_before')::date, occurred_at, position
        FROM said WHERE type = '{BatchPacked.wire_name}'
        RETURNING batch, units * unit_mass_g AS mass_g, units * unit_pieces AS pieces
    )
    INSERT INTO trace_balances AS kept
    SELECT batch, 0, 0, 0, 0, sum(mass_g), sum(pieces), 0, 0, 0, -sum(mass_g), -sum(pieces) FROM packed GROUP BY batch
    ON CONFLICT (lot) DO UPDATE SET
        packed_g = kept.packed_g + excluded.packed_g, packed_pieces = kept.packed_pieces + excluded.packed_pieces,
        on_hand_g = kept.on_hand_g + excluded.on_hand_g,
        on_hand_pieces = kept.on_hand_pieces + excluded.on_hand_pieces
"""  # noqa: S608 - constants

_COLLECTED: Final = """
    INSERT INTO trace_balances AS kept
    SELECT lot, mass_g, pieces, 0, 0, 0, 0, 0, 0, 0, mass_g, pieces FROM {ordinary}
    ON CONFLICT (lot) DO UPDATE SET
        made_g = kept.made_g + excluded.made_g, made_pieces = kept.made_pieces + excluded.made_pieces,
        on_hand_g = kept.on_hand_g + excluded.on_hand_g,
        on_hand_pieces = kept.on_hand_pieces + excluded.on_hand_pieces
"""


def take_ordinary(db: Db, batch: Sequence[Recorded[Event]]) -> Taken:
    """Make rows of what a batch left in the database; the batch with what was left and is not ordinary."""
    if db.left is None:
        return Taken(batch, ())
    positions = db.left.positions
    db.execute(_OWN_ROWS, stretch(positions, *IN_BULK - {LotCollected}))
    taken = lineage_in_bulk.take_ordinary(t.LINEAGE, db, positions, batch)
    db.execute(_COLLECTED.format(ordinary=lineage_in_bulk.ordinary(t.LINEAGE)))
    return taken
