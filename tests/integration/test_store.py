"""What the log promises to whoever appends: order, versions, ids, clocks."""

import asyncio
from collections.abc import Iterator
from datetime import UTC, datetime, timedelta
from typing import Any
from uuid import uuid4, uuid5

import psycopg
import pytest

from events.canonical import hash_leaf
from events.store import (
    GROUP_EVENTS_MAX,
    Append,
    Appended,
    AppendTooLarge,
    Conflict,
    Duplicate,
    EventTooLarge,
    Found,
    Log,
    LogClosed,
    LostRace,
    NotPlain,
    RecordedAtRefused,
)
from services.verification import verify
from tests import make
from tests.requests_to_log import HAPPENED, a_hash, decision, fact, sale_in
from tests.servers import LogDatabase

THEN = datetime(2014, 5, 1, 9, 0, tzinfo=UTC)


@pytest.fixture
def log(log_database: LogDatabase) -> Iterator[Log]:
    with Log(log_database.writer) as log:
        yield log


def founded_with_a_simulated_clock(**changes: Any) -> Append:
    return decision(make.network_founded(clock="simulated"), at=0, **changes)


class TestOrder:
    def test_positions_and_versions_count_without_a_gap(self, log: Log, log_database: LogDatabase) -> None:
        first = log.append([fact(sale_in("a")), fact(sale_in("b")), fact(sale_in("a"), sale_in("a"))])
        second = log.append([fact(sale_in("a"))])

        assert [(o.first_position, o.last_position) for o in first + second if isinstance(o, Appended)] == [
            (1, 1), (2, 2), (3, 4), (5, 5),
        ]  # fmt: skip
        assert [(r.stream, r.version) for r in log.read(0, 10)] == [
            ("shift/a", 1), ("shift/b", 1), ("shift/a", 2), ("shift/a", 3), ("shift/a", 4),
        ]  # fmt: skip
        assert verify(log_database.admin).is_sound

    def test_an_empty_log_has_a_head_at_position_nought(self, log: Log) -> None:
        assert log.head() == (0, None, None)

    def test_the_head_is_the_last_event(self, log: Log) -> None:
        outcomes = log.append([fact(), fact()])

        last = outcomes[-1]
        assert isinstance(last, Appended)
        assert log.head() == (2, last.recorded_at, last.leaf_hash)

    def test_nothing_asked_is_nothing_stored(self, log: Log) -> None:
        assert log.append([]) == []
        assert log.head().position == 0

    def test_asyncio_callers_get_the_same_answers(self, log: Log) -> None:
        async def together() -> list[object]:
            asked = [log.append_soon([fact(sale_in(f"s-{n % 7}"))]) for n in range(100)]
            return [outcome for outcomes in await asyncio.gather(*asked) for outcome in outcomes]

        outcomes = asyncio.run(together())

        assert sorted(o.first_position for o in outcomes if isinstance(o, Appended)) == list(range(1, 101))

    def test_a_closed_log_says_so(self, log: Log) -> None:
        log.append([fact()])
        log.close()

        with pytest.raises(LogClosed):
            log.append([fact()])


class TestLeaves:
    def test_the_answer_carries_the_hash_of_the_stored_leaf(self, log: Log) -> None:
        (alone,) = log.append([fact()])
        grouped = log.append([fact(), fact(sale_in("b"), sale_in("b"))])

        rows = log.read_leaves(0, 10)
        assert [hash_leaf(row.leaf) for row in rows] == [row.leaf_hash for row in rows]
        told = [outcome.leaf_hash for outcome in (alone, *grouped) if isinstance(outcome, Appended)]
        assert told == [rows[0].leaf_hash, rows[1].leaf_hash, rows[2].leaf_hash]

    def test_an_event_comes_back_as_it_was_told(self, log: Log) -> None:
        request = fact(make.sale_made())

        (outcome,) = log.append([request])

        assert isinstance(outcome, Appended)
        (recorded,) = log.read(0, 1)
        assert recorded.event == make.sale_made()
        assert recorded.event_id == request.request_id
        assert (recorded.occurred_at, recorded.recorded_at) == (HAPPENED, outcome.recorded_at)

    def test_what_is_no_plain_name_is_refused_before_anything_is_stored(self, log: Log) -> None:
        with pytest.raises(NotPlain):
            log.append([fact(), fact(actor='till"1')])
        assert log.head().position == 0

    def test_an_event_too_large_for_a_leaf_is_refused(self, log: Log) -> None:
        members = tuple(make.sale_line(batch=f"batch-{n:050d}") for n in range(600))

        with pytest.raises(EventTooLarge):
            log.append([fact(make.sale_made(lines=members))])


