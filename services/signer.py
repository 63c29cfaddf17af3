"""The network's own signing keys: Ed25519, each in a file of its own outside the database and outside the repository.

Which keys there were, and which is in use, the log says (`SigningKeyRotated`); who holds the file can sign. What is
signed, `services.signed` says.
"""

import os
from pathlib import Path
from typing import Final

from cryptography.hazmat.primitives import serialization
from cryptography.hazmat.primitives.asymmetric.ed25519 import Ed25519PrivateKey

_MODE: Final = 0o600


class KeyFileThere(Exception):
    """There is a signing key of this name already, and none is ever written over."""


class SigningKeys:
    """The private keys that lie on this machine."""

    def __init__(self, directory: Path) -> None:
        self._directory = directory

    def path(self, key_id: str) -> Path:
        """Where the key of this name lies, or would lie."""
        return self._directory / f"{key_id}.pem"

    def make(self, key_id: str) -> str:
        """Make a key, readable by its owner alone; its public half in hexadecimal. Raises KeyFileThere, OSError."""
        key = Ed25519PrivateKey.generate()
        text = key.private_bytes(
            serialization.Encoding.PEM, serialization.PrivateFormat.PKCS8, serialization.NoEncryption()
        )
        self._directory.mkdir(mode=0o700, parents=True, exist_ok=True)
        try:
            file = os.open(self.path(key_id), os.O_WRONLY | os.O_CREAT | os.O_EXCL, _MODE)
        except FileExistsError:
            raise KeyFileThere(f"{KeyFileThere.__doc__} ({key_id})") from None
        with os.fdopen(file, "wb") as written:
            written.write(text)
            written.flush()
            os.fsync(written.fileno())
        return key.public_key().public_bytes_raw().hex()

    def drop(self, key_id: str) -> None:
        """Throw a key away that never came into use."""
        self.path(key_id).unlink(missing_ok=True)

    def sign(self, key_id: str, text: bytes) -> str | None:
        """The signature in hexadecimal; None when the key does not lie here. Raises OSError."""
        try:
            kept = self.path(key_id).read_bytes()
        except FileNotFoundError:
            return None
        key = serialization.load_pem_private_key(kept, password=None)
        if not isinstance(key, Ed25519PrivateKey):
            return None
        return key.sign(text).hex()
