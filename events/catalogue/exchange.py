"""What comes in and goes out: quarantined messages, documents, exports for auditors, keys."""

from typing import Literal

from events.catalogue.base import Decision, Fact
from events.catalogue.values import ActorId, Count, EventIdText, Id, Position, Reason, Sha256Hex, TillId, WireNameText


class MessageQuarantined(Fact):
    """A report from a known sender could not be understood. Its bytes are kept beside the log, their hash in it.

    `reported_as` is the event that the sender's address stood for, where the bytes do not say it themselves.
    """

    wire_name = "exchange.message_quarantined.v1"
    quarantine: Id
    sender: ActorId
    till: TillId | None = None
    till_counter: Count | None = None
    claimed_id: EventIdText | None = None
    problem: Reason
    reported_as: WireNameText | None = None
    content_sha256: Sha256Hex
    content_bytes: Count

    def stream(self) -> str:
        return f"quarantine/{self.quarantine}"


class QuarantineResolved(Decision):
    """Somebody dealt with a quarantined message: mapped, sent again as `resubmitted_as`, or dismissed for a reason."""

    wire_name = "exchange.quarantine_resolved.v1"
    quarantine: Id
    resolution: Literal["resubmitted", "mapped", "dismissed"]
    reason: Reason
    resubmitted_as: EventIdText | None = None

    def stream(self) -> str:
        return f"quarantine/{self.quarantine}"


class DocumentCaptured(Fact):
    """A document of another system (EPCIS, a delivery note) was taken in; its bytes are kept beside the log."""

    wire_name = "exchange.document_captured.v1"
    document: Id
    kind: Reason
    content_sha256: Sha256Hex
    content_bytes: Count

    def stream(self) -> str:
        return f"document/{self.document}"


class AuditExportMade(Fact):
    """An auditor took a copy of the log up to a position."""

    wire_name = "exchange.audit_export_made.v1"
    export: Id
    through_position: Position
    content_sha256: Sha256Hex

    def stream(self) -> str:
        return f"export/{self.export}"


class AuditCaseNoted(Fact):
    """An auditor pinned an event to a case; the note itself lies in the personal store."""

    wire_name = "exchange.audit_case_noted.v1"
    case: Id
    about: EventIdText | None = None
    note_commitment: Sha256Hex

    def stream(self) -> str:
        return f"case/{self.case}"


class SigningKeyRotated(Decision):
    """The log is signed with another key from now on; the old key signed for the new one."""

    wire_name = "exchange.signing_key_rotated.v1"
    key_id: Id
    public_key_sha256: Sha256Hex
    cosigned_by: Id

    def stream(self) -> str:
        return "signing/log"
