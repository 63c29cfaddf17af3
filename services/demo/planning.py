"""What the workshops set out to make in a year, so that the shops have about as much as they will sell."""

from collections.abc import Callable, Mapping, Sequence
from dataclasses import dataclass, field
from datetime import date, timedelta
from random import Random

from services.demo.catalogue import Kind, Product, active
from services.demo.places import Workshop

#: What is made over what is expected to be sold.
_MARGIN = 1.3
#: How much of a year's make may lie in the store in January without less being made.
_KEPT_SHARE = 0.5
_BATCH_UNITS_MAX = 150
_POOL_UNITS = 190


@dataclass(slots=True)
class Pool:
    """Lots to be pooled at a workshop on a day, and the batches (product, units) to be made of them."""

    day: date
    workshop: Workshop
    kind: Kind
    batches: list[tuple[Product, int]] = field(default_factory=list)


def plan_year(
    rng: Random, products: Sequence[Product], year: int, sales_tyiyn: Mapping[int, int], first_day: date,
    in_store: Callable[[str], int] = lambda _: 0,
) -> list[Pool]:  # fmt: skip
    """The pools of a year by day. What has a season is made for half of this year and half of the next one.

    What lies in the store beyond the first months' need is not made again.
    """
    by_maker: dict[tuple[str, str], list[tuple[Product, int]]] = {}
    offered = active(products, max(year, min(product.year for product in products)))
    this = _tyiyn_by_weight(products, year, sales_tyiyn)
    following = _tyiyn_by_weight(products, year + 1, sales_tyiyn) or this
    for product in offered:
        seasonal = len(product.kind.months) < 12 and product.kind.shelf_life_days != 45
        worth = product.popularity * (0.42 * this + 0.58 * following if seasonal else max(this, 0.2 * following))
        least = 2 if product.kind.group == "rug" else 6
        units = max(least, round(worth * _MARGIN / product.price_tyiyn(year + 1)))
        units -= max(0, in_store(product.id) - round(units * _KEPT_SHARE))
        if units < least:
            continue
        by_maker.setdefault((product.workshop.id, product.kind.id), []).append((product, units))
    pools: list[Pool] = []
    for wanted in by_maker.values():
        pools += _pools_of(rng, wanted, year)
    return sorted((pool for pool in pools if pool.day >= first_day), key=lambda pool: pool.day)


def _tyiyn_by_weight(products: Sequence[Product], year: int, sales_tyiyn: Mapping[int, int]) -> float:
    weights = sum(product.popularity for product in active(products, year))
    return sales_tyiyn.get(year, 0) / weights if weights else 0.0


def _pools_of(rng: Random, wanted: list[tuple[Product, int]], year: int) -> list[Pool]:
    """The pools of one workshop and kind: products shared out, large ones over several pools."""
    kind, workshop = wanted[0][0].kind, wanted[0][0].workshop
    days = _season(kind, year)
    count = max(kind.pools_min, -(-sum(units for _, units in wanted) // _POOL_UNITS))
    if kind.recipe.by_pieces:
        return [Pool(rng.choice(days), workshop, kind, [part]) for each in wanted for part in _parts(each, 1)]
    pools = [Pool(days[(2 * i + 1) * len(days) // (2 * count)], workshop, kind) for i in range(count)]
    for each in wanted:
        perishable = count if kind.shelf_life_days == 45 else 1
        parts = _parts(each, perishable)
        start, step = rng.randrange(count), max(1, count // len(parts))
        for i, part in enumerate(parts):
            pools[(start + i * step) % count].batches.append(part)
    return [_one_per_product(pool) for pool in pools if pool.batches]


def _parts(wanted: tuple[Product, int], at_least: int) -> list[tuple[Product, int]]:
    product, units = wanted
    count = max(-(-units // _BATCH_UNITS_MAX), min(at_least, units // 8), 1)
    return [(product, units * (i + 1) // count - units * i // count) for i in range(count)]


def _one_per_product(pool: Pool) -> Pool:
    units: dict[str, int] = {}
    named: dict[str, Product] = {}
    for product, part in pool.batches:
        named[product.id] = product
        units[product.id] = units.get(product.id, 0) + part
    pool.batches = [(named[each], units[each]) for each in sorted(units)]
    return pool


def _season(kind: Kind, year: int) -> list[date]:
    days = [date(year, 1, 1) + timedelta(days=i) for i in range(365)]
    return [day for day in days if day.month in kind.months and 4 <= day.day <= 26]
