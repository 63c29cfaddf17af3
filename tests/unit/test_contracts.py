"""The descriptions for others are current, whole, and true of what the code says."""

import re
from collections.abc import Iterator, Mapping
from datetime import UTC, datetime
from pathlib import Path
from typing import Any
from uuid import uuid4

import orjson
import pytest
from faststream.specification.asyncapi.v3_0_0.schema import ApplicationSchema

from events.broker import Posted, cloud_event, event_subject
from events.canonical import event_data, instant, leaf_ends, take_apart
from events.catalogue.registry import EVENTS, OLD_VERSIONS, validate_as_written, written_class
from services.asyncapi import described, is_reported
from services.items import ITEMS_MAX
from services.openapi import every_refusal
from tests.contracts import GOLDEN, ROOT, contracts, openapi

WRITTEN = sorted({*EVENTS, *OLD_VERSIONS})


@pytest.fixture(scope="module")
def asyncapi() -> dict[str, Any]:
    document: dict[str, Any] = orjson.loads(orjson.dumps(described()))
    return document


@pytest.fixture(scope="module")
def http() -> dict[str, Any]:
    return openapi()


def test_the_files_say_what_the_code_says() -> None:
    stale = [str(path.relative_to(ROOT)) for path, text in contracts().items() if _read(path) != text]
    assert not stale, f"not current: {', '.join(stale)}; run `make docs`"


def _read(path: Path) -> str | None:
    return path.read_text() if path.exists() else None


def references(node: Any) -> Iterator[str]:
    if isinstance(node, Mapping):
        if isinstance(node.get("$ref"), str):
            yield node["$ref"]
        for each in node.values():
            yield from references(each)
    elif isinstance(node, list):
        for each in node:
            yield from references(each)


def found(document: Any, reference: str) -> Any:
    """What a reference points to. Raises KeyError."""
    assert reference.startswith("#/"), reference
    for part in reference[2:].split("/"):
        document = document[part.replace("~1", "/").replace("~0", "~")]
    return document


@pytest.mark.parametrize("name", ["asyncapi", "http"])
def test_every_reference_leads_to_something(name: str, request: pytest.FixtureRequest) -> None:
    document = request.getfixturevalue(name)
    told = set(references(document))
    assert len(told) > 100
    for reference in told:
        assert found(document, reference)


def test_the_asyncapi_document_has_the_form_of_version_3(asyncapi: dict[str, Any]) -> None:
    # Without servers: FastStream's model demands a path of each, which the specification does not.
    ApplicationSchema.model_validate(asyncapi | {"servers": {}})
    assert asyncapi["asyncapi"] == "3.0.0"
    assert set(asyncapi) <= {
        *("asyncapi", "id", "info", "servers", "defaultContentType", "channels", "operations", "components"),
    }
    assert set(asyncapi["info"]) >= {"title", "version"}
    for server in asyncapi["servers"].values():
        assert {"host", "protocol"} <= set(server)
    for channel in asyncapi["channels"].values():
        assert set(re.findall(r"{(\w+)}", channel["address"])) == set(channel.get("parameters", {}))
    for operation in asyncapi["operations"].values():
        assert operation["action"] in ("send", "receive")
        within = operation["channel"]["$ref"]
        assert all(each["$ref"].startswith(f"{within}/messages/") for each in operation["messages"])
    assert all(re.fullmatch(r"[a-zA-Z0-9.\-_]+", name) for kind in asyncapi["components"].values() for name in kind)


