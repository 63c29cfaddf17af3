"""What the shops report: shifts, receipts, voids, returns, corrections, counts; and the years that must add up."""

from bisect import bisect
from collections.abc import Mapping, Sequence
from dataclasses import dataclass, field
from datetime import date, timedelta
from itertools import accumulate
from typing import Any

from services.demo.arrivals import Arrivals, Line, clock_error_s
from services.demo.calendar import DAY_S, at, day_of, day_weight
from services.demo.catalogue import Product
from services.demo.journal import Journal
from services.demo.people import cashier
from services.demo.places import Outlet
from services.demo.production import Batch
from services.demo.stock import DIFFERS_PERMILLE, Held, Shelf, Transport

type Data = dict[str, Any]

#: Assumed shares of receipts, in permille: resent twice, voided, refunded; and of lines sold without a batch.
RESENT_PERMILLE, VOIDED_PERMILLE, REFUNDED_PERMILLE, NO_BATCH_PERMILLE = 5, 10, 7, 3
#: Lines sold from a batch that the shop does not have, in permille: somebody scanned the label of the neighbour.
OVERSOLD_PERMILLE = 0.4
#: The sale whose price was keyed ten times too high.
MISKEYED_ON = date(2014, 8, 9)
OPENING_CASH_TYIYN = 100_000
#: What is always left for a year's very last receipt.
_LEFT_TYIYN_MIN = 50_000
#: What a year is planned to leave for its last day.
_SPARED_TYIYN = 900_000
_LINES_OF_RECEIPT = (1, 1, 2, 2, 3, 4)
_SMALL_RECEIPT_TYIYN = 20_000


class YearDoesNotClose(ValueError):
    """The last receipts cannot bring the year to its sum: too much was sold before, or the shelf is empty."""


@dataclass(slots=True)
class Till:
    """A device: its counters, and the shift it is in."""

    id: str
    counter: int = 0
    shifts: int = 0
    shift: str = ""
    cash_tyiyn: int = 0
    cashier: str = ""


@dataclass(slots=True)
class Later:
    """What a shop will report on a later day about an earlier sale."""

    due: date
    wire_name: str
    data: Data
    back: tuple[Batch, int] | None = None
    refund_tyiyn: int = 0


@dataclass(slots=True)
class Shop:
    """One outlet as it really is."""

    outlet: Outlet
    tills: list[Till]
    line: Line
    shelf: Shelf = field(default_factory=Shelf)
    budget_tyiyn: float = 0.0
    later: list[Later] = field(default_factory=list)
    sold_out: dict[str, Batch] = field(default_factory=dict)
    counted: str = ""


def open_shop(outlet: Outlet) -> Shop:
    return Shop(outlet, [Till(f"till-{outlet.id}-{number + 1}") for number in range(outlet.tills)], Line(outlet))


