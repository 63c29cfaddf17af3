"""A real browser, and the whole way from a posted sale to a page under its eyes."""

import asyncio
import shutil
import threading
from collections.abc import Callable, Iterator
from contextlib import contextmanager
from dataclasses import dataclass, field

import pytest
from playwright.sync_api import Browser, ConsoleMessage, Page, Request, sync_playwright

from events.catalogue.base import Event
from projections.runner import run_projector
from services.read_models import READ_MODELS
from tests import small_network
from tests.door import Door, opened
from tests.servers import LogDatabase

_CHROMIUM = ("chromium", "chromium-browser", "google-chrome")
_ARGUMENTS = (
    "--no-sandbox",
    "--disable-gpu",
    "--disable-dev-shm-usage",
    "--disable-background-networking",
    "--disable-component-update",
    "--disable-sync",
    "--no-first-run",
)


@pytest.fixture(scope="module")
def browser() -> Iterator[Browser]:
    """The system's Chromium, without a window and without errands of its own.

    It ends with its module: while it lives, its event loop runs in this thread, and no test may start another.
    """
    path = next(filter(None, map(shutil.which, _CHROMIUM)), None)
    if path is None:
        pytest.skip("no Chromium on this machine")
    with sync_playwright() as playwright:
        opened_browser = playwright.chromium.launch(executable_path=path, args=list(_ARGUMENTS))
        yield opened_browser
        opened_browser.close()


@dataclass
class Visit:
    """A page, and everything that went wrong or abroad on it."""

    page: Page
    address: str
    complaints: list[str] = field(default_factory=list)
    foreign: list[str] = field(default_factory=list)

    def go(self, path: str) -> int:
        """Go to a path; the status of the answer."""
        response = self.page.goto(self.address + path, wait_until="load")
        assert response is not None
        return response.status

    def scrolls_sideways(self) -> bool:
        return bool(self.page.evaluate("document.documentElement.scrollWidth > document.documentElement.clientWidth"))


@pytest.fixture
def visit(browser: Browser) -> Iterator[Callable[..., Visit]]:
    """Visits to an address with a locale, a width, scripts or none, and a key; all must end without complaint."""
    visits: list[Visit] = []
    contexts = []

    def begin(
        address: str, locale: str = "en-GB", width: int = 1280, scripts: bool = True, key: str | None = None
    ) -> Visit:
        context = browser.new_context(
            locale=locale,
            viewport={"width": width, "height": 800},
            java_script_enabled=scripts,
            extra_http_headers={"Authorization": f"Bearer {key}"} if key else {},
        )
        contexts.append(context)
        made = Visit(context.new_page(), address)

        def heard(message: ConsoleMessage) -> None:
            if message.type in ("error", "warning"):
                made.complaints.append(message.text)

        def asked(request: Request) -> None:
            if not request.url.startswith(address):
                made.foreign.append(request.url)

        made.page.on("console", heard)
        made.page.on("pageerror", lambda error: made.complaints.append(str(error)))
        made.page.on("request", asked)
        visits.append(made)
        return made

    yield begin
    for context in contexts:
        context.close()
    for made in visits:
        assert made.complaints == []
        assert made.foreign == []


@contextmanager
def projecting(database: LogDatabase) -> Iterator[None]:
    """The projector at work, woken by the log, until the end of the block."""
    loop = asyncio.new_event_loop()
    stop = asyncio.Event()

    def work() -> None:
        asyncio.set_event_loop(loop)
        loop.run_until_complete(run_projector(database.projector, None, READ_MODELS, stop))
        loop.run_until_complete(loop.shutdown_default_executor())
        loop.close()

    thread = threading.Thread(target=work, daemon=True)
    thread.start()
    try:
        yield
    finally:
        loop.call_soon_threadsafe(stop.set)
        thread.join(20)
        assert not thread.is_alive()


@dataclass
class Stack:
    """API, log, projector and pages of the small network."""

    door: Door
    recorder: small_network.Recorder

    @property
    def address(self) -> str:
        return str(self.door.client.base_url).rstrip("/")

    def record_now(self, event: Event) -> int:
        """Record something at the network's own clock, which stands at the last event."""
        head = self.door.front.handler.log.head()
        assert head.recorded_at is not None
        return self.recorder.record(event, head.recorded_at)


@pytest.fixture(scope="module")
def stack(module_log_database: LogDatabase, tmp_path_factory: pytest.TempPathFactory) -> Iterator[Stack]:
    with opened(module_log_database, tmp_path_factory.mktemp("stack")) as door:
        recorder = small_network.fill(door.front.handler.log)
        door.fold()
        with projecting(module_log_database):
            yield Stack(door, recorder)
