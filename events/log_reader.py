"""Reading the log: by position, by stream, by request id, by moment. Every answer is one statement, so one snapshot."""

import struct
from collections.abc import Callable, Collection, Iterable, Sequence
from datetime import UTC, datetime
from functools import cache, partial
from typing import Any, LiteralString, NamedTuple
from uuid import UUID

import psycopg
from psycopg import pq
from psycopg_pool import ConnectionPool, PoolTimeout

from events.appends import LogUnavailable
from events.canonical import Unopened, decode_leaf, take_apart
from events.catalogue.base import Event, Recorded
from events.group_commit import with_options

#: Without these the planner, asked while the log was still empty, may settle on reading the whole table.
_OPTIONS = "-c default_transaction_read_only=on -c jit=off -c enable_seqscan=off -c plan_cache_mode=force_generic_plan"

_RANGE = (
    b"SELECT version, leaf, position FROM log.events WHERE position > $1::int8 AND position <= $2::int8"
    b" ORDER BY position LIMIT $3::int8"
)
_RANGE_WITH_HASH = _RANGE.replace(b"position FROM", b"position, leaf_hash FROM")
#: How far a stretch goes, without its leaves: the index alone knows.
_RANGE_ENDS = (
    b"SELECT count(*), max(position) FROM (" + _RANGE.replace(b"version, leaf, position", b"position") + b") AS stretch"
)
_VERSION = struct.Struct("!i")
_POSITION = struct.Struct("!q")
_TRUE = b"\x01"
#: Of millions: the class's own constructor costs twice as much.
_new_unopened = partial(tuple.__new__, Unopened)
_END_OF_LOG = 2**63 - 1


class LogDamaged(Exception):
    """A position of the log is missing. Whatever reads on from here would be wrong; verify the log."""

    def __init__(self, after: int, position: int) -> None:
        super().__init__(f"{self.__doc__} (between {after} and {position})")


class Head(NamedTuple):
    """The end of the log; position 0 and no more when it is empty."""

    position: int
    recorded_at: datetime | None
    leaf_hash: bytes | None


class Found(NamedTuple):
    """What a request id has stored. `request_hash` is empty when the id is that of a later event of another request."""

    position: int
    last_position: int
    request_hash: bytes
    stream: str
    actor: str
    recorded_at: datetime
    leaf_hash: bytes


class LeafRow(NamedTuple):
    """A row of the log that was not decoded: for the broker, for proofs, for folds that read only some events."""

    position: int
    event_id: UUID
    type: str
    stream: str
    version: int
    actor: str
    occurred_at: datetime
    recorded_at: datetime
    data: bytes
    leaf: bytes
    leaf_hash: bytes


class Network(NamedTuple):
    """What the founding event fixed."""

    network: str
    clock: str  #: `real` or `simulated`


class Stretch(NamedTuple):
    """A part of the log, some of whose events were left unopened."""

    upto: int  #: the last position looked at
    events: list[Recorded[Event]]
    unopened: list[Unopened]


