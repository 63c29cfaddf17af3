"""What each fact and command is about: whose outlet, workshop, lot, region. Of alternatives one is enough."""

from collections.abc import Callable
from typing import Any, Final

from services.access.sender import FREE, NETWORK, About

#: What a fact or command (anything with its fields) is about. No alternative at all: nobody's but the administrator's.
type Concern = Callable[[Any], tuple[About, ...]]


def network(_: Any) -> tuple[About, ...]:
    """The whole network."""
    return (NETWORK,)


def anybody(_: Any) -> tuple[About, ...]:
    """Nobody in particular: the role is enough."""
    return (FREE,)


def at(*kinds: str) -> Concern:
    """A thing of this kind, by the field of its name: `at("outlet")` is `outlet/<outlet>`; all of them."""
    return lambda said: (About(places=tuple(f"{kind}/{getattr(said, kind)}" for kind in kinds)),)


def place(name: str) -> Concern:
    """The place in a field."""
    return lambda said: (About(places=(getattr(said, name),)),)


def region(said: Any) -> tuple[About, ...]:
    return (About(regions=(said.region,)),)


def found_in(stream: Callable[[Any], str]) -> Concern:
    """Whatever the first events of a stream say."""
    return lambda said: (About(found_in=stream(said)),)


def own_stream(said: Any) -> tuple[About, ...]:
    return (About(found_in=said.stream()),)


# Shops


def at_till(said: Any) -> tuple[About, ...]:
    """A receipt or the beginning of a shift: it names its outlet, its till and its cashier."""
    return (About(places=(f"outlet/{said.outlet}",), persons=(said.cashier,), till=said.till),)


def in_shift(said: Any) -> tuple[About, ...]:
    """What happened in a shift: whose shift it is, the shift's own stream says."""
    return (About(places=(f"outlet/{said.outlet}",), till=said.till, found_in=f"shift/{said.shift}"),)


def problem(said: Any) -> tuple[About, ...]:
    return (FREE,) if said.outlet is None else (About(places=(f"outlet/{said.outlet}",)),)


# Makers


def collected(said: Any) -> tuple[About, ...]:
    """Reported by the place that took it, or by the producer who brought it."""
    return About(places=(said.delivered_to,)), About(places=(f"producer/{said.producer}",))


def produced(said: Any) -> tuple[About, ...]:
    """Reported by the workshop in which it was made (and which made it, if a workshop did), or by the producer."""
    if said.made_by.startswith("producer/"):
        return About(places=(said.made_at,)), About(places=(said.made_by,))
    return (About(places=(said.made_at, said.made_by)),)


def lot(said: Any) -> tuple[About, ...]:
    return (About(found_in=f"lot/{said.lot}"),)


def consignment(said: Any) -> tuple[About, ...]:
    return (About(found_in=f"consignment/{said.consignment}"),)


# Committee


def members(said: Any) -> tuple[About, ...]:
    """A recall: wherever it leads, so no region bounds it; the one who asks is among the members who decide."""
    return (About(free=True, persons=tuple(said.members)),)


def certificate(said: Any) -> tuple[About, ...]:
    """The region whose committee was asked."""
    named = getattr(said, "members", ())
    return (About(found_in=f"certificate/{said.maker}/{said.product}", persons=tuple(named)),)


def score(said: Any) -> tuple[About, ...]:
    return (About(found_in=f"certificate/{said.maker}/{said.product}", persons=(said.member,)),)


# Settlement and the network's office


def restatement(said: Any) -> tuple[About, ...]:
    return (About(regions=(said.region,), persons=tuple(said.members)),)


def payout(said: Any) -> tuple[About, ...]:
    """Money for a producer; those who are named sign it."""
    return (About(places=(f"producer/{said.producer}",), persons=tuple(said.members)),)


#: Roles that watch over the center are not the center's to give.
ONLY_ADMINISTRATOR_GRANTS: Final = frozenset({"center", "auditor"})


def role(said: Any) -> tuple[About, ...]:
    """A role for others, within one's own reach; never for oneself."""
    if said.role in ONLY_ADMINISTRATOR_GRANTS:
        return ()
    return (About((said.place,) if said.place else (), (said.region,) if said.region else (), not_by=said.to),)
