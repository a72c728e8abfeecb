"""The station table: one CSV that names every station, its tier, its parent and its division.

It is the single source of the stations register and of the inventory. Nothing is derived from
division codes but which county a station lies in: parents are written in the table.
"""

from __future__ import annotations

from stations import tree_checks
from stations.csv_file import read_rows
from stations.errors import Findings
from stations.row import COLUMN_TITLES, COLUMNS, StationRow, read_row


def read_station_table(data: bytes, file: str) -> list[StationRow]:
    """Return the stations of a table, parents before children, otherwise in the order of the file.

    Raises: ImportRefused with every problem of the file.
    """
    findings = Findings(file)
    rows = [read_row(raw, findings) for raw in read_rows(data, findings, COLUMNS, COLUMN_TITLES)]
    if not rows and not findings.problems:
        findings.add("no_rows", 1, "表里没有站点,请在表头下面逐行填写站点。")
    by_code = _by_code(rows, findings)
    tree_checks.check(rows, by_code, findings)
    findings.refuse_if_any()
    return sorted(rows, key=lambda row: (depth_of(row, by_code), row.line))


def depth_of(row: StationRow, by_code: dict[str, StationRow]) -> int:
    """Return the distance from the root; the table must already be free of loops."""
    depth = 0
    while row.parent:
        row = by_code[row.parent]
        depth += 1
    return depth


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
