"""How the money of a sale is shared: integer tyiyn, nothing lost and nothing made. Pure; no tables, no clock."""

from functools import lru_cache
from typing import NamedTuple

from projections.lineage import largest_remainder


class Terms(NamedTuple):
    """How one som of a sale is shared, in basis points that add up to 10 000."""

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


#: Equal remainders are served in this order.
_ORDER = ("1-makers", "2-workshop", "3-outlet", "4-brand", "5-fund")


@lru_cache(maxsize=65_536)
def split(amount_tyiyn: int, terms: Terms) -> Split:
    """The five parts of an amount under terms, largest remainder; ties: makers, workshop, outlet, brand, fund."""
    return Split(*largest_remainder(amount_tyiyn, terms, _ORDER))


def split_of_refunds(refunded_tyiyn: int, sold: Split) -> Split:
    """What of a sale's own split is reversed once `refunded_tyiyn` of it has been given back altogether.

    The rows of one return are the difference of two of these: after it and before it. So returns in any slices
    end at the same parts, and a full refund reverses the sale's split exactly. A refund of something that was given
    away (all parts zero) falls on the makers' part, for there is no proportion to follow.
    """
    if not any(sold):
        return Split(refunded_tyiyn, 0, 0, 0, 0)
    return Split(*largest_remainder(refunded_tyiyn, sold, _ORDER))
