"""Commands that look: `ovop status`, `doctor`, `verify`, `trace`, `replay`; and `rebuild`, which makes it anew."""

import dataclasses
import json
import sys
from collections.abc import Callable, Iterator, Mapping, Sequence
from contextlib import contextmanager
from datetime import date, datetime
from typing import TYPE_CHECKING, Annotated, Any, NoReturn

import typer

from services.settings import NoBroker, NoDatabase, settings

if TYPE_CHECKING:
    from projections.rebuild import Rebuilt
    from services.replay import Replayed
    from services.web.views import JarView

AsJson = Annotated[bool, typer.Option("--json", help="Print one JSON object on standard output.")]
PPM_PER_CENT = 10_000
BASIS_POINTS_PER_CENT = 100


def add_to(app: typer.Typer) -> None:
    """Add this group's commands."""
    for command in (status, doctor, verify, trace, replay, rebuild):
        app.command()(command)


def status(as_json: AsJson = False) -> None:
    """How the installation stands: the log's end, each read model's position, what is parked."""
    import psycopg

    from events.store import Log
    from projections.runner import lag

    reader = _database("reader")
    with _explained(), Log(reader) as log, psycopg.connect(reader) as connection:
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
        _print_json(told)
        return
    table = _table("", "")
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
    _print(table)


def doctor(as_json: AsJson = False) -> None:
    """Look for what is wrong with this installation, and say what to do about it. Exit code 1 when something is."""
    from services.checks import run_checks

    checks = run_checks(settings())
    if as_json:
        _print_json({"ok": all(check.is_well for check in checks), "checks": checks})
    else:
        table = _table("", "", "")
        for check in checks:
            sign = "[green]✓[/green]" if check.is_well else "[red]✗[/red]"
            table.add_row(sign, check.name, check.found + (f"\n[dim]{check.advice}[/dim]" if not check.is_well else ""))
        _print(table)
    if not all(check.is_well for check in checks):
        raise typer.Exit(1)


def verify(as_json: AsJson = False) -> None:
    """Check the whole log: positions without a gap, every leaf as it was hashed, every row what its leaf says."""
    from services.verification import verify as verify_log

    reader = _database("reader")
    with _explained(), _progress("verifying", as_json) as progress:
        found = verify_log(reader, progress)
    if as_json:
        _print_json(
            {
                "ok": found.is_sound,
                "events": found.events,
                "position": found.head_position,
                "leaf_hash": found.head_leaf_hash,
                "faults": found.faults,
                "faults_untold": found.faults_untold,
            }
        )
    elif found.is_sound:
        _print(
            f"[green]✓[/green] {found.events:,} events: positions 1 to {found.head_position:,} without a gap,"
            " every hash right"
        )
    else:
        for fault in found.faults:
            _print(f"[red]✗[/red] position {fault.position:,}: {fault.problem}")
        if found.faults_untold:
            _print(f"and {found.faults_untold:,} more")
    if not found.is_sound:
        raise typer.Exit(1)


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
        _fail(f"no read model is called {', '.join(unknown)}; there are {', '.join(sorted(known))}")
    chosen = [known[name] for name in dict.fromkeys(models or known)]
    projector = _database("projector")
    try:
        with _explained():
            if back:
                _tell_back({model.name: switch_back(projector, model) for model in chosen}, as_json)
                return
            with Log(projector) as log, _progress("rebuilding", as_json) as progress:
                done = rebuild_models(projector, log, chosen, progress, switch_even_if_different=even_if_different)
    except (RebuildDiffers, RebuildUnderWay, NothingToSwitchBackTo) as error:
        _fail(str(error))
    if as_json:
        _print_json({"rebuilt": done})
    else:
        _print_rebuilt(done)


def _tell_back(served: Mapping[str, str], as_json: bool) -> None:
    if as_json:
        _print_json({"served": served})
    else:
        for model, schema in served.items():
            _print(f"{model} is served from {schema} again")


def _print_rebuilt(done: Sequence["Rebuilt"]) -> None:
    table = _table("read model", "position>", "digest", "compared with the served one", "seconds>")
    for one in done:
        compared = "same" if one.was_compared and not one.differs_in else "other version"
        if one.differs_in:
            compared = f"[red]differs in {', '.join(one.differs_in)}[/red]"
        table.add_row(one.model, f"{one.position:,}", one.digest[:16], compared, f"{one.seconds:.1f}")
    _print(table)


