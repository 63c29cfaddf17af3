"""Live news by server-sent events: `position` whenever the read models have moved on, and the `totals` then."""

import asyncio
import contextlib
import logging
import signal
import threading
from collections.abc import AsyncIterator
from dataclasses import dataclass, field
from types import FrameType
from typing import Any, Final

from fastapi import APIRouter, Request
from fastapi.responses import StreamingResponse

from projections.base import Db
from projections.income_queries import totals
from services.books import Standing
from services.errors import Busy
from services.front import Front
from services.json_bytes import json_bytes

LISTENERS_MAX: Final = 500
#: How often somebody looks whether the read models have moved, while anybody listens.
LOOK_SECONDS: Final = 0.1
#: A comment is sent after so long without news, so that no one between takes the line for dead.
QUIET_SECONDS: Final = 15.0

logger = logging.getLogger(__name__)


@dataclass(eq=False)
class _News:
    """The latest news; a slow listener misses those in between, which loses nothing."""

    said: bytes = b""
    number: int = 0
    changed: asyncio.Condition = field(default_factory=asyncio.Condition)
    closing: bool = False
    listeners: int = 0

    async def say(self, said: bytes) -> None:
        async with self.changed:
            self.said, self.number = said, self.number + 1
            self.changed.notify_all()

    async def close(self) -> None:
        async with self.changed:
            self.closing = True
            self.changed.notify_all()

    async def after(self, number: int) -> int:
        async with self.changed:
            await self.changed.wait_for(lambda: self.closing or self.number > number)
            return self.number


_NEWS: Final = "ovop_news"


def routes() -> APIRouter:
    """The one address of live news; public, as it says no more than the network's totals."""
    router = APIRouter()

    @router.get("/api/v1/stream", tags=["reads"], response_class=StreamingResponse)
    async def stream(request: Request) -> StreamingResponse:
        """Server-sent events `position` and `totals`, at once and whenever the read models have moved on."""
        news: _News = getattr(request.app.state, _NEWS)
        if news.listeners >= LISTENERS_MAX:
            raise Busy
        headers = {"Cache-Control": "no-store", "X-Accel-Buffering": "no"}
        return StreamingResponse(_lines(news), media_type="text/event-stream", headers=headers)

    return router


async def _lines(news: _News) -> AsyncIterator[bytes]:
    news.listeners += 1
    seen = 0
    try:
        yield b"retry: 1000\n\n"
        while not news.closing:
            try:
                seen = await asyncio.wait_for(news.after(seen), QUIET_SECONDS)
            except TimeoutError:
                yield b": quiet\n\n"
            else:
                if not news.closing:
                    yield news.said
    finally:
        news.listeners -= 1


@contextlib.asynccontextmanager
async def following(front: Front, app: Any) -> AsyncIterator[None]:
    """Look for news while the application runs; end every stream when it is asked to stop."""
    news = _News()
    setattr(app.state, _NEWS, news)
    task = asyncio.create_task(_follow(front, news))
    restore = _close_on_stop(news)
    try:
        yield
    finally:
        restore()
        task.cancel()
        await news.close()
        with contextlib.suppress(asyncio.CancelledError):
            await task


def _close_on_stop(news: _News) -> Any:
    """The server waits for open answers before it stops, and ours never end by themselves: so end them first."""
    if threading.current_thread() is not threading.main_thread():
        return lambda: None
    loop = asyncio.get_running_loop()
    before = {number: signal.getsignal(number) for number in (signal.SIGTERM, signal.SIGINT)}

    def stop(number: int, frame: FrameType | None) -> None:
        loop.call_soon_threadsafe(lambda: loop.create_task(news.close()))
        earlier = before[signal.Signals(number)]
        if callable(earlier):
            earlier(number, frame)

    for number in before:
        signal.signal(number, stop)
    return lambda: [signal.signal(number, earlier) for number, earlier in before.items()]


async def _follow(front: Front, news: _News) -> None:
    told: Standing | None = None
    while True:
        await asyncio.sleep(LOOK_SECONDS)
        if not news.listeners:
            told = None
            continue
        try:
            found = await front.books.ask_soon(_totals)
        except Exception as error:
            logger.warning("no news: %s", error)
            await asyncio.sleep(1)
            continue
        if found.standing != told:
            told = found.standing
            await news.say(_event("position", found.standing._asdict()) + _event("totals", found.answer))


def _event(name: str, content: Any) -> bytes:
    return b"event: %b\ndata: %b\n\n" % (name.encode(), json_bytes(content))


def _totals(db: Db) -> dict[str, int]:
    sales, makers = totals(db.connection)
    return {"sales_tyiyn": sales, "makers_tyiyn": makers}
