"""The hybrid logical clock, and central's word for the time."""

from __future__ import annotations

from datetime import date, timedelta
from functools import lru_cache

from sync.protocol.envelope import HLC_COUNTER
from sync.protocol.limits import CLOCK_AHEAD_MS_MAX
from sync.protocol.ports import Transaction

_LAST = "hlc"
TRUSTED_OFFSET = "trusted_offset_ms"
"""Trusted time minus the local clock when the last time mark came in."""
TRUSTED_AT = "trusted_at_ms"
_DAY_MS = 24 * 3600 * 1000
FAR_OFF_MS = 30 * _DAY_MS
"""A clock so far off has lost its year: no link is down for so long that it could be an outage."""
_CHINA_AHEAD_MS = 8 * 3600 * 1000


def tick(transaction: Transaction, now_ms: int) -> int:
    """Return the next hybrid time of this node; greater than any it gave or followed."""
    last = int(transaction.meta(_LAST) or "0")
    value = max(last + 1, now_ms * HLC_COUNTER)
    transaction.set_meta(_LAST, str(value))
    return value


def follow(transaction: Transaction, remote: int, now_ms: int) -> bool:
    """Move the clock up to a remote time; return False, unmoved, when that lies too far ahead."""
    if remote > (now_ms + CLOCK_AHEAD_MS_MAX) * HLC_COUNTER:
        return False
    last = int(transaction.meta(_LAST) or "0")
    if remote > last:
        transaction.set_meta(_LAST, str(remote))
    return True


def trusted_ms(transaction: Transaction, now_ms: int) -> int | None:
    """Return the trusted time, None before any time mark came in.

    It goes on from the last mark by the local clock. Where that was far off then and has come to
    the mark or beyond by itself, somebody set it right since, and it is taken as it is.
    """
    said = transaction.meta(TRUSTED_OFFSET)
    if said is None:
        return None
    offset = int(said)
    reckoned = now_ms + offset
    if abs(offset) <= FAR_OFF_MS:
        return reckoned
    marked = int(transaction.meta(TRUSTED_AT) or now_ms) + offset
    if now_ms >= marked and not marked <= reckoned <= now_ms:
        return now_ms
    return max(reckoned, marked)


def not_behind(transaction: Transaction) -> None:
    """Let the local clock lead where it is ahead of a mark that was long under way, by days."""
    offset = int(transaction.meta(TRUSTED_OFFSET) or "0")
    if -FAR_OFF_MS <= offset < 0:
        transaction.set_meta(TRUSTED_OFFSET, "0")


def day_of(at_ms: int) -> str:
    """Return the calendar day in China as YYYY-MM-DD."""
    return _day((at_ms + _CHINA_AHEAD_MS) // _DAY_MS)


@lru_cache(maxsize=64)
def _day(days: int) -> str:
    """Every round asks for the day, and the day changes once a day."""
    return (date(1970, 1, 1) + timedelta(days=days)).isoformat()
