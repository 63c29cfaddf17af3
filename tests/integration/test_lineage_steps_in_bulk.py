"""Pools and productions that a long build leaves unopened come to the same tables as those that are opened."""

from collections.abc import Iterator, Sequence
from datetime import timedelta

import pytest
from hypothesis import HealthCheck, given, settings
from hypothesis import strategies as st

from events.catalogue import production
from events.catalogue.base import Event
from events.catalogue.values import LotInput
from projections import base, income, income_in_bulk, traceability, traceability_in_bulk
from tests import make
from tests.books import START, History, Tables, connect, note_opened
from tests.servers import LogDatabase
from tests.shop_histories import DECISIONS, id_of

MODELS = (traceability.MODEL, income.MODEL)
PRODUCTS = ("apricot-jam-300", "honey-500", "felt-slippers", "felt-rug")
FRONT: tuple[Event, ...] = (
    *DECISIONS,
    make.product_defined(product="felt-slippers", origin_basis="pieces"),
    make.product_defined(product="felt-rug", origin_basis="hours"),
)
PRODUCERS = ("p-001", "p-002", "null")
GATHERED = tuple(f"gathered-{number}" for number in range(8))
SUPPLIED = ("supplied-1", "supplied-2")
MADE = tuple(f"made-{number}" for number in range(9))
KEPT = tuple(f"kept-{number}" for number in range(3))


@pytest.fixture(params=MODELS, ids=lambda model: model.name)
def books(request: pytest.FixtureRequest, module_log_database: LogDatabase) -> Iterator[Tables]:
    with connect(module_log_database.admin) as connection:
        yield Tables(connection, request.param, "steps_test")
        connection.rollback()


# ---------------------------------------------------------------------- any history, cut anywhere


