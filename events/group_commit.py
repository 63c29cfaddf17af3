"""Concurrent callers share one commit: whoever waits while a commit runs goes with the next.

There is no thread of its own between a blocking caller and the database: the first caller commits, in its own thread,
for all who wait, and hands the lead to the first of those who came meanwhile. Callers from asyncio are led by one
background thread. Groups of several processes meet at the head lock of the database.
"""

import asyncio
import threading
import time
from collections import deque
from collections.abc import Iterator, Sequence

from psycopg.conninfo import conninfo_to_dict, make_conninfo

from events.append_connection import Answer, AppendConnection
from events.appends import GROUP_EVENTS_MAX, Append, LogBusy, LogClosed, LogUnavailable, Outcome

#: Events that may wait for their commit in one process; more are refused with LogBusy.
WAITING_EVENTS_MAX = 20_000

#: A group that is smaller than this waits a moment for callers who were answered just now and may be back at once: half
#: as long as the commit before it took, and never longer than two milliseconds. Without that, of n callers half would
#: always wait while the others' commit runs. In larger groups a commit's own cost is small change.
GATHERED_CALLERS_MAX = 32
GATHER_SECONDS_MAX = 0.002

#: How long a blocking caller goes on committing for others once its own requests are answered.
LEAD_SECONDS_MAX = 0.002

_OPTIONS = (
    "-c default_transaction_isolation=read\\ committed -c synchronous_commit=on -c jit=off"
    " -c lock_timeout=20s"
    # The plans of the append function are made once, while the log may still be empty: by index, whatever its size.
    " -c plan_cache_mode=force_generic_plan -c enable_seqscan=off"
)


def with_options(conninfo: str, options: str) -> str:
    """A connection string with more settings of the session; it keeps those it has."""
    given = conninfo_to_dict(conninfo).get("options")
    return make_conninfo(
        conninfo,
        options=f"{given} {options}" if given else options,
        connect_timeout=5,
        keepalives_idle=10,
        keepalives_interval=5,
        keepalives_count=3,
        tcp_user_timeout=20_000,
    )


class _Waiter:
    """A blocking caller's requests, at most one group of them."""

    __slots__ = ("_asleep", "answered", "answers", "appends", "events", "leads")

    def __init__(self, appends: Sequence[Append], events: int) -> None:
        self.appends = appends
        self.events = events
        self.answers: list[Answer] = []
        self.answered = False
        self.leads = False
        self._asleep = threading.Lock()
        self._asleep.acquire()

    def sleep(self) -> None:
        self._asleep.acquire()

    def wake(self) -> None:
        """Settled, or to lead: the sleeper sees which by `answered`."""
        self._asleep.release()


class _SoonWaiter:
    """An asyncio caller's requests."""

    __slots__ = ("answered", "answers", "appends", "events", "future")

    def __init__(self, appends: Sequence[Append], events: int, future: asyncio.Future[list[Answer]]) -> None:
        self.appends = appends
        self.events = events
        self.answers: list[Answer] = []
        self.answered = False
        self.future = future


type _Caller = _Waiter | _SoonWaiter


