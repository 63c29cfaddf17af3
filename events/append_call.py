"""One group of requests as one call of the database's append function, and its answer.

The arrays are written in PostgreSQL's binary format here: for one small request the general adaptation of parameters
would cost as much as the statement.
"""

import struct
from collections.abc import Sequence
from datetime import UTC, datetime, timedelta
from typing import cast

import psycopg
from psycopg import pq

from events.appends import (
    GROUP_EVENTS_MAX,
    Append,
    Appended,
    AppendRefused,
    Conflict,
    Duplicate,
    LogUnavailable,
    LostRace,
    Outcome,
    RecordedAtRefused,
)

_STATEMENT = b"ovop_append"
_SQL = b"""SELECT * FROM log.append(
    $1::uuid[], $2::bytea[], $3::text[], $4::text[], $5::timestamptz[], $6::text[], $7::bytea[], $8::bytea[],
    $9::int4[], $10::int4[], $11::int4[], $12::int4[], $13::text[], $14::timestamptz[], $15::bytea[])"""
_BINARY = [pq.Format.BINARY] * 15
_ONE = b"ovop_append_one"
_ONE_SQL = b"""SELECT * FROM log.append_one(
    $1::uuid, $2::bytea, $3::text, $4::text, $5::timestamptz, $6::text, $7::bytea, $8::bytea, $9::int4)"""
_ONE_BINARY = [pq.Format.BINARY] * 9

_UUID, _BYTEA, _TEXT, _INSTANT, _INTEGER = 2950, 17, 25, 1184, 23
_HEADER = struct.Struct("!iiIii")
_LENGTH = struct.Struct("!i")
_INT4 = struct.Struct("!ii")
_INT8 = struct.Struct("!iq")
_BIGINT = struct.Struct("!q")
_NULL = _LENGTH.pack(-1)
#: 0, 1, 2 ... as elements of an array: numbers of events and of streams in a group.
_COUNTS = [_INT4.pack(4, count) for count in range(GROUP_EVENTS_MAX + 1)]
_EPOCH = datetime(2000, 1, 1, tzinfo=UTC)
_MICROSECOND = timedelta(microseconds=1)

_APPENDED, _DUPLICATE, _CONFLICT, _LOST_RACE = range(4)

#: SQLSTATE of the append function: a recorded_at was given to a network with a real clock.
_CLOCK_REFUSED = b"OV001"
#: Classes of SQLSTATE that say nothing about the request: connection, resources, an operator, a crash.
_PASSING = (b"08", b"25", b"40", b"53", b"55", b"57", b"58", b"XX")


def prepare(connection: psycopg.Connection) -> None:
    """Make a new connection ready for `run`. Raises psycopg.Error."""
    for name, query in ((_STATEMENT, _SQL), (_ONE, _ONE_SQL)):
        result = connection.pgconn.prepare(name, query)
        if result.status != pq.ExecStatus.COMMAND_OK:
            raise psycopg.OperationalError(result.get_error_message())


def run(connection: psycopg.Connection, group: Sequence[Append]) -> list[Outcome]:
    """Append a group in one statement and one commit; an answer for each request, in order.

    Raises LogUnavailable (outcome unknown or nothing stored, both safe to send again), RecordedAtRefused,
    AppendRefused.
    """
    pgconn = connection.pgconn
    try:
        statement, parameters, formats = _call(group)
        # The stub of this method forgets that a parameter may be NULL.
        result = pgconn.exec_prepared(statement, cast(list[bytes], parameters), formats, pq.Format.BINARY)
    except psycopg.Error as error:
        raise LogUnavailable(str(error)) from error
    if result.status != pq.ExecStatus.TUPLES_OK:
        raise _refusal(pgconn, result)
    return _outcomes(group, result)


def _refusal(pgconn: pq.abc.PGconn, result: pq.abc.PGresult) -> Exception:
    state = result.error_field(pq.DiagnosticField.SQLSTATE)
    detail = result.get_error_message() or pgconn.get_error_message()
    if state is None or state[:2] in _PASSING:
        return LogUnavailable(detail)
    return RecordedAtRefused(detail) if state == _CLOCK_REFUSED else AppendRefused(detail)


def _outcomes(group: Sequence[Append], result: pq.abc.PGresult) -> list[Outcome]:
    value = result.get_value
    outcomes: list[Outcome] = []
    row = 0
    told, moment = b"", _EPOCH  # most of a group has the same instant
    for request in group:
        kind = (value(row, 0) or b"")[3]
        (first,) = _BIGINT.unpack(value(row, 1) or b"")
        if kind == _CONFLICT:
            outcomes.append(Conflict(first))
        elif kind == _LOST_RACE:
            outcomes.append(LostRace(first))
        else:
            recorded_at = value(row, 3) or b""
            if recorded_at != told:
                told, moment = recorded_at, _EPOCH + timedelta(microseconds=_BIGINT.unpack(recorded_at)[0])
            leaf_hash = value(row, 4) or b""
            if kind == _APPENDED:
                outcomes.append(Appended(first, first + len(request.events) - 1, moment, leaf_hash))
            else:
                outcomes.append(Duplicate(first, _BIGINT.unpack(value(row, 2) or b"")[0], moment, leaf_hash))
        row += len(request.events)
    return outcomes


