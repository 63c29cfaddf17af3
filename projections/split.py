"""How money is shared: integer tyiyn, largest remainder, nothing lost and nothing made. Pure; no tables, no clock."""

from collections.abc import Sequence
from functools import lru_cache
from typing import NamedTuple

BASIS_POINTS_WHOLE = 10_000


class Terms(NamedTuple):
    """How one som of a sale is shared, in basis points that add up to 10 000. The order decides ties."""

    makers_bp: int
    workshop_bp: int
    outlet_bp: int
    brand_bp: int
    fund_bp: int


class Split(NamedTuple):
    """The parts of one amount, in tyiyn; they add up to it. Negative for what is taken back."""

    makers: int
    workshop: int
    outlet: int
    brand: int
    fund: int


def in_proportion(total: int, weights: Sequence[int]) -> list[int]:
    """`total` in whole parts by `weights` (none negative, not all zero), largest remainder first, ties to the earlier.

    A negative total is shared as its absolute value and negated, so taking back is the mirror of giving.
    """
    if total < 0:
        return [-part for part in in_proportion(-total, weights)]
    whole = sum(weights)
    if whole <= 0:
        raise ValueError("weights_are_empty: an amount cannot be shared by weights that sum to nothing")
    parts = [total * weight // whole for weight in weights]
    left = total - sum(parts)
    if left:
        by_remainder = sorted(range(len(weights)), key=lambda index: (-(total * weights[index] % whole), index))
        for index in by_remainder[:left]:
            parts[index] += 1
    return parts


@lru_cache(maxsize=65_536)
def split(amount_tyiyn: int, terms: Terms) -> Split:
    """The five parts of an amount under terms; ties go to makers, workshop, outlet, brand, fund in this order."""
    return Split(*in_proportion(amount_tyiyn, terms))


def split_of_refunds(refunded_tyiyn: int, sold: Split) -> Split:
    """What of a sale's own split is reversed once `refunded_tyiyn` of it has been given back altogether.

    The rows of one return are the difference of two of these: after it and before it. So returns in any order and in
    any slices end at the same parts, and a full refund reverses the sale's split exactly. A refund of a line that was
    given away (all parts zero) falls on the makers' part alone, for there is no proportion to follow.
    """
    if not any(sold):
        return Split(refunded_tyiyn, 0, 0, 0, 0)
    return Split(*in_proportion(refunded_tyiyn, [abs(part) for part in sold]))


def allocate(pool_tyiyn: int, producers: Sequence[str], shares_ppm: Sequence[int]) -> list[int]:
    """A pool over its producers by origin share, on the pool's whole total. `producers` sorted: ties by id bytes."""
    return in_proportion(pool_tyiyn, shares_ppm)
