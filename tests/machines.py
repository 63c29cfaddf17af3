"""A read model under a state machine: events are recorded one by one and folded in batches of any size."""

from collections.abc import Callable
from datetime import datetime, timedelta
from typing import Any, cast

from hypothesis import HealthCheck, settings
from hypothesis.stateful import RuleBasedStateMachine, run_state_machine_as_test

from events.catalogue.base import Event
from projections.base import Connection, ReadModel
from tests.books import START, History, Tables


class FoldMachine(RuleBasedStateMachine):
    """What is recorded waits until some rule folds it; the tables live in a transaction that ends with the example."""

    def __init__(self, connection: Connection, model: ReadModel) -> None:
        super().__init__()
        connection.rollback()  # an example that was given up while it began is not torn down
        self.connection = connection
        self.tables = Tables(connection, model, "machine_test")
        self.history = History()
        self.folded = 0

    def record(self, event: Event, minutes: int = 0) -> datetime:
        """Record an event that happened so many minutes after the start, no two in one second; answers when."""
        occurred_at = START + timedelta(minutes=minutes, seconds=len(self.history.recorded) + 1)
        self.history.add(event, at=occurred_at)
        return occurred_at

    def fold_what_waits(self) -> None:
        batch = History()
        batch.recorded = self.history.recorded[self.folded :]
        self.tables.fold(batch)
        self.folded = len(self.history.recorded)

    def teardown(self) -> None:
        self.connection.rollback()


def run(machine: Callable[[], FoldMachine]) -> None:
    """Try sequences of the machine's rules; each of them ends folded."""
    run_state_machine_as_test(
        cast(Any, machine),
        settings=settings(
            max_examples=40,
            stateful_step_count=25,
            deadline=None,
            suppress_health_check=[HealthCheck.too_slow, HealthCheck.function_scoped_fixture],
        ),
    )
