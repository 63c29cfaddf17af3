"""The database itself keeps the log from being changed, and each service from doing more than its part."""

from collections.abc import Iterator

import psycopg
import pytest
from psycopg import errors

from events.migrate import KEEPER, MINISTRY, READER, RELAY, ROLES, WRITER
from events.store import Log
from tests.requests_to_log import fact
from tests.servers import LogDatabase

#: What each role may do with each table beside the log; whatever is not named here it may not.
RIGHTS = {
    ("log.events", WRITER): "SELECT",
    ("log.events", RELAY): "SELECT",
    ("log.events", "ovop_projector"): "SELECT",
    ("log.events", READER): "SELECT",
    ("log.network", WRITER): "SELECT",
    ("log.network", RELAY): "SELECT",
    ("log.network", "ovop_projector"): "SELECT",
    ("log.network", READER): "SELECT",
    ("access.keys", KEEPER): "SELECT INSERT",
    ("access.devices", KEEPER): "SELECT INSERT",
    ("access.people", KEEPER): "SELECT INSERT",
    ("access.codes", KEEPER): "SELECT INSERT DELETE",
    ("access.sessions", KEEPER): "SELECT INSERT DELETE",
    ("access.oidc_flows", KEEPER): "SELECT INSERT DELETE",
    ("access.agreements", KEEPER): "SELECT INSERT",
    ("access.counts", KEEPER): "SELECT INSERT DELETE",
    ("quarantine.messages", WRITER): "SELECT DELETE MAINTAIN",
    ("personal.vault", WRITER): "SELECT INSERT DELETE MAINTAIN",
    ("personal.erasures", WRITER): "SELECT INSERT",
    ("ministry.income_by_village", MINISTRY): "SELECT",
    ("ministry.income_by_region", MINISTRY): "SELECT",
    ("ministry.sales_by_year", MINISTRY): "SELECT",
}
TABLE_RIGHTS = ("SELECT", "INSERT", "UPDATE", "DELETE", "TRUNCATE", "REFERENCES", "TRIGGER", "MAINTAIN")


@pytest.fixture
def admin(log_database: LogDatabase) -> Iterator[psycopg.Connection]:
    with Log(log_database.writer) as log:
        log.append([fact()])
    with psycopg.connect(log_database.admin, autocommit=True) as connection:
        yield connection


@pytest.mark.parametrize("table", ["log.events", "log.head"])
@pytest.mark.parametrize(
    "change", ["UPDATE {} SET {} = {}", "DELETE FROM {}", "TRUNCATE {}", "DELETE FROM {} WHERE false"]
)
def test_not_even_the_administrator_changes_the_log(admin: psycopg.Connection, table: str, change: str) -> None:
    column = "one" if table == "log.head" else "stream"

    with pytest.raises(psycopg.Error, match="the log is never changed"):
        admin.execute(change.format(table, column, column))


def test_the_founding_is_never_changed(admin: psycopg.Connection) -> None:
    with pytest.raises(psycopg.Error, match="the log is never changed"):
        admin.execute("UPDATE log.network SET clock = 'simulated'")


def test_the_head_stays_the_one_row_it_is(admin: psycopg.Connection) -> None:
    with pytest.raises(psycopg.Error, match="the log is never changed"):
        admin.execute("INSERT INTO log.head VALUES (true)")


def test_every_role_has_the_rights_it_needs_and_no_other(admin: psycopg.Connection) -> None:
    rows = admin.execute(
        "SELECT n.nspname || '.' || c.relname, r.rolname, p.priv FROM pg_class c"
        " JOIN pg_namespace n ON n.oid = c.relnamespace"
        " CROSS JOIN pg_roles r CROSS JOIN unnest(%s::text[]) AS p(priv)"
        " WHERE n.nspname IN ('log', 'quarantine', 'access', 'personal', 'migrations', 'ministry')"
        " AND c.relkind IN ('r', 'v', 'S')"
        " AND r.rolname = ANY (%s) AND r.rolname <> 'ovop_owner'"
        " AND has_table_privilege(r.oid, c.oid, p.priv)",
        [list(TABLE_RIGHTS), list(ROLES)],
    ).fetchall()

    found: dict[tuple[str, str], set[str]] = {}
    for table, role, right in rows:
        found.setdefault((table, role), set()).add(right)
    assert found == {key: set(rights.split()) for key, rights in RIGHTS.items()}


