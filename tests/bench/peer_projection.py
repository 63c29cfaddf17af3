"""The peer's way to a read model: its projection runner over its own log, one transaction for each event."""

import time
from typing import Any

from eventsourcing.application import Application
from eventsourcing.domain import Aggregate, event
from eventsourcing.persistence import Tracking
from eventsourcing.postgres import PostgresDatastore, PostgresTrackingRecorder
from eventsourcing.projection import Projection, ProjectionRunner
from psycopg.sql import SQL, Identifier

SALES_IN_A_CALL = 500
WAIT_SECONDS = 600.0


class PeerSale(Aggregate):
    """A sale as the peer's event."""

    @event("Made")
    def __init__(self, outlet: str, units: int, unit_price_tyiyn: int) -> None:
        self.outlet, self.units, self.unit_price_tyiyn = outlet, units, unit_price_tyiyn


class PeerShops(Application[Any]):
    """Where the peer keeps sales."""

    name = "PeerShops"


class PeerIncome(PostgresTrackingRecorder):
    """The peer's read model: one running sum for each outlet, written in the transaction of the tracking row."""

    def __init__(self, datastore: PostgresDatastore, **kwargs: Any) -> None:
        super().__init__(datastore, **kwargs)
        names = {"schema": Identifier(datastore.schema), "table": Identifier("peer_income")}
        self.sql_create_statements.append(
            SQL("CREATE TABLE IF NOT EXISTS {schema}.{table} (outlet text PRIMARY KEY, tyiyn bigint)").format(**names)
        )
        self._add = SQL(
            "INSERT INTO {schema}.{table} AS i VALUES (%s, %s) ON CONFLICT (outlet) DO UPDATE SET tyiyn = i.tyiyn + %s"
        ).format(**names)

    def add(self, outlet: str, tyiyn: int, tracking: Tracking) -> None:
        with self.datastore.transaction(commit=True) as cursor:
            self._insert_tracking(cursor, tracking)
            cursor.execute(self._add, (outlet, tyiyn, tyiyn))


class PeerIncomeProjection(Projection[PeerIncome]):
    """What the runner calls for each event."""

    def process_event(self, domain_event: Any, tracking: Tracking) -> None:
        tyiyn = domain_event.units * domain_event.unit_price_tyiyn
        self.view.add(domain_event.outlet, tyiyn, tracking)


def run_projection(server: dict[str, str], events: int) -> float:
    """Write sales the peer's way, then project them; events a second of the projection."""
    env = {
        "PERSISTENCE_MODULE": "eventsourcing.postgres",
        "POSTGRES_DBNAME": server["dbname"],
        "POSTGRES_HOST": server["host"],
        "POSTGRES_PORT": server["port"],
        "POSTGRES_USER": server["user"],
        "POSTGRES_PASSWORD": server.get("password", ""),
    }
    shops = PeerShops(env)
    last = 0
    for start in range(0, events, SALES_IN_A_CALL):
        sales = [PeerSale(f"outlet-{n % 32}", 1 + n % 3, 18_000) for n in range(start, start + SALES_IN_A_CALL)]
        last = shops.save(*sales)[-1].notification.id
    shops.close()
    begun = time.perf_counter()
    with ProjectionRunner(
        application_class=PeerShops, projection_class=PeerIncomeProjection, view_class=PeerIncome, env=env
    ) as runner:
        runner.wait(last, timeout=WAIT_SECONDS)
    return events / (time.perf_counter() - begun)
