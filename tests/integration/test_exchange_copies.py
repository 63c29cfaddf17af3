"""Copies for auditors, notes of cases, and the key that signs."""

import hashlib
import json
import re
import shlex
import subprocess
from collections.abc import Iterator
from pathlib import Path
from typing import Any
from uuid import uuid4

import psycopg
import pytest

from events.canonical import content_hash
from tests import make
from tests.door import NOW, Door, accepted, opened, report
from tests.exchanges import AUDITORS, ovop, told, unreadable
from tests.servers import LogDatabase


@pytest.fixture
def door(log_database: LogDatabase, tmp_path: Path) -> Iterator[Door]:
    with opened(log_database, tmp_path / "data", believed_seconds=0, document_bytes_max=1_000) as opened_door:
        accepted(opened_door.ask("network/found-network", make.network_founded()))
        yield opened_door


def fill(door: Door) -> None:
    accepted(door.ask("network/define-product", make.product_defined()))
    door.tell(*(report(make.sale_made(sale=f"sale-{n}", till_counter=n + 1)) for n in range(20)))


def test_a_copy_is_recorded_before_it_is_handed_out_and_has_the_hash_that_was_recorded(door: Door) -> None:
    fill(door)
    head = door.log.head().position
    accepted(door.command("audit/make-export", export="copy-1"))

    first = door.get("/api/v1/audit/exports/copy-1/file").content
    door.tell(report(make.sale_made(sale="later", till_counter=99)))  # the log goes on, the copy stays what it was
    again = door.get("/api/v1/audit/exports/copy-1/file").content
    [made] = door.get("/api/v1/audit/exports").json()["exports"]

    assert first == again
    assert hashlib.sha256(first).hexdigest() == made["content_sha256"]
    assert (made["after_position"], made["through_position"], made["position"]) == (0, head, head + 1)
    assert made["actor"] == "center/admin"
    assert first.count(b"\n") == head + 1


def test_a_copy_of_nothing_or_of_what_is_not_there_yet_is_refused(door: Door) -> None:
    head = door.log.head().position
    for stretch in (
        {"after_position": head},
        {"through_position": head + 1},
        {"through_position": 0},
        {"after_position": 1, "through_position": 1},
    ):
        refused = door.command("audit/make-export", export="copy-1", **stretch)
        assert (refused.status_code, refused.json()["code"]) == (409, "nothing_to_export")
    assert door.log.head().position == head
    for address in ("copy-1", "copy-1/file"):
        assert door.get(f"/api/v1/audit/exports/{address}").json()["code"] == "no_such_export"


def test_a_copy_asked_for_twice_is_one_and_an_id_is_not_given_twice(door: Door) -> None:
    request = {"id": str(uuid4()), "occurred_at": NOW, "export": "copy-1"}
    first = door.post("/api/v1/audit/make-export", request).json()
    again = door.post("/api/v1/audit/make-export", request).json()

    assert (again["status"], again["receipt"]) == ("duplicate", first["receipt"])
    assert door.command("audit/make-export", export="copy-1").json()["code"] == "export_known"


def test_one_copy_is_read_by_its_id_without_opening_any_other(door: Door, tmp_path: Path) -> None:
    accepted(door.command("audit/make-export", export="copy-1"))
    accepted(door.command("audit/make-export", export="copy-2"))
    listed = door.get("/api/v1/audit/exports").json()["exports"]
    unreadable(door, "export/copy-1")

    assert door.get("/api/v1/audit/exports/copy-2").json() == listed[0]
    taken = told(ovop(door, "export", str(tmp_path / "log.tsv"), "--after", str(listed[0]["position"] - 1), "--json"))
    assert (taken["after_position"], taken["through_position"]) == (listed[1]["position"], listed[0]["position"])


def test_a_copy_is_taken_checked_off_line_and_found_out_when_it_is_changed(door: Door, tmp_path: Path) -> None:
    fill(door)
    file = tmp_path / "log.tsv"
    made = told(ovop(door, "export", str(file), "--after", "3", "--json"))
    checked = told(ovop(door, "verify", str(file), "--json"))

    assert (checked["ok"], checked["events"], checked["after"]) == (True, made["through_position"] - 3, 3)
    assert checked["content_sha256"] == made["content_sha256"]
    assert made["statement"] is None

    file.write_bytes(file.read_bytes().replace(b"apricot-jam-300", b"apricot-jam-301", 1))
    changed = ovop(door, "verify", str(file), "--json")
    assert changed.exit_code == 1
    assert [fault["problem"].partition(":")[0] for fault in json.loads(changed.stdout)["faults"]] == ["changed"]


