"""The demonstration's history, whole: known sums, the mix of trouble, balanced steps, and nothing that is refused."""

import hashlib
import string
from collections import Counter, defaultdict
from collections.abc import Mapping
from dataclasses import dataclass, field
from datetime import UTC, date, datetime, timedelta
from functools import cache
from itertools import pairwise
from pathlib import Path
from typing import Any

import orjson
import pytest

from events.catalogue.registry import decode
from services.center.decider import CENTER
from services.committee.assessment import HeldRole, OpenedScores, seal_of
from services.committee.decider import CERTIFICATE
from services.committee.recalls import RECALL
from services.committee.requests import (
    AcceptConditionally,
    CertifyProduct,
    DecideSubmission,
    RejectProduct,
    ScoreAssessment,
    SealAssessment,
)
from services.decider import Decider
from services.demo.arrivals import WRONG_CLOCKS
from services.demo.catalogue import KINDS
from services.demo.history import History, Plan
from services.demo.journal import Command, Fact, Settle
from services.demo.people import MEMBERS
from services.network.decider import NETWORK
from services.settlement.decider import TERMS
from tests import make

SOM = 100
BISHKEK = timedelta(hours=6)


@dataclass
class Told:
    """Everything that a history says, read back from its bytes."""

    facts: list[dict[str, Any]] = field(default_factory=list)
    commands: list[tuple[str, dict[str, Any]]] = field(default_factory=list)
    settles: list[Settle] = field(default_factory=list)
    resent: Counter[str] = field(default_factory=Counter)
    recorded_s: list[int] = field(default_factory=list)
    by_broker: int = 0

    def of(self, wire_name: str) -> list[dict[str, Any]]:
        return [fact for fact in self.facts if fact["type"] == wire_name]

    def asked(self, route: str) -> list[dict[str, Any]]:
        return [fields for asked, fields in self.commands if asked == route]


@cache
def told() -> Told:
    found = Told()
    for item in History(Plan.full()).items():
        match item:
            case Fact(repeats=True):
                found.resent[orjson.loads(item.body)["id"]] += 1
                continue
            case Fact():
                found.facts.append(orjson.loads(item.body))
                found.by_broker += item.by_broker is not None
            case Command():
                found.commands.append((item.route, orjson.loads(item.body)))
            case Settle():
                found.settles.append(item)
        found.recorded_s.append(item.recorded_s)
    return found


def occurred(item: Mapping[str, Any]) -> datetime:
    return datetime.fromisoformat(item["occurred_at"])


def late_by(item: Mapping[str, Any]) -> timedelta:
    return datetime.fromisoformat(item["recorded_at"]) - occurred(item)


def total(sale: Mapping[str, Any]) -> int:
    return sum(int(line["units"]) * int(line["unit_price_tyiyn"]) for line in sale["lines"])


def test_each_year_sells_exactly_its_known_sum_net_of_voids_and_returns() -> None:
    year_of, net, worth = dict[str, int](), Counter[int](), dict[str, int]()
    for sale in told().of("outlets.sale_made.v1"):
        name = sale["data"]["sale"]
        year_of[name] = (occurred(sale) + BISHKEK).year
        worth[name] = total(sale["data"])
        net[year_of[name]] += worth[name]
    for void in told().of("outlets.sale_voided.v1"):
        net[year_of[void["data"]["sale"]]] -= worth[void["data"]["sale"]]
    for back in told().of("outlets.goods_returned.v1"):
        net[year_of[back["data"]["sale"]]] -= sum(line["refund_tyiyn"] for line in back["data"]["lines"])
    som = {2012: 1_900_000, 2013: 4_000_000, 2014: 7_300_000, 2015: 11_530_000, 2016: 12_750_000}
    assert net == {year: amount * SOM for year, amount in som.items()}
    assert sum(net.values()) == 37_480_000 * SOM


def test_a_sale_is_never_voided_or_returned_twice_nor_both() -> None:
    voided = [fact["data"]["sale"] for fact in told().of("outlets.sale_voided.v1")]
    returned = [fact["data"]["sale"] for fact in told().of("outlets.goods_returned.v1")]
    assert max(Counter(voided + returned).values()) == 1


