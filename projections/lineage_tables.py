"""The lineage as tables: what was made of what, and the origin shares of every lot, for each read model that needs it.

A read model never reads another, so each keeps a lineage of its own under its own prefix; the tables and the fold are
these. Whatever the order in which reports arrive, the same reports give the same edges and the same shares: of several
corrections of one report the one claimed latest counts, and a correction, an input or a lot may come before what it
refers to.
"""

from collections.abc import Sequence
from datetime import datetime
from typing import NamedTuple

import sqlalchemy as sa

from events.catalogue.base import Event
from events.catalogue.network import ProductDefined
from events.catalogue.production import (
    BatchInputsCorrected,
    BatchProduced,
    LotCollected,
    LotCorrected,
    LotsPooled,
    MaterialReceived,
)
from projections.columns import id_of, ids, instant, key_id, key_number, number, numbers, words, yes_no

TAKES: frozenset[type[Event]] = frozenset(
    {ProductDefined, LotCollected, MaterialReceived, LotsPooled, BatchProduced, LotCorrected, BatchInputsCorrected}
)


class LineageTables:
    """The tables of one lineage, `<prefix>_lots`, `<prefix>_edges` and so on, added to a read model's metadata."""

    def __init__(self, prefix: str, tables: sa.MetaData) -> None:
        self.prefix = prefix
        #: One row a lot that was made or named as an input. `is_known` is false while nobody has reported its making;
        #: mass and pieces are the sums of its makings, the rest is said by the earliest of them. `event` is its only
        #: report, if this row says all that there is to say of it. The last three are its origin shares as they are
        #: now, empty while nobody has reported its making.
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
            id_of("event", nullable=True),
            number("computed_at_position", nullable=True),
            ids("producers"),
            numbers("ppm"),
            sa.Index(f"{prefix}_lots_product", "product"),
            sa.Index(f"{prefix}_lots_supplier", "supplier"),
        )
        #: What one report made of one lot, with its correction applied: of lots whose own row does not say all of it,
        #: because it was made twice, or corrected to another producer, or along with others, or weighs its origin by
        #: pieces. `by_lots` are the kept by-products of a step.
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
        #: What the origin shares of a lot were before, from `computed_at_position` on until the next.
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
    """A row of `<prefix>_lots`, but for the shares."""

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
    event: str | None


def not_known(lot: str) -> Lot:
    """A lot that was taken by a step, or is asked for, and that nobody has reported."""
    return Lot(lot, False, None, None, None, None, None, None, None, 0, 0, None, None, None, None)


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

    def is_said_by_lot(self) -> bool:
        """Whether the row of a lot that was made only so says all of it."""
        return self.producer == self.producer_reported and self.basis == "mass" and not self.by_lots


def only_making(lot: Lot) -> Making:
    """The making that a lot's own row says: that of its `event`."""
    quantities = (lot.mass_g, lot.pieces, lot.first_position, lot.last_position)
    makers = (lot.producer, lot.producer, lot.supplier, lot.maker, lot.product, lot.material, lot.made_at)
    # Whatever may be absent of a lot that is not known is there.
    return Making._make((lot.lot, lot.event, lot.kind, *makers, lot.occurred_at, "mass", *quantities, ()))


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
