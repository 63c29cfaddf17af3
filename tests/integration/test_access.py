"""Coming in: devices that sign, people who sign in, keys of other systems; and going out again within the minute."""

import base64
import hashlib
import html
import re
import time
from collections.abc import Iterator
from dataclasses import dataclass
from pathlib import Path
from typing import Any
from urllib.parse import urljoin
from uuid import uuid4

import httpx
import orjson
import psycopg
import pytest
from cryptography.hazmat.primitives.asymmetric import ec, ed25519
from cryptography.hazmat.primitives.asymmetric.utils import decode_dss_signature
from cryptography.hazmat.primitives.hashes import SHA256
from cryptography.hazmat.primitives.serialization import Encoding, PublicFormat
from psycopg import sql

from events.canonical import canonical
from events.catalogue.exchange import MessageQuarantined
from services.access.secrets import new_key
from services.access.sender import Sender
from services.access.signatures import challenge_text, enrol_text, upload_text
from services.settlement.decider import ALONE_TYIYN_MAX
from services.web.menu import own_page
from tests import make
from tests.door import NOW, Door, accepted, opened, report
from tests.integration.test_api import found
from tests.servers import LogDatabase, wait_for

BELIEVED_SECONDS = 0.4
PASSWORD = "сары өрүктүн кыямы"


@pytest.fixture
def door(log_database: LogDatabase, tmp_path: Path) -> Iterator[Door]:
    with opened(log_database, tmp_path, believed_seconds=BELIEVED_SECONDS) as opened_door:
        yield opened_door


def refused(response: httpx.Response) -> tuple[int, str]:
    return response.status_code, response.json()["code"]


# Devices that sign


@dataclass
class Tablet:
    """A device with a key of its own."""

    private: ed25519.Ed25519PrivateKey | ec.EllipticCurvePrivateKey
    key_id: str = ""
    actor: str = "till/karakol-1"

    @property
    def algorithm(self) -> str:
        return "ed25519" if isinstance(self.private, ed25519.Ed25519PrivateKey) else "p256"

    @property
    def public(self) -> str:
        if isinstance(self.private, ed25519.Ed25519PrivateKey):
            return _text(self.private.public_key().public_bytes(Encoding.Raw, PublicFormat.Raw))
        return _text(self.private.public_key().public_bytes(Encoding.X962, PublicFormat.UncompressedPoint))

    def sign(self, text: bytes) -> str:
        if isinstance(self.private, ed25519.Ed25519PrivateKey):
            return _text(self.private.sign(text))
        r, s = decode_dss_signature(self.private.sign(text, ec.ECDSA(SHA256())))
        return _text(r.to_bytes(32) + s.to_bytes(32))

    def headers(self, body: bytes, head: str) -> dict[str, str]:
        signature = self.sign(upload_text(self.actor, head, body))
        authorization = f"OVOP-Signature key={self.key_id}, signature={signature}"
        return {"Authorization": authorization, "OVOP-Chain-Head": head}


def _text(raw: bytes) -> str:
    return base64.urlsafe_b64encode(raw).rstrip(b"=").decode()


def ed25519_tablet() -> Tablet:
    return Tablet(ed25519.Ed25519PrivateKey.generate())


def p256_tablet() -> Tablet:
    return Tablet(ec.generate_private_key(ec.SECP256R1()))


def enrolment_code(door: Door) -> str:
    if door.log.head().position == 0:
        found(door)
    answer = accepted(door.command("network/enroll-till", till="karakol-1", outlet="karakol", credential="code"))
    assert "key" not in answer
    return str(answer["code"])


def enrol(door: Door, tablet: Tablet, code: str, **changes: Any) -> httpx.Response:
    asked = {"code": code, "algorithm": tablet.algorithm, "public_key": tablet.public}
    asked["signature"] = tablet.sign(enrol_text(code, tablet.public))
    response = httpx.post(f"{door.url}/api/v1/devices", json=asked | changes)
    if response.status_code == 200:
        tablet.key_id = response.json()["key_id"]
    return response


