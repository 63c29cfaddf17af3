"""The three languages of the pages: catalogues, the choice of one, numbers, money, dates and sorting."""

import gettext
import io
from collections.abc import Callable, Iterable, Mapping
from dataclasses import dataclass
from datetime import date, datetime, timedelta
from functools import cache
from pathlib import Path

from babel import Locale
from babel.messages.mofile import write_mo
from babel.messages.pofile import read_po
from babel.numbers import format_decimal

from events.catalogue.values import Names
from projections.bishkek import in_bishkek

LOCALE_DIRECTORY = Path(__file__).parent / "locale"
LANGUAGE_COOKIE = "ovop_lang"
DEFAULT_LANGUAGE = "ky"
TYIYN_PER_SOM = 100
NO_BREAK_SPACE = "\u00a0"

#: The regional form of each language: plain `ru` would print "KGS" for the som, plain `en` the American order.
_REGIONAL = {"ky": "ky_KG", "ru": "ru_KG", "en": "en_GB"}
_OWN_NAMES = {"ky": "Кыргызча", "ru": "Русский", "en": "English"}
#: The Kyrgyz alphabet holds the Russian one in order, with ң, ө and ү in their places, so it sorts both.
_ALPHABET = {letter: order for order, letter in enumerate("абвгдеёжзийклмнңоөпрстуүфхцчшщъыьэюя")}


@cache
def translations(code: str) -> gettext.NullTranslations:
    """The catalogue of a language, compiled from its .po file in memory: no build step, no stale .mo file."""
    with (LOCALE_DIRECTORY / code / "LC_MESSAGES" / "ovop.po").open("rb") as po_file:
        catalogue = read_po(po_file, locale=code)
    compiled = io.BytesIO()
    write_mo(compiled, catalogue)
    compiled.seek(0)
    return gettext.GNUTranslations(compiled)


@dataclass(frozen=True)
class Language:
    """One language of the pages: says messages, names and quantities the way its readers write them."""

    code: str

    @property
    def locale(self) -> Locale:
        return Locale.parse(_REGIONAL[self.code])

    @property
    def tag(self) -> str:
        """The BCP 47 tag for `lang` attributes."""
        return _REGIONAL[self.code].replace("_", "-")

    @property
    def own_name(self) -> str:
        return _OWN_NAMES[self.code]

    def gettext(self, message: str) -> str:
        return translations(self.code).gettext(message)

    def ngettext(self, singular: str, plural: str, number: int) -> str:
        return translations(self.code).ngettext(singular, plural, number)

    def name(self, names: Names) -> str:
        return {"ky": names.ky, "ru": names.ru, "en": names.en}[self.code]

    def number(self, value: int) -> str:
        return format_decimal(value, locale=self.locale)

    def money(self, tyiyn: int) -> str:
        """An amount in som; the tyiyn are written only when there are some."""
        return self.amount(tyiyn) + NO_BREAK_SPACE + self.gettext("som")

    def amount(self, tyiyn: int) -> str:
        """An amount in som without its unit, for the cells of a column whose heading names it."""
        som, rest = divmod(abs(tyiyn), TYIYN_PER_SOM)
        whole = format_decimal(som, locale=self.locale)
        mark = self.locale.number_symbols["latn"]["decimal"]
        sign = "\u2212" if tyiyn < 0 else ""
        return f"{sign}{whole}{mark}{rest:02d}" if rest else f"{sign}{whole}"

    def millions(self, tyiyn: int) -> str:
        """An amount in millions of som with two decimals, for the labels of a chart; the table beside it is exact."""
        hundredths = (tyiyn + 500_000) // 1_000_000
        return format_decimal(hundredths / 100, format="#,##0.00", locale=self.locale)

    def tenths(self, permille: int) -> str:
        """A number of tenths of a per cent as per cent, e.g. 413 as `41,3 %`."""
        mark = self.locale.number_symbols["latn"]["decimal"]
        space = "" if self.code == "en" else NO_BREAK_SPACE
        return f"{permille // 10}{mark}{permille % 10}{space}%"

    def mass(self, grams: int) -> str:
        if grams >= 1000 and grams % 100 == 0:
            value = format_decimal(grams / 1000, format="#,##0.#", locale=self.locale)
            return value + NO_BREAK_SPACE + self.gettext("kg")
        return format_decimal(grams, locale=self.locale) + NO_BREAK_SPACE + self.gettext("g")

    def day(self, value: date | datetime) -> str:
        """A day as it is written in the country: dd.MM.yyyy; an instant is first taken to Bishkek."""
        if isinstance(value, datetime):
            value = in_bishkek(value)
        return f"{value.day:02d}.{value.month:02d}.{value.year:04d}"

    def moment(self, value: datetime) -> str:
        return self.day(value) + NO_BREAK_SPACE + in_bishkek(value).strftime("%H:%M")

    def duration(self, span: timedelta) -> str:
        """How long, in the largest unit that fits, for the silence of an outlet."""
        minutes = max(0, int(span.total_seconds()) // 60)
        if minutes < 1:
            return self.gettext("less than a minute")
        if minutes < 120:
            return self.ngettext("%(count)s minute", "%(count)s minutes", minutes) % {"count": self.number(minutes)}
        if minutes < 48 * 60:
            hours = minutes // 60
            return self.ngettext("%(count)s hour", "%(count)s hours", hours) % {"count": self.number(hours)}
        days = minutes // (24 * 60)
        return self.ngettext("%(count)s day", "%(count)s days", days) % {"count": self.number(days)}


LANGUAGES: Mapping[str, Language] = {code: Language(code) for code in ("ky", "ru", "en")}


def chosen(asked: str | None, remembered: str | None, accept_language: str | None) -> Language:
    """The language of a page: what the address says, else what was chosen before, else what the browser prefers."""
    for explicit in (asked, remembered):
        if explicit is not None and explicit in LANGUAGES:
            return LANGUAGES[explicit]
    for tag in _by_preference(accept_language or ""):
        if tag in LANGUAGES:
            return LANGUAGES[tag]
    return LANGUAGES[DEFAULT_LANGUAGE]


def _by_preference(accept_language: str) -> list[str]:
    weighted: list[tuple[float, int, str]] = []
    for order, part in enumerate(accept_language.split(",")[:20]):
        tag, _, weight = part.strip().partition(";q=")
        try:
            quality = float(weight) if weight else 1.0
        except ValueError:
            continue
        if quality > 0:
            weighted.append((-quality, order, tag.split("-")[0].lower()))
    return [tag for _, _, tag in sorted(weighted)]


def collation_key(text: str) -> list[tuple[int, int]]:
    """Sorts by the Kyrgyz alphabet (н before ң, о before ө, у before ү); Latin letters come before Cyrillic ones."""
    return [(1, _ALPHABET[letter]) if letter in _ALPHABET else (0, ord(letter)) for letter in text.casefold()]


def sorted_by_name[T](items: Iterable[T], name: Callable[[T], str]) -> list[T]:
    return sorted(items, key=lambda item: collation_key(name(item)))


def shares_in_permille(parts: Iterable[int]) -> list[int]:
    """Tenths of a per cent that add up to exactly 1000, so that a column of shares is seen to be whole."""
    weights = list(parts)
    whole = sum(weights)
    if whole <= 0:
        return [0 for _ in weights]
    floors = [weight * 1000 // whole for weight in weights]
    by_remainder = sorted(range(len(weights)), key=lambda index: -(weights[index] * 1000 % whole))
    for index in by_remainder[: 1000 - sum(floors)]:
        floors[index] += 1
    return floors
