"""The counters of the reports that a batch left in the log: which come twice or came before, and their runs."""

from collections import Counter, defaultdict
from collections.abc import Iterable
from itertools import pairwise
from typing import Final

from events.catalogue.outlets import TillFact
from projections.base import Db
from projections.inventory_counters import Till, Tills
from projections.inventory_left import rows

_OF_COUNTERS: Final = "SELECT position FROM left_reports WHERE till = %s AND till_counter = ANY(%s::bigint[])"


class Counters:
    """The counters of the reports laid out, by till. Those that come once, and for the first time, are ordinary."""

    def __init__(self, db: Db) -> None:
        told = rows(db, "SELECT till, array_agg(till_counter) FROM left_reports GROUP BY till")
        self._by_till: dict[str, list[int]] = dict(told)

    def odd(self, db: Db, read: Iterable[TillFact]) -> set[int]:
        """The positions of reports whose counter comes twice, here or among those `read`, or came before."""
        tills = Tills(db, set(self._by_till)).tills
        others: dict[str, list[int]] = defaultdict(list)
        for report in read:
            others[report.till].append(report.till_counter)
        found: set[int] = set()
        for till, told in self._by_till.items():
            odd = _twice([*told, *others[till]]) | _seen(told, tills.get(till))
            if odd:
                found.update(position for (position,) in rows(db, _OF_COUNTERS, [till, list(odd)]))
        return found

    def runs(self, taken_out: Iterable[tuple[str, int]]) -> list[tuple[str, int, int]]:
        """Till, first and last of every run of counters without a hole, but for reports that were taken out."""
        without: dict[str, set[int]] = defaultdict(set)
        for till, counter in taken_out:
            without[till].add(counter)
        found = []
        for till, told in self._by_till.items():
            left = sorted(set(told) - without[till])
            holes = [at for at in range(1, len(left)) if left[at] != left[at - 1] + 1]
            found += [
                (till, left[start], left[end - 1]) for start, end in pairwise([0, *holes, len(left)]) if start < end
            ]
        return found


def _twice(counters: list[int]) -> set[int]:
    if len(set(counters)) == len(counters):
        return set()
    return {counter for counter, times in Counter(counters).items() if times > 1}


def _seen(counters: list[int], till: Till | None) -> set[int]:
    if till is None or min(counters) > till.highest:
        return set()
    return {counter for counter in counters if till.has_seen(counter)}
