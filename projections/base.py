"""What a read model is, and the one connection through which its fold reads and writes tables.

A read model's tables are declared with the columns of `columns.py`, without a schema: they are created in a schema of
their own (`inventory_1`, `inventory_2` ...), and every statement names them unqualified under that search path. Hence a
fold and its queries work on what is served, on a rebuild beside it and on a scratch copy of the past alike.
"""

from bisect import bisect_right
from collections.abc import Callable, Collection, Iterable, Mapping, Sequence
from dataclasses import dataclass
from decimal import Decimal
from operator import itemgetter
from typing import Any

import psycopg
import sqlalchemy as sa
from psycopg import sql
from psycopg.abc import Buffer
from psycopg.rows import class_row
from psycopg.types.numeric import NumericLoader
from sqlalchemy.schema import CreateIndex, CreateTable

from events.canonical import Unopened
from events.catalogue.base import Event, Recorded
from projections.statements import (
    DIALECT,
    Row,
    array_text,
    by_column,
    chunks,
    copy_into,
    plain_rows,
    shape_of,
    where_in,
)

#: Up to so many rows travel as arrays in one statement; more are staged by COPY.
ROWS_IN_ARRAYS = 200

type Connection = psycopg.Connection[Row]


class WholeLoader(NumericLoader):
    """A `numeric` without decimal places as an int.

    PostgreSQL adds BIGINT up to `numeric`, as many rows together may come to more than a row can hold. So sums are read
    as they come: cast back to BIGINT, a great one would break the read for everybody.
    """

    def load(self, data: Buffer) -> int | Decimal:  # type: ignore[override]
        text = str(data, "utf-8")
        return int(text) if text.removeprefix("-").isdecimal() else Decimal(text)


# For every connection of a program that reads read models: they are opened in many places, each with its own options.
psycopg.adapters.register_loader("numeric", WholeLoader)


@dataclass(frozen=True)
class ReadModel:
    """Tables, and the fold that makes them from the log: nothing else ever writes them.

    `fold(batch, db)` is a function of the batch and the tables alone (no clock, no chance, no serials), and any cut of
    the log into batches gives the same tables. `version` is raised when the tables or the fold change: what is served
    then stays in service until the new version has been built beside it. Table names are unique over all read models.

    Events of the types `in_bulk` need not be decoded by a long build: the batch then brings them unopened (`Db.left`),
    and the fold takes the ordinary ones among them as the JSON they are (projections/in_bulk.py), and opens the others.
    """

    name: str
    version: int
    tables: sa.MetaData
    takes: frozenset[type[Event]]
    fold: "Callable[[Sequence[Recorded[Event]], Db], None]"
    in_bulk: frozenset[type[Event]] = frozenset()


@dataclass(frozen=True, slots=True)
class Left:
    """What a batch left to the fold: unopened, in the order of positions."""

    events: Sequence[Unopened] = ()

    def between(self, after: int, upto: int) -> Sequence[Unopened]:
        """Those behind one position and up to another."""
        start, end = (bisect_right(self.events, position, key=itemgetter(0)) for position in (after, upto))
        return self.events[start:end]


