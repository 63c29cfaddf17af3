"""Reports that say something which cannot be, is not known, or was said before: kept, one way or the other."""

from collections.abc import Iterator
from typing import Any, Final

import orjson
from events.catalogue.base import Decision
from events.catalogue.registry import EVENTS as CATALOGUE
from services.access.permissions import FACTS

from tests import make
from tests.corpus.case import LEFT_OUT, Case, Disputed, Each, Kept, Quarantined, Refused, Repeated, fact, friendly, id_of, report
from tests.door import NOW

SAMPLES: Final = make.one_of_each()
SALE: Final = make.sale_made()
LINE: Final = make.sale_line().model_dump(mode="json")
STOCK: Final = make.stock_line().model_dump(mode="json")
INPUT: Final = {"lot": "lot-apricots-1", "mass_g": 20_000}
NOT_A_FACT: Final = Refused(403, "not_a_fact", "type")
UNKNOWN_TYPE: Final = Quarantined("unknown_type", "type")
WRONG_ID: Final = Quarantined("wrong_id", "id")
TWO_FIELDS: Final = {"id": id_of("two alike"), "occurred_at": NOW}


def _of_every_fact() -> Iterator[Case]:
    """Each field that must be there left out; a field that nobody knows; a version that nobody knows yet."""
    for kind in FACTS:
        event = SAMPLES[kind.wire_name]
        stem = kind.wire_name.rpartition(".")[0]
        for name, field in kind.model_fields.items():
            if field.is_required():
                yield fact(f"{stem} without {name}", Quarantined("missing_field", name), event, **{name: LEFT_OUT})
        yield fact(f"{stem} with a colour", Quarantined("unknown_field", "colour"), event, colour="red")
        yield fact(f"{stem} of version 99", UNKNOWN_TYPE, event, around={"type": f"{stem}.v99"})


def _decisions() -> Iterator[Case]:
    """What is decided here, nobody reports; nor what the service itself notes about messages and exports."""
    for wire_name, kind in CATALOGUE.items():
        if issubclass(kind, Decision) or wire_name.startswith("exchange."):
            yield fact(f"{wire_name} as a report", NOT_A_FACT, SAMPLES[wire_name])


def _sale(name: str, outcome: Any, **changes: Any) -> Case:
    return fact(name, outcome, SALE, **({"sale": f"s-{id_of(name)}"} | changes))


