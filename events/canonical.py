"""The bytes of an event that are hashed, signed and proved: RFC 8785 canonical JSON, final from the first day.

A leaf is one JSON object with the keys actor, data, event_id, nonce, occurred_at, recorded_at, stream, type, in that
order. Events hold integers, ASCII keys and no floats, so sorted keys and shortest escapes are the whole of RFC 8785; a
property test compares with the `rfc8785` package. Only the log knows `recorded_at`: the sender prepares what stands
before it (the head) and after it (the tail), the database joins and hashes the three.
"""

import hashlib
import os
import re
from collections import deque
from datetime import UTC, datetime
from functools import lru_cache
from typing import Any, NamedTuple
from uuid import UUID, SafeUUID

import orjson
from pydantic import BaseModel

from events.catalogue import registry
from events.catalogue.base import Event, Recorded

#: Entry bundles of a tiled transparency log give a leaf's length in 16 bits.
LEAF_BYTES_MAX = 65_535

_SORTED = orjson.OPT_SORT_KEYS
_PLAIN = re.compile(r"[A-Za-z0-9][A-Za-z0-9._/-]{0,199}")

_BEFORE_ACTOR = len('{"actor":"')
_ACTOR_TO_DATA = len('","data":')
_INSTANT = len("2016-12-31T23:59:59.999999Z")
# Lengths counted from the end of the leaf, where everything but stream and type has a fixed length.
_END = len('"}')
_TYPE_TO_STREAM = len('","type":"')
_RECORDED_TO_STREAM = _INSTANT + len('","stream":"')
_OCCURRED_TO_RECORDED = _INSTANT + len('","recorded_at":"')
_NONCE_TO_OCCURRED = 32 + len('","occurred_at":"')
_ID_TO_NONCE = 36 + len('","nonce":"')
_DATA_TO_ID = len(',"event_id":"')
_ID_TO_OCCURRED = _ID_TO_NONCE + _NONCE_TO_OCCURRED
_ID_TO_RECORDED = _ID_TO_OCCURRED + _OCCURRED_TO_RECORDED
_ID_TO_STREAM = _ID_TO_RECORDED + _RECORDED_TO_STREAM


class NotPlain(ValueError):
    """An actor, a stream or a type is not 1 to 200 characters of A-Z a-z 0-9 . _ / -"""

    def __init__(self, what: str, value: str) -> None:
        super().__init__(f"{self.__doc__} ({what}: {value[:80]!r})")
        self.what = what


class EventTooLarge(ValueError):
    """An event is larger than a leaf of the log may be (65,535 bytes)."""

    def __init__(self, leaf_bytes: int) -> None:
        super().__init__(f"{self.__doc__} ({leaf_bytes} bytes)")
        self.leaf_bytes = leaf_bytes


class Ends(NamedTuple):
    """A leaf without its `recorded_at`: the bytes before it and the bytes after it."""

    head: bytes
    tail: bytes


def canonical(value: Any) -> bytes:
    """RFC 8785 bytes of a JSON value without floats and without keys beyond ASCII."""
    return orjson.dumps(value, option=_SORTED)


def content_hash(value: Any) -> bytes:
    """The hash of a request's content: the same content in another order of keys has the same hash."""
    return hashlib.sha256(canonical(value)).digest()


def event_data(event: Event) -> bytes:
    """An event's own fields as the log keeps them; a field that is None is left out.

    The same as dumping the model by pydantic and sorting the keys, without building it anew as plain values first.
    """
    return orjson.dumps(_said(event), default=_said, option=_SORTED)


def _said(value: BaseModel) -> dict[str, Any]:
    return {name: said for name, said in value.__dict__.items() if said is not None}


def instant(moment: datetime) -> str:
    """An aware moment in UTC, always with six decimals: `2016-12-31T18:00:00.000000Z`."""
    if moment.tzinfo is not UTC:
        moment = moment.astimezone(UTC)
    text = moment.isoformat()
    return f"{text[:26]}Z" if len(text) == 32 else f"{text[:19]}.000000Z"


#: Nonces drawn ahead: one call of the system for many.
_nonces: deque[str] = deque()
os.register_at_fork(after_in_child=_nonces.clear)


def _nonce() -> str:
    """16 random bytes as hex. Two processes never share one: a forked child begins with none."""
    try:
        return _nonces.popleft()
    except IndexError:
        drawn = os.urandom(16 * 64).hex()
        _nonces.extend(drawn[at : at + 32] for at in range(0, len(drawn), 32))
        return os.urandom(16).hex()


