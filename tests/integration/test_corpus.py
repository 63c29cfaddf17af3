"""The corpus of bad input: every case ends as it must, nothing breaks, nothing authentic is lost."""

from collections.abc import Iterator, Sequence
from contextlib import closing
from pathlib import Path

import pytest

from services.verification import verify
from tests.corpus import decisions, facts, json_text
from tests.corpus.case import Case
from tests.corpus.judging import Judge
from tests.door import Door, opened
from tests.integration.test_api import found
from tests.servers import LogDatabase

FAMILIES: dict[str, Sequence[Case]] = {"json": json_text.CASES, "facts": facts.CASES, "decisions": decisions.CASES}


@pytest.fixture
def door(log_database: LogDatabase, tmp_path: Path) -> Iterator[Door]:
    unlimited = dict.fromkeys(
        ("address_requests_per_minute", "account_requests_per_minute", "device_requests_per_minute"), 10**6
    )
    with opened(log_database, tmp_path, **unlimited) as opened_door:
        yield opened_door


@pytest.mark.parametrize("family", FAMILIES)
def test_every_case_ends_as_it_must_and_nothing_is_lost(family: str, door: Door, subtests: pytest.Subtests) -> None:
    found(door)
    door.fold()
    with closing(Judge(door)) as judge:
        for case in FAMILIES[family]:
            with subtests.test(case.name):
                assert judge.complaints(case) == []
        assert judge.lost() == []
    assert verify(door.database.admin).faults == []
    door.fold()
    assert door.get("/readyz").json()["parked"] == {}
