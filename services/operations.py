"""Whether it works: liveness, readiness, figures for Prometheus."""

import asyncio
import time
from collections.abc import Iterator
from typing import Any, Final

import psycopg
from fastapi import APIRouter, Request, Response
from fastapi.responses import PlainTextResponse
from prometheus_client import CollectorRegistry, Counter, Histogram, generate_latest
from prometheus_client.core import GaugeMetricFamily, Metric
from prometheus_client.registry import Collector
from psycopg_pool import PoolTimeout
from starlette.types import ASGIApp, Message, Receive, Scope, Send

from projections.runner import Lag, lag
from services.books import MODELS
from services.front import Front, json_response

#: Read models further behind the log than this are not fit to answer readers.
LAG_EVENTS_MAX: Final = 100_000
_NOT_READY: Final = 503


def routes(front: Front) -> APIRouter:
    """The addresses of those who run the installation."""
    router = APIRouter(tags=["operations"])

    @router.get("/healthz")
    async def healthz() -> dict[str, str]:
        """The process answers."""
        return {"status": "alive"}

    @router.get("/readyz")
    async def readyz() -> Response:
        """The log answers and the read models follow it; by how much they are behind, and what they could not take."""
        try:
            found = await asyncio.to_thread(_lag, front)
        except (psycopg.OperationalError, PoolTimeout):
            return json_response({"status": "not ready", "why": "the database does not answer"}, _NOT_READY)
        missing = sorted(set(MODELS) - found.positions.keys())
        if missing:
            return json_response({"status": "not ready", "why": f"not served yet: {', '.join(missing)}"}, _NOT_READY)
        behind = found.events > LAG_EVENTS_MAX
        said: dict[str, Any] = {
            "status": "not ready" if behind else "ready",
            "head": found.head,
            "positions": found.positions,
            "lag_events": found.events,
            "lag_seconds": round(found.seconds, 3),
            "parked": found.parked,
        }
        return json_response(said, _NOT_READY if behind else 200)

    @router.get("/metrics", response_class=PlainTextResponse)
    async def metrics(request: Request) -> Response:
        """Figures for Prometheus; for auditors, and with a key for `read:metrics`."""
        figures: Figures = request.app.state.figures
        text = await asyncio.to_thread(generate_latest, figures.registry)
        return Response(text, media_type="text/plain; version=0.0.4; charset=utf-8")

    return router


def _lag(front: Front) -> Lag:
    with front.books.pool.connection() as connection:
        return lag(connection)


class Figures(Collector):
    """What is counted in this process, and what the database says when somebody asks."""

    def __init__(self, front: Front) -> None:
        self._front = front
        self.registry = CollectorRegistry()
        self.registry.register(self)
        self.requests = Histogram(
            "ovop_request_seconds",
            "Requests by route and status",
            ("method", "route", "status"),
            registry=self.registry,
            buckets=(0.005, 0.02, 0.05, 0.1, 0.3, 1, 3, 10),
        )
        self.broken = Counter("ovop_requests_broken_total", "Requests that ended in an error", registry=self.registry)

    def collect(self) -> Iterator[Metric]:
        try:
            found = _lag(self._front)
        except (psycopg.OperationalError, PoolTimeout):
            yield GaugeMetricFamily("ovop_database_up", "Whether the database answers", value=0)
            return
        yield GaugeMetricFamily("ovop_database_up", "Whether the database answers", value=1)
        yield GaugeMetricFamily("ovop_log_position", "The last position of the log", value=found.head)
        yield GaugeMetricFamily("ovop_lag_seconds", "Age of the oldest event not folded", value=found.seconds)
        positions = GaugeMetricFamily("ovop_read_model_position", "How far a read model is", labels=["model"])
        parked = GaugeMetricFamily("ovop_parked_events", "Events that a read model could not take", labels=["model"])
        for model, position in found.positions.items():
            positions.add_metric([model], position)
            parked.add_metric([model], found.parked.get(model, 0))
        yield positions
        yield parked


class Measured:
    """Measures every request by its route."""

    def __init__(self, app: ASGIApp, figures: Figures) -> None:
        self._app = app
        self._figures = figures

    async def __call__(self, scope: Scope, receive: Receive, send: Send) -> None:
        if scope["type"] != "http":
            await self._app(scope, receive, send)
            return
        begun = time.perf_counter()
        status = 500

        async def told(message: Message) -> None:
            nonlocal status
            if message["type"] == "http.response.start":
                status = message["status"]
            await send(message)

        try:
            await self._app(scope, receive, told)
        except Exception:
            self._figures.broken.inc()
            raise
        finally:
            route = getattr(scope.get("route"), "path", "none")
            took = time.perf_counter() - begun
            self._figures.requests.labels(scope["method"], route, str(status)).observe(took)