def trace(
    code_or_lot: Annotated[str, typer.Argument(help="The code on a label, the address behind it, or a lot's id.")],
    language: Annotated[str, typer.Option(help="ky, ru or en, for names.")] = "en",
    as_json: AsJson = False,
) -> None:
    """Where a jar comes from: villages with their shares, maker, certificate, journey. Exit code 1 when unknown."""
    from services.web.language import LANGUAGES
    from services.web.source import ServedPages

    if language not in LANGUAGES:
        _fail("languages are ky, ru, en")
    with _explained(), ServedPages.reading(_database("reader")) as source:
        view = source.jar_or_lot(code_or_lot)
    if view is None:
        if as_json:
            _print_json({"found": False, "asked": code_or_lot})
            raise typer.Exit(1)
        _fail(f"no batch is known by {code_or_lot!r}")
    if as_json:
        _print_json({"found": True, **_plain(view)})
    else:
        _print_trace(view, language)


def _print_trace(view: "JarView", code: str) -> None:
    from services.web import words
    from services.web.language import LANGUAGES

    language = LANGUAGES[code]
    name = language.name(view.product_names) if view.product_names else view.product
    tone = {"certified": "green", "recalled": "red"}.get(view.verdict, "yellow")
    _print(f"[bold]{name}[/bold]  {view.code}  [{tone}]{view.verdict.replace('_', ' ')}[/{tone}]")
    facts = _table("", "")
    maker = language.name(view.maker_names) if view.maker_names else None
    if maker is None and view.maker_village_names:
        maker = f"one maker, village: {language.name(view.maker_village_names)}"
    facts.add_row("lot", view.lot)
    facts.add_row("packed on", language.day(view.packed_at) if view.packed_at else "not recorded")
    facts.add_row("best before", language.day(view.best_before) if view.best_before else "not recorded")
    facts.add_row("made by", maker or "not recorded")
    if view.certificate:
        until = language.day(view.certificate.valid_until)
        facts.add_row("certificate", f"{view.certificate.certificate}, valid until {until}")
    if view.proof:
        facts.add_row("packed at", f"position {view.proof.position:,}")
        facts.add_row("leaf hash", view.proof.leaf_hash.hex())
    _print(facts)
    shares = _table("village", "region", "producers>", "share>")
    for share in view.villages:
        shares.add_row(
            language.name(share.names) if share.names else "unknown origin",
            language.name(share.region_names) if share.region_names else "",
            f"{share.producers:,}" if share.producers else "",
            f"{share.ppm / PPM_PER_CENT:.4f} %",
        )
    _print(shares)
    steps = _table("step", "from", "to", "where", "stated by")
    for step in view.journey:
        where = list(
            dict.fromkeys(
                language.name(place.names) if place.names else words.stater(language, place.kind)
                for place in step.places
            )
        )
        who = language.name(step.stated_by_names) if step.stated_by_names else words.stater(language, step.stated_by)
        steps.add_row(
            words.step(language, step.kind),
            language.day(step.first_at) if step.first_at else "not recorded",
            language.day(step.last_at) if step.last_at else "",
            ", ".join(where[:6]) + (f" + {len(where) - 6}" if len(where) > 6 else ""),
            who if step.first_at else "",
        )
    _print(steps)
    if view.money:
        shown = {
            "makers": view.money.makers_bp,
            "workshop": view.money.workshop_bp,
            "outlet": view.money.outlet_bp,
            "brand": view.money.brand_bp,
            "fund": view.money.fund_bp,
        }
        _print("of one som: " + ", ".join(f"{who} {part / BASIS_POINTS_PER_CENT:g} %" for who, part in shown.items()))
    _print(f"[dim]data as of position {view.fresh.position:,}[/dim]")


def replay(
    as_of: Annotated[str, typer.Option("--as-of", help="A day (its end in Bishkek), an instant, or a position.")],
    as_json: AsJson = False,
) -> None:
    """The books as they stood at a moment, folded again from what was recorded by then, and why today's differ."""
    from events.store import Log
    from services.replay import NoSuchMoment, moment_of
    from services.replay import replay as replay_log

    projector = _database("projector")
    try:
        with _explained(), Log(projector) as log:
            moment = moment_of(as_of, log)
            with _progress("replaying", as_json) as progress:
                found = replay_log(projector, log, moment, progress)
    except NoSuchMoment as error:
        _fail(str(error))
    if as_json:
        explained = all(year.is_explained for year in found.years)
        _print_json({**_plain(found), "is_explained": explained})
    else:
        _print_replayed(found)


