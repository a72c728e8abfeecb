"""The station table: one CSV that names every station, its tier, its parent and its division.

It is the single source of the stations register and of the inventory. This module reads and checks
it and turns it into register entries; it knows nothing of hosts, keys or how a station is reached.
Nothing is derived from division codes: parents are written in the table.
"""

from __future__ import annotations

import re
from dataclasses import dataclass
from typing import Any

from stations.csv_file import CsvRow, read_rows
from stations.errors import Findings

COLUMNS = ("code", "name", "tier", "parent", "division")
TIERS = ("central", "district", "township", "village")
STATION_CODE = re.compile(r"[A-Z0-9]{4,12}")
DIVISION_CODE = re.compile(r"[0-9]{12}")
STATION_NAME_CHARACTERS_MAX = 100
COLUMN_TITLES = {
    "站点代码": "code",
    "站点名称": "name",
    "层级": "tier",
    "上级站点": "parent",
    "区划代码": "division",
}
TIER_WORDS = {
    "中心": "central",
    "区县": "district",
    "乡镇街道": "township",
    "村社区": "village",
}


@dataclass(frozen=True, slots=True)
class StationRow:
    """One checked line of the table; parent is empty for the root only."""

    code: str
    name: str
    tier: str
    parent: str
    division: str
    line: int


def read_station_table(data: bytes, file: str) -> list[StationRow]:
    """Return the stations of a table, parents before children, otherwise in the order of the file.

    Raises: ImportRefused with every problem of the file.
    """
    findings = Findings(file)
    rows = [_row(raw, findings) for raw in read_rows(data, findings, COLUMNS, COLUMN_TITLES)]
    if not rows and not findings.problems:
        findings.add("no_rows", 1, "表里没有站点,请在表头下面逐行填写站点。")
    by_code = _by_code(rows, findings)
    for row in rows:
        _check_parent(row, by_code, findings)
    _check_one_root(rows, findings)
    _check_loops(rows, by_code, findings)
    findings.refuse_if_any()
    return sorted(rows, key=lambda row: (depth_of(row, by_code), row.line))


def depth_of(row: StationRow, by_code: dict[str, StationRow]) -> int:
    """Return the distance from the root; the table must already be free of loops."""
    depth = 0
    while row.parent:
        row = by_code[row.parent]
        depth += 1
    return depth


def to_register_entries(rows: list[StationRow], from_day: str) -> list[dict[str, Any]]:
    """Return the entries of the stations register, valid from the given day.

    Units: from_day is YYYY-MM-DD.
    """
    return [
        {
            "code": row.code,
            "tier": row.tier,
            "attributes": [
                {
                    "from": from_day,
                    "name": row.name,
                    "division": row.division,
                    "parent": row.parent,
                }
            ],
            "closed": "",
        }
        for row in rows
    ]


def _row(raw: CsvRow, findings: Findings) -> StationRow:
    """Return the line as a row and note what is wrong with its single values."""
    line = raw.line
    tier = TIER_WORDS.get(raw["tier"], raw["tier"])
    row = StationRow(raw["code"], raw["name"], tier, raw["parent"], raw["division"], line)
    if not STATION_CODE.fullmatch(row.code):
        findings.add(
            "bad_code",
            line,
            f"第 {line} 行:站点代码“{row.code}”不合规则,请改为 4 至 12 位大写字母或数字。",
        )
    if not row.name:
        findings.add("empty_name", line, f"第 {line} 行:站点名称是空的,请填写。")
    elif len(row.name) > STATION_NAME_CHARACTERS_MAX:
        findings.add("name_too_long", line, f"第 {line} 行:站点名称超过 100 个字,请缩短。")
    if tier not in TIERS:
        findings.add(
            "bad_tier",
            line,
            f"第 {line} 行:层级“{raw['tier']}”无法识别,请填 {'、'.join(TIERS)} 之一"
            f"(或 {'、'.join(TIER_WORDS)})。",
        )
    if not DIVISION_CODE.fullmatch(row.division):
        findings.add(
            "bad_division",
            line,
            f"第 {line} 行:区划代码“{row.division}”应为 12 位数字;"
            "用 Excel 编辑时请把该列设为文本格式后重填。",
        )
    return row


def _by_code(rows: list[StationRow], findings: Findings) -> dict[str, StationRow]:
    """Return the first row of each code and note the repeated ones."""
    by_code: dict[str, StationRow] = {}
    for row in rows:
        first = by_code.setdefault(row.code, row)
        if first is not row:
            findings.add(
                "duplicate_code",
                row.line,
                f"第 {row.line} 行:站点代码“{row.code}”与第 {first.line} 行重复,"
                "代码一站一个、终身不变,请改正其中一行。",
            )
    return by_code


def _check_parent(row: StationRow, by_code: dict[str, StationRow], findings: Findings) -> None:
    """Note a parent that is missing, unknown or of a lower tier than its child."""
    line = row.line
    if not row.parent:
        if row.tier in TIERS[1:]:
            findings.add(
                "no_parent",
                line,
                f"第 {line} 行:“{row.code}”没有填上级站点;只有市级中心(central)可以不填。",
            )
        return
    parent = by_code.get(row.parent)
    if parent is None:
        findings.add(
            "unknown_parent",
            line,
            f"第 {line} 行:上级站点“{row.parent}”不在表中,请改正代码或补上该站点。",
        )
    elif row.tier == "central":
        findings.add(
            "central_with_parent",
            line,
            f"第 {line} 行:“{row.code}”的层级是 central,不能有上级,请清空上级或改层级。",
        )
    elif {row.tier, parent.tier} <= set(TIERS) and TIERS.index(parent.tier) > TIERS.index(row.tier):
        findings.add(
            "parent_of_lower_tier",
            line,
            f"第 {line} 行:上级站点“{row.parent}”的层级({parent.tier})"
            f"低于本站({row.tier}),请检查两行的层级和上级。",
        )


def _check_one_root(rows: list[StationRow], findings: Findings) -> None:
    """Note a table without a root, or with a second one: a tree has exactly one."""
    roots = [row for row in rows if row.tier == "central"]
    if rows and not roots:
        findings.add("no_root", rows[0].line, "表里没有层级为 central 的站点,请补上市级中心一行。")
    for row in roots[1:]:
        findings.add(
            "second_root",
            row.line,
            f"第 {row.line} 行:第 {roots[0].line} 行已有 central,整张表只能有一个,请改层级。",
        )


def _check_loops(
    rows: list[StationRow], by_code: dict[str, StationRow], findings: Findings
) -> None:
    """Note, once per loop, the stations that are their own ancestors."""
    settled: set[str] = set()
    for row in rows:
        path: list[str] = []
        code = row.code
        while code in by_code and code not in settled and code not in path:
            path.append(code)
            code = by_code[code].parent
        if code in path:
            loop = path[path.index(code) :]
            line = min(by_code[member].line for member in loop)
            findings.add(
                "parent_loop",
                line,
                f"第 {line} 行:上级关系绕成了圈({' → '.join([*loop, code])}),"
                "请改正其中一站的上级。",
            )
        settled.update(path)
