"""Commands that look: `ovop status`, `doctor`, `verify`; and `rebuild`, which makes the read models anew."""

from collections.abc import Mapping, Sequence
from pathlib import Path
from typing import TYPE_CHECKING, Annotated, Any

import typer

from services.settings import settings
from services.terminal import AsJson, database_of, explained, fail, new_table, progress_bar, say, say_json

if TYPE_CHECKING:
    from projections.rebuild import Rebuilt
    from services.verification import VerifiedFile


def add_to(app: typer.Typer) -> None:
    """Add this group's commands."""
    for command in (status, doctor, verify, rebuild):
        app.command()(command)


def status(as_json: AsJson = False) -> None:
    """How the installation stands: the log's end, each read model's position, what is parked."""
    import psycopg

    from events.store import Log
    from projections.runner import lag

    reader = database_of("reader")
    with explained(), Log(reader) as log, psycopg.connect(reader) as connection:
        network, head, behind = log.network(), log.head(), lag(connection)
    told = {
        "network": network.network if network else None,
        "clock": network.clock if network else None,
        "position": head.position,
        "recorded_at": head.recorded_at,
        "leaf_hash": head.leaf_hash,
        "lag_events": behind.events,
        "lag_seconds": round(behind.seconds, 3) if behind.events else 0.0,
        "read_models": behind.positions,
        "parked": behind.parked,
    }
    if as_json:
        say_json(told)
        return
    table = new_table("", "")
    table.add_row("network", f"{network.network} ({network.clock} clock)" if network else "not founded yet")
    table.add_row(
        "log",
        f"{head.position:,} events" + (f", last {head.recorded_at:%Y-%m-%d %H:%M:%S}Z" if head.recorded_at else ""),
    )
    for model, position in sorted(behind.positions.items()):
        late = head.position - position
        note = "up to date" if late <= 0 else f"{late:,} behind"
        parked = behind.parked.get(model, 0)
        table.add_row(model, note + (f", [red]{parked:,} parked[/red]" if parked else ""))
    say(table)


def doctor(as_json: AsJson = False) -> None:
    """Look for what is wrong with this installation, and say what to do about it. Exit code 1 when something is."""
    from services.checks import run_checks

    checks = run_checks(settings())
    if as_json:
        say_json({"ok": all(check.is_well for check in checks), "checks": checks})
    else:
        table = new_table("", "", "")
        for check in checks:
            sign = "[green]✓[/green]" if check.is_well else "[red]✗[/red]"
            table.add_row(sign, check.name, check.found + (f"\n[dim]{check.advice}[/dim]" if not check.is_well else ""))
        say(table)
    if not all(check.is_well for check in checks):
        raise typer.Exit(1)


def verify(
    file: Annotated[
        Path | None, typer.Argument(help="A copy of the log (ovop export); without one, the log itself.")
    ] = None,
    statement: Annotated[Path | None, typer.Option(help="What the network states about the copy, as signed.")] = None,
    key: Annotated[
        str | None, typer.Option(help="The public key it must be signed with, hexadecimal, as you were given it.")
    ] = None,
    as_json: AsJson = False,
) -> None:
    """Check the whole log, or a copy of it off line: positions without a gap, every leaf as it was hashed.

    Of the log itself, every row is compared with its leaf. Exit code 1 when something is wrong.
    """
    from events.exported import NotAnExport
    from services.verification import VerifiedFile, verify_file
    from services.verification import verify as verify_log

    if file is None:
        if statement is not None or key is not None:
            fail("a statement is about a copy: name the file")
        reader = database_of("reader")
        with explained(), progress_bar("verifying", as_json) as progress:
            found = verify_log(reader, progress)
    else:
        try:
            with progress_bar("verifying", as_json) as progress:
                found = verify_file(file, progress)
            if statement is not None:
                _check_statement(statement, key, found)
        except (NotAnExport, OSError) as error:
            fail(str(error))
    told: dict[str, Any] = {
        "ok": found.is_sound,
        "events": found.events,
        "position": found.head_position,
        "leaf_hash": found.head_leaf_hash,
        "faults": found.faults,
        "faults_untold": found.faults_untold,
    }
    if isinstance(found, VerifiedFile):
        told |= {"network": found.header.network, "after": found.header.after, "content_sha256": found.content_sha256}
    if as_json:
        say_json(told)
    elif found.is_sound:
        first = found.header.after + 1 if isinstance(found, VerifiedFile) else 1
        say(
            f"[green]✓[/green] {found.events:,} events: positions {first:,} to {found.head_position:,} without a gap,"
            " every hash right"
        )
        if isinstance(found, VerifiedFile):
            signed = f", signed by {key or 'the key in the statement'}" if statement is not None else ""
            say(f"sha256 {found.content_sha256}{signed}")
    else:
        for fault in found.faults:
            say(f"[red]✗[/red] position {fault.position:,}: {fault.problem}")
        if found.faults_untold:
            say(f"and {found.faults_untold:,} more")
    if not found.is_sound:
        raise typer.Exit(1)


