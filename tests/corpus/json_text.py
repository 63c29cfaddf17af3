"""JSON as nobody should write it: cut off, doubled, too deep, too large, in another alphabet than UTF-8."""

import gzip
from collections.abc import Iterator
from typing import Final

import orjson

from tests import make
from tests.corpus.case import Case, Each, Kept, Quarantined, Refused, Told, command, fact, id_of, malformed, report

NOT_JSON: Final = Refused(400, "not_json")
SALE: Final = make.sale_made()


def _sale(name: str) -> str:
    return report(name, SALE, sale=f"s-{id_of(name)}").decode()


#: Nothing a JSON reader takes, alone and as an item between two good ones: the whole request is turned away.
BROKEN: Final[dict[str, bytes]] = {
    "an open brace": b"{",
    "an open bracket": b"[",
    "a closing brace alone": b"}",
    "a brace closed by a bracket": b'{"id": 1]',
    "one bracket too many": b"[1]]",
    "a string that does not end": b'{"id": "0198',
    "a key without a value": b'{"id"}',
    "a key without a colon": b'{"id" 1}',
    "a colon without a value": b'{"id":}',
    "a comma at the end of an object": b'{"id": 1,}',
    "two commas": b'{"id": 1,, "a": 2}',
    "a comma before everything": b'{,"id": 1}',
    "no comma between members": b'{"id": 1 "a": 2}',
    "keys without quotes": b"{id: 1}",
    "single quotes": b"{'id': 1}",
    "typographic quotes": "{“id”: 1}".encode(),
    "a number as a key": b'{1: "id"}',
    "a line comment": b'{"id": 1} // the end',
    "a block comment": b'{/* the id */ "id": 1}',
    "a hash comment": b'{"id": 1} # the end',
    "two objects": b'{"id": 1}{"id": 2}',
    "an object a line": b'{"id": 1}\n{"id": 2}\n',
    "not a number": b'{"id": NaN}',
    "infinity": b'{"id": Infinity}',
    "minus infinity": b'{"id": -Infinity}',
    "a number with a plus": b'{"id": +1}',
    "a number with a leading zero": b'{"id": 01}',
    "a number that begins with a dot": b'{"id": .5}',
    "a number that ends with a dot": b'{"id": 5.}',
    "an exponent without digits": b'{"id": 1e}',
    "a hexadecimal number": b'{"id": 0x10}',
    "a number with underscores": b'{"id": 1_000}',
    "a number in Arabic digits": '{"id": ٣}'.encode(),
    "a minus alone": b'{"id": -}',
    "Python's words": b'{"id": None, "a": True}',
    "JavaScript's undefined": b'{"id": undefined}',
    "words in capitals": b'{"id": TRUE}',
    "a raw line feed in a string": b'{"id": "a\nb"}',
    "a raw tab in a string": b'{"id": "a\tb"}',
    "a raw NUL in a string": b'{"id": "a\x00b"}',
    "a NUL behind everything": b'{"id": 1}\x00',
    "an escape that is none": rb'{"id": "\x41"}',
    "an escape of three digits": rb'{"id": "\u041"}',
    "a backslash at the end": b'{"id": "a\\',
    "a form feed as space": b'{"id":\x0c1}',
    "a no-break space as space": '{"id":\u00a01}'.encode(),
    "a line separator as space": '{"id":\u20281}'.encode(),
    "a byte order mark": b'\xef\xbb\xbf{"id": 1}',
    "UTF-16 with a mark": '{"id": 1}'.encode("utf-16"),
    "UTF-16 without one": '{"id": 1}'.encode("utf-16-le"),
    "UTF-32": '{"id": 1}'.encode("utf-32"),
    "Latin-1": '{"id": "Köl"}'.encode("latin-1"),
    "Windows Cyrillic": '{"id": "кыям"}'.encode("cp1251"),
    "a longer form of a slash": b'{"id": "\xc0\xaf"}',
    "a longer form of NUL": b'{"id": "\xc0\x80"}',
    "half a pair as three bytes": b'{"id": "\xed\xa0\x80"}',
    "a character beyond Unicode": b'{"id": "\xf5\x80\x80\x80"}',
    "a character that is cut off": b'{"id": "\xd0"}',
    "a continuation alone": b'{"id": "\x80"}',
    "a packed body": gzip.compress(b'{"id": 1}', mtime=0),
    "a form": b"id=0198c0de-0000-7000-8000-000000000001&units=2",
    "XML": b"<sale><units>2</units></sale>",
    "a table": b"id;units\n1;2\n",
    "a page": b"<!doctype html><script>alert(1)</script>",
    "MessagePack": b"\x82\xa2id\x01\xa5units\x02",
    "base64 of JSON": b"eyJpZCI6IDF9",
    "JSON in brackets of JSONP": b'callback({"id": 1})',
}

