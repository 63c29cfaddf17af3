"""Traceability against slow, obvious recomputation, over random reports in random order."""

from collections.abc import Iterator, Sequence
from datetime import date
from itertools import pairwise
from typing import Any

import psycopg
import pytest
from hypothesis import HealthCheck, given, settings
from hypothesis import strategies as st

from events.catalogue.base import Event, Recorded
from events.catalogue.committee import RecallRoot
from events.catalogue.production import ByProduct
from projections import income, inventory, traceability
from projections.base import Connection, Db, ReadModel, create_tables, use_schema
from projections.digest import differing, digests
from projections.lineage import ALL_UNKNOWN, Part, Shares, all_of, blend
from projections.schemas import OPTIONS
from projections.statements import Row
from projections.traceability_identities import a4_lots_balance, a4_origins_are_whole
from projections.traceability_queries import lots_above, lots_below
from projections.traceability_trace import certificate_on, recall_reach, recalls_reaching, trace
from projections.whereabouts import forward
from tests import make
from tests.books import History
from tests.histories import LOTS, Said, cuts, facts, whole
from tests.servers import LogDatabase

MODELS = (inventory.MODEL, traceability.MODEL, income.MODEL)
#: A database is shared by all examples of a test, and emptied before each.
RANDOM_LOGS = settings(
    max_examples=40, deadline=None, suppress_health_check=[HealthCheck.function_scoped_fixture, HealthCheck.too_slow]
)


@pytest.fixture(scope="module")
def connection(module_log_database: LogDatabase) -> Iterator[Connection]:
    with psycopg.connect(module_log_database.admin, options=OPTIONS, autocommit=True) as connection:
        for model in MODELS:
            for way in ("one", "other"):
                create_tables(connection, model, f"{way}_{model.name}")
        yield connection


def fold(
    connection: Connection,
    model: ReadModel,
    log: Sequence[Recorded[Event]],
    cut_at: Sequence[int] = (),
    way: str = "one",
) -> str:
    """Fold a log, cut into batches, into emptied tables; their schema."""
    schema = f"{way}_{model.name}"
    use_schema(connection, schema)
    connection.execute("; ".join(f"DELETE FROM {name}" for name in model.tables.tables).encode(), prepare=False)
    edges = sorted({0, len(log), *(cut for cut in cut_at if cut < len(log))})
    for start, end in pairwise(edges):
        taken = [one for one in log[start:end] if type(one.event) in model.takes]
        if taken:
            with connection.transaction():
                model.fold(taken, Db(connection))
    return schema


def rows(connection: Connection, query: str) -> list[Row]:
    return sorted(connection.execute(query.encode()).fetchall(), key=repr)


# ---------------------------------------------------------------------- any cut, any order


@pytest.mark.parametrize("model", MODELS, ids=lambda model: model.name)
@RANDOM_LOGS
@given(st.data())
def test_any_cut_of_the_log_into_batches_gives_the_same_tables(
    connection: Connection, model: ReadModel, data: st.DataObject
) -> None:
    log = whole(data.draw(facts()))
    one = fold(connection, model, log, range(len(log)))
    other = fold(connection, model, log, data.draw(cuts(len(log))), way="other")

    assert differing(digests(connection, model, one), digests(connection, model, other)) == []


def test_what_steps_took_of_many_lots_is_added_as_what_they_took_of_a_few(connection: Connection) -> None:
    history = History().add(
        *(
            make.lots_pooled(
                lot=f"pool-{step}",
                inputs=tuple(make.lot_input(lot=f"lot-{at}", mass_g=at + 1, pieces=step) for at in range(150 * step)),
            )
            for step in (1, 2)
        ),
        make.lot_collected(lot="lot-7"),
    )
    one = fold(connection, traceability.MODEL, history.recorded, range(3))
    other = fold(connection, traceability.MODEL, history.recorded, way="other")

    assert differing(digests(connection, traceability.MODEL, one), digests(connection, traceability.MODEL, other)) == []
    assert connection.execute(
        "SELECT consumed_g, consumed_pieces, on_hand_pieces FROM trace_balances WHERE lot = 'lot-9'"
    ).fetchall() == [(20, 3, -3)]
    assert a4_lots_balance(connection) == []


