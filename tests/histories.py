"""Small random logs that make sense: a network of two villages, and reports about it in any order and with any luck.

Reports may come late, twice under different ids, before what they refer to, and may be corrected, voided or wrong.
Decisions (the network, its products, terms) stand at the front, as facts are permuted only between decisions.
"""

from collections.abc import Sequence
from dataclasses import dataclass
from datetime import UTC, date, datetime, timedelta
from uuid import UUID, uuid5

from hypothesis import strategies as st

from events.catalogue import logistics, outlets, production, settlement
from events.catalogue.base import Event, Recorded
from events.catalogue.values import LotInput, SaleLine, StockLine, Tender
from tests import make

BEGUN = datetime(2014, 3, 1, 6, 0, tzinfo=UTC)

PRODUCERS = ("p-001", "p-002", "p-003", "p-999")  # nobody registered the last one
PRODUCTS = ("apricot-jam-300", "felt-slippers")
SUPPLIED = ("sugar-1", "jars-1")
COLLECTED = ("apricots-1", "apricots-2", "wool-1", "honey-1")
MADE = ("pool-1", "pulp-1", "jam-1", "jam-2", "slippers-1", "gift-1")
LOTS = COLLECTED + SUPPLIED + MADE
WORKSHOPS = ("workshop/tosor-jam", "workshop/barskoon-felt")
OUTLETS = ("karakol", "bokonbaevo")
SALES = ("sale-1", "sale-2", "sale-3")
CONSIGNMENTS = ("consignment-1", "consignment-2")


@dataclass(frozen=True, slots=True)
class Said:
    """A report: its id and what it claims, before the log gives it a position."""

    event: Event
    event_id: UUID
    occurred_at: datetime


def recorded(said: Sequence[Said]) -> list[Recorded[Event]]:
    """The log that arises when these are recorded in this order."""
    versions: dict[str, int] = {}
    log: list[Recorded[Event]] = []
    for position, one in enumerate(said, start=1):
        stream = one.event.stream()
        versions[stream] = versions.get(stream, 0) + 1
        now = BEGUN + timedelta(days=60, minutes=position)
        log.append(
            Recorded(position, one.event_id, stream, versions[stream], one.occurred_at, now, "user/test", one.event)
        )
    return log


def prologue() -> list[Event]:
    """Who and what there is, and how income is shared: decisions, always first and in this order."""
    villages = [make.village_registered(), make.village_registered(village="barskoon", names=make.names("Barskoon"))]
    homes = {"p-001": "tosor", "p-002": "tosor", "p-003": "barskoon"}
    return [
        make.network_founded(),
        make.region_joined(),
        *villages,
        *(make.producer_registered(producer=producer, village=village) for producer, village in homes.items()),
        make.supplier_registered(),
        make.workshop_opened(),
        make.workshop_opened(workshop="barskoon-felt", village="barskoon"),
        *(make.outlet_opened(outlet=outlet) for outlet in OUTLETS),
        make.product_defined(),
        make.product_defined(product="felt-slippers", group="felt", unit="pair", net_mass_g=0, origin_basis="pieces"),
        settlement.ShareTermsAgreed(
            channel="retail",
            effective_from=date(2014, 1, 1),
            makers_bp=6_000,
            workshop_bp=1_000,
            outlet_bp=1_700,
            brand_bp=900,
            fund_bp=400,
        ),
    ]


def _inputs(draw: st.DrawFn, lot: str) -> tuple[LotInput, ...]:
    """Mostly lots that come before in the order of making; now and then any lot, so that cycles are reported too."""
    before = LOTS[: LOTS.index(lot)] if draw(st.integers(0, 9)) else tuple(other for other in LOTS if other != lot)
    taken = draw(st.lists(st.sampled_from(before), min_size=1, max_size=4, unique=True))
    return tuple(
        LotInput(
            lot=name,
            mass_g=draw(st.sampled_from((0, 1, 333, 7_000, 20_000))),
            pieces=draw(st.sampled_from((1, 2, 7))),
            bears_origin=name not in SUPPLIED and draw(st.integers(0, 5)) > 0,
        )
        for name in taken
    )


GRAMS = st.sampled_from((0, 1, 999, 5_000, 30_000))
PIECES = st.sampled_from((0, 0, 0, 3, 40))


