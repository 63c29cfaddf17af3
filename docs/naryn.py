"""A region joins: Naryn is set up from nothing by the API alone, up to the first payout.

    python docs/naryn.py http://127.0.0.1:8080 .ovop/admin.key

Read it from top to bottom: each function is one chapter, in the order in which things happen. It needs nothing but
Python. Naryn, Birlik and At-Bashy are real; the people, lots, prices and receipts of this story are made up.

Two kinds of requests occur. A *decision* (`ask`) is taken by somebody and can be refused by a rule. A *fact* (`tell`)
has happened; it is never refused for what the network believes, only flagged. Both carry an id that is drawn once: send
the same bytes again and you get the first receipt again.
"""

import json
import sys
import time
from collections.abc import Mapping
from datetime import date, datetime, timedelta, timezone
from pathlib import Path
from typing import Any
from urllib.error import HTTPError
from urllib.request import Request, urlopen
from uuid import uuid4

type Fields = Mapping[str, Any]

BISHKEK = timezone(timedelta(hours=6))
REGION = "KG-N"
WORKSHOP, SHOP, TILL = "at-bashy-honey", "naryn-shop", "naryn-shop-1"
HONEY = "sainfoin-honey-350"
MEMBERS = ("user/naryn-member-1", "user/naryn-member-2")
#: Who brings how many grams of honey, and where they live.
PRODUCERS = {"n-0001": ("birlik", 30_000), "n-0002": ("birlik", 15_000), "n-0003": ("at-bashy", 25_000)}
BATCH, JARS, JAR_G, PRICE_TYIYN = "naryn-honey-1", 200, 350, 45_000


def names(ky: str, ru: str, en: str) -> Fields:
    return {"ky": ky, "ru": ru, "en": en}


class Network:
    """The API of one network, seen with one key."""

    def __init__(self, address: str, key: str) -> None:
        self.address, self.key = address.rstrip("/"), key

    def ask(self, command: str, on: date, **fields: Any) -> Fields:
        """Ask for a decision: POST /api/v1/<context>/<command>."""
        return self._post(f"/api/v1/{command}", {"id": str(uuid4()), "occurred_at": noon(on), **fields})

    def tell(self, wire_name: str, on: date, **data: Any) -> Fields:
        """Report a fact: POST /api/v1/events."""
        return self._post(
            "/api/v1/events", {"id": str(uuid4()), "type": wire_name, "occurred_at": noon(on), "data": data}
        )

    def look(self, path: str, after: int = 0) -> Fields:
        """Read. `after` is the position of a receipt: the answer waits until it speaks for it."""
        return self._send(Request(f"{self.address}/api/v1/{path}{'&' if '?' in path else '?'}after={after}"))

    def rows(self, path: str, name: str, after: int = 0) -> list[Fields]:
        """Read a list to its end: each page says what the next one begins behind."""
        found: list[Fields] = []
        behind = ""
        while True:
            page = self.look(f"{path}&behind={behind}", after)
            found += page[name]
            if page["next"] is None:
                return found
            behind = page["next"]

    def _post(self, path: str, body: Fields) -> Fields:
        request = Request(f"{self.address}{path}", json.dumps(body).encode(), method="POST")
        request.add_header("Content-Type", "application/json")
        return self._send(request)

    def _send(self, request: Request) -> Fields:
        request.add_header("Authorization", f"Bearer {self.key}")
        for _ in range(30):
            try:
                with urlopen(request) as response:
                    answer: Fields = json.load(response)
                    return answer
            except HTTPError as error:
                # 503: not now. Whatever else is refused has a code, the field at fault and what to do about it.
                if error.code != 503:
                    raise SystemExit(f"{request.full_url}: {error.read().decode()}") from None
                time.sleep(1)
        raise SystemExit(f"{request.full_url} does not answer")


def noon(day: date) -> str:
    return datetime(day.year, day.month, day.day, 12, tzinfo=BISHKEK).isoformat()


def the_log_begins(network: Network, today: date) -> None:
    """The very first event names the network and fixes its clock; then the center agrees how a som is shared.

    A region that joins a network finds both there already. The first terms of a channel may begin in the past, no later
    ones ever do.
    """
    if network.look("network")["network"] is not None:
        return
    said = names("Бир айыл — бир продукт", "Одно село — один продукт", "One Village One Product")
    network.ask("network/found-network", today, network="kg", clock="real", names=said)
    network.ask(
        "settlement/agree-terms", today, channel="retail", effective_from=f"{today.year - 1}-01-01",
        makers_bp=6_600, workshop_bp=800, outlet_bp=1_800, brand_bp=600, fund_bp=200,
    )  # fmt: skip