#: A lot that only a report named or made which was corrected since leaves an empty row behind, or none.
WHAT_FACTS_SAY = {
    "lots": "SELECT lot, is_known, kind, producer, supplier, maker, product, mass_g, pieces, occurred_at"
    " FROM trace_lots WHERE is_known OR lot IN (SELECT input FROM trace_edges)",
    "edges": "SELECT output, input, event, mass_g, pieces, bears_origin, is_main FROM trace_edges",
    # A by-product that a correction took away was stated once: its origin is unknown, as that of any lot not stated.
    "shares": "SELECT lot, producers, ppm FROM trace_lots WHERE is_known",
    "balances": "SELECT * FROM trace_balances WHERE made_g + made_pieces + consumed_g + consumed_pieces + packed_g"
    " + destroyed_g + sampled_g > 0",
    "packings": "SELECT batch, event, code, units FROM trace_packings",
}


@RANDOM_LOGS
@given(facts(trade=False), st.randoms(use_true_random=False))
def test_the_same_facts_in_another_order_give_the_same_lineage(
    connection: Connection, said: list[Said], chance: Any
) -> None:
    fold(connection, traceability.MODEL, whole(said))
    if rows(connection, "SELECT 1 FROM trace_edges WHERE closes_cycle"):
        return  # of the edges of a cycle the one reported last is not followed, so the order matters
    first = {name: rows(connection, query) for name, query in WHAT_FACTS_SAY.items()}

    chance.shuffle(said)
    fold(connection, traceability.MODEL, whole(said))

    if rows(connection, "SELECT 1 FROM trace_edges WHERE closes_cycle"):
        return  # a cycle that a correction removed in the first order
    assert {name: rows(connection, query) for name, query in WHAT_FACTS_SAY.items()} == first


@pytest.mark.parametrize("is_named_before", [False, True])
def test_what_a_step_kept_that_took_nothing_is_made_whether_or_not_its_lot_was_named_before(
    connection: Connection, is_named_before: bool
) -> None:
    """For instance of a lot from before the records began, whose peel is kept."""
    made = make.batch_produced(lot="b-1", inputs=(), by_products=(ByProduct(lot="b-2", material="peel", mass_g=300),))
    taken = make.lots_pooled(lot="b-3", inputs=(make.lot_input(lot="b-1"),))
    facts = (taken, made) if is_named_before else (made, taken)
    fold(connection, traceability.MODEL, History().add(*facts).recorded)
    assert rows(connection, "SELECT lot, mass_g FROM trace_lots WHERE lot = 'b-2' AND is_known") == [("b-2", 300)]


# ---------------------------------------------------------------------- an oracle


def slow_shares(connection: Connection) -> dict[str, Shares]:
    """The shares of every lot, computed from its makings and edges by recursion."""
    makings = connection.execute(
        "SELECT lot, event, kind, producer, basis, mass_g, pieces FROM trace_makings UNION ALL"
        " SELECT lot, event, kind, producer, 'mass', mass_g, pieces FROM trace_lots WHERE event IS NOT NULL"
    ).fetchall()
    edges = connection.execute(
        "SELECT output, event, input, mass_g, pieces, closes_cycle FROM trace_edges WHERE bears_origin"
    ).fetchall()
    known: dict[str, Shares] = {}

    def shares(lot: str) -> Shares:
        if lot not in known:
            parts = [Part(row[5], row[6], one_making(row)) for row in makings if row[0] == lot]
            known[lot] = ALL_UNKNOWN if not parts else parts[0].shares if len(parts) == 1 else blend(parts)
        return known[lot]

    def one_making(making: Row) -> Shares:
        lot, event, kind, producer, basis, _, _ = making
        if kind == "material":
            return ALL_UNKNOWN
        parts = [
            Part(mass_g, pieces, ALL_UNKNOWN if closes else shares(given_lot))
            for output, of, given_lot, mass_g, pieces, closes in edges
            if output == lot and of == event
        ]
        if parts:
            return blend(parts, "pieces" if basis == "pieces" else "mass")
        return all_of(producer) if producer else ALL_UNKNOWN

    return {row[0]: shares(row[0]) for row in makings}


