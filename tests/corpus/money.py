"""Amounts and quantities as people and spreadsheets write them: with commas, with fractions, too large, too small."""

from collections.abc import Iterator
from typing import Any, Final

from tests import make
from tests.corpus.case import Case, Each, Kept, Outcome, Quarantined, command, fact, id_of, malformed, question, report

MOST: Final = 10**15
TYPE, RANGE, FORM = "wrong_type", "out_of_range", "wrong_form"

#: What is no amount, as it stands in JSON, and what it is called.
NO_AMOUNT: Final[dict[str, tuple[str, str]]] = {
    "a fraction": ("180.5", TYPE),
    "a whole number with a fraction of nothing": ("180.0", TYPE),
    "a power of ten": ("18e3", TYPE),
    "a text of digits": ('"18000"', TYPE),
    "a text with a comma": ('"180,00"', TYPE),
    "a text with a dot": ('"180.00"', TYPE),
    "a text with a space between thousands": ('"18 000"', TYPE),
    "a text with a narrow space between thousands": ('"18\\u202f000"', TYPE),
    "a text with an apostrophe between thousands": ("\"18'000\"", TYPE),
    "a text with the currency": ('"180 сом"', TYPE),
    "a text with the currency's sign": ('"180 ⃀"', TYPE),
    "a text in Arabic digits": ('"١٨٠"', TYPE),
    "a text of nothing": ('""', TYPE),
    "a text of a formula": ('"=90*2"', TYPE),
    "a text of a hexadecimal number": ('"0x4650"', TYPE),
    "nothing": ("null", TYPE),
    "true": ("true", TYPE),
    "false": ("false", TYPE),
    "a list": ("[18000]", TYPE),
    "an object": ('{"som": 180}', TYPE),
    "a tyiyn below nothing": ("-1", RANGE),
    "the least of 64 bits": ("-9223372036854775808", RANGE),
    "a tyiyn beyond the most": (str(MOST + 1), RANGE),
    "the first number a double cannot hold": (str(2**53 + 1), RANGE),
    "the most of 64 bits": (str(2**63 - 1), RANGE),
    "one more than 64 bits with a sign": (str(2**63), RANGE),
    "the most of 64 bits without a sign": (str(2**64 - 1), RANGE),
    "one more than 64 bits": (str(2**64), TYPE),
    "thirty digits": ("1" * 30, TYPE),
}  # fmt: skip

LINE: Final = make.sale_line(batch=None).model_dump(mode="json", exclude_none=True)


def _raw(case: Case, number: str) -> Case:
    """The case with this number, as it stands here, in place of the mark."""
    return Case(case.name, case.outcome, case.body.replace(b'"MARK"', number.encode()), case.path)


def _sale(name: str, outcome: Outcome, **changes: Any) -> Case:
    return fact(name, outcome, make.sale_made(sale=f"s-{id_of(name)}"), **changes)


def _no_amounts() -> Iterator[Case]:
    for name, (number, code) in NO_AMOUNT.items():
        line = [LINE | {"unit_price_tyiyn": "MARK"}]
        yield _raw(_sale(f"a price of {name}", Quarantined(code, "lines.0.unit_price_tyiyn"), lines=line), number)
        yield _raw(command(f"a list price of {name}", malformed(code, "unit_price_tyiyn"), "network/set-price", make.price_set(), unit_price_tyiyn="MARK"), number)
    for name in ("a fraction", "a text with a comma", "a tyiyn beyond the most", "true", "one more than 64 bits"):
        number, code = NO_AMOUNT[name]
        yield _raw(_sale(f"units of {name}", Quarantined(code, "lines.0.units"), lines=[LINE | {"units": "MARK"}]), number)
        yield _raw(fact(f"grams of {name}", Quarantined(code, "mass_g"), make.lot_collected(), mass_g="MARK"), number)
        yield _raw(_sale(f"a tender of {name}", Quarantined(code, "tenders.0.amount_tyiyn"), tenders=[{"kind": "cash", "amount_tyiyn": "MARK"}]), number)
        pay = {"producer": "p-001", "payout": "p", "method": "cash", "amount_tyiyn": "MARK"}
        yield _raw(command(f"a payout of {name}", malformed(code, "amount_tyiyn"), "settlement/make-payout", **pay), number)


