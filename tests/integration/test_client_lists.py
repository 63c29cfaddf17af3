"""The typed client turns over every list of the API to its end, each by the cursor that its address takes."""

import asyncio
from collections.abc import Iterator, Mapping
from typing import Any, Final

import httpx
import pytest

from services.client import Client
from tests.door import Door, accepted, opened
from tests.integration.test_paging import COUNT, LISTS, fill, whole
from tests.servers import LogDatabase

#: Besides the lists of the log's and the models' rows: one case, whose notes are a list at an address of its own.
ALL: Final = (*LISTS, ("/api/v1/audit/cases/client-case", {}, "notes", "before", "next"))
#: Those that are turned over in a way of their own; more than one page of each is there to be turned over.
OWN_WAY: Final = {(path, rows) for path, _, rows, behind, _ in ALL if behind != "behind"}


@pytest.fixture(scope="module")
def door(module_log_database: LogDatabase, tmp_path_factory: pytest.TempPathFactory) -> Iterator[Door]:
    with opened(module_log_database, tmp_path_factory.mktemp("lists")) as opened_door:
        fill(opened_door)
        for n in range(COUNT):
            said = {"kind": "delivery_note", "media_type": "text/plain", "content": "MTIgamFycw=="}
            paper = {"document": f"client-paper-{n}", "place": "outlet/karakol", **said}
            accepted(opened_door.command("documents/capture-document", **paper))
            accepted(opened_door.command("audit/make-export", export=f"client-copy-{n}", through_position=n + 1))
            accepted(opened_door.command("audit/note-case", case="client-case", note=f"Jar {n} was looked at."))
        yield opened_door


async def pages_of(client: Client, path: str, **asked: Any) -> list[dict[str, Any]]:
    return [page async for page in client.pages(path.removeprefix("/api/v1/"), **asked)]


@pytest.mark.parametrize(("path", "asked", "rows", "behind", "following"), ALL)
def test_the_pages_of_any_list_are_the_list(
    door: Door, path: str, asked: Mapping[str, str], rows: str, behind: str, following: str
) -> None:
    listed = whole(door, path, asked, rows)

    async def turned() -> list[dict[str, Any]]:
        async with Client(door.url, door.admin_key) as client:
            return await asyncio.wait_for(pages_of(client, path, **asked, limit=1), 60)

    pages = asyncio.run(turned())
    assert [row for page in pages for row in page[rows]] == listed
    if (path, rows) in OWN_WAY:
        assert len(listed) >= COUNT, "there is something to turn over"


def test_a_list_is_read_on_from_a_cursor_that_is_said(door: Door) -> None:
    async def work() -> None:
        async with Client(door.url, door.admin_key) as client:
            for path, asked, rows, behind, following in ALL:
                first = await client.get(path.removeprefix("/api/v1/"), **asked, limit=1)
                if first[following] is not None:
                    rest = await pages_of(client, path, **asked, **{behind: first[following]})
                    assert first[rows] + [row for page in rest for row in page[rows]] == whole(door, path, asked, rows)

    asyncio.run(work())


class Deaf(httpx.AsyncBaseTransport):
    """A server that knows no cursor: it answers its first page to whatever it is asked."""

    asked = 0

    async def handle_async_request(self, request: httpx.Request) -> httpx.Response:
        await request.aread()
        self.asked += 1
        assert self.asked < 10, "asked for the same over and over"
        return httpx.Response(200, json={"rows": [1], "next": "a"})


def test_a_page_that_names_itself_as_the_next_one_ends_in_an_error_and_not_in_a_circle() -> None:
    deaf = Deaf()

    async def work() -> None:
        async with Client("http://deaf", transport=deaf) as client:
            with pytest.raises(ValueError, match="next page"):
                await pages_of(client, "somewhere")

    asyncio.run(work())
    assert deaf.asked == 2
