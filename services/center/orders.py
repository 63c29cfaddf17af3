"""How an order stands: what was delivered of it, from which villages, and what differs from the contract. Pure."""

from collections import defaultdict
from collections.abc import Iterable, Mapping, Sequence
from dataclasses import dataclass
from datetime import date

from events.catalogue.base import Event
from events.catalogue.center import OrderDelivered, OrderPlaced
from events.catalogue.values import SaleLine
from projections.lineage import UNKNOWN, largest_remainder

#: The origin of a batch: villages with their share in parts per million, adding up to a million.
type Origins = Mapping[str, Sequence[tuple[str, int]]]


@dataclass(frozen=True, slots=True)
class VillagePart:
    """What a village was to make of an order, and what came of it; units."""

    village: str
    quota_units: int
    delivered_units: int


@dataclass(frozen=True, slots=True)
class OrderStanding:
    """An order and its deliveries. What is unknown of an order that was delivered before it was entered is None.

    `remarks` are words for what does not agree: `not_ordered`, `another_channel`, `another_product`, `another_price`,
    `more_than_ordered`, `overdue`. A delivery is a fact all the same.
    """

    order: str
    buyer: str | None
    channel: str | None
    product: str | None
    sample: str | None
    ordered_units: int
    delivered_units: int
    unit_price_tyiyn: int | None
    delivered_tyiyn: int
    deliver_by: date | None
    villages: tuple[VillagePart, ...]
    remarks: tuple[str, ...]


def batches_of(history: Iterable[Event]) -> set[str]:
    """The batches that were delivered, whose origins `standing` needs."""
    return {line.batch for line in _delivered(history) if line.batch is not None}


def standing(order: str, history: Sequence[Event], origins: Origins, on: date) -> OrderStanding:
    """How an order stands on a day, by its own short stream. Units of an unknown batch are of unknown villages."""
    placed = next((event for event in history if isinstance(event, OrderPlaced)), None)
    lines = list(_delivered(history))
    delivered = sum(line.units for line in lines)
    return OrderStanding(
        order=order,
        buyer=placed.buyer if placed else None,
        channel=placed.channel if placed else None,
        product=placed.product if placed else None,
        sample=placed.sample if placed else None,
        ordered_units=placed.units if placed else 0,
        delivered_units=delivered,
        unit_price_tyiyn=placed.unit_price_tyiyn if placed else None,
        delivered_tyiyn=sum(line.units * line.unit_price_tyiyn for line in lines),
        deliver_by=placed.deliver_by if placed else None,
        villages=_villages(placed, lines, origins),
        remarks=tuple(_remarks(placed, history, lines, on)),
    )


def _delivered(history: Iterable[Event]) -> Iterable[SaleLine]:
    return (line for event in history if isinstance(event, OrderDelivered) for line in event.lines)


def _villages(placed: OrderPlaced | None, lines: Sequence[SaleLine], origins: Origins) -> tuple[VillagePart, ...]:
    quotas = {quota.village: quota.units for quota in placed.quotas} if placed else {}
    units: dict[str, int] = defaultdict(int, dict.fromkeys(quotas, 0))
    by_batch: dict[str, int] = defaultdict(int)
    for line in lines:
        by_batch[line.batch or ""] += line.units
    for batch, sold in by_batch.items():
        parts = origins.get(batch) or [(UNKNOWN, 1_000_000)]
        villages = tuple(village for village, _ in parts)
        for village, part in zip(
            villages, largest_remainder(sold, tuple(ppm for _, ppm in parts), villages), strict=True
        ):
            units[village] += part
    return tuple(VillagePart(village, quotas.get(village, 0), units[village]) for village in sorted(units))


def _remarks(
    placed: OrderPlaced | None, history: Sequence[Event], lines: Sequence[SaleLine], on: date
) -> Iterable[str]:
    if placed is None:
        yield "not_ordered"
        return
    if any(isinstance(event, OrderDelivered) and event.channel != placed.channel for event in history):
        yield "another_channel"
    if any(line.product != placed.product for line in lines):
        yield "another_product"
    if any(line.unit_price_tyiyn != placed.unit_price_tyiyn for line in lines if line.product == placed.product):
        yield "another_price"
    delivered = sum(line.units for line in lines if line.product == placed.product)
    if delivered > placed.units:
        yield "more_than_ordered"
    if delivered < placed.units and on > placed.deliver_by:
        yield "overdue"