def _shops() -> Iterator[Case]:
    """Nothing un-sells a jar: what cannot be is kept and flagged."""
    yield _sale("a product nobody knows", Kept(("unknown_product",)), lines=[LINE | {"product": "moonstone"}])
    yield _sale("a batch nobody knows", Kept(("unknown_batch",)), lines=[LINE | {"batch": "b-unheard-of"}])
    yield _sale("no batch", Kept(("no_batch",)), lines=[{k: v for k, v in LINE.items() if k != "batch"}])
    yield _sale("a null for a batch", Kept(("no_batch",)), lines=[LINE | {"batch": None}])
    yield _sale("a shift nobody opened", Kept(), shift="never-opened")
    yield _sale("a shop nobody knows", Kept(), outlet="nowhere")
    yield _sale("a till nobody enrolled", Kept(), till="not-enrolled")
    yield _sale("a cashier nobody knows", Kept(), cashier="user/nobody")
    yield _sale("no lines", Kept(), lines=[])
    yield _sale("no tenders", Kept(), tenders=[])
    yield _sale("tenders that pay too little", Kept(), tenders=[{"kind": "cash", "amount_tyiyn": 1}])
    yield _sale("money given back as a tender", Kept(), tenders=[{"kind": "cash", "amount_tyiyn": -36_000}])
    yield _sale("a counter used before", Kept(), till_counter=2)
    yield _sale("a counter far ahead", Kept(), till_counter=10**15)
    yield _sale("a counter of zero", Quarantined("out_of_range", "till_counter"), till_counter=0)
    yield _sale("a counter below zero", Quarantined("out_of_range", "till_counter"), till_counter=-1)
    yield _sale("a counter beyond all", Quarantined("out_of_range", "till_counter"), till_counter=10**15 + 1)
    yield _sale("a chain that does not fit", Kept(), prev_hash="0" * 64)
    yield _sale("a hash in capitals", Quarantined("wrong_form", "prev_hash"), prev_hash="A" * 64)
    yield _sale("a hash that is too short", Quarantined("wrong_form", "prev_hash"), prev_hash="a" * 63)
    yield _sale("units below zero", Quarantined("out_of_range", "lines.0.units"), lines=[LINE | {"units": -1}])
    yield _sale("no units", Quarantined("out_of_range", "lines.0.units"), lines=[LINE | {"units": 0}])
    yield _sale("a line that is none", Quarantined("wrong_type", "lines.1"), lines=[LINE, 7])
    yield _sale("lines that are an object", Quarantined("wrong_type", "lines"), lines=LINE)
    yield _sale("lines that are a text", Quarantined("wrong_type", "lines"), lines="two jars")
    yield _sale("a line with a discount", Quarantined("unknown_field", "lines.0.discount"), lines=[LINE | {"discount": 1}])
    yield _sale("a tender nobody knows", Quarantined("unknown_word", "tenders.0.kind"), tenders=[{"kind": "gold", "amount_tyiyn": 1}])
    yield _sale("a tender in capitals", Quarantined("unknown_word", "tenders.0.kind"), tenders=[{"kind": "CASH", "amount_tyiyn": 1}])
    yield _sale("a cashier by name", Quarantined("wrong_form", "cashier"), cashier="Айгүл Асанова")
    for line in (0, 1, 10**15):
        yield fact(f"line {line} of an unknown sale corrected", Kept(), make.sale_line_corrected(sale=f"never-{line}", line=line))
    yield fact("line -1 corrected", Quarantined("out_of_range", "line"), make.sale_line_corrected(), line=-1)
    yield fact("a void of a sale nobody made", Kept(), make.sale_voided(sale="never-made"))
    yield fact("a void of itself", Kept(), make.sale_voided(sale="s-void"), around={"id": id_of("s-void")})
    yield fact("the same sale voided", Kept(), make.sale_voided(sale="s-twice", till_counter=70))
    yield fact("the same sale voided once more", Kept(), make.sale_voided(sale="s-twice", till_counter=71))
    yield _sale("a sale after its void", Kept(), sale="s-twice", till_counter=72)
    yield fact("a void without a reason's word", Quarantined("wrong_form", "reason"), make.sale_voided(), reason="Because I said so")
    back = make.return_line(units=10**6).model_dump(mode="json")
    yield fact("more brought back than was sold", Kept(), make.goods_returned(return_id="r-much"), lines=[back])
    yield fact("goods without a receipt", Kept(), make.goods_returned(return_id="r-no-receipt"), sale=None, lines=[back | {"line": None}])
    yield fact("a return of a line that is not there", Kept(), make.goods_returned(return_id="r-line"), lines=[back | {"line": 99}])
    yield fact("a return of itself", Kept(), make.goods_returned(return_id="r-self", sale="r-self"))
    yield fact("a shift opened", Kept(), make.shift_opened(shift="shift-odd"))
    yield fact("a shift opened twice", Kept(), make.shift_opened(shift="shift-odd"))
    yield fact("a shift closed that nobody opened", Kept(), make.shift_closed(shift="shift-never"))
    yield fact("a shift closed", Kept(), make.shift_closed(shift="shift-odd"))
    yield fact("a shift closed twice", Kept(), make.shift_closed(shift="shift-odd"))
    yield _sale("a sale in a closed shift", Kept(), shift="shift-odd")
    yield fact("a drawer that lacks everything", Kept(), make.shift_closed(shift="shift-poor"), counted_cash_tyiyn=0)
    yield fact("a drawer below zero", Quarantined("out_of_range", "counted_cash_tyiyn"), make.shift_closed(), counted_cash_tyiyn=-1)
    yield fact("cash moved nowhere", Quarantined("unknown_word", "direction"), make.cash_moved(), direction="up")
    yield fact("no cash moved", Quarantined("out_of_range", "amount_tyiyn"), make.cash_moved(), amount_tyiyn=0)
    yield fact("more taken out than is in", Kept(), make.cash_moved(), direction="out", amount_tyiyn=10**12)
    yield fact("nothing found on the shelf", Kept(), make.stock_counted(count="count-none"), lines=[STOCK | {"units": 0}])
    yield fact("a shelf with less than nothing", Quarantined("out_of_range", "lines.0.units"), make.stock_counted(), lines=[STOCK | {"units": -3}])
    yield fact("the same batch counted twice at once", Kept(), make.stock_counted(count="count-double"), lines=[STOCK, STOCK])
    yield fact("a count at a kind of place nobody knows", Quarantined("wrong_form", "place"), make.stock_counted(), place="shop/karakol")
    yield fact("a count at no place", Quarantined("wrong_form", "place"), make.stock_counted(), place="outlet/")
    yield fact("a count at two places", Quarantined("wrong_form", "place"), make.stock_counted(), place="outlet/karakol/back")
    yield fact("more written off than there is", Kept(), make.stock_written_off(write_off="w-much"), lines=[STOCK | {"units": 10**9}])
    yield fact("written off by one alone", Kept(), make.stock_written_off(write_off="w-alone"), members=["user/lead-1"])
    yield fact("written off by the same person twice", Kept(), make.stock_written_off(write_off="w-same"), members=["user/a", "user/a"])


