"""The credentials of one network in the schema `access`, by a database role that can do nothing else. Blocks."""

from collections.abc import Mapping, Sequence
from dataclasses import dataclass
from datetime import datetime, timedelta
from typing import Any, Final, Literal

import psycopg
from psycopg.rows import TupleRow, class_row
from psycopg_pool import ConnectionPool

from services.access.secrets import NewKey, code_hash, new_code, sha256
from services.access.sender import Sender

Purpose = Literal["device", "password", "challenge"]
Algorithm = Literal["ed25519", "p256"]

_NOT_OVER: Final = "revoked_at IS NULL AND (expires_at IS NULL OR expires_at > now())"
#: A code that is over stays so long, so that it can be seen who made it and whether it was used.
CODES_KEPT_DAYS: Final = 7
_OPTIONS: Final = "-c timezone=UTC -c statement_timeout=5s -c search_path=access"


@dataclass(frozen=True, slots=True)
class KeyRow:
    """A key as the list of keys shows it."""

    key_id: str
    kind: str
    actor: str
    label: str | None
    scopes: list[str]
    created_at: datetime
    expires_at: datetime | None
    last_used_at: datetime | None
    revoked_at: datetime | None


@dataclass(frozen=True, slots=True)
class Device:
    """A device's public key, and whom it speaks for."""

    key_id: str
    actor: str
    outlet: str | None
    algorithm: Algorithm
    public_key: bytes
    chain_counter: int | None
    chain_hash: bytes | None


@dataclass(frozen=True, slots=True)
class Code:
    """What a code that was used just now stands for."""

    actor: str
    outlet: str | None
    key_id: str | None


@dataclass(frozen=True, slots=True)
class Person:
    """Somebody who signs in."""

    actor: str
    sign_in: str
    password_hash: str | None


