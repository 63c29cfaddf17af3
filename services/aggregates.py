"""The five-person rule: no income of a village or region that an outsider sees is of fewer than five producers.

Nor does it tell that of fewer by difference. Takings of shops are nobody's income, and told as they are.

Each sum is judged by those who have a part in it: of seven producers of whom one earned something, what the village
earned is what that one earned. The views of the schema `ministry` (events/migrations) tell by the same rule what was
earned.
"""

from collections.abc import Sequence
from dataclasses import dataclass
from typing import Final, Literal, NamedTuple

from projections.income_queries import ProducerIncome

PERSONS_MIN: Final = 5
OTHERS: Final = "others"

type Sum = Literal["earned_tyiyn", "accruing_tyiyn", "paid_tyiyn", "owed_tyiyn"]
_IN_A_YEAR: Final[tuple[Sum, ...]] = ("earned_tyiyn", "accruing_tyiyn", "paid_tyiyn")
_ALWAYS: Final[tuple[Sum, ...]] = (*_IN_A_YEAR, "owed_tyiyn")


class Group(NamedTuple):
    """What the producers of a village or region have together of one kind of money, and of how many that is."""

    key: str
    region: str
    producers: int
    tyiyn: int


@dataclass(frozen=True, slots=True)
class SumsOfFive:
    """The producers of one village or region together, or of several as `others`, in tyiyn; `producers` have earned.

    A sum is None where nobody has a part in it, or where it would tell of fewer than five.
    """

    key: str
    region: str
    producers: int | None = None
    earned_tyiyn: int | None = None
    accruing_tyiyn: int | None = None
    paid_tyiyn: int | None = None
    owed_tyiyn: int | None = None


def sums_of_five(
    incomes: Sequence[ProducerIncome], by: Literal["village", "region"], *, of_a_year: bool
) -> list[SumsOfFive]:
    """What an outsider may see of these incomes. What is owed is of now: beside sums `of_a_year` it is left out."""
    judge = villages_of_five if by == "village" else of_five
    told: dict[tuple[str, str], dict[str, int]] = {}
    for which in _IN_A_YEAR if of_a_year else _ALWAYS:
        for group in judge(_groups(incomes, by, which)):
            row = told.setdefault((group.region, group.key), {})
            row[which] = group.tyiyn
            if which == "earned_tyiyn":
                row["producers"] = group.producers
    return [SumsOfFive(key, region, **row) for (region, key), row in told.items()]


def _groups(incomes: Sequence[ProducerIncome], by: Literal["village", "region"], which: Sum) -> list[Group]:
    """Only those who have such money count, and only people: what is of unknown origin has no home."""
    groups: dict[tuple[str, str], Group] = {}
    for one in incomes:
        tyiyn = getattr(one, which)
        if not tyiyn or not one.region:
            continue
        key = one.village if by == "village" else one.region
        before = groups.get((one.region, key)) or Group(key, one.region, 0, 0)
        groups[one.region, key] = before._replace(producers=before.producers + 1, tyiyn=before.tyiyn + tyiyn)
    return list(groups.values())


def of_five(groups: Sequence[Group]) -> list[Group]:
    """The same sums, where groups of fewer than five producers are put together as `others`.

    When even those together are fewer than five, the smallest other groups join them, so that the difference to a known
    total tells nothing either. Are there fewer than five producers in all, nothing is told.
    """
    by_size = sorted(groups, key=lambda group: (group.producers, group.key))
    hidden = [group for group in by_size if group.producers < PERSONS_MIN]
    told = by_size[len(hidden) :]
    while hidden and told and _persons(hidden) < PERSONS_MIN:
        hidden.append(told.pop(0))
    others = [_together(hidden)] if _persons(hidden) >= PERSONS_MIN else []
    return sorted(told, key=lambda group: group.key) + others


def villages_of_five(groups: Sequence[Group]) -> list[Group]:
    """The same for villages: each region for itself, and only of regions that are told by themselves.

    The villages of a region that hides among others would give the others away, and so would the difference between a
    region and its villages.
    """
    regions: dict[str, list[Group]] = {}
    for group in groups:
        regions.setdefault(group.region, []).append(group)
    told = of_five([_together(of_region, key=region) for region, of_region in regions.items()])
    return [
        group._replace(region=region.key)
        for region in told
        if region.key in regions
        for group in of_five(regions[region.key])
    ]


def _persons(groups: Sequence[Group]) -> int:
    return sum(group.producers for group in groups)


def _together(groups: Sequence[Group], key: str = OTHERS) -> Group:
    return Group(key, "", _persons(groups), sum(group.tyiyn for group in groups))
