"""Consignments under any sequence of reports: a difference stays open until it is explained, whatever came first."""

from collections import defaultdict
from collections.abc import Iterator

import pytest
from hypothesis import strategies as st
from hypothesis.stateful import rule

from events.catalogue.logistics import ShipmentCancelled, ShipmentLost, StockReceived, StockShipped
from events.catalogue.outlets import CountLine, StockCounted
from events.catalogue.values import StockLine
from projections import inventory_queries as ask
from projections.base import Connection
from projections.inventory import MODEL
from projections.inventory_identities import a4_stock_balances, a5_consignments_balance
from tests import make
from tests.books import connect
from tests.machines import FoldMachine, run
from tests.servers import LogDatabase

ORIGIN, SHOP = "workshop/tosor-jam", "outlet/karakol"
BATCHES = ("jam", "honey")
CONSIGNMENTS = st.sampled_from(("c-1", "c-2"))
LINES = st.lists(st.tuples(st.sampled_from(BATCHES), st.integers(1, 9)), min_size=1, max_size=2)


def stock(lines: list[tuple[str, int]]) -> tuple[StockLine, ...]:
    return tuple(StockLine(batch=batch, units=units) for batch, units in lines)


class Consignments(FoldMachine):
    """The fold beside a clerk with two columns for each consignment: what left, and what is known of it."""

    def __init__(self, connection: Connection) -> None:
        super().__init__(connection, MODEL)
        self.left: dict[tuple[str, str], int] = defaultdict(int)
        self.arrived: dict[tuple[str, str], int] = defaultdict(int)
        self.lost: dict[tuple[str, str], int] = defaultdict(int)
        self.cancelled: set[str] = set()
        self.corrected: dict[tuple[str, str], int] = defaultdict(int)  #: by counts
        self.seen: set[tuple[str, str]] = set()

    @rule(consignment=CONSIGNMENTS, lines=LINES)
    def ship(self, consignment: str, lines: list[tuple[str, int]]) -> None:
        self.record(StockShipped(consignment=consignment, origin=ORIGIN, destination=SHOP, lines=stock(lines)))
        self.note(self.left, consignment, lines)

    @rule(consignment=CONSIGNMENTS, lines=LINES)
    def receive(self, consignment: str, lines: list[tuple[str, int]]) -> None:
        self.record(StockReceived(consignment=consignment, place=SHOP, lines=stock(lines)))
        self.note(self.arrived, consignment, lines)

    @rule(consignment=CONSIGNMENTS, lines=LINES)
    def lose(self, consignment: str, lines: list[tuple[str, int]]) -> None:
        self.record(ShipmentLost(consignment=consignment, lines=stock(lines), reason="broken"))
        self.note(self.lost, consignment, lines)

    @rule(consignment=CONSIGNMENTS)
    def cancel(self, consignment: str) -> None:
        self.record(ShipmentCancelled(consignment=consignment, reason="road_closed"))
        self.cancelled.add(consignment)

    @rule(place=st.sampled_from((ORIGIN, SHOP)), batch=st.sampled_from(BATCHES), units=st.integers(0, 30))
    def count(self, place: str, batch: str, units: int) -> None:
        line = CountLine(batch=batch, units=units)
        self.record(StockCounted(count=f"count-{len(self.history.recorded)}", place=place, lines=(line,)))
        self.corrected[place, batch] += units - self.on_hand(place, batch)

    def note(self, column: dict[tuple[str, str], int], consignment: str, lines: list[tuple[str, int]]) -> None:
        for batch, units in lines:
            column[consignment, batch] += units
            self.seen.add((consignment, batch))

    def open_units(self, consignment: str, batch: str) -> int:
        """What left and nobody has explained; negative: more is known of it than left."""
        key = (consignment, batch)
        return self.left[key] - self.arrived[key] - self.lost[key]

    def came_back(self, consignment: str, batch: str) -> int:
        return max(self.open_units(consignment, batch), 0) if consignment in self.cancelled else 0

    def on_hand(self, place: str, batch: str) -> int:
        units = self.corrected[place, batch]
        for consignment in ("c-1", "c-2"):
            if place == SHOP:
                units += self.arrived[consignment, batch]
            else:
                units += self.came_back(consignment, batch) - self.left[consignment, batch]
        return units

    @rule()
    def fold(self) -> None:
        self.fold_what_waits()
        connection = self.tables.here()
        for batch in BATCHES:
            held, under_way = ask.stock_of_batch(connection, batch)
            assert {row.place: row.on_hand for row in held if row.on_hand} == {
                place: units for place in (ORIGIN, SHOP) if (units := self.on_hand(place, batch))
            }
            assert {row.consignment: (row.in_transit, row.surplus, row.cancelled) for row in under_way} == {
                consignment: (
                    max(self.open_units(consignment, batch), 0) - self.came_back(consignment, batch),
                    max(-self.open_units(consignment, batch), 0),
                    self.came_back(consignment, batch),
                )
                for consignment, of in self.seen
                if of == batch
            }
        differing = {(row.consignment, row.batch) for row in ask.in_transit(connection)}
        assert differing == {key for key in self.seen if self.open_units(*key) > 0 and key[0] not in self.cancelled}, (
            "a difference was closed without an explanation, or stayed open with one"
        )
        assert a4_stock_balances(connection) == a5_consignments_balance(connection) == []

    def teardown(self) -> None:
        self.fold()
        super().teardown()


@pytest.fixture
def connection(module_log_database: LogDatabase) -> Iterator[Connection]:
    with connect(module_log_database.admin) as connection:
        yield connection
        connection.rollback()


def test_a_difference_stays_open_until_it_is_explained(connection: Connection) -> None:
    run(lambda: Consignments(connection))


def test_the_machine_sees_a_fold_that_loses_a_difference(connection: Connection) -> None:
    """The guard itself: without the reports of a loss in the fold, the machine's own story turns red."""
    machine = Consignments(connection)
    machine.ship("c-1", [("jam", 9)])
    machine.receive("c-1", [("jam", 5)])
    machine.fold()
    machine.lost["c-1", "jam"] += 1
    with pytest.raises(AssertionError):
        machine.fold()
    machine.lost["c-1", "jam"] -= 1
    machine.record(make.shipment_lost(consignment="c-1", lines=(make.stock_line(batch="jam", units=4),)))
    machine.note(machine.lost, "c-1", [("jam", 4)])
    machine.teardown()