def enrolled(door: Door, tablet: Tablet | None = None) -> Tablet:
    tablet = tablet or ed25519_tablet()
    assert enrol(door, tablet, enrolment_code(door)).status_code == 200
    return tablet


def chain(*counters: int, before: str | None = None) -> tuple[list[dict[str, Any]], str]:
    """Sales that follow on each other, and the head of their chain."""
    items = []
    for counter in counters:
        sale = make.sale_made(sale=f"s-{uuid4()}", till="karakol-1", till_counter=counter, prev_hash=before)
        items.append(report(sale))
        before = hashlib.sha256(canonical(items[-1])).hexdigest()
    return items, before or ""


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


# People


def person(door: Door, actor: str = "user/aigul", name: str = "aigul", password: str = PASSWORD) -> str:
    store = door.front.credentials.store
    store.add_person(actor, name)
    chosen = choose(door, store.add_code("password", actor, 15), password)
    assert chosen.status_code == 200, chosen.text
    return actor


def choose(door: Door, code: str, password: str) -> httpx.Response:
    return httpx.post(f"{door.url}/api/v1/session/password", json={"code": code, "password": password})


def sign_in(door: Door, name: str = "aigul", password: str = PASSWORD, **more: Any) -> httpx.Response:
    return httpx.post(f"{door.url}/api/v1/session", json={"name": name, "password": password, **more})


def token(door: Door, name: str = "aigul") -> str:
    response = sign_in(door, name)
    assert response.status_code == 200, response.text
    return str(response.json()["token"])


def bearing(key: str) -> dict[str, str]:
    return {"Authorization": f"Bearer {key}"}


def test_somebody_signs_in_and_acts_in_the_roles_of_the_log(door: Door) -> None:
    found(door)
    actor = person(door)
    key = token(door)
    count = report(make.stock_counted(place="outlet/karakol"))
    assert refused(door.post("/api/v1/events", count, key)) == (403, "no_such_right")

    accepted(door.command("network/grant-role", to=actor, role="outlet_lead", place="outlet/karakol"))

    assert door.post("/api/v1/events", count, key).json()["status"] in ("accepted", "flagged")
    [*_, last] = door.log.read(0, 99)
    assert last.actor == actor
    foreign = report(make.stock_counted(place="outlet/bishkek"))
    assert refused(door.post("/api/v1/events", foreign, key)) == (403, "not_yours")
    told = httpx.get(f"{door.url}/api/v1/session", headers=bearing(key)).json()
    assert told["roles"] == [{"role": "outlet_lead", "region": None, "place": "outlet/karakol"}]


def test_a_wrong_password_and_an_unknown_name_are_answered_alike(door: Door) -> None:
    person(door)
    wrong, unknown = sign_in(door, password="something else"), sign_in(door, name="nobody")
    assert refused(wrong) == refused(unknown) == (401, "wrong_name_or_password")
    assert wrong.json() == unknown.json()


def test_an_unknown_name_takes_as_long_as_a_wrong_password(door: Door) -> None:
    person(door)
    took: dict[str, list[float]] = {"aigul": [], "nobody": []}
    for _ in range(4):
        for name, times in took.items():
            begun = time.perf_counter()
            sign_in(door, name=name, password="something else")
            times.append(time.perf_counter() - begun)
    known, unknown = min(took["aigul"]), min(took["nobody"])
    assert unknown > known / 2, "an unknown name is answered without the work"


def test_passwords_are_kept_as_argon2id_and_nowhere_else(door: Door) -> None:
    person(door)
    stored = door.front.credentials.store.person("aigul")
    assert stored is not None
    assert (stored.password_hash or "").startswith("$argon2id$")
    assert PASSWORD not in repr(stored)