class TestDecisions:
    def test_a_decision_at_the_stream_s_version_is_appended(self, log: Log) -> None:
        opened = make.village_registered()

        assert isinstance(log.append([decision(opened, at=0)])[0], Appended)
        assert isinstance(log.append([decision(opened, at=1)])[0], Appended)

    def test_a_decision_taken_at_an_older_version_lost_its_race(self, log: Log) -> None:
        log.append([decision(at=0), decision(at=1)])

        assert log.append([decision(at=1)]) == [LostRace(2)]
        assert log.append([decision(at=3)]) == [LostRace(2)]
        assert log.head().position == 2

    def test_a_lost_race_does_not_touch_its_neighbours(self, log: Log) -> None:
        before, lost, after = log.append(
            [decision(sale_in("a"), at=0), decision(sale_in("b"), at=5), fact(sale_in("b"), sale_in("b"))]
        )

        assert isinstance(before, Appended)
        assert lost == LostRace(0)
        assert isinstance(after, Appended)
        assert (after.first_position, after.last_position) == (2, 3)

    def test_decisions_of_one_group_on_one_stream_see_each_other(self, log: Log) -> None:
        first, second, stale, third = log.append(
            [
                decision(sale_in("a"), at=0),
                decision(sale_in("a"), sale_in("a"), at=1),
                decision(sale_in("a"), at=1),
                decision(sale_in("a"), at=3),
            ]
        )

        assert [type(outcome) for outcome in (first, second, third)] == [Appended] * 3
        assert stale == LostRace(3)
        assert [recorded.version for recorded in log.read_stream("shift/a")] == [1, 2, 3, 4]

    def test_a_fact_in_the_same_group_counts_for_the_decision_behind_it(self, log: Log) -> None:
        fact_first, decided = log.append([fact(sale_in("a")), decision(sale_in("a"), at=0)])

        assert isinstance(fact_first, Appended)
        assert decided == LostRace(1)

    def test_a_request_goes_in_whole_or_not_at_all(self, log: Log) -> None:
        log.append([fact()])

        (lost,) = log.append([decision(make.sale_made(), make.sale_made(), make.sale_made(), at=0)])

        assert lost == LostRace(1)
        assert log.head().position == 1


