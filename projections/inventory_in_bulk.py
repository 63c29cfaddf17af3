"""Reports of a long build that the inventory takes as the JSON that they are: receipts, shifts, lots, consignments.

First all of them are read: what they name is wanted of the tables like all that a batch names. Then each takes its turn
among the other events, in the order of the log, so that it finds the book as any event does. What is unusual about one
is seen then: it is opened, and goes the way of the events of a small batch (`take` says so).
"""

from collections.abc import Callable, Iterable, Mapping
from datetime import date, datetime
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
    Shift,
    Wanted,
    clock_flag,
)
from projections.inventory_counters import Till
from projections.inventory_prices import Listed
from projections.inventory_receipts import in_doubt
from projections.inventory_tills import count_report
from projections.statements import Row
from projections.totals import Totals

#: The kinds of which there are many.
IN_BULK: Final[frozenset[type[Event]]] = frozenset(
    {SaleMade, ShiftOpened, ShiftClosed, LotCollected, StockShipped, StockReceived}
)


class Line:
    """How many units of what at which price: most lines of receipts are like others of the same days."""

    __slots__ = ("batch", "listed", "price", "product", "text", "tyiyn", "units")

    def __init__(self, said: dict[str, Any]) -> None:
        self.product, self.batch = said["product"], said.get("batch", "")
        self.units, self.price = said["units"], said["unit_price_tyiyn"]
        self.tyiyn = self.units * self.price
        self.text = f"{self.product}/{self.batch}/{self.units}"  # as `inventory_sales` keeps it
        self.listed: Listed | None = None  # by which prices it is known to be right


class Drawer:
    """A till in a shift of a shop; `open` before the first use."""

    __slots__ = ("counters", "outlet", "place", "row", "shelf", "shift", "till")

    def __init__(self, shift: str, till: str, outlet: str) -> None:
        self.shift, self.till, self.outlet = shift, till, outlet
        self.place = f"outlet/{outlet}"
        self.row = Shift(shift, outlet, till)
        self.counters = Till(till)
        self.shelf: Shelf | None = None


class Shelf(dict[str, list[int]]):
    """The sums of one place by batch."""

    def __init__(self, stock: Totals, place: str) -> None:
        super().__init__()
        self._stock, self._place = stock, place

    def __missing__(self, batch: str) -> list[int]:
        sums = self[batch] = self._stock[self._place, batch]
        return sums


class Sold(NamedTuple):
    """A receipt."""

    position: int
    occurred_at: str
    drawer: Drawer
    till_counter: int
    sale: str
    cash_tyiyn: int
    is_paid: bool  #: whether what was paid is what the lines come to
    lines: list[Line]


class Opened(NamedTuple):
    """A shift that was opened."""

    position: int
    occurred_at: str
    drawer: Drawer
    till_counter: int
    cashier: str
    opening_tyiyn: int


class Closed(NamedTuple):
    """A shift that was closed."""

    position: int
    occurred_at: str
    drawer: Drawer
    till_counter: int
    counted_tyiyn: int


class Collected(NamedTuple):
    """A lot that was delivered."""

    position: int
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
_drawer_of: Final = itemgetter("shift", "till", "outlet")
_batch_and_units: Final = itemgetter("batch", "units")


