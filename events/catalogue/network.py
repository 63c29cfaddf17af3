"""The network and its master data: who and what there is. Decisions of the center."""

from typing import Literal

from events.catalogue.base import Decision
from events.catalogue.values import (
    ActorId,
    Channel,
    Count,
    Day,
    EventIdText,
    Id,
    LatitudeMicrodegrees,
    LongitudeMicrodegrees,
    Names,
    OutletId,
    Place,
    ProducerId,
    ProductGroup,
    ProductId,
    Reason,
    RegionCode,
    Sha256Hex,
    SupplierId,
    Text,
    TillId,
    Tyiyn,
    VillageId,
    WorkshopId,
)

Role = Literal[
    "cashier",
    "outlet_lead",
    "workshop_lead",
    "producer",
    "committee_member",
    "center",
    "settlement_clerk",
    "ministry",
    "auditor",
]


class NetworkFounded(Decision):
    """The first event of a log: names the network and fixes its clock for ever.

    With a `simulated` clock the reporter gives `recorded_at` (demo data, tests) and every page says so.
    """

    wire_name = "network.network_founded.v1"
    network: Id
    clock: Literal["real", "simulated"]
    names: Names

    def stream(self) -> str:
        return f"network/{self.network}"


class RegionJoined(Decision):
    """An oblast or a city of republican rank joined, with a brand committee of its own."""

    wire_name = "network.region_joined.v1"
    region: RegionCode
    names: Names
    committee_names: Names

    def stream(self) -> str:
        return f"region/{self.region.lower()}"


class VillageRegistered(Decision):
    """A village whose people make things. `parent` is its ayyl aimak or town, `district` the rayon above."""

    wire_name = "network.village_registered.v1"
    village: VillageId
    region: RegionCode
    district: Id
    parent: Id
    names: Names
    latitude_microdegrees: LatitudeMicrodegrees
    longitude_microdegrees: LongitudeMicrodegrees
    position_is_exact: bool

    def stream(self) -> str:
        return f"village/{self.village}"


class VillageReassigned(Decision):
    """A village came under another aimak or district; from `effective_on`, for the village keeps its id."""

    wire_name = "network.village_reassigned.v1"
    village: VillageId
    district: Id
    parent: Id
    effective_on: Day

    def stream(self) -> str:
        return f"village/{self.village}"


class ProducerRegistered(Decision):
    """A villager or household joined. The id is a pseudonym; a name, if any, is only committed to, salted."""

    wire_name = "network.producer_registered.v1"
    producer: ProducerId
    village: VillageId
    joined_on: Day
    personal_commitment: Sha256Hex | None = None

    def stream(self) -> str:
        return f"producer/{self.producer}"


class ProducerRetired(Decision):
    """A producer left; what was earned stays owed."""

    wire_name = "network.producer_retired.v1"
    producer: ProducerId
    retired_on: Day

    def stream(self) -> str:
        return f"producer/{self.producer}"


class SupplierRegistered(Decision):
    """Somebody outside the villages who delivers sugar, jars, dye."""

    wire_name = "network.supplier_registered.v1"
    supplier: SupplierId
    names: Names

    def stream(self) -> str:
        return f"supplier/{self.supplier}"


class WorkshopOpened(Decision):
    """A collective processing place, shared by producers of several villages, opened in one of them."""

    wire_name = "network.workshop_opened.v1"
    workshop: WorkshopId
    village: VillageId
    names: Names
    opened_on: Day

    def stream(self) -> str:
        return f"workshop/{self.workshop}"


class WorkshopClosed(Decision):
    """A workshop stopped working."""

    wire_name = "network.workshop_closed.v1"
    workshop: WorkshopId
    closed_on: Day

    def stream(self) -> str:
        return f"workshop/{self.workshop}"


class OutletOpened(Decision):
    """A shop opened and sells in one channel."""

    wire_name = "network.outlet_opened.v1"
    outlet: OutletId
    region: RegionCode
    village: VillageId | None = None
    names: Names
    channel: Channel
    latitude_microdegrees: LatitudeMicrodegrees
    longitude_microdegrees: LongitudeMicrodegrees
    position_is_exact: bool
    connectivity: Literal["good", "daytime", "evenings", "weekly"]
    opened_on: Day

    def stream(self) -> str:
        return f"outlet/{self.outlet}"


class OutletClosed(Decision):
    """A shop closed for good."""

    wire_name = "network.outlet_closed.v1"
    outlet: OutletId
    closed_on: Day

    def stream(self) -> str:
        return f"outlet/{self.outlet}"


class ProductDefined(Decision):
    """A product type: what it is called, in which unit it is sold, how long it keeps, what its origin is weighed by.

    `net_mass_g` is the content of one unit in grams; 0 for a thing that is sold by the piece.
    """

    wire_name = "network.product_defined.v1"
    product: ProductId
    group: ProductGroup
    names: Names
    unit: Literal["jar", "bottle", "pack", "piece", "pair", "square_metre", "kilogram"]
    net_mass_g: Count
    shelf_life_days: Count | None = None
    origin_basis: Literal["mass", "pieces", "hours"]
    barcode: Text | None = None

    def stream(self) -> str:
        return f"product/{self.product}"


class ProductRetired(Decision):
    """A product type is made no more."""

    wire_name = "network.product_retired.v1"
    product: ProductId
    retired_on: Day

    def stream(self) -> str:
        return f"product/{self.product}"


class PriceSet(Decision):
    """The list price of a product in a channel from a day on; a sale at another price is flagged, never refused."""

    wire_name = "network.price_set.v1"
    product: ProductId
    channel: Channel
    unit_price_tyiyn: Tyiyn
    effective_from: Day

    def stream(self) -> str:
        return f"price/{self.channel}/{self.product}"


class TillEnrolled(Decision):
    """A device may report for an outlet. `key_id` names its credential, which lives outside the log."""

    wire_name = "network.till_enrolled.v1"
    till: TillId
    outlet: OutletId
    key_id: Id

    def stream(self) -> str:
        return f"till/{self.till}"


class TillRevoked(Decision):
    """A device may report no more (lost, stolen, replaced). What it reported before stands."""

    wire_name = "network.till_revoked.v1"
    till: TillId
    reason: Reason

    def stream(self) -> str:
        return f"till/{self.till}"


class RoleGranted(Decision):
    """An actor may act in a role, within a region or at a place when one is named."""

    wire_name = "network.role_granted.v1"
    actor: ActorId
    role: Role
    region: RegionCode | None = None
    place: Place | None = None

    def stream(self) -> str:
        return f"actor/{self.actor}"


class RoleWithdrawn(Decision):
    """An actor may act in a role no more."""

    wire_name = "network.role_withdrawn.v1"
    actor: ActorId
    role: Role
    region: RegionCode | None = None
    place: Place | None = None

    def stream(self) -> str:
        return f"actor/{self.actor}"


class ConsentGiven(Decision):
    """A producer agreed that personal values are used for one purpose."""

    wire_name = "network.consent_given.v1"
    producer: ProducerId
    purpose: Reason
    commitment: Sha256Hex

    def stream(self) -> str:
        return f"producer/{self.producer}"


class ConsentWithdrawn(Decision):
    """A producer took an earlier consent back."""

    wire_name = "network.consent_withdrawn.v1"
    producer: ProducerId
    purpose: Reason
    withdraws: EventIdText

    def stream(self) -> str:
        return f"producer/{self.producer}"
