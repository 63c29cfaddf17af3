"""The network's master data: what may be entered, changed and ended. One short stream for each thing."""

from collections.abc import Mapping
from dataclasses import dataclass, field, replace
from datetime import date

from events.catalogue.base import Decision, Event
from events.catalogue.network import (
    ConsentGiven,
    ConsentWithdrawn,
    NetworkFounded,
    OutletClosed,
    OutletOpened,
    PriceSet,
    ProducerRegistered,
    ProducerRetired,
    ProductDefined,
    ProductRetired,
    RegionJoined,
    Role,
    RoleGranted,
    RoleWithdrawn,
    SupplierRegistered,
    TillEnrolled,
    TillRevoked,
    VillageReassigned,
    VillageRegistered,
    WorkshopClosed,
    WorkshopOpened,
)
from events.catalogue.values import ActorId, Id, OutletId, Place, RegionCode, TillId
from services.decider import Command, Decider, Proposal
from services.errors import NotFound, Refused

UNKNOWN = "unknown"

#: A role, and the region and the place it is held for.
HeldRole = tuple[Role, RegionCode | None, Place | None]


class AlreadyKnown(Refused):
    """This id was given to something before, and ids are never given twice."""

    advice = "Choose another id; if you repeated a request, send it with its first id to get its receipt."


class NeverEntered(NotFound):
    """Nothing of this id was ever entered."""

    advice = "Check the id, or enter it first."


class AlreadyEnded(Refused):
    """This has ended before: closed, retired or revoked things stay so."""

    advice = "Enter a new one under a new id."


class NameReserved(Refused):
    """'unknown' stands for origin that nobody knows and cannot be given to anybody."""

    advice = "Choose another id."


class AnotherNetwork(Refused):
    """This installation keeps the log of another network."""

    advice = "Set OVOP_NETWORK, or found the network that it names."


class PriceBackdated(Refused):
    """A list price cannot begin before the one agreed last."""

    advice = "Let it begin on the same day as the last one, or later."


class EndsBeforeItBegan(Refused):
    """It cannot end before the day on which it began."""

    advice = "Check the day."


class RoleNotHeld(Refused):
    """The actor does not hold this role there."""

    advice = "See which roles the actor holds; name the same region and place as in the grant."


class RoleAlreadyHeld(Refused):
    """The actor holds this role there already."""

    advice = "Nothing needs to be done."


class NoSuchConsent(Refused):
    """There is no such consent of this producer, or it was withdrawn before."""

    advice = "Name the event in which the consent was given."


class ConsentOfAnotherPurpose(Refused):
    """The consent that is named was given for another purpose."""

    advice = "Name the event in which consent was given for this purpose, or the purpose of the one named."


class FoundNetwork(Proposal[NetworkFounded]):
    """Begin the log: name the network and fix its clock for ever."""

    here: Id = "kg"  #: the network whose log this installation keeps


class JoinRegion(Proposal[RegionJoined]):
    """Take an oblast or a city in, with its brand committee."""


class RegisterVillage(Proposal[VillageRegistered]):
    """Enter a village."""

    def refers_to(self) -> tuple[str, ...]:
        return (f"region/{self.event.region.lower()}",)


class ReassignVillage(Proposal[VillageReassigned]):
    """Put a village under another aimak or district from a day on."""


class RegisterProducer(Proposal[ProducerRegistered]):
    """Enter a villager or household under a pseudonym."""

    def refers_to(self) -> tuple[str, ...]:
        return (f"village/{self.event.village}",)


class RetireProducer(Proposal[ProducerRetired]):
    """A producer leaves."""


class RegisterSupplier(Proposal[SupplierRegistered]):
    """Enter somebody who delivers sugar, jars, dye."""


class OpenWorkshop(Proposal[WorkshopOpened]):
    """Open a processing place in a village."""

    def refers_to(self) -> tuple[str, ...]:
        return (f"village/{self.event.village}",)


class CloseWorkshop(Proposal[WorkshopClosed]):
    """Close a workshop."""


class OpenOutlet(Proposal[OutletOpened]):
    """Open a shop."""

    def refers_to(self) -> tuple[str, ...]:
        village = () if self.event.village is None else (f"village/{self.event.village}",)
        return (f"region/{self.event.region.lower()}", *village)


class CloseOutlet(Proposal[OutletClosed]):
    """Close a shop for good."""


class DefineProduct(Proposal[ProductDefined]):
    """Enter a product type."""


class RetireProduct(Proposal[ProductRetired]):
    """End a product type."""


class SetPrice(Proposal[PriceSet]):
    """Set the list price of a product in a channel from a day on."""

    def refers_to(self) -> tuple[str, ...]:
        return (f"product/{self.event.product}",)


class EnrollTill(Command):
    """Let a device report for an outlet. `key_id` names the credential made for it."""

    till: TillId
    outlet: OutletId
    key_id: Id

    @classmethod
    def writes(cls) -> tuple[type[Event], ...]:
        return (TillEnrolled,)

    def stream(self) -> str:
        return f"till/{self.till}"

    def refers_to(self) -> tuple[str, ...]:
        return (f"outlet/{self.outlet}",)


class RevokeTill(Proposal[TillRevoked]):
    """End what a device may do: lost, stolen, replaced."""


class RoleCommand(Command):
    """A change of what an actor (`to`) may do, within a region or at a place when one is named."""

    to: ActorId
    role: Role
    region: RegionCode | None = None
    place: Place | None = None

    def stream(self) -> str:
        return f"actor/{self.to}"

    def held(self) -> HeldRole:
        return (self.role, self.region, self.place)


