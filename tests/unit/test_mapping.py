"""Changes to a report that was not understood: each finds what it names or is refused, and the original stays."""

from contextlib import suppress
from copy import deepcopy
from typing import Any

import pytest
from hypothesis import given
from hypothesis import strategies as st

from services.errors import Malformed
from services.quarantine.mapping import Change, IdStays, apply

ITEM: dict[str, Any] = {
    "id": "7",
    "data": {"lines": [{"product": "A", "units": 1}, {"product": "A", "units": True}], "product": "B", "none": None},
}


def changed(*changes: dict[str, Any]) -> Any:
    return apply(ITEM, tuple(Change.model_validate(change) for change in changes))["data"]


def test_a_value_is_replaced_wherever_a_field_of_the_name_holds_it() -> None:
    found = changed({"wherever": "product", "is": "A", "to": "apricot-jam-300"})
    assert [line["product"] for line in found["lines"]] == ["apricot-jam-300"] * 2
    assert found["product"] == "B"


def test_a_number_is_not_mistaken_for_a_truth() -> None:
    assert [line["units"] for line in changed({"wherever": "units", "is": 1, "to": 2})["lines"]] == [2, True]
    assert changed({"wherever": "none", "is": None, "to": 0})["none"] == 0


def test_fields_are_set_renamed_and_taken_out_at_their_places() -> None:
    assert changed({"at": "data.lines.1.units", "to": 3})["lines"][1]["units"] == 3
    assert changed({"at": "data.shop", "to": "karakol"})["shop"] == "karakol"
    assert changed({"at": "data.lines.0", "remove": True})["lines"] == ITEM["data"]["lines"][1:]
    assert "none" not in changed({"at": "data.none", "remove": True})
    assert changed({"at": "data.product", "rename": "goods"})["goods"] == "B"


def test_changes_follow_each_other() -> None:
    found = changed({"at": "data.product", "rename": "goods"}, {"wherever": "goods", "is": "B", "to": "C"})
    assert (found["goods"], "product" in found) == ("C", False)


NOTHING_THERE = [
    {"at": "data.shop", "remove": True},
    {"at": "data.shop", "rename": "outlet"},
    {"at": "data.product", "rename": "none"},
    {"at": "data.lines.2", "remove": True},
    {"at": "data.lines.x", "to": 1},
    {"at": "data.lines.0", "rename": "first"},
    {"at": "data.product.deeper", "to": 1},
    {"wherever": "product", "is": "Z", "to": "A"},
]


@pytest.mark.parametrize("change", NOTHING_THERE, ids=str)
def test_a_change_that_finds_nothing_is_refused_by_its_number(change: dict[str, Any]) -> None:
    with pytest.raises(Malformed) as refused:
        changed({"at": "data.shop2", "to": 1}, change)
    [problem] = refused.value.problems
    assert (problem.field, problem.code) == ("changes.1", "nothing_there")


@pytest.mark.parametrize("change", [{"at": "id", "to": "8"}, {"at": "data", "rename": "id"}], ids=str)
def test_the_id_of_a_report_is_not_mapped(change: dict[str, Any]) -> None:
    with pytest.raises(IdStays):
        changed(change)


_json = st.recursive(
    st.none() | st.booleans() | st.integers() | st.text(max_size=3),
    lambda inner: st.lists(inner, max_size=3) | st.dictionaries(st.sampled_from(["a", "b", "0"]), inner, max_size=3),
    max_leaves=12,
)
_places = st.lists(st.sampled_from(["a", "b", "0", "1"]), min_size=1, max_size=4).map(".".join)
_changes = st.one_of(
    st.builds(lambda at, to: {"at": at, "to": to}, _places, _json),
    st.builds(lambda at, name: {"at": at, "rename": name}, _places, st.sampled_from(["a", "b"])),
    st.builds(lambda at: {"at": at, "remove": True}, _places),
    st.builds(lambda name, was, to: {"wherever": name, "is": was, "to": to}, st.sampled_from(["a", "b"]), _json, _json),
)


@given(st.dictionaries(st.sampled_from(["a", "b", "0"]), _json, max_size=3), st.lists(_changes, max_size=4))
def test_the_original_stays_whatever_is_changed(item: dict[str, Any], changes: list[dict[str, Any]]) -> None:
    before = deepcopy(item)
    with suppress(Malformed):
        apply(item, tuple(Change.model_validate(change) for change in changes))
    assert item == before
