"""Whether the log is what it says it is: every position there, every leaf unchanged, every column what its leaf says.

This looks at one log from inside, or at a copy that an auditor took; it cannot notice that a whole log was replaced by
another well-formed one.
"""

import hashlib
from collections.abc import Callable
from dataclasses import dataclass, field
from datetime import datetime
from pathlib import Path
from typing import Final, NamedTuple
from uuid import UUID

import psycopg

from events.canonical import hash_leaf, instant, take_apart
from events.exported import LINE_BYTES_MAX, Header, NotAnExport, read_header, read_row

PAGE_EVENTS: Final = 10_000
#: So many faults are told one by one; the rest is only counted.
FAULTS_TOLD_MAX: Final = 20

#: Told the position reached and the position aimed at.
type Progress = Callable[[int, int], None]


_PAGE = """
SELECT position, event_id, type, stream, version, actor, occurred_at, recorded_at, leaf, leaf_hash FROM log.events
WHERE position > %s AND position <= %s ORDER BY position LIMIT %s
"""


class _Row(NamedTuple):
    """A row as it is stored, column by column: the log's own reader takes most of them from the leaf."""

    position: int
    event_id: UUID
    type: str
    stream: str
    version: int
    actor: str
    occurred_at: datetime
    recorded_at: datetime
    leaf: bytes
    leaf_hash: bytes


@dataclass(frozen=True, slots=True)
class Fault:
    position: int
    problem: str


@dataclass(slots=True)
class Verified:
    """What a verification found."""

    events: int = 0
    head_position: int = 0
    head_leaf_hash: bytes | None = None
    faults: list[Fault] = field(default_factory=list)
    faults_untold: int = 0

    @property
    def is_sound(self) -> bool:
        return not self.faults

    def blame(self, position: int, problem: str) -> None:
        if len(self.faults) < FAULTS_TOLD_MAX:
            self.faults.append(Fault(position, problem))
        else:
            self.faults_untold += 1


def verify(conninfo: str, progress: Progress | None = None) -> Verified:
    """Read the whole log and check it row by row, in pages; memory grows with the number of streams alone."""
    with psycopg.connect(conninfo, options="-c timezone=UTC -c default_transaction_read_only=on") as connection:
        head = connection.execute(
            "SELECT position, leaf_hash FROM log.events ORDER BY position DESC LIMIT 1"
        ).fetchone() or (0, None)
        found = Verified(head_position=head[0], head_leaf_hash=head[1])
        versions: dict[str, int] = {}
        after, recorded_before = 0, None
        while after < found.head_position:
            page = connection.execute(_PAGE, [after, found.head_position, PAGE_EVENTS], binary=True).fetchall()
            for row in map(_Row._make, page):
                _check(row, after, recorded_before, versions, found)
                after, recorded_before = row.position, row.recorded_at
            found.events += len(page)
            if progress is not None:
                progress(after, found.head_position)
    return found


def _check(row: _Row, before: int, recorded_before: datetime | None, versions: dict[str, int], found: Verified) -> None:
    _check_row(row, before, recorded_before, versions, found)
    differing = _differing(row)
    if differing:
        found.blame(row.position, f"changed: the row and its leaf differ in {', '.join(differing)}")


def _check_row(
    row: _Row, before: int, recorded_before: datetime | None, versions: dict[str, int], found: Verified
) -> None:
    if row.position != before + 1:
        found.blame(before + 1, f"missing: position {before} is followed by {row.position}")
    if hash_leaf(row.leaf) != row.leaf_hash:
        found.blame(row.position, "changed: the leaf does not have the hash that was stored with it")
    if recorded_before is not None and row.recorded_at < recorded_before:
        found.blame(row.position, "out of order: recorded before the event in front of it")
    expected = versions.get(row.stream, 0) + 1
    if row.version != expected:
        found.blame(row.position, f"stream broken: version {row.version} of {row.stream}, expected {expected}")
    versions[row.stream] = row.version


def _differing(row: _Row) -> list[str]:
    try:
        parts = take_apart(row.leaf)
    except (ValueError, IndexError, UnicodeDecodeError):
        return ["everything: the leaf is not a leaf"]
    pairs = {
        "type": (parts.wire_name, row.type),
        "stream": (parts.stream, row.stream),
        "actor": (parts.actor, row.actor),
        "event_id": (parts.event_id, str(row.event_id)),
        "occurred_at": (parts.occurred_at, instant(row.occurred_at)),
        "recorded_at": (parts.recorded_at, instant(row.recorded_at)),
    }
    return [name for name, (in_leaf, in_row) in pairs.items() if in_leaf != in_row]


@dataclass(slots=True)
class VerifiedFile(Verified):
    """What the verification of an exported file found; `content_sha256` is what its AuditExportMade says of it."""

    header: Header = field(default_factory=lambda: Header("", 0, 0))
    content_sha256: str = ""


def verify_file(path: Path, progress: Progress | None = None) -> VerifiedFile:
    """Check an export without a network or a database. Raises NotAnExport, OSError.

    Of a stretch that does not begin with the first event, a stream's first version is believed.
    """
    digest = hashlib.sha256()
    with path.open("rb") as file:
        line = file.readline(LINE_BYTES_MAX)
        digest.update(line)
        found = VerifiedFile(header=(header := read_header(line)))
        versions: dict[str, int] = {}
        before, recorded_before = header.after, None
        for number, line in enumerate(iter(lambda: file.readline(LINE_BYTES_MAX), b""), 2):
            digest.update(line)
            told = read_row(line, number)
            row = _row_of(told.position, told.version, told.leaf, told.leaf_hash, number)
            if header.after:
                versions.setdefault(row.stream, row.version - 1)
            _check_row(row, before, recorded_before, versions, found)
            before, recorded_before = row.position, row.recorded_at
            found.events += 1
            found.head_leaf_hash = row.leaf_hash
            if progress is not None and not number % PAGE_EVENTS:
                progress(before - header.after, header.through - header.after)
    found.head_position, found.content_sha256 = before, digest.hexdigest()
    if before != header.through:
        found.blame(before + 1, f"missing: the file ends with position {before}, not {header.through}")
    return found


def _row_of(position: int, version: int, leaf: bytes, leaf_hash: bytes, number: int) -> _Row:
    try:
        parts = take_apart(leaf)
        event_id = UUID(parts.event_id)
        occurred_at, recorded_at = map(datetime.fromisoformat, (parts.occurred_at, parts.recorded_at))
    except (ValueError, IndexError):
        raise NotAnExport(number) from None
    return _Row(
        position,
        event_id,
        parts.wire_name,
        parts.stream,
        version,
        parts.actor,
        occurred_at,
        recorded_at,
        leaf,
        leaf_hash,
    )
