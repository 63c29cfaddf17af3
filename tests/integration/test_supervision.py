"""The supervisor's patience: what dies comes back, what keeps dying ends the whole."""

import subprocess
import sys
import time
from dataclasses import dataclass, field

import pytest

from services.up import PAUSE_SECONDS_FIRST, Keeper, KeepsDying
from tests.servers import wait_for


@dataclass
class Program:
    """A real process that runs a line of Python."""

    code: str
    starts: list[float] = field(default_factory=list)
    process: subprocess.Popen[bytes] | None = None

    @property
    def alive(self) -> bool:
        return self.process is not None and self.process.poll() is None

    def start(self) -> None:
        self.starts.append(time.monotonic())
        self.process = subprocess.Popen([sys.executable, "-S", "-c", self.code])

    def stop(self) -> None:
        if self.process is not None:
            self.process.kill()
            self.process.wait()


def test_what_was_killed_is_started_again() -> None:
    program = Program("import time; time.sleep(60)")
    keeper = Keeper("sleeper", program, deaths_per_minute_max=5)
    keeper.start()
    try:
        assert program.process is not None
        program.process.kill()
        wait_for(lambda: not program.alive, "the death")

        def back() -> bool:
            keeper.look()
            return program.alive

        wait_for(back, "the restart")
        assert len(program.starts) == 2
    finally:
        program.stop()


def test_what_keeps_dying_is_started_ever_later_and_then_given_up() -> None:
    program = Program("raise SystemExit(1)")
    keeper = Keeper("hopeless", program, deaths_per_minute_max=3)
    keeper.start()

    def look_on() -> None:
        while len(program.starts) < 10:
            keeper.look()
            time.sleep(0.01)

    with pytest.raises(KeepsDying, match="hopeless"):
        look_on()
    program.stop()
    pauses = [later - earlier for earlier, later in zip(program.starts, program.starts[1:], strict=False)]
    assert len(program.starts) == 4
    assert pauses == sorted(pauses)
    assert pauses[-1] >= 4 * PAUSE_SECONDS_FIRST
