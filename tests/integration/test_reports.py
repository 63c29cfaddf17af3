"""Reports through the front door: what is kept, what is flagged, what is answered."""

import hashlib
from collections.abc import Iterator
from pathlib import Path
from typing import Any

import orjson
import pytest

from events.catalogue.exchange import MessageQuarantined
from events.catalogue.production import LotCollected
from services.access import Sender
from tests import make
from tests.door import NOW, Door, opened, report
from tests.servers import LogDatabase


@pytest.fixture
def door(log_database: LogDatabase, tmp_path: Path) -> Iterator[Door]:
    with opened(log_database, tmp_path) as opened_door:
        yield opened_door


def test_a_sale_is_accepted_with_a_receipt_that_names_its_place_in_the_log(door: Door) -> None:
    sale = report(make.sale_made())

    [answer] = door.tell(sale)

    assert answer["status"] in ("accepted", "flagged")
    assert answer["id"] == sale["id"]
    [recorded] = door.log.read(0, 10)
    assert (recorded.position, str(recorded.event_id)) == (answer["position"], sale["id"])
    assert answer["receipt"]["leaf_hash"] == (door.log.head().leaf_hash or b"").hex()
    assert recorded.event == make.sale_made()


def test_the_same_report_again_gets_its_first_receipt_whichever_way_it_comes(door: Door) -> None:
    sale = report(make.sale_made())
    [first] = door.tell(sale)
    shuffled = dict(reversed(sale.items()))
    friendly = {"id": sale["id"], "occurred_at": sale["occurred_at"], **sale["data"]}

    [again] = door.tell(shuffled)
    by_sales = door.post("/api/v1/sales", friendly)
    by_outlets = door.post("/api/v1/outlets/sale-made", [friendly])

    assert again["status"] == by_sales.json()["status"] == by_outlets.json()[0]["status"] == "duplicate"
    assert again["receipt"] == by_sales.json()["receipt"] == by_outlets.json()[0]["receipt"] == first["receipt"]
    assert door.log.head().position == 1


def test_the_same_report_twice_in_one_request_is_stored_once(door: Door) -> None:
    sale = report(make.sale_made())
    answers = door.tell(sale, sale, report(make.sale_made(sale="sale-2")))
    assert sorted(answer["status"] == "duplicate" for answer in answers) == [False, False, True]
    assert door.log.head().position == 2


def test_an_id_used_for_something_else_is_a_conflict_and_both_are_kept(door: Door) -> None:
    sale = report(make.sale_made())
    other = sale | {"data": make.sale_made(sale="another").model_dump(mode="json", exclude_none=True)}
    door.tell(sale)

    [in_a_list] = door.tell(other)
    alone = door.post("/api/v1/events", other)

    assert (in_a_list["status"], in_a_list["problem"], in_a_list["position"]) == ("conflict", "id_conflict", 1)
    assert alone.status_code == 409
    assert alone.headers["content-type"] == "application/problem+json"
    assert alone.json()["code"] == "id_conflict"
    first, evidence = door.log.read(0, 10)
    assert first.event == make.sale_made()
    assert isinstance(evidence.event, MessageQuarantined)
    assert evidence.event.problem == "id_conflict"
    assert evidence.event.claimed_id == sale["id"]
    assert orjson.loads(door.front.handler.log.quarantined(evidence.event_id) or b"") == other


def wrong(**changes: Any) -> dict[str, Any]:
    item = report(make.sale_made())
    return item | {"data": item["data"] | changes}


def _deep(levels: int) -> list[Any]:
    return [_deep(levels - 1)] if levels else []


