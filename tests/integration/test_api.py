"""The API from outside: commands, devices, reads that wait, live news, readiness."""

import threading
from collections.abc import Iterator
from pathlib import Path
from typing import Any
from uuid import uuid4

import httpx
import orjson
import pytest

from tests import make
from tests.door import NOW, Door, accepted, opened, report
from tests.servers import LogDatabase, wait_for


@pytest.fixture
def door(log_database: LogDatabase, tmp_path: Path) -> Iterator[Door]:
    with opened(log_database, tmp_path) as opened_door:
        yield opened_door


def found(door: Door, clock: str = "real") -> None:
    """A network with a region, a village, a workshop, a producer, a shop and a product."""
    for path, event in (
        ("network/found-network", make.network_founded(clock=clock)),
        ("network/join-region", make.region_joined()),
        ("network/register-village", make.village_registered()),
        ("network/open-workshop", make.workshop_opened()),
        ("network/register-producer", make.producer_registered()),
        ("network/open-outlet", make.outlet_opened()),
        ("network/define-product", make.product_defined()),
        ("settlement/agree-terms", make.share_terms_agreed()),
    ):
        accepted(door.ask(path, event))


def test_the_story_from_a_producer_to_her_payout_goes_through_the_front_door(door: Door) -> None:
    found(door, clock="simulated")
    march = "2016-03-10T12:00:00+06:00"
    facts = [
        make.lot_collected(),
        make.batch_produced(),
        make.batch_packed(),
        make.stock_shipped(),
        make.stock_received(),
        make.sale_made(),
    ]
    answers = door.tell(*(report(fact, occurred_at=march, recorded_at=march) for fact in facts))
    assert {answer["status"] for answer in answers} <= {"accepted", "flagged"}
    door.fold()

    close = {"region": "KG-Y", "month": "2016-03", "occurred_at": "2016-04-02T12:00:00+06:00"}
    accepted(door.command("settlement/close-period", **close))
    door.fold()
    again = door.command("settlement/close-period", **close)
    assert (again.status_code, again.json()["code"]) == (409, "period_already_closed")

    told = door.get("/api/v1/income", by="producer").json()["income"]
    earned = {each["producer"]: each["earned_tyiyn"] for each in told if each["earned_tyiyn"]}
    assert sum(earned.values()) > 0
    producer = max(earned, key=lambda each: earned[each])
    pay = {"producer": producer, "payout": "payout-1", "method": "cash"}
    if producer != "unknown":
        much = door.command("settlement/make-payout", **pay, amount_tyiyn=earned[producer] + 1)
        assert (much.status_code, much.json()["code"]) == (409, "payout_exceeds_owed")
        accepted(door.command("settlement/make-payout", **pay, amount_tyiyn=earned[producer]))


def test_a_refusal_is_problem_details_with_a_code_a_field_and_what_to_do(door: Door) -> None:
    accepted(door.ask("network/found-network", make.network_founded()))
    accepted(door.ask("network/join-region", make.region_joined()))
    response = door.ask("network/join-region", make.region_joined())
    problem = response.json()
    assert response.status_code == 409
    assert response.headers["content-type"] == "application/problem+json"
    assert problem["code"] == "already_known"
    assert problem["type"] == "urn:ovop:problem:already_known"
    assert problem["title"].endswith(".")
    assert problem["what_to_do"].endswith(".")
    assert problem["answer"]["status"] == "refused"
    assert door.log.head().position == 2


def test_a_malformed_command_is_422_names_its_fields_and_stores_nothing(door: Door) -> None:
    response = door.command("network/join-region", region="KGY", names={"ky": "", "ru": "x"}, colour="red")
    problem = response.json()
    assert (response.status_code, problem["code"]) == (422, "malformed")
    assert {each["field"]: each["code"] for each in problem["problems"]} == {
        "region": "wrong_form",
        "names.ky": "wrong_length",
        "names.en": "missing_field",
        "committee_names": "missing_field",
        "colour": "unknown_field",
    }
    assert door.log.head().position == 0


