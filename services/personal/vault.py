"""The vault: a person's values with their salts, outside the log, which holds only commitments.

A commitment is sha256 over the salt and the canonical JSON of the value. Without the salt nobody can tell by trying
which value it stands for; so once value and salt are erased, what the log holds says nothing about anybody.
"""

import hashlib
import json
import re
import secrets
from collections.abc import Sequence
from dataclasses import dataclass
from datetime import datetime
from typing import Any, Final
from uuid import UUID

import psycopg
from psycopg import sql
from psycopg.rows import TupleRow
from psycopg_pool import ConnectionPool

from events.canonical import canonical
from services.errors import NotFound

SALT_BYTES: Final = 32
#: A shorter value stands in many messages that are not about this person; those that hold it must be named.
SEARCHED_CHARACTERS_MIN: Final = 4
#: How long writing the tables anew may wait for whoever uses them.
_LOCK_TIMEOUT: Final = "5s"

_TABLES: Final = (("personal", "vault"), ("quarantine", "messages"))

type _Pool = ConnectionPool[psycopg.Connection[TupleRow]]


class NoSuchMessage(NotFound):
    """A message that is to be erased is not in the log; nothing was erased."""

    advice = "Name each by the id that the lists of quarantine and of documents give it."


@dataclass(frozen=True, slots=True)
class Value:
    """A value of a person as it is kept."""

    kind: str
    value: str
    salt: bytes
    commitment: bytes
    stored_at: datetime


@dataclass(frozen=True, slots=True)
class Erased:
    """What an erasure has erased."""

    kinds: Sequence[str]
    commitments: Sequence[str]  #: hexadecimal; they stand in the log and stand for nothing any more
    messages: Sequence[str]  #: events whose bytes beside the log were erased
    files_rewritten: bool  #: whether the bytes are gone from the tables' files too; False: erase again later


def commit(value: str, salt: bytes) -> bytes:
    """The commitment to a value."""
    return hashlib.sha256(salt + canonical(value)).digest()


class Vault:
    """The personal values of one network. Its methods block."""

    def __init__(self, pool: _Pool) -> None:
        self._pool = pool

    def store(self, subject: str, kind: str, value: str) -> Value:
        """Keep a value, once: the same value of the same person keeps its first commitment."""
        with self._pool.connection() as connection:
            # One at a time for a person, so that a repeated request finds what the first one stored.
            connection.execute("SELECT pg_advisory_xact_lock(hashtextextended(%s, 0))", [f"vault {subject}"])
            known = [each for each in _values(connection, subject) if (each.kind, each.value) == (kind, value)]
            if known:
                return known[0]
            salt = secrets.token_bytes(SALT_BYTES)
            connection.execute(
                "INSERT INTO personal.vault (commitment, subject, kind, value, salt) VALUES (%s, %s, %s, %s, %s)",
                [commit(value, salt), subject, kind, value, salt],
            )
            return _values(connection, subject)[-1]

    def close(self) -> None:
        self._pool.close()

    def values(self, subject: str) -> list[Value]:
        """What is kept of a person."""
        with self._pool.connection() as connection:
            return _values(connection, subject)

    def erasures(self, subject: str | None = None) -> list[dict[str, Any]]:
        """What was erased of a person, or of anybody, and when; no value is among it."""
        with self._pool.connection() as connection:
            rows = connection.execute(
                "SELECT erasure, subject, erased_at, erased_by, commitments, messages FROM personal.erasures"
                " WHERE %(subject)s::text IS NULL OR subject = %(subject)s ORDER BY erased_at, erasure",
                {"subject": subject},
            ).fetchall()
        names = ("id", "subject", "erased_at", "erased_by", "commitments", "messages")
        return [dict(zip(names, row, strict=True)) for row in rows]

    def erase(self, erasure: UUID, subject: str, named: Sequence[UUID], by: str) -> Erased:
        """Erase all values and salts of a person, and the quarantined bytes that hold one of them.

        Besides, whatever this person sent to quarantine, and the messages that are `named`. Raises NoSuchMessage
        for a named one that there is not. The same erasure again erases what has come since, and does no harm.
        """
        with self._pool.connection() as connection:
            _must_be_there(connection, named)
            values = _values(connection, subject)
            messages = _erase_messages(connection, subject, [each.value for each in values], named)
            connection.execute("DELETE FROM personal.vault WHERE subject = %s", [subject])
            commitments = [each.commitment.hex() for each in values]
            connection.execute(
                "INSERT INTO personal.erasures (erasure, subject, erased_by, commitments, messages)"
                " VALUES (%s, %s, %s, %s, %s) ON CONFLICT DO NOTHING",
                [erasure, subject, by, commitments, messages],
            )
        return Erased([each.kind for each in values], commitments, messages, self._rewrite())

    def _rewrite(self) -> bool:
        """Write the tables anew without what was deleted: until then its bytes lie in their files.

        True if nothing of it is left in them; False if somebody held a table for too long, or still looks at a moment
        before the deletion, for whom it must be kept.
        """
        notices: list[str] = []
        with self._pool.connection() as connection:
            connection.autocommit = True
            connection.add_notice_handler(heard := lambda notice: notices.append(notice.message_detail or ""))
            try:
                connection.execute(f"SET lock_timeout = '{_LOCK_TIMEOUT}'")
                for table in _TABLES:
                    connection.execute(sql.SQL("VACUUM (FULL, VERBOSE) {}").format(sql.Identifier(*table)))
            except psycopg.errors.LockNotAvailable:
                return False
            finally:
                connection.execute("RESET lock_timeout")
                connection.remove_notice_handler(heard)
                connection.autocommit = False
        # PostgreSQL tells how many dead rows it could not leave out yet.
        return [_leading_number(notice) for notice in notices if notice].count(0) == len(_TABLES)


