"""Events of a long build that traceability takes as the JSON they are: lots that are ordinary, and rows of their own.

Each function here says what the handler of its name in `traceability` says of the same event.
"""

from collections.abc import Callable, Mapping, Sequence
from typing import Final

from events.catalogue.base import Event, Recorded
from events.catalogue.logistics import StockReceived, StockShipped
from events.catalogue.outlets import StockCounted
from events.catalogue.production import BatchPacked, LabelsPrinted
from projections import lineage_in_bulk
from projections import traceability_tables as t
from projections.base import Db
from projections.in_bulk import Plain, in_order, opened, plain
from projections.lineage_image import Late
from projections.traceability_book import PACKED_G, Book


def batch_packed(book: Book, packed: Plain) -> None:
    position, said, leaf = packed
    units, unit_mass_g, unit_pieces = said["units"], said["unit_mass_g"], said.get("unit_pieces", 0)
    book.written[t.PACKINGS].append(
        f"{said['lot']}\t{leaf['event_id']}\t{said['code']}\t{said['product']}\t{said['packed_at']}\t{units}"
        f"\t{unit_mass_g}\t{unit_pieces}\t{said.get('best_before')}\t{leaf['occurred_at']}\t{position}\n"
    )
    book.take(said["lot"], PACKED_G, mass_g=units * unit_mass_g, pieces=units * unit_pieces)


def labels_printed(book: Book, printed: Plain) -> None:
    position, said, leaf = printed
    book.written[t.MOVEMENTS].append(
        f"{said['lot']}\t{position}\tlabelled\t{said['printed_at']}\tNone\tNone\t{said['labels']}\t0\t{said['code']}"
        f"\t{leaf['occurred_at']}\n"
    )


def stock_shipped(book: Book, shipped: Plain) -> None:
    said = shipped[1]
    _move_lines(book, shipped, "shipped", said["origin"], said["destination"], said["consignment"])


def stock_received(book: Book, received: Plain) -> None:
    _move_lines(book, received, "arrived", received[1]["place"], None, received[1]["consignment"])


def stock_counted(book: Book, counted: Plain) -> None:
    _move_lines(book, counted, "counted", counted[1]["place"], None, None)


def _move_lines(
    book: Book, moved: Plain, kind: str, place: str, other_place: str | None, consignment: str | None
) -> None:
    """Units of the lines of one event; lines about the same batch add up."""
    position, said, leaf = moved
    lines = said["lines"]
    sums = {line["batch"]: line["units"] for line in lines}
    if len(sums) < len(lines):
        sums = dict.fromkeys(sums, 0)
        for line in lines:
            sums[line["batch"]] += line["units"]
    where, when = f"{position}\t{kind}\t{place}\t{other_place}\t{consignment}", f"0\tNone\t{leaf['occurred_at']}"
    book.written[t.MOVEMENTS] += [f"{batch}\t{where}\t{units}\t{when}\n" for batch, units in sums.items()]


_HANDLERS: Final[Mapping[str, Callable[[Book, Plain], None]]] = {
    BatchPacked.wire_name: batch_packed,
    LabelsPrinted.wire_name: labels_printed,
    StockShipped.wire_name: stock_shipped,
    StockReceived.wire_name: stock_received,
    StockCounted.wire_name: stock_counted,
}

#: The kinds of which there are many.
IN_BULK: Final[frozenset[type[Event]]] = lineage_in_bulk.IN_BULK | {
    BatchPacked, LabelsPrinted, StockShipped, StockReceived, StockCounted,
}  # fmt: skip


def take_ordinary(
    book: Book, db: Db, read: Sequence[Recorded[Event]]
) -> tuple[Sequence[Recorded[Event]], Sequence[Late]]:
    """Take what a batch left unopened; what is left of the batch to fold, and what its steps are to be told of lots."""
    if db.left is None:
        return read, ()
    reports = []
    for one in plain(db.left.events):
        handler = _HANDLERS.get(one[2]["type"])
        if handler is None:
            reports.append(one)
        else:
            handler(book, one)
    taken = lineage_in_bulk.take_ordinary(t.LINEAGE, db, reports, read)
    for _, lot, _ in taken.lots:
        book.make(lot["lot"], lot["mass_g"], lot.get("pieces", 0))
    for step in taken.steps:
        for made in step.made():
            book.make(*made)
        for consumed, mass_g, pieces, _ in step.inputs:
            book.consume(consumed, mass_g, pieces)
    return in_order(read, opened(db.left.events, taken.odd)), taken.late
