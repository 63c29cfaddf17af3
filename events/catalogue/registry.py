"""Wire name to class, for every version ever written. Old versions are read for ever and become the current class."""

from collections.abc import Callable, Mapping
from dataclasses import dataclass
from types import ModuleType
from typing import Any, Final, cast

from pydantic import ValidationError

from events.catalogue import center, committee, exchange, logistics, network, outlets, production, settlement
from events.catalogue.base import Event

MODULES: Mapping[str, ModuleType] = {
    "network": network,
    "production": production,
    "committee": committee,
    "logistics": logistics,
    "outlets": outlets,
    "settlement": settlement,
    "center": center,
    "exchange": exchange,
}


#: What is said of an item that is read and cannot be worked with: its code is `too_deep`.
TOO_DEEP: Final = "Objects and lists stand deeper inside each other than any report has them."


class UnknownEventType(ValueError):
    """No event of this name and version is in the catalogue."""

    def __init__(self, wire_name: str) -> None:
        super().__init__(f"{self.__doc__} ({wire_name})")
        self.wire_name = wire_name


@dataclass(frozen=True, slots=True)
class FieldProblem:
    """What is wrong with one field of an event, and where."""

    field: str
    message: str
    code: str


class UndecodableEvent(ValueError):
    """The event's fields are not what its type demands."""

    def __init__(self, wire_name: str, problems: tuple[FieldProblem, ...]) -> None:
        super().__init__(f"{self.__doc__} ({wire_name}: {problems[0].field} {problems[0].message})")
        self.wire_name = wire_name
        self.problems = problems


@dataclass(frozen=True, slots=True)
class OldVersion:
    """An earlier form of an event: what it looked like, and how it is read today."""

    written_as: type[Event]
    upcast: Callable[[Any], Event]


#: Earlier forms. A class here is never changed and never removed; its golden sample is a test.
OLD_VERSIONS: Mapping[str, OldVersion] = {
    old.wire_name: OldVersion(old, old.upcast)
    for old in (
        production.LotCollectedV1,
        committee.ProductSubmittedV1,
        committee.AssessmentScoredV1,
        outlets.StockWrittenOffV1,
        settlement.PayoutMadeV1,
        settlement.PayoutReversedV1,
        settlement.AdvanceGivenV1,
    )
}


def _current() -> dict[str, type[Event]]:
    found: dict[str, type[Event]] = {}
    for module in MODULES.values():
        for value in vars(module).values():
            is_concrete = isinstance(value, type) and issubclass(value, Event) and "wire_name" in vars(value)
            if is_concrete and value.wire_name not in OLD_VERSIONS:
                found[value.wire_name] = value
    return found


#: Current events by wire name.
EVENTS: Mapping[str, type[Event]] = _current()


def written_class(wire_name: str) -> type[Event]:
    """The class whose fields an event of this name has in storage.

    Raises UnknownEventType.
    """
    current = EVENTS.get(wire_name)
    if current is not None:
        return current
    old = OLD_VERSIONS.get(wire_name)
    if old is None:
        raise UnknownEventType(wire_name)
    return old.written_as


def validate_as_written(wire_name: str, data: bytes | str) -> Event:
    """An event in the very version it was sent in: what the log stores.

    Raises UnknownEventType, UndecodableEvent.
    """
    try:
        return written_class(wire_name).model_validate_json(data)
    except ValidationError as error:
        raise UndecodableEvent(wire_name, problems_of(error)) from error


def upcast(event: Event) -> Event:
    """The same event as today's class; an event of today comes back as it is.

    Raises UndecodableEvent: an old form may say what its form of today cannot.
    """
    old = OLD_VERSIONS.get(event.wire_name)
    try:
        return event if old is None else old.upcast(event)
    except ValidationError as error:
        raise UndecodableEvent(event.wire_name, problems_of(error)) from error


#: What pydantic checks an event of today by, without the layers above it: a fold decodes millions.
_CHECKS: Mapping[str, Callable[[bytes | str], Event]] = {
    wire_name: cast("Callable[[bytes | str], Event]", event.__pydantic_validator__.validate_json)
    for wire_name, event in EVENTS.items()
}


def decode(wire_name: str, data: bytes | str) -> Event:
    """An event as it is understood today, whatever version it was written in.

    Raises UnknownEventType, UndecodableEvent.
    """
    check = _CHECKS.get(wire_name)
    if check is None:
        return upcast(validate_as_written(wire_name, data))
    try:
        return check(data)
    except ValidationError as error:
        raise UndecodableEvent(wire_name, problems_of(error)) from error


def problems_of(error: ValidationError) -> tuple[FieldProblem, ...]:
    found = []
    for detail in error.errors(include_url=False, include_context=False, include_input=False):
        message = detail["msg"].removeprefix("Value error, ")
        code, colon, rest = message.partition(": ")
        named = bool(colon) and detail["type"] == "value_error"
        if detail["type"] == "json_invalid" and "recursion limit" in message:
            named, code, rest = True, "too_deep", TOO_DEEP
        found.append(
            FieldProblem(
                field=".".join(str(part) for part in detail["loc"]) or "data",
                message=rest if named else message,
                code=code if named else detail["type"],
            )
        )
    return tuple(found)