def test_the_network_grows_as_it_is_known_to_have_grown() -> None:
    def by_year(route: str, day: str | None = None) -> dict[int, int]:
        years = [int(fields[day][:4]) if day else (occurred(fields) + BISHKEK).year for fields in told().asked(route)]
        return {year: sum(each <= year for each in years) for year in range(2012, 2017)}

    assert by_year("network/open-outlet", "opened_on") == {2012: 4, 2013: 9, 2014: 16, 2015: 25, 2016: 32}
    assert by_year("network/register-producer") == {2012: 300, 2013: 600, 2014: 950, 2015: 1250, 2016: 1520}
    assert by_year("network/define-product") == {2012: 120, 2013: 280, 2014: 450, 2015: 640, 2016: 800}
    assert len(KINDS) == 26
    made = {
        product["product"].rsplit("-")[0] + "-" + product["product"].split("-")[1]
        for product in told().asked("network/define-product")
    }
    assert made == {kind.id for kind in KINDS}


def test_products_are_named_in_each_language_in_its_own_letters_units_included() -> None:
    names = [product["names"] for product in told().asked("network/define-product")]

    def sizes(language: str) -> set[str]:
        found = {each[language].rpartition(" (")[0].rpartition(", ")[2] for each in names}
        assert not [size for size in found if " " in size], "a number and its unit stay on one line"
        return {size.replace("\u00a0", " ") for size in found}

    for language in ("ky", "ru"):
        assert not [name for each in names if set(name := each[language]) & set(string.ascii_letters)]
        assert {"300 г", "0,3 кг", "0,5 л", "100 мл", "16 см", "1,5 м²", "36-37"} <= sizes(language)
    assert {"300 g", "0.3 kg", "0.5 l", "100 ml", "16 cm", "1.5 m²", "36-37"} <= sizes("en")


def test_the_history_is_as_long_as_the_demonstration_promises() -> None:
    # Payouts, some 13,000, come on top: what they pay is asked of the books.
    assert 195_000 <= len(told().facts) + len(told().commands) <= 265_000
    assert [bool(settle.regions) for settle in told().settles] == [True] * 59 + [False], "December accrues still"
    assert sum(settle.pays for settle in told().settles) == 20
    assert told().by_broker > 1_000


def test_the_sale_in_the_readme_fits_the_history() -> None:
    readme = (Path(__file__).parents[2] / "README.md").read_text(encoding="utf-8")
    sale = orjson.loads(readme.partition("/api/v1/sales -d '")[2].partition("'")[0])
    before = [fact for fact in told().facts if fact["data"].get("till") == sale["till"]]
    assert {fact["data"]["outlet"] for fact in before} == {sale["outlet"]}
    assert sale["till_counter"] == max(fact["data"]["till_counter"] for fact in before) + 1
    [line] = sale["lines"]
    [packed] = [
        fact["data"] for fact in told().of("production.batch_packed.v1") if fact["data"]["lot"] == line["batch"]
    ]
    assert packed["product"] == line["product"]
    arrived = [fact["data"] for fact in told().of("logistics.stock_received.v1")]
    assert f"outlet/{sale['outlet']}" in {
        fact["place"] for fact in arrived if line["batch"] in {counted["batch"] for counted in fact["lines"]}
    }
    assert datetime.fromisoformat(sale["recorded_at"]).timestamp() > max(told().recorded_s)


def test_receipts_are_as_late_and_as_troubled_as_assumed() -> None:
    sales = told().of("outlets.sale_made.v1")
    count = len(sales)
    wrong = {wrong.outlet: wrong for wrong in WRONG_CLOCKS}
    hour, days = timedelta(hours=1), timedelta(days=3)
    assert abs(sum(late_by(sale) > hour for sale in sales) / count - 0.30) < 0.01
    assert abs(sum(late_by(sale) > days for sale in sales) / count - 0.05) < 0.005
    assert abs(len(told().resent) / count - 0.005) < 0.001
    assert set(told().resent.values()) == {2}
    assert abs(len(told().of("outlets.sale_voided.v1")) / count - 0.010) < 0.001
    assert abs(len(told().of("outlets.goods_returned.v1")) / count - 0.007) < 0.001
    ahead = {sale["data"]["outlet"] for sale in sales if late_by(sale) < timedelta(minutes=-5)}
    assert ahead | {"bosteri-1"} == set(wrong), "one of the three clocks is a day behind, two are ahead"


