"""What a reader of a label may be told about a batch: its origin by villages, maker, certificate, recall and journey.

It looks over the read models together, in one snapshot, and states nothing about single producers, homes, cashiers or
payments.
"""

from collections.abc import Collection, Mapping, Sequence
from dataclasses import dataclass
from datetime import date, datetime
from typing import Any

from events.catalogue.values import Names
from projections.base import Connection
from projections.lineage import UNKNOWN


@dataclass(frozen=True, slots=True)
class Spot:
    """A public place and where it is; a producer's is the village."""

    place: str  #: `village/tosor`, `workshop/tosor-jam`, `outlet/karakol`
    names: Names
    region: str
    latitude_microdegrees: int | None = None
    longitude_microdegrees: int | None = None
    is_exact: bool = False


@dataclass(frozen=True, slots=True)
class Packed:
    """The packings of a batch: the first by claimed time names it, the units add up."""

    batch: str
    code: str
    product: str
    place: str
    units: int
    best_before: date | None
    occurred_at: datetime
    position: int
    recorded_at: datetime
    leaf_hash: bytes


@dataclass(frozen=True, slots=True)
class Goods:
    """What kind of thing a lot is, and who made it."""

    lot: str
    maker: str | None
    product: str | None
    material: str | None
    names: Names | None
    product_group: str | None
    unit: str
    net_mass_g: int
    origin_basis: str


@dataclass(frozen=True, slots=True)
class Share:
    """The part of a lot that comes from one village, in parts per million; `village` may be `unknown`."""

    village: str
    producers: int
    ppm: int


@dataclass(frozen=True, slots=True)
class Happening:
    """One report about a lot, or about what it was made of."""

    kind: str  #: collected, made, tested, packed, shipped, arrived
    place: str | None
    occurred_at: datetime
    position: int


@dataclass(frozen=True, slots=True)
class CertificateStep:
    kind: str  #: certified, suspended, reinstated, revoked
    position: int
    region: str | None
    certificate: str | None
    score_milli: int
    members: int
    effective_from: date | None
    valid_until: date | None
    occurred_at: datetime


@dataclass(frozen=True, slots=True)
class Terms:
    """The share terms in force for a product in a channel, in basis points."""

    makers_bp: int
    workshop_bp: int
    outlet_bp: int
    brand_bp: int
    fund_bp: int
    effective_from: date


def batch_of_code(connection: Connection, codes: Sequence[str]) -> str | None:
    """The batch that the first known one of these codes names; every packing's code is a name of its batch."""
    rows = connection.execute("SELECT code, batch FROM trace_packings WHERE code = ANY(%s)", [list(codes)]).fetchall()
    found: dict[str, str] = dict(rows)
    return next((found[code] for code in codes if code in found), None)


def packed(connection: Connection, batch: str) -> Packed | None:
    """How a batch was packed, None while nobody has reported it."""
    rows = connection.execute(
        "SELECT p.batch, p.code, p.product, p.place, sum(p.units) OVER (), p.best_before, p.occurred_at,"
        " p.position, e.recorded_at, e.leaf_hash FROM trace_packings p JOIN log.events e USING (position)"
        " WHERE p.batch = %s ORDER BY p.occurred_at, p.event LIMIT 1",
        [batch],
    ).fetchall()
    return Packed(*rows[0]) if rows else None


def goods(connection: Connection, lot: str, packed_product: str | None) -> Goods | None:
    """What a lot is; None for an id that nobody has ever named."""
    rows = connection.execute(
        "SELECT l.maker, coalesce(%(product)s, l.product), l.material, coalesce(l.producer, '')"
        " FROM (SELECT 1) AS one LEFT JOIN trace_lots l ON l.lot = %(lot)s",
        {"lot": lot, "product": packed_product},
    ).fetchall()
    maker, product, material, producer = rows[0]
    if product is None and material is None and maker is None and not producer:
        return None
    described = connection.execute(
        "SELECT ky, ru, en, product_group, unit, net_mass_g, origin_basis FROM trace_products WHERE product = %s",
        [product],
    ).fetchone()
    maker = maker or (f"producer/{producer}" if producer else None)
    if described is None:
        return Goods(lot, maker, product, material, None, None, "", 0, "mass")
    ky, ru, en, *rest = described
    return Goods(lot, maker, product, material, Names(ky=ky, ru=ru, en=en), *rest)


def village_shares(connection: Connection, lot: str) -> list[Share]:
    """Origin by village, the greatest share first, unknown origin last."""
    rows = connection.execute(
        "SELECT coalesce(p.village, %(unknown)s), count(*) FILTER (WHERE p.village IS NOT NULL), sum(s.ppm)"
        " FROM (SELECT unnest(producers) AS producer, unnest(ppm) AS ppm FROM trace_lots WHERE lot = %(lot)s) AS s"
        " LEFT JOIN trace_producers p USING (producer) GROUP BY 1"
        " ORDER BY bool_or(p.village IS NULL), 3 DESC, 1",
        {"lot": lot, "unknown": UNKNOWN},
    )
    return [Share(*row) for row in rows.fetchall()]


