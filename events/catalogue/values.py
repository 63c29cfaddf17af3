"""Values that events are made of: ids, quantities, money. Every integer states its unit in the field's name."""

from collections.abc import Sequence
from datetime import date
from typing import Annotated, Final, Literal

from pydantic import (
    AfterValidator,
    BaseModel,
    ConfigDict,
    Field,
    StringConstraints,
    TypeAdapter,
    ValidationError,
    ValidationInfo,
)

#: The largest quantity or amount an event may state; far below 2^53, so any JSON reader gets it exactly (RFC 8785).
QUANTITY_MAX = 10**15

_SLUG = r"[a-z0-9][a-z0-9._-]{0,63}"


def _matching(pattern: str) -> StringConstraints:
    return StringConstraints(pattern=f"^{pattern}$")


#: An id of this network: lower-case ASCII, at most 64 characters; a UUID in its usual spelling is one too.
Id = Annotated[str, _matching(_SLUG)]

ActorId = Annotated[str, _matching(r"[a-z0-9][a-z0-9._/-]{0,95}")]
VillageId = Id
ProducerId = Id
WorkshopId = Id
SupplierId = Id
ProductId = Id
ProductGroup = Id
MaterialId = Id
LotId = Id
OutletId = Id
TillId = Id
ShiftId = Id
SaleId = Id
ConsignmentId = Id
RecallId = Id
#: A word from a list that the screens translate; never free text.
Reason = Annotated[str, _matching(r"[a-z][a-z0-9_]{0,39}")]

#: ISO 3166-2:KG, e.g. `KG-Y` for Ysyk-Kol.
RegionCode = Annotated[str, _matching(r"KG-[A-Z]{1,2}")]
#: Where goods can be.
Place = Annotated[str, _matching(rf"(workshop|outlet|producer|center|buyer)/{_SLUG}")]
#: Who made a lot: a workshop or a single producer.
Maker = Annotated[str, _matching(rf"(workshop|producer)/{_SLUG}")]
#: The public code on a label: 8 characters of Crockford base32, the last one a check symbol.
BatchCode = Annotated[str, _matching(r"[0-9A-HJKMNP-TV-Z]{8}")]
#: A calendar month of Asia/Bishkek.
Month = Annotated[str, _matching(r"(19|20)[0-9]{2}-(0[1-9]|1[0-2])")]
Sha256Hex = Annotated[str, _matching(r"[0-9a-f]{64}")]
#: `module.event_name.vN`, whether this program knows such an event or not.
WireNameText = Annotated[str, _matching(r"[a-z0-9_]{1,40}\.[a-z0-9_]{1,60}\.v[0-9]{1,4}")]
#: A stream of the log, as `consignment/c-7`: what something is about.
StreamName = Annotated[str, _matching(r"[a-z][a-z-]{0,39}(/[a-z0-9][a-z0-9._-]{0,63}){1,4}")]
#: Sixteen random bytes, without which a hash of something easily guessed would give it away.
SaltHex = Annotated[str, _matching(r"[0-9a-f]{32}")]
#: An Ed25519 public key and a signature made with it, raw.
PublicKeyHex = Annotated[str, _matching(r"[0-9a-f]{64}")]
SignatureHex = Annotated[str, _matching(r"[0-9a-f]{128}")]
EventIdText = Annotated[str, _matching(r"[0-9a-f]{8}-[0-9a-f]{4}-[0-9a-f]{4}-[0-9a-f]{4}-[0-9a-f]{12}")]

Count = Annotated[int, Field(ge=0, le=QUANTITY_MAX)]
PositiveCount = Annotated[int, Field(ge=1, le=QUANTITY_MAX)]
MassG = Count
Tyiyn = Count
PositiveTyiyn = PositiveCount
SignedTyiyn = Annotated[int, Field(ge=-QUANTITY_MAX, le=QUANTITY_MAX)]
BasisPoints = Annotated[int, Field(ge=0, le=10_000)]
#: Degrees times a million.
LatitudeMicrodegrees = Annotated[int, Field(ge=-90_000_000, le=90_000_000)]
LongitudeMicrodegrees = Annotated[int, Field(ge=-180_000_000, le=180_000_000)]
Position = Annotated[int, Field(ge=0, le=QUANTITY_MAX)]
Day = date

Channel = Literal["retail", "wholesale", "export"]
#: Not in a name: control characters and line breaks of every kind, what nobody sees, what turns other letters round.
_UNSEEN = r"\u0000-\u001f\u007f-\u009f\u200b-\u200f\u2028-\u202e\u2060-\u2069\ufeff"
_SEEN = rf"^[^{_UNSEEN}]*[^\s{_UNSEEN}][^{_UNSEEN}]*$"
#: The context in which a value is validated that somebody asks for just now. What is in the log stays readable.
ASKED: Final = "asked"
_SEEN_TEXT: Final = TypeAdapter(Annotated[str, StringConstraints(pattern=_SEEN)])


def _can_be_seen(text: str, info: ValidationInfo) -> str:
    if info.context == ASKED:
        try:
            _SEEN_TEXT.validate_python(text)
        except ValidationError:
            raise ValueError("wrong_form: Something that can be seen, and nothing that cannot.") from None
    return text


#: What people read. Without control characters: a NUL has no place in a database's text, a line break none in a name.
Text = Annotated[
    str,
    StringConstraints(min_length=1, max_length=120, pattern=r"^[^\x00-\x1f\x7f]*$"),
    AfterValidator(_can_be_seen),
    Field(json_schema_extra={"pattern": _SEEN}),
]


class Value(BaseModel):
    """A part of an event, as frozen and strict as the event itself."""

    model_config = ConfigDict(frozen=True, strict=True, extra="forbid")


class Names(Value):
    """A public name (of a place, a product, an office) in the three languages of the network. Never a person's."""

    ky: Text
    ru: Text
    en: Text


class LotInput(Value):
    """What one step took from one lot. At least one of `mass_g` and `pieces` is positive.

    `bears_origin` is true for what the villages gave (fruit, milk, honey, wool) and false for what is only traced
    (sugar, jars, water, dye).
    """

    lot: LotId
    mass_g: MassG = 0
    pieces: Count = 0
    bears_origin: bool = True


class StockLine(Value):
    """Units of one batch, shipped, received, counted or lost together."""

    batch: LotId
    units: PositiveCount


class SaleLine(Value):
    """Units of one product at one price; the batch when the seller knows it."""

    product: ProductId
    batch: LotId | None = None
    units: PositiveCount
    unit_price_tyiyn: Tyiyn

    def total_tyiyn(self) -> int:
        return self.units * self.unit_price_tyiyn


def line_beyond_counting(lines: Sequence[SaleLine]) -> str | None:
    """The first line that comes to more than anything is counted with (`Fact.beyond_counting`)."""
    return next((f"lines.{n}" for n, line in enumerate(lines) if line.total_tyiyn() > QUANTITY_MAX), None)


class Tender(Value):
    """How a part of a receipt was paid."""

    kind: Literal["cash", "elqr", "card", "transfer", "voucher"]
    amount_tyiyn: SignedTyiyn
