"""Events of goods on their way."""

from typing import Any

from events.catalogue import logistics
from tests.make.values import made, stock_line


def stock_shipped(**changes: Any) -> logistics.StockShipped:
    return made(
        logistics.StockShipped,
        changes,
        consignment="consignment-1",
        origin="workshop/tosor-jam",
        destination="outlet/karakol",
        lines=(stock_line(units=40),),
    )


def shipment_cancelled(**changes: Any) -> logistics.ShipmentCancelled:
    return made(logistics.ShipmentCancelled, changes, consignment="consignment-1", reason="road_closed")


def stock_received(**changes: Any) -> logistics.StockReceived:
    return made(
        logistics.StockReceived,
        changes,
        consignment="consignment-1",
        place="outlet/karakol",
        lines=(stock_line(units=40),),
    )


def shipment_lost(**changes: Any) -> logistics.ShipmentLost:
    return made(
        logistics.ShipmentLost, changes, consignment="consignment-1", lines=(stock_line(units=1),), reason="broken"
    )
