"""The two numbers of a case: 收件编号, given at once by the node, and 办件编号, official.

The receipt number is unique even with a wrong clock, because epoch tag and serial do not
depend on the date in it. The serial counts through the whole epoch and is never reset.
"""

from __future__ import annotations

import re
from dataclasses import dataclass
from datetime import date
from typing import Final

from casework.errors import InvalidNumber

_ALPHABET: Final = "0123456789ABCDEFGHIJKLMNOPQRSTUVWXYZ"
_TAG_LENGTH: Final = 3
_TAG_RANGE: Final = 36**_TAG_LENGTH
_MINUTE_MS: Final = 60_000
SERIAL_DIGITS_MIN: Final = 4
SERIAL_MAX: Final = 99_999_999
STATION_CODE: Final = re.compile(r"[A-Z0-9]{4,12}")
_HYPHENATED: Final = re.compile(
    r"([A-Z0-9]{4,12})-([0-9]{8})-([0-9A-Z]{3})-([0-9]{4,8})-([0-9A-Z])"
)
_COMPACT_TAIL: Final = re.compile(r"([0-9]{8})([0-9A-Z]{3})([0-9]{4,8})([0-9A-Z])")
_LENGTH_MAX: Final = 40


@dataclass(frozen=True, slots=True)
class ReceiptNumber:
    """The parts of a valid receipt number; `str()` gives the canonical hyphenated form."""

    station: str
    day: date
    epoch_tag: str
    serial: int

    def __str__(self) -> str:
        day, serial = self.day.strftime("%Y%m%d"), f"{self.serial:0{SERIAL_DIGITS_MIN}d}"
        head = (self.station, day, self.epoch_tag, serial)
        return "-".join((*head, check_character("".join(head))))


def check_character(text: str) -> str:
    """The ISO 7064 MOD 37,36 check character of the letters and digits."""
    product = 36
    for char in text:
        total = (product + _ALPHABET.index(char)) % 36 or 36
        product = total * 2 % 37
    return _ALPHABET[(37 - product) % 36]


def epoch_tag(epoch: int) -> str:
    """Three base-36 characters from the minute an epoch was opened in.

    Epochs of one station opened within 32 days of each other differ unless they were
    opened in the same minute.
    """
    value, tag = epoch // _MINUTE_MS % _TAG_RANGE, ""
    for _ in range(_TAG_LENGTH):
        value, digit = divmod(value, 36)
        tag = _ALPHABET[digit] + tag
    return tag


def receipt_number(*, station: str, day: date, epoch: int, serial: int) -> str:
    """The receipt number in its canonical form, e.g. CG0111-20261122-K3F-0007-X.

    Raises: InvalidNumber, if station code or serial are out of range.
    """
    if not STATION_CODE.fullmatch(station) or not 1 <= serial <= SERIAL_MAX:
        raise InvalidNumber("无法编收件编号,没有保存。请联系站点管理员。", station=station)
    return str(ReceiptNumber(station, day, epoch_tag(epoch), serial))


def parse_receipt_number(text: str) -> ReceiptNumber:
    """The parts of a receipt number as typed or scanned.

    Spaces, small letters and missing hyphens are forgiven; a wrong check character is not.
    Raises: InvalidNumber.
    """
    typed = "".join(text.split()).upper()
    if len(typed) <= _LENGTH_MAX:
        found = {str(number): number for number in _readings(typed)}
        if len(found) == 1:
            return next(iter(found.values()))
    raise InvalidNumber("收件编号不对,请对照收件凭证再输一次。")


def _readings(typed: str) -> list[ReceiptNumber]:
    match = _HYPHENATED.fullmatch(typed)
    if match:
        groups = [match.groups()]
    else:
        groups = []
        for cut in range(4, 13):
            tail = _COMPACT_TAIL.fullmatch(typed[cut:])
            if tail and STATION_CODE.fullmatch(typed[:cut]):
                groups.append((typed[:cut], *tail.groups()))
    readings = (_reading(*parts) for parts in groups)
    return [number for number in readings if number is not None]


def _reading(station: str, day: str, tag: str, serial: str, check: str) -> ReceiptNumber | None:
    if check_character(station + day + tag + serial) != check:
        return None
    try:
        stated = date(int(day[:4]), int(day[4:6]), int(day[6:]))
    except ValueError:
        return None
    number = ReceiptNumber(station, stated, tag, int(serial))
    plausible = 1970 <= stated.year < 2200 and f"{number.serial:04d}" == serial
    return number if plausible else None


@dataclass(frozen=True, slots=True)
class OfficialNumberProfile:
    """How 办件编号 are formed. A setting: no confirmed source exists for any form.

    [domain 3.3] saw one sample (implementation code + date + 4-digit serial); the default
    is a demonstration value and carries the mark.
    """

    prefix: str = "演示"
    serial_digits: int = 4

    def number(self, *, division: str, day: date, serial: int) -> str:
        """The official number for the division, day and serial of that day."""
        parts = (self.prefix, division, day.strftime("%Y%m%d"), f"{serial:0{self.serial_digits}d}")
        return "-".join(part for part in parts if part)
