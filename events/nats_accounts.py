"""How a nats-server is told who may do what: users, their exact subjects, and the accounts around them."""

import json
from collections.abc import Mapping
from dataclasses import dataclass, field
from typing import Literal

#: How a user connects: as a client, or as another server that extends this one (a leaf node).
Connection = Literal["STANDARD", "LEAFNODE"]


@dataclass(frozen=True, slots=True)
class Permissions:
    """What one user may publish and what it may subscribe to; everything else is refused by the server."""

    publish: tuple[str, ...]
    subscribe: tuple[str, ...]
    connects_as: Connection = "STANDARD"


@dataclass(frozen=True, slots=True)
class Account:
    """Users who share a world of subjects, what of it others may import, and what they import themselves."""

    name: str
    users: Mapping[str, Permissions]
    exports: tuple[str, ...] = ()
    imports: tuple[str, ...] = ()
    has_streams: bool = field(default=False, kw_only=True)

    def lines(self, passwords: Mapping[str, str]) -> list[str]:
        """The account as lines of the server's configuration."""
        return [
            f"  {quoted(self.name)} {{",
            *(["    jetstream: enabled"] if self.has_streams else []),
            "    users: [",
            *(f"      {_user(name, passwords[name], may)}" for name, may in self.users.items()),
            "    ]",
            f"    exports: [{', '.join(self.exports)}]",
            f"    imports: [{', '.join(self.imports)}]",
            "  }",
        ]


def offered(kind: Literal["stream", "service"], subject: str, more: str = "") -> str:
    """What an account lets others import."""
    return f"{{ {kind}: {quoted(subject)}{more} }}"


def imported(kind: Literal["stream", "service"], account: str, subject: str) -> str:
    """What an account takes from another one."""
    return f"{{ {kind}: {{ account: {quoted(account)}, subject: {quoted(subject)} }} }}"


def quoted(text: str) -> str:
    return json.dumps(text)


def _user(user: str, password: str, may: Permissions) -> str:
    publish, subscribe = (", ".join(map(quoted, subjects)) for subjects in (may.publish, may.subscribe))
    permissions = f"{{ publish: {{ allow: [{publish}] }}, subscribe: {{ allow: [{subscribe}] }} }}"
    return (
        f"{{ user: {quoted(user)}, password: {quoted(password)},"
        f" allowed_connection_types: [{may.connects_as}], permissions: {permissions} }}"
    )
