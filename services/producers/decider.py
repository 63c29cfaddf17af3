"""What producers do: they gather, and they give. All of it has happened, so there is nothing to decide or refuse."""

from events.catalogue.base import Fact
from events.catalogue.production import LotCollected, LotCorrected

FACTS: tuple[type[Fact], ...] = (
    LotCollected,
    LotCorrected,
)
