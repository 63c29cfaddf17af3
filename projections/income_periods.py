"""Closing a month: what its pools come to for every producer at a position, and what later corrections change.

A month of a region holds the rows that were posted into it. Its statement at a position counts rows posted up to there,
allocated by the origin shares of that position; rows after it move to the next open month when the month is closed.
So a statement is a function of the log up to its position, whoever computes it and whenever.
"""

import hashlib
from collections import defaultdict
from collections.abc import Iterable, Mapping
from dataclasses import dataclass
from typing import NamedTuple

from events.catalogue.base import Recorded
from events.catalogue.settlement import PeriodClosed
from projections import income_tables as t
from projections.base import Db
from projections.bishkek import month_after
from projections.income_ledger import EARNED, OWED
from projections.lineage import ALL_UNKNOWN, UNKNOWN, Shares, largest_remainder
from projections.statements import array_text
from projections.totals import Totals


class StatementDiffers(ValueError):
    """The closed month's statement has another digest than the event says: the log was folded wrongly here or there."""

    def __init__(self, region: str, month: str, said: str, found: str) -> None:
        super().__init__(f"{self.__doc__} ({region} {month}: said {said}, found {found})")


@dataclass(frozen=True, slots=True)
class StatementTotals:
    """What the event of a closing says besides the digest; tyiyn."""

    producers: int
    earned_tyiyn: int
    unknown_tyiyn: int


@dataclass(frozen=True, slots=True)
class Statement:
    """What each producer earned in one region's month, as of a position: (producer, tyiyn), sorted by id bytes."""

    region: str
    month: str
    through_position: int
    rows: tuple[tuple[str, int], ...]

    @property
    def digest(self) -> str:
        """SHA-256 over the lines `producer:tyiyn`, each ended by a line feed."""
        return hashlib.sha256("".join(f"{producer}:{tyiyn}\n" for producer, tyiyn in self.rows).encode()).hexdigest()

    @property
    def totals(self) -> StatementTotals:
        return StatementTotals(len(self.rows), sum(tyiyn for _, tyiyn in self.rows), dict(self.rows).get(UNKNOWN, 0))


class Pool(NamedTuple):
    """One batch's makers' part in a month, and how it is allocated."""

    batch: str
    makers_tyiyn: int
    producers: tuple[str, ...]
    earned_tyiyn: tuple[int, ...]


def statement(db: Db, region: str, month: str, through_position: int) -> Statement:
    """The statement of a month at a position that the tables have reached. A closed month's is the frozen one."""
    frozen = db.rows(
        "SELECT producer, earned_tyiyn FROM income_statements WHERE region = %s AND period = %s", [region, month]
    )
    if frozen or db.rows("SELECT 1 FROM income_periods WHERE region = %s AND period = %s", [region, month]):
        return Statement(region, month, through_position, tuple(sorted(frozen)))
    pools = _pools_at(db, region, month, through_position)
    return _statement_of(db, region, month, through_position, pools)


def _statement_of(db: Db, region: str, month: str, through_position: int, pools: Iterable[Pool]) -> Statement:
    sums: dict[str, int] = defaultdict(int)
    for _, _, earners, earned in pools:
        for producer, tyiyn in zip(earners, earned, strict=True):
            sums[producer] += tyiyn
    for producers, adjusted in db.rows(
        "SELECT producers, adjusted_tyiyn FROM income_adjustments"
        " WHERE region = %s AND period = %s AND posted_position <= %s",
        [region, month, through_position],
    ):
        for producer, tyiyn in zip(producers, adjusted, strict=True):
            sums[producer] += tyiyn
    return Statement(region, month, through_position, tuple(sorted((p, tyiyn) for p, tyiyn in sums.items() if tyiyn)))


def allocated(makers_tyiyn: int, shares: Shares) -> tuple[int, ...]:
    """A pool over its producers by origin share, on the pool's whole total."""
    return tuple(largest_remainder(makers_tyiyn, shares.ppm, shares.producers))


