"""Three languages, complete, each with its own way of writing numbers, money and days."""

import string
from collections.abc import Iterator
from datetime import UTC, datetime, timedelta
from pathlib import Path

import pytest
from babel.messages.catalog import Message
from babel.messages.extract import extract_from_dir
from babel.messages.pofile import read_po
from hypothesis import given
from hypothesis import strategies as st

from services.web import language as language_module
from services.web.language import LANGUAGES, LOCALE_DIRECTORY, chosen, collation_key, shares_in_permille

WEB = Path(language_module.__file__).parent
METHODS = [("**.py", "python"), ("templates/**.html", "jinja2.ext:babel_extract")]
OPTIONS = {"templates/**.html": {"trimmed": "true", "newstyle_gettext": "true"}}


def source_messages() -> set[str | tuple[str, ...]]:
    return {message for _, _, message, _, _ in extract_from_dir(str(WEB), METHODS, OPTIONS)}


def catalogue(code: str) -> Iterator[Message]:
    with (LOCALE_DIRECTORY / code / "LC_MESSAGES" / "ovop.po").open("rb") as po_file:
        yield from (message for message in read_po(po_file, locale=code) if message.id)


@pytest.mark.parametrize("code", LANGUAGES)
def test_every_message_of_the_sources_is_in_the_catalogue_and_no_other(code: str) -> None:
    catalogued = {tuple(message.id) if message.pluralizable else message.id for message in catalogue(code)}
    assert catalogued == source_messages()


@pytest.mark.parametrize("code", LANGUAGES)
def test_every_message_is_translated_with_the_same_placeholders(code: str) -> None:
    for message in catalogue(code):
        said = [str(form) for form in (message.string if message.pluralizable else [message.string]) or []]
        asked = str(message.id[0] if message.pluralizable else message.id)
        assert all(said), f"{code} does not say {message.id!r}"
        assert not message.fuzzy
        for form in said:
            assert placeholders(form) == placeholders(asked), f"{code} says {form!r} for {asked!r}"


@pytest.mark.parametrize("code", ["ky", "ru"])
def test_no_message_was_left_in_english(code: str) -> None:
    same_everywhere = {"OVOP"}
    for message in catalogue(code):
        if not message.pluralizable and any(letter in string.ascii_letters for letter in message.id):
            assert message.string != message.id or message.id in same_everywhere


def placeholders(text: str) -> set[str]:
    return {part.split(")")[0] for part in text.split("%(")[1:]}


def test_the_address_decides_the_language_then_the_cookie_then_the_browser() -> None:
    assert chosen("en", "ru", "ky").code == "en"
    assert chosen("xx", "ru", "ky").code == "ru"
    assert chosen(None, None, "de-DE, ru-KG;q=0.8, ky;q=0.9").code == "ky"
    assert chosen(None, None, "fr, en;q=0").code == "ky"
    assert chosen(None, None, None).code == "ky"


@given(st.text(max_size=200))
def test_no_accept_language_header_breaks_a_page(header: str) -> None:
    assert chosen(None, None, header).code in LANGUAGES


def test_money_is_written_with_som_and_tyiyn_only_when_there_are_some() -> None:
    assert LANGUAGES["ky"].money(1_275_000_000) == "12\u00a0750\u00a0000\u00a0сом"
    assert LANGUAGES["ru"].money(1_275_000_050) == "12\u00a0750\u00a0000,50\u00a0сом"
    assert LANGUAGES["en"].money(1_275_000_005) == "12,750,000.05\u00a0som"
    assert LANGUAGES["en"].money(-12_345) == "\u2212123.45\u00a0som"


def test_a_day_is_written_as_people_write_it_and_belongs_to_bishkek() -> None:
    late_in_the_evening = datetime(2014, 12, 31, 20, 30, tzinfo=UTC)
    assert {language.day(late_in_the_evening) for language in LANGUAGES.values()} == {"01.01.2015"}
    assert LANGUAGES["ru"].moment(late_in_the_evening) == "01.01.2015\u00a002:30"


def test_durations_take_the_plural_of_their_language() -> None:
    said = [LANGUAGES["ru"].duration(timedelta(days=days)) for days in (2, 5, 21)]
    assert said == ["2 дня", "5 дней", "21 день"]
    assert LANGUAGES["ky"].duration(timedelta(hours=3)) == "3 саат"
    assert LANGUAGES["en"].duration(timedelta(seconds=5)) == "less than a minute"


def test_names_are_sorted_by_the_kyrgyz_alphabet() -> None:
    names = ["Өзгөн", "Ош", "Пишпек", "Нарын", "Ңара", "Үч-Терек", "Уч-Коргон", "Ёлкино", "Жети-Өгүз"]
    in_order = ["Ёлкино", "Жети-Өгүз", "Нарын", "Ңара", "Ош", "Өзгөн", "Пишпек", "Уч-Коргон", "Үч-Терек"]
    assert sorted(names, key=collation_key) == in_order


@given(st.lists(st.integers(0, 1_000_000), min_size=1, max_size=40).filter(any))
def test_shown_shares_add_up_to_a_whole(parts: list[int]) -> None:
    shown = shares_in_permille(parts)
    assert sum(shown) == 1000
    assert all(abs(share * sum(parts) - part * 1000) < sum(parts) for share, part in zip(shown, parts, strict=True))