class TestIds:
    def test_the_same_request_again_is_told_what_it_was_told_first(self, log: Log) -> None:
        request = fact(make.sale_made(), make.sale_made())
        (first,) = log.append([request])
        log.append([fact(), fact()])

        (again,) = log.append([request])

        assert isinstance(first, Appended)
        assert again == Duplicate(first.first_position, first.last_position, first.recorded_at, first.leaf_hash)
        assert log.head().position == 4

    def test_a_decision_sent_again_is_a_duplicate_and_not_a_lost_race(self, log: Log) -> None:
        request = decision(at=0)
        log.append([request])

        assert isinstance(log.append([request])[0], Duplicate)

    def test_other_content_under_a_known_id_is_a_conflict(self, log: Log) -> None:
        request_id = uuid4()
        log.append([fact(), fact(request_id=request_id, content="a jar")])

        assert log.append([fact(request_id=request_id, content="two jars")]) == [Conflict(2)]
        assert log.head().position == 2

    def test_an_id_that_is_repeated_inside_a_group_is_stored_once(self, log: Log, log_database: LogDatabase) -> None:
        request_id = uuid4()
        first, same, other, neighbour = log.append(
            [
                fact(request_id=request_id, content="a jar"),
                fact(request_id=request_id, content="a jar"),
                fact(request_id=request_id, content="two jars"),
                fact(sale_in("b")),
            ]
        )

        assert isinstance(first, Appended)
        assert same == Duplicate(1, 1, first.recorded_at, first.leaf_hash)
        assert other == Conflict(1)
        assert isinstance(neighbour, Appended)
        assert log.head().position == 2
        assert _transactions(log_database) == 1

    def test_a_repeated_id_behind_a_lost_race_is_decided_by_itself(self, log: Log) -> None:
        request_id = uuid4()
        lost, kept = log.append([decision(at=7, request_id=request_id), decision(at=0, request_id=request_id)])

        assert lost == LostRace(0)
        assert isinstance(kept, Appended)

    def test_the_events_of_a_request_have_ids_that_follow_from_its_own(self, log: Log) -> None:
        request = fact(make.sale_made(), make.sale_made(), make.sale_made())

        log.append([request])

        assert [recorded.event_id for recorded in log.read(0, 9)] == [
            request.request_id,
            uuid5(request.request_id, "1"),
            uuid5(request.request_id, "2"),
        ]

    def test_an_id_that_already_names_a_later_event_of_a_request_is_a_conflict(self, log: Log) -> None:
        request = fact(make.sale_made(), make.sale_made())
        log.append([request])

        assert log.append([fact(request_id=uuid5(request.request_id, "1"))]) == [Conflict(2)]

    def test_two_requests_of_one_group_cannot_meet_in_an_id(self, log: Log) -> None:
        request = fact(make.sale_made(), make.sale_made())
        clash = fact(request_id=uuid5(request.request_id, "1"))

        first, second, third = log.append([request, clash, fact(sale_in("b"))])

        assert isinstance(first, Appended)
        assert second == Conflict(2)
        assert isinstance(third, Appended)

    def test_find_tells_where_a_request_is_and_what_it_said(self, log: Log) -> None:
        known, unknown = fact(make.sale_made(), make.sale_made(), content="two"), fact()
        (outcome,) = log.append([known])
        log.append([fact()])

        found = log.find([known.request_id, unknown.request_id])

        assert isinstance(outcome, Appended)
        assert list(found) == [known.request_id]
        stored = Found(1, 2, a_hash("two"), known.stream, known.actor, outcome.recorded_at, outcome.leaf_hash)
        assert found[known.request_id] == stored

    def test_find_takes_no_later_event_for_a_request(self, log: Log) -> None:
        request = fact(make.sale_made(), make.sale_made())
        log.append([request])
        later = uuid5(request.request_id, "1")

        assert log.find([later])[later].request_hash == b""


class TestSizes:
    def test_five_hundred_events_are_one_commit(self, log: Log, log_database: LogDatabase) -> None:
        log.append([fact(sale_in(f"s-{n % 9}")) for n in range(GROUP_EVENTS_MAX)])

        assert _transactions(log_database) == 1

    def test_one_request_may_fill_a_commit_and_no_more(self, log: Log) -> None:
        (outcome,) = log.append([fact(*[make.sale_made()] * GROUP_EVENTS_MAX)])

        assert isinstance(outcome, Appended)
        assert outcome.last_position == GROUP_EVENTS_MAX
        with pytest.raises(AppendTooLarge):
            fact(*[make.sale_made()] * (GROUP_EVENTS_MAX + 1))

    def test_a_request_without_events_is_refused(self) -> None:
        with pytest.raises(AppendTooLarge):
            decision(make.sale_made(), at=None, events=())

    def test_a_longer_call_goes_in_several_commits_in_its_order(self, log: Log, log_database: LogDatabase) -> None:
        outcomes = log.append([fact(sale_in(f"s-{n % 9}")) for n in range(1_200)])

        assert [o.first_position for o in outcomes if isinstance(o, Appended)] == list(range(1, 1_201))
        assert _transactions(log_database) == 3


