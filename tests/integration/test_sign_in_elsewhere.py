"""Signing in with another provider: the whole way over a real provider of OpenID Connect in this process, and back."""

import base64
import hashlib
import html
import json
import re
import threading
import time
from collections.abc import Iterator
from contextlib import contextmanager
from dataclasses import dataclass, field
from http.server import BaseHTTPRequestHandler, ThreadingHTTPServer
from pathlib import Path
from typing import Any
from urllib.parse import parse_qs, urlsplit

import httpx
import pytest
from joserfc import jwt
from joserfc.jwk import KeySet, OctKey, RSAKey

from tests.door import Door, opened
from tests.servers import LogDatabase

CLIENT, SECRET, SUBJECT = "ovop", "a-secret-of-the-client", "248289761001"


@dataclass
class Provider:
    """A small provider: it believes that whoever comes is SUBJECT, and says so in a signed token."""

    key: RSAKey = field(default_factory=lambda: RSAKey.generate_key(2048, {"kid": "first", "use": "sig"}))
    issuer: str = ""
    codes: dict[str, dict[str, str]] = field(default_factory=dict)
    claims: dict[str, Any] = field(default_factory=dict)  #: what a test wants said instead
    header: dict[str, str] = field(default_factory=lambda: {"alg": "RS256", "kid": "first"})
    signs_with: Any = None
    asked: list[dict[str, str]] = field(default_factory=list)

    def answer(self, path: str, query: dict[str, str]) -> tuple[int, Any, str | None]:
        match path:
            case "/.well-known/openid-configuration":
                names = ("authorization_endpoint", "token_endpoint", "jwks_uri")
                return 200, {"issuer": self.issuer} | {name: f"{self.issuer}/{name}" for name in names}, None
            case "/jwks_uri":
                return 200, KeySet([self.key]).as_dict(private=False), None
            case "/authorization_endpoint":
                self.asked.append(query)
                code = f"code-{len(self.asked)}"
                self.codes[code] = query
                return 302, {}, f"{query['redirect_uri']}?code={code}&state={query['state']}"
            case "/token_endpoint":
                return self.token(query)
        return 404, {}, None

    def token(self, form: dict[str, str]) -> tuple[int, Any, str | None]:
        begun = self.codes.pop(form["code"], None)
        digest = hashlib.sha256(form.get("code_verifier", "").encode()).digest()
        challenge = base64.urlsafe_b64encode(digest).rstrip(b"=").decode()
        right = (
            begun is not None
            and begun["code_challenge_method"] == "S256"
            and begun["code_challenge"] == challenge
            and form["client_secret"] == SECRET
            and form["redirect_uri"] == begun["redirect_uri"]
        )
        if not right or begun is None:
            return 400, {"error": "invalid_grant"}, None
        now = int(time.time())
        said = {
            "iss": self.issuer,
            "aud": CLIENT,
            "sub": SUBJECT,
            "iat": now,
            "exp": now + 300,
            "nonce": begun["nonce"],
        }
        return 200, {"id_token": self.signed(said | self.claims), "access_token": "x", "token_type": "Bearer"}, None

    def signed(self, claims: dict[str, Any]) -> str:
        if self.header["alg"] == "none":
            parts = (base64.urlsafe_b64encode(json.dumps(part).encode()) for part in (self.header, claims))
            return b".".join((*(part.rstrip(b"=") for part in parts), b"")).decode()
        return jwt.encode(self.header, claims, self.signs_with or self.key, algorithms=[self.header["alg"]])


@contextmanager
def running(provider: Provider) -> Iterator[str]:
    class Handler(BaseHTTPRequestHandler):
        def do_GET(self) -> None:
            self.reply(parse_qs(urlsplit(self.path).query))

        def do_POST(self) -> None:
            self.reply(parse_qs(self.rfile.read(int(self.headers["Content-Length"])).decode()))

        def reply(self, query: dict[str, list[str]]) -> None:
            plain = {name: values[0] for name, values in query.items()}
            status, content, location = provider.answer(urlsplit(self.path).path, plain)
            body = json.dumps(content).encode()
            self.send_response(status)
            if location is not None:
                self.send_header("Location", location)
            self.send_header("Content-Type", "application/json")
            self.send_header("Content-Length", str(len(body)))
            self.end_headers()
            self.wfile.write(body)

        def log_message(self, *_: Any) -> None: ...

    server = ThreadingHTTPServer(("127.0.0.1", 0), Handler)
    thread = threading.Thread(target=server.serve_forever, daemon=True)
    thread.start()
    provider.issuer = f"http://127.0.0.1:{server.server_port}"
    try:
        yield provider.issuer
    finally:
        server.shutdown()
        server.server_close()
        thread.join()