LINE = {"product": "apricot-jam-300", "units": 1, "unit_price_tyiyn": 18_000}
NOT_UNDERSTOOD: dict[str, tuple[Any, str]] = {
    "a wrong type": (wrong(till_counter="7"), "wrong_type"),
    "a number for a text": (wrong(sale=7), "wrong_type"),
    "an unknown field": (wrong(colour="red"), "unknown_field"),
    "a missing field": (report(make.sale_made()) | {"data": {}}, "missing_field"),
    "a negative quantity": (wrong(lines=[LINE | {"units": -1}]), "out_of_range"),
    "no units": (wrong(lines=[LINE | {"units": 0}]), "out_of_range"),
    "money with a fraction": (wrong(lines=[LINE | {"unit_price_tyiyn": 180.5}]), "wrong_type"),
    "money as a whole float": (wrong(lines=[LINE | {"unit_price_tyiyn": 180.0}]), "wrong_type"),
    "a quantity beyond everything": (wrong(lines=[LINE | {"units": 10**16}]), "out_of_range"),
    "a quantity beyond 64 bits": (wrong(lines=[LINE | {"units": 10**30}]), "wrong_type"),
    "an unknown tender": (wrong(tenders=[{"kind": "gold", "amount_tyiyn": 1}]), "unknown_word"),
    "a name in capitals": (wrong(sale="SALE 1"), "wrong_form"),
    "a name of 65 characters": (wrong(sale="x" * 65), "wrong_form"),
    "a lot that is its own input": (
        report(make.batch_produced())
        | {"data": make.batch_produced().model_dump(mode="json", exclude_none=True) | {"lot": "lot-apricots-1"}},
        "lineage_cycle",
    ),
    "an unknown event": (report(make.sale_made()) | {"type": "outlets.sale_dreamt.v1"}, "unknown_type"),
    "no event": (report(make.sale_made()) | {"type": 7}, "unknown_type"),
    "an unknown field around it": (report(make.sale_made()) | {"colour": "red"}, "unknown_field"),
    "an id that is none": (report(make.sale_made()) | {"id": "7"}, "wrong_id"),
    "no id": ({k: v for k, v in report(make.sale_made()).items() if k != "id"}, "wrong_id"),
    "a time without a zone": (report(make.sale_made(), occurred_at="2026-11-23T12:00:00"), "wrong_time"),
    "a time that is none": (report(make.sale_made(), occurred_at="yesterday"), "wrong_time"),
    "a time before all time": (report(make.sale_made(), occurred_at="0001-01-01T00:00:00+06:00"), "wrong_time"),
    "a number": (42, "wrong_type"),
    "a text": ("sale", "wrong_type"),
    "nothing": (None, "wrong_type"),
    "lists as deep as nobody needs them": (wrong(lines=_deep(300)), "too_deep"),
    "more lines than an event holds": (wrong(lines=[LINE] * 1_500), "too_large"),
}


@pytest.fixture(scope="module")
def shared_door(module_log_database: LogDatabase, tmp_path_factory: pytest.TempPathFactory) -> Iterator[Door]:
    with opened(module_log_database, tmp_path_factory.mktemp("data")) as opened_door:
        yield opened_door


@pytest.mark.parametrize(("item", "problem"), NOT_UNDERSTOOD.values(), ids=NOT_UNDERSTOOD)
def test_what_cannot_be_understood_is_kept_whole_and_named(shared_door: Door, item: Any, problem: str) -> None:
    body = _by_hand([item])

    response = shared_door.post("/api/v1/events", body)
    again = shared_door.post("/api/v1/events", body)

    assert response.status_code == 200, response.text
    [answer] = response.json()
    assert (answer["status"], answer["problem"]) == ("quarantined", problem)
    assert answer["detail"]
    assert again.json()[0]["status"] == "duplicate"
    assert again.json()[0]["receipt"] == answer["receipt"]
    [recorded] = shared_door.log.read(answer["position"] - 1, 1)
    note = recorded.event
    assert isinstance(note, MessageQuarantined)
    kept = shared_door.front.handler.log.quarantined(recorded.event_id) or b""
    assert (note.problem, note.sender, note.content_bytes) == (problem, "center/admin", len(kept))
    assert hashlib.sha256(kept).hexdigest() == note.content_sha256
    assert kept == body[1:-1]


def _by_hand(value: Any) -> bytes:
    import json

    # This client's own library refuses integers of more than 64 bits.
    return json.dumps(value, default=str, separators=(",", ":")).encode()


TWICE = b' {"lines": [{"units": 1, "units": 2}], "id": "0198c0de-0000-7000-8000-00000000000%d"}'


def test_items_are_kept_byte_for_byte_whatever_stands_around_them(door: Door) -> None:
    odd = '{ "id" :1.50,\t"name":"\\u0041\xc4\\/"}'.encode()
    body = b"[ " + odd + b" ,\n" + TWICE % 1 + b",42 ]"
    answers = door.post("/api/v1/events", body).json()
    assert [answer["problem"] for answer in answers] == ["unknown_field", "duplicate_key", "wrong_type"]
    assert [_kept(door, answer["position"]) for answer in answers] == [odd, TWICE.strip() % 1, b"42"]


