"""Everybody tries everything: all routes, all roles, own, a colleague's and foreign ids.

What is expected stands in a table of its own, written from the words of the domain and not from the permissions of the
service. A call that goes through where the table says no is a leak, and there are none.
"""

import re
from collections.abc import Iterable, Iterator, Mapping
from contextlib import contextmanager
from dataclasses import dataclass, field, replace
from pathlib import Path
from typing import Any, Final
from uuid import uuid4

import httpx
import orjson
import pytest
from fastapi import FastAPI

from events.catalogue.base import Event
from services.access.permissions import INCOME
from services.access.secrets import new_key
from services.access.sender import Sender
from services.aggregates import PERSONS_MIN
from services.facts import path_of
from tests import make
from tests.door import NOW, Door, accepted, opened, report
from tests.routes import routes_of
from tests.servers import LogDatabase

#: README.md says that there are more.
CALLS_MIN: Final = 6_700
#: In every id of the other region: a body that holds it in front of somebody who may not see it is a leak.
FOREIGN: Final = "zz-foreign"

#: Cashier, outLet lead, lead of all outlets of a region (Y), Workshop lead, Producer, committee Member of a region,
#: ceNter, center of a Region, clerK of a region, ministry (Government), Auditor, Till, Integrator that reports,
#: integrator that reads (V), somebody without a role (0).
COLUMNS: Final = "CLYWPMNRKGATIV0"

