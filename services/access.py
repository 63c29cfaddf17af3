"""Who is asking: one key per device and one for the administrator, kept as hashes outside the log."""

import hashlib
import hmac
import os
import secrets
import time
from dataclasses import dataclass
from pathlib import Path
from typing import Final, Literal

import psycopg
from psycopg.rows import TupleRow
from psycopg_pool import ConnectionPool

from events.catalogue.base import Event
from events.catalogue.committee import ProblemReported
from events.catalogue.logistics import StockReceived
from events.catalogue.outlets import OpeningStockCounted, StockCounted, StockWrittenOff, TillFact
from services.errors import NotAllowed, NotAuthenticated

#: How long a key's standing is believed without asking again; so long may a revoked key still work.
BELIEVED_SECONDS: Final = 60.0
#: How many keys' standings are kept in memory.
BELIEVED_KEYS_MAX: Final = 10_000

Kind = Literal["till", "admin", "integrator"]


class NotYourTill(NotAllowed):
    """A till reports only for itself and for its own outlet."""

    advice = "Report with the key of the till that saw it."


class AdministratorOnly(NotAllowed):
    """Only the administrator's key may do that."""


@dataclass(frozen=True, slots=True)
class Sender:
    """Who stands behind a request."""

    actor: str  #: what events are recorded as reported by: `till/<till>` for a device
    kind: Kind = "till"
    outlet: str | None = None

    @property
    def till(self) -> str | None:
        return self.actor.removeprefix("till/") if self.kind == "till" else None

    @property
    def names_actors(self) -> bool:
        """Whether it may report in another's name."""
        return self.kind != "till"

    def must_be_administrator(self) -> None:
        """Raises AdministratorOnly."""
        if self.kind != "admin":
            raise AdministratorOnly


def till_may_report(event: Event, sender: Sender) -> None:
    """A device speaks for its own till and its own outlet, and for nobody else. Raises NotYourTill."""
    if sender.kind != "till":
        return
    match event:
        case TillFact():
            own = event.till == sender.till and event.outlet == sender.outlet
        case OpeningStockCounted() | ProblemReported():
            own = event.outlet == sender.outlet
        case StockCounted() | StockWrittenOff() | StockReceived():
            own = event.place == f"outlet/{sender.outlet}"
        case _:
            own = False
    if not own:
        raise NotYourTill


@dataclass(frozen=True, slots=True)
class NewKey:
    """A key just made: `text` is shown to its bearer once and kept nowhere."""

    key_id: str
    text: str


def new_key() -> NewKey:
    key_id = secrets.token_hex(6)
    return NewKey(key_id, f"ovop_{key_id}_{secrets.token_urlsafe(32)}")


@dataclass(frozen=True, slots=True)
class _Standing:
    sha256: bytes
    sender: Sender
    believed_until: float


class Keys:
    """The keys of one network. Its methods block; the lookup in memory does not."""

    def __init__(self, pool: ConnectionPool[psycopg.Connection[TupleRow]]) -> None:
        self._pool = pool
        self._believed: dict[str, _Standing] = {}

    def close(self) -> None:
        self._pool.close()

    def believed(self, text: str) -> Sender | None:
        """The bearer of a key that was looked up within the last minute."""
        known = self._believed.get(_key_id(text))
        if known is None or known.believed_until < time.monotonic():
            return None
        return known.sender if hmac.compare_digest(known.sha256, _sha256(text)) else None

    def bearer(self, text: str) -> Sender:
        """The bearer of a key, as the database has it now. Raises NotAuthenticated."""
        key_id = _key_id(text)
        with self._pool.connection() as connection:
            row = connection.execute(
                "SELECT sha256, actor, kind, outlet FROM access.keys WHERE prefix = %s"
                " AND revoked_at IS NULL AND (expires_at IS NULL OR expires_at > now())",
                [key_id],
            ).fetchone()
        if row is None or not hmac.compare_digest(bytes(row[0]), _sha256(text)):
            self._believed.pop(key_id, None)
            raise NotAuthenticated
        sender = Sender(actor=row[1], kind=row[2], outlet=row[3])
        if len(self._believed) >= BELIEVED_KEYS_MAX:
            self._believed.clear()
        self._believed[key_id] = _Standing(bytes(row[0]), sender, time.monotonic() + BELIEVED_SECONDS)
        return sender

    def of_actor(self, actor: str) -> Sender | None:
        """An actor who holds a valid key, for those whom the broker has let in already; None for anybody else."""
        with self._pool.connection() as connection:
            row = connection.execute(
                "SELECT kind, outlet FROM access.keys WHERE actor = %s AND revoked_at IS NULL"
                " AND (expires_at IS NULL OR expires_at > now()) LIMIT 1",
                [actor],
            ).fetchone()
        return None if row is None else Sender(actor=actor, kind=row[0], outlet=row[1])

    def store(self, keys: list[tuple[NewKey, Sender]]) -> None:
        """Make new keys valid."""
        with self._pool.connection() as connection:
            for key, sender in keys:
                _insert(connection, key, sender)

    def revoke(self, actors: list[str]) -> None:
        """End every key of these actors; at once here, within a minute in other processes."""
        with self._pool.connection() as connection:
            connection.execute(
                "UPDATE access.keys SET revoked_at = now() WHERE actor = ANY(%s) AND revoked_at IS NULL", [actors]
            )
        self._believed.clear()

    def drop(self, key_ids: list[str]) -> None:
        """End keys by their ids, because what they were made for was refused."""
        with self._pool.connection() as connection:
            connection.execute("UPDATE access.keys SET revoked_at = now() WHERE prefix = ANY(%s)", [key_ids])


def ensure_admin_key(writer_conninfo: str, path: Path) -> str:
    """The administrator's key, from its file (mode 0600) or newly made and written there.

    `writer_conninfo` is the database address of the role that may keep keys. A file whose key the database does not
    know (another database was put behind it) is replaced.
    """
    with psycopg.connect(writer_conninfo) as connection:
        if path.is_file():
            text = path.read_text(encoding="ascii").strip()
            row = connection.execute(
                "SELECT 1 FROM access.keys WHERE sha256 = %s AND kind = 'admin' AND revoked_at IS NULL", [_sha256(text)]
            ).fetchone()
            if row is not None:
                return text
        key = new_key()
        _insert(connection, key, Sender(actor="center/admin", kind="admin"))
    path.parent.mkdir(parents=True, exist_ok=True)
    beside = path.with_suffix(".new")
    beside.unlink(missing_ok=True)
    with os.fdopen(os.open(beside, os.O_WRONLY | os.O_CREAT | os.O_EXCL, 0o600), "w", encoding="ascii") as file:
        file.write(key.text + "\n")
    beside.replace(path)
    return key.text


def _insert(connection: psycopg.Connection[TupleRow], key: NewKey, sender: Sender) -> None:
    connection.execute(
        "INSERT INTO access.keys (prefix, sha256, actor, kind, outlet) VALUES (%s, %s, %s, %s, %s)",
        [key.key_id, _sha256(key.text), sender.actor, sender.kind, sender.outlet],
    )


def _key_id(text: str) -> str:
    """The public part of `ovop_<key id>_<secret>`; empty for anything else."""
    parts = text.split("_", 2)
    return parts[1] if len(parts) == 3 and parts[0] == "ovop" else ""


def _sha256(text: str) -> bytes:
    return hashlib.sha256(text.encode()).digest()
