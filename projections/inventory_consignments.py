"""Consignments: what left a place, what arrived, what is under way, lost or back."""

from collections.abc import Iterable, Sequence
from datetime import datetime

from events.catalogue import logistics
from events.catalogue.base import Recorded
from events.catalogue.values import StockLine
from projections.inventory_book import CANCELLED, ON_HAND, RECEIVED, SHIPPED, Book

SHIPPED_UNITS, RECEIVED_UNITS, LOST_UNITS, CANCELLED_UNITS, SURPLUS_UNITS, IN_TRANSIT_UNITS = range(6)


#: What a consignment brings of each batch: batch and units.
type Lines = Sequence[tuple[str, int]]


def stock_shipped(book: Book, recorded: Recorded[logistics.StockShipped]) -> None:
    event = recorded.event
    ship(book, event.consignment, event.origin, event.destination, recorded.occurred_at, _lines(event.lines))


def ship(
    book: Book, consignment: str, origin: str, destination: str, occurred_at: datetime | str, lines: Lines
) -> None:
    """A consignment leaves; the first shipping of it says from where to where."""
    header = _consignment(book, consignment)
    if header[1] is None:
        header[1:4] = origin, destination, occurred_at
    for batch, units in lines:
        stock = book.stock[origin, batch]
        stock[SHIPPED] += units
        stock[ON_HAND] -= units
    _move(book, consignment, SHIPPED_UNITS, lines)


def stock_received(book: Book, recorded: Recorded[logistics.StockReceived]) -> None:
    event = recorded.event
    receive(book, event.consignment, event.place, _lines(event.lines))


def receive(book: Book, consignment: str, place: str, lines: Lines) -> None:
    """A consignment is there; what it brings is on hand."""
    for batch, units in lines:
        stock = book.stock[place, batch]
        stock[RECEIVED] += units
        stock[ON_HAND] += units
    _move(book, consignment, RECEIVED_UNITS, lines)


def shipment_lost(book: Book, recorded: Recorded[logistics.ShipmentLost]) -> None:
    _move(book, recorded.event.consignment, LOST_UNITS, _lines(recorded.event.lines))


def shipment_cancelled(book: Book, recorded: Recorded[logistics.ShipmentCancelled]) -> None:
    consignment = recorded.event.consignment
    _consignment(book, consignment)[4] = True
    for batch in book.transit[consignment]:
        _settle(book, consignment, batch)


def _consignment(book: Book, consignment: str) -> list[object]:
    book.changed_consignments.add(consignment)
    return book.consignments.setdefault(consignment, [consignment, None, None, None, False])


def _lines(lines: Iterable[StockLine]) -> list[tuple[str, int]]:
    return [(line.batch, line.units) for line in lines]


def _move(book: Book, consignment: str, column: int, lines: Lines) -> None:
    _consignment(book, consignment)
    for batch, units in lines:
        book.transit[consignment].setdefault(batch, [0] * 6)[column] += units
        _settle(book, consignment, batch)


def _settle(book: Book, consignment: str, batch: str) -> None:
    """What is in transit, surplus or back at the origin follows from the sums alone, so the order does not matter."""
    _, origin, _, _, cancelled = book.consignments[consignment]
    sums = book.transit[consignment][batch]
    book.changed_transit.add((consignment, batch))
    under_way = sums[SHIPPED_UNITS] - sums[RECEIVED_UNITS] - sums[LOST_UNITS]
    back = max(under_way, 0) if cancelled else 0
    if origin is not None and back != sums[CANCELLED_UNITS]:
        stock = book.stock[origin, batch]
        stock[CANCELLED] += back - sums[CANCELLED_UNITS]
        stock[ON_HAND] += back - sums[CANCELLED_UNITS]
    sums[CANCELLED_UNITS] = back
    sums[SURPLUS_UNITS] = max(-under_way, 0)
    sums[IN_TRANSIT_UNITS] = max(under_way, 0) - back
