"""Who polls is sent nothing twice: tags of what is said, 304 while it is the same, and where each is documented."""

from collections.abc import Iterator
from typing import Any

import orjson
import pytest
from fastapi import Request

from services.polling import answered
from tests import make
from tests.door import Door, accepted, opened, report
from tests.integration.test_api import found
from tests.servers import LogDatabase

#: Reads that are no answer to poll for: live news, who one is, a job with its own `Retry-After`, one person's values,
#: one message's bytes, what is kept beside backups, and what auditors and documents leave behind for ever.
NOT_POLLED = {
    "/api/v1/stream",
    "/api/v1/session",
    "/api/v1/as-of/{position}",
    "/api/v1/personal",
    "/api/v1/personal/erasures",
    "/api/v1/quarantine/{quarantine}",
    "/api/v1/signing/keys",
    "/api/v1/audit/exports",
    "/api/v1/audit/exports/{export}",
    "/api/v1/audit/exports/{export}/file",
    "/api/v1/audit/exports/{export}/statement",
    "/api/v1/audit/cases",
    "/api/v1/audit/cases/{case}",
    "/api/v1/documents",
    "/api/v1/documents/{document}",
    "/api/v1/documents/{document}/content",
}
NAMES = {"lot": "lot-b-1", "outlet": "karakol", "order": "order-1", "region": "KG-Y", "what": "stock"}
ASKED = {"/api/v1/committee/certificate": {"maker": "workshop/ak-suu-workshop", "product": "apricot-jam-300"}}


@pytest.fixture(scope="module")
def door(module_log_database: LogDatabase, tmp_path_factory: pytest.TempPathFactory) -> Iterator[Door]:
    with opened(module_log_database, tmp_path_factory.mktemp("polling")) as opened_door:
        found(opened_door)
        accepted(opened_door.ask("center/introduce-buyer", make.buyer_introduced()))
        accepted(opened_door.ask("center/place-order", make.order_placed(order="order-1")))
        opened_door.tell(*(report(event) for event in (make.lot_collected(), make.batch_produced(lot="lot-b-1"))))
        opened_door.fold()
        yield opened_door


def operations(door: Door) -> dict[str, Any]:
    paths: dict[str, Any] = door.get("/openapi.json").json()["paths"]
    return {path: verbs["get"] for path, verbs in paths.items() if path.startswith("/api/v1/") and "get" in verbs}


def polled(door: Door) -> list[str]:
    return [path for path, operation in operations(door).items() if "304" in operation["responses"]]


def test_every_read_that_speaks_for_a_position_can_be_polled_and_says_so_in_openapi(door: Door) -> None:
    assert set(polled(door)) == set(operations(door)) - NOT_POLLED
    for path in polled(door):
        operation = operations(door)[path]
        assert {"$ref": "#/components/parameters/held"} in operation["parameters"], path
        assert set(operation["responses"]["200"]["headers"]) == {"ETag", "OVOP-Position", "OVOP-Recorded-At"}, path


def test_what_is_held_already_is_answered_304_with_the_position_for_which_it_holds(door: Door) -> None:
    for path in polled(door):
        address, asked = path.format(**NAMES), ASKED.get(path, {})
        first = door.get(address, **asked)
        assert first.status_code == 200, (path, first.text)
        assert first.headers["etag"].startswith('W/"'), path
        assert first.headers["ovop-position"] == str(first.json()["position"]), path
        assert first.headers.get("ovop-recorded-at") == first.json().get("recorded_at"), path
        for held in (first.headers["etag"], f'"other", {first.headers["etag"]}', first.headers["etag"][2:], "*"):
            again = door.client.get(address, params=asked, headers={"If-None-Match": held})
            assert (again.status_code, again.content) == (304, b""), (path, held)
            assert again.headers["etag"] == first.headers["etag"]
            assert again.headers["ovop-position"] == first.headers["ovop-position"]
            assert again.headers.get("ovop-recorded-at") == first.headers.get("ovop-recorded-at")


def test_the_tag_outlives_what_changes_nothing_and_not_what_changes_the_answer(door: Door) -> None:
    before = door.get("/api/v1/inventory")
    held = {"If-None-Match": before.headers["etag"]}

    door.tell(report(make.lot_collected(lot="lot-elsewhere")))
    door.fold()
    unmoved = door.client.get("/api/v1/inventory", headers=held)
    door.tell(report(make.batch_packed(lot="lot-b-1", code="ABCDEFG1")))
    door.fold()
    moved = door.client.get("/api/v1/inventory", headers=held)

    assert unmoved.status_code == 304
    assert int(unmoved.headers["ovop-position"]) == before.json()["position"] + 1
    assert moved.status_code == 200
    assert moved.headers["etag"] != before.headers["etag"]


def test_two_questions_have_two_tags_and_a_held_answer_to_one_is_none_to_the_other(door: Door) -> None:
    stock = door.get("/api/v1/inventory", by="batch")
    under_way = door.client.get(
        "/api/v1/inventory", params={"by": "transit"}, headers={"If-None-Match": stock.headers["etag"]}
    )
    assert under_way.status_code == 200


def test_an_answer_that_says_nothing_but_its_position_is_json_all_the_same() -> None:
    asked = Request({"type": "http", "headers": []})
    assert orjson.loads(answered(asked, {}, 7, dated=False).body) == {"position": 7}
    assert orjson.loads(answered(asked, {"rows": []}, 7, dated=False).body) == {"position": 7, "rows": []}
