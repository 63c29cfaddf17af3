"""What events are made of, and what several of them name."""

from typing import Any

from events.catalogue.values import LotInput, Names, SaleLine, StockLine, Tender

#: Some SHA-256, some event's id, and the two members without whom nothing is recalled or revoked.
HASH = "5e" * 32
EVENT_ID = "018f0000-0000-7000-8000-000000000001"
MEMBERS = ("user/member-1", "user/member-2")
#: Regions and villages of theirs, for whatever tells of both: three, two and one of them.
HOMES = (("KG-Y", "a"), ("KG-Y", "b"), ("KG-Y", "c"), ("KG-N", "d"), ("KG-N", "e"), ("KG-O", "f"))


def made[T](kind: type[T], changes: dict[str, Any], /, **defaults: Any) -> T:
    return kind(**(defaults | changes))


def names(english: str) -> Names:
    return Names(ky=english, ru=english, en=english)


def lot_input(**changes: Any) -> LotInput:
    return made(LotInput, changes, lot="lot-apricots-1", mass_g=20_000)


def stock_line(**changes: Any) -> StockLine:
    return made(StockLine, changes, batch="batch-jam-1", units=10)


def sale_line(**changes: Any) -> SaleLine:
    return made(SaleLine, changes, product="apricot-jam-300", batch="batch-jam-1", units=2, unit_price_tyiyn=18_000)


def cash(amount_tyiyn: int) -> Tender:
    return Tender(kind="cash", amount_tyiyn=amount_tyiyn)
