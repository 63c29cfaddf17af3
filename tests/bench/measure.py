"""What a measurement is made of: rates in alternating rounds, their medians, and bars on ratios."""

import gc
import json
import os
import statistics
import threading
import time
from collections.abc import Callable, Mapping, Sequence
from dataclasses import asdict, dataclass
from uuid import UUID


@dataclass(frozen=True, slots=True)
class Row:
    """One measured thing: the median of its rounds, and their range."""

    name: str
    median: float
    lowest: float
    highest: float
    unit: str
    note: str = ""


@dataclass(frozen=True, slots=True)
class Bar:
    """A demanded ratio of two things measured in the same rounds: the median over the rounds."""

    name: str
    ratio: float
    at_least: float

    @property
    def holds(self) -> bool:
        return self.ratio >= self.at_least


@dataclass(frozen=True, slots=True)
class Report:
    """The rows and bars of one part of `make bench`."""

    title: str
    rows: Sequence[Row]
    bars: Sequence[Bar]

    def as_json(self) -> str:
        bars = [asdict(bar) | {"holds": bar.holds} for bar in self.bars]
        return json.dumps({"title": self.title, "rows": [asdict(row) for row in self.rows], "bars": bars}, indent=2)

    def as_table(self) -> str:
        width = max(len(name) for name in [*(row.name for row in self.rows), *(bar.name for bar in self.bars)]) + 2
        lines = [self.title, ""]
        lines += [
            f"  {row.name:<{width}}{row.median:>12,.1f} {row.unit} ({row.lowest:,.1f} to {row.highest:,.1f}) {row.note}"
            for row in self.rows
        ]
        lines.append("")
        lines += [
            f"  {bar.name:<{width}}{bar.ratio:>12.2f} at least {bar.at_least:g}: {'holds' if bar.holds else 'MISSED'}"
            for bar in self.bars
        ]
        return "\n".join(lines)


def rounds(ways: Mapping[str, Callable[[], float]], times: int) -> dict[str, list[float]]:
    """Each way once in a round, round after round, so that a busy spell of the machine meets them all."""
    found: dict[str, list[float]] = {name: [] for name in ways}
    for turn in range(times):
        names = list(ways) if turn % 2 == 0 else list(ways)[::-1]
        for name in names:
            found[name].append(ways[name]())
    return found


def row(name: str, values: Sequence[float], unit: str, note: str = "") -> Row:
    return Row(name, statistics.median(values), min(values), max(values), unit, note)


def bar(name: str, ours: Sequence[float], theirs: Sequence[float], at_least: float) -> Bar:
    return Bar(name, statistics.median(a / b for a, b in zip(ours, theirs, strict=True)), at_least)


def timed(work: Callable[[], None], things: int) -> float:
    """Things done in a second by work that does so many. What lies ready for it is not looked through as garbage."""
    gc.collect()
    gc.freeze()
    try:
        start = time.perf_counter()
        work()
        return things / (time.perf_counter() - start)
    finally:
        gc.unfreeze()


def uuid7() -> UUID:
    """An id as senders make them: the first bits are the time, so that new ids lie together in an index."""
    milliseconds = time.time_ns() // 1_000_000
    number = (milliseconds << 80) | int.from_bytes(os.urandom(10), "big")
    number = number & ~(0xF << 76) | (0x7 << 76)
    number = number & ~(0x3 << 62) | (0x2 << 62)
    return UUID(int=number)


def in_threads[T](callers: int, work: Callable[[Sequence[T]], None], items: Sequence[T]) -> None:
    """Blocking callers side by side, each with its share of the items."""
    failed: list[BaseException] = []

    def call(mine: Sequence[T]) -> None:
        try:
            work(mine)
        except BaseException as error:
            failed.append(error)

    threads = [threading.Thread(target=call, args=(items[n::callers],)) for n in range(callers)]
    for thread in threads:
        thread.start()
    for thread in threads:
        thread.join()
    if failed:
        raise failed[0]
