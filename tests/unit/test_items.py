"""Cutting a request into its items: every byte of every item, and nothing that two parsers would read in two ways."""

import json
import re
from typing import Any

import orjson
import pytest
from hypothesis import example, given
from hypothesis import strategies as st

from services.errors import NotJson, TooLarge, TooManyItems
from services.items import BODY_BYTES_MAX, DEPTH_MAX, ITEMS_MAX, Item, split, split_body, whole

space = st.text(st.sampled_from(" \t\n\r"), max_size=3)
texts = st.text(st.characters(exclude_categories=["Cs"]) | st.sampled_from('"\\[]{},: '), max_size=12)
scalars = (
    st.none()
    | st.booleans()
    | st.integers(-(2**63), 2**63 - 1)
    | st.floats(allow_nan=False, allow_infinity=False)
    | texts
)
values = st.recursive(
    scalars, lambda inner: st.lists(inner, max_size=4) | st.dictionaries(texts, inner, max_size=4), max_leaves=15
)


@st.composite
def written(draw: st.DrawFn, value: Any) -> str:
    """A value as some sender writes it: with space anywhere, and characters escaped or not."""
    before, after = draw(space), draw(space)
    match value:
        case list():
            inner = ",".join(draw(written(each)) for each in value)
            return f"{before}[{inner or draw(space)}]{after}"
        case dict():
            inner = ",".join(f"{draw(written(key))}:{draw(written(each))}" for key, each in value.items())
            return f"{before}{{{inner or draw(space)}}}{after}"
        case _:
            return before + json.dumps(value, ensure_ascii=draw(st.booleans())) + after


@given(data=st.data(), said=st.lists(values, max_size=6))
def test_the_bytes_of_an_item_are_those_that_stood_in_the_request(data: st.DataObject, said: list[Any]) -> None:
    parts = [data.draw(written(each)) for each in said]
    body = f"{data.draw(space)}[{','.join(parts) or data.draw(space)}]{data.draw(space)}".encode()
    many, items = split(body)
    assert many
    assert [item.value for item in items] == orjson.loads(body)
    assert [item.sent for item in items] == [part.strip(" \t\n\r").encode() for part in parts]
    assert {item.repeated_key for item in items} <= {None}


@given(data=st.data(), said=values.filter(lambda value: not isinstance(value, list)))
def test_a_single_item_is_the_whole_request_without_the_space_around_it(data: st.DataObject, said: Any) -> None:
    body = data.draw(written(said)).encode()
    assert split(body) == (False, [whole(body)])
    assert whole(body).sent == body.strip(b" \t\n\r")


@example(said=[{}, {"lines": [{"units": 1}]}])
@given(said=st.lists(st.dictionaries(texts, values, max_size=3), min_size=1, max_size=4))
def test_what_our_own_clients_write_is_cut_the_same_without_being_scanned(said: list[Any]) -> None:
    compact = orjson.dumps(said)
    _, quick = split(compact)
    _, scanned = split(b" " + compact)
    assert {item.written for item in quick} == {None}
    assert [(item.value, item.sent) for item in quick] == [(item.value, item.written) for item in scanned]


@pytest.mark.parametrize(
    ("text", "key"),
    [
        ('{"id": 1, "id": 1}', "id"),
        ('{"id":1,"id":2}', "id"),
        ('{"data": {"lines": [{"units": 1, "price": 2, "units": 3}]}}', "units"),
        (r'{"a": 1, "\u0061": 2}', "a"),
        ('[{"a": 1, "a": 2}]', "a"),
        ('{"b": {"inner": 1, "inner": 2}, "outer": 1, "outer": 2}', "inner"),
        ('{"a": {"b": 1}, "c": {"b": 1}}', None),
        (r'{"a": "\"a\": 1, \"a\": 2"}', None),
    ],
)
def test_a_key_that_stands_twice_in_one_object_is_found_however_deep(text: str, key: str | None) -> None:
    assert split(f"[7, {text} ,{{}}]".encode())[1] == [
        Item(7, b"7"),
        Item(orjson.loads(text), text.encode(), key),
        Item({}, b"{}"),
    ]
    assert whole(text.encode()).repeated_key == key


@pytest.mark.parametrize(
    "text", ["1" * 5_000, "1e400000", "[" * 900 + "]" * 900, '"😀"', r'"\ud83d\ude00"', "-0", "1E5", "1.50"]
)
def test_numbers_of_any_length_and_deep_lists_are_cut_as_they_are(text: str) -> None:
    body = json.dumps([1, "here"])[:-7].encode() + text.encode() + b" , null]"
    assert [item.sent for item in split(body)[1]] == [b"1", text.encode(), b"null"]


@pytest.mark.parametrize("text", ["1e400", "-1e400", r'"\ud83d"', r'"\ude00\ud83d"', r'{"\ud83d":1,"a":[{"b":1}]}'])
def test_what_parsers_read_differently_is_cut_out_and_marked(text: str) -> None:
    """Neighbours are read, for they can be."""
    good = Item({"a": "]"}, b'{"a":"]"}')
    many, [first, odd, last] = split(b'[{"a":"]"} ,' + text.encode() + b',{"a":"]"}]')
    assert (many, first, last) == (True, good, good)
    assert odd == Item(None, text.encode(), is_readable=False)
    assert split(b" " + text.encode()) == (False, [odd])
    assert split(b" [" + text.encode() + b"]") == (True, [odd])


def test_what_is_nested_deeper_than_anybody_reads_is_no_json() -> None:
    deep = b"[" * (DEPTH_MAX - 1) + rb'"\ud83d"' + b"]" * (DEPTH_MAX - 1)
    assert not whole(deep).is_readable
    for levels in (30, 100_000):
        with pytest.raises(NotJson):
            split(b"[" * levels + deep + b"]" * levels)


def test_too_much_is_refused_before_anything_is_read() -> None:
    with pytest.raises(TooLarge):
        split_body(b" " * (BODY_BYTES_MAX + 1))
    with pytest.raises(TooManyItems):
        split_body(b"[" + b",".join([b" 1"] * (ITEMS_MAX + 1)) + b"]")
    assert len(split_body(b"[" + b",".join([b" 1"] * ITEMS_MAX) + b"]")[1]) == ITEMS_MAX


@pytest.mark.parametrize(
    "body",
    [
        b"",
        b"[",
        b"[1,]",
        b"[1 2]",
        b"NaN",
        b"[Infinity]",
        b"\xff",
        b'"\xed\xa0\xbd\xed\xb8\x80"',
        re.escape("]").encode(),
    ],
)
def test_what_is_no_json_is_no_item(body: bytes) -> None:
    with pytest.raises(NotJson):
        split(body)
