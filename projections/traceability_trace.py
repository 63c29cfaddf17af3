"""The whole answer about one jar or lot: villages, maker, certificate, ingredients, journey, recalls."""

from collections.abc import Collection
from dataclasses import dataclass
from datetime import date, datetime
from typing import Literal

from events.catalogue.values import Names
from projections.base import Db
from projections.lineage_tables import Lot, not_known
from projections.traceability_queries import (
    Ancestry,
    Batch,
    Movement,
    Point,
    ProducerPart,
    Product,
    VillagePart,
    ancestry,
    batch_of,
    lot_of,
    lot_row,
    movements_of,
    producers_of,
    product_of,
    villages_of,
)

_FOR_EVER = "9223372036854775807"
#: Edges of any kind, with the position up to which each is one.
_EVERY_EDGE = f"""
    SELECT output, input, {_FOR_EVER} AS upto FROM trace_edges
    UNION ALL SELECT output, input, position FROM trace_withdrawn_edges
"""  # noqa: S608 - our own text

Standing = Literal["certified", "suspended", "revoked", "expired", "not_yet_valid", "not_certified"]


@dataclass(frozen=True, slots=True)
class Certificate:
    """What a maker's certificate for a product is worth on a day. Without one, all but the standing is None."""

    standing: Standing
    certificate: str | None = None
    region: str | None = None
    committee_names: Names | None = None
    score_milli: int | None = None
    members: int | None = None
    valid_from: date | None = None
    valid_until: date | None = None
    decided_at: datetime | None = None


@dataclass(frozen=True, slots=True)
class Recall:
    """A recall, open or closed."""

    recall: str
    severity: str
    reason: str
    is_drill: bool
    started_at: datetime
    closed_at: datetime | None

    @property
    def is_open(self) -> bool:
        return self.closed_at is None


@dataclass(frozen=True, slots=True)
class Where:
    """A public place. A producer's place is the village, never the home."""

    place: str
    names: Names
    point: Point | None


@dataclass(frozen=True, slots=True)
class Trace:
    """Back from a lot to where it came from."""

    lot: Lot
    batch: Batch | None
    product: Product | None
    maker: str | None  #: `workshop/<id>` or `producer/<id>`
    villages: tuple[VillagePart, ...]
    producers: tuple[ProducerPart, ...]  #: empty unless they were asked for
    certificate: Certificate
    ancestry: tuple[Ancestry, ...]
    movements: tuple[Movement, ...]
    recalls: tuple[Recall, ...]
    places: dict[str, Where]  #: every place that this answer names and that is known


def trace(db: Db, lot_or_code: str, *, on: date, with_producers: bool = False) -> Trace | None:
    """Everything about a lot, or about the batch of a code; the certificate as it stands `on` a day.

    None if nobody ever named it.
    """
    identity = lot_of(db, lot_or_code)
    if identity is None:
        return None
    lot = lot_row(db, identity) or not_known(identity)
    batch = batch_of(db, identity)
    product = (batch.product if batch else None) or lot.product
    maker = lot.maker or (f"producer/{lot.producer}" if lot.producer else None)
    above, moves = ancestry(db, identity), movements_of(db, [identity])
    named = {place for step in above for place in step.places} | {
        place for move in moves for place in (move.place, move.other_place) if place
    }
    named |= {place for place in (maker, lot.made_at, batch.packed_at if batch else None) if place}
    return Trace(
        lot=lot,
        batch=batch,
        product=product_of(db, product) if product else None,
        maker=maker,
        villages=tuple(villages_of(db, identity)),
        producers=tuple(producers_of(db, identity)) if with_producers else (),
        certificate=certificate_on(db, maker, product, on),
        ancestry=tuple(above),
        movements=tuple(moves),
        recalls=tuple(recalls_reaching(db, identity)),
        places=places_named(db, named),
    )


def certificate_on(db: Db, maker: str | None, product: str | None, on: date) -> Certificate:
    """The standing of a maker's certificate for a product on a day: the certificate that began last, and its fate."""
    steps = db.rows(
        "SELECT kind, certificate, submission, score_milli, members, effective_from, valid_until, occurred_at"
        " FROM trace_certificate_steps WHERE maker = %s AND product = %s AND kind IN"
        " ('certified', 'suspended', 'reinstated', 'revoked') ORDER BY effective_from, position",
        [maker, product],
    )
    certified = [step for step in steps if step[0] == "certified"]
    if not certified:
        return Certificate("not_certified")
    begun = [step for step in certified if step[5] <= on]
    _, certificate, submission, score_milli, members, since, until, decided_at = (begun or certified)[-1]
    standing: Standing = "certified"
    if not begun:
        standing = "not_yet_valid"
    else:
        fates: dict[str, Standing] = {"suspended": "suspended", "reinstated": "certified", "revoked": "revoked"}
        for kind, about, _, _, _, effective_from, _, _ in steps:
            if about == certificate and kind in fates and effective_from <= on:
                standing = fates[kind]
        if standing == "certified" and on > until:
            standing = "expired"
    region, committee = _committee(db, submission)
    return Certificate(standing, certificate, region, committee, score_milli, members, since, until, decided_at)


