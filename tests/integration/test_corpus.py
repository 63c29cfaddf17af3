"""The corpus of bad input: every case ends as it must, nothing breaks, nothing authentic is lost.

A family is one test with a network of its own. After its last case the log verifies, everything that was promised to be
kept is there as it was sent, the read models have parked nothing, and their books are right and can be built anew.
"""

import socket
from collections.abc import Iterator, Mapping, Sequence
from contextlib import closing
from dataclasses import replace
from pathlib import Path
from typing import Final

import httpx
import psycopg
import pytest
from markupsafe import escape

from projections.base import Db
from projections.identities import identities, live_is_rebuilt
from services.read_models import READ_MODELS
from services.replay import SERVED
from services.verification import verify
from services.web.desk_words import problem
from services.web.language import LANGUAGES
from tests.corpus import decisions, facts, json_text, moments, money, requests, senders, texts
from tests.corpus.case import Case, Each, Kept, Outcome, Quarantined, Told, named
from tests.corpus.judging import Judge
from tests.corpus.ring import administrator, peopled
from tests.door import UNLIMITED, Door, opened
from tests.integration.test_api import found
from tests.servers import LogDatabase

FAMILIES: Final[Mapping[str, Sequence[Case]]] = {
    "json": json_text.CASES,
    "facts": facts.CASES,
    "decisions": decisions.CASES,
    "money": money.CASES,
    "time": moments.CASES,
    "text": texts.CASES,
    "http": requests.CASES,
    "auth": senders.CASES,
}
API: Final = Path(__file__).parents[2] / "docs" / "api.md"
#: Families to which somebody of every kind comes.
PEOPLED: Final = ("auth",)
#: README.md says that there are more.
CASES_MIN: Final = 2_300


@pytest.fixture
def door(log_database: LogDatabase, tmp_path: Path) -> Iterator[Door]:
    with opened(log_database, tmp_path, **UNLIMITED) as opened_door:
        yield opened_door


def _outcomes(outcome: Outcome) -> Iterator[Outcome]:
    if isinstance(outcome, Each):
        for each in outcome.outcomes:
            yield from _outcomes(each)
    yield outcome


def test_whatever_a_report_may_be_told_has_words_and_is_documented() -> None:
    outcomes = [each for cases in FAMILIES.values() for case in cases for each in _outcomes(case.outcome)]
    problems = {each.problem for each in outcomes if isinstance(each, Quarantined)}
    flags = {flag for each in outcomes if isinstance(each, Kept) for flag in each.flags}
    assert len(problems) > 10
    assert len(flags) > 5
    documented = API.read_text(encoding="utf-8")
    for language in ("ky", "ru"):
        assert {code for code in problems if problem(LANGUAGES[language], code) == code} == set(), language
    assert {code for code in problems | flags if f"`{code}`" not in documented} == set()


@pytest.mark.parametrize("family", FAMILIES)
def test_every_case_ends_as_it_must_and_nothing_is_lost(family: str, door: Door, subtests: pytest.Subtests) -> None:
    found(door)
    door.fold()
    ring = peopled(door) if family in PEOPLED else administrator(door)
    with closing(Judge(door, ring)) as judge:
        for case in FAMILIES[family]:
            with subtests.test(case.name):
                assert judge.complaints(case) == []
        assert judge.lost() == []
        if family == "text":
            _names_are_letters_on_pages(door)
    assert verify(door.database.admin).faults == []
    _books_are_right(door)


def _books_are_right(door: Door) -> None:
    door.fold()
    assert door.get("/readyz").json()["parked"] == {}
    with psycopg.connect(door.database.projector, options=SERVED) as served:
        assert [(name, held.detail) for name, held in identities(Db(served)).items() if not held.holds] == []
    assert live_is_rebuilt(door.database.projector, door.log, READ_MODELS).holds


def _names_are_letters_on_pages(door: Door) -> None:
    """Whatever a village is called, its name is no program where people read it."""
    door.fold()
    for language in ("ky", "ru", "en"):
        page = door.client.get("/", params={"lang": language}).text
        assert [name for name in texts.PROGRAMS if name in page] == []
        assert [name for name in texts.PROGRAMS if escape(name) not in page] == []  # it does stand there


def test_a_server_that_neither_answers_nor_hangs_up_is_found_out(door: Door) -> None:
    """That no answer comes is as it must be for some cases, but the line has to end."""
    [case, *_] = [each for each in FAMILIES["http"] if each.outcome == Told(0)]
    with socket.create_server(("127.0.0.1", 0)) as silent:
        address = f"http://127.0.0.1:{silent.getsockname()[1]}"
        with (
            httpx.Client(base_url=address) as client,
            closing(Judge(replace(door, client=client), administrator(door), answer_seconds=0.5)) as judge,
        ):
            [complaint] = judge.complaints(case)
    assert complaint.startswith("hung")


def test_the_corpus_is_as_large_as_it_should_be_and_calls_nothing_by_the_same_name() -> None:
    assert sum(len(named(cases)) for cases in FAMILIES.values()) > CASES_MIN
