"""The rules of signing keys: each signs for the next one, so that whoever trusts one can follow to the last."""

from dataclasses import dataclass, field

from events.catalogue.base import Event
from events.catalogue.exchange import SigningKeyRotated
from services.decider import Decider, Proposal
from services.errors import Refused
from services.signed import is_signed, succession_text


class KeyNotCosigned(Refused):
    """The key in use must sign for the one that follows it; only the first key stands for itself."""

    advice = "Rotate where the key in use lies: ovop keys rotate-signing."


class WrongCosignature(Refused):
    """The key in use did not sign for this key."""

    advice = "Rotate where the key in use lies: ovop keys rotate-signing."


class SigningKeyUsedBefore(Refused):
    """A signing key of this name, or this very key, was in use before; keys do not come back."""

    advice = "Make a new key under a new name."


class RotateSigningKey(Proposal[SigningKeyRotated]):
    """Sign with another key from now on. The key in use signs for it."""


@dataclass(frozen=True, slots=True)
class Keys:
    """The key in use, and all that were."""

    key_id: str | None = None
    public_key: str = ""
    used: frozenset[str] = field(default_factory=frozenset)  #: names and public keys


def decide(command: RotateSigningKey, keys: Keys) -> list[SigningKeyRotated]:
    event = command.event
    if event.key_id in keys.used or event.public_key in keys.used:
        raise SigningKeyUsedBefore(field="key_id")
    if keys.key_id is None:
        if event.cosigned_by is not None or event.cosignature is not None:
            raise WrongCosignature(field="cosigned_by")
        return [event]
    if event.cosigned_by != keys.key_id or event.cosignature is None:
        raise KeyNotCosigned(field="cosigned_by")
    text = succession_text(event.key_id, event.public_key)
    if not is_signed(keys.public_key, event.cosignature, text):
        raise WrongCosignature(field="cosignature")
    return [event]


def evolve(keys: Keys, event: Event) -> Keys:
    if not isinstance(event, SigningKeyRotated):
        return keys
    return Keys(event.key_id, event.public_key, keys.used | {event.key_id, event.public_key})


SIGNING: Decider[RotateSigningKey, Keys, Event] = Decider(Keys(), decide, evolve)
