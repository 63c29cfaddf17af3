"""The one table of who may do what: every fact, every command, every route. What is not in it, nobody may.

The administrator may everything. A role reaches as far as it was granted: the whole network, a region, a place. What a
fact or command is about, and so whose it is, says the function beside its permission (`concerns`).
"""

import re
from collections.abc import Mapping
from typing import Final

from events.catalogue.base import Fact
from events.catalogue.center import BrandMaterialIssued, ConsultationRequested, OrderDelivered, TrainingHeld
from events.catalogue.committee import ProblemReported
from events.catalogue.logistics import ShipmentCancelled, ShipmentLost, StockReceived, StockShipped
from events.catalogue.outlets import (
    OpeningStockCounted,
    StockCounted,
    StockWrittenOff,
    TillFact,
)
from events.catalogue.production import (
    BatchDiscarded,
    BatchInputsCorrected,
    BatchPacked,
    BatchProduced,
    LabelsPrinted,
    LotCollected,
    LotCorrected,
    LotsPooled,
    LotTested,
    MaterialReceived,
)
from services.access import concerns as of
from services.access.concerns import Concern
from services.access.sender import ANYONE, PUBLIC, Permission, may

type Rule = tuple[Permission, Concern]

_SHOP: Final = may("cashier", "outlet_lead", till=True, scope="report:outlets")
_STOCK: Final = may("cashier", "outlet_lead", "workshop_lead", "center", till=True, scope="report:outlets")
_MAKER: Final = may("workshop_lead", "producer", scope="report:production")
_WORKSHOP: Final = may("workshop_lead", scope="report:production")
_SENDER: Final = may("workshop_lead", "outlet_lead", "producer", "center", scope="report:logistics")
_TILL_FACTS: Final = {fact.__name__: fact for fact in TillFact.__subclasses__()}
_NAMES_CASHIER: Final = {name for name, fact in _TILL_FACTS.items() if "cashier" in fact.model_fields}

FACTS: Final[Mapping[type[Fact], Rule]] = {
    **{fact: (_SHOP, of.at_till if name in _NAMES_CASHIER else of.in_shift) for name, fact in _TILL_FACTS.items()},
    OpeningStockCounted: (may("outlet_lead", "center", till=True, scope="report:outlets"), of.at("outlet")),
    StockCounted: (_STOCK, of.place("place")),
    StockWrittenOff: (
        may("outlet_lead", "workshop_lead", "center", till=True, scope="report:outlets"),
        of.place("place"),
    ),
    LotCollected: (_MAKER, of.collected),
    MaterialReceived: (_WORKSHOP, of.place("delivered_to")),
    LotsPooled: (_WORKSHOP, of.at("workshop")),
    BatchProduced: (_MAKER, of.produced),
    BatchPacked: (_MAKER, of.place("packed_at")),
    LabelsPrinted: (_MAKER, of.place("printed_at")),
    LotTested: (_MAKER, of.place("tested_at")),
    BatchDiscarded: (
        may("workshop_lead", "producer", "outlet_lead", "center", scope="report:production"),
        of.place("place"),
    ),
    LotCorrected: (_MAKER, of.lot),
    BatchInputsCorrected: (_MAKER, of.lot),
    StockShipped: (_SENDER, of.place("origin")),
    ShipmentCancelled: (_SENDER, of.consignment),
    ShipmentLost: (_SENDER, of.consignment),
    StockReceived: (
        may("cashier", "outlet_lead", "workshop_lead", "center", till=True, scope="report:logistics"),
        of.place("place"),
    ),
    ProblemReported: (
        may(
            "cashier", "outlet_lead", "workshop_lead", "producer", "committee_member", "center", till=True,
            scope="report:committee",
        ),
        of.problem,
    ),
    ConsultationRequested: (may("workshop_lead", "producer", "center", scope="report:center"), of.place("maker")),
    TrainingHeld: (may("center", scope="report:center"), of.region),
    OrderDelivered: (may("center", "workshop_lead", scope="report:center"), of.place("place")),
    BrandMaterialIssued: (may("center", scope="report:center"), of.place("place")),
}  # fmt: skip

