"""The past of one lot, folded from what bears on it, is what a fold of the whole log says of it."""

from collections.abc import Iterator, Sequence
from contextlib import contextmanager
from datetime import date
from typing import Any
from uuid import uuid4

import psycopg
import pytest
from hypothesis import HealthCheck, given, settings
from hypothesis import strategies as st

from events.appends import Append
from events.catalogue.base import Event, Recorded
from events.catalogue.committee import RecallRoot
from events.store import Log
from projections import inventory, past_of_lot, traceability
from projections import traceability_queries as lots
from projections.base import Connection, Db, create_tables, use_schema
from projections.inventory_queries import stock_of_batch
from projections.past_of_lot import FoldTheWhole, turn_back
from projections.runner import Projector
from projections.schemas import OPTIONS
from projections.traceability_trace import trace
from projections.whereabouts import forward
from services.read_models import READ_MODELS
from tests import make
from tests.histories import BEGUN, LOTS, Said, facts, whole
from tests.servers import LogDatabase, PostgresServer

MODELS = (inventory.MODEL, traceability.MODEL)
READER = "-c timezone=UTC -c search_path=inventory,traceability,income -c default_transaction_read_only=on"


def answers(db: Db, lot_or_code: str) -> dict[str, Any] | None:
    """Everything that is asked about one lot."""
    lot = lots.lot_of(db, lot_or_code)
    if lot is None:
        return None
    return {
        "made": lots.lot_row(db, lot),
        "batch": lots.batch_of(db, lot),
        "villages": lots.villages_of(db, lot),
        "balance": lots.balance(db, lot),
        "stock": stock_of_batch(db.connection, lot),
        "movements": lots.movements_of(db, [lot]),
        "trace": trace(db, lot_or_code, on=date(2014, 6, 1), with_producers=True),
        "forward": forward(db, lot),
    }


@contextmanager
def recorded(postgres: PostgresServer, template: str, said: Sequence[Recorded[Event]]) -> Iterator[LogDatabase]:
    """A database of its own with these events in the log and in the served tables."""
    database = LogDatabase(postgres, "ovop_past_of_lot")
    postgres.drop(database.name)
    postgres.create(database.name, template)
    with Log(database.writer) as log:
        log.append(
            [
                Append(one.event_id, bytes(32), one.stream, None, one.actor, one.occurred_at, (one.event,))
                for one in said
            ]
        )
        projector = Projector(database.projector, log, READ_MODELS)
        projector.prepare()
        projector.drain()
        projector.close()
    yield database


def as_of(connection: Connection, lot_or_code: str, position: int) -> dict[str, Any] | None:
    """What a reader is told that looks back."""
    with connection.transaction(force_rollback=True):
        connection.execute("SET TRANSACTION READ WRITE")
        turn_back(connection, lot_or_code, position)
        return answers(Db(connection), lot_or_code)


@pytest.mark.slow
@settings(max_examples=10, deadline=None, suppress_health_check=list(HealthCheck))
@given(said=facts(), data=st.data())
def test_the_past_of_a_lot_is_what_a_fold_of_the_whole_log_says_of_it(
    postgres: PostgresServer, migrated_template: str, said: list[Said], data: st.DataObject
) -> None:
    log = whole(said)
    positions = data.draw(st.lists(st.integers(0, len(log)), min_size=1, max_size=2, unique=True))
    asked = data.draw(st.lists(st.sampled_from(LOTS), min_size=3, max_size=5, unique=True))
    with (
        recorded(postgres, migrated_template, log) as database,
        psycopg.connect(database.reader, options=READER, autocommit=True) as reader,
        psycopg.connect(database.projector, options=OPTIONS, autocommit=True) as projector,
        Log(database.writer) as stored,
    ):
        events = stored.read(0, len(log))
        for position in positions:
            for model in MODELS:
                create_tables(projector, model, f"whole_{position}_{model.name}")
                if taken := [one for one in events[:position] if type(one.event) in model.takes]:
                    model.fold(taken, Db(projector))
            use_schema(projector, *(f"whole_{position}_{model.name}" for model in MODELS))
            for lot in (*asked, "no-such-lot"):
                assert as_of(reader, lot, position) == answers(Db(projector), lot), (lot, position)


