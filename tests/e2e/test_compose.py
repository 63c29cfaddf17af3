"""`docker compose up`: everything healthy from nothing, and back again after a kill. Needs a container engine."""

import json
import os
import secrets
import shutil
import signal
import subprocess
import urllib.request
from collections.abc import Iterator
from pathlib import Path

import pytest

from services.embedded import free_port
from services.up import is_ready
from tests.servers import use_containers, wait_for

ROOT = Path(__file__).parent.parent.parent
LASTING = ("database", "broker", "api", "relay", "projector", "lookback", "intake")


def compose_program() -> list[str] | None:
    """Compose as a program of its own (version 1), or as the engine's plug-in."""
    if shutil.which("docker-compose"):
        return ["docker-compose"]
    if shutil.which("docker") is None:
        return None
    asked = subprocess.run(["docker", "compose", "version"], capture_output=True, check=False)
    return ["docker", "compose"] if asked.returncode == 0 else None


pytestmark = [
    pytest.mark.slow,
    pytest.mark.skipif(os.geteuid() != 0, reason="only root may kill what runs in a container"),
    pytest.mark.skipif(not use_containers() or compose_program() is None, reason="no container engine with compose"),
]


class Composed:
    """One project of compose, with a name and a port of its own."""

    def __init__(self) -> None:
        self.project = f"ovop{secrets.token_hex(4)}"
        self.port = free_port()

    @property
    def base_url(self) -> str:
        return f"http://127.0.0.1:{self.port}"

    def run(self, *words: str) -> str:
        program = compose_program()
        assert program is not None
        done = subprocess.run(
            [*program, "-p", self.project, *words],
            cwd=ROOT,
            env=os.environ | {"OVOP_PORT": str(self.port)},
            capture_output=True,
            text=True,
            check=False,
        )
        assert done.returncode == 0, done.stderr[-4000:]
        return done.stdout

    def state(self, service: str) -> dict[str, object]:
        container = self.run("ps", "-q", service).strip()
        said = subprocess.run(["docker", "inspect", container], capture_output=True, text=True, check=True)
        state: dict[str, object] = json.loads(said.stdout)[0]["State"]
        return state

    def healthy(self, service: str) -> bool:
        health = self.state(service).get("Health")
        return isinstance(health, dict) and health["Status"] == "healthy"


@pytest.fixture
def composed() -> Iterator[Composed]:
    it = Composed()
    try:
        yield it
    finally:
        it.run("down", "--volumes", "--timeout", "20")


@pytest.mark.timeout(600)
def test_the_network_in_containers_takes_a_report_and_survives_a_kill_of_everything(composed: Composed) -> None:
    composed.run("up", "--detach", "--build")
    for service in LASTING:
        wait_for(lambda it=service: composed.healthy(it), f"a healthy {service}", seconds=120)  # type: ignore[misc]
    assert composed.state("migrate")["ExitCode"] == 0

    key = composed.run("exec", "-T", "api", "cat", "/var/lib/ovop/admin.key").strip()
    founding = {
        "id": "018f0000-0000-7000-8000-000000000001",
        "occurred_at": "2012-01-01T06:00:00Z",
        "network": "kg",
        "clock": "real",
        "names": {"ky": "Айыл", "ru": "Село", "en": "Village"},
    }
    request = urllib.request.Request(  # noqa: S310 - our own address
        f"{composed.base_url}/api/v1/network/found-network",
        data=json.dumps(founding).encode(),
        headers={"Authorization": f"Bearer {key}", "Content-Type": "application/json"},
    )
    with urllib.request.urlopen(request, timeout=30) as answer:  # noqa: S310
        assert json.loads(answer.read())["position"] == 1

    for service in LASTING:  # as the kernel kills, not as an operator stops: the engine must bring it back
        pid = composed.state(service)["Pid"]
        assert isinstance(pid, int)
        os.kill(pid, signal.SIGKILL)

    def read_again() -> bool:
        if not is_ready(composed.base_url):
            return False
        with urllib.request.urlopen(f"{composed.base_url}/readyz", timeout=5) as answer:  # noqa: S310
            return set(json.loads(answer.read())["positions"].values()) == {1}

    wait_for(read_again, "the same books after the kill", seconds=120)
