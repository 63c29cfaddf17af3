"""Receipts, payouts and reports of lots of a long build, taken as the JSON that they are.

A receipt is ordinary when nothing else is said of it and all of its batches have a home: it is posted once, by the
terms, homes and months that count at its position, and is not met again in its batch. Any other receipt is opened and
goes the way of all receipts (income_receipts.py). Most lines of receipts are like others of the same days, so how a
line is shared is found out once for all that are alike.
"""

import re
from collections import Counter, defaultdict
from collections.abc import Collection, Mapping, Sequence
from datetime import date
from functools import partial
from typing import Final, NamedTuple

import orjson

from events.canonical import Unopened
from events.catalogue.base import Event, Recorded
from events.catalogue.settlement import PayoutMade
from projections import income_tables as t
from projections import lineage_in_bulk
from projections.base import Db
from projections.bishkek import day_said, month_of
from projections.in_bulk import Plain, opened, plain
from projections.income_ledger import OWED, PAID, Home, Ledger, Sums, Wanted
from projections.lineage_image import Late
from projections.split import Terms, split
from projections.statements import array_text

#: Batch, product, price in tyiyn and units: a line of a receipt, in the order in which the log has them.
type SoldLine = tuple[str, str, int, int]

#: The end of a receipt's leaf, and what the ledger needs of its data. Finding it costs half of what parsing does. A
#: leaf has its members in one order and no blanks, and a text holds no quotation mark by itself: what looks like one of
#: these members is that member. A receipt that says anything in another way is not ordinary.
_RECEIPT_END = b'"type":"outlets.sale_made.v1"}'
_find_receipt = re.compile(
    rb'"lines":\[\{([^\]\\]*)\}\],"outlet":"([^"\\]*)","rounding_tyiyn":-?[0-9]+,"sale":"([^"\\]*)"'
).search
_OCCURRED_AT = b'"occurred_at":"'


class Receipt(NamedTuple):
    """What is kept of a receipt until it is shared: the bytes of its leaf, but for its id."""

    position: int
    ref: str
    outlet: bytes
    hour: bytes  #: in which it was written, as `2016-12-31T18`
    lines: list[bytes]


#: The class's own constructor costs twice as much.
_new_receipt = partial(tuple.__new__, Receipt)


#: The kinds of which there are many, besides receipts.
IN_BULK: Final[frozenset[type[Event]]] = lineage_in_bulk.IN_BULK | {PayoutMade}


class Sorted(NamedTuple):
    """What a stretch of the log left unopened, sorted out."""

    receipts: Sequence[Receipt]  #: of which nothing else in the stretch is said
    goods: Mapping[bytes, SoldLine]  #: what their lines say
    odd: Sequence[Recorded[Event]]  #: what is not ordinary, opened
    late: Sequence[Late]  #: what steps among these are to be told of ordinary lots


def sort_out(
    db: Db, unopened: Sequence[Unopened], read: Sequence[Recorded[Event]], wanted: Wanted, sums: Sums
) -> Sorted:
    """Tell ordinary events from others among the `unopened` ones of a stretch; but for receipts, those are folded.

    `wanted` are the keys that the events named that were `read`; those of receipts are added to it.
    """
    receipts, others = _apart(unopened)
    reports: list[Plain] = []
    odd: list[int] = []
    refs = [receipt.ref for receipt in receipts]
    paid: list[str] = []
    for one in plain(others):
        position, said, leaf = one
        kind = leaf["type"]
        if kind == PayoutMade.wire_name:
            paid.append(_paid(sums, one))
        elif kind in lineage_in_bulk.WIRE_NAMES:
            reports.append(one)
        else:
            refs.append(said["sale"])
            odd.append(position)
            for line in said["lines"]:
                if "batch" in line:
                    wanted.name(line["batch"], position)
    db.copy_written(t.PAYMENTS, paid)
    goods, incomplete = _goods(receipts, wanted)
    times = Counter(refs)
    told = {ref for ref, often in times.items() if often > 1} if len(times) < len(refs) else set()
    told |= wanted.refs & times.keys()
    wanted.refs.update(refs)
    if told or incomplete:
        kept = []
        for receipt in receipts:
            is_odd = receipt.ref in told or not incomplete.isdisjoint(receipt.lines)
            odd.append(receipt.position) if is_odd else kept.append(receipt)
        receipts = kept
    named = wanted.named | _named_before(db, reports, wanted.refs) if reports else wanted.named
    taken = lineage_in_bulk.take_ordinary(t.LINEAGE, db, reports, read, named)
    return Sorted(receipts, goods, opened(unopened, [*odd, *taken.odd]), taken.late)


