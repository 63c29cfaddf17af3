"""Devices that enrol, sign what they send and read in a session."""

import time
from collections.abc import Iterator
from pathlib import Path
from typing import Any

import httpx
import orjson
import pytest
from cryptography.hazmat.primitives.asymmetric import ed25519

from services.access.signatures import challenge_text
from tests.access import BELIEVED_SECONDS, Tablet, _text, chain, ed25519_tablet, enrol, p256_tablet, refused
from tests.door import Door, accepted, opened
from tests.integration.test_api import found
from tests.servers import LogDatabase


@pytest.fixture
def door(log_database: LogDatabase, tmp_path: Path) -> Iterator[Door]:
    with opened(log_database, tmp_path, believed_seconds=BELIEVED_SECONDS) as opened_door:
        yield opened_door


def enrolment_code(door: Door) -> str:
    if door.log.head().position == 0:
        found(door)
    answer = accepted(door.command("network/enroll-till", till="karakol-1", outlet="karakol", credential="code"))
    assert "key" not in answer
    return str(answer["code"])


def enrolled(door: Door, tablet: Tablet | None = None) -> Tablet:
    tablet = tablet or ed25519_tablet()
    assert enrol(door, tablet, enrolment_code(door)).status_code == 200
    return tablet


def upload(door: Door, tablet: Tablet, items: list[dict[str, Any]], head: str) -> httpx.Response:
    body = orjson.dumps(items)
    return httpx.post(f"{door.url}/api/v1/events", content=body, headers=tablet.headers(body, head))


@pytest.mark.parametrize("kind", [ed25519_tablet, p256_tablet])
def test_a_device_enrols_with_a_code_and_its_signed_upload_is_stored(door: Door, kind: Any) -> None:
    tablet = enrolled(door, kind())
    items, head = chain(1, 2, 3)

    response = upload(door, tablet, items, head)

    assert response.status_code == 200, response.text
    assert all("chain_broken" not in answer["flags"] for answer in response.json())
    assert {answer["status"] for answer in response.json()} <= {"accepted", "flagged"}
    [*_, last] = door.log.read(0, 99)
    assert last.actor == "till/karakol-1"


def test_a_code_is_good_once(door: Door) -> None:
    code = enrolment_code(door)
    assert enrol(door, ed25519_tablet(), code).status_code == 200
    assert refused(enrol(door, ed25519_tablet(), code)) == (401, "wrong_code")


def test_a_code_is_good_for_a_quarter_of_an_hour(log_database: LogDatabase, tmp_path: Path) -> None:
    assert make_settings_default("enrol_code_minutes") == 15
    with opened(log_database, tmp_path, enrol_code_minutes=0.005) as door:
        code = enrolment_code(door)
        time.sleep(0.5)
        assert refused(enrol(door, ed25519_tablet(), code)) == (401, "wrong_code")


def make_settings_default(name: str) -> Any:
    from services.settings import Settings

    return Settings.model_fields[name].default


def test_a_device_shows_that_it_holds_the_key_and_a_wrong_try_costs_it_no_code(door: Door) -> None:
    code, tablet = enrolment_code(door), ed25519_tablet()
    assert refused(enrol(door, tablet, code, signature=_text(b"0" * 64))) == (401, "wrong_signature")
    assert refused(enrol(door, tablet, code, public_key=_text(b"0" * 31))) == (422, "wrong_key")
    assert refused(enrol(door, tablet, code, algorithm="rsa")) == (422, "malformed")
    assert enrol(door, tablet, code).status_code == 200


def test_a_key_enrolled_before_is_not_enrolled_again(door: Door) -> None:
    tablet = enrolled(door)
    code = door.front.credentials.store.add_code("device", "till/karakol-9", 15, outlet="karakol")
    assert refused(enrol(door, tablet, code)) == (409, "key_known")


def test_what_was_changed_after_signing_is_refused_and_nothing_is_stored(door: Door) -> None:
    tablet = enrolled(door)
    items, head = chain(1)
    body = orjson.dumps(items)
    headers = tablet.headers(body, head)
    before = door.log.head().position
    for changed_body, changed in (
        (body.replace(b'"units":2', b'"units":1'), {}),
        (body, {"OVOP-Chain-Head": "0" * 64}),
        (body, {"Authorization": headers["Authorization"].replace("signature=", "signature=A")}),
    ):
        if changed_body == body and not changed:
            pytest.fail("nothing was changed")
        response = httpx.post(f"{door.url}/api/v1/events", content=changed_body, headers=headers | changed)
        assert refused(response) == (401, "wrong_signature")
    other = Tablet(ed25519.Ed25519PrivateKey.generate(), tablet.key_id)
    assert refused(upload(door, other, items, head)) == (401, "wrong_signature")
    assert door.log.head().position == before