_CENTER: Final = may("center", scope="command:network")
_MEMBER: Final = may("committee_member", scope="command:committee")
_TWO_MEMBERS: Final = may("committee_member", two=True)
_CLERK: Final = may("settlement_clerk", scope="command:settlement")
_PAPERS: Final = may(
    "cashier", "outlet_lead", "workshop_lead", "producer", "center", till=True, scope="command:documents"
)
AUDIT: Final = may("auditor")
_SIGNING_CLERKS: Final = may("settlement_clerk", two=True)

COMMANDS: Final[Mapping[str, Rule]] = {
    "network/found-network": (may(), of.network),
    "network/join-region": (_CENTER, of.network),
    "network/register-village": (_CENTER, of.region),
    "network/reassign-village": (_CENTER, of.at("village")),
    "network/register-producer": (_CENTER, of.at("village")),
    "network/retire-producer": (_CENTER, of.at("producer")),
    "network/register-supplier": (_CENTER, of.network),
    "network/open-workshop": (_CENTER, of.at("village")),
    "network/close-workshop": (_CENTER, of.at("workshop")),
    "network/open-outlet": (_CENTER, of.region),
    "network/close-outlet": (_CENTER, of.at("outlet")),
    "network/define-product": (_CENTER, of.network),
    "network/retire-product": (_CENTER, of.network),
    "network/set-price": (_CENTER, of.network),
    "network/enroll-till": (may("center"), of.at("outlet")),
    "network/revoke-till": (may("center", "outlet_lead"), of.own_stream),
    "network/grant-role": (may("center"), of.role),
    "network/withdraw-role": (may("center"), of.role),
    "network/give-consent": (may("producer", "center"), of.at("producer")),
    "network/withdraw-consent": (may("producer", "center"), of.at("producer")),
    "committee/submit-product": (may("workshop_lead", "producer", "center"), of.place("maker")),
    "committee/receive-sample": (_MEMBER, of.certificate),
    "committee/score-assessment": (may("committee_member"), of.score),
    "committee/advise-improvement": (_MEMBER, of.certificate),
    "committee/certify-product": (may("committee_member"), of.certificate),
    "committee/accept-conditionally": (may("committee_member"), of.certificate),
    "committee/reject-product": (may("committee_member"), of.certificate),
    "committee/suspend-certificate": (may("committee_member"), of.certificate),
    "committee/reinstate-certificate": (may("committee_member"), of.certificate),
    "committee/revoke-certificate": (_TWO_MEMBERS, of.certificate),
    "committee/start-recall": (_TWO_MEMBERS, of.members),
    "committee/extend-recall": (_TWO_MEMBERS, of.members),
    "committee/tick-off-recall": (may("cashier", "outlet_lead", till=True), of.at("outlet")),
    "committee/close-recall": (_TWO_MEMBERS, of.members),
    "settlement/agree-terms": (may("center"), of.network),
    "settlement/close-period": (_CLERK, of.region),
    "settlement/make-restatement": (_SIGNING_CLERKS, of.restatement),
    "settlement/make-payout": (_SIGNING_CLERKS, of.payout),
    "settlement/reverse-payout": (_SIGNING_CLERKS, of.payout),
    "settlement/give-advance": (_SIGNING_CLERKS, of.payout),
    "settlement/dispute-payout": (may("producer", "settlement_clerk", "center"), of.at("producer")),
    "settlement/settle-dispute": (_CLERK, of.at("producer")),
    "quarantine/map": (may("center"), of.network),
    "quarantine/resubmit": (may("center"), of.network),
    "quarantine/dismiss": (may("center"), of.network),
    "documents/capture-document": (_PAPERS, of.place("place")),
    "audit/make-export": (AUDIT, of.network),
    "audit/note-case": (AUDIT, of.network),
    "signing/rotate-signing-key": (may(), of.network),
    "center/introduce-buyer": (may("center", scope="command:center"), of.network),
    "center/place-order": (may("center", scope="command:center"), of.network),
    "center/answer-consultation": (may("center", scope="command:center"), of.network),
}

