"""Folding one batch into one schema, and what happens when that fails: the same live, in a rebuild and as of a day."""

import logging
from collections.abc import Collection, Iterable, Sequence
from dataclasses import dataclass

import psycopg

from events.appends import LogUnavailable
from events.canonical import decode_leaf
from events.catalogue.base import Event, Recorded
from events.catalogue.registry import EVENTS, OLD_VERSIONS, UndecodableEvent, UnknownEventType, written_class
from events.store import Log
from projections.base import Connection, Db, Left, ReadModel, use_schema

logger = logging.getLogger(__name__)

ERROR_LENGTH_MAX = 500


@dataclass(frozen=True, slots=True)
class Undecoded:
    """An event that this program cannot read: written by a newer one, or damaged."""

    position: int
    stream: str
    wire_name: str
    error: str

    def concerns(self, model: ReadModel) -> bool:
        """Whether a model may have taken it; of a type that nobody knows, every model may."""
        try:
            written = written_class(self.wire_name)
        except UnknownEventType:
            return True
        return written in model.takes or self.wire_name in OLD_VERSIONS


@dataclass(frozen=True, slots=True)
class Batch:
    """The log from one position to another: the events that some model takes, decoded once for all of them."""

    after: int
    upto: int
    events: list[Recorded[Event]]
    undecoded: tuple[Undecoded, ...] = ()
    left: Left | None = None  #: what is left to the one model that folds it as it is

    def taken_by(self, model: ReadModel) -> list[Recorded[Event]]:
        takes = model.takes
        return [recorded for recorded in self.events if type(recorded.event) in takes]


def passed_over(models: Iterable[ReadModel]) -> frozenset[str]:
    """The wire names of today's events that none of the models takes. What nobody knows is never passed over."""
    taken: frozenset[type[Event]] = frozenset().union(*(model.takes for model in models))
    return frozenset(name for name, event in EVENTS.items() if event not in taken)


def read_batch(
    log: Log,
    after: int,
    limit: int,
    upto: int | None = None,
    passed: Collection[str] = (),
    left: Collection[str] = (),
) -> Batch | None:
    """The next events of the log but for those `passed` over, None at its end. Raises LogUnavailable.

    The events of the wire names `left` are not decoded, for a fold that takes them as they are.
    """
    try:
        found = log.read_but(after, limit, upto, passed, left)
    except (UnknownEventType, UndecodableEvent):
        return _read_carefully(log, after, limit, upto)
    if found.upto == after:
        return None
    return Batch(after, found.upto, found.events, left=Left(found.unopened) if left else None)


def _read_carefully(log: Log, after: int, limit: int, upto: int | None) -> Batch:
    events: list[Recorded[Event]] = []
    undecoded: list[Undecoded] = []
    rows = log.read_leaves(after, limit, upto)
    for row in rows:
        try:
            events.append(decode_leaf(row.position, row.version, row.leaf))
        except (UnknownEventType, UndecodableEvent) as error:
            undecoded.append(Undecoded(row.position, row.stream, row.type, _said(error)))
    return Batch(after, after + len(rows), events, tuple(undecoded))


def is_outage(error: BaseException) -> bool:
    """Whether an error speaks of the servers and not of the event: it is tried again, and parks nothing."""
    if isinstance(error, psycopg.errors.ProgramLimitExceeded):
        return False
    outages = (psycopg.OperationalError, psycopg.InterfaceError, LogUnavailable, MemoryError)
    return isinstance(error, outages) or not isinstance(error, Exception)


def fold_batch(connection: Connection, model: ReadModel, schema: str, batch: Batch) -> None:
    """Fold what the model takes of a batch; in the caller's transaction, which is lost when the fold raises.

    Only for a batch that concerns no parked stream: see `needs_care`.
    """
    use_schema(connection, schema)
    taken = batch.taken_by(model)
    if taken or batch.left:
        model.fold(taken, Db(connection, batch.left))


def needs_care(model: ReadModel, batch: Batch, parked: dict[str, int]) -> bool:
    """Whether a batch holds something that is to be parked before anything is folded."""
    if batch.undecoded and any(one.concerns(model) for one in batch.undecoded):
        return True
    return bool(parked) and any(recorded.stream in parked for recorded in batch.events)


def fold_and_park(connection: Connection, model: ReadModel, schema: str, batch: Batch, parked: dict[str, int]) -> None:
    """Fold what can be folded, event by event if need be, and park the rest; in the caller's transaction.

    An event on which the fold fails is parked with its position, type and error, and so are the later events of its
    stream, which would be folded onto something that is not there. `parked` (stream to the position that began
    it) is brought up to date. Errors of the servers are raised.
    """
    use_schema(connection, schema)
    care = _Care(connection, model, schema, parked)
    items: list[Recorded[Event] | Undecoded] = [*batch.taken_by(model)]
    items += [one for one in batch.undecoded if one.concerns(model)]
    items.sort(key=lambda item: item.position)
    run: list[Recorded[Event]] = []
    for item in items:
        if isinstance(item, Undecoded):
            care.fold(run)
            run = []
            care.park(item.position, item.stream, item.wire_name, item.error)
        else:
            run.append(item)
    care.fold(run)


class _Care:
    """Bisection of one batch of one model, under savepoints."""

    def __init__(self, connection: Connection, model: ReadModel, schema: str, parked: dict[str, int]) -> None:
        self._connection, self._model, self._schema, self._parked = connection, model, schema, parked

    def fold(self, events: Sequence[Recorded[Event]]) -> None:
        waiting = []
        for recorded in events:
            if recorded.stream in self._parked:
                self.park(recorded.position, recorded.stream, recorded.event.wire_name, "after a parked event")
            else:
                waiting.append(recorded)
        if not waiting:
            return
        try:
            with self._connection.transaction():
                self._model.fold(waiting, Db(self._connection))
            return
        except BaseException as error:
            if is_outage(error):
                raise
            if len(waiting) == 1:
                only = waiting[0]
                logger.exception("%s: event %d is parked", self._model.name, only.position)
                self.park(only.position, only.stream, only.event.wire_name, _said(error))
                return
        middle = len(waiting) // 2
        self.fold(waiting[:middle])
        self.fold(waiting[middle:])

    def park(self, position: int, stream: str, wire_name: str, error: str) -> None:
        cause = self._parked.setdefault(stream, position)
        self._connection.execute(
            "INSERT INTO projection.parked (schema, position, stream, type, cause_position, error)"
            " VALUES (%s, %s, %s, %s, %s, %s)",
            [self._schema, position, stream, wire_name, cause, error],
        )
        logger.error("%s: parked %s at %d (stream %s): %s", self._schema, wire_name, position, stream, error)


def parked_streams(connection: Connection, schema: str) -> dict[str, int]:
    """The streams that a schema does not follow any more, with the position of the event that stopped it."""
    found = connection.execute(
        "SELECT stream, min(cause_position) FROM projection.parked WHERE schema = %s GROUP BY stream", [schema]
    )
    return {row[0]: row[1] for row in found}


def _said(error: BaseException) -> str:
    return f"{type(error).__name__}: {error}".replace("\x00", "")[:ERROR_LENGTH_MAX]
