"""Running totals by natural key: gathered in memory over a batch, added to their table in one go."""

from operator import add
from typing import Any

import sqlalchemy as sa

from projections.base import Db, Row


class Totals(dict[tuple[str, ...], list[int]]):
    """What a batch adds to a table whose other columns are all sums.

    `totals[key][COLUMN] += n`; a key that is named is written even if its sums stay as they are, so that the tables do
    not depend on whether something and its reversal came in one batch or in two.
    """

    def __init__(self, table: sa.Table) -> None:
        super().__init__()
        self.table = table
        self.key_width = len(table.primary_key)
        self.width = len(table.columns) - self.key_width

    def __missing__(self, key: tuple[str, ...]) -> list[int]:
        row = self[key] = [0] * self.width
        return row

    def flush(self, db: Db) -> None:
        """Read the sums as they are, add, write: two round trips, none when there is nothing to add."""
        db.upsert(self.table, self.added(db))
        self.clear()

    def added(self, db: Db) -> list[Row]:
        """The rows as they are to be written. Whoever writes several tables reads them all first: writes may lag."""
        if not self:
            return []
        keys: Any = self if self.key_width > 1 else [key[0] for key in self]
        known = db.by_key(self.table, list(keys))
        rows: list[Row] = []
        for key, sums in self.items():
            before = known.get(key if self.key_width > 1 else key[0])
            rows.append((*key, *sums) if before is None else (*key, *map(add, before[self.key_width :], sums)))
        return rows
