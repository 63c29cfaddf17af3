"""Events of the exchange with others: quarantine, exports, keys."""

from typing import Any

from events.catalogue import exchange
from tests.make.values import EVENT_ID, HASH, made


def message_quarantined(**changes: Any) -> exchange.MessageQuarantined:
    return made(
        exchange.MessageQuarantined,
        changes,
        quarantine="quarantine-1",
        sender="till/karakol-1",
        till="karakol-1",
        till_counter=7,
        claimed_id=EVENT_ID,
        problem="unknown_field",
        content_sha256=HASH,
        content_bytes=321,
    )


def quarantine_resolved(**changes: Any) -> exchange.QuarantineResolved:
    return made(
        exchange.QuarantineResolved,
        changes,
        quarantine="quarantine-1",
        resolution="mapped",
        reason="old_tablet",
        resubmitted_as=EVENT_ID,
    )


def document_captured(**changes: Any) -> exchange.DocumentCaptured:
    return made(
        exchange.DocumentCaptured,
        changes,
        document="document-1",
        kind="delivery_note",
        media_type="application/pdf",
        place="outlet/karakol",
        about="consignment/consignment-1",
        content_sha256=HASH,
        content_bytes=4_096,
    )


def audit_export_made(**changes: Any) -> exchange.AuditExportMade:
    return made(
        exchange.AuditExportMade,
        changes,
        export="export-1",
        after_position=0,
        through_position=1_000,
        content_sha256=HASH,
    )


def audit_case_noted(**changes: Any) -> exchange.AuditCaseNoted:
    return made(exchange.AuditCaseNoted, changes, case="case-1", about=EVENT_ID, note_commitment=HASH)


def signing_key_rotated(**changes: Any) -> exchange.SigningKeyRotated:
    return made(
        exchange.SigningKeyRotated,
        changes,
        key_id="key-2",
        public_key=HASH,
        cosigned_by="key-1",
        cosignature=2 * HASH,
    )
