"""What must be true at every position of the log, asked of the tables themselves.

Each identity compares sums that different folds, or different statements of one fold, kept apart: a fold that loses or
doubles something cannot keep all of them true. They run on what is served and on a copy of the past alike.
"""

from collections.abc import Callable, Mapping, Sequence
from contextlib import closing
from dataclasses import dataclass
from typing import NamedTuple

import psycopg

from events.group_commit import with_options
from events.store import Log
from projections import income_identities as income
from projections import inventory_identities as inventory
from projections import schemas
from projections import traceability_identities as traceability
from projections.base import Connection, Db, ReadModel
from projections.building import Build, Progress
from projections.digest import differing, digests
from projections.schemas import OPTIONS, Built

#: At most so many failures are told.
FAILURES_TOLD_MAX = 3


@dataclass(frozen=True, slots=True)
class Identity:
    """One identity: does it hold, what was looked at or where it fails, and over how many things it was checked."""

    holds: bool
    detail: str
    checked: int


class Part(NamedTuple):
    """One way to look at an identity: what breaks it, and over what and how many it is asked."""

    failures: Callable[[Connection], list[str]]
    what: str
    counted: str


IDENTITIES: Mapping[str, Sequence[Part]] = {
    "A1": (Part(income.a1_postings_sum_to_zero, "lines of income", "SELECT count(*) FROM income_lines"),),
    "A2": (Part(income.a2_sales_are_shared_whole, "receipts", "SELECT count(DISTINCT ref) FROM income_lines"),),
    "A3": (Part(income.a3_earned_is_paid_or_owed, "accounts", "SELECT count(*) FROM income_accounts"),),
    "A4": (
        Part(traceability.a4_lots_balance, "lots", "SELECT count(*) FROM trace_balances"),
        Part(traceability.a4_origins_are_whole, "origins", "SELECT count(*) FROM trace_lots WHERE is_known"),
        Part(inventory.a4_stock_balances, "places of batches", "SELECT count(*) FROM inventory_stock"),
    ),
    "A5": (
        Part(
            inventory.a5_consignments_balance,
            "consignments",
            "SELECT count(DISTINCT consignment) FROM inventory_transit",
        ),
    ),
    "A6": (
        Part(
            inventory.a6_sold_units_were_packed_or_are_flagged,
            "batches",
            "SELECT count(DISTINCT batch) FROM inventory_stock",
        ),
    ),
    "A7": (Part(inventory.a7_drawers_balance, "shifts", "SELECT count(*) FROM inventory_shifts"),),
    "A8": (Part(inventory.a8_counters_are_accounted_for, "tills", "SELECT count(*) FROM inventory_tills"),),
}


def identities(db: Db) -> dict[str, Identity]:
    """All identities that one snapshot of the tables can show, by name. A9 takes a rebuild: `live_is_rebuilt`.

    The connection sees the tables of all read models. Some seconds for a million events.
    """
    return {name: _ask(db.connection, parts) for name, parts in IDENTITIES.items()}


def _ask(connection: Connection, parts: Sequence[Part]) -> Identity:
    failures = [failure for part in parts for failure in part.failures(connection)]
    counts = [connection.execute(part.counted.encode()).fetchall()[0][0] for part in parts]
    looked_at = ", ".join(f"{count} {part.what}" for count, part in zip(counts, parts, strict=True))
    more = f" and {len(failures) - FAILURES_TOLD_MAX} more" if len(failures) > FAILURES_TOLD_MAX else ""
    return Identity(not failures, "; ".join(failures[:FAILURES_TOLD_MAX]) + more or looked_at, sum(counts))


def live_is_rebuilt(conninfo: str, log: Log, models: Sequence[ReadModel], progress: Progress | None = None) -> Identity:
    """A9: what is served is what the log makes, table by table.

    Everything is built anew beside it and thrown away again; the projector may work on meanwhile. `conninfo` is the
    projector's.
    """
    by_name = {model.name: model for model in models}
    with closing(psycopg.connect(with_options(conninfo, OPTIONS))) as snapshot:
        snapshot.isolation_level = psycopg.IsolationLevel.REPEATABLE_READ
        served = {name: built for name, built in schemas.serving(snapshot).items() if name in by_name}
        live = {name: digests(snapshot, by_name[name], built.schema) for name, built in served.items()}
    anew = _built_anew(conninfo, log, by_name, served, progress)
    wrong = [table for name in live for table in differing(live[name], anew[name])]
    tables = sum(len(found) for found in live.values())
    at = max((built.position for built in served.values()), default=0)
    return Identity(not wrong, f"differ: {', '.join(wrong)}" if wrong else f"{tables} tables at {at}", tables)


def _built_anew(
    conninfo: str,
    log: Log,
    models: Mapping[str, ReadModel],
    served: Mapping[str, Built],
    progress: Progress | None,
) -> dict[str, dict[str, str]]:
    found: dict[str, dict[str, str]] = {}
    with closing(psycopg.connect(with_options(conninfo, OPTIONS), autocommit=True)) as connection:
        for position in sorted({built.position for built in served.values()}):
            there = [models[name] for name, built in served.items() if built.position == position]
            names = {model.name: f"check_{connection.info.backend_pid}_{model.name}" for model in there}
            try:
                with connection.transaction():
                    fresh = [schemas.named_schema(connection, model, names[model.name]) for model in there]
                with Build(conninfo, log, models, fresh) as build:
                    build.advance(position, progress)
                found |= {model.name: digests(connection, model, names[model.name]) for model in there}
            finally:
                for schema in names.values():
                    schemas.drop(connection, schema)
    return found
