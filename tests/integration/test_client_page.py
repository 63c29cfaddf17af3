"""docs/client.md: its blocks, one after the other, as somebody types them at a running network."""

import ast
import asyncio
import inspect
import re
from collections.abc import Iterator
from pathlib import Path
from typing import Any

import pytest

from tests.door import Door, following, opened
from tests.servers import LogDatabase

PAGE = Path(__file__).parent.parent.parent / "docs" / "client.md"
BLOCKS = re.findall(r"^```python\n(.*?)^```$", PAGE.read_text(), re.MULTILINE | re.DOTALL)


@pytest.fixture
def door(log_database: LogDatabase, tmp_path: Path) -> Iterator[Door]:
    """A network whose read models follow by themselves."""
    with opened(log_database, tmp_path) as opened_door, following(opened_door):
        yield opened_door


def test_the_page_can_be_typed_from_top_to_bottom(door: Door, capsys: pytest.CaptureFixture[str]) -> None:
    typed: dict[str, Any] = {
        "__name__": "__page__",
        "address": door.url,
        "key": door.admin_key,
    }

    async def everything() -> None:
        for number, block in enumerate(BLOCKS, start=1):
            code = compile(block, f"client.md, block {number}", "exec", flags=ast.PyCF_ALLOW_TOP_LEVEL_AWAIT)
            said = eval(code, typed)  # noqa: S307 - our own page
            if inspect.isawaitable(said):
                await said

    asyncio.run(everything())
    told = capsys.readouterr().out
    assert "unknown_reference region" in told
    assert "[('flagged', ('" in told
    assert "[108000]" in told, "three receipts of 360 som"
    assert told.count("sale-") >= 3
    assert len(BLOCKS) >= 9
