"""The tables of the inventory: what is where, what was sold of it, and what does not add up. Natural keys only."""

from sqlalchemy import Index, MetaData, Table

from projections.columns import day, id_of, instant, key_day, key_id, key_number, number, yes_no

TABLES = MetaData()

#: Sums are changed by every batch: with room on their page, a changed row needs no new entry in the index.
ROOM_FOR_UPDATES = {"fillfactor": 60}

#: Channel and region of every shop, for the price list and the screens.
OUTLETS = Table("inventory_outlets", TABLES, key_id("outlet"), id_of("channel"), id_of("region"))

#: The price list; the greatest `effective_from` not after a sale's day counts, then the greatest position.
PRICES = Table(
    "inventory_prices",
    TABLES,
    key_id("product"),
    key_id("channel"),
    key_day("effective_from"),
    key_number("position"),
    number("unit_price_tyiyn"),
)

#: Every lot that was gathered, delivered, made or packed, as the first report of it says: `event`, of a step or not.
#: `inputs` and `by_products` are `lot/mass_g/pieces`, parted by blanks: they are read whole or not at all. `corrected`
#: is the stamp of the correction of this report that counts, or empty; `maker` is who it says, else `maker_reported`.
LOTS = Table(
    "inventory_lots",
    TABLES,
    key_id("lot"),
    id_of("item", nullable=True),
    id_of("maker", nullable=True),
    id_of("made_at", nullable=True),
    number("made_position", nullable=True),
    number("mass_g"),
    number("pieces"),
    id_of("inputs"),
    id_of("by_products"),
    id_of("corrected"),
    id_of("event", nullable=True),
    yes_no("is_step"),
    id_of("maker_reported", nullable=True),
    id_of("product", nullable=True),
    id_of("code", nullable=True),
    id_of("packed_at", nullable=True),
    day("best_before", nullable=True),
    number("packed_units"),
)

#: Further reports of lots that had been reported, each with its own correction, as in `inventory_lots`.
LOT_REPEATS = Table(
    "inventory_lot_repeats",
    TABLES,
    key_id("lot"),
    key_id("event"),
    yes_no("is_step"),
    id_of("made_at", nullable=True),
    number("mass_g"),
    number("pieces"),
    id_of("inputs"),
    id_of("by_products"),
    id_of("corrected"),
)

#: Raw and intermediate stock in grams and in pieces, side by side: a lot's measure is its pieces when it has any.
#: `on_hand` is kept by every movement, never computed from the other columns.
BULK = Table(
    "inventory_bulk",
    TABLES,
    key_id("lot"),
    key_id("place"),
    number("made_g"),
    number("made_pieces"),
    number("consumed_g"),
    number("consumed_pieces"),
    number("packed_g"),
    number("packed_pieces"),
    number("destroyed_g"),
    number("destroyed_pieces"),
    number("sampled_g"),
    number("on_hand_g"),
    number("on_hand_pieces"),
    postgresql_with=ROOM_FOR_UPDATES,
)

#: Units of packed batches at places. `on_hand` is kept by every movement, never computed from the other columns.
STOCK = Table(
    "inventory_stock",
    TABLES,
    key_id("place"),
    key_id("batch"),
    number("packed"),
    number("opening"),
    number("received"),
    number("shipped"),
    number("cancelled"),
    number("sold"),
    number("returned"),
    number("destroyed"),
    number("sampled"),
    number("unexplained"),
    number("on_hand"),
    Index("inventory_stock_batch", "batch"),
    postgresql_with=ROOM_FOR_UPDATES,
)

#: Units sold and returned of which nobody knows the batch.
NO_BATCH = Table(
    "inventory_no_batch",
    TABLES,
    key_id("outlet"),
    key_id("product"),
    number("sold"),
    number("returned"),
)

#: One row a receipt, or a contract delivery as `order/...`. `lines` are `product/batch/units`, parted by blanks; an
#: empty batch is an unknown one.
SALES = Table(
    "inventory_sales",
    TABLES,
    key_id("sale"),
    number("position"),
    id_of("place"),
    id_of("shift"),
    instant("occurred_at"),
    number("cash_tyiyn"),
    id_of("lines"),
    Index("inventory_sales_shift", "shift"),
)

#: Returns that were reported: one that is reported again, under whatever event, changes nothing.
RETURNS = Table("inventory_returns", TABLES, key_id("return_id"), number("position"))

