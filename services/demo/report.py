"""What the demonstration shows at its end. Every number is asked of the read models; the generator is not asked."""

from collections.abc import Mapping
from dataclasses import dataclass
from typing import Any

import psycopg
from rich import box
from rich.console import Console
from rich.table import Table

from projections import income_queries as income
from projections import income_sales
from projections.base import Connection, Db
from projections.identities import Identity, identities
from projections.runner import lag
from services.books import Books
from services.web.source import ServedPages
from services.web.views import JarView

VILLAGES_SHOWN = 10
_PPM_PER_CENT = 10_000


@dataclass(frozen=True, slots=True)
class Figures:
    """The books of the network as the read models have them."""

    events: int
    sales: tuple[income_sales.Sales, ...]
    exports: tuple[income_sales.Sales, ...]
    outlets_by_year: Mapping[int, int]
    counts: income_sales.NetworkCounts
    villages: tuple[income.GroupIncome, ...]
    money: tuple[int, int, int, int]  #: earned, accruing, paid and owed, tyiyn
    identities: Mapping[str, Identity]
    lag_events: int
    parked: Mapping[str, int]
    jar: JarView | None


def figures(reader_conninfo: str) -> Figures:
    """Ask the read models."""
    books = Books(reader_conninfo, connections=2)
    try:
        code = books.ask(lambda db: sample_jar(db.connection)).answer
        jar = ServedPages(books).jar([code]) if code is not None else None
        return books.ask(lambda db: _figures(db, jar)).answer
    finally:
        books.close()


def _figures(db: Db, jar: JarView | None) -> Figures:
    connection = db.connection
    behind = lag(connection)
    villages = income.income_by_village(connection)
    return Figures(
        events=behind.head,
        sales=tuple(income_sales.sales_by_year(connection)),
        exports=tuple(income_sales.sales_by_year(connection, channel="export")),
        outlets_by_year=_every_year(income_sales.outlets_by_year(connection)),
        counts=income_sales.network_counts(connection),
        villages=tuple(sorted(villages, key=lambda each: (-each.total_tyiyn, each.key))[:VILLAGES_SHOWN]),
        money=(
            sum(each.earned_tyiyn for each in villages),
            sum(each.accruing_tyiyn for each in villages),
            sum(each.paid_tyiyn for each in villages),
            sum(each.owed_tyiyn for each in villages),
        ),
        identities=identities(db),
        lag_events=behind.events,
        parked=behind.parked,
        jar=jar,
    )


def _every_year(opened: Mapping[int, int]) -> dict[int, int]:
    found: dict[int, int] = {}
    for year in range(min(opened, default=0), max(opened, default=-1) + 1):
        found[year] = opened.get(year, found.get(year - 1, 0))
    return found


def sample_jar(connection: Connection) -> str | None:
    """The code of the jar that most villages went into; the one packed last, if there are several."""
    row = connection.execute(
        "SELECT p.code FROM trace_packings p JOIN trace_products d USING (product)"
        " JOIN trace_lots s ON s.lot = p.batch WHERE d.unit = 'jar' ORDER BY"
        " (SELECT count(DISTINCT r.village) FROM unnest(s.producers) AS x (producer)"
        " JOIN trace_producers r USING (producer)) DESC, p.position DESC LIMIT 1"
    ).fetchone()
    return None if row is None else str(row[0])


def owed(connection: Connection) -> list[tuple[str, int]]:
    """What closed months left owed, by producer."""
    rows = connection.execute("SELECT producer, owed_tyiyn FROM income_accounts WHERE owed_tyiyn > 0")
    return [(str(producer), int(tyiyn)) for producer, tyiyn in rows]


def reading(reader_conninfo: str) -> Connection:
    """A connection that sees the served read models."""
    connection = psycopg.connect(reader_conninfo, autocommit=True)
    connection.execute("SET search_path = inventory, traceability, income")
    return connection


