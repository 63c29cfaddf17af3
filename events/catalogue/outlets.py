"""What happens in a shop, reported by its tills. All of it is fact: nothing un-sells a jar."""

from typing import Literal

from events.catalogue.base import Fact
from events.catalogue.values import (
    ActorId,
    Count,
    Id,
    LotId,
    OutletId,
    Place,
    PositiveCount,
    PositiveTyiyn,
    ProductId,
    Reason,
    SaleId,
    SaleLine,
    Sha256Hex,
    ShiftId,
    SignedTyiyn,
    StockLine,
    Tender,
    TillId,
    Tyiyn,
    Value,
    line_beyond_counting,
)


class TillFact(Fact):
    """A fact from one till in one shift.

    `till_counter` counts a till's reports 1, 2, 3 ... without a gap, `prev_hash` is the hash of the till's report
    before: together they show what a till dropped or invented. None when a till keeps no chain.
    """

    shift: ShiftId
    outlet: OutletId
    till: TillId
    till_counter: PositiveCount
    prev_hash: Sha256Hex | None = None

    def stream(self) -> str:
        return f"shift/{self.shift}"


class ShiftOpened(TillFact):
    """A seller began a session at a till with some cash in the drawer."""

    wire_name = "outlets.shift_opened.v1"
    cashier: ActorId
    opening_cash_tyiyn: Tyiyn


class SaleMade(TillFact):
    """One receipt: its lines, and how it was paid. `rounding_tyiyn` is what cash rounding added or took."""

    wire_name = "outlets.sale_made.v1"
    sale: SaleId
    cashier: ActorId
    lines: tuple[SaleLine, ...]
    tenders: tuple[Tender, ...]
    rounding_tyiyn: SignedTyiyn = 0

    def total_tyiyn(self) -> int:
        return sum(line.total_tyiyn() for line in self.lines)

    def beyond_counting(self) -> str | None:
        return line_beyond_counting(self.lines)


class SaleVoided(TillFact):
    """A receipt was cancelled whole at the till: the goods did not leave, the money went back."""

    wire_name = "outlets.sale_voided.v1"
    sale: SaleId
    reason: Reason


class SaleLineCorrected(TillFact):
    """A line of a sale (0, 1, 2 ...) was keyed wrongly: this is the product and the batch that were sold."""

    wire_name = "outlets.sale_line_corrected.v1"
    sale: SaleId
    line: Count
    product: ProductId
    batch: LotId | None = None


class ReturnLine(Value):
    """Units that came back. `line` is the line of the sale when there is a receipt."""

    line: Count | None = None
    product: ProductId
    batch: LotId | None = None
    units: PositiveCount
    refund_tyiyn: Tyiyn


class GoodsReturned(TillFact):
    """A customer brought goods back and got money; the units are on hand again."""

    wire_name = "outlets.goods_returned.v1"
    return_id: Id
    sale: SaleId | None = None
    lines: tuple[ReturnLine, ...]
    reason: Reason


class CashMoved(TillFact):
    """Cash was put into a drawer or taken out of it, other than by a sale."""

    wire_name = "outlets.cash_moved.v1"
    direction: Literal["in", "out"]
    amount_tyiyn: PositiveTyiyn
    reason: Reason


class ShiftClosed(TillFact):
    """A seller ended a session and counted the drawer. Any count is accepted; the difference is kept."""

    wire_name = "outlets.shift_closed.v1"
    counted_cash_tyiyn: Tyiyn
    z_number: PositiveCount


class OpeningStockCounted(Fact):
    """What a shop had on its shelves on its first day with us. Batches may be unknown to the log."""

    wire_name = "outlets.opening_stock_counted.v1"
    count: Id
    outlet: OutletId
    lines: tuple[StockLine, ...]

    def stream(self) -> str:
        return f"count/{self.count}"


class CountLine(Value):
    """How many units of a batch were found; zero is a count too."""

    batch: LotId
    units: Count


class StockCounted(Fact):
    """What was found on the shelves: the absolute number, now what is on hand; the difference is unexplained."""

    wire_name = "outlets.stock_counted.v1"
    count: Id
    place: Place
    lines: tuple[CountLine, ...]

    def stream(self) -> str:
        return f"count/{self.count}"


class StockWrittenOff(Fact):
    """Units were taken out for good: expired, broken, stolen. `members` are the two who saw to it, if they were two."""

    wire_name = "outlets.stock_written_off.v2"
    write_off: Id
    place: Place
    lines: tuple[StockLine, ...]
    reason: Reason
    members: tuple[ActorId, ...] = ()

    def stream(self) -> str:
        return f"write-off/{self.write_off}"


class StockWrittenOffV1(Fact):
    """The first form, which did not say who saw to it. Read for ever."""

    wire_name = "outlets.stock_written_off.v1"
    write_off: Id
    place: Place
    lines: tuple[StockLine, ...]
    reason: Reason

    def stream(self) -> str:
        return f"write-off/{self.write_off}"

    def upcast(self) -> StockWrittenOff:
        return StockWrittenOff(write_off=self.write_off, place=self.place, lines=self.lines, reason=self.reason)
