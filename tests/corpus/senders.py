"""Who comes to the door: nobody, somebody else, somebody with a key that is over, and somebody who may not."""

from collections.abc import Iterator
from typing import Any, Final

import orjson

from tests import make
from tests.corpus.case import Case, Each, Kept, Outcome, Quarantined, Refused, Signed, Told, fields_of, id_of, report
from tests.door import NOW

STRANGER: Final = Refused(401, "not_authenticated")
NO_RIGHT: Final = Refused(403, "no_such_right")
NOT_YOURS: Final = Refused(403, "not_yours")
NOT_YOUR_TILL: Final = Refused(403, "not_your_till")
WRONG_SIGNATURE: Final = Refused(401, "wrong_signature")
WRONG_CODE: Final = Refused(401, "wrong_code")
WRONG_PASSWORD: Final = Refused(401, "wrong_name_or_password")
FOREIGN: Final = Refused(403, "foreign_origin")


def _jwt(header: str, claims: str = "eyJzdWIiOiJjZW50ZXIvYWRtaW4iLCJhZG1pbiI6dHJ1ZX0", signature: str = "") -> str:
    return f"Bearer {header}.{claims}.{signature}"


#: What may stand in the header, and is no key of this network.
HEADERS: Final[dict[str, str]] = {
    "nothing": "",
    "the word alone": "Bearer",
    "nonsense": "Bearer nonsense",
    "the word twice": "Bearer Bearer {admin}",
    "the key without the word": "{admin}",
    "the word in small letters": "bearer {admin}",
    "the word in capitals": "BEARER {admin}",
    "another word": "Token {admin}",
    "a basic key": "Basic Y2VudGVyOmFkbWlu",
    "a digest": 'Digest username="admin"',
    "a negotiation": "Negotiate YII=",
    "quotes around the key": 'Bearer "{admin}"',
    "a comma behind the key": "Bearer {admin},",
    "two keys": "Bearer {admin} {admin}",
    "the key in two schemes": "Bearer {admin}, Basic x",
    "half the key": "Bearer {half}",
    "the key with a letter more": "Bearer {admin}A",
    "the key in capitals": "Bearer {capitals}",
    "a forged key": "Bearer {forged}",
    "a key of elsewhere": "Bearer {foreign}",
    "the id of the key": "Bearer {id}",
    "the id of the key and nothing": "Bearer {id}_",
    "a revoked key": "Bearer {revoked}",
    "an expired key": "Bearer {expired}",
    "the key of a revoked till": "Bearer {karakol-3}",
    "an ended session": "Bearer {ended}",
    "a session that is over": "Bearer {over}",
    "a session called a key": "Bearer {as key}",
    "a key called a session": "Bearer {as session}",
    "a code for a password": "Bearer {unused code}",
    "a code of a device": "Bearer {device code}",
    "the word null": "Bearer null",
    "the word undefined": "Bearer undefined",
    "a NUL as letters": "Bearer %00",
    "SQL": "Bearer ' OR '1'='1",
    "SQL in the form of a key": "Bearer ovop_' OR 1=1 --_x",
    "the form of a key": "Bearer ovop_0123456789ab_nonsense",
    "the form of a key without its parts": "Bearer ovop__",
    "the form of a session": "Bearer ovops_0123456789ab_nonsense",
    "10,000 letters": "Bearer " + "x" * 10_000,
    "a token without a signature": _jwt("eyJhbGciOiJub25lIn0"),
    "a token that calls its algorithm NONE": _jwt("eyJhbGciOiJOT05FIn0"),
    "a token signed with a shared secret": _jwt("eyJhbGciOiJIUzI1NiJ9", signature="c2lnbmF0dXJl"),
    "a token for another audience": _jwt("eyJhbGciOiJSUzI1NiJ9", "eyJhdWQiOiJvdGhlciJ9", "c2lnbmF0dXJl"),
    "a token with a key of its own": _jwt("eyJhbGciOiJSUzI1NiIsImprdSI6Imh0dHBzOi8vZXZpbC5leGFtcGxlLyJ9", signature="x"),
    "a token that names a file as key": _jwt("eyJhbGciOiJIUzI1NiIsImtpZCI6Ii4uLy4uL2Rldi9udWxsIn0", signature="x"),
    "a signature without anything": "OVOP-Signature",
    "a signature of nothing": "OVOP-Signature key=, signature=",
    "a signature without its key": "OVOP-Signature signature=AAAA",
    "a signature by nobody": "OVOP-Signature key=0123456789ab, signature=" + "A" * 86, "a signature in another order": "OVOP-Signature signature=AAAA, key=0123456789ab",
}  # fmt: skip