#: . nobody's business, a anything, o whatever is at the own place or in the own region, p only what is one's very own
#: (own shift, own till, own lot, own score), 2 the very own with the yes of a second person (who has not said it here).
TABLE: Final = """
                                      C L Y W P M N R K G A T I V 0
outlets/opening-stock-counted         . o o . . . a o . . . o a . .
outlets/shift-opened                  p o o . . . . . . . . p a . .
outlets/sale-made                     p o o . . . . . . . . p a . .
sales                                 p o o . . . . . . . . p a . .
outlets/sale-voided                   p o o . . . . . . . . p a . .
outlets/sale-line-corrected           p o o . . . . . . . . p a . .
outlets/goods-returned                p o o . . . . . . . . p a . .
outlets/cash-moved                    p o o . . . . . . . . p a . .
outlets/shift-closed                  p o o . . . . . . . . p a . .
outlets/stock-counted                 o o o o . . a o . . . o a . .
outlets/stock-written-off             . o o o . . a o . . . o a . .
producers/lot-collected               . . . o p . . . . . . . a . .
workshops/material-received           . . . o . . . . . . . . a . .
workshops/lots-pooled                 . . . o . . . . . . . . a . .
workshops/batch-produced              . . . o p . . . . . . . a . .
workshops/batch-packed                . . . o p . . . . . . . a . .
workshops/labels-printed              . . . o p . . . . . . . a . .
workshops/lot-tested                  . . . o p . . . . . . . a . .
workshops/batch-discarded             . o o o p . a o . . . . a . .
producers/lot-corrected               . . . o p . . . . . . . a . .
workshops/batch-inputs-corrected      . . . o p . . . . . . . a . .
logistics/stock-shipped               . o o o p . a o . . . . a . .
logistics/shipment-cancelled          . o o o p . a o . . . . a . .
logistics/shipment-lost               . o o o p . a o . . . . a . .
logistics/stock-received              o o o o . . a o . . . o a . .
committee/problem-reported            o o o . . o a o . . . o a . .
center/consultation-requested         . . . o p . a o . . . . a . .
center/training-held                  . . . . . . a o . . . . a . .
center/order-delivered                . . . o . . a o . . . . a . .
center/brand-material-issued          . . . . . . a o . . . . a . .
network/found-network                 . . . . . . . . . . . . . . .
network/join-region                   . . . . . . a . . . . . . . .
network/register-village              . . . . . . a o . . . . . . .
network/reassign-village              . . . . . . a o . . . . . . .
network/register-producer             . . . . . . a o . . . . . . .
network/retire-producer               . . . . . . a o . . . . . . .
network/register-supplier             . . . . . . a . . . . . . . .
network/open-workshop                 . . . . . . a o . . . . . . .
network/close-workshop                . . . . . . a o . . . . . . .
network/open-outlet                   . . . . . . a o . . . . . . .
network/close-outlet                  . . . . . . a o . . . . . . .
network/define-product                . . . . . . a . . . . . . . .
network/retire-product                . . . . . . a . . . . . . . .
network/set-price                     . . . . . . a . . . . . . . .
network/enroll-till                   . . . . . . a o . . . . . . .
network/revoke-till                   . o o . . . a o . . . . . . .
network/grant-role                    . . . . . . a o . . . . . . .
network/withdraw-role                 . . . . . . a o . . . . . . .
network/give-consent                  . . . . p . a o . . . . . . .
network/withdraw-consent              . . . . p . a o . . . . . . .
committee/submit-product              . . . o p . a o . . . . . . .
committee/receive-sample              . . . . . o . . . . . . . . .
committee/score-assessment            . . . . . p . . . . . . . . .
committee/advise-improvement          . . . . . o . . . . . . . . .
committee/certify-product             . . . . . o . . . . . . . . .
committee/accept-conditionally        . . . . . o . . . . . . . . .
committee/reject-product              . . . . . o . . . . . . . . .
committee/suspend-certificate         . . . . . o . . . . . . . . .
committee/reinstate-certificate       . . . . . o . . . . . . . . .
committee/revoke-certificate          . . . . . 2 . . . . . . . . .
committee/start-recall                . . . . . 2 . . . . . . . . .
committee/extend-recall               . . . . . 2 . . . . . . . . .
committee/tick-off-recall             o o o . . . . . . . . o . . .
committee/close-recall                . . . . . 2 . . . . . . . . .
settlement/agree-terms                . . . . . . a . . . . . . . .
settlement/close-period               . . . . . . . . o . . . . . .
settlement/make-restatement           . . . . . . . . 2 . . . . . .
settlement/make-payout                . . . . . . . . o . . . . . .
settlement/reverse-payout             . . . . . . . . o . . . . . .
settlement/give-advance               . . . . . . . . o . . . . . .
settlement/dispute-payout             . . . . p . a o o . . . . . .
settlement/settle-dispute             . . . . . . . . o . . . . . .
quarantine/map                        . . . . . . a . . . . . . . .
quarantine/resubmit                   . . . . . . a . . . . . . . .
quarantine/dismiss                    . . . . . . a . . . . . . . .
quarantine/try                        . . . . . . a . . . . . . . .
/quarantine/none                      . . . . . . a . . . . . . . .
personal/values                       . . . . p . a o . . . . . . .
personal/erase                        . . . . . . a o . . . . . . .
documents/capture-document            o o o o p . a o . . . o . . .
audit/make-export                     . . . . . . . . . . a . . . .
audit/note-case                       . . . . . . . . . . a . . . .
signing/rotate-signing-key            . . . . . . . . . . . . . . .
center/introduce-buyer                . . . . . . a . . . . . . . .
center/place-order                    . . . . . . a . . . . . . . .
center/answer-consultation            . . . . . . a . . . . . . . .
GET inventory of a place              o o o o p o a o o . a o . a .
GET inventory of the network          . . . . . . a . . . a . . a .
GET flags of the network              . . . . . . a . . . a . . a .
GET transit of the network            . . . . . . a . . . a . . a .
GET lots/{lot}                        o o o o p o a o o . a o . a .
GET lots/{lot}/trace                  o o o o p o a o o . a o . a .
GET lots/{lot}/forward                o o o o p o a o o . a o . a .
GET income of a producer              . . . . p . a o o . a . . a .
GET income by year                    . . . . . . a . . a a . . a .
GET income by month                   . . . . . . a . . a a . . a .
GET income by region                  . . . . . . a . . a a . . a .
GET income by channel                 . . . . . . a . . a a . . a .
GET income by village                 . . . . . . a . . a a . . a .
GET income by producer                . . . . . . a . . . a . . a .
GET income by product                 . . . . . . a . . . a . . a .
GET income by outlet                  . . . . . . a . . . a . . a .
GET income by period                  . . . . . . a . . . a . . a .
GET income by suspense                . . . . . . a . . . a . . a .
GET certificates of a region          . . . . . o a o . . a . . a .
GET certificates of the network       . . . . . . a . . . a . . a .
GET to-do of a region                 . . . . . o a o . . a . . a .
GET to-do of the network              . . . . . . a . . . a . . a .
GET certificate of a maker            . . . o p o a o . . a . . a .
GET disputes                          . . . . . . a . . . a . . a .
GET an order                          . . . . . . a . . . a . . a .
GET shifts of an outlet               . o o . . . a o . . a . . a .
GET differences of a place            . o o o . . a o . . a . . a .
GET differences of the network        . . . . . . a . . . a . . a .
GET the past                          . . . . . a a a a . a . . a .
GET messages in quarantine            . . . . . . a . . . a . . a .
GET a message in quarantine           . . . . . . a . . . a . . a .
GET the page of the quarantine        . . . . . . a . . . a . . a .
GET the page of a message             . . . . . . a . . . a . . a .
GET personal values                   . . . . p . a o . . . . . . .
GET erasures                          . . . . . . a . . . a . . a .
GET documents of a place              . o o o p . a o . . a . . a .
GET documents of the network          . . . . . . a . . . a . . a .
GET a document                        . o o o p . a o . . a . . a .
GET the bytes of a document           . o o o p . a o . . a . . a .
GET exports                           . . . . . . . . . . a . . . .
GET an export                          . . . . . . . . . . a . . . .
GET the file of an export             . . . . . . . . . . a . . . .
GET the statement of an export        . . . . . . . . . . a . . . .
GET cases                             . . . . . . . . . . a . . . .
GET a case                            . . . . . . . . . . a . . . .
GET villages of a region              . . o . . o a o o . a . . a .
GET workshops of a region             . . o . . o a o o . a . . a .
GET outlets of a region               . . o . . o a o o . a . . a .
GET producers of a region             . . . . . o a o o . a . . a .
GET certificates of a region, listed  . . . . . o a o . . a . . a .
GET stock of a region                 . . o . . o a o o . a . . a .
GET consignments of a region          . . o . . . a o . . a . . a .
GET statements of a region            . . . . . . a o o . a . . a .
GET disputes of a region              . . . . . . a o o . a . . a .
GET what waits                        . a a a . a a a a . a . . a .
GET the page of what waits            . a a a . a a a a . a . . a .
GET events                            . . . . . . . . . . a . . a .
GET metrics                           . . . . . . . . . . a . . a .
GET session                           a a a a a a a a a a a a a a a
agreements                            . . . . . a . . a . . . . . .
"""

