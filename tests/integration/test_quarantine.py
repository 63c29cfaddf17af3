"""The quarantine desk: messages are listed, mapped, sent again under their ids, dismissed, and never changed."""

import json
from collections.abc import Iterator
from pathlib import Path
from typing import Any
from uuid import UUID, uuid4, uuid5

import orjson
import psycopg
import pytest
from typer.testing import CliRunner, Result

from events.catalogue.exchange import MessageQuarantined, QuarantineResolved
from events.catalogue.outlets import SaleMade
from services import settings as settings_module
from services.access import Sender
from services.cli import app
from tests import make
from tests.door import NOW, Door, opened, report
from tests.servers import LogDatabase


@pytest.fixture
def door(log_database: LogDatabase, tmp_path: Path) -> Iterator[Door]:
    with opened(log_database, tmp_path) as opened_door:
        yield opened_door


def bad_sale(product: str = "JAM-APR", **more: Any) -> dict[str, Any]:
    """A report of an old tablet: it names the product as nobody else does."""
    item = report(make.sale_made())
    lines = [line | {"product": product} for line in item["data"]["lines"]]
    return item | {"data": item["data"] | {"lines": lines} | more}


def quarantined(door: Door, item: dict[str, Any]) -> str:
    [answer] = door.tell(item)
    assert answer["status"] == "quarantined", answer
    return str(answer["receipt"]["event_id"])


PRODUCT = [{"wherever": "product", "is": "JAM-APR", "to": "apricot-jam-300"}]


def test_the_list_names_what_is_open_newest_first_with_an_exact_count(door: Door) -> None:
    first, second = quarantined(door, bad_sale()), quarantined(door, bad_sale("apricot-jam-300", colour="red"))
    door.command("quarantine/dismiss", quarantine=first, reason="test_report")

    told = door.get("/api/v1/quarantine").json()

    assert told["counts"] == {"open": 1, "mapped": 0, "resubmitted": 0, "dismissed": 1}
    assert (told["count"], told["next"], told["position"]) == (1, None, 3)
    [item] = told["messages"]
    assert (item["quarantine"], item["problem"], item["sender"], item["state"]) == (
        second,
        "unknown_field",
        "center/admin",
        "open",
    )
    everything = door.get("/api/v1/quarantine", state="all", limit=1).json()
    assert (everything["count"], everything["messages"][0]["quarantine"], everything["next"]) == (2, second, 2)
    rest = door.get("/api/v1/quarantine", state="all", limit=1, before=2).json()
    assert (rest["messages"][0]["quarantine"], rest["messages"][0]["reason"]) == (first, "test_report")
    assert door.get("/api/v1/quarantine", problem="wrong_form").json()["count"] == 0
    assert door.get("/api/v1/quarantine", sender="center/admin").json()["count"] == 1


def test_an_unknown_product_code_is_mapped_and_the_sale_counts_from_then_on(door: Door) -> None:
    item = bad_sale()
    message = quarantined(door, item)
    before = door.get(f"/api/v1/quarantine/{message}").json()

    answer = door.command("quarantine/map", quarantine=message, reason="renamed_product", changes=PRODUCT)

    assert answer.json()["status"] == "accepted", answer.text
    note, sale, resolved = door.log.read(0, 10)
    assert isinstance(note.event, MessageQuarantined)
    assert sale.event == SaleMade.model_validate(make.sale_made().model_dump())
    assert (sale.actor, sale.occurred_at) == (note.actor, note.occurred_at)
    # The note has the id it came with, as event 0 of its request; what it became is event 1 of the same request.
    assert str(note.event_id) == item["id"] == message
    assert sale.event_id == uuid5(UUID(item["id"]), "1")
    assert resolved.event == QuarantineResolved(
        quarantine=message, resolution="mapped", reason="renamed_product", resubmitted_as=str(sale.event_id)
    )
    after = door.get(f"/api/v1/quarantine/{message}").json()
    assert after["content"] == before["content"]
    assert orjson.loads(after["content"]["text"]) == item
    assert (before["state"], after["state"]) == ("open", "mapped")
    assert after["steps"][0]["changes"] == PRODUCT
    assert after["steps"][0]["actor"] == "center/admin"


def test_a_renamed_field_of_the_friendly_address_is_mapped_too(door: Door) -> None:
    fields = make.sale_made().model_dump(mode="json", exclude_none=True)
    seller = fields.pop("cashier")
    item = {"id": str(uuid4()), "occurred_at": NOW, **fields, "seller": seller, "colour": "red"}
    answer = door.post("/api/v1/sales", item)
    assert answer.status_code == 202, answer.text
    message = answer.json()["receipt"]["event_id"]
    changes = [{"at": "data.seller", "rename": "cashier"}, {"at": "data.colour", "remove": True}]

    done = door.command("quarantine/map", quarantine=message, reason="renamed_field", changes=changes)

    assert done.status_code == 200, done.text
    assert door.log.read(1, 1)[0].event == make.sale_made()


