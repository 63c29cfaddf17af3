"""Shifts under any sequence of reports: drawer, shelf and flags beside a till roll kept by hand."""

from collections.abc import Iterator
from datetime import datetime
from typing import Any

import pytest
from hypothesis import strategies as st
from hypothesis.stateful import rule

from events.catalogue.values import Tender
from projections import inventory_queries as ask
from projections.base import Connection
from projections.inventory import MODEL
from projections.inventory_identities import (
    a4_stock_balances,
    a6_sold_units_were_packed_or_are_flagged,
    a7_drawers_balance,
    a8_counters_are_accounted_for,
)
from projections.inventory_shifts import shifts
from tests import make
from tests.books import connect
from tests.machines import FoldMachine, run
from tests.servers import LogDatabase

SHIFTS = st.sampled_from(("s-1", "s-2"))
SALES = ("r-1", "r-2", "r-3", "r-4")
BATCHES = st.sampled_from(("jam", "honey"))
UNITS, TYIYN, MINUTES = st.integers(1, 5), st.integers(1, 50_000), st.integers(0, 600)
FLAGS = {"sale_repeated", "voided_twice", "shift_repeated", "closed_shift"}


class Shifts(FoldMachine):
    """The fold beside a till roll: every line of it is looked through anew whenever something is asked."""

    def __init__(self, connection: Connection) -> None:
        super().__init__(connection, MODEL)
        self.roll: list[tuple[str, datetime, dict[str, Any]]] = []
        self.flags: set[tuple[str, str]] = set()

    def say(self, kind: str, event: Any, minutes: int, **what: Any) -> None:
        at = self.record(event, minutes)
        self.roll.append((kind, at, what))

    def counter(self) -> int:
        return len(self.roll) + 1

    def of(self, kind: str, shift: str | None = None) -> list[tuple[datetime, dict[str, Any]]]:
        return [(at, what) for said, at, what in self.roll if said == kind and shift in (None, what["shift"])]

    @rule(shift=SHIFTS, cash=TYIYN, minutes=MINUTES)
    def open(self, shift: str, cash: int, minutes: int) -> None:
        if self.of("open", shift):
            self.flags.add(("shift_repeated", f"shift/{shift}"))
        event = make.shift_opened(shift=shift, opening_cash_tyiyn=cash, till_counter=self.counter())
        self.say("open", event, minutes, shift=shift, cash=cash)

    @rule(sale=st.sampled_from(SALES), shift=SHIFTS, batch=BATCHES, units=UNITS, in_cash=st.booleans(), minutes=MINUTES)
    def sell(self, sale: str, shift: str, batch: str, units: int, in_cash: bool, minutes: int) -> None:
        if sale in self.receipts():
            self.flags.add(("sale_repeated", f"sale/{sale}"))
        total = units * 100
        tender = Tender(kind="cash" if in_cash else "card", amount_tyiyn=total)
        line = make.sale_line(batch=batch, units=units, unit_price_tyiyn=100)
        event = make.sale_made(sale=sale, shift=shift, lines=(line,), tenders=(tender,), till_counter=self.counter())
        cash = total if in_cash else 0
        self.say("sell", event, minutes, sale=sale, shift=shift, batch=batch, units=units, cash=cash)

    @rule(sale=st.sampled_from(SALES), shift=SHIFTS, minutes=MINUTES)
    def void(self, sale: str, shift: str, minutes: int) -> None:
        if any(what["sale"] == sale for _, what in self.of("void")):
            self.flags.add(("voided_twice", f"sale/{sale}"))
        event = make.sale_voided(sale=sale, shift=shift, till_counter=self.counter())
        self.say("void", event, minutes, sale=sale, shift=shift)

    @rule(sale=st.none() | st.sampled_from(SALES), shift=SHIFTS, batch=BATCHES, units=UNITS, refund=TYIYN)
    def take_back(self, sale: str | None, shift: str, batch: str, units: int, refund: int) -> None:
        line = make.return_line(line=None, batch=batch, units=units, refund_tyiyn=refund)
        event = make.goods_returned(
            return_id=f"back-{self.counter()}", sale=sale, shift=shift, lines=(line,), till_counter=self.counter()
        )
        self.say("back", event, 0, shift=shift, batch=batch, units=units, cash=refund)

    @rule(shift=SHIFTS, cash=TYIYN, into=st.booleans())
    def move_cash(self, shift: str, cash: int, into: bool) -> None:
        event = make.cash_moved(
            shift=shift, direction="in" if into else "out", amount_tyiyn=cash, till_counter=self.counter()
        )
        self.say("move", event, 0, shift=shift, cash=cash if into else -cash)

    @rule(shift=SHIFTS, counted=TYIYN, minutes=MINUTES)
    def close(self, shift: str, counted: int, minutes: int) -> None:
        if self.of("close", shift):
            self.flags.add(("shift_repeated", f"shift/{shift}"))
        event = make.shift_closed(shift=shift, counted_cash_tyiyn=counted, till_counter=self.counter())
        self.say("close", event, minutes, shift=shift, cash=counted)

    # What the roll comes to.

    def receipts(self) -> dict[str, tuple[datetime, dict[str, Any]]]:
        """The first report of each receipt."""
        found: dict[str, tuple[datetime, dict[str, Any]]] = {}
        for at, what in self.of("sell"):
            found.setdefault(what["sale"], (at, what))
        return found

    def voids(self) -> dict[str, str]:
        """Receipts that were voided, and the shift of the void that claims to be the earliest."""
        found: dict[str, str] = {}
        for _, what in sorted(self.of("void"), key=lambda told: told[0]):
            found.setdefault(what["sale"], what["shift"])
        return found

    def drawer(self, shift: str) -> int:
        voids = self.voids()
        opened = self.of("open", shift)
        cash: int = opened[0][1]["cash"] if opened else 0
        for _, what in self.receipts().values():
            cash += what["cash"] * (what["shift"] == shift)
            cash -= what["cash"] * (voids.get(what["sale"]) == shift)
        cash -= sum(what["cash"] for _, what in self.of("back", shift))
        cash += sum(what["cash"] for _, what in self.of("move", shift))
        return cash

    def shelf(self, batch: str) -> int:
        voids = self.voids()
        units: int = sum(what["units"] for _, what in self.of("back") if what["batch"] == batch)
        for sale, (_, what) in self.receipts().items():
            units -= what["units"] * (what["batch"] == batch and sale not in voids)
        return units

    def late_receipts(self) -> set[tuple[str, str]]:
        closed: dict[str, datetime] = {}
        for at, what in self.of("close"):
            closed.setdefault(what["shift"], at)
        return {
            ("closed_shift", f"sale/{sale}")
            for sale, (at, what) in self.receipts().items()
            if what["shift"] in closed and at > closed[what["shift"]]
        }

    @rule()
    def fold(self) -> None:
        self.fold_what_waits()
        connection = self.tables.here()
        told = {
            each.shift: (each.expected_tyiyn, each.counted_tyiyn, each.difference_tyiyn) for each in shifts(connection)
        }
        expected = {}
        # A receipt that was reported before tells of no shift.
        named = {what["shift"] for said, _, what in self.roll if said != "sell"}
        for shift in named | {what["shift"] for _, what in self.receipts().values()}:
            closed = self.of("close", shift)
            counted = closed[0][1]["cash"] if closed else None
            drawer = self.drawer(shift)
            expected[shift] = (drawer, counted, None if counted is None else counted - drawer)
        assert told == expected
        held = {row.batch: row.on_hand for row in ask.stock(connection, place="outlet/karakol")}
        assert {batch: held.get(batch, 0) for batch in ("jam", "honey")} == {
            batch: self.shelf(batch) for batch in ("jam", "honey")
        }
        raised = {(flag.flag, flag.subject) for flag in ask.flags(connection) if flag.flag in FLAGS}
        assert raised == self.flags | self.late_receipts()
        for holds in (
            a4_stock_balances,
            a6_sold_units_were_packed_or_are_flagged,
            a7_drawers_balance,
            a8_counters_are_accounted_for,
        ):
            assert holds(connection) == []

    def teardown(self) -> None:
        self.fold()
        super().teardown()


@pytest.fixture
def connection(module_log_database: LogDatabase) -> Iterator[Connection]:
    with connect(module_log_database.admin) as connection:
        yield connection
        connection.rollback()


def test_drawer_shelf_and_flags_follow_from_what_was_reported(connection: Connection) -> None:
    run(lambda: Shifts(connection))
