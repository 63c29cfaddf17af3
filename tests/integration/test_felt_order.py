"""Felt for a buyer overseas, through the front door: sample, quota per village, delivery, contract price, income."""

from collections.abc import Iterator
from pathlib import Path
from typing import Any

import httpx
import pytest

from events.catalogue.values import LotInput
from tests import make
from tests.door import NOW, Door, accepted, opened, report
from tests.servers import LogDatabase

PRICE = 90_000
MAKER = "workshop/barskoon-felt"


@pytest.fixture
def door(log_database: LogDatabase, tmp_path: Path) -> Iterator[Door]:
    with opened(log_database, tmp_path) as door:
        for path, event in (
            ("network/found-network", make.network_founded()),
            ("network/join-region", make.region_joined()),
            ("network/register-village", make.village_registered()),
            ("network/register-village", make.village_registered(village="barskoon")),
            ("network/register-producer", make.producer_registered(producer="p-tosor", village="tosor")),
            ("network/register-producer", make.producer_registered(producer="p-barskoon", village="barskoon")),
            ("network/open-workshop", make.workshop_opened(workshop="barskoon-felt", village="barskoon")),
            ("network/define-product", make.product_defined(product="slippers", unit="pair", origin_basis="pieces")),
            ("settlement/agree-terms", make.share_terms_agreed(channel="export", makers_bp=8_000, workshop_bp=500,
                                                               outlet_bp=0, brand_bp=1_000, fund_bp=500)),
        ):  # fmt: skip
            accepted(door.ask(path, event))
        yield door


def make_felt(door: Door, lot: str, pairs: int, **pieces: int) -> None:
    """Wool of two villages becomes pairs of slippers, which are packed."""
    wool = [
        make.lot_collected(
            lot=f"{lot}-wool-{village}",
            producer=f"p-{village}",
            material="wool",
            mass_g=0,
            pieces=count,
            delivered_to=MAKER,
        )
        for village, count in pieces.items()
    ]
    inputs = tuple(LotInput(lot=each.lot, pieces=each.pieces) for each in wool)
    made = make.batch_produced(
        lot=lot, product="slippers", made_by=MAKER, made_at=MAKER, inputs=inputs, mass_g=0, pieces=pairs, by_products=()
    )
    packed = make.batch_packed(
        lot=lot, product="slippers", packed_at=MAKER, units=pairs, unit_mass_g=0, unit_pieces=1, best_before=None
    )
    answers = door.tell(*(report(event) for event in (*wool, made, packed)))
    assert {answer["status"] for answer in answers} <= {"accepted", "flagged"}, answers


def place_order(door: Door, **changes: Any) -> httpx.Response:
    quotas = [{"village": "tosor", "units": 40}, {"village": "barskoon", "units": 60}]
    fields = {
        "order": "order-1", "buyer": "felt-importer", "channel": "export", "product": "slippers", "units": 100,
        "unit_price_tyiyn": PRICE, "quotas": quotas, "sample": "felt-sample", "deliver_by": "2030-10-31",
    }  # fmt: skip
    return door.command("center/place-order", **(fields | changes))


def test_felt_goes_overseas_and_comes_back_as_the_villages_income(door: Door) -> None:
    make_felt(door, "felt-sample", 1, tosor=1)
    accepted(door.command("center/introduce-buyer", buyer="felt-importer", channel="export", country="japan"))
    accepted(place_order(door))
    make_felt(door, "felt-1", 80, tosor=20, barskoon=60)
    shipped = make.stock_shipped(
        consignment="c-1",
        origin=MAKER,
        destination="buyer/felt-importer",
        lines=(make.stock_line(batch="felt-1", units=80),),
    )
    line = make.sale_line(product="slippers", batch="felt-1", units=80, unit_price_tyiyn=PRICE)
    delivered = make.order_delivered(order="order-1", place="buyer/felt-importer", lines=(line,))
    received = make.stock_received(consignment="c-1", place="buyer/felt-importer", lines=shipped.lines)
    answers = door.tell(*(report(event) for event in (shipped, received, delivered)))
    door.fold()

    told = door.get("/api/v1/center/orders/order-1", after=answers[-1]["position"]).json()["order"]

    assert {part["village"]: (part["quota_units"], part["delivered_units"]) for part in told["villages"]} == {
        "barskoon": (60, 60),
        "tosor": (40, 20),
    }
    assert (told["delivered_units"], told["delivered_tyiyn"], told["remarks"]) == (80, 80 * PRICE, [])
    assert door.get("/api/v1/center/orders/order-1", on="2030-11-01").json()["order"]["remarks"] == ["overdue"]
    income = door.get("/api/v1/income", by="producer").json()["income"]
    makers_tyiyn = 80 * PRICE * 80 // 100
    assert {each["producer"]: each["accruing_tyiyn"] for each in income} == {
        "p-barskoon": makers_tyiyn * 3 // 4,
        "p-tosor": makers_tyiyn // 4,
    }
    [stock] = [
        each for each in door.get("/api/v1/inventory", batch="felt-1").json()["stock"] if "buyer" in each["place"]
    ]
    assert stock["on_hand"] == 0, "what was delivered is the buyer's"


@pytest.mark.parametrize(
    "change",
    [
        {"buyer": "nobody"},
        {"product": "carpet"},
        {"quotas": [{"village": "atlantis", "units": 1}]},
        {"sample": "never-made"},
    ],
)
def test_an_order_about_what_nobody_knows_is_refused(door: Door, change: dict[str, Any]) -> None:
    make_felt(door, "felt-sample", 1, tosor=1)
    accepted(door.command("center/introduce-buyer", buyer="felt-importer", channel="export", country="japan"))
    response = place_order(door, **change)
    assert (response.status_code, response.json()["code"]) == (409, "unknown_reference")
    assert door.get("/api/v1/center/orders/order-1").json()["code"] == "no_such_order"


def test_a_delivery_before_its_order_is_shown_as_such(door: Door) -> None:
    door.tell(report(make.order_delivered(), occurred_at=NOW))
    door.fold()
    told = door.get("/api/v1/center/orders/order-1").json()["order"]
    assert (told["ordered_units"], told["delivered_units"], told["remarks"]) == (0, 100, ["not_ordered"])
