"""What really lies where: in the center's store in Karakol, on the shops' shelves, and under way between them."""

from collections.abc import Iterable
from dataclasses import dataclass, field
from datetime import date, timedelta

from services.demo.calendar import DAY_S, at, day_of
from services.demo.catalogue import Product
from services.demo.journal import Journal
from services.demo.people import CENTER, CLERK, tablet
from services.demo.places import Workshop
from services.demo.production import Batch

STORE = "center/karakol"
_LINES_MAX = 36
#: Assumed share of the counts that differ, in permille.
DIFFERS_PERMILLE = 20
#: More than this is written off by two.
_ALONE_UNITS_MAX = 20


@dataclass(slots=True)
class Held:
    """Units of one batch at one place."""

    batch: Batch
    units: int


class Shelf:
    """The batches of one place, by product, the oldest first; and what they are worth at list prices."""

    __slots__ = ("by_product",)

    def __init__(self) -> None:
        self.by_product: dict[str, list[Held]] = {}

    def put(self, batch: Batch, units: int) -> None:
        held = self.by_product.setdefault(batch.product.id, [])
        for each in held:
            if each.batch is batch:
                each.units += units
                return
        held.append(Held(batch, units))

    def take(self, product: str, units: int) -> list[tuple[Batch, int]]:
        """Up to so many units of a product, the oldest batch first."""
        taken: list[tuple[Batch, int]] = []
        held = self.by_product.get(product, [])
        while held and units:
            part = min(units, held[0].units)
            taken.append((held[0].batch, part))
            units -= part
            held[0].units -= part
            if not held[0].units:
                held.pop(0)
        if not held:
            self.by_product.pop(product, None)
        return taken

    def remove(self, batch: Batch, units: int) -> None:
        held = self.by_product.get(batch.product.id, [])
        for each in held:
            if each.batch is batch:
                each.units -= min(units, each.units)
        held[:] = [each for each in held if each.units]
        if not held:
            self.by_product.pop(batch.product.id, None)

    def units(self, product: str) -> int:
        return sum(each.units for each in self.by_product.get(product, ()))

    def all(self) -> list[Held]:
        return [each for held in self.by_product.values() for each in held]

    def products(self) -> list[Product]:
        return [held[0].batch.product for held in self.by_product.values()]

    def worth_tyiyn(self, year: int) -> int:
        return sum(each.units * each.batch.product.price_tyiyn(year) for each in self.all())


@dataclass(slots=True)
class Travelling:
    """A consignment on its way."""

    arrives_s: int
    shelf: Shelf
    place: str
    actor: str
    consignment: str
    lines: list[tuple[Batch, int]]


