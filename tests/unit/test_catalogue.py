"""What holds for every event: strictness, frozenness, names. Generic over the catalogue, so a new event is covered."""

import re
from collections.abc import Iterator
from datetime import date
from typing import Any, get_args, get_origin

import orjson
import pytest
from pydantic import BaseModel, ValidationError
from pydantic.fields import FieldInfo

from events.canonical import event_data
from events.catalogue.base import Decision, Event, Fact
from events.catalogue.registry import (
    EVENTS,
    MODULES,
    OLD_VERSIONS,
    UndecodableEvent,
    UnknownEventType,
    decode,
    upcast,
    validate_as_written,
    written_class,
)
from events.catalogue.values import QUANTITY_MAX, LotInput, line_beyond_counting
from services.errors import Malformed
from services.network.decider import RegisterSupplier
from tests import make

ALL = sorted({*EVENTS, *OLD_VERSIONS})
#: Integers that may be negative, because the thing they measure can be: all others are counts and amounts.
SIGNED = re.compile(r"(latitude|longitude)_microdegrees|rounding_tyiyn|earned_tyiyn|unknown_tyiyn")
STREAM = re.compile(r"^[a-z][a-z-]*(/[a-z0-9._-]+)+$")


def sample(wire_name: str) -> dict[str, Any]:
    """The fields of an event of this name, as JSON has them."""
    found: dict[str, Any] = make.one_of_each()[wire_name].model_dump(mode="json", exclude_none=True)
    return found


def refuses(wire_name: str, fields: dict[str, Any], *, field: str) -> None:
    with pytest.raises(UndecodableEvent) as refused:
        decode(wire_name, orjson.dumps(fields))
    assert refused.value.wire_name == wire_name
    assert field in {problem.field.split(".")[0] for problem in refused.value.problems}


def fields_of(kind: type[Any]) -> Iterator[tuple[str, str, FieldInfo]]:
    """(wire name, field, info) of all current and old events, for tests over single fields."""
    for wire_name in ALL:
        for name, info in written_class(wire_name).model_fields.items():
            if kind in plain_types(info.annotation):
                yield wire_name, name, info


def plain_types(annotation: Any) -> set[Any]:
    """The types a field may hold, with unions and annotations taken apart; not what is inside tuples."""
    if get_origin(annotation) is tuple:
        return {tuple}
    inner = get_args(annotation)
    return set().union(*map(plain_types, inner)) if inner else {annotation}


INTEGERS = [(wire_name, name) for wire_name, name, _ in fields_of(int)]
STRINGS = [(wire_name, name) for wire_name, name, _ in fields_of(str)]
DAYS = [(wire_name, name) for wire_name, name, _ in fields_of(date)]


def required(wire_name: str) -> set[str]:
    return {name for name, info in written_class(wire_name).model_fields.items() if info.is_required()}


REQUIRED = [(wire_name, name) for wire_name in ALL for name in sorted(required(wire_name))]


@pytest.mark.parametrize("wire_name", ALL)
def test_an_unknown_field_does_not_decode(wire_name: str) -> None:
    refuses(wire_name, sample(wire_name) | {"colour": "red"}, field="colour")


@pytest.mark.parametrize(("wire_name", "name"), REQUIRED)
def test_a_missing_field_does_not_decode(wire_name: str, name: str) -> None:
    fields = sample(wire_name)
    del fields[name]
    refuses(wire_name, fields, field=name)


@pytest.mark.parametrize(("wire_name", "name"), INTEGERS)
def test_only_an_integer_within_bounds_is_a_quantity_or_money(wire_name: str, name: str) -> None:
    for wrong in (1.5, 2.0, "3", True, 10**16, -(10**16)):
        refuses(wire_name, sample(wire_name) | {name: wrong}, field=name)


@pytest.mark.parametrize(("wire_name", "name"), [pair for pair in INTEGERS if not SIGNED.fullmatch(pair[1])])
def test_a_negative_quantity_does_not_decode(wire_name: str, name: str) -> None:
    refuses(wire_name, sample(wire_name) | {name: -1}, field=name)


@pytest.mark.parametrize(("wire_name", "name"), STRINGS)
def test_only_a_well_formed_name_is_a_name(wire_name: str, name: str) -> None:
    # A NUL would decode as JSON and then stop every PostgreSQL text column that a fold writes it to.
    for wrong in ("", "x" * 200, 7, ["a"], "a\u0000", "a\n", None if name in required(wire_name) else "\x7f"):
        refuses(wire_name, sample(wire_name) | {name: wrong}, field=name)
    if name != "barcode":  # what is printed on the thing, in no alphabet of ours
        refuses(wire_name, sample(wire_name) | {name: "Not A Name!"}, field=name)


@pytest.mark.parametrize(("wire_name", "name"), DAYS)
def test_only_a_calendar_day_is_a_day(wire_name: str, name: str) -> None:
    for wrong in ("2012-02-30", "2012-07-01T10:00:00", "01.07.2012", 1341100800, 20120701):
        refuses(wire_name, sample(wire_name) | {name: wrong}, field=name)


@pytest.mark.parametrize("wire_name", ALL)
def test_what_is_not_an_object_does_not_decode(wire_name: str) -> None:
    for content in (b"", b"{", b"[]", b"null", b'"sale"', b"\xff\xfe", b'{"a":' * 500, b'{"lot":"\\ud800"}'):
        with pytest.raises(UndecodableEvent):
            decode(wire_name, content)


@pytest.mark.parametrize("wire_name", ALL)
def test_an_event_cannot_be_changed(wire_name: str) -> None:
    event = make.one_of_each()[wire_name]
    for name in type(event).model_fields:
        with pytest.raises(ValidationError, match="frozen"):
            setattr(event, name, getattr(event, name))


