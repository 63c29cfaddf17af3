"""Reports of a long build that the inventory takes as the JSON that they are: receipts, shifts, lots, consignments.

First all of them are read: what they name is wanted of the tables like all that a batch names. Then each takes its turn
among the other events, in the order of the log, so that it finds the book as any event does. What is unusual about one
is seen then: it is opened, and goes the way of the events of a small batch (`take` says so).
"""

from collections.abc import Callable, Collection, Iterable, Mapping, Sequence
from datetime import datetime
from functools import partial
from operator import itemgetter
from typing import Any, Final, NamedTuple

from events.canonical import Unopened
from events.catalogue.base import Event
from events.catalogue.logistics import StockReceived, StockShipped
from events.catalogue.outlets import SaleMade, ShiftClosed, ShiftOpened
from events.catalogue.production import LotCollected
from projections import inventory_consignments as consignments
from projections import inventory_tables as t
from projections.bishkek import day_said
from projections.in_bulk import plain
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
    clock_flag,
)
from projections.inventory_receipts import in_doubt
from projections.inventory_tills import count_report
from projections.statements import Row

#: The kinds of which there are many.
IN_BULK: Final[frozenset[type[Event]]] = frozenset(
    {SaleMade, ShiftOpened, ShiftClosed, LotCollected, StockShipped, StockReceived}
)


class Sold(NamedTuple):
    """A receipt."""

    position: int
    occurred_at: str
    till: str
    till_counter: int
    outlet: str
    shift: str
    sale: str
    cash_tyiyn: int
    due_tyiyn: int  #: what its lines should come to
    lines: list[tuple[str, str, int, int]]  #: product, batch or empty, units, price


class Opened(NamedTuple):
    """A shift that was opened."""

    position: int
    occurred_at: str
    till: str
    till_counter: int
    outlet: str
    shift: str
    cashier: str
    opening_tyiyn: int


class Closed(NamedTuple):
    """A shift that was closed."""

    position: int
    occurred_at: str
    till: str
    till_counter: int
    outlet: str
    shift: str
    counted_tyiyn: int


class Collected(NamedTuple):
    """A lot that was delivered."""

    position: int
    occurred_at: str
    lot: str
    material: str
    producer: str
    delivered_to: str
    mass_g: int
    pieces: int


class Moved(NamedTuple):
    """A consignment that was shipped from its place, or received there when it has no destination."""

    position: int
    occurred_at: str
    consignment: str
    place: str
    destination: str | None
    lines: list[tuple[str, int]]  #: batch and units


type Report = Sold | Opened | Closed | Collected | Moved

# The classes' own constructors cost twice as much.
_new_sold, _new_opened, _new_closed, _new_collected, _new_moved = (
    partial(tuple.__new__, kind) for kind in (Sold, Opened, Closed, Collected, Moved)
)
_batch_and_units: Final = itemgetter("batch", "units")


def _sold(position: int, occurred_at: str, said: dict[str, Any]) -> Sold:
    cash = paid = 0
    for tender in said["tenders"]:
        amount = tender["amount_tyiyn"]
        paid += amount
        if tender["kind"] == "cash":
            cash += amount
    lines = [
        (line["product"], line.get("batch", ""), line["units"], line["unit_price_tyiyn"]) for line in said["lines"]
    ]
    return _new_sold(
        (
            position,
            occurred_at,
            said["till"],
            said["till_counter"],
            said["outlet"],
            said["shift"],
            said["sale"],
            cash,
            paid - said.get("rounding_tyiyn", 0),
            lines,
        )
    )


def _opened(position: int, occurred_at: str, said: dict[str, Any]) -> Opened:
    where = (said["till"], said["till_counter"], said["outlet"], said["shift"])
    return _new_opened((position, occurred_at, *where, said["cashier"], said["opening_cash_tyiyn"]))


def _closed(position: int, occurred_at: str, said: dict[str, Any]) -> Closed:
    where = (said["till"], said["till_counter"], said["outlet"], said["shift"])
    return _new_closed((position, occurred_at, *where, said["counted_cash_tyiyn"]))


def _collected(position: int, occurred_at: str, said: dict[str, Any]) -> Collected:
    what = (said["lot"], said["material"], said["producer"], said["delivered_to"])
    return _new_collected((position, occurred_at, *what, said["mass_g"], said.get("pieces", 0)))


def _shipped(position: int, occurred_at: str, said: dict[str, Any]) -> Moved:
    lines = list(map(_batch_and_units, said["lines"]))
    return _new_moved((position, occurred_at, said["consignment"], said["origin"], said["destination"], lines))


def _received(position: int, occurred_at: str, said: dict[str, Any]) -> Moved:
    lines = list(map(_batch_and_units, said["lines"]))
    return _new_moved((position, occurred_at, said["consignment"], said["place"], None, lines))


_READERS: Final[Mapping[str, Callable[[int, str, dict[str, Any]], Report]]] = {
    SaleMade.wire_name: _sold,
    ShiftOpened.wire_name: _opened,
    ShiftClosed.wire_name: _closed,
    LotCollected.wire_name: _collected,
    StockShipped.wire_name: _shipped,
    StockReceived.wire_name: _received,
}


class Told(NamedTuple):
    """What a stretch of the log left unopened."""

    reports: Sequence[Report]
    flags: Sequence[Row]  #: judgements on the clocks of who reported them


