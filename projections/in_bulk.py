"""Events that a batch left in the log's table, as SQL sees them: for folds that take ordinary ones all at a time.

Ordinary is what meets nothing else in its batch and nothing unusual in the tables; whether it does, the database finds
out for all of them in one statement. What is not ordinary is read and folded one by one, as everything is in a small
batch. Both ways lead to the same rows, and a test compares them by digest.
"""

from collections.abc import Sequence
from typing import Any, Final

from events.catalogue.base import Event

#: The fields of an event of today's version as jsonb; `e` is its row in the log. A leaf is never searched: everything
#: around the fields has a known length (events/canonical.py), apart from three names that are columns as well.
DATA: Final = (
    "convert_from(substr(e.leaf, 20 + octet_length(e.actor), octet_length(e.leaf)"
    " - 223 - octet_length(e.actor) - octet_length(e.stream) - octet_length(e.type)), 'UTF8')::jsonb"
)

#: Events of some types that a batch left, for a FROM: `AS said`, then `said.event`, `said.data ->> 'lot'`. OFFSET 0
#: keeps the planner from parsing the fields anew at every mention. Parameters: `stretch`.
LEFT: Final = f"""(
    SELECT e.position, e.event_id::text COLLATE "C" AS event, e.type, e.occurred_at, {DATA} AS data
    FROM log.events e
    WHERE e.position BETWEEN %(first)s AND %(last)s AND e.type = ANY(%(types)s)
    OFFSET 0
)"""  # noqa: S608 - constants


def stretch(positions: Sequence[int], *kinds: type[Event]) -> dict[str, Any]:
    """Parameters of `LEFT`: the events of these types from the first of the positions to the last."""
    return {"first": positions[0], "last": positions[-1], "types": [kind.wire_name for kind in kinds]}
