"""One group of requests as one call of the database's append function, and its answer.

The arrays are written in PostgreSQL's binary format here: for one small request the general adaptation of parameters
would cost as much as the statement.
"""

import struct
from collections.abc import Sequence
from datetime import UTC, datetime, timedelta

import psycopg
from psycopg import pq

from events.appends import Append, Appended, AppendRefused, Conflict, Duplicate, LogUnavailable, LostRace, Outcome
from events.appends import RecordedAtRefused

_STATEMENT = b"ovop_append"
_TYPES = ("uuid[]", "bytea[]", "text[]", "text[]", "timestamptz[]", "text[]", "bytea[]", "bytea[]")
_TYPES += ("int4[]", "int4[]", "int4[]", "text[]", "timestamptz[]", "bytea[]")
_SQL = f"SELECT * FROM log.append({', '.join(f'${n + 1}::{name}' for n, name in enumerate(_TYPES))})".encode()
_BINARY = [pq.Format.BINARY] * len(_TYPES)

_UUID, _BYTEA, _TEXT, _INSTANT, _INTEGER = 2950, 17, 25, 1184, 23
_HEADER = struct.Struct("!iiIii")
_LENGTH = struct.Struct("!i")
_INT4 = struct.Struct("!ii")
_INT8 = struct.Struct("!iq")
_BIGINT = struct.Struct("!q")
_NULL = _LENGTH.pack(-1)
_EPOCH = datetime(2000, 1, 1, tzinfo=UTC)
_MICROSECOND = timedelta(microseconds=1)

#: SQLSTATE of the append function: a recorded_at was given to a network with a real clock.
_CLOCK_REFUSED = b"OV001"
#: Classes of SQLSTATE that say nothing about the request: connection, resources, an operator, a crash.
_PASSING = (b"08", b"25", b"40", b"53", b"55", b"57", b"58", b"XX")


def prepare(connection: psycopg.Connection) -> None:
    """Make a new connection ready for `run`. Raises psycopg.Error."""
    result = connection.pgconn.prepare(_STATEMENT, _SQL)
    if result.status != pq.ExecStatus.COMMAND_OK:
        raise psycopg.OperationalError(connection.pgconn.get_error_message())


def run(connection: psycopg.Connection, group: Sequence[Append]) -> list[Outcome]:
    """Append a group in one statement and one commit; an answer for each request, in order.

    Raises LogUnavailable (outcome unknown or nothing stored, both safe to send again), RecordedAtRefused,
    AppendRefused.
    """
    pgconn = connection.pgconn
    try:
        result = pgconn.exec_prepared(_STATEMENT, _parameters(group), _BINARY, pq.Format.BINARY)
    except psycopg.Error as error:
        raise LogUnavailable(str(error)) from error
    if result.status != pq.ExecStatus.TUPLES_OK:
        raise _refusal(pgconn, result)
    value = result.get_value
    return [_outcome(*(value(row, column) for column in range(5))) for row in range(len(group))]


def _refusal(pgconn: pq.abc.PGconn, result: pq.abc.PGresult) -> Exception:
    state = result.error_field(pq.DiagnosticField.SQLSTATE)
    detail = result.get_error_message() or pgconn.get_error_message()
    if state is None or state[:2] in _PASSING:
        return LogUnavailable(detail)
    return RecordedAtRefused(detail) if state == _CLOCK_REFUSED else AppendRefused(detail)


def _outcome(
    kind: bytes | None, first: bytes | None, last: bytes | None, recorded_at: bytes | None, leaf_hash: bytes | None
) -> Outcome:
    assert kind is not None and first is not None
    (position,) = _BIGINT.unpack(first)
    match kind[3]:
        case 2:
            return Conflict(position)
        case 3:
            return LostRace(position)
        case known:
            assert last is not None and recorded_at is not None and leaf_hash is not None
            moment = _EPOCH + timedelta(microseconds=_BIGINT.unpack(recorded_at)[0])
            made = Appended if known == 0 else Duplicate
            return made(position, _BIGINT.unpack(last)[0], moment, leaf_hash)


def _parameters(group: Sequence[Append]) -> list[bytes | None]:
    ids: list[bytes] = []
    hashes: list[bytes | None] = []
    streams: list[bytes] = []
    types: list[bytes] = []
    occurred: list[bytes] = []
    actors: list[bytes] = []
    heads: list[bytes] = []
    tails: list[bytes] = []
    numbers: dict[bytes, int] = {}
    stream_numbers: list[bytes] = []
    for request in group:
        count = len(request.events)
        stream = request.stream.encode()
        stream_numbers.append(_INT4.pack(4, numbers.setdefault(stream, len(numbers) + 1)))
        ids += [event_id.bytes for event_id in request.event_ids]
        hashes.append(request.request_hash)
        streams.append(stream)
        occurred.append(_moment(request.occurred_at))
        actors.append(request.actor.encode())
        if count > 1:
            hashes += [None] * (count - 1)
            streams += [stream] * (count - 1)
            occurred += occurred[-1:] * (count - 1)
            actors += actors[-1:] * (count - 1)
        types += [event.wire_name.encode() for event in request.events]
        for head, tail in request.ends:
            heads.append(head)
            tails.append(tail)
    sizes = [_INT4.pack(4, len(request.events)) for request in group]
    expected = [_NULL if r.expected_version is None else _INT4.pack(4, r.expected_version) for r in group]
    return [
        _array(_UUID, ids),
        _nullable(_BYTEA, hashes),
        _array(_TEXT, streams),
        _array(_TEXT, types),
        _packed(_INSTANT, occurred),
        _array(_TEXT, actors),
        _array(_BYTEA, heads),
        _array(_BYTEA, tails),
        _packed(_INTEGER, sizes),
        _packed(_INTEGER, expected),
        _packed(_INTEGER, stream_numbers),
        _array(_TEXT, list(numbers)),
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
