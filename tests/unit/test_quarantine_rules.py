"""What may be done about a message in quarantine, and what no more."""

from events.catalogue.base import Event
from services.quarantine.decider import (
    QUARANTINE,
    AlreadyDealtWith,
    Dismiss,
    NotInQuarantine,
    SentAgain,
)
from tests import make
from tests.given import given

WHY = "old_tablet"
KEPT: Event = make.message_quarantined()
DISMISSED: Event = make.quarantine_resolved(resolution="dismissed", resubmitted_as=None)
MAPPED: Event = make.quarantine_resolved()


def dismiss() -> Dismiss:
    return Dismiss(quarantine="quarantine-1", reason=WHY)


def sent_again() -> SentAgain:
    return SentAgain(
        quarantine="quarantine-1", reason=WHY, resolution="mapped", resubmitted_as=make.EVENT_ID, mapping=b"[]"
    )


def test_a_message_is_dismissed_once() -> None:
    given(QUARANTINE, KEPT).when(dismiss()).then(DISMISSED)
    given(QUARANTINE, KEPT, DISMISSED).when(dismiss()).then_refused(AlreadyDealtWith)


def test_a_message_comes_through_the_door_again_at_most_once() -> None:
    given(QUARANTINE, KEPT).when(sent_again()).then(MAPPED)
    given(QUARANTINE, KEPT, MAPPED).when(sent_again()).then_refused(AlreadyDealtWith)
    given(QUARANTINE, KEPT, MAPPED).when(dismiss()).then_refused(AlreadyDealtWith)


def test_what_was_dismissed_by_mistake_can_still_be_sent_again() -> None:
    given(QUARANTINE, KEPT, DISMISSED).when(sent_again()).then(MAPPED)


def test_nothing_can_be_done_about_a_message_that_nobody_sent() -> None:
    given(QUARANTINE).when(dismiss()).then_refused(NotInQuarantine)
    given(QUARANTINE).when(sent_again()).then_refused(NotInQuarantine)
