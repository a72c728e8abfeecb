"""Times, ages and numbers as clerks read them. Knows China's time and nothing else."""

from __future__ import annotations

from datetime import date, datetime, timedelta, timezone
from typing import Final

CHINA: Final = timezone(timedelta(hours=8))
_MINUTE: Final = 60_000
_HOUR: Final = 60 * _MINUTE
_DAY: Final = 24 * _HOUR


def moment(at_ms: int) -> str:
    """The day and time in China, e.g. 2026-11-22 10:42; empty for 0."""
    if not at_ms:
        return ""
    return datetime.fromtimestamp(at_ms / 1000, CHINA).strftime("%Y-%m-%d %H:%M")


def clock(at_ms: int, now_ms: int) -> str:
    """The time alone if it was today, else the day with the time; 还没有 for 0."""
    if not at_ms:
        return "还没有"
    at = datetime.fromtimestamp(at_ms / 1000, CHINA)
    now = datetime.fromtimestamp(now_ms / 1000, CHINA)
    if at.date() == now.date():
        return at.strftime("%H:%M")
    return f"{at.month}月{at.day}日 {at:%H:%M}"


def age(since_ms: int, now_ms: int) -> str:
    """How long ago, in one unit, never negative."""
    passed = max(now_ms - since_ms, 0)
    if passed < _MINUTE:
        return "不到1分钟"
    if passed < _HOUR:
        return f"{passed // _MINUTE}分钟"
    return f"{passed // _HOUR}小时" if passed < _DAY else f"{passed // _DAY}天"


def day(value: date | str | None) -> str:
    """A day as 2026年11月22日; empty for none, the text itself if it is no day."""
    if not value:
        return ""
    if isinstance(value, str):
        try:
            value = date.fromisoformat(value)
        except ValueError:
            return str(value)
    return f"{value.year}年{value.month}月{value.day}日"


def size(count: int) -> str:
    """Bytes in KB or MB."""
    if count < 1 << 20:
        return f"{max(count >> 10, 1)} KB"
    return f"{count / (1 << 20):.1f} MB"


def duration(seconds: float) -> str:
    """How long something takes, in one unit, rounded up."""
    minutes = int(seconds / 60) + 1
    if seconds < 60:
        return "不到1分钟"
    return f"{minutes}分钟" if minutes < 120 else f"{minutes // 60 + 1}小时"
