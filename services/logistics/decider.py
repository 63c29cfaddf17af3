"""What happens to goods under way. All of it has happened, so there is nothing to decide or refuse.

What was counted on arrival may differ from what was shipped: the difference stays in transit until it is explained.
"""

from events.catalogue.base import Fact
from events.catalogue.logistics import ShipmentCancelled, ShipmentLost, StockReceived, StockShipped

FACTS: tuple[type[Fact], ...] = (
    StockShipped,
    ShipmentCancelled,
    StockReceived,
    ShipmentLost,
)
