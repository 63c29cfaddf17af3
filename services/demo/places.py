"""Where the demonstration plays: real places, workshops and shops.

Places, their districts and positions are real; `exact` says whether a position was read from a source or is good for a
demonstration map only. That these workshops, shops and opening years belong to these places is demonstration data,
but for the shops in Karakol and Bishkek.
"""

from dataclasses import dataclass
from datetime import date
from typing import Literal

type Spoken = tuple[str, str, str]  #: ky, ru, en


@dataclass(frozen=True, slots=True)
class Region:
    """An oblast or city that joins the network on a day."""

    code: str
    names: Spoken
    joined: date


@dataclass(frozen=True, slots=True)
class Village:
    """A place that people live in. Degrees times a million."""

    id: str
    region: str
    district: str
    parent: str
    names: Spoken
    latitude: int
    longitude: int
    exact: bool


@dataclass(frozen=True, slots=True)
class Workshop:
    """A collective processing place: what it makes (bases of the catalogue) and from which villages it takes."""

    id: str
    year: int
    makes: tuple[str, ...]
    takes_from: tuple[str, ...]  #: the first one is where it stands
    names: Spoken

    @property
    def place(self) -> str:
        return f"workshop/{self.id}"


@dataclass(frozen=True, slots=True)
class Outlet:
    """A shop: since when, how busy, in which months, how well connected. `twin_of` moves it a little on the map."""

    id: str
    village: str
    opened: date
    weight: float
    season: Literal["lake", "city", "summer", "winter"]
    connectivity: Literal["good", "daytime", "evenings", "weekly"]
    names: Spoken
    tills: int = 1

    @property
    def place(self) -> str:
        return f"outlet/{self.id}"


REGIONS = (
    Region("KG-Y", ("Ысык-Көл облусу", "Иссык-Кульская область", "Ysyk-Kol Region"), date(2011, 12, 10)),
    Region("KG-GB", ("Бишкек шаары", "Город Бишкек", "Bishkek City"), date(2012, 10, 1)),
    Region("KG-N", ("Нарын облусу", "Нарынская область", "Naryn Region"), date(2015, 1, 5)),
    Region("KG-GO", ("Ош шаары", "Город Ош", "Osh City"), date(2016, 1, 5)),
    Region("KG-B", ("Баткен облусу", "Баткенская область", "Batken Region"), date(2016, 1, 5)),
    Region("KG-T", ("Талас облусу", "Таласская область", "Talas Region"), date(2016, 1, 5)),
)

