"""The counters of tills: what each has reported, what is missing, what lies in quarantine."""

from bisect import bisect_right
from dataclasses import dataclass, field
from typing import Any

from projections import inventory_tables as t
from projections.base import Db


@dataclass(slots=True)
class Till:
    """The counters of one till: `highest` = accepted + quarantined + what the open gaps hold."""

    till: str
    outlet: str | None = None
    revoked_for: str | None = None
    highest: int = 0
    accepted: int = 0
    quarantined: int = 0
    gaps: list[tuple[int, int]] = field(default_factory=list)
    quarantine: dict[int, str] = field(default_factory=dict)

    def accept(self, counter: int) -> bool:
        """Count a report; False when a report with this counter has been counted before."""
        if counter == self.highest + 1:
            self.highest = counter
        elif not self._fill(counter):
            if self.quarantine.pop(counter, None) is None:
                return False
            self.quarantined -= 1
        self.accepted += 1
        return True

    def keep_aside(self, counter: int, quarantine: str) -> None:
        """Count a message that was not understood, unless the same counter has come through otherwise."""
        if counter == self.highest + 1:
            self.highest = counter
        elif not self._fill(counter):
            return
        self.quarantined += 1
        self.quarantine[counter] = quarantine

    def _fill(self, counter: int) -> bool:
        """Take a counter out of the gaps, which a counter far ahead opens first. False when it was in none."""
        if counter > self.highest:
            self.gaps.append((self.highest + 1, counter - 1))
            self.highest = counter
            return True
        at = bisect_right(self.gaps, (counter, 1 << 62)) - 1
        if at < 0 or self.gaps[at][1] < counter:
            return False
        first, last = self.gaps[at]
        self.gaps[at : at + 1] = [gap for gap in ((first, counter - 1), (counter + 1, last)) if gap[0] <= gap[1]]
        return True


class Tills:
    """The tills that a batch names, with their gaps and what of them lies in quarantine."""

    def __init__(self, db: Db, wanted: set[str]) -> None:
        self.db = db
        self.tills = {key: Till(*row) for key, row in db.by_key(t.TILLS, wanted).items()}
        # A till without a hole in its counters, nearly every one, has no rows to be looked for.
        missing = [key for key, till in self.tills.items() if till.highest > till.accepted + till.quarantined]
        aside = [key for key, till in self.tills.items() if till.quarantined]
        for key, first, last in sorted(db.where_in(t.TILL_GAPS, "till", missing)):
            self.tills[key].gaps.append((first, last))
        for key, counter, quarantine in db.where_in(t.TILL_QUARANTINE, "till", aside):
            self.tills[key].quarantine[counter] = quarantine
        self._gaps = {key: dict(till.gaps) for key, till in self.tills.items()}
        self._quarantine = {key: dict(till.quarantine) for key, till in self.tills.items()}
        self.changed: set[str] = set()

    def of(self, till: str) -> Till:
        self.changed.add(till)
        known = self.tills.get(till)
        if known is None:
            known = self.tills[till] = Till(till)
        return known

    def flush(self) -> None:
        changed = [self.tills[till] for till in self.changed]
        rows = [(x.till, x.outlet, x.revoked_for, x.highest, x.accepted, x.quarantined) for x in changed]
        self.db.upsert(t.TILLS, rows)
        for table, before, now in (
            (t.TILL_GAPS, self._gaps, {x.till: dict(x.gaps) for x in changed}),
            (t.TILL_QUARANTINE, self._quarantine, {x.till: dict(x.quarantine) for x in changed}),
        ):
            gone = [(x.till, key) for x in changed for key in before.get(x.till, {}) if key not in now[x.till]]
            new: list[tuple[Any, ...]] = [
                (x.till, key, value)
                for x in changed
                for key, value in now[x.till].items()
                if before.get(x.till, {}).get(key) != value
            ]
            self.db.delete(table, gone)
            self.db.upsert(table, new)
