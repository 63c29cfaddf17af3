"""The rules of master data."""

from datetime import date
from typing import Any

import pytest

from events.catalogue.base import Decision
from services.decider import Command, Proposal
from services.errors import Malformed, Refused
from services.network import decider as rules
from services.network.decider import NETWORK, EnrollTill, FoundNetwork, GrantRole, WithdrawRole
from tests import make
from tests.given import given

OPENINGS: list[tuple[type[Proposal[Any]], Decision]] = [
    (rules.JoinRegion, make.region_joined()),
    (rules.RegisterVillage, make.village_registered()),
    (rules.RegisterProducer, make.producer_registered()),
    (rules.RegisterSupplier, make.supplier_registered()),
    (rules.OpenWorkshop, make.workshop_opened()),
    (rules.OpenOutlet, make.outlet_opened()),
    (rules.DefineProduct, make.product_defined()),
    (FoundNetwork, make.network_founded()),
]
ENDINGS: list[tuple[type[Proposal[Any]], Decision, Decision]] = [
    (rules.RetireProducer, make.producer_registered(), make.producer_retired()),
    (rules.CloseWorkshop, make.workshop_opened(), make.workshop_closed()),
    (rules.CloseOutlet, make.outlet_opened(), make.outlet_closed()),
    (rules.RetireProduct, make.product_defined(), make.product_retired()),
    (rules.RevokeTill, make.till_enrolled(), make.till_revoked()),
]
TILL = make.till_enrolled()
ENROLL = EnrollTill(till=TILL.till, outlet=TILL.outlet, key_id=TILL.key_id)
GRANTED = make.role_granted()
GRANT = GrantRole(to=GRANTED.actor, role=GRANTED.role, region=GRANTED.region, place=GRANTED.place)
WITHDRAW = WithdrawRole(to=GRANTED.actor, role=GRANTED.role, region=GRANTED.region, place=GRANTED.place)


@pytest.mark.parametrize(("asks", "event"), OPENINGS)
def test_a_thing_is_entered_once_and_its_id_is_never_given_again(asks: type[Proposal[Any]], event: Decision) -> None:
    given(NETWORK).when(asks(event=event)).then(event)
    given(NETWORK, event).when(asks(event=event)).then_refused(rules.AlreadyKnown)


@pytest.mark.parametrize(("asks", "opened", "ended"), ENDINGS)
def test_what_ended_stays_ended_and_what_never_was_cannot_end(
    asks: type[Proposal[Any]], opened: Decision, ended: Decision
) -> None:
    given(NETWORK, opened).when(asks(event=ended)).then(ended)
    given(NETWORK).when(asks(event=ended)).then_refused(rules.NeverEntered)
    given(NETWORK, opened, ended).when(asks(event=ended)).then_refused(rules.AlreadyEnded)


def test_an_id_that_ended_is_not_entered_again() -> None:
    again = rules.RegisterProducer(event=make.producer_registered())
    given(NETWORK, make.producer_registered(), make.producer_retired()).when(again).then_refused(rules.AlreadyEnded)


@pytest.mark.parametrize(
    ("asks", "opened", "ended"),
    [
        (rules.RetireProducer, make.producer_registered(), make.producer_retired(retired_on=date(2012, 2, 29))),
        (rules.CloseWorkshop, make.workshop_opened(), make.workshop_closed(closed_on=date(2012, 3, 31))),
        (rules.CloseOutlet, make.outlet_opened(), make.outlet_closed(closed_on=date(2012, 4, 30))),
    ],
)
def test_nothing_ends_before_it_began(asks: type[Proposal[Any]], opened: Decision, ended: Decision) -> None:
    given(NETWORK, opened).when(asks(event=ended)).then_refused(rules.EndsBeforeItBegan)


@pytest.mark.parametrize(
    "command",
    [
        rules.RegisterProducer(event=make.producer_registered(producer="unknown")),
        rules.RegisterVillage(event=make.village_registered(village="unknown")),
    ],
)
def test_the_name_of_unknown_origin_is_given_to_nobody(command: Command) -> None:
    given(NETWORK).when(command).then_refused(rules.NameReserved)


def test_only_the_network_of_this_installation_is_founded_here() -> None:
    founded = make.network_founded(network="kz")
    given(NETWORK).when(FoundNetwork(event=founded, here="kg")).then_refused(rules.AnotherNetwork)
    given(NETWORK).when(FoundNetwork(event=founded, here="kz")).then(founded)


def test_a_village_that_is_there_comes_under_another_district() -> None:
    moved = make.village_reassigned()
    given(NETWORK, make.village_registered()).when(rules.ReassignVillage(event=moved)).then(moved)
    given(NETWORK).when(rules.ReassignVillage(event=moved)).then_refused(rules.NeverEntered)


def test_a_price_begins_no_earlier_than_the_last_one() -> None:
    price = make.price_set()
    earlier = make.price_set(effective_from=date.fromordinal(price.effective_from.toordinal() - 1))
    given(NETWORK).when(rules.SetPrice(event=price)).then(price)
    given(NETWORK, price).when(rules.SetPrice(event=price)).then(price)
    given(NETWORK, price).when(rules.SetPrice(event=earlier)).then_refused(rules.PriceBackdated)


