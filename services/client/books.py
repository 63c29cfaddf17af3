"""What the reads of the API say, as typed values. Money is in tyiyn, quantities in the unit of the field's name."""

import json
from datetime import date, datetime
from typing import Any

from events.catalogue.base import Event
from events.catalogue.registry import decode
from events.catalogue.values import Names
from services.client.answers import Said


class LoggedEvent(Said):
    """An event as the log holds it."""

    position: int
    event_id: str
    type: str
    stream: str
    version: int
    actor: str
    occurred_at: datetime
    recorded_at: datetime
    data: dict[str, Any]
    leaf_hash: str

    @property
    def event(self) -> Event:
        """The event as the catalogue has it today. Raises UnknownEventType, UndecodableEvent."""
        return decode(self.type, json.dumps(self.data))


# Inventory


class Stock(Said):
    """Units of one batch at one place."""

    place: str
    batch: str
    product: str | None
    code: str | None
    best_before: date | None
    on_hand: int
    packed: int
    opening: int
    received: int
    shipped: int
    cancelled: int
    sold: int
    returned: int
    destroyed: int
    sampled: int
    unexplained: int


class ProductStock(Said):
    """Units of one product over places and batches."""

    product: str
    batches: int
    on_hand: int
    in_transit: int
    sold: int
    returned: int
    destroyed: int
    unexplained: int
    nearest_best_before: date | None


class InTransit(Said):
    """Units of one batch that are under way, or whose count on arrival differed."""

    consignment: str
    origin: str | None
    destination: str | None
    shipped_at: datetime | None
    batch: str
    shipped: int
    received: int
    lost: int
    cancelled: int
    surplus: int
    in_transit: int


class Flag(Said):
    """A judgement: raised by an event at a position, or following from a state (position 0)."""

    flag: str
    subject: str
    position: int
    place: str
    detail: str
    occurred_at: datetime | None


# Traceability


class Point(Said):
    """A place on the map, in degrees times a million."""

    latitude_microdegrees: int
    longitude_microdegrees: int
    is_exact: bool


class VillagePart(Said):
    """The part of a lot that comes from one village, in parts per million; `unknown` has no names."""

    village: str
    region: str | None
    names: Names | None
    point: Point | None
    producers: int
    ppm: int


class ProducerPart(Said):
    """The part of a lot that comes from one producer, in parts per million."""

    producer: str
    village: str
    ppm: int


class Lot(Said):
    """What is known of a lot's making."""

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


class Batch(Said):
    """What was packed of a lot; `code` is the one on the label."""

    batch: str
    code: str
    aliases: tuple[str, ...]
    product: str
    packed_at: str
    first_packed: datetime
    units: int
    unit_mass_g: int
    unit_pieces: int
    best_before: date | None
    packed_position: int


class Balance(Said):
    """Where the grams and pieces of a lot went; `measure` says which of them is its own."""

    lot: str
    measure: str
    made_g: int
    made_pieces: int
    consumed_g: int
    consumed_pieces: int
    packed_g: int
    packed_pieces: int
    destroyed_g: int
    destroyed_pieces: int
    sampled_g: int
    on_hand_g: int
    on_hand_pieces: int


class Movement(Said):
    """Something that happened to a lot or a batch at a place."""

    position: int
    kind: str
    place: str | None
    other_place: str | None
    consignment: str | None
    units: int
    mass_g: int
    detail: str | None
    occurred_at: datetime


class LotCard(Said):
    """A lot or the batch of a code: what it is, where it is, its balance and its origin."""

    position: int
    lot: str
    made: Lot | None
    batch: Batch | None
    villages: tuple[VillagePart, ...]
    balance: Balance | None
    stock: tuple[Stock, ...]
    in_transit: tuple[InTransit, ...]
    movements: tuple[Movement, ...]


class Product(Said):
    """A product as defined last."""

    product: str
    product_group: str
    names: Names
    unit: str
    net_mass_g: int
    shelf_life_days: int | None
    origin_basis: str


class Certificate(Said):
    """What a maker's certificate for a product is worth on a day. Without one, all but the standing is None."""

    standing: str
    certificate: str | None
    region: str | None
    committee_names: Names | None
    score_milli: int | None
    members: int | None
    valid_from: date | None
    valid_until: date | None
    decided_at: datetime | None


class Ancestry(Said):
    """One kind of lots above a lot: how many, when, where, by whom or of what."""

    kind: str
    subject: str
    supplier: str | None
    lots: int
    mass_g: int
    pieces: int
    first_at: datetime | None
    last_at: datetime | None
    places: tuple[str, ...]


class Recall(Said):
    """A recall, open or closed."""

    recall: str
    severity: str
    reason: str
    is_drill: bool
    started_at: datetime
    closed_at: datetime | None


class Where(Said):
    """A public place."""

    place: str
    names: Names
    point: Point | None


class Trace(Said):
    """Back from a lot to where it came from. `producers` is empty for those who may not see pseudonyms."""

    lot: Lot
    batch: Batch | None
    product: Product | None
    maker: str | None
    villages: tuple[VillagePart, ...]
    producers: tuple[ProducerPart, ...]
    certificate: Certificate
    ancestry: tuple[Ancestry, ...]
    movements: tuple[Movement, ...]
    recalls: tuple[Recall, ...]
    places: dict[str, Where]


class AtPlace(Said):
    """Units of a batch at a place, and what became of others there."""

    place: str
    batch: str
    on_hand: int
    sold: int
    returned: int
    destroyed: int
    unexplained: int


class Underway(Said):
    """Units of a batch on their way."""

    consignment: str
    origin: str | None
    destination: str | None
    batch: str
    in_transit: int


class Forward(Said):
    """Everything that came of a lot, and where its units are."""

    lots: tuple[str, ...]
    batches: tuple[str, ...]
    places: tuple[AtPlace, ...]
    underway: tuple[Underway, ...]
    on_hand: int
    sold: int