#: What everybody may, without a key; and the one route that would end the caller's own session.
PUBLIC: Final = {
    "GET /", "GET /l", "GET /L", "GET /l/{code}", "GET /L/{code}", "GET /static/{name}", "GET /healthz", "GET /readyz",
    "GET /openapi.json", "GET /asyncapi.json", "GET /api/v1/network",
    "GET /api/v1/stream", "GET /api/v1/signing/keys", "GET /sign-in", "POST /sign-in", "POST /sign-out",
    "GET /sign-in/other", "GET /sign-in/other/return", "POST /api/v1/session", "POST /api/v1/session/password",
    "POST /api/v1/devices", "POST /api/v1/devices/challenge", "POST /api/v1/devices/session",
}  # fmt: skip
ELSEWHERE: Final = {"DELETE /api/v1/session"}

EXPECTED: Final = {
    line[:38].strip(): dict(zip(COLUMNS, line[38:].split(), strict=True)) for line in TABLE.strip("\n").splitlines()[1:]
}


@dataclass(frozen=True)
class World:
    """Ids that hang together: somebody's own, a colleague's beside it, or those of another region."""

    region: str
    village: str
    workshop: str
    outlet: str
    producer: str
    till: str
    shift: str
    cashier: str
    member: str
    clerk: str
    lot: str
    batch: str
    batch_of_producer: str
    consignment: str
    consignment_of_producer: str
    spare_till: str

    def place(self, column: str) -> str:
        kinds = {"W": f"workshop/{self.workshop}", "P": f"producer/{self.producer}"}
        return kinds.get(column, f"outlet/{self.outlet}")

    def maker(self, column: str) -> str:
        return self.place("P") if column == "P" else self.place("W")


OWN: Final = World(
    "KG-Y", "tosor", "tosor-jam", "karakol", "p-own", "karakol-1", "shift-own", "user/c", "user/m", "user/k",
    "lot-own", "batch-own", "felt-own", "consignment-own", "parcel-own", "karakol-8",
)  # fmt: skip
COLLEAGUE: Final = replace(
    OWN, producer="p-colleague", till="karakol-2", shift="shift-colleague", cashier="user/colleague",
    member="user/colleague", clerk="user/colleague", lot="lot-colleague", batch="batch-colleague",
    batch_of_producer="felt-colleague", consignment="consignment-colleague",
    consignment_of_producer="parcel-colleague", spare_till="karakol-9",
)  # fmt: skip
OTHER: Final = World(
    "KG-O", f"{FOREIGN}-village", f"{FOREIGN}-workshop", f"{FOREIGN}-outlet", f"{FOREIGN}-p", f"{FOREIGN}-till",
    f"{FOREIGN}-shift", f"user/{FOREIGN}", f"user/{FOREIGN}", f"user/{FOREIGN}", f"{FOREIGN}-lot", f"{FOREIGN}-batch",
    f"{FOREIGN}-felt", f"{FOREIGN}-consignment", f"{FOREIGN}-parcel", f"{FOREIGN}-till-9",
)  # fmt: skip
WORLDS: Final = {"own": OWN, "colleague": COLLEAGUE, "foreign": OTHER}


SCORES: Final = dict.fromkeys(("local_raw_material", "quality", "uniqueness", "packaging", "supply"), 15)


def new(prefix: str = "x") -> str:
    return f"{prefix}-{uuid4().hex[:12]}"


