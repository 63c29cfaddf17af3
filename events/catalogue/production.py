"""Gathering, pooling, making, packing: what producers and workshops report. All of it is fact."""

from typing import Literal, Self

from pydantic import model_validator

from events.catalogue.base import Fact
from events.catalogue.values import (
    QUANTITY_MAX,
    BatchCode,
    Count,
    Day,
    EventIdText,
    Id,
    LotId,
    LotInput,
    Maker,
    MassG,
    MaterialId,
    Place,
    PositiveCount,
    ProducerId,
    ProductId,
    Reason,
    SupplierId,
    Value,
    WorkshopId,
)


class LotFact(Fact):
    """A fact about one lot, kept in the lot's own stream."""

    lot: LotId

    def stream(self) -> str:
        return f"lot/{self.lot}"


class StepFact(LotFact):
    """A fact that consumed lots. A lot is never among its own inputs, and one lot is named once."""

    inputs: tuple[LotInput, ...]

    @model_validator(mode="after")
    def _inputs_are_other_lots(self) -> Self:
        names = [given.lot for given in self.inputs]
        if self.lot in names:
            raise ValueError("lineage_cycle: a lot cannot be an input of itself")
        if len(set(names)) != len(names):
            raise ValueError("input_named_twice: name each input lot once, with the sum of what was taken")
        if any(given.mass_g == 0 and given.pieces == 0 for given in self.inputs):
            raise ValueError("nothing_taken: an input takes some grams or some pieces")
        return self


class LotCollected(LotFact):
    """A producer gathered or grew something and gave it: the first lot of a lineage, all of it this producer's.

    A lot measured in pieces states `pieces`; `mass_g` is then what they weigh together, or 0 if nobody weighed them.
    """

    wire_name = "production.lot_collected.v2"
    producer: ProducerId
    material: MaterialId
    mass_g: MassG
    pieces: Count = 0
    delivered_to: Place
    pick_site: Id | None = None


class MaterialReceived(LotFact):
    """A supplier delivered sugar, jars, dye: traced from here on, but without origin in a village."""

    wire_name = "production.material_received.v1"
    supplier: SupplierId
    material: MaterialId
    mass_g: MassG
    pieces: Count = 0
    delivered_to: Place


class LotsPooled(StepFact):
    """Lots of one kind were put together at a workshop. Inputs = output + loss, in grams."""

    wire_name = "production.lots_pooled.v1"
    workshop: WorkshopId
    material: MaterialId
    mass_g: MassG
    pieces: Count = 0
    loss_mass_g: MassG = 0


class ByProduct(Value):
    """What a step yields beside its product (pomace, whey, wax). `lot` when it is kept and used further."""

    material: MaterialId
    mass_g: MassG
    lot: LotId | None = None


class BatchProduced(StepFact):
    """Inputs became a lot of a product. Inputs = output + by-products + loss, in grams; water is an input lot too.

    `made_by` is a producer or a workshop; `finished` says whether the lot is ready to be packed or an intermediate.
    `mass_g` and `pieces` are the output; `labour_minutes` the recorded work, for products whose origin is weighed by
    hours.
    """

    wire_name = "production.batch_produced.v1"
    product: ProductId
    made_by: Maker
    made_at: Place
    mass_g: MassG
    pieces: Count = 0
    by_products: tuple[ByProduct, ...] = ()
    loss_mass_g: MassG = 0
    finished: bool
    labour_minutes: Count = 0


class BatchPacked(LotFact):
    """A lot, or a part of it, was packed for sale: from now on it is a batch with a public code.

    `units` were packed, each of `unit_mass_g` grams (or `unit_pieces` pieces). Several packings of one lot add up.
    """

    wire_name = "production.batch_packed.v1"
    code: BatchCode
    product: ProductId
    packed_at: Place
    units: PositiveCount
    unit_mass_g: MassG
    unit_pieces: Count = 0
    best_before: Day | None = None

    def beyond_counting(self) -> str | None:
        return "units" if self.units * max(self.unit_mass_g, self.unit_pieces) > QUANTITY_MAX else None


class LabelsPrinted(LotFact):
    """Labels with the batch's code were printed; counted against the units packed."""

    wire_name = "production.labels_printed.v1"
    code: BatchCode
    labels: PositiveCount
    printed_at: Place


class LotTested(LotFact):
    """A lot was measured or tasted; the sample is used up."""

    wire_name = "production.lot_tested.v1"
    test: Reason
    result: Literal["pass", "fail", "measured"]
    value_milli: Count | None = None
    sample_mass_g: MassG = 0
    sample_units: Count = 0
    tested_at: Place


class BatchDiscarded(LotFact):
    """A lot or a part of it was destroyed at a place: grams (or pieces) of a lot, units once packed."""

    wire_name = "production.batch_discarded.v1"
    place: Place
    mass_g: MassG = 0
    pieces: Count = 0
    units: Count = 0
    reason: Reason


class LotCorrected(LotFact):
    """What was reported of a collected or supplied lot was wrong; this is what it was. The old event stays."""

    wire_name = "production.lot_corrected.v1"
    corrects: EventIdText
    producer: ProducerId | None = None
    mass_g: MassG
    pieces: Count = 0
    reason: Reason


class BatchInputsCorrected(StepFact):
    """What was reported of a pooling or production step was wrong; these were its inputs and its output."""

    wire_name = "production.batch_inputs_corrected.v1"
    corrects: EventIdText
    mass_g: MassG
    pieces: Count = 0
    by_products: tuple[ByProduct, ...] = ()
    loss_mass_g: MassG = 0
    reason: Reason


class LotCollectedV1(LotFact):
    """The first form, of tablets that weighed in whole kilograms and knew workshops only. Read for ever."""

    wire_name = "production.lot_collected.v1"
    producer: ProducerId
    material: MaterialId
    mass_kg: PositiveCount
    workshop: WorkshopId

    def upcast(self) -> LotCollected:
        return LotCollected(
            lot=self.lot,
            producer=self.producer,
            material=self.material,
            mass_g=self.mass_kg * 1000,
            delivered_to=f"workshop/{self.workshop}",
        )
