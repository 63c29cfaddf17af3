"""`ovop demo` from outside: one object on standard output, numbers from the read models, nothing of others touched."""

import json
import os
import subprocess
import sys
from pathlib import Path
from typing import Any

import pytest

#: One process makes the small demonstration, for all tests.
pytestmark = [pytest.mark.slow, pytest.mark.xdist_group("demo")]

SOM = 100
LIMIT_SECONDS = 240


def demo(data_dir: Path, *options: str) -> subprocess.CompletedProcess[str]:
    environment = {name: value for name, value in os.environ.items() if not name.startswith("OVOP_")}
    command = [sys.executable, "-m", "services.cli", "demo", "--once", "--data-dir", str(data_dir), *options]
    return subprocess.run(command, capture_output=True, text=True, timeout=LIMIT_SECONDS, env=environment, check=False)


@pytest.fixture(scope="module")
def data_dir(tmp_path_factory: pytest.TempPathFactory) -> Path:
    return tmp_path_factory.mktemp("demo")


@pytest.fixture(scope="module")
def told(data_dir: Path) -> dict[str, Any]:
    ended = demo(data_dir, "--small", "--json")
    assert ended.returncode == 0, ended.stderr
    found: dict[str, Any] = json.loads(ended.stdout)
    return found


def test_a_small_network_goes_through_the_front_door_and_its_books_hold(told: dict[str, Any]) -> None:
    assert told["sales_tyiyn_by_year"] == {"2012": 120_000 * SOM}
    assert told["sales_tyiyn_total"] == 120_000 * SOM
    assert told["outlets_by_year"] == {"2012": 2}
    assert (told["producers"], told["products"]) == (44, 30)
    assert told["identities"] == {f"A{number}": True for number in range(1, 9)}
    assert told["lag_events"] == 0
    assert told["events"] > 2_000
    assert told["seconds"] > 0


def test_one_jar_is_traced_to_its_villages_with_shares_that_are_whole(told: dict[str, Any]) -> None:
    assert len(told["jar"]["code"]) == 8
    assert sum(village["ppm"] for village in told["jar"]["villages"]) == 1_000_000
    assert len(told["jar"]["villages"]) > 1


def test_an_earlier_demonstration_is_shown_again_when_it_is_kept(data_dir: Path, told: dict[str, Any]) -> None:
    ended = demo(data_dir, "--small", "--keep")
    assert ended.returncode == 0, ended.stderr
    assert f"{told['events']:,} events, kept from an earlier demonstration" in ended.stdout
    assert "120,000.00" in ended.stdout
    assert told["jar"]["code"] in ended.stdout
    assert "✗" not in ended.stdout


def test_a_directory_of_something_else_is_left_alone(tmp_path: Path) -> None:
    (tmp_path / "thesis.txt").write_text("years of work")
    ended = demo(tmp_path, "--small")
    assert ended.returncode == 1
    assert "choose another --data-dir" in ended.stderr
    assert [file.name for file in tmp_path.iterdir()] == ["thesis.txt"]
