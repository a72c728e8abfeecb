"""Check digits and masking of identity numbers.

Says only whether a number is well formed; never whether it exists or whose it is.
Source: GB 11643 (citizen number, ISO 7064 MOD 11-2) and GB 32100-2015 (unified social
credit code, weights 3^i mod 31), as re-implemented and compared in [domain 3.3].
"""

from __future__ import annotations

from datetime import date
from typing import Final

CITIZEN_ID_TYPE: Final = "居民身份证"
_CITIZEN_LENGTH: Final = 18
_CITIZEN_CHECKS: Final = "10X98765432"
_CREDIT_ALPHABET: Final = "0123456789ABCDEFGHJKLMNPQRTUWXY"
_SHOWN_HEAD: Final = 4
_SHOWN_TAIL: Final = 4


def citizen_id_valid(number: str) -> bool:
    """True if length, birth date and check character of the citizen number are right."""
    if len(number) != _CITIZEN_LENGTH or not (number[:17].isascii() and number[:17].isdigit()):
        return False
    try:
        date(int(number[6:10]), int(number[10:12]), int(number[12:14]))
    except ValueError:
        return False
    return number[17].upper() == citizen_id_check(number[:17])


def citizen_id_check(first_17: str) -> str:
    """The check character for the first 17 digits (ISO 7064 MOD 11-2)."""
    total = sum(int(digit) * pow(2, 17 - place, 11) for place, digit in enumerate(first_17))
    return _CITIZEN_CHECKS[total % 11]


def credit_code_valid(code: str) -> bool:
    """True if alphabet, length and check character of the unified social credit code fit."""
    if len(code) != _CITIZEN_LENGTH or any(char not in _CREDIT_ALPHABET for char in code):
        return False
    if not code[2:8].isdigit():
        return False
    total = sum(
        _CREDIT_ALPHABET.index(char) * pow(3, place, 31) for place, char in enumerate(code[:17])
    )
    return _CREDIT_ALPHABET[(31 - total % 31) % 31] == code[17]


def mask(number: str) -> str:
    """The number with its middle hidden; a short one is hidden whole."""
    hidden = len(number) - _SHOWN_HEAD - _SHOWN_TAIL
    if hidden < _SHOWN_HEAD:
        return "*" * len(number)
    return number[:_SHOWN_HEAD] + "*" * hidden + number[-_SHOWN_TAIL:]