def as_json(found: Figures, seconds: float) -> dict[str, Any]:
    """The one object of `--json`."""
    jar = None
    if found.jar is not None:
        shares = [{"village": each.village, "ppm": each.ppm} for each in found.jar.villages]
        jar = {"code": found.jar.code, "villages": shares}
    return {
        "events": found.events,
        "seconds": round(seconds, 1),
        "sales_tyiyn_by_year": {each.key: each.gross_tyiyn for each in found.sales},
        "sales_tyiyn_total": sum(each.gross_tyiyn for each in found.sales),
        "outlets_by_year": {str(year): count for year, count in found.outlets_by_year.items()},
        "producers": found.counts.producers,
        "products": found.counts.products,
        "identities": {name: each.holds for name, each in found.identities.items()},
        "lag_events": found.lag_events,
        "jar": jar,
    }


def show(found: Figures, seconds: float | None, console: Console) -> None:
    """The tables; `seconds` None when the history was there before."""
    took = f" in {seconds:.0f} s" if seconds is not None else ", kept from an earlier demonstration"
    console.print(f"\n[bold]{found.events:,} events[/bold]{took}")
    console.print("[dim]Demo data: places are real; people, lots, prices and sales are made up.[/dim]")
    console.print(_years(found))
    console.print(_villages(found))
    earned, accruing, paid, owing = (_som(each) for each in found.money)
    console.print(f"Makers: earned {earned}, accruing {accruing}, paid {paid}, owed {owing} som\n")
    if found.jar is not None:
        name = found.jar.product_names.en if found.jar.product_names else found.jar.product
        console.print(f"One jar: [bold]{name}[/bold], code {found.jar.code}")
        console.print(_jar(found.jar))
    for name, each in found.identities.items():
        console.print(f"{_sign(each.holds)} {name}  [dim]{each.detail}[/dim]")
    console.print(f"{_sign(not found.lag_events)} lag {found.lag_events:,} events")
    if found.parked:
        console.print(f"{_sign(False)} parked: {dict(found.parked)}")


def _years(found: Figures) -> Table:
    table = _table("year", "sales, som>", "makers, som>", "export, som>", "outlets>")
    exports = {each.key: each.gross_tyiyn for each in found.exports}
    for each in found.sales:
        exported = _som(exports.get(each.key, 0))
        outlets = f"{found.outlets_by_year.get(int(each.key), 0):,}"
        table.add_row(each.key, _som(each.gross_tyiyn), _som(each.makers_tyiyn), exported, outlets)
    total = sum(each.gross_tyiyn for each in found.sales)
    makers = sum(each.makers_tyiyn for each in found.sales)
    table.add_row("[bold]all[/bold]", f"[bold]{_som(total)}[/bold]", _som(makers), _som(sum(exports.values())), "")
    table.caption = f"{found.counts.producers:,} producers, {found.counts.products:,} product types"
    return table


def _villages(found: Figures) -> Table:
    table = _table("village", "region", "producers>", "income, som>", "paid, som>")
    for each in found.villages:
        table.add_row(each.key, each.region, f"{each.producers:,}", _som(each.total_tyiyn), _som(each.paid_tyiyn))
    return table


def _jar(jar: JarView) -> Table:
    table = _table("village", "producers>", "share>")
    for each in jar.villages:
        spoken = each.names.en if each.names else "unknown origin"
        table.add_row(spoken, f"{each.producers:,}" if each.producers else "", f"{each.ppm / _PPM_PER_CENT:.4f} %")
    return table


def _table(*columns: str) -> Table:
    table = Table(box=box.SIMPLE_HEAD, pad_edge=False, caption_justify="left")
    for column in columns:
        table.add_column(column.removesuffix(">"), justify="right" if column.endswith(">") else "left")
    return table


def _sign(holds: bool) -> str:
    return "[green]✓[/green]" if holds else "[red]✗[/red]"


def _som(tyiyn: int) -> str:
    return f"{'-' if tyiyn < 0 else ''}{abs(tyiyn) // 100:,}.{abs(tyiyn) % 100:02d}"
