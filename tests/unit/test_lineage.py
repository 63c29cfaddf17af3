"""Origin arithmetic against slow, obvious versions of itself."""

from fractions import Fraction

import pytest
from hypothesis import given
from hypothesis import strategies as st

from projections.lineage import (
    ALL_UNKNOWN,
    UNKNOWN,
    WHOLE_PPM,
    Part,
    Shares,
    all_of,
    blend,
    closes_cycle,
    downstream,
    inputs_first,
    largest_remainder,
)

WEIGHTS = st.lists(st.integers(0, 10**12), min_size=1, max_size=8).filter(any)


def ids_for(weights: list[int]) -> list[str]:
    return [f"p{at}" for at in range(len(weights))]


@given(st.integers(-(10**13), 10**13), WEIGHTS)
def test_a_split_adds_up_and_is_never_a_whole_unit_off_the_exact_part(total: int, weights: list[int]) -> None:
    parts = largest_remainder(total, weights, ids_for(weights))

    assert sum(parts) == total
    for part, weight in zip(parts, weights, strict=True):
        assert abs(Fraction(total * weight, sum(weights)) - part) < 1


@given(st.integers(0, 10**6), WEIGHTS)
def test_taking_back_a_split_leaves_nothing(total: int, weights: list[int]) -> None:
    given_out = largest_remainder(total, weights, ids_for(weights))
    taken_back = largest_remainder(-total, weights, ids_for(weights))

    assert [there + back for there, back in zip(given_out, taken_back, strict=True)] == [0] * len(weights)


def test_equal_remainders_go_to_the_lower_id_bytes() -> None:
    assert largest_remainder(1, [1, 1, 1], ["b", "a", "c"]) == [0, 1, 0]


def test_nothing_is_split_by_a_weight_below_nothing() -> None:
    with pytest.raises(ValueError, match="weights"):
        largest_remainder(10, [3, -1], ["a", "b"])


def test_weights_that_add_up_to_nothing_cannot_be_split_by() -> None:
    with pytest.raises(ValueError, match="weights"):
        largest_remainder(10, [0, 0], ["a", "b"])


SHARES = st.dictionaries(st.sampled_from(["aida", "bakyt", "chynara", UNKNOWN]), st.integers(1, 50), min_size=1).map(
    lambda weights: blend([Part(weight, 0, all_of(producer)) for producer, weight in weights.items()])
)
PARTS = st.lists(st.builds(Part, st.integers(0, 10**7), st.integers(0, 500), SHARES), min_size=1, max_size=6)


@given(PARTS, st.sampled_from(["mass", "pieces", "hours"]))
def test_a_blend_is_whole_sorted_and_positive_and_does_not_depend_on_the_order(parts: list[Part], basis: str) -> None:
    shares = blend(parts, basis)  # type: ignore[arg-type]

    assert sum(shares.ppm) == WHOLE_PPM
    assert list(shares.producers) == sorted(shares.producers, key=str.encode)
    assert min(shares.ppm) > 0
    assert blend(parts[::-1], basis) == shares  # type: ignore[arg-type]


@given(PARTS.filter(lambda parts: all(part.mass_g for part in parts)))
def test_a_blend_by_mass_is_the_weighted_mean_to_the_nearest_ppm(parts: list[Part]) -> None:
    shares = blend(parts).as_dict()
    mass_g = sum(part.mass_g for part in parts)

    for producer in {producer for part in parts for producer in part.shares.producers}:
        exact = Fraction(sum(part.mass_g * part.shares.as_dict().get(producer, 0) for part in parts), mass_g)
        assert abs(exact - shares.get(producer, 0)) < 1


def test_the_unknown_part_stays_in_a_blend() -> None:
    shares = blend([Part(300, 0, all_of("aida")), Part(100, 0, ALL_UNKNOWN)])

    assert shares == Shares(("aida", UNKNOWN), (750_000, 250_000))


def test_pieces_weigh_where_the_product_says_so_and_mass_where_pieces_are_not_stated() -> None:
    wool = [Part(900, 1, all_of("aida")), Part(100, 3, all_of("bakyt"))]

    assert blend(wool, "pieces").ppm == (250_000, 750_000)
    assert blend(wool, "mass").ppm == (900_000, 100_000)
    assert blend([wool[0], Part(100, 0, all_of("bakyt"))], "pieces").ppm == (900_000, 100_000)


def test_shares_that_do_not_add_up_cannot_be_made() -> None:
    with pytest.raises(ValueError, match="add up"):
        Shares(("aida",), (999_999,))


EDGES = st.sets(st.tuples(st.integers(0, 12), st.integers(0, 12)), max_size=30)


def as_maps(edges: set[tuple[int, int]]) -> dict[str, set[str]]:
    outputs_of: dict[str, set[str]] = {}
    for given_lot, output in edges:
        outputs_of.setdefault(str(given_lot), set()).add(str(output))
    return outputs_of


def paths_from(lot: str, outputs_of: dict[str, set[str]], steps: int) -> set[str]:
    found: set[str] = set()
    level = {lot}
    for _ in range(steps):
        level = {output for one in level for output in outputs_of.get(one, ())}
        found |= level
    return found


@given(EDGES)
def test_downstream_is_what_walking_every_path_finds(edges: set[tuple[int, int]]) -> None:
    outputs_of = as_maps(edges)

    for lot in map(str, range(13)):
        assert downstream([lot], outputs_of) == paths_from(lot, outputs_of, 13)


@given(EDGES)
def test_an_edge_is_said_to_close_a_cycle_exactly_when_it_does(edges: set[tuple[int, int]]) -> None:
    forward = {(a, b) for a, b in edges if a < b}
    outputs_of = as_maps(forward)

    for output in map(str, range(13)):
        inputs = [str(lot) for lot in range(13)]
        closing = closes_cycle(output, inputs, outputs_of)
        assert closing == {output} | {lot for lot in inputs if lot in paths_from(output, outputs_of, 13)}


@given(EDGES)
def test_inputs_come_first_in_any_lineage(edges: set[tuple[int, int]]) -> None:
    forward = {(a, b) for a, b in edges if a < b}
    outputs_of = as_maps(forward)
    lots = {str(lot) for edge in forward for lot in edge}

    order = inputs_first(lots, outputs_of)

    at = {lot: place for place, lot in enumerate(order)}
    assert set(at) == lots
    assert all(at[str(a)] < at[str(b)] for a, b in forward)


def test_a_cycle_has_no_order() -> None:
    with pytest.raises(ValueError, match="cycle"):
        inputs_first({"a", "b"}, {"a": {"b"}, "b": {"a"}})
