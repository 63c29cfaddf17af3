"""/openapi.json: the routes, with the fields of every command and fact as their own classes state them."""

from typing import Any, Final

from fastapi import FastAPI
from fastapi.openapi.utils import get_openapi
from pydantic import BaseModel

from services.decider import Command
from services.errors import PROBLEM_JSON

_REFERENCE: Final = "#/components/schemas/{model}"
_ENVELOPE: Final[dict[str, Any]] = {
    "id": {"type": "string", "format": "uuid", "description": "Drawn by the sender once for this request."},
    "occurred_at": {"type": "string", "format": "date-time", "description": "When it happened, as the sender claims."},
    "actor": {"type": "string", "description": "In whose name; only for keys that may."},
    "recorded_at": {"type": "string", "format": "date-time", "description": "Only on a simulated network."},
}
_REPORT: Final[dict[str, Any]] = {
    "type": "object",
    "additionalProperties": False,
    "properties": {**_ENVELOPE, "type": {"type": "string"}, "data": {"type": "object"}},
    "required": ["id", "type", "occurred_at", "data"],
}
_ANSWER: Final[dict[str, Any]] = {
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


#: What routes take, by the name of its class.
_TAKEN: dict[str, type[BaseModel]] = {}


def takes(model: type[BaseModel] | None) -> dict[str, Any]:
    """What a route adds to its description: a list or one object of this class; None: reports of any kind."""
    if model is None:
        return {"x-takes": "Report"}
    _TAKEN[model.__name__] = model
    return {"x-takes": model.__name__}


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
    schemas: dict[str, Any] = whole.setdefault("components", {}).setdefault("schemas", {})
    schemas |= {"Answer": _ANSWER, "Problem": _PROBLEM, "Report": _REPORT}
    whole["components"]["securitySchemes"] = {"key": {"type": "http", "scheme": "bearer"}}
    for operations in whole["paths"].values():
        for operation in operations.values():
            _describe_operation(operation, schemas)
    return whole


def _describe_operation(operation: dict[str, Any], schemas: dict[str, Any]) -> None:
    taken = operation.pop("x-takes", None)
    problem = {"content": {PROBLEM_JSON: {"schema": {"$ref": "#/components/schemas/Problem"}}}}
    responses = operation["responses"]
    responses["default"] = {"description": "What went wrong, by name", **problem}
    responses.pop("422", None)
    if taken is None:
        return
    if taken in _TAKEN:
        schemas[taken] = _item_schema(_TAKEN[taken], schemas)
    operation["security"] = [{"key": []}]
    item = {"$ref": _REFERENCE.format(model=taken)}
    several = {"type": "array", "items": item, "maxItems": 500}
    body = {"application/json": {"schema": {"anyOf": [item, several]}}}
    operation["requestBody"] = {"required": True, "content": body}
    answer = {"$ref": "#/components/schemas/Answer"}
    answers = {"anyOf": [answer, {"type": "array", "items": answer}]}
    for status, words in (("200", "An answer for each item"), ("202", "Kept in quarantine")):
        responses[status] = {"description": words, "content": {"application/json": {"schema": answers}}}


def _item_schema(model: type[BaseModel], schemas: dict[str, Any]) -> dict[str, Any]:
    """The schema of a request item: the class's fields, and what every item carries."""
    fields = model.fields_model() if issubclass(model, Command) else model
    own = fields.model_json_schema(ref_template=_REFERENCE)
    schemas |= own.pop("$defs", {})
    own["properties"] = {**_ENVELOPE, **own.get("properties", {})}
    own["required"] = ["id", "occurred_at", *own.get("required", [])]
    return own | {"title": model.__name__, "description": model.__doc__ or ""}