def _making() -> Iterator[Case]:
    made, pooled, packed = make.batch_produced, make.lots_pooled, make.batch_packed
    yield fact("a lot of an unknown producer", Kept(), make.lot_collected(lot="l-1", producer="p-unheard-of"))
    yield fact("a lot that weighs nothing", Kept(), make.lot_collected(lot="l-2"), mass_g=0)
    yield fact("a lot that weighs less than nothing", Quarantined("out_of_range", "mass_g"), make.lot_collected(), mass_g=-1)
    yield fact("the same lot collected twice", Kept(), make.lot_collected(lot="l-1", mass_g=7))
    yield fact("a lot made of itself", Quarantined("lineage_cycle", "data"), made(), lot="lot-apricots-1", inputs=[INPUT])
    yield fact("an input named twice", Quarantined("input_named_twice", "data"), made(), inputs=[INPUT, INPUT])
    yield fact("an input of which nothing is taken", Quarantined("nothing_taken", "data"), made(), inputs=[{"lot": "x"}])
    yield fact("a pool of itself", Quarantined("lineage_cycle", "data"), pooled(), lot="lot-apricots-1", inputs=[INPUT])
    yield fact("a batch of an unknown lot", Kept(("unknown_lot",)), made(lot="b-unknown"), inputs=[INPUT | {"lot": "l-unheard-of"}])
    yield fact("a batch of nothing", Kept(), made(lot="b-nothing"), inputs=[])
    yield fact("a batch heavier than its inputs", Kept(), made(lot="b-heavy"), mass_g=10**12, inputs=[INPUT])
    yield fact("a batch by nobody's kind of maker", Quarantined("wrong_form", "made_by"), made(), made_by="outlet/karakol")
    yield fact("a batch that is perhaps finished", Quarantined("wrong_type", "finished"), made(), finished="yes")
    yield fact("a batch finished as a number", Quarantined("wrong_type", "finished"), made(), finished=1)
    yield fact("the first half of a circle", Kept(), pooled(lot="circle-a"), inputs=[INPUT | {"lot": "circle-b"}])
    circle = fact("the second half of a circle", Quarantined("lineage_cycle", "data.inputs"), pooled(lot="circle-b"), inputs=[INPUT | {"lot": "circle-a"}])
    yield Case(circle.name, circle.outcome, circle.body, folded=True)
    halves = [report(f"circle at once {n}", pooled(lot=f"ring-{n}"), inputs=[INPUT | {"lot": f"ring-{1 - n}"}]) for n in (0, 1)]
    yield Case("a circle at once", Each((Kept(), Kept())), b"[" + b",".join(halves) + b"]", sent=tuple(halves))
    yield fact("a code with a letter that reads as a digit", Quarantined("wrong_form", "code"), packed(), code="4T7QX9BO")
    yield fact("a code in small letters", Quarantined("wrong_form", "code"), packed(), code="4t7qx9bh")
    yield fact("a code of seven characters", Quarantined("wrong_form", "code"), packed(), code="4T7QX9B")
    yield fact("a code in Cyrillic letters", Quarantined("wrong_form", "code"), packed(), code="4Т7QХ9ВН")
    yield fact("no units packed", Quarantined("out_of_range", "units"), packed(), units=0)
    yield fact("more packed than was made", Kept(), packed(lot="b-much", units=10**9))
    yield fact("one code for two lots", Kept(), packed(lot="b-other-lot"))
    yield fact("a test nobody knows the result of", Quarantined("unknown_word", "result"), make.lot_tested(), result="perhaps")
    yield fact("a measure below zero", Quarantined("out_of_range", "value_milli"), make.lot_tested(), value_milli=-1)
    yield fact("a correction of what never happened", Kept(), make.lot_corrected(corrects=id_of("never happened")))
    yield fact("a correction of itself", Kept(), make.lot_corrected(corrects=id_of("a correction of itself")))
    yield fact("a correction of no id", Quarantined("wrong_form", "corrects"), make.lot_corrected(), corrects="the last one")
    yield fact("inputs corrected to a circle", Quarantined("lineage_cycle", "data"), make.batch_inputs_corrected(lot="l-9"), inputs=[INPUT | {"lot": "l-9"}])
    yield fact("nothing discarded", Kept(), make.batch_discarded(), mass_g=0, pieces=0, units=0)
    yield fact("a shipment to where it is", Kept(), make.stock_shipped(consignment="c-self"), destination="workshop/tosor-jam")
    yield fact("a shipment of nothing", Kept(), make.stock_shipped(consignment="c-empty"), lines=[])
    yield fact("received and never shipped", Kept(), make.stock_received(consignment="c-never"))
    yield fact("more received than shipped", Kept(), make.stock_received(consignment="c-self"), lines=[STOCK | {"units": 999}])
    yield fact("lost and never shipped", Kept(), make.shipment_lost(consignment="c-lost"))
    yield fact("cancelled and never shipped", Kept(), make.shipment_cancelled(consignment="c-cancelled"))
    yield fact("a delivery nobody ordered", Kept(), make.order_delivered(order="o-never"))
    yield fact("a delivery in a shop's channel", Quarantined("unknown_word", "channel"), make.order_delivered(), channel="retail")
    yield fact("a training that nobody came to", Kept(), make.training_held(training="t-empty"), participants=[])
    yield fact("a region of another country", Quarantined("wrong_form", "region"), make.training_held(), region="KZ-ALA")
    yield fact("a problem with a jar nobody packed", Kept(), make.problem_reported(report="pr-1"), code="ZZZZZZZZ")
    yield fact("advice asked by a shop", Quarantined("wrong_form", "maker"), make.consultation_requested(), maker="outlet/karakol")


