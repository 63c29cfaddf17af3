"""Consignments: what left a place, what arrived, what is under way, lost or back."""

from events.catalogue import logistics
from events.catalogue.base import Recorded
from events.catalogue.values import StockLine
from projections.inventory_book import CANCELLED, ON_HAND, RECEIVED, SHIPPED, Book

SHIPPED_UNITS, RECEIVED_UNITS, LOST_UNITS, CANCELLED_UNITS, SURPLUS_UNITS, IN_TRANSIT_UNITS = range(6)


def stock_shipped(book: Book, recorded: Recorded[logistics.StockShipped]) -> None:
    event = recorded.event
    header = _consignment(book, event.consignment)
    if header[1] is None:
        header[1:4] = event.origin, event.destination, recorded.occurred_at
    for line in event.lines:
        stock = book.stock[event.origin, line.batch]
        stock[SHIPPED] += line.units
        stock[ON_HAND] -= line.units
    _move(book, event.consignment, SHIPPED_UNITS, event.lines)


def stock_received(book: Book, recorded: Recorded[logistics.StockReceived]) -> None:
    event = recorded.event
    for line in event.lines:
        stock = book.stock[event.place, line.batch]
        stock[RECEIVED] += line.units
        stock[ON_HAND] += line.units
    _move(book, event.consignment, RECEIVED_UNITS, event.lines)


def shipment_lost(book: Book, recorded: Recorded[logistics.ShipmentLost]) -> None:
    _move(book, recorded.event.consignment, LOST_UNITS, recorded.event.lines)


def shipment_cancelled(book: Book, recorded: Recorded[logistics.ShipmentCancelled]) -> None:
    consignment = recorded.event.consignment
    _consignment(book, consignment)[4] = True
    for batch in book.transit[consignment]:
        _settle(book, consignment, batch)


def _consignment(book: Book, consignment: str) -> list[object]:
    book.changed_consignments.add(consignment)
    return book.consignments.setdefault(consignment, [consignment, None, None, None, False])


def _move(book: Book, consignment: str, column: int, lines: tuple[StockLine, ...]) -> None:
    _consignment(book, consignment)
    for line in lines:
        book.transit[consignment].setdefault(line.batch, [0] * 6)[column] += line.units
        _settle(book, consignment, line.batch)


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
