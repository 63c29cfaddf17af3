"""Receipts shared line by line, and what voids, corrections, returns and late batches do to them afterwards.

What a receipt should have brought to whom follows from the receipt and from the set of what was said of it; the rows of
each later fact are the difference to what has been posted. So the same facts in another order end at the same sums.
"""

from collections.abc import Iterable
from operator import add, sub
from typing import Any, NamedTuple

from events.catalogue import center, outlets
from events.catalogue.base import Recorded
from projections.bishkek import day_of, month_of
from projections.income_ledger import NOWHERE, Base, Change, Home, Ledger, Line
from projections.split import Split, split, split_of_refunds

#: units, gross, makers, workshop, outlet, brand, fund, suspense
type Amounts = tuple[int, int, int, int, int, int, int, int]

NOTHING: Amounts = (0, 0, 0, 0, 0, 0, 0, 0)


class Target(NamedTuple):
    """What a sum is posted to: a line on a day, of a product and batch, in a region, for a workshop."""

    line: int
    day: Any
    product: str
    batch: str
    home: Home


def amounts_of(units: int, gross: int, sold: Split | None, home: Home | None) -> Amounts:
    """A split as it is posted: without a workshop its part is the makers', without a home both wait in suspense."""
    if sold is None:
        return (units, gross, 0, 0, 0, 0, 0, gross)
    makers, workshop, outlet, brand, fund = sold
    if home is None:
        return (units, gross, 0, 0, outlet, brand, fund, makers + workshop)
    if not home.workshop:
        return (units, gross, makers + workshop, 0, outlet, brand, fund, 0)
    return (units, gross, makers, workshop, outlet, brand, fund, 0)


def sale_made(ledger: Ledger, recorded: Recorded[outlets.SaleMade]) -> None:
    event = recorded.event
    channel = ledger.channels.get(event.outlet, "retail")
    if event.sale in ledger.by_ref:
        ledger.flag("sale_repeated", f"sale/{event.sale}", f"outlet/{event.outlet}")
        return
    lines = [(line.product, line.batch or "", line.units, line.units * line.unit_price_tyiyn) for line in event.lines]
    _share(ledger, recorded, "sale", event.sale, channel, f"outlet/{event.outlet}", lines)
    told = ledger.changes.pop(event.sale, None)
    if told:
        ledger.changes[event.sale] = noted = []
        for change in sorted(told, key=lambda one: (one.stamp, one.part)):
            noted.append(change)
            settle(ledger, event.sale, change.kind)


def order_delivered(ledger: Ledger, recorded: Recorded[center.OrderDelivered]) -> None:
    event = recorded.event
    ref = f"order/{event.delivery}"
    if ref in ledger.by_ref:
        ledger.flag("delivery_repeated", ref, event.place)
        return
    lines = [(line.product, line.batch or "", line.units, line.units * line.unit_price_tyiyn) for line in event.lines]
    _share(ledger, recorded, "order", ref, event.channel, event.place, lines)


def _share(
    ledger: Ledger,
    recorded: Recorded[Any],
    kind: str,
    ref: str,
    channel: str,
    place: str,
    lines: Iterable[tuple[str, str, int, int]],
) -> None:
    """Post the lines of a receipt, each shared once by the terms of its day."""
    on, position = day_of(recorded.occurred_at), recorded.position
    base = Base(ref, channel, place, month_of(on), position, on)
    for number, (product, batch, units, gross) in enumerate(lines):
        terms = ledger.terms_for(channel, product, on, position)
        if terms is None:
            ledger.flag("no_terms", f"{kind}/{ref}" if kind == "sale" else ref, place, product)
            ledger.post(base, number, kind, on, (product, batch), None, (units, gross, 0, 0, 0, 0, 0, gross))
            continue
        home = ledger.home(batch)
        amounts = amounts_of(units, gross, split(gross, terms), home)
        ledger.post(base, number, kind, on, (product, batch), home, amounts)


def sale_voided(ledger: Ledger, recorded: Recorded[outlets.SaleVoided]) -> None:
    _note(ledger, recorded, recorded.event.sale, "void", [(-1, "", "", 0, 0)])


def sale_line_corrected(ledger: Ledger, recorded: Recorded[outlets.SaleLineCorrected]) -> None:
    event = recorded.event
    _note(ledger, recorded, event.sale, "correction", [(event.line, event.product, event.batch or "", 0, 0)])


def goods_returned(ledger: Ledger, recorded: Recorded[outlets.GoodsReturned]) -> None:
    """With a receipt, its own split is taken back; without one, the terms of the day of the return count."""
    event = recorded.event
    ref = f"return/{event.return_id}"
    if event.return_id in ledger.returns:
        ledger.flag("return_repeated", ref, f"outlet/{event.outlet}")
        return
    ledger.add_return(event.return_id)
    if event.sale is None:
        channel = ledger.channels.get(event.outlet, "retail")
        lines = [(line.product, line.batch or "", -line.units, -line.refund_tyiyn) for line in event.lines]
        _share(ledger, recorded, "return", ref, channel, f"outlet/{event.outlet}", lines)
        return
    told = [
        (-1 if line.line is None else line.line, line.product, line.batch or "", line.units, line.refund_tyiyn)
        for line in event.lines
    ]
    _note(ledger, recorded, event.sale, "return", told)


