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
    for request in group:
        kind = (value(row, 0) or b"")[3]
        (first,) = _BIGINT.unpack(value(row, 1) or b"")
        if kind == _CONFLICT:
            outcomes.append(Conflict(first))
        elif kind == _LOST_RACE:
            outcomes.append(LostRace(first))
        else:
            moment = _EPOCH + timedelta(microseconds=_BIGINT.unpack(value(row, 3) or b"")[0])
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
    ids: list[bytes] = []
    hashes: list[bytes | None] = []
    streams: list[bytes] = []
    types: list[bytes] = []
    occurred: list[bytes] = []
    actors: list[bytes] = []
    heads: list[bytes] = []
    tails: list[bytes] = []
    expected: list[bytes] = []
    counts: dict[bytes, list[int]] = {}  # stream: its number in this call, its events so far
    stream_numbers: list[bytes] = []
    offsets: list[bytes] = []
    for request in group:
        stream = request.stream.encode()
        count = counts.setdefault(stream, [len(counts) + 1, 0])
        moment = _moment(request.occurred_at)
        actor = request.actor.encode()
        number = _INT4.pack(4, count[0])
        hashes.append(request.request_hash)
        expected.append(_NULL if request.expected_version is None else _INT4.pack(4, request.expected_version))
        for event, event_id, (head, tail) in zip(request.events, request.event_ids, request.ends, strict=True):
            count[1] += 1
            ids.append(event_id.bytes)
            streams.append(stream)
            types.append(event.wire_name.encode())
            occurred.append(moment)
            actors.append(actor)
            heads.append(head)
            tails.append(tail)
            stream_numbers.append(number)
            offsets.append(_INT4.pack(4, count[1]))
        for _ in request.events[1:]:
            hashes.append(None)
            expected.append(_NULL)
    return [
        _array(_UUID, ids),
        _nullable(_BYTEA, hashes),
        _array(_TEXT, streams),
        _array(_TEXT, types),
        _packed(_INSTANT, occurred),
        _array(_TEXT, actors),
        _array(_BYTEA, heads),
        _array(_BYTEA, tails),
        _packed(_INTEGER, [_INT4.pack(4, len(request.events)) for request in group]),
        None if all(request.expected_version is None for request in group) else _packed(_INTEGER, expected),
        _packed(_INTEGER, stream_numbers),
        _packed(_INTEGER, offsets),
        _array(_TEXT, list(counts)),
        _given(group),
        _contents(group),
    ]


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
    parts = [_HEADER.pack(1, 0, element, len(values), 1)]
    for value in values:
        parts += (pack(len(value)), value)
    return b"".join(parts)


def _nullable(element: int, values: list[bytes | None]) -> bytes:
    return _packed(element, [_NULL if value is None else _LENGTH.pack(len(value)) + value for value in values])
