"""What tests share about who is at the door: tablets that sign, people who sign in, keys of other systems."""

import base64
import hashlib
from dataclasses import dataclass
from typing import Any
from uuid import uuid4

import httpx
from cryptography.hazmat.primitives.asymmetric import ec, ed25519
from cryptography.hazmat.primitives.asymmetric.utils import decode_dss_signature
from cryptography.hazmat.primitives.hashes import SHA256
from cryptography.hazmat.primitives.serialization import Encoding, PublicFormat

from events.canonical import canonical
from services.access.signatures import enrol_text, upload_text
from tests import make
from tests.door import Door, report

BELIEVED_SECONDS = 0.4


PASSWORD = "сары өрүктүн кыямы"


def refused(response: httpx.Response) -> tuple[int, str]:
    return response.status_code, response.json()["code"]


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


def enrol(door: Door, tablet: Tablet, code: str, **changes: Any) -> httpx.Response:
    asked = {"code": code, "algorithm": tablet.algorithm, "public_key": tablet.public}
    asked["signature"] = tablet.sign(enrol_text(code, tablet.public))
    response = httpx.post(f"{door.url}/api/v1/devices", json=asked | changes)
    if response.status_code == 200:
        tablet.key_id = response.json()["key_id"]
    return response


def chain(*counters: int, before: str | None = None) -> tuple[list[dict[str, Any]], str]:
    """Sales that follow on each other, and the head of their chain."""
    items = []
    for counter in counters:
        sale = make.sale_made(sale=f"s-{uuid4()}", till="karakol-1", till_counter=counter, prev_hash=before)
        items.append(report(sale))
        before = hashlib.sha256(canonical(items[-1])).hexdigest()
    return items, before or ""


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
