"""/openapi.json: the routes, with the fields of every command and fact as their own classes state them, an example of
each, and every refusal by its code."""

from collections.abc import Iterable, Iterator, Mapping
from contextlib import suppress
from datetime import UTC, datetime
from typing import Any, Final
from uuid import UUID

import orjson
from fastapi import FastAPI
from fastapi.openapi.utils import get_openapi
from pydantic import BaseModel

from events.catalogue.base import Event
from services.access.permissions import permission_of
from services.access.sender import NoSuchRight, NotAgreed, NotYours
from services.access.signatures import WrongSignature
from services.answers import Answer, Receipt
from services.decider import Command
from services.errors import (
    PROBLEM_JSON,
    Busy,
    HeadersTooLarge,
    IdConflict,
    Internal,
    Malformed,
    MethodNotAllowed,
    NotAllowed,
    NotAuthenticated,
    NotFound,
    NotJson,
    NotThereYet,
    Refused,
    TookTooLong,
    TooLarge,
    TooManyItems,
    TooManyRequests,
    Unavailable,
    problem,
    status_of,
)
from services.polling import POSITION_HEADER, RECORDED_AT_HEADER
from services.reports import MAY_ANSWER, OF_REPORTS
from services.samples import samples

_REFERENCE: Final = "#/components/schemas/{model}"
_ENVELOPE: Final[dict[str, Any]] = {
    "id": {"type": "string", "format": "uuid", "description": "Drawn by the sender once for this request."},
    "occurred_at": {"type": "string", "format": "date-time", "description": "When it happened, as the sender claims."},
    "actor": {
        "type": ["string", "null"],
        "pattern": "^[a-z0-9][a-z0-9._/-]{0,95}$",
        "description": "In whose name; only for keys that may.",
    },
    "recorded_at": {"type": ["string", "null"], "format": "date-time", "description": "Only on a simulated network."},
}
REPORT: Final[dict[str, Any]] = {
    "type": "object",
    "additionalProperties": False,
    "properties": {**_ENVELOPE, "type": {"type": "string"}, "data": {"type": "object"}},
    "required": ["id", "type", "occurred_at", "data"],
}
ANSWER: Final[dict[str, Any]] = {
    "type": "object",
    "properties": {
        "id": {"type": ["string", "null"]},
        "status": {"enum": ["accepted", "duplicate", "flagged", "quarantined", "conflict", "refused"]},
        "position": {"type": ["integer", "null"]},
        "problem": {"type": ["string", "null"]},
        "detail": {"type": "string"},
        "flags": {"type": "array", "items": {"type": "string"}},
        "receipt": {
            "type": ["object", "null"],
            "properties": {
                "event_id": {"type": "string", "format": "uuid"},
                "position": {"type": "integer"},
                "leaf_hash": {"type": "string"},
                "recorded_at": {"type": "string", "format": "date-time"},
            },
        },
        "key": {"type": "string", "description": "A new device's key, shown this once."},
        "code": {"type": "string", "description": "With which a new device enrols its own key, shown this once."},
    },
    "required": ["id", "status", "position", "problem", "flags", "receipt"],
}
_PROBLEM: Final[dict[str, Any]] = {
    "type": "object",
    "properties": {
        "type": {"type": "string"},
        "title": {"type": "string"},
        "status": {"type": "integer"},
        "code": {"type": "string"},
        "field": {"type": "string"},
        "what_to_do": {"type": "string"},
        "problems": {"type": "array", "items": {"type": "object"}},
        "answer": {"$ref": "#/components/schemas/Answer"},
    },
    "required": ["type", "title", "status", "code"],
}


#: What an answer carries for one who polls, and what is sent back next time.
_POLLED_HEADERS: Final[dict[str, Any]] = {
    "ETag": {"description": "Weak: of what is said, whatever its position.", "schema": {"type": "string"}},
    POSITION_HEADER: {"description": "The position it speaks for, also of a 304.", "schema": {"type": "integer"}},
    RECORDED_AT_HEADER: {
        "description": "The `recorded_at` of an answer that has one, also of a 304; empty before the first event.",
        "schema": {"type": "string"},
    },
}
_HELD: Final[dict[str, Any]] = {
    "name": "If-None-Match",
    "in": "header",
    "required": False,
    "description": "The `ETag` of an answer at hand: 304 without a body when nothing else is to be said.",
    "schema": {"type": "string"},
}

