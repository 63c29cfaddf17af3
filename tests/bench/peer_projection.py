"""The peer's way to a read model: its projection runner, a tracking view in PostgreSQL, one transaction for each event."""

import time
from collections.abc import Sequence
from decimal import Decimal
from typing import Any

from eventsourcing.application import Application
from eventsourcing.dispatch import singledispatchmethod
from eventsourcing.domain import Aggregate, DomainEventProtocol, event
from eventsourcing.persistence import Tracking, TrackingRecorder
from eventsourcing.postgres import PostgresDatastore, PostgresTrackingRecorder
from eventsourcing.projection import Projection, ProjectionRunner
from eventsourcing.utils import EnvType
from psycopg.sql import SQL, Identifier

SALES_IN_A_CALL = 500


class PeerSale(Aggregate):
    """A sale as the peer's event."""

    @event("Made")
    def __init__(self, outlet: str, batch: str, units: int, unit_price_tyiyn: int) -> None:
        self.outlet, self.batch, self.units, self.unit_price_tyiyn = outlet, batch, units, unit_price_tyiyn


class PeerSales(Application[Any]):
    """Where the peer keeps sales."""