ENVELOPES: Final[dict[str, tuple[dict[str, Any], Any]]] = {
    "no id": ({"id": LEFT_OUT}, WRONG_ID),
    "a null for an id": ({"id": None}, WRONG_ID),
    "a number for an id": ({"id": 7}, WRONG_ID),
    "a list for an id": ({"id": ["0198c0de-0000-7000-8000-000000000001"]}, WRONG_ID),
    "an empty id": ({"id": ""}, WRONG_ID),
    "an id without hyphens": ({"id": "0198c0de000070008000000000000001"}, WRONG_ID),
    "an id with hyphens elsewhere": ({"id": "----0198c0de000070008000000000000001"}, WRONG_ID),
    "an id with hyphens behind": ({"id": "0198c0de000070008000000000000001----"}, WRONG_ID),
    "an id in braces": ({"id": "{0198c0de-0000-7000-8000-000000000001}"}, WRONG_ID),
    "an id as a URN": ({"id": "urn:uuid:0198c0de-0000-7000-8000-000000000001"}, WRONG_ID),
    "an id with an underscore": ({"id": "0198c0de-0000-7000-8000-00000000_001"}, WRONG_ID),
    "an id with a plus": ({"id": "+198c0de-0000-7000-8000-000000000001"}, WRONG_ID),
    "an id with a space before": ({"id": " 198c0de-0000-7000-8000-000000000001"}, WRONG_ID),
    "an id with a line feed behind": ({"id": "0198c0de-0000-7000-8000-00000000001\n"}, WRONG_ID),
    "an id in Arabic digits": ({"id": "٠198c0de-0000-7000-8000-000000000001"}, WRONG_ID),
    "an id in full-width digits": ({"id": "０198c0de-0000-7000-8000-000000000001"}, WRONG_ID),
    "an id with a letter beyond f": ({"id": "0198c0dg-0000-7000-8000-000000000001"}, WRONG_ID),
    "an id of 35 characters": ({"id": "0198c0de-0000-7000-8000-00000000001"}, WRONG_ID),
    "an id of 37 characters": ({"id": "0198c0de-0000-7000-8000-0000000000001"}, WRONG_ID),
    "an id of version 4": ({"id": "0b0e8f3e-3f7a-4d4e-9f5c-1f2e3d4c5b6a"}, Kept()),
    "an id in capitals": ({"id": "0198C0DE-AAAA-7000-8000-00000000ABCD"}, Kept()),
    "an id of zeros": ({"id": "00000000-0000-0000-0000-000000000000"}, Kept()),
    "an id of ones": ({"id": "ffffffff-ffff-ffff-ffff-ffffffffffff"}, Kept()),
    "no type": ({"type": LEFT_OUT}, UNKNOWN_TYPE),
    "a null for a type": ({"type": None}, UNKNOWN_TYPE),
    "a list for a type": ({"type": ["outlets.sale_made.v1"]}, UNKNOWN_TYPE),
    "an empty type": ({"type": ""}, UNKNOWN_TYPE),
    "a type without its version": ({"type": "outlets.sale_made"}, UNKNOWN_TYPE),
    "a type of version 0": ({"type": "outlets.sale_made.v0"}, UNKNOWN_TYPE),
    "a type of version 01": ({"type": "outlets.sale_made.v01"}, UNKNOWN_TYPE),
    "a type of the next version": ({"type": "outlets.sale_made.v2"}, UNKNOWN_TYPE),
    "a type in capitals": ({"type": "OUTLETS.SALE_MADE.V1"}, UNKNOWN_TYPE),
    "a type by its class": ({"type": "SaleMade"}, UNKNOWN_TYPE),
    "a type with a space behind": ({"type": "outlets.sale_made.v1 "}, UNKNOWN_TYPE),
    "a type of another module": ({"type": "logistics.sale_made.v1"}, UNKNOWN_TYPE),
    "a type with a path": ({"type": "../outlets.sale_made.v1"}, UNKNOWN_TYPE),
    "another event's type": ({"type": "outlets.sale_voided.v1"}, Quarantined("missing_field", "reason")),
    "no data": ({"data": LEFT_OUT}, Quarantined("wrong_type", "data")),
    "a null for data": ({"data": None}, Quarantined("wrong_type", "data")),
    "a list for data": ({"data": []}, Quarantined("wrong_type", "data")),
    "a text for data": ({"data": "{}"}, Quarantined("wrong_type", "data")),
    "data twice around": ({"data": {"data": {}}}, Quarantined("missing_field", "shift")),
    "a field beside data": ({"note": "x"}, Quarantined("unknown_field", "note")),
    "a position beside data": ({"position": 1}, Quarantined("unknown_field", "position")),
    "a stream beside data": ({"stream": "shift/shift-1"}, Quarantined("unknown_field", "stream")),
    "the administrator as actor": ({"actor": "center/admin"}, Kept()),
    "a null for an actor": ({"actor": None}, Kept()),
    "an empty actor": ({"actor": ""}, Quarantined("wrong_actor", "actor")),
    "a number for an actor": ({"actor": 7}, Quarantined("wrong_actor", "actor")),
    "an actor by name": ({"actor": "Айгүл"}, Quarantined("wrong_actor", "actor")),
    "an actor of 97 characters": ({"actor": "a" * 97}, Quarantined("wrong_actor", "actor")),
    "an actor with a line feed": ({"actor": "user/a\n"}, Quarantined("wrong_actor", "actor")),
    "a time of recording": ({"recorded_at": NOW}, Refused(403, "clock_is_real", "recorded_at")),
    "a time of recording that is none": ({"recorded_at": "yesterday"}, Refused(403, "clock_is_real", "recorded_at")),
    "a null for a time of recording": ({"recorded_at": None}, Kept()),
}  # fmt: skip


