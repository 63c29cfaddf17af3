"""Reports of a long build as the JSON that they are: receipts, shifts, lots and consignments, read for the inventory.

What they name is wanted of the tables, like all that a batch names; each takes its turn later (inventory_in_bulk.py).
"""

from collections.abc import Callable, Iterable, Mapping
from datetime import datetime
from functools import partial
from operator import itemgetter
from typing import Any, Final, NamedTuple

from events.canonical import Unopened
from events.catalogue.base import Event
from events.catalogue.registry import EVENTS
from projections.in_bulk import plain
from projections.inventory_book import Shift, Wanted, clock_flag
from projections.inventory_counters import Till
from projections.inventory_prices import Listed
from projections.statements import Row

# The kinds of which there are many, as a leaf names them.
SOLD, OPENED, CLOSED = "outlets.sale_made.v1", "outlets.shift_opened.v1", "outlets.shift_closed.v1"
COLLECTED = "production.lot_collected.v2"
SHIPPED, RECEIVED = "logistics.stock_shipped.v1", "logistics.stock_received.v1"

IN_BULK: Final[frozenset[type[Event]]] = frozenset(
    EVENTS[name] for name in (SOLD, OPENED, CLOSED, COLLECTED, SHIPPED, RECEIVED)
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
    """A till in a shift of a shop, with what the book has of it from the first report on: most follow another one."""

    __slots__ = ("counters", "outlet", "place", "row", "shelf", "shift", "till")

    def __init__(self, shift: str, till: str, outlet: str) -> None:
        self.shift, self.till, self.outlet = shift, till, outlet
        self.place = f"outlet/{outlet}"
        self.row = Shift(shift, outlet, till)
        self.counters = Till(till)
        self.shelf: dict[str, list[int]] | None = None  #: the sums of its place by batch


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
    event: str


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
_new_sold = partial(tuple.__new__, Sold)
_new_opened = partial(tuple.__new__, Opened)
_new_closed = partial(tuple.__new__, Closed)
_new_collected = partial(tuple.__new__, Collected)
_new_moved = partial(tuple.__new__, Moved)
_drawer_of: Final = itemgetter("shift", "till", "outlet")
_batch_and_units: Final = itemgetter("batch", "units")


class Told:
    """What a stretch of the log left unopened, as far as the inventory keeps it; its keys are added to the `wanted`."""

    def __init__(self, unopened: Iterable[Unopened], wanted: Wanted) -> None:
        self.reports: list[Report] = []
        self.flags: list[Row] = []  #: judgements on the clocks of who reported
        #: What more than one event of the batch speaks of.
        self.named_sales: set[str] = set()
        self.named_lots: set[str] = set()
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
            SOLD: self._sold,
            OPENED: self._opened,
            CLOSED: self._closed,
            SHIPPED: self._shipped,
            RECEIVED: self._received,
        }
        add = self.reports.append
        for position, said, leaf in plain(unopened):
            occurred_at, recorded_at = leaf["occurred_at"], leaf["recorded_at"]
            kind = leaf["type"]
            if kind == COLLECTED:
                add(self._collected(position, leaf["event_id"], said))
            else:
                add(readers[kind](position, occurred_at, said))
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

    def _collected(self, position: int, event: str, said: dict[str, Any]) -> Collected:
        wanted, lot = self._wanted, said["lot"]
        if lot in wanted.lots:
            self.named_lots.add(lot)
        wanted.lots.add(lot)
        wanted.made.add(lot)
        what = (lot, said["material"], said["producer"], said["delivered_to"], said["mass_g"], said.get("pieces", 0))
        return _new_collected((position, *what, event))

    def _shipped(self, position: int, occurred_at: str, said: dict[str, Any]) -> Moved:
        lines = list(map(_batch_and_units, said["lines"]))
        self._wanted.consignments.add(said["consignment"])
        return _new_moved((position, occurred_at, said["consignment"], said["origin"], said["destination"], lines))

    def _received(self, position: int, occurred_at: str, said: dict[str, Any]) -> Moved:
        lines = list(map(_batch_and_units, said["lines"]))
        self._wanted.consignments.add(said["consignment"])
        return _new_moved((position, occurred_at, said["consignment"], said["place"], None, lines))
