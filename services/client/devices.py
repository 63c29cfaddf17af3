"""Devices with a key of their own: they enrol once, sign what they send, and chain their reports."""

import base64
import hashlib
import json
from collections.abc import Generator, Sequence
from dataclasses import dataclass
from datetime import UTC, datetime, timedelta
from typing import Any, Final, Literal, Self
from uuid import UUID

import httpx
from cryptography.hazmat.primitives.asymmetric import ec, ed25519
from cryptography.hazmat.primitives.asymmetric.utils import decode_dss_signature
from cryptography.hazmat.primitives.hashes import SHA256
from cryptography.hazmat.primitives.serialization import (
    Encoding,
    NoEncryption,
    PrivateFormat,
    PublicFormat,
    load_pem_private_key,
)

from events.catalogue.outlets import TillFact
from services.client.line import Refused, as_body, problem_of
from services.client.sending import Report, Sent, canonical

type PrivateKey = ed25519.Ed25519PrivateKey | ec.EllipticCurvePrivateKey

CHAIN_HEAD_HEADER: Final = "OVOP-Chain-Head"
#: A session is renewed so long before its end.
_RENEWED_BEFORE: Final = timedelta(minutes=1)


class DeviceKey(httpx.Auth):
    """A device's own key: uploads are signed with it, and for reading it opens sessions. The key never leaves here."""

    requires_request_body = True
    requires_response_body = True

    def __init__(self, actor: str, key_id: str, private: PrivateKey) -> None:
        """`actor` is whom the device speaks for, `till/karakol-1`; both names come from `enrol`."""
        self.actor, self.key_id = actor, key_id
        self._private = private
        self._session: tuple[str, datetime] | None = None

    @classmethod
    def from_pem(cls, actor: str, key_id: str, pem: bytes, password: bytes | None = None) -> Self:
        """A key as `pem` gave it. Raises ValueError."""
        private = load_pem_private_key(pem, password)
        if not isinstance(private, ed25519.Ed25519PrivateKey | ec.EllipticCurvePrivateKey):
            raise ValueError("a device's key is Ed25519 or P-256")
        return cls(actor, key_id, private)

    def pem(self) -> bytes:
        """The private key, to be kept where nobody else can read it."""
        return self._private.private_bytes(Encoding.PEM, PrivateFormat.PKCS8, NoEncryption())

    def auth_flow(self, request: httpx.Request) -> Generator[httpx.Request, httpx.Response, None]:
        if request.method == "POST":
            head = request.headers.setdefault(CHAIN_HEAD_HEADER, "")
            digest = hashlib.sha256(request.content).hexdigest()
            signature = sign(self._private, f"ovop-upload-v1\n{self.actor}\n{head}\n{digest}")
            request.headers["Authorization"] = f"OVOP-Signature key={self.key_id}, signature={signature}"
            yield request
        else:
            yield from self._asked(request)

    def _asked(self, request: httpx.Request) -> Generator[httpx.Request, httpx.Response, None]:
        """Ask in the session at hand, and in a new one if there is none or it has ended meanwhile."""
        if self._session is not None and self._session[1] >= datetime.now(UTC) + _RENEWED_BEFORE:
            if (yield _by(request, self._session[0])).status_code != httpx.codes.UNAUTHORIZED:
                return
            self._session = None
        token = yield from self._opened(request.url)
        if token is not None and (yield _by(request, token)).status_code == httpx.codes.UNAUTHORIZED:
            self._session = None

    def _opened(self, url: httpx.URL) -> Generator[httpx.Request, httpx.Response, str | None]:
        """The token of a new session: a challenge that is signed.

        None if there is none: then the last answer says why, and is for whoever asked to judge like any other.
        """
        asked = yield _post(url, "devices/challenge", {"key_id": self.key_id})
        if not asked.is_success:
            return None
        challenge = asked.json()["challenge"]
        signature = sign(self._private, f"ovop-session-v1\n{challenge}")
        signed = {"key_id": self.key_id, "challenge": challenge, "signature": signature}
        opened = yield _post(url, "devices/session", signed)
        if not opened.is_success:
            return None
        session = opened.json()
        token: str = session["token"]
        self._session = token, datetime.fromisoformat(session["expires_at"])
        return token


