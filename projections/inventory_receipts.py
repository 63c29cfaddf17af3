"""Receipts, and what is done to them later. The effect of a receipt follows from what was said of it, in any order."""

from collections.abc import Iterable
from datetime import date, datetime
from typing import Any

from events.canonical import instant
from events.catalogue import center, outlets
from events.catalogue.base import Recorded
from projections import inventory_tables as t
from projections.bishkek import day_of
from projections.inventory_book import ON_HAND, RETURNED, SOLD, Book, Change, Receipt, stamp_of
from projections.inventory_tills import count_report

#: Sold and returned by (place, batch) or, batch unknown, by (place, "", product); money back by (shift,).
type Effects = dict[tuple[str, ...], tuple[int, int]]


def sale_made(book: Book, recorded: Recorded[outlets.SaleMade]) -> None:
    event = recorded.event
    count_report(book, recorded, event.till, event.till_counter, event.outlet)
    outlet, shift_id, sale = event.outlet, event.shift, event.sale
    place = f"outlet/{outlet}"
    if sale in book.receipts:
        book.flag("sale_repeated", f"sale/{sale}", recorded, place)
        return
    cash = sum([tender.amount_tyiyn for tender in event.tenders if tender.kind == "cash"])
    receipt = Receipt(place, cash, tuple([(line.product, line.batch or "", line.units) for line in event.lines]))
    _keep(book, recorded, sale, receipt, shift_id)
    shift = book.shift(shift_id, outlet, event.till)
    shift.sales_tyiyn += cash
    moment = instant(recorded.occurred_at)
    if shift.last_sale_at is None or moment > shift.last_sale_at:
        shift.last_sale_at = moment
    if shift.closed_at is not None and moment > shift.closed_at:
        book.flag("closed_shift", f"sale/{sale}", recorded, place, shift_id)
    changes = book.changes.get(sale)
    if changes:
        _post(book, effects_of(None, changes), effects_of(receipt, changes))
    else:
        for product, batch, units in receipt.lines:
            if batch:
                stock = book.stock[place, batch]
                stock[SOLD] += units
                stock[ON_HAND] -= units
            else:
                book.no_batch[outlet, product][0] += units
    _judge(book, recorded, place)


def _judge(book: Book, recorded: Recorded[outlets.SaleMade], place: str) -> None:
    """Flags of a receipt by what the log knows before it: prices, certificates and recalls are decisions."""
    event = recorded.event
    total = 0
    channel = book.channels.get(event.outlet, "")
    on = day_of(recorded.occurred_at)
    for line in event.lines:
        total += line.units * line.unit_price_tyiyn
        listed = book.prices.listed(channel, on)[line.product]
        if listed is not None and listed != line.unit_price_tyiyn:
            book.flag("price_differs", f"sale/{event.sale}", recorded, place, line.product)
        if line.batch is not None and (book.certificates or book.reach.recalls):
            _judge_batch(book, recorded, place, line.batch, on)
    if total + event.rounding_tyiyn != sum([tender.amount_tyiyn for tender in event.tenders]):
        book.flag("sum_differs", f"sale/{event.sale}", recorded, place)


def _judge_batch(book: Book, recorded: Recorded[outlets.SaleMade], place: str, batch: str, on: date) -> None:
    subject = f"sale/{recorded.event.sale}"
    if book.reach.active(batch, recorded.occurred_at):
        book.flag("recalled_batch", subject, recorded, place, batch)
    if not _is_certified(book, batch, on):
        book.flag("suspended_certificate", subject, recorded, place, batch)


def in_doubt(book: Book, batch: str, on: date, occurred_at: str) -> bool:
    """Whether certificates or recalls have something to say of a batch."""
    is_recalled = batch in book.reach.marks and book.reach.active(batch, datetime.fromisoformat(occurred_at))
    return bool(is_recalled) or not _is_certified(book, batch, on)


def _is_certified(book: Book, batch: str, on: date) -> bool:
    """Whether nobody took the certificate away from who made a batch; of what is not known, nobody did."""
    counts = True
    lot = book.lots.get(batch)
    if lot is not None and lot.maker is not None:
        for since, _, now in sorted(book.certificates.get((lot.maker, lot.product or lot.item or ""), ())):
            if since <= on:
                counts = now
    return counts


def _keep(book: Book, recorded: Recorded[Any], sale: str, receipt: Receipt, shift: str) -> None:
    text = " ".join([f"{product}/{batch}/{units}" for product, batch, units in receipt.lines])
    book.receipts[sale] = receipt
    book.new_sales.append(
        (sale, recorded.position, receipt.place, shift, recorded.occurred_at, receipt.cash_tyiyn, text)
    )


def order_delivered(book: Book, recorded: Recorded[center.OrderDelivered]) -> None:
    """Goods of a contract leave the place where they were handed over; their money is no drawer's."""
    event = recorded.event
    sale = f"order/{event.delivery}"
    if sale in book.receipts:
        book.flag("delivery_repeated", sale, recorded, event.place)
        return
    receipt = Receipt(event.place, 0, tuple([(line.product, line.batch or "", line.units) for line in event.lines]))
    _keep(book, recorded, sale, receipt, "")
    _post(book, {}, effects_of(receipt, []))


