"""Rebuilding beside what is served, comparing, switching, going back; and looking at the past."""

import threading
from collections.abc import Iterator
from dataclasses import replace
from typing import Any

import psycopg
import pytest
import sqlalchemy as sa
from hypothesis import HealthCheck, given, settings
from hypothesis import strategies as st

from events.store import Append, Log
from projections.base import ReadModel
from projections.rebuild import NothingToSwitchBackTo, RebuildDiffers, rebuild, switch_back
from projections.runner import Projector
from projections.schemas import serving
from projections.scratch import SCRATCH_POSITIONS_MAX, scratch
from services.read_models import READ_MODELS
from tests import toys
from tests.histories import Said, facts, whole
from tests.servers import LogDatabase, PostgresServer
from tests.toys import cash_moved, record


@pytest.fixture
def log(log_database: LogDatabase) -> Iterator[Log]:
    with Log(log_database.writer) as opened:
        yield opened


def served_up_to_now(database: LogDatabase, log: Log, model: ReadModel = toys.MODEL) -> None:
    ours = Projector(database.projector, log, [model])
    ours.prepare()
    ours.drain()
    ours.close()


def shown(database: LogDatabase) -> list[tuple[int, int]]:
    with psycopg.connect(database.reader) as connection:
        return connection.execute("SELECT position, tyiyn FROM toy.toy_moves ORDER BY position").fetchall()


def schema_served(database: LogDatabase) -> str:
    with psycopg.connect(database.reader) as connection:
        return serving(connection)["toy"].schema


def schemas_of(database: LogDatabase) -> list[str]:
    with psycopg.connect(database.admin) as connection:
        rows = connection.execute("SELECT nspname FROM pg_namespace WHERE nspname LIKE 'toy_%' ORDER BY 1").fetchall()
        return [name for (name,) in rows]


def spoil(database: LogDatabase, schema: str) -> None:
    with psycopg.connect(database.projector) as connection:
        connection.execute(f"UPDATE {schema}.toy_moves SET tyiyn = tyiyn + 1 WHERE position = 1")


def test_a_rebuild_that_says_the_same_is_switched_to_and_can_be_gone_back_from(
    log_database: LogDatabase, log: Log
) -> None:
    record(log, *(cash_moved(f"s-{n}", n) for n in range(1, 30)))
    served_up_to_now(log_database, log)
    steps: list[tuple[int, int]] = []

    (done,) = rebuild(log_database.projector, log, [toys.MODEL], lambda at, of: steps.append((at, of)))

    assert (done.schema, done.replaced, done.position, done.was_compared) == ("toy_2", "toy_1", 29, True)
    assert schema_served(log_database) == "toy_2"
    assert steps[-1] == (29, 29)
    assert shown(log_database) == [(n, n) for n in range(1, 30)]

    record(log, cash_moved("s-1", 30))
    assert switch_back(log_database.projector, toys.MODEL) == "toy_1"
    served_up_to_now(log_database, log)
    assert shown(log_database) == [(n, n) for n in range(1, 31)]


def test_a_rebuild_that_differs_is_not_shown_and_says_where_it_differs(log_database: LogDatabase, log: Log) -> None:
    record(log, cash_moved("s-1", 1), cash_moved("s-2", 2))
    served_up_to_now(log_database, log)
    spoil(log_database, "toy_1")

    with pytest.raises(RebuildDiffers) as caught:
        rebuild(log_database.projector, log, [toys.MODEL])

    assert caught.value.tables == ("toy_moves",)
    assert schema_served(log_database) == "toy_1"

    (done,) = rebuild(log_database.projector, log, [toys.MODEL], switch_even_if_different=True)
    assert done.differs_in == ("toy_moves",)
    assert shown(log_database) == [(1, 1), (2, 2)]
    assert schemas_of(log_database) == ["toy_1", "toy_2"]  # what the failed attempt left made room


def test_a_rebuild_parks_what_live_folding_parked(log_database: LogDatabase, log: Log) -> None:
    amounts = [1, toys.POISON_TYIYN, 3, 4, 5, 6]
    record(log, *(cash_moved(f"s-{at % 2}", tyiyn) for at, tyiyn in enumerate(amounts)))
    served_up_to_now(log_database, log)

    (done,) = rebuild(log_database.projector, log, [toys.MODEL])

    assert done.was_compared
    assert not done.differs_in
    assert shown(log_database) == [(1, 1), (3, 3), (5, 5)]


