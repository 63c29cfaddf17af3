"""No event of the catalogue is without a way to write it, and every way does write it.

An event that is added without a fact's route, a command or a service that is named here turns this red.
"""

import re
from collections.abc import Iterator
from pathlib import Path
from typing import Any

import pytest

from events.catalogue.base import Event, Fact
from events.catalogue.registry import EVENTS, OLD_VERSIONS
from services.decider import Command
from services.openapi import class_taken
from tests import make
from tests.door import Door, opened, report
from tests.servers import LogDatabase

ROOT = Path(__file__).parents[2]
#: What no till, person or committee reports: the system writes it about itself. The module that does so; a test sees to
#: it that neither column goes stale.
WRITTEN_BY_SERVICES = {"exchange.message_quarantined.v1": "services/reports.py"}
DAY = "2016-03-10T12:00:00+06:00"
AFTER = "2016-04-02T12:00:00+06:00"
MAKER = {"maker": "workshop/tosor-jam", "product": "apricot-jam-300"}
CERTIFICATE = "cert-1"


@pytest.fixture(scope="module")
def door(module_log_database: LogDatabase, tmp_path_factory: pytest.TempPathFactory) -> Iterator[Door]:
    with opened(module_log_database, tmp_path_factory.mktemp("data")) as door:
        yield door


def taken(door: Door) -> dict[str, type[Any]]:
    """What each address takes, as the API describes itself; but for the two that are short names."""
    found = {}
    for path, operations in door.get("/openapi.json").json()["paths"].items():
        body = operations.get("post", {}).get("requestBody", {"content": {}})
        [one, *_] = body["content"].get("application/json", {"schema": {}})["schema"].get("anyOf", [{}])
        if "$ref" in one and path not in ("/api/v1/events", "/api/v1/sales"):
            found[path] = class_taken(one["$ref"].rsplit("/", 1)[1])
    return found


def test_every_event_has_an_address_or_a_service_that_writes_it(door: Door) -> None:
    written: set[str] = set()
    for model in taken(door).values():
        if issubclass(model, Command):
            written |= {event.wire_name for event in model.writes()}
        elif issubclass(model, Fact):
            written.add(model.wire_name)
    assert written | set(WRITTEN_BY_SERVICES) == set(EVENTS)
    assert not written & set(WRITTEN_BY_SERVICES)


@pytest.mark.parametrize(("wire_name", "module"), WRITTEN_BY_SERVICES.items())
def test_the_services_that_write_about_the_system_are_those_that_are_named(wire_name: str, module: str) -> None:
    makes = re.compile(rf"(?<!case ){EVENTS[wire_name].__name__}\(")  # looking at one makes none
    sources = (ROOT / "services").rglob("*.py")
    writers = {str(path.relative_to(ROOT)) for path in sources if makes.search(path.read_text())}
    assert writers == {module}


def is_exchanged(event: Event) -> bool:
    """Nobody reports what the service takes in and gives out: it is asked for, by an address of its own."""
    return event.wire_name.startswith("exchange.")


def the_network(door: Door) -> None:
    """Whatever is entered and ended; what the story still needs is entered under the usual names."""
    for path, event in (
        ("found-network", make.network_founded(clock="simulated")),
        ("join-region", make.region_joined()),
        ("register-village", make.village_registered()),
        ("reassign-village", make.village_reassigned()),
        ("register-producer", make.producer_registered()),
        ("register-producer", make.producer_registered(producer="p-002")),
        ("retire-producer", make.producer_retired(producer="p-002")),
        ("register-supplier", make.supplier_registered()),
        ("open-workshop", make.workshop_opened()),
        ("open-workshop", make.workshop_opened(workshop="another")),
        ("close-workshop", make.workshop_closed(workshop="another")),
        ("open-outlet", make.outlet_opened()),
        ("open-outlet", make.outlet_opened(outlet="another")),
        ("close-outlet", make.outlet_closed(outlet="another")),
        ("define-product", make.product_defined()),
        ("define-product", make.product_defined(product="another")),
        ("retire-product", make.product_retired(product="another")),
        ("set-price", make.price_set()),
    ):
        ask(door, f"network/{path}", event)
    ask(door, "network/give-consent", make.consent_given(), id=make.EVENT_ID)
    ask(door, "network/withdraw-consent", make.consent_withdrawn(withdraws=make.EVENT_ID))
    carry_out(door, "network/enroll-till", till="karakol-1", outlet="karakol")
    carry_out(door, "network/enroll-till", till="karakol-2", outlet="karakol")
    ask(door, "network/revoke-till", make.till_revoked(till="karakol-2"))
    for member in (*make.MEMBERS, "user/member-3"):
        carry_out(door, "network/grant-role", to=member, role="committee_member", region="KG-Y")
    carry_out(door, "network/withdraw-role", to="user/member-3", role="committee_member", region="KG-Y")


