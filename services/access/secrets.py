"""Keys, codes and tokens: drawn here, shown once, kept as hashes."""

import hashlib
import secrets
from dataclasses import dataclass
from typing import Final

#: What a bearer sends begins with its kind, so that it is recognised when it is found where it should not be.
KEY: Final = "ovop"
SESSION: Final = "ovops"
#: A code is typed by a person: 12 letters of Crockford's base32, 60 bits.
_CODE_LETTERS: Final = "0123456789ABCDEFGHJKMNPQRSTVWXYZ"
_CODE_LENGTH: Final = 12
_READ_AS: Final = str.maketrans("OIL", "011", " -")


@dataclass(frozen=True, slots=True)
class NewKey:
    """A key just made: `text` is shown to its bearer once and kept nowhere."""

    key_id: str
    text: str


def new_key(kind: str = KEY) -> NewKey:
    key_id = secrets.token_hex(6)
    return NewKey(key_id, f"{kind}_{key_id}_{secrets.token_urlsafe(32)}")


def key_id_of(text: str, kind: str = KEY) -> str | None:
    """The public part of `<kind>_<key id>_<secret>`; None for anything else."""
    parts = text.split("_", 2)
    return parts[1] if len(parts) == 3 and parts[0] == kind else None


def new_code() -> str:
    """Three groups of four letters."""
    letters = "".join(secrets.choice(_CODE_LETTERS) for _ in range(_CODE_LENGTH))
    return "-".join(letters[n : n + 4] for n in range(0, _CODE_LENGTH, 4))


def code_hash(typed: str) -> bytes:
    """The hash of a code, however its letters were typed."""
    return sha256(typed.upper().translate(_READ_AS))


def sha256(text: str) -> bytes:
    return hashlib.sha256(text.encode(errors="surrogatepass")).digest()
