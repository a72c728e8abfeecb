"""Writes the national calendar of one year as a register entry, from the library chinesecalendar.

Run when the holidays of a year have been announced and the library knows them:

    python -m central.tools.make_calendar 2026 > central/data/calendar_2026.json

A year the library does not know is refused; nothing is extrapolated.
"""

from __future__ import annotations

import argparse
import json
import sys
from datetime import date, timedelta
from importlib.metadata import version

import chinese_calendar

NATIONAL_DIVISION = "000000000000"
SATURDAY = 5


def calendar_entry(year: int) -> dict[str, object]:
    """Return the national entry of a year.

    Raises: NotImplementedError where the library has no data for the year.
    """
    day, off, work = date(year, 1, 1), [], []
    while day.year == year:
        weekend = day.weekday() >= SATURDAY
        working = chinese_calendar.is_workday(day)
        if weekend and working:
            work.append(day.isoformat())
        elif not weekend and not working:
            off.append(day.isoformat())
        day += timedelta(days=1)
    source = (
        f"由 chinesecalendar {version('chinesecalendar')} 生成,"
        "该库按国务院办公厅公布的节假日安排整理;"
        "使用前请与当年通知核对"
    )
    return {
        "division": NATIONAL_DIVISION,
        "year": year,
        "off": off,
        "work": work,
        "source": source,
    }


def main(arguments: list[str]) -> int:
    """Print the entry of the wanted year; exit status 1 where its holidays are not known."""
    parser = argparse.ArgumentParser(description="生成某一年的全国工作日历")
    parser.add_argument("year", type=int, help="年份,例如 2026")
    year = parser.parse_args(arguments).year
    try:
        entry = calendar_entry(year)
    except NotImplementedError:
        sys.stderr.write(f"{year} 年的放假安排还没有收录,不生成文件。请等该库更新后再试。\n")
        return 1
    sys.stdout.write(json.dumps([entry], ensure_ascii=False, indent=1) + "\n")
    return 0


if __name__ == "__main__":
    sys.exit(main(sys.argv[1:]))
