"""What the door says to a sender: an answer for each item, and problem details (RFC 9457) for what is turned away."""

from datetime import datetime
from typing import Literal
from uuid import UUID

from pydantic import BaseModel, ConfigDict

Status = Literal["accepted", "duplicate", "flagged", "quarantined", "conflict", "refused"]


class Said(BaseModel):
    """A part of an answer. What a later server says besides is passed over."""

    model_config = ConfigDict(frozen=True, extra="ignore")


class Receipt(Said):
    """Proof that something is in the log."""

    event_id: UUID
    position: int
    leaf_hash: str  #: hexadecimal SHA-256
    recorded_at: datetime


class Answer(Said):
    """What became of one item."""

    id: str | None
    status: Status
    position: int | None = None
    problem: str | None = None  #: the code of what is wrong with it
    detail: str | None = None
    flags: tuple[str, ...] = ()  #: advice: what looks wrong about a fact that was taken
    receipt: Receipt | None = None
    key: str | None = None  #: a new device's key, shown this once
    code: str | None = None  #: with which a new device enrols a key of its own, shown this once

    @property
    def is_taken(self) -> bool:
        """Whether it is in the log as what it is; what is in quarantine is kept, and not yet understood."""
        return self.status in ("accepted", "duplicate", "flagged") and self.problem is None


class FieldProblem(Said):
    """One thing that is wrong with one field."""

    field: str
    code: str
    message: str


class Problem(Said):
    """Why a request was turned away."""

    code: str  #: the name of the refusal, such as `not_yours`
    title: str  #: the same as a sentence
    status: int  #: of HTTP
    field: str | None = None
    what_to_do: str | None = None
    problems: tuple[FieldProblem, ...] = ()
    answer: Answer | None = None  #: to a single item


class News(Said):
    """The network's totals, whenever the read models have moved on."""

    position: int
    recorded_at: datetime | None
    sales_tyiyn: int
    makers_tyiyn: int
