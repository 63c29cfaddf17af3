"""The income as one batch of events sees it: terms, makers, periods and receipts, read in bulk, written in bulk."""

from collections import defaultdict
from collections.abc import Callable, Collection, Sequence
from dataclasses import dataclass, field
from datetime import date
from typing import Any, NamedTuple

from events.catalogue.base import Event, Recorded
from projections import income_tables as t
from projections.base import Db
from projections.bishkek import month_after, month_of
from projections.lineage_fold import LineageFold
from projections.lineage_image import Late
from projections.lineage_tables import Lot
from projections.split import Split, Terms, split
from projections.statements import Row, array_text
from projections.totals import Totals


class Line(NamedTuple):
    """A row of `income_lines`."""

    position: int
    row: int
    kind: str
    ref: str
    line: int
    channel: str
    place: str
    product: str
    batch: str
    workshop: str
    region: str
    day: date
    sale_month: str
    period: str
    posted_position: int
    units: int
    gross_tyiyn: int
    makers_tyiyn: int
    workshop_tyiyn: int
    outlet_tyiyn: int
    brand_tyiyn: int
    fund_tyiyn: int
    suspense_tyiyn: int


class Base(NamedTuple):
    """What all rows of one receipt have in common; position and day are those of the receipt itself."""

    ref: str
    channel: str
    place: str
    sale_month: str
    position: int
    day: date


class Change(NamedTuple):
    """A row of `income_changes`: a void, a correction or one line of a return, by the receipt it is about."""

    ref: str
    position: int
    part: int
    kind: str
    stamp: str
    day: date
    line: int
    product: str
    batch: str
    units: int
    refund_tyiyn: int


class Home(NamedTuple):
    """Where a batch belongs: the region of its maker, and the workshop's id, empty for a single producer."""

    region: str
    workshop: str


NOWHERE = Home("", "")

_new_tuple = tuple.__new__


def _maker_of(lot: Lot) -> str | None:
    return lot.maker or (lot.producer and f"producer/{lot.producer}")


_MAKERS_OF_LOTS = "SELECT lot, maker, producer FROM income_lots WHERE lot = ANY(%s::text[])"
#: Batches of makers, and receipts of them that wait in suspense, or once did.
_WAITING_FOR_MAKERS = (
    "SELECT DISTINCT l.batch, l.ref FROM income_lines l JOIN income_lots m ON m.lot = l.batch"
    " WHERE l.region = '' AND l.batch > '' AND coalesce(m.maker, 'producer/' || m.producer) = ANY(%s::text[])"
)


@dataclass(slots=True)
class Wanted:
    """The natural keys that a batch names, gathered before anything is read."""

    refs: set[str] = field(default_factory=set)
    returns: set[str] = field(default_factory=set)
    batches: set[str] = field(default_factory=set)
    made: set[str] = field(default_factory=set)
    makers: set[str] = field(default_factory=set)
    products: set[str] = field(default_factory=set)
    villages: set[str] = field(default_factory=set)
    registered: set[str] = field(default_factory=set)  #: makers of whom somebody may have sold something already
    named: dict[str, int] = field(default_factory=dict)  #: batches, by the position at which each is named first

    def name(self, batch: str, position: int) -> None:
        """A batch is named by an event that asks where it belongs."""
        self.batches.add(batch)
        if position < self.named.get(batch, position + 1):
            self.named[batch] = position


#: Columns of `income_accounts` after its key.
EARNED, PAID, REVERSED, ADVANCED, OWED = range(5)


class Sums:
    """Sums that a batch only adds to: no closing reads them, so they are written once for all segments of the batch."""

    def __init__(self) -> None:
        self.sales = Totals(t.SALES)
        self.product_sales = Totals(t.PRODUCT_SALES)
        self.accounts = Totals(t.ACCOUNTS)

    def flush(self, db: Db) -> None:
        for totals in (self.sales, self.product_sales, self.accounts):
            totals.flush(db)