@pytest.fixture
def provider() -> Iterator[Provider]:
    it = Provider()
    with running(it):
        yield it


@pytest.fixture
def door(log_database: LogDatabase, tmp_path: Path, provider: Provider) -> Iterator[Door]:
    secret = tmp_path / "client.secret"
    secret.write_text(SECRET + "\n")
    given = {"oidc_issuer": provider.issuer, "oidc_client_id": CLIENT, "oidc_client_secret_file": secret}
    with opened(log_database, tmp_path, **given) as opened_door:
        opened_door.front.credentials.store.add_person("user/aigul", "aigul", SUBJECT)
        yield opened_door


def over(client: httpx.Client, door: Door, way: str = "/sign-in/other") -> httpx.Response:
    """Over to the provider and to the address that it sends the browser back to, which is made our own door's."""
    there = client.get(f"{door.url}{way}")
    assert there.status_code == 303, there.text
    back = client.get(there.headers["location"]).headers["location"]
    return client.get(f"{door.url}/sign-in/other/return?{urlsplit(back).query}")


def test_a_browser_goes_over_and_comes_back_signed_in(door: Door, provider: Provider) -> None:
    with httpx.Client() as client:
        assert "/sign-in/other" in client.get(f"{door.url}/sign-in").text
        answer = over(client, door)
        assert (answer.status_code, answer.headers["location"]) == (303, "/")
        assert client.get(f"{door.url}/api/v1/session").json()["actor"] == "user/aigul"
    [asked] = provider.asked
    assert (asked["response_type"], asked["code_challenge_method"], asked["scope"]) == ("code", "S256", "openid")
    assert asked["redirect_uri"].endswith("/sign-in/other/return")
    assert len({asked["state"], asked["nonce"], asked["code_challenge"]}) == 3


def links(page: str) -> list[str]:
    return [html.unescape(href) for href in re.findall(r'href="([^"]+)"', page)]


def test_the_way_over_leads_back_to_the_page_that_was_closed(door: Door) -> None:
    with httpx.Client() as client:
        [way] = [link for link in links(client.get(f"{door.url}/sign-in?to=/todo").text) if "/other" in link]
        answer = over(client, door, way)
        assert (answer.status_code, answer.headers["location"]) == (303, "/todo")
        again = over(client, door)
        assert again.headers["location"] == "/"  # what was closed once is not remembered for the next time


@pytest.mark.parametrize("to", ["https://elsewhere.example/", "//elsewhere.example", "/api/v1/events", "/todo/../x"])
def test_the_way_over_leads_to_pages_of_our_own_alone(door: Door, to: str) -> None:
    with httpx.Client() as client:
        assert over(client, door, f"/sign-in/other?to={to}").headers["location"] == "/"
        there = client.get(f"{door.url}/sign-in/other")
        back = client.get(there.headers["location"]).headers["location"]
        forged = f'ovop_sign_in={client.cookies["ovop_sign_in"]}; ovop_sign_in_to="{to}"'
        way_back = f"{door.url}/sign-in/other/return?{urlsplit(back).query}"
        answer = httpx.get(way_back, headers={"Cookie": forged})
        assert (answer.status_code, answer.headers["location"]) == (303, "/")


def test_whoever_is_turned_away_there_may_still_sign_in_and_come_back(door: Door, provider: Provider) -> None:
    provider.claims = {"sub": "somebody-else"}
    with httpx.Client() as client:
        answer = over(client, door, "/sign-in/other?to=/todo")
    assert answer.status_code == 401
    assert 'name="to" value="/todo"' in answer.text
    assert "/sign-in?lang=ru&to=/todo" in links(answer.text)
    assert "/sign-in/other?to=/todo" in links(answer.text)


