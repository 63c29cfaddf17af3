"""Receipts, payouts and reports of lots of a long build, taken as the JSON that they are.

A receipt is ordinary when nothing else is said of it and all of its batches have a home: it is posted once, by the
terms, homes and months that count at its position, and is not met again in its batch. Any other receipt is opened and
goes the way of all receipts (income_receipts.py). Most lines of receipts are like others of the same days, so how a
line is shared is found out once for all that are alike.
"""

from collections import Counter, defaultdict
from collections.abc import Collection, Sequence
from datetime import date
from functools import partial
from typing import Final, NamedTuple

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


class Receipt(NamedTuple):
    """What is kept of a receipt until it is shared."""

    position: int
    ref: str
    outlet: str
    occurred_at: str
    lines: list[SoldLine]


#: The class's own constructor costs twice as much.
_new_receipt = partial(tuple.__new__, Receipt)


#: The kinds of which there are many, besides receipts.
IN_BULK: Final[frozenset[type[Event]]] = lineage_in_bulk.IN_BULK | {PayoutMade}


class Sorted(NamedTuple):
    """What a stretch of the log left unopened, sorted out."""

    receipts: Sequence[Receipt]  #: of which nothing else in the stretch is said
    odd: Sequence[Recorded[Event]]  #: what is not ordinary, opened
    late: Sequence[Late]  #: what steps among these are to be told of ordinary lots


def sort_out(
    db: Db, unopened: Sequence[Unopened], read: Sequence[Recorded[Event]], wanted: Wanted, sums: Sums
) -> Sorted:
    """Tell ordinary events from others among the `unopened` ones of a stretch; but for receipts, those are folded.

    `wanted` are the keys that the events named that were `read`; those of receipts are added to it.
    """
    reports: list[Plain] = []
    receipts: list[Receipt] = []
    odd: list[int] = []
    refs: list[str] = []
    paid: list[str] = []
    for one in plain(unopened):
        position, said, leaf = one
        kind = leaf["type"]
        if kind == PayoutMade.wire_name:
            paid.append(_paid(sums, one))
        elif kind in lineage_in_bulk.WIRE_NAMES:
            reports.append(one)
        else:
            refs.append(said["sale"])
            if said["sale"] in wanted.refs or any(len(line) < 4 for line in said["lines"]):  # one has no batch
                odd.append(position)
                for line in said["lines"]:
                    if "batch" in line:
                        wanted.name(line["batch"], position)
            else:
                lines = [tuple(line.values()) for line in said["lines"]]
                receipts.append(_new_receipt((position, said["sale"], said["outlet"], leaf["occurred_at"], lines)))
    db.copy_written(t.PAYMENTS, paid)
    wanted.refs.update(refs)
    wanted.products.update({line[1] for receipt in receipts for line in receipt.lines})
    for batch, position in {line[0]: one.position for one in reversed(receipts) for line in one.lines}.items():
        wanted.name(batch, position)
    times = Counter(refs)
    if len(times) < len(refs):
        odd += [receipt.position for receipt in receipts if times[receipt.ref] > 1]
        receipts = [receipt for receipt in receipts if times[receipt.ref] == 1]
    named = wanted.named | _named_before(db, reports, wanted.refs) if reports else wanted.named
    taken = lineage_in_bulk.take_ordinary(t.LINEAGE, db, reports, read, named)
    return Sorted(receipts, opened(unopened, [*odd, *taken.odd]), taken.late)


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

    __slots__ = ("amounts", "goods", "months", "pool", "product", "said", "times")

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
        # The columns of `income_lines` that they have in common, as COPY reads them.
        self.goods = f"{product}\t{batch}\t{home.workshop}\t{home.region}"
        self.months = f"{month}\t{period}"
        self.said = f"{units}\t{gross}\t{makers}\t{workshops}\t{outlet}\t{brand}\t{fund}\t0"


class Sharing:
    """Shares the ordinary receipts of a stretch, each when its turn comes."""

    def __init__(self, ledger: Ledger) -> None:
        self._ledger = ledger
        self._rules = ledger.rules
        self._alike: dict[tuple[str, str, int], dict[SoldLine, Alike]] = defaultdict(dict)
        self._on: dict[tuple[str, date], dict[SoldLine, Alike]] = {}  #: the same by channel and day
        self._kinds: list[Alike] = []
        self._sold: dict[tuple[str, str, str], list[tuple[int, ...]]] = defaultdict(list)
        self._written: list[str] = []

    def share(self, receipt: Receipt) -> bool:
        """Post a receipt; False, and nothing is done, when it is not ordinary after all."""
        position, ref, outlet, occurred_at, lines = receipt
        ledger = self._ledger
        if ref in ledger.by_ref or ref in ledger.changes:
            return False
        ledger.at(position)
        channel, day = ledger.channels.get(outlet, "retail"), day_said(occurred_at)
        alike = self._alike_on(channel, day)
        kinds = []
        for line in lines:
            kind = alike.get(line) or self._kind(alike, channel, day, line)
            if kind is None:
                return False
            kinds.append(kind)
        place = f"outlet/{outlet}"
        amounts = self._sold[channel, place, month_of(day)] if kinds else []
        for number, kind in enumerate(kinds):
            kind.times += 1
            amounts.append(kind.amounts)
            self._written.append(
                f"{position}\t{number}\tsale\t{ref}\t{number}\t{channel}\t{place}\t{kind.goods}\t{day}\t{kind.months}"
                f"\t{position}\t{kind.said}\n"
            )
        return True

    def _alike_on(self, channel: str, day: date) -> dict[SoldLine, Alike]:
        if self._rules != self._ledger.rules:
            self._rules = self._ledger.rules
            self._alike.clear()
            self._on.clear()
        found = self._on.get((channel, day))
        if found is None:
            key = (channel, month_of(day), self._ledger.terms_in_force(channel, day))
            found = self._on[channel, day] = self._alike[key]
        return found

    def _kind(self, alike: dict[SoldLine, Alike], channel: str, day: date, line: SoldLine) -> Alike | None:
        """None while nobody knows where the batch belongs, or how the line is to be shared."""
        ledger = self._ledger
        home, terms = ledger.home(line[0]), ledger.terms_for(channel, line[1], day, ledger.position)
        if home is None or terms is None:
            return None
        kind = alike[line] = Alike(ledger, channel, day, line, home, terms)
        self._kinds.append(kind)
        return kind

    def flush(self) -> None:
        """Write the lines, and add their sums to those of the ledger."""
        ledger = self._ledger
        ledger.db.copy_written(t.LINES, self._written)
        for key, amounts in self._sold.items():
            sums = ledger.sales[key]
            for column, more in enumerate(map(sum, zip(*amounts, strict=True))):
                sums[column] += more
        for kind in self._kinds:
            units, gross, makers, *_ = kind.amounts
            ledger.pools[kind.pool][0] += kind.times * makers
            sums = ledger.product_sales[kind.product]
            sums[0] += kind.times * units
            sums[1] += kind.times * gross
            sums[2] += kind.times * makers
