"""What auditors note on cases: the text in the personal store, where it can be erased, in the log a commitment."""

import asyncio
from collections.abc import Sequence
from dataclasses import replace
from typing import Annotated, Any, Final, Protocol
from uuid import UUID

from pydantic import Field, StringConstraints

from events import exchange_pages
from events.canonical import content_hash, instant
from events.catalogue.base import Event
from events.catalogue.exchange import AuditCaseNoted
from events.catalogue.values import EventIdText, Id
from services.audit.decider import KeepNote
from services.decider import Command
from services.front import Front
from services.handle import Asked
from services.incoming import WORD

NOTE_CHARACTERS_MAX: Final = 4_000
_KIND: Final = "case_note"


class Kept(Protocol):
    """A text as it is kept."""

    @property
    def value(self) -> str: ...
    @property
    def commitment(self) -> bytes: ...


class Store(Protocol):
    """Where texts are kept outside the log (`services.personal.vault.Vault`). It blocks."""

    def store(self, subject: str, kind: str, value: str) -> Kept:
        """Keep a text; the same one of the same subject keeps its first commitment."""

    def values(self, subject: str) -> Sequence[Kept]:
        """What is kept of a subject."""


class NoteCase(Command):
    """Note something on a case, about an event of the log or about none. Only auditors read it."""

    case: Id
    about: EventIdText | None = None
    note: Annotated[
        str,
        StringConstraints(min_length=1, max_length=NOTE_CHARACTERS_MAX, pattern=WORD, strip_whitespace=True),
        Field(examples=["The counted jars do not fit the receipts of that day."]),
    ]

    @classmethod
    def writes(cls) -> tuple[type[Event], ...]:
        return (AuditCaseNoted,)

    def stream(self) -> str:
        return f"case/{self.case}"


class Notes:
    """Keeps the notes of one network's auditors."""

    def __init__(self, front: Front, store: Store) -> None:
        self._front = front
        self._log = front.handler.log
        self._store = store

    async def keep(self, asked: Sequence[Asked[Any]]) -> list[Asked[Any]]:
        """Keep each text, and go on with its commitment: the log may hold nothing by which a text could be tried."""
        named = [UUID(each.command.about) for each in asked if each.command.about is not None]
        told = await self._front.books.ask_soon(lambda db: exchange_pages.unknown_events(db.connection, named))
        return await asyncio.to_thread(self._keep, asked, told.answer)

    def of(self, case: str) -> dict[str, str]:
        """The texts of a case that are kept, by their commitments. Blocks."""
        return {kept.commitment.hex(): kept.value for kept in self._store.values(f"case/{case}")}

    def _keep(self, asked: Sequence[Asked[Any]], unknown: set[UUID]) -> list[Asked[Any]]:
        """What is refused, or answered by what became of its id before, leaves nothing behind."""
        known = self._log.find([each.id for each in asked])
        begun: dict[UUID, tuple[NoteCase, str]] = {}  # what this list keeps; the first of an id is the one that counts
        kept = []
        for each in asked:
            is_there = each.command.about is None or UUID(each.command.about) not in unknown
            first = known.get(each.id)
            if first is not None:
                commitment = self._first_commitment(each.command, first.stream, first.position)
            elif each.id not in begun and is_there:
                commitment = self._store.store(each.command.stream(), _KIND, each.command.note).commitment.hex()
                begun[each.id] = each.command, commitment
            else:
                commitment = _same_text(each.command, begun.get(each.id))
            kept.append(_with_commitment(each, is_there, commitment))
        return kept

    def _first_commitment(self, command: NoteCase, stream: str, position: int) -> str | None:
        """What the log holds of the id, if it may be this very request: once erased, a text cannot be compared."""
        if stream != command.stream():
            return None
        [logged] = self._log.read(position - 1, 1)
        if not isinstance(logged.event, AuditCaseNoted):
            return None
        commitment = logged.event.note_commitment
        return commitment if self.of(command.case).get(commitment, command.note) == command.note else None


def _same_text(command: NoteCase, begun: tuple[NoteCase, str] | None) -> str | None:
    if begun is None or (begun[0].case, begun[0].note) != (command.case, command.note):
        return None
    return begun[1]


def _with_commitment(asked: Asked[Any], is_there: bool, commitment: str | None) -> Asked[Any]:
    command: NoteCase = asked.command
    said = KeepNote(case=command.case, about=command.about, about_is_there=is_there, note_commitment=commitment)
    content = [NoteCase.verb(), said.model_dump(mode="json"), instant(asked.occurred_at), asked.actor]
    return replace(asked, command=said, content_hash=content_hash(content))
