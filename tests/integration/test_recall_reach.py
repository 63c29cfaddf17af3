"""How far a recall reaches: over every edge that there was since it began, and no less when somebody corrects one."""

from collections.abc import Iterator
from uuid import UUID

import pytest
from hypothesis import HealthCheck, given, settings
from hypothesis import strategies as st

from events.catalogue.base import Event
from events.catalogue.committee import RecallRoot
from events.catalogue.production import BatchInputsCorrected
from events.catalogue.values import LotInput
from projections import inventory, traceability
from projections.base import Connection, Db
from projections.traceability_queries import movements_of
from projections.traceability_trace import recall_reach, recalls_reaching
from tests import make
from tests.books import History, Tables, connect
from tests.histories import BEGUN, LOTS, Said, facts, recorded
from tests.servers import LogDatabase
from tests.shop_histories import id_of

SUGAR = make.material_received(lot="sugar")
JAM = make.batch_produced(lot="jam", inputs=(LotInput(lot="sugar", mass_g=1, bears_origin=False),))
GIFT = make.batch_produced(lot="gift", inputs=(LotInput(lot="jam", mass_g=1),))
RECALLED = make.recall_started(roots=(RecallRoot(kind="material", id="sugar"),))


def without_sugar(corrects: int) -> Event:
    return make.batch_inputs_corrected(lot="jam", corrects=id_of(corrects), inputs=(LotInput(lot="other", mass_g=1),))


@pytest.fixture
def connection(module_log_database: LogDatabase) -> Iterator[Connection]:
    with connect(module_log_database.admin) as connection:
        yield connection
        connection.rollback()


@pytest.fixture
def trace(connection: Connection) -> Tables:
    return Tables(connection, traceability.MODEL, "trace_test")


@pytest.fixture
def stock(connection: Connection) -> Tables:
    return Tables(connection, inventory.MODEL, "inventory_test")


def reached(trace: Tables, history: History, lots: tuple[str, ...]) -> list[str]:
    """What a recall reaches, asked forwards; and asked backwards of each of these lots it is the same."""
    with trace.connection.transaction(force_rollback=True):
        db = Db(trace.fold(history).here())
        forwards = recall_reach(db, "recall-1")
        assert [lot for lot in lots if recalls_reaching(db, lot)] == [lot for lot in lots if lot in forwards]
    return forwards


def marked(stock: Tables, history: History) -> list[str]:
    """What the inventory flags as recalled."""
    with stock.connection.transaction(force_rollback=True):
        return [lot for lot, _ in stock.fold(history).rows("inventory_recalled")]


@pytest.mark.parametrize(
    ("said", "expected"),
    [
        pytest.param((SUGAR, JAM, RECALLED, without_sugar(2), GIFT), ["gift", "jam", "sugar"], id="corrected-after"),
        pytest.param((SUGAR, RECALLED, JAM, without_sugar(3), GIFT), ["gift", "jam", "sugar"], id="made-after-too"),
        pytest.param((SUGAR, JAM, without_sugar(2), RECALLED, GIFT), ["sugar"], id="corrected-before"),
        pytest.param((SUGAR, JAM, RECALLED, make.recall_closed(), without_sugar(2)), ["jam", "sugar"], id="closed"),
        pytest.param(
            (SUGAR, JAM, make.batch_produced(lot="sugar", inputs=(LotInput(lot="jam", mass_g=1),)), GIFT, RECALLED),
            ["gift", "jam", "sugar"],
            id="round-in-a-cycle",
        ),
        pytest.param(
            (
                make.batch_produced(lot="jam", inputs=(LotInput(lot="gift", mass_g=1),)),
                make.batch_produced(lot="gift", inputs=(LotInput(lot="jam", mass_g=1),)),
                SUGAR,
                make.batch_inputs_corrected(lot="jam", corrects=id_of(1), inputs=JAM.inputs),
                RECALLED,
            ),
            ["gift", "jam", "sugar"],
            id="no-cycle-any-more",
        ),
    ],
)
def test_a_recall_shrinks_only_by_a_decision(
    trace: Tables, stock: Tables, said: tuple[Event, ...], expected: list[str]
) -> None:
    history = History().add(*said)
    assert reached(trace, history, ("gift", "jam", "sugar", "other")) == expected
    assert marked(stock, history) == expected


@settings(max_examples=60, deadline=None, suppress_health_check=[HealthCheck.function_scoped_fixture])
@given(said=facts(trade=False), root=st.sampled_from(LOTS), data=st.data())
def test_the_label_and_the_shelf_are_told_of_the_same_recall(
    trace: Tables, stock: Tables, said: list[Said], root: str, data: st.DataObject
) -> None:
    """Traceability follows edges when it is asked, the inventory marks lots as they come: two ways to one reach.

    Traceability alone reaches on over an edge that was taken back before the recall came as far: more, never less.
    """
    at = data.draw(st.integers(0, len(said)))
    started = Said(make.recall_started(roots=(RecallRoot(kind="lot", id=root),)), UUID(int=8), BEGUN)
    history = History()
    history.recorded = recorded([*said[:at], started, *said[at:]])
    followed, marks = reached(trace, history, LOTS), marked(stock, history)
    assert set(marks) <= set(followed)
    if not any(isinstance(one.event, BatchInputsCorrected) for one in said[at:]):
        assert marks == followed


def test_a_shipment_that_was_cancelled_twice_is_one_movement(trace: Tables) -> None:
    trace.fold(History().add(make.stock_shipped(), make.shipment_cancelled(), make.shipment_cancelled()))
    assert [move.kind for move in movements_of(Db(trace.here()), ["batch-jam-1"])] == ["cancelled"]
