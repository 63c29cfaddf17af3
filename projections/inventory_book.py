"""What one batch of events needs to know of the inventory, read in bulk, and what it writes back, in bulk."""

from collections import defaultdict
from collections.abc import Collection, Mapping, Sequence
from dataclasses import dataclass, field
from datetime import date, datetime, timedelta
from typing import Any, NamedTuple, Protocol

from sqlalchemy import Table

from events.canonical import instant
from events.catalogue.base import Event, Recorded
from projections import inventory_tables as t
from projections.base import Db
from projections.inventory_counters import Tills
from projections.inventory_prices import Prices
from projections.inventory_recalls import Reach
from projections.statements import Row
from projections.totals import Totals

# Columns of the sums, in the order of their tables.
PACKED, OPENING, RECEIVED, SHIPPED, CANCELLED, SOLD, RETURNED, DESTROYED, SAMPLED, UNEXPLAINED, ON_HAND = range(11)
(MADE_G, MADE_PIECES, CONSUMED_G, CONSUMED_PIECES, PACKED_G, PACKED_PIECES) = range(6)
(DESTROYED_G, DESTROYED_PIECES, SAMPLED_G, ON_HAND_G, ON_HAND_PIECES) = range(6, 11)

#: A report this much older than its recording is flagged as late, one this far ahead as of a wrong clock.
LATE_AFTER = timedelta(days=1)
AHEAD_AFTER = timedelta(minutes=5)


def clock_flag(lag: timedelta) -> str | None:
    """What is to be said of the clock of who reported something, so long before it was recorded."""
    if lag > LATE_AFTER:
        return "late"
    return "clock_ahead" if lag < -AHEAD_AFTER else None


class Noted(Protocol):
    """What a judgement keeps of an event."""

    @property
    def position(self) -> int: ...
    @property
    def occurred_at(self) -> datetime | str: ...


def stamp_of(recorded: Recorded[Any]) -> str:
    """What orders two statements about one thing whatever their order in the log: the claimed time, then the id."""
    return f"{recorded.occurred_at.isoformat()}/{recorded.event_id}"


@dataclass(slots=True)
class Lot:
    """A row of `inventory_lots`, as it changes within a batch; or a further report of a lot."""

    lot: str
    item: str | None = None
    maker: str | None = None
    made_at: str | None = None
    made_position: int | None = None
    mass_g: int = 0
    pieces: int = 0
    inputs: str = ""
    by_products: str = ""
    corrected: str = ""
    event: str | None = None
    is_step: bool = False
    maker_reported: str | None = None
    product: str | None = None
    code: str | None = None
    packed_at: str | None = None
    best_before: date | None = None
    packed_units: int = 0

    def certified_as(self) -> tuple[str | None, str]:
        """Whose certificate for what counts for it."""
        return self.maker, self.product or self.item or ""

    def row(self) -> Row:
        return (
            self.lot,
            self.item,
            self.maker,
            self.made_at,
            self.made_position,
            self.mass_g,
            self.pieces,
            self.inputs,
            self.by_products,
            self.corrected,
            self.event,
            self.is_step,
            self.maker_reported,
            self.product,
            self.code,
            self.packed_at,
            self.best_before,
            self.packed_units,
        )

    def repeat_row(self) -> Row:
        """As a row of `inventory_lot_repeats`."""
        what = (self.made_at, self.mass_g, self.pieces, self.inputs, self.by_products)
        return (self.lot, self.event, self.is_step, *what, self.corrected)


class Receipt(NamedTuple):
    """What later facts need of a receipt: where, and its lines as (product, batch or empty, units)."""

    place: str
    cash_tyiyn: int
    lines: tuple[tuple[str, str, int], ...]


class Change(NamedTuple):
    """A row of `inventory_sale_changes`: a void, a correction or one line of a return, by the receipt it is about."""

    sale: str
    position: int
    part: int
    kind: str
    stamp: str
    shift: str
    outlet: str
    line: int
    product: str
    batch: str
    units: int


@dataclass(slots=True)
class Shift:
    """A row of `inventory_shifts`, as it changes within a batch."""

    shift: str
    outlet: str
    till: str
    cashier: str | None = None
    opened_at: str | None = None  # moments as the log writes them: such texts follow each other as the moments do
    closed_at: str | None = None
    last_sale_at: str | None = None
    opening_tyiyn: int = 0
    sales_tyiyn: int = 0
    voids_tyiyn: int = 0
    refunds_tyiyn: int = 0
    in_tyiyn: int = 0
    out_tyiyn: int = 0
    counted_tyiyn: int | None = None

    def expected_tyiyn(self) -> int:
        put_in = self.opening_tyiyn + self.sales_tyiyn + self.in_tyiyn
        return put_in - self.voids_tyiyn - self.refunds_tyiyn - self.out_tyiyn

    def row(self) -> Row:
        counted = self.counted_tyiyn
        return (
            self.shift,
            self.outlet,
            self.till,
            self.cashier,
            self.opened_at,
            self.closed_at,
            self.last_sale_at,
            self.opening_tyiyn,
            self.sales_tyiyn,
            self.voids_tyiyn,
            self.refunds_tyiyn,
            self.in_tyiyn,
            self.out_tyiyn,
            counted,
            None if counted is None else counted - self.expected_tyiyn(),
        )