@RANDOM_LOGS
@given(facts(trade=False))
def test_shares_and_balances_are_those_of_a_recomputation_from_nothing(
    connection: Connection, said: list[Said]
) -> None:
    fold(connection, traceability.MODEL, whole(said), range(0, 99, 3))

    stored = {
        lot: Shares(tuple(producers), tuple(ppm))
        for lot, producers, ppm in connection.execute(
            "SELECT lot, producers, ppm FROM trace_lots WHERE producers <> '{}'"
        )
    }
    slow = slow_shares(connection)
    assert {lot: stored[lot] for lot in slow} == slow
    assert a4_lots_balance(connection) == []
    assert a4_origins_are_whole(connection) == []


@settings(RANDOM_LOGS, max_examples=15)
@given(facts(trade=False, facts_max=9))
def test_a_value_is_computed_at_the_latest_of_its_event_and_its_inputs_and_earlier_values_stay(
    connection: Connection, said: list[Said]
) -> None:
    log = whole(said)
    fold(connection, traceability.MODEL, log)
    versions = rows(
        connection,
        "SELECT lot, computed_at_position, producers, ppm FROM trace_lots WHERE computed_at_position IS NOT NULL"
        " UNION ALL SELECT lot, computed_at_position, producers, ppm FROM trace_earlier_shares",
    )
    for upto in range(len(log) - len(said), len(log) + 1):
        fold(connection, traceability.MODEL, log[:upto], way="other")
        then = {
            row[0]: row
            for row in rows(
                connection, "SELECT lot, computed_at_position, producers, ppm FROM trace_lots WHERE producers <> '{}'"
            )
        }
        for lot in {row[0] for row in versions}:
            upto_then = [row for row in versions if row[0] == lot and row[1] <= upto]
            assert then.get(lot) == max(upto_then, key=lambda row: int(row[1]), default=None)


def walk(start: str, edges: Sequence[Row], way: tuple[int, int]) -> set[str]:
    reached, waiting = {start}, [start]
    while waiting:
        lot = waiting.pop()
        for edge in edges:
            if edge[way[0]] == lot and edge[way[1]] not in reached:
                reached.add(edge[way[1]])
                waiting.append(edge[way[1]])
    return reached


@RANDOM_LOGS
@given(facts(trade=False))
def test_what_is_above_and_below_a_lot_is_what_walking_every_edge_finds(
    connection: Connection, said: list[Said]
) -> None:
    fold(connection, traceability.MODEL, whole(said))
    edges = connection.execute("SELECT input, output FROM trace_edges WHERE NOT closes_cycle").fetchall()
    db = Db(connection)

    for lot in LOTS:
        assert set(lots_below(db, [lot])) == walk(lot, edges, (0, 1))
        assert set(lots_above(db, [lot])) == walk(lot, edges, (1, 0))


# ---------------------------------------------------------------------- one small story


@pytest.fixture
def story(connection: Connection) -> Db:
    """Two villages' apricots and a supplier's sugar become jam; a late lot of apricots is corrected afterwards."""
    history = History().add(
        make.region_joined(),
        make.village_registered(),
        make.village_registered(village="barskoon", names=make.names("Barskoon")),
        make.producer_registered(),
        make.producer_registered(producer="p-002", village="barskoon"),
        make.workshop_opened(),
        make.outlet_opened(),
        make.product_defined(),
        make.lot_collected(mass_g=30_000),
        make.material_received(),
        make.batch_produced(
            inputs=(
                make.lot_input(lot="lot-apricots-1", mass_g=30_000),
                make.lot_input(lot="lot-apricots-2", mass_g=10_000),
                make.lot_input(lot="lot-sugar-1", mass_g=16_000, bears_origin=False),
            )
        ),
        make.batch_packed(),
        make.stock_shipped(),
        make.stock_received(),
        make.sale_made(),
    )
    use_schema(connection, "one_traceability")
    for model in (inventory.MODEL, traceability.MODEL):
        fold(connection, model, history.recorded)
    use_schema(connection, "one_traceability", "one_inventory")
    return Db(connection)


