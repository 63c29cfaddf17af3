"""The view of the whole network, from the read models of one snapshot."""

from collections.abc import Mapping, Sequence
from datetime import datetime, timedelta

from events.catalogue.values import Names
from projections import income_sales, label, overview
from projections.base import Connection
from projections.bishkek import day_of
from projections.overview import OutletSeen, VillageSeen
from projections.yearbook import RETAIL
from services.books import Standing
from services.web.views import (
    QUIET_AFTER_DAYS,
    Freshness,
    MapPoint,
    NetworkView,
    OutletRow,
    VillageRow,
    YearOfSales,
)


def network_view(
    connection: Connection, standing: Standing, names: Names, is_simulated: bool, now: datetime
) -> NetworkView:
    """Totals, years, outlets and villages as of the connection's snapshot; `now` is the network's clock."""
    this_year = day_of(now).year
    years = [
        YearOfSales(int(row.key), row.gross_tyiyn, row.makers_tyiyn, int(row.key) < this_year)
        for row in income_sales.sales_by_year(connection, channel=RETAIL)
    ]
    nothing = YearOfSales(this_year, 0, 0, False)
    # Of a year to come, sales are claimed by clocks that run ahead; they stand in the table, not at the top.
    current = next((row for row in reversed(years) if row.sales_tyiyn and row.year <= this_year), nothing)
    outlets = _outlets(connection, current.year, None if is_simulated else now)
    counts = income_sales.network_counts(connection)
    return NetworkView(
        names=names,
        is_simulated=is_simulated,
        now=now,
        fresh=freshness(connection, standing, with_waiting=True),
        year=current.year,
        sales_tyiyn=sum(row.sales_tyiyn for row in years),
        sales_this_year_tyiyn=current.sales_tyiyn,
        makers_tyiyn=sum(row.makers_tyiyn for row in years),
        makers_this_year_tyiyn=current.makers_tyiyn,
        producers=counts.producers,
        products=counts.products,
        years=years,
        outlets=outlets,
        villages=[
            VillageRow(row.village, row.names, _point(row), row.producers) for row in overview.villages(connection)
        ],
    )


def freshness(connection: Connection, standing: Standing, *, with_waiting: bool) -> Freshness:
    """How old what is shown is."""
    return Freshness(
        position=standing.position,
        recorded_at=standing.recorded_at,
        lag_events=max(0, overview.head(connection) - standing.position),
        waiting_reports=overview.waiting_reports(connection) if with_waiting else None,
    )


def _outlets(connection: Connection, year: int, now: datetime | None) -> Sequence[OutletRow]:
    """The shops. Silence is counted up to `now`; where the clock is simulated, it stands still between reports and
    jumps, so there up to the last sale of the whole network."""
    seen = overview.outlets(connection)
    until = now or max((row.last_sale_at for row in seen if row.last_sale_at), default=None)
    closed = overview.closed_outlets(connection, [row.outlet for row in seen])
    sold: Mapping[str, int] = {
        row.key: row.gross_tyiyn for row in income_sales.sales_by_place(connection, year=year, channel=RETAIL)
    }
    regions = label.regions(connection)
    return [
        OutletRow(
            outlet=row.outlet,
            names=row.names,
            region_names=regions[row.region][0] if row.region in regions else None,
            point=_point(row),
            is_open=row.outlet not in closed,
            sales_this_year_tyiyn=sold.get(f"outlet/{row.outlet}", 0),
            last_sale_at=row.last_sale_at,
            silent_for=_silence(row.last_sale_at, until),
        )
        for row in seen
    ]


def _silence(last_sale_at: datetime | None, until: datetime | None) -> timedelta | None:
    if last_sale_at is None or until is None or until - last_sale_at <= timedelta(days=QUIET_AFTER_DAYS):
        return None
    return until - last_sale_at


def _point(row: OutletSeen | VillageSeen) -> MapPoint:
    return MapPoint(row.longitude_microdegrees, row.latitude_microdegrees, row.position_is_exact)