def _headers() -> Iterator[Case]:
    """None of them reports, and none of them asks."""
    for name, header in HEADERS.items():
        headers = {"Content-Type": "application/json", "Authorization": header}
        yield Case(f"a report with {name}", STRANGER, report(f"header {name}", make.sale_made()), headers=headers)
    for name in ("nothing", "nonsense", "a forged key", "a revoked key", "an expired key", "a session that is over", "a token without a signature", "the key of a revoked till"):
        for method, path in (("GET", "/api/v1/inventory"), ("GET", "/api/v1/session"), ("POST", "/api/v1/network/join-region"), ("GET", "/metrics")):
            yield Case(f"{method} {path} with {name}", STRANGER, path=path, method=method, headers={"Authorization": HEADERS[name]})
    yield Case("a report with no header", STRANGER, report("no header", make.sale_made()), key=None)
    yield Case("a key in the address", STRANGER, path="/api/v1/inventory?key={admin}&access_token={admin}", method="GET", headers={}, key=None)
    for header in ("X-Api-Key", "X-Auth-Token", "Proxy-Authorization", "X-Forwarded-User", "Remote-User", "X-Actor"):
        yield Case(f"a key in {header}", STRANGER, path="/api/v1/inventory", method="GET", headers={header: "Bearer {admin}"}, key=None)
    yield Case("a cookie of nonsense", STRANGER, path="/api/v1/session", method="GET", headers={"Cookie": "ovop_session=nonsense"}, key=None)
    yield Case("a key as a cookie by its https name", STRANGER, path="/api/v1/session", method="GET", headers={"Cookie": "__Host-ovop={center}"}, key=None)
    yield Case("an ended session as a cookie", STRANGER, path="/api/v1/session", method="GET", headers={"Cookie": "ovop_session={ended}"}, key=None)
    yield Case("a wrong header beside a right cookie", STRANGER, path="/api/v1/session", method="GET",
               headers={"Authorization": "Bearer nonsense", "Cookie": "ovop_session={center}"})  # fmt: skip


def _browsers() -> Iterator[Case]:
    """Another site's page acts in nobody's name."""
    mine = report("from a browser", make.stock_counted(count="count-browser", place="center/store"))
    for origin in (None, "null", "https://evil.example", "http://127.0.0.1", "http://127.0.0.1.evil.example", "file://", "nonsense", "127.0.0.1:1"):
        headers = {"Content-Type": "application/json", "Cookie": "ovop_session={center}"} | ({} if origin is None else {"Origin": origin})
        yield Case(f"a report with a cookie, from {origin}", FOREIGN, mine, headers=headers, key=None)
        yield Case(f"a sign-out with a cookie, from {origin}", FOREIGN, path="/sign-out", headers=headers, key=None)
    yield Case("a question with a cookie", Told(200), path="/api/v1/session", method="GET", headers={"Cookie": "ovop_session={center}"}, key=None)


def _by(name: str, who: str, outcome: Outcome, event: Any, **changes: Any) -> Case:
    return Case(name, outcome, report(name, event, **changes), key=who)


