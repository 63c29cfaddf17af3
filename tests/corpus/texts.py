"""Words of every script and of none: ids and names that look like others, turn round, say nothing, or are programs."""

from collections.abc import Iterator
from typing import Any, Final
from urllib.parse import quote

import orjson

from tests import make
from tests.corpus.case import Case, Kept, Outcome, Quarantined, Refused, Told, command, fact, malformed, question

FORM: Final = "wrong_form"

#: No id of this network, whatever it names.
NO_ID: Final[dict[str, str]] = {
    "capitals": "SALE-1",
    "one capital": "sale-A",
    "Kyrgyz letters": "өрүк-1",
    "Russian letters": "продажа-1",
    "a Cyrillic a among Latin letters": "sаle-1",
    "a Greek o among Latin letters": "sοld-1",
    "a letter with an accent, composed": "caf\u00e9",
    "a letter with an accent, apart": "cafe\u0301",
    "a ligature": "\ufb01g-1",
    "full-width letters": "\uff53ale",
    "mathematical letters": "\U0001d42cale",
    "a dotless i": "s\u0131-1",
    "a long s": "\u017fale",
    "the Kelvin sign": "\u212a-1",
    "Arabic digits": "sale-\u0661",
    "an emoji": "sale-😀",
    "a family of emoji": "👨‍👩‍👧",
    "a flag": "🇰🇬",
    "a right-to-left override": "sale-\u202e1",
    "a right-to-left mark": "sale\u200f",
    "an isolate": "\u2066sale\u2069",
    "Hebrew": "מכירה",
    "Arabic": "بيع",
    "a zero-width space": "sa\u200ble",
    "a zero-width joiner": "sa\u200dle",
    "a word joiner": "sa\u2060le",
    "a soft hyphen": "sa\u00adle",
    "a byte order mark": "\ufeffsale",
    "a no-break space": "sale\u00a01",
    "a combining grapheme joiner": "sa\u034fle",
    "a tag character": "sale\U000e0041",
    "a variation selector": "sale\ufe0f",
    "a private character": "sale\ue000",
    "a noncharacter": "sale\uffff",
    "the replacement character": "sale\ufffd",
    "a NUL": "sale\x00",
    "a bell": "sale\x07",
    "an escape sequence": "\x1b[31msale",
    "a delete": "sale\x7f",
    "a next line": "sale\x85",
    "a line separator": "sale\u2028",
    "a line feed at the end": "sale\n",
    "a carriage return": "sale\r",
    "a tab": "sale\t1",
    "a space at the end": "sale ",
    "a space at the start": " sale",
    "a space alone": " ",
    "nothing": "",
    "a hyphen first": "-sale",
    "a dot first": ".sale",
    "two dots": "..",
    "a way up": "../../etc/passwd",
    "a way up, quoted": "..%2f..%2fetc",
    "a Windows way": "c:\\sale",
    "a slash": "sale/1",
    "an address": "https://example.org/sale",
    "SQL": "1'; DROP TABLE log.events; --",
    "SQL that sleeps": "1 or pg_sleep(10)",
    "a template": "{{7*7}}",
    "a format": "%s%n",
    "a Python format": "{0.__class__}",
    "a shell": "$(reboot)",
    "backquotes": "`reboot`",
    "a lookup": "${jndi:ldap://x}",
    "a page": "<script>alert(1)</script>",
    "a wildcard": "sale*",
    "a subject of the broker": "ovop.>",
    "a formula": "=1+1",
    "a formula with a plus": "+1",
    "a formula with an at": "@sum(1)",
    "65 characters": "x" * 65,
    "100,000 characters": "x" * 50_000,
}  # fmt: skip

#: Unusual, and an id all the same.
AN_ID: Final = ("0", "a", "1", "x" * 64, "a.b_c-d", "null", "true", "nan", "1e5", "0x10", "con", "a--", "a..", "constructor", "__proto__"[2:7])

