"""/asyncapi.json: what the broker carries, made from the catalogue: every event, every report, and the receipts."""

import hashlib
from collections.abc import Iterable, Mapping
from functools import lru_cache
from typing import Any, Final

import orjson
from fastapi import APIRouter, Response
from pydantic.json_schema import models_json_schema

from events.broker import CLOUDEVENTS_JSON, RECEIPTS, event_subject
from events.catalogue.base import Event, Fact
from events.catalogue.registry import EVENTS, OLD_VERSIONS, validate_as_written, written_class
from events.nats_config import INTAKE_CONSUMER
from services.items import ITEMS_MAX
from services.openapi import ANSWER, REPORT, problem_examples
from services.reports import MAY_ANSWER
from services.samples import samples

_SCHEMAS: Final = "#/components/schemas/{model}"
_ACTOR: Final = {
    "description": "Who reports: the actor's id, a dot in it written as `~`. The broker lets nobody else publish here.",
    "examples": ["till/karakol-1", "user/karakol-office"],
}
_INSTANT: Final = {"type": "string", "format": "date-time"}
_CLOUD_EVENT: Final[dict[str, Any]] = {
    "specversion": {"const": "1.0"},
    "id": {"type": "string", "format": "uuid"},
    "source": {"type": "string", "format": "uri-reference"},
    "type": {"type": "string", "description": "The wire name, with its version."},
    "time": _INSTANT | {"description": "When it happened, as its reporter claims."},
    "datacontenttype": {"const": "application/json"},
    "data": {"type": "object"},
}
#: What an event of the log carries around its data.
_RECORDED: Final[dict[str, Any]] = {
    "type": "object",
    "description": "An event of the log, as CloudEvents 1.0 in JSON.",
    "properties": _CLOUD_EVENT
    | {
        "subject": {"type": "string", "description": "The stream in the log, as `kind/id`."},
        "position": {"type": "integer", "minimum": 1, "description": "In the log; the message's sequence as well."},
        "recordedat": _INSTANT | {"description": "The log's own clock."},
        "actor": {"type": "string"},
        "leafhash": {"type": "string", "pattern": "^[0-9a-f]{64}$", "description": "SHA-256 of the leaf of the log."},
    },
}
_RECORDED["required"] = [*_RECORDED["properties"]]
#: What a report carries around its data: no attribute of its own, since an unknown one is not dropped silently.
_REPORTED: Final[dict[str, Any]] = {
    "type": "object",
    "description": "A report as CloudEvents 1.0 in JSON; its id is drawn by the sender, once.",
    "additionalProperties": False,
    "properties": _CLOUD_EVENT
    | {
        "subject": {"type": "string"},
        "dataschema": {"type": "string"},
        "recordedat": _INSTANT | {"description": "Only on a simulated network."},
    },
    "required": ["specversion", "id", "source", "type", "time", "data"],
}


def routes() -> APIRouter:
    """The address of the description."""
    router = APIRouter(tags=["operations"])

    @router.get("/asyncapi.json")
    async def asyncapi() -> Response:
        """What the broker carries, as AsyncAPI 3; for everybody."""
        return Response(_served(), media_type="application/json")

    return router


@lru_cache(maxsize=1)
def _served() -> bytes:
    return orjson.dumps(described())


def described() -> dict[str, Any]:
    """The whole catalogue as an AsyncAPI 3 document."""
    names = sorted({*EVENTS, *OLD_VERSIONS})
    reports = [name for name in names if is_reported(written_class(name))]
    return {
        "asyncapi": "3.0.0",
        "info": {
            "title": "OVOP",
            "version": "1",
            "description": "What happened in the network (OVOP_EVENTS, to be read from any position), and how devices"
            " and regional offices report it (OVOP_INTAKE). `docs/api.md` tells how to connect.",
        },
        "defaultContentType": CLOUDEVENTS_JSON,
        "servers": _servers(),
        "channels": _event_channels(names) | _intake_channels(reports) | {"receipts": _receipts_channel()},
        "operations": _operations(names, reports),
        "components": {
            "messages": {
                **{f"recorded.{name}": _message(name, "Recorded", _recorded_example(name)) for name in names},
                **{f"reported.{name}": _message(name, "Reported", _reported_example(name)) for name in reports},
                "report_items": _items_message(),
                "receipts": _receipts_message(),
            },
            "schemas": _schemas(names),
            "securitySchemes": {"password": {"type": "userPassword"}},
        },
    }


def is_reported(event: type[Event]) -> bool:
    """Whether it is taken as a report: facts, apart from those that the system itself states."""
    return issubclass(event, Fact) and not event.wire_name.startswith("exchange.")


def _servers() -> dict[str, Any]:
    security = [{"$ref": "#/components/securitySchemes/password"}]
    return {
        "hub": {
            "host": "{host}",
            "protocol": "nats",
            "description": "The network's broker.",
            "variables": {"host": {"default": "127.0.0.1:4222"}},
            "security": security,
        },
        "outlet": {
            "host": "{host}",
            "protocol": "nats",
            "description": "An outlet's own broker: takes the reports of its devices while it has no link to the hub.",
            "variables": {"host": {"default": "127.0.0.1:4222"}},
            "security": security,
        },
    }


def _module_and_event(wire_name: str) -> str:
    return wire_name.rpartition(".")[0]


def _by_event(names: Iterable[str]) -> dict[str, list[str]]:
    """Every version of an event goes over the same channel."""
    found: dict[str, list[str]] = {}
    for name in names:
        found.setdefault(_module_and_event(name), []).append(name)
    return found


