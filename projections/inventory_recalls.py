"""How far a recall reaches: every lot made of what was called back, sugar and jars included, as edges arrive."""

from collections import Counter, defaultdict
from collections.abc import Iterable
from datetime import datetime
from typing import Any

from events.catalogue import committee, production
from events.catalogue.base import Recorded
from projections import inventory_tables as t
from projections.base import Db
from projections.statements import Row


def names_in(text: str) -> list[str]:
    """The lots of a list kept as `lot/mass_g/pieces`, parted by blanks."""
    return [entry.partition("/")[0] for entry in text.split()]


class Reach:
    """Recalls and the lots they reach. Costs nothing in a network without a recall.

    A mark runs forward over all edges known at its position; later edges carry it further when they arrive. So the
    marks are those of reachability over the edges, in whatever order these were recorded.
    """

    def __init__(self, db: Db, needed: bool) -> None:
        self.db = db
        self.recalls: dict[str, Row] = {}
        self.marks: dict[str, set[str]] = defaultdict(set)
        self.new: list[Row] = []
        self.changed: set[str] = set()
        self._children: dict[str, list[str]] | None = None
        self._new_children: dict[str, list[str]] = defaultdict(list)
        self._lost_children: dict[str, list[str]] = defaultdict(list)  # by a correction
        self._new_suppliers: dict[str, list[str]] = defaultdict(list)
        if needed:
            self.recalls = {row[0]: row for row in db.rows("SELECT * FROM inventory_recalls")}
        if self.recalls:
            for lot, recall in db.rows("SELECT lot, recall FROM inventory_recalled"):
                self.marks[lot].add(recall)

    def follow(self, recorded: Recorded[Any]) -> None:
        """Take a recall, a delivery or a step as the inventory does, by what it says alone."""
        event = recorded.event
        match event:
            case committee.RecallStarted() | committee.RecallExtended():
                if isinstance(event, committee.RecallStarted):
                    self.start(event.recall, recorded.occurred_at, event.drill)
                for root in event.roots:
                    self.add_root(event.recall, root.kind, root.id)
            case production.MaterialReceived():
                self.lot_delivered(event.lot, event.supplier)
            case production.StepFact():
                kept = getattr(event, "by_products", ())
                self.step_made(event.lot, [x.lot for x in event.inputs], [x.lot for x in kept if x.lot])
            case _:
                pass

    def start(self, recall: str, started_at: datetime, is_drill: bool) -> None:
        if recall not in self.recalls:
            self.recalls[recall] = (recall, started_at, None, is_drill, "")
            self.changed.add(recall)

    def close(self, recall: str, closed_at: datetime) -> None:
        row = self.recalls.get(recall)
        if row is not None:
            self.recalls[recall] = (*row[:2], closed_at, *row[3:])
            self.changed.add(recall)

    def add_root(self, recall: str, kind: str, root: str) -> None:
        """Begin a recall at a lot, at a step with all it made, at a material lot or at all of a supplier."""
        roots = [root]
        if kind == "step":
            found = self.db.rows(
                "SELECT by_products FROM inventory_lots WHERE lot = %(lot)s"
                " UNION ALL SELECT by_products FROM inventory_lot_repeats WHERE lot = %(lot)s",
                {"lot": root},
            )
            kept = [lot for row in found for lot in names_in(row[0])]
            step = f"step/{root}"
            roots += Counter([*kept, *self._new_children.get(step, ())]) - Counter(self._lost_children.get(step, ()))
        if kind == "supplier":
            row = self.recalls.get(recall)
            if row is not None:
                self.recalls[recall] = (*row[:4], " ".join(sorted({*row[4].split(), root})))
                self.changed.add(recall)
            maker = f"supplier/{root}"
            roots = [lot for (lot,) in self.db.rows("SELECT lot FROM inventory_lots WHERE maker = %s", [maker])]
            roots += self._new_suppliers.get(root, [])
        self._mark(roots, recall)

    def lot_delivered(self, lot: str, supplier: str) -> None:
        self._new_suppliers[supplier].append(lot)
        for recall, row in self.recalls.items():
            if supplier in row[4].split():
                self._mark([lot], recall)

    def step_made(self, lot: str, inputs: Iterable[str], by_products: Iterable[str]) -> None:
        """New edges: what is made of something called back is called back too, with all that was made of it already."""
        made = [lot, *by_products]
        self._new_children[f"step/{lot}"].extend(made[1:])
        for source in inputs:
            self._new_children[source].extend(made)
            for recall in sorted(self.marks.get(source, ())):
                self._mark(made, recall)

    def step_corrected(self, lot: str, inputs: Iterable[str], by_products: Iterable[str]) -> None:
        """Edges that a correction takes back: marks that went over them stay, no later one does."""
        made = [lot, *by_products]
        self._lost_children[f"step/{lot}"] += made[1:]
        for source in inputs:
            self._lost_children[source] += made

    def _made_of(self, lot: str) -> Iterable[str]:
        told = Counter([*self._stored_children().get(lot, ()), *self._new_children.get(lot, ())])
        return told - Counter(self._lost_children.get(lot, ()))

    def _mark(self, lots: Iterable[str], recall: str) -> None:
        waiting = [lot for lot in lots if recall not in self.marks[lot]]
        while waiting:
            lot = waiting.pop()
            if recall in self.marks[lot]:
                continue
            self.marks[lot].add(recall)
            self.new.append((lot, recall))
            waiting += self._made_of(lot)

    def _stored_children(self) -> dict[str, list[str]]:
        if self._children is None:
            self._children = defaultdict(list)
            for lot, inputs, by_products in self.db.rows(
                "SELECT lot, inputs, by_products FROM inventory_lots WHERE inputs <> ''"
                " UNION ALL SELECT lot, inputs, by_products FROM inventory_lot_repeats WHERE inputs <> ''"
            ):
                for source in names_in(inputs):
                    self._children[source] += [lot, *names_in(by_products)]
        return self._children

    def active(self, lot: str, moment: datetime) -> list[str]:
        """The recalls, drills aside, under which a lot was at a moment."""
        return [
            recall
            for recall in sorted(self.marks.get(lot, ()))
            if not (row := self.recalls[recall])[3] and row[1] <= moment and (row[2] is None or moment < row[2])
        ]

    def flush(self) -> None:
        self.db.upsert(t.RECALLS, [self.recalls[recall] for recall in sorted(self.changed)])
        self.db.upsert(t.RECALLED, self.new)