#: What the envelope of an example says.
_STATED: Final[dict[str, Any]] = {
    "id": "0198c0de-0000-7000-8000-000000000001",
    "occurred_at": "2026-11-23T18:03:00+06:00",
}
_RECEIPT: Final = Receipt(UUID(_STATED["id"]), 7, "0" * 64, datetime(2026, 11, 23, 12, 3, 1, tzinfo=UTC))
_ACCEPTED: Final = Answer(_STATED["id"], "accepted", 7, receipt=_RECEIPT)
_QUARANTINED: Final = Answer(
    _STATED["id"], "quarantined", 7, "unknown_field", "colour: An item has no such field.", receipt=_RECEIPT
)
_LATER: Final[dict[str, Any]] = {
    "description": "The books of that position are being built: ask the job, and then this again",
    "headers": {"Location": {"schema": {"type": "string"}, "description": "The address of the job."}},
    "content": {
        "application/json": {
            "schema": {
                "type": "object",
                "properties": {
                    "job": {"type": "string"},
                    "position": {"type": "integer"},
                    "state": {"enum": ["waiting", "building", "ready", "failed"]},
                    "reached": {"type": "integer"},
                    "error": {"type": ["string", "null"]},
                },
                "required": ["job", "position", "state", "reached", "error"],
            }
        }
    },
}
#: What every address may answer, what those may that are asked about the books, and those that take items.
_OF_ALL: Final[tuple[type[Refused], ...]] = (
    *(MethodNotAllowed, HeadersTooLarge, TooManyRequests, TookTooLong, Unavailable, Internal),
)
_OF_READERS: Final[tuple[type[Refused], ...]] = (
    *_OF_ALL,
    NotAuthenticated,
    NotAllowed,
    NoSuchRight,
    NotYours,
    NotFound,
    Malformed,
    NotThereYet,
    Busy,
)
_OF_WRITERS: Final[tuple[type[Refused], ...]] = (
    *(*_OF_ALL, NotJson, NotAuthenticated, WrongSignature, NoSuchRight, NotYours, NotFound, Malformed),
    *(IdConflict, TooLarge, TooManyItems, Busy),
)

#: Where the refusals stand that a command meets in every context, and those that are spread over all addresses.
_WRITING: Final = ("services.incoming", "services.decider", "services.handle")
#: What stands in the room of access by other names.
_COMING_IN: Final = ("session", "devices", "agreements")
_COMMON: Final = ("services.errors", "services.reports")

#: What routes take, by the name of its class.
_TAKEN: dict[str, type[BaseModel]] = {}
#: Parts of the plain objects that routes take, by their names.
_PLAIN_PARTS: dict[str, Any] = {}


def takes(model: type[BaseModel] | None) -> dict[str, Any]:
    """What a route adds to its description: a list or one object of this class; None: reports of any kind."""
    if model is None:
        return {"x-takes": "Report"}
    _TAKEN[model.__name__] = model
    return {"x-takes": model.__name__}


def takes_plain(model: type[BaseModel], example: dict[str, Any], *, many: bool = False) -> dict[str, Any]:
    """The same for an object (or a list of them) that is no item: it has no time, and is not stored as such."""
    own = model.model_json_schema(ref_template=_REFERENCE)
    _PLAIN_PARTS.update(own.pop("$defs", {}))
    schema = {"anyOf": [own, {"type": "array", "items": own, "maxItems": 500}]} if many else own
    return {"requestBody": {"required": True, "content": {"application/json": {"schema": schema, "example": example}}}}


def class_taken(name: str) -> type[BaseModel]:
    """The class behind the schema of what some route takes. Raises KeyError."""
    return _TAKEN[name]


def describe(app: FastAPI) -> None:
    """Let the application describe itself, once it has all its routes."""

    def openapi() -> dict[str, Any]:
        if app.openapi_schema is None:
            app.openapi_schema = _described(app)
        return app.openapi_schema

    app.openapi = openapi  # type: ignore[method-assign]