def _apart(unopened: Sequence[Unopened]) -> tuple[list[Receipt], list[Unopened]]:
    """Receipts that are written as nearly all are, and other events."""
    receipts: list[Receipt] = []
    others: list[Unopened] = []
    for one in unopened:
        position, _, leaf = one
        found = _find_receipt(leaf) if leaf.endswith(_RECEIPT_END) else None
        if found is None:
            others.append(one)
            continue
        said, outlet, ref = found.groups()
        at = leaf.find(_OCCURRED_AT, found.end()) + len(_OCCURRED_AT)
        hour = leaf[at : at + len("2016-12-31T18")]
        receipts.append(_new_receipt((position, ref.decode(), outlet, hour, said.split(b"},{"))))
    return receipts, others


def _goods(receipts: Sequence[Receipt], wanted: Wanted) -> tuple[dict[bytes, SoldLine], set[bytes]]:
    """What the lines of receipts say that name a batch, and the lines that do not."""
    first = {line: receipt.position for receipt in reversed(receipts) for line in receipt.lines}
    goods: dict[bytes, SoldLine] = {}
    incomplete: set[bytes] = set()
    for line, position in first.items():
        said = orjson.loads(b"{%b}" % line)
        wanted.products.add(said["product"])
        if "batch" in said:
            goods[line] = tuple(said.values())
            wanted.name(said["batch"], position)
        else:
            incomplete.add(line)
    return goods, incomplete


def _paid(sums: Sums, payout: Plain) -> str:
    """The row of a payout, which is added to its producer's account."""
    position, said, leaf = payout
    producer, amount = said["producer"], said["amount_tyiyn"]
    account = sums.accounts[producer,]
    account[PAID] += amount
    account[OWED] -= amount
    return f"{position}\tpayout\t{producer}\t{said['payout']}\t{day_said(leaf['occurred_at'])}\t{amount}\n"


def _named_before(db: Db, reports: Sequence[Plain], refs: Collection[str]) -> dict[str, int]:
    """Lots that something named before the stretch: receipts that wait for them, and changes that wait for receipts."""
    lots = {lot for report in reports for lot in lineage_in_bulk.lots_made(report)}
    found = db.rows(
        "SELECT batch FROM income_lines WHERE region = '' AND batch = ANY(%s::text[])"
        " UNION ALL SELECT batch FROM income_changes WHERE ref = ANY(%s::text[])",
        [array_text(lots), array_text(refs)],
    )
    return dict.fromkeys([batch for (batch,) in found], 0)


class Alike:
    """How lines are shared that are of one product and batch, price and units, under the same terms in one month."""

    __slots__ = ("amounts", "pool", "product", "said", "times")

    def __init__(self, ledger: Ledger, channel: str, day: date, line: SoldLine, home: Home, terms: Terms) -> None:
        batch, product, price, units = line
        month = month_of(day)
        period = ledger.open_month(home.region, month)
        gross = units * price
        makers, workshops, outlet, brand, fund = split(gross, terms)
        if not home.workshop:  # its part is the makers'
            makers, workshops = makers + workshops, 0
        self.pool = home.region, period, batch
        self.product = product, channel, month
        self.amounts = units, gross, makers, workshops, outlet, brand, fund
        self.times = 0
        # The last columns of `_COLUMNS`, which they have in common, as COPY reads them.
        self.said = (
            f"sale\t{channel}\t{product}\t{batch}\t{home.workshop}\t{home.region}\t{month}\t{period}"
            f"\t{units}\t{gross}\t{makers}\t{workshops}\t{outlet}\t{brand}\t{fund}\t0\n"
        )


#: The columns of `income_lines` in the order in which the lines of receipts are written: those of the line, of its
#: receipt, of the shop's day, and of all lines that are alike.
_COLUMNS = (
    *("position", "row", "line"),
    *("posted_position", "ref"),
    *("place", "day"),
    *("kind", "channel", "product", "batch", "workshop", "region", "sale_month", "period"),
    *("units", "gross_tyiyn", "makers_tyiyn", "workshop_tyiyn", "outlet_tyiyn", "brand_tyiyn", "fund_tyiyn"),
    "suspense_tyiyn",
)


