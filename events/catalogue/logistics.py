"""Batches under way from one place to another. All of it is fact."""

from events.catalogue.base import Fact
from events.catalogue.values import ConsignmentId, Place, Reason, StockLine


class ConsignmentFact(Fact):
    """A fact about one consignment."""

    consignment: ConsignmentId

    def stream(self) -> str:
        return f"consignment/{self.consignment}"


class StockShipped(ConsignmentFact):
    """Batches left a place for another; they are in transit until received, cancelled or lost."""

    wire_name = "logistics.stock_shipped.v1"
    origin: Place
    destination: Place
    lines: tuple[StockLine, ...]


class ShipmentCancelled(ConsignmentFact):
    """A consignment came back unopened: what is still in transit is on hand at its origin again."""

    wire_name = "logistics.shipment_cancelled.v1"
    reason: Reason


class StockReceived(ConsignmentFact):
    """What was counted on arrival; a difference from what was shipped stays in transit until it is explained."""

    wire_name = "logistics.stock_received.v1"
    place: Place
    lines: tuple[StockLine, ...]


class ShipmentLost(ConsignmentFact):
    """Units of a consignment are known to be lost on the way."""

    wire_name = "logistics.shipment_lost.v1"
    lines: tuple[StockLine, ...]
    reason: Reason