def _reports() -> Iterator[Case]:
    """Everybody reports what is theirs, and nobody anything else; what is nobody's yet is kept aside."""
    mine: dict[str, Any] = {"till": "karakol-2", "outlet": "karakol"}

    def sold(name: str, **changes: Any) -> Any:
        return make.sale_made(**({"sale": f"s-{id_of(name)}", "shift": "shift-theirs", "cashier": "user/cashier"} | mine | changes))

    yield _by("a till for itself", "karakol-2", Kept(), sold("1"))
    yield _by("a till for another", "karakol-2", NOT_YOUR_TILL, sold("2", till="karakol-1"))
    yield _by("a till for another shop", "karakol-2", NOT_YOUR_TILL, sold("3", outlet="bishkek"))
    yield _by("a till in another's name", "karakol-2", Refused(403, "actor_not_yours", "actor"), sold("4"), around={"actor": "till/karakol-1"})
    yield _by("a till in its own name", "karakol-2", Kept(), sold("5"), around={"actor": "till/karakol-2"})
    yield _by("a till that collects apricots", "karakol-2", NOT_YOUR_TILL, make.lot_collected(lot="l-till"))
    yield _by("a till that decides", "karakol-2", Refused(403, "not_a_fact", "type"), make.product_certified())
    yield _by("a till that makes no sense", "karakol-2", Quarantined("unknown_field", "colour"), sold("6"), colour="red")
    yield _by("a till that makes no sense for another", "karakol-2", Quarantined("unknown_field", "colour"), sold("7", till="karakol-1"), colour="red")
    yield _by("a void in a shift nobody opened", "cashier", Quarantined("owner_unknown", "data"), make.sale_voided(shift="shift-nobodys", **mine))
    yield _by("a cashier in the own shift", "cashier", Kept(), sold("8"))
    yield _by("a cashier in another's name", "cashier", Refused(403, "actor_not_yours", "actor"), sold("9"), around={"actor": "user/lead"})
    yield _by("a cashier for a colleague", "cashier", NOT_YOURS, sold("10", cashier="user/colleague"))
    yield _by("a cashier in another shop", "cashier", NOT_YOURS, sold("11", outlet="bishkek"))
    yield _by("a cashier who makes jam", "cashier", NO_RIGHT, make.batch_produced(lot="b-cashier"))
    yield _by("a workshop's lead at the own place", "lead", Kept(), make.material_received(lot="l-lead", delivered_to="workshop/tosor-jam"))
    yield _by("a workshop's lead at another's", "lead", NOT_YOURS, make.material_received(lot="l-lead-2", delivered_to="workshop/other"))
    yield _by("a workshop's lead who sells", "lead", NO_RIGHT, sold("12"))
    yield _by("a producer of the own", "producer", Kept(), make.lot_collected(lot="l-own", producer="p-001", delivered_to="producer/p-001"))
    yield _by("a producer of another's", "producer", NOT_YOURS, make.lot_collected(lot="l-other", producer="p-002", delivered_to="producer/p-002"))
    for who in ("ministry", "auditor", "clerk", "roleless"):
        yield _by(f"a sale by {who}", who, NO_RIGHT, sold(who))
    yield _by("a sale by a key that reports", "reports", Kept(), sold("13"))
    yield _by("a sale by a key that reads", "reads", NO_RIGHT, sold("14"))
    yield _by("a sale in another's name by a key that may", "names", Kept(), sold("15"), around={"actor": "user/cashier"})
    yield _by("a sale in another's name by a key that may not", "reports", Refused(403, "actor_not_yours", "actor"), sold("16"), around={"actor": "user/cashier"})
    items = (report("listed own", sold("17")), report("listed other", sold("18", till="karakol-1")), report("listed spoilt", sold("19"), colour="red"))
    yield Case("a till for itself and for another at once", Each((Kept(), NOT_YOUR_TILL, Quarantined("unknown_field", "colour"))), b"[" + b",".join(items) + b"]",
               key="karakol-2", sent=items)  # fmt: skip