def _pools_at(db: Db, region: str, month: str, through_position: int) -> list[Pool]:
    pools: dict[str, int] = dict(
        db.rows("SELECT batch, makers_tyiyn FROM income_pools WHERE region = %s AND period = %s", [region, month])
    )
    for batch, later in db.rows(
        f"SELECT batch, sum(makers_tyiyn) FROM income_lines WHERE {_LATER} GROUP BY batch",  # noqa: S608
        [_first_that_moved(db, region, through_position), through_position, region, month],
    ):
        pools[batch] -= later
    shares = shares_at(db, pools, through_position)
    found = []
    for batch, makers in sorted(pools.items()):
        if makers:
            of_batch = shares.get(batch, ALL_UNKNOWN)
            found.append(Pool(batch, makers, of_batch.producers, allocated(makers, of_batch)))
    return found


#: Rows that came into a month after a position. The first condition only lets the key's index find them.
_LATER = "position > %s AND posted_position > %s AND region = %s AND period = %s"


def _first_that_moved(db: Db, region: str, position: int) -> int:
    """No row that was posted into a month of the region after a position is older than this one."""
    [(moved,)] = db.rows(
        "SELECT min(through_position) FROM income_periods WHERE region = %s AND closed_position > %s",
        [region, position],
    )
    return position if moved is None else min(position, moved)


def shares_at(db: Db, batches: Iterable[str], position: int, changed_after: int = 0) -> dict[str, Shares]:
    """The origin shares of batches as they were at a position: of all, or of those that changed after another one."""
    wanted = list(batches)
    if not wanted:
        return {}
    found = db.rows(
        "SELECT DISTINCT ON (lot) lot, producers, ppm FROM ("
        " SELECT lot, computed_at_position, 0 AS version, producers, ppm FROM income_earlier_shares"
        " WHERE lot = ANY(%(lots)s::text[]) AND computed_at_position BETWEEN %(after)s + 1 AND %(position)s"
        " UNION ALL"
        " SELECT lot, computed_at_position, 1, producers, ppm FROM income_lots"
        " WHERE lot = ANY(%(lots)s::text[]) AND computed_at_position BETWEEN %(after)s + 1 AND %(position)s"
        ") AS versions ORDER BY lot, computed_at_position DESC, version DESC",
        {"lots": array_text(wanted), "position": position, "after": changed_after},
    )
    return {lot: Shares(tuple(producers), tuple(ppm)) for lot, producers, ppm in found}


def close_period(db: Db, recorded: Recorded[PeriodClosed], accounts: Totals) -> None:
    """Freeze what a month's pools came to at `through_position`; what was posted after it moves on.

    What was earned is added to the accounts in memory. Raises StatementDiffers.
    """
    event, position = recorded.event, recorded.position
    region, month, through = event.region, event.month, event.through_position
    if db.rows("SELECT 1 FROM income_periods WHERE region = %s AND period = %s", [region, month]):
        return  # the decider refuses this; the first closing stands
    pools = _pools_at(db, region, month, through)
    found = _statement_of(db, region, month, through, pools)
    digest = found.digest
    if digest != event.statement_digest:
        raise StatementDiffers(region, month, event.statement_digest, digest)
    low = _first_that_moved(db, region, through)
    totals = found.totals
    said = (totals.producers, totals.earned_tyiyn, totals.unknown_tyiyn)
    db.copy_in(t.PERIODS, [(region, month, through, position, digest, *said)])
    _move_on(db, region, month, through, position, low)
    db.copy_written(
        t.EARNED,
        [
            f"{pool.batch}\t{region}\t{month}\t{pool.makers_tyiyn}"
            f"\t{array_text(pool.producers)}\t{array_text(pool.earned_tyiyn)}\n"
            for pool in pools
        ],
    )
    db.copy_written(t.STATEMENTS, [f"{region}\t{month}\t{producer}\t{tyiyn}\n" for producer, tyiyn in found.rows])
    for producer, tyiyn in found.rows:
        sums = accounts[producer,]
        sums[EARNED] += tyiyn
        sums[OWED] += tyiyn
    _adjust_what_changed_meanwhile(db, region, month, pools, (through, position))


