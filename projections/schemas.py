"""Which schemas hold a read model, up to which position each was made, and which of them people see.

A model may have several schemas: the one that is served, the one served before, one being built. The schema `inventory`
holds only views of the serving one, so a switch is one transaction and no reader notices it.
"""

from collections.abc import Iterable, Mapping, Sequence
from dataclasses import dataclass

from psycopg import sql

from projections.base import Connection, ReadModel, create_other_indexes, create_tables

#: What every connection of a projector states: instants read and written in UTC, and no waiting for the disk, as what
#: is lost in a crash is folded again from the checkpoint that is lost with it.
OPTIONS = "-c timezone=UTC -c synchronous_commit=off -c jit=off -c client_min_messages=warning"


class FencedOff(Exception):
    """Another projector moved this checkpoint; what was folded here is thrown away and the loop looks anew."""

    def __init__(self, schemas: Iterable[str]) -> None:
        super().__init__(f"{self.__doc__} ({', '.join(schemas)})")


@dataclass(frozen=True, slots=True)
class Built:
    """A schema with a read model's tables, made from the log up to a position."""

    schema: str
    model: str
    version: int
    position: int


def serving(connection: Connection) -> dict[str, Built]:
    """What is served, by model."""
    found = connection.execute(
        "SELECT c.schema, c.model, c.version, c.position FROM projection.serving s JOIN projection.checkpoints c"
        " USING (schema)"
    ).fetchall()
    return {row[1]: Built(*row) for row in found}


def built(connection: Connection, schema: str) -> Built | None:
    """What a schema holds, None if there is no such one."""
    found = connection.execute(
        "SELECT schema, model, version, position FROM projection.checkpoints WHERE schema = %s", [schema]
    ).fetchone()
    return Built(*found) if found else None


def previous(connection: Connection, model: str) -> Built | None:
    """What was served before, if it is still there."""
    found = connection.execute("SELECT previous FROM projection.serving WHERE model = %s", [model]).fetchone()
    return built(connection, found[0]) if found and found[0] else None


def prepare(connection: Connection, models: Sequence[ReadModel]) -> None:
    """Create and serve empty tables of every model that has none, in one transaction."""
    with connection.transaction():
        connection.execute("LOCK TABLE projection.serving IN SHARE ROW EXCLUSIVE MODE")
        served = serving(connection)
        for model in models:
            if model.name not in served:
                fresh = new_schema(connection, model)
                create_other_indexes(connection, model, fresh.schema)
                serve(connection, model, fresh.schema)


def new_schema(connection: Connection, model: ReadModel) -> Built:
    """Empty tables at position 0 in the next free schema: `inventory_1`, `inventory_2` ..."""
    taken = connection.execute(
        r"SELECT coalesce(max(substring(nspname FROM '_([0-9]+)$')::bigint), 0) FROM pg_namespace"
        r" WHERE nspname ~ ('^' || %s || '_[0-9]+$')",
        [model.name],
    ).fetchall()[0][0]
    return named_schema(connection, model, f"{model.name}_{taken + 1}")


def named_schema(connection: Connection, model: ReadModel, schema: str) -> Built:
    """Empty tables at position 0 in a schema of this name."""
    create_tables(connection, model, schema)
    connection.execute(
        "INSERT INTO projection.checkpoints (schema, model, version, position) VALUES (%s, %s, %s, 0)",
        [schema, model.name, model.version],
    )
    return Built(schema, model.name, model.version, 0)


def serve(connection: Connection, model: ReadModel, schema: str) -> None:
    """Show a schema in the views of its model; what was shown before is remembered. In the caller's transaction."""
    connection.execute(sql.SQL("CREATE SCHEMA IF NOT EXISTS {}").format(sql.Identifier(model.name)))
    shown = connection.execute("SELECT viewname FROM pg_views WHERE schemaname = %s", [model.name]).fetchall()
    for (view,) in shown:
        connection.execute(sql.SQL("DROP VIEW {}.{}").format(sql.Identifier(model.name), sql.Identifier(view)))
    for table in sorted(model.tables.tables):
        connection.execute(
            sql.SQL("CREATE VIEW {}.{} AS SELECT * FROM {}.{}").format(
                sql.Identifier(model.name), sql.Identifier(table), sql.Identifier(schema), sql.Identifier(table)
            )
        )
    connection.execute(
        "INSERT INTO projection.serving (model, schema) VALUES (%s, %s)"
        " ON CONFLICT (model) DO UPDATE SET schema = excluded.schema, previous = serving.schema"
        " WHERE serving.schema <> excluded.schema",
        [model.name, schema],
    )


def drop(connection: Connection, schema: str) -> None:
    """Throw a schema away with its tables and its checkpoint."""
    connection.execute(sql.SQL("DROP SCHEMA IF EXISTS {} CASCADE").format(sql.Identifier(schema)))
    connection.execute("DELETE FROM projection.checkpoints WHERE schema = %s", [schema])


def move_checkpoints(connection: Connection, before: Mapping[str, int], position: int) -> None:
    """Move checkpoints from where they are believed to be; the first statement of a batch's transaction.

    It waits for whoever else moves one of them. Raises FencedOff when one is not where it was believed to be.
    """
    moved = connection.execute(
        "UPDATE projection.checkpoints c SET position = %s"
        " FROM unnest(%s::text[], %s::bigint[]) AS b (schema, position)"
        " WHERE c.schema = b.schema AND c.position = b.position",
        [position, list(before), list(before.values())],
    ).rowcount
    if moved != len(before):
        raise FencedOff(before)