def _note(
    ledger: Ledger, recorded: Recorded[Any], ref: str, kind: str, parts: list[tuple[int, str, str, int, int]]
) -> None:
    """Keep what was said of a receipt; if the receipt is there, post what that changes."""
    stamp = f"{recorded.occurred_at.isoformat()}/{recorded.event_id}"
    on = day_of(recorded.occurred_at)
    for part, told in enumerate(parts):
        change = Change(ref, recorded.position, part, kind, stamp, on, *told)
        ledger.changes.setdefault(ref, []).append(change)
        ledger.changed.append(change)
    settle(ledger, ref, kind)


def settle(ledger: Ledger, ref: str, kind: str) -> None:
    """Post the difference between what a receipt should have brought and what has been posted of it."""
    posted = sorted(ledger.by_ref.get(ref, ()))
    if not posted:
        return
    should = _due(ledger, posted, ledger.changes.get(ref, []))
    booked: dict[Target, Amounts] = {}
    for line in posted:
        _add(booked, Target(line.line, line.day, line.product, line.batch, Home(line.region, line.workshop)), line[15:])
    first = posted[0]
    base = Base(ref, first.channel, first.place, first.sale_month, first.position, first.day)
    for target in sorted({*should, *booked}):
        difference = tuple(map(sub, should.get(target, NOTHING), booked.get(target, NOTHING)))
        if any(difference):
            home = target.home if target.home != NOWHERE else None
            ledger.post(base, target.line, kind, target.day, (target.product, target.batch), home, difference)


def _due(ledger: Ledger, posted: list[Line], told: list[Change]) -> dict[Target, Amounts]:
    """What a receipt and all that was said of it come to, by target."""
    sold: dict[int, Line] = {}
    for line in posted:
        sold.setdefault(line.line, line)
    unmatched = sold.pop(-1, None)  # a return that matched no line has no sale behind it
    first = sold[min(sold)] if sold else unmatched
    voids = sorted((change.stamp, change.day) for change in told if change.kind == "void")
    now = {number: (line.product, line.batch) for number, line in sold.items()}
    for change in sorted((change for change in told if change.kind == "correction"), key=lambda one: one.stamp):
        if change.line in now:
            now[change.line] = (change.product, change.batch)
    due: dict[Target, Amounts] = {}
    splits: dict[int, Split | None] = {}
    for number, line in sold.items():
        base = Base(line.ref, line.channel, line.place, line.sale_month, line.position, line.day)
        splits[number] = ledger.split(base, now[number][0], line.gross_tyiyn)
        _post_due(ledger, due, number, line.day, now[number], (line.units, line.gross_tyiyn, splits[number]), 1)
        if voids:
            day = voids[0][1]
            _post_due(ledger, due, number, day, now[number], (line.units, line.gross_tyiyn, splits[number]), -1)
    refunded: dict[int, int] = {}
    for change in sorted((one for one in told if one.kind == "return"), key=lambda one: (one.stamp, one.part)):
        meant = _line_meant(sold, change)
        if meant is None:
            assert first is not None  # noqa: S101 - a receipt with nothing posted is not settled
            terms = ledger.terms_for(first.channel, change.product, change.day, change.position)
            taken = None if terms is None else split(change.refund_tyiyn, terms)
            target = (change.product, change.batch)
            _post_due(ledger, due, -1, change.day, target, (change.units, change.refund_tyiyn, taken), -1)
            continue
        before = refunded.get(meant, 0)
        refunded[meant] = after = before + change.refund_tyiyn
        whole = splits[meant]
        taken = None
        if whole is not None:
            taken = Split(*map(sub, split_of_refunds(after, whole), split_of_refunds(before, whole)))
        _post_due(ledger, due, meant, change.day, now[meant], (change.units, change.refund_tyiyn, taken), -1)
    return due


def _line_meant(sold: dict[int, Line], change: Change) -> int | None:
    """Which line of a receipt a return is about: the one it names, else the first with its product."""
    if change.line in sold:
        return change.line
    return next((number for number in sorted(sold) if sold[number].product == change.product), None)


def _post_due(
    ledger: Ledger,
    due: dict[Target, Amounts],
    number: int,
    day: Any,
    target: tuple[str, str],
    said: tuple[int, int, Split | None],
    sign: int,
) -> None:
    product, batch = target
    units, gross, sold = said
    home = ledger.home(batch) if sold is not None else None
    amounts = amounts_of(units, gross, sold, home)
    _add(due, Target(number, day, product, batch, home or NOWHERE), [sign * amount for amount in amounts])


def _add(sums: dict[Target, Amounts], target: Target, amounts: Iterable[int]) -> None:
    sums[target] = tuple(map(add, sums.get(target, NOTHING), amounts))
