"""Building a read model anew beside the one that is served, and showing it instead once both say the same.

Nothing is ever folded again in place. The new schema is made from the log alone by the same fold; at one position it is
compared with the served one, digest by digest; then the views are switched in one transaction. The one served before is
kept, to go back to.
"""

import logging
import time
from collections.abc import Iterator, Sequence
from contextlib import closing, contextmanager, suppress
from dataclasses import dataclass

import psycopg

from events.group_commit import with_options
from events.store import Log
from projections import schemas
from projections.base import Connection, ReadModel
from projections.building import Build, Progress
from projections.digest import differing, digests, whole
from projections.schemas import OPTIONS, Built

logger = logging.getLogger(__name__)

#: One rebuild at a time in a database; any number that nothing else locks.
_ONE_AT_A_TIME = 0x4F564F51
#: How long a switch waits for readers of the views, which it must have to itself for a moment.
_SWITCH_LOCK_TIMEOUT = "10s"
#: A rebuild this close behind what is served is compared with it.
_NEAR_EVENTS = 20_000


class RebuildDiffers(Exception):
    """What was built from the log is not what is served. Nothing was switched; both are there to be compared."""

    def __init__(self, model: str, served: str, rebuilt: str, tables: Sequence[str]) -> None:
        super().__init__(f"{self.__doc__} ({model}: {served} and {rebuilt} differ in {', '.join(tables)})")
        self.model, self.served, self.rebuilt, self.tables = model, served, rebuilt, tuple(tables)


class NothingToSwitchBackTo(Exception):
    """No earlier schema of this model is kept, or it was made by another version of the program."""


class RebuildUnderWay(Exception):
    """Another rebuild is at work in this database; wait for it to end."""


@dataclass(frozen=True, slots=True)
class Rebuilt:
    """What a rebuild did for one model."""

    model: str
    schema: str
    replaced: str
    position: int
    digest: str
    was_compared: bool  #: false when the served one is of another version, and so has other tables
    differs_in: tuple[str, ...]  #: tables, when it was switched all the same
    seconds: float


def rebuild(
    conninfo: str,
    log: Log,
    models: Sequence[ReadModel],
    progress: Progress | None = None,
    *,
    switch_even_if_different: bool = False,
) -> list[Rebuilt]:
    """Build models anew beside what is served, compare, switch. A projector may work on all the while.

    Raises RebuildDiffers (the new schema is kept until the next rebuild), RebuildUnderWay.
    """
    begun = time.monotonic()
    with _alone(conninfo) as connection:
        schemas.prepare(connection, models)
        by_name = {model.name: model for model in models}
        fresh = [_start(connection, model) for model in models]
        with Build(conninfo, log, by_name, fresh) as build:
            build.complete(_target(connection, log, by_name), progress)
        return [
            _finish(connection, conninfo, log, by_name[new.model], new.schema, begun, switch_even_if_different)
            for new in fresh
        ]


def switch_back(conninfo: str, model: ReadModel) -> str:
    """Show again what was shown before the last switch; the projector brings it up to date. The schema's name.

    Raises NothingToSwitchBackTo.
    """
    with _alone(conninfo) as connection, connection.transaction():
        connection.execute(f"SET LOCAL lock_timeout = '{_SWITCH_LOCK_TIMEOUT}'")
        before = schemas.previous(connection, model.name)
        if before is None or before.version != model.version:
            raise NothingToSwitchBackTo(NothingToSwitchBackTo.__doc__)
        schemas.serve(connection, model, before.schema)
        return before.schema


@contextmanager
def _alone(conninfo: str) -> Iterator[Connection]:
    """A connection during which no other rebuild is at work in the database. Raises RebuildUnderWay."""
    with closing(psycopg.connect(with_options(conninfo, OPTIONS), autocommit=True)) as connection:
        if connection.execute("SELECT pg_try_advisory_lock(%s)", [_ONE_AT_A_TIME]).fetchone() != (True,):
            raise RebuildUnderWay(RebuildUnderWay.__doc__)
        try:
            yield connection
        finally:
            # A closed connection lets go only when the server gets to it, and the next rebuild may come before.
            with suppress(psycopg.Error):
                connection.execute("SELECT pg_advisory_unlock(%s)", [_ONE_AT_A_TIME])


def _start(connection: Connection, model: ReadModel) -> Built:
    """Throw away what earlier rebuilds left behind, and make a new empty schema."""
    with connection.transaction():
        kept = {schemas.serving(connection)[model.name].schema}
        before = schemas.previous(connection, model.name)
        if before is not None:
            kept.add(before.schema)
        left = connection.execute(
            "SELECT schema FROM projection.checkpoints WHERE model = %s AND NOT schema = ANY(%s)"
            " AND schema ~ ('^' || model || '_[0-9]+$')",
            [model.name, list(kept)],
        ).fetchall()
        for (schema,) in left:
            schemas.drop(connection, schema)
        return schemas.new_schema(connection, model)


def _target(connection: Connection, log: Log, models: dict[str, ReadModel]) -> int:
    """How far to build before comparing: never beyond what is served in the same version."""
    served = schemas.serving(connection)
    positions = [served[name].position for name, model in models.items() if served[name].version == model.version]
    return min(positions, default=log.head().position)


def _finish(
    connection: Connection,
    conninfo: str,
    log: Log,
    model: ReadModel,
    schema: str,
    begun: float,
    switch_even_if_different: bool,
) -> Rebuilt:
    new = schemas.built(connection, schema)
    if new is None:
        raise LookupError(schema)
    with Build(conninfo, log, {model.name: model}, [new]) as build:
        old = schemas.serving(connection)[model.name]
        is_same_version = old.version == model.version
        differs: list[str] = []
        if is_same_version:
            _come_near(connection, model, build)
            served_at, served = _served_digests(conninfo, model)
            build.advance(served_at)
            made = digests(connection, model, schema)
            differs = differing(served, made)
            if differs and not switch_even_if_different:
                raise RebuildDiffers(model.name, old.schema, schema, differs)
        else:
            made = digests(connection, model, schema)
        with connection.transaction():
            connection.execute(f"SET LOCAL lock_timeout = '{_SWITCH_LOCK_TIMEOUT}'")
            # The projector waits here for the moment that the last few events and the switch take.
            row = connection.execute(
                "SELECT position FROM projection.checkpoints WHERE schema = %s FOR UPDATE", [old.schema]
            ).fetchone()
            at = max(row[0] if row else 0, build.position)
            build.advance(at if is_same_version else max(at, log.head().position))
            schemas.serve(connection, model, schema)
        logger.info("%s is served from %s instead of %s", model.name, schema, old.schema)
        return Rebuilt(
            model.name,
            schema,
            old.schema,
            build.position,
            whole(made),
            is_same_version,
            tuple(differs),
            time.monotonic() - begun,
        )


def _come_near(connection: Connection, model: ReadModel, build: Build) -> None:
    """Catch up with a served model that moved on during the build, until little is left."""
    while (goal := schemas.serving(connection)[model.name].position) - build.position > _NEAR_EVENTS:
        build.advance(goal)


def _served_digests(conninfo: str, model: ReadModel) -> tuple[int, dict[str, str]]:
    """The served tables as of one snapshot, and the position of that snapshot; the projector is not held up."""
    with closing(psycopg.connect(with_options(conninfo, OPTIONS))) as connection:
        connection.isolation_level = psycopg.IsolationLevel.REPEATABLE_READ
        served = schemas.serving(connection)[model.name]
        return served.position, digests(connection, model, served.schema)
