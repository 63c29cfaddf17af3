"""Load for a long time on a whole installation: memory, open files and lag stay flat, and nothing promised is lost.

    make soak                              30 minutes
    make soak ARGS='--minutes 2 --json'    a look

The first half is warming up. What counts is the last quarter against the third: a process may hold a little more
(caches fill), but not grow with the events. The same questions as after `make chaos` follow (verdict.py), and a
control: the same judgement on a process that leaks must find it.
"""

import argparse
import json
import random
import sys
import tempfile
import time
from collections.abc import Mapping, Sequence
from dataclasses import asdict
from pathlib import Path
from statistics import median

from services.embedded import EmbeddedNats
from services.up import PROCESSES, PythonProcess
from tests.system import verdict
from tests.system.chaos import Chaos

SAMPLE_SECONDS = 3.0
#: What a process may hold more in the last quarter than in the third.
MEMORY_GROWTH_FACTOR_MAX = 1.10
MEMORY_GROWTH_KIB_MAX = 16 * 1024
FILES_GROWTH_MAX = 10
#: Median lag of the last quarter: a moment's work, not a queue.
LAG_EVENTS_MAX = 500

#: One sample: what each process holds.
Holding = Mapping[str, int]


def memory_kib(pid: int) -> int:
    """Resident memory that is the process's own."""
    for line in Path(f"/proc/{pid}/status").read_text().splitlines():
        if line.startswith("RssAnon:"):
            return int(line.split()[1])
    return 0


def grown(samples: Sequence[Holding], factor: float, more: int, what: str) -> list[str]:
    """Who holds more in the last quarter than in the third, beyond what is allowed."""
    quarter = len(samples) // 4
    found = []
    for name in samples[-1] if quarter else ():
        before = median(sample[name] for sample in samples[-2 * quarter : -quarter])
        after = median(sample[name] for sample in samples[-quarter:])
        if after > before * factor and after > before + more:
            found.append(f"{name}: {what} grew from {before:g} to {after:g}")
    return found


class Soak(Chaos):
    """An installation under load that nobody hits; each pause ends with a look at what its processes hold."""

    def __init__(self, directory: Path, seed: int) -> None:
        super().__init__(directory, seed, (SAMPLE_SECONDS, SAMPLE_SECONDS))
        self.memory: list[Holding] = []
        self.files: list[Holding] = []
        self.lags: list[int] = []

    def soak(self, seconds: float, senders: int) -> None:
        begun = time.monotonic()
        try:
            self._supervisor.start()
            self._supervisor.wait_ready()
            self._found_network()
            pids = self._pids()
            self._suffer([self._sample] * max(8, int(seconds / SAMPLE_SECONDS)), self._senders(senders))
            if pids != self._pids():
                self.result.faults.append("a process died and was started again")
            self._settle()
            self._judge()
            self._judge_growth()
        finally:
            self._supervisor.stop()
        self.result.seconds = round(time.monotonic() - begun, 1)

    def _pids(self) -> dict[str, int]:
        found = {}
        for name in (*PROCESSES, "nats"):
            kept = self._kept(name)
            assert isinstance(kept, PythonProcess | EmbeddedNats)
            assert kept.process is not None
            found[name] = kept.process.pid
        return found

    def _sample(self) -> None:
        pids = self._pids()
        self.memory.append({name: memory_kib(pid) for name, pid in pids.items()})
        self.files.append({name: len(list(Path(f"/proc/{pid}/fd").iterdir())) for name, pid in pids.items()})
        behind = verdict.behind(self._settings)
        if behind is not None:
            self.lags.append(behind)

    def _judge_growth(self) -> None:
        faults = self.result.faults
        faults += grown(self.memory, MEMORY_GROWTH_FACTOR_MAX, MEMORY_GROWTH_KIB_MAX, "KiB of memory")
        faults += grown(self.files, 1.0, FILES_GROWTH_MAX, "open files")
        last = self.lags[-(len(self.lags) // 4) :]
        if not last or median(last) > LAG_EVENTS_MAX:
            faults.append(f"lag in the last quarter: {median(last) if last else 'unknown'} events")
        leaking = [{**sample, "api": sample["api"] + n * 4_096} for n, sample in enumerate([*self.memory] * 4)]
        seen = grown(leaking, MEMORY_GROWTH_FACTOR_MAX, MEMORY_GROWTH_KIB_MAX, "KiB of memory")
        self.result.controls["a process that leaks"] = any(text.startswith("api:") for text in seen)


def main() -> None:
    """The command behind `make soak`; exit status 1 when something grows or a promise was broken."""
    parser = argparse.ArgumentParser(prog="make soak", description="load for a long time")
    parser.add_argument("--minutes", type=float, default=30.0)
    parser.add_argument("--senders", type=int, default=3)
    parser.add_argument("--seed", type=int, default=random.SystemRandom().randrange(10**9))
    parser.add_argument("--json", action="store_true", help="one JSON object on standard output")
    given = parser.parse_args()
    with tempfile.TemporaryDirectory(prefix="ovop-soak-") as directory:
        soak = Soak(Path(directory), given.seed)
        soak.soak(given.minutes * 60, given.senders)
    told = {name: value for name, value in asdict(soak.result).items() if name not in ("kills", "losses")}
    told |= {
        "lag_events_median": median(soak.lags) if soak.lags else None,
        "lag_events_max": max(soak.lags, default=None),
        "memory_kib_first": soak.memory[0],
        "memory_kib_last": soak.memory[-1],
        "open_files_last": soak.files[-1],
        "good": soak.result.good,
    }
    if given.json:
        sys.stdout.write(json.dumps(told, indent=2) + "\n")
    else:
        for name, value in told.items():
            sys.stdout.write(f"{name:<18} {value}\n")
    sys.exit(0 if soak.result.good else 1)


if __name__ == "__main__":
    main()
