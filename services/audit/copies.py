"""Copies of the log for auditors: hashed before they are recorded, the same bytes whenever they are downloaded."""

import asyncio
import hashlib
import time
from collections.abc import Iterator, Sequence
from typing import Annotated, Any, Final

from pydantic import Field

from events.catalogue.base import Event
from events.catalogue.exchange import AuditExportMade
from events.catalogue.values import Id, Position
from events.exported import Header, Leaf, written
from services.audit.decider import MakeExport, must_be_a_stretch
from services.decider import Command
from services.errors import Refused
from services.front import Front
from services.handle import Asked

#: So many pages are read one after the other before others get their turn.
_PAUSE_SECONDS: Final = 0.001


class TooMuchForOneExport(Refused):
    """These are more events than this installation puts into one export; that is a million unless it was set."""

    advice = "Take the log in stretches: each begins behind the position through which the one before went."


class MakeExportAsked(Command):
    """Take a copy of the log: the events behind `after_position`, through `through_position` or the end of the log.

    Recorded first; the file is at /api/v1/audit/exports/{export}/file, the same bytes whenever it is asked for.
    """

    export: Id
    after_position: Position = 0
    through_position: Annotated[Position | None, Field(description="The end of the log when none is said.")] = None

    @classmethod
    def verb(cls) -> str:
        return MakeExport.verb()

    @classmethod
    def writes(cls) -> tuple[type[Event], ...]:
        return (AuditExportMade,)


class Copies:
    """Makes exports of one network's log."""

    def __init__(self, front: Front) -> None:
        self._log = front.handler.log
        self._network = front.settings.network
        self._events_max = front.settings.export_events_max
        self._one_at_a_time = asyncio.Semaphore(1)

    def file(self, after: int, through: int) -> Iterator[bytes]:
        """The file in pieces. Blocks."""

        def read(behind: int, limit: int) -> Sequence[Leaf]:
            return self._log.read_leaves(behind, limit, through)

        return written(Header(self._network, after, through), read)

    async def with_hash(self, asked: Sequence[Asked[Any]]) -> list[Command | Refused]:
        """Hash each stretch as its file will be."""
        known = await asyncio.to_thread(self._log.find, [each.id for each in asked])
        return [await self._with_hash(each.command, is_known=each.id in known) for each in asked]

    async def _with_hash(self, command: MakeExportAsked, *, is_known: bool) -> Command | Refused:
        head = (await asyncio.to_thread(self._log.head)).position
        after, through = command.after_position, command.through_position
        if through is None:
            through = head
        digest = "0" * 64  # of a request that is answered by its first receipt, so nothing is decided by it
        if not is_known:
            try:
                must_be_a_stretch(after, through, head)
            except Refused as refusal:
                return refusal
            if through - after > self._events_max:
                return TooMuchForOneExport(field="through_position")
            async with self._one_at_a_time:
                digest = await asyncio.to_thread(self._hash, after, through)
        return MakeExport(
            export=command.export,
            after_position=after,
            through_position=through,
            head_position=head,
            content_sha256=digest,
        )

    def _hash(self, after: int, through: int) -> str:
        digest = hashlib.sha256()
        for piece in self.file(after, through):
            digest.update(piece)
            time.sleep(_PAUSE_SECONDS)
        return digest.hexdigest()
