"""Lots made and used up, units packed, counted and destroyed."""

from events.catalogue import committee, outlets, production
from events.catalogue.base import Recorded
from events.catalogue.values import LotInput
from projections import inventory_tables as t
from projections.inventory_book import (
    CONSUMED_G,
    CONSUMED_PIECES,
    DESTROYED,
    DESTROYED_G,
    DESTROYED_PIECES,
    MADE_G,
    MADE_PIECES,
    ON_HAND,
    ON_HAND_G,
    ON_HAND_PIECES,
    OPENING,
    PACKED,
    PACKED_G,
    PACKED_PIECES,
    SAMPLED,
    SAMPLED_G,
    UNEXPLAINED,
    Book,
    Lot,
    stamp_of,
)
from projections.inventory_recalls import names_in

#: What one person may write off without a second; more is flagged, for it has happened all the same.
WRITTEN_OFF_ALONE_UNITS_MAX = 20


def lot_collected(book: Book, recorded: Recorded[production.LotCollected]) -> None:
    event = recorded.event
    maker = f"producer/{event.producer}"
    _made(book, recorded, event.material, maker, event.delivered_to, event.mass_g, event.pieces)


def material_received(book: Book, recorded: Recorded[production.MaterialReceived]) -> None:
    event = recorded.event
    maker = f"supplier/{event.supplier}"
    _made(book, recorded, event.material, maker, event.delivered_to, event.mass_g, event.pieces)
    book.reach.lot_delivered(event.lot, event.supplier)


def lots_pooled(book: Book, recorded: Recorded[production.LotsPooled]) -> None:
    event = recorded.event
    place = f"workshop/{event.workshop}"
    _made(book, recorded, event.material, place, place, event.mass_g, event.pieces, _inputs(event.inputs))


def batch_produced(book: Book, recorded: Recorded[production.BatchProduced]) -> None:
    event = recorded.event
    by_products = _by_products(event)
    _made(
        book,
        recorded,
        event.product,
        event.made_by,
        event.made_at,
        event.mass_g,
        event.pieces,
        _inputs(event.inputs),
        by_products,
    )


def _inputs(inputs: tuple[LotInput, ...]) -> str:
    return " ".join([f"{given.lot}/{given.mass_g}/{given.pieces}" for given in inputs])


def _by_products(event: production.BatchProduced | production.BatchInputsCorrected) -> str:
    """What was kept beside the lot itself."""
    kept = [one for one in event.by_products if one.lot and one.lot != event.lot]
    return " ".join([f"{one.lot}/{one.mass_g}/0" for one in kept])


def _made(
    book: Book,
    recorded: Recorded[production.LotFact],
    item: str,
    maker: str,
    place: str,
    mass_g: int,
    pieces: int,
    inputs: str = "",
    by_products: str = "",
) -> None:
    """A lot came to be. A second report of it adds its quantities and is flagged; whose it is, the first one said."""
    lot = said = book.lot(recorded.event.lot)
    if lot.made_position is not None:
        book.flag("lot_repeated", f"lot/{lot.lot}", recorded, place)
        said = Lot(lot.lot)
    else:
        lot.item, lot.maker, lot.maker_reported, lot.made_position = item, maker, maker, recorded.position
    said.event, said.is_step = str(recorded.event_id), isinstance(recorded.event, production.StepFact)
    said.made_at, said.mass_g, said.pieces, said.inputs, said.by_products = place, mass_g, pieces, inputs, by_products
    if said is not lot:
        book.repeat(said)
    kind = _CORRECTION_OF[said.is_step]
    for row in list(book.waiting.get(lot.lot, {}).values()):
        if row[2] == kind and row[9] == said.event:
            book.wait_no_more(row)
            if row[3] > said.corrected:
                _say_otherwise(said, row[3], (row[4], row[5], row[7], row[8]), row[10])
    _take_waiting_samples(book, lot)
    _post_lot(book, said, 1)


#: What corrects the report of a step, and of a lot that was collected or supplied.
_CORRECTION_OF = {True: "step_correction", False: "correction"}


