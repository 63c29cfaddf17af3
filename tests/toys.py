"""A read model small enough to see through, for tests of what is done with any read model."""

from collections import Counter
from collections.abc import Sequence
from datetime import UTC, datetime
from typing import Any
from uuid import uuid4

import sqlalchemy as sa

from events.appends import Append, Appended
from events.catalogue.base import Event, Recorded
from events.catalogue.outlets import CashMoved
from events.store import Log, content_hash
from projections.base import Db, ReadModel
from projections.columns import key_id, key_number, number

TABLES = sa.MetaData()
DRAWERS = sa.Table("toy_drawers", TABLES, key_id("shift"), number("tyiyn"))
MOVES = sa.Table("toy_moves", TABLES, key_number("position"), number("tyiyn"), sa.Index("toy_moves_tyiyn", "tyiyn"))

#: An amount on which the toy's fold fails.
POISON_TYIYN = 666


class Indigestible(Exception):
    """The toy does not fold this amount."""


def fold(batch: Sequence[Recorded[Any]], db: Db) -> None:
    """The cash of every drawer, and every move of it."""
    sums: Counter[str] = Counter()
    for recorded in batch:
        if recorded.event.amount_tyiyn == POISON_TYIYN:
            raise Indigestible(recorded.position)
        sums[recorded.event.shift] += recorded.event.amount_tyiyn
    known = db.by_key(DRAWERS, list(sums))
    db.upsert(DRAWERS, [(shift, sum_ + (known[shift][1] if shift in known else 0)) for shift, sum_ in sums.items()])
    db.copy_in(MOVES, [(recorded.position, recorded.event.amount_tyiyn) for recorded in batch])


MODEL = ReadModel("toy", 1, TABLES, frozenset({CashMoved}), fold)


def cash_moved(shift: str, tyiyn: int, counter: int = 1) -> CashMoved:
    return CashMoved(
        shift=shift,
        outlet="karakol",
        till="karakol-1",
        till_counter=counter,
        direction="in",
        amount_tyiyn=tyiyn,
        reason="change",
    )


def record(log: Log, *events: Event, at: datetime = datetime(2016, 5, 1, tzinfo=UTC)) -> int:
    """Append events, each as a request of its own; the last position."""
    appends = []
    for event in events:
        identity = uuid4()
        appends.append(Append(identity, content_hash(str(identity)), event.stream(), None, "user/test", at, (event,)))
    outcomes = log.append(appends)
    assert all(isinstance(outcome, Appended) for outcome in outcomes), outcomes
    last = outcomes[-1]
    assert isinstance(last, Appended)
    return last.last_position
