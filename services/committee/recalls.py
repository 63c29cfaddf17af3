"""The rules of recalls: nobody starts, extends or ends one alone."""

from dataclasses import dataclass, replace
from typing import Literal

from events.catalogue.base import Decision
from events.catalogue.committee import RecallClosed, RecallExtended, RecallRoot, RecallStarted, RecallTickedOff
from events.catalogue.values import RegionCode
from services.committee.assessment import Seat, all_sit_for
from services.decider import Decider, Proposal, must_be_two
from services.errors import Refused


class RecallAlreadyStarted(Refused):
    """A recall of this id was started before."""

    advice = "Extend it, or start another under another id."


class RecallNotOpen(Refused):
    """There is no open recall of this id."""

    advice = "Check the id; a closed recall is not opened again."


class RootsMissing(Refused):
    """A recall names what it starts from, and names each thing once."""

    advice = "Name a lot, a step, a material lot or a supplier that is not in the recall yet."


class AlreadyTickedOff(Refused):
    """This outlet ticked this batch off before."""

    advice = "Nothing needs to be done; a wrong count is corrected by a stock count."


class NotTheirRecall(Refused):
    """Only members of the committee in whose region the recalled things were made start, extend and end a recall."""

    advice = "Name two members of that committee; where no region is known, of any committee."


class StartRecall(Proposal[RecallStarted]):
    """Call back everything reachable from the roots; two members."""

    seats: tuple[Seat, ...] = ()  #: who decides it
    regions: tuple[RegionCode, ...] = ()  #: where its roots were gathered or made, as far as the log says


class ExtendRecall(Proposal[RecallExtended]):
    """Bring more roots under a recall; two members."""

    seats: tuple[Seat, ...] = ()
    regions: tuple[RegionCode, ...] = ()


class TickOffRecall(Proposal[RecallTickedOff]):
    """An outlet took a recalled batch off its shelves and counted it."""

    def refers_to(self) -> tuple[str, ...]:
        return (f"outlet/{self.event.outlet}",)


class CloseRecall(Proposal[RecallClosed]):
    """End a recall; two members."""

    seats: tuple[Seat, ...] = ()
    regions: tuple[RegionCode, ...] = ()


RecallCommand = StartRecall | ExtendRecall | TickOffRecall | CloseRecall


@dataclass(frozen=True, slots=True)
class Recall:
    """What is remembered of one recall."""

    standing: Literal["none", "open", "closed"] = "none"
    roots: frozenset[RecallRoot] = frozenset()
    ticked_off: frozenset[tuple[str, str]] = frozenset()  #: outlet and batch


def decide_recall(command: RecallCommand, recall: Recall) -> list[Decision]:
    match command:
        case StartRecall(event=started):
            must_be_two(started.members)
            _must_be_theirs(command)
            if recall.standing != "none":
                raise RecallAlreadyStarted(field="recall")
            _must_be_new_roots(started.roots, recall)
        case ExtendRecall(event=extended):
            must_be_two(extended.members)
            _must_be_theirs(command)
            _must_be_open_recall(recall)
            _must_be_new_roots(extended.roots, recall)
        case TickOffRecall(event=ticked):
            _must_be_open_recall(recall)
            if (ticked.outlet, ticked.batch) in recall.ticked_off:
                raise AlreadyTickedOff(field="batch")
        case CloseRecall(event=closed):
            must_be_two(closed.members)
            _must_be_theirs(command)
            _must_be_open_recall(recall)
    return [command.event]


def _must_be_theirs(command: StartRecall | ExtendRecall | CloseRecall) -> None:
    if not command.seats or not all_sit_for(command.seats, command.regions):
        raise NotTheirRecall(field="members")


def _must_be_open_recall(recall: Recall) -> None:
    if recall.standing != "open":
        raise RecallNotOpen(field="recall")


def _must_be_new_roots(roots: tuple[RecallRoot, ...], recall: Recall) -> None:
    if not roots or len(set(roots)) != len(roots) or not recall.roots.isdisjoint(roots):
        raise RootsMissing(field="roots")


def evolve_recall(recall: Recall, event: Decision) -> Recall:
    match event:
        case RecallStarted():
            return Recall("open", frozenset(event.roots))
        case RecallExtended():
            return replace(recall, roots=recall.roots | set(event.roots))
        case RecallTickedOff():
            return replace(recall, ticked_off=recall.ticked_off | {(event.outlet, event.batch)})
        case RecallClosed():
            return replace(recall, standing="closed")
        case _:
            return recall


RECALL: Decider[RecallCommand, Recall, Decision] = Decider(Recall(), decide_recall, evolve_recall)