@pytest.mark.parametrize("wire_name", ALL)
def test_the_parts_of_an_event_are_as_strict_and_frozen_as_the_event(wire_name: str) -> None:
    for part in parts_of(written_class(wire_name)):
        assert part.model_config.get("frozen") is True
        assert part.model_config.get("strict") is True
        assert part.model_config.get("extra") == "forbid"


def parts_of(model: type[BaseModel]) -> Iterator[type[BaseModel]]:
    yield model
    for info in model.model_fields.values():
        for inner in models_in(info.annotation):
            yield from parts_of(inner)


def models_in(annotation: Any) -> Iterator[type[BaseModel]]:
    if isinstance(annotation, type) and issubclass(annotation, BaseModel):
        yield annotation
    for inner in get_args(annotation):
        yield from models_in(inner)


@pytest.mark.parametrize("wire_name", ALL)
def test_no_event_holds_a_float_or_anything_that_can_be_changed(wire_name: str) -> None:
    for part in parts_of(written_class(wire_name)):
        for name, info in part.model_fields.items():
            assert not {float, list, dict, set} & plain_types(info.annotation), f"{part.__name__}.{name}"


@pytest.mark.parametrize("wire_name", ALL)
def test_a_wire_name_says_its_module_and_its_version(wire_name: str) -> None:
    module, name, version = wire_name.split(".")
    kind = written_class(wire_name)
    assert kind.__module__ == MODULES[module].__name__
    assert re.fullmatch(r"v[1-9][0-9]*", version)
    spelled = re.sub(r"(?<!^)(?=[A-Z])", "_", re.sub(r"V[0-9]+$", "", kind.__name__)).lower()
    assert name == spelled
    assert kind.wire_name == wire_name


@pytest.mark.parametrize("wire_name", ALL)
def test_an_event_is_a_fact_or_a_decision_and_says_what_it_means(wire_name: str) -> None:
    kind = written_class(wire_name)
    assert issubclass(kind, Fact) != issubclass(kind, Decision)
    assert kind.__doc__
    assert kind.__doc__ not in {Event.__doc__, Fact.__doc__, Decision.__doc__}


@pytest.mark.parametrize("wire_name", ALL)
def test_an_event_names_a_short_stream(wire_name: str) -> None:
    assert STREAM.fullmatch(make.one_of_each()[wire_name].stream())


def test_a_current_version_is_the_highest_of_its_name() -> None:
    for wire_name in OLD_VERSIONS:
        stem, _, version = wire_name.rpartition(".v")
        current = [name for name in EVENTS if name.startswith(f"{stem}.v")]
        assert len(current) == 1
        assert int(current[0].rpartition(".v")[2]) > int(version)


def test_two_versions_of_one_event_are_never_both_current() -> None:
    stems = [name.rpartition(".v")[0] for name in EVENTS]
    assert len(stems) == len(set(stems))


def test_an_unknown_event_type_is_named() -> None:
    with pytest.raises(UnknownEventType, match=r"outlets\.sale_dreamt\.v1"):
        decode("outlets.sale_dreamt.v1", b"{}")


def test_a_lot_weighed_in_kilograms_is_read_in_grams() -> None:
    old = make.lot_collected_v1(lot="lot-7", mass_kg=12, workshop="tosor-jam")
    written = validate_as_written(old.wire_name, old.model_dump_json())
    assert written == old
    assert upcast(written) == make.lot_collected(lot="lot-7", mass_g=12_000, delivered_to="workshop/tosor-jam")


def test_upcasting_an_event_of_today_changes_nothing() -> None:
    event = make.lot_collected()
    assert upcast(event) is event


@pytest.mark.parametrize(
    ("inputs", "code"),
    [
        ((make.lot_input(lot="lot-pool-1"),), "lineage_cycle"),
        ((make.lot_input(), make.lot_input(mass_g=1)), "input_named_twice"),
        ((make.lot_input(mass_g=0),), "nothing_taken"),
    ],
)
def test_a_step_names_what_is_wrong_with_its_inputs(inputs: tuple[LotInput, ...], code: str) -> None:
    fields = sample("production.lots_pooled.v1")
    fields["inputs"] = [taken.model_dump(mode="json") for taken in inputs]
    with pytest.raises(UndecodableEvent) as refused:
        decode("production.lots_pooled.v1", orjson.dumps(fields))
    assert [problem.code for problem in refused.value.problems] == [code]


def test_share_terms_split_a_som_to_the_last_tyiyn() -> None:
    fields = sample("settlement.share_terms_agreed.v1") | {"fund_bp": 501}
    with pytest.raises(UndecodableEvent) as refused:
        decode("settlement.share_terms_agreed.v1", orjson.dumps(fields))
    assert [problem.code for problem in refused.value.problems] == ["terms_do_not_add_up"]


@pytest.mark.parametrize("name", ["To\u200bsor", " ", "To\u0085sor"])
def test_a_name_that_nobody_may_give_any_more_can_still_be_read(name: str) -> None:
    said = event_data(make.supplier_registered(names=make.names("Kant")))
    stored = said.replace(b"Kant", name.encode())
    assert decode("network.supplier_registered.v1", stored) is not None
    with pytest.raises(Malformed):
        RegisterSupplier.parse(stored)


def test_a_line_may_come_to_the_most_that_is_counted_with_and_to_no_more() -> None:
    most = make.sale_line(units=1, unit_price_tyiyn=QUANTITY_MAX)
    assert line_beyond_counting((most, most)) is None
    assert line_beyond_counting((most, make.sale_line(units=2, unit_price_tyiyn=QUANTITY_MAX // 2 + 1))) == "lines.1"
