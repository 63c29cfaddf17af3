"""`ovop demo`: five years of a network's history through the whole system, the tables, then the pages."""

from pathlib import Path
from typing import Annotated

import typer


def add_to(app: typer.Typer) -> None:
    """Add this group's command."""
    app.command()(demo)


def demo(
    once: Annotated[bool, typer.Option("--once", help="Stop after the tables.")] = False,
    as_json: Annotated[bool, typer.Option("--json", help="Print one JSON object on standard output.")] = False,
    scale: Annotated[int, typer.Option(min=1, max=100, help="How many times the network.")] = 1,
    small: Annotated[bool, typer.Option("--small", help="Two shops in one year: a look within seconds.")] = False,
    seed: Annotated[int, typer.Option(help="Another seed makes another history.")] = 2012,
    data_dir: Annotated[Path, typer.Option(help="Where servers and logs live; made anew.")] = Path(".ovop/demo"),
    port: Annotated[int | None, typer.Option(min=0, max=65535, help="Of the pages; 8080, any with --once.")] = None,
    keep: Annotated[bool, typer.Option("--keep", help="Show an earlier demonstration again if it is there.")] = False,
) -> None:
    """Five years of a village network through the front door, the tables, then the pages. Demo data, marked as such."""
    from services.demo.command import Cannot, Choices, run

    choices = Choices(
        once=once,
        as_json=as_json,
        scale=scale,
        small=small,
        seed=seed,
        data_dir=data_dir,
        port=port if port is not None else 0 if once else 8080,
        keep=keep,
    )
    try:
        run(choices)
    except Cannot as error:
        typer.echo(f"ovop: {error}", err=True)
        raise typer.Exit(1) from None
    except KeyboardInterrupt:
        raise typer.Exit(0 if not once else 130) from None