def _collected(draw: st.DrawFn) -> Event:
    return production.LotCollected(
        lot=draw(st.sampled_from(COLLECTED)),
        producer=draw(st.sampled_from(PRODUCERS)),
        material="apricot",
        mass_g=draw(GRAMS),
        pieces=draw(PIECES),
        delivered_to=draw(st.sampled_from(WORKSHOPS)),
    )


def _supplied(draw: st.DrawFn) -> Event:
    return production.MaterialReceived(
        lot=draw(st.sampled_from(SUPPLIED)),
        supplier="kant-sugar",
        material="sugar",
        mass_g=draw(GRAMS),
        delivered_to=draw(st.sampled_from(WORKSHOPS)),
    )


def _pooled(draw: st.DrawFn) -> Event:
    lot = draw(st.sampled_from(MADE))
    return production.LotsPooled(
        lot=lot, workshop="tosor-jam", material="apricot", mass_g=draw(GRAMS), inputs=_inputs(draw, lot)
    )


def _by_products(draw: st.DrawFn, lot: str) -> tuple[production.ByProduct, ...]:
    kept = draw(st.sampled_from((None, None, "pomace-1", "pulp-1")))
    if kept is None or kept == lot:
        return ()
    return (production.ByProduct(material="pomace", mass_g=draw(GRAMS), lot=kept),)


def _produced(draw: st.DrawFn) -> Event:
    lot = draw(st.sampled_from(MADE))
    return production.BatchProduced(
        lot=lot,
        product=draw(st.sampled_from(PRODUCTS)),
        made_by=draw(st.sampled_from((*WORKSHOPS, "producer/p-003"))),
        made_at=draw(st.sampled_from(WORKSHOPS)),
        mass_g=draw(GRAMS),
        pieces=draw(PIECES),
        inputs=_inputs(draw, lot),
        by_products=_by_products(draw, lot),
        finished=True,
    )


def _packed(draw: st.DrawFn) -> Event:
    lot = draw(st.sampled_from(MADE))
    return production.BatchPacked(
        lot=lot,
        code=f"4T7QX9B{'0123456789'[MADE.index(lot)]}",
        product=draw(st.sampled_from(PRODUCTS)),
        packed_at="workshop/tosor-jam",
        units=draw(st.integers(1, 20)),
        unit_mass_g=300,
        best_before=date(2015, 6, 1),
    )


def _tested(draw: st.DrawFn) -> Event:
    return make.lot_tested(lot=draw(st.sampled_from(LOTS)), sample_mass_g=10, sample_units=0)


def _discarded(draw: st.DrawFn) -> Event:
    return make.batch_discarded(lot=draw(st.sampled_from(LOTS)), mass_g=50, units=0, pieces=0)


def _stock(draw: st.DrawFn) -> tuple[StockLine, ...]:
    batches = draw(st.lists(st.sampled_from(MADE), min_size=1, max_size=2))
    return tuple(StockLine(batch=batch, units=draw(st.integers(1, 9))) for batch in batches)


def _shipped(draw: st.DrawFn) -> Event:
    consignment = draw(st.sampled_from(CONSIGNMENTS))
    destination = f"outlet/{OUTLETS[CONSIGNMENTS.index(consignment)]}"
    return logistics.StockShipped(
        consignment=consignment, origin="workshop/tosor-jam", destination=destination, lines=_stock(draw)
    )


def _received(draw: st.DrawFn) -> Event:
    consignment = draw(st.sampled_from(CONSIGNMENTS))
    place = f"outlet/{OUTLETS[CONSIGNMENTS.index(consignment)]}"
    return logistics.StockReceived(consignment=consignment, place=place, lines=_stock(draw))


def _on_the_way(draw: st.DrawFn) -> Event:
    consignment = draw(st.sampled_from(CONSIGNMENTS))
    if draw(st.booleans()):
        return logistics.ShipmentCancelled(consignment=consignment, reason="road_closed")
    return logistics.ShipmentLost(consignment=consignment, lines=_stock(draw), reason="broken")


def _till(draw: st.DrawFn) -> dict[str, object]:
    outlet = draw(st.sampled_from(OUTLETS))
    return {
        "shift": f"{outlet}-shift",
        "outlet": outlet,
        "till": f"{outlet}-1",
        "till_counter": draw(st.integers(1, 30)),
    }


