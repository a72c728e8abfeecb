"""The staff list: number, name, station and posts of everyone who logs in somewhere.

Passwords are not in it: they are set on the node with a one-time code. Sentences name lines and
numbers, never persons.
"""

from __future__ import annotations

import re
from collections.abc import Collection
from typing import Any

from casework.registers import POSTS
from stations.csv_file import CsvRow, read_rows
from stations.errors import Findings

COLUMNS = ("no", "name", "station", "posts")
COLUMN_TITLES = {"工号": "no", "姓名": "name", "站点代码": "station", "岗位": "posts"}
STAFF_NUMBER = re.compile(r"[A-Z0-9-]{4,20}")
POST_SEPARATOR = "|"


def read_staff(
    data: bytes, file: str, *, stations: Collection[str], from_day: str
) -> list[dict[str, Any]]:
    """Return one staff entry per line, in the order of the file.

    Units: from_day is YYYY-MM-DD; the entries have no end.
    Raises: ImportRefused with every problem of the file.
    """
    findings = Findings(file)
    rows = read_rows(data, findings, COLUMNS, COLUMN_TITLES)
    lines: dict[str, int] = {}
    entries = [_entry(row, from_day) for row in rows]
    for row, entry in zip(rows, entries, strict=True):
        _check(row, entry["posts"], lines, stations, findings)
    if not rows and not findings.problems:
        findings.add("no_rows", 1, "表里没有人员,请在表头下面逐行填写。")
    findings.refuse_if_any()
    return entries


def _entry(row: CsvRow, from_day: str) -> dict[str, Any]:
    return {
        "no": row["no"],
        "name": row["name"],
        "station": row["station"],
        "posts": [post.strip() for post in row["posts"].split(POST_SEPARATOR) if post.strip()],
        "from": from_day,
        "to": "",
    }


def _check(
    row: CsvRow,
    posts: list[str],
    lines: dict[str, int],
    stations: Collection[str],
    findings: Findings,
) -> None:
    line = row.line
    if not STAFF_NUMBER.fullmatch(row["no"]):
        findings.add(
            "bad_code", line, f"第 {line} 行:工号应为 4 至 20 位大写字母、数字或短横,请改正。"
        )
    elif (first := lines.setdefault(row["no"], line)) != line:
        findings.add(
            "duplicate_code", line, f"第 {line} 行:工号与第 {first} 行相同,工号一人一个,请改正。"
        )
    if not row["name"]:
        findings.add("empty_name", line, f"第 {line} 行:姓名是空的,请填写。")
    if row["station"] not in stations:
        findings.add(
            "unknown_station",
            line,
            f"第 {line} 行:站点“{row['station']}”不在站点表中,请改正代码或先登记该站点。",
        )
    if not posts:
        findings.add("no_post", line, f"第 {line} 行:没有填岗位,请填写,多个岗位用 | 隔开。")
    for post in posts:
        if post not in POSTS:
            findings.add(
                "bad_post",
                line,
                f"第 {line} 行:岗位“{post}”无法识别,请填 {'、'.join(POSTS)},多个用 | 隔开。",
            )
    if len(set(posts)) != len(posts):
        findings.add("repeated_post", line, f"第 {line} 行:同一岗位写了两次,请删去一个。")
