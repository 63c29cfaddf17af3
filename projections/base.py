"""What a read model is, and the one connection through which its fold reads and writes tables.

A read model's tables are declared with the columns below, without a schema: they are created in a schema of their
own (`inventory_1`, `inventory_2` ...), and every statement names them unqualified under that search path. Hence a fold
and its queries work on what is served, on a rebuild beside it and on a scratch copy of the past alike.
"""

from bisect import bisect_right
from collections.abc import Callable, Collection, Iterable, Mapping, Sequence
from dataclasses import dataclass
from datetime import date, datetime
from functools import cache
from operator import itemgetter
from typing import Any, cast

import psycopg
import sqlalchemy as sa
from psycopg import sql
from sqlalchemy.dialects import postgresql
from sqlalchemy.schema import CreateIndex, CreateTable

from events.canonical import Unopened, decode_leaf
from events.catalogue.base import Event, Recorded

#: Up to so many rows travel as arrays in one statement; more are staged by COPY.
ROWS_IN_ARRAYS = 200

type Row = tuple[Any, ...]
type Connection = psycopg.Connection[Row]


class _IdText(sa.Text):
    """An id or a word of the catalogue: ASCII without blanks, backslashes or capitals `None`; sorted by bytes."""

    def __init__(self) -> None:
        super().__init__(collation="C")


class _Words(sa.Text):
    """Text of any characters, for people to read."""

    def __init__(self) -> None:
        super().__init__(collation="C")


def key_id(name: str) -> sa.Column[str]:
    """An id that is part of the table's natural key."""
    return sa.Column(name, _IdText(), primary_key=True)


def key_number(name: str) -> sa.Column[int]:
    """A number that is part of the table's natural key; never a serial."""
    return sa.Column(name, sa.BigInteger, primary_key=True, autoincrement=False)


def key_day(name: str) -> sa.Column[date]:
    """A day that is part of the table's natural key."""
    return sa.Column(name, sa.Date, primary_key=True)


def id_of(name: str, *, nullable: bool = False) -> sa.Column[str]:
    """An id or another word of the catalogue (a kind, a state, a place, a month)."""
    return sa.Column(name, _IdText(), nullable=nullable)


def number(name: str, *, nullable: bool = False) -> sa.Column[int]:
    """An integer; its unit is in its name."""
    return sa.Column(name, sa.BigInteger, nullable=nullable)


def yes_no(name: str, *, nullable: bool = False) -> sa.Column[bool]:
    return sa.Column(name, sa.Boolean, nullable=nullable)


def day(name: str, *, nullable: bool = False) -> sa.Column[date]:
    return sa.Column(name, sa.Date, nullable=nullable)


def instant(name: str, *, nullable: bool = False) -> sa.Column[datetime]:
    return sa.Column(name, sa.DateTime(timezone=True), nullable=nullable)


def words(name: str, *, nullable: bool = False) -> sa.Column[str]:
    """Free text, such as a public name in one language."""
    return sa.Column(name, _Words(), nullable=nullable)


def ids(name: str) -> sa.Column[Sequence[str]]:
    """Ids in an order that means something; a row carries them as a tuple."""
    return sa.Column(name, postgresql.ARRAY(_IdText()), nullable=False)


def numbers(name: str) -> sa.Column[Sequence[int]]:
    """Integers in an order that means something; a row carries them as a tuple."""
    return sa.Column(name, postgresql.ARRAY(sa.BigInteger), nullable=False)


@dataclass(frozen=True)
class ReadModel:
    """Tables, and the fold that makes them from the log: nothing else ever writes them.

    `fold(batch, db)` is a function of the batch and the tables alone (no clock, no chance, no serials), and any cut of
    the log into batches gives the same tables. `version` is raised when the tables or the fold change: what is served
    then stays in service until the new version has been built beside it. Table names are unique over all read models.

    Events of the types `in_bulk` need not be decoded by a long build: the batch then brings them unopened (`Db.left`),
    and the fold takes the ordinary ones among them as the JSON they are (projections/in_bulk.py), and opens the others.
    If they stay `in_database`, the batch does not bring them at all: the fold takes them there, or reads them.
    """

    name: str
    version: int
    tables: sa.MetaData
    takes: frozenset[type[Event]]
    fold: "Callable[[Sequence[Recorded[Event]], Db], None]"
    in_bulk: frozenset[type[Event]] = frozenset()
    in_database: bool = False


