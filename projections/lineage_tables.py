"""The lineage as tables: what was made of what, and the origin shares of every lot, for each read model that needs it.

A read model never reads another, so each keeps a lineage of its own under its own prefix; the tables and the fold are
these. Whatever the order in which reports arrive, the same reports give the same edges and the same shares: of several
corrections of one report the one claimed latest counts, and a correction, an input or a lot may come before what it
refers to.
"""

from collections.abc import Iterable, Sequence
from dataclasses import dataclass, field
from datetime import datetime
from typing import Any, NamedTuple

import sqlalchemy as sa

from events.catalogue.base import Event, Recorded
from events.catalogue.network import ProductDefined
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
from projections.base import id_of, ids, instant, key_id, key_number, number, numbers, words, yes_no

TAKES: frozenset[type[Event]] = frozenset(
    {ProductDefined, LotCollected, MaterialReceived, LotsPooled, BatchProduced, LotCorrected, BatchInputsCorrected}
)


class LineageTables:
    """The tables of one lineage, `<prefix>_lots`, `<prefix>_edges` and so on, added to a read model's metadata."""

    def __init__(self, prefix: str, tables: sa.MetaData) -> None:
        self.prefix = prefix
        #: One row a lot that was made or named as an input. `is_known` is false while nobody has reported its making;
        #: mass and pieces are the sums of its makings, the rest is said by the earliest of them.
        self.lots = sa.Table(
            f"{prefix}_lots",
            tables,
            key_id("lot"),
            yes_no("is_known"),
            id_of("kind", nullable=True),
            id_of("producer", nullable=True),
            id_of("supplier", nullable=True),
            id_of("maker", nullable=True),
            id_of("product", nullable=True),
            id_of("material", nullable=True),
            id_of("made_at", nullable=True),
            number("mass_g"),
            number("pieces"),
            instant("occurred_at", nullable=True),
            number("first_position", nullable=True),
            number("last_position", nullable=True),
            sa.Index(f"{prefix}_lots_product", "product"),
            sa.Index(f"{prefix}_lots_supplier", "supplier"),
        )
        #: What one report made of one lot, with its correction applied. `by_lots` are the kept by-products of a step.
        self.makings = sa.Table(
            f"{prefix}_makings",
            tables,
            key_id("lot"),
            key_id("event"),
            id_of("kind"),
            id_of("producer_reported", nullable=True),
            id_of("producer", nullable=True),
            id_of("supplier", nullable=True),
            id_of("maker", nullable=True),
            id_of("product", nullable=True),
            id_of("material", nullable=True),
            id_of("place"),
            instant("occurred_at"),
            id_of("basis"),
            number("mass_g"),
            number("pieces"),
            number("first_position"),
            number("position"),
            ids("by_lots"),
        )
        #: What a step took of a lot. A by-product has the edges of its step too; consumption counts where `is_main`.
        #: An edge that `closes_cycle` is kept as evidence and not followed.
        self.edges = sa.Table(
            f"{prefix}_edges",
            tables,
            key_id("output"),
            key_id("input"),
            key_id("event"),
            number("mass_g"),
            number("pieces"),
            yes_no("bears_origin"),
            yes_no("is_main"),
            yes_no("closes_cycle"),
            sa.Index(f"{prefix}_edges_input", "input", "output", info={"for_fold": True}),
        )
        #: The correction of a report that counts, arrived before or after what it corrects.
        self.corrections = sa.Table(
            f"{prefix}_corrections",
            tables,
            key_id("corrects"),
            key_id("type"),
            id_of("event"),
            instant("occurred_at"),
            number("position"),
            words("said"),
        )
        #: The origin shares of a lot as they are now.
        self.shares = sa.Table(
            f"{prefix}_shares",
            tables,
            key_id("lot"),
            number("computed_at_position"),
            ids("producers"),
            numbers("ppm"),
        )
        #: What they were before, from `computed_at_position` on until the next.
        self.earlier_shares = sa.Table(
            f"{prefix}_earlier_shares",
            tables,
            key_id("lot"),
            key_number("computed_at_position"),
            ids("producers"),
            numbers("ppm"),
        )
        #: What the origin of a product is weighed by, as last defined.
        self.bases = sa.Table(f"{prefix}_bases", tables, key_id("product"), id_of("basis"))


class Lot(NamedTuple):
    """A row of `<prefix>_lots`."""

    lot: str
    is_known: bool
    kind: str | None
    producer: str | None
    supplier: str | None
    maker: str | None
    product: str | None
    material: str | None
    made_at: str | None
    mass_g: int
    pieces: int
    occurred_at: datetime | None
    first_position: int | None
    last_position: int | None


class Making(NamedTuple):
    """A row of `<prefix>_makings`."""

    lot: str
    event: str
    kind: str
    producer_reported: str | None
    producer: str | None
    supplier: str | None
    maker: str | None
    product: str | None
    material: str | None
    place: str
    occurred_at: datetime
    basis: str
    mass_g: int
    pieces: int
    first_position: int
    position: int
    by_lots: Sequence[str]


class Edge(NamedTuple):
    """A row of `<prefix>_edges`."""

    output: str
    input: str
    event: str
    mass_g: int
    pieces: int
    bears_origin: bool
    is_main: bool
    closes_cycle: bool


class Correction(NamedTuple):
    """A row of `<prefix>_corrections`; `said` is the correcting event as JSON."""

    corrects: str
    type: str
    event: str
    occurred_at: datetime
    position: int
    said: str

    def content(self) -> "Content":
        return content_of(decode(self.type, self.said))


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
            return Content(
                event.lot,
                None,
                event.mass_g,
                event.pieces,
                event.inputs,
                tuple(kept.values()) if kept else (),
            )
        case _:
            raise TypeError(f"{event.wire_name} makes no lot")


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
