"""People who sign in: by the API, and by the page in a browser."""

import html
import re
import time
from collections.abc import Iterator
from pathlib import Path
from urllib.parse import urljoin

import httpx
import psycopg
import pytest
from psycopg import sql

from services.web.menu import own_page
from tests import make
from tests.access import BELIEVED_SECONDS, PASSWORD, bearing, choose, person, refused, sign_in, token
from tests.door import Door, accepted, opened, report
from tests.integration.test_api import found
from tests.servers import LogDatabase, wait_for


@pytest.fixture
def door(log_database: LogDatabase, tmp_path: Path) -> Iterator[Door]:
    with opened(log_database, tmp_path, believed_seconds=BELIEVED_SECONDS) as opened_door:
        yield opened_door


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


def test_whoever_is_let_in_no_more_chooses_no_password_by_a_code_of_before(door: Door) -> None:
    store = door.front.credentials.store
    actor = person(door)
    code = store.add_code("password", actor, 15)
    store.revoke_actor(actor)
    assert store.person_of_actor(actor) is None
    assert refused(choose(door, code, PASSWORD)) == (401, "wrong_code")


@pytest.mark.parametrize("least", ["abcdeabcde", "abcde" * 40], ids=["shortest", "longest"])
def test_a_password_at_the_limits_is_good(door: Door, least: str) -> None:
    store = door.front.credentials.store
    store.add_person("user/aigul", "aigul")
    assert choose(door, store.add_code("password", "user/aigul", 15), least).status_code == 200
    assert sign_in(door, password=least).status_code == 200


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
