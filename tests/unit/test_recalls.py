"""The rules of recalls: started, extended and closed by two members, ticked off by each outlet."""

import pytest

from services.committee import recalls
from services.committee.assessment import Seat
from services.committee.recalls import RECALL
from services.decider import Command, TwoMembersNeeded
from tests import make
from tests.given import given

STARTED, EXTENDED, TICKED, CLOSED = (
    make.recall_started(),
    make.recall_extended(),
    make.recall_ticked_off(),
    make.recall_closed(),
)
SEATS = make.seats(*make.MEMBERS)
START, EXTEND, TICK, CLOSE = (
    recalls.StartRecall(event=STARTED, seats=SEATS),
    recalls.ExtendRecall(event=EXTENDED, seats=SEATS),
    recalls.TickOffRecall(event=TICKED),
    recalls.CloseRecall(event=CLOSED, seats=SEATS),
)


def test_a_recall_is_started_extended_ticked_off_and_closed() -> None:
    given(RECALL).when(START).then(STARTED)
    given(RECALL, STARTED).when(EXTEND).then(EXTENDED)
    given(RECALL, STARTED, EXTENDED).when(TICK).then(TICKED)
    given(RECALL, STARTED, TICKED).when(CLOSE).then(CLOSED)


def test_nobody_starts_extends_or_closes_a_recall_alone() -> None:
    alone = ("user/member-1",)
    given(RECALL).when(recalls.StartRecall(event=make.recall_started(members=alone))).then_refused(TwoMembersNeeded)
    given(RECALL, STARTED).when(recalls.ExtendRecall(event=make.recall_extended(members=alone))).then_refused(
        TwoMembersNeeded
    )
    given(RECALL, STARTED).when(recalls.CloseRecall(event=make.recall_closed(members=alone))).then_refused(
        TwoMembersNeeded
    )


def test_a_recall_is_started_once() -> None:
    given(RECALL, STARTED).when(START).then_refused(recalls.RecallAlreadyStarted)
    given(RECALL, STARTED, CLOSED).when(START).then_refused(recalls.RecallAlreadyStarted)


@pytest.mark.parametrize("command", [EXTEND, TICK, CLOSE])
def test_nothing_is_done_to_a_recall_that_is_not_open(command: Command) -> None:
    given(RECALL).when(command).then_refused(recalls.RecallNotOpen)
    given(RECALL, STARTED, CLOSED).when(command).then_refused(recalls.RecallNotOpen)


def test_a_recall_names_its_roots_and_each_of_them_once() -> None:
    nothing = recalls.StartRecall(event=make.recall_started(roots=()), seats=SEATS)
    given(RECALL).when(nothing).then_refused(recalls.RootsMissing)
    again = recalls.ExtendRecall(event=make.recall_extended(roots=STARTED.roots), seats=SEATS)
    given(RECALL, STARTED).when(again).then_refused(recalls.RootsMissing)


def test_an_outlet_ticks_a_batch_off_once() -> None:
    given(RECALL, STARTED, TICKED).when(TICK).then_refused(recalls.AlreadyTickedOff)


def test_only_an_outlet_that_is_known_ticks_off() -> None:
    assert TICK.refers_to() == (f"outlet/{TICKED.outlet}",)


NARYN = make.seats(*make.MEMBERS, region="KG-N")
MIXED = (*make.seats(make.MEMBERS[0]), *make.seats(make.MEMBERS[1], region="KG-N"))
NO_MEMBERS = tuple(seat.model_copy(update={"roles": ()}) for seat in SEATS)


@pytest.mark.parametrize("seats", [(), NO_MEMBERS, NARYN, MIXED])
def test_only_the_committee_of_the_region_in_which_it_was_made_recalls(seats: tuple[Seat, ...]) -> None:
    for history, command in (((), START), ((STARTED,), EXTEND), ((STARTED,), CLOSE)):
        asked = command.model_copy(update={"seats": seats, "regions": ("KG-Y",)})
        given(RECALL, *history).when(asked).then_refused(recalls.NotTheirRecall)


def test_of_several_regions_each_member_is_of_one_and_of_none_any_committee_decides() -> None:
    both = START.model_copy(update={"seats": MIXED, "regions": ("KG-N", "KG-Y")})
    nowhere = START.model_copy(update={"seats": NARYN, "regions": ()})
    everywhere = START.model_copy(update={"seats": make.seats(*make.MEMBERS, region=None), "regions": ("KG-Y",)})

    for asked in (both, nowhere, everywhere):
        given(RECALL).when(asked).then(STARTED)
    strangers = nowhere.model_copy(update={"seats": NO_MEMBERS})
    given(RECALL).when(strangers).then_refused(recalls.NotTheirRecall)
