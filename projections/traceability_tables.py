"""The tables of traceability: what every lot is made of, what happened to it, and what a reader of a label is told."""

from sqlalchemy import Index, MetaData, Table

from projections.columns import day, id_of, instant, key_id, key_number, number, words, yes_no
from projections.lineage_tables import LineageTables

TABLES = MetaData()

LINEAGE = LineageTables("trace", TABLES)

#: A part of a lot packed for sale. The earliest packing (by claimed time) gives the batch its public code, the others
#: are aliases of it.
PACKINGS = Table(
    "trace_packings",
    TABLES,
    key_id("batch"),
    key_id("event"),
    id_of("code"),
    id_of("product"),
    id_of("place"),
    number("units"),
    number("unit_mass_g"),
    number("unit_pieces"),
    day("best_before", nullable=True),
    instant("occurred_at"),
    number("position"),
    Index("trace_packings_code", "code", info={"for_fold": True}),
    Index("trace_packings_product", "product"),
)

#: What happened to a lot or a batch at places: tested, sampled, labelled, discarded, shipped, arrived, lost, opening,
#: counted, written_off. Sales and returns are the inventory's. `other_place` is where a shipment goes.
MOVEMENTS = Table(
    "trace_movements",
    TABLES,
    key_id("lot"),
    key_number("position"),
    id_of("kind"),
    id_of("place", nullable=True),
    id_of("other_place", nullable=True),
    id_of("consignment", nullable=True),
    number("units"),
    number("mass_g"),
    id_of("detail", nullable=True),
    instant("occurred_at"),
    Index("trace_movements_consignment", "consignment"),
)

#: Consignments that came back unopened.
CANCELLATIONS = Table("trace_cancellations", TABLES, key_id("consignment"), key_number("position"), id_of("reason"))

#: A lot in grams and in pieces; its own measure is its pieces when it was made with pieces, else its grams. `on_hand`
#: is kept by every movement, never computed from the other columns.
BALANCES = Table(
    "trace_balances",
    TABLES,
    key_id("lot"),
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
)

#: The steps in the life of a maker's certificate for a product, in the order of the log.
CERTIFICATE_STEPS = Table(
    "trace_certificate_steps",
    TABLES,
    key_id("maker"),
    key_id("product"),
    key_number("position"),
    id_of("kind"),
    id_of("submission", nullable=True),
    id_of("region", nullable=True),
    id_of("certificate", nullable=True),
    number("score_milli", nullable=True),
    number("members", nullable=True),
    day("effective_from", nullable=True),
    day("valid_until", nullable=True),
    instant("occurred_at"),
    Index("trace_certificate_steps_submission", "submission"),
)

RECALLS = Table(
    "trace_recalls",
    TABLES,
    key_id("recall"),
    id_of("severity"),
    id_of("reason"),
    yes_no("is_drill"),
    instant("started_at"),
    number("started_position"),
    instant("closed_at", nullable=True),
    id_of("outcome", nullable=True),
)

#: Edges that a correction took back, and where in the log: a recall that had begun before goes on along them.
WITHDRAWN_EDGES = Table(
    "trace_withdrawn_edges",
    TABLES,
    key_id("output"),
    key_id("input"),
    key_number("position"),
    Index("trace_withdrawn_edges_input", "input"),
)

#: What a recall starts from; `kind` is lot, step, material or supplier.
RECALL_ROOTS = Table("trace_recall_roots", TABLES, key_id("recall"), key_id("kind"), key_id("root"), number("position"))

#: Shops that took a recalled batch off their shelves.
RECALL_TICKS = Table(
    "trace_recall_ticks",
    TABLES,
    key_id("recall"),
    key_id("outlet"),
    key_id("batch"),
    number("units_set_aside"),
    number("position"),
)

#: Judgements that an event raised.
FLAGS = Table("trace_flags", TABLES, key_id("flag"), key_id("subject"), key_number("position"), instant("occurred_at"))

REGIONS = Table(
    "trace_regions",
    TABLES,
    key_id("region"),
    words("ky"),
    words("ru"),
    words("en"),
    words("committee_ky"),
    words("committee_ru"),
    words("committee_en"),
)

VILLAGES = Table(
    "trace_villages",
    TABLES,
    key_id("village"),
    id_of("region"),
    words("ky"),
    words("ru"),
    words("en"),
    number("latitude_microdegrees"),
    number("longitude_microdegrees"),
    yes_no("position_is_exact"),
)

PRODUCERS = Table("trace_producers", TABLES, key_id("producer"), id_of("village"), day("joined_on"))

SUPPLIERS = Table("trace_suppliers", TABLES, key_id("supplier"), words("ky"), words("ru"), words("en"))

WORKSHOPS = Table(
    "trace_workshops", TABLES, key_id("workshop"), id_of("village"), words("ky"), words("ru"), words("en")
)

OUTLETS = Table(
    "trace_outlets",
    TABLES,
    key_id("outlet"),
    id_of("region"),
    id_of("village", nullable=True),
    words("ky"),
    words("ru"),
    words("en"),
    number("latitude_microdegrees"),
    number("longitude_microdegrees"),
    yes_no("position_is_exact"),
)

PRODUCTS = Table(
    "trace_products",
    TABLES,
    key_id("product"),
    id_of("product_group"),
    words("ky"),
    words("ru"),
    words("en"),
    id_of("unit"),
    number("net_mass_g"),
    number("shelf_life_days", nullable=True),
    id_of("origin_basis"),
)