def _print_replayed(found: "Replayed") -> None:
    moment = found.as_of
    _print(
        f"[bold]The books as of {moment.moment:%Y-%m-%d %H:%M:%S}Z[/bold],"
        f" position {moment.position:,} of {found.now_position:,}\n"
    )
    sales = _table("sales, som", "then>", "+ came late>", "+ later business>", "= today>", "")
    for year in found.years:
        sales.add_row(
            str(year.year),
            _som(year.then_sales_tyiyn),
            _som(year.late_sales_tyiyn),
            _som(year.later_sales_tyiyn),
            _som(year.now_sales_tyiyn),
            "[green]✓[/green]" if year.is_explained else "[red]✗[/red]",
        )
    _print(sales)
    makers = _table("makers, som", "then>", "today>")
    for row, then, now in (
        ("earned (closed months)", found.then.makers.earned_tyiyn, found.now.makers.earned_tyiyn),
        ("accruing (open months)", found.then.makers.accruing_tyiyn, found.now.makers.accruing_tyiyn),
        ("paid", found.then.makers.paid_tyiyn, found.now.makers.paid_tyiyn),
        ("paid in advance", found.then.makers.advanced_tyiyn, found.now.makers.advanced_tyiyn),
        ("owed", found.then.makers.owed_tyiyn, found.now.makers.owed_tyiyn),
    ):
        makers.add_row(row, _som(then), _som(now))
    _print(makers)
    counts = _table("", "then>", "today>")
    counts.add_row("months closed", f"{found.then.makers.months_closed:,}", f"{found.now.makers.months_closed:,}")
    for field in dataclasses.fields(found.then.stock):
        then, now = getattr(found.then.stock, field.name), getattr(found.now.stock, field.name)
        counts.add_row(field.name.replace("_", " "), f"{then:,}", f"{now:,}")
    for name, count in found.then.counts.items():
        counts.add_row(name, f"{count:,}", f"{found.now.counts[name]:,}")
    _print(counts)
    _print_late(found)
    for name, identity in sorted(found.identities.items()):
        sign = "[green]✓[/green]" if identity.holds else "[red]✗[/red]"
        _print(f"{sign} {name} as of then")


def _print_late(found: "Replayed") -> None:
    if found.late_lines:
        late = _table("came late: sales of", "kind", "lines>", "sales, som>", "makers, som>")
        for line in found.late_lines:
            late.add_row(str(line.year), line.kind, f"{line.lines:,}", _som(line.sales_tyiyn), _som(line.makers_tyiyn))
        _print(late)
    if found.late_events:
        said = ", ".join(f"{count:,} {kind}" for kind, count in found.late_events.items())
        _print(f"recorded later for before: {said}")
    if found.months_closed_since:
        _print(
            f"months of that time that were closed later: {found.months_closed_since:,},"
            f" which made {_som(found.earned_since_tyiyn)} som earned"
        )


def _som(tyiyn: int) -> str:
    return f"{'-' if tyiyn < 0 else ''}{abs(tyiyn) // 100:,}.{abs(tyiyn) % 100:02d}"


def _database(role: Any) -> str:
    try:
        return settings().database_for(role)
    except (NoDatabase, NoBroker) as error:
        _fail(str(error))


@contextmanager
def _explained() -> Iterator[None]:
    """A database that is away is told in a sentence, not in a stack trace."""
    import psycopg
    from psycopg_pool import PoolTimeout

    from events.store import LogUnavailable

    try:
        yield
    except (psycopg.OperationalError, PoolTimeout, LogUnavailable) as error:
        _fail(f"the database does not answer: {str(error).splitlines()[0] if str(error) else type(error).__name__}")
    except (psycopg.errors.UndefinedTable, psycopg.errors.InvalidSchemaName) as error:
        _fail(f"the database is not prepared: {str(error).splitlines()[0]}; run `ovop migrate`, then `ovop up`")


@contextmanager
def _progress(what: str, as_json: bool) -> Iterator[Callable[[int, int], None] | None]:
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


def _table(*columns: str) -> Any:
    """A table without frames; a heading that ends in `>` is a column of numbers."""
    from rich import box
    from rich.table import Table

    table = Table(box=box.SIMPLE_HEAD, show_header=any(columns), pad_edge=False)
    for column in columns:
        table.add_column(column.removesuffix(">"), justify="right" if column.endswith(">") else "left")
    return table


def _print(what: Any) -> None:
    from rich.console import Console

    Console(highlight=False).print(what)


def _print_json(value: Any) -> None:
    sys.stdout.write(json.dumps(_plain(value), ensure_ascii=False, indent=2) + "\n")


def _plain(value: Any) -> Any:
    """Dataclasses, instants and hashes as JSON has them."""
    if dataclasses.is_dataclass(value) and not isinstance(value, type):
        return {field.name: _plain(getattr(value, field.name)) for field in dataclasses.fields(value)}
    if hasattr(value, "model_dump"):
        return value.model_dump(mode="json")
    match value:
        case datetime() | date():
            return value.isoformat()
        case bytes() | memoryview():
            return bytes(value).hex()
        case Mapping():
            return {str(key): _plain(item) for key, item in value.items()}
        case str() | int() | float() | None:
            return value
        case _:
            return [_plain(item) for item in value]


def _fail(sentence: str) -> NoReturn:
    typer.echo(f"ovop: {sentence}", err=True)
    raise typer.Exit(1)