def test_a_list_of_commands_is_answered_each_alone(door: Door) -> None:
    accepted(door.ask("network/found-network", make.network_founded()))
    accepted(door.ask("network/join-region", make.region_joined()))
    village = make.village_registered().model_dump(mode="json", exclude_none=True)

    def one(**changes: Any) -> dict[str, Any]:
        return {"id": str(uuid4()), "occurred_at": NOW} | village | changes

    producers = [one(), one(village="barskoon"), one(region="KG-O", village="osh"), one(village=7), 42, one()]
    answers = door.post("/api/v1/network/register-village", producers).json()
    assert door.problems_of(answers) == [
        ("accepted", None),
        ("accepted", None),
        ("refused", "unknown_reference"),
        ("refused", "malformed"),
        ("refused", "malformed"),
        ("refused", "already_known"),
    ]


def test_a_repeated_command_gets_its_first_receipt_whatever_the_rules_say_now(door: Door) -> None:
    accepted(door.ask("network/found-network", make.network_founded()))
    command = {"id": str(uuid4()), "occurred_at": NOW} | make.region_joined().model_dump(mode="json")
    first = accepted(door.post("/api/v1/network/join-region", command))
    again = door.post("/api/v1/network/join-region", command).json()
    other = door.post("/api/v1/network/join-region", command | {"region": "KG-O"})
    assert (again["status"], again["receipt"]) == ("duplicate", first["receipt"])
    assert (other.status_code, other.json()["code"]) == (409, "id_conflict")


def test_a_device_asks_for_no_decisions_of_the_network(door: Door) -> None:
    key = enrolled(door)
    response = door.post("/api/v1/network/join-region", make.region_joined().model_dump(mode="json"), key)
    assert (response.status_code, response.json()["code"]) == (403, "no_such_right")


def test_a_role_is_granted_by_name(door: Door) -> None:
    accepted(door.command("network/grant-role", to="user/member-1", role="committee_member", region="KG-Y"))
    [recorded] = door.log.read(0, 1)
    assert recorded.event == make.role_granted(
        actor="user/member-1", role="committee_member", region="KG-Y", place=None
    )
    assert recorded.actor == "center/admin"


def enrolled(door: Door, till: str = "karakol-1", outlet: str = "karakol") -> str:
    """A till with its key."""
    if door.log.head().position == 0:
        found(door)
    key: str = accepted(door.command("network/enroll-till", till=till, outlet=outlet))["key"]
    return key


def test_a_device_gets_its_key_once_and_reports_as_itself(door: Door) -> None:
    found(door)
    command = {"id": str(uuid4()), "occurred_at": NOW, "till": "karakol-1", "outlet": "karakol"}
    first = accepted(door.post("/api/v1/network/enroll-till", command))
    again = door.post("/api/v1/network/enroll-till", command).json()
    assert again["status"] == "duplicate"
    assert "key" not in again

    response = door.post("/api/v1/sales", report_of_sale(), first["key"])

    assert response.status_code == 200, response.text
    [*_, recorded] = door.log.read(0, 99)
    assert recorded.actor == "till/karakol-1"
    assert first["key"] not in str(door.log.read(0, 99)), "a key is in the log"


def report_of_sale(**changes: Any) -> dict[str, Any]:
    fields = make.sale_made(**changes).model_dump(mode="json", exclude_none=True)
    return {"id": str(uuid4()), "occurred_at": NOW} | fields


@pytest.mark.parametrize(
    "event",
    [
        make.sale_made(till="karakol-2"),
        make.sale_made(outlet="bishkek"),
        make.stock_counted(place="outlet/bishkek"),
        make.stock_received(place="workshop/tosor-jam"),
        make.opening_stock_counted(outlet="bishkek"),
        make.batch_produced(),
        make.lot_collected(),
        make.stock_shipped(),
    ],
    ids=lambda event: event.wire_name,
)
def test_a_device_speaks_for_nobody_else(shared_door: Door, event: Any) -> None:
    before = shared_door.log.head().position
    response = shared_door.post("/api/v1/events", report(event), KEYS["karakol-1"])
    assert (response.status_code, response.json()["code"]) == (403, "not_your_till")
    assert shared_door.log.head().position == before


