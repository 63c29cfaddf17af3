"""How the network comes to be: who and what is entered, by the center, when."""

from datetime import date, timedelta
from typing import Any

from services.demo.calendar import at
from services.demo.catalogue import Product
from services.demo.journal import Journal
from services.demo.people import CENTER, CLERK, MEMBERS, Producer, cashier, tablet
from services.demo.places import REGIONS, VILLAGE, VILLAGES, Outlet, Region, Spoken, Workshop
from services.demo.production import SUPPLIERS

type Data = dict[str, Any]

#: Basis points of makers, workshop, outlet, brand and fund: channel, product group, agreed, in force from.
TERMS: tuple[tuple[str, str | None, date, date, tuple[int, int, int, int, int]], ...] = (
    ("retail", None, date(2011, 12, 12), date(2011, 12, 15), (6600, 800, 1800, 600, 200)),
    ("retail", "felt", date(2011, 12, 12), date(2011, 12, 15), (7000, 500, 1700, 600, 200)),
    ("wholesale", None, date(2011, 12, 12), date(2011, 12, 15), (7800, 900, 0, 1000, 300)),
    ("export", None, date(2011, 12, 12), date(2011, 12, 15), (8000, 800, 0, 1000, 200)),
    ("retail", None, date(2014, 6, 16), date(2014, 7, 1), (6800, 700, 1700, 600, 200)),
)
BUYER = "felt-importer-1"


def names(spoken: Spoken) -> dict[str, str]:
    return dict(zip(("ky", "ru", "en"), spoken, strict=True))


class Founding:
    """Asks for the decisions that enter places, people and things, each at its moment."""

    def __init__(self, journal: Journal) -> None:
        self.journal = journal
        self._grants: list[tuple[str, str, str | None, str | None]] = []

    def ask(self, verb: str, day: date, hour: float, fields: Data, actor: str = CENTER) -> None:
        self.journal.command(verb, actor, at(day, hour), fields)

    def network(self, day: date) -> None:
        """The log begins."""
        spoken = ("Бир айыл — бир продукт (демо)", "Одно село — один продукт (демо)", "One Village One Product (demo)")
        self.ask("network/found-network", day, 9, {"network": "kg", "clock": "simulated", "names": names(spoken)})
        suppliers = dict(SUPPLIERS.values())
        for supplier, spoken in suppliers.items():
            fields = {"supplier": supplier, "names": names(spoken)}
            self.ask("network/register-supplier", day + timedelta(days=1), 9, fields)
        self.grant(CENTER, "center", day, None)
        self.grant(CLERK, "settlement_clerk", day, None)
        for region in REGIONS:
            if region.joined <= day:
                self.region(region, day)
        for member in MEMBERS:
            self.grant(member, "committee_member", day, None)

    def terms(self, day: date) -> None:
        """Agree the terms that are due for it."""
        for channel, group, agreed, effective, parts in TERMS:
            if agreed == day:
                shares = ("makers_bp", "workshop_bp", "outlet_bp", "brand_bp", "fund_bp")
                fields: Data = {"channel": channel, "effective_from": effective.isoformat()}
                fields |= dict(zip(shares, parts, strict=True))
                self.ask("settlement/agree-terms", day, 12, fields | ({"product_group": group} if group else {}))

    def grant(self, actor: str, role: str, day: date, place: str | None) -> None:
        fields: Data = {"to": actor, "role": role}
        self.ask("network/grant-role", day, 16, fields | ({"place": place} if place else {}))

    def region(self, region: Region, day: date) -> None:
        committee = (
            f"{region.names[0]}: бренд комитети",
            f"{region.names[1]}: комитет бренда",
            f"{region.names[2]} Brand Committee",
        )
        fields = {"region": region.code, "names": names(region.names), "committee_names": names(committee)}
        self.ask("network/join-region", day, 10, fields)
        for village in VILLAGES:
            if village.region == region.code:
                place = {
                    "village": village.id, "region": village.region, "district": village.district,
                    "parent": village.parent, "names": names(village.names),
                    "latitude_microdegrees": village.latitude, "longitude_microdegrees": village.longitude,
                    "position_is_exact": village.exact,
                }  # fmt: skip
                self.ask("network/register-village", day, 11, place)

    def workshop(self, workshop: Workshop, day: date) -> None:
        fields = {
            "workshop": workshop.id, "village": workshop.takes_from[0], "names": names(workshop.names),
            "opened_on": day.isoformat(),
        }  # fmt: skip
        self.ask("network/open-workshop", day, 13, fields)
        self.grant(tablet(workshop), "workshop_lead", day, workshop.place)

    def producer(self, producer: Producer) -> None:
        fields = {"producer": producer.id, "village": producer.village, "joined_on": producer.joined.isoformat()}
        self.ask("network/register-producer", producer.joined, 14, fields)

    def product(self, product: Product, day: date) -> None:
        kind = product.kind
        fields: Data = {
            "product": product.id, "group": kind.group, "names": names(product.names), "unit": kind.unit,
            "net_mass_g": 0 if kind.piece else product.unit_g, "origin_basis": kind.basis,
        }  # fmt: skip
        if kind.shelf_life_days is not None:
            fields["shelf_life_days"] = kind.shelf_life_days
        self.ask("network/define-product", day, 15, fields)

    def price(self, product: Product, day: date, effective: date) -> None:
        fields = {
            "product": product.id, "channel": "retail", "unit_price_tyiyn": product.price_tyiyn(effective.year),
            "effective_from": effective.isoformat(),
        }  # fmt: skip
        self.ask("network/set-price", day, 16.5, fields)

    def outlet(self, outlet: Outlet, day: date, copy: int = 0) -> None:
        """Open a shop; shops of one village lie a little apart on the map, so theirs are not exact."""
        village = VILLAGE[outlet.village]
        fields = {
            "outlet": outlet.id, "region": village.region, "village": village.id, "names": names(outlet.names),
            "channel": "retail", "latitude_microdegrees": village.latitude + 2_000 * (copy % 9),
            "longitude_microdegrees": village.longitude + 3_000 * (copy // 9 % 9 + copy % 3),
            "position_is_exact": False, "connectivity": outlet.connectivity, "opened_on": outlet.opened.isoformat(),
        }  # fmt: skip
        self.ask("network/open-outlet", day, 9, fields)
        for number in range(outlet.tills):
            till = f"till-{outlet.id}-{number + 1}"
            self.ask("network/enroll-till", day, 9.5, {"till": till, "outlet": outlet.id})
        for number in (1, 2):
            self.grant(cashier(outlet.id, number), "cashier", day, outlet.place)