class Selling:
    """Sells in every shop as much as a year is to bring, and closes the year with a balancing receipt."""

    def __init__(
        self, journal: Journal, transport: Transport, sales_tyiyn: Mapping[int, int], by_broker: frozenset[str]
    ) -> None:
        """`by_broker`: the outlets whose tills report through the broker."""
        self.journal = journal
        self.by_broker = by_broker
        self.rng = journal.rng
        self.transport = transport
        self.target = sales_tyiyn
        self.net_tyiyn = dict.fromkeys(sales_tyiyn, 0)
        self.arrivals = Arrivals(journal.rng)
        self.miskeyed = False
        self._last_day = date(max(sales_tyiyn), 12, 31)
        self._shared: dict[int, float] = {}

    # A day

    def plan(self, outlets: Sequence[Outlet], year: int) -> None:
        """What one unit of a day's weight is to bring in a year."""
        days = [day for i in range(366) if (day := date(year, 1, 1) + timedelta(days=i)).year == year]
        weight = sum(
            outlet.weight * day_weight(outlet.season, day) for outlet in outlets for day in days if day > outlet.opened
        )
        spared = max(min(_SPARED_TYIYN, self.target[year] // 40), self.target[year] // 500)
        self._shared[year] = (self.target[year] - spared) / weight if weight else 0.0

    def expected_tyiyn(self, outlet: Outlet, day: date) -> float:
        if day <= outlet.opened or day.year not in self._shared:
            return 0.0
        return self._shared[day.year] * outlet.weight * day_weight(outlet.season, day)

    def day(self, shop: Shop, day: date, *, closes_year: bool) -> None:
        """All that a shop does on one day."""
        expected = self.expected_tyiyn(shop.outlet, day)
        shop.budget_tyiyn += expected
        due = [each for each in shop.later if each.due <= day]
        receipts = self._closing_receipts(shop, day) if closes_year else self._receipts(shop, day)
        if expected <= 0 or not (receipts or due):
            return
        self.arrivals.begin_day(shop.line, day)
        busy = len(receipts) > 6
        tills = shop.tills if busy else shop.tills[:1]
        for index, till in enumerate(tills):
            self._shift(shop, till, day, receipts[index :: len(tills)], due if not index else [])
        shop.later = [each for each in shop.later if each.due > day]

    def _shift(
        self, shop: Shop, till: Till, day: date, receipts: list[list[tuple[Data, Held]]], due: list[Later]
    ) -> None:
        rng = self.rng
        till.shifts += 1
        till.shift = f"{till.id.removeprefix('till-')}-{day:%Y%m%d}"
        till.cashier = cashier(shop.outlet.id, 1 + day.toordinal() // 4 % 2)
        till.cash_tyiyn = OPENING_CASH_TYIYN
        opened = at(day, 8.8) + rng.randrange(600)
        self._report(
            shop, till, "outlets.shift_opened.v1", opened,
            {"cashier": till.cashier, "opening_cash_tyiyn": OPENING_CASH_TYIYN},
        )  # fmt: skip
        moments = sorted(at(day, 9.2) + rng.randrange(38_000) for _ in receipts)
        for receipt, moment in zip(receipts, moments, strict=True):
            self._sell(shop, till, receipt, moment, day)
        evening = at(day, 20)
        for each in due:
            evening += 20
            if each.back is not None:
                shop.shelf.put(*each.back)
            till.cash_tyiyn -= each.refund_tyiyn
            self._report(shop, till, each.wire_name, evening, each.data)
        if rng.random() < 0.02 and till.cash_tyiyn > 300_000:
            till.cash_tyiyn -= 200_000
            moved = {"direction": "out", "amount_tyiyn": 200_000, "reason": "to_bank"}
            self._report(shop, till, "outlets.cash_moved.v1", evening + 60, moved)
        counted = till.cash_tyiyn + (rng.randrange(-10, 11) * 500 if rng.random() < 0.03 else 0)
        closed = {"counted_cash_tyiyn": max(0, counted), "z_number": till.shifts}
        self._report(shop, till, "outlets.shift_closed.v1", evening + 120 + rng.randrange(300), closed)

    def _report(
        self, shop: Shop, till: Till, wire_name: str, true_s: int, data: Data, copies: bool = False
    ) -> tuple[int, int]:
        """A till's report; answers with when it says it was made and when it is recorded."""
        till.counter += 1
        head = {"shift": till.shift, "outlet": shop.outlet.id, "till": till.id, "till_counter": till.counter}
        error = clock_error_s(shop.outlet.id, day_of(true_s))
        recorded = self.arrivals.arrival(shop.line, true_s)
        again = (recorded + 60, recorded + DAY_S) if copies else ()
        self.journal.fact(
            wire_name, f"till/{till.id}", true_s + error, {**head, **data}, recorded_s=recorded, copies=again,
            through_broker=shop.outlet.id in self.by_broker,
        )  # fmt: skip
        return true_s + error, recorded

    # Receipts

    def _receipts(self, shop: Shop, day: date) -> list[list[tuple[Data, Held]]]:
        """What is sold today, taken from the shelf."""
        receipts: list[list[tuple[Data, Held]]] = []
        offered: list[Product] = []
        room = self.target[day.year] - self.net_tyiyn[day.year] - _LEFT_TYIYN_MIN
        while shop.budget_tyiyn >= _SMALL_RECEIPT_TYIYN and shop.shelf.by_product:
            if not offered:
                offered = shop.shelf.products()
                prices = {product.id: product.price_tyiyn(day.year) for product in offered}
                weights = list(accumulate((each.popularity + 0.002) / prices[each.id] for each in offered))
            receipt = self._receipt(shop, offered, weights, prices, day)
            if _total(receipt) > room:
                for _, held in receipt:
                    shop.shelf.put(held.batch, held.units)
                break
            if receipt:
                receipts.append(receipt)
                shop.budget_tyiyn -= _total(receipt)
                room -= _total(receipt)
            else:
                offered = []
        return receipts

    def _receipt(
        self, shop: Shop, products: list[Product], weights: list[float], prices: dict[str, int], day: date
    ) -> list[tuple[Data, Held]]:
        rng = self.rng
        receipt: list[tuple[Data, Held]] = []
        for _ in range(rng.choice(_LINES_OF_RECEIPT)):
            product = products[bisect(weights, rng.random() * weights[-1], hi=len(products) - 1)]
            price = prices[product.id]
            units = 1 if price > 60_000 else rng.choice((1, 1, 1, 2, 2, 3))
            for batch, taken in shop.shelf.take(product.id, units):
                if not any(held.batch is batch for _, held in receipt):
                    receipt.append(self._line(shop, product, batch, taken, price, day))
                else:
                    shop.shelf.put(batch, taken)
        return receipt

    def _line(self, shop: Shop, product: Product, batch: Batch, units: int, price: int, day: date) -> tuple[Data, Held]:
        rng = self.rng
        data: Data = {"product": product.id, "batch": batch.lot, "units": units, "unit_price_tyiyn": price}
        if rng.random() * 1000 < NO_BATCH_PERMILLE:
            del data["batch"]
        elif rng.random() * 1000 < OVERSOLD_PERMILLE and shop.sold_out.get(product.id, batch) is not batch:
            data["batch"] = shop.sold_out[product.id].lot
        elif not self.miskeyed and day == MISKEYED_ON:
            self.miskeyed = True
            data["unit_price_tyiyn"] = price * 10
        shop.sold_out[product.id] = batch
        return data, Held(batch, units)

    def _sell(self, shop: Shop, till: Till, receipt: list[tuple[Data, Held]], moment: int, day: date) -> None:
        rng = self.rng
        total = _total(receipt)
        tender = _tender(rng.random(), day.year)
        sale = f"{till.id.removeprefix('till-')}-{till.counter + 1:06d}"
        data = {
            "sale": sale, "cashier": till.cashier, "lines": [line for line, _ in receipt],
            "tenders": [{"kind": tender, "amount_tyiyn": total}],
        }  # fmt: skip
        resent = rng.random() * 1000 < RESENT_PERMILLE
        occurred, recorded = self._report(shop, till, "outlets.sale_made.v1", moment, data, resent)
        self.arrivals.note_receipt(recorded, occurred)
        self.net_tyiyn[day.year] += total
        cash = total if tender == "cash" else 0
        till.cash_tyiyn += cash
        fate = rng.random() * 1000
        if (day.month, day.day) == (12, 31):
            return  # the last day's sum must stand
        if fate < VOIDED_PERMILLE:
            self._report(shop, till, "outlets.sale_voided.v1", moment + 90, {"sale": sale, "reason": "wrong_receipt"})
            self.net_tyiyn[day.year] -= total
            shop.budget_tyiyn += total
            till.cash_tyiyn -= cash
            for _, held in receipt:
                shop.shelf.put(held.batch, held.units)
            return
        if fate < VOIDED_PERMILLE + REFUNDED_PERMILLE and self._open_soon(shop, day):
            self._refund_later(shop, sale, receipt, day)
        self._correct_later(shop, sale, receipt, day)

    def _open_soon(self, shop: Shop, day: date) -> bool:
        """Whether the shop will surely be there to take something back."""
        last = day + timedelta(days=20)
        return last <= self._last_day and day_weight(shop.outlet.season, last) > 0

    def _refund_later(self, shop: Shop, sale: str, receipt: list[tuple[Data, Held]], day: date) -> None:
        index = self.rng.randrange(len(receipt))
        line, held = receipt[index]
        units = self.rng.randint(1, line["units"])
        refund = units * line["unit_price_tyiyn"]
        returned = {key: line[key] for key in ("product", "batch") if key in line}
        data: Data = {
            "return_id": f"return-{sale}", "sale": sale, "reason": "not_as_expected",
            "lines": [{"line": index, **returned, "units": units, "refund_tyiyn": refund}],
        }  # fmt: skip
        due = day + timedelta(days=self.rng.randint(1, 12))
        shop.later.append(Later(due, "outlets.goods_returned.v1", data, (held.batch, units), refund))
        self.net_tyiyn[day.year] -= refund
        shop.budget_tyiyn += refund

    def _correct_later(self, shop: Shop, sale: str, receipt: list[tuple[Data, Held]], day: date) -> None:
        for index, (line, held) in enumerate(receipt):
            if "batch" not in line and self.rng.random() < 0.8:
                data = {"sale": sale, "line": index, "product": line["product"], "batch": held.batch.lot}
                shop.later.append(Later(day + timedelta(days=1), "outlets.sale_line_corrected.v1", data))

    # The end of a year

    def _closing_receipts(self, shop: Shop, day: date) -> list[list[tuple[Data, Held]]]:
        """Receipts that bring a year to exactly its sum; the last one is marked down to what is left.

        When the shelf does not last, the last single unit was dear. Raises YearDoesNotClose.
        """
        receipts: list[list[tuple[Data, Held]]] = []
        left = self.target[day.year] - self.net_tyiyn[day.year]
        products = sorted(shop.shelf.products(), key=lambda product: product.price_tyiyn(day.year))
        while left > 0 and products:
            fitting = [each for each in products if each.price_tyiyn(day.year) <= left and shop.shelf.units(each.id)]
            product = self.rng.choice(fitting) if fitting else products[0]
            price = product.price_tyiyn(day.year)
            units = max(1, min(3, left // price))
            taken = shop.shelf.take(product.id, units)
            if not taken:
                products.remove(product)
                continue
            for batch, part in taken[1:]:
                shop.shelf.put(batch, part)
            batch, part = taken[0]
            last = price * part > left
            data: Data = {
                "product": product.id,
                "batch": batch.lot,
                "units": part,
                "unit_price_tyiyn": left if last else price,
            }
            receipts.append([(data, Held(batch, part))])
            left -= data["units"] * data["unit_price_tyiyn"]
        if left:
            single = next((line for [(line, _)] in reversed(receipts) if line["units"] == 1), None)
            if left < 0 or single is None:
                raise YearDoesNotClose(f"{day.year}: {left} tyiyn")
            single["unit_price_tyiyn"] += left
        return receipts

    # Counting

    def count(self, shop: Shop, day: date) -> None:
        """Count a part of the shelf, once a month, when the shop has sent all it had."""
        month = f"{day:%Y-%m}"
        if shop.counted == month or day.day < 6 or shop.line.held_until_s > at(day, 20.5) or shop.later:
            return
        shop.counted = month
        moment = at(day, 21)
        actor = cashier(shop.outlet.id, 1)
        self.transport.drop_expired(shop.shelf, shop.outlet.place, actor, moment, day)
        held = shop.shelf.all()
        held = self.rng.sample(held, min(len(held), 25))
        if not held:
            return
        if self.rng.randrange(1000) < DIFFERS_PERMILLE:
            shop.shelf.remove(held[0].batch, 1)
        lines = [{"batch": each.batch.lot, "units": each.units} for each in held]
        data = {"count": f"count-{shop.outlet.id}-{month}", "place": shop.outlet.place, "lines": lines}
        self.journal.fact("outlets.stock_counted.v1", actor, moment + 1800, data)


def _total(receipt: list[tuple[Data, Held]]) -> int:
    return sum(line["units"] * line["unit_price_tyiyn"] for line, _ in receipt)


def _tender(draw: float, year: int) -> str:
    """Cash was king, a little less every year."""
    cash = 0.93 - 0.05 * (year - 2012)
    if draw < cash:
        return "cash"
    return "card" if draw < cash + (1 - cash) * 0.85 else "transfer"
