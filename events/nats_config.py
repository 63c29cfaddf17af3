"""The broker's configuration: who may connect, and the exact subjects each of them may touch. Nothing is anonymous.

The passwords are random, live in one file of the data directory (mode 0600) and never leave it. Growing past one
machine means more networks, not a wider configuration.
"""

import json
import os
import secrets
from collections.abc import Iterable, Mapping
from dataclasses import dataclass, field
from pathlib import Path

from events.broker import (
    EVENTS_STREAM,
    EVENTS_SUBJECTS,
    INTAKE_STREAM,
    INTAKE_SUBJECTS,
    RECEIPTS,
    actor_user,
    inbox_prefix,
)

#: Largest message: a report of up to 500 items, as over HTTP.
PAYLOAD_BYTES_MAX = 2 * 1024 * 1024
FILE_STORE_BYTES_MAX = 16 * 1024 * 1024 * 1024
MEMORY_STORE_BYTES_MAX = 64 * 1024 * 1024
CONNECTIONS_MAX = 4_096

RELAY = "relay"
PROJECTOR = "projector"
SUBSCRIBER = "subscriber"
INTAKE = "intake"
SYSTEM = "system"
SERVICES = (RELAY, PROJECTOR, SUBSCRIBER, INTAKE, SYSTEM)

#: The durable consumer of the projectors' bell.
PROJECTOR_CONSUMER = "projector"
#: The durable consumer of the intake service.
INTAKE_CONSUMER = "intake"

_DIRECT_GET = f"$JS.API.DIRECT.GET.{EVENTS_STREAM}"
_EVENTS_INFO = f"$JS.API.STREAM.INFO.{EVENTS_STREAM}"


@dataclass(frozen=True, slots=True)
class Permissions:
    """What one user may publish and what it may subscribe to; everything else is refused by the server."""

    publish: tuple[str, ...]
    subscribe: tuple[str, ...]


@dataclass(frozen=True, slots=True)
class BrokerUsers:
    """Passwords by user: the services, and one user for each reporting actor."""

    passwords: Mapping[str, str] = field(repr=False)

    def url(self, user: str, host: str, port: int) -> str:
        """The URL with which a service connects (the names and passwords of services need no quoting)."""
        return f"nats://{user}:{self.passwords[user]}@{host}:{port}"

    @property
    def actors(self) -> tuple[str, ...]:
        """The tokens of the reporting actors."""
        return tuple(sorted(user.removeprefix("actor.") for user in self.passwords if user.startswith("actor.")))


def load_users(path: Path, actors: Iterable[str] = ()) -> BrokerUsers:
    """The users kept in `path`, made when they are missing; the file is readable by its owner only."""
    passwords: dict[str, str] = json.loads(path.read_text()) if path.exists() else {}
    wanted = [*SERVICES, *(actor_user(actor) for actor in actors)]
    missing = [user for user in wanted if user not in passwords]
    if missing:
        passwords |= {user: secrets.token_hex(32) for user in missing}
        write_private(path, json.dumps(passwords, indent=1, sort_keys=True))
    return BrokerUsers(passwords)


def write_private(path: Path, text: str) -> None:
    """Write a file that only its owner reads, whole or not at all."""
    path.parent.mkdir(parents=True, exist_ok=True)
    scratch = path.with_name(f"{path.name}.{secrets.token_hex(4)}")
    descriptor = os.open(scratch, os.O_WRONLY | os.O_CREAT | os.O_EXCL, 0o600)
    with os.fdopen(descriptor, "w") as file:
        file.write(text)
        file.flush()
        os.fsync(file.fileno())
    scratch.replace(path)


def _service_permissions() -> Mapping[str, Permissions]:
    stream, consumer = f"$JS.API.STREAM.{{}}.{EVENTS_STREAM}", f"$JS.API.CONSUMER.{{}}.{EVENTS_STREAM}"
    return {
        RELAY: Permissions(
            publish=(
                EVENTS_SUBJECTS,
                *(stream.format(verb) for verb in ("INFO", "CREATE", "UPDATE", "DELETE", "MSG.GET")),
                *(consumer.format(verb) + ".>" for verb in ("INFO", "CREATE", "DELETE")),
                consumer.format("LIST"),
            ),
            subscribe=(f"{inbox_prefix(RELAY)}.>",),
        ),
        PROJECTOR: Permissions(
            publish=(
                stream.format("INFO"),
                *(f"{consumer.format(verb)}.{PROJECTOR_CONSUMER}" for verb in ("INFO", "CREATE", "DELETE", "RESET")),
                f"$JS.ACK.{EVENTS_STREAM}.{PROJECTOR_CONSUMER}.>",
            ),
            subscribe=(f"{inbox_prefix(PROJECTOR)}.>",),
        ),
        INTAKE: Permissions(
            publish=(
                *(f"$JS.API.STREAM.{verb}.{INTAKE_STREAM}" for verb in ("INFO", "CREATE", "UPDATE")),
                *(f"$JS.API.CONSUMER.{v}.{INTAKE_STREAM}.{INTAKE_CONSUMER}" for v in ("INFO", "CREATE", "DELETE")),
                f"$JS.ACK.{INTAKE_STREAM}.{INTAKE_CONSUMER}.>",
                f"{RECEIPTS}.*",
            ),
            subscribe=(f"{inbox_prefix(INTAKE)}.>",),
        ),
    }


