"""`ovop trace`: where a jar comes from."""

from typing import TYPE_CHECKING, Annotated

import typer

from services.terminal import AsJson, database_of, explained, fail, new_table, plain, say, say_json

if TYPE_CHECKING:
    from services.web.views import JarView

PPM_PER_CENT = 10_000
BASIS_POINTS_PER_CENT = 100


def add_to(app: typer.Typer) -> None:
    """Add this command."""
    app.command()(trace)


def trace(
    code_or_lot: Annotated[str, typer.Argument(help="The code on a label, the address behind it, or a lot's id.")],
    language: Annotated[str, typer.Option(help="ky, ru or en, for names.")] = "en",
    as_json: AsJson = False,
) -> None:
    """Where a jar comes from: villages with their shares, maker, certificate, journey. Exit code 1 when unknown."""
    from services.web.codes import candidates, is_well_formed
    from services.web.language import LANGUAGES
    from services.web.source import ServedPages

    if language not in LANGUAGES:
        fail("languages are ky, ru, en")
    with explained(), ServedPages.reading(database_of("reader")) as source:
        view = source.jar_or_lot(code_or_lot)
    if view is None:
        if as_json:
            say_json({"found": False, "asked": code_or_lot})
            raise typer.Exit(1)
        read_as = candidates(code_or_lot)
        is_mistyped = bool(read_as) and not any(map(is_well_formed, read_as))
        why = "; its check symbol does not fit, so it was probably typed or printed wrongly" if is_mistyped else ""
        fail(f"no batch is known by {code_or_lot!r}{why}")
    if as_json:
        say_json({"found": True, **plain(view)})
    else:
        _print_trace(view, language)


def _print_trace(view: "JarView", code: str) -> None:
    from services.web import words
    from services.web.language import LANGUAGES

    language = LANGUAGES[code]
    name = language.name(view.product_names) if view.product_names else view.product
    tone = {"certified": "green", "recalled": "red"}.get(view.verdict, "yellow")
    say(f"[bold]{name}[/bold]  {view.code}  [{tone}]{view.verdict.replace('_', ' ')}[/{tone}]")
    facts = new_table("", "")
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
    say(facts)
    shares = new_table("village", "region", "producers>", "share>")
    for share in view.villages:
        shares.add_row(
            language.name(share.names) if share.names else "unknown origin",
            language.name(share.region_names) if share.region_names else "",
            f"{share.producers:,}" if share.producers else "",
            f"{share.ppm / PPM_PER_CENT:.4f} %",
        )
    say(shares)
    steps = new_table("step", "from", "to", "where", "stated by")
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
    say(steps)
    if view.money:
        shown = {
            "makers": view.money.makers_bp,
            "workshop": view.money.workshop_bp,
            "outlet": view.money.outlet_bp,
            "brand": view.money.brand_bp,
            "fund": view.money.fund_bp,
        }
        say("of one som: " + ", ".join(f"{who} {part / BASIS_POINTS_PER_CENT:g} %" for who, part in shown.items()))
    say(f"[dim]data as of position {view.fresh.position:,}[/dim]")
