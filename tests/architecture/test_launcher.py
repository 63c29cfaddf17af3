"""The installed command, as a process that it starts sees it."""

import runpy
import sys
from pathlib import Path

import pytest

LAUNCHER = Path(sys.executable).parent / "ovop"


@pytest.mark.skipif(not LAUNCHER.exists(), reason="the command is not installed beside this interpreter")
def test_a_process_of_a_long_build_imports_the_command_without_running_it(monkeypatch: pytest.MonkeyPatch) -> None:
    # So does multiprocessing with the file that its parent was started from; `ovop replay` once waited for itself.
    monkeypatch.setattr(sys, "argv", [str(LAUNCHER), "no-such-command"])
    assert "main" in runpy.run_path(str(LAUNCHER), run_name="__mp_main__")
