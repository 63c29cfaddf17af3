"""Running totals by natural key: gathered in memory over a batch, added to their table in one go."""

import sqlalchemy as sa

from projections.base import Db


class Totals(dict[tuple[str, ...], list[int]]):
    """What a batch adds to a table whose other columns are all sums.

    `totals[key][COLUMN] += n`; a key that is named is written even if its sums stay as they are, so that the tables do
    not depend on whether something and its reversal came in one batch or in two.
    """

    def __init__(self, table: sa.Table) -> None:
        super().__init__()
        self.table = table
        self.width = len(table.columns) - len(table.primary_key)

    def __missing__(self, key: tuple[str, ...]) -> list[int]:
        row = self[key] = [0] * self.width
        return row

    def flush(self, db: Db) -> None:
        """Write what was gathered; nothing has to be read for it."""
        db.add(self.table, [(*key, *sums) for key, sums in self.items()])
        self.clear()