def _say_otherwise(said: Lot, stamp: str, content: tuple[int, int, str, str], maker: str | None) -> None:
    """Let a report say what a correction of it says."""
    said.corrected = stamp
    said.mass_g, said.pieces, said.inputs, said.by_products = content
    if said.maker_reported is not None:
        said.maker = maker or said.maker_reported


def _post_lot(book: Book, lot: Lot, sign: int) -> None:
    """Put what a lot's step says onto the sums (1), or take it off again (-1) before the step is corrected."""
    place = lot.made_at or ""
    made = book.bulk[lot.lot, place]
    made[MADE_G] += sign * lot.mass_g
    made[MADE_PIECES] += sign * lot.pieces
    made[ON_HAND_G] += sign * lot.mass_g
    made[ON_HAND_PIECES] += sign * lot.pieces
    if not lot.inputs and not lot.by_products:
        return  # nearly every lot: a collected one has neither
    for entry in lot.inputs.split():
        source, mass_g, pieces = entry.split("/")
        used = book.bulk[source, place]
        used[CONSUMED_G] += sign * int(mass_g)
        used[CONSUMED_PIECES] += sign * int(pieces)
        used[ON_HAND_G] -= sign * int(mass_g)
        used[ON_HAND_PIECES] -= sign * int(pieces)
    for entry in lot.by_products.split():
        kept, mass_g, _ = entry.split("/")
        made = book.bulk[kept, place]
        made[MADE_G] += sign * int(mass_g)
        made[ON_HAND_G] += sign * int(mass_g)
    tell = book.reach.step_made if sign > 0 else book.reach.step_corrected
    tell(lot.lot, names_in(lot.inputs), names_in(lot.by_products))


def lot_corrected(book: Book, recorded: Recorded[production.LotCorrected]) -> None:
    event = recorded.event
    maker = f"producer/{event.producer}" if event.producer else None
    _corrected(book, recorded, event.corrects, (event.mass_g, event.pieces, "", ""), maker)


def batch_inputs_corrected(book: Book, recorded: Recorded[production.BatchInputsCorrected]) -> None:
    event = recorded.event
    content = (event.mass_g, event.pieces, _inputs(event.inputs), _by_products(event))
    _corrected(book, recorded, event.corrects, content)


def _corrected(
    book: Book,
    recorded: Recorded[production.LotFact],
    corrects: str,
    content: tuple[int, int, str, str],
    maker: str | None = None,
) -> None:
    """Of the corrections of one report the latest by claimed time counts; one that comes before it waits for it.

    So does, for ever, one of something that is no report of this lot.
    """
    lot, stamp = recorded.event.lot, stamp_of(recorded)
    is_step = isinstance(recorded.event, production.StepFact)
    said = book.report_of(lot, corrects)
    if said is None or said.is_step != is_step:
        mass_g, pieces, *edges = content
        row = (lot, recorded.position, _CORRECTION_OF[is_step], stamp, mass_g, pieces, 0, *edges, corrects, maker)
        book.wait(row)
    elif stamp > said.corrected:
        _post_lot(book, said, -1)
        _say_otherwise(said, stamp, content, maker)
        _post_lot(book, said, 1)


def batch_packed(book: Book, recorded: Recorded[production.BatchPacked]) -> None:
    """Units appear where they were packed; grams or pieces of the lot turn into them. The first code stays public."""
    event = recorded.event
    lot = book.lot(event.lot)
    lot.packed_units += event.units
    if lot.code is None:
        lot.code, lot.product, lot.packed_at, lot.best_before = (
            event.code,
            event.product,
            event.packed_at,
            event.best_before,
        )
    elif event.best_before is not None and (lot.best_before is None or event.best_before < lot.best_before):
        lot.best_before = event.best_before
    used = book.bulk[event.lot, event.packed_at]
    used[PACKED_G] += event.units * event.unit_mass_g
    used[PACKED_PIECES] += event.units * event.unit_pieces
    used[ON_HAND_G] -= event.units * event.unit_mass_g
    used[ON_HAND_PIECES] -= event.units * event.unit_pieces
    stock = book.stock[event.packed_at, event.lot]
    stock[PACKED] += event.units
    stock[ON_HAND] += event.units
    _take_waiting_samples(book, lot)


