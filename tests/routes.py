"""The routes of an application, those of included routers too."""

from collections.abc import Iterator
from typing import Any

from fastapi import FastAPI
from fastapi.routing import iter_route_contexts


def routes_of(app: FastAPI) -> Iterator[tuple[str, str, Any]]:
    """Method, path template and route, for every method of every route."""
    for route in iter_route_contexts(app.routes):
        for method in sorted(set(route.methods or ()) - {"HEAD"}):
            yield method, str(route.path), route
