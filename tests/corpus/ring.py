"""Who comes to the door in the corpus: keys, sessions and devices that work, that worked once, and that never did."""

from dataclasses import dataclass, field

from events.catalogue.network import Role
from services.access.secrets import new_key
from services.access.sender import Kind, Sender
from services.access.signatures import upload_text

from tests import make
from tests.access import PASSWORD, Tablet, ed25519_tablet, p256_tablet
from tests.access import enrol as enrol_tablet
from tests.corpus.case import Signed
from tests.door import Door, accepted, report

_ROLES: tuple[tuple[str, Role, str | None, str | None], ...] = (
    ("cashier", "cashier", None, "outlet/karakol"),
    ("lead", "workshop_lead", None, "workshop/tosor-jam"),
    ("producer", "producer", None, "producer/p-001"),
    ("member", "committee_member", "KG-Y", None),
    ("center", "center", None, None),
    ("clerk", "settlement_clerk", None, None),
    ("ministry", "ministry", None, None),
    ("auditor", "auditor", None, None),
)


@dataclass
class Ring:
    """Keys and tokens by name; `said` puts them where a header names them in braces."""

    keys: dict[str, str]
    tablets: dict[str, Tablet] = field(default_factory=dict)

    def said(self, header: str) -> str:
        for name, key in self.keys.items():
            header = header.replace(f"{{{name}}}", key)
        return header

    def signature(self, signed: Signed, body: bytes) -> dict[str, str]:
        text = upload_text(signed.actor, signed.head, body if signed.over is None else signed.over)
        key = self.tablets[signed.as_key].key_id if signed.as_key in self.tablets else signed.as_key
        authorization = signed.form.format(key=key, signature=self.tablets[signed.by].sign(text))
        head = signed.head if signed.said_head is None else signed.said_head
        return {"Authorization": authorization, "OVOP-Chain-Head": head}


def administrator(door: Door) -> Ring:
    """The one key that every installation has."""
    return Ring({"admin": door.admin_key})


def peopled(door: Door) -> Ring:
    """Somebody of every kind. The network must be founded."""
    ring = administrator(door)
    store = door.front.credentials.store
    for name, role, region, place in _ROLES:
        store.add_person(f"user/{name}", name)
        held = {"role": role, "region": region, "place": place}
        accepted(door.command("network/grant-role", to=f"user/{name}", **{k: v for k, v in held.items() if v}))
        ring.keys[name] = store.begin_session(f"user/{name}", 1)
    store.add_person("user/nobody", "nobody")
    ring.keys["roleless"] = store.begin_session("user/nobody", 1)
    ring.keys["ended"] = store.begin_session("user/nobody", 1)
    store.end_session(ring.keys["ended"])
    ring.keys["over"] = store.begin_session("user/nobody", -1)
    code = store.add_code("password", "user/auditor", 60)
    assert door.post("/api/v1/session/password", {"code": code, "password": PASSWORD}).status_code == 200
    ring.keys["auditor"] = store.begin_session("user/auditor", 1)
    ring.keys["unused code"] = store.add_code("password", "user/member", 60)
    ring.keys["device code"] = store.add_code("device", "till/karakol-9", 60, outlet="karakol")
    _keys(door, ring)
    _tills(door, ring)
    _spoilt(door, ring)
    return ring


def _keys(door: Door, ring: Ring) -> None:
    store = door.front.credentials.store
    kinds: tuple[tuple[str, Kind, str, float | None], ...] = (
        ("reports", "integrator", "report", 1),
        ("reads", "integrator", "read", 1),
        ("names", "integrator", "report name", 1),
        ("expired", "integrator", "report read", -1),
        ("revoked", "admin", "", None),
    )
    for name, kind, scopes, days in kinds:
        key = new_key()
        store.add_key(key, Sender(f"integrator/{name}", kind, scopes=frozenset(scopes.split())), days=days)
        ring.keys[name] = key.text
        if name == "revoked":
            store.revoke_key(key.key_id)
    ring.keys["forged"] = ring.keys["admin"][:-6] + "AAAAAA"
    ring.keys["foreign"] = new_key().text


def _spoilt(door: Door, ring: Ring) -> None:
    admin, session = ring.keys["admin"], ring.keys["center"]
    ring.keys |= {
        "ours": door.url,
        "half": admin[: len(admin) // 2],
        "capitals": admin.upper(),
        "id": "_".join(admin.split("_")[:2]),
        "as key": session.replace("ovops_", "ovop_"),
        "as session": admin.replace("ovop_", "ovops_"),
    }


def _tills(door: Door, ring: Ring) -> None:
    for till in ("karakol-2", "karakol-3"):
        ring.keys[till] = accepted(door.command("network/enroll-till", till=till, outlet="karakol"))["key"]
    accepted(door.ask("network/revoke-till", make.till_revoked(till="karakol-3")))
    for name, tablet, till in (("tablet", ed25519_tablet(), "karakol-1"), ("other", p256_tablet(), "karakol-4"), ("lost", ed25519_tablet(), "karakol-5")):
        asked = door.command("network/enroll-till", till=till, outlet="karakol", credential="code")
        assert enrol_tablet(door, tablet, accepted(asked)["code"]).status_code == 200
        tablet.actor = f"till/{till}"
        ring.tablets[name] = tablet
    accepted(door.ask("network/revoke-till", make.till_revoked(till="karakol-5")))
    door.tell(report(make.shift_opened(shift="shift-theirs", outlet="karakol", till="karakol-2", cashier="user/cashier")))
    ring.tablets["stranger"] = ed25519_tablet()
