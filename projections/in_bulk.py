"""Events of a long build, folded as the JSON that they are.

Most events of a log are ordinary: receipts, shifts, deliveries of which nothing more is ever said. To make a checked
object of each costs more than all that is done with it, and what was appended was checked then. So a build leaves them
unopened, and a fold takes from their JSON the few things it needs. Whatever is not ordinary it opens, and treats like
any event of a small batch. Both ways lead to the same rows, and tests compare them by digest.
"""

from bisect import bisect_left
from collections.abc import Iterable, Iterator, Sequence
from operator import itemgetter
from typing import Any, Protocol

import orjson

from events.canonical import Unopened, decode_leaf
from events.catalogue.base import Event, Recorded

#: An event as the JSON of its leaf says it: position, its own fields (one that is None is not there), and the leaf with
#: what is around them: `type`, `event_id`, `stream`, `occurred_at`, `recorded_at`. A bare tuple: they are many.
type Plain = tuple[int, dict[str, Any], dict[str, Any]]


def plain(unopened: Iterable[Unopened]) -> Iterator[Plain]:
    """Events as their JSON says them. Best used one by one: many at a time do not fit a processor's cache."""
    for position, _, leaf in unopened:
        said = orjson.loads(leaf)
        yield position, said["data"], said


def opened(unopened: Sequence[Unopened], positions: Iterable[int]) -> list[Recorded[Event]]:
    """Some of them decoded after all, in the order of their positions. Raises UndecodableEvent."""
    found = (bisect_left(unopened, position, key=itemgetter(0)) for position in sorted(positions))
    return [decode_leaf(*unopened[at]) for at in found]


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
