"""What a device signs, and the chain of its reports.

A device signs each upload: whom it speaks for, the head of its chain after this upload, and the hash of the body. The
chain links a till's reports: `prev_hash` is the SHA-256 of the RFC 8785 bytes of its report before, as an item of
POST /api/v1/events. A wrong signature is refused before anything is stored; a broken chain is a judgement about facts.
"""

import base64
import binascii
import hashlib
from collections.abc import Sequence
from dataclasses import dataclass
from typing import Any, Final

from cryptography.exceptions import InvalidSignature
from cryptography.hazmat.primitives.asymmetric.ec import ECDSA, SECP256R1, EllipticCurvePublicKey
from cryptography.hazmat.primitives.asymmetric.ed25519 import Ed25519PublicKey
from cryptography.hazmat.primitives.asymmetric.utils import encode_dss_signature
from cryptography.hazmat.primitives.hashes import SHA256

from services.access.store import Algorithm
from services.errors import Malformed, NotAuthenticated

_SIGNATURE_BYTES: Final = 64
CHAIN_BROKEN: Final = "chain_broken"


class WrongSignature(NotAuthenticated):
    """The signature is not that of the device's key over this body."""

    advice = "Sign the very bytes that are sent; enrol the device again if its key was lost."


class WrongKey(Malformed):
    """This is not a public key of the kind that is named."""

    def __init__(self) -> None:
        super().__init__(advice="Send the raw key in base64url: 32 bytes for ed25519, 65 bytes for p256.")
        self.field = "public_key"


def upload_text(actor: str, head: str, body: bytes) -> bytes:
    """What a device signs of an upload; `head` is hexadecimal, empty when nothing in it is chained."""
    return f"ovop-upload-v1\n{actor}\n{head}\n{hashlib.sha256(body).hexdigest()}".encode()


def enrol_text(code: str, public_key: str) -> bytes:
    """What a device signs to show that it holds its key; both as it sends them."""
    return f"ovop-enrol-v1\n{code}\n{public_key}".encode(errors="surrogatepass")


def challenge_text(challenge: str) -> bytes:
    """What a device signs for a session of its own."""
    return f"ovop-session-v1\n{challenge}".encode(errors="surrogatepass")


def from_base64url(text: str) -> bytes | None:
    """The bytes, with or without padding; None if it is not base64url."""
    try:
        return base64.b64decode(text + "=" * (-len(text) % 4), altchars=b"-_", validate=True)
    except (ValueError, binascii.Error):
        return None


def read_public_key(algorithm: Algorithm, raw: bytes | None) -> Ed25519PublicKey | EllipticCurvePublicKey:
    """A raw public key as browsers export it. Raises WrongKey."""
    try:
        if algorithm == "ed25519":
            return Ed25519PublicKey.from_public_bytes(raw or b"")
        return EllipticCurvePublicKey.from_encoded_point(SECP256R1(), raw or b"")
    except ValueError:
        raise WrongKey from None


def verify(algorithm: Algorithm, public_key: bytes, signature: str, text: bytes) -> None:
    """Raises WrongSignature. A signature has 64 bytes in base64url, for both kinds of keys."""
    given = from_base64url(signature)
    if given is None or len(given) != _SIGNATURE_BYTES:
        raise WrongSignature
    key = read_public_key(algorithm, public_key)
    try:
        if isinstance(key, Ed25519PublicKey):
            key.verify(given, text)
        else:
            r, s = int.from_bytes(given[:32]), int.from_bytes(given[32:])
            key.verify(encode_dss_signature(r, s), text, ECDSA(SHA256()))
    except InvalidSignature:
        raise WrongSignature from None


@dataclass(frozen=True, slots=True)
class Link:
    """One report of a chain."""

    index: int  #: of the item in its request
    till: str
    counter: int
    prev_hash: str | None
    hash: bytes


def link_of(index: int, item: Any, content_hash: bytes) -> Link | None:
    """An item's place in its till's chain; None for what is not counted."""
    data = item.get("data") if isinstance(item, dict) else None
    counter = data.get("till_counter") if isinstance(data, dict) else None
    if not isinstance(data, dict) or type(counter) is not int:
        return None
    prev_hash = data.get("prev_hash")
    return Link(index, str(data.get("till")), counter, prev_hash if isinstance(prev_hash, str) else None, content_hash)


def broken(links: Sequence[Link], before: tuple[int, bytes] | None, head: str | None) -> set[int]:
    """The items that do not follow on the report before them, where that is known; a gap is no judgement.

    `before` is the newest report known of this device, `head` what it signed (None: it does not sign).
    """
    found: set[int] = set()
    ordered = sorted(links, key=lambda link: link.counter)
    for link in ordered:
        signs = head is not None
        if link.prev_hash is None:
            if signs and link.counter > 1:
                found.add(link.index)
        elif before is not None and before[0] == link.counter - 1 and before[1].hex() != link.prev_hash:
            found.add(link.index)
        if before is None or before[0] < link.counter:
            before = (link.counter, link.hash)
    if ordered and head is not None and head != ordered[-1].hash.hex():
        found.add(ordered[-1].index)
    return found