def _commands() -> Iterator[Case]:
    """Decisions are for those who hold the role, there, and with the yes of the other where two decide."""

    def ask(name: str, who: str, outcome: Outcome, path: str, fields: Any, **changes: Any) -> Case:
        said = fields if isinstance(fields, dict) else fields_of(fields)
        body = {"id": id_of(name), "occurred_at": NOW} | said | changes
        return Case(name, outcome, orjson.dumps(body), f"/api/v1/{path}", key=who)

    for who in ("karakol-2", "cashier", "lead", "producer", "member", "clerk", "ministry", "auditor", "roleless", "reports", "reads"):
        yield ask(f"a village registered by {who}", who, NO_RIGHT, "network/register-village", make.village_registered(village="v-x"))
        if who != "clerk":
            yield ask(f"a payout by {who}", who, NO_RIGHT, "settlement/make-payout", {"producer": "p-001", "payout": "x", "amount_tyiyn": 1, "method": "cash"})
        if who != "member":
            yield ask(f"a certificate by {who}", who, NO_RIGHT, "committee/certify-product",
                      {"maker": "workshop/tosor-jam", "product": "apricot-jam-300", "submission": "s", "certificate": "c", "valid_from": "2026-01-01", "valid_until": "2027-01-01"})  # fmt: skip
    grant = {"to": "user/center", "role": "settlement_clerk"}
    yield ask("the center grants itself a role", "center", NOT_YOURS, "network/grant-role", grant)
    yield ask("the center makes another center", "center", NOT_YOURS, "network/grant-role", {"to": "user/x", "role": "center"})
    yield ask("the center makes an auditor", "center", NOT_YOURS, "network/grant-role", {"to": "user/x", "role": "auditor"})
    yield ask("the center makes a cashier", "center", Kept(), "network/grant-role", {"to": "user/x", "role": "cashier", "place": "outlet/karakol"})
    yield ask("the center founds a network", "center", NO_RIGHT, "network/found-network", make.network_founded())
    yield ask("the center in another's name", "center", Refused(403, "actor_not_yours", "actor"), "network/register-supplier", make.supplier_registered(), actor="user/x")
    recall = make.recall_started(recall="r-auth")
    yield ask("a recall that the other has not agreed to", "member", Refused(403, "not_agreed", "members"), "committee/start-recall", recall, members=["user/member", "user/other"])
    yield ask("a recall in the name of two others", "member", NOT_YOURS, "committee/start-recall", recall, members=["user/one", "user/other"])
    advance = make.advance_given(advance="a-auth")
    yield ask("much money that the other has not agreed to", "clerk", Refused(403, "not_agreed", "members"), "settlement/give-advance", advance,
              amount_tyiyn=6_000_000, members=["user/clerk", "user/other"])  # fmt: skip
    agree = {"command": "committee/start-recall", "item": {"id": id_of("x")}}
    yield Case("a yes to what one decides", Refused(422, "malformed", "command", "unknown_word"), orjson.dumps(agree | {"command": "network/join-region"}), "/api/v1/agreements", key="member")
    yield Case("a yes to nothing known", Refused(422, "malformed", "command", "unknown_word"), orjson.dumps(agree | {"command": "x"}), "/api/v1/agreements", key="member")
    yield Case("a member's yes to a payout", NO_RIGHT, orjson.dumps(agree | {"command": "settlement/make-payout"}), "/api/v1/agreements", key="member")
    yield Case("a cashier's yes", NO_RIGHT, orjson.dumps(agree), "/api/v1/agreements", key="cashier")


def _questions() -> Iterator[Case]:
    asked: tuple[tuple[str, str, Outcome], ...] = (
        ("cashier", "inventory", NOT_YOURS), ("cashier", "inventory?place=outlet/karakol", Told()), ("cashier", "inventory?place=outlet/bishkek", NOT_YOURS),
        ("karakol-2", "inventory?place=outlet/karakol", Told()), ("karakol-2", "inventory?place=workshop/tosor-jam", NOT_YOURS), ("karakol-2", "events", NO_RIGHT),
        ("karakol-2", "inventory?as_of=1", NOT_YOURS), ("karakol-2", "inventory?place=outlet/karakol&as_of=1", Refused(403, "staff_only")),
        ("producer", "income?producer=p-001", Told()), ("producer", "income?producer=p-002", NOT_YOURS), ("producer", "income?by=producer", NO_RIGHT),
        ("producer", "personal?subject=producer/p-001", Told()), ("producer", "personal?subject=producer/p-002", NOT_YOURS), ("producer", "personal?subject=user/x", NOT_YOURS),
        ("ministry", "income?by=year", Told()), ("ministry", "income?by=producer", NO_RIGHT), ("ministry", "income?producer=p-001", NO_RIGHT), ("ministry", "events", NO_RIGHT),
        ("auditor", "events", Told()), ("auditor", "income?by=producer", Told()), ("auditor", "personal?subject=producer/p-001", NO_RIGHT), ("auditor", "quarantine", Told()),
        ("center", "quarantine", Told()), ("center", "events", NO_RIGHT), ("member", "quarantine", NO_RIGHT), ("member", "committee/to-do", NOT_YOURS),
        ("member", "committee/to-do?region=KG-Y", Told()), ("member", "committee/to-do?region=KG-O", NOT_YOURS), ("clerk", "settlement/disputes", Told()),
        ("lead", "outlets/karakol/shifts", NO_RIGHT), ("cashier", "outlets/karakol/shifts", NO_RIGHT), ("roleless", "inventory", NO_RIGHT), ("roleless", "session", Told()),
        ("reports", "inventory", NO_RIGHT), ("reads", "inventory", Told()), ("reads", "session", Told()), ("cashier", "as-of/1", NO_RIGHT), ("cashier", "todo", NO_RIGHT),
    )  # fmt: skip
    for who, path, outcome in asked:
        yield Case(f"{who} asks {path}", outcome, path=f"/api/v1/{path}", method="GET", headers={}, key=who)


