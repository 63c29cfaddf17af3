"""Money is shared to the tyiyn, whatever the terms, the amount and the order of what is taken back."""

from itertools import accumulate, pairwise

from hypothesis import given
from hypothesis import strategies as st

from projections.split import Split, Terms, split, split_of_refunds

AMOUNTS = st.integers(min_value=-(10**12), max_value=10**12)


@st.composite
def terms(draw: st.DrawFn) -> Terms:
    cuts = sorted(draw(st.lists(st.integers(0, 10_000), min_size=4, max_size=4)))
    edges = [0, *cuts, 10_000]
    return Terms(*(after - before for before, after in pairwise(edges)))


@given(AMOUNTS, terms())
def test_the_parts_add_up_to_the_amount(amount: int, agreed: Terms) -> None:
    assert sum(split(amount, agreed)) == amount


@given(AMOUNTS, terms())
def test_no_part_is_a_whole_tyiyn_away_from_its_exact_share(amount: int, agreed: Terms) -> None:
    for part, points in zip(split(amount, agreed), agreed, strict=True):
        assert abs(part * 10_000 - amount * points) < 10_000


@given(AMOUNTS, terms())
def test_taking_back_is_the_mirror_of_giving(amount: int, agreed: Terms) -> None:
    assert split(-amount, agreed) == tuple(-part for part in split(amount, agreed))


def test_equal_remainders_are_served_makers_first() -> None:
    even = Terms(2_000, 2_000, 2_000, 2_000, 2_000)
    assert split(1, even) == Split(1, 0, 0, 0, 0)
    assert split(3, even) == Split(1, 1, 1, 0, 0)


@given(st.integers(0, 10**9), terms(), st.lists(st.integers(0, 10**9), min_size=1, max_size=6))
def test_returns_in_any_slices_take_back_the_same(gross: int, agreed: Terms, slices: list[int]) -> None:
    sold = split(gross, agreed)
    states = [split_of_refunds(refunded, sold) for refunded in accumulate(slices, initial=0)]
    taken = [Split(*(b - a for a, b in zip(x, y, strict=True))) for x, y in pairwise(states)]
    together = tuple(map(sum, zip(*taken, strict=True)))
    assert together == split_of_refunds(sum(slices), sold)
    assert all(sum(parts) == refund for parts, refund in zip(taken, slices, strict=True))


@given(st.integers(1, 10**12), terms())
def test_a_full_refund_takes_back_exactly_the_split_of_the_sale(gross: int, agreed: Terms) -> None:
    sold = split(gross, agreed)
    assert split_of_refunds(gross, sold) == sold


def test_a_refund_of_a_gift_falls_on_the_makers_part() -> None:
    assert split_of_refunds(500, Split(0, 0, 0, 0, 0)) == Split(500, 0, 0, 0, 0)