#: JSON, but no item: kept, because somebody authentic meant something by it.
NO_OBJECT: Final = {"a number": b"42", "minus zero": b"-0", "a fraction": b"1.5", "a power": b"1e5", "a text": b'"sale"',
                    "an empty text": b'""', "true": b"true", "false": b"false", "nothing": b"null"}  # fmt: skip

#: The sale's text with something else in place of a part: what is wrong with it, and which field is blamed.
SPOILT: Final[dict[str, tuple[str, str, Quarantined]]] = {
    "the id twice": ('{"id":', '{"id":"x","id":', Quarantined("duplicate_key", "id")),
    "the type twice, alike": ('"data":', '"type":"outlets.sale_made.v1","data":', Quarantined("duplicate_key", "type")),
    "the type twice, once escaped": ('"data":', r'"t\u0079pe":"x","data":', Quarantined("duplicate_key", "type")),
    "units twice in a line": ('"units":2', '"units":2,"units":20', Quarantined("duplicate_key", "units")),
    "a price twice, alike": ('"unit_price_tyiyn":18000', '"unit_price_tyiyn":18000,"unit_price_tyiyn":18000',
                             Quarantined("duplicate_key", "unit_price_tyiyn")),
    "an empty key twice": ('"data":', '"":1,"":2,"data":', Quarantined("duplicate_key")),
    "an empty key": ('"data":', '"":1,"data":', Quarantined("unknown_field")),
    "a key with a NUL": ('"data":', r'"\u0000":1,"data":', Quarantined("unknown_field")),
    "a key in capitals": ('"till_counter"', '"TILL_COUNTER"', Quarantined("missing_field", "till_counter")),
    "a key with a space behind it": ('"till_counter"', '"till_counter "', Quarantined("missing_field", "till_counter")),
    "a key in Cyrillic letters": ('"sale"', '"sаle"', Quarantined("missing_field", "sale")),
    "a key that JavaScript trips over": ('"data":', '"__proto__":{"admin":true},"data":', Quarantined("unknown_field", "__proto__")),
    "a key that is a reference": ('"data":{', '"data":{"$ref":"#/x",', Quarantined("unknown_field", "$ref")),
    "a key of 10,000 letters": ('"data":{', '"data":{"' + "k" * 10_000 + '":1,', Quarantined("unknown_field")),
    "5,000 keys nobody knows": ('"data":{', '"data":{' + "".join(f'"k{n}":1,' for n in range(5_000)), Quarantined("unknown_field", "k0")),
    "33 KiB in a field nobody knows": ('"data":{', '"data":{"note":"' + "x" * 33_792 + '",', Quarantined("unknown_field", "note")),
    "a megabyte in the id": ('{"id":"', '{"id":"' + "x" * 1_000_000, Quarantined("wrong_id", "id")),
    "lists 150 deep": ('"lines":', '"lines":' + "[" * 150 + "]" * 150 + ',"was":', Quarantined("wrong_type", "lines.0")),
    "lists 250 deep": ('"lines":', '"lines":' + "[" * 250 + "]" * 250 + ',"was":', Quarantined("too_deep", "data")),
    "lists 260 deep": ('"lines":', '"lines":' + "[" * 260 + "]" * 260 + ',"was":', Quarantined("too_deep", "item")),
    "objects 300 deep": ('"lines":', '"lines":' + '{"a":' * 300 + "1" + "}" * 300 + ',"was":', Quarantined("too_deep", "item")),
    "lists 900 deep": ('"lines":', '"lines":' + "[" * 900 + "]" * 900 + ',"was":', Quarantined("too_deep", "item")),
    "a NUL in an id": ('"shift":"shift-1"', r'"shift":"shift\u00001"', Quarantined("wrong_form", "shift")),
    "a pair of halves in an id": ('"shift":"shift-1"', r'"shift":"\ud83d\ude00"', Quarantined("wrong_form", "shift")),
    "the first half of a character": ('"shift":"shift-1"', r'"shift":"\ud83d"', Quarantined("unreadable", "item")),
    "the second half of a character": ('"shift":"shift-1"', r'"shift":"\ude00"', Quarantined("unreadable", "item")),
    "halves the wrong way round": ('"shift":"shift-1"', r'"shift":"\ude00\ud83d"', Quarantined("unreadable", "item")),
    "half a character in a key": ('"data":', r'"\ud83d":1,"data":', Quarantined("unreadable", "item")),
    "a number beyond every double": ('"till_counter":2', '"till_counter":1e400', Quarantined("unreadable", "item")),
    "a number beyond every double below": ('"till_counter":2', '"till_counter":-1e400', Quarantined("unreadable", "item")),
    "a number that is nearly nothing": ('"till_counter":2', '"till_counter":1e-400', Quarantined("wrong_type", "till_counter")),
    "minus zero": ('"till_counter":2', '"till_counter":-0', Quarantined("out_of_range", "till_counter")),
    "a number of 5,000 digits": ('"till_counter":2', '"till_counter":' + "1" * 5_000, Quarantined("unreadable", "item")),
    "a whole number written as a power": ('"till_counter":2', '"till_counter":1E0', Quarantined("wrong_type", "till_counter")),
    "data as text": ('"data":{', '"date":1,"data":"{}","rest":{', Quarantined("unknown_field", "date")),
}  # fmt: skip