def read(unopened: Iterable[Unopened]) -> Told:
    """Take from the JSON what the inventory keeps of it."""
    reports: list[Report] = []
    flags: list[Row] = []
    for position, said, leaf in plain(unopened):
        occurred_at, recorded_at = leaf["occurred_at"], leaf["recorded_at"]
        reports.append(_READERS[leaf["type"]](position, occurred_at, said))
        # Nearly all were recorded on the day of which they tell.
        if occurred_at > recorded_at or occurred_at[:10] != recorded_at[:10]:
            flag = clock_flag(datetime.fromisoformat(recorded_at) - datetime.fromisoformat(occurred_at))
            if flag is not None:
                subject = f"sale/{said['sale']}" if "sale" in said else leaf["stream"]
                flags.append((flag, subject, position, "", "", occurred_at))
    return Told(reports, flags)


class Named(NamedTuple):
    """What more than one event of a batch speaks of."""

    sales: Collection[str]
    lots: Collection[str]


def want(wanted: Wanted, reports: Iterable[Report]) -> Named:
    """Note what the reports name beside what is `wanted` for the other events of their batch."""
    sales, lots, named_sales, named_lots = set(wanted.sales), set(wanted.lots), set(wanted.sales), set(wanted.lots)
    for report in reports:
        match report:
            case Sold():
                if report.sale in sales:
                    named_sales.add(report.sale)
                sales.add(report.sale)
                wanted.tills.add(report.till)
                wanted.shifts.add(report.shift)
                for product, batch, _, _ in report.lines:
                    wanted.products.add(product)
                    wanted.sold.add(batch)
            case Opened() | Closed():
                wanted.tills.add(report.till)
                wanted.shifts.add(report.shift)
            case Collected(lot=lot):
                if lot in lots:
                    named_lots.add(lot)
                lots.add(lot)
                wanted.made.add(lot)
            case Moved(consignment=consignment):
                wanted.consignments.add(consignment)
    wanted.judged = wanted.judged or len(sales) > len(wanted.sales)
    wanted.sales, wanted.lots = sales, lots
    return Named(named_sales, named_lots)


class Bulk:
    """Takes one report after the other into the book of their batch."""

    def __init__(self, book: Book, wanted: Wanted, told: Told, named: Named) -> None:
        self._book = book
        self._named_sales = named.sales
        self._named_lots = {*named.lots, *book.lots, *book.waiting}
        if book.certificates or wanted.certificates:  # who made what was sold is asked of the book
            self._named_lots |= wanted.sold
        self._sales, self._lots = book.written[t.SALES], book.written[t.LOTS]
        self._takers: Mapping[type, Callable[[Any], bool]] = {
            Sold: self._sold,
            Opened: self._opened,
            Closed: self._closed,
            Collected: self._collected,
            Moved: self._moved,
        }
        book.flags.update({row[:3]: row for row in told.flags})

    def take(self, report: Report) -> bool:
        """Take a report; False, and nothing is done, when there is something unusual about it."""
        return self._takers[type(report)](report)

    def _sold(self, report: Sold) -> bool:
        position, occurred_at, _, _, outlet, shift_id, sale, cash, due, lines = report
        book = self._book
        if sale in book.receipts or sale in book.changes:
            return False
        on = day_said(occurred_at)
        listed = book.prices.listed(book.channels.get(outlet, ""), on)
        goods = []
        for product, batch, units, price in lines:
            known = listed[product]
            if known != price and known is not None:
                return False
            due -= units * price
            goods.append(f"{product}/{batch}/{units}")
        moment = datetime.fromisoformat(occurred_at)
        if due:
            return False
        if (book.certificates or book.reach.recalls) and any([in_doubt(book, x[1], on, moment) for x in lines]):
            return False
        shift = book.shift(shift_id, outlet, report.till)
        if shift.closed_at is not None and moment > shift.closed_at:
            return False
        shift.sales_tyiyn += cash
        if shift.last_sale_at is None or moment > shift.last_sale_at:
            shift.last_sale_at = moment
        count_report(book, report, report)
        place = f"outlet/{outlet}"
        stock = book.stock
        for product, batch, units, _ in lines:
            if batch:
                sums = stock[place, batch]
                sums[SOLD] += units
                sums[ON_HAND] -= units
            else:
                book.no_batch[outlet, product][0] += units
        if sale in self._named_sales:
            book.receipts[sale] = Receipt(place, cash, tuple([line[:3] for line in lines]))
        self._sales.append(
            f"{sale}\t{position}\t{place}\t{shift_id}\t{occurred_at}\t{cash}\t{' '.join(goods)}\n"
        )
        return True

    def _opened(self, report: Opened) -> bool:
        book = self._book
        shift = book.shift(report.shift, report.outlet, report.till)
        if shift.opened_at is not None:
            return False
        count_report(book, report, report)
        shift.outlet, shift.till, shift.cashier = report.outlet, report.till, report.cashier
        shift.opened_at, shift.opening_tyiyn = datetime.fromisoformat(report.occurred_at), report.opening_tyiyn
        return True

    def _closed(self, report: Closed) -> bool:
        book = self._book
        shift = book.shift(report.shift, report.outlet, report.till)
        moment = datetime.fromisoformat(report.occurred_at)
        if shift.closed_at is not None or (shift.last_sale_at is not None and shift.last_sale_at > moment):
            return False
        count_report(book, report, report)
        shift.closed_at, shift.counted_tyiyn = moment, report.counted_tyiyn
        return True

    def _collected(self, report: Collected) -> bool:
        position, _, lot, material, producer, place, mass_g, pieces = report
        if lot in self._named_lots:
            return False
        self._lots.append(
            f"{lot}\t{material}\tproducer/{producer}\t{place}\t{position}\t{mass_g}\t{pieces}"
            "\t\t\t\tNone\tNone\tNone\tNone\t0\n"
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