#: What may not stand in a name, and what is said of it.
NO_NAME: Final[dict[str, tuple[Any, str]]] = {
    "nothing": ("", "wrong_length"),
    "a space": (" ", FORM),
    "no-break spaces": ("\u00a0\u00a0", FORM),
    "ideographic spaces": ("\u3000", FORM),
    "a zero-width space alone": ("\u200b", FORM),
    "121 characters": ("ы" * 121, "wrong_length"),
    "100,000 characters": ("ы" * 100_000, "wrong_length"),
    "a NUL": ("Тосор\x00", FORM),
    "a line feed": ("Тосор\nИссык-Куль", FORM),
    "a carriage return": ("Тосор\r", FORM),
    "a tab": ("Тосор\tИссык-Куль", FORM),
    "an escape sequence": ("\x1b[31mТосор", FORM),
    "a delete": ("Тосор\x7f", FORM),
    "a next line": ("Тосор\x85", FORM),
    "a control character of the second kind": ("Тосор\x9b31m", FORM),
    "a line separator": ("Тосор\u2028", FORM),
    "a paragraph separator": ("Тосор\u2029", FORM),
    "a right-to-left override": ("Тосор \u202egnp.exe", FORM),
    "a right-to-left embedding": ("\u202bТосор\u202c", FORM),
    "an isolate": ("\u2067Тосор\u2069", FORM),
    "a right-to-left mark": ("Тосор\u200f", FORM),
    "a zero-width space": ("То\u200bсор", FORM),
    "a zero-width joiner": ("То\u200dсор", FORM),
    "a word joiner": ("То\u2060сор", FORM),
    "a byte order mark": ("\ufeffТосор", FORM),
    "a number": (7, "wrong_type"),
    "a list": (["Тосор"], "wrong_type"),
    "an object": ({"ky": "Тосор"}, "wrong_type"),
    "a null": (None, "wrong_type"),
    "true": (True, "wrong_type"),
}  # fmt: skip

#: Names, however they look: kept letter for letter, and shown as nothing but letters.
A_NAME: Final[dict[str, str]] = {
    "Kyrgyz": "Өрүк кыямы, ңайлуу үй",
    "Russian": "Варенье «Ёлочка» — 300 г",
    "Tajik and Uzbek": "Ғӯза, ҷав; oʻrik",
    "Chinese": "杏酱",
    "Arabic": "مربى المشمش",
    "Hebrew": "ריבת משמש",
    "Devanagari": "खुबानी जैम",
    "Korean": "살구잼",
    "composed accents": "Caf\u00e9",
    "accents apart": "Cafe\u0301",
    "an emoji": "Jam 😀",
    "a flag": "🇰🇬 Jam",
    "an apostrophe": "O'Brien's jam",
    "quotes": 'The "best" jam',
    "an ampersand": "Jam & honey",
    "an entity": "Jam &amp; &lt;b&gt;honey&#39;",
    "a backslash": "Jam\\n",
    "a script": "<script>alert('jam')</script>",
    "a picture": "<img src=x onerror=alert(1)>",
    "a drawing": "<svg/onload=alert(1)>",
    "an end of an attribute": "\" onmouseover=\"alert(1)",
    "an end of a comment": "--><script>alert(1)</script><!--",
    "an end of a data block": "]]></script><script>alert(1)</script>",
    "an address of a script": "javascript:alert(1)",
    "a template": "{{7*7}}${7*7}<%=7*7%>",
    "a Jinja template": "{% for x in ().__class__.__base__.__subclasses__() %}",
    "SQL": "Robert'); DROP TABLE log.events;--",
    "a formula": "=HYPERLINK(\"http://evil\",\"jam\")",
    "a formula with a plus": "+cmd|' /C calc'!A0",
    "a formula with a minus": "-2+3+cmd|' /C calc'!A0",
    "a formula with an at": "@SUM(1+1)*cmd|' /C calc'!A0",
    "a format": "%s%n%d{0}{x.__class__}",
    "a way up": "../../../etc/passwd",
    "a soft hyphen": "Jam\u00adjar",
    "a thin space": "300\u2009g",
    "a no-break space": "300\u00a0г",
    "many marks": "J" + "\u0301" * 100,
    "120 characters": "ы" * 120,
    "120 characters beyond the basic plane": "😀" * 120,
    "a space around": "  Jam  ",
}  # fmt: skip

#: Raw, these would be a program in a page.
PROGRAMS: Final = tuple(name for name in A_NAME.values() if "<" in name and ">" in name)


def _ids() -> Iterator[Case]:
    fields = ("sale", "shift", "outlet", "till")
    for number, (name, text) in enumerate(NO_ID.items()):
        field = fields[number % len(fields)]
        spoilt: dict[str, Any] = {field: text}
        yield fact(f"{name} in a {field}'s id", Quarantined(FORM, field), make.sale_made(), **spoilt)
        if len(text) < 40_000:
            yield command(f"{name} in a supplier's id", malformed(FORM, "supplier"), "network/register-supplier", make.supplier_registered(), supplier=text)
    for text in AN_ID:
        yield fact(f"{text[:20]} in a sale's id", Kept(), make.sale_made(sale=text, shift=f"sh-{text}"[:64]))
        yield command(f"{text[:20]} in a supplier's id", Kept(), "network/register-supplier", make.supplier_registered(supplier=text))