def test_of_a_key_that_stands_twice_a_change_must_say_which_one_counts(door: Door) -> None:
    content = orjson.dumps(report(make.sale_made())).replace(b'"till_counter":2', b'"till_counter":1,"till_counter":2')
    answer = door.post("/api/v1/events", content)
    assert answer.json()["problem"] == "duplicate_key"
    message = answer.json()["receipt"]["event_id"]

    as_it_is = door.command("quarantine/resubmit", quarantine=message, reason="a")
    changes = [{"at": "data.till_counter", "to": 2}]
    settled = door.command("quarantine/map", quarantine=message, reason="wrong_value", changes=changes)

    assert (as_it_is.status_code, as_it_is.json()["problems"][0]["code"]) == (422, "duplicate_key")
    assert settled.status_code == 200, settled.text
    assert door.log.read(1, 1)[0].event == make.sale_made()


def test_a_trial_says_what_would_become_of_a_message_and_stores_nothing(door: Door) -> None:
    message = quarantined(door, bad_sale(colour="red"))

    bad = door.post("/api/v1/quarantine/try", {"quarantine": message, "changes": PRODUCT}).json()
    good = door.post(
        "/api/v1/quarantine/try",
        {"quarantine": message, "changes": [*PRODUCT, {"at": "data.colour", "remove": True}]},
    ).json()

    assert (bad["understood"], bad["problem"]) == (False, "unknown_field")
    assert (good["understood"], good["item"]["data"]["lines"][0]["product"]) == (True, "apricot-jam-300")
    assert door.log.head().position == 1


def test_what_is_still_not_understood_stays_where_it_is(door: Door) -> None:
    message = quarantined(door, bad_sale(colour="red"))

    answer = door.command("quarantine/map", quarantine=message, reason="renamed_product", changes=PRODUCT)

    assert (answer.status_code, answer.json()["code"]) == (422, "still_not_understood")
    assert answer.json()["problems"] == [
        {"field": "colour", "code": "unknown_field", "message": answer.json()["problems"][0]["message"]}
    ]
    assert door.log.head().position == 1
    assert door.get("/api/v1/quarantine").json()["count"] == 1


def test_a_dismissed_message_stays_readable_and_may_still_be_sent_again(door: Door) -> None:
    message = quarantined(door, bad_sale())
    door.command("quarantine/dismiss", quarantine=message, reason="test_report")

    again = door.command("quarantine/dismiss", quarantine=message, reason="test_report")
    kept = door.get(f"/api/v1/quarantine/{message}").json()

    assert (again.status_code, again.json()["code"]) == (409, "already_dealt_with")
    assert (kept["state"], kept["content"]["erased"]) == ("dismissed", False)
    mapped = door.command("quarantine/map", quarantine=message, reason="renamed_product", changes=PRODUCT)
    assert mapped.json()["status"] == "accepted"
    steps = door.get(f"/api/v1/quarantine/{message}").json()["steps"]
    assert [step["resolution"] for step in steps] == ["dismissed", "mapped"]


def test_a_message_becomes_one_fact_whoever_maps_it_and_however_often(door: Door) -> None:
    message = quarantined(door, bad_sale())
    request = {"id": str(uuid4()), "occurred_at": NOW, "quarantine": message, "reason": "a", "changes": PRODUCT}
    other = [{"at": "data.lines.0.product", "to": "barberry-jam-300"}]

    first = door.post("/api/v1/quarantine/map", request).json()
    repeated = door.post("/api/v1/quarantine/map", request).json()
    second = door.command("quarantine/map", quarantine=message, reason="b", changes=other)

    assert (first["status"], repeated["status"]) == ("accepted", "duplicate")
    assert first["receipt"] == repeated["receipt"]
    assert (second.status_code, second.json()["code"]) == (409, "already_dealt_with")
    assert [type(recorded.event) for recorded in door.log.read(0, 10)] == [
        MessageQuarantined,
        SaleMade,
        QuarantineResolved,
    ]


