"""A code is read however people and scanners send it."""

import pytest
from hypothesis import given
from hypothesis import strategies as st

from services.web.codes import ALPHABET, candidates, check_value, is_well_formed

PAYLOADS = st.text(ALPHABET, min_size=7, max_size=7).filter(lambda payload: check_value(payload) < 32)
TO_CYRILLIC_KEYS = str.maketrans("QWERTYUIOPASDFGHJKLZXCVBNM/:.", "ЙЦУКЕНГШЩЗФЫВАПРОЛДЯЧСМИТЬ.ЖЮ")


def code_of(payload: str) -> str:
    return payload + ALPHABET[check_value(payload)]


@given(PAYLOADS)
def test_a_code_is_itself(payload: str) -> None:
    assert candidates(code_of(payload)) == (code_of(payload),)
    assert is_well_formed(code_of(payload))


@given(PAYLOADS)
def test_small_letters_blanks_and_dashes_do_not_matter(payload: str) -> None:
    code = code_of(payload)
    assert candidates(f" {code[:4].lower()}-{code[4:].lower()} ")[0] == code


@given(PAYLOADS)
def test_letters_that_look_like_digits_are_read_as_digits(payload: str) -> None:
    code = code_of(payload)
    assert candidates(code.replace("0", "o").replace("1", "L"))[0] == code


@given(PAYLOADS)
def test_a_scanner_with_a_cyrillic_keyboard_is_understood(payload: str) -> None:
    code = code_of(payload)
    assert candidates(code.translate(TO_CYRILLIC_KEYS))[0] == code
    assert code in candidates(f"HTTPS://OVOP.KG/L/{code}".translate(TO_CYRILLIC_KEYS))


def test_cyrillic_letters_of_the_same_shape_are_understood() -> None:
    code = next(code_of(f"{n:02}AB3MK") for n in range(99) if check_value(f"{n:02}AB3MK") < 32)
    assert code in candidates(code.translate(str.maketrans("ABEKMHOPCTX", "АВЕКМНОРСТХ")))


def test_the_address_from_the_label_is_understood() -> None:
    assert candidates("HTTPS://OVOP.KG/L/7K3M9QX2") == ("7K3M9QX2",)
    assert candidates("https://ovop.kg/l/7k3m9qx2/") == ("7K3M9QX2",)


@given(PAYLOADS, st.integers(0, 7), st.sampled_from(ALPHABET))
def test_one_wrong_character_is_noticed(payload: str, at: int, other: str) -> None:
    code = code_of(payload)
    wrong = code[:at] + other + code[at + 1 :]
    assert is_well_formed(wrong) == (wrong == code)


@pytest.mark.parametrize("nonsense", ["", "jam", "7K3M9QX", "7K3M9QX22", "<script>", "☃" * 8, "u" * 8, "/" * 500])
def test_what_cannot_be_a_code_is_no_code(nonsense: str) -> None:
    assert candidates(nonsense) == ()


@given(st.text(max_size=300))
def test_nothing_anyone_types_breaks_the_reading(typed: str) -> None:
    assert all(len(code) == 8 for code in candidates(typed))
