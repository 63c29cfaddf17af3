"""Signing keys follow one another: each is signed for by the one before it, and none comes back."""

from pathlib import Path

import pytest
from cryptography.hazmat.primitives.asymmetric.ed25519 import Ed25519PrivateKey

from events.catalogue.exchange import SigningKeyRotated
from services.signed import export_text, is_signed, succession_text
from services.signer import KeyFileThere, SigningKeys
from services.signing.decider import (
    SIGNING,
    KeyNotCosigned,
    RotateSigningKey,
    SigningKeyUsedBefore,
    WrongCosignature,
)
from tests.given import given

FIRST, SECOND, STRANGER = (Ed25519PrivateKey.from_private_bytes(bytes([n]) * 32) for n in (1, 2, 3))


def public(key: Ed25519PrivateKey) -> str:
    return key.public_key().public_bytes_raw().hex()


def rotated(
    name: str, key: Ed25519PrivateKey, by: Ed25519PrivateKey | None = None, by_name: str | None = None
) -> SigningKeyRotated:
    signature = None if by is None else by.sign(succession_text(name, public(key))).hex()
    return SigningKeyRotated(key_id=name, public_key=public(key), cosigned_by=by_name, cosignature=signature)


BEGUN = rotated("key-1", FIRST)


def test_the_first_key_stands_for_itself() -> None:
    given(SIGNING).when(RotateSigningKey(event=BEGUN)).then(BEGUN)


def test_the_first_key_names_nobody_who_signed_for_it() -> None:
    for by_name in ("key-0", None):
        asked = RotateSigningKey(event=rotated("key-1", FIRST, STRANGER, by_name))
        given(SIGNING).when(asked).then_refused(WrongCosignature)


def test_the_key_in_use_signs_for_the_next_one() -> None:
    follows = rotated("key-2", SECOND, FIRST, "key-1")
    given(SIGNING, BEGUN).when(RotateSigningKey(event=follows)).then(follows)


def test_nobody_else_signs_for_it() -> None:
    alone = RotateSigningKey(event=rotated("key-2", SECOND))
    named = RotateSigningKey(event=rotated("key-2", SECOND, FIRST, "key-0"))
    forged = RotateSigningKey(event=rotated("key-2", SECOND, STRANGER, "key-1"))

    given(SIGNING, BEGUN).when(alone).then_refused(KeyNotCosigned)
    given(SIGNING, BEGUN).when(named).then_refused(KeyNotCosigned)
    given(SIGNING, BEGUN).when(forged).then_refused(WrongCosignature)


def test_a_signature_for_another_name_is_none_for_this_one() -> None:
    lent = rotated("key-2", SECOND, FIRST, "key-1").model_copy(update={"key_id": "key-3"})
    given(SIGNING, BEGUN).when(RotateSigningKey(event=lent)).then_refused(WrongCosignature)


def test_no_key_comes_back() -> None:
    second = rotated("key-2", SECOND, FIRST, "key-1")
    for again in (rotated("key-1", STRANGER, SECOND, "key-2"), rotated("key-3", FIRST, SECOND, "key-2")):
        given(SIGNING, BEGUN, second).when(RotateSigningKey(event=again)).then_refused(SigningKeyUsedBefore)


def test_a_key_lies_in_a_file_of_its_own_that_only_its_owner_reads(tmp_path: Path) -> None:
    keys = SigningKeys(tmp_path / "signing")
    public_key = keys.make("key-1")

    assert keys.path("key-1").stat().st_mode & 0o777 == 0o600
    assert public_key not in keys.path("key-1").read_text()
    with pytest.raises(KeyFileThere):
        keys.make("key-1")


def test_what_is_signed_is_verified_and_nothing_else(tmp_path: Path) -> None:
    keys = SigningKeys(tmp_path)
    public_key = keys.make("key-1")
    text = export_text("kg", "export-1", 0, 10, "5" * 64)
    signature = keys.sign("key-1", text) or ""

    assert is_signed(public_key, signature, text)
    assert not is_signed(public_key, signature, export_text("kg", "export-1", 0, 11, "5" * 64))
    assert not is_signed(public(STRANGER), signature, text)
    assert not is_signed(public_key, "no signature", text)
    assert keys.sign("key-2", text) is None
