"""The API as tests meet it: the whole application by HTTP over a database of its own, and a projector run on demand."""

import threading
from collections.abc import Iterator, Mapping, Sequence
from contextlib import contextmanager
from dataclasses import dataclass
from datetime import datetime
from pathlib import Path
from typing import Any, Final
from uuid import uuid4

import orjson
import uvicorn
from fastapi import FastAPI
from httpx import Client, Response

from events.catalogue.base import Event
from events.store import Log
from projections.bishkek import BISHKEK
from projections.runner import Projector
from services.app import create_app
from services.front import Front
from services.heads import MeasuredHeads
from services.read_models import READ_MODELS
from services.settings import Settings
from tests.servers import LogDatabase, wait_for

#: When things happen in these tests, unless a test says otherwise: a day later they would be flagged as late.
NOW = datetime.now(BISHKEK).isoformat(timespec="seconds")


#: The limits that count by time, set as high as they go: for tests that send much from one address.
UNLIMITED: Final[Mapping[str, int]] = dict.fromkeys(
    (
        "account_failures_per_quarter_hour",
        "address_failures_per_quarter_hour",
        "account_requests_per_minute",
        "address_requests_per_minute",
        "device_requests_per_minute",
    ),
    10**6,
)


@dataclass
class Door:
    """The front door of one installation."""

    client: Client
    app: FastAPI
    log: Log
    projector: Projector
    database: LogDatabase

    @property
    def front(self) -> Front:
        front: Front = self.app.state.front
        return front

    @property
    def url(self) -> str:
        return str(self.client.base_url).rstrip("/")

    @property
    def admin_key(self) -> str:
        """The key that goes with every request that states no other."""
        return self.front.settings.admin_key_file.read_text().strip()

    def post(self, path: str, content: Any, key: str | None = None, **headers: str) -> Response:
        """Send JSON (or raw bytes) with the administrator's key, or another one."""
        body = content if isinstance(content, bytes) else orjson.dumps(content)
        return self.client.post(
            path, content=body, headers=headers | ({"Authorization": f"Bearer {key}"} if key else {})
        )

    def tell(self, *items: Mapping[str, Any], **headers: str) -> list[dict[str, Any]]:
        """Send a list of reports; the answers."""
        response = self.post("/api/v1/events", list(items), **headers)
        assert response.status_code == 200, response.text
        answers: list[dict[str, Any]] = response.json()
        return answers

    def command(self, path: str, /, **fields: Any) -> Response:
        """Send one command."""
        envelope = {"id": fields.pop("id", None) or str(uuid4()), "occurred_at": fields.pop("occurred_at", NOW)}
        return self.post(f"/api/v1/{path}", envelope | fields)

    def ask(self, path: str, event: Event, **more: Any) -> Response:
        """Send the command that asks for this event."""
        return self.command(path, **(event.model_dump(mode="json", exclude_none=True) | more))

    def get(self, path: str, **params: Any) -> Response:
        return self.client.get(path, params=params)

    def fold(self) -> int:
        """Bring the read models up with the log."""
        return self.projector.drain()

    def problems_of(self, answers: Sequence[Mapping[str, Any]]) -> list[tuple[str, str | None]]:
        return [(answer["status"], answer["problem"]) for answer in answers]


@contextmanager
def following(door: Door) -> Iterator[None]:
    """The read models follow the log meanwhile, as in every installation."""
    ended = threading.Event()

    def follow() -> None:
        while not ended.wait(0.02):
            door.fold()

    thread = threading.Thread(target=follow)
    thread.start()
    try:
        yield
    finally:
        ended.set()
        thread.join()


def report(event: Event, **changes: Any) -> dict[str, Any]:
    """A report of an event as a device sends it."""
    item = {
        "id": str(uuid4()),
        "type": event.wire_name,
        "occurred_at": NOW,
        "data": event.model_dump(mode="json", exclude_none=True),
    }
    return item | changes


def accepted(response: Response) -> dict[str, Any]:
    """The answer to what must have been taken as it is, without a flag."""
    assert response.status_code == 200, response.text
    answer: dict[str, Any] = response.json()
    assert answer["status"] == "accepted", answer
    return answer


@contextmanager
def opened(database: LogDatabase, data_dir: Path, **settings: Any) -> Iterator[Door]:
    """The application over this database, with the administrator's key in every request that states no other."""
    given = Settings(
        writer_database_url=database.writer,
        reader_database_url=database.reader,
        keeper_database_url=database.keeper,
        data_dir=data_dir,
        **settings,
    )
    log = Log(database.projector)
    projector = Projector(database.projector, log, READ_MODELS)
    projector.prepare()
    app = create_app(given)
    try:
        with served(app) as url:
            key = given.admin_key_file.read_text().strip()
            with Client(base_url=url, headers={"Authorization": f"Bearer {key}"}, timeout=30) as client:
                yield Door(client, app, log, projector, database)
    finally:
        projector.close()
        log.close()


@contextmanager
def served(app: FastAPI) -> Iterator[str]:
    """The application on a free port of this machine, in a thread."""
    server = uvicorn.Server(
        uvicorn.Config(
            app,
            host="127.0.0.1",
            port=0,
            http=MeasuredHeads,
            h11_max_incomplete_event_size=app.state.front.settings.header_bytes_max,
            log_config=None,
            access_log=False,
            timeout_graceful_shutdown=2,
            proxy_headers=False,
        )
    )
    thread = threading.Thread(target=server.run, daemon=True)
    thread.start()
    wait_for(lambda: server.started or not thread.is_alive(), "the API")
    assert server.started, "the API did not start"
    try:
        yield f"http://127.0.0.1:{server.servers[0].sockets[0].getsockname()[1]}"
    finally:
        server.should_exit = True
        thread.join(15)