def _leading_number(text: str) -> int | None:
    found = re.match(r"\d+", text)
    return int(found[0]) if found else None


def _values(connection: psycopg.Connection[TupleRow], subject: str) -> list[Value]:
    rows = connection.execute(
        "SELECT kind, value, salt, commitment, stored_at FROM personal.vault WHERE subject = %s"
        " ORDER BY stored_at, commitment",
        [subject],
    )
    return [Value(kind, value, bytes(salt), bytes(made), at) for kind, value, salt, made, at in rows.fetchall()]


def _must_be_there(connection: psycopg.Connection[TupleRow], named: Sequence[UUID]) -> None:
    rows = connection.execute("SELECT event_id FROM log.events WHERE event_id = ANY(%s)", [list(named)]).fetchall()
    missing = set(named) - {event_id for (event_id,) in rows}
    if missing:
        raise NoSuchMessage(field="messages", advice=f"There is no {min(map(str, missing))}. {NoSuchMessage.advice}")


def _erase_messages(
    connection: psycopg.Connection[TupleRow], subject: str, values: Sequence[str], named: Sequence[UUID]
) -> list[str]:
    """A message goes with what was mapped of it, for that repeats parts of it."""
    needles = [needle for value in values if len(value) >= SEARCHED_CHARACTERS_MIN for needle in _spellings(value)]
    rows = connection.execute(
        "DELETE FROM quarantine.messages m WHERE m.stream IN ("
        " SELECT k.stream FROM quarantine.messages k JOIN log.events e USING (event_id) WHERE k.event_id = ANY(%s)"
        " OR e.actor = %s OR EXISTS (SELECT FROM unnest(%s::bytea[]) AS n(needle)"
        "  WHERE position(n.needle IN k.content) > 0)) RETURNING m.event_id",
        [list(named), subject, needles],
    )
    return sorted(str(event_id) for (event_id,) in rows.fetchall())


def _spellings(value: str) -> set[bytes]:
    """The byte strings that say a value in JSON: plain, and with its letters escaped one way or the other."""
    escaped = json.dumps(value)[1:-1]
    begin, *codes = escaped.split("\\u")
    capitals = "\\u".join([begin, *(code[:4].upper() + code[4:] for code in codes)])
    return {value.encode(), canonical(value)[1:-1], escaped.encode(), capitals.encode()}
