"""`ovop up`, and what it runs: `ovop migrate` and `ovop run <process>`."""

import asyncio
import contextlib
import json
import logging
import os
import signal
import sys
import threading
from collections.abc import Awaitable, Callable
from pathlib import Path
from typing import Annotated
from urllib.parse import unquote, urlsplit

import typer

from services.settings import NoBroker, NoDatabase, Settings, settings

#: Where a broker in a container listens and keeps its streams.
BROKER_PORT = 4222
BROKER_STORE = Path("/data")
HEARTBEAT_SECONDS = 3.0

ReadyFile = Annotated[Path | None, typer.Option(help="Written when everything is ready, removed at the end.")]


def add_to(app: typer.Typer) -> None:
    """Add this group's commands."""
    app.command()(up)
    app.command(name="migrate")(migrate_database)
    run = typer.Typer(help="Run one process in the foreground; `ovop up` runs them all.", no_args_is_help=True)
    for process in (api, relay, projector, lookback, intake):
        run.command()(process)
    app.add_typer(run, name="run")


def up(ready_file: ReadyFile = None) -> None:
    """Run everything until Ctrl-C: the servers (unless OVOP_DATABASE_URL and OVOP_NATS_URL name others), API, relay,
    projector, lookback and intake."""
    from services.embedded import EmbeddedServerError
    from services.up import KeepsDying, NotReady, supervise

    begin_logging("up")
    given = Settings()
    is_first = not given.admin_key_file.exists()

    def tell(resolved: Settings) -> None:
        if is_first and sys.stderr.isatty():  # a log file is no place for a key
            key = given.admin_key_file.read_text(encoding="ascii").strip()
            typer.echo(
                f"the administrator's key, shown this once (it is kept in {given.admin_key_file}):\n{key}", err=True
            )
        typer.echo(f"ready: {resolved.base_url}  logs: {resolved.data_dir / 'logs'}  (Ctrl-C stops)", err=True)

    try:
        supervise(given, ready_file=ready_file, told=tell)
    except (EmbeddedServerError, KeepsDying, NotReady) as error:
        typer.echo(f"ovop up: {error}", err=True)
        raise typer.Exit(1) from error


def migrate_database(
    broker_config: Annotated[
        Path | None, typer.Option(help="Also write the configuration of a broker that listens on port 4222.")
    ] = None,
) -> None:
    """Bring the database to the present, and let in the users that the addresses of the roles name."""
    from events.migrate import login, migrate
    from services.up import DATABASE_ROLES

    begin_logging("migrate")
    given = settings()
    admin = _or_exit(lambda: given.database_for("admin"))
    migrate(admin)
    for name, role in DATABASE_ROLES.items():
        address = urlsplit(getattr(given, f"{name}_database_url") or "")
        if address.username and address.password:
            login(admin, unquote(address.username), role, unquote(address.password))
            typer.echo(f"{unquote(address.username)} acts as {role}", err=True)
    if broker_config is not None:
        write_broker_config(given, broker_config)
        typer.echo(f"wrote {broker_config}", err=True)


def write_broker_config(given: Settings, path: Path) -> None:
    """The configuration of a broker in a place of its own, with the passwords that the addresses of the roles state."""
    from events import nats_config
    from services.up import broker_leaf

    kept = path.with_name("broker-users.json")
    stated = [urlsplit(url) for url in (given.relay_nats_url, given.projector_nats_url, given.intake_nats_url) if url]
    passwords = {unquote(url.username): unquote(url.password) for url in stated if url.username and url.password}
    users = nats_config.load_users(kept, given.broker_devices, given.broker_outlets, given.broker_readers)
    users = nats_config.BrokerUsers({**users.passwords, **passwords})
    nats_config.write_private(kept, json.dumps(dict(users.passwords), indent=1, sort_keys=True))
    everywhere = "0.0.0.0"  # noqa: S104 - inside a container
    text = nats_config.server_config(users, BROKER_PORT, BROKER_STORE, host=everywhere, leaf=broker_leaf(given))
    path.write_text(text)
    # The broker runs as another user of its container; the directory is handed to these two containers alone.
    path.chmod(0o644)


