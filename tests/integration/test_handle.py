"""The one way to write: known ids before rules, lost races taken anew, refusals never on old news."""

import asyncio
from collections.abc import Coroutine, Iterable, Iterator, Sequence
from datetime import UTC, datetime
from typing import Any
from uuid import UUID, uuid4

import pytest

from events.catalogue.settlement import PayoutMade
from events.store import Append, Appended, Conflict, Duplicate, Found, Log, LogUnavailable, LostRace
from services.errors import Busy, Malformed, Refused
from services.handle import ATTEMPTS, Asked, Handler, UnknownReference
from services.network.decider import NETWORK, AlreadyKnown, JoinRegion, RegisterProducer, RegisterVillage
from services.settlement.decider import ACCOUNT, AlreadyPaid, PayoutExceedsOwed
from services.settlement.requests import GiveAdvance, MakePayout, ReversePayout
from tests import make
from tests.servers import LogDatabase

NOW = datetime(2026, 11, 23, tzinfo=UTC)


@pytest.fixture
def log(log_database: LogDatabase) -> Iterator[Log]:
    with Log(log_database.writer) as opened:
        opened.append([_append(make.producer_registered())])
        yield opened


def _append(event: Any) -> Append:
    return Append(uuid4(), b"?" * 32, event.stream(), None, "test", NOW, (event,))


def asked(command: Any, request_id: UUID | None = None, content: bytes = b"content") -> Asked[Any]:
    return Asked(request_id or uuid4(), content, command, "center/admin", NOW)


def pay(amount_tyiyn: int, payout: str, earned_tyiyn: int = 1_000) -> MakePayout:
    return MakePayout(
        producer="p-001",
        payout=payout,
        amount_tyiyn=amount_tyiyn,
        method="cash",
        earned_tyiyn=earned_tyiyn,
        statement_position=1,
    )


def run[T](work: Coroutine[Any, Any, T]) -> T:
    return asyncio.run(work)


def paid(log: Log) -> int:
    events = [recorded.event for recorded in log.read_stream("account/p-001")]
    return sum(event.amount_tyiyn for event in events if isinstance(event, PayoutMade))


def test_a_known_id_gets_its_first_answer_before_any_rule_is_asked(log: Log) -> None:
    request = asked(pay(1_000, "payout-1"))
    [first] = run(Handler(log).carry_out(ACCOUNT, [request]))

    [again] = run(Handler(log).carry_out(ACCOUNT, [request]))
    [other] = run(Handler(log).carry_out(ACCOUNT, [asked(pay(1, "payout-2"), request.id, b"other")]))
    [new] = run(Handler(log).carry_out(ACCOUNT, [asked(pay(1, "payout-2"))]))

    assert isinstance(first, Appended)
    assert isinstance(again, Duplicate)
    assert (again.first_position, again.leaf_hash) == (first.first_position, first.leaf_hash)
    assert other == Conflict(first.first_position)
    assert isinstance(new, PayoutExceedsOwed)
    assert paid(log) == 1_000


def test_requests_about_one_stream_are_decided_one_after_the_other(log: Log) -> None:
    requests = [asked(pay(125, f"payout-{n}")) for n in range(10)]
    outcomes = run(Handler(log).carry_out(ACCOUNT, requests))
    assert [type(outcome) for outcome in outcomes] == [Appended] * 8 + [PayoutExceedsOwed] * 2
    assert paid(log) == 1_000


def test_the_same_request_twice_in_one_list_is_carried_out_once(log: Log) -> None:
    request = asked(pay(400, "payout-1"))
    outcomes = run(Handler(log).carry_out(ACCOUNT, [request, request]))
    assert [type(outcome) for outcome in outcomes] == [Appended, Duplicate]
    assert paid(log) == 400


