"""What happens in shops. All of it has happened, so there is nothing to decide: nothing un-sells a jar.

A sale of an oversold, unknown or recalled batch, in a closed shift or at an old price is stored and flagged by the
folds. The one refusal is about who reports: a till speaks for itself alone (services/admission.py).
"""

from events.catalogue.base import Fact
from events.catalogue.outlets import (
    CashMoved,
    GoodsReturned,
    OpeningStockCounted,
    SaleLineCorrected,
    SaleMade,
    SaleVoided,
    ShiftClosed,
    ShiftOpened,
    StockCounted,
    StockWrittenOff,
)

#: What a till reports all day long.
RECEIPT: type[Fact] = SaleMade

FACTS: tuple[type[Fact], ...] = (
    OpeningStockCounted,
    ShiftOpened,
    SaleMade,
    SaleVoided,
    SaleLineCorrected,
    GoodsReturned,
    StockCounted,
    StockWrittenOff,
    CashMoved,
    ShiftClosed,
)
