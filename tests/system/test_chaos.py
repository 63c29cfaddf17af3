"""The small form of `make chaos`: every process killed once under load, every way of losing the broker once."""

import json
import subprocess
import sys

import pytest

from tests.servers import environment


@pytest.mark.timeout(280)
def test_nothing_promised_is_lost_when_everything_is_killed_under_load() -> None:
    sizes = ["--kills", "6", "--losses", "1", "--senders", "2", "--pause", "0.2", "1.0"]
    done = subprocess.run(
        [sys.executable, "-m", "tests.system.chaos", *sizes, "--json"],
        env=environment(),
        capture_output=True,
        text=True,
        check=False,
    )
    assert done.stdout, done.stderr
    result = json.loads(done.stdout)
    assert result["faults"] == []
    assert result["controls"] == {
        "a report promised before it was stored": True,
        "a read model with one changed row": True,
    }
    assert sum(result["kills"].values()) == 6
    assert len(result["losses"]) == 3
    assert result["promised"] > 50
    assert result["promised_by_broker"] > 0
