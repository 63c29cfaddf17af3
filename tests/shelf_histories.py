"""Random histories of shelves, drawers and decisions in the order of the log, mostly ordinary and with all that is not.

Few names, so that things meet: receipts are repeated, voided and corrected, counters come twice, shifts close before
their receipts, prices, certificates and recalls change between two receipts.
"""

from collections import Counter
from dataclasses import dataclass
from datetime import UTC, date, datetime, timedelta

from hypothesis import strategies as st

from events.catalogue.base import Event
from events.catalogue.committee import RecallRoot
from events.catalogue.values import LotInput, Tender
from tests import make

BEGUN = datetime(2016, 3, 1, 4, 0, tzinfo=UTC)
SHOPS = ("karakol", "karakol", "karakol", "balykchy")
PRODUCTS = ("apricot-jam-300", "honey-500")
LOTS = ("lot-1", "lot-2", "lot-3", "batch-honey-1")
BATCHES = ("batch-jam-1", "batch-jam-1", "batch-honey-1", "lot-2")
CONSIGNMENTS = ("consignment-1", "consignment-2")
DAYS = st.sampled_from([date(2016, 2, 1), *(date(2016, 3, day) for day in (1, 2, 3, 5))])
PLACES = ("workshop/tosor-jam", "outlet/karakol")


@dataclass(frozen=True, slots=True)
class Noted:
    """An event, when it is claimed to have happened, and how much later it was recorded."""

    event: Event
    occurred_at: datetime
    recorded_at: datetime