@dataclass(slots=True)
class Transport:
    """Carries batches from the workshops to the store and from the store to the shops."""

    journal: Journal
    store: Shelf = field(default_factory=Shelf)
    under_way: list[Travelling] = field(default_factory=list)
    number: int = 0

    def collect(self, workshops: Iterable[Workshop], packed: list[Batch], day: date) -> list[Batch]:
        """Ship what each workshop has ready; answers with what is not ready yet."""
        ready: dict[str, list[Batch]] = {}
        for batch in packed:
            if batch.ready_s <= at(day, 9):
                ready.setdefault(batch.product.workshop.id, []).append(batch)
        for workshop in workshops:
            batches = ready.get(workshop.id, [])
            for start in range(0, len(batches), _LINES_MAX):
                lines = [(batch, batch.units) for batch in batches[start : start + _LINES_MAX]]
                self.ship(lines, workshop.place, tablet(workshop), at(day, 10), (self.store, STORE, CENTER))
        return [batch for batch in packed if batch.ready_s > at(day, 9)]

    def ship(
        self, lines: list[tuple[Batch, int]], origin: str, sender: str, moment_s: int, to: tuple[Shelf, str, str]
    ) -> None:
        """Send units of batches to a shelf, its place and who counts there."""
        self.number += 1
        consignment = f"consignment-{self.number:06d}"
        data = {
            "consignment": consignment, "origin": origin, "destination": to[1],
            "lines": [{"batch": batch.lot, "units": units} for batch, units in lines],
        }  # fmt: skip
        self.journal.fact("logistics.stock_shipped.v1", sender, moment_s, data)
        arrives = at(day_of(moment_s) + timedelta(days=self.journal.rng.randint(1, 3)), 7) + self.journal.rng.randrange(
            3600
        )
        self.under_way.append(Travelling(arrives, to[0], to[1], to[2], consignment, lines))

    def arrive(self, until_s: int) -> None:
        """Count what arrives before a moment."""
        here = [each for each in self.under_way if each.arrives_s < until_s]
        self.under_way = [each for each in self.under_way if each.arrives_s >= until_s]
        for each in here:
            self._receive(each)

    def _receive(self, each: Travelling) -> None:
        rng = self.journal.rng
        counted = list(each.lines)
        if rng.randrange(1000) < DIFFERS_PERMILLE:
            index = rng.randrange(len(counted))
            batch, units = counted[index]
            missing = min(units, rng.randint(1, 2))
            counted[index] = (batch, units - missing)
            if rng.random() < 0.6:
                lost = {
                    "consignment": each.consignment, "reason": "broken",
                    "lines": [{"batch": batch.lot, "units": missing}],
                }  # fmt: skip
                found_out = each.arrives_s + rng.randrange(9, 30) * DAY_S
                self.journal.fact("logistics.shipment_lost.v1", each.actor, found_out, lost)
        counted = [(batch, units) for batch, units in counted if units]
        data = {
            "consignment": each.consignment, "place": each.place,
            "lines": [{"batch": batch.lot, "units": units} for batch, units in counted],
        }  # fmt: skip
        self.journal.fact("logistics.stock_received.v1", each.actor, each.arrives_s, data)
        for batch, units in counted:
            each.shelf.put(batch, units)

    def restock(self, shelf: Shelf, place: str, actor: str, wanted_tyiyn: int, day: date) -> None:
        """Send a shop goods worth about so much, chosen by how well they sell."""
        offered = [product for product in self.store.products() if shelf.units(product.id) < 60]
        if not offered or wanted_tyiyn <= 0:
            return
        rng = self.journal.rng
        weights = [product.popularity + 0.002 for product in offered]
        chosen = {product.id: product for product in rng.choices(offered, weights, k=_LINES_MAX)}
        whole = sum(product.popularity for product in chosen.values())
        lines: list[tuple[Batch, int]] = []
        for product in chosen.values():
            worth = wanted_tyiyn * product.popularity / whole
            units = max(2, min(60, round(worth / product.price_tyiyn(day.year)))) - shelf.units(product.id) // 3
            if units > 0:
                lines += self.store.take(product.id, units)
        if lines:
            self.ship(_sum_up(lines), STORE, CENTER, at(day, 11), (shelf, place, actor))

    def drop_expired(self, shelf: Shelf, place: str, actor: str, moment_s: int, today: date) -> None:
        """Take out what is past its best-before day."""
        expired = [each for each in shelf.all() if each.batch.best_before and each.batch.best_before < today]
        for start in range(0, len(expired), 60):
            part = expired[start : start + 60]
            self.write_off(place, actor, moment_s, "expired", [(each.batch, each.units) for each in part])
        for each in expired:
            shelf.remove(each.batch, each.units)

    def drop_store_expired(self, day: date) -> None:
        self.drop_expired(self.store, STORE, CENTER, at(day, 18), day)

    def write_off(self, place: str, actor: str, moment_s: int, reason: str, lines: list[tuple[Batch, int]]) -> None:
        self.number += 1
        data = {
            "write_off": f"write-off-{self.number:06d}", "place": place, "reason": reason,
            "lines": [{"batch": batch.lot, "units": units} for batch, units in lines],
            "members": [actor, CLERK] if sum(units for _, units in lines) > _ALONE_UNITS_MAX else [],
        }  # fmt: skip
        self.journal.fact("outlets.stock_written_off.v2", actor, moment_s, data)


def _sum_up(lines: list[tuple[Batch, int]]) -> list[tuple[Batch, int]]:
    summed: dict[str, tuple[Batch, int]] = {}
    for batch, units in lines:
        summed[batch.lot] = (batch, units + summed.get(batch.lot, (batch, 0))[1])
    return list(summed.values())
