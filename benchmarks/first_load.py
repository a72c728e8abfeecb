"""W1 and W2: ten thousand matters to an empty node, a hundred changed fields, a cut, a second node.

The node is a real process; every byte goes over a counting road. What the machine and the
information allow stands beside each figure.
"""

from __future__ import annotations

import time
from pathlib import Path

import zstandard

from benchmarks import catalogue, workload
from benchmarks.county import CENTRAL, County, station_row
from benchmarks.nodes import Program, command
from benchmarks.road import Road
from benchmarks.rows import Report, Row
from demo.ports import free_ports

FIRST_PORT = 23_000
NODES = ("CG0001", "CG0002", "CG0003", "CG0004")
INTERVAL_SECONDS = "1"
LOAD_SECONDS = 300.0
BYTES = 2_000_000
REQUESTS = 10
CPU_SECONDS = 1.8
PEAK_MIB = 20
PARENT_CPU_SECONDS = 0.05
CHANGE_BYTES = 4_000
TWICE_BYTES = 64 * 1024
DISK_RATIO = 0.45
MIB = 1024 * 1024


def measure(report: Report, folder: Path) -> None:
    """Measure the first load, the change, the cut, and what they cost on both ends."""
    rows = workload.matters()
    entries = catalogue.entries(rows)
    raw = workload.dump(entries)
    solid = len(zstandard.ZstdCompressor(level=19).compress(raw))
    county = County(folder, [station_row(code, "district", CENTRAL) for code in NODES], FIRST_PORT)
    edition = _edition(county.publish(entries))
    county.program.start()
    roads = {code: Road(county.program.sync_port) for code in NODES}
    ports = free_ports(2 * len(NODES), FIRST_PORT + 10)
    nodes = {
        code: county.enrol(
            code, roads[code].url, (ports.pop(), ports.pop()), "--interval", INTERVAL_SECONDS
        )
        for code in NODES
    }
    try:
        whole = _first_load(report, nodes[NODES[0]], roads[NODES[0]], edition, solid)
        _second_node(report, county, nodes[NODES[1]], edition)
        for code, kill in ((NODES[2], False), (NODES[3], True)):
            _cut_half_way(report, nodes[code], roads[code], edition, whole, kill=kill)
            nodes[code].stop()
        nodes[NODES[1]].stop()
        _change(report, county, nodes[NODES[0]], roads[NODES[0]], rows)
        _disk(report, nodes[NODES[0]], len(raw))
    finally:
        for program in (*nodes.values(), county.program):
            program.stop()
        for road in roads.values():
            road.stop()


def _first_load(report: Report, node: Program, road: Road, edition: int, solid: int) -> int:
    road.cut()
    node.start()
    time.sleep(3)  # at rest: start-up is not part of the load
    rest = node.memory_mib()
    node.forget_peak()
    before = node.cpu_seconds()
    road.take()
    road.restore()
    began = time.monotonic()
    _wait_for(node, edition)
    seconds = time.monotonic() - began
    cpu, peak, went = node.cpu_seconds() - before, node.memory_mib("VmHWM"), road.take()
    note = f"{seconds:.1f} s by wall"
    report.add(Row("sync.first_load.bytes", went.total, "B", solid, BYTES, note=note))
    report.add(Row("sync.first_load.requests", went.requests, "requests", 1, REQUESTS))
    report.add(Row("sync.first_load.node_cpu", cpu, "s", 0, CPU_SECONDS))
    report.add(Row("sync.first_load.node_peak", peak - rest, "MiB", 0, PEAK_MIB,
                   note=f"{rest:.1f} at rest"))  # fmt: skip
    return went.total


def _second_node(report: Report, county: County, node: Program, edition: int) -> None:
    """What one more first load costs the parent, beyond what it does at rest."""
    time.sleep(2)
    before, began = county.program.cpu_seconds(), time.monotonic()
    time.sleep(5)
    idle = (county.program.cpu_seconds() - before) / (time.monotonic() - began)
    before, began = county.program.cpu_seconds(), time.monotonic()
    node.start()
    _wait_for(node, edition)
    busy = county.program.cpu_seconds() - before
    cpu = busy - idle * (time.monotonic() - began)
    report.add(Row("sync.first_load.parent_cpu", cpu, "s", 0, PARENT_CPU_SECONDS))


def _cut_half_way(
    report: Report, node: Program, road: Road, edition: int, whole: int, *, kill: bool
) -> None:
    """Cut the road in the middle of a first load; with `kill` the node loses its power, too."""
    road.take()
    road.limit_down = whole // 2
    node.start()
    until = time.monotonic() + LOAD_SECONDS
    while road.open and time.monotonic() < until:
        time.sleep(0.05)
    if kill:
        node.stop(kill=True)
    road.restore()
    if kill:
        node.start()
    _wait_for(node, edition)
    twice = road.take().total - whole
    name = "killed_twice" if kill else "cut_twice"
    report.add(Row(f"sync.first_load.{name}", twice, "B", 0, TWICE_BYTES))


def _change(
    report: Report, county: County, node: Program, road: Road, rows: list[workload.Json]
) -> None:
    idle = _idle(road)
    road.take()
    began = time.monotonic()
    edition = _edition(county.publish(catalogue.entries(workload.changed(rows))))
    _wait_for(node, edition)
    rounds = (time.monotonic() - began) / float(INTERVAL_SECONDS)
    went = road.take()
    others = max(went.requests - 1, 0)
    note = f"{went.requests} requests in {rounds:.0f} intervals, idle ones of {idle} B taken off"
    report.add(Row("sync.change.bytes", went.total - others * idle, "B", 613, CHANGE_BYTES,
                   note=note))  # fmt: skip


def _idle(road: Road) -> int:
    """Return the bytes of an idle round, the mean of some."""
    road.take()
    time.sleep(8)
    went = road.take()
    return went.total // max(went.requests, 1)


def _disk(report: Report, node: Program, raw: int) -> None:
    node.stop()
    held = sum(path.stat().st_size for path in node.folder.glob("*.db*"))
    report.add(Row("sync.first_load.disk", held / raw, "of raw", 0.07, DISK_RATIO,
                   note=f"{held / MIB:.1f} MiB, all files, with search and W2"))  # fmt: skip


def _edition(published: dict[str, object]) -> int:
    shelves = published["shelves"]
    assert isinstance(shelves, list)
    return max(int(one["edition"]) for one in shelves if str(one["shelf"]).startswith("matters/"))


def _wait_for(node: Program, edition: int) -> None:
    until = time.monotonic() + LOAD_SECONDS
    while time.monotonic() < until:
        editions = command("edge_node", "status", "--data", str(node.folder))["editions"]
        if any(e >= edition for shelf, e in editions.items() if shelf.startswith("matters/")):
            return
        time.sleep(0.3)
    raise TimeoutError(f"{node.folder.name} did not get edition {edition}")