def facts(w: World, column: str) -> dict[str, Event]:
    """Each fact about the things of a world, as somebody of this column would report it."""
    at_till: dict[str, Any] = {"shift": w.shift, "outlet": w.outlet, "till": w.till}
    place, maker = w.place(column), w.maker(column)
    batch = w.batch_of_producer if column == "P" else w.batch
    consignment = w.consignment_of_producer if column == "P" else w.consignment
    made: list[tuple[str, Event]] = [
        ("outlets", make.opening_stock_counted(count=new(), outlet=w.outlet)),
        ("outlets", make.shift_opened(**at_till | {"shift": new()}, cashier=w.cashier)),
        ("outlets", make.sale_made(**at_till, sale=new(), cashier=w.cashier)),
        ("outlets", make.sale_voided(**at_till)),
        ("outlets", make.sale_line_corrected(**at_till)),
        ("outlets", make.goods_returned(**at_till, return_id=new())),
        ("outlets", make.cash_moved(**at_till)),
        ("outlets", make.shift_closed(**at_till)),
        ("outlets", make.stock_counted(count=new(), place=place)),
        ("outlets", make.stock_written_off(write_off=new(), place=place)),
        ("producers", make.lot_collected(lot=new(), producer=w.producer, delivered_to=w.place("W"))),
        ("workshops", make.material_received(lot=new(), delivered_to=w.place("W"))),
        ("workshops", make.lots_pooled(lot=new(), workshop=w.workshop)),
        ("workshops", make.batch_produced(lot=new(), made_by=maker, made_at=w.place("W"))),
        ("workshops", make.batch_packed(lot=batch, packed_at=maker)),
        ("workshops", make.labels_printed(lot=batch, printed_at=maker)),
        ("workshops", make.lot_tested(lot=batch, tested_at=maker)),
        ("workshops", make.batch_discarded(lot=batch, place=place)),
        ("producers", make.lot_corrected(lot=w.lot)),
        ("workshops", make.batch_inputs_corrected(lot=batch)),
        ("logistics", make.stock_shipped(consignment=new(), origin=place, destination="center/store")),
        ("logistics", make.shipment_cancelled(consignment=consignment)),
        ("logistics", make.shipment_lost(consignment=consignment)),
        ("logistics", make.stock_received(consignment=new(), place=place)),
        ("committee", make.problem_reported(report=new(), outlet=w.outlet)),
        ("center", make.consultation_requested(consultation=new(), maker=maker)),
        ("center", make.training_held(training=new(), region=w.region)),
        ("center", make.order_delivered(delivery=new(), place=place)),
        ("center", make.brand_material_issued(issue=new(), place=place)),
    ]
    receipt = make.sale_made(**at_till, sale=new(), cashier=w.cashier)
    return {f"{context}/{path_of(type(fact))}": fact for context, fact in made} | {"sales": receipt}  # type: ignore[arg-type]


