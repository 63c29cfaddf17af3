"""What reports and corrections say of lots: who made what of which, and how much of it."""

from collections.abc import Iterable
from dataclasses import dataclass, field
from typing import Any, Final, NamedTuple

from events.catalogue.base import Event, Recorded
from events.catalogue.production import (
    BatchInputsCorrected,
    BatchProduced,
    LotCollected,
    LotCorrected,
    LotsPooled,
    MaterialReceived,
)
from events.catalogue.registry import decode
from events.catalogue.values import LotInput
from projections.lineage_tables import Correction, Lot, Making

REPORTS: Final = (LotCollected, MaterialReceived, LotsPooled, BatchProduced)
CORRECTIONS: Final = (LotCorrected, BatchInputsCorrected)


class Content(NamedTuple):
    """The part of a report that a correction replaces as a whole."""

    lot: str
    producer: str | None
    mass_g: int
    pieces: int
    inputs: tuple[LotInput, ...] = ()
    by_products: tuple[tuple[str, str, int], ...] = ()  #: lot, material, grams of those that are kept


def content_of(event: Event) -> Content:
    """What a report, or a correction of one, says of quantities and inputs."""
    match event:
        case LotCollected() | LotCorrected():
            return Content(event.lot, event.producer, event.mass_g, event.pieces)
        case MaterialReceived():
            return Content(event.lot, None, event.mass_g, event.pieces)
        case LotsPooled() | BatchProduced() | BatchInputsCorrected():
            by_products = () if isinstance(event, LotsPooled) else event.by_products
            kept: dict[str, tuple[str, str, int]] = {}
            for one in by_products:
                if one.lot and one.lot != event.lot:
                    material, mass_g = kept.get(one.lot, (one.lot, one.material, 0))[1:]
                    kept[one.lot] = (one.lot, material, mass_g + one.mass_g)
            return Content(event.lot, None, event.mass_g, event.pieces, event.inputs, tuple(kept.values()))
        case _:
            raise TypeError(f"{event.wire_name} makes no lot")


def corrected_content(correction: Correction) -> Content:
    """What a stored correction says."""
    return content_of(decode(correction.type, correction.said))


class Quantity(NamedTuple):
    """Grams and pieces that a lot gained at a place by being made, or lost there by being consumed."""

    lot: str
    place: str
    mass_g: int
    pieces: int


@dataclass(slots=True)
class Change:
    """What one event did to the lineage, for the read model that keeps balances or money beside it."""

    made: list[Quantity] = field(default_factory=list)
    consumed: list[Quantity] = field(default_factory=list)
    reshared: list[str] = field(default_factory=list)  #: lots whose shares were computed, inputs first
    withdrawn: list[tuple[str, str]] = field(default_factory=list)  #: edges that are no more: output, input
    moved: list[Lot] = field(default_factory=list)  #: lots that were somebody else's before, as they were


def first_making(event: Event, recorded: Recorded[Any], basis: str, content: Content, position: int) -> Making:
    """Who made what where, with what a report or its correction says of quantities."""
    place, producer, supplier, maker, product, material = _makers(event)
    # By position: a rebuild makes one for every lot, and names cost half of it.
    return Making(
        content.lot,
        str(recorded.event_id),
        _KINDS[type(event)],
        producer,
        content.producer or producer,
        supplier,
        maker,
        product,
        material,
        place,
        recorded.occurred_at,
        basis,
        content.mass_g,
        content.pieces,
        recorded.position,
        position,
        tuple([lot for lot, _, _ in content.by_products]) if content.by_products else (),
    )


_KINDS = {LotCollected: "collected", MaterialReceived: "material", LotsPooled: "pooled", BatchProduced: "produced"}


def _makers(event: Event) -> tuple[str, str | None, str | None, str | None, str | None, str | None]:
    match event:
        case LotCollected():
            return event.delivered_to, event.producer, None, None, None, event.material
        case MaterialReceived():
            return event.delivered_to, None, event.supplier, None, None, event.material
        case LotsPooled():
            workshop = f"workshop/{event.workshop}"
            return workshop, None, None, workshop, None, event.material
        case BatchProduced():
            kind, _, identity = event.made_by.partition("/")
            return event.made_at, identity if kind == "producer" else None, None, event.made_by, event.product, None
        case _:
            raise TypeError(f"{event.wire_name} makes no lot")


def outputs(content: Content) -> Iterable[str]:
    """The lots a step made: the main one and the by-products that are kept."""
    yield content.lot
    for lot, _, _ in content.by_products:
        yield lot
