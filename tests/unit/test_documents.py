"""What may be captured: a file that is what it says it is, once."""

import hashlib

import pytest

from services.documents.decider import DOCUMENT, CaptureDocument, DocumentKnown, NotThatKindOfFile
from services.errors import Malformed
from tests import make
from tests.given import given

PDF = b"%PDF-1.7\nA delivery note"
FIELDS = b"""{"document": "document-1", "kind": "delivery_note", "media_type": "application/pdf",
  "place": "outlet/karakol", "about": "consignment/consignment-1", "content": "%s"}"""


def capture(content: bytes = PDF, media_type: str = "application/pdf") -> CaptureDocument:
    return CaptureDocument.model_validate(
        {
            "document": "document-1",
            "kind": "delivery_note",
            "media_type": media_type,
            "place": "outlet/karakol",
            "about": "consignment/consignment-1",
            "content": content,
        }
    )


def test_a_captured_document_is_its_hash_in_the_log_and_its_bytes_beside_it() -> None:
    digest = hashlib.sha256(PDF).hexdigest()

    given(DOCUMENT).when(capture()).then(make.document_captured(content_sha256=digest, content_bytes=len(PDF)))
    assert capture().kept_beside() == PDF


def test_what_was_captured_is_never_replaced() -> None:
    given(DOCUMENT, make.document_captured()).when(capture()).then_refused(DocumentKnown)


@pytest.mark.parametrize(
    ("media_type", "content"),
    [
        ("application/pdf", PDF),
        ("image/jpeg", b"\xff\xd8\xff\xe0JFIF"),
        ("image/png", b"\x89PNG\r\n\x1a\n...."),
        ("image/webp", b"RIFF\x00\x00\x00\x00WEBPVP8 "),
        ("application/json", b' {"type": "EPCISDocument"}'),
        ("application/xml", b"\xef\xbb\xbf<?xml version='1.0'?><a/>"),
        ("text/csv", "лот;кг\n".encode()),
        ("text/plain", "12 кавонос".encode()),
    ],
)
def test_a_file_is_known_by_how_it_begins(media_type: str, content: bytes) -> None:
    assert given(DOCUMENT).when(capture(content, media_type)).refusal is None


@pytest.mark.parametrize(
    ("media_type", "content"),
    [
        ("application/pdf", b"<html><script>"),
        ("application/pdf", b""),
        ("image/jpeg", b"\x89PNG\r\n\x1a\n...."),
        ("image/webp", b"RIFF\x00\x00\x00\x00WAVEfmt "),
        ("application/json", b"not JSON"),
        ("application/json", b"{\xff}"),
        ("text/plain", b"\x7fELF\x00\x00"),
        ("text/csv", b"\xff\xfe\x00a"),
    ],
)
def test_a_file_that_is_something_else_is_refused(media_type: str, content: bytes) -> None:
    given(DOCUMENT).when(capture(content, media_type)).then_refused(NotThatKindOfFile)


@pytest.mark.parametrize("text", [b"***", b"JVBERi0", b"JVBE Ri0x", b"\\u0416", b""])
def test_what_is_not_base64_is_malformed_and_says_where(text: bytes) -> None:
    if text == b"":
        parsed = CaptureDocument.parse(FIELDS % text)
        given(DOCUMENT).when(parsed).then_refused(NotThatKindOfFile)
        return
    with pytest.raises(Malformed) as refused:
        CaptureDocument.parse(FIELDS % text)
    assert [(problem.field, problem.code) for problem in refused.value.problems] == [("content", "wrong_form")]


def test_what_is_base64_is_read_as_its_bytes() -> None:
    assert CaptureDocument.parse(FIELDS % b"JVBERi0xLjcK").content == b"%PDF-1.7\n"