#: id, region, district, parent, ky, ru, en, latitude, longitude (microdegrees), exact
_VILLAGES = (
    ("karakol", "KG-Y", "karakol", "karakol-city", "Каракол", "Каракол", "Karakol", 42490700, 78393600, 1),
    ("balykchy", "KG-Y", "balykchy", "balykchy-city", "Балыкчы", "Балыкчи", "Balykchy", 42460200, 76187100, 1),
    ("cholpon-ata", "KG-Y", "issyk-kul", "cholpon-ata-city", "Чолпон-Ата", "Чолпон-Ата", "Cholpon-Ata",
     42649400, 77082300, 1),
    ("bokonbaevo", "KG-Y", "ton", "kun-chygysh", "Бөкөнбаев", "Боконбаево", "Bokonbaevo", 42114400, 76993300, 1),
    ("kaji-say", "KG-Y", "ton", "kaji-say", "Кажы-Сай", "Каджи-Сай", "Kaji-Say", 42141100, 77178500, 1),
    ("ak-say", "KG-Y", "ton", "ton", "Ак-Сай", "Ак-Сай", "Ak-Say", 42170000, 76800000, 0),
    ("kyzyl-tuu", "KG-Y", "ton", "ton", "Кызыл-Туу", "Кызыл-Туу", "Kyzyl-Tuu", 42190000, 76680000, 0),
    ("kok-moinok-2", "KG-Y", "ton", "kok-moinok", "Көк-Мойнок-2", "Кок-Мойнок-2", "Kok-Moinok-2",
     42380000, 76020000, 0),
    ("tort-kul", "KG-Y", "ton", "tort-kul", "Төрт-Күл", "Торт-Куль", "Tort-Kul", 42080000, 76870000, 0),
    ("ton", "KG-Y", "ton", "ton", "Тоң", "Тон", "Ton", 42150000, 76880000, 0),
    ("kara-koo", "KG-Y", "ton", "ton", "Кара-Коо", "Кара-Коо", "Kara-Koo", 42200000, 76620000, 0),
    ("barskoon", "KG-Y", "jeti-oguz", "barskoon", "Барскоон", "Барскаун", "Barskoon", 42156100, 77603900, 1),
    ("tamga", "KG-Y", "jeti-oguz", "tamga", "Тамга", "Тамга", "Tamga", 42150000, 77530000, 1),
    ("tosor", "KG-Y", "jeti-oguz", "tamga", "Тосор", "Тосор", "Tosor", 42165000, 77440000, 0),
    ("ak-terek", "KG-Y", "jeti-oguz", "jargylchak", "Ак-Терек", "Ак-Терек", "Ak-Terek", 42240000, 77720000, 0),
    ("darkhan", "KG-Y", "jeti-oguz", "darkhan", "Дархан", "Дархан", "Darkhan", 42290000, 77800000, 0),
    ("saruu", "KG-Y", "jeti-oguz", "saruu", "Саруу", "Саруу", "Saruu", 42320000, 77910000, 0),
    ("kyzyl-suu", "KG-Y", "jeti-oguz", "kyzyl-suu", "Кызыл-Суу", "Кызыл-Суу", "Kyzyl-Suu", 42342100, 78006400, 1),
    ("jeti-oguz", "KG-Y", "jeti-oguz", "jeti-oguz", "Жети-Өгүз", "Джети-Огуз", "Jeti-Oguz", 42400000, 78230000, 0),
    ("yrdyk", "KG-Y", "jeti-oguz", "yrdyk", "Ырдык", "Ирдык", "Yrdyk", 42450000, 78300000, 0),
    ("ak-suu", "KG-Y", "ak-suu", "ak-suu", "Ак-Суу", "Теплоключенка", "Ak-Suu", 42499500, 78527000, 1),
    ("jyrgalan", "KG-Y", "ak-suu", "jyrgalan", "Жыргалаң", "Джергалан", "Jyrgalan", 42610000, 78980000, 0),
    ("boru-bash", "KG-Y", "ak-suu", "boru-bash", "Бөрү-Баш", "Бору-Баш", "Boru-Bash", 42560000, 78420000, 0),
    ("tyup", "KG-Y", "tyup", "tyup", "Түп", "Тюп", "Tyup", 42727600, 78364800, 1),
    ("tasma", "KG-Y", "tyup", "karasaev", "Тасма", "Тасма", "Tasma", 42720000, 78180000, 0),
    ("shaty", "KG-Y", "tyup", "kutirgu", "Шаты", "Шаты", "Shaty", 42760000, 78280000, 0),
    ("kuturgu", "KG-Y", "tyup", "kutirgu", "Кутургу", "Кутургу", "Kuturgu", 42740000, 77970000, 0),
    ("bosteri", "KG-Y", "issyk-kul", "bosteri", "Бостери", "Бостери", "Bosteri", 42650000, 77190000, 0),
    ("tamchy", "KG-Y", "issyk-kul", "tamchy", "Тамчы", "Тамчи", "Tamchy", 42560000, 76650000, 1),
    ("grigorievka", "KG-Y", "issyk-kul", "sadyr-ake", "Григорьевка", "Григорьевка", "Grigorievka",
     42716700, 77481900, 1),
    ("ananyevo", "KG-Y", "issyk-kul", "ananyevo", "Ананьев", "Ананьево", "Ananyevo", 42735300, 77672800, 1),
    ("bishkek", "KG-GB", "bishkek", "bishkek-city", "Бишкек", "Бишкек", "Bishkek", 42870000, 74590000, 1),
    ("naryn", "KG-N", "naryn", "naryn-city", "Нарын", "Нарын", "Naryn", 41428700, 75991100, 1),
    ("at-bashy", "KG-N", "at-bashy", "at-bashy", "Ат-Башы", "Ат-Баши", "At-Bashy", 41169500, 75801000, 1),
    ("kochkor", "KG-N", "kochkor", "kochkor", "Кочкор", "Кочкор", "Kochkor", 42210000, 75760000, 0),
    ("osh", "KG-GO", "osh", "osh-city", "Ош", "Ош", "Osh", 40528300, 72798500, 1),
    ("batken", "KG-B", "batken", "batken-city", "Баткен", "Баткен", "Batken", 40062600, 70819400, 1),
    ("talas", "KG-T", "talas", "talas-city", "Талас", "Талас", "Talas", 42522800, 72242700, 1),
)  # fmt: skip