def commands(w: World, column: str) -> dict[str, dict[str, Any]]:
    """The fields of each command about the things of a world."""
    maker = w.maker(column)
    certificate: dict[str, Any] = {"maker": w.place("W"), "product": "apricot-jam-300"}
    pair = [w.clerk if column == "K" else w.member, "user/second"]
    made: dict[str, Event] = {
        "network/found-network": make.network_founded(),
        "network/join-region": make.region_joined(region="KG-T"),
        "network/register-village": make.village_registered(village=new(), region=w.region),
        "network/reassign-village": make.village_reassigned(village=w.village),
        "network/register-producer": make.producer_registered(producer=new(), village=w.village),
        "network/retire-producer": make.producer_retired(producer=w.producer),
        "network/register-supplier": make.supplier_registered(supplier=new()),
        "network/open-workshop": make.workshop_opened(workshop=new(), village=w.village),
        "network/close-workshop": make.workshop_closed(workshop=w.workshop),
        "network/open-outlet": make.outlet_opened(outlet=new(), region=w.region),
        "network/close-outlet": make.outlet_closed(outlet=w.outlet),
        "network/define-product": make.product_defined(product=new()),
        "network/retire-product": make.product_retired(product=new()),
        "network/set-price": make.price_set(),
        "network/revoke-till": make.till_revoked(till=w.spare_till),
        "network/give-consent": make.consent_given(producer=w.producer),
        "network/withdraw-consent": make.consent_withdrawn(producer=w.producer),
        "committee/submit-product": make.product_submitted(maker=maker, submission=new(), region=w.region),
        "committee/receive-sample": make.sample_received(**certificate),
        "committee/advise-improvement": make.improvement_advised(**certificate),
        "committee/suspend-certificate": make.certificate_suspended(**certificate),
        "committee/reinstate-certificate": make.certificate_reinstated(**certificate),
        "committee/revoke-certificate": make.certificate_revoked(**certificate, members=tuple(pair)),
        "committee/start-recall": make.recall_started(recall=new(), members=tuple(pair)),
        "committee/extend-recall": make.recall_extended(recall=new(), members=tuple(pair)),
        "committee/tick-off-recall": make.recall_ticked_off(outlet=w.outlet),
        "committee/close-recall": make.recall_closed(recall=new(), members=tuple(pair)),
        "settlement/agree-terms": make.share_terms_agreed(),
        "settlement/give-advance": make.advance_given(producer=w.producer, advance=new()),
        "settlement/dispute-payout": make.payout_disputed(producer=w.producer, dispute=new()),
        "settlement/settle-dispute": make.dispute_settled(producer=w.producer, dispute=new()),
        "center/introduce-buyer": make.buyer_introduced(buyer=new()),
        "center/place-order": make.order_placed(order=new()),
        "center/answer-consultation": make.consultation_answered(consultation=new()),
    }
    verdict = certificate | {"submission": "submission-1"}
    payout = {"producer": w.producer, "payout": new()}
    role = {"to": "user/somebody", "role": "cashier", "place": f"outlet/{w.outlet}"}
    return {name: event.model_dump(mode="json", exclude_none=True) for name, event in made.items()} | {
        "network/enroll-till": {"till": new(), "outlet": w.outlet},
        "network/grant-role": role,
        "network/withdraw-role": role,
        "committee/score-assessment": verdict | {"member": w.member, "scores": SCORES},
        "committee/certify-product": verdict
        | {"certificate": new(), "valid_from": "2026-11-01", "valid_until": "2027-11-01"},
        "committee/accept-conditionally": verdict | {"conditions": ["lids"], "fulfil_by": "2027-01-01"},
        "committee/reject-product": verdict,
        "documents/capture-document": paper(new(), w.place(column)),
        "audit/make-export": {"export": new(), "through_position": 3},
        "audit/note-case": {"case": new(), "note": "Look at the jars."},
        "signing/rotate-signing-key": {"key_id": new(), "public_key": uuid4().hex + uuid4().hex},
        "quarantine/map": {"quarantine": "none", "reason": "typo", "changes": [{"at": "id", "to": "x"}]},
        "quarantine/resubmit": {"quarantine": "none", "reason": "typo"},
        "quarantine/dismiss": {"quarantine": "none", "reason": "typo"},
        "settlement/close-period": {"region": w.region, "month": "2026-09"},
        "settlement/make-restatement": {"region": w.region, "month": "2026-09", "members": pair, "reason": "wrong"},
        "settlement/make-payout": payout | {"amount_tyiyn": 100, "method": "cash"},
        "settlement/reverse-payout": payout | {"reason": "wrong"},
    }


def paper(name: str, place: str) -> dict[str, Any]:
    """A delivery note that lies at a place."""
    said = {"kind": "delivery_note", "media_type": "text/plain", "content": "MTIgamFycw=="}
    return {"document": name, "place": place, **said}


def paper_of(w: World, column: str) -> str:
    """The id of the paper that was captured at a place of a world."""
    return f"paper-{w.place(column).replace('/', '-')}"


def others(w: World) -> dict[str, dict[str, Any]]:
    """Whatever else is sent: the whole body, by address."""
    somebody = f"producer/{w.producer}"
    return {
        "quarantine/try": {"quarantine": "none"},
        "/quarantine/none": {},
        "personal/values": {"subject": somebody, "kind": "name", "value": "Асель"},
        "personal/erase": {"id": str(uuid4()), "subject": somebody},
    }