def test_half_a_resubmission_is_completed_by_the_next_one(door: Door) -> None:
    """As after a crash between the two appends: the fact is in the log, and nobody said so."""
    item = bad_sale()
    message = quarantined(door, item)
    mended = item | {"id": str(uuid5(UUID(message), "1"))}
    mended["data"] = item["data"] | {"lines": make.sale_made().model_dump(mode="json", exclude_none=True)["lines"]}
    [half] = door.tell(mended)

    done = door.command("quarantine/map", quarantine=message, reason="renamed_product", changes=PRODUCT)

    assert done.json()["status"] == "accepted"
    step = door.get(f"/api/v1/quarantine/{message}").json()["steps"][0]
    assert step["resubmitted_as"] == half["receipt"]["event_id"]
    assert door.log.head().position == 3


def test_a_report_of_an_unknown_sender_is_sent_again_under_the_id_it_came_with(door: Door) -> None:
    """Its till was revoked by mistake; afterwards the device may send its bytes once more, and nothing is doubled."""
    enrol(door)
    item = report(make.sale_made())
    sender = Sender("till/karakol-1", "till", "karakol")
    content = orjson.dumps(item, option=orjson.OPT_SORT_KEYS)
    [kept] = keep(door, content, sender)

    done = door.command("quarantine/resubmit", quarantine=kept, reason="till_is_known_again")

    assert done.status_code == 200, done.text
    [sale] = [each for each in door.log.read(0, 10) if isinstance(each.event, SaleMade)]
    assert (str(sale.event_id), sale.actor) == (item["id"], "till/karakol-1")
    [again] = door.tell(item)
    assert (again["status"], again["position"]) == ("duplicate", sale.position)


def test_evidence_of_a_conflict_becomes_a_fact_of_its_own_id(door: Door) -> None:
    sale = report(make.sale_made())
    other = sale | {"data": make.sale_made(sale="another").model_dump(mode="json", exclude_none=True)}
    door.tell(sale)
    [answer] = door.tell(other)
    evidence = answer["receipt"]["event_id"]

    done = door.command("quarantine/resubmit", quarantine=evidence, reason="two_sales")

    assert done.status_code == 200, done.text
    sales = [each for each in door.log.read(0, 10) if isinstance(each.event, SaleMade)]
    assert [str(each.event_id) for each in sales] == [sale["id"], str(uuid5(UUID(evidence), "1"))]


def test_a_till_says_no_more_through_the_desk_than_by_itself(door: Door) -> None:
    enrol(door)
    item = report(make.sale_made(outlet="bishkek"))
    [kept] = keep(door, orjson.dumps(item), Sender("till/karakol-1", "till", "karakol"))

    refused = door.command("quarantine/resubmit", quarantine=kept, reason="try_it")

    assert (refused.status_code, refused.json()["code"]) == (403, "not_your_till")
    assert not [each for each in door.log.read(0, 10) if isinstance(each.event, SaleMade)]


def test_what_is_no_object_is_read_and_dismissed_and_cannot_be_mapped(door: Door) -> None:
    [kept] = keep(door, b"\xff\xfenot json", Sender("till/karakol-1", "till", "karakol"))

    mapped = door.command("quarantine/map", quarantine=kept, reason="a", changes=PRODUCT)
    shown = door.get(f"/api/v1/quarantine/{kept}").json()
    dismissed = door.command("quarantine/dismiss", quarantine=kept, reason="not_a_report")

    assert (mapped.status_code, mapped.json()["code"]) == (409, "nothing_to_map")
    assert shown["content"] == {"erased": False, "base64": "//5ub3QganNvbg=="}
    assert dismissed.status_code == 200


def test_a_message_whose_bytes_were_erased_is_still_listed_and_can_only_be_dismissed(door: Door) -> None:
    message = quarantined(door, bad_sale())
    with psycopg.connect(door.database.writer) as connection:
        connection.execute("DELETE FROM quarantine.messages")

    refused = door.command("quarantine/map", quarantine=message, reason="a", changes=PRODUCT)

    assert (refused.status_code, refused.json()["code"]) == (409, "bytes_erased")
    assert door.get(f"/api/v1/quarantine/{message}").json()["content"] == {"erased": True}
    assert door.command("quarantine/dismiss", quarantine=message, reason="erased").status_code == 200


def mapping(*changes: dict[str, Any]) -> dict[str, Any]:
    return {"reason": "a", "changes": list(changes)}