def test_attempts_are_counted_by_account(log_database: LogDatabase, tmp_path: Path) -> None:
    with opened(log_database, tmp_path, account_failures_per_quarter_hour=3) as door:
        person(door)
        for _ in range(3):
            assert refused(sign_in(door, password="wrong one")) == (401, "wrong_name_or_password")
        again = sign_in(door)
        assert refused(again) == (429, "too_many_requests")
        assert 0 < int(again.headers["Retry-After"]) <= 900


def test_attempts_are_counted_by_address(log_database: LogDatabase, tmp_path: Path) -> None:
    with opened(log_database, tmp_path, address_failures_per_quarter_hour=4) as door:
        answers = [refused(sign_in(door, name=f"name-{n}")) for n in range(5)]
        assert answers == [(401, "wrong_name_or_password")] * 4 + [(429, "too_many_requests")]


def test_signing_in_rightly_uses_up_no_attempt(log_database: LogDatabase, tmp_path: Path) -> None:
    with opened(log_database, tmp_path, account_failures_per_quarter_hour=2) as door:
        person(door)
        assert [sign_in(door).status_code for _ in range(4)] == [200] * 4


@pytest.mark.parametrize("weak", ["short", "1234567890", "aaaaaaaaaaaaa", "aigul-aigul-1", "пароль12345", "x" * 201])
def test_a_weak_password_is_refused_and_the_code_stays_good(door: Door, weak: str) -> None:
    store = door.front.credentials.store
    store.add_person("user/aigul", "aigul")
    code = store.add_code("password", "user/aigul", 15)
    assert refused(choose(door, code, weak)) == (422, "weak_password")
    assert choose(door, code, PASSWORD).status_code == 200
    assert refused(choose(door, code, PASSWORD)) == (401, "wrong_code")


def test_a_new_password_ends_the_sessions_of_before(door: Door) -> None:
    actor = person(door)
    key = token(door)
    choose(door, door.front.credentials.store.add_code("password", actor, 15), "another long password")
    assert httpx.get(f"{door.url}/api/v1/session", headers=bearing(key)).status_code == 401
    assert refused(sign_in(door)) == (401, "wrong_name_or_password")


def test_signing_out_ends_the_session_at_once(door: Door) -> None:
    person(door)
    key = token(door)
    assert httpx.delete(f"{door.url}/api/v1/session", headers=bearing(key)).status_code == 200
    assert httpx.get(f"{door.url}/api/v1/session", headers=bearing(key)).status_code == 401


def test_a_session_ends_by_itself(log_database: LogDatabase, tmp_path: Path) -> None:
    with opened(log_database, tmp_path, session_hours=0.0003, believed_seconds=0) as door:
        person(door)
        key = token(door)
        wait_for(lambda: httpx.get(f"{door.url}/api/v1/session", headers=bearing(key)).status_code == 401, "the end")


# Browsers


def browser(door: Door) -> httpx.Client:
    return httpx.Client(base_url=door.url, follow_redirects=False)


def test_the_page_signs_a_browser_in_with_a_cookie_that_no_script_reads(door: Door) -> None:
    person(door)
    with browser(door) as client:
        form = client.get("/sign-in?lang=ru")
        assert "Пароль" in form.text
        answer = client.post("/sign-in", data={"name": "aigul", "password": PASSWORD}, headers={"Origin": door.url})
        assert (answer.status_code, answer.headers["location"]) == (303, "/")
        cookie = answer.headers["set-cookie"]
        assert "HttpOnly" in cookie
        assert "samesite=lax" in cookie.lower()
        assert client.get("/api/v1/session").json()["actor"] == "user/aigul"
        client.post("/sign-out", headers={"Origin": door.url})
        assert client.get("/api/v1/session").status_code == 401


