"""W3 and W4: five thousand cases taken in offline go up; then nothing changes."""

from __future__ import annotations

import statistics
import time
from pathlib import Path

import zstandard

from benchmarks import workload
from benchmarks.county import CENTRAL, County, now_ms, station_row
from benchmarks.nodes import Program, command
from benchmarks.road import Road
from benchmarks.rows import Report, Row
from demo.ports import free_ports
from node.program import Node
from node.release import RELEASE
from sync.engine import record
from sync.protocol import canonical

FIRST_PORT = 24_000
STATION = "CG0001"
INTERVAL_SECONDS = "1"
SIGNATURE_BYTES = 64
OVERHEAD = 1.25
REQUESTS = 30
IDLE_BYTES = 400
SECONDS_MAX = 300.0
QUIET_SECONDS = 10
DAY_BYTES = 120_000
DAY_SECONDS = 86_400
SHIPPED_INTERVAL_SECONDS = 300


def measure(report: Report, folder: Path) -> None:
    """Measure the upward load and the idle round."""
    rows = workload.cases(workload.matters())
    bodies = b"".join(canonical.dumps(row) for row in rows)
    solid = len(zstandard.ZstdCompressor(level=19).compress(bodies))
    limit = solid + SIGNATURE_BYTES * len(rows)
    county = County(folder, [station_row(STATION, "district", CENTRAL)], FIRST_PORT)
    county.publish([])
    county.program.start()
    road = Road(county.program.sync_port)
    ports = free_ports(2, FIRST_PORT + 10)
    node = county.enrol(STATION, road.url, (ports[0], ports[1]), "--interval", INTERVAL_SECONDS)
    try:
        node.start()
        time.sleep(6)
        node.stop()
        take_in(node, STATION, rows)
        road.take()
        node.start()
        began = time.monotonic()
        went_all = until_all_are_up(node, began)
        went = road.take()
        note = f"{went_all:.1f} s by wall"
        report.add(Row("sync.cases_up.bytes", went.total, "B", limit, OVERHEAD * limit, note=note))
        report.add(Row("sync.cases_up.requests", went.requests, "requests", 1, REQUESTS))
        _idle(report, road)
    finally:
        node.stop()
        county.program.stop()
        road.stop()


def take_in(node: Program, station: str, rows: list[workload.Json]) -> None:
    """Record the cases as the node would, a hundred to a commit."""
    opened = Node(node.folder, clock_ms=now_ms, release=RELEASE)
    try:
        for start in range(0, len(rows), 100):
            with opened.database.write() as transaction:
                for row in rows[start : start + 100]:
                    record.record(
                        opened.core, transaction, now_ms(), stream=None, kind="bench.taken",
                        actor="S1", added=[station], body=row,
                    )  # fmt: skip
    finally:
        opened.close()


def until_all_are_up(node: Program, began: float) -> float:
    """Wait until a parent's receipt covers all of the node's own events; return the seconds."""
    while time.monotonic() - began < SECONDS_MAX:
        found = command("edge_node", "status", "--data", str(node.folder))
        rungs = found["situation"]["rungs"]
        if not rungs["local"]:
            return time.monotonic() - began
        time.sleep(0.3)
    raise TimeoutError("the cases did not come up")


def _idle(report: Report, road: Road) -> None:
    time.sleep(QUIET_SECONDS)  # the last receipts of central settle
    sizes = []
    for _ in range(QUIET_SECONDS):
        road.take()
        time.sleep(1.0)
        went = road.take()
        if went.requests:
            sizes.append(went.total / went.requests)
    size = statistics.median(sizes)
    report.add(Row("sync.idle_round.bytes", size, "B", 332, IDLE_BYTES,
                   note="limit: the best peer, unsigned, in nine turns"))  # fmt: skip
    day = size * DAY_SECONDS / SHIPPED_INTERVAL_SECONDS
    report.add(Row("sync.idle_day.bytes", day, "B", 0, DAY_BYTES,
                   note=f"at an interval of {SHIPPED_INTERVAL_SECONDS} s"))  # fmt: skip