def test_a_jar_is_traced_to_its_villages_and_the_unknown_part_is_said(story: Db) -> None:
    found = trace(story, "4t7qx9ba", on=date(2016, 3, 11))

    assert found is not None
    assert [(part.village, part.ppm) for part in found.villages] == [("tosor", 750_000), ("unknown", 250_000)]
    assert found.maker == "workshop/tosor-jam"
    assert found.certificate.standing == "not_certified"
    assert [(step.kind, step.lots) for step in found.ancestry] == [("collected", 1), ("material", 1), ("not_known", 1)]
    assert [move.kind for move in found.movements] == ["shipped", "arrived"]
    assert found.places["outlet/karakol"].names.en == "Karakol shop"


def test_of_a_batch_that_nobody_reported_the_packing_says_what_and_where(connection: Connection) -> None:
    packed = make.batch_packed(packed_at="workshop/packers")
    history = History().add(make.village_registered(), make.workshop_opened(workshop="packers"), make.product_defined())
    fold(connection, traceability.MODEL, history.add(packed).recorded)
    found = trace(Db(connection), packed.code, on=date(2016, 3, 11))
    assert found is not None
    assert found.product is not None
    assert (found.lot.product, found.product.product) == (None, packed.product)
    assert found.places.keys() == {"workshop/packers"}


def test_forward_from_sugar_finds_the_jars_and_where_they_are(story: Db) -> None:
    found = forward(story, "lot-sugar-1")

    assert found.batches == ("batch-jam-1",)
    assert {place.place for place in found.places} == {"workshop/tosor-jam", "outlet/karakol"}
    assert found.sold == 2


def test_a_code_that_nobody_printed_is_no_trace(story: Db) -> None:
    assert trace(story, "ZZZZZZZZ", on=date(2016, 3, 11)) is None


@pytest.mark.parametrize(
    ("kind", "root"),
    [("lot", "lot-apricots-1"), ("material", "lot-sugar-1"), ("supplier", "kant-sugar"), ("step", "batch-jam-1")],
)
def test_a_recall_reaches_the_jar_from_any_kind_of_root(
    connection: Connection, story: Db, kind: str, root: str
) -> None:
    history = History().add(make.recall_started(roots=(RecallRoot(kind=kind, id=root),)))  # type: ignore[arg-type]
    use_schema(connection, "one_traceability")
    traceability.MODEL.fold(history.recorded, story)

    assert "batch-jam-1" in recall_reach(story, "recall-1")
    assert [recall.recall for recall in recalls_reaching(story, "batch-jam-1")] == ["recall-1"]
    assert recalls_reaching(story, "lot-nobody-knows") == []


def test_a_certificate_counts_from_its_first_day_until_it_is_taken_away(connection: Connection, story: Db) -> None:
    history = History().add(
        make.product_submitted(),
        make.product_certified(valid_from=date(2016, 1, 1), valid_until=date(2016, 12, 31)),
        make.certificate_suspended(effective_from=date(2016, 6, 1)),
        make.certificate_reinstated(effective_from=date(2016, 7, 1)),
    )
    use_schema(connection, "one_traceability")
    traceability.MODEL.fold(history.recorded, story)

    def standing(on: date) -> str:
        return certificate_on(story, "workshop/tosor-jam", "apricot-jam-300", on).standing

    assert standing(date(2015, 12, 31)) == "not_yet_valid"
    assert standing(date(2016, 1, 1)) == "certified"
    assert standing(date(2016, 6, 15)) == "suspended"
    assert standing(date(2016, 7, 1)) == "certified"
    assert standing(date(2017, 1, 1)) == "expired"