class GroupCommit:
    """The way into the log for one process: one connection, groups of at most 500 events."""

    def __init__(self, conninfo: str) -> None:
        self._connection = AppendConnection(with_options(conninfo, _OPTIONS))
        self._mutex = threading.Lock()
        self._queue: deque[_Caller] = deque()
        self._waiting_events = 0
        self._led = False  # somebody is committing, or was just woken to do so
        self._soon_leads = False  # and it is the background thread
        self._closed = False
        self._callers_lately = 0  # in the last group and behind it
        self._committed_at = 0.0
        self._commit_seconds = 0.0
        self._wanted = 0  # callers for whom the leader waits at this moment
        self._gathered = threading.Semaphore(0)
        self._soon_leader: threading.Thread | None = None
        self._soon_lead = threading.Semaphore(0)

    def append(self, appends: Sequence[Append]) -> list[Outcome]:
        """Blocks until every request is durable or answered.

        Raises LogUnavailable, LogBusy, LogClosed, RecordedAtRefused, AppendRefused, NotPlain, EventTooLarge.
        """
        if len(appends) == 1 and self._enter_alone(appends[0]):
            return self._commit_alone(appends)
        answers: list[Answer] = []
        for chunk, events in _chunks(appends):
            waiter = _Waiter(chunk, events)
            if not self._enter(waiter):
                try:
                    waiter.sleep()
                except BaseException:  # Ctrl-C: nobody must wait for this one to lead
                    self._give_up(waiter)
                    raise
            if not waiter.answered:
                self._lead_for(waiter)
            answers += waiter.answers
        return _outcomes(answers)

    async def append_soon(self, appends: Sequence[Append]) -> list[Outcome]:
        """The same from asyncio, without blocking the loop."""
        answers: list[Answer] = []
        for chunk, events in _chunks(appends):
            waiter = _SoonWaiter(chunk, events, asyncio.get_running_loop().create_future())
            if self._enter(waiter):
                self._soon_lead.release()
            answers += await waiter.future
        return _outcomes(answers)

    def close(self) -> None:
        """Lets what waits be stored, then ends. Later callers get LogClosed."""
        with self._mutex:
            self._closed = True
        while self._led:  # as long as somebody leads there is something to be stored
            time.sleep(0.005)
        if self._soon_leader is not None:
            self._soon_lead.release()
            self._soon_leader.join()
        self._connection.close()

    def _enter(self, caller: _Caller) -> bool:
        """Queue up; True if the caller has to lead."""
        with self._mutex:
            if self._closed:
                raise LogClosed
            if self._waiting_events + caller.events > WAITING_EVENTS_MAX:
                raise LogBusy
            self._queue.append(caller)
            self._waiting_events += caller.events
            if 0 < self._wanted <= len(self._queue):
                self._wanted = 0
                self._gathered.release()
            if isinstance(caller, _SoonWaiter) and self._soon_leader is None:
                self._soon_leader = threading.Thread(target=self._lead_soon, name="log-commit", daemon=True)
                self._soon_leader.start()
            lead = not self._led
            self._led = True
            if lead:
                self._soon_leads = isinstance(caller, _SoonWaiter)
            return lead

    def _enter_alone(self, append: Append) -> bool:
        """Take the lead if nobody else is there: then there is nothing to wait for and nobody to wake."""
        _ = append.ends  # made outside the lead
        with self._mutex:
            if self._led or self._closed:
                return False
            self._led = True
            self._soon_leads = False
            return True

    def _commit_alone(self, appends: Sequence[Append]) -> list[Outcome]:
        start = time.monotonic()
        try:
            return _outcomes(self._connection.answers(appends))
        finally:
            self._note_commit(start, 1)
            self._hand_over()

    def _lead_for(self, own: _Waiter) -> None:
        """Commit the leader's own requests, and what comes in the next moment too: a change of lead costs a wake-up."""
        until = 0.0
        leading = True
        while leading:
            group = self._take()
            try:
                self._commit(group)
            except BaseException:  # Ctrl-C: the others have their answers, somebody else must lead them
                self._hand_over()
                _settle([caller for caller in group if caller is not own])
                raise
            if own.answered:
                now = time.monotonic()
                until = until or now + LEAD_SECONDS_MAX
                leading = now < until and bool(self._queue)
                if not leading:
                    self._hand_over()
            _settle([caller for caller in group if caller is not own])

    def _lead_soon(self) -> None:
        """The background thread: leads while the first of the queue is an asyncio caller."""
        while True:
            self._soon_lead.acquire()
            if self._closed and not self._led:
                return
            while self._soon_leads:
                group = self._take()
                self._commit(group)
                self._hand_over()
                _settle(group)

    def _gather(self) -> None:
        """Wait a moment for those who were answered just now, if they are needed to make a group worth its commit."""
        since = time.monotonic() - self._committed_at
        seconds = min(self._commit_seconds / 2, GATHER_SECONDS_MAX) - since
        with self._mutex:
            wanted = min(self._callers_lately, GATHERED_CALLERS_MAX)
            if seconds <= 0 or len(self._queue) >= wanted or self._closed:
                return
            self._wanted = wanted
        if not self._gathered.acquire(timeout=seconds):
            with self._mutex:
                came_late = not self._wanted
                self._wanted = 0
            if came_late:
                self._gathered.acquire()

    def _take(self) -> list[_Caller]:
        self._gather()
        with self._mutex:
            group = [self._queue.popleft()]
            events = group[0].events
            while self._queue and events + self._queue[0].events <= GROUP_EVENTS_MAX:
                events += self._queue[0].events
                group.append(self._queue.popleft())
            self._waiting_events -= events
            return group

    def _hand_over(self) -> None:
        """Wake who leads next. The background thread, if it leads already, goes on without being woken."""
        with self._mutex:
            following = self._queue[0] if self._queue else None
            led_soon = self._soon_leads
            self._led = following is not None
            self._soon_leads = isinstance(following, _SoonWaiter)
            if isinstance(following, _Waiter):
                following.leads = True
        if isinstance(following, _Waiter):
            following.wake()
        elif following is not None and not led_soon:
            self._soon_lead.release()

    def _give_up(self, waiter: _Waiter) -> None:
        with self._mutex:
            waits = waiter in self._queue
            if waits:
                self._queue.remove(waiter)
                self._waiting_events -= waiter.events
        if waits and waiter.leads:
            self._hand_over()

    def _commit(self, group: list[_Caller]) -> None:
        """Answer every caller of a group; whatever goes wrong is an answer too."""
        requests = [append for caller in group for append in caller.appends]
        start = time.monotonic()
        answers: list[Answer] = [LogUnavailable("interrupted")] * len(requests)
        try:
            answers = self._connection.answers(requests)
        except Exception as error:  # whatever it was, the callers must wake up
            answers = [error] * len(requests)
        finally:
            at = 0
            for caller in group:
                caller.answers = answers[at : at + len(caller.appends)]
                caller.answered = True
                at += len(caller.appends)
            self._note_commit(start, len(group))

    def _note_commit(self, start: float, callers: int) -> None:
        self._committed_at = time.monotonic()
        self._commit_seconds = self._committed_at - start
        self._callers_lately = callers + len(self._queue)


