"""Commands of the quarantine desk: `ovop quarantine list`, `show`, `map`, `resubmit`, `dismiss`.

They ask the running API, so whoever uses them needs a key, and everything goes the way it goes for everybody.
"""

import json
import sys
from datetime import datetime
from typing import Annotated, Any

import typer

from services.terminal import AsJson, api_client, ask_api, envelope, fail

Message = Annotated[str, typer.Argument(help="The id of the message in quarantine.")]
Reason = Annotated[str, typer.Option(help="A word for it, such as renamed_product or test_report.")]

app = typer.Typer(no_args_is_help=True, help="Reports that could not be understood: look, map, send again, dismiss.")


def add_to(root: typer.Typer) -> None:
    """Add this group's commands."""
    root.add_typer(app, name="quarantine")


@app.command("list")
def list_messages(
    state: Annotated[str, typer.Option(help="open, mapped, resubmitted, dismissed or all.")] = "open",
    sender: Annotated[str | None, typer.Option(help="Only of this actor, such as till/karakol-1.")] = None,
    problem: Annotated[str | None, typer.Option(help="Only with this problem, such as unknown_field.")] = None,
    before: Annotated[int | None, typer.Option(help="`next` of the page before.")] = None,
    as_json: AsJson = False,
) -> None:
    """What lies in quarantine, the newest first."""
    asked = {"state": state, "sender": sender, "problem": problem, "before": before}
    told = _ask("GET", "", params={name: value for name, value in asked.items() if value is not None})
    if as_json:
        _print_json(told)
        return
    from rich import box
    from rich.console import Console
    from rich.table import Table

    table = Table("id", "recorded", "sender", "problem", "state", box=box.SIMPLE_HEAD, pad_edge=False)
    for found in told["messages"]:
        recorded_at = f"{datetime.fromisoformat(found['recorded_at']):%Y-%m-%d %H:%M}Z"
        table.add_row(found["quarantine"], recorded_at, found["sender"], found["problem"], found["state"])
    Console(highlight=False).print(table)
    more = f"; go on with --before {told['next']}" if told["next"] else ""
    typer.echo(f"{told['count']:,} {state}, {len(told['messages']):,} shown{more}")


@app.command()
def show(message: Message, as_json: AsJson = False) -> None:
    """One message: its bytes, what was wrong with it, what was done about it."""
    told = _ask("GET", f"/{message}")
    if as_json:
        _print_json(told)
        return
    for name in ("quarantine", "state", "problem", "sender", "till", "till_counter", "claimed_id", "recorded_at"):
        typer.echo(f"{name:<14}{told[name] if told[name] is not None else '-'}")
    for step in told["steps"]:
        typer.echo(f"{step['resolution']:<14}by {step['actor']}, {step['reason']}, {step['resubmitted_as'] or '-'}")
        if step["changes"] is not None:
            typer.echo(json.dumps(step["changes"], ensure_ascii=False))
    content = told["content"]
    typer.echo(content.get("text") or content.get("base64") or "the bytes were erased")


@app.command("map")
def map_message(
    message: Message,
    reason: Reason,
    set_: Annotated[list[str] | None, typer.Option("--set", help="PLACE=VALUE, as data.lines.0.units=2.")] = None,
    rename: Annotated[list[str] | None, typer.Option(help="PLACE=NAME, as data.price=unit_price_tyiyn.")] = None,
    remove: Annotated[list[str] | None, typer.Option(help="PLACE, as data.colour.")] = None,
    wherever: Annotated[list[str] | None, typer.Option(help="FIELD=OLD=NEW, as product=JAM-1=apricot-jam-300.")] = None,
    dry_run: Annotated[bool, typer.Option("--try", help="Say what would become of it, and store nothing.")] = False,
    as_json: AsJson = False,
) -> None:
    """Change what could not be understood, and send the message again so. The original bytes stay."""
    changes: list[dict[str, Any]] = []
    for each in wherever or ():
        field, old, new = _parted(each, 3)
        changes.append({"wherever": field, "is": _value(old), "to": _value(new)})
    for each in rename or ():
        place, name = _parted(each, 2)
        changes.append({"at": place, "rename": name})
    for each in set_ or ():
        place, value = _parted(each, 2)
        changes.append({"at": place, "to": _value(value)})
    changes += [{"at": place, "remove": True} for place in remove or ()]
    if dry_run:
        told = _ask("POST", "/try", body={"quarantine": message, "changes": changes})
        if as_json:
            _print_json(told)
        else:
            typer.echo("understood" if told["understood"] else f"{told['problem']}: {told['detail']}")
        raise typer.Exit(0 if told["understood"] else 1)
    _do("map", as_json, quarantine=message, reason=reason, changes=changes)


@app.command()
def resubmit(message: Message, reason: Reason = "understood_now", as_json: AsJson = False) -> None:
    """Send a message again just as it came."""
    _do("resubmit", as_json, quarantine=message, reason=reason)


@app.command()
def dismiss(message: Message, reason: Reason, as_json: AsJson = False) -> None:
    """Put a message aside for good; it stays readable."""
    _do("dismiss", as_json, quarantine=message, reason=reason)


def _do(verb: str, as_json: bool, **fields: Any) -> None:
    told = _ask("POST", f"/{verb}", body=envelope() | fields)
    if as_json:
        _print_json(told)
    else:
        typer.echo(f"{told['status']}, position {told['position']:,}")


def _ask(method: str, path: str, *, params: Any = None, body: Any = None) -> Any:
    with api_client() as client:
        return ask_api(client, method, f"/quarantine{path}", params=params, body=body)


def _parted(text: str, count: int) -> list[str]:
    parts = text.split("=", count - 1)
    if len(parts) != count:
        fail(f"{text!r} has not {count} parts with '=' between them")
    return parts


def _value(text: str) -> Any:
    """JSON where it is JSON (2, true, "2"), else the text as it stands."""
    try:
        return json.loads(text)
    except ValueError:
        return text


def _print_json(value: Any) -> None:
    sys.stdout.write(json.dumps(value, ensure_ascii=False, indent=2) + "\n")
