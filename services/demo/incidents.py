"""What goes wrong on purpose: corrected lots, a merged lot, suspended certificates, unknown old stock, one recall."""

from collections import Counter
from datetime import date, timedelta
from typing import TYPE_CHECKING, Any

from services.demo.calendar import DAY_S, at
from services.demo.catalogue import Product
from services.demo.people import MEMBERS, cashier, tablet
from services.demo.planning import Pool
from services.demo.production import Batch
from services.demo.stock import STORE, Shelf

if TYPE_CHECKING:
    from services.demo.history import History

type Data = dict[str, Any]

#: The sugar at this workshop is called back on this day.
RECALL_WORKSHOP, RECALL_DAY = "karakol-fruit", date(2015, 9, 14)
MERGED_ON = (date(2014, 9, 12),)
SUSPENDED: tuple[tuple[date, date | None], ...] = ((date(2014, 6, 10), date(2014, 7, 21)), (date(2016, 9, 5), None))
_REMEMBERED = 4_000


class Incidents:
    """Brings the trouble of each day."""

    def __init__(self, history: "History") -> None:
        self.history = history
        self.journal = history.journal
        self.recalled: set[str] = set()
        self._materials: tuple[str, ...] = ()

    def day(self, day: date) -> None:
        history = self.history
        if day == date(2012, 1, 3):
            self._old_stock(day)
        if day.day == 24:
            self._correct_a_giver(day)
        if day in MERGED_ON:
            self._correct_a_merged_lot(day)
        for suspended, reinstated in SUSPENDED:
            if day == suspended:
                product = max(self._certified(day), key=lambda each: each.popularity)
                history.committee.suspend(product, day, reinstated)
        if day.day == 9 and day.month in (3, 8) and day.year > 2012:
            self._problem(day)
        self._recall(day)
        del history.production.collected[:-_REMEMBERED], history.production.produced[:-_REMEMBERED]

    def _certified(self, day: date) -> list[Product]:
        known = self.history.committee.certificates
        return [
            each
            for each in self.history.products
            if each.id in known and each.kind.group == "jam" and each.year < day.year
        ]

    def _old_stock(self, day: date) -> None:
        """The first shop brings jars from before the log, which nobody can trace."""
        shop = next(iter(self.history.shops.values()))
        jars = [
            each for each in self.history.products if each.kind.group in ("jam", "honey") and each.year <= day.year
        ][:5]
        lines = []
        for number, product in enumerate(jars):
            batch = Batch(f"old-{number + 1:03d}", product, "", 24, 0, date(day.year, 8, 1), {})
            shop.shelf.put(batch, 24)
            lines.append({"batch": batch.lot, "units": 24})
        data = {"count": f"opening-{shop.outlet.id}", "outlet": shop.outlet.id, "lines": lines}
        self.journal.fact("outlets.opening_stock_counted.v1", cashier(shop.outlet.id, 1), at(day, 9.1), data)

    def _problem(self, day: date) -> None:
        packed = [
            batch for shop in self.history.shops.values() for held in shop.shelf.all()[:1] for batch in [held.batch]
        ]
        if packed and packed[0].code:
            data = {"report": f"problem-{day:%Y%m}", "code": packed[0].code, "problem": "lid_open"}
            self.journal.fact("committee.problem_reported.v1", "public", at(day, 19), data)

    def _correct_a_giver(self, day: date) -> None:
        """A lot was written down under a neighbour's name; it comes out weeks later."""
        production = self.history.production
        old = [each for each in production.collected if each.occurred_s < at(day) - 20 * DAY_S]
        if not old:
            return
        wrong = self.journal.rng.choice(old)
        production.collected.remove(wrong)
        people = production.working[wrong.workshop.id]
        right = self.journal.rng.choice(people).id
        pieces = {"pieces": wrong.data["pieces"]} if "pieces" in wrong.data else {}
        data = {
            "lot": wrong.data["lot"], "corrects": wrong.event_id, "producer": right, "mass_g": wrong.data["mass_g"],
            **pieces, "reason": "wrong_producer",
        }  # fmt: skip
        self.journal.fact("production.lot_corrected.v1", tablet(wrong.workshop), at(day, 15), data)

    def _correct_a_merged_lot(self, day: date) -> None:
        """A second lot had been tipped in with a batch's fruit, and was found out from the empty crates."""
        production = self.history.production
        steps = [
            each
            for each in production.produced
            if str(each.data["product"]).startswith("jam") and each.workshop.year < day.year
        ]
        if not steps:
            return
        step = steps[-1]
        product = next(each for each in self.history.products if each.id == step.data["product"])
        mass_g = 4_000
        pool = Pool(day + timedelta(days=4), step.workshop, product.kind, [])
        second = production.gather(pool, mass_g, 0)
        data = {
            "lot": step.data["lot"], "corrects": step.event_id, "mass_g": step.data["mass_g"],
            "inputs": [*step.data["inputs"], {"lot": second, "mass_g": mass_g}],
            "loss_mass_g": step.data["loss_mass_g"] + mass_g, "reason": "lot_merged",
        }  # fmt: skip
        moment = at(day + timedelta(days=25), 15)
        self.journal.fact("production.batch_inputs_corrected.v1", tablet(step.workshop), moment, data)

    # The recall

    def _recall(self, day: date) -> None:
        """A delivery of sugar is called back, and with it every batch that took from it."""
        history = self.history
        if day == RECALL_DAY:
            self._start(day)
        elif self._materials and day in (RECALL_DAY + timedelta(days=1), RECALL_DAY + timedelta(days=9)):
            self._take_off(day)
        elif self._materials and day == RECALL_DAY + timedelta(days=21):
            history.committee.close_recall(day)

    def _start(self, day: date) -> None:
        """The delivery that most of what lies in the shops was made with; what is left of it is not used any more."""
        shelves = (held.batch for shop in self.history.shops.values() for held in shop.shelf.all())
        used = Counter(
            lot
            for batch in shelves
            if batch.product.workshop.id == RECALL_WORKSHOP
            for lot, material in batch.materials.items()
            if material == "sugar"
        )
        if used:
            self._materials = (max(used, key=lambda lot: (used[lot], lot)),)
            self.history.committee.start_recall(self._materials[0], day)
            supplies = self.history.production.supplies
            held = supplies.get((RECALL_WORKSHOP, "sugar"))
            if held is not None and held.lot in self._materials:
                del supplies[RECALL_WORKSHOP, "sugar"]

    def _take_off(self, day: date) -> None:
        history = self.history
        for shop in history.shops.values():
            actor = cashier(shop.outlet.id, 1)
            for batch, units in self._hit(shop.shelf):
                if (shop.outlet.id + batch.lot) not in self.recalled:
                    self.recalled.add(shop.outlet.id + batch.lot)
                    history.committee.tick_off(shop.outlet.id, batch.lot, units, day, actor)
                history.transport.write_off(shop.outlet.place, actor, at(day, 22), "recalled", [(batch, units)])
                shop.shelf.remove(batch, units)
        for batch, units in self._hit(history.transport.store):
            history.transport.write_off(STORE, MEMBERS[0], at(day, 22), "recalled", [(batch, units)])
            history.transport.store.remove(batch, units)
        waiting = history.production.packed
        for batch in [each for each in waiting if not each.materials.keys().isdisjoint(self._materials)]:
            waiting.remove(batch)
            discarded = {
                "lot": batch.lot,
                "place": batch.product.workshop.place,
                "units": batch.units,
                "reason": "recalled",
            }
            moment = max(at(day, 22), batch.ready_s)
            self.journal.fact("production.batch_discarded.v1", tablet(batch.product.workshop), moment, discarded)

    def _hit(self, shelf: Shelf) -> list[tuple[Batch, int]]:
        return [
            (held.batch, held.units)
            for held in shelf.all()
            if not held.batch.materials.keys().isdisjoint(self._materials)
        ]