_SHOPS_AND_MAKERS: Final = ("cashier", "outlet_lead", "workshop_lead", "producer")
_OFFICES: Final = ("committee_member", "center", "settlement_clerk", "auditor")
LOTS: Final = may(*_SHOPS_AND_MAKERS, *_OFFICES, till=True, scope="read:lots")
EVENTS: Final = may("auditor", scope="read:events")
PAST: Final = may(*_OFFICES, scope="read:past")
CERTIFICATES: Final = may("committee_member", "center", "auditor", scope="read:committee")
ONE_CERTIFICATE: Final = may(
    "committee_member", "center", "auditor", "workshop_lead", "producer", scope="read:committee"
)
DISPUTES: Final = may("settlement_clerk", "center", "auditor", scope="read:settlement")
ORDERS: Final = may("center", "auditor", scope="read:center")
SHIFTS: Final = may("outlet_lead", "center", "auditor", scope="read:outlets")
READ_DESK: Final = may("center", "auditor", scope="read:quarantine")
DESK: Final = may("center")
PERSONAL_VALUES: Final = may("producer", "center")
DOCUMENTS: Final = may("outlet_lead", "workshop_lead", "producer", "center", "auditor", scope="read:documents")
ERASE: Final = may("center")
ERASURES: Final = may("center", "auditor", scope="read:erasures")
TASKS: Final = may(
    "outlet_lead", "workshop_lead", "committee_member", "center", "settlement_clerk", "auditor", scope="read:todo"
)
#: Pages that say in the reader's language that they are closed: who may see them, they ask themselves.
CLOSED_PAGE: Final = PUBLIC
_NETWORK_OF_REGION: Final = may(*_OFFICES, "outlet_lead", "workshop_lead", scope="read:network")
#: Lists of a region, by what is listed; whoever has the role for the region or for the network.
REGION: Final[Mapping[str, Permission]] = {
    **dict.fromkeys(("villages", "workshops", "outlets"), _NETWORK_OF_REGION),
    "producers": may(*_OFFICES, scope="read:network"),
    "certificates": CERTIFICATES,
    "stock": LOTS,
    "consignments": may("outlet_lead", "workshop_lead", "center", "auditor", scope="read:logistics"),
    "statements": DISPUTES,
    "disputes": DISPUTES,
}
_LISTED: Final = may(*_OFFICES, "outlet_lead", "workshop_lead", scope="read")
DIFFERENCES: Final = may("outlet_lead", "workshop_lead", "center", "auditor", scope="read:logistics")
_REPORTS: Final = Permission(
    roles=frozenset(role for rule, _ in FACTS.values() for role in rule.roles), scope="report", till=True
)