def test_a_broken_chain_is_stored_and_flagged(door: Door) -> None:
    tablet = enrolled(door)
    items, head = chain(1, 2)
    assert upload(door, tablet, items, head).status_code == 200

    cut, cut_head = chain(3, 4, before="f" * 64)
    answers = upload(door, tablet, cut, cut_head).json()

    assert [("chain_broken" in answer["flags"], answer["status"]) for answer in answers] == [
        (True, "flagged"),
        (False, answers[1]["status"]),
    ]
    assert all(answer["position"] for answer in answers)
    whole, head = chain(5, before=cut_head)
    assert "chain_broken" not in upload(door, tablet, whole, head).json()[0]["flags"]


def test_a_chain_is_followed_from_upload_to_upload_and_by_another_process(door: Door) -> None:
    tablet = enrolled(door)
    items, head = chain(1)
    upload(door, tablet, items, head)
    door.front.credentials.forget()
    door.front.credentials._chains.clear()  # as in a process that has not seen this device yet
    cut, cut_head = chain(2, before="e" * 64)
    assert "chain_broken" in upload(door, tablet, cut, cut_head).json()[0]["flags"]


def test_a_head_that_is_not_the_last_report_is_flagged(door: Door) -> None:
    tablet = enrolled(door)
    items, _ = chain(1, 2)
    answers = upload(door, tablet, items, "a" * 64).json()
    assert ["chain_broken" in answer["flags"] for answer in answers] == [False, True]


def test_stored_bytes_sent_again_with_their_signature_are_duplicates(door: Door) -> None:
    tablet = enrolled(door)
    items, head = chain(1, 2)
    first = upload(door, tablet, items, head).json()
    again = upload(door, tablet, items, head).json()
    assert [answer["status"] for answer in again] == ["duplicate"] * 2
    assert [answer["receipt"] for answer in again] == [answer["receipt"] for answer in first]


def test_a_device_reads_with_a_session_for_which_it_signed_a_challenge_and_reports_only_signed(door: Door) -> None:
    tablet = enrolled(door)
    asked = httpx.post(f"{door.url}/api/v1/devices/challenge", json={"key_id": tablet.key_id}).json()["challenge"]
    answer = {"key_id": tablet.key_id, "challenge": asked, "signature": tablet.sign(challenge_text(asked))}
    token = httpx.post(f"{door.url}/api/v1/devices/session", json=answer).json()["token"]
    signed_in = {"Authorization": f"Bearer {token}"}

    who = httpx.get(f"{door.url}/api/v1/session", headers=signed_in).json()
    own = httpx.get(f"{door.url}/api/v1/inventory", params={"place": "outlet/karakol"}, headers=signed_in)
    foreign = httpx.get(f"{door.url}/api/v1/inventory", params={"place": "outlet/bishkek"}, headers=signed_in)
    unsigned = httpx.post(f"{door.url}/api/v1/events", content=orjson.dumps(chain(1)[0]), headers=signed_in)

    nothing_signed = httpx.get(f"{door.url}/api/v1/session", headers=tablet.headers(b"", ""))
    assert refused(nothing_signed) == (401, "not_authenticated")
    assert (who["actor"], who["kind"]) == ("till/karakol-1", "till")
    assert own.status_code == 200
    assert refused(foreign) == (403, "not_yours")
    assert refused(unsigned) == (403, "must_be_signed")
    replayed = httpx.post(f"{door.url}/api/v1/devices/session", json=answer)
    assert refused(replayed) == (401, "wrong_code")


def test_a_revoked_device_signs_in_vain_within_the_believed_time(door: Door) -> None:
    tablet = enrolled(door)
    accepted(door.command("network/revoke-till", till="karakol-1", reason="stolen"))
    items, head = chain(1)
    assert refused(upload(door, tablet, items, head)) == (401, "not_authenticated")


def test_a_simple_till_keeps_its_key_until_it_enrols_one_of_its_own(door: Door) -> None:
    found(door)
    key = accepted(door.command("network/enroll-till", till="karakol-1", outlet="karakol"))["key"]
    assert door.post("/api/v1/events", chain(1)[0], key).status_code == 200
    code = door.front.credentials.store.add_code("device", "till/karakol-1", 15, outlet="karakol")
    assert enrol(door, ed25519_tablet(), code).status_code == 200
    assert refused(door.post("/api/v1/events", chain(2)[0], key)) == (401, "not_authenticated")