def test_the_keeper_may_end_a_credential_and_never_change_whose_it_is(admin: psycopg.Connection) -> None:
    rows = admin.execute(
        "SELECT table_name || '.' || column_name FROM information_schema.column_privileges"
        " WHERE grantee = 'ovop_keeper' AND table_schema = 'access' AND privilege_type = 'UPDATE'"
    ).fetchall()

    changed = {name for (name,) in rows}
    assert {"keys.revoked_at", "devices.revoked_at", "people.ended_at", "sessions.ended_at", "codes.used_at"} <= changed
    never = ("actor", "outlet", "kind", "scopes", "sha256", "public_key", "purpose", "content_hash", "key_id")
    assert not [name for name in changed if name.partition(".")[2] in never]


@pytest.mark.parametrize("role", ["writer", "relay", "projector", "reader", "ministry"])
def test_nobody_but_the_keeper_sees_the_room_of_credentials(admin: psycopg.Connection, role: str) -> None:
    seen = admin.execute("SELECT has_schema_privilege(%s, 'access', 'USAGE')", [f"ovop_{role}"]).fetchone()

    assert seen == (False,)


@pytest.mark.parametrize(
    "statement",
    [
        "SELECT * FROM log.events",
        "SELECT * FROM log.network",
        "SELECT log.append_one(gen_random_uuid(), '', 's/1', 't', now(), 'a', '', '', NULL)",
        "SELECT * FROM personal.vault",
        "SELECT * FROM quarantine.messages",
        "SELECT * FROM projection.serving",
        "SELECT * FROM migrations.done",
        "UPDATE access.keys SET actor = 'center/admin'",
        "UPDATE access.keys SET kind = 'admin', scopes = '{}'",
        "UPDATE access.devices SET public_key = ''",
        "UPDATE access.sessions SET actor = 'center/admin'",
        "DELETE FROM access.keys",
        "DELETE FROM access.people",
        "TRUNCATE access.counts",
        "DROP TABLE access.keys",
        "CREATE TABLE access.other (n integer)",
        "CREATE SCHEMA mine",
        "CREATE TEMPORARY TABLE mine (n integer)",
    ],
)
def test_the_keeper_keeps_credentials_and_does_nothing_else(log_database: LogDatabase, statement: str) -> None:
    with (
        psycopg.connect(log_database.keeper, autocommit=True) as connection,
        pytest.raises(errors.InsufficientPrivilege),
    ):
        connection.execute(statement)


def test_only_the_writer_appends_and_only_by_the_two_functions(admin: psycopg.Connection) -> None:
    rows = admin.execute(
        "SELECT p.proname, r.rolname FROM pg_proc p JOIN pg_namespace n ON n.oid = p.pronamespace CROSS JOIN pg_roles r"
        " WHERE n.nspname = 'log' AND r.rolname = ANY (%s) AND r.rolname <> 'ovop_owner'"
        " AND p.proname NOT IN ('position_at', 'last_of_request') AND has_function_privilege(r.oid, p.oid, 'EXECUTE')",
        [list(ROLES)],
    ).fetchall()

    assert set(rows) == {("append", WRITER), ("append_one", WRITER)}


def test_what_runs_with_the_owner_s_rights_looks_names_up_nowhere_else(admin: psycopg.Connection) -> None:
    rows = admin.execute("SELECT proname, proconfig FROM pg_proc WHERE prosecdef").fetchall()

    assert {name for name, _ in rows} == {"append", "append_one", "ask", "looked_at", "sums", "sales"}
    assert all("search_path=pg_catalog, pg_temp" in config for _, config in rows)


def test_the_owner_cannot_log_in(admin: psycopg.Connection) -> None:
    rows = admin.execute("SELECT rolname FROM pg_roles WHERE rolname = ANY (%s) AND rolcanlogin", [list(ROLES)])

    assert rows.fetchall() == []


_INSERT = (
    "INSERT INTO log.events SELECT 99, gen_random_uuid(), request_hash, stream, 99, type, occurred_at, recorded_at,"
    " actor, leaf, leaf_hash FROM log.events"
)


