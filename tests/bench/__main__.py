"""make bench: every part, or those that are named; a table, or one JSON object with --json."""

import argparse
import json
import sys
import tempfile
from collections.abc import Callable, Mapping
from pathlib import Path

from tests.bench import append, intake, latency, rebuild, trace
from tests.bench.measure import Report

#: Each part measures in a directory of its own, so many rounds, with this share of its full number of things.
PARTS: Mapping[str, Callable[[Path, int, float], Report]] = {
    "append": append.run,
    "intake": intake.run,
    "latency": latency.run,
    "rebuild": rebuild.run,
    "trace": trace.run,
}


def main() -> int:
    parser = argparse.ArgumentParser(prog="make bench", description=__doc__)
    parser.add_argument("parts", nargs="*", metavar="part", help=f"of {', '.join(PARTS)}; without any: all")
    parser.add_argument("--rounds", type=int, default=5)
    parser.add_argument("--share", type=float, default=1.0, help="of the events of each round")
    parser.add_argument("--json", action="store_true", help="one JSON object on standard output")
    given = parser.parse_args()
    unknown = [part for part in given.parts if part not in PARTS]
    if unknown:
        parser.error(f"no such part: {', '.join(unknown)}")
    reports: dict[str, Report] = {}
    for name in given.parts or PARTS:
        with tempfile.TemporaryDirectory(prefix="ovop-bench-") as directory:
            Path(directory).chmod(0o755)
            reports[name] = PARTS[name](Path(directory), given.rounds, given.share)
        if not given.json:
            sys.stdout.write(reports[name].as_table() + "\n\n")
            sys.stdout.flush()
    if given.json:
        sys.stdout.write(json.dumps({name: json.loads(report.as_json()) for name, report in reports.items()}) + "\n")
    return 0 if all(bar.holds for report in reports.values() for bar in report.bars) else 1


if __name__ == "__main__":
    sys.exit(main())