@dataclass(frozen=True, slots=True)
class Left:
    """What a batch left to the fold between two positions: unopened, in the order of positions, or in the database."""

    after: int
    upto: int
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

    def opened(self, positions: Collection[int]) -> list[Recorded[Event]]:
        """Events that stayed in the database, read after all; in the order of their positions."""
        if not positions:
            return []
        found = self.connection.execute(
            "SELECT position, version, leaf FROM log.events WHERE position = ANY(%s::bigint[]) ORDER BY position",
            [array_text(positions)],
            binary=True,
        )
        return [decode_leaf(*row) for row in found]

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
        shape = _shape(table)
        columns: tuple[Iterable[Any], ...] = (keys,) if shape.key_width == 1 else tuple(zip(*keys, strict=True))
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
        return self.connection.execute(_where_in(table, column), [array_text(values)]).fetchall()

    def copy_in(self, table: sa.Table, rows: Collection[Row]) -> None:
        """Add rows that are new, by COPY (a few: in one statement)."""
        if not rows:
            return
        if len(rows) <= ROWS_IN_ARRAYS:
            self.connection.execute(_shape(table).insert, _by_column(table, rows))
        else:
            self._copy(table.name, table, rows)

    def copy_written(self, table: sa.Table, lines: Collection[str]) -> None:
        """Add rows that are new and written out already: a line each, columns parted by tabs, `None` for what is not.

        For a fold that makes rows by the hundred thousand: one format for a whole row is several times cheaper.
        """
        if lines:
            with self.connection.cursor() as cursor, cursor.copy(_copy_into(table, table.name)) as copy:
                for chunk in _chunks(lines):
                    copy.write("".join(chunk))

    def upsert(self, table: sa.Table, rows: Collection[Row]) -> None:
        """Set the rows of these natural keys, new or not. No key may be named twice in one call."""
        if not rows:
            return
        shape = _shape(table)
        self._merge(table, rows, shape.upsert, shape.upsert_staged)

    def add(self, table: sa.Table, rows: Collection[Row]) -> None:
        """Add to the rows of these natural keys, new or not: every other column is a sum. No key twice in one call."""
        if not rows:
            return
        shape = _shape(table)
        self._merge(table, rows, shape.add, shape.add_staged)

    def _merge(self, table: sa.Table, rows: Collection[Row], few: bytes, staged: bytes) -> None:
        shape = _shape(table)
        if len(rows) <= ROWS_IN_ARRAYS:
            self.connection.execute(few, _by_column(table, rows))
            return
        self.connection.execute(shape.stage)
        self._copy(shape.staged, table, rows)
        self.connection.execute(staged)
        self.connection.execute(shape.clear_stage)

    def delete(self, table: sa.Table, keys: Collection[Any]) -> None:
        """Remove the rows of these natural keys; absent ones are no matter."""
        if not keys:
            return
        shape = _shape(table)
        columns: tuple[Iterable[Any], ...] = (keys,) if shape.key_width == 1 else tuple(zip(*keys, strict=True))
        self.connection.execute(shape.delete, [array_text(column) for column in columns])

    def _copy(self, name: str, table: sa.Table, rows: Collection[Row]) -> None:
        shape = _shape(table)
        # Ids, numbers and instants need no escaping, so one format per row does; None is written as it reads.
        with self.connection.cursor() as cursor, cursor.copy(_copy_into(table, name)) as copy:
            for chunk in _chunks(rows):
                plain = _plain_rows(chunk, shape.written) if shape.written else chunk
                copy.write("".join([shape.line % row for row in plain]))


@dataclass(frozen=True)
class _Shape:
    """The statements for one table, composed once, as bytes: psycopg reads those once as well."""

    key_at: tuple[int, ...]
    key_width: int
    by_key: bytes
    delete: bytes
    insert: bytes
    upsert: bytes
    add: bytes
    staged: str
    stage: bytes
    upsert_staged: bytes
    add_staged: bytes
    clear_stage: bytes
    line: str
    written: tuple[tuple[int, Callable[[Any], str | None]], ...]  #: columns that are not written as they read


_SHAPES: dict[sa.Table, _Shape] = {}


def _shape(table: sa.Table) -> _Shape:
    shape = _SHAPES.get(table)
    if shape is None:
        shape = _SHAPES[table] = _shape_of(table)
    return shape


