"""What the income and the network's overview say, as typed values; all money in tyiyn."""

from datetime import date, datetime

from events.catalogue.values import Names
from services.client.answers import Said


class Sales(Said):
    """Sales of a year, a month, an outlet or a channel (`key`), and the parts they were shared into."""

    key: str
    units: int
    gross_tyiyn: int
    makers_tyiyn: int
    workshop_tyiyn: int
    outlet_tyiyn: int
    brand_tyiyn: int
    fund_tyiyn: int
    suspense_tyiyn: int


class ProductSales(Said):
    """Sales of one product, net of their voids and returns."""

    product: str
    units: int
    gross_tyiyn: int
    makers_tyiyn: int
    suspense_tyiyn: int


class ProducerIncome(Said):
    """One producer's money. `owed` is of closed months; it may be negative after an advance."""

    producer: str
    village: str
    region: str
    earned_tyiyn: int
    accruing_tyiyn: int
    paid_tyiyn: int
    owed_tyiyn: int


class GroupIncome(Said):
    """The producers of one village or region (`key`) together."""

    key: str
    region: str
    producers: int
    earned_tyiyn: int
    accruing_tyiyn: int
    paid_tyiyn: int
    owed_tyiyn: int


class SumsOfFive(Said):
    """The producers of one village or region, or of several as `others`, as the ministry sees them.

    `producers` have earned. A sum is None where nobody has a part in it, or where it would tell of fewer than five.
    """

    key: str
    region: str
    producers: int | None
    earned_tyiyn: int | None
    accruing_tyiyn: int | None
    paid_tyiyn: int | None
    owed_tyiyn: int | None


class Period(Said):
    """A closed month of a region."""

    region: str
    period: str
    through_position: int
    closed_position: int
    digest: str
    producers: int
    earned_tyiyn: int
    unknown_tyiyn: int


class Suspense(Said):
    """The makers' and workshop's part of sales whose batch nobody knows yet."""

    place: str
    product: str
    batch: str
    receipts: int
    suspense_tyiyn: int


class MonthEarned(Said):
    """What a producer earned in a closed month of a region."""

    period: str
    region: str
    earned_tyiyn: int


class Payment(Said):
    """A payout, its reversal or an advance."""

    position: int
    kind: str
    ref: str
    day: date
    amount_tyiyn: int


class ProducerCard(Said):
    """Everything about one producer's income: delivered, sold, earned, paid, owed."""

    income: ProducerIncome
    lots_delivered: int
    delivered_mass_g: int
    delivered_pieces: int
    batches_sold: int
    months: tuple[MonthEarned, ...]
    payments: tuple[Payment, ...]


class NetworkCounts(Said):
    """How many there are in the network."""

    outlets: int
    producers: int
    workshops: int
    villages: int
    products: int


class OutletSeen(Said):
    """A shop on the map, and when it was heard of last."""

    outlet: str
    names: Names
    region: str
    latitude_microdegrees: int
    longitude_microdegrees: int
    position_is_exact: bool
    last_sale_at: datetime | None


class VillageSeen(Said):
    """A village on the map, and how many producers live there."""

    village: str
    names: Names
    latitude_microdegrees: int
    longitude_microdegrees: int
    position_is_exact: bool
    producers: int


class Network(Said):
    """The network at a glance; without a name until it is founded."""

    position: int
    network: str | None
    names: Names | None
    clock: str | None
    head: int
    counts: NetworkCounts
    sales_by_year: tuple[Sales, ...]
    outlets: tuple[OutletSeen, ...]
    villages: tuple[VillageSeen, ...]