def questions(w: World, column: str) -> dict[str, tuple[str, dict[str, str]]]:
    """Each question about the things of a world: address and parameters."""
    batch = w.batch_of_producer if column == "P" else w.batch
    return {
        "GET inventory of a place": ("inventory", {"place": w.place(column)}),
        "GET inventory of the network": ("inventory", {}),
        "GET flags of the network": ("inventory", {"by": "flag"}),
        "GET transit of the network": ("inventory", {"by": "transit"}),
        "GET lots/{lot}": (f"lots/{batch}", {}),
        "GET lots/{lot}/trace": (f"lots/{batch}/trace", {}),
        "GET lots/{lot}/forward": (f"lots/{batch}/forward", {}),
        "GET income of a producer": ("income", {"producer": w.producer}),
        **{
            f"GET income by {key}": ("income", {"by": key})
            for key in (
                "year",
                "month",
                "village",
                "region",
                "channel",
                "producer",
                "product",
                "outlet",
                "period",
                "suspense",
            )
        },
        "GET certificates of a region": ("committee/certificates", {"region": w.region}),
        "GET certificates of the network": ("committee/certificates", {}),
        "GET to-do of a region": ("committee/to-do", {"region": w.region}),
        "GET to-do of the network": ("committee/to-do", {}),
        "GET certificate of a maker": (
            "committee/certificate",
            {"maker": w.maker(column), "product": "apricot-jam-300"},
        ),
        "GET disputes": ("settlement/disputes", {}),
        "GET an order": ("center/orders/order-1", {}),
        "GET shifts of an outlet": (f"outlets/{w.outlet}/shifts", {}),
        "GET differences of a place": ("logistics/differences", {"place": w.place(column)}),
        "GET differences of the network": ("logistics/differences", {}),
        "GET the past": ("as-of/1", {}),
        "GET messages in quarantine": ("quarantine", {}),
        "GET a message in quarantine": ("quarantine/none", {}),
        "GET the page of the quarantine": ("/quarantine", {}),
        "GET the page of a message": ("/quarantine/none", {}),
        "GET personal values": ("personal", {"subject": f"producer/{w.producer}"}),
        "GET erasures": ("personal/erasures", {}),
        **{
            f"GET {what} of a region": (f"regions/{w.region}/{what}", {})
            for what in (
                "villages",
                "workshops",
                "outlets",
                "producers",
                "stock",
                "consignments",
                "statements",
                "disputes",
            )
        },
        "GET certificates of a region, listed": (f"regions/{w.region}/certificates", {}),
        "GET documents of a place": ("documents", {"place": w.place(column)}),
        "GET documents of the network": ("documents", {}),
        "GET a document": (f"documents/{paper_of(w, column)}", {}),
        "GET the bytes of a document": (f"documents/{paper_of(w, column)}/content", {}),
        "GET exports": ("audit/exports", {}),
        "GET an export": ("audit/exports/none", {}),
        "GET the file of an export": ("audit/exports/none/file", {}),
        "GET the statement of an export": ("audit/exports/none/statement", {}),
        "GET cases": ("audit/cases", {}),
        "GET a case": ("audit/cases/none", {}),
        "GET what waits": ("todo", {}),
        "GET the page of what waits": ("/todo", {}),
        "GET events": ("events", {"limit": "3"}),
        "GET metrics": ("/metrics", {}),
        "GET session": ("session", {}),
    }


def expected(letter: str, which: str) -> str:
    """What becomes of a call: `yes`, `no`, or `second` for one who lacks the second person's yes."""
    match letter:
        case "a":
            return "yes"
        case "o":
            return "no" if which == "foreign" else "yes"
        case "p":
            return "yes" if which == "own" else "no"
        case "2":
            return "second" if which == "own" else "no"
        case _:
            return "no"


@dataclass(frozen=True)
class Call:
    """One request, to be sent with one key after the other."""

    client: httpx.Client
    method: str
    path: str
    body: bytes | None
    params: Mapping[str, str] | None

    def with_key(self, key: str | None) -> httpx.Response:
        headers = {} if key is None else {"Authorization": f"Bearer {key}"}
        return self.client.request(self.method, self.path, content=self.body, params=self.params, headers=headers)


@dataclass
class Matrix:
    """All calls, and what became of them against what was expected."""

    door: Door
    keys: Mapping[str, str | None]
    calls: int = 0
    tried: set[tuple[str, str]] = field(default_factory=set)  #: method and address of every call that was sent
    leaks: list[str] = field(default_factory=list)
    shut_out: list[str] = field(default_factory=list)

    def try_it(self, row: str, column: str, which: str, call: Call) -> None:
        head = self.door.log.head().position
        response = call.with_key(self.keys[column])
        self.calls += 1
        self.tried.add((call.method, call.path))
        self.judge(f"{row} by {column} on {which}", response, self._wanted(row, column, which))
        if self._wanted(row, column, which) != "yes" and self.door.log.head().position != head:
            self.leaks.append(f"{row} by {column} on {which}: something was stored")
        if column in "CLYWPMRKT" and FOREIGN in response.text and self._wanted(row, column, which) == "yes":
            self.leaks.append(f"{row} by {column} on {which}: the answer tells of another region")

    def judge(self, what: str, response: httpx.Response, wanted: str) -> None:
        code = response.json().get("code") if response.headers["content-type"].endswith("problem+json") else None
        became = "second" if code == "not_agreed" else "no" if response.status_code in (401, 403) else "yes"
        if response.status_code >= 500 and response.status_code != 503:
            self.leaks.append(f"{what}: {response.status_code}")
        if became != wanted:
            told = f"{what}: wanted {wanted}, got {response.status_code} {code}"
            (self.leaks if became == "yes" or wanted == "second" else self.shut_out).append(told)

    def _wanted(self, row: str, column: str, which: str) -> str:
        if column in ("anonymous", "revoked", "forged"):
            return "no"
        return "yes" if column == "admin" else expected(EXPECTED[row][column], which)


@contextmanager
def peopled(database: LogDatabase, data_dir: Path) -> Iterator[Matrix]:
    """A network of two regions with somebody for every column, and the read models brought up."""
    with opened(database, data_dir, account_requests_per_minute=10**6, device_requests_per_minute=10**6,
                address_requests_per_minute=10**6, believed_seconds=60) as door:  # fmt: skip
        found(door)
        yield Matrix(door, bearers(door))


