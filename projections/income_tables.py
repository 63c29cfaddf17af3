"""The tables of income: how every som of every receipt was shared, and what of it each producer is owed."""

from sqlalchemy import Index, MetaData, Table, text

from projections.columns import day, id_of, ids, key_day, key_id, key_number, number, numbers
from projections.lineage_tables import LineageTables

TABLES = MetaData()

#: The lineage as income needs it: who has which share of a batch, now and at earlier positions.
LINEAGE = LineageTables("income", TABLES)

OUTLETS = Table("income_outlets", TABLES, key_id("outlet"), id_of("channel"), id_of("region"), day("opened_on"))

#: Products as defined, at which position: a receipt before it was shared as one of a product without a group.
PRODUCTS = Table("income_products", TABLES, key_id("product"), id_of("product_group"), number("position"))

VILLAGES = Table("income_villages", TABLES, key_id("village"), id_of("region"))

#: Who makes things and where: `producer/p-001`, `workshop/tosor-jam`. A batch belongs to its maker's region.
MAKERS = Table("income_makers", TABLES, key_id("maker"), id_of("village"), id_of("region"))

#: Share terms as agreed; an empty group is the channel's default.
TERMS = Table(
    "income_terms",
    TABLES,
    key_id("channel"),
    key_id("product_group"),
    key_day("effective_from"),
    key_number("position"),
    number("makers_bp"),
    number("workshop_bp"),
    number("outlet_bp"),
    number("brand_bp"),
    number("fund_bp"),
)

#: One wide row for every line of a receipt and for whatever was done to it later; never changed but for the period,
#: which moves on when a month was closed at an earlier position. In each row gross = the six parts behind it.
#: `ref` is the receipt, `return/...` or `order/...`; `day` is the business day that decides the period;
#: `sale_month` is the month of the sale itself. Region and period are empty while the row is in suspense.
LINES = Table(
    "income_lines",
    TABLES,
    key_number("position"),
    key_number("row"),
    id_of("kind"),
    id_of("ref"),
    number("line"),
    id_of("channel"),
    id_of("place"),
    id_of("product"),
    id_of("batch"),
    id_of("workshop"),
    id_of("region"),
    day("day"),
    id_of("sale_month"),
    id_of("period"),
    number("posted_position"),
    number("units"),
    number("gross_tyiyn"),
    number("makers_tyiyn"),
    number("workshop_tyiyn"),
    number("outlet_tyiyn"),
    number("brand_tyiyn"),
    number("fund_tyiyn"),
    number("suspense_tyiyn"),
    Index("income_lines_ref", "ref", info={"for_fold": True}),
    Index("income_lines_batch", "batch"),
    Index("income_lines_suspense", "batch", postgresql_where=text("region = ''"), info={"for_fold": True}),
)

#: What was said of receipts later, whether they have arrived yet or not. `line` is -1 for a whole receipt and where a
#: return does not say which; the stamp orders statements by what their reporters claim.
CHANGES = Table(
    "income_changes",
    TABLES,
    key_id("ref"),
    key_number("position"),
    key_number("part"),
    id_of("kind"),
    id_of("stamp"),
    day("day"),
    number("line"),
    id_of("product"),
    id_of("batch"),
    number("units"),
    number("refund_tyiyn"),
)

#: Returns that were reported: one that is reported again, under whatever event, changes nothing.
RETURNS = Table("income_returns", TABLES, key_id("return_id"), number("position"))

#: The makers' part of a batch's sales, by the month in which it counts.
POOLS = Table("income_pools", TABLES, key_id("region"), key_id("period"), key_id("batch"), number("makers_tyiyn"))

#: Sales net of their voids and returns, by the month of the sale, with the parts they were shared into.
SALES = Table(
    "income_sales",
    TABLES,
    key_id("channel"),
    key_id("place"),
    key_id("sale_month"),
    number("units"),
    number("gross_tyiyn"),
    number("makers_tyiyn"),
    number("workshop_tyiyn"),
    number("outlet_tyiyn"),
    number("brand_tyiyn"),
    number("fund_tyiyn"),
    number("suspense_tyiyn"),
)

#: The same by product.
PRODUCT_SALES = Table(
    "income_product_sales",
    TABLES,
    key_id("product"),
    key_id("channel"),
    key_id("sale_month"),
    number("units"),
    number("gross_tyiyn"),
    number("makers_tyiyn"),
    number("suspense_tyiyn"),
)

#: Closed months, in the words of the event that closed them.
PERIODS = Table(
    "income_periods",
    TABLES,
    key_id("region"),
    key_id("period"),
    number("through_position"),
    number("closed_position"),
    id_of("digest"),
    number("producers"),
    number("earned_tyiyn"),
    number("unknown_tyiyn"),
)

#: Pools of closed months as they were allocated, for ever.
EARNED = Table(
    "income_earned",
    TABLES,
    key_id("batch"),
    key_id("region"),
    key_id("period"),
    number("makers_tyiyn"),
    ids("producers"),
    numbers("earned_tyiyn"),
)

#: What later corrections of origin changed in closed pools, posted into a month that was open then.
ADJUSTMENTS = Table(
    "income_adjustments",
    TABLES,
    key_number("position"),
    key_id("batch"),
    key_id("origin_period"),
    id_of("region"),
    id_of("period"),
    number("posted_position"),
    ids("producers"),
    numbers("adjusted_tyiyn"),
)

#: The statement of every closed month.
STATEMENTS = Table(
    "income_statements", TABLES, key_id("region"), key_id("period"), key_id("producer"), number("earned_tyiyn")
)

#: Payouts, reversals and advances, one row each.
PAYMENTS = Table(
    "income_payments",
    TABLES,
    key_number("position"),
    id_of("kind"),
    id_of("producer"),
    id_of("ref"),
    day("day"),
    number("amount_tyiyn"),
)

#: owed = earned - paid + reversed - advanced; negative while an advance is not earned yet.
ACCOUNTS = Table(
    "income_accounts",
    TABLES,
    key_id("producer"),
    number("earned_tyiyn"),
    number("paid_tyiyn"),
    number("reversed_tyiyn"),
    number("advanced_tyiyn"),
    number("owed_tyiyn"),
)

#: Payouts or statements that a producer says are wrong, and months that were stated anew.
DISPUTES = Table(
    "income_disputes",
    TABLES,
    key_id("producer"),
    key_id("dispute"),
    number("position"),
    id_of("month"),
    id_of("reason"),
)

RESTATEMENTS = Table(
    "income_restatements",
    TABLES,
    key_number("position"),
    id_of("region"),
    id_of("period"),
    number("through_position"),
    id_of("digest"),
    id_of("reason"),
)

FLAGS = Table(
    "income_flags",
    TABLES,
    key_id("flag"),
    key_id("subject"),
    key_number("position"),
    id_of("place"),
    id_of("detail"),
)
