"""A long build that takes reports as the JSON they are makes the same inventory as folding them one by one."""

from datetime import date, timedelta
from uuid import UUID, uuid5

import pytest
from hypothesis import HealthCheck, given, settings
from hypothesis import strategies as st

from events.appends import Append, Appended
from events.catalogue.base import Event
from events.catalogue.committee import RecallRoot
from events.catalogue.values import LotInput, Tender
from events.store import Log
from projections.base import Connection, create_tables
from projections.building import Build
from projections.digest import differing, digests
from projections.folding import fold_batch, passed_over, read_batch
from projections.inventory import MODEL
from projections.schemas import named_schema
from tests import make
from tests.books import connect
from tests.make import cash
from tests.servers import LogDatabase, PostgresServer
from tests.shelf_histories import BEGUN, Noted, noted

LEFT = frozenset(event.wire_name for event in MODEL.in_bulk)


def recorded(log: Log, history: list[Noted]) -> int:
    founded = Noted(make.network_founded(clock="simulated"), history[0].occurred_at, history[0].recorded_at)
    appends = [
        Append(
            uuid5(UUID(int=3), str(number)),
            bytes(32),
            one.event.stream(),
            None,
            "user/test",
            one.occurred_at,
            (one.event,),
            recorded_at=one.recorded_at,
        )
        for number, one in enumerate([founded, *history])
    ]
    outcomes = log.append(appends)
    assert all(isinstance(outcome, Appended) for outcome in outcomes), outcomes
    return len(appends)


def folded(connection: Connection, log: Log, schema: str, size: int, left: frozenset[str]) -> None:
    """Fold the log into a schema, so many events at a time. What fails here fails the test."""
    create_tables(connection, MODEL, schema)
    after = 0
    while (batch := read_batch(log, after, size, None, passed_over([MODEL]), left)) is not None:
        with connection.transaction():
            fold_batch(connection, MODEL, schema, batch)
        after = batch.upto


def compare(database: LogDatabase, history: list[Noted], sizes: list[int]) -> None:
    """Fold a history as it is read, left unopened by so many events at a time, and as a build does it."""
    with Log(database.writer) as log, connect(database.projector) as connection:
        recorded(log, history)
        connection.commit()
        connection.autocommit = True
        folded(connection, log, "by_hand", 1_000, frozenset())
        expected = digests(connection, MODEL, "by_hand")
        for size in sizes:
            folded(connection, log, f"in_bulk_{size}", size, LEFT)
            assert differing(expected, digests(connection, MODEL, f"in_bulk_{size}")) == []
        built = named_schema(connection, MODEL, "built")
        with Build(database.projector, log, {MODEL.name: MODEL}, [built]) as build:
            build.advance(log.head().position, batch_events=sizes[0])
        assert differing(expected, digests(connection, MODEL, "built")) == []


SALE = make.sale_made(lines=(make.sale_line(batch="batch-honey-1", unit_price_tyiyn=25_000),), tenders=(cash(50_000),))
SHELF = (make.outlet_opened(), make.price_set())
HONEY = make.lot_collected(lot="batch-honey-1")
TAKEN_AWAY = make.certificate_suspended(maker="producer/p-001", product="apricot", effective_from=date(2016, 2, 1))
DEARER = make.price_set(unit_price_tyiyn=25_000, effective_from=date(2016, 2, 1))
SALE_TWO = SALE.model_copy(update={"sale": "sale-two", "till_counter": SALE.till_counter + 1})
BEGINS = make.shift_opened(shift=SALE.shift, outlet=SALE.outlet, till=SALE.till)
ENDS = make.shift_closed(shift=SALE.shift, outlet=SALE.outlet, till=SALE.till, till_counter=SALE.till_counter + 1)
RECALLED = make.recall_started(roots=(RecallRoot(kind="lot", id="batch-honey-1"),))
CUSTARD = make.batch_packed(lot="batch-honey-1", product="apricot")
PAID_BY_CARD = SALE.model_copy(update={"tenders": (Tender(kind="card", amount_tyiyn=50_000),)})
NO_BATCH = SALE_TWO.model_copy(update={"lines": (SALE.lines[0].model_copy(update={"batch": None}),)})
COUNTED = make.stock_counted(lines=(make.stock_counted().lines[0].model_copy(update={"batch": "batch-honey-1"}),))


