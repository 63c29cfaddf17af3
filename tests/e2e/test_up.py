"""`ovop up`: ready from nothing, whatever is killed comes back, and what is stopped or killed leaves nothing behind."""

import asyncio
import contextlib
import json
import os
import shutil
import signal
import stat
import subprocess
import sys
from collections.abc import Iterator, Mapping
from pathlib import Path
from typing import Any

import httpx
import nats
import pytest
from nats.js.errors import NoStreamResponseError

from events.broker import BrokerAddress
from services.embedded import free_port, nats_program, postgres_program
from services.settings import Settings
from services.up import PROCESSES, is_ready, running
from tests.servers import environment, greets, wait_for

pytestmark = [
    pytest.mark.slow,
    pytest.mark.skipif(not Path("/proc/self/task").exists(), reason="looks into Linux's /proc"),
]


LEAF_PORT = free_port()
FOUNDING = {
    "id": "0198c0de-0000-7000-8000-00000000000f",
    "occurred_at": "2026-11-23T09:00:00+06:00",
    "network": "kg",
    "clock": "real",
    "names": {"ky": "OVOP", "ru": "OVOP", "en": "OVOP"},
}


def children(pid: int) -> dict[str, int]:
    """The processes that a process started: what they are, and their ids."""
    found = {}
    for text in Path(f"/proc/{pid}/task/{pid}/children").read_text().split():
        words = Path(f"/proc/{text}/cmdline").read_text().split("\0")
        found[words[4] if "services.cli" in words else Path(words[0]).name] = int(text)
    return found


def alive(pid: int) -> bool:
    try:
        return Path(f"/proc/{pid}/stat").read_text().rpartition(")")[2].split()[0] != "Z"
    except OSError:
        return False


def bearer(key: str) -> dict[str, str]:
    return {"Authorization": f"Bearer {key.strip()}"}


def on_server(program: str, *arguments: str) -> None:
    """Run a program that comes with the server."""
    done = subprocess.run(
        [postgres_program(program), *arguments], capture_output=True, text=True, timeout=60, check=False
    )
    assert done.returncode == 0, done.stderr


class Installation:
    """`ovop up` in a directory of its own."""

    def __init__(self, directory: Path, **settings: str) -> None:
        self.settings = settings
        self.data_dir = directory / "data"
        self.ready_file = directory / "ready.json"
        self.process: subprocess.Popen[bytes] | None = None

    def start(self) -> Settings:
        command = [sys.executable, "-m", "services.cli", "up", "--ready-file", str(self.ready_file)]
        given = self.environment(OVOP_PORT="0", OVOP_RESTARTS_PER_MINUTE="100", **self.settings)
        with (self.data_dir.parent / "up.log").open("ab") as log:
            self.process = subprocess.Popen(command, stdout=log, stderr=log, env=given)
        wait_for(lambda: self.ready_file.exists() or not alive(self.pid), "the ready file", seconds=90)
        assert self.ready_file.exists(), (self.data_dir.parent / "up.log").read_text()
        return Settings.model_validate_json(self.ready_file.read_bytes())

    def environment(self, **changes: str) -> Mapping[str, str]:
        return environment(OVOP_DATA_DIR=str(self.data_dir), **changes)

    def ovop(self, *arguments: str) -> str:
        """What a command prints that is given no more than the data directory."""
        command = [sys.executable, "-m", "services.cli", *arguments]
        done = subprocess.run(command, env=self.environment(), capture_output=True, text=True, timeout=60, check=False)
        assert done.returncode == 0, done.stderr
        return done.stdout

    @property
    def pid(self) -> int:
        assert self.process is not None
        return self.process.pid

    def end(self, number: signal.Signals) -> int:
        assert self.process is not None
        self.process.send_signal(number)
        return self.process.wait(60)


@pytest.fixture
def installation(tmp_path: Path) -> Iterator[Installation]:
    it = Installation(tmp_path)
    yield it
    if it.process is not None and it.process.poll() is None:
        it.end(signal.SIGTERM)


