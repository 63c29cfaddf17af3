"""The arithmetic of access: reach of a role, chains of reports, the five-person rule, counting."""

import asyncio
from collections.abc import Mapping

import pytest
from hypothesis import given
from hypothesis import strategies as st

from services.access.rates import WINDOW_SECONDS, Rates, Window
from services.access.secrets import code_hash, new_code
from services.access.sender import BOUND_TO_PLACE, About, Grant, Sender, may
from services.access.signatures import Link, broken, link_of
from services.aggregates import OTHERS, PERSONS_MIN, Group, of_five, villages_of_five
from services.errors import TooManyRequests
from tests import make

REGIONS = {"outlet/karakol": "KG-Y", "outlet/osh": "KG-O"}


def holds(role: str, region: str | None = None, place: str | None = None) -> Sender:
    return Sender("user/x", "person", grants=frozenset({Grant(role, region, place)}))  # type: ignore[arg-type]


@pytest.mark.parametrize("role", sorted(BOUND_TO_PLACE))
def test_a_role_of_a_place_that_is_granted_nowhere_reaches_nowhere(role: str) -> None:
    rule = may(role)  # type: ignore[arg-type]
    for about in (About(), About(places=("outlet/karakol",)), About(regions=("KG-Y",)), About(free=True)):
        assert not rule.allows(holds(role), [about], REGIONS)


def test_a_role_of_a_region_reaches_its_places_and_not_the_network() -> None:
    rule, member = may("center"), holds("center", region="KG-Y")
    assert rule.allows(member, [About(places=("outlet/karakol",))], REGIONS)
    assert rule.allows(member, [About(regions=("KG-Y",))], REGIONS)
    assert not rule.allows(member, [About(places=("outlet/osh",))], REGIONS)
    assert not rule.allows(member, [About(places=("outlet/karakol", "outlet/osh"))], REGIONS)
    assert not rule.allows(member, [About(places=("outlet/nowhere",))], REGIONS)
    assert not rule.allows(member, [About()], REGIONS)


def test_no_alternative_is_nobodys() -> None:
    assert not may("center").allows(holds("center"), [], REGIONS)
    assert may("center").allows(Sender("center/admin", "admin"), [], REGIONS)


def test_a_chain_whose_reports_come_in_any_order_is_whole() -> None:
    links = [Link(0, "t", 3, "02", b"\x03"), Link(1, "t", 1, None, b"\x01"), Link(2, "t", 2, "01", b"\x02")]
    assert broken(links, None, "03") == set()


@given(st.integers(0, 5), st.binary(min_size=1, max_size=1))
def test_a_report_changed_afterwards_breaks_the_link_behind_it(which: int, other: bytes) -> None:
    links = [Link(n, "t", n + 1, f"{n:02x}" if n else None, bytes([n + 1])) for n in range(6)]
    links[which] = Link(which, "t", which + 1, links[which].prev_hash, other)
    changed = other != bytes([which + 1])
    assert broken(links, None, "06") == ({min(which + 1, 5)} if changed else set())


def test_a_gap_is_no_judgement_and_a_resent_report_is_none() -> None:
    assert broken([Link(0, "t", 9, "aa", b"\x09")], (5, b"\x05"), "09") == set()
    assert broken([Link(0, "t", 5, "04", b"\x05")], (5, b"\x05"), "05") == set()
    assert broken([Link(0, "t", 6, "aa", b"\x06")], (5, b"\x05"), "06") == {0}


def group(key: str, producers: int, tyiyn: int = 1) -> Group:
    return Group(key, "KG-Y", producers, tyiyn)


@given(st.lists(st.integers(1, 12), max_size=9))
def test_no_sum_is_of_fewer_than_five_and_none_can_be_told_by_difference(sizes: list[int]) -> None:
    groups = [group(f"village-{n}", size, 10**n) for n, size in enumerate(sizes)]
    told = of_five(groups)
    assert all(each.producers >= PERSONS_MIN for each in told)
    untold = sum(sizes) - sum(each.producers for each in told)
    assert untold == 0 or untold >= PERSONS_MIN or not told
    if untold == 0:
        assert sum(each.tyiyn for each in told) == sum(each.tyiyn for each in groups)
    assert all(each == next(g for g in groups if g.key == each.key) for each in told if each.key != OTHERS)


def test_a_code_is_read_however_it_is_typed() -> None:
    code = new_code()
    assert code_hash(code.lower()) == code_hash(code.replace("-", " ")) == code_hash(code.replace("-", ""))
    assert code_hash("oil") == code_hash("011")
    assert len({new_code() for _ in range(1_000)}) == 1_000


def test_counts_of_other_processes_are_taken_over_and_a_silent_database_stops_nobody() -> None:
    elsewhere: dict[Window, int] = {}
    is_silent = False

    def exchange(sent: dict[Window, int], _: int) -> Mapping[Window, int]:
        if is_silent:
            raise ConnectionError
        for window, n in sent.items():
            elsewhere[window] = elsewhere.get(window, 0) + n
        return {window: elsewhere[window] for window in sent}

    async def scenario() -> None:
        nonlocal is_silent
        now = 6_000.0
        one, other = Rates(exchange, lambda: now), Rates(exchange, lambda: now)
        for _ in range(6):
            one.knock("a", 10)
            await one.close()
            now += 2
        other.knock("a", 10)
        await other.close()
        for _ in range(3):
            other.knock("a", 10)
        with pytest.raises(TooManyRequests) as refused:
            other.knock("a", 10)
        assert 0 < refused.value.retry_after_seconds <= WINDOW_SECONDS
        is_silent = True
        now += WINDOW_SECONDS
        for _ in range(10):
            other.knock("a", 10)
        await other.close()
        with pytest.raises(TooManyRequests):
            other.knock("a", 10)

    asyncio.run(scenario())


_HOMES = st.sampled_from(make.HOMES)


@given(st.dictionaries(_HOMES, st.integers(1, 9)))
def test_no_difference_between_regions_and_villages_tells_of_fewer_than_five(homes: dict[tuple[str, str], int]) -> None:
    """Each village's sum is a power of ten of its own, so a difference says of whom it is."""
    villages = [
        Group(village, region, producers, 10**n) for n, ((region, village), producers) in enumerate(homes.items())
    ]
    persons = {10**n: producers for n, producers in enumerate(homes.values())}
    by_region = {region: sum(each.tyiyn for each in villages if each.region == region) for region, _ in homes}
    regions = [
        Group(region, region, sum(each.producers for each in villages if each.region == region), total)
        for region, total in by_region.items()
    ]
    told, told_villages = of_five(regions), villages_of_five(villages)

    def of_whom(amount: int) -> int:
        return sum(count for unit, count in persons.items() if amount // unit % 10)

    differences = [region.tyiyn - sum(v.tyiyn for v in told_villages if v.region == region.key) for region in told]
    hidden = sum(r.tyiyn for r in told) - sum(v.tyiyn for v in told_villages)
    assert {v.region for v in told_villages} <= {r.key for r in told}
    assert all(v.producers >= PERSONS_MIN for v in told_villages)
    for amount in (*differences, hidden):
        assert amount == 0 or of_whom(amount) >= PERSONS_MIN


@pytest.mark.parametrize("counter", [True, "7", 7.0, None])
def test_what_is_no_whole_number_counts_nothing_in_a_chain(counter: object) -> None:
    assert link_of(0, {"data": {"till": "karakol-1", "till_counter": counter}}, b"") is None
    assert link_of(0, {"data": {"till": "karakol-1", "till_counter": 7}}, b"") == Link(0, "karakol-1", 7, None, b"")
