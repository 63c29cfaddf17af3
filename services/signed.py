"""What the network signs, and whether it was signed: short texts that anybody can put together again.

No files and no keys that sign: those are in `services.signer`.
"""

from cryptography.exceptions import InvalidSignature
from cryptography.hazmat.primitives.asymmetric.ed25519 import Ed25519PublicKey


def succession_text(key_id: str, public_key: str) -> bytes:
    """What the key in use signs about the one that follows it."""
    return f"ovop-signing-key-v1\n{key_id}\n{public_key}\n".encode()


def export_text(network: str, export: str, after: int, through: int, content_sha256: str) -> bytes:
    """What is signed about an export for an auditor."""
    return f"ovop-export-statement-v1\n{network}\n{export}\n{after}\n{through}\n{content_sha256}\n".encode()


def is_signed(public_key: str, signature: str, text: bytes) -> bool:
    """Whether a signature over a text was made with the private half of this key; both in hexadecimal."""
    try:
        Ed25519PublicKey.from_public_bytes(bytes.fromhex(public_key)).verify(bytes.fromhex(signature), text)
    except (InvalidSignature, ValueError):
        return False
    return True