class GrantRole(RoleCommand):
    """Let an actor act in a role."""

    @classmethod
    def writes(cls) -> tuple[type[Event], ...]:
        return (RoleGranted,)


class WithdrawRole(RoleCommand):
    """Let an actor act in a role no more."""

    @classmethod
    def writes(cls) -> tuple[type[Event], ...]:
        return (RoleWithdrawn,)


class GiveConsent(Proposal[ConsentGiven]):
    """A producer agrees that personal values are used for one purpose."""


class WithdrawConsent(Proposal[ConsentWithdrawn]):
    """A producer takes a consent back. `named_version`: of the event it names, on the stream; None: it is not there."""

    named_version: int | None = None


@dataclass(frozen=True, slots=True)
class Entry:
    """What is remembered of one thing: whether it is there, since when, and what may not be done twice."""

    known: bool = False
    ended: bool = False
    began_on: date | None = None
    version: int = 0  #: events so far
    consents: Mapping[int, str] = field(default_factory=dict)  #: purposes agreed to now, by the version that says so
    roles: frozenset[HeldRole] = field(default_factory=frozenset)


def decide(command: Command, entry: Entry) -> list[Decision]:
    match command:
        case FoundNetwork(event=event, here=here) if event.network != here:
            raise AnotherNetwork(field="network")
        case (
            RegisterVillage(event=VillageRegistered(village=name))
            | RegisterProducer(event=ProducerRegistered(producer=name))
        ) if name == UNKNOWN:
            raise NameReserved(field=_thing(command))
        case (
            FoundNetwork()
            | JoinRegion()
            | RegisterVillage()
            | RegisterProducer()
            | RegisterSupplier()
            | OpenWorkshop()
            | OpenOutlet()
            | DefineProduct()
        ):
            _must_be_new(command, entry)
            return [command.event]
        case EnrollTill():
            _must_be_new(command, entry)
            return [TillEnrolled(till=command.till, outlet=command.outlet, key_id=command.key_id)]
        case SetPrice(event=price):
            if entry.began_on is not None and price.effective_from < entry.began_on:
                raise PriceBackdated(field="effective_from")
            return [price]
        case GrantRole():
            if command.held() in entry.roles:
                raise RoleAlreadyHeld(field="role")
            return [RoleGranted(actor=command.to, role=command.role, region=command.region, place=command.place)]
        case WithdrawRole():
            if command.held() not in entry.roles:
                raise RoleNotHeld(field="role")
            return [RoleWithdrawn(actor=command.to, role=command.role, region=command.region, place=command.place)]
        case (
            RetireProducer(event=ProducerRetired(retired_on=last_day))
            | CloseWorkshop(event=WorkshopClosed(closed_on=last_day))
            | CloseOutlet(event=OutletClosed(closed_on=last_day))
        ):
            _must_be_there(command, entry)
            if entry.began_on is not None and last_day < entry.began_on:
                raise EndsBeforeItBegan(field="retired_on" if isinstance(command, RetireProducer) else "closed_on")
            return [command.event]
        case ReassignVillage() | RetireProduct() | RevokeTill() | GiveConsent():
            _must_be_there(command, entry)
            return [command.event]
        case WithdrawConsent(event=withdrawn, named_version=named):
            purpose = None if named is None else entry.consents.get(named)
            if purpose is None:
                raise NoSuchConsent(field="withdraws")
            if purpose != withdrawn.purpose:
                raise ConsentOfAnotherPurpose(field="withdraws")
            return [withdrawn]
        case _:
            raise TypeError(f"not a command of the network: {command!r}")


def _must_be_new(command: Command, entry: Entry) -> None:
    if entry.ended:
        raise AlreadyEnded(field=_thing(command))
    if entry.known:
        raise AlreadyKnown(field=_thing(command))


def _must_be_there(command: Command, entry: Entry) -> None:
    if not entry.known:
        raise NeverEntered(field=_thing(command))
    if entry.ended:
        raise AlreadyEnded(field=_thing(command))


def _thing(command: Command) -> str:
    """The field that names what a command is about; streams are called by it."""
    return command.stream().partition("/")[0]


def evolve(before: Entry, event: Decision) -> Entry:
    entry = replace(before, version=before.version + 1)
    match event:
        case ProducerRegistered(joined_on=day) | WorkshopOpened(opened_on=day) | OutletOpened(opened_on=day):
            return replace(entry, known=True, began_on=day)
        case PriceSet(effective_from=day):
            return replace(entry, known=True, began_on=day)
        case ProducerRetired() | WorkshopClosed() | OutletClosed() | ProductRetired() | TillRevoked():
            return replace(entry, ended=True)
        case RoleGranted():
            return replace(entry, known=True, roles=entry.roles | {(event.role, event.region, event.place)})
        case RoleWithdrawn():
            return replace(entry, roles=entry.roles - {(event.role, event.region, event.place)})
        case ConsentGiven():
            return replace(entry, consents={**entry.consents, entry.version: event.purpose})
        case ConsentWithdrawn():
            others = {version: agreed for version, agreed in entry.consents.items() if agreed != event.purpose}
            return replace(entry, consents=others)
        case _:
            return replace(entry, known=True)


NETWORK: Decider[Command, Entry, Decision] = Decider(Entry(), decide, evolve)
