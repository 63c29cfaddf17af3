"""Personal values: committed to, exported, forgotten. That their bytes are nowhere then: `test_erased_bytes.py`."""

import hashlib
import json
from collections.abc import Iterator
from pathlib import Path
from typing import Any, LiteralString
from uuid import uuid4

import orjson
import psycopg
import pytest

from events.catalogue.network import ProducerRegistered
from services.verification import verify
from tests import make
from tests.door import Door, opened, report
from tests.servers import LogDatabase

PERSON = "producer/p-001"
#: Values that stand nowhere else, so that finding their bytes means finding them.
NAME, PHONE = "Айгүл Тестова Ырысбек кызы", "+996 700 918273"


@pytest.fixture
def door(log_database: LogDatabase, tmp_path: Path) -> Iterator[Door]:
    with opened(log_database, tmp_path) as opened_door:
        yield opened_door


def store(door: Door, kind: str = "name", value: str = NAME, subject: str = PERSON) -> str:
    told = door.post("/api/v1/personal/values", {"subject": subject, "kind": kind, "value": value})
    assert told.status_code == 200, told.text
    return str(told.json()["commitment"])


def erase(door: Door, subject: str = PERSON, **more: Any) -> dict[str, Any]:
    told = door.post("/api/v1/personal/erase", {"id": str(uuid4()), "subject": subject, **more})
    assert told.status_code == 200, told.text
    erased: dict[str, Any] = told.json()["erased"]
    return erased


def export(door: Door, subject: str = PERSON) -> dict[str, Any]:
    told = door.get("/api/v1/personal", subject=subject)
    assert told.status_code == 200, told.text
    found: dict[str, Any] = told.json()
    return found


def join(door: Door, **commitments: Any) -> None:
    """A village, and in it a producer whose name is committed to."""
    for path, event in (
        ("network/join-region", make.region_joined()),
        ("network/register-village", make.village_registered()),
        ("network/register-producer", make.producer_registered(**commitments)),
    ):
        assert door.ask(path, event).status_code == 200


def test_a_commitment_is_the_hash_of_salt_and_canonical_value_and_the_log_holds_nothing_else(door: Door) -> None:
    commitment = store(door)
    join(door, personal_commitment=commitment)

    [value] = export(door)["values"]

    assert value["value"] == NAME
    assert len(bytes.fromhex(value["salt"])) == 32
    salted = bytes.fromhex(value["salt"]) + orjson.dumps(NAME)
    assert hashlib.sha256(salted).hexdigest() == value["commitment"] == commitment
    registered = door.log.read(0, 10)[-1].event
    assert isinstance(registered, ProducerRegistered)
    assert registered.personal_commitment == commitment


def test_the_same_value_keeps_its_commitment_and_the_same_value_of_another_person_has_another(door: Door) -> None:
    first, again = store(door), store(door)
    others = {store(door, subject="producer/p-002"), store(door, kind="nickname")}
    assert first == again
    assert first not in others
    assert len(others) == 2


def test_consents_are_given_for_a_purpose_and_taken_back(door: Door) -> None:
    join(door)
    commitment = store(door, kind="consent", value="I agree that my name stands on the label.")
    given = door.ask("network/give-consent", make.consent_given(commitment=commitment))
    assert given.status_code == 200, given.text

    before = export(door)["consents"]
    event_id = given.json()["receipt"]["event_id"]
    filmed = door.ask("network/give-consent", make.consent_given(purpose="film")).json()["receipt"]["event_id"]
    for named, code in ((str(uuid4()), "no_such_consent"), (filmed, "consent_of_another_purpose")):
        other = door.ask("network/withdraw-consent", make.consent_withdrawn(withdraws=named))
        assert (other.status_code, other.json()["code"], other.json()["field"]) == (409, code, "withdraws")
    taken = door.ask("network/withdraw-consent", make.consent_withdrawn(withdraws=event_id))
    again = door.ask("network/withdraw-consent", make.consent_withdrawn(withdraws=event_id))
    after = export(door)["consents"]

    assert [(each["purpose"], each["event_id"], each["withdrawn_at"]) for each in before] == [
        ("name_on_label", event_id, None)
    ]
    assert taken.status_code == 200
    assert (again.status_code, again.json()["code"]) == (409, "no_such_consent")
    ended = {each["purpose"]: each["withdrawn_at"] is not None for each in after}
    assert ended == {"name_on_label": True, "film": False}


def test_an_export_holds_values_commitments_events_and_income_of_one_person_and_of_nobody_else(door: Door) -> None:
    name, others = store(door), store(door, value="Бакыт Башка", subject="producer/p-002")
    join(door, personal_commitment=name)
    door.ask("network/register-producer", make.producer_registered(producer="p-002", personal_commitment=others))
    door.tell(
        report(make.lot_collected()),
        report(make.lot_collected(lot="lot-2", producer="p-002")),
        report(make.training_held(participants=("p-002", "p-001"))),
        # A product may have the same id as a person; it is not about the person.
        report(make.sale_made(lines=(make.sale_line(product="p-001"),))),
    )
    door.fold()

    told = export(door)

    assert [value["value"] for value in told["values"]] == [NAME]
    assert [event["type"] for event in told["events"]] == [
        "network.producer_registered.v1",
        "production.lot_collected.v2",
        "center.training_held.v1",
    ]
    assert told["commitments"] == [
        {"commitment": name, "position": 3, "type": "network.producer_registered.v1", "is_kept": True}
    ]
    assert told["income"]["lots_delivered"] == 1
    assert told["position"] == door.log.head().position