def the_committee(door: Door) -> None:
    """Rejected, then accepted on conditions, then certified, suspended, reinstated and revoked; and a recall."""
    for submission, points in (("first", 9), ("second", 13), ("third", 15)):
        about = MAKER | {"submission": submission}
        carry_out(door, "committee/submit-product", **about, region="KG-Y")
        carry_out(door, "committee/receive-sample", **about, units=1)
        for member in make.MEMBERS:
            scores = make.scores(*5 * (points,)).model_dump()
            carry_out(door, "committee/score-assessment", **about, member=member, scores=scores)
        match submission:
            case "first":
                carry_out(door, "committee/advise-improvement", **about, criterion="packaging")
                carry_out(door, "committee/reject-product", **about)
            case "second":
                more: Any = {"conditions": ["label"], "fulfil_by": "2016-05-01"}
                carry_out(door, "committee/accept-conditionally", **about, **more)
            case "third":
                more = {"certificate": CERTIFICATE, "valid_from": "2016-03-01", "valid_until": "2018-02-28"}
                carry_out(door, "committee/certify-product", **about, **more)
    member = make.MEMBERS[0]
    ask(door, "committee/suspend-certificate", make.certificate_suspended(certificate=CERTIFICATE), actor=member)
    ask(door, "committee/reinstate-certificate", make.certificate_reinstated(certificate=CERTIFICATE), actor=member)
    ask(door, "committee/revoke-certificate", make.certificate_revoked(certificate=CERTIFICATE))
    ask(door, "committee/start-recall", make.recall_started())
    ask(door, "committee/extend-recall", make.recall_extended())
    ask(door, "committee/tick-off-recall", make.recall_ticked_off())
    ask(door, "committee/close-recall", make.recall_closed())


def the_center(door: Door) -> None:
    ask(door, "center/introduce-buyer", make.buyer_introduced())
    ask(door, "center/place-order", make.order_placed())
    ask(door, "center/answer-consultation", make.consultation_answered())


def the_settlement(door: Door) -> None:
    month = {"region": "KG-Y", "month": "2016-03"}
    carry_out(door, "settlement/close-period", **month, occurred_at=AFTER)
    door.fold()
    tell(door, make.sale_made(sale="late", till_counter=90))
    door.fold()
    carry_out(
        door, "settlement/make-restatement", **month, members=list(make.MEMBERS), reason="late", occurred_at=AFTER
    )
    pay = {"producer": "p-001", "payout": "payout-1"}
    carry_out(door, "settlement/make-payout", **pay, amount_tyiyn=100, method="cash", occurred_at=AFTER)
    carry_out(door, "settlement/reverse-payout", **pay, reason="account_closed", occurred_at=AFTER)
    ask(door, "settlement/give-advance", make.advance_given())
    ask(door, "settlement/dispute-payout", make.payout_disputed())
    ask(door, "settlement/settle-dispute", make.dispute_settled())


def the_papers_and_the_audit(door: Door) -> None:
    paper = {"kind": "delivery_note", "media_type": "text/plain", "place": "outlet/karakol", "content": "MTIgamFycw=="}
    carry_out(door, "documents/capture-document", document="note-1", **paper)
    carry_out(door, "audit/make-export", export="export-1", through_position=5, recorded_at=AFTER)
    carry_out(door, "audit/note-case", case="case-1", note="Twelve jars were counted.", recorded_at=AFTER)
    carry_out(door, "signing/rotate-signing-key", key_id="key-1", public_key=64 * "5", recorded_at=AFTER)


def tell(door: Door, *events: Event) -> None:
    """Report facts, each at its own address."""
    paths = {model.wire_name: path for path, model in taken(door).items() if issubclass(model, Fact)}
    for event in events:
        fields = report(event, occurred_at=DAY, recorded_at=AFTER)
        fields |= fields.pop("data")
        wire_name = fields.pop("type")
        response = door.post(paths[wire_name], fields)
        assert response.status_code == 200, (wire_name, response.text)


def ask(door: Door, path: str, event: Event, **more: Any) -> None:
    response = door.ask(path, event, occurred_at=DAY, **more)
    assert response.status_code == 200, (path, response.text)


def carry_out(door: Door, path: str, **fields: Any) -> None:
    response = door.command(path, **({"occurred_at": DAY} | fields))
    assert response.status_code == 200, (path, response.text)


def test_the_front_door_lets_every_event_into_the_log(door: Door) -> None:
    the_network(door)
    ask(door, "settlement/agree-terms", make.share_terms_agreed())
    facts = [event for event in make.one_of_each().values() if isinstance(event, Fact)]
    tell(door, *(event for event in facts if event.wire_name not in OLD_VERSIONS and not is_exchanged(event)))
    tell(door, make.sale_made(sale="sale-2", till_counter=80))  # the first one was voided
    the_committee(door)
    the_center(door)
    door.fold()
    the_settlement(door)
    the_papers_and_the_audit(door)
    kept = door.post("/api/v1/events", {"type": "outlets.sale_made.v1"})
    assert kept.status_code == 202
    message = kept.json()["receipt"]["event_id"]
    carry_out(door, "quarantine/dismiss", quarantine=message, reason="test_report", recorded_at=AFTER)

    types = {recorded.event.wire_name for recorded in door.log.read(0, 9_999)}
    assert types == set(EVENTS)
    head = door.log.head().position
    assert door.fold() == head