@pytest.fixture(scope="module")
def calm(tmp_path_factory: pytest.TempPathFactory) -> Iterator[Installation]:
    """An installation that nobody kills."""
    joins = {"OVOP_BROKER_OUTLETS": '{"karakol": ["till/karakol-1"]}', "OVOP_BROKER_LEAF": f"127.0.0.1:{LEAF_PORT}"}
    it = Installation(tmp_path_factory.mktemp("up-"), **joins)
    it.start()
    yield it
    it.end(signal.SIGTERM)


def test_everything_that_is_killed_comes_back_and_a_stop_leaves_nothing(installation: Installation) -> None:
    where = installation.start()
    assert stat.S_IMODE(installation.ready_file.stat().st_mode) == 0o600
    assert is_ready(where.base_url)
    began = children(installation.pid)
    assert set(began) == {*PROCESSES, "postgres", "nats-server"}

    for name in (*PROCESSES, "nats-server", "postgres"):
        before = children(installation.pid)[name]
        os.kill(before, signal.SIGKILL)
        wait_for(lambda was=before, it=name: children(installation.pid).get(it, was) != was, f"a new {name}", 60)  # type: ignore[misc]
    wait_for(lambda: is_ready(where.base_url), "readiness after the kills", seconds=60)

    pids = children(installation.pid).values()
    assert installation.end(signal.SIGTERM) == 0
    assert not [pid for pid in pids if alive(pid)]
    assert not installation.ready_file.exists()
    assert not (installation.data_dir / "running.json").exists()


def test_a_killed_supervisor_takes_everything_with_it_and_the_next_one_finds_its_data(
    installation: Installation,
) -> None:
    installation.start()
    key = (installation.data_dir / "admin.key").read_text()
    pids = children(installation.pid).values()
    installation.end(signal.SIGKILL)
    wait_for(lambda: not [pid for pid in pids if alive(pid)], "the end of all processes", seconds=60)

    installation.ready_file.unlink()
    where = installation.start()

    assert (installation.data_dir / "admin.key").read_text() == key
    assert is_ready(where.base_url)


def test_a_dump_comes_back_as_the_operators_are_told(installation: Installation, tmp_path: Path) -> None:
    where = installation.start()
    key = (installation.data_dir / "admin.key").read_text()
    founded = httpx.post(f"{where.base_url}/api/v1/network/found-network", headers=bearer(key), json=FOUNDING)
    assert founded.status_code == 200, founded.text
    dumped = tmp_path / "ovop.dump"
    schemas = [word for name in ("log", "quarantine", "access", "personal", "migrations") for word in ("-n", name)]
    on_server("pg_dump", "--format=custom", *schemas, "-f", str(dumped), where.database_for("admin"))
    installation.end(signal.SIGTERM)

    new = Installation(tmp_path / "new")
    shutil.copytree(installation.data_dir / "secrets", new.data_dir / "secrets")
    try:
        empty = new.start()
        restore = ("--clean", "--if-exists", "--single-transaction", "-d", empty.database_for("admin"), str(dumped))
        on_server("pg_restore", *restore)
        new.end(signal.SIGTERM)
        (new.data_dir / "admin.key").write_text(key)
        again = new.start()

        wait_for(lambda: is_ready(again.base_url), "the read models of the restored log", seconds=60)
        network = httpx.get(f"{again.base_url}/api/v1/events", headers=bearer(key)).json()
        assert [each["leaf_hash"] for each in network["events"]] == [founded.json()["receipt"]["leaf_hash"]]
        assert "1 events: positions 1 to 1 without a gap" in new.ovop("verify")
        assert (new.data_dir / "admin.key").read_text() == key, "another administrator's key was made"
        assert httpx.get(f"{again.base_url}/api/v1/network").json()["network"] == "kg"
    finally:
        new.end(signal.SIGTERM)