@pytest.mark.parametrize(
    "to",
    [
        "/todo",
        "/quarantine/0198c0de-0000-7000-8000-000000000001",
        "/quarantine/till.7_a-1",
        "/quarantine?state=mapped&before=40",
    ],
)
def test_whoever_changes_the_language_while_signing_in_still_comes_back(door: Door, to: str) -> None:
    person(door)
    with browser(door) as client:
        failed = client.post("/sign-in", data={"name": "x", "password": "?", "to": to}, headers={"Origin": door.url})
        for asked in (client.get("/sign-in", params={"to": to}), failed):
            [link] = re.findall(r'href="([^"]*lang=ru[^"]*)"', asked.text)
            in_russian = client.get(urljoin("/sign-in", html.unescape(link)))
            assert "Пароль" in in_russian.text
            assert f'name="to" value="{html.escape(to)}"' in in_russian.text
        signed_in = client.post(
            "/sign-in", data={"name": "aigul", "password": PASSWORD, "to": to}, headers={"Origin": door.url}
        )
        assert (signed_in.status_code, signed_in.headers["location"]) == (303, to)


def test_whoever_changes_the_language_at_the_desk_stays_with_what_is_shown(door: Door) -> None:
    person(door)
    chosen = "/quarantine?state=mapped&before=40"

    def in_russian(client: httpx.Client) -> str:
        text = client.get(chosen).text
        [link] = re.findall(r'href="([^"]*lang=ru[^"]*)"', text)
        return client.get(urljoin(chosen, html.unescape(link))).text

    with browser(door) as client:
        assert "/sign-in?to=/quarantine%3Fstate%3Dmapped%26before%3D40" in in_russian(client)
    told = in_russian(door.client)
    assert 'href="?state=mapped" aria-current="page"' in told
    assert 'href="?state=mapped&amp;before=40&amp;lang=en"' in told


@pytest.mark.parametrize(
    ("asked", "page"),
    [
        ("/quarantine/..", "/"),
        ("/quarantine/.hidden", "/"),
        ("/quarantine/a/b", "/"),
        ("/todo\n", "/"),
        ("/quarantine?state=open&next=//elsewhere.example", "/quarantine"),
        ("/todo?state=%2e%2e", "/todo"),
        ("//elsewhere.example?state=open", "/"),
    ],
)
def test_nothing_else_is_kept_of_where_somebody_came_from(asked: str, page: str) -> None:
    assert own_page(asked) == page


def test_a_page_for_everybody_shows_while_those_who_know_the_sessions_do_not_answer(door: Door) -> None:
    person(door)
    with browser(door) as client:
        client.post("/sign-in", data={"name": "aigul", "password": PASSWORD}, headers={"Origin": door.url})
        assert 'class="menu"' in client.get("/").text
        with psycopg.connect(door.database.admin, autocommit=True) as connection:
            shut = sql.SQL("REVOKE CONNECT ON DATABASE {} FROM PUBLIC, ovop_keeper, test_keeper")
            connection.execute(shut.format(sql.Identifier(door.database.name)))
            connection.execute(
                "SELECT pg_terminate_backend(pid) FROM pg_stat_activity"
                " WHERE datname = current_database() AND usename = 'test_keeper'"
            )
        door.front.credentials.forget()
        shown = client.get("/", timeout=30)
        assert (shown.status_code, 'class="menu"' in shown.text) == (200, False)
        assert client.get("/api/v1/session", timeout=30).status_code == 503


@pytest.mark.parametrize("to", ["https://elsewhere.example/", "//elsewhere.example", '/todo"><b>', "/api/v1/events"])
def test_the_language_links_keep_no_page_of_another_site(door: Door, to: str) -> None:
    with browser(door) as client:
        page = client.get("/sign-in", params={"to": to}).text
    assert "to=" not in page
    assert 'name="to"' not in page


def test_the_page_says_in_the_readers_language_why_it_did_not_work(door: Door) -> None:
    with browser(door) as client:
        answer = client.post(
            "/sign-in",
            data={"name": "<b>x</b>", "password": "?"},
            headers={"Origin": door.url, "Accept-Language": "ky"},
        )
    assert answer.status_code == 401
    assert "Мындай аталыш жана сырсөз менен эч ким кирбейт." in answer.text
    assert "<b>" not in answer.text


