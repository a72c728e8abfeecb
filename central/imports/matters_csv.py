"""A list of matter names from a public implementation list, as entries that only inform.

The list carries names, types and codes and nothing else, so no material, limit or condition is
made up: such a matter is searchable and in mode 告知 everywhere.
"""

from __future__ import annotations

from typing import Any

from central.imports.matter_shape import MATTER_TYPES
from central.imports.pinyin import initials_of
from stations.csv_file import CsvRow, read_rows
from stations.errors import Findings

COLUMNS = (
    "department",
    "main_item",
    "name",
    "type_code",
    "type_name",
    "area_code",
    "local_item_code",
)
NAME_CHARACTERS_MAX = 200  # 事项名称, GB/T 39046-2020
CODE_CHARACTERS_MAX = 64  # real local codes have 23 to 55 characters


def read_matters_csv(
    data: bytes, file: str, *, division: str, source: str, effective_from: str
) -> list[dict[str, Any]]:
    """Return one matters entry per line, in the order of the file.

    Shapes: division is the one whose shelf the names go to, which for a demonstration may differ
    from the one the list comes from; source must then say so.
    Raises: ImportRefused with every problem of the file.
    """
    findings = Findings(file)
    rows = read_rows(data, findings, COLUMNS)
    lines: dict[str, int] = {}
    for row in rows:
        _check_row(row, lines, findings)
    if not rows and not findings.problems:
        findings.add("no_rows", 1, "表里没有事项,请检查是否选错了文件。")
    findings.refuse_if_any()
    return [_entry(row, division, source, effective_from) for row in rows]


def _check_row(row: CsvRow, lines: dict[str, int], findings: Findings) -> None:
    line, code = row.line, row["local_item_code"]
    if not code or len(code) > CODE_CHARACTERS_MAX:
        findings.add(
            "bad_code", line, f"第 {line} 行:事项编码是空的或超过 64 个字符,请按原清单填写。"
        )
    elif (first := lines.setdefault(code, line)) != line:
        findings.add(
            "duplicate_code",
            line,
            f"第 {line} 行:事项编码与第 {first} 行相同,请删去重复的一行或改正编码。",
        )
    if not row["name"]:
        findings.add("empty_name", line, f"第 {line} 行:事项名称是空的,请填写或删去该行。")
    elif len(row["name"]) > NAME_CHARACTERS_MAX:
        findings.add("name_too_long", line, f"第 {line} 行:事项名称超过 200 个字,请缩短。")
    if not row["department"]:
        findings.add("empty_department", line, f"第 {line} 行:部门是空的,请填写。")
    expected = MATTER_TYPES.get(row["type_code"])
    if expected is None:
        findings.add(
            "bad_type",
            line,
            f"第 {line} 行:事项类型代码“{row['type_code']}”无法识别,请填 01 至 10 或 20"
            "(用 Excel 编辑时该列须设为文本格式)。",
        )
    elif row["type_name"] != expected:
        findings.add(
            "type_mismatch",
            line,
            f"第 {line} 行:类型代码 {row['type_code']} 应为“{expected}”,请改正代码或名称。",
        )


def _entry(row: CsvRow, division: str, source: str, effective_from: str) -> dict[str, Any]:
    return {
        "code": row["local_item_code"],
        "version": 1,
        "name": row["name"],
        "aliases": [],
        "initials": initials_of(row["name"]),
        "department": row["department"],
        "type": row["type_code"],
        "type_name": row["type_name"],
        "division": division,
        "tiers": ["district"],
        "object": "",
        "conditions": [],
        "case_kind": "",
        "basis": [{"text": "演示数据:只收录名称,未收录依据、条件、材料和时限", "mark": "演示"}],
        "materials": [],
        "limits": {},
        "accept_on_receive": False,
        "deemed_acceptance": False,
        "supplement_days": 0,
        "stages": [],
        "result": {"name": "", "kind": ""},
        "fee": "",
        "source": source,
        "demo": True,
        "effective_from": effective_from,
        "open_cases": "按旧版办完",
    }
