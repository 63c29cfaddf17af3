"""What tests share about the client: its way to a door, and a line that breaks."""

import asyncio
from collections.abc import AsyncIterator, Callable, Coroutine
from typing import Any

import httpx

from services.client import (
    Client,
    Patience,
)
from tests.door import Door

PATIENCE = Patience(seconds=3, pause_seconds_first=0.02, pause_seconds_max=0.1)


def key_of(door: Door) -> str:
    return door.admin_key


class Unsteady(httpx.AsyncBaseTransport):
    """A line that breaks: before the request is through, or after it, when the answer is lost."""

    def __init__(self, *faults: str | httpx.Response) -> None:
        self.faults = list(faults)
        self.bodies: list[bytes] = []
        self.tags: list[str | None] = []
        self.paths: list[str] = []
        self.statuses: list[int] = []
        self._line = httpx.AsyncHTTPTransport()

    async def handle_async_request(self, request: httpx.Request) -> httpx.Response:
        self.bodies.append(await request.aread())
        self.paths.append(request.url.raw_path.decode())
        self.tags.append(request.headers.get("if-none-match"))
        fault = self.faults.pop(0) if self.faults else None
        if isinstance(fault, httpx.Response):
            return fault
        if fault == "before":
            raise httpx.ConnectError("nobody there")
        response = await self._line.handle_async_request(request)
        if fault == "after":
            await response.aread()
            raise httpx.ReadError("cut off")
        self.statuses.append(response.status_code)
        return response

    async def aclose(self) -> None:
        await self._line.aclose()


type Work = Callable[[Client], Coroutine[Any, Any, None]]


def using(door: Door, work: Work, line: Unsteady | None = None, key: str | None = None) -> None:
    async def whole() -> None:
        async with Client(door.url, key or key_of(door), patience=PATIENCE, transport=line) as client:
            await work(client)

    asyncio.run(whole())


async def all_of[T](rows: AsyncIterator[T]) -> list[T]:
    return [row async for row in rows]
