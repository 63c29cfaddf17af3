"""What a long build takes as it lies in the log, and what it opens after all, against the same log folded live."""

from collections.abc import Iterator, Mapping, Sequence
from dataclasses import replace
from datetime import UTC, datetime, timedelta
from uuid import UUID, uuid5

import psycopg
import pytest
from hypothesis import HealthCheck, given, settings
from hypothesis import strategies as st

from events.catalogue.base import Event
from events.catalogue.outlets import CountLine
from events.catalogue.production import LotCollected
from events.store import Append, Log
from projections import schemas, traceability
from projections import traceability_tables as t
from projections.base import Connection, Db, ReadModel, create_tables, use_schema
from projections.building import Build
from projections.digest import differing, digests
from projections.in_bulk import plain
from projections.lineage_fold import LineageFold
from projections.lineage_in_bulk import take_ordinary
from projections.schemas import OPTIONS
from services.read_models import READ_MODELS
from tests import make
from tests.books import unopened
from tests.histories import BEGUN, MADE, OUTLETS, PRODUCERS, Said, facts, prologue
from tests.servers import LogDatabase, PostgresServer

IN_BULK = [model for model in READ_MODELS if model.in_bulk]


def identity(number: int) -> UUID:
    return uuid5(UUID(int=8), str(number))


def record(log: Log, said: list[Said]) -> None:
    """Append reports, each as a request of its own."""
    log.append(
        [
            Append(one.event_id, bytes(32), one.event.stream(), None, "user/test", one.occurred_at, (one.event,))
            for one in said
        ]
    )


def said(*events: Event, first: int = 1) -> list[Said]:
    """Reports with the ids `identity(first)`, `identity(first + 1)` and so on."""
    return [
        Said(event, identity(number), datetime(2016, 3, 1, tzinfo=UTC)) for number, event in enumerate(events, first)
    ]


# ---------------------------------------------------------------------- any history, built in any batches


GATHERED = tuple(f"gathered-{number}" for number in range(8))


@st.composite
def harvests(draw: st.DrawFn) -> list[Said]:
    """Random facts among lots of a harvest, labels and counts, of which there are many in a long log.

    Most lots of the harvest are reported once; some are corrected, pooled or reported again, before or after.
    """
    more: list[Event] = []
    for number, name in enumerate(GATHERED):
        more.append(make.lot_collected(lot=name, producer=PRODUCERS[number % 4], pieces=number % 2))
        match draw(st.integers(0, 7)):
            case 0:
                more.append(make.lot_corrected(lot=name, corrects=str(harvested(len(more) - 1)), producer="p-003"))
            case 1:
                more.append(make.lots_pooled(lot=MADE[number % 6], inputs=(make.lot_input(lot=name),)))
            case 2:
                more.append(make.lot_collected(lot=name, producer="p-002"))
            case 3:
                more.append(make.batch_discarded(lot=name, mass_g=50, units=0, pieces=0))
            case _:
                pass
    lines = tuple(CountLine(batch=MADE[at], units=at) for at in (1, 2, 1))
    more += [make.labels_printed(lot=MADE[0]), make.stock_counted(place=f"outlet/{OUTLETS[0]}", lines=lines)]
    reports = draw(facts(facts_max=16))
    for number, event in enumerate(more):
        one = Said(event, harvested(number), BEGUN + timedelta(hours=number % 7))
        reports.insert(draw(st.integers(0, len(reports))), one)
    return reports


def harvested(number: int) -> UUID:
    return uuid5(UUID(int=9), str(number))


@pytest.mark.parametrize("model", IN_BULK, ids=lambda model: model.name)
@settings(max_examples=10, deadline=None, suppress_health_check=list(HealthCheck))
@given(reports=harvests(), sizes=st.lists(st.integers(1, 90), min_size=1, max_size=3))
def test_a_build_that_leaves_events_unopened_makes_the_tables_of_live_folding(
    postgres: PostgresServer, migrated_template: str, model: ReadModel, reports: list[Said], sizes: list[int]
) -> None:
    database = LogDatabase(postgres, "ovop_in_bulk")
    postgres.drop(database.name)
    postgres.create(database.name, migrated_template)
    first = [Said(event, identity(number), BEGUN - timedelta(days=30)) for number, event in enumerate(prologue())]
    with (
        Log(database.writer) as log,
        psycopg.connect(database.projector, options=OPTIONS, autocommit=True) as connection,
    ):
        record(log, [*first, *reports])
        head = log.head().position
        build(database, log, replace(model, in_bulk=frozenset()), "live", 1)
        live = digests(connection, model, "live")
        for number, size in enumerate(sizes):
            build(database, log, model, f"built_{number}", size)
            assert differing(digests(connection, model, f"built_{number}"), live) == []
            assert schemas.built(connection, f"built_{number}").position == head  # type: ignore[union-attr]
            assert connection.execute("SELECT count(*) FROM projection.parked").fetchone() == (0,)
    postgres.drop(database.name)


