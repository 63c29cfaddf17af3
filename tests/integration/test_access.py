"""Keys of other systems, the end of rights, whose something is, and what takes two persons."""

import time
from collections.abc import Iterator
from pathlib import Path
from typing import Any
from uuid import uuid4

import httpx
import psycopg
import pytest

from events.catalogue.exchange import MessageQuarantined, QuarantineResolved
from services.access.secrets import new_key
from services.access.sender import Sender
from services.settlement.decider import ALONE_TYIYN_MAX
from tests import make
from tests.access import BELIEVED_SECONDS, bearing, person, refused, token
from tests.door import NOW, Door, accepted, opened, report
from tests.integration.test_api import found
from tests.servers import LogDatabase, wait_for


@pytest.fixture
def door(log_database: LogDatabase, tmp_path: Path) -> Iterator[Door]:
    with opened(log_database, tmp_path, believed_seconds=BELIEVED_SECONDS) as opened_door:
        yield opened_door


def integrator(door: Door, *scopes: str, days: float | None = 1) -> tuple[str, str]:
    key = new_key()
    sender = Sender("integrator/office", "integrator", scopes=frozenset(scopes))
    door.front.credentials.store.add_key(key, sender, label="office", days=days)
    return key.key_id, key.text


def test_a_key_may_what_its_scopes_say_and_nothing_else(door: Door) -> None:
    found(door)
    _, key = integrator(door, "report:outlets", "read:income")
    sale = report(make.sale_made())
    assert door.post("/api/v1/events", sale, key).status_code == 200
    assert door.post("/api/v1/events", [report(make.lot_collected())], key).json()[0]["problem"] == "no_such_right"
    assert httpx.get(f"{door.url}/api/v1/income", headers=bearing(key)).status_code == 200
    assert refused(httpx.get(f"{door.url}/api/v1/events", headers=bearing(key))) == (403, "no_such_right")
    joining = {"id": str(uuid4()), "occurred_at": NOW} | make.region_joined(region="KG-O").model_dump(mode="json")
    assert refused(door.post("/api/v1/network/join-region", joining, key)) == (403, "no_such_right")


def test_a_key_names_others_only_if_it_may(door: Door) -> None:
    sale = report(make.sale_made(), actor="user/somebody")
    [answer] = door.post("/api/v1/events", [sale], integrator(door, "report")[1]).json()
    assert answer["problem"] == "actor_not_yours"
    [answer] = door.post("/api/v1/events", [sale], integrator(door, "report", "name")[1]).json()
    assert answer["position"] == 1


def test_a_key_is_kept_as_a_hash_expires_and_notes_its_last_use(door: Door) -> None:
    key_id, key = integrator(door, "read", days=1)
    store = door.front.credentials.store
    [row] = [row for row in store.every_key() if row.key_id == key_id]
    assert row.last_used_at is None
    assert door.get("/api/v1/inventory").status_code == 200
    assert httpx.get(f"{door.url}/api/v1/inventory", headers=bearing(key)).status_code == 200
    [row] = [row for row in store.every_key() if row.key_id == key_id]
    assert row.last_used_at is not None
    assert key.split("_", 2)[2] not in repr(row)
    assert row.expires_at is not None
    with psycopg.connect(door.database.keeper) as connection:  # the day is over
        connection.execute("UPDATE access.keys SET expires_at = now() WHERE prefix = %s", [key_id])
    wait_for(lambda: httpx.get(f"{door.url}/api/v1/inventory", headers=bearing(key)).status_code == 401, "the end", 5)


def test_whatever_is_revoked_elsewhere_works_no_longer_than_it_is_believed(door: Door) -> None:
    """Ended straight in the database, as another process does it: this one has not heard of it."""
    found(door)
    actor = person(door)
    accepted(door.command("network/grant-role", to=actor, role="auditor"))
    _, key = integrator(door, "read")
    session = token(door)
    bearers = [key, session]
    for bearer in bearers:
        assert httpx.get(f"{door.url}/api/v1/inventory", headers=bearing(bearer)).status_code == 200
    store = door.front.credentials.store
    revoked_at = time.monotonic()
    store.revoke_actor("integrator/office")
    store.revoke_actor(actor)
    for bearer in bearers:
        wait_for(
            lambda bearer=bearer: httpx.get(f"{door.url}/api/v1/inventory", headers=bearing(bearer)).status_code == 401,  # type: ignore[misc]
            "the end",
            5,
        )
    assert time.monotonic() - revoked_at < BELIEVED_SECONDS + 2


def test_a_role_that_is_withdrawn_is_gone_at_once_here(door: Door) -> None:
    found(door)
    actor = person(door)
    accepted(door.command("network/grant-role", to=actor, role="auditor"))
    key = token(door)
    assert httpx.get(f"{door.url}/api/v1/events", headers=bearing(key)).status_code == 200
    accepted(door.command("network/withdraw-role", to=actor, role="auditor"))
    assert refused(httpx.get(f"{door.url}/api/v1/events", headers=bearing(key))) == (403, "no_such_right")


