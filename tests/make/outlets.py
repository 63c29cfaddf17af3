"""Events of shops: shifts, receipts and what is done to them, counts."""

from typing import Any

from events.catalogue import outlets
from tests.make.values import cash, made, sale_line, stock_line


def return_line(**changes: Any) -> outlets.ReturnLine:
    line = {"line": 0, "product": "apricot-jam-300", "batch": "batch-jam-1", "units": 1, "refund_tyiyn": 18_000}
    return made(outlets.ReturnLine, changes, **line)


def _at_till(changes: dict[str, Any]) -> dict[str, Any]:
    return {"shift": "shift-1", "outlet": "karakol", "till": "karakol-1"} | changes


def shift_opened(**changes: Any) -> outlets.ShiftOpened:
    return made(outlets.ShiftOpened, _at_till(changes), till_counter=1, cashier="user/aigul", opening_cash_tyiyn=50_000)


def sale_made(**changes: Any) -> outlets.SaleMade:
    return made(
        outlets.SaleMade,
        _at_till(changes),
        till_counter=2,
        sale="sale-1",
        cashier="user/aigul",
        lines=(sale_line(),),
        tenders=(cash(36_000),),
    )


def sale_voided(**changes: Any) -> outlets.SaleVoided:
    return made(outlets.SaleVoided, _at_till(changes), till_counter=3, sale="sale-1", reason="keyed_twice")


def sale_line_corrected(**changes: Any) -> outlets.SaleLineCorrected:
    return made(
        outlets.SaleLineCorrected,
        _at_till(changes),
        till_counter=3,
        sale="sale-1",
        line=0,
        product="apricot-jam-300",
        batch="batch-jam-1",
    )


def goods_returned(**changes: Any) -> outlets.GoodsReturned:
    return made(
        outlets.GoodsReturned,
        _at_till(changes),
        till_counter=4,
        return_id="return-1",
        sale="sale-1",
        lines=(return_line(),),
        reason="changed_mind",
    )


def cash_moved(**changes: Any) -> outlets.CashMoved:
    return made(
        outlets.CashMoved, _at_till(changes), till_counter=5, direction="out", amount_tyiyn=20_000, reason="bank"
    )


def shift_closed(**changes: Any) -> outlets.ShiftClosed:
    return made(outlets.ShiftClosed, _at_till(changes), till_counter=6, counted_cash_tyiyn=66_000, z_number=1)


def opening_stock_counted(**changes: Any) -> outlets.OpeningStockCounted:
    return made(
        outlets.OpeningStockCounted,
        changes,
        count="count-0",
        outlet="karakol",
        lines=(stock_line(batch="old-jam", units=7),),
    )


def stock_counted(**changes: Any) -> outlets.StockCounted:
    return made(
        outlets.StockCounted,
        changes,
        count="count-1",
        place="outlet/karakol",
        lines=(outlets.CountLine(batch="batch-jam-1", units=38),),
    )


def stock_written_off(**changes: Any) -> outlets.StockWrittenOff:
    return made(
        outlets.StockWrittenOff,
        changes,
        write_off="write-off-1",
        place="outlet/karakol",
        lines=(stock_line(units=1),),
        reason="broken",
        members=("user/cashier-1", "user/lead-1"),
    )


def stock_written_off_v1(**changes: Any) -> outlets.StockWrittenOffV1:
    return made(
        outlets.StockWrittenOffV1,
        changes,
        write_off="write-off-1",
        place="outlet/karakol",
        lines=(stock_line(units=1),),
        reason="broken",
    )