def test_every_year_some_of_its_last_receipts_arrive_in_the_next() -> None:
    crossing = Counter[int]()
    for sale in told().of("outlets.sale_made.v1"):
        sold, known = (occurred(sale) + BISHKEK).year, (occurred(sale) + late_by(sale) + BISHKEK).year
        if known > sold:
            crossing[sold] += 1
            assert (occurred(sale) + BISHKEK) >= datetime(sold, 12, 24, tzinfo=UTC)
    assert crossing.keys() == {2012, 2013, 2014, 2015, 2016}
    assert max(crossing.values()) < 100, "a few, as it is in life: a year's books of New Year's Day are nearly whole"


def test_what_goes_wrong_once_goes_wrong_once() -> None:
    tenfold = defaultdict(set)
    for fields in told().asked("network/set-price"):
        tenfold[fields["product"]].add(10 * fields["unit_price_tyiyn"])
    lines = (line for sale in told().of("outlets.sale_made.v1") for line in sale["data"]["lines"])
    assert sum(line["unit_price_tyiyn"] in tenfold[line["product"]] for line in lines) == 1
    assert len(told().asked("committee/suspend-certificate")) == 2
    assert len(told().asked("committee/start-recall")) == len(told().asked("committee/close-recall")) == 1
    assert told().asked("committee/tick-off-recall")
    assert len(told().of("production.batch_inputs_corrected.v1")) == 1
    assert {fact["data"]["mass_kg"] > 0 for fact in told().of("production.lot_collected.v1")} == {True}
    assert all((occurred(fact) + BISHKEK).year <= 2012 for fact in told().of("production.lot_collected.v1"))


def test_two_counts_in_a_hundred_differ() -> None:
    shipped = {fact["data"]["consignment"]: fact["data"]["lines"] for fact in told().of("logistics.stock_shipped.v1")}
    received = told().of("logistics.stock_received.v1")
    differing = sum(fact["data"]["lines"] != shipped[fact["data"]["consignment"]] for fact in received)
    assert abs(differing / len(received) - 0.02) < 0.008


def test_every_fact_decodes_and_every_step_balances_to_the_gram() -> None:
    mass: dict[str, int] = {}
    pieces: dict[str, int] = {}
    taken: dict[str, int] = defaultdict(int)
    for fact in sorted(told().facts, key=occurred):
        event: Any = decode(fact["type"], orjson.dumps(fact["data"]))
        match fact["type"].split(".")[1]:
            case "lot_collected" | "material_received":
                mass[event.lot], pieces[event.lot] = event.mass_g, event.pieces
            case "lots_pooled" | "batch_produced" | "batch_inputs_corrected" as kind:
                by_products = getattr(event, "by_products", ())
                went_in = sum(each.mass_g for each in event.inputs)
                came_out = event.mass_g + sum(each.mass_g for each in by_products) + event.loss_mass_g
                assert went_in == came_out, fact
                mass[event.lot], pieces[event.lot] = event.mass_g, event.pieces
                mass |= {each.lot: each.mass_g for each in by_products if each.lot}
                if kind != "batch_inputs_corrected":
                    for each in event.inputs:
                        taken[each.lot] += each.pieces or each.mass_g
                        assert taken[each.lot] <= (pieces.get(each.lot) or mass[each.lot]), fact
            case "batch_packed":
                assert event.units * event.unit_mass_g + 20 >= mass[event.lot] >= event.units * event.unit_mass_g


def test_items_come_in_the_order_in_which_they_are_recorded() -> None:
    assert all(before <= after for before, after in pairwise(told().recorded_s))


