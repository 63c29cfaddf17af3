"""The one connection on which a process appends: a group in, an answer for each request out, whatever goes wrong."""

from collections.abc import Sequence

import psycopg
from psycopg import pq

from events import append_call
from events.appends import Append, Appended, AppendRefused, Conflict, Duplicate, LogUnavailable, Outcome
from events.canonical import hash_leaf, instant

#: What a caller is told, or what is raised to it.
type Answer = Outcome | Exception


class AppendConnection:
    """Connects when it is needed, and again when it was cut off. Used by one thread at a time."""

    def __init__(self, conninfo: str) -> None:
        self._conninfo = conninfo
        self._connection: psycopg.Connection | None = None

    def close(self) -> None:
        if self._connection is not None:
            self._connection.close()
            self._connection = None

    def answers(self, requests: Sequence[Append]) -> list[Answer]:
        """An id that occurs twice in a group is asked about once; the others wait for that answer or a next call."""
        if len(requests) == 1:
            return self._run(requests)
        ids = {event_id for request in requests for event_id in request.event_ids}
        if len(ids) == sum(len(request.events) for request in requests):
            return self._run(requests)
        answers: list[Answer] = [LogUnavailable()] * len(requests)
        remaining = list(range(len(requests)))
        while remaining:
            now, held = _without_repeats(requests, remaining)
            settled: dict[object, tuple[bytes, Answer]] = {}
            for index, answer in zip(now, self._run([requests[index] for index in now]), strict=True):
                answers[index] = answer
                settled[requests[index].request_id] = (requests[index].request_hash, answer)
            remaining = []
            for index in held:
                repeated = _answer_of_repeat(requests[index], settled)
                if repeated is None:
                    remaining.append(index)
                else:
                    answers[index] = repeated
        return answers

    def _run(self, requests: Sequence[Append]) -> list[Answer]:
        """One call of the database. A request that the database refuses does not take its neighbours with it."""
        try:
            return list(self._run_again_if_cut_off(requests))
        except AppendRefused as refusal:
            if len(requests) == 1:
                return [refusal]
        answers: list[Answer] = []
        for request in requests:
            try:
                answers += self._run_again_if_cut_off([request])
            except (AppendRefused, LogUnavailable) as error:
                answers.append(error)
        return answers

    def _run_again_if_cut_off(self, requests: Sequence[Append]) -> list[Outcome]:
        """A connection that died since the last group is replaced once; what it stored all the same is found there."""
        fresh = self._connection is None
        try:
            return append_call.run(self._connected(), requests)
        except LogUnavailable:
            connection = self._connection
            if fresh or connection is None or connection.pgconn.status == pq.ConnStatus.OK:
                raise
        connection.close()
        self._connection = None
        again = append_call.run(self._connected(), requests)
        return [_told_as_stored(request, outcome) for request, outcome in zip(requests, again, strict=True)]

    def _connected(self) -> psycopg.Connection:
        if self._connection is not None and self._connection.pgconn.status != pq.ConnStatus.OK:
            self._connection.close()
            self._connection = None
        if self._connection is None:
            try:
                connection = psycopg.connect(self._conninfo, autocommit=True)
                append_call.prepare(connection)
            except psycopg.Error as error:
                raise LogUnavailable(str(error)) from error
            self._connection = connection
        return self._connection


def _told_as_stored(request: Append, outcome: Outcome) -> Outcome:
    """A request that was stored before its connection died is no duplicate of another try: the leaf, with its nonce, is
    its own. Whoever keeps something beside the log for it must hear that this very one was stored."""
    if not isinstance(outcome, Duplicate):
        return outcome
    head, tail = request.ends[0]
    if hash_leaf(head + instant(outcome.recorded_at).encode() + tail) != outcome.leaf_hash:
        return outcome
    return Appended(outcome.first_position, outcome.last_position, outcome.recorded_at, outcome.leaf_hash)


def _without_repeats(requests: Sequence[Append], indexes: list[int]) -> tuple[list[int], list[int]]:
    seen: set[object] = set()
    now, held = [], []
    for index in indexes:
        if seen.isdisjoint(requests[index].event_ids):
            seen.update(requests[index].event_ids)
            now.append(index)
        else:
            held.append(index)
    return now, held


def _answer_of_repeat(request: Append, settled: dict[object, tuple[bytes, Answer]]) -> Outcome | None:
    """What the log would answer to an id that it has just stored; None if it has to be asked."""
    first_hash, first = settled.get(request.request_id, (b"", None))
    if not isinstance(first, Appended | Duplicate):
        return None
    if request.request_hash != first_hash:
        return Conflict(first.first_position)
    return Duplicate(first.first_position, first.last_position, first.recorded_at, first.leaf_hash)
