"""Who stands behind a key, a session or a device's signature: looked up, then believed for a while."""

import hmac
import os
import time
from dataclasses import dataclass, replace
from pathlib import Path
from typing import Final

from services.access.judge import Judge
from services.access.people_store import PeopleStore
from services.access.secrets import KEY, SESSION, key_id_of, new_key, sha256
from services.access.sender import Sender
from services.access.store import Device
from services.errors import NotAuthenticated

#: So long is the longest that a revoked key, an ended session or a withdrawn role may still work.
BELIEVED_SECONDS_MAX: Final = 60.0
#: How many bearers are kept in memory.
BELIEVED_MAX: Final = 10_000
ADMIN: Final = Sender(actor="center/admin", kind="admin")


@dataclass(frozen=True, slots=True)
class _Believed:
    sender: Sender
    until: float
    device: Device | None = None


class Credentials:
    """The credentials of one network. `believed` does not block; the other methods do."""

    def __init__(self, store: PeopleStore, judge: Judge, believed_seconds: float = 30.0) -> None:
        self.store = store
        self._judge = judge
        self._seconds = min(believed_seconds, BELIEVED_SECONDS_MAX)
        self._believed: dict[bytes, _Believed] = {}
        #: The newest report of each device's chain that passed through here.
        self._chains: dict[str, tuple[int, bytes]] = {}

    def close(self) -> None:
        self.store.close()

    def believed(self, token: str) -> Sender | None:
        """The bearer of a key or session that was looked up a short while ago."""
        known = self._recall(sha256(token))
        return None if known is None else known.sender

    def bearer(self, token: str) -> Sender:
        """The bearer of a key or session, as the database has it now. Raises NotAuthenticated."""
        found = self._of_session(token) if key_id_of(token, SESSION) else self._of_key(token)
        if found is None:
            self._believed.pop(sha256(token), None)
            raise NotAuthenticated
        return self._believe(sha256(token), self._with_grants(found)).sender

    def device(self, key_id: str) -> tuple[Device, Sender]:
        """A device that signs, and whom it speaks for. Raises NotAuthenticated."""
        remembered = sha256(f"device {key_id}")
        known = self._recall(remembered)
        if known is None or known.device is None:
            device = self.store.use_device(key_id)
            if device is None:
                self._believed.pop(remembered, None)
                raise NotAuthenticated
            sender = self._with_grants(_speaks_for(device.actor, device.outlet, device.key_id))
            known = self._believe(remembered, sender, device)
            assert known.device is not None  # noqa: S101 - just given
            if device.chain_counter is not None and device.chain_hash is not None:
                self._chains.setdefault(key_id, (device.chain_counter, bytes(device.chain_hash)))
        return known.device, known.sender

    def of_actor(self, actor: str) -> Sender | None:
        """An actor who holds a valid credential; None for anybody else."""
        found = self.store.of_actor(actor)
        return None if found is None else self._with_grants(found)

    def chain(self, key_id: str) -> tuple[int, bytes] | None:
        """The newest report of a device that is known: its counter and its hash."""
        return self._chains.get(key_id)

    def move_chain(self, key_id: str, counter: int, head: bytes) -> None:
        """A device reported on."""
        known = self._chains.get(key_id)
        if known is None or known[0] < counter:
            self._chains[key_id] = (counter, head)
            self.store.chain_moved(key_id, counter, head)

    def forget(self) -> None:
        """Believe nobody any more: somebody's standing has changed."""
        self._believed.clear()

    def _of_key(self, token: str) -> Sender | None:
        key_id = key_id_of(token, KEY)
        found = None if key_id is None else self.store.use_key(key_id)
        return found[1] if found is not None and hmac.compare_digest(found[0], sha256(token)) else None

    def _of_session(self, token: str) -> Sender | None:
        found = self.store.session(token)
        return None if found is None else replace(_speaks_for(*found), must_sign=found[2] is not None)

    def _with_grants(self, sender: Sender) -> Sender:
        return replace(sender, grants=self._judge.grants_of(sender.actor)) if sender.kind == "person" else sender

    def _recall(self, key: bytes) -> _Believed | None:
        known = self._believed.get(key)
        return known if known is not None and known.until > time.monotonic() else None

    def _believe(self, key: bytes, sender: Sender, device: Device | None = None) -> _Believed:
        if len(self._believed) >= BELIEVED_MAX:
            self._believed.clear()
        known = _Believed(sender, time.monotonic() + self._seconds, device)
        self._believed[key] = known
        return known


def _speaks_for(actor: str, outlet: str | None, key_id: str | None) -> Sender:
    return Sender(actor, "person" if outlet is None else "till", outlet, key_id=key_id)


def ensure_admin_key(store: PeopleStore, path: Path) -> str:
    """The administrator's key, from its file (mode 0600) or newly made and written there.

    A file whose key the database does not know (another database was put behind it) is replaced.
    """
    if path.is_file():
        text = path.read_text(encoding="ascii").strip()
        key_id = key_id_of(text)
        known = None if key_id is None else store.use_key(key_id)
        if known is not None and known[1].kind == "admin" and hmac.compare_digest(known[0], sha256(text)):
            return text
    key = new_key()
    store.add_key(key, ADMIN, label="first")
    path.parent.mkdir(parents=True, exist_ok=True)
    beside = path.with_suffix(".new")
    beside.unlink(missing_ok=True)
    with os.fdopen(os.open(beside, os.O_WRONLY | os.O_CREAT | os.O_EXCL, 0o600), "w", encoding="ascii") as file:
        file.write(key.text + "\n")
    beside.replace(path)
    return key.text
