"""The list of administrative divisions: twelve-digit codes with their names and parents.

Read to check the division codes of the station table. No organisation tree is derived from it:
statistical divisions and actual administration differ.
"""

from __future__ import annotations

import re
from dataclasses import dataclass

from stations.csv_file import CsvRow, read_rows
from stations.errors import Findings

COLUMNS = ("code12", "parent12", "level", "name")
LEVELS = ("省级", "地级", "县级", "乡级", "村级")
DIVISION_CODE = re.compile(r"[0-9]{12}")


@dataclass(frozen=True, slots=True)
class DivisionRow:
    """One division; the parent of the topmost level in a file may lie outside the file."""

    code: str
    parent: str
    level: str
    name: str
    line: int


def read_divisions(data: bytes, file: str) -> list[DivisionRow]:
    """Return the divisions in the order of the file.

    Raises: ImportRefused with every problem of the file.
    """
    findings = Findings(file)
    rows = [_row(raw, findings) for raw in read_rows(data, findings, COLUMNS)]
    by_code: dict[str, DivisionRow] = {}
    for row in rows:
        first = by_code.setdefault(row.code, row)
        if first is not row:
            findings.add(
                "duplicate_code",
                row.line,
                f"第 {row.line} 行:区划代码与第 {first.line} 行相同,请删去重复的一行。",
            )
    known = [LEVELS.index(row.level) for row in rows if row.level in LEVELS]
    top = LEVELS[min(known)] if known else ""
    for row in rows:
        _check_parent(row, by_code, top, findings)
    findings.refuse_if_any()
    return rows


def _row(raw: CsvRow, findings: Findings) -> DivisionRow:
    line = raw.line
    row = DivisionRow(raw["code12"], raw["parent12"], raw["level"], raw["name"], line)
    for code in (row.code, row.parent):
        if not DIVISION_CODE.fullmatch(code):
            findings.add(
                "bad_code",
                line,
                f"第 {line} 行:区划代码“{code}”应为 12 位数字,请补足位数"
                "(用 Excel 编辑时该列须设为文本格式)。",
            )
    if row.level not in LEVELS:
        findings.add(
            "bad_level",
            line,
            f"第 {line} 行:级别“{row.level}”无法识别,请填 {'、'.join(LEVELS)} 之一。",
        )
    if not row.name:
        findings.add("empty_name", line, f"第 {line} 行:区划名称是空的,请填写。")
    return row


def _check_parent(
    row: DivisionRow, by_code: dict[str, DivisionRow], top: str, findings: Findings
) -> None:
    if row.level not in LEVELS or row.level == top:
        return
    parent = by_code.get(row.parent)
    if parent is None:
        findings.add(
            "unknown_parent",
            row.line,
            f"第 {row.line} 行:上级区划“{row.parent}”不在表中,请补上该区划或改正代码。",
        )
    elif parent.level in LEVELS and LEVELS.index(parent.level) >= LEVELS.index(row.level):
        findings.add(
            "parent_of_lower_level",
            row.line,
            f"第 {row.line} 行:上级区划的级别({parent.level})应高于本行({row.level}),请检查。",
        )
