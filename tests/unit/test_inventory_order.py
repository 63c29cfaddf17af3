"""What receipts and counters come to follows from the set of what was reported, not from its order."""

from datetime import timedelta

from hypothesis import given, settings
from hypothesis import strategies as st

from projections.inventory_book import AHEAD_AFTER, LATE_AFTER, Change, Receipt, clock_flag
from projections.inventory_counters import Till
from projections.inventory_receipts import Effects, effects_of

RECEIPT = Receipt("outlet/karakol", 900, (("jam", "b-1", 3), ("honey", "", 2)))
BATCHES = st.sampled_from(("b-1", "b-2", ""))


@st.composite
def told(draw: st.DrawFn) -> list[Change]:
    kinds = draw(st.lists(st.sampled_from(("correction", "correction", "correction", "return", "void")), max_size=6))
    return [
        Change(
            "sale-1",
            position,
            0,
            kind,
            f"2016-03-10T{position:02d}",
            f"shift-{draw(st.integers(1, 2))}",
            "karakol",
            draw(st.sampled_from((0, 0, 1, 2))),
            draw(st.sampled_from(("jam", "honey"))),
            draw(BATCHES),
            draw(st.integers(1, 3)),
        )
        for position, kind in enumerate(kinds)
    ]


def without_nothing(effects: Effects) -> Effects:
    return {key: sums for key, sums in effects.items() if sums != (0, 0)}


@settings(max_examples=300)
@given(told(), st.randoms(use_true_random=False))
def test_what_was_said_of_a_receipt_counts_the_same_in_any_order(changes: list[Change], chance: object) -> None:
    expected = effects_of(RECEIPT, changes)
    positions = [change.position for change in changes]
    shuffled = list(changes)
    chance.shuffle(shuffled)  # type: ignore[attr-defined]
    renumbered = [change._replace(position=at) for change, at in zip(shuffled, positions, strict=True)]
    assert without_nothing(effects_of(RECEIPT, renumbered)) == without_nothing(expected)


@given(told())
def test_units_sold_are_those_of_the_receipt_or_none_when_it_is_void(changes: list[Change]) -> None:
    goods = [sums for key, sums in effects_of(RECEIPT, changes).items() if len(key) > 1]
    void = any(change.kind == "void" for change in changes)
    assert sum(sold for sold, _ in goods) == (0 if void else 5)
    assert sum(back for _, back in goods) == sum(change.units for change in changes if change.kind == "return")


def test_a_return_that_names_no_batch_is_of_the_batch_to_which_its_line_was_corrected() -> None:
    said = Change("sale-1", 2, 0, "correction", "2016-03-11", "shift-1", "karakol", 0, "jam", "b-2", 0)
    back = said._replace(position=3, kind="return", stamp="2016-03-12", batch="", units=1)
    effects = without_nothing(effects_of(RECEIPT, [said, back]))
    assert effects == {("outlet/karakol", "b-2"): (3, 1), ("outlet/karakol", "", "honey"): (2, 0)}


REPORTS = st.lists(st.tuples(st.sampled_from(("accepted", "aside")), st.integers(1, 12)), max_size=20)


def reported(reports: list[tuple[str, int]]) -> Till:
    till = Till("karakol-1")
    for kind, counter in reports:
        if kind == "accepted":
            till.accept(counter)
        else:
            till.keep_aside(counter, "quarantine-1")
    return till


def test_a_clock_is_told_beyond_a_day_and_beyond_five_minutes_and_not_before() -> None:
    moment = timedelta(microseconds=1)
    assert [clock_flag(lag) for lag in (LATE_AFTER, LATE_AFTER + moment)] == [None, "late"]
    assert [clock_flag(lag) for lag in (-AHEAD_AFTER, -AHEAD_AFTER - moment)] == [None, "clock_ahead"]
    assert (timedelta(days=1), timedelta(minutes=5)) == (LATE_AFTER, AHEAD_AFTER)


@given(REPORTS, st.randoms(use_true_random=False))
def test_a_tills_counters_add_up_the_same_in_any_order(reports: list[tuple[str, int]], chance: object) -> None:
    till = reported(reports)
    shuffled = list(reports)
    chance.shuffle(shuffled)  # type: ignore[attr-defined]
    assert reported(shuffled) == till
    assert till.highest == till.accepted + till.quarantined + sum(last - first + 1 for first, last in till.gaps)
    accepted = {counter for kind, counter in reports if kind == "accepted"}
    assert till.accepted == len(accepted)
    assert set(till.quarantine) == {counter for _, counter in reports} - accepted


def test_a_counter_is_accepted_once() -> None:
    till = reported([("accepted", 1), ("accepted", 3)])
    assert not till.accept(1)
    assert till.gaps == [(2, 2)]
