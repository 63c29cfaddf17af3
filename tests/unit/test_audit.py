"""The rules of copies and notes, and the file that a copy is."""

from collections.abc import Iterator
from datetime import UTC, datetime
from pathlib import Path
from typing import NamedTuple
from uuid import UUID

import pytest

from events.canonical import event_data, hash_leaf, instant, leaf_ends
from events.exported import Header, NotAnExport, read_header, read_row, written
from services.audit.decider import (
    CASE,
    EXPORT,
    ExportKnown,
    KeepNote,
    MakeExport,
    NoSuchEvent,
    NothingToExport,
)
from services.errors import Busy
from services.verification import verify_file
from tests import make
from tests.given import given

AT = datetime(2026, 11, 23, 12, 3, tzinfo=UTC)
MADE = make.audit_export_made()


def ask(after: int = 0, through: int = 1_000, head: int = 2_000) -> MakeExport:
    return MakeExport(
        export="export-1",
        after_position=after,
        through_position=through,
        head_position=head,
        content_sha256=make.HASH,
    )


def test_a_copy_is_recorded_with_its_stretch_and_its_hash() -> None:
    given(EXPORT).when(ask()).then(MADE)


def test_one_id_is_one_copy() -> None:
    given(EXPORT, MADE).when(ask()).then_refused(ExportKnown)


@pytest.mark.parametrize(("after", "through", "head"), [(5, 5, 9), (6, 5, 9), (0, 10, 9), (0, 0, 0)])
def test_a_stretch_without_events_or_beyond_the_log_is_refused(after: int, through: int, head: int) -> None:
    given(EXPORT).when(ask(after, through, head)).then_refused(NothingToExport)


def note(*, is_there: bool = True, commitment: str | None = make.HASH) -> KeepNote:
    return KeepNote(case="case-1", about=make.EVENT_ID, about_is_there=is_there, note_commitment=commitment)


def test_whatever_is_noted_on_a_case_is_kept_as_often_as_it_is_said() -> None:
    noted = make.audit_case_noted()

    given(CASE).when(note()).then(noted)
    given(CASE, noted).when(note()).then(noted)


def test_a_note_about_an_event_that_there_is_not_is_refused() -> None:
    given(CASE).when(note(is_there=False)).then_refused(NoSuchEvent)


def test_a_note_whose_text_is_not_kept_is_not_recorded() -> None:
    given(CASE).when(note(commitment=None)).then_refused(Busy)


class Stored(NamedTuple):
    position: int
    version: int
    leaf: bytes
    leaf_hash: bytes


def stored(position: int, *, version: int | None = None, stream: str = "till/karakol-1") -> Stored:
    event_id = UUID(int=position, version=4)
    head, tail = leaf_ends("center/admin", event_data(make.till_enrolled()), event_id, AT, stream, "network.x.v1")
    leaf = head + instant(AT).encode() + tail
    return Stored(position, position if version is None else version, leaf, hash_leaf(leaf))


def export(path: Path, rows: list[Stored], after: int = 0, through: int | None = None) -> Path:
    last = rows[-1].position if through is None else through

    def read(behind: int, limit: int) -> Iterator[Stored]:
        return (row for row in rows if behind < row.position <= behind + limit)

    path.write_bytes(b"".join(written(Header("kg", after, last), read)))
    return path


def test_an_export_says_of_each_event_its_place_its_hash_and_its_very_bytes(tmp_path: Path) -> None:
    rows = [stored(1), stored(2)]
    first, *lines = export(tmp_path / "log.tsv", rows).read_bytes().splitlines(keepends=True)

    assert read_header(first) == Header("kg", 0, 2)
    assert [read_row(line, 2).leaf for line in lines] == [row.leaf for row in rows]


def test_a_sound_export_is_sound_wherever_it_begins(tmp_path: Path) -> None:
    rows = [stored(n) for n in range(1, 8)]
    whole = verify_file(export(tmp_path / "whole.tsv", rows))
    part = verify_file(export(tmp_path / "part.tsv", rows[3:], after=3))

    assert (whole.is_sound, whole.events, whole.head_position) == (True, 7, 7)
    assert (part.is_sound, part.events, part.head_position) == (True, 4, 7)
    assert whole.head_leaf_hash == part.head_leaf_hash


@pytest.mark.parametrize(
    ("rows", "through", "problem"),
    [
        ([stored(1), stored(3)], None, "missing"),
        ([stored(1), stored(2)], 3, "missing: the file ends"),
        ([stored(1), stored(2, version=3)], None, "stream broken"),
        ([stored(1), stored(2)._replace(leaf_hash=bytes(32))], None, "changed"),
        ([stored(1), stored(2)._replace(leaf=stored(3).leaf)], None, "changed"),
    ],
)
def test_what_is_wrong_with_an_export_is_said(
    tmp_path: Path, rows: list[Stored], through: int | None, problem: str
) -> None:
    found = verify_file(export(tmp_path / "log.tsv", rows, through=through))

    assert not found.is_sound
    assert found.faults[0].problem.startswith(problem)


def test_every_changed_byte_of_an_export_is_found(tmp_path: Path) -> None:
    path = export(tmp_path / "log.tsv", [stored(1), stored(2)])
    content = path.read_bytes()
    sound = verify_file(path).content_sha256
    for at in range(len(content)):
        path.write_bytes(content[:at] + bytes([content[at] ^ 1]) + content[at + 1 :])
        try:
            found = verify_file(path)
        except NotAnExport:
            continue
        assert found.content_sha256 != sound
        # The network's name is not in any leaf: only the hash in the log, or a signed statement, speaks for it.
        assert not found.is_sound or at < content.index(b"\t0\t")


@pytest.mark.parametrize(
    "content", [b"", b"hello\n", b"ovop-export-v1\tkg\t0\n", b"ovop-export-v1\tkg\t0\t1\nnothing\n"]
)
def test_what_is_no_export_is_said_to_be_none(tmp_path: Path, content: bytes) -> None:
    path = tmp_path / "other.tsv"
    path.write_bytes(content)
    with pytest.raises(NotAnExport):
        verify_file(path)