def test_nothing_is_believed_longer_than_a_minute() -> None:
    from pydantic import ValidationError

    from services.settings import Settings

    with pytest.raises(ValidationError, match="believed_seconds"):
        Settings(believed_seconds=61)


def test_a_cashier_voids_in_the_own_shift_only(door: Door) -> None:
    found(door)
    for name in ("asel", "bermet"):
        actor = person(door, f"user/{name}", name)
        accepted(door.command("network/grant-role", to=actor, role="cashier", place="outlet/karakol"))
    asel, bermet = token(door, "asel"), token(door, "bermet")
    shift = report(make.shift_opened(shift="shift-a", cashier="user/asel"))
    void = report(make.sale_voided(shift="shift-a"))
    assert refused(door.post("/api/v1/events", shift, bermet)) == (403, "not_yours")
    assert door.post("/api/v1/events", shift, asel).status_code == 200
    assert refused(door.post("/api/v1/events", void, bermet)) == (403, "not_yours")
    assert door.post("/api/v1/events", void, asel).status_code == 200
    accepted(door.command("network/grant-role", to=person(door, "user/dan", "dan"), role="cashier", place="outlet/osh"))
    never_opened = report(make.sale_voided(shift="shift-never-opened"))
    assert door.post("/api/v1/events", never_opened, asel).json()["problem"] == "owner_unknown"
    elsewhere = never_opened | {"id": str(uuid4())}
    assert refused(door.post("/api/v1/events", elsewhere, token(door, "dan"))) == (403, "not_yours")


def test_what_was_taken_once_is_not_refused_when_it_is_sent_again_after_a_move(door: Door) -> None:
    """The answer was lost, and its sender works elsewhere by now. Nobody else is told anything by sending the same."""
    found(door)
    for name in ("asel", "bermet"):
        actor = person(door, f"user/{name}", name)
        accepted(door.command("network/grant-role", to=actor, role="outlet_lead", place="outlet/karakol"))
    asel, bermet = token(door, "asel"), token(door, "bermet")
    count = report(make.stock_counted(place="outlet/karakol"))
    first = accepted(door.post("/api/v1/events", count, asel))
    for name in ("asel", "bermet"):
        accepted(door.command("network/grant-role", to=f"user/{name}", role="outlet_lead", place="outlet/bishkek"))
        accepted(door.command("network/withdraw-role", to=f"user/{name}", role="outlet_lead", place="outlet/karakol"))

    again = door.post("/api/v1/events", count, asel).json()

    assert (again["status"], again["receipt"]) == ("duplicate", first["receipt"])
    assert refused(door.post("/api/v1/events", count, bermet)) == (403, "not_yours")
    other = count | {"data": make.stock_counted(count="count-2", place="outlet/karakol").model_dump(mode="json")}
    assert refused(door.post("/api/v1/events", other, asel)) == (403, "not_yours")


def test_what_is_nobodys_yet_is_kept_aside_and_not_lost(door: Door) -> None:
    found(door)
    actor = person(door)
    accepted(door.command("network/grant-role", to=actor, role="workshop_lead", place="workshop/tosor-jam"))
    key = token(door)
    cancelled = report(make.shipment_cancelled(consignment="c-never-seen"))
    answer = door.post("/api/v1/events", cancelled, key)
    assert (answer.status_code, answer.json()["problem"]) == (202, "owner_unknown")
    assert isinstance(door.log.read(0, 99)[-1].event, MessageQuarantined)
    assert door.problems_of([door.post("/api/v1/events", cancelled, key).json()]) == [("duplicate", "owner_unknown")]
    shipped = make.stock_shipped(consignment="c-never-seen", origin="workshop/tosor-jam")
    assert door.post("/api/v1/events", report(shipped), key).status_code == 200
    # Now it would be taken; but it was not, and it waits in the quarantine still.
    assert door.problems_of([door.post("/api/v1/events", cancelled, key).json()]) == [("duplicate", "owner_unknown")]
    shipped = make.stock_shipped(consignment="c-2", origin="workshop/tosor-jam")
    both = [report(shipped), report(make.shipment_cancelled(consignment="c-2"))]
    statuses = {answer["status"] for answer in door.post("/api/v1/events", both, key).json()}
    assert statuses <= {"accepted", "flagged"}