@dataclass(slots=True)
class Wanted:
    """The natural keys that a batch names, gathered before anything is read."""

    lots: set[str] = field(default_factory=set)
    made: set[str] = field(default_factory=set)
    sold: set[str] = field(default_factory=set)
    sales: set[str] = field(default_factory=set)
    returns: set[str] = field(default_factory=set)
    shifts: set[str] = field(default_factory=set)
    tills: set[str] = field(default_factory=set)
    products: set[str] = field(default_factory=set)
    counted: set[tuple[str, str]] = field(default_factory=set)
    consignments: set[str] = field(default_factory=set)
    judged: bool = False  # receipts or decisions that need certificates and recalls
    certificates: set[tuple[str, str]] = field(default_factory=set)  # of which maker for what one is decided on


class Book:
    """The inventory as one batch sees it: loaded for the batch's keys, changed in memory, written once at the end."""

    def __init__(self, db: Db, wanted: Wanted) -> None:
        self.db = db
        self.stock = Totals(t.STOCK)
        self.bulk = Totals(t.BULK)
        self.no_batch = Totals(t.NO_BATCH)
        self.flags: dict[tuple[str, str, int], Row] = {}
        self.new_sales: list[Row] = []
        self.written: dict[Any, list[str]] = defaultdict(list)  #: new rows as COPY reads them, by table
        self.new_changes: list[Row] = []
        self.new_rows: dict[Any, list[Row]] = defaultdict(list)
        self.changed_lots: set[str] = set()
        self.changed_shifts: set[str] = set()
        self._load_goods(wanted)
        self._load_shop(wanted)
        #: Keys of rows that are there already: what is asked for anyway need not be merged in.
        self._stored: dict[Table, Collection[Any]] = {
            t.LOTS: set(self.lots),
            t.SHIFTS: set(self.shifts),
            t.CONSIGNMENTS: set(self.consignments),
            t.TRANSIT: {(consignment, batch) for consignment, sums in self.transit.items() for batch in sums},
        }

    def _load_goods(self, wanted: Wanted) -> None:
        db = self.db
        self.lots = {lot: Lot(*row) for lot, row in db.by_key(t.LOTS, wanted.lots).items()}
        self.waiting: dict[str, dict[int, Row]] = defaultdict(dict)
        self.changed_waiting: set[tuple[str, int]] = set()
        for row in db.where_in(t.LOT_WAITING, "lot", wanted.made):
            self.waiting[row[0]][row[1]] = row
        self.repeats: dict[str, dict[str, Lot]] = defaultdict(dict)
        self.changed_repeats: set[tuple[str, str]] = set()
        for lot, event, is_step, place, mass_g, pieces, inputs, by_products, corrected in db.where_in(
            t.LOT_REPEATS, "lot", wanted.made
        ):
            what = Lot(lot, None, None, place, None, mass_g, pieces, inputs, by_products, corrected, event, is_step)
            self.repeats[lot][event] = what
        self.counted = {key: row[-1] for key, row in db.by_key(t.STOCK, wanted.counted).items()}
        self.consignments: dict[str, list[Any]] = {
            key: list(row) for key, row in db.by_key(t.CONSIGNMENTS, wanted.consignments).items()
        }
        self.transit: dict[str, dict[str, list[int]]] = defaultdict(dict)
        for consignment, batch, *sums in db.where_in(t.TRANSIT, "consignment", wanted.consignments):
            self.transit[consignment][batch] = sums
        self.changed_transit: set[tuple[str, str]] = set()
        self.changed_consignments: set[str] = set()

    def _load_shop(self, wanted: Wanted) -> None:
        db = self.db
        self.channels: dict[str, str] = {}
        self.certificates: dict[tuple[str, str], list[tuple[date, int, bool]]] = defaultdict(list)
        self.receipts: dict[str, Receipt] = {}
        self.changes: dict[str, list[Change]] = {}
        if wanted.judged:
            self.channels = {row[0]: row[1] for row in db.rows("SELECT outlet, channel FROM inventory_outlets")}
            for maker, product, position, since, counts in db.rows("SELECT * FROM inventory_certificates"):
                self.certificates[maker, product].append((since, position, counts))
        self.prices = Prices(db, wanted.products)
        for row in db.where_in(t.SALES, "sale", wanted.sales):
            self.receipts[row[0]] = Receipt(row[2], row[5], lines_from(row[6]))
        self.returns = set(db.by_key(t.RETURNS, wanted.returns))
        for row in db.where_in(t.SALE_CHANGES, "sale", wanted.sales):
            self.changes.setdefault(row[0], []).append(Change(*row))
        # A void that came before its receipt gives money back in a shift that this batch need not name.
        shifts = wanted.shifts.union(*({change.shift for change in told} for told in self.changes.values()))
        self.shifts = {key: _shift_from(row) for key, row in db.by_key(t.SHIFTS, shifts).items()}
        self.tills = Tills(db, wanted.tills)
        self.reach = Reach(db, wanted.judged or bool(wanted.made))
        if self.certificates or wanted.certificates:  # only then does it matter who made what was sold
            for lot, row in db.by_key(t.LOTS, wanted.sold - self.lots.keys()).items():
                self.lots[lot] = Lot(*row)

    def flag(self, flag: str, subject: str, recorded: Noted, place: str = "", detail: str = "") -> None:
        """Raise a judgement; the same one about the same thing by the same event is one."""
        key = (flag, subject, recorded.position)
        self.flags[key] = (*key, place, detail, recorded.occurred_at)

    def lot(self, lot: str) -> Lot:
        """The row of a lot, to be changed: a new one when nobody has told of it yet."""
        self.changed_lots.add(lot)
        known = self.lots.get(lot)
        if known is None:
            known = self.lots[lot] = Lot(lot)
        return known

    def report_of(self, lot: str, event: str) -> Lot | None:
        """What one report says of a lot, to be changed."""
        known = self.lots.get(lot)
        if known is not None and known.event == event:
            self.changed_lots.add(lot)
            return known
        repeat = self.repeats[lot].get(event) if lot in self.repeats else None
        if repeat is not None:
            self.changed_repeats.add((lot, event))
        return repeat

    def repeat(self, said: Lot) -> None:
        """Keep a further report of a lot."""
        assert said.event is not None  # noqa: S101 - a report is an event
        self.repeats[said.lot][said.event] = said
        self.changed_repeats.add((said.lot, said.event))

    def shift(self, shift: str, outlet: str, till: str) -> Shift:
        """The row of a shift, to be changed."""
        self.changed_shifts.add(shift)
        known = self.shifts.get(shift)
        if known is None:
            known = self.shifts[shift] = Shift(shift, outlet, till)
        return known

    def wait(self, row: Row) -> None:
        """Keep what was told of a lot that is not there yet (a row of `inventory_lot_waiting`)."""
        self.waiting[row[0]][row[1]] = row
        self.changed_waiting.add((row[0], row[1]))

    def wait_no_more(self, row: Row) -> None:
        """The lot is there, what waited for it has been done."""
        del self.waiting[row[0]][row[1]]
        self.changed_waiting.add((row[0], row[1]))

    def write_sales(self) -> None:
        """Write the receipts of the batch, so far."""
        self.db.copy_in(t.SALES, self.new_sales)
        self.db.copy_written(t.SALES, self.written[t.SALES])
        self.new_sales.clear()
        self.written[t.SALES].clear()

    def _write(self, table: Table, rows: Mapping[Any, Row]) -> None:
        """Add rows that are new and set those that were loaded."""
        stored = self._stored[table]
        self.db.copy_in(table, [row for key, row in rows.items() if key not in stored])
        self.db.upsert(table, [row for key, row in rows.items() if key in stored])

    def flush(self) -> None:
        """Write everything: one statement or COPY per table that changed."""
        db = self.db
        for totals in (self.stock, self.bulk, self.no_batch):
            totals.flush(db)
        db.copy_written(t.LOTS, self.written[t.LOTS])
        self._write(t.LOTS, {lot: self.lots[lot].row() for lot in self.changed_lots})
        db.upsert(t.LOT_REPEATS, [self.repeats[lot][event].repeat_row() for lot, event in self.changed_repeats])
        still = {key: self.waiting[key[0]].get(key[1]) for key in self.changed_waiting}
        db.upsert(t.LOT_WAITING, [row for row in still.values() if row is not None])
        db.delete(t.LOT_WAITING, [key for key, row in still.items() if row is None])
        self.write_sales()
        db.copy_in(t.SALE_CHANGES, self.new_changes)
        self._write(t.SHIFTS, {shift: self.shifts[shift].row() for shift in self.changed_shifts})
        self._write(t.CONSIGNMENTS, {key: tuple(self.consignments[key]) for key in self.changed_consignments})
        self._write(t.TRANSIT, {key: (*key, *self.transit[key[0]][key[1]]) for key in self.changed_transit})
        db.upsert(t.FLAGS, list(self.flags.values()))
        db.copy_in(t.COUNTS, list({row[:2]: row for row in self.new_rows.pop(t.COUNTS, ())}.values()))
        for table, rows in self.new_rows.items():
            db.upsert(table, list({tuple(row[: len(table.primary_key)]): row for row in rows}.values()))
        self.tills.flush()
        self.reach.flush()


def _shift_from(row: Row) -> Shift:
    moments = [None if moment is None else instant(moment) for moment in row[4:7]]
    return Shift(*row[:4], *moments, *row[7:-1])


def lines_from(text: str) -> tuple[tuple[str, str, int], ...]:
    """The lines of a receipt as `inventory_sales` keeps them."""
    lines = []
    for line in text.split():
        product, batch, units = line.split("/")
        lines.append((product, batch, int(units)))
    return tuple(lines)


type Batch = Sequence[Recorded[Event]]