class Group(NamedTuple):
    """Lines that are shared under the same terms in the same month of a channel."""

    alike: dict[bytes, Alike]
    terms: dict[str, Terms]  #: by product


class ShopDay(NamedTuple):
    """A shop on a day, as far as receipts are shared there."""

    channel: str
    day: date
    group: Group
    said: str  #: its columns
    sold: list[tuple[int, ...]]  #: what lines come to there in the day's month


class Sharing:
    """Shares the ordinary receipts of a stretch, each when its turn comes."""

    def __init__(self, ledger: Ledger, goods: Mapping[bytes, SoldLine]) -> None:
        self._ledger = ledger
        self._goods = goods
        self._rules = ledger.rules
        self._days: dict[bytes, date] = {}  #: of an hour
        self._shops: dict[tuple[bytes, date], ShopDay] = {}
        self._groups: dict[tuple[str, str, int], Group] = {}
        self._kinds: list[Alike] = []
        self._sold: dict[tuple[str, str, str], list[tuple[int, ...]]] = defaultdict(list)
        self._written: list[str] = []

    def share(self, receipt: Receipt) -> bool:
        """Post a receipt; False, and nothing is done, when it is not ordinary after all."""
        position, ref, outlet, hour, lines = receipt
        ledger = self._ledger
        if ref in ledger.by_ref or ref in ledger.changes:
            return False
        if self._rules != ledger.rules:
            self._rules = ledger.rules
            self._groups.clear()
            self._shops.clear()
        day = self._days.get(hour) or self._day(hour)
        shop = self._shops.get((outlet, day)) or self._shop(outlet, day)
        alike = shop.group.alike
        kinds = []
        for line in lines:
            kind = alike.get(line) or self._kind(shop, line, position)
            if kind is None:
                return False
            kinds.append(kind)
        said, written, sold = f"{position}\t{ref}\t{shop.said}", self._written, shop.sold
        for number, kind in enumerate(kinds):
            kind.times += 1
            sold.append(kind.amounts)
            written.append(f"{position}\t{number}\t{number}\t{said}{kind.said}")
        return True

    def _day(self, hour: bytes) -> date:
        day = self._days[hour] = day_said(f"{hour.decode()}:00:00.000000Z")
        return day

    def _shop(self, outlet: bytes, day: date) -> ShopDay:
        ledger, name = self._ledger, outlet.decode()
        channel, place, month = ledger.channels.get(name, "retail"), f"outlet/{name}", month_of(day)
        terms = (channel, month, ledger.terms_in_force(channel, day))
        group = self._groups.get(terms)
        if group is None:
            group = self._groups[terms] = Group({}, {})
        shop = ShopDay(channel, day, group, f"{place}\t{day}\t", self._sold[channel, place, month])
        self._shops[outlet, day] = shop
        return shop

    def _kind(self, shop: ShopDay, line: bytes, position: int) -> Alike | None:
        """None while nobody knows where the batch belongs, or how the line is to be shared."""
        ledger, sold, group = self._ledger, self._goods[line], shop.group
        terms = group.terms.get(sold[1])
        if terms is None:
            ledger.at(position)
            terms = ledger.terms_for(shop.channel, sold[1], shop.day, position)
        home = ledger.home(sold[0])
        if home is None or terms is None:
            return None
        group.terms[sold[1]] = terms
        kind = group.alike[line] = Alike(ledger, shop.channel, shop.day, sold, home, terms)
        self._kinds.append(kind)
        return kind

    def flush(self) -> None:
        """Write the lines so far, and add their sums to those of the ledger."""
        ledger = self._ledger
        ledger.db.copy_written(t.LINES, self._written, _COLUMNS)
        self._written.clear()
        for key, amounts in self._sold.items():
            if not amounts:
                continue
            sums = ledger.sales[key]
            for column, more in enumerate(map(sum, zip(*amounts, strict=True))):
                sums[column] += more
            amounts.clear()
        for kind in self._kinds:
            units, gross, makers, *_ = kind.amounts
            ledger.pools[kind.pool][0] += kind.times * makers
            sums = ledger.product_sales[kind.product]
            sums[0] += kind.times * units
            sums[1] += kind.times * gross
            sums[2] += kind.times * makers
            kind.times = 0