def sale_voided(book: Book, recorded: Recorded[outlets.SaleVoided]) -> None:
    event = recorded.event
    count_report(book, recorded, event.till, event.till_counter, event.outlet)
    if any(change.kind == "void" for change in book.changes.get(event.sale, ())):
        book.flag("voided_twice", f"sale/{event.sale}", recorded, f"outlet/{event.outlet}")
    _change(book, recorded, event.sale, [(0, "void", -1, "", "", 0)])


def sale_line_corrected(book: Book, recorded: Recorded[outlets.SaleLineCorrected]) -> None:
    event = recorded.event
    count_report(book, recorded, event.till, event.till_counter, event.outlet)
    _change(book, recorded, event.sale, [(0, "correction", event.line, event.product, event.batch or "", 0)])


def goods_returned(book: Book, recorded: Recorded[outlets.GoodsReturned]) -> None:
    """Units are on hand again; money leaves the drawer of the return's own shift. Without a receipt nothing waits."""
    event = recorded.event
    count_report(book, recorded, event.till, event.till_counter, event.outlet)
    if event.return_id in book.returns:
        book.flag("return_repeated", f"return/{event.return_id}", recorded, f"outlet/{event.outlet}")
        return
    book.returns.add(event.return_id)
    book.new_rows[t.RETURNS].append((event.return_id, recorded.position))
    book.shift(event.shift, event.outlet, event.till).refunds_tyiyn += sum(line.refund_tyiyn for line in event.lines)
    if event.sale is not None:
        parts = [
            (part, "return", -1 if line.line is None else line.line, line.product, line.batch or "", line.units)
            for part, line in enumerate(event.lines)
        ]
        _change(book, recorded, event.sale, parts)
        return
    _post(
        book,
        {},
        _sums((_goods_key(f"outlet/{event.outlet}", x.product, x.batch or ""), 0, x.units) for x in event.lines),
    )


def _change(
    book: Book, recorded: Recorded[Any], sale: str, parts: Iterable[tuple[int, str, int, str, str, int]]
) -> None:
    """Note what was said of a receipt, and post the difference that it makes."""
    event: outlets.TillFact = recorded.event
    book.shift(event.shift, event.outlet, event.till)
    receipt, changes = book.receipts.get(sale), book.changes.setdefault(sale, [])
    before = effects_of(receipt, changes)
    stamp = stamp_of(recorded)
    for part, kind, line, product, batch, units in parts:
        change = Change(
            sale, recorded.position, part, kind, stamp, event.shift, event.outlet, line, product, batch, units
        )
        changes.append(change)
        book.new_changes.append(change)
    _post(book, before, effects_of(receipt, changes))


def line_meant(lines: tuple[tuple[str, str, int], ...], line: int, product: str) -> int | None:
    """Which line of a receipt a return is about: the one it names, else the first with its product."""
    if 0 <= line < len(lines):
        return line
    return next((at for at, sold in enumerate(lines) if sold[0] == product), None)


def effects_of(receipt: Receipt | None, changes: list[Change]) -> Effects:
    """What a receipt and all that was said of it do to goods and drawers: a function of the set, not of the order.

    The earliest void by claimed time counts, and for each line the latest correction. A void takes the sale back,
    not its returns. Until the receipt arrives, only returned units whose batch is stated are on hand again.
    """
    voids = sorted((change.stamp, change.shift) for change in changes if change.kind == "void")
    returns = [change for change in changes if change.kind == "return"]
    if receipt is None:
        return _sums(((f"outlet/{back.outlet}", back.batch), 0, back.units) for back in returns if back.batch)
    now = list(receipt.lines)
    for change in sorted((change for change in changes if change.kind == "correction"), key=lambda c: c.stamp):
        if change.line < len(now):
            now[change.line] = (change.product, change.batch, now[change.line][2])
    entries = [(_goods_key(receipt.place, product, batch), 0, 0) for product, batch, _ in receipt.lines]
    entries += [(_goods_key(receipt.place, product, batch), 0 if voids else units, 0) for product, batch, units in now]
    for back in returns:
        meant = line_meant(receipt.lines, back.line, back.product)
        batch = back.batch or (now[meant][1] if meant is not None else "")
        entries.append((_goods_key(f"outlet/{back.outlet}", back.product, batch), 0, back.units))
    if voids:
        entries.append(((voids[0][1],), receipt.cash_tyiyn, 0))
    return _sums(entries)


def _goods_key(place: str, product: str, batch: str) -> tuple[str, ...]:
    return (place, batch) if batch else (place, "", product)


def _sums(entries: Iterable[tuple[tuple[str, ...], int, int]]) -> Effects:
    sums: Effects = {}
    for key, sold, returned in entries:
        before = sums.get(key, (0, 0))
        sums[key] = (before[0] + sold, before[1] + returned)
    return sums


def _post(book: Book, before: Effects, after: Effects) -> None:
    for key in {**before, **after}:
        sold, returned = (now - then for now, then in zip(after.get(key, (0, 0)), before.get(key, (0, 0)), strict=True))
        if len(key) == 1:
            book.shifts[key[0]].voids_tyiyn += sold
            book.changed_shifts.add(key[0])
        elif len(key) == 2:
            stock = book.stock[key]
            stock[SOLD] += sold
            stock[RETURNED] += returned
            stock[ON_HAND] += returned - sold
        else:
            sums = book.no_batch[key[0].removeprefix("outlet/"), key[2]]
            sums[0] += sold
            sums[1] += returned