#: Unusual, and JSON all the same.
ODD_BUT_GOOD: Final[dict[str, tuple[str, str]]] = {
    "letters written as escapes": ('"sale":"s-', r'"\u0073\u0061le":"\u0073-'),
    "a slash that is escaped": ("user/", r"user\/"),
    "space of every kind": ('"data":', ' \t\r\n"data" : \r\n'),
    "33 KiB of space": ('"data":', " " * 33_792 + '"data":'),
    "1.9 MB of space": ('"data":', " " * 1_900_000 + '"data":'),
    "a null for what may be absent": ('"till_counter":', '"prev_hash":null,"till_counter":'),
}


def _cases() -> Iterator[Case]:
    for name, body in BROKEN.items():
        yield Case(f"{name}, alone", NOT_JSON, body)
    for name in ("a raw line feed in a string", "not a number", "a comma at the end of an object", "Latin-1"):
        yield Case(f"{name}, in a list", NOT_JSON, b"[" + _sale(name).encode() + b"," + BROKEN[name] + b"]")
        yield Case(f"{name}, as a command", NOT_JSON, BROKEN[name], "/api/v1/network/join-region")
        yield Case(f"{name}, at its own address", NOT_JSON, BROKEN[name], "/api/v1/sales")
    for name, body in {"nothing": b"", "space": b" \r\n\t ", "a mark alone": b"\xef\xbb\xbf"}.items():
        yield Case(f"a body of {name}", NOT_JSON, body)
    for depth in (1_030, 10_000, 100_000):
        yield Case(f"lists {depth} deep", NOT_JSON, b"[" * depth + b"]" * depth)
        yield Case(f"objects {depth} deep", NOT_JSON, b'{"a":' * depth + b"1" + b"}" * depth)
    for name, body in NO_OBJECT.items():
        yield Case(f"{name} for an item", Quarantined("wrong_type", "item"), body)
        yield Case(f"{name} for a command", malformed("wrong_type", "item"), body, "/api/v1/network/join-region")
    yield Case("an empty list", Each(()), b"[]")
    yield Case("a list of empty lists", Each((Quarantined("wrong_type", "item"),)), b"[[]]")
    yield Case("an empty object", Quarantined("wrong_id", "id"), b"{}")
    for name, (part, instead, outcome) in SPOILT.items():
        yield Case(name, outcome, _replaced(name, part, instead))
    for name, (part, instead) in ODD_BUT_GOOD.items():
        yield Case(name, Kept(), _replaced(name, part, instead))
    yield from _among_neighbours()
    yield from _sizes()
    yield from _commands()


