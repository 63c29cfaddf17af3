"""The bytes that are hashed and proved."""

import hashlib
import re
import subprocess
import sys
from datetime import UTC, datetime, timedelta, timezone
from pathlib import Path
from typing import Any
from uuid import UUID, uuid4

import orjson
import pytest
import rfc8785
from hypothesis import given
from hypothesis import strategies as st

from events.canonical import (
    LEAF_BYTES_MAX,
    EventTooLarge,
    NotPlain,
    canonical,
    content_hash,
    decode_leaf,
    event_data,
    hash_leaf,
    instant,
    leaf_ends,
    take_apart,
)
from events.catalogue import registry
from events.catalogue.values import QUANTITY_MAX
from services.client.sending import canonical as of_the_client
from tests import make

GOLDEN = Path(__file__).parent.parent / "golden"
HAPPENED = datetime(2016, 12, 31, 23, 59, 59, 999_999, tzinfo=UTC)
RECORDED = b"2017-01-01T00:00:00.000000Z"

ascii_keys = st.text(st.characters(max_codepoint=127), max_size=12)
texts = st.text(st.characters(exclude_categories=["Cs"]), max_size=30)
integers = st.integers(-QUANTITY_MAX, QUANTITY_MAX)
values = st.recursive(
    st.none() | st.booleans() | integers | texts,
    lambda inner: st.lists(inner, max_size=5) | st.dictionaries(ascii_keys, inner, max_size=5),
    max_leaves=25,
)
plain = st.from_regex(re.compile(r"[A-Za-z0-9][A-Za-z0-9._/-]{0,60}"), fullmatch=True)
instants = st.datetimes(datetime(1990, 1, 1), datetime(2100, 1, 1), timezones=st.just(UTC))


def a_leaf(data: bytes = b"{}", **changes: Any) -> bytes:
    told: dict[str, Any] = {
        "actor": "till/karakol-1",
        "data": data,
        "event_id": UUID(int=7),
        "occurred_at": HAPPENED,
        "stream": "shift/shift-1",
        "wire_name": "outlets.sale_made.v1",
    }
    ends = leaf_ends(**(told | changes))
    return ends.head + RECORDED + ends.tail


@given(values)
def test_canonical_bytes_are_those_of_rfc_8785(value: Any) -> None:
    assert canonical(value) == rfc8785.dumps(value)


@given(values)
def test_the_client_makes_the_same_bytes_as_the_door(value: Any) -> None:
    """Each has its own, and a till's chain is hashed on both sides."""
    assert of_the_client(value) == canonical(value)


@given(st.dictionaries(ascii_keys, values, max_size=5))
def test_the_order_of_keys_does_not_change_the_content_hash(content: dict[str, Any]) -> None:
    turned = dict(reversed(content.items()))

    assert content_hash(turned) == content_hash(content)


@given(st.dictionaries(ascii_keys, values, max_size=5), plain, plain, plain, st.uuids(), instants)
def test_a_leaf_is_canonical_and_comes_apart_into_what_it_was_made_of(
    data: dict[str, Any], actor: str, stream: str, wire_name: str, event_id: UUID, occurred_at: datetime
) -> None:
    leaf = a_leaf(
        canonical(data), actor=actor, stream=stream, wire_name=wire_name, event_id=event_id, occurred_at=occurred_at
    )

    assert rfc8785.dumps(orjson.loads(leaf)) == leaf
    parts = take_apart(leaf)
    assert (parts.actor, parts.stream, parts.wire_name) == (actor, stream, wire_name)
    assert (UUID(parts.event_id), datetime.fromisoformat(parts.occurred_at)) == (event_id, occurred_at)
    assert orjson.loads(parts.data) == data
    assert parts.recorded_at.encode() == RECORDED


def test_the_keys_of_a_leaf_stand_in_their_order() -> None:
    keys = list(orjson.loads(a_leaf()))

    assert keys == ["actor", "data", "event_id", "nonce", "occurred_at", "recorded_at", "stream", "type"]


def test_two_leaves_of_the_same_event_differ_by_their_nonce() -> None:
    first, second = orjson.loads(a_leaf()), orjson.loads(a_leaf())

    assert first.pop("nonce") != second.pop("nonce")
    assert first == second


def test_a_leaf_hash_cannot_be_that_of_an_inner_node_of_the_tree() -> None:
    assert hash_leaf(b"leaf") == hashlib.sha256(b"\x00leaf").digest()


def test_a_decoded_leaf_is_the_event_that_was_told() -> None:
    sale = make.sale_made()
    event_id = uuid4()

    recorded = decode_leaf(12, 3, a_leaf(event_data(sale), event_id=event_id))

    assert recorded.event == sale
    assert (recorded.position, recorded.version, recorded.event_id) == (12, 3, event_id)
    assert (recorded.stream, recorded.actor) == ("shift/shift-1", "till/karakol-1")
    assert recorded.occurred_at == HAPPENED
    assert recorded.recorded_at == datetime(2017, 1, 1, tzinfo=UTC)


@pytest.mark.parametrize("path", sorted(GOLDEN.glob("*.json")), ids=lambda path: path.stem)
def test_an_event_s_bytes_are_the_canonical_form_of_its_fields(path: Path) -> None:
    event = registry.validate_as_written(path.stem, path.read_bytes())

    assert event_data(event) == rfc8785.dumps(event.model_dump(mode="json", exclude_none=True))


def test_no_two_nonces_are_the_same_not_even_in_a_forked_process() -> None:
    code = (
        "import os\n"
        "from events.canonical import _nonce\n"
        "drawn = [_nonce() for _ in range(200)]\n"
        "reader, writer = os.pipe()\n"
        "if os.fork() == 0:\n"
        "    os.write(writer, ' '.join(_nonce() for _ in range(200)).encode())\n"
        "    os._exit(0)\n"
        "os.wait()\n"
        "drawn += [_nonce() for _ in range(200)] + os.read(reader, 65536).decode().split()\n"
        "assert len(drawn) == len(set(drawn)) == 600 and {len(nonce) for nonce in drawn} == {32}\n"
    )

    subprocess.run([sys.executable, "-c", code], check=True)


def test_a_field_that_says_nothing_is_not_in_the_log() -> None:
    assert b"prev_hash" not in event_data(make.sale_made(prev_hash=None))


def test_an_instant_of_another_zone_is_told_in_utc_with_microseconds() -> None:
    bishkek = timezone(timedelta(hours=6))

    assert instant(datetime(2017, 1, 1, 5, 59, 59, tzinfo=bishkek)) == "2016-12-31T23:59:59.000000Z"


@pytest.mark.parametrize(
    ("what", "changes"),
    [
        ("actor", {"actor": 'till"karakol'}),
        ("actor", {"actor": ""}),
        ("stream", {"stream": "shift/смена"}),
        ("stream", {"stream": "s" * 201}),
        ("type", {"wire_name": "outlets.sale_made.v1\n"}),
    ],
)
def test_names_that_would_need_escaping_are_refused(what: str, changes: dict[str, Any]) -> None:
    with pytest.raises(NotPlain) as refusal:
        a_leaf(**changes)
    assert refusal.value.what == what


def test_an_event_that_no_leaf_can_hold_is_refused() -> None:
    smallest = len(a_leaf(b""))
    largest = b"x" * (LEAF_BYTES_MAX - smallest)

    assert len(a_leaf(largest)) == LEAF_BYTES_MAX
    with pytest.raises(EventTooLarge):
        a_leaf(largest + b"x")
