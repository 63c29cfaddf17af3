"""Lots and steps of a long build that are ordinary: nearly all of a network's.

A lot is ordinary when the one report of its making is all that its batch and the tables say of it, and it was not taken
by a step that came before what made it is known; a step, when all that it made is ordinary, and nothing that it took is
changed by anything that is not. Then its rows follow from that report and from the shares of what was taken, and are
written before the batch is folded. A lot that was collected may well come after it was taken: what was made of it is
shared anew at its position, as it always is. Other steps that took an ordinary lot are told which shares it had when
(`Late`).
"""

from collections import Counter, defaultdict
from collections.abc import Collection, Iterable, Iterator, Mapping, Sequence
from types import MappingProxyType
from typing import Any, NamedTuple

from events.catalogue.base import Event, Recorded
from events.catalogue.network import ProductDefined
from events.catalogue.production import (
    BatchProduced,
    LotCollected,
    LotCollectedV1,
    LotsPooled,
    MaterialReceived,
)
from projections.base import Db
from projections.in_bulk import Plain
from projections.lineage import Shares, all_of
from projections.lineage_image import Late, below
from projections.lineage_reports import CORRECTIONS, REPORTS, Content, content_of, corrected_content, outputs
from projections.lineage_steps import Blending, Step, lot_row, row_of_unknown, shares_of
from projections.lineage_tables import Correction, LineageTables
from projections.statements import array_text

#: The events that are taken here, those of tablets of the first years among them.
IN_BULK: frozenset[type[Event]] = frozenset({LotCollected, LotCollectedV1, MaterialReceived, LotsPooled, BatchProduced})
WIRE_NAMES = frozenset(event.wire_name for event in IN_BULK)
_STEPS = frozenset({LotsPooled.wire_name, BatchProduced.wire_name})
_NOBODY: Mapping[str, int] = MappingProxyType({})


class Taken(NamedTuple):
    """What became of the reports of lots in a stretch of the log; what is ordinary has its rows."""

    lots: Sequence[Plain]  #: ordinary lots that were collected or supplied
    steps: Sequence[Step]  #: ordinary steps
    odd: Sequence[int]  #: positions of those to be opened and folded one by one
    late: Sequence[Late]  #: what steps among these are to be told of ordinary lots


def take_ordinary(
    tables: LineageTables,
    db: Db,
    reports: Sequence[Plain],
    others: Sequence[Recorded[Any]],
    named: Mapping[str, int] = _NOBODY,
) -> Taken:
    """Write the rows of what is ordinary among `reports`; `others` are the stretch's events that were read.

    A lot that the caller `named` at an earlier position than it comes at is not ordinary: the caller needs to see it.
    """
    if not reports:
        return Taken((), (), (), ())
    return _Sorting(tables, db, reports, others).taken(named)