def _names() -> Iterator[Case]:
    languages = ("ky", "ru", "en")
    for number, (name, (text, code)) in enumerate(NO_NAME.items()):
        language = languages[number % 3]
        names = dict.fromkeys(languages, "Tosor") | {language: text}
        field = f"names.{language}"
        yield command(f"{name} in a village's name", malformed(code, field), "network/register-village", make.village_registered(village="v-x"), names=names)
        yield command(f"{name} in a product's name", malformed(code, field), "network/define-product", make.product_defined(product="x-x"), names=names)
    for number, (name, text) in enumerate(A_NAME.items()):
        names = dict.fromkeys(languages, text)
        yield command(f"{name} in a product's name", Kept(), "network/define-product", make.product_defined(product=f"x-{number}"), names=names)
        yield command(f"{name} in a village's name", Kept(), "network/register-village", make.village_registered(village=f"v-{number}"), names=names)
        yield command(f"{name} in a shop's name", Kept(), "network/open-outlet", make.outlet_opened(outlet=f"o-{number}"), names=names)


def _questions() -> Iterator[Case]:
    """In an address every word is a word: nothing of this name is there."""
    for name in ("Kyrgyz letters", "an emoji", "a right-to-left override", "a way up", "SQL", "a template", "a page", "a formula", "a wildcard", "a lookup", "a shell"):
        text = quote(NO_ID[name], safe="")
        unknown: Outcome = Refused(404, "not_found") if "%2F" in text else Refused(404, "no_such_lot", "lot")
        yield question(f"a lot called {name}", unknown, f"lots/{text}")
        yield question(f"the stock of {name}", Told(200), f"inventory?product={text}")
        yield question(f"the events of {name}", Told(200), f"events?stream={text}")
        yield question(f"the income by {name}", malformed("unknown_word", "by"), f"income?by={text}")
        yield question(f"certificates of {name}", malformed(FORM, "region"), f"committee/certificates?region={text}")
        yield Case(f"the jar of {name}", Told(404), path=f"/l/{text}", method="GET", headers={}, key=None)
    for path, field in (("lots/%00", "lot"), ("inventory?place=%00", "place"), ("events?type=%00", "type"), ("income?producer=%00", "producer"), ("quarantine?sender=%00", "sender")):
        yield question(f"a NUL in {path}", malformed(FORM, field), path)
    for path, field in ((f"lots/{'x' * 101}", "lot"), (f"inventory?place={'x' * 101}", "place"), (f"events?actor={'x' * 201}", "actor")):
        yield question(f"too long a word: {field}", malformed("wrong_length", field), path)
    for path in ("lots/%ff", "inventory?place=%ff%fe", "events?stream=%c0%af", "income?producer=%ed%a0%80"):
        yield question(f"no UTF-8 in {path}", Told(404 if path.startswith(("lots", "income")) else 200), path)


def _personal() -> Iterator[Case]:
    """Values of people are kept as they are, whatever they are called; only a NUL has no place in a database."""
    for name in ("Kyrgyz", "Arabic", "an emoji", "a script", "SQL", "a formula", "accents apart", "many marks"):
        item = {"subject": "producer/p-001", "kind": "note", "value": A_NAME[name]}
        yield Case(f"{name} as a personal value", Told(200), orjson.dumps(item), "/api/v1/personal/values")
    values: tuple[tuple[str, Any, str], ...] = (
        ("a NUL", "a\x00b", FORM),
        ("nothing", "", "wrong_length"),
        ("a space", " ", "wrong_length"),
        ("too much", "ы" * 4_001, "wrong_length"),
        ("a number", 7, "wrong_type"),
    )
    for name, value, code in values:
        item = {"subject": "producer/p-001", "kind": "note", "value": value}
        yield Case(f"{name} as a personal value", malformed(code, "value"), orjson.dumps(item), "/api/v1/personal/values")
    for name, subject in (("a name", "Айгүл"), ("nobody", ""), ("a NUL", "producer/\x00"), ("a line feed", "producer/p-001\n")):
        item = {"subject": subject, "kind": "note", "value": "x"}
        yield Case(f"{name} as a subject", malformed(FORM, "subject"), orjson.dumps(item), "/api/v1/personal/values")


CASES: Final = (*_ids(), *_names(), *_questions(), *_personal())
