"""People and their sessions, in the schema `access`. Blocks."""

from datetime import timedelta

from services.access.secrets import SESSION, new_key, sha256
from services.access.store import Person, Store

SESSION_ROWS_KEPT_DAYS = 30


class PeopleStore(Store):
    """The same store, with those who sign in."""

    def person(self, sign_in: str) -> Person | None:
        """Who signs in by this name."""
        row = self._one(
            "SELECT actor, sign_in, password_hash FROM people WHERE sign_in = %s AND ended_at IS NULL", [sign_in]
        )
        return None if row is None else Person(*row)

    def person_of_actor(self, actor: str) -> Person | None:
        row = self._one(
            "SELECT actor, sign_in, password_hash FROM people WHERE actor = %s AND ended_at IS NULL", [actor]
        )
        return None if row is None else Person(*row)

    def actor_of_subject(self, subject: str) -> str | None:
        """Whom another provider's subject stands for."""
        row = self._one("SELECT actor FROM people WHERE oidc_subject = %s AND ended_at IS NULL", [subject])
        return None if row is None else str(row[0])

    def add_person(self, actor: str, sign_in: str, subject: str | None = None) -> None:
        """Let somebody sign in, or let them in again; a name that is given stays."""
        self._run(
            "INSERT INTO people (actor, sign_in, oidc_subject) VALUES (%s, %s, %s) ON CONFLICT (actor) DO UPDATE"
            " SET oidc_subject = coalesce(EXCLUDED.oidc_subject, people.oidc_subject), ended_at = NULL",
            [actor, sign_in, subject],
        )

    def set_password(self, actor: str, password_hash: str) -> None:
        """A new password; whoever is signed in with the old one is signed out."""
        self._run("UPDATE people SET password_hash = %s, changed_at = now() WHERE actor = %s", [password_hash, actor])
        self._run("UPDATE sessions SET ended_at = now() WHERE actor = %s AND ended_at IS NULL", [actor])

    def begin_session(self, actor: str, hours: float) -> str:
        """A new session's token, shown this once."""
        return self._begin(actor, hours, "person", None)

    def begin_device_session(self, actor: str, hours: float, key_id: str) -> str:
        """A device's session, which ends with its key."""
        return self._begin(actor, hours, "device", key_id)

    def _begin(self, actor: str, hours: float, kind: str, key_id: str | None) -> str:
        token = new_key(SESSION).text
        with self._pool.connection() as connection:
            connection.execute(
                "DELETE FROM sessions WHERE expires_at < now() - %s", [timedelta(days=SESSION_ROWS_KEPT_DAYS)]
            )
            connection.execute(
                "INSERT INTO sessions (sha256, actor, kind, key_id, expires_at) VALUES (%s, %s, %s, %s, now() + %s)",
                [sha256(token), actor, kind, key_id, timedelta(hours=hours)],
            )
        return token

    def session(self, token: str) -> tuple[str, str | None, str | None] | None:
        """Actor, outlet of its till and key id of its device of a session that stands, whoever began it."""
        row = self._one(
            "SELECT s.actor, d.outlet, s.key_id FROM sessions s LEFT JOIN devices d USING (key_id)"
            " LEFT JOIN people p ON p.actor = s.actor"
            " WHERE s.sha256 = %s AND s.ended_at IS NULL AND s.expires_at > now()"
            " AND CASE s.kind WHEN 'device' THEN d.revoked_at IS NULL AND d.key_id IS NOT NULL ELSE"
            " p.actor IS NOT NULL AND p.ended_at IS NULL END",
            [sha256(token)],
        )
        return None if row is None else (row[0], row[1], row[2])

    def end_session(self, token: str) -> None:
        self._run("UPDATE sessions SET ended_at = now() WHERE sha256 = %s AND ended_at IS NULL", [sha256(token)])

    # A sign-in with another provider that is under way

    def add_flow(self, state: str, nonce: str, verifier: str, minutes: float) -> None:
        with self._pool.connection() as connection:
            connection.execute("DELETE FROM oidc_flows WHERE expires_at < now()")
            connection.execute(
                "INSERT INTO oidc_flows (state_sha256, nonce, verifier, expires_at) VALUES (%s, %s, %s, now() + %s)",
                [sha256(state), nonce, verifier, timedelta(minutes=minutes)],
            )

    def take_flow(self, state: str) -> tuple[str, str] | None:
        """Nonce and verifier of a flow; once."""
        row = self._one(
            "DELETE FROM oidc_flows WHERE state_sha256 = %s AND expires_at > now() RETURNING nonce, verifier",
            [sha256(state)],
        )
        return None if row is None else (row[0], row[1])

    # Second persons, and how often somebody knocked

    def agree(self, content_hash: bytes, actor: str) -> None:
        """Note a yes; it stays as evidence."""
        self._run(
            "INSERT INTO agreements (content_hash, actor) VALUES (%s, %s) ON CONFLICT (content_hash, actor)"
            " DO UPDATE SET agreed_at = now()",
            [content_hash, actor],
        )

    def agreed(self, content_hash: bytes, hours: float) -> set[str]:
        """Who said yes to this content within so many hours."""
        with self._pool.connection() as connection:
            rows = connection.execute(
                "SELECT actor FROM agreements WHERE content_hash = %s AND agreed_at > now() - %s",
                [content_hash, timedelta(hours=hours)],
            ).fetchall()
        return {str(actor) for (actor,) in rows}

    def count(self, added: dict[tuple[str, int], int], oldest_window: int) -> dict[tuple[str, int], int]:
        """Add to counts of windows; what they are now, over all processes. Windows of long ago are thrown away."""
        with self._pool.connection() as connection:
            connection.execute("DELETE FROM counts WHERE window_start < %s", [oldest_window])
            rows = connection.execute(
                "INSERT INTO counts AS c (bucket, window_start, count)"
                " SELECT * FROM unnest(%s::text[], %s::bigint[], %s::bigint[]) AS u(b, w, n) ORDER BY b, w"
                " ON CONFLICT (bucket, window_start) DO UPDATE SET count = c.count + EXCLUDED.count"
                " RETURNING bucket, window_start, count",
                [[b for b, _ in added], [w for _, w in added], list(added.values())],
            ).fetchall()
        return {(str(bucket), window): count for bucket, window, count in rows}