def _envelopes() -> Iterator[Case]:
    for name, (around, outcome) in ENVELOPES.items():
        yield fact(name, outcome, make.sale_made(sale=f"s-{id_of(name)}"), around=around)


def _twice() -> Iterator[Case]:
    """One id stands for one thing, for ever."""
    event = make.sale_made(sale="s-once")
    first = report("an id used once", event)
    yield Case("an id used once", Kept(), first)
    yield Case("the same again", Repeated(), first)
    yield Case("the same in other order", Repeated(), orjson.dumps(dict(reversed(orjson.loads(first).items()))))
    yield Case("the same with more space", Repeated(), first.replace(b'":', b'" : '))
    yield Case("the same with escaped letters", Repeated(), first.replace(b"karakol", rb"\u006barakol"))
    yield Case("the same id for another sale", Disputed(), report("an id used once", make.sale_made(sale="s-another")))
    yield Case("the same id for another time", Disputed(), report("an id used once", event, around={"occurred_at": "2026-01-01T00:00:00Z"}))
    yield Case("the same id in capitals", Disputed(), first.replace(id_of("an id used once").encode(), id_of("an id used once").upper().encode()))
    yield Case("the same id for what cannot be understood", Disputed(), report("an id used once", event, colour="red"))
    yield Case("the same dispute again", Disputed(), report("an id used once", event, colour="red"))
    spoilt = report("an id of something spoilt", event, colour="red")
    yield Case("an id of something spoilt", Quarantined("unknown_field", "colour"), spoilt)
    yield Case("the spoilt again", Repeated("unknown_field"), spoilt)
    yield Case("the mended under the spoilt one's id", Disputed(), report("an id of something spoilt", event))
    yield Case("the same thrice at once", Each((Repeated(),) * 3), b"[" + b",".join([first] * 3) + b"]", sent=(first,) * 3)
    yield Case("a command with the id of a report", Refused(409, "id_conflict", "id"),
               orjson.dumps({"id": id_of("an id used once"), "occurred_at": NOW, **make.supplier_registered().model_dump(mode="json")}),
               "/api/v1/network/register-supplier")  # fmt: skip


