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
    OUTBOX_STREAM,
    RECEIPTS,
    actor_user,
    inbox_prefix,
    outlet_user,
)
from events.nats_accounts import Account, Permissions, imported, offered, quoted

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
class LeafListener:
    """Where the outlets' own servers join: `host:port`, and what they are shown there (PEM files)."""

    address: str
    certificate: Path | None = None
    key: Path | None = None

    def lines(self) -> list[str]:
        """Its lines of the configuration. Who joins is said by the users, like everybody else."""
        shown = {"cert_file": self.certificate, "key_file": self.key}
        tls = [f"    {name}: {quoted(str(path))}" for name, path in shown.items() if path is not None]
        secured = ["  tls {", *tls, "    timeout: 5", "  }"] if tls else []
        return ["leafnodes {", f"  listen: {quoted(self.address)}", *secured, "}"]


@dataclass(frozen=True, slots=True)
class BrokerUsers:
    """Passwords by user: the services, one user for each reporting actor, and one for each outlet's own server."""

    passwords: Mapping[str, str] = field(repr=False)

    def url(self, user: str, host: str, port: int) -> str:
        """The URL with which a service connects (the names and passwords of services need no quoting)."""
        return f"nats://{user}:{self.passwords[user]}@{host}:{port}"

    @property
    def actors(self) -> tuple[str, ...]:
        """The tokens of the reporting actors."""
        return self._tokens("actor.")

    @property
    def readers(self) -> tuple[str, ...]:
        """The users who read events and nothing else: the one that is always there, and the named ones."""
        return (SUBSCRIBER, *map(reader_user, self._tokens("reader.")))

    @property
    def outlets(self) -> tuple[str, ...]:
        """The tokens of the outlets that have a server of their own."""
        return self._tokens("outlet.")

    def _tokens(self, kind: str) -> tuple[str, ...]:
        return tuple(sorted(user.removeprefix(kind) for user in self.passwords if user.startswith(kind)))


def load_users(
    path: Path, actors: Iterable[str] = (), outlets: Iterable[str] = (), readers: Iterable[str] = ()
) -> BrokerUsers:
    """The users kept in `path`, made when they are missing; the file is readable by its owner only."""
    passwords: dict[str, str] = json.loads(path.read_text()) if path.exists() else {}
    wanted = [*SERVICES, *map(actor_user, actors), *map(outlet_user, outlets), *map(reader_user, readers)]
    missing = [user for user in wanted if user not in passwords]
    if missing:
        passwords |= {user: secrets.token_hex(32) for user in missing}
        write_private(path, json.dumps(passwords, indent=1, sort_keys=True))
    return BrokerUsers(passwords)


def reader_user(name: str) -> str:
    """The broker's user of a named reader from outside."""
    return f"reader.{name}"


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


def server_config(
    users: BrokerUsers,
    port: int,
    store: Path,
    host: str = "127.0.0.1",
    leaf: LeafListener | None = None,
) -> str:
    """The text of a nats-server 2.15 configuration that listens on `host:port` and keeps its streams below `store`.

    `leaf` is where the outlets' own servers join; None: nowhere.

    `sync_interval` is one setting for the whole server. It is `always`, for the reports in OVOP_INTAKE that nobody has
    stored yet; OVOP_EVENTS lifts it for itself (`persist_mode: async`), since the log is the truth of that stream.
    """
    passwords = {**users.passwords, **{f"outlet-intake.{token}": users.passwords[INTAKE] for token in users.outlets}}
    lines = [
        "server_name: ovop",
        f"listen: {quoted(f'{host}:{port}')}",
        f"max_payload: {PAYLOAD_BYTES_MAX}",
        f"max_connections: {CONNECTIONS_MAX}",
        "jetstream {",
        f"  store_dir: {quoted(str(store))}",
        f"  max_file_store: {FILE_STORE_BYTES_MAX}",
        f"  max_memory_store: {MEMORY_STORE_BYTES_MAX}",
        "  sync_interval: always",
        "}",
        *(leaf.lines() if leaf is not None else ()),
        "accounts {",
        *(line for account in _accounts(users) for line in account.lines(passwords)),
        f"  SYSTEM {{ users: [ {{ user: {SYSTEM}, password: {quoted(users.passwords[SYSTEM])} }} ] }}",
        "}",
        "system_account: SYSTEM",
    ]
    return "\n".join(lines) + "\n"


def _accounts(users: BrokerUsers) -> list[Account]:
    """Two accounts with a stream each, and one for everybody who comes from outside.

    A publisher may have the server's answer sent to any subject of its own account. If a reader shared an account with
    OVOP_EVENTS, or one actor with another, an answer could be made to appear as an event or as another's report.
    """
    services = _service_permissions()
    events = Account(
        "EVENTS",
        {RELAY: services[RELAY], PROJECTOR: services[PROJECTOR]},
        exports=(
            offered("stream", EVENTS_SUBJECTS),
            offered("service", _DIRECT_GET, ", response_type: stream"),
            offered("service", _EVENTS_INFO),
        ),
        has_streams=True,
    )
    intake = Account(
        "INTAKE",
        {INTAKE: services[INTAKE]},
        exports=(offered("service", INTAKE_SUBJECTS), offered("stream", f"{RECEIPTS}.*")),
        has_streams=True,
    )
    actors = [actor_account(token, "INTAKE") for token in users.actors]
    readers = [_reader_account(user) for user in users.readers]
    return [events, intake, *readers, *actors, *(_outlet_account(token) for token in users.outlets)]


def _reader_account(user: str) -> Account:
    """The account of somebody from outside who hears events and reads them again, and can do nothing else."""
    return Account(
        user,
        {user: Permissions((_DIRECT_GET, _EVENTS_INFO), (EVENTS_SUBJECTS, f"{inbox_prefix(user)}.>"))},
        imports=(
            imported("stream", "EVENTS", EVENTS_SUBJECTS),
            imported("service", "EVENTS", _DIRECT_GET),
            imported("service", "EVENTS", _EVENTS_INFO),
        ),
    )


def actor_account(token: str, intake: str) -> Account:
    """The account of a reporting actor beside the account `intake`, whose stream takes its reports."""
    user, reports, receipts = f"actor.{token}", f"ovop.intake.{token}.>", f"{RECEIPTS}.{token}"
    return Account(
        user,
        {user: Permissions((reports,), (receipts, f"{inbox_prefix(user)}.>"))},
        imports=(imported("service", intake, reports), imported("stream", intake, receipts)),
    )


def _outlet_account(token: str) -> Account:
    """The world that an outlet's own server joins: the queue on it, its receipts, and nothing of anybody else.

    The intake service has a user in it, since a push consumer does not deliver from one account into another.
    """
    api, server, intake = f"$JS.{token}.API", f"outlet.{token}", f"outlet-intake.{token}"
    inbox, acks = f"{inbox_prefix(intake)}.>", f"$JS.ACK.{OUTBOX_STREAM}.{INTAKE_CONSUMER}.>"
    return Account(
        server,
        {
            server: Permissions((inbox,), (f"{api}.>", acks, f"{RECEIPTS}.*"), "LEAFNODE"),
            intake: Permissions(
                publish=(
                    *(f"{api}.STREAM.{verb}.{OUTBOX_STREAM}" for verb in ("INFO", "CREATE", "UPDATE")),
                    *(f"{api}.CONSUMER.{v}.{OUTBOX_STREAM}.{INTAKE_CONSUMER}" for v in ("INFO", "CREATE", "DELETE")),
                    acks,
                    f"{RECEIPTS}.*",
                ),
                subscribe=(inbox,),
            ),
        },
    )
