"""Callers share commits; what goes wrong for one is not the others' affair, and the log comes back by itself."""

import asyncio
import signal
import threading
import time
from collections.abc import Callable, Iterator
from concurrent.futures import Future, ThreadPoolExecutor
from contextlib import contextmanager
from uuid import uuid4

import psycopg
import pytest
from psycopg import sql
from psycopg.conninfo import make_conninfo

from events import group_commit
from events.store import Append, Appended, Duplicate, Log, LogBusy, LogUnavailable, LostRace, Outcome
from services.verification import verify
from tests.cut_off import answers_withheld, cut_off_when_stored, end_appending_connection
from tests.requests_to_log import decision, fact, sale_in
from tests.servers import LogDatabase, wait_for


@pytest.fixture
def log(log_database: LogDatabase) -> Iterator[Log]:
    with Log(log_database.writer) as log:
        yield log


@pytest.fixture
def callers() -> Iterator[ThreadPoolExecutor]:
    with ThreadPoolExecutor(max_workers=64) as executor:
        yield executor


@contextmanager
def head_locked(database: LogDatabase) -> Iterator[None]:
    """Somebody else is appending, and takes his time."""
    with psycopg.connect(database.admin) as connection:
        connection.execute("SELECT FROM log.head FOR UPDATE")
        yield


def waits_for_head(database: LogDatabase) -> Callable[[], bool]:
    def asked() -> bool:
        with psycopg.connect(database.admin) as connection:
            rows = connection.execute(
                "SELECT 1 FROM pg_stat_activity WHERE datname = current_database() AND wait_event_type = 'Lock'"
            )
            return rows.fetchone() is not None

    return asked


@contextmanager
def database_away(database: LogDatabase) -> Iterator[None]:
    """Nobody can connect, and those who were connected are cut off."""
    name = sql.Identifier(database.name)
    database.server.run(
        sql.SQL("ALTER DATABASE {} ALLOW_CONNECTIONS false").format(name),
        sql.SQL("SELECT pg_terminate_backend(pid, 5000) FROM pg_stat_activity WHERE datname = {}").format(
            database.name
        ),
    )
    try:
        yield
    finally:
        database.server.run(sql.SQL("ALTER DATABASE {} ALLOW_CONNECTIONS true").format(name))


def commits(database: LogDatabase) -> list[int]:
    """How many events each transaction wrote, in their order."""
    with psycopg.connect(database.admin) as connection:
        rows = connection.execute("SELECT count(*) FROM log.events GROUP BY xmin::text ORDER BY min(position)")
        return [count for (count,) in rows.fetchall()]


def queued(log: Log, count: int) -> Callable[[], bool]:
    return lambda: len(log._commits._queue) == count


def positions(outcomes: list[Outcome]) -> list[int]:
    assert all(isinstance(outcome, Appended) for outcome in outcomes), outcomes
    return [outcome.first_position for outcome in outcomes if isinstance(outcome, Appended)]