def test_a_recall_needs_the_yes_of_the_second_member_to_this_very_command(door: Door) -> None:
    found(door)
    for name in ("asel", "bermet", "cholpon"):
        actor = person(door, f"user/{name}", name)
        if name != "cholpon":
            accepted(door.command("network/grant-role", to=actor, role="committee_member", region="KG-Y"))
    asel, bermet = token(door, "asel"), token(door, "bermet")
    recall = make.recall_started(members=("user/asel", "user/bermet")).model_dump(mode="json", exclude_none=True)
    item = {"id": str(uuid4()), "occurred_at": NOW} | recall

    assert refused(door.post("/api/v1/committee/start-recall", item, asel)) == (403, "not_agreed")
    other = item | {"severity": "danger" if item["severity"] != "danger" else "risk"}
    agreement = {"command": "committee/start-recall", "item": other}
    assert door.post("/api/v1/agreements", agreement, bermet).status_code == 200
    assert refused(door.post("/api/v1/committee/start-recall", item, asel)) == (403, "not_agreed")
    assert door.post("/api/v1/agreements", agreement | {"item": item}, bermet).status_code == 200
    accepted(door.post("/api/v1/committee/start-recall", item, asel))

    with_outsider = item | {"id": str(uuid4()), "recall": "r-2", "members": ["user/asel", "user/cholpon"]}
    assert refused(
        door.post(
            "/api/v1/agreements", {"command": "committee/start-recall", "item": with_outsider}, token(door, "cholpon")
        )
    ) == (403, "no_such_right")
    assert refused(door.post("/api/v1/committee/start-recall", with_outsider, asel)) == (403, "not_agreed")
    in_names_of_others = item | {"id": str(uuid4()), "recall": "r-3", "members": ["user/bermet", "user/cholpon"]}
    assert refused(door.post("/api/v1/committee/start-recall", in_names_of_others, asel)) == (403, "not_yours")


def test_much_money_needs_the_yes_of_the_other_clerk_who_is_named(door: Door) -> None:
    found(door)
    keys = {}
    for name, region in (("asel", "KG-Y"), ("bermet", "KG-Y"), ("cholpon", "KG-O")):
        actor = person(door, f"user/{name}", name)
        accepted(door.command("network/grant-role", to=actor, role="settlement_clerk", region=region))
        keys[name] = token(door, name)

    def advance(amount: int, *members: str) -> dict[str, Any]:
        event = make.advance_given(producer="p-001", advance=f"a-{uuid4()}", amount_tyiyn=amount, members=members)
        return {"id": str(uuid4()), "occurred_at": NOW} | event.model_dump(mode="json")

    def give(item: dict[str, Any]) -> httpx.Response:
        return door.post("/api/v1/settlement/give-advance", item, keys["asel"])

    def say_yes(name: str, item: dict[str, Any]) -> None:
        agreement = {"command": "settlement/give-advance", "item": item}
        assert door.post("/api/v1/agreements", agreement, keys[name]).status_code == 200

    accepted(give(advance(ALONE_TYIYN_MAX)))
    assert refused(give(advance(ALONE_TYIYN_MAX + 1))) == (409, "second_signature_missing")
    much = advance(ALONE_TYIYN_MAX + 1, "user/asel", "user/bermet")
    assert refused(give(much)) == (403, "not_agreed")
    for name in ("asel", "cholpon"):  # oneself, and a clerk of another region
        say_yes(name, much)
        assert refused(give(much)) == (403, "not_agreed")
    say_yes("bermet", much)
    accepted(give(much))
    with_outsider = advance(ALONE_TYIYN_MAX + 1, "user/asel", "user/cholpon")
    say_yes("cholpon", with_outsider)
    assert refused(give(with_outsider)) == (403, "not_agreed")


def test_nobody_grants_roles_to_oneself_nor_those_that_watch_the_center(door: Door) -> None:
    found(door)
    actor = person(door)
    accepted(door.command("network/grant-role", to=actor, role="center"))
    key = token(door)

    def grant(to: str, role: str) -> httpx.Response:
        item = {"id": str(uuid4()), "occurred_at": NOW, "to": to, "role": role}
        return door.post("/api/v1/network/grant-role", item, key)

    assert refused(grant(actor, "settlement_clerk")) == (403, "not_yours")
    assert refused(grant("user/other", "auditor")) == (403, "not_yours")
    assert refused(grant("user/other", "center")) == (403, "not_yours")
    accepted(grant("user/other", "settlement_clerk"))


def test_what_was_nobodys_is_stored_when_it_is_sent_again_from_the_quarantine_as_it_was(door: Door) -> None:
    found(door)
    actor = person(door)
    accepted(door.command("network/grant-role", to=actor, role="workshop_lead", place="workshop/tosor-jam"))
    key = token(door)
    cancelled = report(make.shipment_cancelled(consignment="c-2"))
    assert door.post("/api/v1/events", cancelled, key).json()["problem"] == "owner_unknown"
    assert door.post("/api/v1/events", report(make.stock_shipped(consignment="c-2")), key).status_code == 200

    done = door.command("quarantine/resubmit", quarantine=cancelled["id"], reason="known_by_now")

    assert done.json()["status"] == "accepted"
    *_, fact, resolved = door.log.read(0, 99)
    assert fact.event == make.shipment_cancelled(consignment="c-2")
    assert fact.actor == actor
    assert isinstance(resolved.event, QuarantineResolved)
    assert resolved.event.resubmitted_as == str(fact.event_id)
