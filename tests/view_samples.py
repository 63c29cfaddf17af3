"""Views of a small made-up network, for tests that look at pages without servers."""

from collections.abc import Sequence
from dataclasses import replace
from datetime import UTC, date, datetime, timedelta
from typing import Any

from events.catalogue.values import Names
from services.web.views import (
    CertificateView,
    Freshness,
    JarView,
    JourneyStep,
    MapPoint,
    MoneyShares,
    NetworkView,
    OutletRow,
    Proof,
    VillageRow,
    VillageShare,
    Where,
    YearOfSales,
)

NOW = datetime(2016, 12, 31, 11, 42, tzinfo=UTC)
FRESH = Freshness(position=241_873, recorded_at=NOW, lag_events=0, waiting_reports=0)
YSYK_KOL = Names(ky="Ысык-Көл облусу", ru="Иссык-Кульская область", en="Ysyk-Köl Region")

_VILLAGES = (
    ("Тосор", "Тосор", "Tosor", 77.44, 42.165),
    ("Барскоон", "Барскаун", "Barskoon", 77.6039, 42.1561),
    ("Тамга", "Тамга", "Tamga", 77.53, 42.15),
    ("Ак-Терек", "Ак-Терек", "Ak-Terek", 77.72, 42.24),
    ("Кажы-Сай", "Каджи-Сай", "Kaji-Say", 77.1785, 42.1411),
    ("Бөкөнбаев", "Боконбаево", "Bokonbaevo", 76.9933, 42.1144),
    ("Жети-Өгүз", "Джети-Огуз", "Jeti-Oguz", 78.23, 42.40),
    ("Түп", "Тюп", "Tyup", 78.3648, 42.7276),
    ("Ананьево", "Ананьево", "Ananyevo", 77.6728, 42.7353),
    ("Ат-Башы", "Ат-Башы", "At-Bashy", 75.8010, 41.1695),
)
_OUTLETS = (
    ("Каракол OVOP дүкөнү", "Магазин OVOP, Каракол", "Karakol OVOP shop", 78.3936, 42.4907),
    ("OVOP борбору, Бишкек", "Центр OVOP, Бишкек", "OVOP Center, Bishkek", 74.59, 42.87),
    ("Чолпон-Ата жээги", "Чолпон-Ата, набережная", "Cholpon-Ata promenade", 77.0823, 42.6494),
    ("Балыкчы бекети", "Вокзал Балыкчи", "Balykchy station", 76.1871, 42.4602),
    ("Тамчы аэропорту", "Аэропорт Тамчи", "Tamchy airport", 76.65, 42.56),
    ("Барскоон шаркыратмасы", "Водопад Барскаун, киоск", "Barskoon fall kiosk", 77.60, 42.02),
    ("Нарын", "Нарын", "Naryn", 75.9911, 41.4287),
    ("Ош", "Ош", "Osh", 72.7985, 40.5283),
    ("Өзгөн", "Узген", "Uzgen", 73.3007, 40.7699),
)


def _names(row: tuple[str, str, str, float, float]) -> Names:
    return Names(ky=row[0], ru=row[1], en=row[2])


def _point(row: tuple[str, str, str, float, float]) -> MapPoint:
    return MapPoint(round(row[3] * 1_000_000), round(row[4] * 1_000_000), is_exact=True)


def _outlet(at: int, row: tuple[str, str, str, float, float]) -> OutletRow:
    last = NOW - timedelta(hours=at * at * 5, minutes=17)
    return OutletRow(
        outlet=f"outlet-{at}",
        names=_names(row),
        region_names=YSYK_KOL,
        point=_point(row),
        is_open=at != 8,
        sales_this_year_tyiyn=190_430_000 // (at + 1),
        last_sale_at=None if at == 7 else last,
        silent_for=NOW - last if NOW - last > timedelta(days=7) else None,
    )


