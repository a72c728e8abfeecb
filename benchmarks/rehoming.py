"""A village moves to another parent: what its own link carries for that, beyond a quiet round."""

from __future__ import annotations

import time
from pathlib import Path

from benchmarks import workload
from benchmarks.county import CENTRAL, County, station_row
from benchmarks.nodes import Program, command
from benchmarks.offline_cases import take_in, until_all_are_up
from benchmarks.road import Road
from benchmarks.rows import Report, Row
from demo.ports import free_ports

FIRST_PORT = 27_000
VILLAGE, BEFORE, AFTER = "CG0111", "CG0101", "CG0102"
CASES = 300
INTERVAL_SECONDS = "1"
SETTLE_SECONDS = 15.0
QUIET_SECONDS = 8.0
MOVED_SECONDS = 60.0
BEYOND_BYTES = 1_000


def measure(report: Report, folder: Path) -> None:
    """Hand cases up through one township, then move the village to the other."""
    stations = [
        station_row(BEFORE, "township", CENTRAL),
        station_row(AFTER, "township", CENTRAL),
        station_row(VILLAGE, "village", BEFORE),
    ]
    county = County(folder, stations, FIRST_PORT)
    county.publish([])
    county.program.start()
    ports = free_ports(6, FIRST_PORT + 10)
    above = {
        code: county.enrol(
            code, f"http://127.0.0.1:{county.program.sync_port}", (ports.pop(), ports.pop()),
            "--interval", INTERVAL_SECONDS,
        )
        for code in (BEFORE, AFTER)
    }  # fmt: skip
    roads = {code: Road(program.sync_port) for code, program in above.items()}
    village = county.enrol(
        VILLAGE, roads[BEFORE].url, (ports.pop(), ports.pop()), "--interval", INTERVAL_SECONDS
    )
    programs = [*above.values(), village]
    try:
        for program in programs:
            program.start()
        time.sleep(SETTLE_SECONDS)
        village.stop()
        take_in(village, VILLAGE, workload.cases(workload.matters(300), CASES))
        village.start()
        until_all_are_up(village, time.monotonic())
        time.sleep(SETTLE_SECONDS)  # central's receipts come down
        _move(report, village, roads)
    finally:
        for program in (*programs, county.program):
            program.stop()
        for road in roads.values():
            road.stop()


def _move(report: Report, village: Program, roads: dict[str, Road]) -> None:
    roads[BEFORE].take()
    time.sleep(QUIET_SECONDS)
    quiet = roads[BEFORE].take()
    idle = quiet.total / max(quiet.requests, 1)
    command("edge_node", "parent", "--data", str(village.folder),
            "--station", AFTER, "--url", roads[AFTER].url)  # fmt: skip
    until = time.monotonic() + MOVED_SECONDS
    while not roads[AFTER].requests and time.monotonic() < until:
        time.sleep(0.1)
    time.sleep(SETTLE_SECONDS)
    went = roads[AFTER].take()
    assert went.requests, "the village did not come to its new parent"
    cost = went.total - (went.requests - 1) * idle
    report.add(Row("sync.rehoming.bytes", cost, "B", idle, idle + BEYOND_BYTES,
                   note=f"{CASES} cases held; limit: a quiet round; {went.requests} requests in "
                   f"{SETTLE_SECONDS:.0f} s, quiet ones taken off"))  # fmt: skip
