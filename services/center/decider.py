"""The center's decisions: buyers, orders, answers to makers who asked for advice."""

from dataclasses import dataclass

from events.catalogue.base import Decision, Event, Fact
from events.catalogue.center import (
    BrandMaterialIssued,
    BuyerIntroduced,
    ConsultationAnswered,
    ConsultationRequested,
    OrderDelivered,
    OrderPlaced,
    TrainingHeld,
)
from services.decider import Decider, Proposal
from services.errors import NotFound, Refused

#: What the center and those it works with report; nothing of it is ever refused.
FACTS: tuple[type[Fact], ...] = (ConsultationRequested, TrainingHeld, OrderDelivered, BrandMaterialIssued)


class BuyerAlreadyKnown(Refused):
    """A buyer of this id was introduced before."""

    advice = "Choose another id for another buyer."


class OrderAlreadyPlaced(Refused):
    """An order of this id was placed before."""

    advice = "Choose another id for another order."


class QuotasExceedOrder(Refused):
    """The villages' quotas add up to more than was ordered, or name a village twice."""

    advice = "Lower the quotas; what is left over is nobody's yet."


class NobodyAsked(NotFound):
    """No maker asked this question."""

    advice = "Report the request first (ConsultationRequested)."


class AlreadyAnswered(Refused):
    """This question was answered before; it is answered once."""

    advice = "Let the maker ask anew."


class IntroduceBuyer(Proposal[BuyerIntroduced]):
    """Enter a buyer whom the center found."""


class PlaceOrder(Proposal[OrderPlaced]):
    """Enter a buyer's order at its contract price."""

    def refers_to(self) -> tuple[str, ...]:
        order = self.event
        sample = () if order.sample is None else (f"lot/{order.sample}",)
        return (
            f"buyer/{order.buyer}",
            f"product/{order.product}",
            *(f"village/{quota.village}" for quota in order.quotas),
            *sample,
        )


class AnswerConsultation(Proposal[ConsultationAnswered]):
    """Answer a maker, once."""


CenterCommand = IntroduceBuyer | PlaceOrder | AnswerConsultation


@dataclass(frozen=True, slots=True)
class Matter:
    """What the stream of a buyer, an order or a consultation has seen."""

    begun: bool = False
    asked: bool = False
    answered: bool = False


def decide(command: CenterCommand, matter: Matter) -> list[Decision]:
    match command:
        case IntroduceBuyer():
            if matter.begun:
                raise BuyerAlreadyKnown(field="buyer")
        case PlaceOrder(event=order):
            if matter.begun:
                raise OrderAlreadyPlaced(field="order")
            villages = [quota.village for quota in order.quotas]
            if len(set(villages)) != len(villages) or sum(quota.units for quota in order.quotas) > order.units:
                raise QuotasExceedOrder(field="quotas")
        case AnswerConsultation():
            if not matter.asked:
                raise NobodyAsked(field="consultation")
            if matter.answered:
                raise AlreadyAnswered(field="consultation")
    return [command.event]


def evolve(matter: Matter, event: Event) -> Matter:
    match event:
        case BuyerIntroduced() | OrderPlaced():
            return Matter(begun=True)
        case ConsultationRequested():
            return Matter(asked=True, answered=matter.answered)
        case ConsultationAnswered():
            return Matter(asked=matter.asked, answered=True)
        case _:
            return matter  # a delivery may be reported before its order; it decides nothing


CENTER: Decider[CenterCommand, Matter, Event] = Decider(Matter(), decide, evolve)