class _Sorting:
    """The reports of lots in one stretch of the log, told apart."""

    def __init__(
        self, tables: LineageTables, db: Db, reports: Sequence[Plain], others: Sequence[Recorded[Any]]
    ) -> None:
        self._tables, self._db = tables, db
        self._lots: list[Plain] = []
        steps: list[Plain] = []
        for one in reports:
            (steps if one[2]["type"] in _STEPS else self._lots).append(_as_today(one))
        self._steps = _with_bases(tables, db, steps, others)
        events = {leaf["event_id"]: position for position, _, leaf in reports}
        self._said = _Said(tables, db, others, events)
        self._made: dict[str, int] = {}  #: lots that are reported, at which position
        self._made_twice: set[str] = set()
        self._note_what_was_made()
        self._takers: dict[str, list[Step]] = defaultdict(list)
        for step in self._steps:
            for lot, _, _, _ in step.inputs:
                self._takers[lot].append(step)
        #: Lots that were known before, and their shares if they were made.
        self._stored = _stored(tables, db, {*self._made, *self._said.made, *self._takers})

    def _note_what_was_made(self) -> None:
        names = [said["lot"] for _, said, _ in self._lots]
        self._made = dict(zip(names, [position for position, _, _ in self._lots], strict=True))
        for step in self._steps:
            names += step.outputs
            self._made.update(dict.fromkeys(step.outputs, step.position))
        if len(self._made) < len(names):
            self._made_twice = {lot for lot, times in Counter(names).items() if times > 1}

    def taken(self, named: Mapping[str, int]) -> Taken:
        odd_lots = self._odd_lots(named)
        self._mark_odd_steps(odd_lots)
        lots = [lot for lot in self._lots if lot[1]["lot"] not in odd_lots]
        steps = [step for step in self._steps if not step.is_odd]
        odd = [position for position, said, _ in self._lots if said["lot"] in odd_lots]
        odd += [step.position for step in self._steps if step.is_odd]
        by_name = {lot[1]["lot"]: lot for lot in lots}
        self._share(steps, by_name)
        self._write(lots, steps, by_name)
        return Taken(lots, steps, odd, self._late(steps, by_name))

    # ------------------------------------------------------------------ what is odd

    def _odd_lots(self, named: Mapping[str, int]) -> set[str]:
        """Lots that were known before, or of which more is said than one report, or that the caller needs to see."""
        said, made = self._said, self._made
        odd = {*said.made, *self._made_twice, *(made.keys() & self._stored.keys())}
        odd.update([lot for lot in named.keys() & made.keys() if named[lot] < made[lot]])
        if said.corrected:
            odd.update([lot["lot"] for _, lot, leaf in self._lots if leaf["event_id"] in said.corrected])
        for step in self._steps:
            if step.event in said.corrected:
                odd.update(step.outputs)
        return odd

    def _is_late(self, step: Step) -> bool:
        """Whether what it made was taken before it came; by itself is before."""
        taken = [self._first_taken(lot) for lot in step.outputs]
        return any(at is not None and at <= step.position for at in taken)

    def _first_taken(self, lot: str) -> int | None:
        by_others = self._said.taken.get(lot)
        takers = self._takers.get(lot)
        if not takers:
            return by_others
        return takers[0].position if by_others is None else min(by_others, takers[0].position)

    def _mark_odd_steps(self, odd_lots: set[str]) -> None:
        """Steps that made something odd, or took what something odd changes: in the tables, and in this stretch."""
        self._mark_below(
            [*odd_lots, *_changed(self._tables, self._db, [lot for lot in odd_lots if lot in self._stored])]
        )
        for step in self._steps:
            if not step.is_odd and not odd_lots.isdisjoint(step.outputs):
                step.is_odd = True
                self._mark_below(step.outputs)
        for step in self._steps:
            step.is_late = self._is_late(step)
            # What goes round in a cycle has a step that came after its output was taken.
            if step.is_late and not step.is_odd and any(one is step for one in self._ordinary_below(step)):
                step.is_odd = True
                self._mark_below(step.outputs)

    def _mark_below(self, lots: Iterable[str]) -> None:
        waiting = list(lots)
        while waiting:
            for step in self._takers.get(waiting.pop(), ()):
                if not step.is_odd:
                    step.is_odd = True
                    waiting += step.outputs

    def _ordinary_below(self, root: Step) -> Iterator[Step]:
        seen: set[int] = set()
        waiting = [*root.outputs]
        while waiting:
            for step in self._takers.get(waiting.pop(), ()):
                if not step.is_odd and step.position not in seen:
                    seen.add(step.position)
                    waiting += step.outputs
                    yield step

    # ------------------------------------------------------------------ what is ordinary

    def _share(self, steps: Sequence[Step], lots: Mapping[str, Plain]) -> None:
        shares = {lot: known for lot, known in self._stored.items() if known is not None}
        late = []
        for name, takers in self._takers.items():
            lot = lots.get(name)
            if lot is None:
                continue
            first = next((step.position for step in takers if not step.is_odd), None)
            if first is not None and first < lot[0]:
                late.append((lot[0], name, shares_of(lot)))
            else:
                shares[name] = shares_of(lot)
        Blending(shares, late).share(steps)

    def _write(self, lots: Sequence[Plain], steps: Sequence[Step], by_name: Mapping[str, Plain]) -> None:
        tables, db = self._tables, self._db
        rows = [lot_row(lot) for lot in lots]
        known = {lot for step in steps for lot in step.outputs}
        taken = {given[0] for step in steps for given in step.inputs}
        unknown = [lot for lot in taken - known - self._stored.keys() if lot not in by_name]
        rows += [row for step in steps for row in step.lot_rows()]
        rows += [row_of_unknown(lot) for lot in unknown]
        db.copy_written(tables.lots, rows)
        db.copy_written(tables.makings, [row for step in steps for row in step.making_rows()])
        db.copy_written(tables.edges, [row for step in steps for row in step.edge_rows()])
        db.copy_written(tables.earlier_shares, [row for step in steps for row in step.earlier_rows()])

    def _late(self, steps: Sequence[Step], lots: Mapping[str, Plain]) -> list[Late]:
        """The shares that ordinary lots got after another step had taken them, and those that they had then."""
        made_by = {lot: step for step in steps for lot in step.outputs}
        first = dict(self._said.taken)
        for step in self._steps:
            if step.is_odd:
                for lot, _, _, _ in step.inputs:
                    first[lot] = min(step.position, first.get(lot, step.position))
        late: list[Late] = []
        for lot, taken in first.items():
            if lot in lots:
                versions = [(lots[lot][0], shares_of(lots[lot]))]
            elif lot in made_by:
                versions = made_by[lot].versions
            else:
                continue
            if versions[-1][0] > taken:
                late += [Late(position, lot, shares) for position, shares in versions]
        return late


