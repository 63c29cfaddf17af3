"""A closed month as it would be stated had all been known that is known at a later position; and who disputes what.

The frozen statement stays and the money goes into open months; a restatement says what the month itself came to.
"""

from collections import defaultdict
from dataclasses import dataclass

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
            "SELECT batch, sum(makers_tyiyn) FROM income_lines WHERE region = %s AND position <= %s"
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


@dataclass(frozen=True, slots=True)
class Dispute:
    """A producer says that a payout or a statement of a month is wrong.

    It waits until it is settled, or until something was done about it: a payout to the producer was reversed, or the
    month was stated anew (the position of the first one since). All None: it waits.
    """

    producer: str
    dispute: str
    month: str
    reason: str
    position: int
    reversed_position: int | None
    restated_position: int | None
    settled_position: int | None = None
    outcome: str | None = None
    region: str | None = None

    @property
    def waits(self) -> bool:
        return not (self.settled_position or self.reversed_position or self.restated_position)


def disputes(db: Db, through_position: int) -> list[Dispute]:
    """All disputes, those that wait first, each group in the order of the log; answers of the log up to a position."""
    rows = db.rows(
        """
        SELECT d.producer, d.dispute, d.month, d.reason, d.position,
               (SELECT min(p.position) FROM income_payments p
                WHERE p.producer = d.producer AND p.kind = 'reversal' AND p.position > d.position) AS reversed,
               (SELECT min(r.position) FROM income_restatements r
                WHERE r.region = m.region AND r.period = d.month AND r.position > d.position) AS restated,
               s.position, s.outcome, m.region
        FROM income_disputes d LEFT JOIN income_makers m ON m.maker = 'producer/' || d.producer
        LEFT JOIN LATERAL (
            SELECT e.position, said.data ->> 'outcome' AS outcome FROM log.events e,
                   LATERAL (SELECT convert_from(e.leaf, 'UTF8')::jsonb -> 'data' AS data OFFSET 0) AS said
            WHERE e.stream = 'account/' || d.producer AND e.type = 'settlement.dispute_settled.v1'
              AND said.data ->> 'dispute' = d.dispute AND e.position <= %s
        ) AS s ON true
        """,
        [through_position],
    )
    found = [Dispute(*row) for row in rows]
    return sorted(found, key=lambda each: (not each.waits, each.position))
