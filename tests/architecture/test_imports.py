"""Who may import whom: the contracts of pyproject.toml hold, and each of them bites.

A guard that nobody has seen fail guards nothing: every contract is shown a planted violation and must turn red by name.
"""

import os
import re
import shutil
import subprocess
import sys
import tomllib
from pathlib import Path

import pytest

ROOT = Path(__file__).parent.parent.parent
PACKAGES = ("events", "projections", "services")
STATED = tomllib.loads((ROOT / "pyproject.toml").read_text())["tool"]["importlinter"]["contracts"]
CONTRACTS = {contract["id"]: contract["name"] for contract in STATED}
READ_MODELS = ("inventory", "traceability", "income")

#: (contract, file, what is planted there). A file that does not exist is made.
PLANTED = [
    ("rooms", "events/canonical.py", "import projections.base"),
    ("rooms", "projections/base.py", "import services.settings"),
    ("events", "events/canonical.py", "import events.broker"),
    ("events", "events/catalogue/outlets.py", "import events.canonical"),
    ("events", "events/another.py", "X = 1"),
    ("catalogue", "events/catalogue/base.py", "import psycopg"),
    ("catalogue", "events/catalogue/outlets.py", "import random"),
    ("deciders", "services/network/decider.py", "import time"),
    ("deciders", "services/network/decider.py", "import psycopg"),
    ("deciders", "services/decider.py", "import projections.base"),
    ("services", "services/settings.py", "import services.handle"),
    ("services", "services/network/decider.py", "import services.outlets"),
    ("services", "services/access/judge.py", "import services.handle"),
    ("services", "services/another/__init__.py", "X = 1"),
    ("projections", "projections/inventory.py", "import projections.income"),
    ("projections", "projections/traceability.py", "import projections.rebuild"),
    ("projections", "projections/lineage.py", "import projections.inventory"),
    ("inventory", "projections/inventory_tables.py", "import projections.income_tables"),
    ("income", "projections/income_tables.py", "import projections.inventory_tables"),
    ("traceability", "projections/traceability.py", "import projections.inventory_tables"),
    ("projections", "projections/another.py", "X = 1"),
    ("store", "services/errors.py", "import events.store"),
    ("store", "projections/split.py", "import events.store"),
    ("inner", "services/handle.py", "import events.append_call"),
    ("client", "services/client/line.py", "import events.canonical"),
    ("client", "services/client/books.py", "import projections.base"),
    ("client_inside", "services/client/line.py", "import services.client.devices"),
    ("client_inside", "services/client/another.py", "X = 1"),
    ("services", "services/client/line.py", "import services.errors"),
    ("pages", "services/web/words.py", "import psycopg"),
    ("pages", "services/network/routes.py", "import sqlalchemy"),
]


def checked(tree: Path, contract: str | None = None) -> subprocess.CompletedProcess[str]:
    """What import-linter says about a tree."""
    program = "from importlinter.cli import lint_imports_command; lint_imports_command()"
    command = [sys.executable, "-c", program, "--no-cache", *(("--contract", contract) if contract else ())]
    environment = os.environ | {"PYTHONPATH": str(tree), "COLUMNS": "300", "NO_COLOR": "1"}
    return subprocess.run(command, cwd=tree, env=environment, capture_output=True, text=True, check=False)


def copied(into: Path) -> Path:
    for package in PACKAGES:
        shutil.copytree(ROOT / package, into / package, ignore=shutil.ignore_patterns("__pycache__"))
    shutil.copy(ROOT / "pyproject.toml", into)
    return into


def test_every_contract_holds() -> None:
    said = checked(ROOT)
    assert said.returncode == 0, said.stdout + said.stderr
    assert f"{len(CONTRACTS)} kept, 0 broken" in re.sub(r"\x1b\[[0-9;]*m", "", said.stdout)


def test_every_contract_is_shown_a_violation() -> None:
    assert {contract for contract, _, _ in PLANTED} == set(CONTRACTS)


@pytest.mark.parametrize("model", READ_MODELS)
def test_every_module_of_a_read_model_is_kept_from_the_others(model: str) -> None:
    (contract,) = [stated for stated in STATED if stated["id"] == model]
    modules = {f"projections.{path.stem}" for path in (ROOT / "projections").glob("*.py")}
    families = {name: {m for m in modules if f"{m}_".startswith(f"projections.{name}_")} for name in READ_MODELS}
    assert set(contract["source_modules"]) == families[model]
    assert set(contract["forbidden_modules"]) == set().union(*families.values()) - families[model]


def test_the_client_is_kept_from_everything_of_events_but_the_catalogue() -> None:
    (contract,) = [stated for stated in STATED if stated["id"] == "client"]
    modules = {f"events.{path.stem}" for path in (ROOT / "events").glob("*.py")} - {"events.__init__"}
    assert modules <= set(contract["forbidden_modules"])


@pytest.mark.parametrize(("contract", "file", "planted"), PLANTED)
def test_a_contract_turns_red_on_a_planted_violation(tmp_path: Path, contract: str, file: str, planted: str) -> None:
    tree = copied(tmp_path)
    path = tree / file
    path.parent.mkdir(exist_ok=True)
    before = path.read_text() if path.exists() else ""
    path.write_text(f"{before}\n{planted}\n")

    said = checked(tree, contract)

    assert said.returncode == 1, said.stdout + said.stderr
    assert f"{CONTRACTS[contract]} BROKEN" in said.stdout
