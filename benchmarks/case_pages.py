"""A page of five hundred cases from a node's own store, with few cases in it and with many."""

from __future__ import annotations

import statistics
import time
from pathlib import Path

from benchmarks.rows import Report, Row
from casework.case_table import SqlCaseTable
from casework.projection import CaseFilter, CaseRow
from node.schema import SCHEMA
from sync.store.database import Database

STATION = "CG0001"
PAGE = 500
FEW, MANY = 4_000, 20_000
PUT_AT_ONCE = 500
TURNS = 9
GROWTH = 1.5
PAGE_MS = 100


def measure(report: Report, folder: Path) -> None:
    """Read the newest page of the cases that concern a station, by processor time."""
    seconds = []
    with Database(folder / "node.db", bytes(32), schema=SCHEMA) as database:
        for first, count in ((0, FEW), (FEW, MANY)):
            for start in range(first, count, PUT_AT_ONCE):
                with database.write() as transaction:
                    table = SqlCaseTable(transaction.connection)
                    for number in range(start, start + PUT_AT_ONCE):
                        table.put(_case(number), "{}")
            seconds.append(statistics.median(_page_seconds(database) for _ in range(TURNS)))
    few, many = seconds
    report.add(Row("sync.case_page.cpu", many * 1000, "ms", few * 1000, PAGE_MS,
                   note=f"{PAGE} of {MANY} cases; limit: of {FEW}"))  # fmt: skip
    report.add(Row("sync.case_page.growth", many / few, "times", 1, GROWTH,
                   note=f"{MANY // FEW} times as many cases"))  # fmt: skip


def _page_seconds(database: Database) -> float:
    with database.read() as transaction:
        began = time.process_time()
        found = SqlCaseTable(transaction.connection).list(CaseFilter(concerns=STATION), PAGE)
        assert len(found) == PAGE
        return time.process_time() - began


def _case(number: int) -> CaseRow:
    return CaseRow(
        stream=f"{STATION}/1790000000000/{number + 1}",
        receipt_no=f"{STATION}260101{number:06d}",
        matter_name="演示事项",
        applicant_name="演示",
        status="received",
        holder=STATION,
        opened_day=f"2026-{number % 12 + 1:02d}-{number % 28 + 1:02d}",
        tab="open",
        audience=(STATION, "CG0002"),
    )