def _edges() -> Iterator[Case]:
    """Amounts at the very edge, and beyond it once they are multiplied or added up: legal, and counted exactly."""
    yield _sale("a jar for nothing", Kept(), lines=[LINE | {"unit_price_tyiyn": 0}], tenders=[])
    yield _sale("a price of one tyiyn", Kept(), lines=[LINE | {"units": 1, "unit_price_tyiyn": 1}])
    yield _sale("the dearest jar", Kept(), lines=[LINE | {"units": 1, "unit_price_tyiyn": MOST}])
    yield _sale("the most jars", Kept(), lines=[LINE | {"units": MOST, "unit_price_tyiyn": 1}])
    yield _sale("the most jars at the dearest price", Quarantined(RANGE, "lines.0"), lines=[LINE | {"units": MOST, "unit_price_tyiyn": MOST}])
    yield _sale("the most jars of a batch at the dearest price", Quarantined(RANGE, "lines.1"), lines=[LINE, make.sale_line(units=MOST, unit_price_tyiyn=2).model_dump(mode="json")])
    yield _sale("a hundred lines of the dearest jars", Kept(), lines=[LINE | {"units": 1, "unit_price_tyiyn": MOST}] * 100)
    yield _sale("the most in cash", Kept(), tenders=[{"kind": "cash", "amount_tyiyn": MOST}])
    yield _sale("the most given back", Kept(), tenders=[{"kind": "cash", "amount_tyiyn": -MOST}])
    yield _sale("more than the most in ten tenders", Kept(), tenders=[{"kind": "cash", "amount_tyiyn": MOST}] * 10)
    yield _sale("a tender below the least", Quarantined(RANGE, "tenders.0.amount_tyiyn"), tenders=[{"kind": "cash", "amount_tyiyn": -MOST - 1}])
    yield _sale("rounding of the most", Kept(), rounding_tyiyn=MOST)
    yield _sale("rounding of the least", Kept(), rounding_tyiyn=-MOST)
    yield _sale("rounding beyond the most", Quarantined(RANGE, "rounding_tyiyn"), rounding_tyiyn=MOST + 1)
    yield _sale("rounding of half a tyiyn", Quarantined(TYPE, "rounding_tyiyn"), rounding_tyiyn=0.5)
    yield fact("the most units voided", Kept(), make.sale_voided(sale=f"s-{id_of('the most jars')}"))
    refund = make.return_line(refund_tyiyn=MOST, units=MOST).model_dump(mode="json")
    yield fact("the most brought back", Kept(), make.goods_returned(return_id="r-most"), lines=[refund] * 20)
    yield fact("the heaviest lot", Kept(), make.lot_collected(lot="l-heaviest"), mass_g=MOST)
    yield fact("the heaviest lot again", Kept(), make.lot_collected(lot="l-heaviest"), mass_g=MOST)
    heaviest = [{"lot": f"l-heavy-{n}", "mass_g": MOST} for n in range(40)]
    yield fact("forty of the heaviest in one batch", Kept(), make.batch_produced(lot="b-heaviest"), inputs=heaviest, mass_g=MOST)
    yield fact("a batch of which pieces are many", Kept(), make.batch_produced(lot="b-pieces"), pieces=MOST, labour_minutes=MOST)
    yield fact("the most units packed", Kept(), make.batch_packed(lot="b-heaviest", code="00000000"), units=MOST, unit_mass_g=1)
    yield fact("the most units of the heaviest", Quarantined(RANGE, "units"), make.batch_packed(lot="b-heaviest"), units=MOST, unit_mass_g=MOST)
    yield fact("the most units of many pieces", Quarantined(RANGE, "units"), make.batch_packed(lot="b-heaviest"), units=MOST, unit_mass_g=0, unit_pieces=2)
    for number in range(12):
        yield fact(f"the most units packed once more, {number}", Kept(), make.batch_packed(lot="b-heaviest", code="00000000"), units=MOST, unit_mass_g=1)
        yield fact(f"the most units shipped, {number}", Kept(), make.stock_shipped(consignment="c-most"), lines=[{"batch": "b-heaviest", "units": MOST}] * 10)
        yield fact(f"the most units written off, {number}", Kept(), make.stock_written_off(write_off=f"w-{number}"), lines=[{"batch": "b-heaviest", "units": MOST}] * 10)
        yield fact(f"the most cash moved, {number}", Kept(), make.cash_moved(), amount_tyiyn=MOST)
    yield fact("the most counted", Kept(), make.stock_counted(count="count-most"), lines=[{"batch": "b-heaviest", "units": MOST}])
    yield fact("the most in a drawer", Kept(), make.shift_closed(), counted_cash_tyiyn=MOST)
    yield fact("the most delivered", Quarantined(RANGE, "lines.0"), make.order_delivered(delivery="d-most"), lines=[make.sale_line(units=MOST, unit_price_tyiyn=MOST).model_dump(mode="json")])