def _described(app: FastAPI) -> dict[str, Any]:
    whole = get_openapi(title=app.title, version=app.version, routes=app.routes, description=app.description)
    components: dict[str, Any] = whole.setdefault("components", {})
    schemas: dict[str, Any] = components.setdefault("schemas", {})
    schemas |= {"Answer": ANSWER, "Problem": _PROBLEM, "Report": REPORT, **_PLAIN_PARTS}
    responses = components["responses"] = {
        "answered": _answers("An answer for each item", _ACCEPTED),
        "kept": _answers("Kept in quarantine", _QUARANTINED),
        "later": _LATER,
    }
    components["headers"] = _POLLED_HEADERS
    components["parameters"] = {"held": _HELD}
    responses["unchanged"] = {
        "description": "The answer at hand still says what there is to say.",
        "headers": {name: {"$ref": f"#/components/headers/{name}"} for name in _POLLED_HEADERS},
    }
    components["examples"] = problem_examples(every_refusal())
    components["securitySchemes"] = {
        "key": {"type": "http", "scheme": "bearer", "description": "A key, or the token of a session."},
        "session": {"type": "apiKey", "in": "cookie", "name": "ovop_session"},
        "signature": {"type": "http", "scheme": "OVOP-Signature", "description": "Of a device with its own key."},
    }
    for path, operations in whole["paths"].items():
        for method, operation in operations.items():
            taken = operation.pop("x-takes", None)
            operation["responses"].pop("422", None)
            if taken is not None:
                _describe_taken(operation, taken, schemas)
            permission = permission_of(method.upper(), path)
            if permission is None or not permission.public:
                operation["security"] = [{"key": []}, {"session": []}, {"signature": []}]
            if any(parameter["name"] == "as_of" for parameter in operation.get("parameters", ())):
                operation["responses"]["202"] = {"$ref": "#/components/responses/later"}
            if operation.pop("x-polled", False):
                _describe_polled(operation)
            refusals = _refusals_of(path, taken)
            if taken is None and "requestBody" in operation:
                refusals += [NotJson, TooLarge, TooManyItems]
            _describe_refusals(operation["responses"], refusals, responses)
    return whole


def _describe_taken(operation: dict[str, Any], taken: str, schemas: dict[str, Any]) -> None:
    """What a route takes: one item or a list; and what it answers."""
    if taken in _TAKEN:
        schemas[taken] = _item_schema(_TAKEN[taken], schemas)
    item = {"$ref": _REFERENCE.format(model=taken)}
    several = {"type": "array", "items": item, "maxItems": 500}
    body: dict[str, Any] = {"schema": {"anyOf": [item, several]}}
    if (example := _example(taken)) is not None:
        body["example"] = example
    operation["requestBody"] = {"required": True, "content": {"application/json": body}}
    if _is_command(taken):
        operation["responses"]["200"] = {"$ref": "#/components/responses/answered"}
    else:
        operation["responses"] |= {
            "200": {"$ref": "#/components/responses/answered"},
            "202": {"$ref": "#/components/responses/kept"},
        }


def _describe_polled(operation: dict[str, Any]) -> None:
    """What a route takes and answers so that one who polls is sent nothing twice."""
    operation.setdefault("parameters", []).append({"$ref": "#/components/parameters/held"})
    headers = {name: {"$ref": f"#/components/headers/{name}"} for name in _POLLED_HEADERS}
    operation["responses"]["200"]["headers"] = headers
    operation["responses"]["304"] = {"$ref": "#/components/responses/unchanged"}


def _is_command(taken: str) -> bool:
    return taken in _TAKEN and issubclass(_TAKEN[taken], Command)


def _answers(words: str, example: Answer) -> dict[str, Any]:
    answer = {"$ref": "#/components/schemas/Answer"}
    schema = {"anyOf": [answer, {"type": "array", "items": answer}]}
    shown = orjson.loads(orjson.dumps(example.as_json()))
    return {"description": words, "content": {"application/json": {"schema": schema, "example": shown}}}


def every_refusal(family: type[Refused] = Refused) -> Iterator[type[Refused]]:
    """Every named refusal of the family that anything here can answer with."""
    for refusal in family.__subclasses__():
        yield refusal
        yield from every_refusal(refusal)