class TestSharing:
    def test_whoever_waits_while_a_commit_runs_goes_with_the_next(
        self, log: Log, log_database: LogDatabase, callers: ThreadPoolExecutor
    ) -> None:
        with head_locked(log_database):
            first = callers.submit(log.append, [fact()])
            wait_for(waits_for_head(log_database), "the first caller to wait at the head")
            others = [callers.submit(log.append, [fact(), fact()]) for _ in range(20)]
            wait_for(queued(log, 20), "the others to queue")

        assert positions(first.result(10)) == [1]
        assert sorted(p for other in others for p in positions(other.result(10))) == list(range(2, 42))
        assert commits(log_database) == [1, 40]

    def test_blocking_and_asyncio_callers_share_a_commit(
        self, log: Log, log_database: LogDatabase, callers: ThreadPoolExecutor
    ) -> None:
        async def soon(count: int) -> list[list[Outcome]]:
            return await asyncio.gather(*(log.append_soon([fact()]) for _ in range(count)))

        with head_locked(log_database):
            leader = callers.submit(lambda: asyncio.run(soon(1)))
            wait_for(waits_for_head(log_database), "the first caller to wait at the head")
            blocking = [callers.submit(log.append, [fact()]) for _ in range(5)]
            others = callers.submit(lambda: asyncio.run(soon(5)))
            wait_for(queued(log, 10), "the others to queue")

        assert positions(leader.result(10)[0]) == [1]
        found = [positions(caller.result(10))[0] for caller in blocking]
        found += [positions(outcomes)[0] for outcomes in others.result(10)]
        assert sorted(found) == list(range(2, 12))
        assert commits(log_database) == [1, 10]

    def test_no_commit_holds_more_than_five_hundred_events(
        self, log: Log, log_database: LogDatabase, callers: ThreadPoolExecutor
    ) -> None:
        with head_locked(log_database):
            callers.submit(log.append, [fact()])
            wait_for(waits_for_head(log_database), "the first caller to wait at the head")
            others = [callers.submit(log.append, [fact() for _ in range(300)]) for _ in range(3)]
            wait_for(queued(log, 3), "the others to queue")

        assert all(len(positions(other.result(10))) == 300 for other in others)
        assert commits(log_database) == [1, 300, 300, 300]

    def test_many_callers_of_both_kinds_lose_and_double_nothing(
        self, log: Log, log_database: LogDatabase, callers: ThreadPoolExecutor
    ) -> None:
        async def soon(count: int) -> list[Outcome]:
            answers = await asyncio.gather(*(log.append_soon([fact(sale_in(f"s-{n % 5}"))]) for n in range(count)))
            return [outcome for outcomes in answers for outcome in outcomes]

        def blocking(count: int) -> list[Outcome]:
            return [outcome for n in range(count) for outcome in log.append([fact(sale_in(f"s-{n % 5}"))])]

        work: list[Future[list[Outcome]]] = [callers.submit(blocking, 40) for _ in range(8)]
        work += [callers.submit(lambda: asyncio.run(soon(160))) for _ in range(2)]

        found = sorted(p for future in work for p in positions(future.result(60)))
        assert found == list(range(1, 641))
        assert verify(log_database.admin).is_sound

    def test_callers_of_two_logs_meet_at_the_head(self, log_database: LogDatabase, callers: ThreadPoolExecutor) -> None:
        # Were a group to see the log as it was before it got the lock, it would give positions twice.
        with psycopg.connect(log_database.admin, autocommit=True) as connection:
            connection.execute(
                sql.SQL("ALTER DATABASE {} SET default_transaction_isolation = 'repeatable read'").format(
                    sql.Identifier(log_database.name)
                )
            )
        with Log(log_database.writer) as one, Log(log_database.writer) as other:
            work = [callers.submit(_append_one_by_one, log, 60) for log in (one, other) for _ in range(3)]

            assert sorted(p for future in work for p in future.result(60)) == list(range(1, 361))
        assert verify(log_database.admin).is_sound

    def test_of_many_who_decide_at_the_same_version_one_wins(
        self, log_database: LogDatabase, callers: ThreadPoolExecutor
    ) -> None:
        with Log(log_database.writer) as one, Log(log_database.writer) as other:
            asked = [callers.submit(log.append, [decision(at=0)]) for _ in range(10) for log in (one, other)]
            outcomes = [future.result(30)[0] for future in asked]

        assert sorted(type(outcome).__name__ for outcome in outcomes) == ["Appended"] + ["LostRace"] * 19
        assert all(outcome == LostRace(1) for outcome in outcomes if not isinstance(outcome, Appended))

    def test_an_id_that_many_send_at_once_is_stored_once(
        self, log_database: LogDatabase, callers: ThreadPoolExecutor
    ) -> None:
        request_id = uuid4()
        with Log(log_database.writer) as one, Log(log_database.writer) as other:
            asked = [
                callers.submit(log.append, [fact(request_id=request_id)]) for _ in range(10) for log in (one, other)
            ]
            outcomes = [future.result(30)[0] for future in asked]

            assert sorted(type(outcome).__name__ for outcome in outcomes) == ["Appended"] + ["Duplicate"] * 19
            assert one.head().position == 1