@pytest.mark.parametrize("origin", [None, "https://evil.example", "null", "http://127.0.0.1:1"])
def test_another_sites_page_cannot_act_with_the_cookie(door: Door, origin: str | None) -> None:
    person(door)
    headers = {} if origin is None else {"Origin": origin}
    with browser(door) as client:
        asked = {"name": "aigul", "password": PASSWORD, "cookie": True}
        assert refused(client.post("/api/v1/session", json=asked, headers=headers)) == (403, "foreign_origin")
        assert client.post("/api/v1/session", json=asked, headers={"Origin": door.url}).status_code == 200
        for method, path in (("POST", "/api/v1/events"), ("DELETE", "/api/v1/session"), ("POST", "/sign-out")):
            assert refused(client.request(method, path, content=b"[]", headers=headers)) == (403, "foreign_origin")
        assert client.get("/api/v1/session", headers=headers).status_code == 200


def test_under_https_the_cookie_is_bound_to_our_host(log_database: LogDatabase, tmp_path: Path) -> None:
    with opened(log_database, tmp_path, public_address="https://ovop.example") as door:
        person(door)
        asked = {"name": "aigul", "password": PASSWORD, "cookie": True}
        answer = httpx.post(f"{door.url}/api/v1/session", json=asked, headers={"Origin": "https://ovop.example"})
        assert answer.headers["set-cookie"].startswith("__Host-ovop=")
        assert "; Secure" in answer.headers["set-cookie"]


# Keys of other systems


def integrator(door: Door, *scopes: str, days: float | None = 1) -> tuple[str, str]:
    key = new_key()
    sender = Sender("integrator/office", "integrator", scopes=frozenset(scopes))
    door.front.credentials.store.add_key(key, sender, label="office", days=days)
    return key.key_id, key.text


def test_a_key_may_what_its_scopes_say_and_nothing_else(door: Door) -> None:
    found(door)
    _, key = integrator(door, "report:outlets", "read:income")
    sale = report(make.sale_made())
    assert door.post("/api/v1/events", sale, key).status_code == 200
    assert door.post("/api/v1/events", [report(make.lot_collected())], key).json()[0]["problem"] == "no_such_right"
    assert httpx.get(f"{door.url}/api/v1/income", headers=bearing(key)).status_code == 200
    assert refused(httpx.get(f"{door.url}/api/v1/events", headers=bearing(key))) == (403, "no_such_right")
    joining = {"id": str(uuid4()), "occurred_at": NOW} | make.region_joined(region="KG-O").model_dump(mode="json")
    assert refused(door.post("/api/v1/network/join-region", joining, key)) == (403, "no_such_right")


def test_a_key_names_others_only_if_it_may(door: Door) -> None:
    sale = report(make.sale_made(), actor="user/somebody")
    [answer] = door.post("/api/v1/events", [sale], integrator(door, "report")[1]).json()
    assert answer["problem"] == "actor_not_yours"
    [answer] = door.post("/api/v1/events", [sale], integrator(door, "report", "name")[1]).json()
    assert answer["position"] == 1


def test_a_key_is_kept_as_a_hash_expires_and_notes_its_last_use(door: Door) -> None:
    key_id, key = integrator(door, "read", days=1)
    store = door.front.credentials.store
    [row] = [row for row in store.every_key() if row.key_id == key_id]
    assert row.last_used_at is None
    assert door.get("/api/v1/inventory").status_code == 200
    assert httpx.get(f"{door.url}/api/v1/inventory", headers=bearing(key)).status_code == 200
    [row] = [row for row in store.every_key() if row.key_id == key_id]
    assert row.last_used_at is not None
    assert key.split("_")[2] not in repr(row)
    assert row.expires_at is not None
    with psycopg.connect(door.database.keeper) as connection:  # the day is over
        connection.execute("UPDATE access.keys SET expires_at = now() WHERE prefix = %s", [key_id])
    wait_for(lambda: httpx.get(f"{door.url}/api/v1/inventory", headers=bearing(key)).status_code == 401, "the end", 5)


# Ends


