"""What the demonstration makes: 26 kinds of goods, and from them exactly 800 product types over five years.

Kinds, units, shelf lives, seasons and the ranges of prices are those known of the movement (prices and shelf lives are
assumptions); flavours, designs and sizes are demonstration data.
"""

from collections.abc import Mapping, Sequence
from dataclasses import dataclass
from itertools import product as every
from random import Random
from typing import Literal

from services.demo.places import WORKSHOPS, Spoken, Workshop

type Basis = Literal["mass", "pieces", "hours"]
#: One size: a suffix of the id, its name in English, net grams of a unit (of a piece for pieces), som at today's level.
type Size = tuple[str, str, int, int]
type Style = tuple[str, str, str, str]  #: suffix, ky, ru, en

#: What a som of today was worth on the shelf, per year: history's prices in permille of today's.
PRICE_PERMILLE = {2011: 450, 2012: 450, 2013: 470, 2014: 490, 2015: 520, 2016: 550, 2017: 550}


@dataclass(frozen=True, slots=True)
class Recipe:
    """What a kilogram of the product takes and leaves, in permille of its mass. The rest of what goes in is loss."""

    material: str
    origin: int  #: of the villages' material
    supplied: tuple[tuple[str, int], ...] = ()
    by_product: tuple[str, int] | None = None
    pack: str | None = None  #: one of these supplied pieces per unit
    pool_loss: int = 15  #: what sorting and washing takes away when lots are pooled
    lot_g: tuple[int, int] = (1500, 4500)  #: what one person brings at a time
    by_pieces: bool = False  #: people bring finished pieces
    home: bool = False  #: each product type is one person's work, out of a workshop's pool


@dataclass(frozen=True, slots=True)
class Kind:
    """One of the 26 kinds of goods."""

    id: str
    group: str
    names: Spoken
    unit: str
    sizes: tuple[Size, ...]
    styles: tuple[Style, ...]
    shelf_life_days: int | None
    months: tuple[int, ...]
    recipe: Recipe
    basis: Basis = "mass"
    pools_min: int = 1  #: pools per workshop and year, at least

    @property
    def piece(self) -> bool:
        return self.unit in ("piece", "pair", "square_metre")


@dataclass(frozen=True, slots=True)
class Product:
    """A product type: a kind in one size and style, made by one workshop."""

    id: str
    kind: Kind
    workshop: Workshop
    names: Spoken
    unit_g: int
    base_som: int
    year: int
    popularity: float

    def price_tyiyn(self, year: int) -> int:
        """The list price of a year, in whole five som."""
        som = self.base_som * PRICE_PERMILLE[year] / 1000
        return max(5, round(som / 5) * 5) * 100


#: How units are written in Kyrgyz and Russian.
_UNITS = {"g": "г", "kg": "кг", "l": "л", "ml": "мл", "cm": "см", "m²": "м²"}


def _spoken_size(name: str) -> Spoken:
    """The name of a size in each language, in one piece; a number alone, as of a slipper, is the same in all."""
    number, _, unit = name.partition(" ")
    here = f"{number.replace('.', ',')}\u00a0{_UNITS[unit]}" if unit else number
    return here, here, name.replace(" ", "\u00a0")


def _styles(text: str) -> tuple[Style, ...]:
    rows = [tuple(part.strip() for part in line.split("/")) for line in text.strip().splitlines()]
    return tuple((row[0], row[1], row[2], row[3]) for row in rows)


_SWEET = _styles("""
    pure / таза / классика / pure
    wal / жаңгак менен / с грецким орехом / with walnut
    low / канты аз / мало сахара / less sugar
    hon / бал менен / с мёдом / with honey
    gft / белек / в подарочной упаковке / gift edition
    wht / ак / белая линия / white label""")
_JUICE = _styles("""
    pure / таза / прямой отжим / pure
    hon / бал менен / с мёдом / with honey
    plp / эти менен / с мякотью / with pulp
    mnt / жалбыз менен / с мятой / with mint""")