def test_nobody_is_refused_on_old_news(log: Log) -> None:
    """A remembered state says that nothing is left; meanwhile another process has taken a payout back."""
    handler, elsewhere = Handler(log), Handler(log)
    run(handler.carry_out(ACCOUNT, [asked(pay(1_000, "payout-1"))]))
    reversed_ = make.payout_reversed(producer="p-001", payout="payout-1", amount_tyiyn=1_000)
    run(elsewhere.record([_append(reversed_)]))
    [outcome] = run(handler.carry_out(ACCOUNT, [asked(pay(1_000, "payout-2"))]))
    assert isinstance(outcome, Appended)


def test_nobody_is_allowed_on_old_news(log: Log) -> None:
    """A remembered state says that all is owed; meanwhile another process has paid. The append proves it wrong."""
    handler, elsewhere = Handler(log), Handler(log)
    run(handler.carry_out(ACCOUNT, [asked(pay(1, "payout-1"))]))
    run(elsewhere.carry_out(ACCOUNT, [asked(pay(999, "payout-2"))]))
    [outcome] = run(handler.carry_out(ACCOUNT, [asked(pay(999, "payout-3"))]))
    assert isinstance(outcome, PayoutExceedsOwed)
    assert paid(log) == 1_000


def test_many_writers_at_once_pay_what_is_owed_and_not_a_tyiyn_more(log: Log) -> None:
    async def all_at_once() -> list[list[Any]]:
        handlers = [Handler(log) for _ in range(4)]
        return await asyncio.gather(
            *(
                handler.carry_out(ACCOUNT, [asked(pay(100, f"payout-{n}-{m}")) for m in range(5)])
                for n, handler in enumerate(handlers)
            )
        )

    outcomes = [outcome for each in run(all_at_once()) for outcome in each]
    assert paid(log) == 100 * sum(isinstance(outcome, Appended) for outcome in outcomes) <= 1_000
    assert {type(outcome) for outcome in outcomes} <= {Appended, PayoutExceedsOwed, Busy}


class RacingLog:
    """A log in which somebody else always comes first on one stream, so often."""

    def __init__(self, log: Log, races: int) -> None:
        self._log = log
        self.races = races

    def __getattr__(self, name: str) -> Any:
        return getattr(self._log, name)

    async def append_soon(self, appends: Sequence[Append]) -> list[Any]:
        if self.races > 0:
            self.races -= 1
            number = self.races
            self._log.append([_append(make.advance_given(producer="p-001", advance=f"race-{number}", amount_tyiyn=1))])
        return await self._log.append_soon(appends)


def test_a_lost_race_is_decided_anew_on_what_the_winner_left(log: Log) -> None:
    racing: Any = RacingLog(log, ATTEMPTS - 1)
    [fits] = run(Handler(racing).carry_out(ACCOUNT, [asked(pay(1_000 - (ATTEMPTS - 1), "payout-1"))]))
    assert isinstance(fits, Appended)

    racing = RacingLog(log, 1)
    [exceeds] = run(Handler(racing).carry_out(ACCOUNT, [asked(pay(1, "payout-2"))]))
    assert isinstance(exceeds, PayoutExceedsOwed)


def test_a_writer_that_always_loses_gives_way_by_name(log: Log) -> None:
    racing: Any = RacingLog(log, ATTEMPTS)
    [outcome] = run(Handler(racing).carry_out(ACCOUNT, [asked(pay(1, "payout-1"))]))
    assert isinstance(outcome, Busy)
    assert outcome.code() == "busy"
    assert paid(log) == 0


def test_a_retry_whose_first_try_was_stored_is_told_so(log: Log) -> None:
    """The append succeeded but its answer was lost: the request is known now, whatever the rules say of it."""
    request = asked(pay(1_000, "payout-1"))

    class Forgetful(RacingLog):
        async def append_soon(self, appends: Sequence[Append]) -> list[Any]:
            outcomes = await self._log.append_soon(appends)
            if self.races > 0:
                self.races -= 1
                return [LostRace(1) for _ in appends]
            return outcomes

    forgetful: Any = Forgetful(log, 1)
    [outcome] = run(Handler(forgetful).carry_out(ACCOUNT, [request]))
    assert isinstance(outcome, Duplicate)
    assert paid(log) == 1_000


