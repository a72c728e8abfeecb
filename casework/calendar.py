"""Working days from the calendar register, and the clock of a case.

Knows neither today nor where editions come from. Day 0 is the day of the event; counting
starts on the next working day. A year without an edition is counted Monday to Friday and
the result says so.
Source: [domain 2.3]; working days by 行政许可法 art. 82 as quoted there.
"""

from __future__ import annotations

from collections.abc import Iterable, Sequence
from dataclasses import dataclass
from datetime import date, timedelta
from typing import Final

from casework.errors import FieldInvalid
from casework.registers import CalendarYear

NATIONAL: Final = "000000000000"
WORKDAYS_MAX: Final = 5_000
"""More than any limit in law."""
SPAN_DAYS_MAX: Final = 20_000
"""Calendar days searched before the end is called open; bounds the loop."""
_LAST_START: Final = date(9900, 1, 1)
_ONE_DAY: Final = timedelta(days=1)
_SATURDAY: Final = 5


@dataclass(frozen=True, slots=True)
class DueDay:
    """A computed day and the years it rests on without a published calendar."""

    day: date
    provisional_years: tuple[int, ...] = ()

    @property
    def provisional(self) -> bool:
        """True if an edition is missing for a year the count went through."""
        return bool(self.provisional_years)

    @property
    def sentence(self) -> str:
        """What the page says beside a provisional day; empty otherwise."""
        if not self.provisional_years:
            return ""
        years = "、".join(f"{year}年" for year in self.provisional_years)
        return f"{years}节假日安排尚未公布,此日期为暂定,公布后自动重算"


@dataclass(frozen=True, slots=True)
class Suspension:
    """Days on which the clock stands still, both ends included; `end` None = still running."""

    start: date
    end: date | None = None

    def covers(self, day: date) -> bool:
        """True if the clock stands still on that day."""
        return self.start <= day and (self.end is None or day <= self.end)


class WorkCalendar:
    """Working days of one division: the national edition overlaid by more local ones."""

    def __init__(self, years: Iterable[CalendarYear], divisions: Sequence[str] = ()) -> None:
        """Build from entries; `divisions` runs from general to specific, later ones win."""
        ranks = {division: rank for rank, division in enumerate((NATIONAL, *divisions))}
        self._days: dict[date, bool] = {}
        self._published: set[int] = set()
        relevant = [entry for entry in years if entry.division in ranks]
        for entry in sorted(relevant, key=lambda item: (ranks[item.division], item.year)):
            if entry.division == NATIONAL:
                self._published.add(entry.year)
            self._days.update({_day(text): False for text in entry.off})
            self._days.update({_day(text): True for text in entry.work})

    def published(self, year: int) -> bool:
        """True if the national edition of the year is here."""
        return year in self._published

    def is_workday(self, day: date) -> bool:
        """True if people work on that day, as far as is known."""
        return self._days.get(day, day.weekday() < _SATURDAY)

    def add_workdays(
        self, start: date, days: int, suspended: Sequence[Suspension] = ()
    ) -> DueDay | None:
        """The day on which the limit of so many working days ends; None while suspended.

        Day 0 is `start`. Days under a suspension do not count; a running suspension that
        is reached leaves the end open. Bounds: `SPAN_DAYS_MAX`. Raises: FieldInvalid.
        """
        if not 0 <= days <= WORKDAYS_MAX:
            raise FieldInvalid("期限天数不合理,没有计算。", days=str(days))
        day, left, guessed = start, days, set[int]()
        last = min(start, _LAST_START) + SPAN_DAYS_MAX * _ONE_DAY
        while left > 0:
            if day >= last:
                return None
            day += _ONE_DAY
            if any(item.end is None and item.covers(day) for item in suspended):
                return None
            if not self.published(day.year):
                guessed.add(day.year)
            if self.is_workday(day) and not any(item.covers(day) for item in suspended):
                left -= 1
        return DueDay(day, tuple(sorted(guessed)))

    def workdays_between(self, after: date, until: date) -> int:
        """The working days after `after` up to and including `until`; negative if that is past."""
        if until < after:
            return -self.workdays_between(until, after)
        count, day = 0, max(after, until - SPAN_DAYS_MAX * _ONE_DAY)
        while day < until:
            day += _ONE_DAY
            count += self.is_workday(day)
        return count


def _day(text: str) -> date:
    try:
        return date.fromisoformat(text)
    except ValueError as error:
        raise FieldInvalid("工作日历里有无效日期,没有采用。", day=text) from error