def _shape_of(table: sa.Table) -> _Shape:
    columns = list(table.columns)
    key = [column for column in columns if column.primary_key]
    name, staged = sql.Identifier(table.name), f"staged_{table.name}"
    all_names, key_names = _names(c.name for c in columns), _names(c.name for c in key)
    keys = sql.SQL("unnest({}) AS k ({})").format(_arrays(key), key_names)
    on = sql.SQL(" AND ").join(sql.SQL("t.{0} = k.{0}").format(sql.Identifier(column.name)) for column in key)
    others = [sql.Identifier(column.name) for column in columns if not column.primary_key]
    conflict = sql.SQL("ON CONFLICT ({}) DO ").format(key_names) + (
        sql.SQL("UPDATE SET ") + sql.SQL(", ").join(sql.SQL("{0} = excluded.{0}").format(other) for other in others)
        if others
        else sql.SQL("NOTHING")
    )
    adding = sql.SQL("ON CONFLICT ({}) DO ").format(key_names) + (
        sql.SQL("UPDATE SET ")
        + sql.SQL(", ").join(sql.SQL("{0} = {1}.{0} + excluded.{0}").format(o, name) for o in others)
        if others
        else sql.SQL("NOTHING")
    )
    from_stage = sql.SQL("SELECT {} FROM {} ").format(all_names, sql.Identifier(staged))
    insert = sql.SQL("INSERT INTO {} ({}) ").format(name, all_names)
    with_arrays = any(isinstance(column.type, postgresql.ARRAY) for column in columns)
    # Arrays of arrays have no rows of their own in SQL: such columns travel as text and are read back.
    select = sql.SQL("SELECT {} FROM unnest({}) AS v ({})").format(
        sql.SQL(", ").join(
            sql.SQL("{}::" + _type(c)).format(sql.Identifier(c.name)) if with_arrays else sql.Identifier(c.name)
            for c in columns
        ),
        _arrays(columns),
        all_names,
    )
    return _Shape(
        key_at=tuple(columns.index(column) for column in key),
        key_width=len(key),
        by_key=_written_out(
            sql.SQL("SELECT {} FROM {} t JOIN {} ON {}").format(
                sql.SQL(", ").join(sql.SQL("t.{}").format(sql.Identifier(c.name)) for c in columns), name, keys, on
            )
        ),
        delete=_written_out(sql.SQL("DELETE FROM {} t USING {} WHERE {}").format(name, keys, on)),
        insert=_written_out(insert + select),
        upsert=_written_out(insert + select + sql.SQL(" ") + conflict),
        add=_written_out(insert + select + sql.SQL(" ") + adding),
        staged=staged,
        stage=_written_out(
            sql.SQL("CREATE TEMPORARY TABLE IF NOT EXISTS {} (LIKE {}) ON COMMIT DELETE ROWS").format(
                sql.Identifier(staged), name
            )
        ),
        upsert_staged=_written_out(insert + from_stage + conflict),
        add_staged=_written_out(insert + from_stage + adding),
        clear_stage=_written_out(sql.SQL("TRUNCATE {}").format(sql.Identifier(staged))),
        line="\t".join("%s" for _ in columns) + "\n",
        written=tuple((at, _writer(column)) for at, column in enumerate(columns) if not _plain(column)),
    )


def _written_out(statement: sql.Composed) -> bytes:
    """A composed statement is written out and read again at every use; written out once, it costs nothing later.

    A fold runs some thirty statements for a live batch of a few events, so this is a third of its time.
    """
    return statement.as_bytes(None)


@cache
def _where_in(table: sa.Table, column: str) -> bytes:
    return _written_out(
        sql.SQL("SELECT {columns} FROM {table} WHERE {column} = ANY(%s::{kind}[])").format(
            columns=_names(table.columns.keys()),
            table=sql.Identifier(table.name),
            column=sql.Identifier(column),
            kind=sql.SQL(_type(table.c[column])),
        )
    )


def _names(columns: Iterable[str]) -> sql.Composed:
    return sql.SQL(", ").join(sql.Identifier(name) for name in columns)


def _type(column: sa.Column[Any]) -> str:
    return (
        column.type.compile(dialect=_DIALECT).split(" COLLATE")[0]
        if not _is_array(column)
        else ("text[]" if isinstance(cast("postgresql.ARRAY[Any]", column.type).item_type, sa.Text) else "bigint[]")
    )


def _is_array(column: sa.Column[Any]) -> bool:
    return isinstance(column.type, postgresql.ARRAY)