def _chunks(appends: Sequence[Append]) -> Iterator[tuple[Sequence[Append], int]]:
    """Cuts a call into groups of at most 500 events; makes the leaves here, in the caller's own time."""
    chunk: list[Append] = []
    events = 0
    for append in appends:
        size = len(append.ends)
        if events + size > GROUP_EVENTS_MAX:
            yield chunk, events
            chunk, events = [], 0
        chunk.append(append)
        events += size
    if chunk:
        yield chunk, events


def _outcomes(answers: list[Answer]) -> list[Outcome]:
    outcomes: list[Outcome] = []
    for answer in answers:
        if isinstance(answer, Exception):
            raise answer
        outcomes.append(answer)
    return outcomes


def _settle(callers: list[_Caller]) -> None:
    """Wake those whose answers are there; asyncio callers once for each loop."""
    by_loop: dict[asyncio.AbstractEventLoop, list[_SoonWaiter]] = {}
    for caller in callers:
        if isinstance(caller, _Waiter):
            caller.wake()
        else:
            by_loop.setdefault(caller.future.get_loop(), []).append(caller)
    for loop, waiters in by_loop.items():
        try:
            loop.call_soon_threadsafe(_deliver, waiters)
        except RuntimeError:
            continue  # that loop was closed, nobody waits there any more


def _deliver(waiters: list[_SoonWaiter]) -> None:
    for waiter in waiters:
        if not waiter.future.done():
            waiter.future.set_result(waiter.answers)
