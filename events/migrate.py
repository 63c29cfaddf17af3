"""Bring a database to the present: the roles of the cluster, then the numbered SQL files, each once.

Only the log and what stands beside it are ever migrated; read models are dropped and built again.
"""

import hashlib
from contextlib import suppress
from pathlib import Path

import psycopg
from psycopg import sql

MIGRATIONS = Path(__file__).parent / "migrations"

OWNER = "ovop_owner"
WRITER = "ovop_writer"
RELAY = "ovop_relay"
PROJECTOR = "ovop_projector"
READER = "ovop_reader"
KEEPER = "ovop_keeper"
MINISTRY = "ovop_ministry"

#: Group roles without a login. A service logs in as a member of one of them and of no other.
ROLES = (OWNER, WRITER, RELAY, PROJECTOR, READER, KEEPER, MINISTRY)

#: How long a migration waits for a lock before it gives up, so that it never stands in the way of the log.
LOCK_TIMEOUT = "5s"

# Any number, the same in every version: two migrations of one database go one after the other.
_ONE_AT_A_TIME = 0x4F564F50


class MigrationChanged(Exception):
    """A migration that this database has run was changed afterwards. Write a new file instead."""

    def __init__(self, name: str) -> None:
        super().__init__(f"{self.__doc__} ({name})")
        self.name = name


def migrate(admin_conninfo: str) -> None:
    """Run what this database has not run yet; a second call does nothing.

    `admin_conninfo` may create roles and schemas in the database it names. Raises MigrationChanged.
    """
    with psycopg.connect(admin_conninfo, autocommit=True) as connection:
        _create_roles(connection)
        connection.execute(sql.SQL("SET lock_timeout = {}").format(sql.Literal(LOCK_TIMEOUT)))
        with connection.transaction():
            connection.execute("SELECT pg_advisory_xact_lock(%s)", [_ONE_AT_A_TIME])
            _prepare_database(connection)
            done = {
                str(name): bytes(digest)
                for name, digest in connection.execute("SELECT name, sha256 FROM migrations.done").fetchall()
            }
            for path in sorted(MIGRATIONS.glob("[0-9][0-9][0-9][0-9]_*.sql")):
                _run_once(connection, path, done)


def login(admin_conninfo: str, name: str, role: str, password: str) -> None:
    """Make sure that a login of this name exists, has this password, and acts as this one role from its first moment.

    It acts *as* the role so that what the projector makes belongs to the projector, whichever login made it.
    """
    with psycopg.connect(admin_conninfo, autocommit=True) as connection:
        _create_role(connection, name)
        connection.execute(
            sql.SQL("ALTER ROLE {} LOGIN PASSWORD {}").format(sql.Identifier(name), sql.Literal(password))
        )
        connection.execute(sql.SQL("GRANT {} TO {}").format(sql.Identifier(role), sql.Identifier(name)))
        connection.execute(sql.SQL("ALTER ROLE {} SET role = {}").format(sql.Identifier(name), sql.Identifier(role)))


def _create_roles(connection: psycopg.Connection) -> None:
    for role in ROLES:
        _create_role(connection, role)


def _create_role(connection: psycopg.Connection, name: str) -> None:
    """Roles belong to the whole cluster: another database's migration may make the same one at this moment."""
    if connection.execute("SELECT 1 FROM pg_roles WHERE rolname = %s", [name]).fetchone() is None:
        with suppress(psycopg.errors.DuplicateObject, psycopg.errors.UniqueViolation):
            connection.execute(sql.SQL("CREATE ROLE {} NOLOGIN").format(sql.Identifier(name)))


def _prepare_database(connection: psycopg.Connection) -> None:
    """What must be there before the first file: who may create schemas, and the list of files run.

    Done each time, because a database that was copied from another one has lost the rights on itself.
    """
    ((name,),) = connection.execute("SELECT current_database()").fetchall()
    database = sql.Identifier(name)
    connection.execute(sql.SQL("REVOKE ALL ON DATABASE {} FROM PUBLIC").format(database))
    connection.execute(
        sql.SQL("GRANT CONNECT ON DATABASE {} TO {}, {}, {}, {}, {}, {}").format(
            database, *(sql.Identifier(role) for role in (WRITER, RELAY, PROJECTOR, READER, KEEPER, MINISTRY))
        )
    )
    # The projector makes the schemas of the read models, and throws them away.
    connection.execute(
        sql.SQL("GRANT CREATE, TEMPORARY ON DATABASE {} TO {}").format(database, sql.Identifier(PROJECTOR))
    )
    # A reader folds the past of one lot into tables that it alone sees and that end with its transaction.
    connection.execute(sql.SQL("GRANT TEMPORARY ON DATABASE {} TO {}").format(database, sql.Identifier(READER)))
    connection.execute(sql.SQL("GRANT CREATE ON DATABASE {} TO {}").format(database, sql.Identifier(OWNER)))
    # Whatever the projector makes may be read by readers, by the writer's process, which answers queries, and by the
    # owner, whose functions make the ministry's sums of it.
    for what in ("SELECT ON TABLES", "USAGE ON SCHEMAS"):
        connection.execute(
            sql.SQL("ALTER DEFAULT PRIVILEGES FOR ROLE {} GRANT {} TO {}").format(
                sql.Identifier(PROJECTOR),
                sql.SQL(what),
                sql.SQL(", ").join(map(sql.Identifier, (READER, WRITER, OWNER))),
            )
        )
    if connection.execute("SELECT 1 FROM pg_namespace WHERE nspname = 'income'").fetchone():  # made before that
        connection.execute(sql.SQL("GRANT USAGE ON SCHEMA income TO {}").format(sql.Identifier(OWNER)))
        connection.execute(sql.SQL("GRANT SELECT ON ALL TABLES IN SCHEMA income TO {}").format(sql.Identifier(OWNER)))
    connection.execute("REVOKE ALL ON SCHEMA public FROM PUBLIC")
    connection.execute("CREATE SCHEMA IF NOT EXISTS migrations")
    connection.execute(
        'CREATE TABLE IF NOT EXISTS migrations.done (name text COLLATE "C" PRIMARY KEY, sha256 bytea NOT NULL,'
        " done_at timestamptz NOT NULL DEFAULT now())"
    )


def _run_once(connection: psycopg.Connection, path: Path, done: dict[str, bytes]) -> None:
    text = path.read_bytes()
    digest = hashlib.sha256(text).digest()
    if path.name in done:
        if done[path.name] != digest:
            raise MigrationChanged(path.name)
        return
    connection.execute(sql.SQL("SET LOCAL ROLE {}").format(sql.Identifier(OWNER)))
    connection.execute(text)
    connection.execute("RESET ROLE")
    connection.execute("INSERT INTO migrations.done (name, sha256) VALUES (%s, %s)", [path.name, digest])