def test_a_process_knows_the_addresses_of_its_own_roles_alone(calm: Installation) -> None:
    for name, pid in children(calm.pid).items():
        if name not in PROCESSES:
            continue
        words = Path(f"/proc/{pid}/environ").read_text().split("\0")
        secrets = {word.partition("=")[0] for word in words if "://" in word.partition("=")[2]}
        assert "OVOP_ADMIN_DATABASE_URL" not in secrets
        assert ("OVOP_RELAY_DATABASE_URL" in secrets) == (name == "relay")
        assert ("OVOP_PROJECTOR_DATABASE_URL" in secrets) == (name in {"projector", "lookback"})
        assert ("OVOP_WRITER_DATABASE_URL" in secrets) == (name in {"api", "intake"})


def test_a_second_supervisor_in_the_same_directory_is_refused(calm: Installation) -> None:
    again = subprocess.run(
        [sys.executable, "-m", "services.cli", "up"],
        env=environment(OVOP_DATA_DIR=str(calm.data_dir), OVOP_PORT="0"),
        capture_output=True,
        text=True,
        timeout=60,
        check=False,
    )
    assert again.returncode == 1
    assert "Another process runs a server in this directory" in again.stderr
    assert "Traceback" not in again.stderr
    assert (calm.data_dir / "running.json").exists()


def test_an_outlets_server_joins_with_the_files_that_the_command_writes(calm: Installation, tmp_path: Path) -> None:
    port = free_port()
    where = ("--hub", f"127.0.0.1:{LEAF_PORT}", "--port", str(port), "--store", str(tmp_path / "store"))
    calm.ovop("broker", "outlet", "karakol", str(tmp_path), *where)
    config = tmp_path / "nats-server.conf"
    assert stat.S_IMODE(config.stat().st_mode) == 0o600
    with (tmp_path / "nats.log").open("wb") as log:
        server = subprocess.Popen([str(nats_program()), "-c", str(config)], stdout=log, stderr=log)
    try:
        device = BrokerAddress.of_url(json.loads((tmp_path / "devices.json").read_text())["till/karakol-1"])
        wait_for(lambda: greets(device.server), "the outlet's server")
        [answer] = asyncio.run(_reported_and_answered(device))
    finally:
        server.terminate()
        server.wait(20)
    # Nobody enrolled this till: what it says is kept, and it is told so.
    assert (answer["status"], answer["problem"]) == ("quarantined", "unknown_sender")


async def _reported_and_answered(device: BrokerAddress) -> list[dict[str, Any]]:
    client = await nats.connect(device.server, **device.options)
    receipts = await client.subscribe("ovop.receipts.till/karakol-1")
    for _ in range(200):
        with contextlib.suppress(NoStreamResponseError):
            await client.jetstream().publish("ovop.intake.till/karakol-1.outlets.sale_made", b"{}")
            break
        await asyncio.sleep(0.1)
    answers: list[dict[str, Any]] = json.loads((await receipts.next_msg(timeout=20)).data)
    await client.close()
    return answers


def test_a_device_and_a_reader_are_told_how_to_connect(calm: Installation) -> None:
    told = json.loads(calm.ovop("broker", "address", "till/karakol-1", "--json"))
    assert told["address"].startswith("nats://actor.till%2Fkarakol-1:")
    assert told["inbox_prefix"] == "_INBOX.actor.till/karakol-1"
    assert told["receipts"] == "ovop.receipts.till/karakol-1"
    assert asyncio.run(_hears_events(calm.ovop("broker", "address", "subscriber").strip()))


async def _hears_events(url: str) -> bool:
    address = BrokerAddress.of_url(url)
    client = await nats.connect(address.server, **address.options)
    await client.subscribe("ovop.events.>")
    await client.flush()
    heard = client.last_error is None
    await client.close()
    return heard


def test_an_installation_beside_us_is_ready_while_we_use_it(tmp_path: Path) -> None:
    with running(Settings(data_dir=tmp_path / "data", port=0)) as where:
        assert is_ready(where.base_url)
    assert not is_ready(where.base_url)
