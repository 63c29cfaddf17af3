"""Where the units are that came of a lot: a question to the lineage and to the inventory together, in one snapshot.

No read model reads another; a reader may ask both. The connection sees the tables of both.
"""

from collections.abc import Collection
from dataclasses import dataclass

from projections.base import Db
from projections.traceability_queries import lots_below
from projections.traceability_trace import recall_reach


@dataclass(frozen=True, slots=True)
class AtPlace:
    """Units of a batch at a place, and what became of others there."""

    place: str
    batch: str
    on_hand: int
    sold: int
    returned: int
    destroyed: int
    unexplained: int


@dataclass(frozen=True, slots=True)
class Underway:
    """Units of a batch on their way."""

    consignment: str
    origin: str | None
    destination: str | None
    batch: str
    in_transit: int


@dataclass(frozen=True, slots=True)
class Forward:
    """Everything that came of some lots: the lots themselves and their descendants, and where their units are."""

    lots: tuple[str, ...]
    batches: tuple[str, ...]  #: those of the lots that were packed
    places: tuple[AtPlace, ...]
    underway: tuple[Underway, ...]

    @property
    def on_hand(self) -> int:
        return sum(place.on_hand for place in self.places)

    @property
    def sold(self) -> int:
        """Units sold and not returned."""
        return sum(place.sold - place.returned for place in self.places)


def forward(db: Db, lot: str) -> Forward:
    """Forward from a lot over every edge: its descendants, and their units by place."""
    return whereabouts(db, lots_below(db, [lot]))


def recalled(db: Db, recall: str) -> Forward:
    """Everything that a recall reaches, and where it is now."""
    return whereabouts(db, recall_reach(db, recall))


def whereabouts(db: Db, lots: Collection[str]) -> Forward:
    """Where the units of these lots are."""
    named = list(lots)
    batches = db.rows("SELECT DISTINCT batch FROM trace_packings WHERE batch = ANY(%s) ORDER BY 1", [named])
    places = db.rows(
        "SELECT place, batch, on_hand, sold, returned, destroyed, unexplained FROM inventory_stock"
        " WHERE batch = ANY(%s) ORDER BY place, batch",
        [named],
    )
    underway = db.rows(
        "SELECT t.consignment, c.origin, c.destination, t.batch, t.in_transit"
        " FROM inventory_transit t LEFT JOIN inventory_consignments c USING (consignment)"
        " WHERE t.batch = ANY(%s) AND t.in_transit <> 0 ORDER BY 1, 4",
        [named],
    )
    return Forward(
        tuple(named),
        tuple(batch for (batch,) in batches),
        tuple(AtPlace(*row) for row in places),
        tuple(Underway(*row) for row in underway),
    )