def journey(connection: Connection, lot: str) -> list[Happening]:
    """What is known of a lot's making and of its way, from the gathering of what is in it, in the order of time."""
    rows = connection.execute(
        """
        WITH RECURSIVE made_of (lot) AS (
            SELECT %(lot)s::text COLLATE "C"
            UNION
            SELECT e.input FROM made_of m JOIN trace_edges e ON e.output = m.lot
            WHERE e.bears_origin AND NOT e.closes_cycle
        )
        SELECT CASE k.kind WHEN 'collected' THEN 'collected' ELSE 'made' END,
               CASE k.kind WHEN 'collected' THEN 'village/' || p.village ELSE k.place END, k.occurred_at, k.position
        FROM made_of JOIN (
            SELECT lot, kind, producer, made_at AS place, occurred_at, last_position AS position
            FROM trace_lots WHERE event IS NOT NULL
            UNION ALL
            SELECT lot, kind, producer, place, occurred_at, position FROM trace_makings
        ) AS k USING (lot) LEFT JOIN trace_producers p USING (producer)
        WHERE k.kind <> 'material'
        UNION ALL
        SELECT 'tested', v.place, v.occurred_at, v.position
        FROM made_of JOIN trace_movements v USING (lot) WHERE v.kind = 'tested'
        UNION ALL
        SELECT 'packed', place, occurred_at, position FROM trace_packings WHERE batch = %(lot)s
        UNION ALL
        SELECT v.kind, v.place, v.occurred_at, v.position FROM trace_movements v
        WHERE v.lot = %(lot)s AND v.kind IN ('shipped', 'arrived')
          AND NOT EXISTS (SELECT FROM trace_cancellations c WHERE c.consignment = v.consignment)
        ORDER BY 3, 4
        """,
        {"lot": lot},
    )
    return [Happening(*row) for row in rows.fetchall()]


def actors(connection: Connection, positions: Collection[int]) -> dict[int, str]:
    """Who reported the events at these positions."""
    rows = connection.execute("SELECT position, actor FROM log.events WHERE position = ANY(%s)", [list(positions)])
    return dict(rows.fetchall())


def certificate_steps(connection: Connection, maker: str, product: str) -> list[CertificateStep]:
    """The life of a maker's certificates for a product, in the order of the log."""
    rows = connection.execute(
        "SELECT s.kind, s.position, coalesce(s.region, (SELECT b.region FROM trace_certificate_steps b"
        " WHERE b.submission = s.submission AND b.kind = 'submitted' LIMIT 1)), s.certificate,"
        " coalesce(s.score_milli, 0), coalesce(s.members, 0), s.effective_from, s.valid_until, s.occurred_at"
        " FROM trace_certificate_steps s WHERE s.maker = %s AND s.product = %s"
        " AND s.kind IN ('certified', 'suspended', 'reinstated', 'revoked') ORDER BY s.position",
        [maker, product],
    )
    return [CertificateStep(*row) for row in rows.fetchall()]


def outcomes(connection: Connection, recalls: Collection[str]) -> dict[str, str]:
    """How those of these recalls ended that did."""
    rows = connection.execute(
        "SELECT recall, outcome FROM trace_recalls WHERE recall = ANY(%s) AND outcome IS NOT NULL", [list(recalls)]
    )
    return dict(rows.fetchall())


def terms(connection: Connection, channel: str, product_group: str | None, day: date) -> Terms | None:
    """The terms in force on a day for a group of products, else the channel's default; None when none were agreed."""
    row = connection.execute(
        "SELECT makers_bp, workshop_bp, outlet_bp, brand_bp, fund_bp, effective_from FROM income_terms"
        " WHERE channel = %s AND product_group IN (%s, '') AND effective_from <= %s"
        " ORDER BY product_group DESC, effective_from DESC, position DESC LIMIT 1",
        [channel, product_group or "", day],
    ).fetchone()
    return Terms(*row) if row else None


def spots(connection: Connection, places: Collection[str]) -> dict[str, Spot]:
    """Names and points of places; a workshop is where its village is, a center or a buyer has none."""
    ids: dict[str, list[str]] = {"village": [], "workshop": [], "outlet": []}
    for place in places:
        kind, _, identity = place.partition("/")
        ids.get(kind, []).append(identity)
    rows = connection.execute(
        """
        SELECT 'village/' || village, ky, ru, en, region, latitude_microdegrees, longitude_microdegrees,
               position_is_exact
        FROM trace_villages WHERE village = ANY(%(village)s)
        UNION ALL
        SELECT 'workshop/' || w.workshop, w.ky, w.ru, w.en, coalesce(v.region, ''), v.latitude_microdegrees,
               v.longitude_microdegrees, coalesce(v.position_is_exact, false)
        FROM trace_workshops w LEFT JOIN trace_villages v USING (village) WHERE w.workshop = ANY(%(workshop)s)
        UNION ALL
        SELECT 'outlet/' || outlet, ky, ru, en, region, latitude_microdegrees, longitude_microdegrees,
               position_is_exact
        FROM trace_outlets WHERE outlet = ANY(%(outlet)s)
        """,
        ids,
    )
    return {place: Spot(place, Names(ky=ky, ru=ru, en=en), *rest) for place, ky, ru, en, *rest in rows.fetchall()}


def home_village(connection: Connection, maker: str) -> str | None:
    """The village of a workshop or of a producer, as `village/...`."""
    kind, _, identity = maker.partition("/")
    table = {"producer": "trace_producers", "workshop": "trace_workshops"}.get(kind)
    if table is None:
        return None
    row = connection.execute(
        f"SELECT village FROM {table} WHERE {kind} = %s".encode(),  # noqa: S608 - one of two names of ours
        [identity],
    ).fetchone()
    return f"village/{row[0]}" if row else None


def regions(connection: Connection) -> Mapping[str, tuple[Names, Names]]:
    """The names of every region and of its committee."""
    rows: list[tuple[Any, ...]] = connection.execute(
        "SELECT region, ky, ru, en, committee_ky, committee_ru, committee_en FROM trace_regions"
    ).fetchall()
    return {row[0]: (Names(ky=row[1], ru=row[2], en=row[3]), Names(ky=row[4], ru=row[5], en=row[6])) for row in rows}
