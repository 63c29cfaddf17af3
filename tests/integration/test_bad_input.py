"""Whatever is sent, nothing breaks: every item is answered by name, and nothing authentic is lost."""

import json
from collections.abc import Iterator
from typing import Any

import pytest
from hypothesis import HealthCheck, example, given, settings
from hypothesis import strategies as st

from events.catalogue.exchange import MessageQuarantined
from tests import make
from tests.door import Door, opened, report
from tests.servers import LogDatabase

NASTY = ("", "\u0000", "\u202e", "İ", "e\u0301", "😀", "../../etc", "'; DROP TABLE log.events; --", "=1+1", "a" * 5_000)
SCALARS = (
    st.none()
    | st.booleans()
    | st.integers()
    | st.floats(allow_nan=False, allow_infinity=False)
    | st.sampled_from(NASTY)
)
JSON = st.recursive(
    SCALARS, lambda inner: st.lists(inner, max_size=3) | st.dictionaries(st.text(max_size=8), inner, max_size=3)
)
EVENTS = [make.sale_made(), make.batch_produced(), make.stock_counted(), make.goods_returned(), make.lot_collected_v1()]
COMMANDS = {
    "network/register-village": make.village_registered(),
    "network/enroll-till": make.till_enrolled(),
    "committee/score-assessment": make.assessment_scored(),
    "committee/certify-product": make.product_certified(),
    "settlement/agree-terms": make.share_terms_agreed(),
    "settlement/make-payout": make.payout_made(),
    "center/place-order": make.order_placed(),
}
PATHS = ("inventory", "income", "events", "network", "lots/x", "lots/x/trace", "lots/x/forward", "lots/%00")
PARAMETERS = (
    "after", "as_of", "limit", "by", "place", "behind", "batch", "year", "producer", "from", "to", "type", "position",
)  # fmt: skip
FUZZ = settings(max_examples=60, deadline=None, suppress_health_check=[HealthCheck.function_scoped_fixture])


@pytest.fixture(scope="module")
def door(module_log_database: LogDatabase, tmp_path_factory: pytest.TempPathFactory) -> Iterator[Door]:
    with opened(module_log_database, tmp_path_factory.mktemp("data")) as opened_door:
        yield opened_door


@st.composite
def spoilt(draw: st.DrawFn, whole: dict[str, Any]) -> Any:
    """A good item in which some value, somewhere, was replaced, dropped or added."""
    item = json.loads(json.dumps(whole))
    for _ in range(draw(st.integers(1, 3))):
        at: Any = item
        while draw(st.booleans()) and (inner := [v for v in _values(at) if isinstance(v, dict | list) and v]):
            at = draw(st.sampled_from(inner))
        if isinstance(at, dict):
            key = draw(st.sampled_from([*at, "another", "\u0000"]))
            at[key] = draw(JSON)
            if draw(st.booleans()):
                del at[key]
        elif at:
            at[draw(st.integers(0, len(at) - 1))] = draw(JSON)
    return item


def _values(at: Any) -> list[Any]:
    return list(at.values()) if isinstance(at, dict) else list(at)


REPORTS = st.sampled_from(EVENTS).flatmap(lambda event: spoilt(report(event))) | JSON


@FUZZ
@given(items=st.lists(REPORTS, min_size=1, max_size=5))
def test_every_report_is_answered_and_whatever_was_not_refused_is_in_the_log(door: Door, items: list[Any]) -> None:
    before = door.log.head().position
    response = door.post("/api/v1/events", json.dumps(items).encode())
    if response.status_code == 400:
        assert response.json()["code"] == "not_json"  # a lone surrogate or a number beyond every double
        return
    assert response.status_code == 200, response.text
    answers = response.json()
    assert len(answers) == len(items)
    kept = [answer for answer in answers if answer["status"] in ("accepted", "flagged", "quarantined")]
    for answer in answers:
        assert answer["status"] in ("accepted", "flagged", "quarantined", "duplicate", "conflict", "refused")
        # Of what was not understood a repetition names the problem once more.
        is_wrong = answer["status"] in ("quarantined", "conflict", "refused")
        if answer["status"] == "duplicate":
            [first] = door.log.read(answer["position"] - 1, 1)
            is_wrong = isinstance(first.event, MessageQuarantined)
        assert (answer["problem"] is not None) == is_wrong
        assert (answer["receipt"] is not None) == (answer["status"] != "refused")
    assert door.log.head().position >= before + len(kept)
    door.fold()
    assert door.get("/readyz").json()["parked"] == {}


@FUZZ
@given(data=st.data())
def test_every_command_is_answered_by_name_and_never_breaks(door: Door, data: st.DataObject) -> None:
    path = data.draw(st.sampled_from(sorted(COMMANDS)))
    fields = COMMANDS[path].model_dump(mode="json", exclude_none=True)
    item = data.draw(
        spoilt({"id": "0198c0de-0000-7000-8000-000000000001", "occurred_at": "2026-11-23T12:00:00Z"} | fields)
    )
    response = door.post(f"/api/v1/{path}", json.dumps(item).encode())
    assert response.status_code < 500, response.text
    if response.status_code >= 400:
        assert response.headers["content-type"] == "application/problem+json"
        assert response.json()["code"]


@FUZZ
@example(path="inventory", name="place", value="\u0000")
@given(
    path=st.sampled_from(["inventory", "income", "events", "network", "lots/x", "lots/x/trace", "lots/x/forward"]),
    name=st.sampled_from(
        ["after", "as_of", "limit", "by", "place", "year", "producer", "from", "to", "type", "position"]
    ),
    value=st.sampled_from(
        [*NASTY, "1", "-1", "99999999999999999999", "2016-01-01T00:00:00Z", "0001-01-01T00:00:00+06:00"]
    ),
)
def test_every_question_is_answered_by_name_and_never_breaks(door: Door, path: str, name: str, value: str) -> None:
    if name == "after" and value == "1":
        return  # it would wait for an event that nobody sends
    response = door.get(f"/api/v1/{path}", **{name: value})
    assert response.status_code in (200, 202, 404, 422, 503), response.text
    if response.status_code == 503:
        assert response.json()["code"] == "not_there_yet"
