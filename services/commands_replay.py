"""`ovop replay`: the books as they once stood."""

import dataclasses
from typing import TYPE_CHECKING, Annotated

import typer

from services.terminal import AsJson, database_of, explained, fail, new_table, plain, progress_bar, say, say_json

if TYPE_CHECKING:
    from services.replay import Replayed


def add_to(app: typer.Typer) -> None:
    """Add this command."""
    app.command()(replay)


def replay(
    as_of: Annotated[str, typer.Option("--as-of", help="A day (its end in Bishkek), an instant, or a position.")],
    as_json: AsJson = False,
) -> None:
    """The books as they stood at a moment, folded again from what was recorded by then, and why today's differ."""
    from events.store import Log
    from services.replay import NoSuchMoment, moment_of
    from services.replay import replay as replay_log

    projector = database_of("projector")
    try:
        with explained(), Log(projector) as log:
            moment = moment_of(as_of, log)
            with progress_bar("replaying", as_json) as progress:
                found = replay_log(projector, log, moment, progress)
    except NoSuchMoment as error:
        fail(str(error))
    if as_json:
        is_explained = all(year.is_explained for year in found.years)
        say_json({**plain(found), "is_explained": is_explained})
    else:
        _print_replayed(found)


def _print_replayed(found: "Replayed") -> None:
    moment = found.as_of
    say(
        f"[bold]The books as of {moment.moment:%Y-%m-%d %H:%M:%S}Z[/bold],"
        f" position {moment.position:,} of {found.now_position:,}\n"
    )
    sales = new_table("sales, som", "then>", "+ came late>", "+ later business>", "= today>", "")
    for year in found.years:
        sales.add_row(
            str(year.year),
            _som(year.then_sales_tyiyn),
            _som(year.late_sales_tyiyn),
            _som(year.later_sales_tyiyn),
            _som(year.now_sales_tyiyn),
            "[green]✓[/green]" if year.is_explained else "[red]✗[/red]",
        )
    say(sales)
    makers = new_table("makers, som", "then>", "today>")
    for row, then, now in (
        ("earned (closed months)", found.then.makers.earned_tyiyn, found.now.makers.earned_tyiyn),
        ("accruing (open months)", found.then.makers.accruing_tyiyn, found.now.makers.accruing_tyiyn),
        ("paid", found.then.makers.paid_tyiyn, found.now.makers.paid_tyiyn),
        ("paid in advance", found.then.makers.advanced_tyiyn, found.now.makers.advanced_tyiyn),
        ("owed", found.then.makers.owed_tyiyn, found.now.makers.owed_tyiyn),
    ):
        makers.add_row(row, _som(then), _som(now))
    say(makers)
    counts = new_table("", "then>", "today>")
    counts.add_row("months closed", f"{found.then.makers.months_closed:,}", f"{found.now.makers.months_closed:,}")
    for field in dataclasses.fields(found.then.stock):
        then, now = getattr(found.then.stock, field.name), getattr(found.now.stock, field.name)
        counts.add_row(field.name.replace("_", " "), f"{then:,}", f"{now:,}")
    for name, count in found.then.counts.items():
        counts.add_row(name, f"{count:,}", f"{found.now.counts[name]:,}")
    say(counts)
    _print_late(found)
    for name, identity in sorted(found.identities.items()):
        sign = "[green]✓[/green]" if identity.holds else "[red]✗[/red]"
        say(f"{sign} {name} as of then")


def _print_late(found: "Replayed") -> None:
    if found.late_lines:
        late = new_table("came late: sales of", "kind", "lines>", "sales, som>", "makers, som>")
        for line in found.late_lines:
            late.add_row(str(line.year), line.kind, f"{line.lines:,}", _som(line.sales_tyiyn), _som(line.makers_tyiyn))
        say(late)
    if found.late_events:
        said = ", ".join(f"{count:,} {kind}" for kind, count in found.late_events.items())
        say(f"recorded later for before: {said}")
    if found.months_closed_since:
        say(
            f"months of that time that were closed later: {found.months_closed_since:,},"
            f" which made {_som(found.earned_since_tyiyn)} som earned"
        )


def _som(tyiyn: int) -> str:
    return f"{'-' if tyiyn < 0 else ''}{abs(tyiyn) // 100:,}.{abs(tyiyn) % 100:02d}"