def build(database: LogDatabase, log: Log, model: ReadModel, schema: str, batch_events: int) -> None:
    with psycopg.connect(database.projector, options=OPTIONS, autocommit=True) as connection, connection.transaction():
        fresh = schemas.named_schema(connection, model, schema)
    with Build(database.projector, log, {model.name: model}, [fresh]) as building:
        building.advance(log.head().position, batch_events=batch_events)


# ---------------------------------------------------------------------- which lots are ordinary


@pytest.fixture
def connection(log_database: LogDatabase) -> Iterator[Connection]:
    with psycopg.connect(log_database.admin, options=OPTIONS) as connection:
        create_tables(connection, traceability.MODEL, "trace")
        use_schema(connection, "trace")
        yield connection


NOBODY: Mapping[str, int] = {}


def left_and_taken(
    connection: Connection, database: LogDatabase, *events: Event, before: int = 0, named: Mapping[str, int] = NOBODY
) -> tuple[Sequence[int], list[str], list[str]]:
    """Record events; fold so many `before`, take the rest in bulk.

    Positions of lots that need care, lots that are ordinary, and those among them that come late.
    """
    with Log(database.writer) as log:
        record(log, said(*events))
        recorded = log.read(0, 100)
    db = Db(connection)
    lineage = LineageFold(t.LINEAGE, db, recorded[:before])
    for one in recorded[:before]:
        lineage.apply(one)
    lineage.write()
    batch = recorded[before:]
    collected = plain([unopened(one) for one in batch if isinstance(one.event, LotCollected)])
    others = [one for one in batch if not isinstance(one.event, LotCollected)]
    ordinary, _, odd, late = take_ordinary(t.LINEAGE, db, list(collected), others, named)
    names = [lot["lot"] for _, lot, _ in ordinary]
    stored = db.rows("SELECT lot FROM trace_lots WHERE first_position > %s ORDER BY first_position", [before])
    assert [lot for (lot,) in stored] == names
    return odd, names, sorted(one.lot for one in late)


def lot(name: str) -> LotCollected:
    return make.lot_collected(lot=name)


def pooled(*names: str, into: str = "pool") -> Event:
    return make.lots_pooled(lot=into, inputs=tuple(make.lot_input(lot=name) for name in names))


def test_a_lot_that_something_of_its_batch_made_too_is_not_ordinary(
    connection: Connection, log_database: LogDatabase
) -> None:
    events = (lot("a"), pooled("a", into="b"), lot("b"), lot("c"), pooled("a", into="c"))

    assert left_and_taken(connection, log_database, *events) == ([3, 4], ["a"], [])


def test_a_lot_is_late_when_a_step_of_its_batch_took_it_before(
    connection: Connection, log_database: LogDatabase
) -> None:
    events = (lot("a"), pooled("a", "c", "b"), lot("b"), lot("c"))

    assert left_and_taken(connection, log_database, *events) == ([], ["a", "b", "c"], ["b", "c"])


def test_a_lot_is_late_behind_a_step_whose_waiting_correction_takes_it(
    connection: Connection, log_database: LogDatabase
) -> None:
    correction = make.batch_inputs_corrected(lot="pool", corrects=str(identity(2)), inputs=(make.lot_input(lot="c"),))
    events = (correction, pooled("a"), lot("b"), lot("c"))

    assert left_and_taken(connection, log_database, *events, before=1) == ([], ["b", "c"], ["c"])


def test_a_lot_reported_twice_is_not_ordinary(connection: Connection, log_database: LogDatabase) -> None:
    assert left_and_taken(connection, log_database, lot("a"), lot("b"), lot("a")) == ([1, 3], ["b"], [])


def test_a_lot_that_was_made_or_taken_in_an_earlier_batch_is_not_ordinary(
    connection: Connection, log_database: LogDatabase
) -> None:
    events = (lot("a"), pooled("b"), lot("a"), lot("b"), lot("c"))

    assert left_and_taken(connection, log_database, *events, before=2) == ([3, 4], ["c"], [])


@pytest.mark.parametrize("before", [0, 1])
def test_a_lot_with_a_correction_is_not_ordinary(
    connection: Connection, log_database: LogDatabase, before: int
) -> None:
    """Whether the correction came before the batch, or comes within it before or after the report."""
    events = (
        make.lot_corrected(lot="other", corrects=str(identity(2))),
        lot("a"),
        lot("b"),
        make.lot_corrected(lot="other", corrects=str(identity(3))),
        lot("c"),
    )

    assert left_and_taken(connection, log_database, *events, before=before) == ([2, 3], ["c"], [])


def test_a_caller_sees_lots_come_that_it_named_before(connection: Connection, log_database: LogDatabase) -> None:
    events = (lot("a"), lot("b"), lot("c"))

    assert left_and_taken(connection, log_database, *events, named={"a": 2, "b": 1, "z": 1}) == ([2], ["a", "c"], [])
