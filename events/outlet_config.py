"""The configuration of an outlet's own broker: it keeps the reports of its devices while the link to the hub is down.

The outlet's server joins the hub as a leaf node, in an account that holds nothing but its queue and its receipts. The
queue is emptied by the hub's intake service, which acknowledges a report when it is in the log and not before; so there
is no second queue to lose anything, and nothing at the outlet has to run but nats-server.
"""

from collections.abc import Iterable
from pathlib import Path
from typing import Final
from urllib.parse import quote

from events.broker import INTAKE_SUBJECTS, RECEIPTS, actor_token, outlet_domain, outlet_user
from events.nats_accounts import Account, offered, quoted
from events.nats_config import CONNECTIONS_MAX, PAYLOAD_BYTES_MAX, BrokerUsers, actor_account

#: The account on the outlet's server that holds the queue; the link to the hub belongs to it.
OUTBOX: Final = "OUTBOX"
FILE_STORE_BYTES_MAX: Final = 4 * 1024 * 1024 * 1024
MEMORY_STORE_BYTES_MAX: Final = 16 * 1024 * 1024
#: A link that went silent is noticed after two unanswered pings.
PING_SECONDS: Final = 20


def outlet_config(
    users: BrokerUsers,
    outlet: str,
    actors: Iterable[str],
    hub: str,
    port: int,
    store: Path,
    host: str = "127.0.0.1",
    authority: Path | None = None,
) -> str:
    """The text of a nats-server 2.15 configuration for the server of `outlet`.

    It listens for the devices of `actors` on `host:port`, each with its own user and the password that it also has at
    the hub, keeps their reports below `store`, and joins the hub's leaf port at `hub` (`host:port`): over TLS, trusting
    the certificates in `authority`, or in clear when there is none.
    """
    devices = [actor_account(actor_token(actor), OUTBOX) for actor in actors]
    outbox = Account(
        OUTBOX, {}, (offered("service", INTAKE_SUBJECTS), offered("stream", f"{RECEIPTS}.*")), has_streams=True
    )
    lines = [
        f"server_name: {quoted(outlet_user(outlet))}",
        f"listen: {quoted(f'{host}:{port}')}",
        f"max_payload: {PAYLOAD_BYTES_MAX}",
        f"max_connections: {CONNECTIONS_MAX}",
        f'ping_interval: "{PING_SECONDS}s"',
        "ping_max: 2",
        "jetstream {",
        f"  domain: {quoted(outlet_domain(outlet))}",
        f"  store_dir: {quoted(str(store))}",
        f"  max_file_store: {FILE_STORE_BYTES_MAX}",
        f"  max_memory_store: {MEMORY_STORE_BYTES_MAX}",
        "  sync_interval: always",
        "}",
        "accounts {",
        *(line for account in (outbox, *devices) for line in account.lines(users.passwords)),
        "  SYSTEM { }",
        "}",
        "system_account: SYSTEM",
        "leafnodes {",
        "  remotes: [ {",
        f"    account: {OUTBOX}",
        *_link_lines(users, outlet, hub, authority),
        "  } ]",
        "}",
    ]
    return "\n".join(lines) + "\n"


def _link_lines(users: BrokerUsers, outlet: str, hub: str, authority: Path | None) -> list[str]:
    user = outlet_user(outlet)
    scheme, tls = ("tls", [f"    tls {{ ca_file: {quoted(str(authority))} }}"]) if authority else ("nats-leaf", [])
    return [f"    urls: [{quoted(f'{scheme}://{user}:{users.passwords[user]}@{hub}')}]", *tls]


def user_address(users: BrokerUsers, user: str, server: str) -> str:
    """The URL with which a user connects to `server` (`host:port`)."""
    return f"nats://{quote(user, safe='')}:{users.passwords[user]}@{server}"
