"""What workshops do: they take in, pool, make, pack. All of it has happened, so there is nothing to decide or refuse.

More may be consumed than was made and a batch may come before its inputs: the folds raise flags, nobody is turned away.
"""

from events.catalogue.base import Fact
from events.catalogue.production import (
    BatchDiscarded,
    BatchInputsCorrected,
    BatchPacked,
    BatchProduced,
    LabelsPrinted,
    LotsPooled,
    LotTested,
    MaterialReceived,
)

FACTS: tuple[type[Fact], ...] = (
    MaterialReceived,
    LotsPooled,
    BatchProduced,
    BatchPacked,
    LabelsPrinted,
    LotTested,
    BatchDiscarded,
    BatchInputsCorrected,
)