def _shared() -> Iterator[Case]:
    """One tyiyn among five hundred members: somebody gets it, and no other."""
    members = [report(f"member {n}", make.lot_collected(lot=f"l-of-{n}", producer=f"p-of-{n}", mass_g=1 + n % 7)) for n in range(500)]
    yield Case("500 members gather", Each((Kept(),) * 500), b"[" + b",".join(members) + b"]", sent=tuple(members))
    inputs = [{"lot": f"l-of-{n}", "mass_g": 1 + n % 7} for n in range(500)]
    yield fact("a batch of 500 members", Kept(), make.batch_produced(lot="b-of-500", product="apricot-jam-300"), inputs=inputs, mass_g=300)
    yield fact("packed of 500 members", Kept(), make.batch_packed(lot="b-of-500", code="50050050"), units=3, unit_mass_g=100)
    jar = make.sale_line(batch="b-of-500", units=1, unit_price_tyiyn=1).model_dump(mode="json")
    tender = [{"kind": "cash", "amount_tyiyn": 1}]
    yield _sale("one tyiyn for 500 members", Kept(), lines=[jar], tenders=tender)
    yield _sale("one tyiyn more", Kept(), lines=[jar], tenders=tender)
    back = make.return_line(line=0, batch="b-of-500", units=1, refund_tyiyn=1).model_dump(mode="json")
    yield fact("one tyiyn back", Kept(), make.goods_returned(return_id="r-tyiyn", sale=f"s-{id_of('one tyiyn more')}"), lines=[back])
    yield _sale("seven tyiyn in seven lines", Kept(), lines=[jar] * 7, tenders=[{"kind": "cash", "amount_tyiyn": 7}])


def _questions() -> Iterator[Case]:
    for name in ("-1", "1.5", "1e3", "", "ten", "99999999999999999999", "0x10", "١", "1 000", "null", "1001"):
        yield question(f"a page of {name!r} rows", malformed_question(name, "limit"), f"inventory?limit={name}")
    for name in ("-1", "1.5", "1e3", "ten", "99999999999999999999", "1000000000000001"):
        yield question(f"after position {name!r}", malformed_question(name, "after"), f"inventory?after={name}")
        yield question(f"as of position {name!r}", malformed("wrong_time", "as_of"), f"inventory?as_of={name}")
    for name in ("1999", "2101", "-5", "двадцать", "20O1"):
        yield question(f"the year {name!r}", malformed_question(name, "year"), f"income?year={name}")


def malformed_question(value: str, field: str) -> Outcome:
    """What is said of a parameter that is no number, or one that is out of range."""
    digits = value.removeprefix("-")
    return malformed(RANGE if digits.isascii() and digits.isdecimal() else TYPE, field)


CASES: Final = (*_no_amounts(), *_edges(), *_shared(), *_questions())
