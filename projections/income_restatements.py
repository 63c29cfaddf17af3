"""A closed month as it would be stated had all been known that is known at a later position.

The frozen statement stays and the money goes into open months; a restatement says what the month itself came to.
"""

from collections import defaultdict

from projections.base import Db
from projections.income_periods import Statement, allocated, shares_at
from projections.lineage import ALL_UNKNOWN


def restated(db: Db, region: str, month: str, through_position: int) -> Statement:
    """The statement of a closed month with receipts that came late and origins that were corrected since.

    Counted is what the month held when it was closed, and whatever happened in the month by its business day, all of
    it by the origin shares of `through_position`; the tables have reached that position.
    """
    pools: dict[str, int] = dict(
        db.rows(
            "SELECT batch, sum(makers_tyiyn)::bigint FROM income_lines WHERE region = %s AND position <= %s"
            " AND (period = %s OR to_char(day, 'YYYY-MM') = %s) GROUP BY batch",
            [region, through_position, month, month],
        )
    )
    shares = shares_at(db, pools, through_position)
    sums: dict[str, int] = defaultdict(int)
    for batch, makers_tyiyn in pools.items():
        of_batch = shares.get(batch, ALL_UNKNOWN)
        for producer, tyiyn in zip(of_batch.producers, allocated(makers_tyiyn, of_batch), strict=True):
            sums[producer] += tyiyn
    # Differences of earlier months that were posted into this one belong to what it held.
    for producers, adjusted in db.rows(
        "SELECT producers, adjusted_tyiyn FROM income_adjustments"
        " WHERE region = %s AND period = %s AND origin_period <> %s AND position <= %s",
        [region, month, month, through_position],
    ):
        for producer, tyiyn in zip(producers, adjusted, strict=True):
            sums[producer] += tyiyn
    return Statement(region, month, through_position, tuple(sorted((p, tyiyn) for p, tyiyn in sums.items() if tyiyn)))
