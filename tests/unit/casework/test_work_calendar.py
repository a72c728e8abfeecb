"""Working days and the clock of a case, against published days and an independent oracle."""

from __future__ import annotations

from datetime import date, timedelta

import chinese_calendar
import pytest
from hypothesis import given, settings
from hypothesis import strategies as st

from casework.calendar import Suspension, WorkCalendar
from casework.errors import FieldInvalid
from casework.registers import CalendarYear
from tests.casework.casework_world import CALENDAR, CALENDAR_2026


def due(start: str, days: int, *suspended: Suspension) -> str:
    """The due day as text, or an empty text while it is open."""
    found = CALENDAR.add_workdays(date.fromisoformat(start), days, suspended)
    return found.day.isoformat() if found else ""


def test_every_day_of_2026_agrees_with_the_oracle() -> None:
    """The entry of 2026 marks exactly the working days of chinese_calendar."""
    day = date(2026, 1, 1)
    while day.year == 2026:
        assert chinese_calendar.is_workday(day) == CALENDAR.is_workday(day), day
        day += timedelta(days=1)


def test_make_up_saturday_counts() -> None:
    """Fri 2026-09-18 + 5 ends on Thu 09-24, because Sun 09-20 is a working day."""
    assert "2026-09-24" == due("2026-09-18", 5)


def test_national_day_week_does_not_count() -> None:
    """Tue 2026-09-29 + 20 ends on 11-02."""
    assert "2026-11-02" == due("2026-09-29", 20)


def test_suspended_days_do_not_count() -> None:
    """The same with the clock standing still from 10-12 to 10-16 ends on 11-09."""
    stop = Suspension(date(2026, 10, 12), date(2026, 10, 16))
    assert "2026-11-09" == due("2026-09-29", 20, stop)


def test_running_suspension_leaves_the_end_open() -> None:
    """While a suspension runs there is no due day."""
    assert "" == due("2026-09-29", 20, Suspension(date(2026, 10, 12)))
    assert "2026-10-09" == due("2026-09-29", 3, Suspension(date(2026, 10, 12)))


def test_year_without_an_edition_is_provisional_and_says_so() -> None:
    """2026-12-10 + 20 runs into 2027, is counted Monday to Friday, and names the year."""
    found = CALENDAR.add_workdays(date(2026, 12, 10), 20)
    assert found is not None
    assert (date(2027, 1, 7), True) == (found.day, found.provisional)
    assert "2027年节假日安排尚未公布,此日期为暂定,公布后自动重算" == found.sentence


def test_published_year_has_no_sentence() -> None:
    """A day that rests on published editions carries no doubt."""
    found = CALENDAR.add_workdays(date(2026, 11, 23), 5)
    assert found is not None
    assert ("", False) == (found.sentence, found.provisional)


def test_local_holiday_overlays_the_national_edition() -> None:
    """A prefecture's holiday counts there and nowhere else, and publishes no year by itself."""
    local = CalendarYear(division="532900000000", year=2026, off=("2026-11-25",))
    there = WorkCalendar([local, CALENDAR_2026], ("532900000000",))
    elsewhere = WorkCalendar([local, CALENDAR_2026], ("530114000000",))
    assert not there.is_workday(date(2026, 11, 25))
    assert elsewhere.is_workday(date(2026, 11, 25))
    assert not WorkCalendar([local], ("532900000000",)).published(2026)


def test_order_of_entries_does_not_matter() -> None:
    """The more specific division wins, whichever entry is read first."""
    local = CalendarYear(division="532900000000", year=2026, work=("2026-11-28",))
    national = CalendarYear(division="000000000000", year=2026, off=("2026-11-28",))
    for entries in ([local, national], [national, local]):
        assert WorkCalendar(entries, ("532900000000",)).is_workday(date(2026, 11, 28))


def test_zero_days_end_on_the_day_itself() -> None:
    """A limit of no days ends on day 0."""
    assert "2026-11-22" == due("2026-11-22", 0)


@pytest.mark.parametrize("days", [-1, 5_001])
def test_unreasonable_limits_are_refused(days: int) -> None:
    """A negative or absurd number of days is refused, not counted."""
    with pytest.raises(FieldInvalid):
        CALENDAR.add_workdays(date(2026, 11, 22), days)


def test_endless_suspension_ends_the_search() -> None:
    """A suspension beyond all reason leaves the end open instead of running for ever."""
    assert "" == due("2026-11-22", 5, Suspension(date(2026, 1, 1), date.max))
    assert CALENDAR.add_workdays(date.max, 5) is None


@settings(max_examples=60, deadline=None)
@given(st.integers(0, 300), st.integers(1, 40))
def test_due_day_agrees_with_counting_by_the_oracle(offset: int, days: int) -> None:
    """Within 2026 the due day is the one chinese_calendar's days count to."""
    start = date(2026, 1, 1) + timedelta(days=offset)
    day, left = start, days
    while left and day.year == 2026:
        day += timedelta(days=1)
        left -= day.year == 2026 and chinese_calendar.is_workday(day)
    found = CALENDAR.add_workdays(start, days)
    assert found is not None
    if day.year == 2026:
        assert day == found.day
        assert days == CALENDAR.workdays_between(start, found.day)
        assert -days == CALENDAR.workdays_between(found.day, start)
