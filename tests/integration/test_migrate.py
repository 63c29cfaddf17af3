"""A database is brought to the present once, and stays there."""

import threading
from pathlib import Path

import psycopg
import pytest

from events import migrate as migrate_module
from events.migrate import MIGRATIONS, MigrationChanged, migrate
from tests.servers import LogDatabase


def done(database: LogDatabase) -> list[str]:
    with psycopg.connect(database.admin) as connection:
        return [name for (name,) in connection.execute("SELECT name FROM migrations.done ORDER BY name").fetchall()]


@pytest.fixture
def migrations(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> Path:
    """A copy of the migrations that a test may change."""
    for path in MIGRATIONS.glob("*.sql"):
        (tmp_path / path.name).write_bytes(path.read_bytes())
    monkeypatch.setattr(migrate_module, "MIGRATIONS", tmp_path)
    return tmp_path


def test_a_second_migration_does_nothing(bare_database: LogDatabase) -> None:
    migrate(bare_database.admin)
    first = done(bare_database)
    migrate(bare_database.admin)

    assert done(bare_database) == first == sorted(path.name for path in MIGRATIONS.glob("*.sql"))


def test_two_who_migrate_at_once_do_it_once(bare_database: LogDatabase) -> None:
    failed: list[BaseException] = []

    def run() -> None:
        try:
            migrate(bare_database.admin)
        except BaseException as error:
            failed.append(error)

    both = [threading.Thread(target=run) for _ in range(2)]
    for one in both:
        one.start()
    for one in both:
        one.join()

    assert failed == []
    assert done(bare_database)[0] == "0001_log.sql"


def test_a_new_file_runs_and_the_old_ones_do_not_run_again(bare_database: LogDatabase, migrations: Path) -> None:
    migrate(bare_database.admin)
    (migrations / "9999_more.sql").write_text("CREATE TABLE log.more (n integer)")

    migrate(bare_database.admin)

    assert done(bare_database)[-1] == "9999_more.sql"


def test_a_file_that_fails_leaves_the_database_as_it_was(bare_database: LogDatabase, migrations: Path) -> None:
    migrate(bare_database.admin)
    (migrations / "9998_good.sql").write_text("CREATE TABLE log.good (n integer)")
    (migrations / "9999_bad.sql").write_text("CREATE TABLE log.bad (n integer); SELECT 1 / 0")

    with pytest.raises(psycopg.errors.DivisionByZero):
        migrate(bare_database.admin)

    assert not [name for name in done(bare_database) if name.startswith("99")]


def test_a_file_that_was_changed_after_it_ran_is_refused(bare_database: LogDatabase, migrations: Path) -> None:
    migrate(bare_database.admin)
    path = migrations / "0001_log.sql"
    path.write_text(path.read_text() + "-- more")

    with pytest.raises(MigrationChanged, match=r"0001_log\.sql"):
        migrate(bare_database.admin)
