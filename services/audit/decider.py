"""The rules of audits: a copy is taken once under one id, of a stretch that there is; whatever is noted is kept."""

from dataclasses import dataclass

from events.catalogue.base import Event
from events.catalogue.exchange import AuditCaseNoted, AuditExportMade
from events.catalogue.values import EventIdText, Id, Position, Sha256Hex
from services.decider import Command, Decider
from services.errors import Busy, NotFound, Refused


class ExportKnown(Refused):
    """An export of this id was made before."""

    advice = "Download it once more, or draw a new id for another one."


class NothingToExport(Refused):
    """There is no event behind the one position and up to the other."""

    advice = "Name positions that the log has: `after_position` below `through_position`."


class NoSuchEvent(NotFound):
    """The log has no event of this id."""

    advice = "Name an `event_id` as GET /api/v1/events tells it, or leave `about` out."


class MakeExport(Command):
    """Take a copy of a stretch of the log; its hash is that of the file which follows from the log."""

    export: Id
    after_position: Position
    through_position: Position
    head_position: Position
    content_sha256: Sha256Hex

    def stream(self) -> str:
        return f"export/{self.export}"


class KeepNote(Command):
    """Something was noted on a case; the note itself is kept elsewhere.

    Without a commitment it is not kept: its id is that of another request, by which it is answered.
    """

    case: Id
    about: EventIdText | None
    about_is_there: bool
    note_commitment: Sha256Hex | None

    def stream(self) -> str:
        return f"case/{self.case}"


@dataclass(frozen=True, slots=True)
class Export:
    """Whether there is an export of this id."""

    is_there: bool = False


def must_be_a_stretch(after: int, through: int, head: int) -> None:
    """Raises NothingToExport."""
    if not after < through <= head:
        raise NothingToExport(field="through_position")


def decide_export(command: MakeExport, export: Export) -> list[AuditExportMade]:
    if export.is_there:
        raise ExportKnown(field="export")
    must_be_a_stretch(command.after_position, command.through_position, command.head_position)
    return [
        AuditExportMade(
            export=command.export,
            after_position=command.after_position,
            through_position=command.through_position,
            content_sha256=command.content_sha256,
        )
    ]


def evolve_export(export: Export, event: Event) -> Export:
    return Export(is_there=True) if isinstance(event, AuditExportMade) else export


EXPORT: Decider[MakeExport, Export, Event] = Decider(Export(), decide_export, evolve_export)


def decide_note(command: KeepNote, _: None) -> list[AuditCaseNoted]:
    if not command.about_is_there:
        raise NoSuchEvent(field="about")
    if command.note_commitment is None:
        raise Busy  # the other one, in the same list, gave way itself
    return [AuditCaseNoted(case=command.case, about=command.about, note_commitment=command.note_commitment)]


CASE: Decider[KeepNote, None, Event] = Decider(None, decide_note, lambda state, _: state)