def test_rows_that_the_database_refuses_after_the_fold_went_on_are_parked_too(
    log_database: LogDatabase, log: Log
) -> None:
    record(log, *(cash_moved(f"s-{n}", n) for n in range(1, 13)))
    tables = sa.MetaData()
    for table in toys.TABLES.tables.values():
        table.to_metadata(tables)
    tables.tables["toy_moves"].append_constraint(sa.CheckConstraint("tyiyn <> 5"))
    picky = replace(toys.MODEL, tables=tables)

    with scratch(log_database.projector, log, [picky], 12) as connection:
        rows = connection.execute("SELECT tyiyn FROM toy_moves ORDER BY 1").fetchall()
        parked = connection.execute("SELECT position FROM projection.parked").fetchall()

    assert [tyiyn for (tyiyn,) in rows] == [1, 2, 3, 4, 6, 7, 8, 9, 10, 11, 12]
    assert parked == [(5,)]


def test_a_projector_works_on_while_its_model_is_rebuilt(log_database: LogDatabase, log: Log) -> None:
    record(log, *(cash_moved(f"s-{n % 7}", n) for n in range(1, 400)))
    served_up_to_now(log_database, log)
    stop = threading.Event()

    def go_on() -> None:
        number = 399
        live = Projector(log_database.projector, log, [toys.MODEL])
        while not stop.is_set():
            number += 1
            record(log, cash_moved(f"s-{number % 7}", number))
            live.drain()
        live.drain()
        live.close()

    thread = threading.Thread(target=go_on)
    thread.start()
    try:
        for _ in range(3):
            (done,) = rebuild(log_database.projector, log, [toys.MODEL])
            assert done.was_compared
            assert not done.differs_in
    finally:
        stop.set()
        thread.join()

    served_up_to_now(log_database, log)
    head = log.head().position
    assert shown(log_database) == [(n, n) for n in range(1, head + 1)]
    assert schema_served(log_database) == "toy_4"


def test_a_new_version_is_built_beside_the_old_one_and_then_served(log_database: LogDatabase, log: Log) -> None:
    record(log, cash_moved("s-1", 1))
    served_up_to_now(log_database, log)
    record(log, cash_moved("s-1", 2))
    newer = replace(toys.MODEL, version=2)

    (done,) = rebuild(log_database.projector, log, [newer])

    assert not done.was_compared
    assert shown(log_database) == [(1, 1), (2, 2)]
    with pytest.raises(NothingToSwitchBackTo):
        switch_back(log_database.projector, newer)


def test_a_look_back_shows_the_tables_as_of_a_position_and_keeps_the_last_few(
    log_database: LogDatabase, log: Log
) -> None:
    record(log, *(cash_moved("s-1", n) for n in range(1, 11)))

    for position in (3, 5, 7, 9, 5):
        with scratch(log_database.projector, log, [toys.MODEL], position) as connection:
            rows = connection.execute("SELECT count(*), max(position) FROM toy_moves").fetchone()
            assert rows == (position, position)
    with scratch(log_database.projector, log, [toys.MODEL], 4) as connection:
        kept = connection.execute("SELECT position FROM projection.scratch ORDER BY position").fetchall()

    assert len(kept) == SCRATCH_POSITIONS_MAX
    assert [position for (position,) in kept] == [4, 5, 9]


@settings(max_examples=8, deadline=None, suppress_health_check=list(HealthCheck))
@given(said=facts(), chance=st.randoms(use_true_random=False))
def test_live_is_rebuilt_whatever_became_of_the_notifications(
    postgres: PostgresServer, migrated_template: str, said: list[Said], chance: Any
) -> None:
    """News comes late, twice, out of order or not at all; a projector ends in between; then all models are rebuilt."""
    database = LogDatabase(postgres, "ovop_notified")
    postgres.drop(database.name)
    postgres.create(database.name, migrated_template)
    with Log(database.writer) as opened:
        live = Projector(database.projector, opened, READ_MODELS, batch_events=chance.choice((1, 3, 50)))
        live.prepare()
        news: list[int] = []
        for one in whole(said):
            request = Append(one.event_id, bytes(32), one.stream, None, one.actor, one.occurred_at, (one.event,))
            opened.append([request])
            news += [one.position] * chance.choice((0, 1, 1, 2))
            chance.shuffle(news)
            if news and chance.random() < 0.4:
                news.pop()
                live.drain()
            if chance.random() < 0.05:
                live.close()
        live.drain()
        live.close()

        done = rebuild(database.projector, opened, READ_MODELS)

    assert all(model.was_compared and not model.differs_in for model in done)
    postgres.drop(database.name)