_HONEY = _styles("""
    pure / таза / классика / pure
    wal / жаңгак менен / с грецким орехом / with walnut
    apr / өрүк менен / с курагой / with dried apricot
    gft / белек / подарочный / gift edition
    crm / крем / крем-мёд / creamed""")
_HERBS = _styles("""
    mix / аралаш / сбор / mixed
    thy / кийик оту / чабрец / thyme
    mnt / жалбыз / мята / mint
    ros / ит мурун / шиповник / rosehip
    ore / көк чөп / душица / oregano
    sbl / чычырканак жалбырагы / лист облепихи / sea-buckthorn leaf
    chm / ромашка / ромашка / chamomile
    nig / түнкү / вечерний / evening""")
_SOAP = _styles("""
    cal / календула / календула / calendula
    chm / ромашка / ромашка / chamomile
    thy / кийик оту / чабрец / thyme
    hon / бал / мёд / honey
    sbt / чычырканак / облепиха / sea buckthorn
    slt / туз / соль / salt
    jun / арча / арча / juniper
    mnt / жалбыз / мята / mint
    net / чалкан / крапива / nettle
    oat / сулу / овёс / oats
    ros / ит мурун / шиповник / rosehip
    lav / лаванда / лаванда / lavender""")
_ANIMALS = _styles("""
    leo / илбирс / снежный барс / snow leopard
    hor / ат / лошадь / horse
    cam / төө / верблюд / camel
    she / кой / овца / sheep
    yak / топоз / як / yak
    ibx / тоо теке / козерог / ibex
    egl / бүркүт / беркут / eagle
    mar / суур / сурок / marmot
    bea / аюу / медведь / bear
    fox / түлкү / лиса / fox
    dee / бугу / олень / deer
    owl / үкү / сова / owl""")
_COLOURS = _styles("""
    gre / боз / серые / grey
    red / кызыл / красные / red
    blu / көк / синие / blue
    wht / ак / белые / white
    brn / күрөң / коричневые / brown
    grn / жашыл / зелёные / green""")
_ORNAMENTS = _styles("""
    koc / кочкор мүйүз / бараний рог / ram's horn
    kya / кыял / кыял / kyyal
    tum / тумар / тумар / tumar
    ayi / ай / луна / moon
    gul / гүл / цветок / flower
    too / тоо / гора / mountain
    suu / суу / вода / water
    kus / куш / птица / bird""")
_DAIRY = _styles("""
    cls / салттуу / классика / classic
    slt / туздуу / с солью / salted
    hrb / чөп менен / с травами / with herbs
    hon / бал менен / с мёдом / with honey
    smk / ышталган / копчёный / smoked""")

_FRUIT_SUPPLIES = (("sugar", 571),)
_ALL_YEAR = tuple(range(1, 13))