def test_what_is_erased_is_answered_and_the_commitment_stands_for_nothing_any_more(door: Door) -> None:
    name, phone = store(door), store(door, "phone", PHONE)
    others = store(door, value="Бакыт Башка", subject="producer/p-002")
    join(door, personal_commitment=name)

    erased = erase(door)

    assert (sorted(erased["kinds"]), sorted(erased["commitments"])) == (["name", "phone"], sorted([name, phone]))
    assert erased["files_rewritten"] is True
    told = export(door)
    assert told["values"] == []
    assert [(each["commitment"], each["is_kept"]) for each in told["commitments"]] == [(name, False)]
    assert [each["subject"] for each in told["erasures"]] == [PERSON]
    assert [value["commitment"] for value in export(door, "producer/p-002")["values"]] == [others]
    assert erase(door)["kinds"] == []
    assert store(door) != name
    assert len(door.get("/api/v1/personal/erasures").json()["erasures"]) == 2


IN_THE_WAY = {
    "an old snapshot": ("SET TRANSACTION ISOLATION LEVEL REPEATABLE READ", "SELECT 1"),
    "a reader of the table": ("LOCK TABLE personal.vault IN ACCESS SHARE MODE",),
}


@pytest.mark.parametrize("statements", IN_THE_WAY.values(), ids=list(IN_THE_WAY))
def test_an_erasure_says_when_files_still_hold_the_bytes_because_somebody_is_in_the_way(
    door: Door, statements: tuple[LiteralString, ...]
) -> None:
    store(door)
    with psycopg.connect(door.database.admin) as connection:
        for statement in statements:
            connection.execute(statement)
        first = erase(door)
    assert (first["kinds"], first["files_rewritten"]) == (["name"], False)
    assert erase(door)["files_rewritten"] is True


def escaped(item: dict[str, Any]) -> bytes:
    return json.dumps(item).encode()


def test_quarantined_bytes_that_hold_a_value_go_with_it_and_others_stay(door: Door) -> None:
    store(door, "phone", PHONE)
    store(door)
    phoned = report(make.lot_collected()) | {"data": {"phone": PHONE}}
    named = report(make.lot_collected()) | {"data": {"name": NAME}}
    unknown = report(make.lot_collected()) | {"data": {"name": "Айгул с улицы Садовой"}}
    other = report(make.lot_collected()) | {"data": {"colour": "red"}}
    own = report(make.lot_collected(), actor=PERSON) | {"data": {"text": "my own words"}}
    tell = door.client.post
    ids = {}
    for name, item in {"phoned": phoned, "named": named, "unknown": unknown, "other": other, "own": own}.items():
        answer = tell("/api/v1/events", content=escaped(item)).json()
        assert answer["status"] == "quarantined"
        ids[name] = answer["receipt"]["event_id"]
    changes = [{"at": "data.name", "to": NAME}]
    door.command("quarantine/map", quarantine=ids["other"], reason="a", changes=changes)

    erased = erase(door, messages=[ids["unknown"]])

    assert set(erased["messages"]) == {ids["phoned"], ids["named"], ids["unknown"]}
    assert door.get(f"/api/v1/quarantine/{ids['named']}").json()["content"] == {"erased": True}
    assert door.get(f"/api/v1/quarantine/{ids['other']}").json()["content"]["erased"] is False
    assert verify(door.database.reader).is_sound


WRONG: dict[str, tuple[str, Any, int, str]] = {
    "no value": ("values", {"subject": PERSON, "kind": "name", "value": ""}, 422, "malformed"),
    "a value that is too long": ("values", {"subject": PERSON, "kind": "name", "value": "x" * 4_001}, 422, "malformed"),
    "a zero byte": ("values", {"subject": PERSON, "kind": "name", "value": "a\x00b"}, 422, "malformed"),
    "a kind that is a sentence": ("values", {"subject": PERSON, "kind": "My name", "value": "x"}, 422, "malformed"),
    "a subject with a name": ("values", {"subject": "Айгүл", "kind": "name", "value": "x"}, 422, "malformed"),
    "no object": ("values", 7, 422, "malformed"),
    "no JSON": ("values", b"{", 400, "not_json"),
    "a list of persons": ("erase", [{"id": str(uuid4()), "subject": PERSON}], 422, "malformed"),
    "an erasure without an id": ("erase", {"subject": PERSON}, 422, "malformed"),
    "a message that is not there": (
        "erase", {"id": str(uuid4()), "subject": PERSON, "messages": [str(uuid4())]}, 404, "no_such_message",
    ),
}  # fmt: skip


@pytest.mark.parametrize(("verb", "body", "status", "code"), WRONG.values(), ids=list(WRONG))
def test_a_wrong_request_is_refused_by_name_and_does_not_repeat_the_value(
    door: Door, verb: str, body: Any, status: int, code: str
) -> None:
    store(door)
    refused = door.post(f"/api/v1/personal/{verb}", body)
    assert (refused.status_code, refused.json()["code"]) == (status, code), refused.text
    assert "xxxx" not in refused.text
    assert len(export(door)["values"]) == 1


def test_personal_values_are_closed_to_strangers(door: Door) -> None:
    for path in ("/api/v1/personal?subject=producer/p-001", "/api/v1/personal/erasures"):
        assert door.client.get(path, headers={"Authorization": ""}).status_code == 401
    for verb in ("values", "erase"):
        assert door.client.post(f"/api/v1/personal/{verb}", headers={"Authorization": ""}).status_code == 401