class Told:
    """What a stretch of the log left unopened, as far as the inventory keeps it; its keys are added to the `wanted`."""

    def __init__(self, unopened: Iterable[Unopened], wanted: Wanted) -> None:
        self.reports: list[Report] = []
        self.flags: list[Row] = []  #: judgements on the clocks of who reported
        #: What more than one event of the batch speaks of.
        self.named_sales, self.named_lots = set(wanted.sales), set(wanted.lots)
        self._wanted = wanted
        self._drawers: dict[tuple[str, str, str], Drawer] = {}
        self._lines: dict[tuple[Any, ...], Line] = {}
        self._read(unopened)
        wanted.shifts.update([drawer.shift for drawer in self._drawers.values()])
        wanted.tills.update([drawer.till for drawer in self._drawers.values()])
        wanted.products.update([line.product for line in self._lines.values()])
        wanted.sold.update([line.batch for line in self._lines.values()])
        wanted.judged = wanted.judged or bool(self._drawers)

    def _read(self, unopened: Iterable[Unopened]) -> None:
        readers: Mapping[str, Callable[[int, str, dict[str, Any]], Report]] = {
            SaleMade.wire_name: self._sold,
            ShiftOpened.wire_name: self._opened,
            ShiftClosed.wire_name: self._closed,
            LotCollected.wire_name: self._collected,
            StockShipped.wire_name: self._shipped,
            StockReceived.wire_name: self._received,
        }
        add = self.reports.append
        for position, said, leaf in plain(unopened):
            occurred_at, recorded_at = leaf["occurred_at"], leaf["recorded_at"]
            add(readers[leaf["type"]](position, occurred_at, said))
            # Nearly all are recorded on the day of which they tell.
            if occurred_at[:10] != recorded_at[:10] or occurred_at > recorded_at:
                flag = clock_flag(datetime.fromisoformat(recorded_at) - datetime.fromisoformat(occurred_at))
                if flag is not None:
                    subject = f"sale/{said['sale']}" if "sale" in said else leaf["stream"]
                    self.flags.append((flag, subject, position, "", "", occurred_at))

    def _sold(self, position: int, occurred_at: str, said: dict[str, Any]) -> Sold:
        sales, sale = self._wanted.sales, said["sale"]
        if sale in sales:
            self.named_sales.add(sale)
        sales.add(sale)
        due, lines, alike = said.get("rounding_tyiyn", 0), [], self._lines
        for one in said["lines"]:
            key = tuple(one.values())
            line = alike.get(key)
            if line is None:
                line = alike[key] = Line(one)
            due += line.tyiyn
            lines.append(line)
        cash = 0
        for tender in said["tenders"]:
            amount = tender["amount_tyiyn"]
            due -= amount
            if tender["kind"] == "cash":
                cash += amount
        return _new_sold((position, occurred_at, self._drawer(said), said["till_counter"], sale, cash, not due, lines))

    def _opened(self, position: int, occurred_at: str, said: dict[str, Any]) -> Opened:
        what = (said["till_counter"], said["cashier"], said["opening_cash_tyiyn"])
        return _new_opened((position, occurred_at, self._drawer(said), *what))

    def _closed(self, position: int, occurred_at: str, said: dict[str, Any]) -> Closed:
        what = (said["till_counter"], said["counted_cash_tyiyn"])
        return _new_closed((position, occurred_at, self._drawer(said), *what))

    def _drawer(self, said: dict[str, Any]) -> Drawer:
        where = _drawer_of(said)
        drawer = self._drawers.get(where)
        if drawer is None:
            drawer = self._drawers[where] = Drawer(*where)
        return drawer

    def _collected(self, position: int, _: str, said: dict[str, Any]) -> Collected:
        wanted, lot = self._wanted, said["lot"]
        if lot in wanted.lots:
            self.named_lots.add(lot)
        wanted.lots.add(lot)
        wanted.made.add(lot)
        what = (lot, said["material"], said["producer"], said["delivered_to"], said["mass_g"], said.get("pieces", 0))
        return _new_collected((position, *what))

    def _shipped(self, position: int, occurred_at: str, said: dict[str, Any]) -> Moved:
        lines = list(map(_batch_and_units, said["lines"]))
        self._wanted.consignments.add(said["consignment"])
        return _new_moved((position, occurred_at, said["consignment"], said["origin"], said["destination"], lines))

    def _received(self, position: int, occurred_at: str, said: dict[str, Any]) -> Moved:
        lines = list(map(_batch_and_units, said["lines"]))
        self._wanted.consignments.add(said["consignment"])
        return _new_moved((position, occurred_at, said["consignment"], said["place"], None, lines))


class Bulk:
    """Takes one report after the other into the book of their batch."""

    def __init__(self, book: Book, told: Told, wanted: Wanted) -> None:
        self._book = book
        self._named_sales = told.named_sales
        self._named_lots = {*told.named_lots, *book.lots, *book.waiting}
        taken_away = book.certificates.keys() | wanted.certificates
        if taken_away:  # who made what was sold is asked of the book
            self._named_lots |= wanted.sold
        #: Batches for which a certificate was taken away once, or perhaps.
        self._doubtful = {
            batch
            for batch in wanted.sold
            if batch in told.named_lots or ((lot := book.lots.get(batch)) is not None and lot.certified_as() in taken_away)
        } if taken_away else set()
        self._days: dict[str, date] = {}  #: by the hour of an instant
        self._shelves: dict[str, Shelf] = {}
        self._sales, self._lots = book.written[t.SALES], book.written[t.LOTS]
        #: By kind: takes a report; False, and nothing is done, when there is something unusual about it.
        self.takers: Mapping[type, Callable[[Any], bool]] = {
            Sold: self._sold,
            Opened: self._opened,
            Closed: self._closed,
            Collected: self._collected,
            Moved: self._moved,
        }
        book.db.copy_in(t.FLAGS, told.flags)

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
        on = self._days.get(occurred_at[:13])
        if on is None:
            on = self._days[occurred_at[:13]] = day_said(occurred_at)
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
        position, lot, material, producer, place, mass_g, pieces = report
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
