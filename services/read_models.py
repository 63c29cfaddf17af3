"""The read models that this installation serves, named once for everybody who runs or rebuilds them."""

from projections import income, inventory, traceability
from projections.base import ReadModel

READ_MODELS: tuple[ReadModel, ...] = (inventory.MODEL, traceability.MODEL, income.MODEL)
