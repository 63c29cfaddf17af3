"""What every command that reads shares: a database that may be away, progress, tables, JSON, a last word."""

import dataclasses
import json
import os
import sys
from collections.abc import Callable, Iterator, Mapping
from contextlib import contextmanager
from datetime import UTC, date, datetime
from typing import TYPE_CHECKING, Annotated, Any, NoReturn
from uuid import uuid4

import typer

from services.settings import NoBroker, NoDatabase, settings

if TYPE_CHECKING:
    import httpx

AsJson = Annotated[bool, typer.Option("--json", help="Print one JSON object on standard output.")]


def database_of(role: Any) -> str:
    """The address of a role's database; ends the command with a sentence when none is known."""
    try:
        return settings().database_for(role)
    except (NoDatabase, NoBroker) as error:
        fail(str(error))


@contextmanager
def explained() -> Iterator[None]:
    """A database that is away is told in a sentence, not in a stack trace."""
    import psycopg
    from psycopg_pool import PoolTimeout

    from events.appends import LogUnavailable

    try:
        yield
    except (psycopg.OperationalError, PoolTimeout, LogUnavailable) as error:
        fail(f"the database does not answer: {str(error).splitlines()[0] if str(error) else type(error).__name__}")
    except (psycopg.errors.UndefinedTable, psycopg.errors.InvalidSchemaName) as error:
        fail(f"the database is not prepared: {str(error).splitlines()[0]}; run `ovop migrate`, then `ovop up`")


@contextmanager
def progress_bar(what: str, as_json: bool) -> Iterator[Callable[[int, int], None] | None]:
    """A progress bar on a terminal; silence elsewhere."""
    from rich.console import Console
    from rich.progress import BarColumn, MofNCompleteColumn, Progress, TextColumn, TimeRemainingColumn

    console = Console(stderr=True)
    if as_json or not console.is_terminal:
        yield None
        return
    columns = (TextColumn(what), BarColumn(), MofNCompleteColumn(), TimeRemainingColumn())
    with Progress(*columns, console=console, transient=True) as bar:
        task = bar.add_task(what, total=None)
        yield lambda reached, aimed: bar.update(task, completed=reached, total=aimed)


@contextmanager
def api_client() -> "Iterator[httpx.Client]":
    """The running API, with the key in OVOP_KEY or the administrator's; that it is away is told in a sentence."""
    import httpx

    given = settings()
    try:
        key = os.environ.get("OVOP_KEY") or given.admin_key_file.read_text(encoding="ascii").strip()
    except OSError:
        fail(f"there is no key in {given.admin_key_file}; set OVOP_KEY")
    try:
        with httpx.Client(base_url=given.base_url, headers={"Authorization": f"Bearer {key}"}, timeout=600) as client:
            yield client
    except httpx.TransportError as error:
        fail(f"the API at {given.base_url} does not answer: {error}")


def ask_api(client: "httpx.Client", method: str, path: str, *, params: Any = None, body: Any = None) -> Any:
    """Ask the API; the JSON it answers with. A refusal is told in its own words."""
    response = client.request(method, f"/api/v1{path}", params=params, json=body)
    try:
        told = response.json()
    except ValueError as error:
        fail(f"the API at {client.base_url} answers with something that is not JSON: {error}")
    if response.is_error:
        problems = "".join(f"\n  {each['field']}: {each['message']}" for each in told.get("problems", ()))
        fail(f"{told['title']} {told.get('what_to_do', '')}{problems}".rstrip())
    return told


def envelope() -> dict[str, str]:
    """What every command carries around its content: an id of its own, and that it was asked just now."""
    return {"id": str(uuid4()), "occurred_at": datetime.now(UTC).isoformat()}


def new_table(*columns: str) -> Any:
    """A table without frames; a heading that ends in `>` is a column of numbers."""
    from rich import box
    from rich.table import Table

    table = Table(box=box.SIMPLE_HEAD, show_header=any(columns), pad_edge=False)
    for column in columns:
        table.add_column(column.removesuffix(">"), justify="right" if column.endswith(">") else "left")
    return table


def say(what: Any) -> None:
    """Print something for people."""
    from rich.console import Console

    Console(highlight=False).print(what)


def say_json(value: Any) -> None:
    """Print one object for programs."""
    sys.stdout.write(json.dumps(plain(value), ensure_ascii=False, indent=2) + "\n")


def plain(value: Any) -> Any:
    """Dataclasses, instants and hashes as JSON has them."""
    if dataclasses.is_dataclass(value) and not isinstance(value, type):
        return {field.name: plain(getattr(value, field.name)) for field in dataclasses.fields(value)}
    if hasattr(value, "model_dump"):
        return value.model_dump(mode="json")
    match value:
        case datetime() | date():
            return value.isoformat()
        case bytes() | memoryview():
            return bytes(value).hex()
        case Mapping():
            return {str(key): plain(item) for key, item in value.items()}
        case str() | int() | float() | None:
            return value
        case _:
            return [plain(item) for item in value]


def fail(sentence: str) -> NoReturn:
    """End the command with exit code 1, having said why on standard error."""
    typer.echo(f"ovop: {sentence}", err=True)
    raise typer.Exit(1)