def _replaced(name: str, part: str, instead: str) -> bytes:
    text = _sale(name)
    if part not in text:
        raise ValueError(f"{name}: {part} is not in {text}")
    return text.replace(part, instead, 1).encode()


def _among_neighbours() -> Iterator[Case]:
    """One bad item never touches those beside it."""
    for name in ("the id twice", "lists 260 deep", "the first half of a character", "a number beyond every double",
                 "a NUL in an id", "a key with a NUL"):  # fmt: skip
        part, instead, outcome = SPOILT[name]
        sent = (_sale(f"before {name}").encode(), _replaced(f"listed {name}", part, instead), _sale(f"after {name}").encode())
        yield Case(f"{name}, between good ones", Each((Kept(), outcome, Kept())), b"[" + b" , ".join(sent) + b"\n]", sent=sent)


def _sizes() -> Iterator[Case]:
    many = [_sale(f"one of 500: {n}").encode() for n in range(500)]
    yield Case("500 items", Each((Kept(),) * 500), b"[" + b",".join(many) + b"]", sent=tuple(many))
    yield Case("501 items", Refused(413, "too_many_items"), b"[" + b",".join([*many, b"{}"]) + b"]")
    yield Case("501 items for commands", Refused(413, "too_many_items"), orjson.dumps([{}] * 501), "/api/v1/network/join-region")
    whole = _sale("exactly two megabytes").encode()
    yield Case("exactly two megabytes", Kept(), whole + b" " * (2_000_000 - len(whole)))
    yield Case("a byte more than two megabytes", Refused(413, "too_large"), b" " * 1_999_998 + b"{} ")
    yield Case("five megabytes", Refused(413, "too_large"), b"[" + b"1," * 2_500_000 + b"1]")
    lines = [make.sale_line(units=1).model_dump(mode="json")] * 600
    yield fact("as many lines as a leaf holds", Kept(), SALE, lines=lines, sale="s-600-lines")
    yield fact("more lines than a leaf holds", Quarantined("too_large", "data"), SALE, lines=lines * 3)


def _commands() -> Iterator[Case]:
    path = "network/join-region"
    text = command("a region", Kept(), path, make.region_joined(region="KG-T")).body.decode()
    for name, (part, instead, outcome) in {
        "a region named twice": ('"region":', '"region":"KG-J","region":', malformed("duplicate_key", "region")),
        "a region in lists 300 deep": ('"region":', '"x":' + "[" * 300 + "]" * 300 + ',"region":', malformed("too_deep", "item")),
        "a region with half a character": ('"region":"KG-T"', r'"region":"\ud83d"', malformed("unreadable", "item")),
        "a region beyond every double": ('"region":"KG-T"', '"region":1e400', malformed("unreadable", "item")),
        "a region with a key nobody knows": ('"region":', '"colour":"red","region":', malformed("unknown_field", "colour")),
        "a region that is a number": ('"region":"KG-T"', '"region":7', malformed("wrong_type", "region")),
    }.items():  # fmt: skip
        yield Case(name, outcome, text.replace(part, instead).encode(), f"/api/v1/{path}")
    yield Case("an empty list of commands", Each(()), b"[]", f"/api/v1/{path}")
    yield Case("the description is JSON", Told(200), path="/openapi.json", method="GET")


CASES: Final = tuple(_cases())