@pytest.mark.parametrize(
    "event",
    [
        make.shift_opened(),
        make.sale_voided(sale="another"),
        make.stock_counted(place="outlet/karakol"),
        make.stock_received(place="outlet/karakol"),
        make.opening_stock_counted(outlet="karakol"),
        make.stock_written_off(place="outlet/karakol"),
        make.stock_written_off_v1(place="outlet/karakol", write_off="write-off-0"),
    ],
    ids=lambda event: event.wire_name,
)
def test_a_device_speaks_for_its_own_till_and_shop(shared_door: Door, event: Any) -> None:
    response = shared_door.post("/api/v1/events", report(event), KEYS["karakol-1"])
    assert response.status_code == 200, response.text


def test_a_device_does_not_report_in_anothers_name(shared_door: Door) -> None:
    response = shared_door.post("/api/v1/events", report(make.sale_made(), actor="user/boss"), KEYS["karakol-1"])
    assert (response.status_code, response.json()["code"]) == (403, "actor_not_yours")


def test_a_revoked_device_reports_nothing_more(door: Door) -> None:
    key = enrolled(door)
    assert door.post("/api/v1/sales", report_of_sale(), key).status_code == 200
    accepted(door.ask("network/revoke-till", make.till_revoked()))
    assert door.post("/api/v1/sales", report_of_sale(), key).status_code == 401


KEYS: dict[str, str] = {}


@pytest.fixture(scope="module")
def shared_door(module_log_database: LogDatabase, tmp_path_factory: pytest.TempPathFactory) -> Iterator[Door]:
    with opened(module_log_database, tmp_path_factory.mktemp("data")) as opened_door:
        KEYS["karakol-1"] = enrolled(opened_door)
        for event in (make.lot_collected(), make.batch_produced(), make.batch_packed(), make.sale_made()):
            opened_door.tell(report(event))
        opened_door.fold()
        yield opened_door


READS = (
    "/api/v1/inventory",
    "/api/v1/inventory?by=product",
    "/api/v1/inventory?by=transit",
    "/api/v1/inventory?by=flag",
    "/api/v1/lots/batch-jam-1",
    "/api/v1/lots/batch-jam-1/trace",
    "/api/v1/lots/lot-apricots-1/forward",
    "/api/v1/events",
    "/api/v1/network",
    *(
        f"/api/v1/income?by={by}"
        for by in ("year", "month", "producer", "village", "region", "product", "outlet", "channel", "period")
    ),
    "/api/v1/income?by=suspense",
    "/api/v1/income?producer=p-001",
)


@pytest.mark.parametrize("path", READS)
def test_every_read_names_the_position_it_speaks_for(shared_door: Door, path: str) -> None:
    head = shared_door.fold()
    response = shared_door.get(path)
    assert response.status_code == 200, response.text
    assert response.json()["position"] == head


@pytest.mark.parametrize("path", [path for path in READS if path != "/api/v1/network"])
def test_no_read_is_for_strangers_except_the_networks_totals(shared_door: Door, path: str) -> None:
    assert httpx.get(f"{shared_door.url}{path}").status_code == 401
    assert httpx.get(f"{shared_door.url}/api/v1/network").status_code == 200


def test_a_producer_that_nobody_registered_has_no_card(shared_door: Door) -> None:
    response = shared_door.get("/api/v1/income", producer="p-none")
    assert (response.status_code, response.json()["code"]) == (404, "no_such_producer")
    assert response.json()["field"] == "producer"


