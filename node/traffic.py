"""What the link to the parent carried per day: booked with each round, shown on 上报情况."""

from __future__ import annotations

from datetime import UTC, datetime, timedelta

import msgspec

from node.pace import Used
from sync.protocol.ports import Transaction

_KEY = "link_traffic"
_CHINA_HOURS = 8
DAYS_KEPT = 31


class Day(msgspec.Struct, frozen=True):
    """One day in China's time. Units: bytes of HTTP bodies and headers, without TCP and IP."""

    day: str
    rounds: int = 0
    up: int = 0
    down: int = 0


def book(transaction: Transaction, now_ms: int, used: Used) -> None:
    """Add what was used to today's row."""
    if not used.rounds:
        return
    rows, today = days(transaction), day_of(now_ms)
    last = rows.pop() if rows and rows[-1].day == today else Day(today)
    rows.append(Day(today, last.rounds + used.rounds, last.up + used.up, last.down + used.down))
    transaction.set_meta(_KEY, msgspec.json.encode(rows[-DAYS_KEPT:]).decode())


def days(transaction: Transaction) -> list[Day]:
    """Return the days on record, oldest first."""
    return msgspec.json.decode(transaction.meta(_KEY) or "[]", type=list[Day])


def day_of(at_ms: int) -> str:
    """Return the day in China of a moment."""
    at = datetime.fromtimestamp(at_ms / 1000, UTC) + timedelta(hours=_CHINA_HOURS)
    return at.date().isoformat()
