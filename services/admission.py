"""Whether a sender may report these facts, and whether they follow on what its device reported before."""

import asyncio
from collections.abc import Sequence
from typing import Any, Protocol

from events.catalogue.base import Event, Fact
from services.access.judge import Judge
from services.access.permissions import rule_of
from services.access.sender import NoSuchRight, NotYours, NotYourTill, Sender
from services.access.signatures import Link, broken, link_of
from services.errors import Refused
from services.incoming import wrong


class Chains(Protocol):
    """The chains of devices that sign (`services.access.credentials.Credentials`)."""

    def chain(self, key_id: str) -> tuple[int, bytes] | None:
        """The newest report of a device that is known: its counter and its hash."""

    def move_chain(self, key_id: str, counter: int, head: bytes) -> None:
        """A device reported on; may block."""


async def refusals_of(facts: Sequence[Fact], sender: Sender, judge: Judge) -> list[Refused | None]:
    """Why a sender may not report each of these facts; Malformed when the log does not say (yet) whose it is.

    What comes earlier or later in the same request counts as said.
    """
    rules = [rule_of(type(fact)) for fact in facts]
    ahead: dict[str, list[Event]] = {}
    for fact in facts:
        ahead.setdefault(fact.stream(), []).append(fact)
    matters = [(may, about(fact)) for fact, (may, about) in zip(facts, rules, strict=True)]
    verdicts = await judge.judge(sender, matters, ahead)
    refusals: list[Refused | None] = []
    for (may, _), verdict in zip(matters, verdicts, strict=True):
        if verdict == "yes":
            refusals.append(None)
        elif verdict == "unknown":
            refusals.append(wrong("data", "owner_unknown", "The log does not say (yet) whose this is."))
        elif sender.kind == "till":
            refusals.append(NotYourTill())
        else:
            refusals.append(NotYours() if may.open_to(sender) else NoSuchRight())
    return refusals


async def broken_chains(reports: Sequence[tuple[Any, bytes | None]], sender: Sender, chains: Chains) -> set[int]:
    """Which of these items (each with the hash of its content) do not follow on their till's report before.

    The chain of a device that signs is followed from request to request, that of another till within one.
    """
    if sender.key_id is None and not any(_is_linked(item) for item, _ in reports):
        return set()
    tills: dict[Any, list[Link]] = {}
    for i, (item, digest) in enumerate(reports):
        link = link_of(i, item, digest or b"")
        if link is not None:
            tills.setdefault(link.till, []).append(link)
    before = None if sender.key_id is None else chains.chain(sender.key_id)
    found: set[int] = set()
    for links in tills.values():
        found |= broken(links, before, sender.signed_head)
        if sender.key_id is not None:
            newest = max(links, key=lambda link: link.counter)
            await asyncio.to_thread(chains.move_chain, sender.key_id, newest.counter, newest.hash)
    return found


def _is_linked(item: Any) -> bool:
    data = item.get("data") if isinstance(item, dict) else None
    return isinstance(data, dict) and data.get("prev_hash") is not None