def server_config(users: BrokerUsers, port: int, store: Path, host: str = "127.0.0.1") -> str:
    """The text of a nats-server 2.15 configuration that listens on `host:port` and keeps its streams below `store`.

    `sync_interval` is one setting for the whole server. It is `always`, for the reports in OVOP_INTAKE that nobody has
    stored yet; OVOP_EVENTS lifts it for itself (`persist_mode: async`), since the log is the truth of that stream.
    """
    lines = [
        "server_name: ovop",
        f"listen: {_quoted(f'{host}:{port}')}",
        f"max_payload: {PAYLOAD_BYTES_MAX}",
        f"max_connections: {CONNECTIONS_MAX}",
        "jetstream {",
        f"  store_dir: {_quoted(str(store))}",
        f"  max_file_store: {FILE_STORE_BYTES_MAX}",
        f"  max_memory_store: {MEMORY_STORE_BYTES_MAX}",
        "  sync_interval: always",
        "}",
        "accounts {",
        *(line for account in _accounts(users) for line in account.lines(users)),
        f"  SYSTEM {{ users: [ {{ user: {SYSTEM}, password: {_quoted(users.passwords[SYSTEM])} }} ] }}",
        "}",
        "system_account: SYSTEM",
    ]
    return "\n".join(lines) + "\n"


@dataclass(frozen=True, slots=True)
class _Account:
    """Users who share a world of subjects, what of it others may import, and what they import themselves."""

    name: str
    users: Mapping[str, Permissions]
    exports: tuple[str, ...] = ()
    imports: tuple[str, ...] = ()

    def lines(self, users: BrokerUsers) -> list[str]:
        return [
            f"  {self.name} {{",
            *(["    jetstream: enabled"] if self.exports else []),
            "    users: [",
            *(f"      {_user(name, users.passwords[name], may)}" for name, may in self.users.items()),
            "    ]",
            f"    exports: [{', '.join(self.exports)}]",
            f"    imports: [{', '.join(self.imports)}]",
            "  }",
        ]


def _accounts(users: BrokerUsers) -> list[_Account]:
    """Two accounts with a stream each, and one for everybody who comes from outside.

    A publisher may have the server's answer sent to any subject of its own account. If a reader shared an account with
    OVOP_EVENTS, or one actor with another, an answer could be made to appear as an event or as another's report.
    """
    services = _service_permissions()
    events = _Account(
        "EVENTS",
        {RELAY: services[RELAY], PROJECTOR: services[PROJECTOR]},
        exports=(
            _offer("stream", EVENTS_SUBJECTS),
            _offer("service", _DIRECT_GET, ", response_type: stream"),
            _offer("service", _EVENTS_INFO),
        ),
    )
    intake = _Account(
        "INTAKE",
        {INTAKE: services[INTAKE]},
        exports=(_offer("service", INTAKE_SUBJECTS), _offer("stream", f"{RECEIPTS}.*")),
    )
    reader = _Account(
        "SUBSCRIBER",
        {SUBSCRIBER: Permissions((_DIRECT_GET, _EVENTS_INFO), (EVENTS_SUBJECTS, f"{inbox_prefix(SUBSCRIBER)}.>"))},
        imports=(
            _import("stream", "EVENTS", EVENTS_SUBJECTS),
            _import("service", "EVENTS", _DIRECT_GET),
            _import("service", "EVENTS", _EVENTS_INFO),
        ),
    )
    return [events, intake, reader, *(_actor_account(token) for token in users.actors)]


def _actor_account(token: str) -> _Account:
    user, reports, receipts = f"actor.{token}", f"ovop.intake.{token}.>", f"{RECEIPTS}.{token}"
    return _Account(
        _quoted(user),
        {user: Permissions((reports,), (receipts, f"{inbox_prefix(user)}.>"))},
        imports=(_import("service", "INTAKE", reports), _import("stream", "INTAKE", receipts)),
    )


def _offer(kind: str, subject: str, more: str = "") -> str:
    return f"{{ {kind}: {_quoted(subject)}{more} }}"


def _import(kind: str, account: str, subject: str) -> str:
    return f"{{ {kind}: {{ account: {account}, subject: {_quoted(subject)} }} }}"


def _user(user: str, password: str, may: Permissions) -> str:
    publish, subscribe = (", ".join(map(_quoted, subjects)) for subjects in (may.publish, may.subscribe))
    permissions = f"{{ publish: {{ allow: [{publish}] }}, subscribe: {{ allow: [{subscribe}] }} }}"
    return f"{{ user: {_quoted(user)}, password: {_quoted(password)}, permissions: {permissions} }}"


def _quoted(text: str) -> str:
    return json.dumps(text)