def _check_statement(path: Path, key: str | None, found: "VerifiedFile") -> None:
    """A statement must be about this very file, and signed; by the key that the auditor trusts, if one is named."""
    import json

    from services.signed import export_text, is_signed

    header = found.header
    try:
        said = json.loads(path.read_bytes())
        export, public_key, signature = said["export"]["export"], said["public_key"], said["signature"]
        # A text with half of a character in it has no bytes: that is a ValueError too.
        text = export_text(header.network, export, header.after, header.through, found.content_sha256)
    except (ValueError, KeyError, TypeError):
        fail(f"{path} is no statement about an export")
    if not all(isinstance(each, str) for each in (export, public_key, signature)):
        fail(f"{path} is no statement about an export")
    if key is not None and public_key != key:
        found.blame(0, f"signed by another key: {public_key}")
    elif not is_signed(public_key, signature, text):
        found.blame(0, "the statement is about another file, or was not signed by the key that it names")


def rebuild(
    models: Annotated[list[str] | None, typer.Argument(help="Read models; all of them when none is named.")] = None,
    back: Annotated[bool, typer.Option("--back", help="Show again what was served before the last switch.")] = False,
    even_if_different: Annotated[
        bool, typer.Option("--switch-even-if-different", help="Switch although the digests differ.")
    ] = False,
    as_json: AsJson = False,
) -> None:
    """Make read models anew from the log beside what is served, compare digests, switch; the old ones are kept."""
    from events.store import Log
    from projections.rebuild import NothingToSwitchBackTo, RebuildDiffers, RebuildUnderWay, switch_back
    from projections.rebuild import rebuild as rebuild_models
    from services.read_models import READ_MODELS

    known = {model.name: model for model in READ_MODELS}
    unknown = sorted(set(models or ()) - known.keys())
    if unknown:
        fail(f"no read model is called {', '.join(unknown)}; there are {', '.join(sorted(known))}")
    chosen = [known[name] for name in dict.fromkeys(models or known)]
    projector = database_of("projector")
    try:
        with explained():
            if back:
                _tell_back({model.name: switch_back(projector, model) for model in chosen}, as_json)
                return
            with Log(projector) as log, progress_bar("rebuilding", as_json) as progress:
                done = rebuild_models(projector, log, chosen, progress, switch_even_if_different=even_if_different)
    except (RebuildDiffers, RebuildUnderWay, NothingToSwitchBackTo) as error:
        fail(str(error))
    if as_json:
        say_json({"rebuilt": done})
    else:
        _print_rebuilt(done)


def _tell_back(served: Mapping[str, str], as_json: bool) -> None:
    if as_json:
        say_json({"served": served})
    else:
        for model, schema in served.items():
            say(f"{model} is served from {schema} again")


def _print_rebuilt(done: Sequence["Rebuilt"]) -> None:
    table = new_table("read model", "position>", "digest", "compared with the served one", "seconds>")
    for one in done:
        compared = "same" if one.was_compared and not one.differs_in else "other version"
        if one.differs_in:
            compared = f"[red]differs in {', '.join(one.differs_in)}[/red]"
        table.add_row(one.model, f"{one.position:,}", one.digest[:16], compared, f"{one.seconds:.1f}")
    say(table)
