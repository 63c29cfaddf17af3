"""Income: how every som of every sale is shared, and what each producer has earned, was paid and is owed.

A line is split once; its makers' part joins the pool of its batch, and a pool is allocated over producers when it is
read (accruing) or when its month is closed (earned, for ever). The same facts in another order between two decisions
end at the same pools, sales and accounts; only which of two reports of one receipt counts, and the positions at which
rows stand, follow the log.
"""

from collections.abc import Callable, Mapping, Sequence
from typing import Any

from events.canonical import Unopened
from events.catalogue import center, network, outlets, production, settlement
from events.catalogue.base import Event, Recorded
from events.catalogue.values import QUANTITY_MAX
from projections import income_in_bulk as in_bulk
from projections import income_receipts as sales
from projections import income_tables as t
from projections.base import Db, Left, ReadModel
from projections.bishkek import day_of
from projections.in_bulk import among, in_order, opened
from projections.income_ledger import ADVANCED, OWED, PAID, REVERSED, Ledger, Sums, Wanted
from projections.income_periods import adjust_closed_pools, close_period, closed_pools_of
from projections.lineage_tables import TAKES as LINEAGE_TAKES
from projections.split import Terms


def outlet_opened(ledger: Ledger, recorded: Recorded[network.OutletOpened]) -> None:
    event = recorded.event
    ledger.set_channel(event.outlet, event.channel)
    ledger.rows[t.OUTLETS].append((event.outlet, event.channel, event.region, event.opened_on))


def product_defined(ledger: Ledger, recorded: Recorded[network.ProductDefined]) -> None:
    event = recorded.event
    ledger.set_group(event.product, event.group)
    ledger.lineage.apply(recorded)


def village_registered(ledger: Ledger, recorded: Recorded[network.VillageRegistered]) -> None:
    event = recorded.event
    ledger.villages[event.village] = event.region
    ledger.rows[t.VILLAGES].append((event.village, event.region))


def producer_registered(ledger: Ledger, recorded: Recorded[network.ProducerRegistered]) -> None:
    _add_maker(ledger, f"producer/{recorded.event.producer}", recorded.event.village)


def workshop_opened(ledger: Ledger, recorded: Recorded[network.WorkshopOpened]) -> None:
    _add_maker(ledger, f"workshop/{recorded.event.workshop}", recorded.event.village)


def _add_maker(ledger: Ledger, maker: str, village: str) -> None:
    """Somebody makes things; sales of what they made before they were entered leave suspense."""
    ledger.add_maker(maker, village)
    for batch in ledger.waiting_for(maker):
        for ref in sorted(ledger.waiting[batch]):
            sales.settle(ledger, ref, "release")


def share_terms_agreed(ledger: Ledger, recorded: Recorded[settlement.ShareTermsAgreed]) -> None:
    event = recorded.event
    terms = Terms(event.makers_bp, event.workshop_bp, event.outlet_bp, event.brand_bp, event.fund_bp)
    ledger.add_terms(event.channel, event.product_group or "", event.effective_from, terms)


def lineage_changed(ledger: Ledger, recorded: Recorded[Any]) -> None:
    """A lot was made or corrected: sales that waited for it leave suspense, closed pools may be due an adjustment.

    Sales of a lot that turns out to be of another maker go to where that one belongs.
    """
    change = ledger.lineage.apply(recorded)
    for lot in change.reshared:
        known = ledger.lineage.lot(lot)
        if known is None or known.first_position != recorded.position:
            ledger.reshared.append((recorded.position, lot))
    made = dict.fromkeys(each.lot for each in change.made)
    # All that one step made has a home from here on, before any receipt that names several of them is looked at.
    for lot in made:
        ledger.forget_home(lot)
    for lot in made:
        if lot in ledger.waiting and ledger.home(lot) is not None:
            # They stay listed, as their rows stay in the table: a lot may be made again, in this batch or a later one.
            for ref in sorted(ledger.waiting[lot]):
                sales.settle(ledger, ref, "release")
    for was in change.moved:
        if ledger.home_then(was) != ledger.home(was.lot):
            for ref in ledger.receipts_of(was.lot):
                sales.settle(ledger, ref, "move")