VILLAGES = tuple(
    Village(row[0], row[1], row[2], row[3], (row[4], row[5], row[6]), row[7], row[8], bool(row[9])) for row in _VILLAGES
)
VILLAGE = {village.id: village for village in VILLAGES}

#: id, year, bases it makes, villages it takes from, ky, ru, en
_WORKSHOPS = (
    ("karakol-fruit", 2012, "jam-ras jam-bcu jui-apr syr-ros", "karakol yrdyk boru-bash jeti-oguz",
     "Каракол жемиш цехи", "Каракольский фруктовый цех", "Karakol fruit workshop"),
    ("barskoon-fruit", 2012, "jam-apr dry-apr jui-apr", "barskoon tamga ak-terek darkhan",
     "Барскоон өрүк цехи", "Барскаунский абрикосовый цех", "Barskoon apricot workshop"),
    ("tosor-berry", 2012, "jui-sbt oil-sbt", "tosor tamga kaji-say barskoon",
     "Тосор чычырканак цехи", "Тосорский облепиховый цех", "Tosor sea-buckthorn workshop"),
    ("ak-suu-berry", 2012, "jam-bar jam-bcu tea-hrb", "ak-suu jyrgalan boru-bash",
     "Ак-Суу мөмө цехи", "Ак-Сууский ягодный цех", "Ak-Suu berry workshop"),
    ("bokonbaevo-felt", 2012, "fel-toy fel-sli fel-bag fel-sca", "bokonbaevo tort-kul ton kara-koo",
     "Бөкөнбаев кийиз устаканасы", "Боконбаевская мастерская войлока", "Bokonbaevo felt studio"),
    ("ak-say-felt", 2012, "fel-cas fel-toy", "ak-say ton tort-kul",
     "Ак-Сай кийиз тобу", "Группа войлока Ак-Сай", "Ak-Say felt group"),
    ("bosteri-felt", 2012, "fel-cas fel-sli hat-kal", "bosteri cholpon-ata tamchy",
     "Бостери кийиз тобу", "Группа войлока Бостери", "Bosteri felt group"),
    ("tasma-soap", 2012, "soa-hrb soa-goa", "tasma tyup shaty",
     "Тасма самын цехи", "Мыловарня Тасма", "Tasma soap workshop"),
    ("jeti-oguz-honey", 2012, "hon-esp hon-mtn sal-mtn", "jeti-oguz kyzyl-suu saruu yrdyk",
     "Жети-Өгүз бал цехи", "Джети-Огузский медовый цех", "Jeti-Oguz honey workshop"),
    ("tyup-dairy", 2012, "dai-kur dai-ghe dai-che", "tyup shaty tasma kuturgu",
     "Түп сүт цехи", "Тюпский молочный цех", "Tyup dairy"),
    ("kyzyl-tuu-rugs", 2012, "rug-shy rug-ala", "kyzyl-tuu kara-koo ton",
     "Кызыл-Туу уздары", "Мастерицы Кызыл-Туу", "Kyzyl-Tuu rug makers"),
    ("grigorievka-honey", 2013, "hon-mtn hon-esp dry-apr", "grigorievka ananyevo bosteri",
     "Григорьевка бал цехи", "Григорьевский медовый цех", "Grigorievka honey workshop"),
    ("kyzyl-suu-fruit", 2013, "jam-bcu jam-ras syr-ros", "kyzyl-suu saruu darkhan",
     "Кызыл-Суу жемиш цехи", "Кызыл-Сууский фруктовый цех", "Kyzyl-Suu fruit workshop"),
    ("kok-moinok-craft", 2013, "fel-toy hat-kal fel-bag", "kok-moinok-2 balykchy",
     "Байтүгөл тобу", "Группа «Байтюгёл»", "Baytugol crafts group"),
    ("kuturgu-jam", 2014, "jam-ras jam-apr tea-hrb", "kuturgu shaty ananyevo",
     "Кутургу кыям цехи", "Кутургинский цех варенья", "Kuturgu jam workshop"),
    ("kaji-say-fruit", 2014, "jam-apr dry-apr", "kaji-say tosor bokonbaevo",
     "Кажы-Сай өрүк цехи", "Каджи-Сайский абрикосовый цех", "Kaji-Say apricot workshop"),
    ("tort-kul-wool", 2014, "fel-sca fel-sli", "tort-kul bokonbaevo ak-say",
     "Төрт-Күл жүн цехи", "Торт-Кульский цех шерсти", "Tort-Kul wool workshop"),
    ("kochkor-shyrdak", 2015, "rug-shy rug-ala fel-bag", "kochkor at-bashy",
     "Кочкор шырдакчылары", "Мастерицы ширдаков Кочкора", "Kochkor shyrdak makers"),
    ("naryn-honey", 2015, "hon-esp dai-kur", "naryn at-bashy",
     "Нарын бал цехи", "Нарынский медовый цех", "Naryn honey workshop"),
    ("batken-apricot", 2016, "dry-apr jui-apr", "batken",
     "Баткен өрүк цехи", "Баткенский абрикосовый цех", "Batken apricot workshop"),
    ("talas-herb", 2016, "tea-hrb", "talas",
     "Талас чөп цехи", "Таласский травяной цех", "Talas herb workshop"),
)  # fmt: skip