def _event_channels(names: Iterable[str]) -> dict[str, Any]:
    return {
        f"events.{event}": {
            "address": event_subject(versions[-1]),
            "description": _words(versions[-1]),
            "servers": [{"$ref": "#/servers/hub"}],
            "messages": {name: {"$ref": f"#/components/messages/recorded.{name}"} for name in versions},
        }
        for event, versions in _by_event(names).items()
    }


def _intake_channels(names: Iterable[str]) -> dict[str, Any]:
    return {
        f"intake.{event}": {
            "address": f"ovop.intake.{{actor}}.{event}",
            "description": "Reports; what cannot be understood is kept in quarantine, and answered as well.",
            "parameters": {"actor": _ACTOR},
            "messages": {name: {"$ref": f"#/components/messages/reported.{name}"} for name in versions}
            | {"items": {"$ref": "#/components/messages/report_items"}},
        }
        for event, versions in _by_event(names).items()
    }


def _receipts_channel() -> dict[str, Any]:
    return {
        "address": f"{RECEIPTS}.{{actor}}",
        "description": "Answers to an actor's reports. Who heard none sends the same bytes again.",
        "parameters": {"actor": _ACTOR},
        "messages": {"receipts": {"$ref": "#/components/messages/receipts"}},
    }


def _operations(names: Iterable[str], reports: Iterable[str]) -> dict[str, Any]:
    sent = {
        f"tell.{event}": {"action": "send", **_of_channel(f"events.{event}", versions)}
        for event, versions in _by_event(names).items()
    }
    taken = {
        f"take.{event}": {
            "action": "receive",
            **_of_channel(f"intake.{event}", [*versions, "items"]),
            "reply": _of_channel("receipts", ["receipts"]),
            "bindings": {"nats": {"queue": INTAKE_CONSUMER, "bindingVersion": "0.1.0"}},
        }
        for event, versions in _by_event(reports).items()
    }
    return sent | taken


def _of_channel(channel: str, messages: Iterable[str]) -> dict[str, Any]:
    at = f"#/channels/{channel}"
    return {"channel": {"$ref": at}, "messages": [{"$ref": f"{at}/messages/{name}"} for name in messages]}


def _message(wire_name: str, envelope: str, example: Mapping[str, Any]) -> dict[str, Any]:
    data = _SCHEMAS.format(model=written_class(wire_name).__name__)
    stated = {"type": "object", "properties": {"type": {"const": wire_name}, "data": {"$ref": data}}}
    return {
        "name": wire_name,
        "title": wire_name,
        "summary": _words(wire_name),
        "contentType": CLOUDEVENTS_JSON,
        "payload": {"allOf": [{"$ref": _SCHEMAS.format(model=envelope)}, stated]},
        "examples": [{"name": "sample", "payload": example}],
    }


def _recorded_example(wire_name: str) -> dict[str, Any]:
    data = samples()[wire_name]
    return _reported_example(wire_name) | {
        "source": "/ovop/kg",
        "subject": validate_as_written(wire_name, orjson.dumps(data)).stream(),
        "position": 7,
        "recordedat": "2026-11-23T12:03:01.250000Z",
        "actor": "till/karakol-1",
        "leafhash": hashlib.sha256(wire_name.encode()).hexdigest(),
    }


def _reported_example(wire_name: str) -> dict[str, Any]:
    return {
        "specversion": "1.0",
        "id": "0198c0de-0000-7000-8000-000000000001",
        "source": "/till/karakol-1",
        "type": wire_name,
        "time": "2026-11-23T12:03:00.000000Z",
        "datacontenttype": "application/json",
        "data": samples()[wire_name],
    }


def _items_message() -> dict[str, Any]:
    item = {"$ref": _SCHEMAS.format(model="Report")}
    name = "outlets.sale_made.v1"
    stated = {"id": _reported_example(name)["id"], "type": name, "occurred_at": "2026-11-23T18:03:00+06:00"}
    return {
        "name": "items",
        "title": "The same items that POST /api/v1/events takes",
        "contentType": "application/json",
        "payload": {"anyOf": [item, {"type": "array", "items": item, "minItems": 1, "maxItems": ITEMS_MAX}]},
        "examples": [{"name": "sample", "payload": [stated | {"data": samples()[name]}]}],
    }


def _receipts_message() -> dict[str, Any]:
    receipt = {
        "event_id": "0198c0de-0000-7000-8000-000000000001",
        "position": 7,
        "leaf_hash": hashlib.sha256(b"outlets.sale_made.v1").hexdigest(),
        "recorded_at": "2026-11-23T12:03:01.250000Z",
    }
    accepted = {"id": receipt["event_id"], "status": "accepted", "position": 7, "problem": None, "flags": []}
    return {
        "name": "receipts",
        "title": "An answer for each item of a report, in order",
        "contentType": "application/json",
        "payload": {"type": "array", "items": {"$ref": _SCHEMAS.format(model="Answer")}},
        "examples": [{"name": "sample", "payload": [accepted | {"receipt": receipt}]}],
        "x-problems": [found["value"] for found in problem_examples(MAY_ANSWER).values()],
    }


def _schemas(names: Iterable[str]) -> dict[str, Any]:
    classes = [written_class(name) for name in names]
    _, of_catalogue = models_json_schema([(event, "validation") for event in classes], ref_template=_SCHEMAS)
    own = {"Recorded": _RECORDED, "Reported": _REPORTED, "Report": REPORT, "Answer": ANSWER}
    return own | dict(of_catalogue["$defs"])


def _words(wire_name: str) -> str:
    return " ".join((written_class(wire_name).__doc__ or "").split())