def problem_examples(refusals: Iterable[type[Refused]]) -> dict[str, Any]:
    """By its code, how each refusal is answered."""
    by_code = {refusal.code(): refusal for refusal in refusals}
    return {
        code: {"summary": refusal.message(), "value": problem(refusal())} for code, refusal in sorted(by_code.items())
    }


def _refusals_of(path: str, taken: str | None) -> list[type[Refused]]:
    """What an address may refuse with: what is common to its kind, and what stands in the room of its context."""
    context = path.removeprefix("/api/v1/").partition("/")[0]
    context = "access" if context in _COMING_IN else context
    found = [each for each in every_refusal() if each.__module__.startswith(f"services.{context}.")]
    if taken is not None and not _is_command(taken):
        return [*_OF_WRITERS, *MAY_ANSWER]
    if taken is not None:
        writing = [each for each in every_refusal() if each.__module__.startswith(_WRITING)]
        return [*_OF_WRITERS, NotAgreed, *found, *(each for each in writing if each not in OF_REPORTS)]
    if not path.startswith("/api/v1/"):
        return [*_OF_ALL]
    others = [each for each in every_refusal() if each.__module__.count(".") == 1]
    return [*_OF_READERS, *found, *(each for each in others if not each.__module__.startswith((*_WRITING, *_COMMON)))]


def _describe_refusals(
    responses: dict[str, Any], refusals: Iterable[type[Refused]], shared: dict[str, dict[str, Any]]
) -> None:
    """One response for each status, with every code it may carry; alike ones stand once, in `shared`."""
    by_status: dict[int, list[str]] = {}
    for code, refusal in sorted({refusal.code(): refusal for refusal in refusals}.items()):
        by_status.setdefault(status_of(refusal), []).append(code)
    for status, codes in sorted(by_status.items()):
        response = _problem_response(f"Refused: {', '.join(codes)}", codes)
        name = next((name for name, known in shared.items() if known == response), None)
        if name is None:
            name = f"refused_{status}_{1 + sum(known.startswith(f'refused_{status}_') for known in shared)}"
            shared[name] = response
        responses[str(status)] = {"$ref": f"#/components/responses/{name}"}


def _problem_response(words: str, codes: Iterable[str] = ()) -> dict[str, Any]:
    content: dict[str, Any] = {"schema": {"$ref": "#/components/schemas/Problem"}}
    if codes:
        content["examples"] = {code: {"$ref": f"#/components/examples/{code}"} for code in codes}
    return {"description": words, "content": {PROBLEM_JSON: content}}


def _example(taken: str) -> dict[str, Any] | None:
    """An item made from the samples of the catalogue: a fact's own one, or the first that has a command's fields."""
    model = _TAKEN.get(taken)
    if model is None:
        name = "outlets.sale_made.v1"
        return _STATED | {"type": name, "data": samples()[name]}
    fields = model.fields_model() if issubclass(model, Command) else model
    if issubclass(fields, Event):
        return _STATED | samples()[fields.wire_name]
    return next((_STATED | found for found in _with_fields_of(fields, samples())), None)


def _with_fields_of(model: type[BaseModel], told: Mapping[str, Mapping[str, Any]]) -> Iterator[dict[str, Any]]:
    """Of each event that says all that the model asks for, that part, with the examples that a field brings itself."""
    own = {name: field.examples[0] for name, field in model.model_fields.items() if field.examples}
    for sample in told.values():
        # An envelope's `actor` is who asks; whom a role is given to is `to`.
        fields = {**sample, "to": sample.get("actor"), **own}
        part = {name: fields[name] for name in model.model_fields if name in fields}
        with suppress(ValueError):
            model.model_validate_json(orjson.dumps(part))
            yield part


def _item_schema(model: type[BaseModel], schemas: dict[str, Any]) -> dict[str, Any]:
    """The schema of a request item: the class's fields, and what every item carries."""
    fields = model.fields_model() if issubclass(model, Command) else model
    own = fields.model_json_schema(ref_template=_REFERENCE)
    schemas |= own.pop("$defs", {})
    own["properties"] = {**_ENVELOPE, **own.get("properties", {})}
    own["required"] = ["id", "occurred_at", *own.get("required", [])]
    return own | {"title": model.__name__, "description": model.__doc__ or ""}
