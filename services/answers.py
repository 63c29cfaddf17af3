"""What a sender is told about each item it sent: the same form for reports and for commands."""

from dataclasses import dataclass
from datetime import datetime
from typing import Any, Literal
from uuid import UUID

from events.appends import Appended, Duplicate
from services.errors import IdConflict, Refused

Status = Literal["accepted", "duplicate", "flagged", "quarantined", "conflict", "refused"]


@dataclass(frozen=True, slots=True)
class Receipt:
    """Proof that a report is in the log."""

    event_id: UUID
    position: int
    leaf_hash: str  #: hexadecimal SHA-256
    recorded_at: datetime

    def as_json(self) -> dict[str, Any]:
        return {
            "event_id": self.event_id,
            "position": self.position,
            "leaf_hash": self.leaf_hash,
            "recorded_at": self.recorded_at,
        }


@dataclass(frozen=True, slots=True)
class Answer:
    """What became of one item."""

    id: str | None  #: as the sender wrote it
    status: Status
    position: int | None = None
    problem: str | None = None
    detail: str | None = None
    flags: tuple[str, ...] = ()
    receipt: Receipt | None = None
    refusal: Refused | None = None
    key: str | None = None  #: a new device's key, shown this once
    code: str | None = None  #: the code with which a new device enrols a key of its own, shown this once

    def as_json(self) -> dict[str, Any]:
        item: dict[str, Any] = {
            "id": self.id,
            "status": self.status,
            "position": self.position,
            "problem": self.problem,
            "flags": self.flags,
            "receipt": None if self.receipt is None else self.receipt.as_json(),
        }
        if self.detail is not None:
            item["detail"] = self.detail
        if self.key is not None:
            item["key"] = self.key
        if self.code is not None:
            item["code"] = self.code
        return item


def receipt_of(request_id: UUID, outcome: Appended | Duplicate) -> Receipt:
    return Receipt(request_id, outcome.first_position, outcome.leaf_hash.hex(), outcome.recorded_at)


def refused(claimed_id: Any, refusal: Refused) -> Answer:
    """The answer to an item that a rule refused: nothing of it was stored."""
    name = claimed_id if isinstance(claimed_id, str) else None
    return Answer(name, "refused", problem=refusal.code(), detail=refusal.message(), refusal=refusal)


def conflict(claimed_id: str | None, position: int, evidence: Receipt | None = None) -> Answer:
    """The answer to an id that stands for something else, at `position`; `evidence` says where this one is kept."""
    why = IdConflict(field="id")
    return Answer(claimed_id, "conflict", position, why.code(), why.message(), receipt=evidence, refusal=why)