def test_whatever_is_revoked_elsewhere_works_no_longer_than_it_is_believed(door: Door) -> None:
    """Ended straight in the database, as another process does it: this one has not heard of it."""
    found(door)
    actor = person(door)
    accepted(door.command("network/grant-role", to=actor, role="auditor"))
    _, key = integrator(door, "read")
    session = token(door)
    bearers = [key, session]
    for bearer in bearers:
        assert httpx.get(f"{door.url}/api/v1/inventory", headers=bearing(bearer)).status_code == 200
    store = door.front.credentials.store
    revoked_at = time.monotonic()
    store.revoke_actor("integrator/office")
    store.revoke_actor(actor)
    for bearer in bearers:
        wait_for(
            lambda bearer=bearer: httpx.get(f"{door.url}/api/v1/inventory", headers=bearing(bearer)).status_code == 401,  # type: ignore[misc]
            "the end",
            5,
        )
    assert time.monotonic() - revoked_at < BELIEVED_SECONDS + 2


def test_a_role_that_is_withdrawn_is_gone_at_once_here(door: Door) -> None:
    found(door)
    actor = person(door)
    accepted(door.command("network/grant-role", to=actor, role="auditor"))
    key = token(door)
    assert httpx.get(f"{door.url}/api/v1/events", headers=bearing(key)).status_code == 200
    accepted(door.command("network/withdraw-role", to=actor, role="auditor"))
    assert refused(httpx.get(f"{door.url}/api/v1/events", headers=bearing(key))) == (403, "no_such_right")


def test_nothing_is_believed_longer_than_a_minute() -> None:
    from pydantic import ValidationError

    from services.settings import Settings

    with pytest.raises(ValidationError, match="believed_seconds"):
        Settings(believed_seconds=61)


# Whose it is, when the report does not say


def test_a_cashier_voids_in_the_own_shift_only(door: Door) -> None:
    found(door)
    for name in ("asel", "bermet"):
        actor = person(door, f"user/{name}", name)
        accepted(door.command("network/grant-role", to=actor, role="cashier", place="outlet/karakol"))
    asel, bermet = token(door, "asel"), token(door, "bermet")
    shift = report(make.shift_opened(shift="shift-a", cashier="user/asel"))
    void = report(make.sale_voided(shift="shift-a"))
    assert refused(door.post("/api/v1/events", shift, bermet)) == (403, "not_yours")
    assert door.post("/api/v1/events", shift, asel).status_code == 200
    assert refused(door.post("/api/v1/events", void, bermet)) == (403, "not_yours")
    assert door.post("/api/v1/events", void, asel).status_code == 200


def test_what_is_nobodys_yet_is_kept_aside_and_not_lost(door: Door) -> None:
    found(door)
    actor = person(door)
    accepted(door.command("network/grant-role", to=actor, role="workshop_lead", place="workshop/tosor-jam"))
    key = token(door)
    cancelled = report(make.shipment_cancelled(consignment="c-never-seen"))
    answer = door.post("/api/v1/events", cancelled, key)
    assert (answer.status_code, answer.json()["problem"]) == (202, "owner_unknown")
    assert isinstance(door.log.read(0, 99)[-1].event, MessageQuarantined)
    shipped = make.stock_shipped(consignment="c-2", origin="workshop/tosor-jam")
    both = [report(shipped), report(make.shipment_cancelled(consignment="c-2"))]
    statuses = {answer["status"] for answer in door.post("/api/v1/events", both, key).json()}
    assert statuses <= {"accepted", "flagged"}


# Two persons


