"""Five years of a network, 2012 to 2016, day by day: a seed gives the same history to the last byte."""

from collections.abc import Iterator, Mapping
from dataclasses import dataclass, replace
from datetime import date, timedelta
from random import Random

from services.demo.calendar import at
from services.demo.catalogue import Product, active, define_products
from services.demo.center import Center
from services.demo.committee import Committee
from services.demo.founding import Founding
from services.demo.incidents import Incidents
from services.demo.journal import Item, Journal
from services.demo.outlets import Selling, Shop, open_shop
from services.demo.people import at_work, cashier, register
from services.demo.places import OUTLETS, REGIONS, WORKSHOPS, Outlet
from services.demo.planning import Pool, plan_year
from services.demo.production import Production
from services.demo.settlement import CLOSING_DAY, schedule
from services.demo.stock import Transport

DEFAULT_SEED = 2012
_SOM = 100
#: Workshops prepare a pool's reports this long before the pool's day, for lots are gathered before they are pooled.
_POOL_AHEAD = timedelta(days=4)
_RESTOCK_DAYS = 30


@dataclass(frozen=True, slots=True)
class Plan:
    """How large the network is at the end of each year, and what it sells in it (tyiyn, net of voids and returns)."""

    sales_tyiyn: Mapping[int, int]
    outlets: tuple[Outlet, ...]
    producers: Mapping[int, int]
    products: Mapping[int, int]
    by_broker: frozenset[str] = frozenset()  #: outlets whose tills report through the broker

    @classmethod
    def full(cls, scale: int = 1) -> "Plan":
        """The published growth of the movement, times `scale`."""
        som = {2012: 1_900_000, 2013: 4_000_000, 2014: 7_300_000, 2015: 11_530_000, 2016: 12_750_000}
        people = {2012: 300, 2013: 600, 2014: 950, 2015: 1250, 2016: 1520}
        outlets = OUTLETS + tuple(
            replace(outlet, id=f"{outlet.id}-x{copy}") for copy in range(2, scale + 1) for outlet in OUTLETS
        )
        return cls(
            sales_tyiyn={year: amount * _SOM * scale for year, amount in som.items()},
            outlets=outlets,
            producers={year: count * scale for year, count in people.items()},
            products={2012: 120, 2013: 280, 2014: 450, 2015: 640, 2016: 800},
            by_broker=frozenset(("tosor-beach", "barskoon-falls")),
        )

    @classmethod
    def small(cls) -> "Plan":
        """Two shops in one year: for tests."""
        return cls({2012: 120_000 * _SOM}, OUTLETS[:2], {2012: 44}, {2012: 30}, frozenset(("cholpon-ata-1",)))

    @property
    def first_day(self) -> date:
        """The network is founded in the December before its first year."""
        return date(self.years[0] - 1, 12, 10)

    @property
    def last_day(self) -> date:
        return date(self.years[-1], 12, 31)

    @property
    def broker_actors(self) -> tuple[str, ...]:
        """The tills that report through the broker."""
        tills = (
            (each.id, number) for each in self.outlets for number in range(each.tills) if each.id in self.by_broker
        )
        return tuple(f"till/till-{outlet}-{number + 1}" for outlet, number in tills)

    @property
    def years(self) -> tuple[int, ...]:
        return tuple(sorted(self.sales_tyiyn))


