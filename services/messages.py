"""What a message of the broker brings: whose reports, and which."""

from dataclasses import dataclass, replace
from typing import Any

from faststream.nats import NatsMessage

from events.broker import (
    INTAKE_STREAM,
    OUTBOX_STREAM,
    actor_of_token,
)
from services.errors import NotJson
from services.items import ITEMS_MAX, Item, split

#: Nested lists and envelopes of a report are small; an echo of the broker is smaller.
ECHO_BYTES_MAX = 256
_CLOUD_EVENT_USED = {"id": "id", "type": "type", "time": "occurred_at", "data": "data", "recordedat": "recorded_at"}
_CLOUD_EVENT_KNOWN = {*_CLOUD_EVENT_USED, "specversion", "source", "subject", "datacontenttype", "dataschema"}


@dataclass(frozen=True, slots=True)
class Brought:
    """One message and the items in it."""

    message: NatsMessage
    actor: str
    items: tuple[Item | bytes, ...]


def brought(message: NatsMessage) -> Brought | None:
    """The items of a message; None for an echo, see `_is_echo`."""
    raw: bytes = message.raw_message.data
    actor = actor_of_token(message.raw_message.subject.split(".")[2])
    try:
        many, items = split(raw)
    except NotJson:
        return Brought(message, actor, (raw,))
    if not many and _is_echo(raw, items[0].value):
        return None
    # A longer list than anybody may send is kept whole, as one thing that is not understood.
    return Brought(message, actor, tuple(map(_item, items)) if 0 < len(items) <= ITEMS_MAX else (raw,))


def _item(item: Item) -> Item:
    """A CloudEvent as the item that HTTP takes; anything else as it is. What we would drop silently is not mapped."""
    said = item.value
    if not isinstance(said, dict) or "specversion" not in said or not said.keys() <= _CLOUD_EVENT_KNOWN:
        return item
    mapped = {ours: said[theirs] for theirs, ours in _CLOUD_EVENT_USED.items() if theirs in said}
    return replace(item, value=mapped, written=item.sent)


def _is_echo(raw: bytes, parsed: Any) -> bool:
    """Whether this is the broker's own answer to a publish, which a sender wanted sent to its own subject of reports.

    It has one form, which no report has, and nobody made it: it is not evidence of anything.
    """
    return (
        len(raw) < ECHO_BYTES_MAX
        and isinstance(parsed, dict)
        and parsed.get("stream") in (INTAKE_STREAM, OUTBOX_STREAM)
        and parsed.keys() <= {"stream", "seq", "duplicate", "domain", "error"}
    )
