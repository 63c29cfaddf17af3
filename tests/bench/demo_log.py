"""A log of the demonstration's mix, written straight into the store: what `make demo` reports, without the front door.

Decisions are taken as asked for, since the demonstration asks for nothing that is refused; months are closed and people
paid by what the read models say, as its clerk does.
"""

from collections.abc import Callable, Mapping
from datetime import datetime
from typing import Any
from uuid import UUID

import orjson

from events.catalogue import committee, network, settlement
from events.catalogue.base import Event
from events.catalogue.registry import validate_as_written
from events.store import GROUP_EVENTS_MAX, Append, Appended, Log
from projections.base import Connection, Db
from projections.income_periods import statement
from projections.runner import Projector
from services.center import decider as center_decider
from services.committee import recalls as committee_recalls
from services.committee import requests as committee_requests
from services.decider import Proposal
from services.demo.history import History, Plan
from services.demo.journal import Command, Fact, Settle
from services.demo.settlement import Clerk
from services.network import decider as network_decider
from services.settlement import requests as settlement_requests

_CONTEXTS = (
    ("network", network_decider),
    ("committee", committee_requests),
    ("committee", committee_recalls),
    ("center", center_decider),
    ("settlement", settlement_requests),
)
_ENVELOPE = ("id", "occurred_at", "recorded_at", "actor")
_HASH = bytes(32)


def _proposed() -> dict[str, type[Event]]:
    """The event that each route asks for as it stands."""
    found: dict[str, type[Event]] = {}
    for context, module in _CONTEXTS:
        for kind in vars(module).values():
            if isinstance(kind, type) and issubclass(kind, Proposal) and kind.__module__ == module.__name__:
                found[f"{context}/{kind.verb()}"] = kind.proposes()
    return found


_PROPOSED = _proposed()
_VERDICTS: Mapping[str, type[Event]] = {
    "committee/certify-product": committee.ProductCertified,
    "committee/accept-conditionally": committee.ProductConditionallyAccepted,
    "committee/reject-product": committee.ProductRejected,
}


class DemoLog:
    """Writes the demonstration's events into a log until there are enough."""

    def __init__(self, log: Log, projector: Projector, books: Connection, events: int, seed: int = 2012) -> None:
        self._log, self._projector, self._books = log, projector, books
        self._left = events
        self._clerk = Clerk(seed)
        self._waiting: list[Append] = []

    def write(self, scale: int, progress: Callable[[int], None] | None = None) -> None:
        """Write a network of this scale, at most as many events as were asked for."""
        for item in History(Plan.full(scale)).items():
            if self._left <= 0:
                break
            match item:
                case Fact(repeats=False):
                    said = orjson.loads(item.body)
                    self._put(said, validate_as_written(said["type"], orjson.dumps(said["data"])))
                case Command():
                    asked = orjson.loads(item.body)
                    self._put(asked, decided(item.route, asked))
                case Settle():
                    self._settle(item)
                case _:
                    pass
            if progress is not None and not self._waiting:
                progress(self._left)
        self._flush()

    def _put(self, said: Mapping[str, Any], event: Event) -> None:
        if self._left <= 0:
            return
        self._left -= 1
        moment, recorded = datetime.fromisoformat(said["occurred_at"]), datetime.fromisoformat(said["recorded_at"])
        self._waiting.append(
            Append(UUID(said["id"]), _HASH, event.stream(), None, said["actor"], moment, (event,), recorded)
        )
        if len(self._waiting) == GROUP_EVENTS_MAX:
            self._flush()

    def _flush(self) -> None:
        refused = [one for one in self._log.append(self._waiting) if not isinstance(one, Appended)]
        if refused:
            raise ValueError(refused[0])
        self._waiting = []

    def _settle(self, settle: Settle) -> None:
        self._flush()
        through = self._projector.drain()
        if settle.pays:
            owed = self._books.execute(
                "SELECT producer, owed_tyiyn FROM income_accounts WHERE owed_tyiyn > 0"
            ).fetchall()
            for asked in self._clerk.pay(settle, owed):
                for fields in asked.items:
                    self._put(fields, _of_account(asked.route, fields, through))
        for region in settle.regions:
            told = statement(Db(self._books), region, settle.month, through)
            closed = settlement.PeriodClosed(
                region=region,
                month=settle.month,
                through_position=through,
                statement_digest=told.digest,
                producers=told.totals.producers,
                earned_tyiyn=told.totals.earned_tyiyn,
                unknown_tyiyn=told.totals.unknown_tyiyn,
            )
            self._put(self._clerk.close(settle, region), closed)


def _of_account(route: str, fields: Mapping[str, Any], through: int) -> Event:
    said = {name: value for name, value in fields.items() if name not in _ENVELOPE}
    match route:
        case "settlement/make-payout":
            return settlement.PayoutMade(**said, statement_position=through)
        case "settlement/give-advance":
            return settlement.AdvanceGiven(**said)
        case _:
            return settlement.PayoutReversed(**said, amount_tyiyn=1)


def decided(route: str, asked: Mapping[str, Any]) -> Event:
    """The event that follows from a command of the demonstration."""
    fields = {name: value for name, value in asked.items() if name not in _ENVELOPE}
    if route in _VERDICTS:
        fields |= {"members": ["member-1", "member-2"], "score_milli": 82_000}
        return _VERDICTS[route].model_validate_json(orjson.dumps(fields))
    if route == "committee/score-assessment":  # without the seal, which is opened with the verdict anyway
        return committee.AssessmentScored.model_validate_json(orjson.dumps(fields))
    if route == "network/enroll-till":
        return network.TillEnrolled(till=fields["till"], outlet=fields["outlet"], key_id="key")
    if route in ("network/grant-role", "network/withdraw-role"):
        kind = network.RoleGranted if route.endswith("grant-role") else network.RoleWithdrawn
        return kind.model_validate_json(orjson.dumps({"actor": fields.pop("to"), **fields}))
    return _PROPOSED[route].model_validate_json(orjson.dumps(fields))