def _committee(db: Db, submission: str | None) -> tuple[str | None, Names | None]:
    found = db.rows(
        "SELECT region, committee_ky, committee_ru, committee_en FROM trace_certificate_steps s"
        " JOIN trace_regions USING (region) WHERE s.submission = %s AND s.kind = 'submitted' LIMIT 1",
        [submission],
    )
    if not found:
        return None, None
    region, ky, ru, en = found[0]
    return region, Names(ky=ky, ru=ru, en=en)


def recalls_reaching(db: Db, lot: str) -> list[Recall]:
    """The recalls that reach a lot over any edge, sugar and jars included, whatever part of it that is.

    Over what goes round in a cycle too, and over edges that a correction took back after the recall had begun: a recall
    shrinks only by a decision. Where an edge was taken back before the recall came as far, it reaches too far rather
    than not far enough.
    """
    if not db.rows("SELECT 1 FROM trace_recalls LIMIT 1"):
        return []
    rows = db.rows(
        f"""
        WITH RECURSIVE above (lot, upto) AS (
            SELECT %(lot)s::text COLLATE "C", {_FOR_EVER}
            UNION
            SELECT e.input, least(a.upto, e.upto) FROM above a JOIN ({_EVERY_EDGE}) AS e ON e.output = a.lot
        )
        SELECT recall, severity, reason, is_drill, started_at, closed_at FROM trace_recalls r
        WHERE EXISTS (
            SELECT 1 FROM trace_recall_roots o JOIN above a ON a.upto > r.started_position
            WHERE o.recall = r.recall AND (
                (o.kind <> 'supplier' AND o.root = a.lot)
                OR (o.kind = 'supplier' AND EXISTS (
                    SELECT 1 FROM trace_lots l WHERE l.lot = a.lot AND l.supplier = o.root))
                OR (o.kind = 'step' AND EXISTS (
                    SELECT 1 FROM trace_makings m WHERE m.lot = o.root AND a.lot = ANY (m.by_lots)))))
        ORDER BY started_at, recall
        """,  # noqa: S608 - constants of this module
        {"lot": lot},
    )
    return [Recall(*row) for row in rows]


def recall_reach(db: Db, recall: str) -> list[str]:
    """Every lot that a recall reaches, its roots included, by id; along the edges that `recalls_reaching` goes back.

    A root is a lot, a step (its lot and the by-products made along with it), a material lot, or all of a supplier.
    """
    roots = db.rows(
        """
        SELECT root FROM trace_recall_roots WHERE recall = %(recall)s AND kind <> 'supplier'
        UNION
        SELECT sibling.lot FROM trace_recall_roots o JOIN trace_makings m ON m.lot = o.root
        CROSS JOIN LATERAL unnest(m.by_lots) AS sibling (lot) WHERE o.recall = %(recall)s AND o.kind = 'step'
        UNION
        SELECT l.lot FROM trace_recall_roots o JOIN trace_lots l ON l.supplier = o.root
        WHERE o.recall = %(recall)s AND o.kind = 'supplier'
        """,
        {"recall": recall},
    )
    rows = db.rows(
        f"""
        WITH RECURSIVE below (lot) AS (
            SELECT lot COLLATE "C" FROM unnest(%(lots)s::text[]) AS root (lot)
            UNION
            SELECT e.output FROM below b JOIN ({_EVERY_EDGE}) AS e ON e.input = b.lot
            WHERE e.upto > (SELECT started_position FROM trace_recalls WHERE recall = %(recall)s)
        )
        SELECT lot FROM below ORDER BY 1
        """,  # noqa: S608 - constants of this module
        {"lots": [root for (root,) in roots], "recall": recall},
    )
    return [lot for (lot,) in rows]


def places_named(db: Db, places: Collection[str]) -> dict[str, Where]:
    """Names and points of workshops, outlets and producers' villages; a place that nobody registered is left out."""
    rows = db.rows(
        """
        SELECT p.place, coalesce(w.ky, o.ky, v.ky), coalesce(w.ru, o.ru, v.ru), coalesce(w.en, o.en, v.en),
               coalesce(o.latitude_microdegrees, v.latitude_microdegrees),
               coalesce(o.longitude_microdegrees, v.longitude_microdegrees),
               coalesce(o.position_is_exact, v.position_is_exact)
        FROM (SELECT place COLLATE "C", split_part(place, '/', 1), split_part(place, '/', 2) COLLATE "C"
              FROM unnest(%s::text[]) AS given (place)) AS p (place, kind, id)
        LEFT JOIN trace_workshops w ON p.kind = 'workshop' AND w.workshop = p.id
        LEFT JOIN trace_outlets o ON p.kind = 'outlet' AND o.outlet = p.id
        LEFT JOIN trace_producers m ON p.kind = 'producer' AND m.producer = p.id
        LEFT JOIN trace_villages v ON v.village = coalesce(w.village, m.village)
        """,
        [list(places)],
    )
    return {
        place: Where(place, Names(ky=ky, ru=ru, en=en), None if latitude is None else Point(latitude, longitude, exact))
        for place, ky, ru, en, latitude, longitude, exact in rows
        if en is not None
    }
