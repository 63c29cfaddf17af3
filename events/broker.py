"""The words of the post: names of streams and subjects, who connects how, and the wire form of an event.

The log decides, the broker carries. Bodies are CloudEvents 1.0 in their JSON form; the stream's sequence of an event is
its position in the log.
"""

import logging
from dataclasses import dataclass
from typing import TYPE_CHECKING, TypedDict
from urllib.parse import unquote, urlsplit

import orjson

from events.canonical import LeafParts

if TYPE_CHECKING:
    from faststream.nats import NatsBroker

#: A window on the log: the last events, for whoever wants to be told.
EVENTS_STREAM = "OVOP_EVENTS"
EVENTS_SUBJECTS = "ovop.events.>"
#: Reports that nobody has stored yet.
INTAKE_STREAM = "OVOP_INTAKE"
INTAKE_SUBJECTS = "ovop.intake.>"
#: The same on an outlet's own server, until the hub's intake has them in the log.
OUTBOX_STREAM = "OVOP_OUTBOX"
#: Answers to reports, one subject per actor.
RECEIPTS = "ovop.receipts"

CLOUDEVENTS_JSON = "application/cloudevents+json"

#: Where replies go on a broker without users; with users each has an inbox of its own below it.
INBOX = "_INBOX"

logger = logging.getLogger(__name__)


@dataclass(frozen=True, slots=True)
class Posted:
    """A row of the log as the relay carries it: its place, and the final leaf, which says everything else."""

    position: int
    leaf: bytes
    leaf_hash: bytes


class ConnectOptions(TypedDict, total=False):
    """What nats-py takes to connect as somebody; `inbox_prefix` is the only inbox that this user may read."""

    user: str
    password: str
    inbox_prefix: str


def event_subject(wire_name: str) -> str:
    """`outlets.sale_made.v1` is published on `ovop.events.outlets.sale_made`, whatever its version."""
    module, name, _version = wire_name.split(".")
    return f"ovop.events.{module}.{name}"


def intake_subject(actor: str, wire_name: str) -> str:
    """Where `actor` sends a report of this type."""
    module, name, _version = wire_name.split(".")
    return f"ovop.intake.{actor_token(actor)}.{module}.{name}"


def receipt_subject(actor: str) -> str:
    """Where the answers to an actor's reports appear."""
    return f"{RECEIPTS}.{actor_token(actor)}"


def actor_token(actor: str) -> str:
    """An actor's id as one subject token: a dot would end the token, and no id contains a tilde."""
    return actor.replace(".", "~")


def actor_of_token(token: str) -> str:
    """The actor whose token this is."""
    return token.replace("~", ".")


def actor_user(actor: str) -> str:
    """The broker's user of a reporting actor: with a dot, so that no actor can be taken for a service."""
    return f"actor.{actor_token(actor)}"


def outlet_domain(outlet: str) -> str:
    """The JetStream domain of an outlet's own server: one subject token."""
    return actor_token(outlet)


def outlet_user(outlet: str) -> str:
    """The broker's user as which an outlet's own server joins the hub."""
    return f"outlet.{outlet_domain(outlet)}"


def outlet_intake_user(outlet: str) -> str:
    """The broker's user as which the intake service empties the queue on an outlet's own server."""
    return f"outlet-intake.{outlet_domain(outlet)}"


def inbox_prefix(user: str) -> str:
    """The inbox that belongs to one user; the server lets nobody else listen on it."""
    return f"{INBOX}.{user}"


def connect_options(user: str, password: str) -> ConnectOptions:
    """Options for nats-py's `connect`."""
    return ConnectOptions(user=user, password=password, inbox_prefix=inbox_prefix(user))


@dataclass(frozen=True, slots=True)
class BrokerAddress:
    """A broker's address apart from the secret in it, so that the address may be logged."""

    server: str
    options: ConnectOptions

    @classmethod
    def of_url(cls, url: str) -> "BrokerAddress":
        """Split `nats://user:password@host:port`. Without a user the broker is somebody's open one: default inbox."""
        parts = urlsplit(url)
        server = f"{parts.scheme or 'nats'}://{parts.hostname}:{parts.port or 4222}"
        if parts.username is None:
            return cls(server, ConnectOptions())
        return cls(server, connect_options(unquote(parts.username), unquote(parts.password or "")))

    def as_user(self, user: str) -> "BrokerAddress":
        """The same address for another user with the same password. A broker without users stays one."""
        return BrokerAddress(self.server, connect_options(user, self.options["password"])) if self.options else self

    def faststream_broker(self, name: str, domain: str | None = None) -> "NatsBroker":
        """A FastStream broker that connects here as this user and comes back for ever; `domain` is where its streams
        are, unless they are on this very server.

        It injects nothing into handlers (`apply_types=False` costs a tenth of the default for each message) and leaves
        logging to us. Every subscriber states its own `ack_policy`: the default one discards what a handler failed on.
        """
        # Imported here because the relay, which has no subscriber, is back from a crash in half the time without it.
        from faststream.nats import NatsBroker
        from faststream.security import SASLPlaintext

        user = self.options.get("user")
        return NatsBroker(
            self.server,
            security=SASLPlaintext(user, self.options["password"]) if user else None,
            inbox_prefix=self.options.get("inbox_prefix", INBOX),
            name=name,
            js_options={"domain": domain} if domain else None,
            apply_types=False,
            logger=None,
            allow_reconnect=True,
            max_reconnect_attempts=-1,
            reconnect_time_wait=1,
            error_cb=note_error,
        )


async def note_error(error: Exception) -> None:
    """What happens to a connection is told by who uses it; the client's own word is for debugging."""
    logger.debug("broker connection: %r", error)


def cloud_event(row: Posted, said: LeafParts, network: str) -> bytes:
    """The event as CloudEvents 1.0 JSON, its parts in the very bytes of the leaf.

    `position`, `recordedat`, `actor` and `leafhash` are extension attributes.
    """
    return orjson.dumps(
        {
            "specversion": "1.0",
            "id": said.event_id,
            "source": f"/ovop/{network}",
            "type": said.wire_name,
            "time": said.occurred_at,
            "subject": said.stream,
            "datacontenttype": "application/json",
            "position": row.position,
            "recordedat": said.recorded_at,
            "actor": said.actor,
            "leafhash": row.leaf_hash.hex(),
            "data": orjson.Fragment(said.data),
        }
    )


def headers_of(wire_name: str, after: int) -> dict[str, str]:
    """The fence: the server takes the message only as the one that follows `after`, and so sequence == position.

    No Msg-Id: after a purge the same id inside the deduplication window stores nothing.
    """
    return {
        "Nats-Expected-Last-Sequence": str(after),
        "Content-Type": CLOUDEVENTS_JSON,
        "Ovop-Type": wire_name,
    }