def lots_made(report: Plain) -> Iterator[str]:
    """The lots that a report says were made."""
    said = report[1]
    yield said["lot"]
    for one in said.get("by_products", ()):
        if "lot" in one:
            yield one["lot"]


def _as_today(report: Plain) -> Plain:
    """A report of a tablet of the first years as it would be made today: what `LotCollectedV1.upcast` says."""
    position, said, leaf = report
    if leaf["type"] != LotCollectedV1.wire_name:
        return report
    said = said | {"mass_g": said["mass_kg"] * 1000, "delivered_to": f"workshop/{said['workshop']}"}
    return position, said, leaf


def _with_bases(tables: LineageTables, db: Db, steps: Sequence[Plain], others: Iterable[Recorded[Any]]) -> list[Step]:
    """Steps with what their products are weighed by, as it was defined last before each."""
    products = {said["product"] for _, said, _ in steps if "product" in said}
    defined = {product: [(0, basis)] for product, basis in db.by_key(tables.bases, products).values()}
    for recorded in others:
        event = recorded.event
        if isinstance(event, ProductDefined):
            defined.setdefault(event.product, []).append((recorded.position, event.origin_basis))

    def basis(position: int, product: str | None) -> str:
        before = [said for since, said in defined.get(product or "", ()) if since < position]
        return before[-1] if before else "mass"

    return [Step(one, basis(one[0], one[1].get("product"))) for one in steps]


def _stored(tables: LineageTables, db: Db, lots: Collection[str]) -> dict[str, Shares | None]:
    """Those of the lots that are known, with their shares; none of one that nobody has reported."""
    found = db.rows(
        f"SELECT lot, producers::text, ppm::text FROM {tables.lots.name} WHERE lot = ANY(%s::text[])",  # noqa: S608
        [array_text(lots)],
    )
    return {lot: _shares_said(producers, ppm) for lot, producers, ppm in found}


def _shares_said(producers: str, ppm: str) -> Shares | None:
    """Shares as PostgreSQL writes the two arrays; ids hold nothing that it escapes, but one may be called `null`."""
    if producers == "{}":
        return None
    ids = producers[1:-1].replace('"', "").split(",")
    return all_of(ids[0]) if len(ids) == 1 else Shares(tuple(ids), tuple(map(int, ppm[1:-1].split(","))))


def _changed(tables: LineageTables, db: Db, lots: Collection[str]) -> set[str]:
    """Lots of the tables that may be shared anew when these are made again or corrected."""
    if not lots:
        return set()
    along = db.rows(
        f"SELECT unnest(by_lots) FROM {tables.makings.name} WHERE lot = ANY(%s::text[])",  # noqa: S608 - its own name
        [array_text(lots)],
    )
    return below(tables, db, {*lots, *(lot for (lot,) in along)})


class _Said:
    """Which lots are made, corrected and taken by events that were read, or by corrections that wait for reports."""

    def __init__(
        self, tables: LineageTables, db: Db, others: Iterable[Recorded[Any]], unopened: Mapping[str, int]
    ) -> None:
        self.made: set[str] = set()
        self.corrected: set[str] = set()
        self.taken: dict[str, int] = {}  #: by the first of them, at which position
        reports = dict(unopened)
        for recorded in others:
            event = recorded.event
            if isinstance(event, REPORTS):
                reports[str(recorded.event_id)] = recorded.position
            elif isinstance(event, CORRECTIONS):
                self.corrected.add(event.corrects)
            else:
                continue
            self._note(content_of(event), recorded.position)
        for correction in _waiting_corrections(tables, db, reports):
            self.corrected.add(correction.corrects)
            self._note(corrected_content(correction), reports[correction.corrects])

    def _note(self, content: Content, position: int) -> None:
        self.made.update(outputs(content))
        for given in content.inputs:
            if position < self.taken.get(given.lot, position + 1):
                self.taken[given.lot] = position


def _waiting_corrections(tables: LineageTables, db: Db, reports: Mapping[str, int]) -> list[Correction]:
    """Corrections that came before what they correct.

    Of reports there are thousands, and of corrections few ever: all of these are looked at while they are fewer.
    """
    some = db.rows(f"SELECT corrects FROM {tables.corrections.name} LIMIT %s", [len(reports) + 1])  # noqa: S608
    asked = reports.keys() if len(some) > len(reports) else {corrects for (corrects,) in some} & reports.keys()
    return [Correction(*row) for row in db.where_in(tables.corrections, "corrects", asked)]
