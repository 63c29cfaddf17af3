"""What /openapi.json says is what the API does: schemathesis tries every operation and finds no difference.

An exploration by hand: OVOP_TEST_EXAMPLES=500 OVOP_TEST_SEED=7 pytest tests/integration/test_description.py
"""

import os
import re
import subprocess
import sys
from collections.abc import Iterator
from pathlib import Path
from typing import Any, Final

import pytest

from tests.door import UNLIMITED, Door, following, opened
from tests.integration.test_api import found
from tests.servers import LogDatabase

EXAMPLES: Final = int(os.environ.get("OVOP_TEST_EXAMPLES", "2"))
SEED: Final = int(os.environ.get("OVOP_TEST_SEED", "1"))
CHECKS: Final = Path(__file__).parents[1] / "description_checks.py"

METHODS: Final = ("get", "put", "post", "delete", "options", "head", "patch", "trace")

CONFIG: Final = """
hooks = "{checks}"
seed = {seed}
continue-on-failure = true
request-timeout = 30

[generation]
deterministic = {deterministic}
max-examples = {examples}
database = "none"
no-shrink = true

[headers]
Authorization = "Bearer {key}"

[parameters]
# A question that waits for an event that nobody sends takes five seconds.
"query.after" = 0
# A cursor is what a list gave out, which no schema says. Others have cases of their own (test_paging.py).
"query.behind" = ""
"query.behind_difference" = ""

[phases.stateful]
enabled = false # the description has no links: one operation's answer is no other's input by name

[checks.negative_data_rejection]
# 413: a list that is longer than it may be.
expected-statuses = [400, 401, 403, 404, 405, 409, 413, 422]

# Answers by item: whether a bad one was taken, the check of our own says.
[[operations]]
include-path = {items}
include-method = "POST"
checks.negative_data_rejection.expected-statuses = [200, 202, 400, 401, 403, 404, 409, 413, 422]

# What no schema says: that five shares add up, that a point lies on a curve, that a change is one of four kinds, that a
# message is there.
[[operations]]
include-path = [
    "/api/v1/settlement/agree-terms", "/api/v1/devices", "/api/v1/quarantine/map", "/api/v1/quarantine/try",
    "/api/v1/personal/erase",
]
checks.positive_data_acceptance.expected-statuses = ["2xx", 401, 403, 404, 409, 422]
"""


@pytest.fixture
def door(log_database: LogDatabase, tmp_path: Path) -> Iterator[Door]:
    with opened(log_database, tmp_path / "data", **UNLIMITED) as opened_door:
        found(opened_door)
        with following(opened_door):
            yield opened_door


def taking_items(description: dict[str, Any]) -> list[str]:
    """The paths that take items and answer each."""
    answered = "#/components/responses/answered"
    return [
        path
        for path, methods in description["paths"].items()
        if methods.get("post", {}).get("responses", {}).get("200", {}).get("$ref") == answered
    ]


@pytest.mark.slow
@pytest.mark.timeout(600 + 60 * EXAMPLES)
def test_the_api_does_what_its_description_says(door: Door, tmp_path: Path) -> None:
    description = door.get("/openapi.json").json()
    items = taking_items(description)
    assert len(items) > 60
    config = tmp_path / "schemathesis.toml"
    key = door.admin_key
    deterministic = str(EXAMPLES < 100).lower()
    config.write_text(
        CONFIG.format(checks=CHECKS, seed=SEED, deterministic=deterministic, examples=EXAMPLES, key=key, items=items)
    )
    program = Path(sys.executable).with_name("schemathesis")
    # Not the stream of news, whose answer never ends.
    command: list[str | Path] = [program, "--no-color", "--config-file", config, "run", f"{door.url}/openapi.json"]
    ended = subprocess.run(
        [*command, "--exclude-path", "/api/v1/stream"], capture_output=True, text=True, cwd=tmp_path, check=False
    )
    assert ended.returncode == 0, ended.stdout + ended.stderr
    tried = re.search(r"Selected: (\d+)/(\d+)\n +Tested: (\d+)", ended.stdout)
    described = sum(method in METHODS for methods in description["paths"].values() for method in methods)
    assert tried is not None, ended.stdout
    assert [int(number) for number in tried.groups()] == [described - 1, described, described - 1]
