"""What may be captured: papers and pictures of a known kind, each once, their bytes beside the log."""

import base64
import binascii
import hashlib
from collections.abc import Callable, Mapping
from dataclasses import dataclass
from typing import Annotated, Any

from pydantic import BeforeValidator, Field, WithJsonSchema

from events.catalogue.base import Event
from events.catalogue.exchange import DocumentCaptured, MediaType
from events.catalogue.values import Id, Place, Reason, StreamName
from services.decider import Command, Decider
from services.errors import Refused


class DocumentKnown(Refused):
    """A document of this id was captured before, and what was captured is never replaced."""

    advice = "Draw a new id for another document; send a repeated request with its first id to get its receipt."


class NotThatKindOfFile(Refused):
    """The bytes are not what the media type says, or there are none."""

    advice = "Name the media type that the file has: a PDF, a picture, or text in UTF-8."


def _bytes_of(value: Any) -> Any:
    if not isinstance(value, str):
        return value
    try:
        return base64.b64decode(value, validate=True)
    except (binascii.Error, ValueError):
        raise ValueError("wrong_form: This is not base64 with its padding.") from None


#: Bytes as JSON carries them.
_FORM = "^([A-Za-z0-9+/]{4})*([A-Za-z0-9+/]{2}==|[A-Za-z0-9+/]{3}=)?$"
Base64 = Annotated[
    bytes,
    BeforeValidator(_bytes_of),
    WithJsonSchema({"type": "string", "contentEncoding": "base64", "minLength": 4, "pattern": _FORM}),
]


class CaptureDocument(Command):
    """Take a paper or file in: a delivery note, a laboratory's report, a document of another system.

    Its bytes are kept beside the log and can be erased; the log holds their hash for ever.
    """

    document: Id
    kind: Reason
    media_type: MediaType
    place: Place  #: where the paper lies
    about: StreamName | None = None
    content: Annotated[Base64, Field(examples=["JVBERi0xLjcK"])]

    def stream(self) -> str:
        return f"document/{self.document}"

    def kept_beside(self) -> bytes | None:
        return self.content

    @classmethod
    def writes(cls) -> tuple[type[Event], ...]:
        return (DocumentCaptured,)


def _is_text(content: bytes) -> bool:
    try:
        text = content.decode()
    except UnicodeDecodeError:
        return False
    return "\x00" not in text


def _begins(*beginnings: bytes) -> Callable[[bytes], bool]:
    return lambda content: content.startswith(beginnings)


#: By which bytes a file of each kind is known.
_LOOKS_LIKE: Mapping[MediaType, Callable[[bytes], bool]] = {
    "application/json": lambda content: _is_text(content) and content.lstrip()[:1] in (b"{", b"["),
    "application/pdf": _begins(b"%PDF-"),
    "application/xml": lambda content: _is_text(content) and content.removeprefix(b"\xef\xbb\xbf").lstrip()[:1] == b"<",
    "image/jpeg": _begins(b"\xff\xd8\xff"),
    "image/png": _begins(b"\x89PNG\r\n\x1a\n"),
    "image/webp": lambda content: content[:4] == b"RIFF" and content[8:12] == b"WEBP",
    "text/csv": _is_text,
    "text/plain": _is_text,
}


@dataclass(frozen=True, slots=True)
class Document:
    """Whether there is a document of this id."""

    is_there: bool = False


def decide(command: CaptureDocument, document: Document) -> list[DocumentCaptured]:
    if document.is_there:
        raise DocumentKnown(field="document")
    if not command.content or not _LOOKS_LIKE[command.media_type](command.content):
        raise NotThatKindOfFile(field="media_type")
    return [
        DocumentCaptured(
            document=command.document,
            kind=command.kind,
            media_type=command.media_type,
            place=command.place,
            about=command.about,
            content_sha256=hashlib.sha256(command.content).hexdigest(),
            content_bytes=len(command.content),
        )
    ]


def evolve(document: Document, event: Event) -> Document:
    return Document(is_there=True) if isinstance(event, DocumentCaptured) else document


DOCUMENT: Decider[CaptureDocument, Document, Event] = Decider(Document(), decide, evolve)
