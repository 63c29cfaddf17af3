"""Lots of a long build that are ordinary: gathered and delivered, two thirds of the lots of a network.

A lot is ordinary when all that its batch and the tables say of its making is the one report of its collection. Then
its row follows from that report alone, and is written before the batch is folded. Steps of the batch that took the lot
before it came are told of it at its position (`Late`).
"""

from collections import Counter
from collections.abc import Collection, Iterable, Sequence
from typing import Any, NamedTuple

from events.catalogue.base import Recorded
from projections.base import Db
from projections.in_bulk import Plain
from projections.lineage import WHOLE_PPM
from projections.lineage_image import Late
from projections.lineage_reports import CORRECTIONS, REPORTS, Content, content_of, corrected_content, outputs
from projections.lineage_tables import Correction, LineageTables
from projections.statements import array_text


class Taken(NamedTuple):
    """What became of the collected lots of a stretch of the log."""

    ordinary: Sequence[Plain]  #: they have their rows
    odd: Sequence[int]  #: positions of those to be opened and folded one by one
    late: Sequence[Late]  #: ordinary ones that were taken by a step before they came


def take_ordinary(
    tables: LineageTables,
    db: Db,
    collected: Sequence[Plain],
    others: Sequence[Recorded[Any]],
    careful: Collection[str] = (),
) -> Taken:
    """Write the rows of ordinary lots among those `collected`; `others` are the stretch's events that were read.

    Lots in `careful` are not ordinary to the caller, who needs to see them come.
    """
    if not collected:
        return Taken((), (), ())
    said = _Said(tables, db, others)
    names = [lot["lot"] for _, lot, _ in collected]
    odd_lots = said.made | _known(tables, db, names) | {lot for lot, times in Counter(names).items() if times > 1}
    odd_lots.update(careful)
    corrected = said.corrected | _corrected(tables, db, [leaf["event_id"] for _, _, leaf in collected])
    ordinary, odd, late = [], [], []
    for name, one in zip(names, collected, strict=True):
        position, lot, leaf = one
        if name in odd_lots or leaf["event_id"] in corrected:
            odd.append(position)
            continue
        ordinary.append(one)
        if name in said.taken and said.taken[name] < position:
            late.append(Late(position, name, lot["producer"]))
    db.copy_written(tables.lots, [_row(lot) for lot in ordinary])
    return Taken(ordinary, odd, late)


def _known(tables: LineageTables, db: Db, lots: Collection[str]) -> set[str]:
    found = db.rows(f"SELECT lot FROM {tables.lots.name} WHERE lot = ANY(%s::text[])", [array_text(lots)])  # noqa: S608
    return {lot for (lot,) in found}


def _corrected(tables: LineageTables, db: Db, reports: Collection[str]) -> set[str]:
    return {row[0] for row in db.where_in(tables.corrections, "corrects", reports)}


def _row(lot: Plain) -> str:
    """What `LineageFold` writes of a lot that begins."""
    position, said, leaf = lot
    producer = said["producer"]
    return (
        f"{said['lot']}\tt\tcollected\t{producer}\tNone\tNone\tNone\t{said['material']}\t{said['delivered_to']}"
        f"\t{said['mass_g']}\t{said.get('pieces', 0)}\t{leaf['occurred_at']}\t{position}\t{position}"
        f"\t{leaf['event_id']}\t{position}\t{{{producer}}}\t{{{WHOLE_PPM}}}\n"
    )


class _Said:
    """Which lots are made, corrected and taken by events that were read, or by corrections that waited for these."""

    def __init__(self, tables: LineageTables, db: Db, others: Iterable[Recorded[Any]]) -> None:
        self.made: set[str] = set()
        self.corrected: set[str] = set()
        self.taken: dict[str, int] = {}  #: by the first of them, at which position
        reports: dict[str, int] = {}
        for recorded in others:
            event = recorded.event
            if isinstance(event, REPORTS):
                reports[str(recorded.event_id)] = recorded.position
            elif isinstance(event, CORRECTIONS):
                self.corrected.add(event.corrects)
            else:
                continue
            self._note(content_of(event), recorded.position)
        for row in db.where_in(tables.corrections, "corrects", reports):
            correction = Correction(*row)
            self._note(corrected_content(correction), reports[correction.corrects])

    def _note(self, content: Content, position: int) -> None:
        self.made.update(outputs(content))
        for given in content.inputs:
            if position < self.taken.get(given.lot, position + 1):
                self.taken[given.lot] = position