@pytest.mark.parametrize("sale", ["sale-1", None])
def test_a_return_that_was_reported_again_had_come_back_once(
    postgres: PostgresServer, migrated_template: str, sale: str | None
) -> None:
    back = make.goods_returned(sale=sale, lines=(make.return_line(line=None, batch="lot-apricots-1"),))
    sold = make.sale_made(lines=(make.sale_line(batch="lot-apricots-1"),))
    packed = make.batch_packed(lot="lot-apricots-1")
    log = whole([Said(event, uuid4(), BEGUN) for event in (make.lot_collected(), packed, sold, back, back)])
    with (
        recorded(postgres, migrated_template, log) as database,
        psycopg.connect(database.reader, options=READER, autocommit=True) as reader,
    ):
        now = answers(Db(reader), "lot-apricots-1")
        assert now is not None
        assert sum(row.returned for row in now["stock"][0]) == 1
        for position in (len(log) - 1, len(log)):
            assert as_of(reader, "lot-apricots-1", position) == now


def test_a_recall_that_a_correction_came_after_had_reached_the_lot_all_the_same(
    postgres: PostgresServer, migrated_template: str
) -> None:
    made, glass = uuid4(), RecallRoot(kind="lot", id="lot-beets-1")
    said = [
        Said(make.lots_pooled(lot="lot-sugar-1", inputs=(make.lot_input(lot="lot-beets-1"),)), uuid4(), BEGUN),
        Said(make.batch_produced(), made, BEGUN),
        Said(make.recall_started(roots=(glass,)), uuid4(), BEGUN),
        Said(make.batch_inputs_corrected(corrects=str(made), inputs=(make.lot_input(),)), uuid4(), BEGUN),
    ]
    log = whole(said)
    with (
        recorded(postgres, migrated_template, log) as database,
        psycopg.connect(database.reader, options=READER, autocommit=True) as reader,
    ):
        for lot, reached in (("batch-jam-1", ["recall-1"]), ("lot-sugar-1", ["recall-1"]), ("lot-apricots-1", [])):
            now = answers(Db(reader), lot)
            assert now is not None
            assert [recall.recall for recall in now["trace"].recalls] == reached
            assert as_of(reader, lot, len(log)) == now


def test_a_reader_that_looked_back_sees_the_present_again_and_leaves_nothing_behind(
    postgres: PostgresServer, migrated_template: str
) -> None:
    log = whole(
        [Said(make.lot_collected(), uuid4(), BEGUN), Said(make.batch_packed(lot="lot-apricots-1"), uuid4(), BEGUN)]
    )
    with (
        recorded(postgres, migrated_template, log) as database,
        psycopg.connect(database.reader, options=READER, autocommit=True) as reader,
    ):
        then = as_of(reader, "lot-apricots-1", len(log) - 1)
        now = answers(Db(reader), "lot-apricots-1")
        assert then is not None
        assert now is not None
        assert (then["batch"], then["made"]) == (None, now["made"])
        assert now["batch"].code == make.batch_packed().code
        assert reader.execute("SELECT count(*) FROM pg_class WHERE relpersistence = 't'").fetchone() == (0,)


def test_a_lot_of_too_many_events_is_left_to_a_fold_of_the_whole(
    postgres: PostgresServer, migrated_template: str, monkeypatch: pytest.MonkeyPatch
) -> None:
    monkeypatch.setattr(past_of_lot, "EVENTS_MAX", 2)
    tested = [Said(make.lot_tested(lot="lot-apricots-1"), uuid4(), BEGUN) for _ in range(2)]
    log = whole([Said(make.lot_collected(), uuid4(), BEGUN), *tested])
    with (
        recorded(postgres, migrated_template, log) as database,
        psycopg.connect(database.reader, options=READER, autocommit=True) as reader,
        pytest.raises(FoldTheWhole),
    ):
        as_of(reader, "lot-apricots-1", len(log))
