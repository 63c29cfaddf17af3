"""Every refusal is seen: those of the rules by a unit test that names them, all others by a test that names their code.

A rule without one is not proved.
"""

import ast
import importlib
import inspect
import re
from collections.abc import Iterator
from pathlib import Path
from types import ModuleType

import pytest

import services.app  # noqa: F401 - all that can be refused is there once the application is
from services.access.oidc import NotSignedInThere, SubjectUnknown
from services.errors import STATUS, NotAllowed, Refused, status_of
from services.openapi import every_refusal

ROOT = Path(__file__).parents[2]
#: Where rules are: the deciders, and what deciders are made of.
RULES = sorted(
    ".".join(path.relative_to(ROOT).with_suffix("").parts)
    for path in (
        *(ROOT / "services").glob("*/decider.py"),
        ROOT / "services/decider.py",
        ROOT / "services/committee/recalls.py",
    )
)


def refusals(module: ModuleType) -> Iterator[type[Refused]]:
    """The refusals that a module defines itself."""
    for value in vars(module).values():
        if inspect.isclass(value) and issubclass(value, Refused) and value.__module__ == module.__name__:
            yield value


ALL = [kind for name in RULES for kind in refusals(importlib.import_module(name))]


def named_in(source: str) -> Iterator[str]:
    """The classes that a test expects: then_refused(X), then_refused(rules.X)."""
    for node in ast.walk(ast.parse(source)):
        if isinstance(node, ast.Call) and isinstance(node.func, ast.Attribute) and node.func.attr == "then_refused":
            for argument in node.args:
                if isinstance(argument, ast.Attribute):
                    yield argument.attr
                elif isinstance(argument, ast.Name):
                    yield argument.id


SEEN = {name for path in (ROOT / "tests/unit").glob("*.py") for name in named_in(path.read_text())}


@pytest.mark.parametrize("kind", ALL, ids=lambda kind: kind.__name__)
def test_a_unit_test_sees_the_refusal(kind: type[Refused]) -> None:
    assert kind.__name__ in SEEN


#: The code of a refusal in quotes, as a test expects it of an answer.
CODES = {
    code
    for path in (ROOT / "tests").rglob("*.py")
    for code in re.findall(r"""["']([a-z]+(?:_[a-z]+)*)["']""", path.read_text())
}
#: Nobody is answered with these codes: the first is a family, and the page of the sign-in says the others in words,
#: which tests/integration/test_sign_in_elsewhere.py reads there.
SAID_IN_WORDS = {NotAllowed, NotSignedInThere, SubjectUnknown}
ELSEWHERE = sorted({*every_refusal()} - {*ALL} - SAID_IN_WORDS, key=lambda kind: kind.code())


@pytest.mark.parametrize("kind", ELSEWHERE, ids=lambda kind: kind.__name__)
def test_a_test_sees_the_code_of_a_refusal_outside_the_deciders(kind: type[Refused]) -> None:
    assert kind.code() in CODES


@pytest.mark.parametrize("kind", ALL, ids=lambda kind: kind.__name__)
def test_a_refusal_says_what_is_wrong_and_what_to_do_and_has_a_status(kind: type[Refused]) -> None:
    assert kind.__doc__
    assert kind.message().endswith(".")
    assert kind.advice.endswith(".")
    assert status_of(kind) in {404, 409}
    assert kind not in STATUS, "the family decides the status"


def test_the_rules_of_all_contexts_that_decide_are_looked_at() -> None:
    deciding = {kind.__module__.split(".")[1] for kind in ALL}
    assert deciding >= {"network", "committee", "settlement", "center", "decider"}
    assert len({kind.code() for kind in ALL}) == len(ALL), "two refusals have one code"


def test_a_name_that_no_test_expects_is_not_taken_as_seen() -> None:
    assert list(named_in("given(X).when(a).then_refused(rules.A); raise_(B); then_refused(C)")) == ["A"]


def test_no_two_refusals_have_the_same_code() -> None:
    """A client tells them apart by the code alone."""
    named: dict[str, set[str]] = {}
    for kind in every_refusal():
        named.setdefault(kind.code(), set()).add(f"{kind.__module__}.{kind.__name__}")

    assert {code: kinds for code, kinds in named.items() if len(kinds) > 1} == {}