class TestTrouble:
    def test_a_connection_that_was_cut_between_two_appends_is_not_noticed(
        self, log: Log, log_database: LogDatabase
    ) -> None:
        log.append([fact()])
        end_appending_connection(log_database)

        assert positions(log.append([fact()])) == [2]

    def test_a_connection_that_is_cut_in_the_middle_of_an_append_is_not_noticed(
        self, log: Log, log_database: LogDatabase, callers: ThreadPoolExecutor
    ) -> None:
        log.append([fact()])
        with head_locked(log_database):
            asked = callers.submit(log.append, [fact()])
            wait_for(waits_for_head(log_database), "the caller to wait at the head")
            end_appending_connection(log_database)

        assert positions(asked.result(10)) == [2]

    def test_what_was_stored_before_its_connection_was_cut_is_told_as_stored_and_not_as_known(
        self, log: Log, log_database: LogDatabase, callers: ThreadPoolExecutor
    ) -> None:
        """Who keeps something beside the log for a request drops it when another try of the request came first."""
        known = uuid4()
        log.append([fact(request_id=known)])
        asked = [fact(request_id=known), fact(), decision(sale_in("shift-2"), sale_in("shift-2"), at=0)]
        with answers_withheld(log_database):
            waiting = callers.submit(log.append, asked)
            cut_off_when_stored(log_database)

        first, *others = waiting.result(20)
        assert isinstance(first, Duplicate)
        assert positions(others) == [2, 3]
        assert log.append(asked)[1:] == [
            Duplicate(one.first_position, one.last_position, one.recorded_at, one.leaf_hash)
            for one in others
            if isinstance(one, Appended)
        ]

    def test_everybody_who_waits_hears_when_the_database_is_away(
        self, log: Log, log_database: LogDatabase, callers: ThreadPoolExecutor
    ) -> None:
        log.append([fact()])
        requests = [fact() for _ in range(6)]
        with database_away(log_database):
            asked = [callers.submit(log.append, [request]) for request in requests[:3]]
            soon = [callers.submit(lambda r: asyncio.run(log.append_soon([r])), request) for request in requests[3:]]
            for caller in asked + soon:
                with pytest.raises(LogUnavailable):
                    caller.result(10)

        # It comes back by itself, and sending the same again is safe.
        assert len(positions(log.append(requests))) == 6

    def test_what_was_stored_before_the_answer_was_lost_is_found_by_its_id(
        self, log: Log, log_database: LogDatabase
    ) -> None:
        request = fact()
        log.append([request])
        with database_away(log_database), pytest.raises(LogUnavailable):
            log.append([request])

        assert isinstance(log.append([request])[0], Duplicate)

    def test_a_reader_whose_connection_was_cut_is_not_disturbed(self, log: Log, log_database: LogDatabase) -> None:
        log.append([fact()])
        assert log.head().position == 1
        with database_away(log_database):
            pass

        assert log.head().position == 1

    def test_a_reader_says_that_the_database_is_away(self, log_database: LogDatabase) -> None:
        with Log(log_database.writer) as log, database_away(log_database), pytest.raises(LogUnavailable):
            log.head()

    def test_a_database_that_took_too_long_has_refused_nothing(self, log_database: LogDatabase) -> None:
        request = fact()
        with Log(make_conninfo(log_database.writer, options="-c statement_timeout=200")) as log:
            with head_locked(log_database), pytest.raises(LogUnavailable):
                log.append([request])

            assert positions(log.append([request])) == [1]

    def test_more_than_may_wait_is_refused_and_not_stored(
        self, log: Log, log_database: LogDatabase, callers: ThreadPoolExecutor, monkeypatch: pytest.MonkeyPatch
    ) -> None:
        monkeypatch.setattr(group_commit, "WAITING_EVENTS_MAX", 10)
        with head_locked(log_database):
            first = callers.submit(log.append, [fact()])
            wait_for(waits_for_head(log_database), "the first caller to wait at the head")
            waiting = callers.submit(log.append, [fact() for _ in range(10)])
            wait_for(queued(log, 1), "the second to queue")
            with pytest.raises(LogBusy):
                log.append([fact()])

        assert len(positions(first.result(10)) + positions(waiting.result(10))) == 11
        assert positions(log.append([fact()])) == [12]

    def test_a_caller_who_gives_up_does_not_stop_the_others(
        self, log: Log, log_database: LogDatabase, callers: ThreadPoolExecutor
    ) -> None:
        async def give_up() -> None:
            await asyncio.wait_for(log.append_soon([fact()]), 0.2)

        with head_locked(log_database):
            impatient = callers.submit(lambda: asyncio.run(give_up()))
            with pytest.raises(TimeoutError):
                impatient.result(10)
            patient = callers.submit(log.append, [fact()])
            wait_for(queued(log, 1), "the patient one to queue")

        assert positions(patient.result(10)) == [2]

    def test_a_caller_who_is_interrupted_while_another_leads_takes_no_lead_away(
        self, log: Log, log_database: LogDatabase, callers: ThreadPoolExecutor
    ) -> None:
        def interrupt(*_: object) -> None:
            raise InterruptedError

        def interrupt_once_queued() -> None:
            wait_for(queued(log, 1), "the main thread to queue")
            signal.pthread_kill(threading.main_thread().ident or 0, signal.SIGUSR1)

        before = signal.signal(signal.SIGUSR1, interrupt)
        try:
            with head_locked(log_database):
                first = callers.submit(log.append, [fact()])
                wait_for(waits_for_head(log_database), "the first caller to wait at the head")
                callers.submit(interrupt_once_queued)
                with pytest.raises(InterruptedError):
                    log.append([fact()])
                others = [callers.submit(log.append, [fact()]) for _ in range(3)]
                wait_for(queued(log, 3), "all the others to queue behind the first")
        finally:
            signal.signal(signal.SIGUSR1, before)

        assert positions(first.result(10)) == [1]
        assert sorted(p for other in others for p in positions(other.result(10))) == [2, 3, 4]

    def test_closing_lets_what_waits_be_stored(
        self, log: Log, log_database: LogDatabase, callers: ThreadPoolExecutor
    ) -> None:
        requests: list[Append] = [fact() for _ in range(4)]
        with head_locked(log_database):
            asked = [callers.submit(lambda: asyncio.run(log.append_soon(requests[:1])))]
            wait_for(waits_for_head(log_database), "the first caller to wait at the head")
            asked += [callers.submit(lambda r: asyncio.run(log.append_soon([r])), request) for request in requests[1:]]
            wait_for(queued(log, 3), "the others to queue")
            closing = threading.Thread(target=log.close)
            closing.start()
            time.sleep(0.1)
            assert closing.is_alive()

        assert sorted(p for future in asked for p in positions(future.result(10))) == [1, 2, 3, 4]
        closing.join(10)
        assert not closing.is_alive()


def _append_one_by_one(log: Log, count: int) -> list[int]:
    return [p for n in range(count) for p in positions(log.append([fact(sale_in(f"s-{n % 4}"))]))]