def _plain(column: sa.Column[Any]) -> bool:
    return not _is_array(column) and not isinstance(column.type, _Words)


def _arrays(columns: Iterable[sa.Column[Any]]) -> sql.Composed:
    return sql.SQL(", ").join(
        sql.SQL("%s::text[]" if _is_array(column) else f"%s::{_type(column)}[]") for column in columns
    )


def _writer(column: sa.Column[Any]) -> Callable[[Any], str | None]:
    return array_text if _is_array(column) else _escaped


def array_text(value: Iterable[Any]) -> str:
    """Ids, numbers or days as PostgreSQL writes an array: ten times cheaper than a list of parameters."""
    if not value:
        return "{}"
    return '{"' + '","'.join(map(str, value)) + '"}'


def _escaped(value: str | None) -> str | None:
    if value is None:
        return None
    escaped = value.replace("\\", "\\\\").replace("\t", "\\t").replace("\n", "\\n").replace("\r", "\\r")
    return "\\None" if escaped == "None" else escaped


def _plain_rows(rows: Sequence[Row], written: tuple[tuple[int, Callable[[Any], str | None]], ...]) -> list[Row]:
    """Rows whose special columns (arrays, words) are text as COPY reads it; the others are left as they are."""
    if len(written) == 1:
        ((at, write),) = written
        return [(*row[:at], write(row[at]), *row[at + 1 :]) for row in rows]
    plain = []
    for row in rows:
        values = list(row)
        for at, write in written:
            values[at] = write(values[at])
        plain.append(tuple(values))
    return plain


def _by_column(table: sa.Table, rows: Collection[Row]) -> list[str]:
    return [
        _column_text(values, isinstance(column.type, sa.Text), _is_array(column))
        for column, values in zip(table.columns, zip(*rows, strict=True), strict=True)
    ]


def _column_text(values: Sequence[Any], is_text: bool, is_array: bool) -> str:
    """One column of some rows as PostgreSQL writes an array. Numbers, days and instants hold nothing to be escaped."""
    if is_array:
        values = [array_text(value) for value in values]
    if is_text or is_array:
        values = [None if value is None else value.replace("\\", "\\\\").replace('"', '\\"') for value in values]
    return "{" + ",".join(["NULL" if value is None else f'"{value}"' for value in values]) + "}"


def _copy_into(table: sa.Table, name: str) -> sql.Composed:
    """COPY into a table of this name with the columns of that one."""
    columns = _names(table.columns.keys())
    return sql.SQL("COPY {} ({}) FROM STDIN (NULL 'None')").format(sql.Identifier(name), columns)


def _chunks[T](rows: Collection[T], size: int = 2_000) -> Iterable[Sequence[T]]:
    whole = rows if isinstance(rows, list) else list(rows)
    for start in range(0, len(whole), size):
        yield whole[start : start + size]


_DIALECT = postgresql.dialect()  # type: ignore[no-untyped-call]


def create_tables(connection: Connection, model: ReadModel, schema: str) -> None:
    """Create a schema and the model's empty tables in it, with their keys and the indexes that its fold needs.

    In the caller's transaction, as everything here. The other indexes come after a build: `create_other_indexes`.
    """
    connection.execute(sql.SQL("CREATE SCHEMA {}").format(sql.Identifier(schema)))
    use_schema(connection, schema)
    for table in model.tables.sorted_tables:
        connection.execute(str(CreateTable(table).compile(dialect=_DIALECT)))
    _create_indexes(connection, model, for_fold=True)


def create_other_indexes(connection: Connection, model: ReadModel, schema: str) -> None:
    """Create the indexes that only queries need; once a table is full this is several times faster than from empty."""
    use_schema(connection, schema)
    _create_indexes(connection, model, for_fold=False)


def _create_indexes(connection: Connection, model: ReadModel, *, for_fold: bool) -> None:
    for table in model.tables.sorted_tables:
        for index in sorted(table.indexes, key=lambda index: str(index.name)):
            if bool(index.info.get("for_fold")) is for_fold:
                connection.execute(str(CreateIndex(index).compile(dialect=_DIALECT)))


def use_schema(connection: Connection, *schemas: str) -> None:
    """From here on, unqualified table names of this connection mean those of these schemas, until others are named."""
    path = ", ".join(f'"{schema}"' for schema in schemas)
    connection.execute("SELECT set_config('search_path', %s, false)", [path])