class Store:
    """Reads and writes credentials."""

    def __init__(self, keeper_conninfo: str, connections: int = 4) -> None:
        self._pool: ConnectionPool[psycopg.Connection[TupleRow]] = ConnectionPool(
            psycopg.conninfo.make_conninfo(keeper_conninfo, options=_OPTIONS, connect_timeout=5),
            min_size=0,
            max_size=connections,
            timeout=5,
            num_workers=1,
            open=True,
        )

    def close(self) -> None:
        self._pool.close()

    def _one(self, statement: str, params: Sequence[Any] | Mapping[str, Any]) -> TupleRow | None:
        with self._pool.connection() as connection:
            return connection.execute(statement.encode(), params).fetchone()

    def _run(self, statement: str, params: Sequence[Any] | Mapping[str, Any]) -> int:
        """Run it; how many rows it touched."""
        with self._pool.connection() as connection:
            return connection.execute(statement.encode(), params).rowcount

    # Bearer keys: the administrator's, integrators', simple tills'

    def add_key(
        self, key: NewKey, sender: Sender, *, label: str | None = None, days: float | None = None, by: str | None = None
    ) -> None:
        """Make a key valid, for some days or until it is revoked."""
        self._run(
            "INSERT INTO keys (prefix, sha256, actor, kind, outlet, scopes, label, made_by, expires_at)"
            " VALUES (%s, %s, %s, %s, %s, %s, %s, %s, now() + %s)",
            [
                *(key.key_id, sha256(key.text), sender.actor, sender.kind, sender.outlet, sorted(sender.scopes)),
                *(label, by, None if days is None else timedelta(days=days)),
            ],
        )

    def use_key(self, key_id: str) -> tuple[bytes, Sender] | None:
        """The hash and the bearer of a key that stands; notes that it was used."""
        row = self._one(
            f"UPDATE keys SET last_used_at = now() WHERE prefix = %s AND {_NOT_OVER}"  # noqa: S608 - a constant
            " RETURNING sha256, actor, kind, outlet, scopes",
            [key_id],
        )
        return None if row is None else (bytes(row[0]), Sender(row[1], row[2], row[3], frozenset(row[4])))

    def every_key(self) -> list[KeyRow]:
        """Every key there ever was, the newest first."""
        with self._pool.connection() as connection, connection.cursor(row_factory=class_row(KeyRow)) as cursor:
            return cursor.execute(
                "SELECT prefix AS key_id, kind, actor, label, scopes, created_at, expires_at, last_used_at, revoked_at"
                " FROM keys UNION ALL SELECT key_id, 'device', actor, algorithm, '{}', enrolled_at, NULL, last_used_at,"
                " revoked_at FROM devices ORDER BY created_at DESC"
            ).fetchall()

    def revoke_key(self, key_id: str) -> bool:
        """End one key, of a bearer or of a device; whether there was one to end."""
        ended = self._run("UPDATE keys SET revoked_at = now() WHERE prefix = %s AND revoked_at IS NULL", [key_id])
        ended += self._run("UPDATE devices SET revoked_at = now() WHERE key_id = %s AND revoked_at IS NULL", [key_id])
        self._run("UPDATE sessions SET ended_at = now() WHERE key_id = %s AND ended_at IS NULL", [key_id])
        return ended > 0

    def revoke_actor(self, actor: str) -> int:
        """End every key, code and session of an actor, and its sign-in; how many there were."""
        ended = 0
        for table, column in (("keys", "revoked_at"), ("devices", "revoked_at"), ("sessions", "ended_at")):
            ended += self._run(
                f"UPDATE {table} SET {column} = now() WHERE actor = %s AND {column} IS NULL",  # noqa: S608 - constants
                [actor],
            )
        ended += self._run("UPDATE codes SET used_at = now() WHERE actor = %s AND used_at IS NULL", [actor])
        return ended + self._run("UPDATE people SET ended_at = now() WHERE actor = %s AND ended_at IS NULL", [actor])

    def of_actor(self, actor: str) -> Sender | None:
        """An actor who holds any valid credential, for those whom the broker has let in already."""
        row = self._one(
            f"SELECT kind, outlet, scopes, NULL FROM keys WHERE actor = %(actor)s AND {_NOT_OVER}"  # noqa: S608
            " UNION ALL SELECT CASE WHEN outlet IS NULL THEN 'person' ELSE 'till' END, outlet, '{}', key_id"
            " FROM devices WHERE actor = %(actor)s AND revoked_at IS NULL"
            " UNION ALL SELECT 'person', NULL, '{}', NULL FROM people WHERE actor = %(actor)s AND ended_at IS NULL"
            " LIMIT 1",
            {"actor": actor},
        )
        return None if row is None else Sender(actor, row[0], row[1], frozenset(row[2]), key_id=row[3])

    # Codes that are used once

    def add_code(
        self, purpose: Purpose, actor: str, minutes: float, *, outlet: str | None = None, key_id: str | None = None,
        by: str | None = None,
    ) -> str:  # fmt: skip
        """A new code; codes of the same kind that this actor did not use are over, and so are those long past."""
        code = new_code()
        with self._pool.connection() as connection:
            connection.execute(
                "DELETE FROM codes WHERE expires_at < now() AND (purpose = 'challenge' OR expires_at < now() - %s)",
                [timedelta(days=CODES_KEPT_DAYS)],
            )
            if purpose != "challenge":
                connection.execute(
                    "UPDATE codes SET used_at = now() WHERE purpose = %s AND actor = %s AND used_at IS NULL",
                    [purpose, actor],
                )
            connection.execute(
                "INSERT INTO codes (sha256, purpose, actor, outlet, key_id, made_by, expires_at)"
                " VALUES (%s, %s, %s, %s, %s, %s, now() + %s)",
                [code_hash(code), purpose, actor, outlet, key_id, by, timedelta(minutes=minutes)],
            )
        return code

    def use_code(self, purpose: Purpose, typed: str) -> Code | None:
        """What a code stands for; never twice, never late."""
        row = self._one(
            "UPDATE codes SET used_at = now() WHERE sha256 = %s AND purpose = %s AND used_at IS NULL"
            " AND expires_at > now() RETURNING actor, outlet, key_id",
            [code_hash(typed), purpose],
        )
        return None if row is None else Code(*row)

    def peek_code(self, purpose: Purpose, typed: str) -> Code | None:
        """What a code stands for, which stays usable."""
        row = self._one(
            "SELECT actor, outlet, key_id FROM codes WHERE sha256 = %s AND purpose = %s AND used_at IS NULL"
            " AND expires_at > now()",
            [code_hash(typed), purpose],
        )
        return None if row is None else Code(*row)

    # Devices that sign

    def add_device(self, code: Code, key_id: str, algorithm: Algorithm, public_key: bytes) -> bool:
        """Let a device in under this key id; its keys of before are over. Whether the key was not known before."""
        with self._pool.connection() as connection:
            for table in ("devices", "keys"):
                connection.execute(
                    f"UPDATE {table} SET revoked_at = now() WHERE actor = %s AND revoked_at IS NULL",  # noqa: S608
                    [code.actor],
                )
            added = connection.execute(
                "INSERT INTO devices (key_id, actor, outlet, algorithm, public_key) VALUES (%s, %s, %s, %s, %s)"
                " ON CONFLICT DO NOTHING",
                [key_id, code.actor, code.outlet, algorithm, public_key],
            ).rowcount
            if not added:
                connection.rollback()
        return added == 1

    def use_device(self, key_id: str) -> Device | None:
        """A device that was not revoked; notes that it was used."""
        row = self._one(
            "UPDATE devices SET last_used_at = now() WHERE key_id = %s AND revoked_at IS NULL"
            " RETURNING key_id, actor, outlet, algorithm, public_key, chain_counter, chain_hash",
            [key_id],
        )
        return None if row is None else Device(*row)

    def chain_moved(self, key_id: str, counter: int, head: bytes) -> None:
        """Remember the newest report of a device's chain; an older one changes nothing."""
        self._run(
            "UPDATE devices SET chain_counter = %s, chain_hash = %s WHERE key_id = %s"
            " AND (chain_counter IS NULL OR chain_counter < %s)",
            [counter, head, key_id, counter],
        )

    def outlet_of_till(self, till_actor: str) -> str | None:
        """The outlet of a till that has, or had, a credential."""
        row = self._one(
            "SELECT outlet FROM keys WHERE actor = %(a)s UNION ALL SELECT outlet FROM devices WHERE actor = %(a)s"
            " UNION ALL SELECT outlet FROM codes WHERE actor = %(a)s AND purpose = 'device' LIMIT 1",
            {"a": till_actor},
        )
        return None if row is None else row[0]
