"""The network at a glance, over the read models together: who and what there is, and what was heard of it last."""

from collections.abc import Collection
from dataclasses import dataclass
from datetime import datetime

from events.canonical import decode_leaf
from events.catalogue.network import NetworkFounded
from events.catalogue.values import Names
from projections.base import Connection
from projections.inventory_book import AHEAD_AFTER


@dataclass(frozen=True, slots=True)
class OutletSeen:
    outlet: str
    names: Names
    region: str
    latitude_microdegrees: int
    longitude_microdegrees: int
    position_is_exact: bool
    last_sale_at: datetime | None


@dataclass(frozen=True, slots=True)
class VillageSeen:
    village: str
    names: Names
    latitude_microdegrees: int
    longitude_microdegrees: int
    position_is_exact: bool
    producers: int


def outlets(connection: Connection) -> list[OutletSeen]:
    """Every shop that ever opened, with the time its last receipt claims.

    A claim from beyond the end of the log comes of a clock that runs ahead: believed, it would hide for years that a
    shop is silent.
    """
    rows = connection.execute(
        "SELECT o.outlet, o.ky, o.ru, o.en, o.region, o.latitude_microdegrees, o.longitude_microdegrees,"
        " o.position_is_exact, s.last_sale_at FROM trace_outlets o"
        " LEFT JOIN (SELECT place, max(occurred_at) AS last_sale_at FROM inventory_sales WHERE occurred_at <="
        " (SELECT recorded_at + %s FROM log.events ORDER BY position DESC LIMIT 1) GROUP BY place) AS s"
        " ON s.place = 'outlet/' || o.outlet ORDER BY o.outlet",
        [AHEAD_AFTER],
    )
    return [OutletSeen(row[0], Names(ky=row[1], ru=row[2], en=row[3]), *row[4:]) for row in rows.fetchall()]


def villages(connection: Connection) -> list[VillageSeen]:
    """Every village, with how many producers live there."""
    rows = connection.execute(
        "SELECT v.village, v.ky, v.ru, v.en, v.latitude_microdegrees, v.longitude_microdegrees, v.position_is_exact,"
        " (SELECT count(*) FROM trace_producers p WHERE p.village = v.village)"
        " FROM trace_villages v ORDER BY v.village"
    )
    return [VillageSeen(row[0], Names(ky=row[1], ru=row[2], en=row[3]), *row[4:]) for row in rows.fetchall()]


def closed_outlets(connection: Connection, outlets: Collection[str]) -> set[str]:
    """Those of these shops that closed for good."""
    rows = connection.execute(
        "SELECT stream FROM log.events WHERE stream = ANY(%s) AND type = 'network.outlet_closed.v1'",
        [[f"outlet/{outlet}" for outlet in outlets]],
    )
    return {stream.removeprefix("outlet/") for (stream,) in rows.fetchall()}


def waiting_reports(connection: Connection) -> int:
    """How many reports tills have made, by their own counters, that nobody has recorded yet."""
    row = connection.execute("SELECT coalesce(sum(last - first + 1), 0) FROM inventory_till_gaps").fetchone()
    return row[0] if row else 0


def head(connection: Connection) -> int:
    """The position of the last recorded event."""
    row = connection.execute("SELECT position FROM log.events ORDER BY position DESC LIMIT 1").fetchone()
    return row[0] if row else 0


def sample_code(connection: Connection) -> str | None:
    """The code of the batch packed last among those that several producers share and that arrived in a shop."""
    row = connection.execute(
        "SELECT p.code FROM trace_packings p JOIN trace_lots s ON s.lot = p.batch"
        " WHERE cardinality(s.producers) > 3 AND EXISTS (SELECT FROM trace_movements m WHERE m.lot = p.batch"
        " AND m.kind = 'arrived' AND m.place LIKE 'outlet/%') ORDER BY p.position DESC LIMIT 1"
    ).fetchone()
    return row[0] if row else None


def founded(connection: Connection) -> NetworkFounded | None:
    """The founding of the network, which is the first event of its log; None while there is none."""
    row = connection.execute("SELECT version, leaf FROM log.events WHERE position = 1").fetchone()
    event = decode_leaf(1, row[0], row[1]).event if row else None
    return event if isinstance(event, NetworkFounded) else None
