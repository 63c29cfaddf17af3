"""The price list, as far as a batch names its products."""

from bisect import insort
from collections import defaultdict
from collections.abc import Collection
from datetime import date

from projections import inventory_tables as t
from projections.base import Db

#: Effective from a day, recorded at a position, so many tyiyn.
type Price = tuple[date, int, int]


class Listed(dict[str, int | None]):
    """What products cost in one channel on one day, None where nobody said; found out once for all receipts alike."""

    def __init__(self, prices: dict[tuple[str, str], list[Price]], channel: str, on: date) -> None:
        super().__init__()
        self._prices, self._channel, self._on = prices, channel, on

    def __missing__(self, product: str) -> int | None:
        listed = None
        for since, _, price in reversed(self._prices.get((product, self._channel), ())):
            if since <= self._on:
                listed = price
                break
        self[product] = listed
        return listed


class Prices:
    """The prices of some products, with those that a batch adds."""

    def __init__(self, db: Db, products: Collection[str]) -> None:
        self._prices: dict[tuple[str, str], list[Price]] = defaultdict(list)
        self._listed: dict[tuple[str, date], Listed] = {}
        for product, channel, since, position, price in db.where_in(t.PRICES, "product", products):
            self._prices[product, channel].append((since, position, price))
        for listed in self._prices.values():
            listed.sort()

    def set(self, product: str, channel: str, price: Price) -> None:
        """From here on a price counts, on its days."""
        insort(self._prices[product, channel], price)
        self._listed.clear()

    def listed(self, channel: str, on: date) -> Listed:
        """What counts in a channel on a day."""
        found = self._listed.get((channel, on))
        if found is None:
            found = self._listed[channel, on] = Listed(self._prices, channel, on)
        return found
