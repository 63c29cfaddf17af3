"""Reports of tills, shifts and their drawers."""

from datetime import datetime
from typing import Any, Protocol

from events.catalogue import exchange, network, outlets
from events.catalogue.base import Recorded
from projections.inventory_book import Book, Noted


class Counted(Protocol):
    """A report as a till numbers it."""

    @property
    def till(self) -> str: ...
    @property
    def till_counter(self) -> int: ...
    @property
    def outlet(self) -> str: ...


def count_report(book: Book, recorded: Noted, report: Counted) -> None:
    """Every report of a till has the next counter; one that was counted already is flagged, not counted again."""
    if not book.tills.of(report.till).accept(report.till_counter):
        book.flag(
            "counter_repeated", f"till/{report.till}/{report.till_counter}", recorded, f"outlet/{report.outlet}"
        )


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
    count_report(book, recorded, event)
    shift = book.shift(event.shift, event.outlet, event.till)
    if shift.opened_at is not None:
        book.flag("shift_repeated", f"shift/{event.shift}", recorded, f"outlet/{event.outlet}", "opened")
        return
    shift.outlet, shift.till, shift.cashier = event.outlet, event.till, event.cashier
    shift.opened_at, shift.opening_tyiyn = recorded.occurred_at, event.opening_cash_tyiyn


def cash_moved(book: Book, recorded: Recorded[outlets.CashMoved]) -> None:
    event = recorded.event
    count_report(book, recorded, event)
    shift = book.shift(event.shift, event.outlet, event.till)
    if event.direction == "in":
        shift.in_tyiyn += event.amount_tyiyn
    else:
        shift.out_tyiyn += event.amount_tyiyn


def shift_closed(book: Book, recorded: Recorded[outlets.ShiftClosed]) -> None:
    """The drawer is counted. Receipts that claim to be later than this are flagged, whichever came first."""
    event = recorded.event
    count_report(book, recorded, event)
    shift = book.shift(event.shift, event.outlet, event.till)
    if shift.closed_at is not None:
        book.flag("shift_repeated", f"shift/{event.shift}", recorded, f"outlet/{event.outlet}", "closed")
        return
    shift.closed_at, shift.counted_tyiyn = recorded.occurred_at, event.counted_cash_tyiyn
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


def _sales_after(book: Book, shift: str, closed_at: datetime) -> list[tuple[Any, ...]]:
    book.write_sales()  # those of this batch are found there too
    return book.db.rows(
        "SELECT sale, position, place, shift, occurred_at FROM inventory_sales WHERE shift = %s AND occurred_at > %s",
        [shift, closed_at],
    )