#: Voids, corrections and returns of receipts, whether the receipt has arrived yet or not. `line` is -1 for a whole
#: receipt and where a return does not say which; the stamp orders them by what their reporters claim.
SALE_CHANGES = Table(
    "inventory_sale_changes",
    TABLES,
    key_id("sale"),
    key_number("position"),
    key_number("part"),
    id_of("kind"),
    id_of("stamp"),
    id_of("shift"),
    id_of("outlet"),
    number("line"),
    id_of("product"),
    id_of("batch"),
    number("units"),
)

CONSIGNMENTS = Table(
    "inventory_consignments",
    TABLES,
    key_id("consignment"),
    id_of("origin", nullable=True),
    id_of("destination", nullable=True),
    instant("shipped_at", nullable=True),
    yes_no("is_cancelled"),
)

#: Units of one batch in one consignment: shipped + surplus = received + lost + cancelled + in transit.
TRANSIT = Table(
    "inventory_transit",
    TABLES,
    key_id("consignment"),
    key_id("batch"),
    number("shipped"),
    number("received"),
    number("lost"),
    number("cancelled"),
    number("surplus"),
    number("in_transit"),
)

#: What a stock count found against what the log said at its position.
COUNTS = Table(
    "inventory_counts",
    TABLES,
    key_number("position"),
    key_id("batch"),
    id_of("count"),
    id_of("place"),
    instant("occurred_at"),
    number("expected"),
    number("counted"),
    number("difference"),
)

#: One seller's session and its drawer; `difference_tyiyn` is counted less expected, once the session is closed.
SHIFTS = Table(
    "inventory_shifts",
    TABLES,
    key_id("shift"),
    id_of("outlet"),
    id_of("till"),
    id_of("cashier", nullable=True),
    instant("opened_at", nullable=True),
    instant("closed_at", nullable=True),
    instant("last_sale_at", nullable=True),
    number("opening_tyiyn"),
    number("sales_tyiyn"),
    number("voids_tyiyn"),
    number("refunds_tyiyn"),
    number("in_tyiyn"),
    number("out_tyiyn"),
    number("counted_tyiyn", nullable=True),
    number("difference_tyiyn", nullable=True),
)

#: Reports of a till by its own counter: `highest` = accepted + quarantined + the open gaps below.
TILLS = Table(
    "inventory_tills",
    TABLES,
    key_id("till"),
    id_of("outlet", nullable=True),
    id_of("revoked_for", nullable=True),
    number("highest"),
    number("accepted"),
    number("quarantined"),
)

#: Counters of a till that nobody has seen yet, as ranges with both ends in them.
TILL_GAPS = Table("inventory_till_gaps", TABLES, key_id("till"), key_number("first"), number("last"))

#: Counters of a till that are known only from a message in quarantine.
TILL_QUARANTINE = Table("inventory_till_quarantine", TABLES, key_id("till"), key_number("counter"), id_of("quarantine"))

#: What is told of a lot before the lot itself: samples taken from it, and corrections of a report (`corrects`) of it.
LOT_WAITING = Table(
    "inventory_lot_waiting",
    TABLES,
    key_id("lot"),
    key_number("position"),
    id_of("kind"),
    id_of("stamp"),
    number("mass_g"),
    number("pieces"),
    number("units"),
    id_of("inputs"),
    id_of("by_products"),
    id_of("corrects"),
    id_of("maker", nullable=True),
)

#: Days from which a maker's certificate for a product does not count, or counts again.
CERTIFICATES = Table(
    "inventory_certificates",
    TABLES,
    key_id("maker"),
    key_id("product"),
    key_number("position"),
    day("effective_from"),
    yes_no("counts"),
)

#: `suppliers` parted by blanks: all they ever delivered is reached.
RECALLS = Table(
    "inventory_recalls",
    TABLES,
    key_id("recall"),
    instant("started_at"),
    instant("closed_at", nullable=True),
    yes_no("is_drill"),
    id_of("suppliers"),
)

#: Lots that a recall reaches over every edge, sugar and jars included.
RECALLED = Table("inventory_recalled", TABLES, key_id("lot"), key_id("recall"))

#: Judgements that an event itself raised. Those that follow from a state (oversold, gaps) are queries over the state.
FLAGS = Table(
    "inventory_flags",
    TABLES,
    key_id("flag"),
    key_id("subject"),
    key_number("position"),
    id_of("place"),
    id_of("detail"),
    instant("occurred_at"),
)
