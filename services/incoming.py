"""What every request item carries around its content: an id, a claimed time, and perhaps an actor."""

import re
from contextlib import suppress
from datetime import UTC, datetime
from typing import Any, Final
from uuid import UUID

from events.catalogue.registry import FieldProblem
from services.access import Sender
from services.errors import Malformed, NotAllowed
from services.items import Item

#: What PostgreSQL can compare with: its texts hold no zero byte.
WORD: Final = r"^[^\x00]*$"
_UUID = re.compile(r"[0-9A-Fa-f]{8}(-[0-9A-Fa-f]{4}){3}-[0-9A-Fa-f]{12}")
#: RFC 3339, and a little more that cannot be misread. The standard library alone takes a NUL behind, and +05:99.
_INSTANT = re.compile(r"\d{4}-\d\d-\d\d[T ]\d\d:\d\d(:\d\d(\.\d+)?)?(Z|[+-]\d\d(:?[0-5]\d)?)", re.ASCII)
_ACTOR = re.compile(r"[a-z0-9][a-z0-9._/-]{0,95}")


class ActorNotYours(NotAllowed):
    """This key may report only in its own name."""

    advice = "Leave out `actor`."


class ClockIsReal(NotAllowed):
    """This network keeps its own clock; a report cannot say when it was recorded."""

    advice = "Leave out `recorded_at`."


def wrong(field: str, code: str, message: str) -> Malformed:
    return Malformed([FieldProblem(field=field, message=message, code=code)])


def said_by(item: Item) -> Any:
    """What an item says, if every parser reads the same. Raises Malformed."""
    if not item.is_readable:
        raise wrong("item", "unreadable", "Half of a character, or a number beyond every double: parsers differ here.")
    if item.repeated_key is not None:
        raise wrong(item.repeated_key[:100], "duplicate_key", "This key stands twice in one object: say it once.")
    return item.value


def read_id(value: Any) -> UUID:
    """The sender's id of a request: a UUID in its usual spelling. Raises Malformed."""
    if type(value) is str and _UUID.fullmatch(value):  # the class itself takes hyphens, digits and space anywhere
        return UUID(value)
    raise wrong("id", "wrong_id", "A UUID (version 7 is best), drawn by the sender once for this report.")


def read_instant(value: Any, field: str) -> datetime:
    """An instant with its offset, in UTC. Raises Malformed."""
    if type(value) is str and _INSTANT.fullmatch(value := value.upper()):
        with suppress(ValueError, OverflowError):
            return datetime.fromisoformat(value).astimezone(UTC)
    raise wrong(field, "wrong_time", "An instant with its offset, like 2026-11-23T18:03:00+06:00.")


def stated_actor(value: Any, sender: Sender) -> str:
    """Who reports: the sender, or whom the sender names if it may. Raises ActorNotYours, Malformed."""
    if value is None or value == sender.actor:
        return sender.actor
    if not sender.names_actors:
        raise ActorNotYours(field="actor")
    if type(value) is not str or not _ACTOR.fullmatch(value):
        raise wrong("actor", "wrong_actor", "A pseudonymous id, lower case, at most 96 characters.")
    return value


def stated_record_time(value: Any, *, simulated: bool) -> datetime | None:
    """When a request says that it was recorded. Raises ClockIsReal, Malformed."""
    if value is None:
        return None
    if not simulated:
        raise ClockIsReal(field="recorded_at")
    return read_instant(value, "recorded_at")
