"""The items of a request: what each says, and the very bytes in which its sender said it."""

import json
import re
from collections.abc import Sequence
from dataclasses import dataclass
from itertools import accumulate
from typing import Any, Final

import orjson

from services.errors import NotJson, TooLarge, TooManyItems

ITEMS_MAX: Final = 500
BODY_BYTES_MAX: Final = 2_000_000
#: What is nested deeper is no JSON for us (RFC 8259, section 9); no report comes near.
DEPTH_MAX: Final = 1_000

_SPACE = re.compile(r"[ \t\n\r]*")
_STRING = re.compile(rb'"(?:[^"\\]|\\.)*"')
_NO_BRACKET: Final = bytes(set(range(256)) - set(b"[]{}"))
_DEEPER: Final = {ord("["): 1, ord("{"): 1, ord("]"): -1, ord("}"): -1}


@dataclass(frozen=True, slots=True)
class Item:
    """One item of a request: parsed, and as it was sent."""

    value: Any
    #: None when the sender wrote exactly what orjson writes, as most do: no bytes are cut out before they are needed.
    written: bytes | None = None
    #: A key that stands twice in one object of the item. Parsers differ in which of the two counts, so neither does.
    repeated_key: str | None = None
    #: The wire name that the sender's address stood for, if `value` has it from there and `sent` does not say it.
    reported_as: str | None = None
    #: False: it is JSON, and says what parsers read differently (half of a character, a number beyond every double).
    is_readable: bool = True

    @property
    def sent(self) -> bytes:
        """The bytes of the item as they stood in the request."""
        return orjson.dumps(self.value) if self.written is None else self.written


def whole(content: bytes) -> Item:
    """All of a text as one item, even a list. Raises NotJson."""
    many, items = split(content)
    if not many:
        return items[0]
    repeated_key = next((item.repeated_key for item in items if item.repeated_key), None)
    return Item([item.value for item in items], content, repeated_key, is_readable=all(i.is_readable for i in items))


def split_body(body: bytes, items_max: int = ITEMS_MAX) -> tuple[bool, list[Item]]:
    """A request's items, and whether they came as a list. Raises NotJson, TooLarge, TooManyItems."""
    if len(body) > BODY_BYTES_MAX:
        raise TooLarge
    many, items = split(body)
    if len(items) > items_max:
        raise TooManyItems
    return many, items


def split(body: bytes) -> tuple[bool, list[Item]]:
    """The same whatever its size. Raises NotJson."""
    try:
        parsed = orjson.loads(body)
    except orjson.JSONDecodeError:
        return _split_unreadable(body)
    many = isinstance(parsed, list)
    values: Sequence[Any] = parsed if many else [parsed]
    if _written_again(parsed) == body:
        # Nothing was dropped on the way: no key stands twice, and each item can be written again as it was.
        return many, [Item(value) for value in values]
    return many, [Item(value, *found) for value, found in zip(values, _cut(body.decode(), many), strict=True)]


def _split_unreadable(body: bytes) -> tuple[bool, list[Item]]:
    """The items of what our parser does not take, when it is JSON all the same: one bad item spoils no other.

    Raises NotJson.
    """
    try:
        text = body.decode()
        if (
            max(accumulate(map(_DEEPER.__getitem__, _STRING.sub(b"", body).translate(None, _NO_BRACKET))), default=0)
            > DEPTH_MAX
        ):
            raise NotJson
        json.JSONDecoder(parse_int=str, parse_float=str, parse_constant=_no_constant).decode(text)
    except (ValueError, RecursionError):
        raise NotJson from None
    many = text[_after_space(text, 0)] == "["
    return many, [_readable_or_not(sent, repeated_key) for sent, repeated_key in _cut(text, many)]


def _no_constant(_: str) -> None:
    raise NotJson


def _readable_or_not(sent: bytes, repeated_key: str | None) -> Item:
    try:
        return Item(orjson.loads(sent), sent, repeated_key)
    except orjson.JSONDecodeError:
        return Item(None, sent, repeated_key, is_readable=False)


def _written_again(parsed: Any) -> bytes | None:
    """What orjson makes of what it read; it reads deeper lists than it writes."""
    try:
        return orjson.dumps(parsed)
    except orjson.JSONEncodeError:
        return None


def _cut(text: str, many: bool) -> list[tuple[bytes, str | None]]:
    """Where each item of a JSON text begins and ends, and a key that it repeats. The text is known to be JSON."""
    repeated: list[str] = []

    def note(pairs: list[tuple[str, Any]]) -> None:
        if len(pairs) > 1 and len({key for key, _ in pairs}) < len(pairs):
            keys = [key for key, _ in pairs]
            repeated.append(next(key for key in keys if keys.count(key) > 1))

    # Only the places are of interest: numbers stay text, of whatever length they are.
    scan = json.JSONDecoder(object_pairs_hook=note, parse_int=str, parse_float=str).raw_decode
    found = []
    at = _after_space(text, 0)
    if many:
        at = _after_space(text, at + 1)
    while at < len(text) and text[at] != "]":
        _, end = scan(text, at)
        found.append((text[at:end].encode(), repeated[0] if repeated else None))
        repeated.clear()
        if not many:
            break
        at = _after_space(text, end)
        at = _after_space(text, at + (text[at] == ","))
    return found


def _after_space(text: str, at: int) -> int:
    space = _SPACE.match(text, at)
    return at if space is None else space.end()