class _Shop:
    """Draws one report after the other; tills mostly count as they should."""

    def __init__(self, draw: st.DrawFn) -> None:
        self.draw = draw
        self.counters: Counter[str] = Counter()
        self.recalls: set[str] = set()
        self.sales = 0

    def pick[T](self, *among: T) -> T:
        return self.draw(st.sampled_from(among))

    def rarely(self, times: int) -> bool:
        """Once in so many times; the last of a list, as hypothesis likes the first one."""
        return self.draw(st.sampled_from(range(times))) == times - 1

    def sale_id(self) -> str:
        """Mostly one that a receipt had, or the next one will have."""
        return f"sale-{self.draw(st.integers(1, self.sales + 1))}"

    def till(self) -> dict[str, object]:
        shop = self.pick(*SHOPS)
        till = f"{shop}-1"
        self.counters[till] += 2 if self.rarely(12) else 1
        return {
            "shift": f"{shop}-{self.draw(st.integers(1, 5))}",
            "outlet": "karakol" if self.rarely(80) else shop,
            "till": till,
            "till_counter": self.pick(1, 2, 3, 9) if self.rarely(20) else self.counters[till],
            "cashier": f"user/{self.pick('aigul', 'bakyt')}",
        }

    def told(self) -> dict[str, object]:
        return {name: value for name, value in self.till().items() if name != "cashier"}

    def stock(self) -> tuple[object, ...]:
        return tuple(
            make.stock_line(batch=self.pick(*BATCHES), units=self.pick(1, 5, 30)) for _ in range(self.pick(1, 1, 3))
        )

    def sale(self) -> Event:
        lines = tuple(
            make.sale_line(
                product=self.pick(*PRODUCTS),
                batch=None if self.rarely(12) else self.pick(*BATCHES),
                units=self.pick(1, 2, 3),
                unit_price_tyiyn=self.pick(18_000, 18_000, 25_000),
            )
            for _ in range(self.pick(0, 1, 1, 2))
        )
        total = sum(line.units * line.unit_price_tyiyn for line in lines) + (100 if self.rarely(12) else 0)
        tenders: tuple[Tender, ...] = (Tender(kind=self.pick("cash", "cash", "card"), amount_tyiyn=total),)
        if self.rarely(12):
            tenders = (make.cash(total - 1), Tender(kind="card", amount_tyiyn=1))
        self.sales += 1
        sale = self.sale_id() if self.rarely(12) else f"sale-{self.sales}"
        return make.sale_made(**self.till(), sale=sale, lines=lines, tenders=tenders)

    def change(self) -> Event:
        sale = self.sale_id()
        kind = self.pick("void", "correct", "return", "cash")
        if kind == "void":
            return make.sale_voided(**self.told(), sale=sale)
        if kind == "correct":
            batch, product = self.pick(*BATCHES, None), self.pick(*PRODUCTS)
            return make.sale_line_corrected(**self.told(), sale=sale, line=0, product=product, batch=batch)
        if kind == "return":
            line = make.return_line(batch=self.pick(*BATCHES, None), units=1)
            return make.goods_returned(**self.told(), sale=self.pick(sale, None), lines=(line,))
        return make.cash_moved(**self.told())

    def shift(self) -> Event:
        if self.draw(st.booleans()):
            return make.shift_opened(**self.till(), opening_cash_tyiyn=self.pick(0, 5_000))
        return make.shift_closed(**self.told(), counted_cash_tyiyn=self.pick(0, 70_000))

    def count(self) -> Event:
        lines = make.stock_counted().lines
        counted = {self.pick(*BATCHES): self.pick(0, 4, 20) for _ in range(2)}
        more = tuple(lines[0].model_copy(update={"batch": batch, "units": units}) for batch, units in counted.items())
        return make.stock_counted(place=self.pick("outlet/karakol", "workshop/tosor-jam"), lines=more)

    def consignment(self) -> Event:
        name = self.pick(*CONSIGNMENTS)
        kind = self.pick("shipped", "shipped", "received", "received", "lost", "cancelled")
        if kind == "shipped":
            return make.stock_shipped(consignment=name, lines=self.stock(), origin=self.pick(*PLACES))
        if kind == "received":
            return make.stock_received(consignment=name, lines=self.stock(), place="outlet/karakol")
        if kind == "lost":
            return make.shipment_lost(consignment=name, lines=self.stock())
        return make.shipment_cancelled(consignment=name)

    def lot(self) -> Event:
        return make.lot_collected(lot=self.pick(*LOTS), producer=self.pick("p-001", "p-002"), mass_g=self.pick(0, 900))

    def goods(self) -> Event:
        lot = self.pick(*LOTS)
        return self.pick(
            make.lot_corrected(lot=lot, producer=self.pick(None, "p-002"), mass_g=77),
            make.lot_tested(lot=lot, sample_mass_g=5, sample_units=self.pick(0, 1)),
            make.batch_produced(lot="batch-jam-1", inputs=(LotInput(lot=lot, mass_g=9),)),
            make.batch_inputs_corrected(lot="batch-jam-1", inputs=(LotInput(lot=lot, mass_g=4),)),
            make.batch_packed(lot=self.pick("batch-jam-1", lot), product=self.pick(*PRODUCTS)),
            make.material_received(lot=lot),
        )

    def decision(self) -> Event:
        kind, day = self.pick("recall", "certificate", "price", "other"), self.draw(DAYS)
        if kind == "recall":
            return self._recall(self.pick("recall-1", "recall-2"), self.pick("more", "close"))
        if kind == "certificate":
            return self._certificate(self.pick("suspended", "suspended", "reinstated", "certified"), day)
        if kind == "price":
            price = self.pick(18_000, 25_000)
            return make.price_set(product=self.pick(*PRODUCTS), unit_price_tyiyn=price, effective_from=day)
        return self.pick(
            make.outlet_opened(outlet=self.pick(*SHOPS), channel=self.pick("retail", "retail", "wholesale")),
            make.message_quarantined(till="karakol-1", till_counter=self.pick(2, 5, 9)),
        )

    def _certificate(self, kind: str, day: date) -> Event:
        maker, product = self.pick(("producer/p-001", "apricot"), ("workshop/tosor-jam", "apricot-jam-300"))
        if kind == "suspended":
            return make.certificate_suspended(maker=maker, product=product, effective_from=day)
        if kind == "reinstated":
            return make.certificate_reinstated(maker=maker, product=product, effective_from=day)
        return make.product_certified(maker=maker, product=product, valid_from=day)

    def _recall(self, recall: str, kind: str) -> Event:
        """Committees extend and close what they began."""
        roots = (RecallRoot(kind="lot", id=self.pick(*LOTS)),)
        if recall not in self.recalls:
            self.recalls.add(recall)
            return make.recall_started(recall=recall, roots=roots)
        if kind == "close":
            return make.recall_closed(recall=recall)
        return make.recall_extended(recall=recall, roots=roots)


@st.composite
def noted(draw: st.DrawFn) -> list[Noted]:
    """Twenty to a hundred events, each minutes to days after what it tells of."""
    shop = _Shop(draw)
    kinds = [shop.sale] * 8 + [shop.shift] * 3 + [shop.lot, shop.consignment] * 2
    kinds += [shop.change, shop.count, shop.goods] + [shop.decision] * 2
    first: list[Event] = [make.outlet_opened(), make.price_set()] if draw(st.booleans()) else []
    said = [*first, *(draw(st.sampled_from(kinds))() for _ in range(draw(st.integers(20, 70))))]
    found = []
    for number, event in enumerate(said):
        recorded_at = BEGUN + timedelta(hours=2 * number)
        late = draw(st.sampled_from((0, 0, 1, 5, 23, 24, 40, -1)))
        found.append(Noted(event, recorded_at - timedelta(hours=late), recorded_at))
    return found