def the_region_joins(network: Network, today: date) -> None:
    """A region has a committee of its own; who sits on it is a role, granted for this region alone."""
    network.ask(
        "network/join-region", today, region=REGION, names=names("Нарын облусу", "Нарынская область", "Naryn Region"),
        committee_names=names("Нарын тандоо комитети", "Комитет отбора Нарына", "Selection committee of Naryn"),
    )  # fmt: skip
    for village, said, latitude, longitude in (
        ("birlik", names("Бирлик", "Бирлик", "Birlik"), 41_200_000, 75_750_000),
        ("at-bashy", names("Ат-Башы", "Ат-Башы", "At-Bashy"), 41_169_500, 75_801_000),
    ):
        network.ask(
            "network/register-village", today, village=village, region=REGION, district="at-bashy-district",
            parent=f"{village}-aimak", names=said, latitude_microdegrees=latitude, longitude_microdegrees=longitude,
            position_is_exact=False,
        )  # fmt: skip
    for member in MEMBERS:
        network.ask("network/grant-role", today, to=member, role="committee_member", region=REGION)


def people_and_places(network: Network, since: date, today: date) -> str:
    """Producers by pseudonym, their workshop, the shop that sells, and what is made. Answers the till's key."""
    opened_on = since.isoformat()
    for producer, (village, _) in PRODUCERS.items():
        network.ask("network/register-producer", today, producer=producer, village=village, joined_on=opened_on)
    said = names("Ат-Башы бал цехи", "Медовый цех Ат-Башы", "At-Bashy honey workshop")
    network.ask("network/open-workshop", today, workshop=WORKSHOP, village="at-bashy", names=said, opened_on=opened_on)
    network.ask(
        "network/define-product", today, product=HONEY, group="honey", unit="jar", net_mass_g=JAR_G,
        names=names("Эспарцет балы", "Эспарцетовый мёд", "Sainfoin honey"), shelf_life_days=730, origin_basis="mass",
    )  # fmt: skip
    network.ask(
        "network/open-outlet", today, outlet=SHOP, region=REGION, channel="retail", connectivity="weekly",
        names=names("Нарын дүкөнү", "Магазин в Нарыне", "Naryn shop"), opened_on=opened_on,
        latitude_microdegrees=41_428_700, longitude_microdegrees=75_991_100, position_is_exact=True,
    )  # fmt: skip
    network.ask(
        "network/set-price", today, product=HONEY, channel="retail", unit_price_tyiyn=PRICE_TYIYN,
        effective_from=opened_on,
    )  # fmt: skip
    # The answer shows the device's key this once; the network keeps only its hash.
    key: str = network.ask("network/enroll-till", today, till=TILL, outlet=SHOP)["key"]
    return key


def the_certificate(network: Network, since: date) -> None:
    """Submitted, sampled, scored and certified.

    Each member scores alone: until the decision the log holds only a seal of the scores, which nobody can read. With
    the decision all scores are opened at once, and everybody can check them against their seals.
    """
    about = {"maker": f"workshop/{WORKSHOP}", "product": HONEY, "submission": "naryn-submission-1"}
    network.ask("committee/submit-product", since, **about, region=REGION, assessors=MEMBERS)
    network.ask("committee/receive-sample", since, **about, units=2)
    for member, quality in zip(MEMBERS, (18, 16), strict=True):
        scores = {"local_raw_material": 19, "quality": quality, "uniqueness": 15, "packaging": 12, "supply": 14}
        network.ask("committee/score-assessment", since, **about, member=member, scores=scores)
    network.ask(
        "committee/certify-product", since, **about, certificate="naryn-certificate-1", valid_from=since.isoformat(),
        valid_until=(since + timedelta(days=730)).isoformat(),
    )  # fmt: skip


def honey_is_made(network: Network, day: date) -> None:
    """Lots of three producers are pooled and packed. Grams in are grams out: 70 kg of honey, 200 jars of 350 g."""
    place = f"workshop/{WORKSHOP}"
    inputs = []
    for producer, (_, mass_g) in PRODUCERS.items():
        lot = f"naryn-comb-{producer}"
        network.tell(
            "production.lot_collected.v2", day, lot=lot, producer=producer, material="honey", mass_g=mass_g,
            delivered_to=place,
        )  # fmt: skip
        inputs.append({"lot": lot, "mass_g": mass_g})
    network.tell(
        "production.batch_produced.v1", day, lot=BATCH, product=HONEY, made_by=place, made_at=place, inputs=inputs,
        mass_g=JARS * JAR_G, finished=True,
    )  # fmt: skip
    network.tell(
        "production.batch_packed.v1", day, lot=BATCH, code="NARYNH1Q", product=HONEY, packed_at=place, units=JARS,
        unit_mass_g=JAR_G, best_before=(day + timedelta(days=730)).isoformat(),
    )  # fmt: skip