def _devices() -> Iterator[Case]:
    """A device signs the very bytes that it sends, as itself, with its own key."""

    def signed(name: str, outcome: Outcome, /, *, till: str = "karakol-1", **how: Any) -> Case:
        sale = make.sale_made(sale=f"s-{id_of(name)}", till=till, till_counter=1)
        return Case(name, outcome, report(name, sale), signed=Signed(**how))

    yield signed("a device that signs", Kept())
    yield signed("a device that signs with quotes", Kept(), form='OVOP-Signature key="{key}", signature="{signature}"')
    yield signed("a device that signs with padding", Kept(), form="OVOP-Signature key={key}, signature={signature}==")
    yield signed("a device that signs for another till", NOT_YOUR_TILL, till="karakol-2")
    yield signed("another device's key", WRONG_SIGNATURE, by="other")
    yield signed("another device in its name", WRONG_SIGNATURE, as_key="other")
    yield signed("a stranger's key", WRONG_SIGNATURE, by="stranger")
    yield signed("a key nobody enrolled", STRANGER, as_key="0123456789ab")
    yield signed("a revoked device", STRANGER, by="lost", as_key="lost", actor="till/karakol-5", till="karakol-5")
    yield signed("a signature over another body", WRONG_SIGNATURE, over=b"[]")
    yield signed("a signature over a space less", WRONG_SIGNATURE, over=b" ")
    yield signed("a signature as another actor", WRONG_SIGNATURE, actor="till/karakol-2")
    yield signed("a signature as nobody", WRONG_SIGNATURE, actor="")
    yield signed("another head than was signed", WRONG_SIGNATURE, said_head="0" * 64)
    yield signed("a head that was signed and is not said", WRONG_SIGNATURE, head="0" * 64, said_head="")
    yield signed("a head that is not the report's", Kept(("chain_broken",)), head="0" * 64)
    yield signed("a head of nonsense", Kept(("chain_broken",)), head="nonsense")
    yield signed("a signature cut off", WRONG_SIGNATURE, form="OVOP-Signature key={key}, signature=AAAA")
    yield signed("a signature of zeros", WRONG_SIGNATURE, form="OVOP-Signature key={key}, signature=" + "A" * 86)
    yield signed("a signature that is not base64url", STRANGER, form="OVOP-Signature key={key}, signature=!!!!")
    yield signed("a signature in another order", STRANGER, form="OVOP-Signature signature={signature}, key={key}")
    yield signed("a signature as a bearer's", STRANGER, form="Bearer {signature}")
    yield signed("a signature by a key in capitals", STRANGER, form="OVOP-Signature key=ABCDEF, signature={signature}")
    question = Case("a device that signs a question", STRANGER, path="/api/v1/inventory", method="GET", headers={}, signed=Signed())
    yield question


