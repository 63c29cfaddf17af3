"""Events of a long build, folded as the JSON that they are.

Most events of a log are ordinary: receipts, shifts, deliveries of which nothing more is ever said. To make a checked
object of each costs more than all that is done with it, and what was appended was checked then. So a build leaves them
unopened, and a fold takes from their JSON the few things it needs. Whatever is not ordinary it opens, and treats like
any event of a small batch. Both ways lead to the same rows, and tests compare them by digest.
"""

from collections.abc import Iterable, Iterator, Sequence
from typing import Any, Final, Protocol

import orjson

from events.canonical import Unopened
from events.catalogue.base import Event, Recorded

#: An event as the JSON of its leaf says it: position, its own fields (one that is None is not there), and the leaf with
#: what is around them: `type`, `event_id`, `stream`, `occurred_at`, `recorded_at`. A bare tuple: they are many.
type Plain = tuple[int, dict[str, Any], dict[str, Any]]


def plain(unopened: Iterable[Unopened]) -> Iterator[Plain]:
    """Events as their JSON says them. Best used one by one: many at a time do not fit a processor's cache."""
    for position, _, leaf in unopened:
        said = orjson.loads(leaf)
        yield position, said["data"], said


def in_order(one: Sequence[Recorded[Event]], other: Sequence[Recorded[Event]]) -> Sequence[Recorded[Event]]:
    """Events of two kinds, in the order of their positions."""
    return sorted([*one, *other], key=lambda recorded: recorded.position) if other else one


class _Placed(Protocol):
    @property
    def position(self) -> int: ...


def among[P: _Placed](ordinary: Sequence[P], opened: Sequence[Recorded[Event]]) -> Iterator[P | Recorded[Event]]:
    """Both in the order of their positions."""
    at = 0
    for one in ordinary:
        while at < len(opened) and opened[at].position < one.position:
            yield opened[at]
            at += 1
        yield one
    yield from opened[at:]


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
