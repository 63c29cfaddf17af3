"""Gathering, pooling, making, packing: the chains of the movement, balanced to the gram at every step."""

from collections.abc import Mapping, Sequence
from dataclasses import dataclass, field
from datetime import date, timedelta
from itertools import pairwise
from random import Random
from typing import Any

from services.demo.calendar import DAY_S, HOUR_S, at, day_of
from services.demo.catalogue import Product, Recipe
from services.demo.journal import Fields, Journal
from services.demo.people import Producer, tablet
from services.demo.places import Workshop
from services.demo.planning import Pool

type Data = dict[str, Any]

#: Who delivers what; one supplier each.
SUPPLIERS: Mapping[str, tuple[str, tuple[str, str, str]]] = {
    "sugar": ("sugar-kant", ("Кант жеткирүүчүсү", "Поставщик сахара", "Sugar supplier")),
    "jar": ("glass-tokmok", ("Айнек жеткирүүчүсү", "Поставщик банок", "Jar supplier")),
    "bottle": ("glass-tokmok", ("Айнек жеткирүүчүсү", "Поставщик банок", "Jar supplier")),
    "box": ("paper-bishkek", ("Кутуча жеткирүүчүсү", "Поставщик упаковки", "Box supplier")),
    "vegetable-oil": ("oil-osh", ("Май жеткирүүчүсү", "Поставщик масла", "Oil supplier")),
    "lye": ("oil-osh", ("Май жеткирүүчүсү", "Поставщик масла", "Oil supplier")),
    "dye": ("dye-bishkek", ("Боёк жеткирүүчүсү", "Поставщик красителей", "Dye supplier")),
    "silk": ("dye-bishkek", ("Боёк жеткирүүчүсү", "Поставщик красителей", "Dye supplier")),
    "salt": ("sugar-kant", ("Кант жеткирүүчүсү", "Поставщик сахара", "Sugar supplier")),
    "water": ("water-karakol", ("Суу каналы", "Водоканал", "Water works")),
}
#: Tablets weighed in whole kilograms until the end of this season.
KILOGRAM_SEASONS_UNTIL = 2012

_BASE32 = "0123456789ABCDEFGHJKMNPQRSTVWXYZ"
_DELIVERY_G, _DELIVERY_PIECES = 150_000, 1_500
_PRESS_LOSS_PERMILLE = 12


@dataclass(slots=True)
class Batch:
    """A packed batch as the shops know it."""

    lot: str
    product: Product
    code: str
    units: int
    ready_s: int
    best_before: date | None
    materials: Mapping[str, str]  #: what was supplied for it, by lot


@dataclass(slots=True)
class Supply:
    """What is left of a delivery."""

    lot: str
    left: int


@dataclass(frozen=True, slots=True)
class Correctable:
    """A report that may turn out wrong."""

    event_id: str
    data: Fields
    workshop: Workshop
    occurred_s: int