#: Everything that is not one fact or one command; what a question is about, its route says (`Front.admit`).
ROUTES: Final[Mapping[str, Permission]] = {
    "GET /": PUBLIC,
    "GET /l": PUBLIC,
    "GET /L": PUBLIC,
    "GET /l/{code}": PUBLIC,
    "GET /L/{code}": PUBLIC,
    "GET /static/{name}": PUBLIC,
    "GET /healthz": PUBLIC,
    "GET /readyz": PUBLIC,
    "GET /openapi.json": PUBLIC,
    "GET /metrics": may("auditor", scope="read:metrics"),
    "GET /api/v1/network": PUBLIC,
    "GET /api/v1/stream": PUBLIC,
    "POST /api/v1/sales": _SHOP,
    "POST /api/v1/events": _REPORTS,
    "GET /api/v1/events": EVENTS,
    "GET /api/v1/inventory": LOTS,
    "GET /api/v1/lots/{lot}": LOTS,
    "GET /api/v1/lots/{lot}/trace": LOTS,
    "GET /api/v1/lots/{lot}/forward": LOTS,
    "GET /asyncapi.json": PUBLIC,
    "GET /todo": CLOSED_PAGE,
    "GET /quarantine": CLOSED_PAGE,
    "GET /quarantine/{quarantine}": CLOSED_PAGE,
    "POST /quarantine/{quarantine}": CLOSED_PAGE,
    "GET /api/v1/quarantine": READ_DESK,
    "GET /api/v1/quarantine/{quarantine}": READ_DESK,
    "POST /api/v1/quarantine/try": DESK,
    "POST /api/v1/personal/values": PERSONAL_VALUES,
    "GET /api/v1/personal": PERSONAL_VALUES,
    "GET /api/v1/personal/erasures": ERASURES,
    "POST /api/v1/personal/erase": ERASE,
    "GET /api/v1/todo": TASKS,
    "GET /api/v1/regions/{region}/{what}": _LISTED,
    "GET /api/v1/documents": DOCUMENTS,
    "GET /api/v1/documents/{document}": DOCUMENTS,
    "GET /api/v1/documents/{document}/content": DOCUMENTS,
    "GET /api/v1/audit/exports": AUDIT,
    "GET /api/v1/audit/exports/{export}": AUDIT,
    "GET /api/v1/audit/exports/{export}/file": AUDIT,
    "GET /api/v1/audit/exports/{export}/statement": AUDIT,
    "GET /api/v1/audit/cases": AUDIT,
    "GET /api/v1/audit/cases/{case}": AUDIT,
    "GET /api/v1/signing/keys": PUBLIC,
    "GET /api/v1/as-of/{position}": PAST,
    "GET /api/v1/committee/certificates": CERTIFICATES,
    "GET /api/v1/committee/to-do": CERTIFICATES,
    "GET /api/v1/committee/certificate": ONE_CERTIFICATE,
    "GET /api/v1/settlement/disputes": DISPUTES,
    "GET /api/v1/center/orders/{order}": ORDERS,
    "GET /api/v1/outlets/{outlet}/shifts": SHIFTS,
    "GET /api/v1/logistics/differences": DIFFERENCES,
    "GET /api/v1/income": may("producer", "center", "settlement_clerk", "auditor", "ministry", scope="read:income"),
    "GET /sign-in": PUBLIC,
    "POST /sign-in": PUBLIC,
    "POST /sign-out": PUBLIC,
    "GET /sign-in/other": PUBLIC,
    "GET /sign-in/other/return": PUBLIC,
    "POST /api/v1/session": PUBLIC,
    "GET /api/v1/session": ANYONE,
    "DELETE /api/v1/session": ANYONE,
    "POST /api/v1/session/password": PUBLIC,
    "POST /api/v1/devices": PUBLIC,
    "POST /api/v1/devices/challenge": PUBLIC,
    "POST /api/v1/devices/session": PUBLIC,
    "POST /api/v1/agreements": may("committee_member", "settlement_clerk"),
}

#: Questions to the income, by what they are grouped by. `producer=` is a question of its own: the producer may ask it.
INCOME: Final[Mapping[str, Permission]] = {
    **dict.fromkeys(
        ("year", "month", "village", "region", "channel"),
        may("center", "settlement_clerk", "auditor", "ministry", scope="read:income"),
    ),
    **dict.fromkeys(
        ("producer", "product", "outlet", "period", "suspense"),
        may("center", "settlement_clerk", "auditor", scope="read:income"),
    ),
}
ONE_PRODUCER: Final = may("producer", "center", "settlement_clerk", "auditor", scope="read:income")

_FACT_BY_NAME: Final = {re.sub(r"(?<!^)(?=[A-Z])", "-", fact.__name__).lower(): fact for fact in FACTS}
_API: Final = re.compile(r"/api/v1/(?P<rest>[a-z]+/(?P<name>[a-z-]+))")


_STATED: Final = (*ROUTES.values(), *INCOME.values(), *(rule for rule, _ in (*FACTS.values(), *COMMANDS.values())))
#: What an integrator's key can be made for: the scopes of the table, whole families of them, and what goes beside.
SCOPES: Final = frozenset(
    {rule.scope for rule in _STATED if rule.scope}
    | {rule.scope.partition(":")[0] for rule in _STATED if rule.scope}
    | {"name", "read:pseudonyms"}
)

NOBODY_MAY: Final = may()
_NOBODY: Final[Rule] = (NOBODY_MAY, of.network)


def rule_of(fact: type[Fact]) -> Rule:
    """Who may report this, and what it is about; a fact that is not in the table is nobody's."""
    return FACTS.get(fact, _NOBODY)


def permission_of(method: str, path: str) -> Permission | None:
    """Who may use the route with this path template; None: it is not in the table, so nobody may."""
    stated = ROUTES.get(f"{method} {path}")
    if stated is not None:
        return stated
    matched = _API.fullmatch(path)
    if matched is None or method != "POST":
        return None
    if matched["rest"] in COMMANDS:
        return COMMANDS[matched["rest"]][0]
    fact = _FACT_BY_NAME.get(matched["name"])
    return None if fact is None else FACTS[fact][0]