def test_a_till_is_enrolled_once_and_after_its_revocation_only_under_another_name() -> None:
    given(NETWORK).when(ENROLL).then(TILL)
    given(NETWORK, TILL).when(ENROLL).then_refused(rules.AlreadyKnown)
    given(NETWORK, TILL, make.till_revoked()).when(ENROLL).then_refused(rules.AlreadyEnded)


def test_a_role_is_granted_and_withdrawn_and_granted_again() -> None:
    withdrawn = make.role_withdrawn(**GRANTED.model_dump())
    given(NETWORK).when(GRANT).then(GRANTED)
    given(NETWORK, GRANTED).when(GRANT).then_refused(rules.RoleAlreadyHeld)
    given(NETWORK, GRANTED).when(WITHDRAW).then(withdrawn)
    given(NETWORK).when(WITHDRAW).then_refused(rules.RoleNotHeld)
    given(NETWORK, GRANTED, withdrawn).when(GRANT).then(GRANTED)


def test_a_role_at_one_place_is_not_the_same_role_at_another() -> None:
    elsewhere = GrantRole(to=GRANTED.actor, role=GRANTED.role, region="KG-O", place=None)
    given(NETWORK, GRANTED).when(elsewhere).then(
        make.role_granted(actor=GRANTED.actor, role=GRANTED.role, region="KG-O", place=None)
    )


PRODUCER = make.producer_registered()
ON_LABEL, ON_FILM = make.consent_given(), make.consent_given(purpose="film")
WITHDRAWN = make.consent_withdrawn(purpose=ON_LABEL.purpose)


def withdraw(version: int | None) -> rules.WithdrawConsent:
    """Take back what was agreed in the event of this version of the producer's stream."""
    return rules.WithdrawConsent(event=WITHDRAWN, named_version=version)


def test_consent_is_given_by_somebody_known_and_taken_back_once() -> None:
    given(NETWORK).when(rules.GiveConsent(event=ON_LABEL)).then_refused(rules.NeverEntered)
    given(NETWORK, PRODUCER).when(rules.GiveConsent(event=ON_LABEL)).then(ON_LABEL)
    given(NETWORK, PRODUCER, ON_LABEL).when(withdraw(2)).then(WITHDRAWN)
    given(NETWORK, PRODUCER).when(withdraw(2)).then_refused(rules.NoSuchConsent)
    given(NETWORK, PRODUCER, ON_LABEL, WITHDRAWN).when(withdraw(2)).then_refused(rules.NoSuchConsent)


def test_a_consent_is_taken_back_by_naming_the_event_in_which_it_was_given() -> None:
    given(NETWORK, PRODUCER, ON_LABEL).when(withdraw(None)).then_refused(rules.NoSuchConsent)
    given(NETWORK, PRODUCER, ON_LABEL).when(withdraw(1)).then_refused(rules.NoSuchConsent)
    given(NETWORK, PRODUCER, ON_LABEL, ON_FILM).when(withdraw(2)).then(WITHDRAWN)
    given(NETWORK, PRODUCER, ON_LABEL, ON_FILM).when(withdraw(3)).then_refused(rules.ConsentOfAnotherPurpose)


def test_a_consent_taken_back_and_given_again_is_the_second_one() -> None:
    again = given(NETWORK, PRODUCER, ON_LABEL, WITHDRAWN, ON_LABEL)
    again.when(withdraw(2)).then_refused(rules.NoSuchConsent)
    again.when(withdraw(4)).then(WITHDRAWN)


def test_a_withdrawal_ends_every_consent_of_its_purpose_and_of_no_other() -> None:
    twice = given(NETWORK, PRODUCER, ON_LABEL, ON_FILM, ON_LABEL, WITHDRAWN)
    twice.when(withdraw(2)).then_refused(rules.NoSuchConsent)
    film = make.consent_withdrawn(purpose="film")
    twice.when(rules.WithdrawConsent(event=film, named_version=3)).then(film)


def test_what_a_command_names_is_looked_up_before_it_is_decided() -> None:
    assert rules.RegisterVillage(event=make.village_registered()).refers_to() == ("region/kg-y",)
    assert rules.RegisterProducer(event=make.producer_registered()).refers_to() == ("village/tosor",)
    assert rules.OpenOutlet(event=make.outlet_opened(village="tosor")).refers_to() == ("region/kg-y", "village/tosor")
    assert rules.SetPrice(event=make.price_set()).refers_to() == ("product/apricot-jam-300",)
    assert ENROLL.refers_to() == ("outlet/karakol",)


def test_a_command_with_wrong_fields_is_malformed_and_says_which() -> None:
    with pytest.raises(Malformed) as found:
        rules.RegisterProducer.parse(b'{"producer": "p-1", "village": 7, "colour": "red"}')
    assert {problem.field for problem in found.value.problems} == {"village", "joined_on", "colour"}


def test_every_refusal_says_what_is_wrong_and_what_to_do() -> None:
    for kind in (value for value in vars(rules).values() if isinstance(value, type) and issubclass(value, Refused)):
        assert kind.message().endswith("."), kind
        assert kind is Refused or kind.advice.endswith(".") or kind.__module__ == "services.errors", kind
