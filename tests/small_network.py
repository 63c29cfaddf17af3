"""A small network with a simulated clock: four villages, one workshop, two shops, one pooled jam, sold in 2014.

Everything here was recorded by 2014-12-31, but for a receipt of 30 December that a till brought in the new year, and
for the sales of 2015.
"""

from collections.abc import Iterator, Sequence
from datetime import UTC, date, datetime, timedelta
from uuid import UUID, uuid5

from events.appends import Append, Appended
from events.catalogue.base import Event
from events.catalogue.values import LotInput, Names
from events.store import Log, content_hash
from tests import make

FOUNDED = datetime(2014, 3, 1, 4, tzinfo=UTC)
BATCH = "batch-jam-1"
#: Seven characters and their check symbol.
CODE = "4T7QX9BH"
PRICE_TYIYN = 18_000
#: Units of the receipts: of 2014 in time, of 2014 recorded in 2015, of 2015; receipt 2 is voided.
SOLD_IN_TIME = (2, 3, 5)
SOLD_LATE = 4
SOLD_IN_2015 = (1, 1)
VOIDED = 2

_VILLAGES = {
    "tosor": ("Тосор", "Тосор", "Tosor", 77_440_000, 42_165_000),
    "barskoon": ("Барскоон", "Барскаун", "Barskoon", 77_603_900, 42_156_100),
    "ozgorush": ("Өзгөрүш", "Озгеруш", "Ozgorush", 77_720_000, 42_240_000),
    "ton": ("Тоң", "Тон", "Ton", 76_880_000, 42_150_000),
}
#: Who brought how many grams of apricots; the shares are 50, 30, 15 and 5 per cent.
_BROUGHT = {"tosor": 20_000, "barskoon": 12_000, "ozgorush": 6_000, "ton": 2_000}


def _names(said: Sequence[object]) -> Names:
    ky, ru, en = map(str, said[:3])
    return Names(ky=ky, ru=ru, en=en)


def _founding() -> Iterator[Event]:
    yield make.network_founded(
        clock="simulated", names=Names(ky="Чакан тармак", ru="Малая сеть", en="The small network")
    )
    yield make.region_joined(
        names=Names(ky="Ысык-Көл", ru="Иссык-Куль", en="Ysyk-Köl"),
        committee_names=Names(ky="Ысык-Көл комитети", ru="Комитет Иссык-Куля", en="Committee of Ysyk-Köl"),
    )
    for village, said in _VILLAGES.items():
        yield make.village_registered(
            village=village, names=_names(said), longitude_microdegrees=said[3], latitude_microdegrees=said[4]
        )
        yield make.producer_registered(producer=f"p-{village}", village=village, joined_on=date(2014, 3, 1))
    yield make.supplier_registered()
    yield make.workshop_opened(names=Names(ky="Тосор кыям цехи", ru="Цех «Тосор»", en="Tosor jam workshop"))
    yield make.outlet_opened(names=Names(ky="Каракол дүкөнү", ru="Магазин «Каракол»", en="Karakol shop"))
    yield make.outlet_opened(
        outlet="bishkek",
        names=Names(ky="Бишкек дүкөнү", ru="Магазин «Бишкек»", en="Bishkek shop"),
        longitude_microdegrees=74_590_000,
        latitude_microdegrees=42_870_000,
    )
    yield make.product_defined(names=Names(ky="Өрүк кыямы", ru="Варенье из абрикосов", en="Apricot jam"))
    yield make.price_set(effective_from=date(2014, 3, 1))
    yield make.share_terms_agreed(effective_from=date(2014, 3, 1))
    yield make.till_enrolled()
    yield make.product_submitted()
    yield make.product_certified(valid_from=date(2014, 6, 1), valid_until=date(2016, 5, 31))


def _making() -> Iterator[Event]:
    for village, mass_g in _BROUGHT.items():
        yield make.lot_collected(lot=f"lot-{village}", producer=f"p-{village}", mass_g=mass_g)
    yield make.material_received()
    yield make.lots_pooled(
        inputs=tuple(LotInput(lot=f"lot-{village}", mass_g=mass_g) for village, mass_g in _BROUGHT.items()),
        mass_g=39_000,
        loss_mass_g=1_000,
    )
    yield make.batch_produced(
        inputs=(
            LotInput(lot="lot-pool-1", mass_g=39_000),
            LotInput(lot="lot-sugar-1", mass_g=30_000, bears_origin=False),
        ),
        mass_g=54_000,
        loss_mass_g=15_000,
    )
    yield make.batch_packed(code=CODE, units=180, best_before=date(2016, 1, 31))
    yield make.stock_shipped(lines=(make.stock_line(units=60),))
    yield make.stock_received(lines=(make.stock_line(units=60),))


class Recorder:
    """Appends events to a log, each as a request of its own, with ids that are the same in every run."""

    def __init__(self, log: Log) -> None:
        self._log = log
        self._count = 0
        self._till_counter = 0

    def record(self, event: Event, occurred_at: datetime, recorded_at: datetime | None = None) -> int:
        """Append one event; its position."""
        self._count += 1
        identity = uuid5(UUID(int=0), str(self._count))
        actor = {"production": "workshop/tosor-jam", "outlets": "till/karakol-1"}.get(
            event.wire_name.partition(".")[0], "center-desk"
        )
        request = Append(
            identity,
            content_hash(str(identity)),
            event.stream(),
            None,
            actor,
            occurred_at,
            (event,),
            recorded_at=recorded_at or occurred_at,
        )
        [outcome] = self._log.append([request])
        assert isinstance(outcome, Appended), outcome
        return outcome.last_position

    def sell(self, sale: str, units: int, occurred_at: datetime, recorded_at: datetime | None = None) -> int:
        """A receipt of jam from the batch, paid in cash."""
        self._till_counter += 1
        event = make.sale_made(
            sale=sale,
            till_counter=self._till_counter,
            lines=(make.sale_line(batch=BATCH, units=units, unit_price_tyiyn=PRICE_TYIYN),),
            tenders=(make.cash(units * PRICE_TYIYN),),
        )
        return self.record(event, occurred_at, recorded_at)

    def void(self, sale: str, occurred_at: datetime) -> int:
        self._till_counter += 1
        return self.record(make.sale_voided(sale=sale, till_counter=self._till_counter), occurred_at)


def fill(log: Log) -> Recorder:
    """Record the whole history of the small network."""
    recorder = Recorder(log)
    moment = FOUNDED
    for event in _founding():
        recorder.record(event, moment)
        moment += timedelta(minutes=1)
    moment = datetime(2014, 7, 10, 5, tzinfo=UTC)
    for event in _making():
        recorder.record(event, moment)
        moment += timedelta(hours=20)
    for number, units in enumerate(SOLD_IN_TIME):
        recorder.sell(f"sale-{number}", units, datetime(2014, 9, 1 + number, 6, tzinfo=UTC))
    recorder.void(f"sale-{VOIDED}", datetime(2014, 9, 3, 7, tzinfo=UTC))
    recorder.sell("sale-late", SOLD_LATE, datetime(2014, 12, 30, 6, tzinfo=UTC), datetime(2015, 1, 4, 3, tzinfo=UTC))
    for number, units in enumerate(SOLD_IN_2015):
        recorder.sell(f"sale-new-{number}", units, datetime(2015, 2, 1 + number, 6, tzinfo=UTC))
    return recorder
