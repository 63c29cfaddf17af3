"""A log in memory and the tables that folds make of it, for tests of read models that need no store."""

import types
from collections.abc import Collection, Iterable, Sequence
from datetime import UTC, datetime, timedelta
from itertools import pairwise
from uuid import UUID, uuid5

import psycopg
import pytest
from psycopg import sql

from events.canonical import Unopened, event_data, instant, leaf_ends
from events.catalogue.base import Event, Recorded
from projections import in_bulk
from projections.base import Connection, Db, Left, ReadModel, create_tables, use_schema
from projections.statements import Row

START = datetime(2016, 3, 10, 6, 0, tzinfo=UTC)
_NAMESPACE = UUID(int=0)


class History:
    """Events in the order in which they are recorded, a minute apart, each with its claimed time."""

    def __init__(self) -> None:
        self.recorded: list[Recorded[Event]] = []

    def add(self, *events: Event, at: datetime | None = None, late: timedelta = timedelta(0)) -> "History":
        """Record events that happened `at`; `late` after that, when it is said, else in step with the log."""
        for event in events:
            position = len(self.recorded) + 1
            now = at or START + timedelta(minutes=position)
            recorded_at = now + late if late or at is None else max(now, self._last())
            self.recorded.append(
                Recorded(
                    position=position,
                    event_id=uuid5(_NAMESPACE, str(position)),
                    stream=event.stream(),
                    version=position,
                    occurred_at=now,
                    recorded_at=recorded_at,
                    actor="user/test",
                    event=event,
                )
            )
        return self

    def _last(self) -> datetime:
        return self.recorded[-1].recorded_at if self.recorded else START

    def in_order(self, order: Sequence[int]) -> "History":
        """The same events, recorded in another order: only positions change."""
        other = History()
        for position, index in enumerate(order, start=1):
            one = self.recorded[index]
            other.recorded.append(
                Recorded(
                    position, one.event_id, one.stream, position, one.occurred_at, one.recorded_at, one.actor, one.event
                )
            )
        return other


def unopened(recorded: Recorded[Event]) -> Unopened:
    """An event as the log holds it."""
    event = recorded.event
    ends = leaf_ends(
        recorded.actor, event_data(event), recorded.event_id, recorded.occurred_at, recorded.stream, event.wire_name
    )
    leaf = ends.head + instant(recorded.recorded_at).encode() + ends.tail
    return Unopened(recorded.position, recorded.version, leaf)


def note_opened(monkeypatch: pytest.MonkeyPatch, *folds: types.ModuleType) -> set[int]:
    """Positions of the events that these modules open from here on."""
    read: set[int] = set()

    def opened(unopened: Sequence[Unopened], positions: Collection[int]) -> list[Recorded[Event]]:
        read.update(positions)
        return in_bulk.opened(unopened, positions)

    for module in folds:
        monkeypatch.setattr(module, "opened", opened)
    return read


class Tables:
    """One read model's tables in a schema of their own, filled by its fold."""

    def __init__(self, connection: Connection, model: ReadModel, schema: str) -> None:
        self.connection, self.model, self.schema = connection, model, schema
        create_tables(connection, model, schema)

    def fold(self, history: History, cuts: Iterable[int] = ()) -> "Tables":
        """Fold a history whole, or cut into batches after these many events."""
        taken = [one for one in history.recorded if type(one.event) in self.model.takes]
        edges = sorted({0, len(taken), *(cut for cut in cuts if 0 < cut < len(taken))})
        for start, end in pairwise(edges):
            self.here()
            self.model.fold(taken[start:end], Db(self.connection))
        self.here()
        return self

    def fold_unopened(self, history: History, cuts: Iterable[int] = ()) -> "Tables":
        """The same, but what a long build leaves unopened is left so."""
        edges = sorted({0, len(history.recorded), *cuts})
        for start, end in pairwise(edges):
            takes = self.model.takes | self.model.in_bulk
            taken = [one for one in history.recorded[start:end] if type(one.event) in takes]
            left = [unopened(one) for one in taken if type(one.event) in self.model.in_bulk]
            self.here()
            read = [one for one in taken if type(one.event) not in self.model.in_bulk]
            self.model.fold(read, Db(self.connection, Left(left)))
        self.here()
        return self

    def here(self) -> Connection:
        use_schema(self.connection, self.schema)
        return self.connection

    def rows(self, table: str, columns: str = "*") -> list[Row]:
        query = sql.SQL("SELECT " + columns + " FROM {}").format(sql.Identifier(table))
        return sorted(self.here().execute(query).fetchall(), key=repr)

    def one(self, statement: str, *params: object) -> Row | None:
        return self.here().execute(statement.encode(), params or None).fetchone()

    def everything(self) -> dict[str, list[Row]]:
        """All tables, to compare two ways to the same books."""
        return {name: self.rows(name) for name in sorted(self.model.tables.tables)}

    def break_it(self, statement: str) -> None:
        """Do to the tables what nobody may, so that an identity can be seen to fail."""
        self.here().execute(statement.encode())


def connect(url: str) -> Connection:
    return psycopg.connect(url)
