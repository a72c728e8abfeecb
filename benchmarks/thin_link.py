"""Cases over 64 kbit/s and 600 ms, cut every minute: how much of the link is used."""

from __future__ import annotations

import time
from pathlib import Path

from benchmarks import workload
from benchmarks.county import CENTRAL, County, station_row
from benchmarks.offline_cases import take_in, until_all_are_up
from benchmarks.road import Road, Shape
from benchmarks.rows import Report, Row
from demo.ports import free_ports

FIRST_PORT = 25_000
STATION, BESIDE = "CG0001", "CG0002"
BITS_PER_SECOND = 64_000
DELAY_SECONDS = 0.3
CUT_SECONDS = 60.0
CASES = 2_500
USED = 0.9
INTERVAL_SECONDS = "2"


def measure(report: Report, folder: Path) -> None:
    """Send the same cases over a good road, for their bytes, and over the thin one."""
    rows = workload.cases(workload.matters(), CASES)
    stations = [station_row(code, "district", CENTRAL) for code in (STATION, BESIDE)]
    county = County(folder, stations, FIRST_PORT)
    county.publish([])
    county.program.start()
    thin = Shape(BITS_PER_SECOND, DELAY_SECONDS, CUT_SECONDS)
    try:
        useful, _ = _send(county, BESIDE, Road(county.program.sync_port), rows)
        _, seconds = _send(county, STATION, Road(county.program.sync_port, thin), rows)
        used = useful / (seconds * BITS_PER_SECOND / 8)
        report.add(
            Row(
                "sync.thin_link.used",
                used,
                "of link",
                1,
                USED,
                at_most=False,
                note=f"{CASES} cases in {seconds:.0f} s, cut every {CUT_SECONDS:.0f} s",
            )
        )
    finally:
        county.program.stop()


def _send(county: County, code: str, road: Road, rows: list[workload.Json]) -> tuple[int, float]:
    """Return the bytes up and the seconds until all was receipted."""
    ports = free_ports(2, FIRST_PORT + 10)
    node = county.enrol(code, road.url, (ports[0], ports[1]), "--interval", INTERVAL_SECONDS)
    node.start()
    try:
        time.sleep(10)  # certificates and the small registers are not the load
        node.stop()
        take_in(node, code, rows)
        road.take()
        node.start()
        seconds = until_all_are_up(node, time.monotonic())
        return road.take().up, seconds
    finally:
        node.stop()
        road.stop()
