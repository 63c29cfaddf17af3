"""A log whose answers are lost: what was appended is stored, and the connection on which it was asked for ends."""

from collections.abc import Iterator
from contextlib import contextmanager

import psycopg
from psycopg import sql

from tests.servers import LogDatabase, wait_for

_APPENDING = "datname = current_database() AND pid <> pg_backend_pid() AND query LIKE '%log.append%'"
_SETTINGS = {"synchronous_standby_names": "nobody", "synchronous_commit": "local"}


@contextmanager
def answers_withheld(database: LogDatabase) -> Iterator[None]:
    """Who appends hears nothing: what is stored here waits for a copy elsewhere, which nobody makes. Others go on."""
    _tell(database, [f"ALTER SYSTEM SET {name} = '{value}'" for name, value in _SETTINGS.items()])
    try:
        yield
    finally:
        _tell(database, [f"ALTER SYSTEM RESET {name}" for name in _SETTINGS])


def cut_off_when_stored(database: LogDatabase) -> None:
    """Wait until something is stored whose answer is withheld, then end that connection."""

    def is_stored() -> bool:
        with psycopg.connect(database.admin) as connection:
            waits = f"SELECT 1 FROM pg_stat_activity WHERE wait_event = 'SyncRep' AND {_APPENDING}"
            return connection.execute(waits).fetchone() is not None

    wait_for(is_stored, "something to be stored")
    end_appending_connection(database)


def end_appending_connection(database: LogDatabase) -> None:
    """End every connection whose last statement was an append."""
    with psycopg.connect(database.admin, autocommit=True) as connection:
        connection.execute(f"SELECT pg_terminate_backend(pid, 5000) FROM pg_stat_activity WHERE {_APPENDING}")


def _tell(database: LogDatabase, settings: list[str]) -> None:
    database.server.run(*(sql.SQL(each).format() for each in (*settings, "SELECT pg_reload_conf()")))