class Db:
    """One connection whose search path is one read model's schema, inside one transaction that others open and end.

    Rows are tuples in the order of the table's columns. Everything is done for many rows at once: a live batch
    of a few events costs a few round trips, a rebuild's batch of tens of thousands travels by COPY.
    """

    def __init__(self, connection: Connection, left: Left | None = None) -> None:
        self.connection = connection
        self.left = left

    def rows(self, statement: str, params: Sequence[Any] | Mapping[str, Any] = ()) -> list[Row]:
        """The rows of a query written out in SQL, table names unqualified."""
        return self.connection.execute(statement, params or None).fetchall()

    def execute(self, statement: str, params: Sequence[Any] | Mapping[str, Any] = ()) -> int:
        """Run a statement written out in SQL; the number of rows it touched."""
        return self.connection.execute(statement, params or None).rowcount

    def by_key(self, table: sa.Table, keys: Collection[Any]) -> dict[Any, Row]:
        """The rows of these natural keys: whole rows by key. A key of one column is a value, of several a tuple."""
        if not keys:
            return {}
        shape = shape_of(table)
        columns: tuple[Collection[Any], ...] = (keys,) if shape.key_width == 1 else tuple(zip(*keys, strict=True))
        found = self.connection.execute(shape.by_key, [array_text(column) for column in columns]).fetchall()
        if shape.key_width == 1:
            at = shape.key_at[0]
            return {row[at]: row for row in found}
        return {tuple(row[at] for at in shape.key_at): row for row in found}

    def where_in(self, table: sa.Table, column: str, values: Collection[Any]) -> list[Row]:
        """Whole rows whose column has one of these values, in no particular order.

        The column leads the key or an index declared with `info={"for_fold": True}`.
        """
        if not values:
            return []
        return self.connection.execute(where_in(table, column), [array_text(values)]).fetchall()

    def copy_in(self, table: sa.Table, rows: Collection[Row]) -> None:
        """Add rows that are new, by COPY (a few: in one statement)."""
        if not rows:
            return
        if len(rows) <= ROWS_IN_ARRAYS:
            self.connection.execute(shape_of(table).insert, by_column(table, rows))
        else:
            self._copy(table.name, table, rows)

    def copy_written(self, table: sa.Table, lines: Collection[str], columns: Sequence[str] = ()) -> None:
        """Add rows that are new and written out already: a line each, columns parted by tabs, `None` for what is not.

        The columns stand in the table's order, or in this one.

        For a fold that makes rows by the hundred thousand: one format for a whole row is several times cheaper.
        """
        if lines:
            with self.connection.cursor() as cursor, cursor.copy(copy_into(table, table.name, columns)) as copy:
                for chunk in chunks(lines):
                    copy.write("".join(chunk))

    def upsert(self, table: sa.Table, rows: Collection[Row]) -> None:
        """Set the rows of these natural keys, new or not. No key may be named twice in one call."""
        if not rows:
            return
        shape = shape_of(table)
        self._merge(table, rows, shape.upsert, shape.upsert_staged)

    def add(self, table: sa.Table, rows: Collection[Row]) -> None:
        """Add to the rows of these natural keys, new or not: every other column is a sum. No key twice in one call."""
        if not rows:
            return
        shape = shape_of(table)
        self._merge(table, rows, shape.add, shape.add_staged)

    def _merge(self, table: sa.Table, rows: Collection[Row], few: bytes, staged: bytes) -> None:
        shape = shape_of(table)
        if len(rows) > ROWS_IN_ARRAYS:  # to ask which are new and to add those as such costs half of merging them
            known, key_of = self._known(table, rows), itemgetter(*shape.key_at)
            told: list[Row] = []
            new: list[Row] = []
            for row in rows:
                (told if key_of(row) in known else new).append(row)
            self._copy(table.name, table, new)
            rows = told
        if len(rows) <= ROWS_IN_ARRAYS:
            if rows:
                self.connection.execute(few, by_column(table, rows))
            return
        self.connection.execute(shape.stage)
        self._copy(shape.staged, table, rows)
        self.connection.execute(staged)
        self.connection.execute(shape.clear_stage)

    def _known(self, table: sa.Table, rows: Iterable[Row]) -> set[Any]:
        """Which of the rows' keys are in the table."""
        shape = shape_of(table)
        columns = [array_text([row[at] for row in rows]) for at in shape.key_at]
        found = self.connection.execute(shape.known, columns).fetchall()
        return {row[0] for row in found} if shape.key_width == 1 else set(found)

    def delete(self, table: sa.Table, keys: Collection[Any]) -> None:
        """Remove the rows of these natural keys; absent ones are no matter."""
        if not keys:
            return
        shape = shape_of(table)
        columns: tuple[Collection[Any], ...] = (keys,) if shape.key_width == 1 else tuple(zip(*keys, strict=True))
        self.connection.execute(shape.delete, [array_text(column) for column in columns])

    def _copy(self, name: str, table: sa.Table, rows: Collection[Row]) -> None:
        shape = shape_of(table)
        # Ids, numbers and instants need no escaping, so one format per row does; None is written as it reads.
        with self.connection.cursor() as cursor, cursor.copy(copy_into(table, name)) as copy:
            for chunk in chunks(rows):
                plain = plain_rows(chunk, shape.written) if shape.written else chunk
                copy.write("".join([shape.line % row for row in plain]))


def records[T](
    connection: Connection, kind: type[T], statement: str, params: Sequence[Any] | Mapping[str, Any] = ()
) -> list[T]:
    """The rows of a query as objects of a class whose fields are called like its columns."""
    with connection.cursor(row_factory=class_row(kind)) as cursor:
        return cursor.execute(statement.encode(), params or None).fetchall()


def create_tables(connection: Connection, model: ReadModel, schema: str) -> None:
    """Create a schema and the model's empty tables in it, with their keys and the indexes that its fold needs.

    In the caller's transaction, as everything here. The other indexes come after a build: `create_other_indexes`.
    """
    connection.execute(sql.SQL("CREATE SCHEMA {}").format(sql.Identifier(schema)))
    use_schema(connection, schema)
    for table in model.tables.sorted_tables:
        connection.execute(str(CreateTable(table).compile(dialect=DIALECT)))
    _create_indexes(connection, model, for_fold=True)


def create_other_indexes(connection: Connection, model: ReadModel, schema: str) -> None:
    """Create the indexes that only queries need; once a table is full this is several times faster than from empty."""
    use_schema(connection, schema)
    _create_indexes(connection, model, for_fold=False)


def _create_indexes(connection: Connection, model: ReadModel, *, for_fold: bool) -> None:
    for table in model.tables.sorted_tables:
        for index in sorted(table.indexes, key=lambda index: str(index.name)):
            if bool(index.info.get("for_fold")) is for_fold:
                connection.execute(str(CreateIndex(index).compile(dialect=DIALECT)))


def use_schema(connection: Connection, *schemas: str) -> None:
    """From here on, unqualified table names of this connection mean those of these schemas, until others are named."""
    path = ", ".join(f'"{schema}"' for schema in schemas)
    connection.execute("SELECT set_config('search_path', %s, false)", [path])
