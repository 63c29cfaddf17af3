"""The five-person rule: no income of a village or region that an outsider sees is of fewer than five producers.

Nor does it tell that of fewer by difference. Takings of shops are nobody's income, and told as they are.
"""

from collections.abc import Sequence
from dataclasses import replace
from typing import Final

from projections.income_queries import GroupIncome

PERSONS_MIN: Final = 5
OTHERS: Final = "others"


def of_five(groups: Sequence[GroupIncome]) -> list[GroupIncome]:
    """The same sums, where groups of fewer than five producers are put together as `others`.

    When even those together are fewer than five, the smallest other groups join them, so that the difference to a known
    total tells nothing either. Are there fewer than five producers in all, nothing is told.
    """
    by_size = sorted(groups, key=lambda group: (group.producers, group.key))
    hidden = [group for group in by_size if group.producers < PERSONS_MIN]
    told = by_size[len(hidden) :]
    while hidden and told and _persons(hidden) < PERSONS_MIN:
        hidden.append(told.pop(0))
    persons = _persons(hidden)
    others = [_together(hidden, persons)] if persons >= PERSONS_MIN else []
    return sorted(told, key=lambda group: group.key) + others


def villages_of_five(groups: Sequence[GroupIncome]) -> list[GroupIncome]:
    """The same for villages: each region for itself, and only of regions that are told by themselves.

    The villages of a region that hides among others would give the others away, and so would the difference between a
    region and its villages.
    """
    regions: dict[str, list[GroupIncome]] = {}
    for group in groups:
        regions.setdefault(group.region, []).append(group)
    told = of_five([_together(of_region, _persons(of_region), key=region) for region, of_region in regions.items()])
    return [
        replace(group, region=region.key)
        for region in told
        if region.key in regions
        for group in of_five(regions[region.key])
    ]


def _persons(groups: Sequence[GroupIncome]) -> int:
    return sum(group.producers for group in groups)


def _together(groups: Sequence[GroupIncome], persons: int, key: str = OTHERS) -> GroupIncome:
    return replace(
        groups[0],
        key=key,
        region="",
        producers=persons,
        earned_tyiyn=sum(group.earned_tyiyn for group in groups),
        accruing_tyiyn=sum(group.accruing_tyiyn for group in groups),
        paid_tyiyn=sum(group.paid_tyiyn for group in groups),
        owed_tyiyn=sum(group.owed_tyiyn for group in groups),
    )
