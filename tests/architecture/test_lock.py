"""The locks: what pyproject.toml asks for is there, every file by its hash, and no index is named."""

import re
import tomllib
from pathlib import Path

import pytest
from packaging.requirements import Requirement
from packaging.utils import canonicalize_name

ROOT = Path(__file__).parent.parent.parent
RUN, DEV = ROOT / "requirements.lock", ROOT / "requirements-dev.lock"
PROJECT = tomllib.loads((ROOT / "pyproject.toml").read_text())
ASKED = {
    RUN: PROJECT["project"]["dependencies"],
    DEV: PROJECT["project"]["dependencies"] + PROJECT["dependency-groups"]["dev"],
}


def locked(path: Path) -> dict[str, str]:
    """Package to version. A package of several platforms has one version here, or the last of them."""
    lines = re.findall(r"^([A-Za-z0-9_.-]+)(?:\[[^\]]*\])?==([^ ;\\\n]+)", path.read_text(), re.MULTILINE)
    return {canonicalize_name(name): version for name, version in lines}


@pytest.mark.parametrize("path", [RUN, DEV], ids=lambda path: path.name)
def test_a_lock_has_what_the_project_asks_for(path: Path) -> None:
    versions = locked(path)
    for text in ASKED[path]:
        wanted = Requirement(text)
        assert canonicalize_name(wanted.name) in versions, f"`make lock`: {wanted.name} is missing in {path.name}"
        assert wanted.specifier.contains(versions[canonicalize_name(wanted.name)], prereleases=True), wanted


def test_tests_run_on_the_versions_that_are_shipped() -> None:
    shipped, tested = locked(RUN), locked(DEV)
    assert {name: tested.get(name) for name in shipped} == shipped


@pytest.mark.parametrize("path", [RUN, DEV], ids=lambda path: path.name)
def test_a_lock_names_every_file_by_hash_and_no_index(path: Path) -> None:
    text = path.read_text()
    assert not re.search(r"://|--(extra-)?index-url|--find-links|--trusted-host", text)
    for block in re.split(r"\n(?=\S)", text.strip()):
        assert "--hash=sha256:" in block, block.splitlines()[0]
