"""How an order stands: deliveries beside the villages' quotas, and what differs from the contract."""

from datetime import date

import pytest

from events.catalogue.base import Event
from events.catalogue.center import VillageQuota
from services.center.orders import OrderStanding, VillagePart, batches_of, standing
from tests import make

PRICE = 25_000
QUOTAS = (VillageQuota(village="barskoon", units=60), VillageQuota(village="tosor", units=40))
ORDER = make.order_placed(product="slippers", units=100, unit_price_tyiyn=PRICE, quotas=QUOTAS, sample="lot-sample-1")
ORIGINS = {"felt-1": [("barskoon", 666_667), ("tosor", 333_333)], "felt-2": [("tosor", 1_000_000)]}
IN_TIME, TOO_LATE = ORDER.deliver_by, date(2013, 9, 2)


def delivered(units: int, batch: str | None = "felt-1", name: str = "d-1", **changes: object) -> Event:
    line = make.sale_line(
        **({"product": "slippers", "batch": batch, "unit_price_tyiyn": PRICE, "units": units} | changes)
    )
    return make.order_delivered(delivery=name, lines=(line,))


def told(*history: Event, on: date = IN_TIME) -> OrderStanding:
    return standing("order-1", history, ORIGINS, on)


def test_an_order_says_what_was_agreed_before_anything_is_delivered() -> None:
    found = told(ORDER)
    assert (found.buyer, found.sample, found.ordered_units, found.delivered_units) == (
        "buyer-1",
        "lot-sample-1",
        100,
        0,
    )
    assert found.villages == (VillagePart("barskoon", 60, 0), VillagePart("tosor", 40, 0))
    assert found.remarks == ()


def test_what_was_delivered_is_set_against_the_quota_of_its_villages_to_the_last_unit() -> None:
    found = told(ORDER, delivered(20), delivered(11, name="d-2"), delivered(5, "felt-2", name="d-3"))
    assert found.villages == (VillagePart("barskoon", 60, 21), VillagePart("tosor", 40, 15))
    assert found.delivered_units == sum(part.delivered_units for part in found.villages) == 36
    assert found.delivered_tyiyn == 36 * PRICE


def test_a_village_without_a_quota_and_an_unknown_one_are_shown_too() -> None:
    bare = make.order_placed(product="slippers", units=100, unit_price_tyiyn=PRICE, quotas=())
    found = told(bare, delivered(4), delivered(2, None, name="d-2"), delivered(3, "never-made", name="d-3"))
    assert found.villages == (
        VillagePart("barskoon", 0, 3),
        VillagePart("tosor", 0, 1),
        VillagePart("unknown", 0, 5),
    )


@pytest.mark.parametrize(
    ("history", "on", "remarks"),
    [
        ((ORDER,), TOO_LATE, ("overdue",)),
        ((ORDER, delivered(99)), TOO_LATE, ("overdue",)),
        ((ORDER, delivered(100)), TOO_LATE, ()),
        ((ORDER, delivered(101)), IN_TIME, ("more_than_ordered",)),
        ((ORDER, delivered(1, unit_price_tyiyn=PRICE - 1)), IN_TIME, ("another_price",)),
        ((ORDER, delivered(1, product="carpet", unit_price_tyiyn=1)), IN_TIME, ("another_product",)),
        ((delivered(100, product="carpet"), ORDER), TOO_LATE, ("another_product", "overdue")),
        ((delivered(5),), IN_TIME, ("not_ordered",)),
        ((ORDER, make.order_delivered(channel="wholesale", lines=())), IN_TIME, ("another_channel",)),
    ],
)
def test_what_differs_from_the_contract_is_remarked_and_nothing_is_refused(
    history: tuple[Event, ...], on: date, remarks: tuple[str, ...]
) -> None:
    assert told(*history, on=on).remarks == remarks


def test_the_batches_whose_origin_is_needed_are_those_delivered() -> None:
    assert batches_of((ORDER, delivered(1), delivered(1, None), delivered(2, "felt-2"))) == {"felt-1", "felt-2"}