def test_a_recall_needs_the_yes_of_the_second_member_to_this_very_command(door: Door) -> None:
    found(door)
    for name in ("asel", "bermet", "cholpon"):
        actor = person(door, f"user/{name}", name)
        if name != "cholpon":
            accepted(door.command("network/grant-role", to=actor, role="committee_member", region="KG-Y"))
    asel, bermet = token(door, "asel"), token(door, "bermet")
    recall = make.recall_started(members=("user/asel", "user/bermet")).model_dump(mode="json", exclude_none=True)
    item = {"id": str(uuid4()), "occurred_at": NOW} | recall

    assert refused(door.post("/api/v1/committee/start-recall", item, asel)) == (403, "not_agreed")
    other = item | {"severity": "danger" if item["severity"] != "danger" else "risk"}
    agreement = {"command": "committee/start-recall", "item": other}
    assert door.post("/api/v1/agreements", agreement, bermet).status_code == 200
    assert refused(door.post("/api/v1/committee/start-recall", item, asel)) == (403, "not_agreed")
    assert door.post("/api/v1/agreements", agreement | {"item": item}, bermet).status_code == 200
    accepted(door.post("/api/v1/committee/start-recall", item, asel))

    with_outsider = item | {"id": str(uuid4()), "recall": "r-2", "members": ["user/asel", "user/cholpon"]}
    assert refused(
        door.post(
            "/api/v1/agreements", {"command": "committee/start-recall", "item": with_outsider}, token(door, "cholpon")
        )
    ) == (403, "no_such_right")
    assert refused(door.post("/api/v1/committee/start-recall", with_outsider, asel)) == (403, "not_agreed")
    in_names_of_others = item | {"id": str(uuid4()), "recall": "r-3", "members": ["user/bermet", "user/cholpon"]}
    assert refused(door.post("/api/v1/committee/start-recall", in_names_of_others, asel)) == (403, "not_yours")


def test_much_money_needs_the_yes_of_the_other_clerk_who_is_named(door: Door) -> None:
    found(door)
    keys = {}
    for name, region in (("asel", "KG-Y"), ("bermet", "KG-Y"), ("cholpon", "KG-O")):
        actor = person(door, f"user/{name}", name)
        accepted(door.command("network/grant-role", to=actor, role="settlement_clerk", region=region))
        keys[name] = token(door, name)

    def advance(amount: int, *members: str) -> dict[str, Any]:
        event = make.advance_given(producer="p-001", advance=f"a-{uuid4()}", amount_tyiyn=amount, members=members)
        return {"id": str(uuid4()), "occurred_at": NOW} | event.model_dump(mode="json")

    def give(item: dict[str, Any]) -> httpx.Response:
        return door.post("/api/v1/settlement/give-advance", item, keys["asel"])

    def say_yes(name: str, item: dict[str, Any]) -> None:
        agreement = {"command": "settlement/give-advance", "item": item}
        assert door.post("/api/v1/agreements", agreement, keys[name]).status_code == 200

    accepted(give(advance(ALONE_TYIYN_MAX)))
    assert refused(give(advance(ALONE_TYIYN_MAX + 1))) == (409, "second_signature_missing")
    much = advance(ALONE_TYIYN_MAX + 1, "user/asel", "user/bermet")
    assert refused(give(much)) == (403, "not_agreed")
    for name in ("asel", "cholpon"):  # oneself, and a clerk of another region
        say_yes(name, much)
        assert refused(give(much)) == (403, "not_agreed")
    say_yes("bermet", much)
    accepted(give(much))
    with_outsider = advance(ALONE_TYIYN_MAX + 1, "user/asel", "user/cholpon")
    say_yes("cholpon", with_outsider)
    assert refused(give(with_outsider)) == (403, "not_agreed")


def test_nobody_grants_roles_to_oneself_nor_those_that_watch_the_center(door: Door) -> None:
    found(door)
    actor = person(door)
    accepted(door.command("network/grant-role", to=actor, role="center"))
    key = token(door)

    def grant(to: str, role: str) -> httpx.Response:
        item = {"id": str(uuid4()), "occurred_at": NOW, "to": to, "role": role}
        return door.post("/api/v1/network/grant-role", item, key)

    assert refused(grant(actor, "settlement_clerk")) == (403, "not_yours")
    assert refused(grant("user/other", "auditor")) == (403, "not_yours")
    assert refused(grant("user/other", "center")) == (403, "not_yours")
    accepted(grant("user/other", "settlement_clerk"))