@pytest.mark.parametrize("wire_name", WRITTEN)
def test_every_event_is_told_on_its_subject_with_its_golden_sample(wire_name: str, asyncapi: dict[str, Any]) -> None:
    event = wire_name.rpartition(".")[0]
    channel = asyncapi["channels"][f"events.{event}"]
    assert channel["address"] == event_subject(wire_name)
    message = found(asyncapi, channel["messages"][wire_name]["$ref"])
    [example] = message["examples"]
    assert orjson.dumps(example["payload"]["data"], option=orjson.OPT_SORT_KEYS) == _golden(wire_name)
    assert example["payload"]["type"] == wire_name
    envelope, stated = message["payload"]["allOf"]
    assert set(example["payload"]) == set(found(asyncapi, envelope["$ref"])["required"])
    assert stated["properties"]["type"] == {"const": wire_name}
    fields = found(asyncapi, stated["properties"]["data"]["$ref"])
    assert set(fields["properties"]) == set(written_class(wire_name).model_fields)
    assert fields["additionalProperties"] is False
    assert f"tell.{event}" in asyncapi["operations"]


def _golden(wire_name: str) -> bytes:
    return (GOLDEN / f"{wire_name}.json").read_bytes()


def test_every_fact_is_taken_and_answered_with_receipts_and_nothing_else_is(asyncapi: dict[str, Any]) -> None:
    facts = {name for name in WRITTEN if is_reported(written_class(name))}
    taken = {
        name: operation
        for operation in asyncapi["operations"].values()
        if operation["action"] == "receive"
        for name in found(asyncapi, operation["channel"]["$ref"])["messages"]
        if name != "items"
    }
    assert set(taken) == facts
    for wire_name, operation in taken.items():
        assert operation["reply"]["channel"] == {"$ref": "#/channels/receipts"}
        channel = found(asyncapi, operation["channel"]["$ref"])
        assert channel["address"] == f"ovop.intake.{{actor}}.{wire_name.rpartition('.')[0]}"
    items = found(asyncapi, "#/components/messages/report_items")["payload"]["anyOf"][1]
    assert items["maxItems"] == ITEMS_MAX


def test_what_the_relay_publishes_has_the_envelope_that_is_described(asyncapi: dict[str, Any]) -> None:
    name = "outlets.sale_made.v1"
    event = validate_as_written(name, _golden(name))
    request_id, now = uuid4(), datetime.now(UTC)
    head, tail = leaf_ends("till/a", event_data(event), request_id, now, event.stream(), name)
    leaf = head + instant(now).encode() + tail
    told = orjson.loads(cloud_event(Posted(1, leaf, bytes(32)), take_apart(leaf), "kg"))
    assert (told["id"], told["time"], told["subject"]) == (str(request_id), instant(now), event.stream())
    assert validate_as_written(name, orjson.dumps(told["data"])) == event
    envelope = found(asyncapi, "#/components/schemas/Recorded")
    assert set(told) == set(envelope["properties"])
    assert re.fullmatch(envelope["properties"]["leafhash"]["pattern"], told["leafhash"])


def test_every_refusal_has_its_code_an_example_and_an_address_that_answers_it(http: dict[str, Any]) -> None:
    refusals = {refusal.code() for refusal in every_refusal()}
    assert refusals == set(http["components"]["examples"])
    assert len(refusals) > 50
    used = {reference for operation in operations(http) for reference in references(operation["responses"])}
    answered = {
        reference.rpartition("/")[2]
        for name in used
        for reference in references(found(http, name))
        if "/examples/" in reference
    }
    assert answered == refusals
    for code, example in http["components"]["examples"].items():
        assert example["value"]["code"] == code
        assert example["value"]["title"]


def operations(http: Mapping[str, Any]) -> Iterator[dict[str, Any]]:
    for by_method in http["paths"].values():
        yield from by_method.values()


def test_whatever_takes_items_shows_one_that_has_what_is_required(http: dict[str, Any]) -> None:
    taking = [operation["requestBody"] for operation in operations(http) if "requestBody" in operation]
    assert len(taking) > 70
    for body in taking:
        content = body["content"]["application/json"]
        schema = content["schema"].get("anyOf", [content["schema"]])[0]
        schema = found(http, schema["$ref"]) if "$ref" in schema else schema
        assert set(schema["required"]) <= set(content["example"]) <= set(schema["properties"])
