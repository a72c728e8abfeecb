"""Sticks: five thousand cases carried up to central, and the registers with as many cases down.

In one process, by the same calls the commands make, so that processor time is that of the import
alone. The same events come up once by stick and once by rounds; what a stick may cost is what the
line costs.
"""

from __future__ import annotations

import time
from collections.abc import Callable
from pathlib import Path

from benchmarks import catalogue, workload
from benchmarks.county import CENTRAL, County, now_ms, station_row
from benchmarks.nodes import BenchFailed
from benchmarks.rows import Report, Row
from node.files import Imported
from node.program import Node
from node.release import RELEASE
from sync.engine import record

FIRST_PORT = 25_000
BY_STICK, BY_LINE = "V000001", "V000002"
KIND = "sync.bench"
"""No fact of a case: cases are shown from a cursor of their own, however their events came."""
RECORDS = 5_000
AS_CHEAP = 1.1
TO_A_COMMIT = 500


def measure(report: Report, folder: Path) -> None:
    """Measure what is taken in by stick at central, and at a station below it."""
    matters = workload.matters()
    cases = workload.cases(matters)
    rows = [station_row(code, "village", CENTRAL) for code in (BY_STICK, BY_LINE)]
    county = County(folder, rows, FIRST_PORT)
    county.publish(catalogue.entries(matters, "village"))
    url = "http://127.0.0.1:1"
    for code in (BY_STICK, BY_LINE):
        county.enrol(code, url, (FIRST_PORT, FIRST_PORT + 1))
    sticks = folder / "sticks"
    sticks.mkdir()
    places = (county.folder, folder / BY_STICK, folder / BY_LINE)
    central, stick, line = nodes = [Node(p, clock_ms=now_ms, release=RELEASE) for p in places]
    try:
        central.files.import_file(stick.files.export_up(sticks).path)
        _rounds(central, line)
        _up(report, central, stick, line, cases, sticks)
        _down(report, central, stick, line, len(matters), cases, sticks)
    finally:
        for node in nodes:
            node.close()


def _up(
    report: Report,
    central: Node,
    stick: Node,
    line: Node,
    cases: list[workload.Json],
    sticks: Path,
) -> None:
    for node in (stick, line):
        _take_in(node, cases, node.core.station)
    by_line = _rounds(central, line)
    path = stick.files.export_up(sticks).path
    done, cpu, wall = _timed(lambda: central.files.import_file(path))
    if done.taken != len(cases):
        raise BenchFailed(f"{done.taken} of {len(cases)} taken")
    note = f"records per CPU second; {len(cases) / wall:.0f} a second by wall"
    report.add(Row("sync.stick.up", len(cases) / cpu, "records", 0, RECORDS,
                   at_most=False, note=note))  # fmt: skip
    report.add(Row("sync.stick.to_line", cpu / by_line, "times", 1, AS_CHEAP,
                   note="CPU of the same events by stick and by rounds"))  # fmt: skip


def _down(
    report: Report,
    central: Node,
    stick: Node,
    line: Node,
    matters: int,
    cases: list[workload.Json],
    sticks: Path,
) -> None:
    _take_in(line, cases, stick.core.station)
    _rounds(central, line)
    path = central.files.export_down(stick.core.station, sticks).path
    done, cpu, wall = _timed(lambda: stick.files.import_file(path))
    if done.taken != len(cases) or not done.shelves:
        raise BenchFailed(f"{done.taken} of {len(cases)} taken, {done.shelves} shelves")
    records = matters + len(cases)
    note = f"records per CPU second, registers among them; {records / wall:.0f} a second by wall"
    report.add(Row("sync.stick.down", records / cpu, "records", 0, RECORDS,
                   at_most=False, note=note))  # fmt: skip


def _take_in(node: Node, cases: list[workload.Json], concerned: str) -> None:
    for start in range(0, len(cases), TO_A_COMMIT):
        with node.database.write() as transaction:
            for case in cases[start : start + TO_A_COMMIT]:
                record.record(
                    node.core, transaction, now_ms(), stream=None, kind=KIND, actor="S1",
                    added=[concerned], body=case,
                )  # fmt: skip


def _rounds(central: Node, child: Node) -> float:
    """Make rounds until nothing is left to say; return the CPU seconds central used."""
    cpu, more = 0.0, True
    while more:
        request = child.rounds.begin()
        began = time.process_time()
        answer = central.rounds.serve(request)
        cpu += time.process_time() - began
        more = child.rounds.take_answer(answer).more
    return cpu


def _timed(work: Callable[[], Imported]) -> tuple[Imported, float, float]:
    """Return what was done, and the seconds of processor and wall it took."""
    began, cpu = time.monotonic(), time.process_time()
    done = work()
    return done, time.process_time() - cpu, time.monotonic() - began
