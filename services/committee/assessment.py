"""How a product is assessed: by members without an interest in its maker, each score sealed until all are in. Pure."""

import hashlib
from collections.abc import Collection

from events.catalogue.committee import Scores
from events.catalogue.network import Role
from events.catalogue.values import ActorId, Maker, Place, RegionCode, SaltHex, Sha256Hex, Value

#: The rubric: five criteria of up to 20 points each; 70 of 100 on the mean of the members, no criterion below 10.
CRITERION_MAX = 20
MEAN_TO_PASS = 70
CRITERION_TO_PASS = 10
MEMBERS_TO_DECIDE = 2


class HeldRole(Value):
    """A role that an actor holds now, and where."""

    role: Role
    region: RegionCode | None = None
    place: Place | None = None


class Seat(Value):
    """Somebody who decides, with the roles that are held now."""

    member: ActorId
    roles: tuple[HeldRole, ...] = ()


class OpenedScores(Value):
    """What was behind a member's seal."""

    member: ActorId
    scores: Scores
    salt: SaltHex


def criteria(scores: Scores) -> tuple[int, int, int, int, int]:
    return (scores.local_raw_material, scores.quality, scores.uniqueness, scores.packaging, scores.supply)


def seal_of(submission: str, opened: OpenedScores) -> Sha256Hex:
    """SHA-256 over the salt's bytes and the lines submission, member, points: nobody can guess it or move it."""
    points = " ".join(map(str, criteria(opened.scores)))
    return hashlib.sha256(bytes.fromhex(opened.salt) + f"{submission}\n{opened.member}\n{points}".encode()).hexdigest()


def mean_milli(given: Collection[Scores]) -> int:
    """The mean of the members' totals in thousandths of a point, rounded down."""
    return 1000 * sum(scores.total() for scores in given) // len(given)


def passes(given: Collection[Scores]) -> bool:
    """Whether the means reach the threshold; compared as sums, so nothing is rounded."""
    members = len(given)
    sums: list[int] = [sum(points) for points in zip(*map(criteria, given), strict=True)]
    return sum(sums) >= MEAN_TO_PASS * members and min(sums) >= CRITERION_TO_PASS * members


def sits_for(roles: Collection[HeldRole], region: RegionCode | None) -> bool:
    """Whether somebody with these roles is a member of a region's committee. A role without a region is for all."""
    return any(
        held.role == "committee_member" and (held.region is None or held.region == region) and held.place is None
        for held in roles
    )


def all_sit_for(seats: Collection[Seat], regions: Collection[RegionCode]) -> bool:
    """Whether each of these is on the committee of one of the regions; of any committee where there is none."""
    return all(
        any(sits_for(seat.roles, region) for region in regions)
        or (not regions and any(held.role == "committee_member" and held.place is None for held in seat.roles))
        for seat in seats
    )


def has_interest(member: ActorId, roles: Collection[HeldRole], maker: Maker) -> bool:
    """Whether somebody would judge their own work, or that of a place in which they hold a role."""
    return member == maker or any(held.place == maker for held in roles)
