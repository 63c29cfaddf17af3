"""Reports of tills, shifts and their drawers."""

from typing import Any

from events.canonical import instant
from events.catalogue import exchange, network, outlets
from events.catalogue.base import Recorded
from projections.inventory_book import Book, Noted


def count_report(book: Book, recorded: Noted, till: str, till_counter: int, outlet: str) -> None:
    """Every report of a till has the next counter; one that was counted already is flagged, not counted again."""
    if not book.tills.of(till).accept(till_counter):
        book.flag("counter_repeated", f"till/{till}/{till_counter}", recorded, f"outlet/{outlet}")


def till_enrolled(book: Book, recorded: Recorded[network.TillEnrolled]) -> None:
    till = book.tills.of(recorded.event.till)
    till.outlet, till.revoked_for = recorded.event.outlet, None


def till_revoked(book: Book, recorded: Recorded[network.TillRevoked]) -> None:
    book.tills.of(recorded.event.till).revoked_for = recorded.event.reason


def message_quarantined(book: Book, recorded: Recorded[exchange.MessageQuarantined]) -> None:
    event = recorded.event
    if event.till is not None and event.till_counter:
        book.tills.of(event.till).keep_aside(event.till_counter, event.quarantine)


def shift_opened(book: Book, recorded: Recorded[outlets.ShiftOpened]) -> None:
    event = recorded.event
    count_report(book, recorded, event.till, event.till_counter, event.outlet)
    shift = book.shift(event.shift, event.outlet, event.till)
    if shift.opened_at is not None:
        book.flag("shift_repeated", f"shift/{event.shift}", recorded, f"outlet/{event.outlet}", "opened")
        return
    shift.outlet, shift.till, shift.cashier = event.outlet, event.till, event.cashier
    shift.opened_at, shift.opening_tyiyn = instant(recorded.occurred_at), event.opening_cash_tyiyn


def cash_moved(book: Book, recorded: Recorded[outlets.CashMoved]) -> None:
    event = recorded.event
    count_report(book, recorded, event.till, event.till_counter, event.outlet)
    shift = book.shift(event.shift, event.outlet, event.till)
    if event.direction == "in":
        shift.in_tyiyn += event.amount_tyiyn
    else:
        shift.out_tyiyn += event.amount_tyiyn


def shift_closed(book: Book, recorded: Recorded[outlets.ShiftClosed]) -> None:
    """The drawer is counted. Receipts that claim to be later than this are flagged, whichever came first."""
    event = recorded.event
    count_report(book, recorded, event.till, event.till_counter, event.outlet)
    shift = book.shift(event.shift, event.outlet, event.till)
    if shift.closed_at is not None:
        book.flag("shift_repeated", f"shift/{event.shift}", recorded, f"outlet/{event.outlet}", "closed")
        return
    shift.closed_at, shift.counted_tyiyn = instant(recorded.occurred_at), event.counted_cash_tyiyn
    if shift.last_sale_at is not None and shift.last_sale_at > shift.closed_at:
        for row in _sales_after(book, event.shift, shift.closed_at):
            book.flags["closed_shift", f"sale/{row[0]}", row[1]] = (
                "closed_shift",
                f"sale/{row[0]}",
                row[1],
                row[2],
                event.shift,
                row[4],
            )


def _sales_after(book: Book, shift: str, closed_at: str) -> list[tuple[Any, ...]]:
    book.write_sales()  # those of this batch are found there too
    return book.db.rows(
        "SELECT sale, position, place, shift, occurred_at FROM inventory_sales WHERE shift = %s AND occurred_at > %s",
        [shift, closed_at],
    )
