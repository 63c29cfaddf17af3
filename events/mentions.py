"""Events that name a person's pseudonym, found by looking through the whole log in pieces."""

from collections.abc import Iterator, Mapping, Sequence
from typing import Any, Final

import psycopg

from events.canonical import take_apart

#: So many positions are looked at in one statement, so that none of them takes long.
PIECE_POSITIONS: Final = 50_000

_PIECE: Final = """
SELECT position, leaf, leaf_hash FROM log.events
WHERE position > %(after)s AND position <= %(upto)s
  AND EXISTS (SELECT FROM unnest(%(needles)s::bytea[]) AS n(needle) WHERE position(n.needle IN leaf) > 0)
ORDER BY position
"""


def mentions(connection: psycopg.Connection[Any], needles: Sequence[bytes], upto: int) -> Iterator[Mapping[str, Any]]:
    """The events up to a position whose leaf holds one of these byte strings, in their order."""
    for after in range(0, upto, PIECE_POSITIONS):
        piece = {"after": after, "upto": min(upto, after + PIECE_POSITIONS), "needles": list(needles)}
        for position, leaf, leaf_hash in connection.execute(_PIECE, piece).fetchall():
            parts = take_apart(leaf)
            yield {
                "position": position,
                "event_id": parts.event_id,
                "type": parts.wire_name,
                "stream": parts.stream,
                "actor": parts.actor,
                "occurred_at": parts.occurred_at,
                "recorded_at": parts.recorded_at,
                "data": parts.data,
                "leaf_hash": leaf_hash.hex(),
            }