def test_a_key_that_stands_twice_is_named_and_counts_as_neither(door: Door) -> None:
    sale = report(make.sale_made())
    first, other = (orjson.dumps(sale)[:-1] + b',"type":"' + name + b'"}' for name in (b"x", sale["type"].encode()))
    alone = door.post("/api/v1/events", first)
    again, differing = door.post("/api/v1/events", b"[" + first + b"," + other + b"]").json()
    assert (alone.status_code, alone.json()["problem"]) == (202, "duplicate_key")
    assert alone.json()["detail"].startswith("type: ")
    assert (again["status"], again["problem"], again["detail"]) == (
        "duplicate",
        "duplicate_key",
        alone.json()["detail"],
    )
    assert differing["status"] == "conflict"
    assert [_kept(door, each.position) for each in door.log.read(0, 9)] == [first, other]


def test_what_came_by_a_friendly_address_is_kept_as_it_was_sent_with_what_the_address_stood_for(door: Door) -> None:
    body = b'{"id": "0198c0de-0000-7000-8000-000000000001", "colour": "red"}'
    alone = door.post("/api/v1/sales", body).json()
    [listed] = door.post("/api/v1/outlets/sale-made", b"[" + body + b"]").json()
    assert (alone["status"], listed["status"]) == ("quarantined", "duplicate")
    [note] = [each.event for each in door.log.read(0, 9)]
    assert isinstance(note, MessageQuarantined)
    assert note.reported_as == "outlets.sale_made.v1"
    assert _kept(door, 1) == body


def test_a_command_that_says_a_key_twice_or_too_deep_is_refused(door: Door) -> None:
    whole = b'{"id":"0198c0de-0000-7000-8000-000000000001","occurred_at":"2026-11-23T12:00:00Z",'
    for spoilt, code in ((b'"sale":1,"sale":2', "duplicate_key"), (b'"x":' + b"[" * 300 + b"]" * 300, "too_deep")):
        response = door.post("/api/v1/network/found-network", whole + spoilt + b"}")
        assert (response.status_code, response.json()["problems"][0]["code"]) == (422, code)


def _kept(door: Door, position: int) -> bytes:
    [recorded] = door.log.read(position - 1, 1)
    return door.front.handler.log.quarantined(recorded.event_id) or b""


def test_one_bad_item_never_touches_its_neighbours(door: Door) -> None:
    items = [report(make.sale_made(sale=f"s-{n}")) for n in range(3)]
    answers = door.tell(items[0], wrong(units=-1), items[1], 42, items[2])  # type: ignore[arg-type]
    assert [answer["status"] == "quarantined" for answer in answers] == [False, True, False, True, False]
    assert [recorded.event.wire_name for recorded in door.log.read(0, 9)].count("outlets.sale_made.v1") == 3


def test_a_single_bad_report_is_answered_202_because_it_is_kept(door: Door) -> None:
    response = door.post("/api/v1/events", wrong(colour="red"))
    assert (response.status_code, response.json()["status"]) == (202, "quarantined")


@pytest.mark.parametrize(
    ("body", "status", "code"),
    [
        (b"{", 400, "not_json"),
        (b"", 400, "not_json"),
        (b'{"id": NaN}', 400, "not_json"),
        (b"\xff\xfe", 400, "not_json"),
        (b"[" * 5_000 + b"]" * 5_000, 400, "not_json"),
        (orjson.dumps([{}] * 501), 413, "too_many_items"),
        (b'"' + b"x" * 3_000_000 + b'"', 413, "too_large"),
    ],
    ids=["cut off", "empty", "nan", "not utf-8", "deep", "501 items", "3 MB"],
)
def test_a_request_that_is_no_list_of_reports_is_refused_by_name_and_stores_nothing(
    shared_door: Door, body: bytes, status: int, code: str
) -> None:
    before = shared_door.log.head().position
    response = shared_door.post("/api/v1/events", body)
    assert (response.status_code, response.json()["code"]) == (status, code)
    assert response.headers["content-type"] == "application/problem+json"
    assert shared_door.log.head().position == before


@pytest.mark.parametrize("key", ["", "nonsense", "ovop_0123456789ab_nonsense", "ovop__", "ключ"])
def test_nobody_unknown_reports_anything(shared_door: Door, key: str) -> None:
    before = shared_door.log.head().position
    headers = {b"Authorization": f"Bearer {key}".encode() if key else b""}
    response = shared_door.client.post("/api/v1/events", json=report(make.sale_made()), headers=headers)
    assert (response.status_code, response.json()["code"]) == (401, "not_authenticated")
    assert shared_door.log.head().position == before


