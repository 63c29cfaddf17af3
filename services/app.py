"""The API, put together: settings, log, read models, routes, and one page for every error."""

import gc
import logging
from collections.abc import AsyncIterator
from contextlib import asynccontextmanager
from typing import Any, Final

from fastapi import Depends, FastAPI, Request, Response
from fastapi.exceptions import RequestValidationError
from fastapi.routing import iter_route_contexts
from psycopg import OperationalError
from psycopg.conninfo import conninfo_to_dict, make_conninfo
from psycopg.errors import QueryCanceled
from psycopg_pool import ConnectionPool, PoolTimeout
from starlette.exceptions import HTTPException
from starlette.routing import compile_path

from events.catalogue.registry import FieldProblem
from events.store import Log, LogBusy, LogClosed, LogUnavailable, RecordedAtRefused
from projections.chains import TillChains
from services import asyncapi, entry, facts, looking_back, operations, reads, regions, stream, todo
from services.access.credentials import Credentials, ensure_admin_key
from services.access.judge import Judge
from services.access.oidc import Oidc
from services.access.passwords import Passwords
from services.access.people_store import PeopleStore
from services.access.rates import Rates
from services.advice import ServedAdvice
from services.audit import routes as audit
from services.books import Books
from services.center import routes as center
from services.clock import NetworkClock
from services.committee import routes as committee
from services.documents import routes as documents
from services.errors import (
    Internal,
    Malformed,
    MethodNotAllowed,
    NotFound,
    Refused,
    TookTooLong,
    Unavailable,
)
from services.front import Front, problem_response
from services.handle import Handler
from services.incoming import ClockIsReal
from services.logistics import routes as logistics
from services.network import routes as network
from services.openapi import describe
from services.outlets import routes as outlets
from services.past import Past
from services.personal import routes as personal
from services.personal.vault import Vault
from services.producers import routes as producers
from services.quarantine import routes as quarantine
from services.reports import Reports
from services.settings import Settings, settings
from services.settlement import routes as settlement
from services.signing import routes as signing
from services.web import desk_routes
from services.web.lost_page import is_lost, lost_page
from services.web.menu import menus
from services.web.routes import SafeStatic, pages
from services.web.sign_in_page import sign_in_pages
from services.web.source import ServedPages
from services.workshops import routes as workshops

CONTEXTS = (
    *(network, producers, workshops, committee, logistics, outlets, settlement, center),
    *(quarantine, documents, signing),
)

#: So many objects may be made beyond those let go before Python looks for circles.
GARBAGE_OBJECTS: Final = 100_000
_NO_SUCH_METHOD: Final = 405
_ON_OUR_SIDE: Final = 500

logger = logging.getLogger(__name__)


def create_app(given: Settings | None = None) -> FastAPI:
    """The application of one installation. Raises NoDatabase."""
    given = given or settings()
    front = _front(given)
    writer = given.database_for("writer")
    vault = Vault(ConnectionPool(writer, min_size=0, max_size=2, timeout=5, num_workers=1, open=True))

    @asynccontextmanager
    async def lifespan(app: FastAPI) -> AsyncIterator[None]:
        ensure_admin_key(front.credentials.store, given.admin_key_file)
        _collect_garbage_rarely()
        async with stream.following(front, app):
            yield
        await front.rates.close()
        front.past.close()
        front.books.close()
        vault.close()
        front.credentials.close()
        front.handler.log.close()

    app = FastAPI(
        title="OVOP",
        version="1",
        lifespan=lifespan,
        docs_url=None,
        redoc_url=None,
        redirect_slashes=False,  # behind a proxy it would lead a client, and its key, away from https
        dependencies=[Depends(front.gate)],
    )
    app.state.front = front
    app.state.figures = operations.Figures(front)
    app.add_middleware(SafeStatic)
    app.add_middleware(operations.Measured, figures=app.state.figures)
    app.include_router(facts.routes(front))
    for context in CONTEXTS:
        app.include_router(context.routes(front))
    app.include_router(personal.routes(front, vault))
    app.include_router(audit.routes(front, vault))
    app.include_router(reads.routes(front))
    app.include_router(regions.routes(front))
    app.include_router(looking_back.routes(front))
    app.include_router(todo.routes(front))
    app.include_router(stream.routes())
    app.include_router(entry.routes(front))
    app.include_router(operations.routes(front))
    app.include_router(asyncapi.routes())
    app.include_router(pages(ServedPages(front.books), menus(front)))
    app.include_router(desk_routes.routes(front))
    app.include_router(sign_in_pages(front))
    _name_every_error(app, front)
    describe(app)
    return app


