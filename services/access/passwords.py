"""Passwords: argon2id, attempts counted by account and by address, the same work for a name that nobody has."""

import asyncio
import secrets
import time
from typing import Final

from pwdlib import PasswordHash
from pwdlib.hashers.argon2 import Argon2Hasher

from services.access.people_store import PeopleStore
from services.access.rates import KEPT_SECONDS
from services.access.store import Person
from services.errors import Malformed, NotAuthenticated, TooManyRequests

WINDOW_SECONDS: Final = 900
LENGTH_MIN: Final = 10
LENGTH_MAX: Final = 200
DIFFERENT_LETTERS_MIN: Final = 5
#: Each takes some 64 MB and a core for a while.
AT_A_TIME: Final = 2
#: What people choose first, where it is long enough at all.
COMMON: Final = frozenset({
    "password12", "password123", "password1234", "password12345", "passwordpassword", "qwertyuiop", "qwerty1234",
    "qwerty12345", "qwerty123456", "1234567890", "12345678910", "123456789a", "1q2w3e4r5t", "1qaz2wsx3edc",
    "asdfghjkl1", "iloveyou12", "letmein1234", "administrator", "changeme123", "welcome1234", "abcdefghij",
    "abcd123456", "йцукенгшщз", "пароль12345", "кыргызстан", "bishkek312", "issykkul1234",
})  # fmt: skip


class WrongNameOrPassword(NotAuthenticated):
    """Nobody signs in by this name and this password."""

    advice = "Check both; the center gives a code for a new password."


class WeakPassword(Malformed):
    """This password is too easy to guess."""

    def __init__(self) -> None:
        super().__init__(advice=f"Take {LENGTH_MIN} to {LENGTH_MAX} characters, not a common word, not your own name.")
        self.field = "password"


class WrongCode(NotAuthenticated):
    """This code was used, is over, or was never given."""

    advice = "Ask for a new code; it is good once, for a short while."


class Passwords:
    """Checks and sets the passwords of one network."""

    def __init__(self, store: PeopleStore, per_account: int, per_address: int) -> None:
        """`per_account` and `per_address`: failed attempts that may be made within a quarter of an hour."""
        self._store = store
        self._per_account = per_account
        self._per_address = per_address
        self._hashes = PasswordHash((Argon2Hasher(),))
        self._nobodys = self._hashes.hash(secrets.token_urlsafe(16))
        self._turns = asyncio.Semaphore(AT_A_TIME)

    async def check(self, sign_in: str, password: str, address: str) -> Person:
        """Who signs in. Raises WrongNameOrPassword, TooManyRequests."""
        spent = await self._attempt(
            {f"sign-in {sign_in}": self._per_account, f"sign-in at {address}": self._per_address}
        )
        person = await asyncio.to_thread(self._store.person, sign_in)
        stored = person.password_hash if person is not None else None
        async with self._turns:
            right, renewed = await asyncio.to_thread(
                self._hashes.verify_and_update, password[:LENGTH_MAX], stored or self._nobodys
            )
        if person is None or stored is None or not right or len(password) > LENGTH_MAX:
            raise WrongNameOrPassword
        await asyncio.to_thread(self._store.count, dict.fromkeys(spent, -1), int(time.time()) - KEPT_SECONDS)
        if renewed is not None:
            await asyncio.to_thread(self._store.set_password, person.actor, renewed)
        return person

    async def attempt_code(self, address: str) -> None:
        """Somebody typed a code. Raises TooManyRequests."""
        await self._attempt({f"code at {address}": self._per_address})

    async def choose(self, person: Person, password: str) -> None:
        """A new password; every session of before ends. Raises WeakPassword."""
        self.must_be_strong(person, password)
        async with self._turns:
            hashed = await asyncio.to_thread(self._hashes.hash, password)
        await asyncio.to_thread(self._store.set_password, person.actor, hashed)

    def must_be_strong(self, person: Person, password: str) -> None:
        """Raises WeakPassword."""
        folded = password.casefold()
        if (
            not LENGTH_MIN <= len(password) <= LENGTH_MAX
            or len(set(folded)) < DIFFERENT_LETTERS_MIN
            or folded in COMMON
            or person.sign_in.casefold() in folded
        ):
            raise WeakPassword

    async def _attempt(self, limits: dict[str, int]) -> list[tuple[str, int]]:
        """Count first and look afterwards, so that many at once are no way around."""
        now = time.time()
        start = int(now // WINDOW_SECONDS) * WINDOW_SECONDS
        windows = [(bucket, start) for bucket in limits]
        counted = await asyncio.to_thread(self._store.count, dict.fromkeys(windows, 1), int(now) - KEPT_SECONDS)
        if any(counted[bucket, start] > most for bucket, most in limits.items()):
            raise TooManyRequests(int(start + WINDOW_SECONDS - now) + 1)
        return windows
