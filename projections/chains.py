"""Chains of tills that do not hold: a report that does not follow on the one before it, as the log has them.

A till that keeps a chain states in each report the hash of its report before, which is the hash by which the log knows
that request. So whether a chain holds is read from the log itself, whoever took the reports and whatever was
answered; a report is never refused for it, since what it tells happened all the same.
"""

import threading
from collections.abc import Iterator
from dataclasses import dataclass
from datetime import datetime
from typing import Final

from events.catalogue.outlets import TillFact
from events.catalogue.registry import EVENTS, OLD_VERSIONS, written_class
from projections.base import Connection

_REPORTS: Final = sorted(name for name in {*EVENTS, *OLD_VERSIONS} if issubclass(written_class(name), TillFact))
_KEPT_ASIDE: Final = "exchange.message_quarantined.v1"

# A counter whose report was not understood lies in quarantine, and the log knows that request by the same hash.
_READ_ON: Final = """
SELECT r.position, r.request_hash, data ->> 'till', data ->> 'outlet', (data ->> 'till_counter')::bigint,
       data ->> 'prev_hash'
FROM log.events r, LATERAL (SELECT convert_from(r.leaf, 'UTF8')::jsonb -> 'data' AS data OFFSET 0) AS said
WHERE r.position > %(after)s AND r.position <= %(head)s AND r.type = ANY(%(types)s) AND data ->> 'till' IS NOT NULL
  AND data ->> 'till_counter' IS NOT NULL
ORDER BY r.position
"""
_UP_TO: Final = b"SELECT log.position_at(%s), coalesce((SELECT max(position) FROM log.events), 0)"


@dataclass(frozen=True, slots=True)
class Broken:
    """A report that does not follow on its till's report before."""

    till: str
    outlet: str
    counter: int
    position: int


@dataclass(frozen=True, slots=True)
class _Report:
    position: int
    request_hash: bytes
    till: str
    outlet: str | None  #: None: it was not understood, and tells nobody whose it is
    counter: int
    prev_hash: bytes | None


class TillChains:
    """Judges what tills reported since a moment.

    The log only grows, so what was read is remembered, and a question reads on from there: to take a month of 60,000
    reports apart each time would take a second or two. So many take some 30 MB. Its methods block; several
    threads may ask.
    """

    def __init__(self) -> None:
        self._lock = threading.Lock()
        self._floor = 0
        self._read_to = 0
        self._reports: dict[int, _Report] = {}  # by position, in this order
        self._by_counter: dict[tuple[str, int], list[_Report]] = {}  # a counter may stand on several reports
        self._broken: dict[int, Broken] = {}

    def broken(self, connection: Connection, since: datetime) -> list[Broken]:
        """The reports recorded since a moment that do not follow on the one before, in the order of the log.

        A till that kept a chain and states no hash any more is among them: so a forged report would look. Where the
        report before is missing there is a gap, which is told elsewhere.
        """
        [(floor, head)] = connection.execute(_UP_TO, [since]).fetchall()
        with self._lock:
            if floor < self._floor:
                self._look_further_back(connection, floor)
            self._let_go(floor)
            for report in _reports_between(connection, self._read_to, head):
                self._take(report)
            self._read_to = max(self._read_to, head)
            return [self._broken[position] for position in sorted(self._broken)]

    def _look_further_back(self, connection: Connection, floor: int) -> None:
        """Read what was let go, or never read: of two who ask at once, one may have looked at the clock before."""
        for report in _reports_between(connection, floor, self._floor):
            self._take(report)
        self._reports = dict(sorted(self._reports.items()))
        self._floor = floor

    def _take(self, report: _Report) -> None:
        self._reports[report.position] = report
        self._by_counter.setdefault((report.till, report.counter), []).append(report)
        self._judge(report)
        self._judge_those_after(report)

    def _let_go(self, floor: int) -> None:
        """Forget the reports up to a position."""
        self._floor = floor
        self._read_to = max(self._read_to, floor)
        while self._reports and (position := next(iter(self._reports))) <= floor:
            report = self._reports.pop(position)
            self._broken.pop(position, None)
            alike = self._by_counter[report.till, report.counter]
            alike.remove(report)
            if not alike:
                del self._by_counter[report.till, report.counter]
            self._judge_those_after(report)

    def _judge_those_after(self, report: _Report) -> None:
        for following in self._by_counter.get((report.till, report.counter + 1), ()):
            self._judge(following)

    def _judge(self, report: _Report) -> None:
        before = self._by_counter.get((report.till, report.counter - 1), ())
        states_one = report.prev_hash is not None
        is_chained = bool(before) and (states_one or any(each.prev_hash is not None for each in before))
        holds = states_one and any(each.request_hash == report.prev_hash for each in before)
        if report.outlet is not None and is_chained and not holds:
            self._broken[report.position] = Broken(report.till, report.outlet, report.counter, report.position)
        else:
            self._broken.pop(report.position, None)


def _reports_between(connection: Connection, after: int, head: int) -> Iterator[_Report]:
    """What tills reported after a position and up to another; names are kept once, however often they are said."""
    names: dict[str, str] = {}
    asked = {"after": after, "head": head, "types": [*_REPORTS, _KEPT_ASIDE]}
    for at, request_hash, till, outlet, counter, prev_hash in connection.execute(_READ_ON.encode(), asked).fetchall():
        shop = None if outlet is None else names.setdefault(outlet, outlet)
        stated = None if prev_hash is None else bytes.fromhex(prev_hash)
        yield _Report(at, bytes(request_hash), names.setdefault(till, till), shop, counter, stated)
