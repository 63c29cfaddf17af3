"""Who is asking, what a request is about, and whether the one may do the other. Pure: nothing here asks anybody."""

from collections.abc import Mapping, Sequence
from dataclasses import dataclass
from typing import Final, Literal

from events.catalogue.network import Role
from services.errors import NotAllowed

Kind = Literal["admin", "till", "integrator", "person"]

#: Roles that mean nothing without a place: whoever holds one nowhere may do nothing with it.
BOUND_TO_PLACE: Final[frozenset[Role]] = frozenset({"cashier", "outlet_lead", "workshop_lead", "producer"})
#: Roles that speak for the one who holds them: a cashier for the own shift, a member for the own score.
PERSONAL: Final[frozenset[Role]] = frozenset({"cashier", "committee_member", "settlement_clerk"})


class NoSuchRight(NotAllowed):
    """None of the roles or scopes behind this request may do that."""

    advice = "Ask the center for the role; an integrator's key is made anew with the scope that is missing."


class NotYours(NotAllowed):
    """This belongs to somebody else: to another outlet, workshop, producer or region, or to another person's shift."""

    advice = "Name what is yours; where a question has `place` or `producer`, name your own."


class NotAgreed(NotAllowed):
    """Two decide this together, and somebody who is named has not said yes to it, or holds no such role."""

    advice = "Let the other send the same command to /api/v1/agreements first, then send it again."


class NotYourTill(NotAllowed):
    """A till reports only for itself and for its own outlet."""

    advice = "Report with the key of the till that saw it."


@dataclass(frozen=True, slots=True)
class Grant:
    """A role as the log grants it: everywhere, within a region, or at a place."""

    role: Role
    region: str | None = None
    place: str | None = None


@dataclass(frozen=True, slots=True)
class Sender:
    """Who stands behind a request."""

    actor: str  #: what events are recorded as reported by: `till/<till>` for a till
    kind: Kind = "till"
    outlet: str | None = None  #: of a till
    scopes: frozenset[str] = frozenset()  #: of an integrator: `report`, `report:outlets`, `read:income` ...
    grants: frozenset[Grant] = frozenset()  #: of a person, or of a device that acts in roles
    key_id: str | None = None  #: of a device that signs
    signed_head: str | None = None  #: the head of its chain that a device signed with this request; may be empty
    must_sign: bool = False  #: a device's session, which is for reading

    @property
    def till(self) -> str | None:
        return self.actor.removeprefix("till/") if self.kind == "till" else None

    @property
    def names_actors(self) -> bool:
        """Whether it may report in another's name."""
        return self.kind == "admin" or (self.kind == "integrator" and "name" in self.scopes)

    @property
    def sees_pseudonyms(self) -> bool:
        """Whether an answer may name single producers."""
        own = {"auditor", "center", "committee_member", "settlement_clerk"}
        return self.kind == "admin" or self.has_scope("read:pseudonyms") or any(g.role in own for g in self.grants)

    def has_scope(self, scope: str | None) -> bool:
        """Whether an integrator holds a scope: `read` holds every `read:...`; any `report:...` will do for `report`."""
        if scope is None or self.kind != "integrator":
            return False
        family, _, part = scope.partition(":")
        if not part and any(held.startswith(f"{family}:") for held in self.scopes):
            return True
        return bool({scope, family} & self.scopes)


@dataclass(frozen=True, slots=True)
class About:
    """What a request is about, as far as it matters for who may do it.

    Without places and regions it is about the whole network, unless it is `free`: then a role is enough. `found_in`
    names a stream that says the rest, because the request does not.
    """

    places: tuple[str, ...] = ()  #: `outlet/...`, `workshop/...`, `producer/...`, `village/...`; all of them
    regions: tuple[str, ...] = ()
    persons: tuple[str, ...] = ()  #: one of whom a personal role must be
    till: str | None = None
    not_by: str | None = None  #: an actor who may not do this, because it is about the actor
    found_in: str | None = None
    free: bool = False

    @property
    def is_network(self) -> bool:
        return not (self.free or self.places or self.regions)


NETWORK: Final = About()
FREE: Final = About(free=True)
#: Region of a place; a place that is not in it is in none.
Regions = Mapping[str, str]


@dataclass(frozen=True, slots=True)
class Permission:
    """Who may use a route, send a fact or ask for a command; the administrator may always."""

    roles: frozenset[Role] = frozenset()
    scope: str | None = None
    till: bool = False
    public: bool = False
    anyone: bool = False  #: whoever has signed in at all
    two: bool = False  #: every person named in it must have agreed

    def open_to(self, sender: Sender) -> bool:
        """Whether the sender could do this about anything at all."""
        if sender.kind == "admin" or self.public or self.anyone:
            return True
        if sender.kind == "integrator":
            return sender.has_scope(self.scope)
        if sender.kind == "till":
            return self.till
        return any(grant.role in self.roles for grant in sender.grants)

    def allows(self, sender: Sender, abouts: Sequence[About], regions: Regions) -> bool:
        """Whether the sender may do this about one of these; `abouts` are alternatives, none means nobody."""
        if sender.kind == "admin" or self.public:
            return True
        if not self.open_to(sender):
            return False
        if self.anyone or sender.kind == "integrator":
            return any(about.not_by != sender.actor for about in abouts)
        if sender.kind == "till":
            return any(_is_tills(sender, about) for about in abouts)
        own = [grant for grant in sender.grants if grant.role in self.roles]
        return any(_covers(grant, about, sender.actor, regions) for grant in own for about in abouts)


def may(*roles: Role, scope: str | None = None, till: bool = False, two: bool = False) -> Permission:
    """Holders of these roles (within what the role is granted for), a till for itself, a key with the scope."""
    return Permission(frozenset(roles), scope, till, two=two)


PUBLIC: Final = Permission(public=True)
ANYONE: Final = Permission(anyone=True)


def _is_tills(sender: Sender, about: About) -> bool:
    if about.till is not None and about.till != sender.till:
        return False
    return about.free or (not about.regions and set(about.places) == {f"outlet/{sender.outlet}"})


def _covers(grant: Grant, about: About, actor: str, regions: Regions) -> bool:
    if about.not_by == actor:
        return False
    if grant.role in PERSONAL and about.persons and actor not in about.persons:
        return False
    if grant.role in BOUND_TO_PLACE and grant.place is None and grant.region is None:
        return False
    if about.free:
        return True
    if grant.place is not None and (about.regions or set(about.places) != {grant.place}):
        return False
    if grant.region is not None:
        theirs = {*about.regions, *(regions.get(place) for place in about.places)}
        return theirs == {grant.region}
    return True
