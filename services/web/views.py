"""What the pages show, as plain values: filled from the read models, drawn by the templates, easy to make in a test."""

from collections.abc import Sequence
from dataclasses import dataclass
from datetime import date, datetime, timedelta
from typing import Literal

from events.catalogue.values import Names

#: A shop that reported nothing for so long is marked as quiet.
QUIET_AFTER_DAYS = 7


@dataclass(frozen=True)
class Freshness:
    """How old the page is: the position it speaks for and what it does not know yet."""

    position: int
    recorded_at: datetime | None  #: when the event at that position was recorded
    lag_events: int  #: recorded, but not yet in the page
    waiting_reports: (
        int | None
    )  #: made by tills, as their counters say, and not recorded yet; None when nobody can tell

    @property
    def is_current(self) -> bool:
        return self.lag_events == 0


@dataclass(frozen=True)
class MapPoint:
    longitude_microdegrees: int
    latitude_microdegrees: int
    is_exact: bool


@dataclass(frozen=True)
class YearOfSales:
    """A calendar year of Bishkek: sales net of voids and returns, and the makers' part of them."""

    year: int
    sales_tyiyn: int
    makers_tyiyn: int
    is_complete: bool


@dataclass(frozen=True)
class OutletRow:
    outlet: str
    names: Names
    region_names: Names | None
    point: MapPoint | None
    is_open: bool
    sales_this_year_tyiyn: int
    last_sale_at: datetime | None
    silent_for: timedelta | None  #: when that is unusually long


@dataclass(frozen=True)
class VillageRow:
    village: str
    names: Names
    point: MapPoint | None
    producers: int


@dataclass(frozen=True)
class NetworkView:
    names: Names
    is_simulated: bool
    now: datetime  #: the network's clock: of the last event when it is simulated
    fresh: Freshness
    year: int  #: this year, or the last one that had a sale while this one has none
    sales_tyiyn: int
    sales_this_year_tyiyn: int
    makers_tyiyn: int
    makers_this_year_tyiyn: int
    producers: int
    products: int
    years: Sequence[YearOfSales]
    outlets: Sequence[OutletRow]
    villages: Sequence[VillageRow]

    @property
    def is_over(self) -> bool:
        """Whether the year that is shown is a whole one."""
        return any(row.year == self.year and row.is_complete for row in self.years)

    @property
    def open_outlets(self) -> int:
        return sum(outlet.is_open for outlet in self.outlets)


Verdict = Literal["recalled", "suspended", "revoked", "expired", "certified", "not_certified"]
StepKind = Literal["collected", "made", "tested", "packed", "certified", "shipped", "arrived"]
Stater = Literal["producer", "workshop", "committee", "center", "outlet", "supplier", "unknown"]


@dataclass(frozen=True)
class VillageShare:
    """The part of a jar that comes from one village; `names` is None for unknown origin."""

    village: str
    names: Names | None
    region_names: Names | None
    producers: int
    ppm: int


@dataclass(frozen=True)
class Where:
    """A public place: its name and its point. A producer's place is the village, never the home."""

    names: Names | None  #: None for a place without a name of its own, such as the center's store
    point: MapPoint | None
    kind: Stater = "unknown"


@dataclass(frozen=True)
class JourneyStep:
    """One thing that happened to a jar. A step that should be there and is not has no day: `not recorded`."""

    kind: StepKind
    first_at: datetime | None
    last_at: datetime | None
    count: int  #: how many reports say it, e.g. 34 collections
    places: Sequence[Where]
    stated_by: Stater
    stated_by_names: Names | None


@dataclass(frozen=True)
class CertificateView:
    certificate: str
    committee_names: Names | None
    score_milli: int
    members: int
    valid_from: date
    valid_until: date


@dataclass(frozen=True)
class RecallView:
    recall: str
    reason: str
    severity: str
    started_at: datetime
    is_drill: bool


@dataclass(frozen=True)
class MoneyShares:
    """Where one som of a jar goes, in basis points, by the terms in force for it."""

    makers_bp: int
    workshop_bp: int
    outlet_bp: int
    brand_bp: int
    fund_bp: int
    effective_from: date


@dataclass(frozen=True)
class Proof:
    """What a reader needs to check the page against the log: the packing event and its hash."""

    position: int
    recorded_at: datetime
    leaf_hash: bytes


@dataclass(frozen=True)
class JarView:
    code: str
    lot: str
    is_simulated: bool
    verdict: Verdict
    recall: RecallView | None
    product_names: Names | None
    product: str
    unit: str
    net_mass_g: int
    units_packed: int
    packed_at: datetime | None
    best_before: date | None
    is_past_best_before: bool
    villages: Sequence[VillageShare]
    origin_basis: str
    maker: Stater
    maker_names: Names | None
    maker_village_names: Names | None
    certificate: CertificateView | None
    journey: Sequence[JourneyStep]
    money: MoneyShares | None
    proof: Proof | None
    fresh: Freshness
