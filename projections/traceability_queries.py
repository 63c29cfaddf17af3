"""What the tables of traceability are asked: back from a jar to its villages, and what happened to it on the way.

Every function takes a `Db` on which the tables are named unqualified: what is served, or a copy of the past.
"""

from collections.abc import Collection, Sequence
from dataclasses import dataclass
from datetime import date, datetime
from typing import NamedTuple

from events.catalogue.values import Names
from projections.base import Db
from projections.lineage import UNKNOWN
from projections.lineage_tables import Lot

#: Goes against the edges, or with them, over all of them: sugar and jars included, no edge that would close a cycle.
ABOVE = """
    above (lot) AS (
        SELECT lot COLLATE "C" FROM unnest(%(lots)s::text[]) AS root (lot)
        UNION
        SELECT e.input FROM above a JOIN trace_edges e ON e.output = a.lot WHERE NOT e.closes_cycle
    )
"""
BELOW = """
    below (lot) AS (
        SELECT lot COLLATE "C" FROM unnest(%(lots)s::text[]) AS root (lot)
        UNION
        SELECT e.output FROM below b JOIN trace_edges e ON e.input = b.lot WHERE NOT e.closes_cycle
    )
"""


class Point(NamedTuple):
    latitude_microdegrees: int
    longitude_microdegrees: int
    is_exact: bool


@dataclass(frozen=True, slots=True)
class VillagePart:
    """The part of a lot that comes from one village. Of unknown origin: no names, no region, no point."""

    village: str
    region: str | None
    names: Names | None
    point: Point | None
    producers: int
    ppm: int


@dataclass(frozen=True, slots=True)
class ProducerPart:
    """The part of a lot that comes from one producer."""

    producer: str
    village: str
    ppm: int


@dataclass(frozen=True, slots=True)
class Batch:
    """What was packed of a lot. The first packing's code is the public one; the others are aliases of it."""

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


@dataclass(frozen=True, slots=True)
class Product:
    """A product as defined last."""

    product: str
    product_group: str
    names: Names
    unit: str
    net_mass_g: int
    shelf_life_days: int | None
    origin_basis: str


@dataclass(frozen=True, slots=True)
class Ancestry:
    """One kind of lots above a lot: how many, when, where, by whom or of what."""

    kind: str
    subject: str  #: the material or product
    supplier: str | None
    lots: int
    mass_g: int
    pieces: int
    first_at: datetime | None
    last_at: datetime | None
    places: Sequence[str]


@dataclass(frozen=True, slots=True)
class Movement:
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


@dataclass(frozen=True, slots=True)
class Balance:
    """A lot in grams and in pieces; `measure` says which of them is its own."""

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


def lot_of(db: Db, lot_or_code: str) -> str | None:
    """The lot of this id, or the batch of this public code (or alias); None if nobody ever named it."""
    code = lot_or_code.upper()
    found = db.rows("SELECT batch FROM trace_packings WHERE code = %s ORDER BY position LIMIT 1", [code]) or db.rows(
        "SELECT lot FROM trace_lots WHERE lot = %s UNION SELECT batch FROM trace_packings WHERE batch = %s",
        [lot_or_code, lot_or_code],
    )
    return found[0][0] if found else None


def lot_row(db: Db, lot: str) -> Lot | None:
    """What is known of a lot's making."""
    found = db.rows(f"SELECT {', '.join(Lot._fields)} FROM trace_lots WHERE lot = %s", [lot])  # noqa: S608 - its columns
    return Lot(*found[0]) if found else None


def places_of(db: Db, lot: str) -> set[str]:
    """Where a lot was made and packed, its maker, and the producers whose it is by origin: as `kind/id`."""
    rows = db.rows(
        "SELECT unnest(ARRAY[made_at, maker, 'producer/' || producer]) FROM trace_lots WHERE lot = %s"
        " UNION SELECT place FROM trace_packings WHERE batch = %s",
        [lot, lot],
    )
    return {place for (place,) in rows if place} | {f"producer/{part.producer}" for part in producers_of(db, lot)}


def batch_of(db: Db, lot: str) -> Batch | None:
    """What was packed of a lot, None while nothing was."""
    packings = db.rows(
        "SELECT code, product, place, occurred_at, units, unit_mass_g, unit_pieces, best_before, position"
        " FROM trace_packings WHERE batch = %s ORDER BY occurred_at, event",
        [lot],
    )
    if not packings:
        return None
    code, product, place, first_packed, _, unit_mass_g, unit_pieces, best_before, position = packings[0]
    aliases = tuple(dict.fromkeys(row[0] for row in packings if row[0] != code))
    units = sum(row[4] for row in packings)
    return Batch(
        lot, code, aliases, product, place, first_packed, units, unit_mass_g, unit_pieces, best_before, position
    )


def product_of(db: Db, product: str) -> Product | None:
    found = db.rows(
        "SELECT product, product_group, ky, ru, en, unit, net_mass_g, shelf_life_days, origin_basis"
        " FROM trace_products WHERE product = %s",
        [product],
    )
    if not found:
        return None
    identity, group, ky, ru, en, *rest = found[0]
    return Product(identity, group, Names(ky=ky, ru=ru, en=en), *rest)


