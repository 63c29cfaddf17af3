"""The inventory: per place and batch what is on hand, in transit, sold, returned, destroyed and unexplained.

Everything here follows from facts in whatever order they were recorded between two decisions: a void, a correction or a
return that comes before its receipt waits for it; a consignment's state follows from its sums. Three things depend on
the order in the log, because they mean it: a stock count sets what is on hand at its position; of two reports of one
receipt, lot or shift the first one counts; and `price_differs`, `suspended_certificate` and `recalled_batch` are judged
by what the log knows when the receipt is recorded.
"""

from collections.abc import Callable, Mapping, Sequence
from typing import Any

from events.catalogue import center, committee, exchange, logistics, network, outlets, production
from events.catalogue.base import Event, Recorded
from projections import inventory_consignments as consignments
from projections import inventory_goods as goods
from projections import inventory_receipts as receipts
from projections import inventory_tables as t
from projections import inventory_tills as tills
from projections.base import Db, ReadModel
from projections.in_bulk import among, opened
from projections.inventory_book import Book, Wanted, clock_flag
from projections.inventory_certificates import certificate_row
from projections.inventory_in_bulk import Bulk
from projections.inventory_told import IN_BULK, Told


def outlet_opened(book: Book, recorded: Recorded[network.OutletOpened]) -> None:
    event = recorded.event
    book.channels[event.outlet] = event.channel
    book.new_rows[t.OUTLETS].append((event.outlet, event.channel, event.region))


def price_set(book: Book, recorded: Recorded[network.PriceSet]) -> None:
    event = recorded.event
    price = (event.effective_from, recorded.position, event.unit_price_tyiyn)
    book.prices.set(event.product, event.channel, price)
    book.new_rows[t.PRICES].append((event.product, event.channel, *price))


def certificate_changed(book: Book, recorded: Recorded[Any]) -> None:
    row = certificate_row(recorded, set(book.certificates))
    if row is None:
        return
    maker, product, position, since, counts = row
    book.certificates[maker, product].append((since, position, counts))
    book.new_rows[t.CERTIFICATES].append(row)


def recall_started(book: Book, recorded: Recorded[committee.RecallStarted]) -> None:
    event = recorded.event
    book.reach.start(event.recall, recorded.occurred_at, event.drill)
    for root in event.roots:
        book.reach.add_root(event.recall, root.kind, root.id)


def recall_extended(book: Book, recorded: Recorded[committee.RecallExtended]) -> None:
    for root in recorded.event.roots:
        book.reach.add_root(recorded.event.recall, root.kind, root.id)


def recall_closed(book: Book, recorded: Recorded[committee.RecallClosed]) -> None:
    book.reach.close(recorded.event.recall, recorded.occurred_at)


HANDLERS: Mapping[type[Event], Callable[[Book, Recorded[Any]], None]] = {
    network.OutletOpened: outlet_opened,
    network.PriceSet: price_set,
    network.TillEnrolled: tills.till_enrolled,
    network.TillRevoked: tills.till_revoked,
    production.LotCollected: goods.lot_collected,
    production.MaterialReceived: goods.material_received,
    production.LotsPooled: goods.lots_pooled,
    production.BatchProduced: goods.batch_produced,
    production.BatchPacked: goods.batch_packed,
    production.LotTested: goods.lot_tested,
    production.BatchDiscarded: goods.batch_discarded,
    production.LotCorrected: goods.lot_corrected,
    production.BatchInputsCorrected: goods.batch_inputs_corrected,
    committee.SampleReceived: goods.sample_received,
    committee.ProductCertified: certificate_changed,
    committee.CertificateSuspended: certificate_changed,
    committee.CertificateReinstated: certificate_changed,
    committee.CertificateRevoked: certificate_changed,
    committee.RecallStarted: recall_started,
    committee.RecallExtended: recall_extended,
    committee.RecallClosed: recall_closed,
    logistics.StockShipped: consignments.stock_shipped,
    logistics.StockReceived: consignments.stock_received,
    logistics.ShipmentCancelled: consignments.shipment_cancelled,
    logistics.ShipmentLost: consignments.shipment_lost,
    outlets.OpeningStockCounted: goods.opening_stock_counted,
    outlets.ShiftOpened: tills.shift_opened,
    outlets.SaleMade: receipts.sale_made,
    outlets.SaleVoided: receipts.sale_voided,
    outlets.SaleLineCorrected: receipts.sale_line_corrected,
    outlets.GoodsReturned: receipts.goods_returned,
    outlets.CashMoved: tills.cash_moved,
    outlets.ShiftClosed: tills.shift_closed,
    outlets.StockCounted: goods.stock_counted,
    outlets.StockWrittenOff: goods.stock_written_off,
    center.OrderDelivered: receipts.order_delivered,
    exchange.MessageQuarantined: tills.message_quarantined,
}


