"""One case of bad input: what is sent, and what must come of it."""

from collections.abc import Iterable, Mapping
from dataclasses import dataclass, field
from typing import Any, Final
from uuid import NAMESPACE_URL, UUID, uuid5

import orjson
from events.catalogue.base import Event
from services.facts import path_of

from tests.door import NOW

EVENTS: Final = "/api/v1/events"
JSON: Final[dict[str, str]] = {"Content-Type": "application/json"}


@dataclass(frozen=True, slots=True)
class Kept:
    """Stored as a fact or a decision; `flags` are among those of the answer."""

    flags: tuple[str, ...] = ()


@dataclass(frozen=True, slots=True)
class Quarantined:
    """Kept whole beside the log, under this code; `field` is the one that the answer's detail names."""

    problem: str
    field: str | None = None


@dataclass(frozen=True, slots=True)
class Refused:
    """Turned away by name, and nothing stored. `each` is the code of the first field at fault."""

    status: int
    code: str
    field: str | None = None
    each: str | None = None


@dataclass(frozen=True, slots=True)
class Repeated:
    """Known before: the first receipt again, and what is wrong with it, if something is."""

    problem: str | None = None


@dataclass(frozen=True, slots=True)
class Disputed:
    """This id stands for something else; what was sent is kept as evidence."""


@dataclass(frozen=True, slots=True)
class Told:
    """An answer with this status that stores nothing: of a question, or of what never reached a route; 0 is none."""

    status: int = 200


@dataclass(frozen=True, slots=True)
class Each:
    """A list was sent; what came of every item, in order."""

    outcomes: tuple["Outcome", ...]


type Outcome = Kept | Quarantined | Refused | Repeated | Disputed | Told | Each


@dataclass(frozen=True, slots=True)
class Signed:
    """How a device signs an upload, or somebody in its place."""

    by: str = "tablet"  #: whose private key
    as_key: str = "tablet"  #: whose key it is said to be
    over: bytes | None = None  #: another body than the one that is sent
    actor: str = "till/karakol-1"
    head: str = ""
    said_head: str | None = None  #: another head in the header
    form: str = "OVOP-Signature key={key}, signature={signature}"


@dataclass(frozen=True, slots=True)
class Case:
    """What is sent, and what must come of it."""

    name: str  #: unique in its family: what is wrong, in words
    outcome: Outcome
    body: bytes = b""
    path: str = EVENTS
    method: str = "POST"
    headers: Mapping[str, str] = field(default_factory=lambda: JSON)
    key: str | None = "admin"  #: whose key goes with it, by the name that the ring of keys has for it; None: nobody's
    sent: tuple[bytes, ...] | None = None  #: the items as they must be kept; None: the body is the one item
    chunks: bool = False  #: the body goes in chunks of unknown number
    wire: bytes | None = None  #: the very bytes on the connection, where no client would write them so
    signed: "Signed | None" = None  #: a device signs it
    folded: bool = False  #: the read models are brought up with the log before it is sent


def id_of(name: str) -> str:
    """The same id for the same case in every run."""
    return str(uuid5(NAMESPACE_URL, f"corpus {name}"))


def id_after(name: str) -> UUID:
    return UUID(id_of(name))


def fields_of(event: Event, **changes: Any) -> dict[str, Any]:
    """An event's fields as a device sends them; a change to None leaves the field out."""
    said = event.model_dump(mode="json", exclude_none=True) | changes
    return {name: value for name, value in said.items() if value is not LEFT_OUT}


#: Instead of a value: the field is not sent at all.
LEFT_OUT: Final[Any] = object()


def report(name: str, event: Event, /, *, around: Mapping[str, Any] | None = None, **changes: Any) -> bytes:
    """A report of this event with some of its fields changed, and some of those around it."""
    item: dict[str, Any] = {"id": id_of(name), "type": event.wire_name, "occurred_at": NOW, "data": fields_of(event, **changes)}
    item |= around or {}
    return orjson.dumps({key: value for key, value in item.items() if value is not LEFT_OUT})


def fact(name: str, outcome: Outcome, event: Event, /, *, around: Mapping[str, Any] | None = None, **changes: Any) -> Case:
    """The report of a fact, at the address that takes any."""
    return Case(name, outcome, report(name, event, around=around, **changes))


def friendly(name: str, outcome: Outcome, context: str, event: Event, /, **changes: Any) -> Case:
    """The same at the fact's own address."""
    item = {"id": id_of(name), "occurred_at": NOW} | fields_of(event, **changes)
    return Case(name, outcome, orjson.dumps(item), f"/api/v1/{context}/{path_of(type(event))}")  # type: ignore[arg-type]


def command(name: str, outcome: Outcome, path: str, event: Event | None = None, /, **changes: Any) -> Case:
    """A command for this event with some of its fields changed."""
    told = {} if event is None else event.model_dump(mode="json", exclude_none=True)
    item = {"id": id_of(name), "occurred_at": NOW} | told | changes
    said = {key: value for key, value in item.items() if value is not LEFT_OUT}
    return Case(name, outcome, orjson.dumps(said), f"/api/v1/{path}")


def question(name: str, outcome: Outcome, path: str, /, key: str | None = "admin") -> Case:
    """A question to the books."""
    return Case(name, outcome, path=f"/api/v1/{path}", method="GET", headers={}, key=key)


def malformed(each: str, field: str | None = None) -> Refused:
    """A command or question that is not what its address takes, for the code and name of its first field at fault."""
    return Refused(422, "malformed", field, each)


def named(cases: Iterable[Case]) -> dict[str, Case]:
    """Cases by name. Raises ValueError when a name stands twice."""
    found: dict[str, Case] = {}
    for case in cases:
        if case.name in found:
            raise ValueError(f"two cases are called {case.name!r}")
        found[case.name] = case
    return found
