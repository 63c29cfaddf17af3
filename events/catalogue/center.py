"""The OVOP center in Bishkek: advice, training, branding, buyers and their orders."""

from typing import Literal

from events.catalogue.base import Decision, Fact
from events.catalogue.values import (
    Channel,
    Count,
    Day,
    Id,
    LotId,
    Maker,
    Place,
    PositiveCount,
    ProducerId,
    ProductId,
    Reason,
    RegionCode,
    SaleLine,
    Sha256Hex,
    Tyiyn,
    Value,
    VillageId,
    line_beyond_counting,
)


class ConsultationRequested(Fact):
    """A maker asked the center for advice."""

    wire_name = "center.consultation_requested.v1"
    consultation: Id
    maker: Maker
    topic: Reason
    text_commitment: Sha256Hex | None = None

    def stream(self) -> str:
        return f"consultation/{self.consultation}"


class ConsultationAnswered(Decision):
    """The center answered, once."""

    wire_name = "center.consultation_answered.v1"
    consultation: Id
    outcome: Reason
    text_commitment: Sha256Hex | None = None

    def stream(self) -> str:
        return f"consultation/{self.consultation}"


class TrainingHeld(Fact):
    """A training took place."""

    wire_name = "center.training_held.v1"
    training: Id
    topic: Reason
    region: RegionCode
    village: VillageId | None = None
    held_on: Day
    participants: tuple[ProducerId, ...]

    def stream(self) -> str:
        return f"training/{self.training}"


class BuyerIntroduced(Decision):
    """The center found a buyer."""

    wire_name = "center.buyer_introduced.v1"
    buyer: Id
    channel: Channel
    country: Reason

    def stream(self) -> str:
        return f"buyer/{self.buyer}"


class VillageQuota(Value):
    """How many units of an order a village is to make."""

    village: VillageId
    units: PositiveCount


class OrderPlaced(Decision):
    """A buyer ordered at a contract price, with a quota per village; the sample it was agreed on when there is one."""

    wire_name = "center.order_placed.v1"
    order: Id
    buyer: Id
    channel: Literal["wholesale", "export"]
    product: ProductId
    units: PositiveCount
    unit_price_tyiyn: Tyiyn
    quotas: tuple[VillageQuota, ...] = ()
    sample: LotId | None = None
    deliver_by: Day

    def stream(self) -> str:
        return f"order/{self.order}"


class OrderDelivered(Fact):
    """Goods of an order were handed over at a place: income from now on, split by the terms of the order's channel."""

    wire_name = "center.order_delivered.v1"
    order: Id
    delivery: Id
    channel: Literal["wholesale", "export"]
    place: Place
    lines: tuple[SaleLine, ...]

    def stream(self) -> str:
        return f"order/{self.order}"

    def beyond_counting(self) -> str | None:
        return line_beyond_counting(self.lines)


class BrandMaterialIssued(Fact):
    """The center gave labels, boxes or signs to a place."""

    wire_name = "center.brand_material_issued.v1"
    issue: Id
    place: Place
    material: Reason
    units: Count

    def stream(self) -> str:
        return f"brand/{self.issue}"