def _want(wanted: Wanted, event: Event) -> None:
    """Note the keys whose rows an event needs to see, apart from those it only adds to."""
    match event:
        case outlets.TillFact():
            wanted.tills.add(event.till)
            wanted.shifts.add(event.shift)
            _want_receipt(wanted, event)
        case production.LotFact():
            wanted.lots.add(event.lot)
            wanted.made.add(event.lot)
        case logistics.ConsignmentFact():
            wanted.consignments.add(event.consignment)
        case outlets.StockCounted():
            wanted.counted.update((event.place, line.batch) for line in event.lines)
        case committee.SampleReceived(batch=str() as batch):
            wanted.lots.add(batch)
            wanted.made.add(batch)
        case center.OrderDelivered(delivery=delivery):
            wanted.sales.add(f"order/{delivery}")
        case network.TillEnrolled(till=till) | network.TillRevoked(till=till):
            wanted.tills.add(till)
        case exchange.MessageQuarantined(till=str() as till):
            wanted.tills.add(till)
        case committee.CertificateSuspended() | committee.CertificateReinstated() | committee.CertificateRevoked():
            wanted.judged = True
            wanted.certificates.add((event.maker, event.product))
        case committee.CertificateDecision():
            wanted.judged = True
        case committee.RecallDecision():
            wanted.judged = True
        case _:
            pass


def _want_receipt(wanted: Wanted, event: outlets.TillFact) -> None:
    match event:
        case outlets.SaleMade():
            wanted.judged = True
            wanted.sales.add(event.sale)
            for line in event.lines:
                wanted.products.add(line.product)
                if line.batch is not None:
                    wanted.sold.add(line.batch)
        case outlets.SaleVoided(sale=sale) | outlets.SaleLineCorrected(sale=sale):
            wanted.sales.add(sale)
        case outlets.GoodsReturned(sale=sale, return_id=return_id):
            wanted.returns.add(return_id)
            if sale is not None:
                wanted.sales.add(sale)
        case _:
            pass


def fold(batch: Sequence[Recorded[Event]], db: Db) -> None:
    """Apply a contiguous batch of events to the tables, in the order of their positions."""
    wanted = Wanted()
    for recorded in batch:
        _want(wanted, recorded.event)
    told = Told(db.left.events if db.left else (), wanted)
    book = Book(db, wanted)
    takers = Bulk(book, told, wanted).takers
    for one in among(told.reports, batch):
        if isinstance(one, Recorded):
            _apply(book, one)
        elif not takers[type(one)](one) and db.left is not None:
            for recorded in opened(db.left.events, [one.position]):
                _apply(book, recorded)
    db.copy_in(t.FLAGS, told.flags)
    book.flush()


def _apply(book: Book, recorded: Recorded[Event]) -> None:
    event = recorded.event
    handler = HANDLERS.get(type(event))
    if handler is None:
        return
    handler(book, recorded)
    if event.is_fact and (flag := clock_flag(recorded.recorded_at - recorded.occurred_at)):
        book.flag(flag, _subject(recorded), recorded)


def _subject(recorded: Recorded[Event]) -> str:
    event = recorded.event
    return f"sale/{event.sale}" if isinstance(event, outlets.SaleMade) else recorded.stream


MODEL = ReadModel("inventory", 4, t.TABLES, frozenset(HANDLERS), fold, IN_BULK)
