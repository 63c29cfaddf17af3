"""Reports of a long build that the inventory takes as the JSON that they are.

Each takes its turn among the other events, in the order of the log, and finds the book as any event does. If there is
something unusual about it, it is opened after all, and goes the way of the events of a small batch.
"""

from collections.abc import Callable, Mapping
from typing import Any

from projections import inventory_consignments as consignments
from projections import inventory_tables as t
from projections.bishkek import day_said
from projections.inventory_book import (
    MADE_G,
    MADE_PIECES,
    ON_HAND,
    ON_HAND_G,
    ON_HAND_PIECES,
    SOLD,
    Book,
    Receipt,
    Wanted,
)
from projections.inventory_receipts import in_doubt
from projections.inventory_tills import count_report
from projections.inventory_told import Closed, Collected, Drawer, Moved, Opened, Sold, Told
from projections.totals import Totals


class Shelf(dict[str, list[int]]):
    """The sums of one place by batch."""

    def __init__(self, stock: Totals, place: str) -> None:
        super().__init__()
        self._stock, self._place = stock, place

    def __missing__(self, batch: str) -> list[int]:
        sums = self[batch] = self._stock[self._place, batch]
        return sums


class Bulk:
    """Takes one report after the other into the book of their batch."""

    def __init__(self, book: Book, told: Told, wanted: Wanted) -> None:
        self._book = book
        self._named_sales = told.named_sales
        self._named_lots = {*told.named_lots, *book.lots, *book.waiting}
        taken_away = book.certificates.keys() | wanted.certificates
        if taken_away:  # who made what was sold is asked of the book
            self._named_lots |= wanted.sold
        #: Batches for which a certificate was taken away, or is perhaps: this batch may still tell who made them.
        self._doubtful = {
            batch
            for batch in (wanted.sold if taken_away else ())
            if batch in wanted.lots or ((lot := book.lots.get(batch)) is not None and lot.certified_as() in taken_away)
        }
        self._shelves: dict[str, Shelf] = {}
        self._sales, self._lots = book.written[t.SALES], book.written[t.LOTS]

    def takers(self) -> Mapping[type, Callable[[Any], bool]]:
        """By kind: takes a report; False, and nothing is done, when there is something unusual about it.

        Made when asked for: an object that kept its own methods would be freed by the collector of garbage alone.
        """
        return {
            Sold: self._sold,
            Opened: self._opened,
            Closed: self._closed,
            Collected: self._collected,
            Moved: self._moved,
        }

    def _open(self, drawer: Drawer) -> Shelf:
        """Find what the book has of a drawer."""
        book = self._book
        drawer.row = book.shift(drawer.shift, drawer.outlet, drawer.till)
        drawer.counters = book.tills.of(drawer.till)
        shelf = self._shelves.get(drawer.place)
        if shelf is None:
            shelf = self._shelves[drawer.place] = Shelf(book.stock, drawer.place)
        drawer.shelf = shelf
        return shelf

    def _sold(self, report: Sold) -> bool:
        position, occurred_at, drawer, counter, sale, cash, is_paid, lines = report
        book = self._book
        if not is_paid or sale in book.receipts or sale in book.changes:
            return False
        on = day_said(occurred_at)
        listed = book.prices.listed(book.channels.get(drawer.outlet, ""), on)
        doubtful, marks = self._doubtful, book.reach.marks
        for line in lines:
            if line.listed is not listed:
                known = listed[line.product]
                if known != line.price and known is not None:
                    return False
                line.listed = listed
            batch = line.batch
            if (batch in doubtful or batch in marks) and in_doubt(book, batch, on, occurred_at):
                return False
        shelf = drawer.shelf
        if shelf is None:
            shelf = self._open(drawer)
        shift = drawer.row
        if shift.closed_at is not None and occurred_at > shift.closed_at:
            return False
        shift.sales_tyiyn += cash
        if shift.last_sale_at is None or occurred_at > shift.last_sale_at:
            shift.last_sale_at = occurred_at
        till = drawer.counters
        if counter == till.highest + 1:
            till.highest = counter
            till.accepted += 1
        else:
            self._count(report)
        for line in lines:
            if line.batch:
                sums = shelf[line.batch]
                sums[SOLD] += line.units
                sums[ON_HAND] -= line.units
            else:
                book.no_batch[drawer.outlet, line.product][0] += line.units
        place = drawer.place
        if sale in self._named_sales:
            book.receipts[sale] = Receipt(place, cash, tuple([(x.product, x.batch, x.units) for x in lines]))
        goods = lines[0].text if len(lines) == 1 else " ".join([line.text for line in lines])
        self._sales.append(f"{sale}\t{position}\t{place}\t{drawer.shift}\t{occurred_at}\t{cash}\t{goods}\n")
        return True

    def _count(self, report: Sold | Opened | Closed) -> None:
        count_report(self._book, report, report.drawer.till, report.till_counter, report.drawer.outlet)

    def _opened(self, report: Opened) -> bool:
        drawer = report.drawer
        self._open(drawer)
        shift = drawer.row
        if shift.opened_at is not None:
            return False
        self._count(report)
        shift.outlet, shift.till, shift.cashier = drawer.outlet, drawer.till, report.cashier
        shift.opened_at, shift.opening_tyiyn = report.occurred_at, report.opening_tyiyn
        return True

    def _closed(self, report: Closed) -> bool:
        self._open(report.drawer)
        shift, moment = report.drawer.row, report.occurred_at
        if shift.closed_at is not None or (shift.last_sale_at is not None and shift.last_sale_at > moment):
            return False
        self._count(report)
        shift.closed_at, shift.counted_tyiyn = moment, report.counted_tyiyn
        return True

    def _collected(self, report: Collected) -> bool:
        position, lot, material, producer, place, mass_g, pieces, event = report
        if lot in self._named_lots:
            return False
        self._lots.append(
            f"{lot}\t{material}\tproducer/{producer}\t{place}\t{position}\t{mass_g}\t{pieces}"
            f"\t\t\t\t{event}\tf\tproducer/{producer}\tNone\tNone\tNone\tNone\t0\n"
        )
        made = self._book.bulk[lot, place]
        made[MADE_G] += mass_g
        made[MADE_PIECES] += pieces
        made[ON_HAND_G] += mass_g
        made[ON_HAND_PIECES] += pieces
        return True

    def _moved(self, report: Moved) -> bool:
        _, occurred_at, consignment, place, destination, lines = report
        if destination is None:
            consignments.receive(self._book, consignment, place, lines)
        else:
            consignments.ship(self._book, consignment, place, destination, occurred_at, lines)
        return True