def network(**changes: Any) -> NetworkView:
    years = ((2012, 190), (2013, 400), (2014, 730), (2015, 1153), (2016, 1275))
    view = NetworkView(
        names=Names(
            ky="Бир айыл — бир өнүм, Кыргызстан",
            ru="Одно село — один продукт, Кыргызстан",
            en="One Village One Product, Kyrgyzstan",
        ),
        is_simulated=True,
        now=NOW,
        fresh=FRESH,
        year=2016,
        sales_tyiyn=3_748_000_000,
        sales_this_year_tyiyn=1_275_000_000,
        makers_tyiyn=2_548_640_000,
        makers_this_year_tyiyn=867_000_000,
        producers=1520,
        products=800,
        years=[YearOfSales(year, at * 1_000_000, at * 680_000, year < 2016) for year, at in years],
        outlets=[_outlet(at, row) for at, row in enumerate(_OUTLETS)],
        villages=[VillageRow(f"village-{at}", _names(row), _point(row), 10) for at, row in enumerate(_VILLAGES)],
    )
    return replace(view, **changes)


def shares() -> Sequence[VillageShare]:
    parts = (412_345, 307_655, 180_000, 90_000)
    known = [
        VillageShare(f"village-{at}", _names(_VILLAGES[at]), YSYK_KOL, 9 - at * 2, ppm) for at, ppm in enumerate(parts)
    ]
    return [*known, VillageShare("unknown", None, None, 0, 10_000)]


def _where(row: tuple[str, str, str, float, float]) -> Where:
    return Where(_names(row), _point(row))


def journey() -> Sequence[JourneyStep]:
    workshop = Names(ky="Тосор кыям цехи", ru="Варенье Тосора, цех", en="Tosor jam workshop")
    gathered = datetime(2016, 7, 12, 4, tzinfo=UTC)
    villages = [_where(row) for row in _VILLAGES[:4]]
    here = [Where(workshop, _point(_VILLAGES[0]))]
    arrived = [_where(row) for row in _OUTLETS[:3]]
    day = timedelta(days=1)
    return [
        JourneyStep("collected", gathered, gathered + 3 * day, 21, villages, "producer", None),
        JourneyStep("made", gathered + 4 * day, gathered + 4 * day, 1, here, "workshop", workshop),
        JourneyStep("tested", None, None, 0, [], "unknown", None),
        JourneyStep("packed", gathered + 5 * day, gathered + 5 * day, 1, here, "workshop", workshop),
        JourneyStep("shipped", gathered + 9 * day, gathered + 30 * day, 3, here, "workshop", workshop),
        JourneyStep("arrived", gathered + 10 * day, gathered + 33 * day, 3, arrived, "outlet", None),
    ]


def jar(**changes: Any) -> JarView:
    view = JarView(
        code="7K3M9QX2",
        lot="b-2016-07-tosor-014",
        is_simulated=True,
        verdict="certified",
        recall=None,
        product_names=Names(ky="Өрүк кыямы, 300 г", ru="Варенье из абрикосов, 300 г", en="Apricot jam, 300 g"),
        product="jam-apr-300",
        unit="jar",
        net_mass_g=300,
        units_packed=412,
        packed_at=datetime(2016, 7, 17, 5, tzinfo=UTC),
        best_before=date(2018, 7, 17),
        is_past_best_before=False,
        villages=shares(),
        origin_basis="mass",
        maker="workshop",
        maker_names=Names(ky="Тосор кыям цехи", ru="Варенье Тосора, цех", en="Tosor jam workshop"),
        maker_village_names=_names(_VILLAGES[0]),
        certificate=CertificateView(
            certificate="kg-y-2015-0117",
            committee_names=Names(
                ky="Ысык-Көл бренд комитети", ru="Комитет бренда Иссык-Куля", en="Brand committee of Ysyk-Köl"
            ),
            score_milli=83_400,
            members=5,
            valid_from=date(2015, 9, 1),
            valid_until=date(2017, 8, 31),
        ),
        journey=journey(),
        money=MoneyShares(6800, 700, 1700, 600, 200, date(2012, 1, 1)),
        proof=Proof(position=198_212, recorded_at=datetime(2016, 7, 17, 6, 5, tzinfo=UTC), leaf_hash=bytes(range(32))),
        fresh=FRESH,
    )
    return replace(view, **changes)
