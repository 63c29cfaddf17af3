"""Random but lawful histories of two workshops and a shop, for properties that hold whatever happened."""

from datetime import timedelta
from uuid import UUID, uuid5

from hypothesis import strategies as st

from events.catalogue.base import Event
from events.catalogue.values import LotInput
from tests import make
from tests.books import START, History

PRODUCTS = ("apricot-jam-300", "honey-500")
BATCHES = ("batch-jam-1", "batch-honey-1")

#: Decisions: they stay in front, for facts may change places only between two decisions.
DECISIONS: tuple[Event, ...] = (
    make.region_joined(),
    make.village_registered(),
    make.producer_registered(),
    make.producer_registered(producer="p-002"),
    make.workshop_opened(),
    make.outlet_opened(),
    make.product_defined(),
    make.product_defined(product="honey-500", group="honey"),
    make.price_set(),
    make.share_terms_agreed(),
    make.share_terms_agreed(
        product_group="honey", makers_bp=7_001, workshop_bp=999, outlet_bp=1_333, brand_bp=334, fund_bp=333
    ),
    make.till_enrolled(),
)


def id_of(position: int) -> str:
    """The id that `History` gives to the event it records at a position."""
    return str(uuid5(UUID(int=0), str(position)))


@st.composite
def facts(draw: st.DrawFn, counts: bool = False) -> list[Event]:
    """Making, carrying and selling, with what goes wrong on the way. A stock count means its place in the log."""
    pick = draw
    produced_at = len(DECISIONS) + 3
    said: list[Event] = [
        make.lot_collected(),
        make.lot_collected(lot="lot-apricots-2", producer="p-002", mass_g=draw(st.integers(1, 30_000))),
        make.batch_produced(
            inputs=(
                LotInput(lot="lot-apricots-1", mass_g=20_000),
                LotInput(lot="lot-apricots-2", mass_g=draw(st.integers(1, 30_000))),
                LotInput(lot="lot-sugar-1", mass_g=14_000, bears_origin=False),
            )
        ),
        make.batch_packed(),
        make.material_received(),
        make.lot_collected(lot="batch-honey-1", producer="p-002", material="honey", mass_g=25_000),
        make.batch_packed(lot="batch-honey-1", product="honey-500", code="2345678X", units=50, unit_mass_g=500),
        make.stock_shipped(lines=(make.stock_line(units=pick(st.integers(1, 40))),)),
        make.stock_received(lines=(make.stock_line(units=pick(st.integers(1, 40))),)),
    ]
    if draw(st.booleans()):
        said.append(
            make.batch_inputs_corrected(corrects=id_of(produced_at), inputs=(LotInput(lot="lot-apricots-2", mass_g=9),))
        )
    said += draw(
        st.lists(
            st.sampled_from(
                (
                    make.shipment_cancelled(),
                    make.shipment_lost(lines=(make.stock_line(units=1),)),
                    make.stock_written_off(),
                    make.lot_tested(sample_units=1),
                    make.batch_discarded(units=2, mass_g=0),
                    make.opening_stock_counted(),
                )
            ),
            max_size=3,
            unique_by=lambda event: event.wire_name,
        )
    )
    if counts:
        said.append(make.stock_counted(lines=()) if draw(st.booleans()) else make.stock_counted())
    said += draw(_till())
    return said


@st.composite
def _till(draw: st.DrawFn) -> list[Event]:
    """One till's shift: receipts, and voids, corrections and returns of them, each with its own counter."""
    counter = iter(range(1, 100))
    said: list[Event] = [make.shift_opened(till_counter=next(counter))]
    batch = st.sampled_from((*BATCHES, None))
    product = st.sampled_from(PRODUCTS)
    for number in range(draw(st.integers(1, 3))):
        sale = f"sale-{number}"
        lines = tuple(
            make.sale_line(
                product=draw(product), batch=draw(batch), units=draw(st.integers(1, 4)), unit_price_tyiyn=draw(_PRICES)
            )
            for _ in range(draw(st.integers(1, 2)))
        )
        total = sum(line.units * line.unit_price_tyiyn for line in lines)
        said.append(make.sale_made(sale=sale, lines=lines, tenders=(make.cash(total),), till_counter=next(counter)))
        for change in draw(st.lists(st.sampled_from(("void", "correct", "return")), max_size=3)):
            if change == "void":
                said.append(make.sale_voided(sale=sale, till_counter=next(counter)))
            elif change == "correct":
                corrected = make.sale_line_corrected(
                    sale=sale,
                    line=draw(st.integers(0, 2)),
                    product=draw(product),
                    batch=draw(batch),
                    till_counter=next(counter),
                )
                said.append(corrected)
            else:
                said.append(draw(_return(sale, next(counter))))
    said.append(make.cash_moved(till_counter=next(counter)))
    said.append(make.shift_closed(till_counter=next(counter)))
    return said


_PRICES = st.integers(0, 50_001)


@st.composite
def _return(draw: st.DrawFn, sale: str, counter: int) -> Event:
    line = make.return_line(
        line=draw(st.sampled_from((None, 0, 1))),
        product=draw(st.sampled_from(PRODUCTS)),
        batch=draw(st.sampled_from((*BATCHES, None))),
        units=draw(st.integers(1, 2)),
        refund_tyiyn=draw(_PRICES),
    )
    given = draw(st.booleans())
    return make.goods_returned(
        return_id=f"return-{counter}", sale=sale if given else None, lines=(line,), till_counter=counter
    )


def history_of(said: list[Event]) -> History:
    """A history in which everything was recorded as it happened."""
    history = History().add(*DECISIONS)
    for hours, event in enumerate(said, start=1):
        history.add(event, at=START + timedelta(hours=hours))
    return history


def orders(history: History) -> st.SearchStrategy[list[int]]:
    """Other orders in which the same facts could have been recorded."""
    decided = len(DECISIONS)
    later = st.permutations(range(decided, len(history.recorded)))
    return later.map(lambda rest: [*range(decided), *rest])
