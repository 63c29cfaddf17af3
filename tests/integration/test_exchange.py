"""Papers that are captured, and what the log holds of them."""

import base64
import hashlib
from collections.abc import Iterator
from pathlib import Path
from typing import Any
from uuid import uuid4

import psycopg
import pytest

from tests import make
from tests.door import NOW, Door, accepted, opened, report
from tests.exchanges import ovop, told, unreadable
from tests.servers import LogDatabase


@pytest.fixture
def door(log_database: LogDatabase, tmp_path: Path) -> Iterator[Door]:
    with opened(log_database, tmp_path / "data", believed_seconds=0, document_bytes_max=1_000) as opened_door:
        accepted(opened_door.ask("network/found-network", make.network_founded()))
        yield opened_door


PDF = b"%PDF-1.7\nTwelve jars for Karakol"


def paper(content: bytes = PDF, **changes: Any) -> dict[str, Any]:
    said = {
        "document": "note-1",
        "kind": "delivery_note",
        "media_type": "application/pdf",
        "place": "outlet/karakol",
        "about": "consignment/c-1",
        "content": base64.b64encode(content).decode(),
    }
    return said | changes


def test_a_paper_is_taken_in_listed_by_place_and_read_again_byte_for_byte(door: Door) -> None:
    answer = accepted(door.command("documents/capture-document", **paper()))
    accepted(door.command("documents/capture-document", **paper(document="note-2", place="workshop/tosor-jam")))

    here = door.get("/api/v1/documents", place="outlet/karakol").json()
    about = door.get("/api/v1/documents", about="consignment/c-1", limit=1).json()
    content = door.get("/api/v1/documents/note-1/content")

    assert [each["document"] for each in here["documents"]] == ["note-1"]
    assert (here["count"], here["next"]) == (1, None)
    assert (about["count"], about["documents"][0]["document"]) == (2, "note-2")
    assert door.get("/api/v1/documents", before=about["next"]).json()["documents"] == here["documents"]
    assert here["documents"][0]["position"] == answer["receipt"]["position"]
    assert here["documents"][0]["content_sha256"] == hashlib.sha256(PDF).hexdigest()
    assert content.content == PDF
    assert content.headers["content-type"] == "application/pdf"
    assert content.headers["content-disposition"] == 'attachment; filename="note-1"'
    assert "sandbox" in content.headers["content-security-policy"]


def test_the_log_holds_the_hash_of_a_paper_and_none_of_its_bytes(door: Door) -> None:
    accepted(door.command("documents/capture-document", **paper()))

    with psycopg.connect(door.database.admin) as connection:
        [(leaf,)] = connection.execute("SELECT leaf FROM log.events WHERE stream = 'document/note-1'").fetchall()
    assert hashlib.sha256(PDF).hexdigest().encode() in leaf
    assert b"Twelve" not in leaf
    assert base64.b64encode(PDF)[:20] not in leaf


def test_a_paper_sent_twice_is_one_and_another_under_its_id_is_refused(door: Door) -> None:
    request = {"id": str(uuid4()), "occurred_at": NOW} | paper()
    assert door.post("/api/v1/documents/capture-document", request).json()["status"] == "accepted"
    assert door.post("/api/v1/documents/capture-document", request).json()["status"] == "duplicate"

    other = door.command("documents/capture-document", **paper(PDF + b"more"))
    another = door.post("/api/v1/documents/capture-document", request | paper(PDF + b"more"))
    assert (other.status_code, other.json()["code"]) == (409, "document_known")
    assert another.json()["answer"]["status"] == "conflict"
    with psycopg.connect(door.database.admin) as connection:
        assert connection.execute("SELECT content FROM quarantine.messages").fetchall() == [(PDF,)]
    assert door.get("/api/v1/documents/note-1/content").content == PDF


def test_a_paper_that_is_too_large_or_something_else_is_refused_by_name_and_stored_nowhere(door: Door) -> None:
    head = door.log.head().position
    large = door.command("documents/capture-document", **paper(PDF + bytes(1_000)))
    script = door.command("documents/capture-document", **paper(b"<script>"))
    garbled = door.command("documents/capture-document", **paper() | {"content": "not base64!"})

    assert (large.status_code, large.json()["code"], large.json()["field"]) == (413, "document_too_large", "content")
    assert (script.status_code, script.json()["code"]) == (409, "not_that_kind_of_file")
    assert (garbled.status_code, garbled.json()["field"]) == (422, "content")
    assert door.log.head().position == head


def test_a_document_is_not_reported_as_a_fact_without_its_bytes(door: Door) -> None:
    [answer] = door.tell(report(make.document_captured()))
    assert (answer["status"], answer["problem"]) == ("refused", "not_a_fact")


def test_a_paper_s_bytes_are_erased_and_the_log_still_says_that_there_was_one(door: Door) -> None:
    event = accepted(door.command("documents/capture-document", **paper()))["receipt"]["event_id"]
    erasure = {"id": str(uuid4()), "subject": "user/somebody", "messages": [event]}
    assert door.post("/api/v1/personal/erase", erasure).status_code == 200

    gone = door.get("/api/v1/documents/note-1/content")
    assert (gone.status_code, gone.json()["code"]) == (404, "document_erased")
    assert door.get("/api/v1/documents/note-1").json()["kind"] == "delivery_note"


def test_bytes_that_were_changed_beside_the_log_are_not_shown(door: Door) -> None:
    accepted(door.command("documents/capture-document", **paper()))
    with psycopg.connect(door.database.admin) as connection:
        connection.execute("UPDATE quarantine.messages SET content = content || 'x'")

    damaged = door.get("/api/v1/documents/note-1/content")
    assert (damaged.status_code, damaged.json()["code"]) == (409, "document_damaged")


def test_a_document_that_there_is_not_is_said_to_be_none(door: Door) -> None:
    assert door.get("/api/v1/documents/none").json()["code"] == "no_such_document"


def test_papers_are_captured_and_fetched_on_the_command_line(door: Door, tmp_path: Path) -> None:
    file = tmp_path / "note.pdf"
    file.write_bytes(PDF)
    made = told(
        ovop(door, "document", "capture", str(file), "--place", "outlet/karakol", "--kind", "delivery_note", "--json")
    )
    back = tmp_path / "back.pdf"

    shown = told(ovop(door, "document", "show", made["document"], "--to", str(back), "--json"))

    assert back.read_bytes() == PDF
    assert shown["content_bytes"] == len(PDF)
    (tmp_path / "note.exe").write_bytes(b"MZ")
    refused = ovop(door, "document", "capture", str(tmp_path / "note.exe"), "--place", "outlet/a", "--kind", "x")
    assert refused.exit_code == 1
    assert "note.exe is of no kind that is taken in" in refused.output


def test_a_page_of_papers_is_counted_and_shown_without_opening_those_of_other_pages(door: Door) -> None:
    for name in ("note-1", "note-2", "note-3"):
        accepted(door.command("documents/capture-document", **paper(document=name)))
    unreadable(door, "document/note-1")

    newest = door.get("/api/v1/documents", limit=1).json()

    assert ([each["document"] for each in newest["documents"]], newest["count"]) == (["note-3"], 3)
