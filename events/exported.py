"""A stretch of the log as a file that is checked without a network, a database or this program.

One line of text for each event, parts separated by tabs: position, version, leaf hash (hexadecimal), leaf. A leaf is
canonical JSON, so it holds neither a tab nor the end of a line, and `sha256(0x00 || leaf)` is its hash. The first line
says what the file is: format, network, the position before the first event, the last position. Its last line is the
last event.
"""

import re
from collections.abc import Callable, Iterable, Iterator
from dataclasses import dataclass
from typing import Final, Protocol

from events.canonical import LEAF_BYTES_MAX

FORMAT: Final = "ovop-export-v1"
#: Events that are read from the log at a time.
PAGE_EVENTS: Final = 2_000
#: A leaf with what stands before it; a longer line is none of ours.
LINE_BYTES_MAX: Final = LEAF_BYTES_MAX + 200

_HEADER: Final = re.compile(rb"ovop-export-v1\t([a-z0-9][a-z0-9._-]{0,63})\t([0-9]{1,16})\t([0-9]{1,16})\n")
_ROW: Final = re.compile(rb"([0-9]{1,16})\t([0-9]{1,10})\t([0-9a-f]{64})\t([^\t\n]*)\n")


class NotAnExport(ValueError):
    """This is not an export of a log, or it was cut or changed so that it cannot be read."""

    def __init__(self, line: int) -> None:
        super().__init__(f"{self.__doc__} (line {line})")
        self.line = line


@dataclass(frozen=True, slots=True)
class Header:
    """What an export says of itself: the events at positions after+1 to through."""

    network: str
    after: int
    through: int

    def line(self) -> bytes:
        return f"{FORMAT}\t{self.network}\t{self.after}\t{self.through}\n".encode()


@dataclass(frozen=True, slots=True)
class Row:
    """One event of an export, as its line states it."""

    position: int
    version: int
    leaf_hash: bytes
    leaf: bytes


class Leaf(Protocol):
    """What is exported of an event (`events.store.LeafRow`)."""

    @property
    def position(self) -> int: ...
    @property
    def version(self) -> int: ...
    @property
    def leaf(self) -> bytes: ...
    @property
    def leaf_hash(self) -> bytes: ...


def written(header: Header, read: Callable[[int, int], Iterable[Leaf]]) -> Iterator[bytes]:
    """The file in pieces, the same bytes whenever it is made; `read` gives so many events behind a position."""
    yield header.line()
    after = header.after
    while after < header.through:
        rows = list(read(after, min(PAGE_EVENTS, header.through - after)))
        if not rows:
            return
        yield b"".join(
            b"%d\t%d\t%s\t%s\n" % (row.position, row.version, row.leaf_hash.hex().encode(), row.leaf) for row in rows
        )
        after = rows[-1].position


def read_header(line: bytes) -> Header:
    """Raises NotAnExport."""
    found = _HEADER.fullmatch(line)
    if found is None:
        raise NotAnExport(1)
    return Header(found[1].decode(), int(found[2]), int(found[3]))


def read_row(line: bytes, number: int) -> Row:
    """One line that is not the first. Raises NotAnExport."""
    found = _ROW.fullmatch(line)
    if found is None:
        raise NotAnExport(number)
    return Row(int(found[1]), int(found[2]), bytes.fromhex(found[3].decode()), found[4])