def test_what_a_command_names_must_have_been_registered(log: Log) -> None:
    handler = Handler(log)
    producer = RegisterProducer(event=make.producer_registered(producer="p-2"))
    village = RegisterVillage(event=make.village_registered())
    region = JoinRegion(event=make.region_joined())

    [too_early] = run(handler.carry_out(NETWORK, [asked(producer)]))
    outcomes = run(handler.carry_out(NETWORK, [asked(region)]))
    outcomes += run(handler.carry_out(NETWORK, [asked(village), asked(village)]))
    outcomes += run(handler.carry_out(NETWORK, [asked(producer)]))

    assert isinstance(too_early, UnknownReference)
    assert too_early.field == "village"
    assert [type(outcome) for outcome in outcomes] == [Appended, Appended, AlreadyKnown, Appended]


def test_a_list_is_answered_in_its_order(log: Log) -> None:
    advances = [GiveAdvance(event=make.advance_given(producer="p-001", advance=f"a-{n % 3}")) for n in range(6)]
    outcomes = run(Handler(log).carry_out(ACCOUNT, [asked(advance) for advance in advances]))
    assert [type(outcome) for outcome in outcomes] == [Appended] * 3 + [AlreadyPaid] * 3


def test_a_log_that_does_not_answer_is_not_taken_for_a_refusal(log_database: LogDatabase) -> None:
    with Log("host=127.0.0.1 port=1 dbname=nowhere") as nowhere:
        with pytest.raises(LogUnavailable):
            run(Handler(nowhere).carry_out(ACCOUNT, [asked(pay(1, "payout-1"))]))
        assert not issubclass(LogUnavailable, Refused)


def test_a_retry_that_overtakes_its_first_try_is_answered_by_what_was_stored(log: Log) -> None:
    """Both were sent: the first is stored after the second was looked up, and before it is decided."""
    request = asked(pay(1_000, "payout-1"))

    class Overtaken(RacingLog):
        def find(self, request_ids: Iterable[UUID]) -> dict[UUID, Found]:
            found = self._log.find(request_ids)
            if self.races > 0:
                self.races -= 1
                run(Handler(self._log).carry_out(ACCOUNT, [request]))
            return found

    overtaken: Any = Overtaken(log, 1)
    [outcome] = run(Handler(overtaken).carry_out(ACCOUNT, [request]))
    assert isinstance(outcome, Duplicate)
    assert paid(log) == 1_000


def test_a_decision_that_no_leaf_can_hold_is_refused_by_name_and_alone(log: Log) -> None:
    members = tuple(f"center/member-{n:080}" for n in range(700))
    too_long = pay(1, "payout-1").model_copy(update={"members": members})
    outcomes = run(Handler(log).carry_out(ACCOUNT, [asked(too_long), asked(pay(10, "payout-2"))]))
    assert [type(outcome) for outcome in outcomes] == [Malformed, Appended]
    assert isinstance(outcomes[0], Malformed)
    assert outcomes[0].problems[0].code == "too_large"
    assert paid(log) == 10


def test_a_stream_that_is_forgotten_while_it_is_decided_on_is_not_taken_for_an_empty_one(log: Log) -> None:
    """While the references of the whole list are looked up, another list loses a race on one of its streams."""
    nobody = GiveAdvance(event=make.advance_given(producer="p-nobody"))
    back = ReversePayout(producer="p-001", payout="payout-2", reason="not_delivered")

    class Elsewhere(RacingLog):
        def read_streams(self, streams: Iterable[str]) -> Any:
            wanted = list(streams)
            if wanted == ["producer/p-nobody"]:
                handler.forget("account/p-001")
            return self._log.read_streams(wanted)

    elsewhere: Any = Elsewhere(log, 0)
    handler = Handler(elsewhere)
    run(handler.carry_out(ACCOUNT, [asked(pay(1, "payout-1"))]))
    run(Handler(log).carry_out(ACCOUNT, [asked(pay(10, "payout-2"))]))
    outcomes = run(handler.carry_out(ACCOUNT, [asked(back), asked(nobody)]))
    assert [type(outcome) for outcome in outcomes] == [Appended, UnknownReference]