def test_an_old_form_is_accepted_as_sent_stored_under_its_name_and_read_as_todays(door: Door) -> None:
    [answer] = door.tell(report(make.lot_collected_v1(), occurred_at=door.front.clock.now().isoformat()))
    assert answer["status"] == "accepted"
    assert door.log.read_leaves(0, 1)[0].type == "production.lot_collected.v1"
    [recorded] = door.log.read(0, 1)
    assert isinstance(recorded.event, LotCollected)


def test_a_decision_is_not_reported(door: Door) -> None:
    event = make.product_certified()
    answers = door.tell(report(event), report(make.message_quarantined()))
    assert door.problems_of(answers) == [("refused", "not_a_fact")] * 2
    assert door.post("/api/v1/events", report(event)).status_code == 403
    assert door.log.head().position == 0


def test_a_real_network_keeps_its_own_clock(door: Door) -> None:
    door.ask("network/found-network", make.network_founded(clock="real"))
    [answer] = door.tell(report(make.sale_made(), recorded_at=NOW))
    assert (answer["status"], answer["problem"]) == ("refused", "clock_is_real")


def test_a_simulated_clock_may_stand_at_either_end_of_the_calendar(door: Door) -> None:
    first, last = "0001-01-01T00:00:00Z", "9999-12-31T23:59:59Z"
    founding = {"occurred_at": first, "recorded_at": first}
    door.ask("network/found-network", make.network_founded(clock="simulated"), **founding)
    told = [
        report(make.sale_made(sale=f"s-{i}"), occurred_at=last, recorded_at=at) for i, at in enumerate((first, last))
    ]
    assert ["clock_ahead" in answer["flags"] for answer in door.tell(*told)] == [True, False]


def test_a_simulated_network_is_told_when_things_were_recorded(door: Door) -> None:
    founding = {"occurred_at": "2012-01-01T09:00:00+06:00", "recorded_at": "2012-01-01T09:00:00+06:00"}
    door.ask("network/found-network", make.network_founded(clock="simulated"), **founding)
    door.tell(
        report(make.sale_made(), occurred_at="2012-01-02T09:00:00+06:00", recorded_at="2012-01-02T09:01:00+06:00")
    )
    assert [recorded.recorded_at.isoformat() for recorded in door.log.read(0, 9)] == [
        "2012-01-01T03:00:00+00:00",
        "2012-01-02T03:01:00+00:00",
    ]


def test_the_administrator_names_who_reported(door: Door) -> None:
    door.tell(report(make.sale_made(), actor="user/cashier-1"))
    assert door.log.read(0, 1)[0].actor == "user/cashier-1"
    [answer] = door.tell(report(make.sale_made(sale="s-2"), actor="Айгүл"))
    assert (answer["status"], answer["problem"]) == ("quarantined", "wrong_actor")


def test_claimed_times_are_kept_as_claimed_and_flagged_when_they_cannot_be(door: Door) -> None:
    ahead, late = "2099-01-01T00:00:00+06:00", "2016-03-10T12:00:00+06:00"
    answers = door.tell(report(make.sale_made(), occurred_at=ahead), report(make.lot_collected(), occurred_at=late))
    assert [answer["status"] for answer in answers] == ["flagged", "flagged"]
    assert "clock_ahead" in answers[0]["flags"]
    assert "late" in answers[1]["flags"]
    assert door.log.read(0, 1)[0].occurred_at.year == 2098