class Ledger:
    """Everything that a segment of a batch between two closings reads and writes."""

    def __init__(
        self, db: Db, wanted: Wanted, segment: Sequence[Recorded[Event]], late: Sequence[Late], sums: Sums
    ) -> None:
        self.db = db
        self.lines: list[Row] = []
        self.changed: list[Row] = []
        self.rows: dict[Any, list[Row]] = defaultdict(list)
        self.pools = Totals(t.POOLS)
        self.sales, self.product_sales, self.accounts = sums.sales, sums.product_sales, sums.accounts
        self.reshared: list[tuple[int, str]] = []
        self.position, self._row = 0, 0
        self.rules = 0  #: raised when a line that was shared before might be shared otherwise from here on
        self._terms_for: dict[tuple[str, str, date], Terms | None] = {}
        self._open_months: dict[tuple[str, str], str] = {}
        self._homes: dict[str, Home | None] = {}
        self.write_shared: Callable[[], None] | None = None  #: writes what others shared beside this ledger, so far
        self._load_master(wanted)
        self.lineage = LineageFold(t.LINEAGE, db, segment, late)
        self._load_receipts(wanted)

    def _load_master(self, wanted: Wanted) -> None:
        db = self.db
        self.channels = {}
        self.terms: dict[tuple[str, str], list[tuple[date, int, Terms]]] = defaultdict(list)
        self.closed: dict[str, set[str]] = defaultdict(set)
        if wanted.refs or wanted.returns or wanted.made or wanted.batches or wanted.registered:
            self.channels = {row[0]: row[1] for row in db.rows("SELECT outlet, channel FROM income_outlets")}
            for channel, group, since, position, *points in db.rows("SELECT * FROM income_terms"):
                self.terms[channel, group].append((since, position, Terms(*points)))
            for region, period in db.rows("SELECT region, period FROM income_periods"):
                self.closed[region].add(period)
        for listed in self.terms.values():
            listed.sort()
        self.groups: dict[str, tuple[str, int]] = {}  #: of products, and from which position on
        self._load_groups(wanted.products)
        self.villages: dict[str, str] = dict(db.by_key(t.VILLAGES, wanted.villages).values())

    def _load_receipts(self, wanted: Wanted) -> None:
        db = self.db
        self.waiting: dict[str, set[str]] = defaultdict(set)
        made = wanted.made | self.lineage.made
        if made:
            waiting = db.rows(
                "SELECT DISTINCT batch, ref FROM income_lines WHERE region = '' AND batch = ANY(%s::text[])",
                [array_text(made)],
            )
            for batch, ref in waiting:
                self.waiting[batch].add(ref)
        if wanted.registered:
            for batch, ref in db.rows(_WAITING_FOR_MAKERS, [array_text(wanted.registered)]):
                self.waiting[batch].add(ref)
        self.returns = set(db.by_key(t.RETURNS, wanted.returns))
        self.by_ref: dict[str, list[Line]] = {}
        self.changes: dict[str, list[Change]] = {}
        self._stored_makers: dict[str, str | None] = {}
        self.regions: dict[str, str] = {}
        self._read(wanted.refs.union(*self.waiting.values()), wanted.batches)
        self._load_regions(wanted.makers | self.lineage.stored_makers())

    def _read(self, refs: Collection[str], batches: Collection[str] = ()) -> None:
        """Read receipts whole, with what was said of them and whatever that is shared by; and these batches' homes."""
        db = self.db
        lines = [Line(*row) for row in db.where_in(t.LINES, "ref", refs)]
        for line in lines:
            self.by_ref.setdefault(line.ref, []).append(line)
        changes = [Change(*row) for row in db.where_in(t.CHANGES, "ref", refs)]
        for change in changes:
            self.changes.setdefault(change.ref, []).append(change)
        named = {*batches, *(line.batch for line in lines), *(change.batch for change in changes)} - {""}
        if named:
            for lot, maker, producer in db.rows(_MAKERS_OF_LOTS, [array_text(named)]):
                self._stored_makers[lot] = maker or (producer and f"producer/{producer}")
            self._load_regions({maker for lot in named if (maker := self._stored_makers.get(lot))})
        self._load_groups({line.product for line in lines} | {one.product for one in changes if one.product})

    def _load_regions(self, makers: Collection[str]) -> None:
        for maker, _, region in self.db.by_key(t.MAKERS, makers - self.regions.keys()).values():
            self.regions[maker] = region

    def _load_groups(self, products: Collection[str]) -> None:
        for product, group, since in self.db.by_key(t.PRODUCTS, products - self.groups.keys()).values():
            self.groups[product] = group, since

    # ------------------------------------------------------------------ what the log said so far

    def at(self, position: int) -> None:
        """Go on to the next event: its rows are numbered from 0."""
        self.position, self._row = position, 0

    def terms_for(self, channel: str, product: str, day: date, before: int) -> Terms | None:
        """The share terms agreed before a position and in force on a day: the group's own, else the channel's.

        A product that was not defined by then was of no group, whatever it became later.
        """
        key = (channel, product, day)
        if before == self.position and key in self._terms_for:
            return self._terms_for[key]
        found = None
        of_product, since_position = self.groups.get(product, ("", 0))
        for group in (of_product if since_position < before else "", ""):
            for since, position, terms in reversed(self.terms.get((channel, group), ())):
                if since <= day and position < before:
                    found = terms
                    break
            if found is not None:
                break
        if before == self.position:
            self._terms_for[key] = found
        return found

    def terms_in_force(self, channel: str, day: date) -> int:
        """How many terms of a channel were agreed by now for a day: if not more, the same ones."""
        return sum(since <= day for (of, _), listed in self.terms.items() if of == channel for since, _, _ in listed)

    def add_terms(self, channel: str, group: str, since: date, terms: Terms) -> None:
        self.terms[channel, group].append((since, self.position, terms))
        self.terms[channel, group].sort()
        self._terms_for.clear()
        self.rules += 1
        self.rows[t.TERMS].append((channel, group, since, self.position, *terms))

    def set_channel(self, outlet: str, channel: str) -> None:
        """A shop is opened, or opened again as one of another channel."""
        self.channels[outlet] = channel
        self.rules += 1

    def set_group(self, product: str, group: str) -> None:
        self.groups[product] = group, self.position
        self._terms_for.clear()
        self.rules += 1
        self.rows[t.PRODUCTS].append((product, group, self.position))

    def add_maker(self, maker: str, village: str) -> None:
        """A producer or a workshop in a village, and so in its region."""
        region = self.villages.get(village, "")
        self.regions[maker] = region
        self._homes.clear()
        self.rules += 1
        self.rows[t.MAKERS].append((maker, village, region))

    def home(self, batch: str) -> Home | None:
        """Where a batch belongs, as the log knows it here; None while nobody knows who made it."""
        if batch in self._homes:
            return self._homes[batch]
        home = self._homes[batch] = self._home_by(self.maker(batch))
        return home

    def home_then(self, lot: Lot) -> Home | None:
        """Where a lot belonged as it was before."""
        return self._home_by(_maker_of(lot))

    def _home_by(self, maker: str | None) -> Home | None:
        region = self.regions.get(maker) if maker else None
        if not maker or not region:
            return None
        kind, _, identity = maker.partition("/")
        return Home(region, identity if kind == "workshop" else "")

    def maker(self, batch: str) -> str | None:
        """Who made a batch, as the log knows it here."""
        lot = self.lineage.lot(batch) if batch else None
        return self._stored_makers.get(batch) if lot is None else _maker_of(lot)

    def waiting_for(self, maker: str) -> list[str]:
        """Batches of a maker of which sales wait in suspense, or once did, by id."""
        return sorted(batch for batch in self.waiting if self.maker(batch) == maker)

    def receipts_of(self, batch: str) -> list[str]:
        """All receipts of which a line was ever posted to a batch, read whole, by id."""
        if self.write_shared is not None:
            self.write_shared()
        found = self.db.rows("SELECT DISTINCT ref FROM income_lines WHERE batch = %s", [batch])
        self._read({ref for (ref,) in found} - self.by_ref.keys())
        return sorted(ref for ref, lines in self.by_ref.items() if any(line.batch == batch for line in lines))

    def forget_home(self, batch: str) -> None:
        """A lot was made or corrected: who made it is to be asked again."""
        if self._homes.pop(batch, None) is not None:
            self.rules += 1

    def open_month(self, region: str, month: str) -> str:
        """The first month from this one on that is not closed in the region."""
        key = (region, month)
        found = self._open_months.get(key)
        if found is None:
            closed, found = self.closed[region], month
            while found in closed:
                found = month_after(found)
            self._open_months[key] = found
        return found

    # ------------------------------------------------------------------ what is posted

    def post(
        self,
        base: Base,
        number: int,
        kind: str,
        on: date,
        target: tuple[str, str],
        home: Home | None,
        amounts: tuple[int, int, int, int, int, int, int, int],
    ) -> None:
        """One row of a line about `target` (product, batch): units, gross and six parts, as in `income_lines`."""
        product, batch = target
        ref, channel, place, sale_month, _, _ = base
        region, workshop = home or NOWHERE
        period = self.open_month(region, month_of(on)) if home else ""
        # A rebuild makes several million of these; the class's own constructor costs twice as much.
        line = _new_tuple(Line, (
            self.position, self._row, kind, ref, number, channel, place, product, batch, workshop,
            region, on, sale_month, period, self.position, *amounts,
        ))  # fmt: skip
        self._row += 1
        self.lines.append(line)
        of_receipt = self.by_ref.get(ref)
        if of_receipt is None:
            self.by_ref[ref] = [line]
        else:
            of_receipt.append(line)
        units, gross, makers, workshops, outlets, brand, fund, suspense = amounts
        if home:
            self.pools[region, period, batch][0] += makers
        elif batch:
            self.waiting[batch].add(ref)
        sums = self.sales[channel, place, sale_month]
        sums[0] += units
        sums[1] += gross
        sums[2] += makers
        sums[3] += workshops
        sums[4] += outlets
        sums[5] += brand
        sums[6] += fund
        sums[7] += suspense
        sums = self.product_sales[product, channel, sale_month]
        sums[0] += units
        sums[1] += gross
        sums[2] += makers
        sums[3] += suspense

    def split(self, base: Base, product: str, gross: int) -> Split | None:
        """The five parts of a line's amount by the terms of its own time; None when there were none."""
        terms = self.terms_for(base.channel, product, base.day, base.position)
        return None if terms is None else split(gross, terms)

    def flag(self, flag: str, subject: str, place: str, detail: str = "") -> None:
        self.rows[t.FLAGS].append((flag, subject, self.position, place, detail))

    def add_return(self, return_id: str) -> None:
        self.returns.add(return_id)
        self.rows[t.RETURNS].append((return_id, self.position))

    def flush(self) -> None:
        """Write everything but the sums of the batch: one statement or COPY per table that changed."""
        db = self.db
        self.lineage.write()
        db.copy_in(t.LINES, self.lines)
        db.copy_in(t.CHANGES, self.changed)
        self.pools.flush(db)
        for table, rows in self.rows.items():
            width = len(table.primary_key)
            db.upsert(table, list({row[:width]: row for row in rows}.values()))