WORKSHOPS = tuple(
    Workshop(row[0], row[1], tuple(row[2].split()), tuple(row[3].split()), (row[4], row[5], row[6]))
    for row in _WORKSHOPS
)

#: id, village, opened, weight, season, connectivity, tills, ky, ru, en
_OUTLETS = (
    ("karakol-ovop", "karakol", "2012-01-03", 10, "city", "good", 2,
     "Каракол БАБП дүкөнү", "Магазин ОСОП, Каракол", "Karakol OVOP shop"),
    ("cholpon-ata-1", "cholpon-ata", "2012-01-03", 8, "lake", "daytime", 2,
     "Чолпон-Ата 1", "Чолпон-Ата 1", "Cholpon-Ata 1"),
    ("karakol-research", "karakol", "2012-06-13", 6, "city", "good", 1,
     "Каракол изилдөө дүкөнү", "Исследовательский магазин, Каракол", "Karakol Research Shop"),
    ("bishkek-center", "bishkek", "2012-11-05", 14, "city", "good", 2,
     "Бишкек БАБП борбору", "Центр ОСОП, Бишкек", "Bishkek OVOP Center"),
    ("bosteri-1", "bosteri", "2013-05-02", 4, "lake", "daytime", 1, "Бостери 1", "Бостери 1", "Bosteri 1"),
    ("bokonbaevo-cbt", "bokonbaevo", "2013-05-15", 3, "lake", "evenings", 1,
     "Бөкөнбаев CBT", "Боконбаево CBT", "Bokonbaevo CBT"),
    ("balykchy-station", "balykchy", "2013-04-02", 3, "lake", "daytime", 1,
     "Балыкчы бекети", "Балыкчи, вокзал", "Balykchy station"),
    ("cholpon-ata-2", "cholpon-ata", "2013-06-01", 5, "lake", "good", 1,
     "Чолпон-Ата 2", "Чолпон-Ата 2", "Cholpon-Ata 2"),
    ("tamchy-airport", "tamchy", "2013-06-10", 3, "lake", "daytime", 1,
     "Тамчы аэропорту", "Аэропорт Тамчи", "Tamchy airport"),
    ("bishkek-mall", "bishkek", "2014-03-01", 8, "city", "good", 1,
     "Бишкек, соода борбору", "Бишкек, торговый центр", "Bishkek mall corner"),
    ("grigorievka", "grigorievka", "2014-05-10", 2, "lake", "evenings", 1,
     "Григорьевка", "Григорьевка", "Grigorievka"),
    ("ananyevo", "ananyevo", "2014-05-12", 2, "lake", "evenings", 1, "Ананьев", "Ананьево", "Ananyevo"),
    ("kaji-say", "kaji-say", "2014-05-20", 2, "lake", "evenings", 1, "Кажы-Сай", "Каджи-Сай", "Kaji-Say"),
    ("tosor-beach", "tosor", "2014-06-01", 2, "summer", "weekly", 1,
     "Тосор жээги", "Тосор, пляж", "Tosor beach"),
    ("tamga-sanatorium", "tamga", "2014-06-05", 3, "lake", "daytime", 1,
     "Тамга санаторийи", "Санаторий Тамга", "Tamga sanatorium"),
    ("kyzyl-suu", "kyzyl-suu", "2014-04-07", 2, "lake", "daytime", 1, "Кызыл-Суу", "Кызыл-Суу", "Kyzyl-Suu"),
    ("cholpon-ata-3", "cholpon-ata", "2015-05-01", 4, "lake", "good", 1,
     "Чолпон-Ата 3", "Чолпон-Ата 3", "Cholpon-Ata 3"),
    ("bosteri-2", "bosteri", "2015-05-15", 3, "lake", "daytime", 1, "Бостери 2", "Бостери 2", "Bosteri 2"),
    ("bishkek-museum", "bishkek", "2015-03-02", 5, "city", "good", 1,
     "Бишкек, музей дүкөнү", "Бишкек, магазин музея", "Bishkek museum shop"),
    ("bishkek-airport", "bishkek", "2015-04-01", 6, "city", "good", 1,
     "Бишкек, аэропорт", "Бишкек, аэропорт", "Bishkek airport"),
    ("jeti-oguz-resort", "jeti-oguz", "2015-05-20", 2, "lake", "evenings", 1,
     "Жети-Өгүз курорту", "Курорт Джети-Огуз", "Jeti-Oguz resort"),
    ("barskoon-falls", "barskoon", "2015-06-01", 2, "summer", "weekly", 1,
     "Барскоон шаркыратмасы", "Барскаунский водопад", "Barskoon falls kiosk"),
    ("tyup", "tyup", "2015-04-15", 1.5, "lake", "evenings", 1, "Түп", "Тюп", "Tyup"),
    ("ak-suu-springs", "ak-suu", "2015-05-05", 1.5, "lake", "evenings", 1,
     "Ак-Суу булактары", "Источники Ак-Суу", "Ak-Suu springs"),
    ("naryn", "naryn", "2015-03-15", 2, "city", "daytime", 1, "Нарын", "Нарын", "Naryn"),
    ("cholpon-ata-4", "cholpon-ata", "2016-05-01", 4, "lake", "good", 1,
     "Чолпон-Ата 4", "Чолпон-Ата 4", "Cholpon-Ata 4"),
    ("bosteri-3", "bosteri", "2016-05-10", 3, "lake", "daytime", 1, "Бостери 3", "Бостери 3", "Bosteri 3"),
    ("karakol-ski", "karakol", "2016-01-05", 3, "winter", "weekly", 1,
     "Каракол лыжа базасы", "Лыжная база Каракол", "Karakol ski base"),
    ("kochkor", "kochkor", "2016-03-15", 1.5, "city", "evenings", 1, "Кочкор", "Кочкор", "Kochkor"),
    ("osh", "osh", "2016-03-20", 2.5, "city", "good", 1, "Ош", "Ош", "Osh"),
    ("talas", "talas", "2016-04-10", 1.5, "city", "daytime", 1, "Талас", "Талас", "Talas"),
    ("bishkek-market", "bishkek", "2016-03-01", 3, "city", "daytime", 1,
     "Бишкек, базар", "Бишкек, базар", "Bishkek market stall"),
)  # fmt: skip


def _outlet(row: tuple[str, str, str, float, str, str, int, str, str, str]) -> Outlet:
    season: Literal["lake", "city", "summer", "winter"] = row[4]  # type: ignore[assignment]
    connectivity: Literal["good", "daytime", "evenings", "weekly"] = row[5]  # type: ignore[assignment]
    names = (row[7], row[8], row[9])
    return Outlet(row[0], row[1], date.fromisoformat(row[2]), row[3], season, connectivity, names, row[6])


OUTLETS = tuple(_outlet(row) for row in _OUTLETS)
