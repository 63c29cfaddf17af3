"""The read models as they stood at a position: the same log through the same folds, into schemas for looking back."""

from collections.abc import Iterator, Sequence
from contextlib import closing, contextmanager

import psycopg

from events.group_commit import with_options
from events.store import Log
from projections import schemas
from projections.base import Connection, ReadModel, use_schema
from projections.building import Build, Progress
from projections.schemas import OPTIONS

#: How many positions are kept; the one that nobody looked at for the longest time goes first.
SCRATCH_POSITIONS_MAX = 3

_LOCK_CLASS = 0x4F564F52


@contextmanager
def scratch(
    conninfo: str, log: Log, models: Sequence[ReadModel], position: int, progress: Progress | None = None
) -> Iterator[Connection]:
    """A connection on which unqualified table names mean the read models as of a position.

    Built when it is not there yet, which takes as long as a rebuild up to that position; kept for the next who asks.
    `conninfo` is the projector's.
    """
    names = {model.name: f"scratch_{position}_{model.name}" for model in models}
    with closing(psycopg.connect(with_options(conninfo, OPTIONS), autocommit=True)) as connection:
        # One builder for a position; whoever asks for the same meanwhile waits and finds it made.
        connection.execute("SELECT pg_advisory_lock(%s, %s)", [_LOCK_CLASS, position % 2**31])
        try:
            if not _is_ready(connection, models, names, position):
                _make(connection, conninfo, log, models, names, position, progress)
            connection.execute("UPDATE projection.scratch SET last_used = now() WHERE position = %s", [position])
            _make_room(connection)
        finally:
            connection.execute("SELECT pg_advisory_unlock(%s, %s)", [_LOCK_CLASS, position % 2**31])
        use_schema(connection, *names.values())
        yield connection


def _is_ready(connection: Connection, models: Sequence[ReadModel], names: dict[str, str], position: int) -> bool:
    found = connection.execute("SELECT is_ready FROM projection.scratch WHERE position = %s", [position]).fetchone()
    if found != (True,):
        return False
    copies = [schemas.built(connection, names[model.name]) for model in models]
    return all(copy is not None and copy.version == model.version for copy, model in zip(copies, models, strict=True))


def _make(
    connection: Connection,
    conninfo: str,
    log: Log,
    models: Sequence[ReadModel],
    names: dict[str, str],
    position: int,
    progress: Progress | None,
) -> None:
    with connection.transaction():
        connection.execute(
            "INSERT INTO projection.scratch (position) VALUES (%s)"
            " ON CONFLICT (position) DO UPDATE SET is_ready = false",
            [position],
        )
        for schema in names.values():
            schemas.drop(connection, schema)
        fresh = [schemas.named_schema(connection, model, names[model.name]) for model in models]
    with Build(conninfo, log, {model.name: model for model in models}, fresh) as build:
        build.complete(position, progress)
    connection.execute("UPDATE projection.scratch SET is_ready = true WHERE position = %s", [position])


def _make_room(connection: Connection) -> None:
    old = connection.execute(
        "SELECT position FROM projection.scratch ORDER BY last_used DESC, position OFFSET %s", [SCRATCH_POSITIONS_MAX]
    ).fetchall()
    for (position,) in old:
        _forget(connection, position)


def _forget(connection: Connection, position: int) -> None:
    with connection.transaction():
        found = connection.execute(
            "SELECT schema FROM projection.checkpoints WHERE schema LIKE %s", [rf"scratch\_{position}\_%"]
        ).fetchall()
        for (schema,) in found:
            schemas.drop(connection, schema)
        connection.execute("DELETE FROM projection.scratch WHERE position = %s", [position])
