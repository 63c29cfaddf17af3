"""Every route, fact and command has its line in the table of permissions; without one it is nobody's."""

import asyncio
from collections.abc import Iterator
from pathlib import Path
from types import SimpleNamespace
from typing import Any

import pytest
from fastapi import FastAPI
from starlette.requests import Request

from events.catalogue.base import Fact
from events.catalogue.registry import EVENTS
from services.access.permissions import COMMANDS, FACTS, ROUTES, permission_of, rule_of
from services.access.sender import NoSuchRight, Permission, Sender
from services.app import create_app
from services.settings import Settings
from tests.routes import routes_of

NOWHERE = "host=none"


@pytest.fixture(scope="module")
def app(tmp_path_factory: pytest.TempPathFactory) -> Iterator[FastAPI]:
    """The application, which nobody starts: only its routes are looked at."""
    made = create_app(Settings(data_dir=tmp_path_factory.mktemp("data"), database_url=NOWHERE))
    yield made
    made.state.front.books.close()
    made.state.front.credentials.close()
    made.state.front.handler.log.close()


def undeclared(app: FastAPI) -> list[str]:
    return [f"{method} {path}" for method, path, _ in routes_of(app) if permission_of(method, path) is None]


def test_every_route_declares_its_permission(app: FastAPI) -> None:
    assert undeclared(app) == []


def test_every_route_of_ours_stands_behind_the_gate(app: FastAPI) -> None:
    gate = app.state.front.gate
    behind = {path for _, path, route in routes_of(app) if gate in calls(route)}
    assert len(behind) > 80
    assert {path for _, path, _ in routes_of(app)} - behind == {"/openapi.json"}


def calls(route: Any) -> list[Any]:
    dependant = getattr(route, "dependant", None)
    return [] if dependant is None else [dependency.call for dependency in dependant.dependencies]


def test_a_route_that_declares_nothing_is_found_and_is_nobodys(tmp_path: Path) -> None:
    app = create_app(Settings(data_dir=tmp_path, database_url=NOWHERE))
    front = app.state.front

    @app.get("/api/v1/forgotten")
    def forgotten() -> None: ...

    assert undeclared(app) == ["GET /api/v1/forgotten"]
    request = Request(
        {"type": "http", "method": "GET", "headers": [], "route": SimpleNamespace(path="/api/v1/forgotten")}
    )
    request.state.sender = Sender("center/admin", "admin")
    with pytest.raises(NoSuchRight):
        asyncio.run(front.gate(request))
    for part in (front.books, front.credentials, front.handler.log):
        part.close()


def test_every_row_of_the_table_is_a_route(app: FastAPI) -> None:
    routes = {f"{method} {path}" for method, path, _ in routes_of(app)}
    assert set(ROUTES) <= routes
    assert {f"POST /api/v1/{name}" for name in COMMANDS} <= routes


def test_every_fact_that_can_be_reported_has_a_rule() -> None:
    facts = {
        event for event in EVENTS.values() if issubclass(event, Fact) and not event.wire_name.startswith("exchange.")
    }
    assert set(FACTS) == facts


def test_a_fact_without_a_rule_is_nobodys() -> None:
    class SomethingNew(Fact):
        """Not in the table."""

        wire_name = "outlets.something_new.v1"

    may, about = rule_of(SomethingNew)
    lead = Sender("user/lead", "person", scopes=frozenset({"report"}))
    assert may == Permission()
    assert not may.allows(lead, about(SomethingNew()), {})
    assert not may.open_to(Sender("till/t", "till", "karakol"))
