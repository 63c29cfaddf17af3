"""What comes in and goes out: quarantined messages, documents, exports for auditors, keys."""

from typing import Literal

from events.catalogue.base import Decision, Fact
from events.catalogue.values import (
    ActorId,
    Count,
    EventIdText,
    Id,
    Place,
    Position,
    PublicKeyHex,
    Reason,
    Sha256Hex,
    SignatureHex,
    StreamName,
    TillId,
    WireNameText,
)

#: What a captured document may be: something that is shown or read, and that nobody executes.
MediaType = Literal[
    "application/json",
    "application/pdf",
    "application/xml",
    "image/jpeg",
    "image/png",
    "image/webp",
    "text/csv",
    "text/plain",
]


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
    """A paper or file of somebody else (a delivery note, a laboratory's report, EPCIS) was taken in at a place.

    Its bytes are kept beside the log, where they can be erased; here stands their hash. `about` is the stream of what
    it speaks of, such as `consignment/c-7`.
    """

    wire_name = "exchange.document_captured.v1"
    document: Id
    kind: Reason
    media_type: MediaType
    place: Place
    about: StreamName | None = None
    content_sha256: Sha256Hex
    content_bytes: Count

    def stream(self) -> str:
        return f"document/{self.document}"


class AuditExportMade(Fact):
    """An auditor took a copy of the log: the events behind one position, through another; the hash is the file's."""

    wire_name = "exchange.audit_export_made.v1"
    export: Id
    after_position: Position
    through_position: Position
    content_sha256: Sha256Hex

    def stream(self) -> str:
        return f"export/{self.export}"


class AuditCaseNoted(Fact):
    """An auditor noted something on a case, about an event or about none; the note lies in the personal store."""

    wire_name = "exchange.audit_case_noted.v1"
    case: Id
    about: EventIdText | None = None
    note_commitment: Sha256Hex

    def stream(self) -> str:
        return f"case/{self.case}"


class SigningKeyRotated(Decision):
    """What the network states about its log is signed with this key from now on; the one before it signed for it.

    An Ed25519 key. The first one stands for itself: nobody can sign for it.
    """

    wire_name = "exchange.signing_key_rotated.v1"
    key_id: Id
    public_key: PublicKeyHex
    cosigned_by: Id | None = None
    cosignature: SignatureHex | None = None

    def stream(self) -> str:
        return "signing/log"