def _coming_in() -> Iterator[Case]:
    """Signing in, choosing a password, enrolling: what is wrong is said, and never what would have been right."""

    def post(name: str, outcome: Outcome, path: str, body: Any, **headers: str) -> Case:
        content = body if isinstance(body, bytes) else orjson.dumps(body)
        return Case(name, outcome, content, f"/api/v1/{path}", headers={"Content-Type": "application/json", **headers}, key=None)

    def wrong(field: str, each: str) -> Refused:
        return Refused(422, "malformed", field, each)

    yield post("a wrong password", WRONG_PASSWORD, "session", {"name": "auditor", "password": "wrong"})
    yield post("a name nobody has", WRONG_PASSWORD, "session", {"name": "nobody-at-all", "password": "wrong"})
    yield post("a name without a password yet", WRONG_PASSWORD, "session", {"name": "cashier", "password": ""})
    yield post("a name with a NUL", wrong("name", "wrong_form"), "session", {"name": "auditor\x00", "password": "x"})
    yield post("a password with a NUL", WRONG_PASSWORD, "session", {"name": "auditor", "password": "x\x00"})
    yield post("no password", wrong("password", "missing_field"), "session", {"name": "auditor"})
    yield post("no name", wrong("name", "missing_field"), "session", {"password": "x"})
    yield post("an empty name", wrong("name", "wrong_length"), "session", {"name": "", "password": "x"})
    yield post("a name of 201 letters", wrong("name", "wrong_length"), "session", {"name": "x" * 201, "password": "x"})
    yield post("a password of a megabyte", wrong("password", "wrong_length"), "session", {"name": "auditor", "password": "x" * 1_000_000})
    yield post("a password that is a number", wrong("password", "wrong_type"), "session", {"name": "auditor", "password": 1})
    yield post("a name that is an object", wrong("name", "wrong_type"), "session", {"name": {"$ne": None}, "password": "x"})
    yield post("a sign-in with a role", wrong("role", "unknown_field"), "session", {"name": "auditor", "password": "x", "role": "admin"})
    yield post("a cookie that is asked for by a word", wrong("cookie", "wrong_type"), "session", {"name": "auditor", "password": "x", "cookie": "yes"})
    yield post("a cookie asked for from another site", FOREIGN, "session", {"name": "auditor", "password": "x", "cookie": True}, Origin="https://evil.example")
    for path in ("session", "session/password", "devices", "devices/challenge", "devices/session"):
        yield post(f"a list for {path}", Refused(422, "malformed", None, "wrong_type"), path, [])
        yield post(f"no JSON for {path}", Refused(400, "not_json"), path, b"{")
        yield post(f"three megabytes for {path}", Refused(413, "too_large"), path, b'"' + b"x" * 3_000_000 + b'"')
        yield post(f"nothing for {path}", Refused(422, "malformed", None, "missing_field"), path, {})
    form = {"Content-Type": "application/x-www-form-urlencoded", "Origin": "{ours}"}
    forms: tuple[tuple[str, Outcome, bytes], ...] = (
        ("a wrong password", Told(401), b"name=auditor&password=wrong"),
        ("nothing", Told(401), b""),
        ("a name with a NUL", Refused(422, "malformed", "name", "wrong_form"), b"name=auditor%00&password=x"),
        ("a name that is no UTF-8", Told(401), b"name=%ff%fe&password=x"),
        ("bytes that are no UTF-8", Refused(422, "malformed"), b"name=\xff\xfe&password=x"),
        ("a hundred fields", Refused(422, "malformed"), b"&".join([b"name=x"] * 100)),
        ("a name of 100,000 letters", Told(401), b"name=" + b"x" * 100_000 + b"&password=x"),
        ("a password of 100,000 letters", Told(401), b"name=auditor&password=" + b"x" * 100_000),
        ("three megabytes", Refused(413, "too_large"), b"name=" + b"x" * 3_000_000),
    )
    for name, outcome, body in forms:
        yield Case(f"a form with {name}", outcome, body, "/sign-in", headers=form, key=None)
    yield Case("a form from another site", FOREIGN, b"name=auditor&password=x", "/sign-in", headers=form | {"Origin": "https://evil.example"}, key=None)
    yield post("a code nobody gave", WRONG_CODE, "session/password", {"code": "0000-0000-0000", "password": "a good long password 1"})
    yield post("a code of nonsense", WRONG_CODE, "session/password", {"code": "' OR 1=1 --", "password": "a good long password 1"})
    device: dict[str, Any] = {"code": "0000-0000-0000", "algorithm": "ed25519", "public_key": "A" * 43, "signature": "A" * 86}
    yield post("a device of an algorithm nobody knows", wrong("algorithm", "unknown_word"), "devices", device | {"algorithm": "none"})
    yield post("a device with a key that is too short", Refused(422, "wrong_key", "public_key"), "devices", device | {"public_key": "AAAA"})
    yield post("a device with a key that is no base64url", Refused(422, "wrong_key", "public_key"), "devices", device | {"public_key": "!!!!"})
    yield post("a device with a key of another curve", Refused(422, "wrong_key", "public_key"), "devices", device | {"algorithm": "p256"})
    yield post("a device with a point on no curve", Refused(422, "wrong_key", "public_key"), "devices", device | {"algorithm": "p256", "public_key": "BA" + "A" * 85})
    yield post("a device that signs nothing", WRONG_SIGNATURE, "devices", device)
    yield post("a device with the point of nothing", WRONG_SIGNATURE, "devices", device | {"public_key": "AQ" + "A" * 41})
    yield post("a challenge for a device nobody knows", Told(200), "devices/challenge", {"key_id": "0123456789ab"})
    yield post("a challenge for a NUL", wrong("key_id", "wrong_form"), "devices/challenge", {"key_id": "\x00"})
    yield post("a session for a challenge nobody gave", WRONG_CODE, "devices/session", {"key_id": "x", "challenge": "x", "signature": "x"})


CASES: Final = (*_headers(), *_browsers(), *_reports(), *_commands(), *_questions(), *_devices(), *_coming_in())