WRONG: dict[str, tuple[str, dict[str, Any], int, str]] = {
    "no such message": ("dismiss", {"quarantine": "nothing", "reason": "a"}, 404, "not_in_quarantine"),
    "no reason": ("dismiss", {}, 422, "malformed"),
    "free text for a reason": ("dismiss", {"reason": "Aigul said so"}, 422, "malformed"),
    "no changes": ("map", {"reason": "a", "changes": []}, 422, "malformed"),
    "a change of nothing": ("map", mapping({"at": "data.colour", "remove": True}), 422, "malformed"),
    "a change of two kinds": ("map", mapping({"at": "x", "to": 1, "remove": True}), 422, "malformed"),
    "a change without a place": ("map", mapping({"to": 1}), 422, "malformed"),
    "another id": ("map", mapping({"at": "id", "to": str(uuid4())}), 409, "id_stays"),
    "too many changes": ("map", mapping(*[{"at": "data.x", "to": 1}] * 51), 422, "malformed"),
    "an unknown field": ("resubmit", {"reason": "a", "force": True}, 422, "malformed"),
}


@pytest.mark.parametrize(("verb", "fields", "status", "code"), WRONG.values(), ids=list(WRONG))
def test_a_wrong_request_is_refused_by_name_and_stores_nothing(
    door: Door, verb: str, fields: dict[str, Any], status: int, code: str
) -> None:
    message = quarantined(door, bad_sale())
    refused = door.command(f"quarantine/{verb}", **({"quarantine": message} | fields))
    assert (refused.status_code, refused.json()["code"]) == (status, code), refused.text
    assert door.log.head().position == 1


def test_the_desk_is_closed_to_devices_and_strangers(door: Door) -> None:
    message = quarantined(door, bad_sale())
    key = enrol(door)
    body = {"id": str(uuid4()), "occurred_at": NOW, "quarantine": message, "reason": "a"}
    for path in ("/api/v1/quarantine", f"/api/v1/quarantine/{message}"):
        assert door.client.get(path, headers={"Authorization": f"Bearer {key}"}).status_code == 403
        assert door.client.get(path, headers={"Authorization": ""}).status_code == 401
    for verb in ("dismiss", "resubmit", "map", "try"):
        assert door.post(f"/api/v1/quarantine/{verb}", body, key=key).status_code == 403
    assert door.get(f"/api/v1/quarantine/{message}").json()["state"] == "open"


class Shell:
    """`ovop quarantine` beside a running API."""

    def __init__(self, door: Door) -> None:
        self._environment = {
            "OVOP_PORT": door.url.rpartition(":")[2],
            "OVOP_DATA_DIR": str(door.front.settings.data_dir),
            "COLUMNS": "200",
            "NO_COLOR": "1",
        }

    def run(self, *arguments: str) -> Result:
        settings_module.settings.cache_clear()
        try:
            return CliRunner().invoke(app, ["quarantine", *arguments], env=self._environment, catch_exceptions=False)
        finally:
            settings_module.settings.cache_clear()

    def json(self, *arguments: str) -> Any:
        result = self.run(*arguments, "--json")
        assert result.exit_code == 0, result.output
        return json.loads(result.stdout)


def test_the_command_line_does_all_of_it(door: Door) -> None:
    shell = Shell(door)
    first, second, third = (quarantined(door, bad_sale()) for _ in range(3))

    assert [each["quarantine"] for each in shell.json("list")["messages"]] == [third, second, first]
    assert first in shell.run("list").output
    assert shell.json("show", first)["problem"] == "wrong_form"
    assert "JAM-APR" in shell.run("show", first).output
    changes = ("--wherever", "product=JAM-APR=apricot-jam-300", "--reason", "renamed_product")
    assert shell.run("map", first, *changes, "--try").output == "understood\n"
    assert shell.json("map", first, *changes)["status"] == "accepted"
    assert shell.json("dismiss", second, "--reason", "test_report")["status"] == "accepted"
    refused = shell.run("resubmit", third)
    assert refused.exit_code == 1
    assert "cannot be understood" in refused.output
    assert [each["quarantine"] for each in shell.json("list", "--state", "dismissed")["messages"]] == [second]
    assert shell.json("list")["counts"] == {"open": 1, "mapped": 1, "resubmitted": 0, "dismissed": 1}
    assert "renamed_product" in shell.run("show", first).output


def enrol(door: Door) -> str:
    """The key of a till of the shop in Karakol."""
    for path, event in (
        ("network/join-region", make.region_joined()),
        ("network/open-outlet", make.outlet_opened(village=None)),
    ):
        assert door.ask(path, event).status_code == 200
    enrolled = door.command("network/enroll-till", till="karakol-1", outlet="karakol")
    assert enrolled.status_code == 200, enrolled.text
    return str(enrolled.json()["key"])


def keep(door: Door, content: bytes, sender: Sender) -> list[str]:
    """Put bytes into quarantine as the intake does for a sender whom it does not know."""
    import asyncio

    answers = asyncio.run(door.front.reports.keep([content], sender, "unknown_sender"))
    return [str(answer.receipt.event_id) for answer in answers if answer.receipt is not None]
