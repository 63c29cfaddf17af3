"""What a person types or a scanner sends for the code on a label, turned into the code that was printed.

A code is eight characters of Crockford base32, the last one a check symbol over the seven before it. People confuse
letters and digits, and a scanner is a keyboard: with a Cyrillic layout switched on, the same keys type other letters.
"""

import re

ALPHABET = "0123456789ABCDEFGHJKMNPQRSTVWXYZ"
CODE_LENGTH = 8
#: Longer input is not a code and not an address of one.
INPUT_LENGTH_MAX = 200

_VALUE = {character: value for value, character in enumerate(ALPHABET)}
_CONFUSED = str.maketrans({"O": "0", "I": "1", "L": "1"})
#: The keys of a Russian or Kyrgyz keyboard and what the same keys type in the Latin layout.
_SAME_KEY = str.maketrans("йцукенгшщзхъфывапролджэячсмитьбю.Ж", "qwertyuiop[]asdfghjkl;'zxcvbnm,./:")
#: Cyrillic letters that a reader takes for the Latin ones on the label.
_SAME_SHAPE = str.maketrans("АВСЕНКМОРТХУ", "ABCEHKMOPTXY")
_CYRILLIC = re.compile("[А-Яа-яЁёҢңӨөҮү]")


def is_well_formed(code: str) -> bool:
    """Whether the check symbol of an eight-character code fits the seven before it."""
    if len(code) != CODE_LENGTH or any(character not in _VALUE for character in code):
        return False
    return check_value(code[:-1]) == _VALUE[code[-1]]


def check_value(payload: str) -> int:
    """The check value of the characters before it, modulo 37; only values below 32 are ever printed."""
    value = 0
    for character in payload:
        value = (value * 32 + _VALUE[character]) % 37
    return value


def candidates(typed: str) -> tuple[str, ...]:
    """The codes that the input may mean, the likeliest first; empty when it cannot be a code at all."""
    typed = typed.strip()[:INPUT_LENGTH_MAX]
    readings = [typed]
    if _CYRILLIC.search(typed):
        readings = [typed.replace("Ж", ":").lower().translate(_SAME_KEY), typed.upper().translate(_SAME_SHAPE)]
    codes = [code for code in map(_cleaned, readings) if code]
    unique = dict.fromkeys(codes)
    return tuple(sorted(unique, key=lambda code: not is_well_formed(code)))


def _cleaned(reading: str) -> str:
    last_part = reading.rstrip("/").rpartition("/")[2]
    code = re.sub(r"[\s\-_.]+", "", last_part).upper().translate(_CONFUSED)
    return code if len(code) == CODE_LENGTH and all(character in _VALUE for character in code) else ""