def test_a_copy_is_checked_without_any_program_of_ours_by_what_the_auditors_page_says(
    door: Door, tmp_path: Path
) -> None:
    fill(door)
    odd = make.names('Өрүк  "кыямы" \\0 %s')  # what a shell could take for something else
    accepted(door.ask("network/define-product", make.product_defined(product="jam-2", names=odd)))
    file = tmp_path / "log.tsv"
    told(ovop(door, "export", str(file), "--json"))
    [script] = re.findall(r"```\n(awk .*?)```", AUDITORS.read_text(), re.DOTALL)
    assert script.count("FILE") == 1

    def checked() -> list[str]:
        command = script.replace("FILE", shlex.quote(str(file)))
        ran = subprocess.run(["sh", "-c", command], capture_output=True, text=True, timeout=60, check=False)
        assert ran.stderr == ""
        return ran.stdout.splitlines()

    assert checked() == []
    sound = file.read_bytes()
    lines = sound.splitlines()[1:]
    for line in (lines[0], lines[len(lines) // 2], lines[-1]):
        forged = line[:-2] + bytes([line[-2] ^ 1]) + line[-1:]
        file.write_bytes(sound.replace(line, forged))
        assert checked() == [f"changed: {forged.decode().split('\t')[3]}"]


def test_a_note_is_read_by_auditors_and_the_log_holds_nothing_by_which_it_could_be_tried(door: Door) -> None:
    about = accepted(door.ask("network/define-product", make.product_defined()))["receipt"]["event_id"]
    text = "Асель says that the jars were never counted."
    request = {"id": str(uuid4()), "occurred_at": NOW, "case": "jars", "about": about, "note": text}
    assert door.post("/api/v1/audit/note-case", request).json()["status"] == "accepted"
    assert door.post("/api/v1/audit/note-case", request).json()["status"] == "duplicate"
    accepted(door.command("audit/note-case", case="jars", note="Ask the lead."))

    case = door.get("/api/v1/audit/cases/jars").json()
    listed = door.get("/api/v1/audit/cases").json()

    assert [(note["note"], note.get("about")) for note in case["notes"]] == [("Ask the lead.", None), (text, about)]
    assert (listed["count"], "note" in listed["notes"][0]) == (2, False)
    with psycopg.connect(door.database.admin) as connection:
        rows = connection.execute("SELECT leaf, request_hash FROM log.events WHERE stream = 'case/jars'").fetchall()
    assert all("Асель".encode() not in leaf for leaf, _ in rows)
    assert content_hash(["note-case", request]) not in [bytes(digest) for _, digest in rows]


def test_a_note_about_an_event_that_there_is_not_is_refused_and_kept_nowhere(door: Door) -> None:
    refused = door.command("audit/note-case", case="jars", about=make.EVENT_ID, note="Look here.")

    assert (refused.status_code, refused.json()["code"]) == (404, "no_such_event")
    assert door.get("/api/v1/audit/cases/jars").json()["code"] == "no_such_case"
    with psycopg.connect(door.database.admin) as connection:
        assert connection.execute("SELECT count(*) FROM personal.vault").fetchone() == (0,)


def texts_kept(door: Door) -> list[str]:
    with psycopg.connect(door.database.admin) as connection:
        rows = connection.execute("SELECT value FROM personal.vault ORDER BY stored_at").fetchall()
    return [value for (value,) in rows]


def test_another_text_under_a_known_id_is_a_conflict_and_kept_nowhere(door: Door) -> None:
    request = {"id": str(uuid4()), "occurred_at": NOW, "case": "jars", "note": "Twelve."}
    sale = report(make.sale_made())
    accepted(door.post("/api/v1/audit/note-case", request))
    door.tell(sale)

    for other in ({"note": "Eleven."}, {"case": "lids"}, {"case": "lids", "note": "Eleven."}, {"id": sale["id"]}):
        answer = door.post("/api/v1/audit/note-case", request | other)
        assert (answer.status_code, answer.json()["answer"]["status"]) == (409, "conflict"), other

    assert texts_kept(door) == ["Twelve."]


def test_two_texts_under_one_id_in_one_list_are_one_note(door: Door) -> None:
    first = {"id": str(uuid4()), "occurred_at": NOW, "case": "jars", "note": "Twelve."}
    lost = {**first, "id": str(uuid4()), "about": make.EVENT_ID, "note": "Look here."}
    found = {key: value for key, value in lost.items() if key != "about"} | {"note": "Or here."}
    many = [first, first | {"note": "Eleven."}, first | {"case": "lids"}, first, lost, found]

    answers = door.post("/api/v1/audit/note-case", many).json()

    statuses = [answer["status"] for answer in answers]
    assert statuses == ["accepted", "conflict", "conflict", "duplicate", "refused", "accepted"]
    assert texts_kept(door) == ["Twelve.", "Or here."]


def test_a_note_sent_again_after_its_text_was_erased_gets_its_receipt_and_is_not_kept_again(door: Door) -> None:
    request = {"id": str(uuid4()), "occurred_at": NOW, "case": "jars", "note": "Twelve."}
    first = accepted(door.post("/api/v1/audit/note-case", request))
    assert door.post("/api/v1/personal/erase", {"id": str(uuid4()), "subject": "case/jars"}).status_code == 200

    again = door.post("/api/v1/audit/note-case", request).json()

    assert (again["status"], again["receipt"]) == ("duplicate", first["receipt"])
    assert texts_kept(door) == []


def test_the_notes_of_a_case_are_erased_and_the_case_still_says_that_there_were_some(door: Door) -> None:
    accepted(door.command("audit/note-case", case="jars", note="Асель was there."))
    assert door.post("/api/v1/personal/erase", {"id": str(uuid4()), "subject": "case/jars"}).status_code == 200

    [note] = door.get("/api/v1/audit/cases/jars").json()["notes"]
    assert note["note"] is None


def test_one_case_is_read_without_opening_any_other(door: Door) -> None:
    accepted(door.command("audit/note-case", case="jars", note="Twelve."))
    accepted(door.command("audit/note-case", case="jars-2", note="Eleven."))
    unreadable(door, "case/jars-2")

    told = door.get("/api/v1/audit/cases/jars").json()

    assert ([note["note"] for note in told["notes"]], told["count"]) == (["Twelve."], 1)


def test_notes_are_written_and_read_on_the_command_line(door: Door) -> None:
    assert ovop(door, "case", "note", "jars", "Twelve, not eleven.").exit_code == 0
    assert told(ovop(door, "case", "show", "jars", "--json"))["notes"][0]["note"] == "Twelve, not eleven."
    missing = ovop(door, "case", "show", "none")
    assert (missing.exit_code, "Nothing was ever noted on this case." in missing.output) == (1, True)


def test_a_key_is_made_in_a_file_and_follows_the_one_before_it(door: Door) -> None:
    first = told(ovop(door, "keys", "rotate-signing", "--json"))
    second = told(ovop(door, "keys", "rotate-signing", "--name", "key-2", "--json"))
    listed = told(ovop(door, "keys", "signing", "--json"))["keys"]

    assert [key["key_id"] for key in listed] == [first["key_id"], "key-2"]
    assert [key["follows"] for key in listed] == [True, True]
    assert listed[1]["cosigned_by"] == first["key_id"]
    assert Path(second["file"]).stat().st_mode & 0o777 == 0o600
    with psycopg.connect(door.database.admin) as connection:
        private = Path(second["file"]).read_bytes().splitlines()[1]
        rows = connection.execute("SELECT leaf FROM log.events WHERE stream = 'signing/log'").fetchall()
    assert not any(private in leaf for (leaf,) in rows)


def test_without_the_key_in_use_nothing_follows_it(door: Door) -> None:
    first = told(ovop(door, "keys", "rotate-signing", "--json"))
    Path(first["file"]).unlink()
    stuck = ovop(door, "keys", "rotate-signing", "--name", "key-2")
    forged = door.command("signing/rotate-signing-key", key_id="key-2", public_key="5e" * 32)

    assert (stuck.exit_code, "the key in use does not lie here" in stuck.output) == (1, True)
    assert not (Path(first["file"]).parent / "key-2.pem").exists()
    assert (forged.status_code, forged.json()["code"]) == (409, "key_not_cosigned")


def test_a_copy_is_signed_and_the_statement_holds_for_that_copy_alone(door: Door, tmp_path: Path) -> None:
    fill(door)
    key = told(ovop(door, "keys", "rotate-signing", "--json"))["public_key"]
    file, other = tmp_path / "log.tsv", tmp_path / "other.tsv"
    statement = told(ovop(door, "export", str(file), "--json"))["statement"]
    told(ovop(door, "export", str(other), "--through", "5", "--json"))

    sound = ovop(door, "verify", str(file), "--statement", statement, "--key", key)
    another_file = ovop(door, "verify", str(other), "--statement", statement)
    another_key = ovop(door, "verify", str(file), "--statement", statement, "--key", "5e" * 32)

    assert (sound.exit_code, f"signed by {key}" in sound.output) == (0, True)
    assert (another_file.exit_code, "another file" in another_file.output) == (1, True)
    assert (another_key.exit_code, "signed by another key" in another_key.output) == (1, True)


@pytest.mark.parametrize(
    "said",
    [
        {"public_key": 5},
        {"signature": None},
        {"signature": ["5e"]},
        {"export": {"export": 7}},
        {"export": {"export": "\ud800"}},
        {"export": "copy"},
    ],
)
def test_a_file_that_is_no_statement_is_told_so(door: Door, tmp_path: Path, said: dict[str, Any]) -> None:
    fill(door)
    told(ovop(door, "keys", "rotate-signing", "--json"))
    file = tmp_path / "log.tsv"
    statement = Path(told(ovop(door, "export", str(file), "--json"))["statement"])
    statement.write_text(json.dumps(json.loads(statement.read_text()) | said))

    checked = ovop(door, "verify", str(file), "--statement", str(statement))

    assert (checked.exit_code, "is no statement about an export" in checked.output) == (1, True), checked.output


def test_without_a_signing_key_nothing_is_stated(door: Door) -> None:
    accepted(door.command("audit/make-export", export="copy-1"))
    assert door.get("/api/v1/audit/exports/copy-1/statement").json()["code"] == "nothing_signs_here"