def found(door: Door) -> None:
    accepted(door.ask("network/found-network", make.network_founded()))
    accepted(door.ask("network/define-product", make.product_defined()))
    accepted(door.ask("settlement/agree-terms", make.share_terms_agreed()))
    for w in (OWN, OTHER):
        accepted(door.ask("network/join-region", make.region_joined(region=w.region)))
        accepted(door.ask("network/register-village", make.village_registered(village=w.village, region=w.region)))
        accepted(door.ask("network/open-workshop", make.workshop_opened(workshop=w.workshop, village=w.village)))
        accepted(door.ask("network/open-outlet", make.outlet_opened(outlet=w.outlet, region=w.region)))
        submission = make.product_submitted(maker=w.place("W"), region=w.region)
        accepted(door.ask("committee/submit-product", submission))
    for w in WORLDS.values():
        accepted(
            door.ask("network/register-producer", make.producer_registered(producer=w.producer, village=w.village))
        )
        accepted(door.command("network/enroll-till", till=w.spare_till, outlet=w.outlet))
        felt = make.lot_input(lot=f"wool-{w.producer}")
        door.tell(
            *map(
                report,
                (
                    make.lot_collected(lot=w.lot, producer=w.producer, delivered_to=w.place("W")),
                    make.lot_collected(lot=f"wool-{w.producer}", producer=w.producer, delivered_to=w.place("P")),
                    make.batch_produced(
                        lot=w.batch, inputs=(make.lot_input(lot=w.lot),), made_by=w.place("W"), made_at=w.place("W")
                    ),
                    make.batch_produced(
                        lot=w.batch_of_producer, inputs=(felt,), made_by=w.place("P"), made_at=w.place("P")
                    ),
                    make.stock_shipped(
                        consignment=w.consignment,
                        origin=w.place("W"),
                        destination=w.place("L"),
                        lines=(make.stock_line(batch=w.batch),),
                    ),
                    make.stock_received(
                        consignment=w.consignment, place=w.place("L"), lines=(make.stock_line(batch=w.batch),)
                    ),
                    make.stock_shipped(
                        consignment=w.consignment_of_producer,
                        origin=w.place("P"),
                        destination="center/store",
                        lines=(make.stock_line(batch=w.batch_of_producer),),
                    ),
                    make.shift_opened(shift=w.shift, outlet=w.outlet, till=w.till, cashier=w.cashier),
                    make.sale_made(sale=new(), shift=w.shift, outlet=w.outlet, till=w.till, cashier=w.cashier,
                                   lines=(make.sale_line(batch=w.batch),)),
                ),
            )
        )  # fmt: skip
    for place in sorted({w.place(column) for w in WORLDS.values() for column in COLUMNS}):
        name = f"paper-{place.replace('/', '-')}"
        accepted(door.command("documents/capture-document", **paper(name, place)))
    door.fold()


def bearers(door: Door) -> dict[str, str | None]:
    """A key or a session for every column, and for those who should not come in at all."""
    store = door.front.credentials.store
    roles = {
        "C": ("cashier", None, "outlet/karakol"), "L": ("outlet_lead", None, "outlet/karakol"),
        "Y": ("outlet_lead", "KG-Y", None), "W": ("workshop_lead", None, "workshop/tosor-jam"),
        "P": ("producer", None, "producer/p-own"), "M": ("committee_member", "KG-Y", None), "N": ("center", None, None),
        "R": ("center", "KG-Y", None), "K": ("settlement_clerk", "KG-Y", None), "G": ("ministry", None, None),
        "A": ("auditor", None, None), "0": None,
    }  # fmt: skip
    keys: dict[str, str | None] = {"admin": door.admin_key}
    for column, held in roles.items():
        actor = f"user/{column.lower()}"
        store.add_person(actor, actor)
        keys[column] = store.begin_session(actor, 1)
        if held is not None:
            fields = dict(zip(("role", "region", "place"), held, strict=True))
            accepted(door.command("network/grant-role", to=actor, **{k: v for k, v in fields.items() if v is not None}))
    keys["T"] = accepted(door.command("network/enroll-till", till="karakol-1", outlet="karakol"))["key"]
    for column, scope in (("I", "report"), ("V", "read")):
        key = new_key()
        store.add_key(key, Sender(f"integrator/{column.lower()}", "integrator", scopes=frozenset({scope})))
        keys[column] = key.text
    revoked = new_key()
    store.add_key(revoked, Sender("center/former", "admin"))
    store.revoke_key(revoked.key_id)
    admin_key = keys["admin"] or ""
    return keys | {"anonymous": None, "revoked": revoked.text, "forged": admin_key[:-4] + "AAAA"}


