"""Whether two ways to the same tables arrived at the same tables: a hash of each, in the order of its natural keys."""

import hashlib

from psycopg import sql

from projections.base import Connection, ReadModel

#: The name under which the parked events of a schema are compared beside its tables.
PARKED = "parked"


def digests(connection: Connection, model: ReadModel, schema: str) -> dict[str, str]:
    """SHA-256 of every table of a schema, as PostgreSQL writes its rows, sorted by key; memory stays flat.

    The connection's time zone must be the same for both sides of a comparison.
    """
    found = {}
    for name, table in sorted(model.tables.tables.items()):
        columns = sql.SQL(", ").join(sql.Identifier(column.name) for column in table.columns)
        keys = sql.SQL(", ").join(sql.Identifier(column.name) for column in table.primary_key.columns)
        found[name] = _digest(
            connection,
            sql.SQL("SELECT {} FROM {}.{} ORDER BY {}").format(
                columns, sql.Identifier(schema), sql.Identifier(name), keys
            ),
        )
    found[PARKED] = _digest(
        connection,
        sql.SQL(
            "SELECT position, stream, type, cause_position FROM projection.parked WHERE schema = {} ORDER BY position"
        ).format(sql.Literal(schema)),
    )
    return found


def differing(one: dict[str, str], other: dict[str, str]) -> list[str]:
    """The tables whose digests are not the same."""
    return sorted(name for name in one.keys() | other.keys() if one.get(name) != other.get(name))


def whole(tables: dict[str, str]) -> str:
    """One digest of all tables of a model."""
    return hashlib.sha256("".join(f"{name}:{digest}\n" for name, digest in sorted(tables.items())).encode()).hexdigest()


def _digest(connection: Connection, query: sql.Composed) -> str:
    digest = hashlib.sha256()
    with connection.cursor() as cursor, cursor.copy(sql.SQL("COPY ({}) TO STDOUT").format(query)) as rows:
        for block in rows:
            digest.update(block)
    return digest.hexdigest()