class History:
    """Yields everything that is said to the front door, in the order in which it is recorded."""

    def __init__(self, plan: Plan, seed: int = DEFAULT_SEED) -> None:
        self.plan = plan
        rng = Random(seed)
        self.journal = Journal(rng)
        self.products = define_products(rng, plan.products)
        self.people = register(rng, plan.producers)
        self.founding = Founding(self.journal)
        self.committee = Committee(self.journal)
        self.production = Production(self.journal)
        self.transport = Transport(self.journal)
        self.selling = Selling(self.journal, self.transport, plan.sales_tyiyn, plan.by_broker)
        self.center = Center(self.journal, self.production)
        self.center.products = self.products
        self.shops: dict[str, Shop] = {}
        self.incidents = Incidents(self)
        self._pools: dict[date, list[Pool]] = {}
        self.first_day = plan.first_day
        self.last_day = plan.last_day

    def items(self) -> Iterator[Item]:
        """The whole history. Can be taken once."""
        self._found()
        day = self.first_day
        while day <= self.last_day:
            self._masters(day)
            self._make(day)
            self._trade(day)
            self.incidents.day(day)
            schedule(self.journal, day)
            day += timedelta(days=1)
            yield from self.journal.until(at(day))
        # The curtain falls before the last month is closed: it accrues still.
        self.journal.settle((), "", at(day + timedelta(days=CLOSING_DAY - 1), 12), pays=True)
        yield from self.journal.rest()

    # Who and what is entered

    def _found(self) -> None:
        day = self.first_day
        year = day.year + 1
        self.founding.network(day)
        for workshop in WORKSHOPS:
            if workshop.year <= year:
                self.founding.workshop(workshop, day + timedelta(days=1))
        for producer in self.people:
            self.founding.producer(producer)
        offered = active(self.products, year)
        self.production.working = at_work(self.people, day + timedelta(days=2))
        self._introduce(offered, day + timedelta(days=2))
        self.journal.not_before_s = at(day + timedelta(days=11), 9)
        notebooks = plan_year(self.journal.rng, self.products, day.year, self.plan.sales_tyiyn, date(day.year, 7, 1))
        for pool in notebooks:
            if pool.day <= day + _POOL_AHEAD + timedelta(days=12):
                self.production.run(pool)
            else:
                self._pools.setdefault(pool.day, []).append(pool)
        self.journal.not_before_s = 0

    def _introduce(self, products: list[Product], day: date) -> None:
        """Define products, set their prices, and take them to the committee."""
        for product in products:
            maker = product.workshop.place
            if product.kind.recipe.home:
                maker = f"producer/{self.journal.rng.choice(self.production.working[product.workshop.id]).id}"
            self.production.makers[product.id] = maker
            self.founding.product(product, day)
            self.founding.price(product, day, day + timedelta(days=1))
            self.committee.assess(product, maker, day + timedelta(days=1), first_time=True)

    def _masters(self, day: date) -> None:
        self.founding.terms(day)
        for region in REGIONS:
            if region.joined == day and day != self.first_day:
                self.founding.region(region, day)
        for number, outlet in enumerate(self.plan.outlets):
            if outlet.opened == day:
                self.shops[outlet.id] = open_shop(outlet)
                self.founding.outlet(outlet, day, number)
                self.center.equip(outlet, day)
        if (day.month, day.day) == (1, 1):
            self._new_year(day)
        elif (day.month, day.day) == (1, 11) and day.year > self.plan.years[0]:
            self.production.working = at_work(self.people, day)
            self._introduce([each for each in self.products if each.year == day.year], day)
        elif (day.month, day.day) == (6, 1):
            self.production.working = at_work(self.people, day)
        elif (day.month, day.day) == (12, 28) and day != self.last_day and day.year >= self.plan.years[0]:
            self._new_prices(day)

    def _new_year(self, day: date) -> None:
        rng = self.journal.rng
        self.selling.plan(self.plan.outlets, day.year)
        if day.year > self.plan.years[0]:
            for workshop in WORKSHOPS:
                if workshop.year == day.year:
                    self.founding.workshop(workshop, day + timedelta(days=7))
        known = day + timedelta(days=24)
        first_day, in_store = day + timedelta(days=5), self.transport.store.units
        for pool in plan_year(rng, self.products, day.year, self.plan.sales_tyiyn, first_day, in_store):
            fresh = day.year > self.plan.years[0] and any(product.year == day.year for product, _ in pool.batches)
            pool.day = max(pool.day, known) if fresh else pool.day
            self._pools.setdefault(pool.day, []).append(pool)

    def _new_prices(self, day: date) -> None:
        for product in active(self.products, day.year):
            if product.price_tyiyn(day.year + 1) != product.price_tyiyn(day.year):
                self.founding.price(product, day, date(day.year + 1, 1, 1))
            # A certificate stands for two years; it is renewed in the December before it ends.
            if (day.year - product.year) % 2 == 1:
                self.committee.assess(product, self.production.makers[product.id], day, first_time=False)

    # What is made, moved and sold

    def _make(self, day: date) -> None:
        for pool in self._pools.pop(day + _POOL_AHEAD, ()):
            self.production.run(pool)
        self.center.day(day)
        if day.weekday() == 0:
            workshops = [workshop for workshop in WORKSHOPS if workshop.year <= day.year + 1]
            self.production.packed = self.transport.collect(workshops, self.production.packed, day)

    def _trade(self, day: date) -> None:
        self.transport.arrive(at(day, 8.4))
        if day.day == 20:
            self.transport.drop_store_expired(day)
        if day.year not in self.plan.sales_tyiyn:
            return
        closing = self._closing_shop(day)
        for index, shop in enumerate(self.shops.values()):
            self._restock(shop, index, day)
            if shop is not closing:
                self.selling.day(shop, day, closes_year=False)
                self.selling.count(shop, day)
        if closing is not None:
            self.selling.day(closing, day, closes_year=True)

    def _closing_shop(self, day: date) -> Shop | None:
        if (day.month, day.day) != (12, 31):
            return None
        open_today = [shop for shop in self.shops.values() if self.selling.expected_tyiyn(shop.outlet, day) > 0]
        return max(open_today, key=lambda shop: (shop.shelf.worth_tyiyn(day.year), shop.outlet.id))

    def _restock(self, shop: Shop, index: int, day: date) -> None:
        every = 7 if shop.outlet.weight >= 3 or day.month in (6, 7, 8) else 14
        if (day.toordinal() + 3 * index) % every and day != shop.outlet.opened:
            return
        ahead = [day + timedelta(days=offset) for offset in (3, 9, 16, 24)]
        rate = sum(self.selling.expected_tyiyn(shop.outlet, each) for each in ahead) / len(ahead)
        if rate <= 0:
            return
        wanted = int(rate * _RESTOCK_DAYS * 1.5) - shop.shelf.worth_tyiyn(day.year)
        if wanted > rate * 5:
            self.transport.restock(shop.shelf, shop.outlet.place, cashier(shop.outlet.id, 1), wanted, day)
