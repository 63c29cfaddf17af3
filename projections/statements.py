"""The statements by which rows of a table are read and written, composed once, and how values are written in them."""

from collections.abc import Callable, Collection, Iterable, Sequence
from dataclasses import dataclass
from functools import cache
from typing import Any, cast

import sqlalchemy as sa
from psycopg import sql
from sqlalchemy.dialects import postgresql

from projections.columns import Words

type Row = tuple[Any, ...]

DIALECT = postgresql.dialect()  # type: ignore[no-untyped-call]


@dataclass(frozen=True)
class Shape:
    """The statements for one table, composed once, as bytes: psycopg reads those once as well."""

    key_at: tuple[int, ...]
    key_width: int
    by_key: bytes
    known: bytes
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


_SHAPES: dict[sa.Table, Shape] = {}


def shape_of(table: sa.Table) -> Shape:
    shape = _SHAPES.get(table)
    if shape is None:
        shape = _SHAPES[table] = _composed(table)
    return shape


def _composed(table: sa.Table) -> Shape:
    columns = list(table.columns)
    key = [column for column in columns if column.primary_key]
    name, staged = sql.Identifier(table.name), f"staged_{table.name}"
    all_names, key_names = _names(c.name for c in columns), _names(c.name for c in key)
    keys = sql.SQL("unnest({}) AS k ({})").format(_arrays(key), key_names)
    on = sql.SQL(" AND ").join(sql.SQL("t.{0} = k.{0}").format(sql.Identifier(column.name)) for column in key)
    # An index looks many values of one column up in one go.
    there = (
        sql.SQL("{} t WHERE {} = ANY({})").format(name, sql.Identifier(key[0].name), _arrays(key))
        if len(key) == 1
        else sql.SQL("{} t JOIN {} ON {}").format(name, keys, on)
    )
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
    return Shape(
        key_at=tuple(columns.index(column) for column in key),
        key_width=len(key),
        by_key=_written_out(
            sql.SQL("SELECT {} FROM {}").format(
                sql.SQL(", ").join(sql.SQL("t.{}").format(sql.Identifier(c.name)) for c in columns), there
            )
        ),
        known=_written_out(
            sql.SQL("SELECT {} FROM {}").format(
                sql.SQL(", ").join(sql.SQL("t.{}").format(sql.Identifier(c.name)) for c in key), there
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
def where_in(table: sa.Table, column: str) -> bytes:
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
        column.type.compile(dialect=DIALECT).split(" COLLATE")[0]
        if not _is_array(column)
        else ("text[]" if isinstance(cast("postgresql.ARRAY[Any]", column.type).item_type, sa.Text) else "bigint[]")
    )


def _is_array(column: sa.Column[Any]) -> bool:
    return isinstance(column.type, postgresql.ARRAY)


def _plain(column: sa.Column[Any]) -> bool:
    return not _is_array(column) and not isinstance(column.type, Words)


def _arrays(columns: Iterable[sa.Column[Any]]) -> sql.Composed:
    return sql.SQL(", ").join(
        sql.SQL("%s::text[]" if _is_array(column) else f"%s::{_type(column)}[]") for column in columns
    )


def _writer(column: sa.Column[Any]) -> Callable[[Any], str | None]:
    return array_text if _is_array(column) else _escaped


def array_text(value: Collection[Any]) -> str:
    """Ids, numbers or days as PostgreSQL writes an array: ten times cheaper than a list of parameters."""
    if not value:
        return "{}"
    ids = value if isinstance(next(iter(value)), str) else map(str, value)
    return '{"' + '","'.join(ids) + '"}'


def _escaped(value: str | None) -> str | None:
    if value is None:
        return None
    escaped = value.replace("\\", "\\\\").replace("\t", "\\t").replace("\n", "\\n").replace("\r", "\\r")
    return "\\None" if escaped == "None" else escaped


def plain_rows(rows: Sequence[Row], written: tuple[tuple[int, Callable[[Any], str | None]], ...]) -> list[Row]:
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


def by_column(table: sa.Table, rows: Collection[Row]) -> list[str]:
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


def copy_into(table: sa.Table, name: str, columns: Sequence[str] = ()) -> sql.Composed:
    """COPY into a table of this name with the columns of that one, or these of them in this order."""
    names = _names(columns or table.columns.keys())
    return sql.SQL("COPY {} ({}) FROM STDIN (NULL 'None')").format(sql.Identifier(name), names)


def chunks[T](rows: Collection[T], size: int = 2_000) -> Iterable[Sequence[T]]:
    whole = rows if isinstance(rows, list) else list(rows)
    for start in range(0, len(whole), size):
        yield whole[start : start + size]