def payout_made(ledger: Ledger, recorded: Recorded[settlement.PayoutMade]) -> None:
    event = recorded.event
    _pay(ledger, recorded, "payout", event.payout, event.amount_tyiyn, PAID, -1)


def payout_reversed(ledger: Ledger, recorded: Recorded[settlement.PayoutReversed]) -> None:
    event = recorded.event
    _pay(ledger, recorded, "reversal", event.payout, event.amount_tyiyn, REVERSED, 1)


def advance_given(ledger: Ledger, recorded: Recorded[settlement.AdvanceGiven]) -> None:
    event = recorded.event
    _pay(ledger, recorded, "advance", event.advance, event.amount_tyiyn, ADVANCED, -1)


def _pay(
    ledger: Ledger, recorded: Recorded[Any], kind: str, ref: str, amount_tyiyn: int, column: int, sign: int
) -> None:
    producer = recorded.event.producer
    account = ledger.accounts[producer,]
    account[column] += amount_tyiyn
    account[OWED] += sign * amount_tyiyn
    on = day_of(recorded.occurred_at)
    ledger.rows[t.PAYMENTS].append((recorded.position, kind, producer, ref, on, amount_tyiyn))


def payout_disputed(ledger: Ledger, recorded: Recorded[settlement.PayoutDisputed]) -> None:
    event = recorded.event
    ledger.rows[t.DISPUTES].append((event.producer, event.dispute, recorded.position, event.month, event.reason))


def restatement_made(ledger: Ledger, recorded: Recorded[settlement.RestatementMade]) -> None:
    event = recorded.event
    said = (event.region, event.month, event.through_position, event.statement_digest, event.reason)
    ledger.rows[t.RESTATEMENTS].append((recorded.position, *said))


HANDLERS: Mapping[type[Event], Callable[[Ledger, Recorded[Any]], None]] = {
    network.OutletOpened: outlet_opened,
    network.ProductDefined: product_defined,
    network.VillageRegistered: village_registered,
    network.ProducerRegistered: producer_registered,
    network.WorkshopOpened: workshop_opened,
    production.LotCollected: lineage_changed,
    production.MaterialReceived: lineage_changed,
    production.LotsPooled: lineage_changed,
    production.BatchProduced: lineage_changed,
    production.LotCorrected: lineage_changed,
    production.BatchInputsCorrected: lineage_changed,
    outlets.SaleMade: sales.sale_made,
    outlets.SaleVoided: sales.sale_voided,
    outlets.SaleLineCorrected: sales.sale_line_corrected,
    outlets.GoodsReturned: sales.goods_returned,
    center.OrderDelivered: sales.order_delivered,
    settlement.ShareTermsAgreed: share_terms_agreed,
    settlement.PayoutMade: payout_made,
    settlement.PayoutReversed: payout_reversed,
    settlement.AdvanceGiven: advance_given,
    settlement.PayoutDisputed: payout_disputed,
    settlement.RestatementMade: restatement_made,
}