def villages_of(db: Db, lot: str) -> list[VillagePart]:
    """The villages of a lot by descending share, from its stored shares: one row is read, nothing is computed again."""
    rows = db.rows(
        """
        SELECT part.village, v.region, v.ky, v.ru, v.en,
               v.latitude_microdegrees, v.longitude_microdegrees, v.position_is_exact, part.producers, part.ppm
        FROM (
            SELECT coalesce(p.village, %(unknown)s) AS village, count(*) AS producers, sum(share.ppm) AS ppm
            FROM trace_lots s
            CROSS JOIN LATERAL unnest(s.producers, s.ppm) AS share (producer, ppm)
            LEFT JOIN trace_producers p ON p.producer = share.producer
            WHERE s.lot = %(lot)s
            GROUP BY 1
        ) AS part (village, producers, ppm)
        LEFT JOIN trace_villages v ON v.village = part.village
        ORDER BY part.ppm DESC, part.village
        """,
        {"lot": lot, "unknown": UNKNOWN},
    )
    return [
        VillagePart(
            village,
            region,
            None if en is None else Names(ky=ky, ru=ru, en=en),
            None if latitude is None else Point(latitude, longitude, is_exact),
            0 if village == UNKNOWN else producers,
            ppm,
        )
        for village, region, ky, ru, en, latitude, longitude, is_exact, producers, ppm in rows
    ]


def producers_of(db: Db, lot: str) -> list[ProducerPart]:
    """The producers of a lot by descending share; for those who may see them."""
    rows = db.rows(
        """
        SELECT share.producer, coalesce(p.village, %(unknown)s), share.ppm
        FROM trace_lots s
        CROSS JOIN LATERAL unnest(s.producers, s.ppm) AS share (producer, ppm)
        LEFT JOIN trace_producers p ON p.producer = share.producer
        WHERE s.lot = %(lot)s ORDER BY share.ppm DESC, share.producer
        """,
        {"lot": lot, "unknown": UNKNOWN},
    )
    return [ProducerPart(*row) for row in rows]


def ancestry(db: Db, lot: str) -> list[Ancestry]:
    """Everything a lot was made of, over every edge, summed up by kind, subject and supplier; without itself."""
    rows = db.rows(
        f"""
        WITH RECURSIVE {ABOVE}
        SELECT coalesce(l.kind, 'not_known'), coalesce(l.material, l.product, ''), l.supplier, count(*),
               sum(l.mass_g), sum(l.pieces), min(l.occurred_at), max(l.occurred_at),
               coalesce(array_agg(DISTINCT l.made_at) FILTER (WHERE l.made_at IS NOT NULL), '{{}}')
        FROM above JOIN trace_lots l USING (lot)
        WHERE lot <> %(lot)s
        GROUP BY 1, 2, 3 ORDER BY min(l.occurred_at), 1, 2, 3
        """,  # noqa: S608 - a constant of this module
        {"lots": [lot], "lot": lot},
    )
    return [Ancestry(*row) for row in rows]


def lots_above(db: Db, lots: Collection[str]) -> list[str]:
    """The lots themselves and everything they were made of, by id."""
    rows = db.rows(f"WITH RECURSIVE {ABOVE} SELECT lot FROM above ORDER BY 1", {"lots": list(lots)})  # noqa: S608
    return [row[0] for row in rows]


def lots_below(db: Db, lots: Collection[str]) -> list[str]:
    """The lots themselves and everything that was made of them, by id."""
    rows = db.rows(f"WITH RECURSIVE {BELOW} SELECT lot FROM below ORDER BY 1", {"lots": list(lots)})  # noqa: S608
    return [row[0] for row in rows]


def movements_of(db: Db, lots: Collection[str]) -> list[Movement]:
    """What happened to lots, in the order of the log; shipments that came back unopened are called `cancelled`."""
    rows = db.rows(
        """
        SELECT m.position, CASE WHEN m.kind = 'shipped' AND EXISTS (
                   SELECT 1 FROM trace_cancellations c WHERE c.consignment = m.consignment
               ) THEN 'cancelled' ELSE m.kind END,
               m.place, m.other_place, m.consignment, m.units, m.mass_g, m.detail, m.occurred_at
        FROM trace_movements m WHERE m.lot = ANY(%s) ORDER BY m.position
        """,
        [list(lots)],
    )
    return [Movement(*row) for row in rows]


def balance(db: Db, lot: str) -> Balance | None:
    """Where the grams and pieces of a lot went (A4); None if nothing ever happened to it."""
    rows = db.rows(
        """
        SELECT lot, CASE WHEN made_pieces > 0 THEN 'pieces' ELSE 'mass_g' END, made_g, made_pieces, consumed_g,
               consumed_pieces, packed_g, packed_pieces, destroyed_g, destroyed_pieces, sampled_g, on_hand_g,
               on_hand_pieces
        FROM trace_balances WHERE lot = %s
        """,
        [lot],
    )
    return Balance(*rows[0]) if rows else None


def shares_at(db: Db, lot: str, position: int) -> tuple[Sequence[str], Sequence[int]]:
    """The origin shares of a lot as they were computed up to a position of the log; empty before there were any."""
    rows = db.rows(
        """
        SELECT producers, ppm FROM (
            SELECT computed_at_position, producers, ppm FROM trace_lots WHERE lot = %(lot)s
            UNION ALL
            SELECT computed_at_position, producers, ppm FROM trace_earlier_shares WHERE lot = %(lot)s
        ) AS version WHERE computed_at_position <= %(position)s ORDER BY computed_at_position DESC LIMIT 1
        """,
        {"lot": lot, "position": position},
    )
    return rows[0] if rows else ((), ())