@pytest.mark.parametrize(
    "events",
    [
        pytest.param((*SHELF, SALE, DEARER), id="a price that was set after the receipt"),
        pytest.param((*SHELF, DEARER, SALE), id="a price that was set before it"),
        pytest.param((SALE, *SHELF), id="a shop that was opened after it"),
        pytest.param((HONEY, TAKEN_AWAY, SALE), id="a certificate that was taken away before it"),
        pytest.param((HONEY, SALE, TAKEN_AWAY), id="a certificate that was taken away after it"),
        pytest.param((TAKEN_AWAY, SALE, HONEY), id="a lot that came after it"),
        pytest.param((make.sale_voided(), SALE), id="a receipt after its void"),
        pytest.param((make.sale_voided(), COUNTED, SALE), id="a count between a void and its receipt"),
        pytest.param((SALE, COUNTED, make.sale_voided()), id="a count between a receipt and its void"),
        pytest.param((COUNTED, SALE), id="a receipt after a count"),
        pytest.param((make.goods_returned(), COUNTED, SALE), id="a count between a return and its receipt"),
        pytest.param((SALE, make.goods_returned()), id="a return after its receipt"),
        pytest.param((SALE, SALE), id="a receipt that is told twice, with its counter"),
        pytest.param((BEGINS, SALE, BEGINS, ENDS, ENDS), id="a shift that begins twice and ends twice"),
        pytest.param((ENDS, SALE), id="a receipt after the end of its shift"),
        pytest.param((SALE, HONEY, RECALLED, SALE_TWO), id="a recall between two receipts"),
        pytest.param((make.lot_tested(lot="batch-honey-1", sample_mass_g=5), HONEY), id="a sample before its lot"),
        pytest.param((HONEY, HONEY), id="a lot that is told twice"),
        pytest.param((HONEY, make.lot_corrected(lot="batch-honey-1", mass_g=7)), id="a correction after its lot"),
        pytest.param((CUSTARD, TAKEN_AWAY, SALE), id="a lot that was packed as something else"),
        pytest.param((*SHELF, SALE, DEARER, SALE_TWO), id="a price that was set between two receipts"),
        pytest.param((TAKEN_AWAY, HONEY, SALE), id="a certificate that was taken away before the lot"),
        pytest.param((make.sale_made(tenders=(cash(1),)),), id="a sum that differs"),
        pytest.param((PAID_BY_CARD, NO_BATCH), id="no cash, and no batch"),
        pytest.param(
            (SALE, make.shipment_cancelled(), make.stock_shipped(), SALE_TWO), id="a consignment that is back"
        ),
    ],
)
def test_what_comes_before_and_what_after_counts_in_bulk_too(
    log_database: LogDatabase, events: tuple[Event, ...]
) -> None:
    history = [
        Noted(event, BEGUN + timedelta(hours=at), BEGUN + timedelta(hours=at)) for at, event in enumerate(events)
    ]
    compare(log_database, history, [1_000, 2])


def test_what_a_correction_took_back_carries_no_later_recall_wherever_a_batch_ends(log_database: LogDatabase) -> None:
    events = (
        make.batch_produced(inputs=(LotInput(lot="lot-1", mass_g=9),)),
        make.batch_inputs_corrected(inputs=(LotInput(lot="lot-2", mass_g=9),)),
        make.recall_started(roots=(RecallRoot(kind="lot", id="lot-1"),)),
    )
    history = [
        Noted(event, BEGUN + timedelta(hours=at), BEGUN + timedelta(hours=at)) for at, event in enumerate(events)
    ]
    compare(log_database, history, [1_000, 1])


def test_receipts_that_claim_to_be_later_than_the_end_of_their_shift_are_found_wherever_a_batch_ends(
    log_database: LogDatabase,
) -> None:
    hours = {0: SALE, 3: SALE_TWO, 1: ENDS}
    history = [
        Noted(event, BEGUN + timedelta(hours=hour), BEGUN + timedelta(hours=4 + at))
        for at, (hour, event) in enumerate(hours.items())
    ]
    compare(log_database, history, [1_000, 2, 1])


def test_reports_that_are_late_or_ahead_are_told_apart(log_database: LogDatabase) -> None:
    lags = (
        timedelta(0),
        timedelta(hours=23),
        timedelta(days=1, seconds=1),
        -timedelta(minutes=5),
        -timedelta(minutes=6),
    )
    history = [
        Noted(
            make.lot_collected(lot=f"lot-{number}"),
            BEGUN + timedelta(hours=number) - lag,
            BEGUN + timedelta(hours=number),
        )
        for number, lag in enumerate(lags)
    ]
    compare(log_database, history, [1_000])


@settings(max_examples=10, deadline=None, suppress_health_check=list(HealthCheck))
@given(history=noted(), sizes=st.lists(st.sampled_from((1_000, 1_000, 40, 15, 4)), min_size=2, max_size=2, unique=True))
def test_what_is_taken_in_bulk_is_what_is_read(
    postgres: PostgresServer, migrated_template: str, history: list[Noted], sizes: list[int]
) -> None:
    database = LogDatabase(postgres, "ovop_in_bulk")
    postgres.drop(database.name)
    postgres.create(database.name, migrated_template)
    compare(database, history, sizes)
    postgres.drop(database.name)