@pytest.mark.parametrize("role", ["writer", "relay", "projector", "reader", "keeper", "ministry"])
@pytest.mark.parametrize(
    "statement",
    [
        _INSERT,
        "UPDATE log.events SET actor = 'somebody'",
        "DELETE FROM log.events",
        "TRUNCATE log.events",
        "SELECT FROM log.head FOR UPDATE",
        "ALTER TABLE log.events DISABLE TRIGGER ALL",
        "DROP TABLE log.events",
        "CREATE TABLE log.other (n integer)",
        "CREATE TABLE public.other (n integer)",
        "SET ROLE ovop_owner",
        "SET session_replication_role = replica",
    ],
)
def test_no_service_gets_past_the_one_way_in(log_database: LogDatabase, role: str, statement: str) -> None:
    with (
        psycopg.connect(getattr(log_database, role), autocommit=True) as connection,
        pytest.raises(errors.InsufficientPrivilege),
    ):
        connection.execute(statement)


@pytest.mark.parametrize("role", ["relay", "projector", "reader", "ministry"])
@pytest.mark.parametrize(
    "statement",
    [
        "SELECT log.append_one(gen_random_uuid(), '', 's/1', 't', now(), 'a', '', '', NULL)",
        "SELECT * FROM access.keys",
        "SELECT * FROM personal.vault",
        "SELECT * FROM quarantine.messages",
    ],
)
def test_secrets_and_the_way_in_are_for_those_who_need_them(
    log_database: LogDatabase, role: str, statement: str
) -> None:
    with (
        psycopg.connect(getattr(log_database, role), autocommit=True) as connection,
        pytest.raises(errors.InsufficientPrivilege),
    ):
        connection.execute(statement)


def test_a_reader_makes_tables_for_itself_alone_and_the_writer_only_asks_for_the_past(
    log_database: LogDatabase,
) -> None:
    with psycopg.connect(log_database.reader, autocommit=True) as reader:
        with reader.transaction(force_rollback=True):
            reader.execute("CREATE TEMPORARY TABLE mine (n integer)")
        with pytest.raises(errors.InsufficientPrivilege):
            reader.execute("SELECT projection.ask(1, 'x', 1)")
    with psycopg.connect(log_database.writer, autocommit=True) as writer:
        assert writer.execute("SELECT projection.ask(1, 'x', 1), projection.ask(2, 'x', 1)").fetchone() == (True, False)
        for statement in (
            "CREATE TEMPORARY TABLE mine (n integer)",
            "UPDATE projection.asked SET tries = 0",
            "DELETE FROM projection.asked",
            "INSERT INTO projection.scratch (position) VALUES (1)",
        ):
            with pytest.raises(errors.InsufficientPrivilege):
                writer.execute(statement)


@pytest.mark.parametrize("role", ["writer", "relay", "reader", "keeper", "ministry"])
def test_only_the_projector_makes_schemas(log_database: LogDatabase, role: str) -> None:
    with psycopg.connect(log_database.projector, autocommit=True) as connection:
        connection.execute("CREATE SCHEMA inventory_1")
        connection.execute("CREATE TABLE inventory_1.inventory_rows (n integer)")

    with psycopg.connect(getattr(log_database, role), autocommit=True) as connection:
        with pytest.raises(errors.InsufficientPrivilege):
            connection.execute("CREATE SCHEMA mine")
        with pytest.raises(errors.InsufficientPrivilege):
            connection.execute("INSERT INTO inventory_1.inventory_rows VALUES (1)")


@pytest.mark.parametrize("role", ["writer", "reader"])
def test_what_the_projector_makes_can_be_read(log_database: LogDatabase, role: str) -> None:
    with psycopg.connect(log_database.projector, autocommit=True) as connection:
        connection.execute("CREATE SCHEMA inventory_1")
        connection.execute("CREATE TABLE inventory_1.inventory_rows AS SELECT 7 AS n")

    with psycopg.connect(getattr(log_database, role), autocommit=True) as connection:
        assert connection.execute("SELECT n FROM inventory_1.inventory_rows").fetchall() == [(7,)]