def test_a_sale_of_something_unknown_or_at_another_price_is_stored_and_flagged(door: Door) -> None:
    for path, event in (
        ("network/found-network", make.network_founded()),
        ("network/join-region", make.region_joined()),
        ("network/open-outlet", make.outlet_opened()),
        ("network/define-product", make.product_defined()),
        ("network/set-price", make.price_set(unit_price_tyiyn=19_000)),
    ):
        assert door.ask(path, event).json()["status"] == "accepted"
    door.fold()
    known = make.sale_line(batch=None, unit_price_tyiyn=19_000)
    sales = [
        make.sale_made(sale="s-1", lines=(known,)),
        make.sale_made(sale="s-2", lines=(make.sale_line(batch=None, unit_price_tyiyn=18_000),)),
        make.sale_made(sale="s-3", lines=(make.sale_line(product="unheard-of", batch="unheard-of"),)),
    ]
    now = door.front.clock.now().isoformat()
    answers = door.tell(*(report(sale, occurred_at=now) for sale in sales))
    assert [answer["flags"] for answer in answers] == [
        ["no_batch"],
        ["price_differs", "no_batch"],
        ["unknown_product", "unknown_batch"],
    ]
    unasked = door.tell(*(report(sale, occurred_at=now) for sale in sales), **{"OVOP-Advice": "none"})
    assert [answer["flags"] for answer in unasked] == [[], [], []]
    assert {answer["status"] for answer in unasked} == {"accepted"}


def test_a_recalled_batch_is_sold_and_flagged(door: Door) -> None:
    for event in (make.lot_collected(), make.batch_produced(), make.batch_packed()):
        door.tell(report(event))
    batch = make.batch_packed().lot
    for member in make.MEMBERS:
        door.command("network/grant-role", to=member, role="committee_member")
    started = make.recall_started(roots=({"kind": "lot", "id": batch},), drill=False)
    assert door.ask("committee/start-recall", started).json()["status"] == "accepted"
    door.fold()
    [answer] = door.tell(report(make.sale_made(lines=(make.sale_line(batch=batch),))))
    assert "recalled_batch" in answer["flags"]


def test_a_step_that_would_close_a_known_circle_is_kept_as_not_understood(door: Door) -> None:
    jam = make.batch_produced()
    [first] = door.tell(report(jam))
    door.fold()
    circle = report(make.batch_produced(lot=jam.inputs[0].lot, inputs=(make.lot_input(lot=jam.lot),)))
    [answer] = door.tell(circle)
    [again] = door.tell(circle)
    assert first["status"] in ("accepted", "flagged")
    assert (answer["status"], answer["problem"]) == ("quarantined", "lineage_cycle")
    assert (again["status"], again["problem"], again["detail"]) == ("duplicate", "lineage_cycle", answer["detail"])
    assert door.log.head().position == 2


def test_raw_bytes_from_the_broker_are_kept_even_when_they_are_no_json(door: Door) -> None:
    import asyncio

    till = Sender("till/karakol-1", "till", "karakol")
    raw = [b"\xff not json", orjson.dumps(report(make.sale_made())), b"[1]", TWICE % 2]

    answers = asyncio.run(door.front.reports.take(raw, till))
    kept = asyncio.run(door.front.reports.keep([b"whatever"], till, "not_taken"))

    assert [(answer.status, answer.problem) for answer in [*answers, *kept]] == [
        ("quarantined", "not_json"),
        (answers[1].status, None),
        ("quarantined", "wrong_type"),
        ("quarantined", "duplicate_key"),
        ("quarantined", "not_taken"),
    ]
    recorded = door.log.read(0, 9)
    notes = [each.event for each in recorded if isinstance(each.event, MessageQuarantined)]
    assert [(note.sender, note.till) for note in notes] == [("till/karakol-1", "karakol-1")] * 4
    bytes_kept = [
        door.front.handler.log.quarantined(each.event_id)
        for each in recorded
        if isinstance(each.event, MessageQuarantined)
    ]
    assert bytes_kept == [b"\xff not json", b"[1]", TWICE.strip() % 2, b"whatever"]


def test_five_hundred_reports_are_one_request_and_each_is_answered(door: Door) -> None:
    items = [report(make.sale_made(sale=f"s-{n}", till_counter=n + 1)) for n in range(500)]
    answers = door.tell(*items)
    assert [answer["id"] for answer in answers] == [item["id"] for item in items]
    assert sorted(answer["position"] for answer in answers) == list(range(1, 501))


def test_a_step_that_was_taken_is_not_blamed_for_a_circle_that_another_closed_since(door: Door) -> None:
    jam = report(made := make.batch_produced())
    circle = report(make.batch_produced(lot=made.inputs[0].lot, inputs=(make.lot_input(lot=made.lot),)))
    taken = [*door.tell(jam), *door.tell(circle, **{"OVOP-Advice": "none"})]
    door.fold()
    again = door.tell(jam, circle)
    assert {answer["status"] for answer in taken} <= {"accepted", "flagged"}
    assert door.problems_of(again) == [("duplicate", None)] * 2