def test_a_till_counts_its_reports_without_a_gap() -> None:
    counters: dict[str, list[int]] = defaultdict(list)
    for fact in told().facts:
        if "till_counter" in fact["data"]:
            counters[fact["data"]["till"]].append(fact["data"]["till_counter"])
    assert all(sorted(found) == list(range(1, len(found) + 1)) for found in counters.values())


def test_no_rule_refuses_what_the_history_asks_for() -> None:
    deciders: dict[str, Decider[Any, Any, Any]] = {"network": NETWORK, "committee": CERTIFICATE, "center": CENTER}
    states: dict[str, Any] = {}
    begun: set[str] = set()
    scored: dict[str, list[OpenedScores]] = defaultdict(list)
    for fact in told().of("center.consultation_requested.v1"):
        asked: Any = decode(fact["type"], orjson.dumps(fact["data"]))
        states[asked.stream()] = CENTER.state([asked])
    for route, fields in told().commands:
        context = route.partition("/")[0]
        decider = RECALL if "recall" in route else TERMS if context == "settlement" else deciders[context]
        command = _with_seals(_commands()[route].parse(orjson.dumps(_content(route, fields))), scored)
        assert begun.issuperset(command.refers_to()), fields
        state = states.get(command.stream(), decider.initial)
        event: Any
        for event in decider.decide(command, state):
            state = decider.evolve(state, event)
        states[command.stream()] = state
        begun.add(command.stream())


def _with_seals(command: Any, scored: dict[str, list[OpenedScores]]) -> Any:
    """Scores sealed, and opened with their verdict, as the service does it."""
    if isinstance(command, ScoreAssessment):
        opened = OpenedScores(member=command.member, scores=command.scores, salt="5a" * 16)
        scored[command.submission].append(opened)
        roles = (HeldRole(role="committee_member"),)
        return SealAssessment(asked=command, seal=seal_of(command.submission, opened), roles=roles)
    if isinstance(command, CertifyProduct | AcceptConditionally | RejectProduct):
        return DecideSubmission(verdict=command, opened=tuple(scored[command.submission]))
    if "seats" in type(command).model_fields:
        return command.model_copy(update={"seats": make.seats(*MEMBERS, region=None)})
    return command


def _content(route: str, fields: dict[str, Any]) -> dict[str, Any]:
    content = {key: value for key, value in fields.items() if key not in ("id", "occurred_at", "recorded_at", "actor")}
    return content | ({"key_id": "key"} if route == "network/enroll-till" else {})


@cache
def _commands() -> dict[str, Any]:
    from services import center, committee, network, settlement  # noqa: F401
    from services.center import decider as of_center
    from services.committee import recalls as of_recalls
    from services.committee import requests as of_committee
    from services.decider import Command as Asked
    from services.network import decider as of_network
    from services.settlement import requests as of_settlement

    modules = [
        ("network", of_network), ("committee", of_committee), ("committee", of_recalls),
        ("settlement", of_settlement), ("center", of_center),
    ]  # fmt: skip
    return {
        f"{context}/{found.verb()}": found
        for context, module in modules
        for found in vars(module).values()
        if isinstance(found, type) and issubclass(found, Asked)
    }


def digest(seed: int) -> str:
    found = hashlib.sha256()
    for item in History(Plan.small(), seed).items():
        found.update(b"" if isinstance(item, Settle) else item.body)
    return found.hexdigest()


def test_a_seed_says_the_same_to_the_last_byte_and_another_seed_something_else() -> None:
    assert digest(1) == digest(1) != digest(2)


@pytest.mark.parametrize("scale", [2, 3])
def test_a_scaled_network_has_that_many_times_the_shops_people_and_sales(scale: int) -> None:
    once, scaled = Plan.full(), Plan.full(scale)
    assert len(scaled.outlets) == scale * len(once.outlets) == len({outlet.id for outlet in scaled.outlets})
    assert sum(scaled.sales_tyiyn.values()) == scale * sum(once.sales_tyiyn.values())
    assert scaled.producers[2016] == scale * once.producers[2016]
    assert date(2016, 12, 31) == scaled.last_day