def test_a_jar_is_traced_to_its_village_and_a_lot_forward_to_its_shelf(shared_door: Door) -> None:
    trace = shared_door.get("/api/v1/lots/batch-jam-1/trace").json()["trace"]
    assert [(part["village"], part["ppm"]) for part in trace["villages"]] == [("tosor", 1_000_000)]
    code = make.batch_packed().code
    assert shared_door.get(f"/api/v1/lots/{code.lower()}/trace").json()["trace"] == trace
    forward = shared_door.get("/api/v1/lots/lot-apricots-1/forward").json()["forward"]
    assert "batch-jam-1" in forward["batches"]
    assert forward["sold"] == 2
    one = shared_door.get("/api/v1/lots/batch-jam-1").json()
    assert one["batch"]["code"] == code
    assert shared_door.get("/api/v1/lots/never-heard-of").json()["code"] == "no_such_lot"
    assert shared_door.get("/api/v1/lots/never-heard-of").status_code == 404


def test_a_producers_neighbours_are_not_shown_to_a_till(shared_door: Door) -> None:
    shown = shared_door.client.get(
        "/api/v1/lots/batch-jam-1/trace", headers={"Authorization": f"Bearer {KEYS['karakol-1']}"}
    ).json()
    assert shown["trace"]["producers"] == []
    assert shown["trace"]["villages"]
    income = shared_door.client.get("/api/v1/income", headers={"Authorization": f"Bearer {KEYS['karakol-1']}"})
    assert income.status_code == 403


def test_events_are_paged_filtered_and_counted_exactly(shared_door: Door) -> None:
    head = shared_door.log.head().position
    everything = shared_door.get("/api/v1/events", limit=200).json()
    assert everything["count"] == len(everything["events"]) == head
    assert everything["next_after"] is None
    first = shared_door.get("/api/v1/events", limit=4).json()
    second = shared_door.get("/api/v1/events", limit=200, after=first["next_after"]).json()
    assert first["events"] + second["events"] == everything["events"]
    assert first["count"] == head

    sales = shared_door.get("/api/v1/events", type="outlets.sale_made.v1").json()
    assert {event["type"] for event in sales["events"]} == {"outlets.sale_made.v1"}
    assert sales["events"][0]["data"]["sale"] == make.sale_made().sale
    lot = shared_door.get("/api/v1/events", stream="lot/batch-jam-1").json()
    assert [event["version"] for event in lot["events"]] == [1, 2]
    [third] = shared_door.get("/api/v1/events", position=3).json()["events"]
    assert third["position"] == 3
    moment = third["recorded_at"]
    until = shared_door.get("/api/v1/events", to=moment).json()
    since = shared_door.get("/api/v1/events", **{"from": moment}).json()
    assert third in until["events"]
    assert third in since["events"]
    assert until["count"] + since["count"] >= head
    assert shared_door.get("/api/v1/events", actor="nobody").json()["count"] == 0


def test_a_reader_may_wait_for_what_was_just_accepted(door: Door) -> None:
    found(door)
    [answer] = door.tell(report(make.sale_made()))
    folding = threading.Timer(0.3, door.fold)
    folding.start()
    told = door.get("/api/v1/income", after=answer["position"]).json()
    folding.join()
    assert told["position"] >= answer["position"]
    assert sum(year["gross_tyiyn"] for year in told["income"]) == 36_000