@pytest.mark.parametrize(
    "claims",
    [
        {"iss": "https://evil.example"},
        {"aud": "another-client"},
        {"aud": [CLIENT, "another-client"]},
        {"aud": [CLIENT, "another-client"], "azp": "another-client"},
        {"azp": "another-client"},
        {"nonce": "another"},
        {"nonce": None},
        {"exp": int(time.time()) - 3_600},
        {"iat": int(time.time()) - 86_400},
        {"iat": int(time.time()) + 86_400},
    ],
    ids=[
        "another issuer", "another client", "several and not said for whom", "for another",
        "for us and asked by another", "another nonce", "no nonce",
        "over", "too old", "of tomorrow",
    ],
)  # fmt: skip
def test_a_token_that_does_not_hold_signs_nobody_in(door: Door, provider: Provider, claims: dict[str, Any]) -> None:
    provider.claims = claims
    with httpx.Client() as client:
        answer = over(client, door)
        assert answer.status_code == 401
        assert "ырастаган жок" in answer.text
        assert client.get(f"{door.url}/api/v1/session").status_code == 401


def test_a_token_signed_by_another_key_signs_nobody_in(door: Door, provider: Provider) -> None:
    provider.signs_with = RSAKey.generate_key(2048, {"kid": "first"})
    with httpx.Client() as client:
        assert over(client, door).status_code == 401


def test_a_token_signed_with_what_the_client_knows_signs_nobody_in(door: Door, provider: Provider) -> None:
    provider.header = {"alg": "HS256", "kid": "first"}
    provider.signs_with = OctKey.import_key(SECRET)
    with httpx.Client() as client:
        assert over(client, door).status_code == 401


def test_a_token_without_a_signature_signs_nobody_in(door: Door, provider: Provider) -> None:
    provider.header = {"alg": "none"}
    with httpx.Client() as client:
        assert over(client, door).status_code == 401


def test_keys_that_the_provider_changed_are_read_again(door: Door, provider: Provider) -> None:
    with httpx.Client() as client:
        assert over(client, door).status_code == 303
        provider.key = RSAKey.generate_key(2048, {"kid": "second", "use": "sig"})
        provider.header = {"alg": "RS256", "kid": "second"}
        assert over(client, door).status_code == 303


def test_whoever_is_not_entered_here_is_not_let_in_by_the_provider(door: Door, provider: Provider) -> None:
    provider.claims = {"sub": "somebody-else"}
    with httpx.Client() as client:
        answer = over(client, door)
    assert answer.status_code == 401
    assert "бул тармак тааныбайт" in answer.text


def test_a_sign_in_begun_in_another_browser_is_not_finished_here(door: Door) -> None:
    with httpx.Client() as victim, httpx.Client() as attacker:
        there = attacker.get(f"{door.url}/sign-in/other").headers["location"]
        back = attacker.get(there).headers["location"]
        assert victim.get(f"{door.url}/sign-in/other/return?{urlsplit(back).query}").status_code == 401
        assert victim.get(f"{door.url}/api/v1/session").status_code == 401


def test_an_answer_of_the_provider_is_good_once(door: Door) -> None:
    with httpx.Client() as client:
        there = client.get(f"{door.url}/sign-in/other")
        state = client.cookies["ovop_sign_in"]
        query = urlsplit(client.get(there.headers["location"]).headers["location"]).query
        back = f"{door.url}/sign-in/other/return?{query}"
        assert client.get(back).status_code == 303
        assert client.get(back, headers={"Cookie": f"ovop_sign_in={state}"}).status_code == 401


def test_without_a_provider_there_is_no_way_over(log_database: LogDatabase, tmp_path: Path) -> None:
    with opened(log_database, tmp_path) as door:
        answer = httpx.get(f"{door.url}/sign-in/other")
        assert (answer.status_code, answer.json()["code"]) == (404, "no_other_provider")


def test_a_provider_that_does_not_answer_is_said_so(log_database: LogDatabase, tmp_path: Path) -> None:
    with opened(log_database, tmp_path, oidc_issuer="http://127.0.0.1:1") as door:
        answer = httpx.get(f"{door.url}/sign-in/other")
        assert (answer.status_code, answer.json()["code"]) == (503, "provider_unavailable")
