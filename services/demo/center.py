"""The center in Bishkek: felt for a buyer abroad once a year, trainings, advice, signs for new shops."""

from collections.abc import Iterable
from datetime import date, timedelta
from typing import Any

from services.demo.calendar import at
from services.demo.catalogue import Product
from services.demo.founding import BUYER
from services.demo.journal import Journal
from services.demo.people import CENTER
from services.demo.places import VILLAGE, Outlet
from services.demo.planning import Pool
from services.demo.production import Batch, Production

type Data = dict[str, Any]

#: Pieces that the buyer abroad orders, by year.
_ORDERED = {2012: 120, 2013: 200, 2014: 300, 2015: 400, 2016: 480}
_TOPICS = ("packaging", "hygiene", "pricing", "felt_quality", "labels", "photography")


class Center:
    """Reports and decisions of the center."""

    def __init__(self, journal: Journal, production: Production) -> None:
        self.journal = journal
        self.production = production
        self.products: Iterable[Product] = ()
        self._number = 0
        self._cartons: dict[int, Batch] = {}

    def _name(self, kind: str) -> str:
        self._number += 1
        return f"{kind}-{self._number:04d}"

    def _ask(self, verb: str, day: date, fields: Data) -> None:
        self.journal.command(f"center/{verb}", CENTER, at(day, 11), fields)

    def equip(self, outlet: Outlet, day: date) -> None:
        data = {"issue": self._name("issue"), "place": outlet.place, "material": "sign", "units": 2}
        self.journal.fact("center.brand_material_issued.v1", CENTER, at(day, 12), data)

    def day(self, day: date) -> None:
        """What the center does on a day of the month."""
        if day.day == 15:
            self._teach(day)
        if day.day == 18 and self.journal.chance(0.7):
            self._advise(day)
        if day.year in _ORDERED:
            self._export(day)

    def _teach(self, day: date) -> None:
        working = self.production.working
        workshop = self.journal.rng.choice(sorted(working))
        people = working[workshop][:12]
        village = VILLAGE[people[0].village]
        data = {
            "training": self._name("training"), "topic": self.journal.rng.choice(_TOPICS), "region": village.region,
            "village": village.id, "held_on": day.isoformat(), "participants": [each.id for each in people],
        }  # fmt: skip
        self.journal.fact("center.training_held.v1", CENTER, at(day, 17), data)

    def _advise(self, day: date) -> None:
        consultation = self._name("consultation")
        maker = f"workshop/{self.journal.rng.choice(sorted(self.production.working))}"
        data = {"consultation": consultation, "maker": maker, "topic": self.journal.rng.choice(_TOPICS)}
        self.journal.fact("center.consultation_requested.v1", maker, at(day, 10), data)
        answered = day + timedelta(days=self.journal.rng.randint(2, 9))
        self._ask("answer-consultation", answered, {"consultation": consultation, "outcome": "advised"})

    # The felt order

    def _export(self, day: date) -> None:
        """Order in February, make in August, deliver in October."""
        order = f"order-{day.year}"
        made = next((each for each in self.products if each.kind.recipe.by_pieces), None)
        if made is None:
            return
        units = _ORDERED[day.year]
        price = made.price_tyiyn(day.year) * 3 // 4
        if (day.month, day.day) == (2, 20):
            if day.year == min(_ORDERED):
                buyer = {"buyer": BUYER, "channel": "export", "country": "japan"}
                self._ask("introduce-buyer", day - timedelta(days=0), buyer)
            quotas = [{"village": village, "units": units // 4} for village in made.workshop.takes_from[:3]]
            fields = {
                "order": order, "buyer": BUYER, "channel": "export", "product": made.id, "units": units,
                "unit_price_tyiyn": price, "quotas": quotas, "deliver_by": f"{day.year}-10-31",
            }  # fmt: skip
            self._ask("place-order", day + timedelta(days=1), fields)
        elif (day.month, day.day) == (8, 10):
            pool = Pool(day + timedelta(days=4), made.workshop, made.kind, [(made, units)])
            [self._cartons[day.year]] = self.production.run(pool)
            self.production.packed.remove(self._cartons[day.year])
        elif (day.month, day.day) == (10, 15):
            line = {
                "product": made.id, "batch": self._cartons[day.year].lot, "units": units, "unit_price_tyiyn": price,
            }  # fmt: skip
            data = {
                "order": order, "delivery": f"delivery-{day.year}", "channel": "export",
                "place": made.workshop.place, "lines": [line],
            }  # fmt: skip
            self.journal.fact("center.order_delivered.v1", CENTER, at(day, 13), data)
