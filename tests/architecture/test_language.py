"""The language needs nothing but pydantic and the plainest of the standard library."""

import ast
from pathlib import Path

import pytest

CATALOGUE = Path(__file__).parent.parent.parent / "events" / "catalogue"
#: An event is words and integers. Whoever needs more than this writes it somewhere else.
ALLOWED = {"collections", "dataclasses", "datetime", "events", "pydantic", "types", "typing", "uuid"}


@pytest.mark.parametrize("path", sorted(CATALOGUE.glob("*.py")), ids=lambda path: path.stem)
def test_the_catalogue_imports_pydantic_and_itself(path: Path) -> None:
    for node in ast.walk(ast.parse(path.read_text())):
        if isinstance(node, ast.Import):
            names = [name.name for name in node.names]
        elif isinstance(node, ast.ImportFrom):
            names = [node.module or ""]
        else:
            continue
        for name in names:
            assert name.partition(".")[0] in ALLOWED, f"{path.name}: {name}"
            assert not name.startswith("events") or name.startswith("events.catalogue")