def _sold(draw: st.DrawFn) -> Event:
    lines = tuple(
        SaleLine(
            product=draw(st.sampled_from(PRODUCTS)),
            batch=draw(st.sampled_from((None, *MADE))),
            units=draw(st.integers(1, 5)),
            unit_price_tyiyn=draw(st.sampled_from((0, 1, 17_999, 45_000))),
        )
        for _ in range(draw(st.integers(1, 3)))
    )
    total = sum(line.units * line.unit_price_tyiyn for line in lines)
    return make.sale_made(
        **_till(draw),
        sale=draw(st.sampled_from(SALES)),
        lines=lines,
        tenders=(Tender(kind="cash", amount_tyiyn=total),),
    )


def _voided(draw: st.DrawFn) -> Event:
    return make.sale_voided(**_till(draw), sale=draw(st.sampled_from(SALES)))


def _line_corrected(draw: st.DrawFn) -> Event:
    return make.sale_line_corrected(
        **_till(draw),
        sale=draw(st.sampled_from(SALES)),
        line=draw(st.integers(0, 3)),
        product=draw(st.sampled_from(PRODUCTS)),
        batch=draw(st.sampled_from((None, *MADE))),
    )


def _returned(draw: st.DrawFn) -> Event:
    with_receipt = draw(st.booleans())
    line = outlets.ReturnLine(
        line=draw(st.integers(0, 2)) if with_receipt else None,
        product=draw(st.sampled_from(PRODUCTS)),
        batch=draw(st.sampled_from((None, *MADE))),
        units=draw(st.integers(1, 3)),
        refund_tyiyn=draw(st.sampled_from((0, 1, 17_999))),
    )
    return make.goods_returned(
        **_till(draw), sale=draw(st.sampled_from(SALES)) if with_receipt else None, lines=(line,)
    )


_LINEAGE = (_collected, _collected, _supplied, _pooled, _produced, _produced, _packed, _tested, _discarded)
_TRADE = (_shipped, _received, _on_the_way, _sold, _sold, _voided, _line_corrected, _returned)


def _correction(draw: st.DrawFn, corrected: Said, number: int) -> Event | None:
    event = corrected.event
    if isinstance(event, production.LotCollected | production.MaterialReceived):
        return production.LotCorrected(
            lot=event.lot,
            corrects=str(corrected.event_id),
            producer=draw(st.sampled_from((None, *PRODUCERS))) if isinstance(event, production.LotCollected) else None,
            mass_g=draw(GRAMS),
            pieces=draw(PIECES),
            reason=f"mistake_{number}",
        )
    if isinstance(event, production.LotsPooled | production.BatchProduced):
        return production.BatchInputsCorrected(
            lot=event.lot,
            corrects=str(corrected.event_id),
            inputs=_inputs(draw, event.lot),
            mass_g=draw(GRAMS),
            pieces=draw(PIECES),
            by_products=_by_products(draw, event.lot),
            reason=f"mistake_{number}",
        )
    return None


@st.composite
def facts(draw: st.DrawFn, *, trade: bool = True, facts_max: int = 24) -> list[Said]:
    """Reports in the order in which they are recorded, which is not the order of what they claim."""
    kinds = _LINEAGE + (_TRADE if trade else ())
    said: list[Said] = []
    for number in range(draw(st.integers(1, facts_max))):
        event = draw(st.sampled_from(kinds))(draw)
        when = BEGUN + timedelta(hours=draw(st.integers(0, 900)))
        said.append(Said(event, uuid5(UUID(int=7), f"fact {number}"), when))
        correction = _correction(draw, said[-1], number) if draw(st.integers(0, 3)) == 0 else None
        if correction is not None:
            later = when + timedelta(hours=draw(st.integers(0, 9)))
            said.append(Said(correction, uuid5(UUID(int=7), f"correction {number}"), later))
    return list(draw(st.permutations(said)))


def whole(reports: Sequence[Said]) -> list[Recorded[Event]]:
    """A log: the decisions of the prologue, then these reports."""
    first = [
        Said(event, uuid5(UUID(int=7), f"prologue {number}"), BEGUN - timedelta(days=30))
        for number, event in enumerate(prologue())
    ]
    return recorded([*first, *reports])


def cuts(size: int) -> st.SearchStrategy[list[int]]:
    """Where to cut a log of so many events into batches."""
    return st.lists(st.integers(0, size), max_size=8)