def _taken(draw: st.DrawFn, number: int) -> tuple[LotInput, ...]:
    """Lots that were gathered or made before, in most cases."""
    before = (*GATHERED, *SUPPLIED, *MADE[:number], *KEPT[: number // 3])
    anything = (*GATHERED, *SUPPLIED, *MADE, *KEPT, "nobody-knows")
    among = before if draw(st.integers(0, 7)) else anything
    names = draw(
        st.lists(st.sampled_from(among), min_size=1 if draw(st.integers(0, 9)) else 0, max_size=4, unique=True)
    )
    return tuple(
        LotInput(
            lot=name,
            mass_g=draw(st.sampled_from((333, 7_000, 20_000, 0))),
            pieces=draw(st.sampled_from((1, 2, 7))),
            bears_origin=draw(st.integers(0, 5)) > 0,
        )
        for name in names
        if name != MADE[number]
    )


def _step(draw: st.DrawFn, number: int) -> Event:
    said = {"lot": MADE[number], "inputs": _taken(draw, number), "mass_g": draw(st.sampled_from((0, 5_000)))}
    if draw(st.integers(0, 2)) == 0:
        return make.lots_pooled(**said)
    kept = KEPT[number // 3] if draw(st.integers(0, 3)) == 0 else None
    by_products = (production.ByProduct(material="pomace", mass_g=300, lot=kept),) if draw(st.booleans()) else ()
    maker = draw(st.sampled_from(("workshop/tosor-jam", "producer/p-002")))
    product = draw(st.sampled_from(PRODUCTS))
    return make.batch_produced(**said, product=product, made_by=maker, by_products=by_products)


def _sale(draw: st.DrawFn, number: int) -> Event:
    line = make.sale_line(batch=draw(st.sampled_from(MADE)))
    sale = draw(st.sampled_from((f"sale-{number}", "sale-0")))
    return make.sale_made(sale=sale, lines=(line,), tenders=(make.cash(line.units * line.unit_price_tyiyn),))


@st.composite
def makings(draw: st.DrawFn) -> list[Event]:
    """Lots of a village in the order of their making but for some that come later, and a few of which more is said."""
    said: list[Event] = [
        make.lot_collected(lot=name, producer=PRODUCERS[number % 3], pieces=number % 2)
        for number, name in enumerate(GATHERED)
    ]
    said += [make.material_received(lot=name) for name in SUPPLIED]
    said += [_step(draw, number) for number in range(draw(st.integers(3, len(MADE))))]
    for at in draw(st.lists(st.integers(0, len(said) - 1), max_size=6)):
        said.insert(draw(st.integers(0, len(said))), said.pop(at))
    for number in range(draw(st.integers(0, 3))):
        extra = draw(st.sampled_from((_sale, _sale, _step, _define, _test, _pay, _correct_line)))(draw, number)
        said.insert(draw(st.integers(0, len(said))), extra)
    return said


def _define(draw: st.DrawFn, _: int) -> Event:
    return make.product_defined(product=draw(st.sampled_from(PRODUCTS)), origin_basis="pieces")


def _test(draw: st.DrawFn, _: int) -> Event:
    return make.lot_tested(lot=draw(st.sampled_from((*MADE, *GATHERED))), sample_mass_g=10)


def _pay(draw: st.DrawFn, number: int) -> Event:
    return make.payout_made(producer=draw(st.sampled_from(PRODUCERS)), payout=f"payout-{number}")


def _correct_line(draw: st.DrawFn, number: int) -> Event:
    return make.sale_line_corrected(sale=f"sale-{number}", line=0, batch=draw(st.sampled_from(MADE)))


def _corrected(draw: st.DrawFn, said: Sequence[Event], begun: int) -> list[Event]:
    """One report corrected, before it came or after."""
    at = draw(st.integers(0, len(said) - 1))
    place = draw(st.integers(0, len(said)))
    corrects = id_of(begun + at + 1 + (place <= at))
    event = said[at]
    if isinstance(event, production.LotCollected | production.MaterialReceived):
        correction: Event = make.lot_corrected(lot=event.lot, corrects=corrects, producer="p-002")
    elif isinstance(event, production.LotsPooled | production.BatchProduced):
        inputs = _taken(draw, MADE.index(event.lot))
        correction = make.batch_inputs_corrected(lot=event.lot, corrects=corrects, inputs=inputs)
    else:
        return list(said)
    return [*said[:place], correction, *said[place:]]


@settings(max_examples=40, deadline=None, suppress_health_check=list(HealthCheck))
@given(said=makings(), data=st.data())
def test_reports_of_lots_left_unopened_come_to_the_tables_of_those_that_are_opened(
    books: Tables, said: list[Event], data: st.DataObject
) -> None:
    begun = len(FRONT)
    if data.draw(st.integers(0, 2)) == 0:
        said = _corrected(data.draw, said, begun)  # type: ignore[arg-type]
    history = History().add(*FRONT).add(*said, at=START + timedelta(days=1))
    cuts = [begun, *data.draw(st.lists(st.integers(begun, len(history.recorded)), max_size=2))]
    with books.connection.transaction(force_rollback=True):
        expected = books.fold(history, cuts if data.draw(st.booleans()) else ()).everything()
    with books.connection.transaction(force_rollback=True):
        assert books.fold_unopened(history, cuts).everything() == expected


# ---------------------------------------------------------------------- what is ordinary

BEGUN = len(FRONT)


def lot(name: str, producer: str = "p-001") -> Event:
    return make.lot_collected(lot=name, producer=producer)


def pool(name: str, *taken: str) -> Event:
    return make.lots_pooled(lot=name, inputs=tuple(make.lot_input(lot=one, mass_g=7_000, pieces=3) for one in taken))


def batch(name: str, *taken: str, kept: str | None = None, **said: object) -> Event:
    by_products = (production.ByProduct(material="pomace", mass_g=300, lot=kept),) if kept else ()
    inputs = tuple(make.lot_input(lot=one, mass_g=7_000, pieces=3) for one in taken)
    return make.batch_produced(lot=name, inputs=inputs, by_products=by_products, **said)


def corrected(name: str, number: int, **said: object) -> Event:
    """The lot of the report that is the so manieth of a case was of another producer."""
    return make.lot_corrected(lot=name, corrects=id_of(BEGUN + number), **{"producer": "p-002", **said})


def inputs_corrected(name: str, number: int, *taken: str) -> Event:
    inputs = tuple(make.lot_input(lot=one, mass_g=500) for one in taken)
    return make.batch_inputs_corrected(lot=name, corrects=id_of(BEGUN + number), inputs=inputs)


TWO = (lot("a"), lot("b", "p-002"))
BARE = make.lot_input(lot="a", mass_g=7_000, bears_origin=False)

#: What stands before the stretch, the stretch, and which of its reports (the first is 1) are opened.
CASES: dict[str, tuple[tuple[Event, ...], tuple[Event, ...], set[int]]] = {
    "a chain": ((), (*TWO, pool("c", "a", "b"), batch("d", "c", "a")), set()),
    "inputs of the tables": ((*TWO, pool("c", "a", "b")), (batch("d", "c", "a"),), set()),
    "lots that come late": ((), (pool("c", "a", "b"), batch("d", "c"), lot("b", "null"), lot("a")), set()),
    "a producer of the tables with a name that arrays escape": (
        (lot("a", "null"), lot("b"), pool("c", "a", "b")),
        (batch("d", "c", "a"), pool("e", "a")),
        set(),
    ),
    "a lot that comes late, but before what is made next": (
        (),
        (pool("c", "a", "b"), lot("b"), batch("d", "c"), lot("a", "p-002")),
        set(),
    ),
    "an input without origin": (
        (),
        (*TWO, make.lots_pooled(lot="c", inputs=(BARE, make.lot_input(lot="b", mass_g=1_000)))),
        set(),
    ),
    "a material that comes late": ((), (lot("a"), pool("c", "a", "s"), make.material_received(lot="s")), set()),
    "a step that comes late": ((), (*TWO, batch("d", "c", "b"), pool("c", "a", "b"), batch("e", "d", "c")), set()),
    "a lot that comes after a step that came late": (
        (),
        (lot("b", "p-002"), batch("d", "c", "b"), pool("c", "a", "b"), batch("e", "d", "c"), lot("a")),
        set(),
    ),
    "nobody ever reports an input": ((), (lot("a"), pool("c", "a", "x"), pool("d", "a", "x")), set()),
    "nobody knows an input of the tables": ((pool("c", "x"),), (lot("a"), pool("d", "a", "x")), set()),
    "a kept by-product": ((), (*TWO, batch("c", "a", "b", kept="k"), pool("d", "k"), lot("e")), set()),
    "weighed by pieces": ((), (*TWO, batch("c", "a", "b", kept="k", product="felt-slippers"), pool("d", "k")), set()),
    "weighed by hours": ((), (*TWO, batch("c", "a", "b", product="felt-rug")), set()),
    "weighed by pieces from here on": (
        (),
        (
            *TWO,
            batch("c", "a", "b", product="honey-500"),
            make.product_defined(product="honey-500", origin_basis="pieces"),
            batch("d", "a", "b", product="honey-500"),
        ),
        set(),
    ),
    "made of nothing": ((), (batch("c"), batch("d", made_by="producer/p-002"), pool("e", "c", "d")), set()),
    "made of nothing, with a by-product": ((), (batch("c", kept="k"), pool("d", "k"), lot("e")), set()),
    "made twice": ((), (*TWO, pool("c", "a"), pool("c", "b"), batch("d", "c"), lot("e")), {3, 4, 5}),
    "made and kept": ((), (*TWO, pool("c", "a"), batch("d", "b", kept="c"), pool("e", "d")), {3, 4, 5}),
    "gathered and made": ((), (lot("a"), lot("c"), pool("c", "a")), {2, 3}),
    "known before": ((lot("a"), pool("c", "a")), (pool("c", "a"), lot("b")), {1}),
    "taken before the stretch": ((pool("c", "a", "b"),), (lot("a"), pool("b", "a"), lot("e")), {1, 2}),
    "corrected behind": ((), (*TWO, pool("c", "a"), batch("d", "c"), inputs_corrected("c", 3, "b")), {3, 4}),
    "corrected before it came": ((), (*TWO, inputs_corrected("c", 4, "b"), pool("c", "a"), lot("e")), {4}),
    "corrected before the stretch": (
        (inputs_corrected("c", 4, "b"), pool("f", "x")),
        (lot("a"), pool("c", "a"), batch("d", "c"), lot("b", "p-002")),
        {2, 3},
    ),
    "corrected before the stretch, as others were": (
        (*TWO, *(inputs_corrected("x", 90 + number, "b") for number in range(4)), inputs_corrected("c", 8, "b")),
        (pool("c", "a"),),
        {1},
    ),
    "corrected as if it had made another": ((), (lot("a"), inputs_corrected("x", 3, "a"), pool("c", "a")), {3}),
    "a correction of something else": ((), (*TWO, pool("c", "a"), inputs_corrected("c", 9, "b"), lot("e")), {3}),
    "an input is corrected": ((), (lot("a"), pool("c", "a"), batch("d", "c"), corrected("a", 1)), {1, 2, 3}),
    "an input of the tables is corrected": ((lot("a"),), (pool("c", "a"), batch("d", "c"), corrected("a", 1)), {1, 2}),
    "an input of an input of the tables is corrected": (
        (lot("a"), pool("c", "a")),
        (batch("d", "c"), corrected("a", 1), lot("b")),
        {1},
    ),
    "a by-product of the tables is taken back": (
        (*TWO, batch("c", "a", kept="k")),
        (pool("d", "k", "b"), inputs_corrected("c", 3, "a"), lot("e")),
        {1},
    ),
    "round in a cycle": ((), (lot("a"), pool("c", "d", "a"), pool("d", "c", "a"), pool("e", "d")), {2, 3, 4}),
    "of its own by-product": ((), (lot("a"), batch("c", "k", "a", kept="k"), pool("d", "c")), {2, 3}),
    "an odd step took a lot that came later": ((pool("c", "x"),), (pool("c", "a"), lot("a")), {1}),
    "an odd step took what was shared anew": (
        (pool("c", "x"),),
        (lot("a"), pool("d", "a", "b"), pool("c", "d", "b"), lot("b", "p-002")),
        {3},
    ),
    "a correction takes a lot that comes later": (
        (lot("a"), pool("c", "a")),
        (inputs_corrected("c", 2, "b", "d"), pool("d", "b"), lot("b", "p-002")),
        set(),
    ),
    "an odd step and an ordinary one take what nobody knows": (
        (pool("c", "x"),),
        (lot("a"), pool("c", "y"), pool("d", "a", "y")),
        {2},
    ),
}


@pytest.mark.parametrize("case", CASES)
def test_only_what_is_not_ordinary_is_opened(books: Tables, case: str, monkeypatch: pytest.MonkeyPatch) -> None:
    before, stretch, odd = CASES[case]
    history = History().add(*FRONT, *before, *stretch)
    begun = BEGUN + len(before)
    with books.connection.transaction(force_rollback=True):
        expected = books.fold(history).everything()
    read = note_opened(monkeypatch, traceability_in_bulk, income_in_bulk)
    monkeypatch.setattr(base, "ROWS_IN_ARRAYS", 0)  # as if there were many
    with books.connection.transaction(force_rollback=True):
        assert books.fold_unopened(history, [BEGUN, begun]).everything() == expected
    assert {position - begun for position in read if position > begun} == odd


def test_a_report_of_a_tablet_of_the_first_years_is_ordinary_too(
    books: Tables, monkeypatch: pytest.MonkeyPatch
) -> None:
    old = production.LotCollectedV1(lot="a", producer="p-002", material="apricot", mass_kg=7, workshop="tosor-jam")
    twice = old.model_copy(update={"lot": "b"})
    with books.connection.transaction(force_rollback=True):
        today = (old.upcast(), twice.upcast(), pool("c", "a"), lot("b"))
        expected = books.fold(History().add(*FRONT, *today)).everything()
    read = note_opened(monkeypatch, traceability_in_bulk, income_in_bulk)
    with books.connection.transaction(force_rollback=True):
        history = History().add(*FRONT, old, twice, pool("c", "a"), lot("b"))
        assert books.fold_unopened(history, [BEGUN]).everything() == expected
    assert sorted(position for position in read if position > BEGUN) == [BEGUN + 2, BEGUN + 4]
