"""What can be told about reports at the moment they come in, from what the read models hold: advice, stored nowhere.

The folds raise the same flags from the log, later and surely; this asks the tables of all models together.
"""

from collections.abc import Collection, Mapping, Sequence
from dataclasses import dataclass, field
from datetime import date

from events.catalogue.base import Event
from events.catalogue.outlets import SaleMade
from projections.base import Db
from projections.traceability_queries import lots_above

#: Values in the order of the days from which they hold.
type Steps = list[tuple[date, int]]


@dataclass(frozen=True, slots=True)
class Sold:
    """A receipt and the Bishkek day it claims."""

    sale: SaleMade
    day: date


def sold_by(event: Event, day: date) -> Sold | None:
    """The receipt that an event is, if it is one."""
    return Sold(event, day) if isinstance(event, SaleMade) else None


@dataclass(frozen=True, slots=True)
class Goods:
    """What is known of a batch, or that it is not."""

    is_packed: bool = False
    is_recalled: bool = False
    standing: Steps = field(default_factory=list)  #: from which day its maker's certificate did not count (0), or did


@dataclass(frozen=True, slots=True)
class Ware:
    """What is known of a product in a shop."""

    is_defined: bool = False
    prices: Steps = field(default_factory=list)  #: of the list, by the day from which each holds


#: A product in a shop, by the ids of both.
type WareName = tuple[str, str]


@dataclass(frozen=True, slots=True)
class Known:
    """What the read models know of some batches and wares."""

    goods: Mapping[str, Goods]
    wares: Mapping[WareName, Ware]

    def flags_of(self, sold: Sold) -> tuple[str, ...]:
        """The flags of a receipt, all of whose batches and wares are in here."""
        flags: dict[str, None] = {}
        for line in sold.sale.lines:
            ware = self.wares[sold.sale.outlet, line.product]
            if not ware.is_defined:
                flags["unknown_product"] = None
            listed = _in_force(ware.prices, sold.day)
            if listed is not None and listed != line.unit_price_tyiyn:
                flags["price_differs"] = None
            if line.batch is None:
                flags["no_batch"] = None
                continue
            goods = self.goods[line.batch]
            if not goods.is_packed:
                flags["unknown_batch"] = None
            if goods.is_recalled:
                flags["recalled_batch"] = None
            if _in_force(goods.standing, sold.day) == 0:
                flags["suspended_certificate"] = None
        return tuple(flags)


def known(db: Db, batches: Collection[str], wares: Collection[WareName]) -> Known:
    """What the read models know of these."""
    packed = _known(db, "SELECT lot FROM inventory_lots WHERE packed_units > 0 AND lot = ANY(%s)", batches)
    products = {product for _, product in wares}
    defined = _known(db, "SELECT product FROM trace_products WHERE product = ANY(%s)", products)
    recalled = _known(
        db,
        "SELECT lot FROM inventory_recalled JOIN inventory_recalls USING (recall)"
        " WHERE closed_at IS NULL AND NOT is_drill AND lot = ANY(%s)",
        batches,
    )
    prices = _prices(db, products, {outlet for outlet, _ in wares})
    taken_away = _taken_away(db, batches)
    return Known(
        {batch: Goods(batch in packed, batch in recalled, taken_away.get(batch, [])) for batch in batches},
        {ware: Ware(ware[1] in defined, prices.get(ware, [])) for ware in wares},
    )


def unknown_lots(db: Db, lots: Collection[str]) -> set[str]:
    """Those of these lots that nobody has reported yet."""
    return set(lots) - _known(db, "SELECT lot FROM inventory_lots WHERE lot = ANY(%s)", set(lots))


def made_of_itself(db: Db, output: str, inputs: Collection[str]) -> bool:
    """Whether a lot is known to be among the ancestors of one of these."""
    if not db.rows("SELECT 1 FROM trace_edges WHERE input = %s LIMIT 1", [output]):
        return False
    return output in lots_above(db, inputs)


def _known(db: Db, query: str, names: Collection[str]) -> set[str]:
    return {row[0] for row in db.rows(query, [list(names)])} if names else set()


def _prices(db: Db, products: Collection[str], outlets: Collection[str]) -> dict[tuple[str, str], Steps]:
    """List prices by outlet and product, in the order in which they came into force."""
    found: dict[tuple[str, str], Steps] = {}
    for outlet, product, since, tyiyn in db.rows(
        "SELECT o.outlet, p.product, p.effective_from, p.unit_price_tyiyn FROM inventory_outlets o"
        " JOIN inventory_prices p USING (channel) WHERE o.outlet = ANY(%s) AND p.product = ANY(%s)"
        " ORDER BY p.effective_from, p.position",
        [list(outlets), list(products)],
    ):
        found.setdefault((outlet, product), []).append((since, tyiyn))
    return found


def _taken_away(db: Db, batches: Collection[str]) -> dict[str, Steps]:
    """By batch: the days from which its maker's certificate did not count (0) or counted again (1)."""
    found: dict[str, Steps] = {}
    if not batches or not db.rows("SELECT 1 FROM inventory_certificates LIMIT 1"):
        return found
    for batch, since, counts in db.rows(
        "SELECT l.lot, c.effective_from, c.counts::int FROM inventory_lots l JOIN inventory_certificates c"
        " ON c.maker = l.maker AND c.product = coalesce(l.product, l.item)"
        " WHERE l.lot = ANY(%s) ORDER BY c.effective_from, c.position",
        [list(batches)],
    ):
        found.setdefault(batch, []).append((since, counts))
    return found


def _in_force(steps: Sequence[tuple[date, int]], day: date) -> int | None:
    """What the last step on or before a day says; None before the first."""
    return next((value for since, value in reversed(steps) if since <= day), None)
