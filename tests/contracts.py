"""`make docs`: the descriptions for others, written from the code; `make check` finds those that are not current.

The samples of the catalogue are gathered from `tests/golden`, so that the installed package can show them too.
"""

import json
from collections.abc import Mapping
from pathlib import Path
from typing import Any

from services.app import create_app
from services.asyncapi import described
from services.settings import Settings

ROOT = Path(__file__).parent.parent
GOLDEN = ROOT / "tests" / "golden"
#: The application is only asked what it is; nobody connects to this.
NOWHERE = "postgresql://nobody@localhost:1/nothing?connect_timeout=1"


def openapi() -> dict[str, Any]:
    """/openapi.json as every installation serves it."""
    app = create_app(Settings(database_url=NOWHERE))
    try:
        return app.openapi()
    finally:
        front = app.state.front
        front.books.close()
        front.past.close()
        front.credentials.close()
        front.handler.log.close()


def gathered_samples() -> str:
    """All samples in one file, one a line."""
    found = {path.name.removesuffix(".json"): path.read_text() for path in sorted(GOLDEN.glob("*.json"))}
    return "{\n" + ",\n".join(f"{json.dumps(name)}: {sample}" for name, sample in found.items()) + "\n}\n"


def contracts() -> Mapping[Path, str]:
    """What each file should hold now."""
    return {
        ROOT / "events" / "catalogue" / "samples.json": gathered_samples(),
        ROOT / "docs" / "asyncapi.json": _text(described()),
        ROOT / "docs" / "openapi.json": _text(openapi()),
    }


def _text(document: Mapping[str, Any]) -> str:
    return json.dumps(document, indent=1, ensure_ascii=False) + "\n"


if __name__ == "__main__":
    samples = ROOT / "events" / "catalogue" / "samples.json"
    samples.write_text(gathered_samples())  # first: the others show them
    for path, text in contracts().items():
        path.write_text(text)
        print(f"wrote {path.relative_to(ROOT)}")  # noqa: T201 - a command's answer