def _addresses() -> Iterator[Case]:
    sale = make.sale_made(sale="s-address")
    yield friendly("a sale at its own address", Kept(), "outlets", sale)
    yield friendly("a sale with its type at its own address", Quarantined("unknown_field", "type"), "outlets", sale, type=sale.wire_name)
    yield friendly("a sale with data at its own address", Quarantined("unknown_field", "data"), "outlets", sale, data={})
    yield friendly("a sale without a till at its own address", Quarantined("missing_field", "till"), "outlets", sale, till=LEFT_OUT)
    yield friendly("a sale of the producers", Refused(404, "not_found"), "producers", sale)
    yield friendly("a decision at an address of facts", Refused(404, "not_found"), "committee", make.product_certified())
    yield Case("the form of events at a fact's address", Quarantined("missing_field", "shift"), report("form of events", sale), "/api/v1/sales")


def _old_forms() -> Iterator[Case]:
    yield fact("a lot in its first form", Kept(), make.lot_collected_v1(lot="l-old"))
    yield fact("a lot in its first form with a field of the second", Quarantined("missing_field", "mass_kg"), make.lot_collected_v1(), mass_g=1, mass_kg=LEFT_OUT)
    yield fact("a lot of today under its first name", Quarantined("missing_field", "mass_kg"), make.lot_collected(), around={"type": "production.lot_collected.v1"})
    yield fact("a lot of a million tonnes in its first form", Kept(), make.lot_collected_v1(lot="l-heavy"), mass_kg=10**9)
    yield fact("a lot beyond all in its first form", Quarantined("out_of_range", "mass_g"), make.lot_collected_v1(lot="l-huge"), mass_kg=10**12 + 1)
    yield fact("written off in its first form", Kept(), make.stock_written_off_v1(write_off="w-old"))
    yield fact("written off in its first form by two", Quarantined("unknown_field", "members"), make.stock_written_off_v1(), members=["user/a", "user/b"])


CASES: Final = (*_of_every_fact(), *_decisions(), *_shops(), *_making(), *_envelopes(), *_twice(), *_addresses(), *_old_forms())