class TestClock:
    def test_recorded_at_is_the_log_s_own_clock(self, log: Log) -> None:
        before = datetime.now(UTC) - timedelta(seconds=1)
        (outcome,) = log.append([fact()])

        assert isinstance(outcome, Appended)
        assert before < outcome.recorded_at < datetime.now(UTC) + timedelta(seconds=1)

    def test_a_real_clock_takes_no_instant_from_outside(self, log: Log) -> None:
        log.append([decision(make.network_founded(clock="real"), at=0)])

        with pytest.raises(RecordedAtRefused):
            log.append([fact(recorded_at=THEN)])
        assert log.head().position == 1

    def test_a_log_without_a_network_has_a_real_clock(self, log: Log) -> None:
        with pytest.raises(RecordedAtRefused):
            log.append([fact(recorded_at=THEN)])
        assert log.network() is None

    def test_a_refused_instant_does_not_touch_its_neighbours(self, log: Log) -> None:
        async def together() -> tuple[object, ...]:
            asked = [log.append_soon([fact()]), log.append_soon([fact(recorded_at=THEN)]), log.append_soon([fact()])]
            return tuple(await asyncio.gather(*asked, return_exceptions=True))

        first, refused, last = asyncio.run(together())

        assert isinstance(first, list)
        assert isinstance(refused, RecordedAtRefused)
        assert isinstance(last, list)
        assert log.head().position == 2

    def test_a_simulated_clock_takes_the_instant_that_is_given(self, log: Log) -> None:
        log.append([founded_with_a_simulated_clock(recorded_at=THEN)])

        outcomes = log.append([fact(recorded_at=THEN + timedelta(hours=n)) for n in range(3)])

        assert log.network() == ("kg", "simulated")
        assert [o.recorded_at for o in outcomes if isinstance(o, Appended)] == [
            THEN, THEN + timedelta(hours=1), THEN + timedelta(hours=2),
        ]  # fmt: skip

    def test_even_a_simulated_clock_never_goes_back(self, log: Log) -> None:
        log.append([founded_with_a_simulated_clock(recorded_at=THEN)])

        log.append([fact(recorded_at=THEN + timedelta(days=1)), fact(recorded_at=THEN)])
        log.append([fact(recorded_at=THEN)])

        moments = [recorded.recorded_at for recorded in log.read(0, 9)]
        assert moments == [THEN, *[THEN + timedelta(days=1)] * 3]

    def test_a_request_that_lost_its_race_does_not_move_the_clock(self, log: Log) -> None:
        log.append([founded_with_a_simulated_clock(recorded_at=THEN)])

        _, kept = log.append([decision(at=9, recorded_at=THEN + timedelta(days=9)), fact(recorded_at=THEN)])

        assert isinstance(kept, Appended)
        assert kept.recorded_at == THEN

    def test_the_first_founding_fixes_the_clock_for_ever(self, log: Log) -> None:
        log.append([decision(make.network_founded(clock="real"), at=0)])
        log.append([fact(make.network_founded(clock="simulated"))])

        assert log.network() == ("kg", "real")

    def test_a_founding_that_lost_its_race_founds_nothing(self, log: Log) -> None:
        log.append([decision(make.network_founded(clock="simulated"), at=3)])

        assert log.network() is None


class TestQuarantine:
    def test_the_bytes_are_kept_beside_their_event(self, log: Log) -> None:
        request = fact(make.message_quarantined(), quarantined=b"{not json")

        log.append([fact(), request])

        assert log.quarantined(request.request_id) == b"{not json"
        assert b"{not json" not in log.read_leaves(1, 1)[0].leaf

    def test_bytes_of_a_request_that_is_not_stored_are_not_kept(self, log: Log) -> None:
        request = decision(make.message_quarantined(), at=4, quarantined=b"{not json")

        log.append([request])

        assert log.quarantined(request.request_id) is None

    def test_the_bytes_can_be_erased_and_the_event_stays(self, log: Log, log_database: LogDatabase) -> None:
        request = fact(make.message_quarantined(), quarantined=b"{not json")
        log.append([request])

        with psycopg.connect(log_database.writer, autocommit=True) as connection:
            connection.execute("DELETE FROM quarantine.messages WHERE event_id = %s", [request.request_id])

        assert log.quarantined(request.request_id) is None
        assert log.head().position == 1


def _transactions(database: LogDatabase) -> int:
    """How many transactions have written events."""
    with psycopg.connect(database.admin) as connection:
        ((count,),) = connection.execute("SELECT count(DISTINCT xmin::text) FROM log.events").fetchall()
    return int(count)