def _call(group: Sequence[Append]) -> tuple[bytes, list[bytes | None], list[pq.Format]]:
    if _is_plain(group):
        return _ONE, _parameters_of_one(group[0]), _ONE_BINARY
    return _STATEMENT, _parameters(group), _BINARY


def _is_plain(group: Sequence[Append]) -> bool:
    if len(group) != 1:
        return False
    (request,) = group
    return len(request.events) == 1 and request.recorded_at is None and request.quarantined is None


def _parameters_of_one(request: Append) -> list[bytes | None]:
    ((head, tail),) = request.ends
    return [
        request.request_id.bytes,
        request.request_hash,
        request.stream.encode(),
        request.events[0].wire_name.encode(),
        _moment(request.occurred_at)[4:],
        request.actor.encode(),
        head,
        tail,
        None if request.expected_version is None else request.expected_version.to_bytes(4, "big"),
    ]


def _parameters(group: Sequence[Append]) -> list[bytes | None]:
    requests = [request for request in group for _ in request.events]  # for each event, whose it is
    ends = [end for request in group for end in request.ends]
    stream_numbers, offsets, distinct = _places(requests)
    return [
        _array(_UUID, [event_id.bytes for request in group for event_id in request.event_ids]),
        _packed(_BYTEA, _hashes(group)),
        _array(_TEXT, [request.stream.encode() for request in requests]),
        _array(_TEXT, [event.wire_name.encode() for request in group for event in request.events]),
        _packed(_INSTANT, [_moment(request.occurred_at) for request in requests]),
        _array(_TEXT, [request.actor.encode() for request in requests]),
        _array(_BYTEA, [head for head, _ in ends]),
        _array(_BYTEA, [tail for _, tail in ends]),
        _packed(_INTEGER, [_COUNTS[len(request.events)] for request in group]),
        _expected(requests),
        _packed(_INTEGER, stream_numbers),
        _packed(_INTEGER, offsets),
        _array(_TEXT, distinct),
        _given(group),
        _contents(group),
    ]


def _hashes(group: Sequence[Append]) -> list[bytes]:
    """A request's hash stands at its first event only."""
    hashes = []
    for request in group:
        hashes.append(_LENGTH.pack(len(request.request_hash)) + request.request_hash)
        if len(request.events) > 1:
            hashes += [_NULL] * (len(request.events) - 1)
    return hashes


def _places(requests: Sequence[Append]) -> tuple[list[bytes], list[bytes], list[bytes]]:
    """For each event the number of its stream in this call, and which of the stream's events it is; the streams."""
    counts: dict[str, list[int]] = {}
    numbers, offsets = [], []
    for request in requests:
        count = counts.get(request.stream)
        if count is None:
            count = counts[request.stream] = [len(counts) + 1, 0]
        count[1] += 1
        numbers.append(_COUNTS[count[0]])
        offsets.append(_COUNTS[count[1]])
    return numbers, offsets, [stream.encode() for stream in counts]


def _expected(requests: Sequence[Append]) -> bytes | None:
    """The version at which each was decided; the log looks at a request's first event only."""
    if all(request.expected_version is None for request in requests):
        return None
    versions = [request.expected_version for request in requests]
    before = [None, *requests[:-1]]
    return _packed(
        _INTEGER,
        [
            _NULL if version is None or request is previous else _INT4.pack(4, version)
            for version, request, previous in zip(versions, requests, before, strict=True)
        ],
    )


def _given(group: Sequence[Append]) -> bytes | None:
    if all(request.recorded_at is None for request in group):
        return None
    given = [_NULL if r.recorded_at is None else _moment(r.recorded_at) for r in group for _ in r.events]
    return _packed(_INSTANT, given)


def _contents(group: Sequence[Append]) -> bytes | None:
    if all(request.quarantined is None for request in group):
        return None
    return _nullable(_BYTEA, [r.quarantined if n == 0 else None for r in group for n in range(len(r.events))])


def _moment(moment: datetime) -> bytes:
    return _INT8.pack(8, (moment - _EPOCH) // _MICROSECOND)


def _packed(element: int, packed: list[bytes]) -> bytes:
    """An array of elements that already carry their length."""
    return _HEADER.pack(1, 1, element, len(packed), 1) + b"".join(packed)


def _array(element: int, values: list[bytes]) -> bytes:
    pack = _LENGTH.pack
    header = _HEADER.pack(1, 0, element, len(values), 1)
    return header + b"".join([part for value in values for part in (pack(len(value)), value)])


def _nullable(element: int, values: list[bytes | None]) -> bytes:
    return _packed(element, [_NULL if value is None else _LENGTH.pack(len(value)) + value for value in values])