@dataclass(slots=True)
class Production:
    """The workshops of the network: what they hold, and what they report."""

    journal: Journal
    working: dict[str, list[Producer]] = field(default_factory=dict)
    makers: dict[str, str] = field(default_factory=dict)  #: who makes what one person makes alone, by product
    packed: list[Batch] = field(default_factory=list)  #: not shipped yet
    collected: list[Correctable] = field(default_factory=list)
    produced: list[Correctable] = field(default_factory=list)
    supplies: dict[tuple[str, str], Supply] = field(default_factory=dict)
    pomace: dict[str, Supply] = field(default_factory=dict)
    delivery_s: int = 0  #: when what a pool needs is delivered: before any of its steps and of those still to come
    number: int = 0

    @property
    def rng(self) -> Random:
        return self.journal.rng

    def _lot(self, kind: str) -> str:
        self.number += 1
        return f"{kind}-{self.number:06d}"

    def report(self, wire: str, workshop: Workshop, moment_s: int, data: Fields) -> str:
        """A tablet sends in the evening, now and then days later."""
        evening = moment_s - (moment_s + 6 * HOUR_S) % DAY_S + 20 * HOUR_S + self.rng.randrange(1800)
        late = self.rng.randrange(2, 20) * DAY_S if self.journal.chance(0.008) else 0
        recorded = max(moment_s + 60, evening) + late
        return self.journal.fact(wire, tablet(workshop), moment_s, data, recorded_s=recorded)

    # Collecting and pooling

    def run(self, pool: Pool) -> list[Batch]:
        """Everything that a pool sets going: its lots, its steps, its batches, which now wait to be shipped."""
        recipe = pool.kind.recipe
        self.delivery_s = at(pool.day - timedelta(days=3), 8)
        samples = [self._sample_g(product) for product, _ in pool.batches]
        outputs = [
            units * product.unit_g + sample for (product, units), sample in zip(pool.batches, samples, strict=True)
        ]
        bulk = -(-sum(outputs) * (1000 + _PRESS_LOSS_PERMILLE) // 1000) if pool.kind.group == "juice" else 0
        takes = [-(-(output * recipe.origin) // 1000) for output in outputs]
        need_g = -(-bulk * recipe.origin // 1000) if bulk else sum(takes)
        pieces = sum(units for _, units in pool.batches) if recipe.by_pieces else 0
        source, takes = self._source(pool, need_g, takes, pieces)
        if bulk:
            source = self._press(pool, source, need_g, bulk)
            takes = self._shares_of(bulk, outputs)
        batches = []
        for (product, units), sample, output, take in zip(pool.batches, samples, outputs, takes, strict=True):
            batches.append(self._make(pool, product, units, sample, output, (source, take), bool(bulk)))
        self.packed += batches
        return batches

    @staticmethod
    def _shares_of(bulk_g: int, outputs: Sequence[int]) -> list[int]:
        """All of the bulk, each batch at least what it needs."""
        takes = [-(-output * 1004 // 1000) for output in outputs]
        takes[-1] += bulk_g - sum(takes)
        return takes

    def _sample_g(self, product: Product) -> int:
        if product.kind.piece or not self.journal.chance(0.35):
            return 0
        return 20

    def _source(self, pool: Pool, need_g: int, takes: list[int], pieces: int) -> tuple[str, list[int]]:
        """The lot that a pool's batches are made of: pomace left over from juice when there is enough, else a pool."""
        left = self.pomace.get(pool.workshop.id)
        if pool.kind.group == "oil" and left is not None and left.left >= need_g:
            left.left -= need_g
            return left.lot, takes
        return self.gather(pool, need_g, pieces), takes

    def gather(self, pool: Pool, need_g: int, pieces: int) -> str:
        recipe, workshop = pool.kind.recipe, pool.workshop
        inputs = self._collect(pool, recipe, need_g, pieces)
        lot = self._lot("pool")
        loss = sum(each["mass_g"] for each in inputs) - need_g
        data: Data = {
            "lot": lot, "inputs": inputs, "workshop": workshop.id,
            "material": recipe.material, "mass_g": need_g, "loss_mass_g": loss,
        }  # fmt: skip
        if pieces:
            data["pieces"] = pieces
        self.report("production.lots_pooled.v1", workshop, at(pool.day, 14.5), data)
        return lot

    def _collect(self, pool: Pool, recipe: Recipe, need_g: int, pieces: int) -> list[Data]:
        """What the people of the villages brought, enough for the need and what sorting takes away."""
        people = self.working[pool.workshop.id]
        kilograms = pool.day.year <= KILOGRAM_SEASONS_UNTIL and not pieces
        whole = pieces or -(-need_g * 1000 // (1000 - recipe.pool_loss))
        typical = self.rng.randint(*recipe.lot_g)
        count = max(2, min(40, len(people), whole // typical))
        parts = _split(self.rng, whole, count, 1 if pieces else 10, 1000 if kilograms else 0)
        inputs: list[Data] = []
        givers = (
            self.rng.sample(people, len(parts)) if len(parts) <= len(people) else self.rng.choices(people, k=len(parts))
        )
        for giver, part in zip(givers, parts, strict=True):
            moment = at(pool.day, 9 + self.rng.random() * 4.5) - self.rng.randrange(3) * DAY_S
            lot = self._lot("lot")
            mass = part * (need_g // pieces) if pieces else part
            self._report_lot(pool, lot, giver, mass, part if pieces else 0, moment, kilograms)
            taken: Data = {"lot": lot, "mass_g": mass}
            inputs.append({**taken, "pieces": part} if pieces else taken)
        return inputs

    def _report_lot(
        self, pool: Pool, lot: str, giver: Producer, mass_g: int, pieces: int, moment_s: int, kilograms: bool
    ) -> None:
        workshop = pool.workshop
        data: Data = {"lot": lot, "producer": giver.id, "material": pool.kind.recipe.material}
        if kilograms:
            data |= {"mass_kg": mass_g // 1000, "workshop": workshop.id}
            self.report("production.lot_collected.v1", workshop, moment_s, data)
            return
        data |= {"mass_g": mass_g, "delivered_to": workshop.place}
        if pieces:
            data["pieces"] = pieces
        event_id = self.report("production.lot_collected.v2", workshop, moment_s, data)
        self.collected.append(Correctable(event_id, data, workshop, moment_s))

    # Making and packing

    def _press(self, pool: Pool, source: str, need_g: int, bulk_g: int) -> str:
        """Fruit becomes juice in bulk and pomace, which is kept."""
        lot, pomace = self._lot("bulk"), self._lot("pomace")
        by_product = pool.kind.recipe.by_product
        material, permille = by_product or ("pomace", 0)
        pomace_g = bulk_g * permille // 1000
        data = {
            "lot": lot, "inputs": [{"lot": source, "mass_g": need_g}], "product": pool.batches[0][0].id,
            "made_by": pool.workshop.place, "made_at": pool.workshop.place, "mass_g": bulk_g,
            "by_products": [{"material": material, "mass_g": pomace_g, "lot": pomace}],
            "loss_mass_g": need_g - bulk_g - pomace_g, "finished": False,
        }  # fmt: skip
        self.report("production.batch_produced.v1", pool.workshop, at(pool.day, 17), data)
        held = self.pomace.get(pool.workshop.id)
        if held is None or held.left < pomace_g:
            self.pomace[pool.workshop.id] = Supply(pomace, pomace_g)
        return lot

    def _make(
        self, pool: Pool, product: Product, units: int, sample_g: int, output_g: int, source: tuple[str, int],
        from_bulk: bool,
    ) -> Batch:  # fmt: skip
        recipe, workshop = product.kind.recipe, pool.workshop
        made_on = pool.day + timedelta(days=self.rng.randint(1, 3))
        moment = at(made_on, 15 + self.rng.random() * 3)
        pieces = units if product.kind.piece else 0
        taken: Data = {"lot": source[0], "mass_g": source[1]}
        if recipe.by_pieces:
            taken["pieces"] = pieces
        inputs = [taken]
        supplied = () if from_bulk else recipe.supplied
        for material, permille in supplied:
            inputs.append(self._supply(workshop, material, max(1, output_g * permille // 1000), 0))
        if recipe.pack is not None:
            inputs.append(self._supply(workshop, recipe.pack, 0, units))
        lot = self._lot("batch")
        by_products: list[Data] = []
        if recipe.by_product is not None and not from_bulk:
            by_products = [{"material": recipe.by_product[0], "mass_g": output_g * recipe.by_product[1] // 1000}]
        gone = output_g + sum(each["mass_g"] for each in by_products)
        data: Data = {
            "lot": lot, "inputs": inputs, "product": product.id, "made_by": self._maker(pool, product),
            "made_at": workshop.place, "mass_g": output_g,
            "loss_mass_g": sum(each.get("mass_g", 0) for each in inputs) - gone, "finished": True,
        }  # fmt: skip
        if pieces:
            data["pieces"] = pieces
            data["labour_minutes"] = pieces * (600 if product.kind.group == "rug" else 50)
        if by_products:
            data["by_products"] = by_products
        event_id = self.report("production.batch_produced.v1", workshop, moment, data)
        self.produced.append(Correctable(event_id, data, workshop, moment))
        wanted = (*(material for material, _ in supplied), *((recipe.pack,) if recipe.pack is not None else ()))
        materials = {each["lot"]: material for each, material in zip(inputs[1:], wanted, strict=True)}
        return self._pack(product, workshop, lot, units, sample_g, moment, materials)

    def _maker(self, pool: Pool, product: Product) -> str:
        if pool.kind.recipe.home:
            return self.makers[product.id]
        return pool.workshop.place

    def _supply(self, workshop: Workshop, material: str, mass_g: int, pieces: int) -> Data:
        """Take from the last delivery, after a new one when it does not suffice."""
        need = pieces or mass_g
        held = self.supplies.get((workshop.id, material))
        if held is None or held.left < need:
            whole = max(_DELIVERY_PIECES if pieces else _DELIVERY_G, 2 * need)
            lot = self._lot("supply")
            data = {
                "lot": lot, "supplier": SUPPLIERS[material][0], "material": material,
                "mass_g": 0 if pieces else whole, "pieces": whole if pieces else 0, "delivered_to": workshop.place,
            }  # fmt: skip
            self.report("production.material_received.v1", workshop, self.delivery_s, data)
            held = self.supplies[workshop.id, material] = Supply(lot, whole)
        held.left -= need
        amount = {"pieces": pieces} if pieces else {"mass_g": mass_g}
        return {"lot": held.lot, **amount, "bears_origin": False}

    def _pack(
        self, product: Product, workshop: Workshop, lot: str, units: int, sample_g: int, made_s: int,
        materials: Mapping[str, str],
    ) -> Batch:  # fmt: skip
        if sample_g:
            data = {
                "lot": lot, "test": "moisture", "result": "pass", "value_milli": self.rng.randint(150, 190) * 100,
                "sample_mass_g": sample_g, "tested_at": workshop.place,
            }  # fmt: skip
            self.report("production.lot_tested.v1", workshop, made_s + HOUR_S, data)
        cure_days = 35 if product.kind.group == "soap" else 0
        packed_s = made_s + 2 * HOUR_S + cure_days * DAY_S
        days = product.kind.shelf_life_days
        best_before = day_of(packed_s) + timedelta(days=days) if days is not None else None
        code = batch_code(self.rng)
        packed: Data = {
            "lot": lot, "code": code, "product": product.id, "packed_at": workshop.place,
            "units": units, "unit_mass_g": product.unit_g,
        }  # fmt: skip
        if product.kind.piece:
            packed["unit_pieces"] = 1
        if best_before is not None:
            packed["best_before"] = best_before.isoformat()
        self.report("production.batch_packed.v1", workshop, packed_s, packed)
        labels = {"lot": lot, "code": code, "labels": units + self.rng.randrange(3), "printed_at": workshop.place}
        self.report("production.labels_printed.v1", workshop, packed_s + 600, labels)
        return Batch(lot, product, code, units, packed_s + DAY_S, best_before, materials)


def _split(rng: Random, whole: int, count: int, step: int, whole_step: int) -> list[int]:
    """Positive parts of at least `whole`: exactly for pieces, rounded up to what a pair of scales shows."""
    step = whole_step or step
    if whole_step:
        count = max(1, min(count, whole // whole_step))
    weights = [0.5 + rng.random() for _ in range(count)]
    total = sum(weights)
    if step == 1:
        cuts = [0]
        running = 0.0
        for weight in weights:
            running += weight
            cuts.append(round(whole * running / total))
        cuts[-1] = whole
        return [after - before for before, after in pairwise(cuts) if after > before]
    return [-(-int(whole * weight / total + 1) // step) * step for weight in weights]


def batch_code(rng: Random) -> str:
    """Seven random symbols and a check symbol (the number modulo 37), redrawn until that is a letter or a digit."""
    while True:
        number = rng.getrandbits(35)
        if number % 37 < 32:
            digits = [number >> (5 * i) & 31 for i in range(6, -1, -1)]
            return "".join(_BASE32[digit] for digit in digits) + _BASE32[number % 37]
