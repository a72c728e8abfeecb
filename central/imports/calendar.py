"""Calendar years: which weekdays are holidays and which weekend days are working days.

An entry is data that can be published, replaced and dated; a year nobody has announced yet has no
entry, and nothing is guessed for it.
"""

from __future__ import annotations

import re
from datetime import date
from typing import Any

from central.imports.days import is_day
from central.imports.json_file import read_objects, shape_problems
from stations.errors import Findings

DIVISION_CODE = re.compile(r"[0-9]{12}")
SATURDAY = 5
WRITTEN_YEAR: dict[str, Any] = {
    "division": "text",
    "year": "int",
    "off": ["text"],
    "work": ["text"],
    "source": "text",
}


def read_calendar(data: bytes, file: str) -> list[dict[str, Any]]:
    """Return the calendar entries of a file, one per division and year.

    Raises: ImportRefused with every problem of the file.
    """
    findings = Findings(file)
    entries = []
    lines: dict[tuple[str, int], int] = {}
    for line, written in read_objects(data, findings):
        wrong = list(shape_problems(written, WRITTEN_YEAR))
        for path, expected in wrong:
            findings.add("bad_field", line, f"第 {line} 行起的一年:字段“{path}”{expected}。")
        if wrong:
            continue
        first = lines.setdefault((written["division"], written["year"]), line)
        if first != line:
            findings.add(
                "duplicate_code", line, f"第 {line} 行起的一年:与第 {first} 行是同一区划同一年。"
            )
        _check_days(written, line, findings)
        entries.append(written)
    if not entries and not findings.problems:
        findings.add("no_rows", 1, "文件里没有年份,请检查是否选错了文件。")
    findings.refuse_if_any()
    return entries


def _check_days(written: dict[str, Any], line: int, findings: Findings) -> None:
    """Note days that are malformed, outside the year, repeated, or say what holds anyway."""
    place = f"第 {line} 行起的 {written['year']} 年"
    if not DIVISION_CODE.fullmatch(written["division"]):
        findings.add("bad_division", line, f"{place}:区划代码应为 12 位数字。")
    for key, on_weekend, should in (
        ("off", False, "应是周一至周五"),
        ("work", True, "应是周六或周日"),
    ):
        days = written[key]
        if days != sorted(set(days)):
            findings.add("unsorted_days", line, f"{place}:“{key}”里的日期应从早到晚、不重复。")
        for day in days:
            if not is_day(day) or date.fromisoformat(day).year != written["year"]:
                findings.add("bad_day", line, f"{place}:“{key}”里的“{day}”不是该年的日期。")
            elif (date.fromisoformat(day).weekday() >= SATURDAY) is not on_weekend:
                findings.add("wrong_weekday", line, f"{place}:“{key}”里的 {day} {should}。")