def _front(given: Settings) -> Front:
    """The parts behind the routes. Raises NoDatabase."""
    log = Log(_hurried(given.database_for("writer"), given.write_statement_seconds))
    clock = NetworkClock(log)
    judge = Judge(log)
    store = PeopleStore(given.database_for("keeper"))
    credentials = Credentials(store, judge, given.believed_seconds)
    books = Books(given.database_for("reader"), statement_seconds=given.read_statement_seconds)
    handler = Handler(log)
    asking = ConnectionPool(given.database_for("writer"), min_size=0, max_size=2, timeout=5, num_workers=1, open=True)
    return Front(
        settings=given,
        handler=handler,
        reports=Reports(
            handler,
            simulated=clock.simulated,
            clock=clock.now,
            advice=ServedAdvice(books),
            chains=credentials,
        ),
        credentials=credentials,
        judge=judge,
        rates=Rates(store.count),
        passwords=Passwords(store, given.account_failures_per_quarter_hour, given.address_failures_per_quarter_hour),
        oidc=_oidc(given, store),
        books=books,
        past=Past(books, asking),
        clock=clock,
        till_chains=TillChains(),
    )


def _oidc(given: Settings, store: PeopleStore) -> Oidc | None:
    if given.oidc_issuer is None:
        return None
    file = given.oidc_client_secret_file
    secret = None if file is None else file.read_text().strip()
    return Oidc(store, given.oidc_issuer, given.oidc_client_id, secret, f"{given.address}{entry.OTHER_RETURN}")


def _hurried(conninfo: str, seconds: float) -> str:
    """The same address, for statements that the database ends after some time."""
    own = conninfo_to_dict(conninfo).get("options") or ""
    return make_conninfo(conninfo, options=f"{own} -c statement_timeout={int(seconds * 1000)}".strip())


def _collect_garbage_rarely() -> None:
    """A list of 500 reports makes some 20,000 objects and leaves none behind: looking for circles meanwhile took half
    of the time of reading them."""
    gc.collect()
    gc.freeze()
    gc.set_threshold(GARBAGE_OBJECTS, 20, 20)


def _name_every_error(app: FastAPI, front: Front) -> None:
    """Whatever goes wrong is answered as problem details, to a person as a page, and never with a stack trace."""

    def told(request: Request, refusal: Refused) -> Response:
        response = problem_response(refusal)
        status = response.status_code
        if not is_lost(request, status):
            return response
        # Whether the clock is simulated is in the database, which does not answer now.
        is_simulated = status < _ON_OUR_SIDE and front.clock.simulated()
        shown = lost_page(request, status, is_simulated)
        if "Retry-After" in response.headers:
            shown.headers["Retry-After"] = response.headers["Retry-After"]
        return shown

    @app.exception_handler(Refused)
    async def refused(request: Request, refusal: Refused) -> Response:
        return told(request, refusal)

    @app.exception_handler(RecordedAtRefused)
    async def clock_is_real(_: Request, __: RecordedAtRefused) -> Response:
        return problem_response(ClockIsReal(field="recorded_at"))

    async def unavailable(request: Request, error: Exception) -> Response:
        logger.warning("unavailable: %s", error)
        return told(request, Unavailable())

    @app.exception_handler(QueryCanceled)
    async def took_too_long(request: Request, error: QueryCanceled) -> Response:
        logger.warning("took too long: %s", error)
        return told(request, TookTooLong())

    for passing in (LogUnavailable, LogBusy, LogClosed, OperationalError, PoolTimeout):
        app.add_exception_handler(passing, unavailable)

    @app.exception_handler(RequestValidationError)
    async def malformed(request: Request, error: RequestValidationError) -> Response:
        return told(request, Malformed([_problem(detail) for detail in error.errors()]))

    @app.exception_handler(HTTPException)
    async def by_status(request: Request, error: HTTPException) -> Response:
        kinds: dict[int, type[Refused]] = {404: NotFound, 405: MethodNotAllowed}
        kind = kinds.get(error.status_code, Malformed if error.status_code < _ON_OUR_SIDE else Internal)
        response = told(request, kind())
        if error.status_code == _NO_SUCH_METHOD:
            response.headers["Allow"] = ", ".join(sorted(_methods_of(app, request.url.path)))
        return response

    @app.exception_handler(Exception)
    async def internal(request: Request, __: Exception) -> Response:
        return told(request, Internal())


def _methods_of(app: FastAPI, path: str) -> set[str]:
    """What an address takes, over all the routes that share it; the nearest when `{lot}` would match it as well."""
    by_template: dict[str, set[str]] = {}
    for route in iter_route_contexts(app.routes):
        if compile_path(str(route.path))[0].fullmatch(path):
            by_template.setdefault(str(route.path), set()).update(route.methods or ())
    return by_template.get(path) or set().union(*by_template.values())


def _problem(detail: dict[str, Any]) -> FieldProblem:
    where = ".".join(str(part) for part in detail["loc"][1:]) or str(detail["loc"][0])
    return FieldProblem(field=where, message=detail["msg"], code=detail["type"])
