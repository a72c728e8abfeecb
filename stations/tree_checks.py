"""What can be wrong between the lines of a station table: parents, loops, counties, fallbacks."""

from __future__ import annotations

from stations.errors import Findings
from stations.row import TIERS, StationRow

COUNTY_TIER = "district"
COUNTY_DIGITS = 6
"""Digits of a division code that name its county (GB/T 2260)."""


def check(rows: list[StationRow], by_code: dict[str, StationRow], findings: Findings) -> None:
    """Note everything that is wrong between the rows of a table."""
    for row in rows:
        _check_parent(row, by_code, findings)
    _check_one_root(rows, findings)
    _check_loops(rows, by_code, findings)
    if findings.problems:
        return  # what follows walks up the tree
    for row in rows:
        _check_county(row, by_code, findings)
        _check_supervising(row, by_code, findings)
        for fallback in row.fallbacks:
            _check_fallback(row, fallback, by_code, findings)


def ancestors(row: StationRow, by_code: dict[str, StationRow]) -> list[StationRow]:
    """Return the stations above one, nearest first; the table must be free of loops."""
    found = []
    while row.parent:
        row = by_code[row.parent]
        found.append(row)
    return found


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


def _check_county(row: StationRow, by_code: dict[str, StationRow], findings: Findings) -> None:
    """Note a station whose division lies in another county than the district above it."""
    county = next((one for one in ancestors(row, by_code) if one.tier == COUNTY_TIER), None)
    if county is not None and row.division[:COUNTY_DIGITS] != county.division[:COUNTY_DIGITS]:
        findings.add(
            "other_county",
            row.line,
            f"第 {row.line} 行:“{row.code}”的区划 {row.division[:COUNTY_DIGITS]} 和它上面的区县"
            f"“{county.code}”({county.division[:COUNTY_DIGITS]})不是同一个县,"
            "请检查上级站点和区划代码。",
        )


def _check_supervising(row: StationRow, by_code: dict[str, StationRow], findings: Findings) -> None:
    if row.supervising and row.supervising not in by_code:
        findings.add(
            "unknown_supervising",
            row.line,
            f"第 {row.line} 行:监督站点“{row.supervising}”不在表中,请改正代码或补上该站点。",
        )


def _check_fallback(
    row: StationRow, fallback: str, by_code: dict[str, StationRow], findings: Findings
) -> None:
    """Note a fallback that is unknown, the parent itself, or below the station."""
    why = ""
    station = by_code.get(fallback)
    if station is None:
        why = "不在表中"
    elif fallback == row.parent:
        why = "就是它的上级"
    elif fallback == row.code or row in ancestors(station, by_code):
        why = "是本站或本站的下级"
    elif not station.url:
        why = "没有填下级访问地址"
    if why:
        findings.add(
            "bad_fallback",
            row.line,
            f"第 {row.line} 行:备用上级“{fallback}”{why},请改正或删去。",
        )