def _jam(code: str, names: Spoken, material: str, som: tuple[int, int], months: tuple[int, ...]) -> Kind:
    sizes = (
        ("250", "250 g", 250, som[0]),
        ("300", "300 g", 300, (som[0] * 3 + som[1]) // 4),
        ("500", "500 g", 500, som[1]),
    )
    recipe = Recipe(material, 714, _FRUIT_SUPPLIES, pack="jar")
    return Kind(code, "jam", names, "jar", sizes, _SWEET, 548, months, recipe, pools_min=3)


def _juice(code: str, names: Spoken, material: str, som: tuple[int, int, int], months: tuple[int, ...]) -> Kind:
    sizes = (("025", "0.25 l", 260, som[0]), ("050", "0.5 l", 520, som[1]), ("100", "1 l", 1040, som[2]))
    recipe = Recipe(material, 1620, (), ("pomace", 450), pack="bottle")
    return Kind(code, "juice", names, "bottle", sizes, _JUICE, 365, months, recipe, pools_min=3)


def _felt(
    code: str, names: Spoken, unit: str, sizes: tuple[Size, ...], styles: tuple[Style, ...], recipe: Recipe
) -> Kind:
    months = (1, 2, 3, 4, 5, 6, 9, 10, 11, 12)
    basis: Basis = "pieces" if recipe.by_pieces else "mass"
    return Kind(code, "felt", names, unit, sizes, styles, None, months, recipe, basis, 4)


def _washed(lot_g: tuple[int, int], dye: int = 20, silk: int = 0) -> Recipe:
    supplied = (("dye", dye), *((("silk", silk),) if silk else ()))
    return Recipe("wool", 1250 - silk, supplied, pool_loss=480, lot_g=lot_g)


KINDS: tuple[Kind, ...] = (
    _juice("jui-sbt", ("Чычырканак ширеси", "Облепиховый сок", "Sea-buckthorn juice"), "sea-buckthorn",
           (150, 290, 550), (9, 10, 11, 12)),
    _juice("jui-apr", ("Өрүк ширеси", "Абрикосовый сок", "Apricot juice"), "apricot", (120, 200, 350), (7, 8)),
    _jam("jam-apr", ("Өрүк кыямы", "Абрикосовое варенье", "Apricot jam"), "apricot", (170, 350), (7, 8)),
    _jam("jam-bcu", ("Кара карагат кыямы", "Варенье из чёрной смородины", "Black-currant jam"), "black-currant",
         (200, 380), (7, 8)),
    _jam("jam-bar", ("Бөрү карагат кыямы", "Варенье из барбариса", "Barberry jam"), "barberry", (220, 400), (9, 10)),
    _jam("jam-ras", ("Малина кыямы", "Малиновое варенье", "Raspberry jam"), "raspberry", (220, 420), (7, 8, 9)),
    Kind("syr-ros", "syrup", ("Ит мурун сиробу", "Сироп шиповника", "Rosehip syrup"), "bottle",
         (("250", "250 ml", 310, 250), ("100", "100 ml", 125, 180)), _SWEET, 365, (9, 10),
         Recipe("rosehip", 520, (("sugar", 560), ("water", 320)), ("pomace", 260), "bottle"), pools_min=2),
    Kind("oil-sbt", "oil", ("Чычырканак майы", "Облепиховое масло", "Sea-buckthorn oil"), "bottle",
         (("050", "50 ml", 46, 350), ("100", "100 ml", 92, 800)), _JUICE[:2], 365, (10, 11, 12, 1, 2),
         Recipe("sea-buckthorn", 2100, (("vegetable-oil", 900),), ("pomace", 1700), "bottle")),
    Kind("dry-apr", "dried", ("Кургатылган өрүк", "Урюк, курага", "Dried apricots"), "pack",
         (("250", "250 g", 250, 120), ("500", "500 g", 500, 230), ("1kg", "1 kg", 1000, 450)), _SWEET, 365, (8,),
         Recipe("apricot", 4000, lot_g=(3000, 9000)), pools_min=3),
    Kind("tea-hrb", "tea", ("Тоо чөп чайы", "Травяной чай", "Mountain herb tea"), "pack",
         (("050", "50 g", 50, 120), ("100", "100 g", 100, 260)), _HERBS, 548, (6, 7, 8),
         Recipe("herbs", 3900, pack="box", lot_g=(600, 2500)), pools_min=3),
    Kind("hon-esp", "honey", ("Эспарцет балы (ак бал)", "Эспарцетовый мёд", "White sainfoin honey"), "jar",
         (("250", "250 g", 250, 200), ("500", "500 g", 500, 380), ("1kg", "1 kg", 1000, 720)), _HONEY, 730, (7, 8),
         Recipe("sainfoin-honey", 1031, pack="jar", pool_loss=5, lot_g=(3000, 9000)), pools_min=3),
    Kind("hon-mtn", "honey", ("Тоо балы", "Горный мёд", "Mountain honey"), "jar",
         (("250", "250 g", 250, 180), ("500", "500 g", 500, 340), ("1kg", "1 kg", 1000, 650)), _HONEY, 730, (7, 8),
         Recipe("mountain-honey", 1031, pack="jar", pool_loss=5, lot_g=(3000, 9000)), pools_min=3),
    Kind("dai-kur", "dairy", ("Курут", "Курут", "Dried yoghurt balls"), "pack",
         (("100", "100 g", 100, 80), ("250", "250 g", 250, 190)), _DAIRY, 183, (5, 6, 7, 8, 9),
         Recipe("milk", 11330, (), ("whey", 8400), "box", 5, (8000, 24000)), pools_min=5),
    Kind("dai-ghe", "dairy", ("Сары май", "Топлёное масло", "Clarified butter"), "jar",
         (("450", "450 g", 450, 600), ("200", "200 g", 200, 300)), _DAIRY[:3], 274, (5, 6, 7, 8, 9),
         Recipe("milk", 22660, (), ("buttermilk", 20100), "jar", 5, (8000, 24000)), pools_min=4),
    Kind("dai-che", "dairy", ("Быштак, сыр", "Сыр", "Farm cheese"), "pack",
         (("300", "0.3 kg", 300, 220), ("500", "0.5 kg", 500, 360), ("1kg", "1 kg", 1000, 700)), _DAIRY, 45, _ALL_YEAR,
         Recipe("milk", 10300, (("salt", 20),), ("whey", 8700), None, 5, (8000, 24000)), pools_min=18),
    Kind("soa-hrb", "soap", ("Чөп самыны", "Травяное мыло", "Herbal soap"), "piece",
         (("080", "80 g", 80, 110), ("100", "100 g", 100, 180)), _SOAP, 730, _ALL_YEAR,
         Recipe("herbs", 190, (("vegetable-oil", 780), ("lye", 120), ("water", 150)), pack="box", lot_g=(300, 1500)),
         pools_min=8),
    Kind("soa-goa", "soap", ("Эчки сүтү самыны", "Мыло на козьем молоке", "Goat-milk soap"), "piece",
         (("080", "80 g", 80, 130), ("100", "100 g", 100, 210)), _SOAP, 548, (4, 5, 6, 7, 8, 9, 10),
         Recipe("goat-milk", 360, (("vegetable-oil", 700), ("lye", 120)), pack="box", pool_loss=5, lot_g=(800, 3000)),
         pools_min=4),
    Kind("sal-mtn", "salt", ("Тоо тузу", "Горная соль", "Mountain salt"), "pack",
         (("200", "200 g", 200, 80), ("500", "500 g", 500, 160)), _HERBS, None, _ALL_YEAR,
         Recipe("salt-stone", 1080, lot_g=(4000, 12000)), pools_min=3),
    _felt("fel-toy", ("Кийиз оюнчук", "Войлочная игрушка", "Felt animal"), "piece",
          (("s", "10 cm", 30, 300), ("m", "16 cm", 45, 500), ("l", "24 cm", 60, 850)), _ANIMALS,
          _washed((700, 2500))),
    _felt("fel-sli", ("Кийиз тапочка", "Войлочные тапочки", "Felt slippers"), "pair",
          (("36", "36-37", 220, 1100), ("39", "38-40", 250, 1400), ("43", "41-44", 290, 1700)), _COLOURS,
          _washed((1500, 4500))),
    _felt("fel-cas", ("Көз айнек кабы", "Футляр для очков", "Glasses case"), "piece",
          (("s", "16 cm", 40, 400), ("l", "18 cm", 50, 600)), _ANIMALS,
          Recipe("felt-case", 1000, by_pieces=True, pool_loss=0, lot_g=(4, 14))),
    _felt("fel-sca", ("Жибек-кийиз жоолук", "Шарф «нуно»", "Silk-felt scarf"), "piece",
          (("s", "160 cm", 120, 1700), ("l", "200 cm", 160, 3200)), _COLOURS, _washed((700, 2500), silk=350)),
    _felt("fel-bag", ("Кийиз сумка", "Войлочная сумка", "Felt bag"), "piece",
          (("s", "28 cm", 300, 1400), ("l", "36 cm", 450, 2600)), _ORNAMENTS, _washed((1500, 4500))),
    Kind("rug-shy", "rug", ("Шырдак", "Ширдак", "Shyrdak rug"), "square_metre",
         (("s", "1 m²", 3000, 6500), ("l", "1.5 m²", 4500, 11000)), _ORNAMENTS, None, (11, 12, 1, 2, 3),
         Recipe("wool", 1150, (("dye", 20),), pool_loss=480, lot_g=(4000, 11000), home=True), "hours", 2),
    Kind("rug-ala", "rug", ("Ала кийиз", "Ала-кийиз", "Ala-kiyiz"), "square_metre",
         (("s", "1 m²", 2800, 3800), ("l", "1.5 m²", 4200, 6500)), _ORNAMENTS, None, (5, 6, 7, 8, 9),
         Recipe("wool", 1150, (("dye", 20),), pool_loss=480, lot_g=(4000, 11000), home=True), "hours", 2),
    Kind("hat-kal", "felt", ("Ак калпак", "Ак-калпак", "Felt hat"), "piece",
         (("s", "54-56", 110, 900), ("l", "57-60", 130, 1500)), _ORNAMENTS, None, _ALL_YEAR,
         _washed((700, 2500), dye=5), pools_min=4),
)  # fmt: skip
KIND: Mapping[str, Kind] = {kind.id: kind for kind in KINDS}

#: How strongly a few products carry the sales: weight of the product of rank r is r to the minus this.
_SKEW = 0.9


def define_products(rng: Random, counts: Mapping[int, int]) -> tuple[Product, ...]:
    """The product types in the order in which they come, as many by the end of each year as `counts` says.

    Every kind that an open workshop makes is there in the workshop's first year. Raises ValueError when a count is
    more than the workshops open by then can vary.
    """
    waiting = {workshop.id: _variants(rng, workshop) for workshop in WORKSHOPS}
    ranks = list(range(1, max(counts.values()) + 1))
    rng.shuffle(ranks)
    defined: list[Product] = []
    for year, count in sorted(counts.items()):
        queues = [waiting[workshop.id] for workshop in WORKSHOPS if workshop.year <= year]
        while len(defined) < count:
            if not any(queues):
                raise ValueError(f"{count} product types by {year} are more than can be varied")
            for queue in queues:
                if queue and len(defined) < count:
                    defined.append(_product(*queue.pop(), year, ranks[len(defined)]))
    return tuple(defined)


type _Variant = tuple[Workshop, Kind, Size, Style]


def _variants(rng: Random, workshop: Workshop) -> list[_Variant]:
    """All a workshop could offer; the last ones come first, one of every kind before a second of any."""
    by_kind: list[list[_Variant]] = []
    for kind_id in workshop.makes:
        kind = KIND[kind_id]
        offers = [(workshop, kind, size, style) for size, style in every(kind.sizes, kind.styles)]
        rng.shuffle(offers)
        by_kind.append(offers)
    ordered: list[_Variant] = []
    while any(by_kind):
        ordered.extend(offers.pop() for offers in by_kind if offers)
    return ordered[::-1]


def _product(workshop: Workshop, kind: Kind, size: Size, style: Style, year: int, rank: int) -> Product:
    makers = [other.id for other in WORKSHOPS if kind.id in other.makes]
    suffix = f"-{makers.index(workshop.id) + 1}" if len(makers) > 1 else ""
    place, named = workshop.names, _spoken_size(size[1])
    spoken = [f"{kind.names[i]}, {style[1 + i]}, {named[i]} ({place[i]})" for i in range(3)]
    names = (spoken[0], spoken[1], spoken[2])
    return Product(
        id=f"{kind.id}-{size[0]}-{style[0]}{suffix}",
        kind=kind,
        workshop=workshop,
        names=names,
        unit_g=size[2],
        base_som=size[3],
        year=year,
        popularity=rank**-_SKEW,
    )


def active(products: Sequence[Product], year: int) -> list[Product]:
    """The product types that are offered in a year."""
    return [product for product in products if product.year <= year]