def _move_on(db: Db, region: str, month: str, through: int, position: int, low: int) -> None:
    following = next_open_month(db, region, month)
    moved = db.rows(
        f"UPDATE income_lines SET period = %s, posted_position = %s WHERE {_LATER} RETURNING batch, makers_tyiyn",  # noqa: S608
        [following, position, low, through, region, month],
    )
    pools = Totals(t.POOLS)
    for batch, makers in moved:
        pools[region, month, batch][0] -= makers
        pools[region, following, batch][0] += makers
    pools.flush(db)
    db.execute(
        "UPDATE income_adjustments SET period = %s, posted_position = %s"
        " WHERE posted_position > %s AND region = %s AND period = %s",
        [following, position, through, region, month],
    )


def next_open_month(db: Db, region: str, month: str) -> str:
    """The first month from this one on that is not closed in the region."""
    closed = {period for (period,) in db.rows("SELECT period FROM income_periods WHERE region = %s", [region])}
    while month in closed:
        month = month_after(month)
    return month


def _adjust_what_changed_meanwhile(
    db: Db, region: str, month: str, pools: list[Pool], between: tuple[int, int]
) -> None:
    """Origins corrected after `through_position` and before the closing count, but in the next open month."""
    through, position = between
    changed = shares_at(db, [pool.batch for pool in pools], position, through)
    rows = []
    for pool in pools:
        shares = changed.get(pool.batch)
        if shares is None:
            continue
        before = dict(zip(pool.producers, pool.earned_tyiyn, strict=True))
        after = dict(zip(shares.producers, allocated(pool.makers_tyiyn, shares), strict=True))
        producers, adjusted = _difference(before, after)
        if producers:
            following = next_open_month(db, region, month)
            rows.append((position, pool.batch, month, region, following, position, producers, adjusted))
    db.copy_in(t.ADJUSTMENTS, rows)


#: Closed pools of a batch: region, month and makers' part.
type ClosedPools = dict[str, list[tuple[str, str, int]]]


def closed_pools_of(db: Db, reshared: list[tuple[int, str]]) -> ClosedPools:
    """The closed pools of lots whose origin shares were computed anew: mostly none."""
    pools: ClosedPools = defaultdict(list)
    for batch, region, month, makers_tyiyn, *_ in db.where_in(t.EARNED, "batch", {lot for _, lot in reshared}):
        pools[batch].append((region, month, makers_tyiyn))
    return pools


def adjust_closed_pools(db: Db, reshared: list[tuple[int, str]], pools: ClosedPools) -> None:
    """Post what new origin shares change in closed pools: `reshared` are (position, lot), their versions stored."""
    rows = []
    for position, lot in reshared:
        if lot not in pools:
            continue
        before = shares_at(db, [lot], position - 1).get(lot, ALL_UNKNOWN)
        after = shares_at(db, [lot], position).get(lot, ALL_UNKNOWN)
        for region, month, makers_tyiyn in sorted(pools[lot]):
            producers, adjusted = _difference(
                dict(zip(before.producers, allocated(makers_tyiyn, before), strict=True)),
                dict(zip(after.producers, allocated(makers_tyiyn, after), strict=True)),
            )
            if producers:
                following = next_open_month(db, region, month)
                rows.append((position, lot, month, region, following, position, producers, adjusted))
    db.copy_in(t.ADJUSTMENTS, rows)


def _difference(before: Mapping[str, int], after: Mapping[str, int]) -> tuple[tuple[str, ...], tuple[int, ...]]:
    changed = {p: after.get(p, 0) - before.get(p, 0) for p in sorted({*before, *after})}
    kept = [(producer, tyiyn) for producer, tyiyn in changed.items() if tyiyn]
    return tuple(producer for producer, _ in kept), tuple(tyiyn for _, tyiyn in kept)
