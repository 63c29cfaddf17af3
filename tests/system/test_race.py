"""The race, small; `make race` runs it with a million events."""

from pathlib import Path

from tests.system.race import race


def test_nothing_is_lost_or_doubled_when_many_processes_append(tmp_path: Path) -> None:
    result = race(tmp_path, events=20_000)

    assert result.faults == []


def test_positions_from_a_sequence_without_the_lock_are_caught(tmp_path: Path) -> None:
    """Whether two writers overtake each other is chance, so it has some chances."""
    results = (race(tmp_path / str(again), events=6_000, broken=True) for again in range(5))

    assert any(result.faults and result.lost_by_reader > 0 for result in results)