def test_a_reader_waits_no_longer_than_a_moment(door: Door, monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setattr("services.books.WAIT_SECONDS_MAX", 0.1)
    response = door.get("/api/v1/inventory", after=10)
    assert (response.status_code, response.json()["code"]) == (503, "not_there_yet")
    assert response.headers["retry-after"] == "1"


def test_live_news_come_within_a_second(door: Door) -> None:
    found(door)
    door.fold()
    lines: list[str] = []

    def listen() -> None:
        with httpx.stream("GET", f"{door.url}/api/v1/stream", timeout=10) as response:
            for line in response.iter_lines():
                lines.append(line)
                if line.startswith("data:") and '"sales_tyiyn":36000' in line:
                    return

    listener = threading.Thread(target=listen)
    listener.start()
    wait_for(lambda: any(line.startswith("data:") for line in lines), "the first news", 5)
    door.tell(report(make.sale_made()))
    door.fold()
    listener.join(1.5)
    assert not listener.is_alive(), lines
    position = door.log.head().position
    assert "event: position" in lines
    assert "event: totals" in lines
    assert any(f'"position":{position}' in line for line in lines)


def test_readiness_says_how_far_behind_the_read_models_are(door: Door) -> None:
    assert door.get("/healthz").json() == {"status": "alive"}
    found(door)
    behind = door.get("/readyz")
    door.fold()
    ready = door.get("/readyz")
    assert (behind.status_code, behind.json()["lag_events"]) == (200, door.log.head().position)
    assert ready.json()["lag_events"] == 0
    assert ready.json()["status"] == "ready"


def test_figures_for_prometheus_count_requests_and_positions(door: Door) -> None:
    found(door)
    door.fold()
    text = door.get("/metrics").text
    position = float(door.log.head().position)
    assert f"ovop_log_position {position}" in text
    assert f'ovop_read_model_position{{model="income"}} {position}' in text
    assert 'route="/api/v1/network/join-region"' in text


def test_every_address_that_is_none_and_every_wrong_method_is_a_named_problem(shared_door: Door) -> None:
    for response, status, code in (
        (shared_door.get("/api/v1/nothing"), 404, "not_found"),
        (shared_door.get("/api/v1/sales"), 405, "method_not_allowed"),
        (shared_door.client.delete("/api/v1/events"), 405, "method_not_allowed"),
        (shared_door.get("/api/v1/inventory", limit=0), 422, "malformed"),
        (shared_door.get("/api/v1/inventory", by="colour"), 422, "malformed"),
        (shared_door.get("/api/v1/events", **{"from": "yesterday"}), 422, "malformed"),
    ):
        assert (response.status_code, response.json()["code"]) == (status, code), response.text
        assert response.headers["content-type"] == "application/problem+json"


def test_something_broken_on_our_side_is_named_and_shows_no_trace(door: Door, monkeypatch: pytest.MonkeyPatch) -> None:
    def broken(*_: object, **__: object) -> None:
        raise RuntimeError("a secret detail")

    monkeypatch.setattr("services.reads.inventory_queries.stock", broken)
    response = door.get("/api/v1/inventory")
    assert (response.status_code, response.json()["code"]) == (500, "internal")
    assert "secret" not in response.text
    assert "Traceback" not in response.text


def test_the_api_describes_every_command_and_fact_it_takes(shared_door: Door) -> None:
    described = shared_door.get("/openapi.json").json()
    take = described["paths"]["/api/v1/network/register-village"]["post"]["requestBody"]
    assert take["content"]["application/json"]["schema"]["anyOf"][0] == {"$ref": "#/components/schemas/RegisterVillage"}
    village = described["components"]["schemas"]["RegisterVillage"]
    assert {"id", "occurred_at", "village", "region", "names"} <= set(village["required"])
    references = [
        line for line in orjson.dumps(described).decode().split('"') if line.startswith("#/components/schemas/")
    ]
    assert references
    for reference in references:
        assert reference.rsplit("/", 1)[1] in described["components"]["schemas"], reference
    for path in ("/api/v1/sales", "/api/v1/events", "/api/v1/settlement/make-payout", "/api/v1/inventory"):
        assert path in described["paths"]


def test_the_api_describes_what_the_broker_carries(shared_door: Door) -> None:
    described = shared_door.get("/asyncapi.json").json()
    assert described["channels"]["intake.outlets.sale_made"]["address"] == "ovop.intake.{actor}.outlets.sale_made"
    assert described["channels"]["events.settlement.payout_made"]["address"] == "ovop.events.settlement.payout_made"