async def enrol(
    address: str,
    code: str,
    algorithm: Literal["ed25519", "p256"] = "ed25519",
    *,
    transport: httpx.AsyncBaseTransport | None = None,
) -> DeviceKey:
    """Make a key and enrol it by the code that `network/enroll-till` answered, which is good once.

    Keep the answer's `actor`, `key_id` and `pem()`. Raises Refused, httpx.TransportError.
    """
    private: PrivateKey = (
        ed25519.Ed25519PrivateKey.generate() if algorithm == "ed25519" else ec.generate_private_key(ec.SECP256R1())
    )
    public = _public(private)
    asked = {
        "code": code,
        "algorithm": algorithm,
        "public_key": public,
        "signature": sign(private, f"ovop-enrol-v1\n{code}\n{public}"),
    }
    async with httpx.AsyncClient(base_url=address, transport=transport) as http:
        said = _said(await http.post("/api/v1/devices", content=as_body(asked)))
    return DeviceKey(said["actor"], said["key_id"], private)


@dataclass
class Chain:
    """A till's reports in their order: each has the next number, and the hash of the one before.

    Keep `counter` and `head` together with the reports that are not answered yet.
    """

    counter: int = 0
    head: str = ""

    def add(self, fact: TillFact, occurred_at: datetime | None = None, *, id: UUID | None = None) -> Report:  # noqa: A002
        """The report of a fact as the next link; its own `till_counter` and `prev_hash` do not count."""
        linked = fact.model_copy(update={"till_counter": self.counter + 1, "prev_hash": self.head or None})
        report = Report.of(linked, occurred_at, id=id)
        self.counter, self.head = self.counter + 1, hashlib.sha256(report.body).hexdigest()
        return report


def head_of(items: Sequence[Sent]) -> str:
    """The head of a till's chain after this upload: the hash of its newest report; empty when none is counted."""
    newest, head = 0, ""
    for item in items:
        said = json.loads(item.body)
        counter = said.get("data", {}).get("till_counter") if isinstance(said, dict) else None
        if isinstance(counter, int) and counter > newest:
            newest, head = counter, hashlib.sha256(canonical(said)).hexdigest()
    return head


def sign(private: PrivateKey, text: str) -> str:
    """64 bytes in base64url, for both kinds of keys."""
    if isinstance(private, ed25519.Ed25519PrivateKey):
        return _base64url(private.sign(text.encode()))
    r, s = decode_dss_signature(private.sign(text.encode(), ec.ECDSA(SHA256())))
    return _base64url(r.to_bytes(32) + s.to_bytes(32))


def _public(private: PrivateKey) -> str:
    if isinstance(private, ed25519.Ed25519PrivateKey):
        return _base64url(private.public_key().public_bytes(Encoding.Raw, PublicFormat.Raw))
    return _base64url(private.public_key().public_bytes(Encoding.X962, PublicFormat.UncompressedPoint))


def _base64url(raw: bytes) -> str:
    return base64.urlsafe_b64encode(raw).rstrip(b"=").decode()


def _by(request: httpx.Request, token: str) -> httpx.Request:
    request.headers["Authorization"] = f"Bearer {token}"
    return request


def _post(url: httpx.URL, path: str, said: dict[str, str]) -> httpx.Request:
    """A request to another address of the installation to which `url` leads, wherever that lies."""
    before = url.raw_path.partition(b"?")[0].rpartition(b"/api/v1/")[0]
    return httpx.Request("POST", url.copy_with(raw_path=before + f"/api/v1/{path}".encode()), content=as_body(said))


def _said(response: httpx.Response) -> dict[str, Any]:
    """Raises Refused."""
    if not response.is_success:
        raise Refused(problem_of(response))
    said: dict[str, Any] = response.json()
    return said