def lot_tested(book: Book, recorded: Recorded[production.LotTested]) -> None:
    event = recorded.event
    if event.sample_mass_g or event.sample_units:
        _take_sample(book, recorded, event.lot, event.sample_mass_g, event.sample_units)


def sample_received(book: Book, recorded: Recorded[committee.SampleReceived]) -> None:
    event = recorded.event
    if event.batch is not None and event.units:
        _take_sample(book, recorded, event.batch, 0, event.units)


def _take_sample(
    book: Book,
    recorded: Recorded[production.LotTested] | Recorded[committee.SampleReceived],
    name: str,
    mass_g: int,
    units: int,
) -> None:
    book.wait((name, recorded.position, "sample", stamp_of(recorded), mass_g, 0, units, "", "", "", None))
    lot = book.lots.get(name)
    if lot is not None:
        _take_waiting_samples(book, lot)


def _take_waiting_samples(book: Book, lot: Lot) -> None:
    """Grams of a sample leave the place where the lot was made, units the place where it was first packed."""
    for row in list(book.waiting.get(lot.lot, {}).values()):
        name, position, kind, stamp, mass_g, pieces, units, *edges = row
        if kind != "sample":
            continue
        if mass_g and lot.made_at is not None:
            taken = book.bulk[lot.lot, lot.made_at]
            taken[SAMPLED_G] += mass_g
            taken[ON_HAND_G] -= mass_g
            mass_g = 0
        if units and lot.packed_at is not None:
            stock = book.stock[lot.packed_at, lot.lot]
            stock[SAMPLED] += units
            stock[ON_HAND] -= units
            units = 0
        if mass_g or units:
            book.wait((name, position, kind, stamp, mass_g, pieces, units, *edges))
        else:
            book.wait_no_more(row)


def batch_discarded(book: Book, recorded: Recorded[production.BatchDiscarded]) -> None:
    event = recorded.event
    if event.mass_g or event.pieces:
        lost = book.bulk[event.lot, event.place]
        lost[DESTROYED_G] += event.mass_g
        lost[DESTROYED_PIECES] += event.pieces
        lost[ON_HAND_G] -= event.mass_g
        lost[ON_HAND_PIECES] -= event.pieces
    if event.units:
        _destroy(book, event.place, event.lot, event.units)


def _destroy(book: Book, place: str, batch: str, units: int) -> None:
    stock = book.stock[place, batch]
    stock[DESTROYED] += units
    stock[ON_HAND] -= units


def stock_written_off(book: Book, recorded: Recorded[outlets.StockWrittenOff]) -> None:
    event = recorded.event
    for line in event.lines:
        _destroy(book, event.place, line.batch, line.units)
    if sum(line.units for line in event.lines) > WRITTEN_OFF_ALONE_UNITS_MAX and len(set(event.members)) < 2:
        book.flag("written_off_alone", f"write-off/{event.write_off}", recorded, event.place)


def opening_stock_counted(book: Book, recorded: Recorded[outlets.OpeningStockCounted]) -> None:
    place = f"outlet/{recorded.event.outlet}"
    for line in recorded.event.lines:
        stock = book.stock[place, line.batch]
        stock[OPENING] += line.units
        stock[ON_HAND] += line.units


def stock_counted(book: Book, recorded: Recorded[outlets.StockCounted]) -> None:
    """The count becomes what is on hand at this position; the difference is unexplained."""
    event = recorded.event
    for line in event.lines:
        key = (event.place, line.batch)
        stock = book.stock[key]
        expected = book.counted.get(key, 0) + stock[ON_HAND]
        difference = line.units - expected
        stock[UNEXPLAINED] += difference
        stock[ON_HAND] += difference
        book.new_rows[t.COUNTS].append(
            (
                recorded.position,
                line.batch,
                event.count,
                event.place,
                recorded.occurred_at,
                expected,
                line.units,
                difference,
            )
        )
