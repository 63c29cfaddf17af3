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

from events.broker import EVENTS_STREAM, INTAKE_STREAM, RECEIPTS, actor_user, inbox_prefix

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
                "ovop.events.>",
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
        SUBSCRIBER: Permissions(
            publish=(f"$JS.API.DIRECT.GET.{EVENTS_STREAM}", f"$JS.API.STREAM.INFO.{EVENTS_STREAM}"),
            subscribe=("ovop.events.>", f"{inbox_prefix(SUBSCRIBER)}.>"),
        ),
        INTAKE: Permissions(
            publish=(
                *(f"$JS.API.STREAM.{verb}.{INTAKE_STREAM}" for verb in ("INFO", "CREATE", "UPDATE")),
                *(f"$JS.API.CONSUMER.{v}.{INTAKE_STREAM}.{INTAKE_CONSUMER}" for v in ("INFO", "CREATE", "DELETE")),
                f"$JS.ACK.{INTAKE_STREAM}.{INTAKE_CONSUMER}.>",
                f"{RECEIPTS}.*",
                "_INBOX.actor.>",
            ),
            subscribe=(f"{inbox_prefix(INTAKE)}.>",),
        ),
    }


def _actor_permissions(token: str) -> Permissions:
    return Permissions(
        publish=(f"ovop.intake.{token}.>",),
        subscribe=(f"{RECEIPTS}.{token}", f"{inbox_prefix(f'actor.{token}')}.>"),
    )


def server_config(users: BrokerUsers, port: int, store: Path, host: str = "127.0.0.1") -> str:
    """The text of a nats-server 2.15 configuration that listens on `host:port` and keeps its streams below `store`.

    `sync_interval` is one setting for the whole server. It is `always`, for the reports in OVOP_INTAKE that nobody has
    stored yet; OVOP_EVENTS lifts it for itself (`persist_mode: async`), since the log is the truth of that stream.

    Two accounts that share nothing: whoever reports cannot reach the events, whoever reads cannot reach the reports.
    """
    services = _service_permissions()
    events = [_user(name, users, services[name]) for name in (RELAY, PROJECTOR, SUBSCRIBER)]
    intake = [_user(INTAKE, users, services[INTAKE])]
    intake += [_user(f"actor.{token}", users, _actor_permissions(token)) for token in users.actors]
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
        *_account("EVENTS", events),
        *_account("INTAKE", intake),
        f"  SYSTEM {{ users: [ {{ user: {SYSTEM}, password: {_quoted(users.passwords[SYSTEM])} }} ] }}",
        "}",
        "system_account: SYSTEM",
    ]
    return "\n".join(lines) + "\n"


def _account(name: str, users: list[str]) -> list[str]:
    return [f"  {name} {{", "    jetstream: enabled", "    users: [", *users, "    ]", "  }"]


def _user(user: str, users: BrokerUsers, may: Permissions) -> str:
    publish, subscribe = (", ".join(map(_quoted, subjects)) for subjects in (may.publish, may.subscribe))
    permissions = f"{{ publish: {{ allow: [{publish}] }}, subscribe: {{ allow: [{subscribe}] }} }}"
    return f"      {{ user: {_quoted(user)}, password: {_quoted(users.passwords[user])}, permissions: {permissions} }}"


def _quoted(text: str) -> str:
    return json.dumps(text)