def run(matrix: Matrix) -> None:
    everybody = (*COLUMNS, "admin", "anonymous", "revoked", "forged")
    with httpx.Client(base_url=matrix.door.url, timeout=60) as client:

        def asked(method: str, path: str, content: Any = None, params: Any = None) -> Call:
            body = None if content is None else orjson.dumps(content)
            return Call(client, method, address(path), body, params)

        for which, w in WORLDS.items():
            for column in everybody:
                for row, (path, params) in questions(w, column).items():
                    matrix.try_it(row, column, which, asked("GET", path, params=params))
                theirs = "settlement/make-restatement" if column == "K" else "committee/start-recall"
                agreement = {"command": theirs, "item": {"id": str(uuid4())}}
                matrix.try_it("agreements", column, which, asked("POST", "agreements", agreement))
                for row, fact in facts(w, column).items():
                    item = report(fact)
                    flat = {"id": str(uuid4()), "occurred_at": NOW} | item["data"]
                    matrix.try_it(row, column, which, asked("POST", row, flat))
                    matrix.try_it(row, column, which, asked("POST", "events", item))
                for row, body in others(w).items():
                    matrix.try_it(row, column, which, asked("POST", row, body))
                for row, fields in commands(w, column).items():
                    if row in ("settlement/close-period", "settlement/make-restatement"):
                        matrix.door.fold()
                    item = {"id": str(uuid4()), "occurred_at": NOW} | fields
                    matrix.try_it(row, column, which, asked("POST", row, item))


@pytest.mark.slow
@pytest.mark.timeout(900)
def test_nobody_gets_further_than_the_table_says(log_database: LogDatabase, tmp_path: Path) -> None:
    with peopled(log_database, tmp_path) as matrix:
        run(matrix)
        tried, routes = routes_tried(matrix.tried, matrix.door.app), every_route(matrix.door.app)

    assert tried | PUBLIC | ELSEWHERE == routes
    assert matrix.calls > CALLS_MIN
    assert matrix.leaks == []
    assert matrix.shut_out == []


def test_the_ministry_sees_no_sum_of_fewer_than_five_whatever_else_it_is(
    log_database: LogDatabase, tmp_path: Path
) -> None:
    with peopled(log_database, tmp_path) as matrix:
        door, store = matrix.door, matrix.door.front.credentials.store
        accepted(door.command("network/grant-role", to="user/g", role="cashier", place="outlet/karakol"))
        accepted(door.command("network/grant-role", to="user/g", role="settlement_clerk", region="KG-Y"))
        for key in ("village", "region"):
            told = {
                who: httpx.get(
                    f"{door.url}/api/v1/income",
                    params={"by": key},
                    headers={"Authorization": f"Bearer {store.begin_session(f'user/{who}', 1)}"},
                ).json()["income"]
                for who in ("g", "a")
            }
            assert len(told["a"]) >= 1
            assert all(row["producers"] < PERSONS_MIN for row in told["a"])
            assert told["g"] == []


def test_the_table_has_a_row_for_every_route(tmp_path: Path) -> None:
    from services.app import create_app
    from services.settings import Settings

    app = create_app(Settings(data_dir=tmp_path, database_url="host=none"))
    posts = (*facts(OWN, "C"), *commands(OWN, "C"), *others(OWN), "events", "agreements")
    gets = (path for path, _ in questions(OWN, "C").values())
    asked = [*(("POST", address(path)) for path in posts), *(("GET", address(path)) for path in gets)]

    assert routes_tried(asked, app) | PUBLIC | ELSEWHERE == every_route(app)
    assert {row.removeprefix("GET income by ") for row in EXPECTED if row.startswith("GET income by ")} == {*INCOME}
    rows = {*facts(OWN, "C"), *commands(OWN, "C"), *others(OWN), *questions(OWN, "C"), "agreements"}
    assert set(EXPECTED) == rows
    for part in (app.state.front.books, app.state.front.credentials, app.state.front.handler.log):
        part.close()


def address(path: str) -> str:
    return path if path.startswith("/") else f"/api/v1/{path}"


def routes_tried(tried: Iterable[tuple[str, str]], app: FastAPI) -> set[str]:
    """The routes that answer at these addresses; an address at which none does stands there as it is."""
    known = [(method, path, re.compile(re.sub("{[^}]+}", "[^/]+", path))) for method, path, _ in routes_of(app)]
    found = set()
    for method, at in tried:
        fitting = [path for verb, path, pattern in known if verb == method and pattern.fullmatch(at)]
        found.add(f"{method} {at if at in fitting or not fitting else fitting[0]}")
    return found


def every_route(app: FastAPI) -> set[str]:
    return {f"{method} {path}" for method, path, _ in routes_of(app)}