def api() -> None:
    """The HTTP interface and the pages."""
    import uvicorn

    from services.heads import MeasuredHeads

    begin_logging("api")
    given = settings()
    uvicorn.run(
        "services.app:create_app",
        factory=True,
        host=given.host,
        port=given.port,
        http=MeasuredHeads,
        h11_max_incomplete_event_size=given.header_bytes_max,
        log_config=None,
        access_log=False,
        timeout_graceful_shutdown=int(given.stop_seconds / 2) or 1,
        server_header=False,
        # Otherwise anybody could name an address of their choice, and be counted as somebody else.
        proxy_headers=bool(given.trusted_proxies),
        forwarded_allow_ips=given.trusted_proxies,
    )


def relay() -> None:
    """Carries each recorded event from the log to the broker."""
    begin_logging("relay")
    from events.relay import Relay

    given = settings()
    it = _or_exit(lambda: Relay(given.database_for("relay"), given.nats_for("relay"), network=given.network))
    asyncio.run(until_stopped(it.run, it.stop))


def projector() -> None:
    """Folds the log into the read models."""
    begin_logging("projector")
    from projections.runner import run_projector
    from services.read_models import READ_MODELS

    given = settings()
    database = _or_exit(lambda: given.database_for("projector"))
    broker = given.projector_nats_url or given.nats_url
    stop = asyncio.Event()
    asyncio.run(until_stopped(lambda: run_projector(database, broker, READ_MODELS, stop), stop.set))


def lookback() -> None:
    """Builds the books of earlier positions that somebody asked for."""
    begin_logging("lookback")
    from services import lookback as it

    database = _or_exit(lambda: settings().database_for("projector"))
    stop = threading.Event()
    asyncio.run(until_stopped(lambda: asyncio.to_thread(it.run, database, stop), stop.set))


def intake() -> None:
    """Takes reports from the broker through the same door as HTTP."""
    begin_logging("intake")
    from services.intakes import opened

    with contextlib.ExitStack() as until:
        it = _or_exit(lambda: until.enter_context(opened(settings())))
        asyncio.run(until_stopped(it.run, it.stop))


def _or_exit[T](start: Callable[[], T]) -> T:
    try:
        return start()
    except (NoDatabase, NoBroker) as error:
        typer.echo(str(error), err=True)
        raise typer.Exit(1) from error


async def until_stopped(run: Callable[[], Awaitable[None]], stop: Callable[[], None]) -> None:
    """Run until SIGTERM or SIGINT, with a heartbeat from this very event loop."""
    loop = asyncio.get_running_loop()
    for number in (signal.SIGTERM, signal.SIGINT):
        loop.add_signal_handler(number, stop)
    heart = asyncio.create_task(_beat())
    try:
        await run()
    finally:
        heart.cancel()
        with contextlib.suppress(asyncio.CancelledError):
            await heart


async def _beat() -> None:
    """Touch the file that a health check looks at, when there is one."""
    file = os.environ.get("OVOP_HEARTBEAT_FILE")
    while file:
        Path(file).touch()
        await asyncio.sleep(HEARTBEAT_SECONDS)


class JsonLines(logging.Formatter):
    """One JSON object a line, for a collector of logs."""

    def format(self, record: logging.LogRecord) -> str:
        import orjson

        line = {
            "at": self.formatTime(record, "%Y-%m-%dT%H:%M:%S"),
            "level": record.levelname.lower(),
            "logger": record.name,
            "message": record.getMessage(),
        }
        if record.exc_info:
            line["exception"] = self.formatException(record.exc_info)
        return orjson.dumps(line).decode()


def begin_logging(process: str) -> None:
    """Write the log of this process to standard error, which the supervisor keeps in a file."""
    given = Settings()
    handler = logging.StreamHandler(sys.stderr)
    text = logging.Formatter(f"%(asctime)s %(levelname)s {process} %(name)s: %(message)s")
    handler.setFormatter(JsonLines() if given.log_format == "json" else text)
    logging.basicConfig(level=given.log_level.upper(), handlers=[handler], force=True)
    logging.getLogger("httpx").setLevel(logging.WARNING)