def _want(wanted: Wanted, recorded: Recorded[Event]) -> None:
    """Note the keys whose rows an event needs to see."""
    event, position = recorded.event, recorded.position
    match event:
        case outlets.SaleMade(sale=ref, lines=lines):
            wanted.refs.add(ref)
            _want_lines(wanted, lines, position)
        case center.OrderDelivered(delivery=delivery, lines=lines):
            wanted.refs.add(f"order/{delivery}")
            _want_lines(wanted, lines, position)
        case outlets.SaleVoided(sale=ref):
            wanted.refs.add(ref)
        case outlets.SaleLineCorrected(sale=ref):
            wanted.refs.add(ref)
            _want_lines(wanted, (event,), position)
        case outlets.GoodsReturned(lines=returned):
            wanted.returns.add(event.return_id)
            wanted.refs.update(() if event.sale is None else (event.sale,))
            _want_lines(wanted, returned, position)
        case production.LotCollected(producer=producer) | production.LotCorrected(producer=str() as producer):
            wanted.makers.add(f"producer/{producer}")
            wanted.made.add(event.lot)
        case production.BatchProduced(made_by=maker, by_products=by_products):
            wanted.makers.add(maker)
            wanted.made.add(event.lot)
            wanted.made.update(kept.lot for kept in by_products if kept.lot)
        case production.LotsPooled(workshop=workshop):
            wanted.makers.add(f"workshop/{workshop}")
            wanted.made.add(event.lot)
        case production.LotCorrected() | production.BatchInputsCorrected():
            wanted.made.add(event.lot)
        case network.ProducerRegistered(producer=producer, village=village):
            wanted.registered.add(f"producer/{producer}")
            wanted.villages.add(village)
        case network.WorkshopOpened(workshop=workshop, village=village):
            wanted.registered.add(f"workshop/{workshop}")
            wanted.villages.add(village)
        case _:
            pass


def _want_lines(wanted: Wanted, lines: Sequence[Any], position: int) -> None:
    for line in lines:
        wanted.products.add(line.product)
        if line.batch is not None:
            wanted.name(line.batch, position)


def fold(batch: Sequence[Recorded[Event]], db: Db) -> None:
    """Apply a contiguous batch of events to the tables: everything up to a closing is written before it is computed."""
    left = db.left or Left()
    segment: list[Recorded[Event]] = []
    sums = Sums()
    behind = 0
    for recorded in batch:
        if isinstance(recorded.event, settlement.PeriodClosed):
            _fold_segment(segment, left.between(behind, recorded.position), db, sums)
            segment, behind = [], recorded.position
            close_period(db, recorded, sums.accounts)  # type: ignore[arg-type]  # the event was just looked at
        else:
            segment.append(recorded)
    _fold_segment(segment, left.between(behind, QUANTITY_MAX), db, sums)
    sums.flush(db)


def _fold_segment(read: Sequence[Recorded[Event]], unopened: Sequence[Unopened], db: Db, sums: Sums) -> None:
    """Fold what lies between two closings."""
    if not read and not unopened:
        return
    wanted = Wanted()
    for recorded in read:
        _want(wanted, recorded)
    receipts, goods, odd, late = in_bulk.sort_out(db, unopened, read, wanted, sums)
    for recorded in odd:
        _want(wanted, recorded)
    segment = in_order(read, odd)
    ledger = Ledger(db, wanted, segment, late, sums)
    sharing = in_bulk.Sharing(ledger, goods)
    ledger.write_shared = sharing.flush
    for one in among(receipts, segment):
        if isinstance(one, Recorded):
            _handle(ledger, one)
        elif not sharing.share(one):
            for recorded in opened(unopened, [one.position]):
                _handle(ledger, recorded)
    ledger.write_shared = None  # two that hold each other wait for the collector of garbage
    sharing.flush()
    ledger.flush()
    reshared = ledger.reshared + ledger.lineage.reshared
    adjust_closed_pools(db, reshared, closed_pools_of(db, reshared))


def _handle(ledger: Ledger, recorded: Recorded[Event]) -> None:
    handler = HANDLERS.get(type(recorded.event))
    if handler is not None:
        ledger.at(recorded.position)
        handler(ledger, recorded)


TAKES = frozenset(HANDLERS) | LINEAGE_TAKES | {settlement.PeriodClosed}
assert all(kind in HANDLERS for kind in LINEAGE_TAKES)  # noqa: S101 - a lineage event without its handler is a slip

MODEL = ReadModel("income", 5, t.TABLES, TAKES, fold, in_bulk.IN_BULK | {outlets.SaleMade})