def jars_are_shipped(network: Network, day: date) -> None:
    """40 jars leave, 39 are counted on arrival: one is in transit until somebody says what became of it."""
    network.tell(
        "logistics.stock_shipped.v1", day, consignment="naryn-c-1", origin=f"workshop/{WORKSHOP}",
        destination=f"outlet/{SHOP}", lines=[{"batch": BATCH, "units": 40}],
    )  # fmt: skip
    counted = network.tell(
        "logistics.stock_received.v1", day, consignment="naryn-c-1", place=f"outlet/{SHOP}",
        lines=[{"batch": BATCH, "units": 39}],
    )  # fmt: skip
    [missing] = network.rows("inventory?by=transit", "in_transit", after=counted["position"])
    print(f"{missing['in_transit']} jar of {missing['consignment']} is missing")
    network.tell(
        "logistics.shipment_lost.v1", day, consignment="naryn-c-1", lines=[{"batch": BATCH, "units": 1}],
        reason="broken",
    )  # fmt: skip


def honey_is_sold(till: Network, day: date) -> int:
    """The till reports with its own key, a week late as the line comes and goes: flagged, and counted all the same."""
    at_till = {"shift": "naryn-shift-1", "outlet": SHOP, "till": TILL}
    cashier = "user/naryn-cashier"
    opened = {"cashier": cashier, "opening_cash_tyiyn": 100_000}
    till.tell("outlets.shift_opened.v1", day, **at_till, till_counter=1, **opened)
    cash = 100_000
    for number, units in enumerate((3, 7), start=1):
        worth = units * PRICE_TYIYN
        cash += worth
        till.tell(
            "outlets.sale_made.v1", day, **at_till, till_counter=1 + number, cashier=cashier,
            sale=f"naryn-sale-{number}",
            lines=[{"product": HONEY, "batch": BATCH, "units": units, "unit_price_tyiyn": PRICE_TYIYN}],
            tenders=[{"kind": "cash", "amount_tyiyn": worth}],
        )  # fmt: skip
    closed = till.tell("outlets.shift_closed.v1", day, **at_till, till_counter=4, counted_cash_tyiyn=cash, z_number=1)
    position: int = closed["position"]
    return position


def the_month_is_closed_and_paid(network: Network, month: str, today: date) -> dict[str, int]:
    """What was accruing becomes earned, for ever; then everybody is paid what is owed. Answers tyiyn by producer."""
    receipt = network.ask("settlement/close-period", today, region=REGION, month=month)
    income = network.rows("income?by=producer", "income", after=receipt["position"])
    paid = {}
    for each in income:
        if each["region"] == REGION and each["owed_tyiyn"] > 0:
            receipt = network.ask(
                "settlement/make-payout", today, producer=each["producer"], payout=f"{month}-{each['producer']}",
                amount_tyiyn=each["owed_tyiyn"], method="cash",
            )  # fmt: skip
            paid[each["producer"]] = each["owed_tyiyn"]
    for each in network.rows("income?by=producer", "income", after=receipt["position"]):
        if each["producer"] in paid:
            print(f"{each['producer']} of {each['village']}: earned {each['earned_tyiyn'] / 100:,.2f} som, owed "
                  f"{each['owed_tyiyn'] / 100:,.2f}")  # fmt: skip
    return paid


def main(address: str, key: str) -> dict[str, int]:
    """The whole story. Its sales were made last month, so that the month can be closed today."""
    network = Network(address, key)
    today = datetime.now(BISHKEK).date()
    last_month = today.replace(day=1) - timedelta(days=1)
    the_log_begins(network, today)
    the_region_joins(network, today)
    till_key = people_and_places(network, last_month.replace(day=1), today)
    the_certificate(network, last_month.replace(day=5))
    honey_is_made(network, last_month.replace(day=10))
    jars_are_shipped(network, last_month.replace(day=15))
    sold = honey_is_sold(Network(address, till_key), last_month.replace(day=20))
    villages = network.look(f"lots/{BATCH}/trace", after=sold)["trace"]["villages"]
    print("A jar comes from", ", ".join(f"{each['village']} {each['ppm'] / 10_000:.2f} %" for each in villages))
    return the_month_is_closed_and_paid(network, f"{last_month:%Y-%m}", today)


if __name__ == "__main__":
    main(sys.argv[1], Path(sys.argv[2]).read_text().strip())