@lru_cache(maxsize=10_000)
def _require_plain(actor: str, stream: str, wire_name: str) -> None:
    """Most events come from an actor and in a stream that were just seen. Raises NotPlain."""
    for what, value in (("actor", actor), ("stream", stream), ("type", wire_name)):
        if _PLAIN.fullmatch(value) is None:
            raise NotPlain(what, value)


def leaf_ends(actor: str, data: bytes, event_id: UUID, occurred_at: datetime, stream: str, wire_name: str) -> Ends:
    """The two ends of a leaf, with a fresh nonce, so that nobody can guess an event from its published hash.

    Raises NotPlain, EventTooLarge.
    """
    _require_plain(actor, stream, wire_name)
    nonce = _nonce()
    names = f',"event_id":"{event_id}","nonce":"{nonce}","occurred_at":"{instant(occurred_at)}","recorded_at":"'
    head = b"".join((b'{"actor":"', actor.encode(), b'","data":', data, names.encode()))
    tail = f'","stream":"{stream}","type":"{wire_name}"}}'.encode()
    size = len(head) + _INSTANT + len(tail)
    if size > LEAF_BYTES_MAX:
        raise EventTooLarge(size)
    return Ends(head, tail)


def hash_leaf(leaf: bytes) -> bytes:
    """The leaf's hash in a Merkle tree (RFC 6962: a zero byte keeps leaves apart from nodes)."""
    return hashlib.sha256(b"\x00" + leaf).digest()


class LeafParts(NamedTuple):
    """A leaf taken apart by the known places of its parts; `data` is still JSON."""

    wire_name: str
    data: bytes
    actor: str
    event_id: str
    occurred_at: str
    recorded_at: str
    stream: str


def take_apart(leaf: bytes) -> LeafParts:
    """The parts of a leaf. Right for leaves made by `leaf_ends` only: places are counted, nothing is searched twice."""
    type_at = leaf.rindex(b'"', 0, -_END) + 1
    stream_end = type_at - _TYPE_TO_STREAM
    stream_at = leaf.rindex(b'"', 0, stream_end) + 1
    recorded_at = stream_at - _RECORDED_TO_STREAM
    occurred_at = recorded_at - _OCCURRED_TO_RECORDED
    id_at = occurred_at - _NONCE_TO_OCCURRED - _ID_TO_NONCE
    actor_end = leaf.index(b'"', _BEFORE_ACTOR)
    return LeafParts(
        leaf[type_at:-_END].decode(),
        leaf[actor_end + _ACTOR_TO_DATA : id_at - _DATA_TO_ID],
        leaf[_BEFORE_ACTOR:actor_end].decode(),
        leaf[id_at : id_at + 36].decode(),
        leaf[occurred_at : occurred_at + _INSTANT].decode(),
        leaf[recorded_at : recorded_at + _INSTANT].decode(),
        leaf[stream_at:stream_end].decode(),
    )


class Unopened(NamedTuple):
    """An event as it was read from the log, not decoded yet: the arguments of `decode_leaf`."""

    position: int
    version: int
    leaf: bytes


# A leaf's id is a UUID for certain: taking the constructor's checks out of the way of every event of a rebuild.
_new_uuid, _set = object.__new__, object.__setattr__


def decode_leaf(position: int, version: int, leaf: bytes) -> Recorded[Event]:
    """A leaf as the event it is today, at its place in the log.

    Raises UnknownEventType, UndecodableEvent (events.catalogue.registry).
    """
    # As take_apart, but everything behind the data (ASCII, of known lengths) becomes text at once.
    type_at = leaf.rindex(b'"', 0, -_END) + 1
    stream_at = leaf.rindex(b'"', 0, type_at - _TYPE_TO_STREAM) + 1
    id_at = stream_at - _ID_TO_STREAM
    actor_end = leaf.index(b'"', _BEFORE_ACTOR)
    tail = leaf[id_at:-_END].decode()
    identity = _new_uuid(UUID)
    _set(identity, "int", int(tail[:36].replace("-", ""), 16))
    _set(identity, "is_safe", SafeUUID.unknown)
    return Recorded(
        position,
        identity,
        tail[_ID_TO_STREAM : type_at - _TYPE_TO_STREAM - id_at],
        version,
        datetime.fromisoformat(tail[_ID_TO_OCCURRED : _ID_TO_OCCURRED + _INSTANT]),
        datetime.fromisoformat(tail[_ID_TO_RECORDED : _ID_TO_RECORDED + _INSTANT]),
        leaf[_BEFORE_ACTOR:actor_end].decode(),
        registry.decode(tail[type_at - id_at :], leaf[actor_end + _ACTOR_TO_DATA : id_at - _DATA_TO_ID]),
    )
