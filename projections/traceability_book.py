"""What one batch of events adds to traceability, apart from the lineage: gathered in memory, written in bulk."""

from collections import defaultdict
from typing import Any

import sqlalchemy as sa

from events.catalogue.base import Recorded
from projections import traceability_tables as t
from projections.base import Db
from projections.lineage_reports import Change
from projections.statements import Row
from projections.totals import Totals

# Columns of `trace_balances` after its key.
MADE_G, MADE_PIECES, CONSUMED_G, CONSUMED_PIECES, PACKED_G, PACKED_PIECES = range(6)
DESTROYED_G, DESTROYED_PIECES, SAMPLED_G, ON_HAND_G, ON_HAND_PIECES = range(6, 11)


class Book:
    """What one batch of events adds to the tables, apart from the lineage."""

    def __init__(self, db: Db) -> None:
        self._db = db
        self.balances = Totals(t.BALANCES)
        self._new: dict[sa.Table, list[Row]] = defaultdict(list)
        self._set: dict[sa.Table, dict[Any, Row]] = defaultdict(dict)
        self._moves: dict[tuple[str, int], Row] = {}
        #: Rows that no other event can make, as `copy_written` takes them.
        self.written: dict[sa.Table, list[str]] = defaultdict(list)

    def add(self, table: sa.Table, row: Row) -> None:
        """A row that no other event can make."""
        self._new[table].append(row)

    def put(self, table: sa.Table, row: Row) -> None:
        """A row that a later event may set anew."""
        self._set[table][row[: len(table.primary_key)]] = row

    def change(self, table: sa.Table, key: Any, **values: Any) -> None:
        """Set some columns of a row that an earlier event made; nothing when there is none."""
        row = self._set[table].get((key,)) or self._db.by_key(table, [key]).get(key)
        if row is not None:
            self.put(table, tuple(values.get(column.name, row[at]) for at, column in enumerate(table.columns)))

    def move(
        self,
        lot: str,
        kind: str,
        recorded: Recorded[Any],
        place: str | None,
        *,
        other_place: str | None = None,
        consignment: str | None = None,
        units: int = 0,
        mass_g: int = 0,
        detail: str | None = None,
    ) -> None:
        """Something happened to a lot; lines of one event about the same batch add up."""
        key = (lot, recorded.position)
        before = self._moves.get(key)
        units += before[6] if before else 0
        moment = recorded.occurred_at
        self._moves[key] = (*key, kind, place, other_place, consignment, units, mass_g, detail, moment)

    def take(self, lot: str, column: int, *, mass_g: int = 0, pieces: int = 0) -> None:
        """Grams and pieces leave a lot; the column of the pieces stands behind that of the grams, if there is one."""
        sums = self.balances[lot,]
        sums[column] += mass_g
        sums[ON_HAND_G] -= mass_g
        if pieces:
            sums[column + 1] += pieces
            sums[ON_HAND_PIECES] -= pieces

    def make(self, lot: str, mass_g: int, pieces: int) -> None:
        """Grams and pieces come to be of a lot."""
        sums = self.balances[lot,]
        sums[MADE_G] += mass_g
        sums[MADE_PIECES] += pieces
        sums[ON_HAND_G] += mass_g
        sums[ON_HAND_PIECES] += pieces

    def lineage(self, change: Change, position: int) -> None:
        """What being made and being consumed does to balances; and what is no more an edge from a position on."""
        for edge in change.withdrawn:
            self.add(t.WITHDRAWN_EDGES, (*edge, position))
        for lot, _, mass_g, pieces in change.made:
            self.make(lot, mass_g, pieces)
        for lot, _, mass_g, pieces in change.consumed:
            self.consume(lot, mass_g, pieces)

    def consume(self, lot: str, mass_g: int, pieces: int) -> None:
        """Grams and pieces of a lot went into a step."""
        sums = self.balances[lot,]
        sums[CONSUMED_G] += mass_g
        sums[CONSUMED_PIECES] += pieces
        sums[ON_HAND_G] -= mass_g
        sums[ON_HAND_PIECES] -= pieces

    def flush(self) -> None:
        """Write everything, one statement or COPY for each table that changed."""
        for table, rows in self._new.items():
            self._db.copy_in(table, rows)
        for table, lines in self.written.items():
            self._db.copy_written(table, lines)
        self._db.copy_in(t.MOVEMENTS, list(self._moves.values()))
        for table, keyed in self._set.items():
            self._db.upsert(table, list(keyed.values()))
        self.balances.flush(self._db)