class LogReader:
    """Some connections that can only read."""

    def __init__(self, conninfo: str, connections: int = 4) -> None:
        self._pool = ConnectionPool(
            with_options(conninfo, _OPTIONS),
            min_size=0,
            max_size=connections,
            timeout=5,
            num_workers=1,
            max_idle=300,
            kwargs={"autocommit": True},
            open=False,
        )
        self._pool.open()

    def close(self) -> None:
        self._pool.close()

    def head(self) -> Head:
        """The last event's position, instant and leaf hash."""
        rows = self._rows("SELECT position, recorded_at, leaf_hash FROM log.events ORDER BY position DESC LIMIT 1")
        if not rows:
            return Head(0, None, None)
        ((position, recorded_at, leaf_hash),) = rows
        return Head(position, recorded_at.astimezone(UTC), leaf_hash)

    def read(self, after: int, limit: int, upto: int | None = None) -> list[Recorded[Event]]:
        """The events at positions after+1, after+2, ..., at most `limit` of them and none beyond `upto`.

        Raises UnknownEventType, UndecodableEvent (a log written by a newer version), LogDamaged, LogUnavailable.
        """
        result = self._range(_RANGE, after, limit, upto)
        value, version_of = result.get_value, _VERSION.unpack
        return [
            decode_leaf(after + 1 + row, version_of(value(row, 0) or b"")[0], value(row, 1) or b"")
            for row in range(result.ntuples)
        ]

    def read_but(
        self,
        after: int,
        limit: int,
        upto: int | None = None,
        passed_over: Collection[str] = (),
        left: Collection[str] = (),
    ) -> Stretch:
        """The same but for events of some wire names: those `passed_over` stay away, those `left` come unopened.

        Raises what `read` raises, of an event that is opened.
        """
        ends = self._fetch(_RANGE_ENDS, after, limit, upto)
        (events,) = _POSITION.unpack(ends.get_value(0, 0) or b"")
        last = after + events
        _require_whole(after, events, ends.get_value(0, 1))
        # What is there by now never changes, so that a second statement need not see the same moment.
        result = self._fetch(_range_but(frozenset(passed_over), frozenset(left)), after, limit, last)
        value, version_of, position_of = result.get_value, _VERSION.unpack, _POSITION.unpack
        found, unopened = [], []
        for row in range(result.ntuples):
            event = _new_unopened(
                (position_of(value(row, 2) or b"")[0], version_of(value(row, 0) or b"")[0], value(row, 1) or b"")
            )
            if value(row, 3) == _TRUE:
                unopened.append(event)
            else:
                found.append(decode_leaf(*event))
        return Stretch(last, found, unopened)

    def read_leaves(self, after: int, limit: int, upto: int | None = None) -> list[LeafRow]:
        """The same without decoding the events."""
        result = self._range(_RANGE_WITH_HASH, after, limit, upto)
        value, version_of = result.get_value, _VERSION.unpack
        return [
            _leaf_row(after + 1 + row, version_of(value(row, 0) or b"")[0], value(row, 1) or b"", value(row, 3) or b"")
            for row in range(result.ntuples)
        ]

    def read_streams(self, streams: Iterable[str]) -> dict[str, list[Recorded[Event]]]:
        """Each stream from its first event; a stream without events is there with an empty list."""
        found: dict[str, list[Recorded[Event]]] = {stream: [] for stream in streams}
        rows = self._rows(
            "SELECT stream, position, version, leaf FROM log.events WHERE stream = ANY(%s) ORDER BY stream, version",
            [list(found)],
        )
        for stream, position, version, leaf in rows:
            found[stream].append(decode_leaf(position, version, leaf))
        return found

    def find(self, request_ids: Iterable[UUID]) -> dict[UUID, Found]:
        """What is stored under these ids; an id that is not known is not in the answer."""
        rows = self._rows(
            "SELECT event_id, position, log.last_of_request(position), request_hash, stream, actor, recorded_at,"
            " leaf_hash FROM log.events WHERE event_id = ANY(%s)",
            [list(request_ids)],
        )
        return {
            event_id: Found(position, last, request_hash or b"", stream, actor, recorded_at.astimezone(UTC), leaf_hash)
            for event_id, position, last, request_hash, stream, actor, recorded_at, leaf_hash in rows
        }

    def position_at(self, moment: datetime) -> int:
        """The greatest position recorded at or before a moment, 0 if none."""
        ((position,),) = self._rows("SELECT log.position_at(%s)", [moment])
        return int(position)

    def network(self) -> Network | None:
        """The network and its clock, None before it was founded."""
        rows = self._rows("SELECT network, clock FROM log.network")
        return Network(*rows[0]) if rows else None

    def quarantined(self, event_id: UUID) -> bytes | None:
        """The bytes kept beside an event; None if there were none or they were erased."""
        rows = self._rows("SELECT content FROM quarantine.messages WHERE event_id = %s", [event_id])
        return bytes(rows[0][0]) if rows else None

    def _rows(self, query: LiteralString, parameters: Sequence[object] = ()) -> list[tuple[Any, ...]]:
        return self._on_connection(lambda connection: connection.execute(query, parameters, binary=True).fetchall())

    def _range(self, query: bytes, after: int, limit: int, upto: int | None) -> pq.abc.PGresult:
        result = self._fetch(query, after, limit, upto)
        if result.ntuples:
            _require_whole(after, result.ntuples, result.get_value(result.ntuples - 1, 2))
        return result

    def _fetch(self, query: bytes, after: int, limit: int, upto: int | None) -> pq.abc.PGresult:
        last = _END_OF_LOG if upto is None else upto
        parameters = [str(after).encode(), str(last).encode(), str(limit).encode()]

        def fetch(connection: psycopg.Connection) -> pq.abc.PGresult:
            result = connection.pgconn.exec_params(query, parameters, result_format=pq.Format.BINARY)
            if result.status != pq.ExecStatus.TUPLES_OK:
                raise psycopg.OperationalError(result.get_error_message())
            return result

        return self._on_connection(fetch)

    def _on_connection[T](self, ask: Callable[[psycopg.Connection], T]) -> T:
        """Reading twice does no harm, so a connection that died meanwhile is replaced once."""
        try:
            with self._pool.connection() as connection:
                return ask(connection)
        except (psycopg.OperationalError, PoolTimeout):
            pass
        try:
            self._pool.check()
            with self._pool.connection() as connection:
                return ask(connection)
        except (psycopg.OperationalError, PoolTimeout) as error:
            raise LogUnavailable(str(error)) from error


def _require_whole(after: int, events: int, last: bytes | None) -> None:
    """Positions rise and begin behind `after`: if the last one is where it belongs, so are all. Raises LogDamaged."""
    found = _POSITION.unpack(last)[0] if last else after
    if found != after + events:
        raise LogDamaged(after, found)


@cache
def _range_but(passed_over: frozenset[str], left: frozenset[str]) -> bytes:
    """Without the events that nobody takes; of the others it is told whether they are to be left unopened.

    The names are written out, as the server looks up constants in a hash. Wire names hold nothing to be escaped.
    """
    passed, unopened = (
        "ARRAY[" + ",".join(f"'{name}'" for name in sorted(names)) + "]::text[]" for names in (passed_over, left)
    )
    query = _RANGE.replace(b"position FROM", f"position, type = ANY({unopened}) FROM".encode())
    return query.replace(b" ORDER", f" AND type <> ALL({passed}) ORDER".encode())


def _leaf_row(position: int, version: int, leaf: bytes, leaf_hash: bytes) -> LeafRow:
    wire_name, data, actor, event_id, occurred_at, recorded_at, stream = take_apart(leaf)
    return LeafRow(
        position,
        UUID(event_id),
        wire_name,
        stream,
        version,
        actor,
        datetime.fromisoformat(occurred_at),
        datetime.fromisoformat(recorded_at),
        data,
        leaf,
        leaf_hash,
    )
