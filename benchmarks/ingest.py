"""Events into central over HTTP, every signature checked, every frame durable when receipted."""

from __future__ import annotations

import asyncio
import http.client
import json
import statistics
import time
from concurrent.futures import ThreadPoolExecutor
from pathlib import Path

from benchmarks import floors, workload
from benchmarks.callers import Caller, drain
from benchmarks.county import CENTRAL, County, station_row
from benchmarks.rows import Report, Row
from sync.transport.http_client import ROUND_PATH
from tests import postgres_server

STATIONS = 8
EVENTS = 700
"""Per station."""
TURNS = 3
KIND = "sync.bench"
"""No fact of a case: showing cases comes after the receipt and is no part of this figure."""
AS_FAST = 0.9
FIRST_PORT = 22_000
SECONDS_MAX = 600.0


def measure(report: Report, folder: Path) -> None:
    """Measure a file, and a server's database beside it where there is a server to start."""
    in_file = _measure(report, folder / "sqlite")
    if postgres_server.programs() is None:
        print(f"  sync.ingest.postgresql: {postgres_server.MISSING}")
        return
    cluster = postgres_server.Cluster(on_disk=True)
    try:
        in_server = _measure(report, folder / "postgresql", cluster.database())
    finally:
        cluster.close()
    report.add(Row("sync.ingest.postgresql_to_sqlite", in_server / in_file, "times", 1, AS_FAST,
                   at_most=False, note="of their shares of the floor"))  # fmt: skip


def _measure(report: Report, folder: Path, database_url: str = "") -> float:
    """Measure one kind of database; return its share of the floor."""
    kind = "postgresql" if database_url else "sqlite"
    codes = [f"V{number:06d}" for number in range(STATIONS)]
    stations = [station_row(code, "village", CENTRAL) for code in codes]
    county = County(folder, stations, FIRST_PORT, database_url)
    county.publish([])
    county.program.start()
    try:
        callers = [Caller(county.authority, code) for code in codes]
        port = county.program.sync_port
        asyncio.run(drain(callers, port, ROUND_PATH, at_once=STATIONS, seconds_max=SECONDS_MAX))
        bodies = workload.cases(workload.matters(500), EVENTS)
        row_bytes = len(json.dumps(bodies[0], ensure_ascii=False).encode()) + 500
        rates, ratios, cpu = [], [], []
        for _ in range(TURNS):
            floor = _floor(folder, row_bytes)
            for caller in callers:
                for body in bodies:
                    caller.act(body, kind=KIND)
            before = county.program.cpu_seconds()
            rate = STATIONS * EVENTS / _send_all(callers, port)
            cpu.append(STATIONS * EVENTS / (county.program.cpu_seconds() - before))
            rates.append(rate)
            ratios.append(rate / floor)
        rate = statistics.median(rates)
        ratio = statistics.median(ratios)
        report.add(
            Row(
                f"sync.ingest.{kind}",
                ratio,
                "of floor",
                1,
                0.7,
                at_most=False,
                note=f"{rate:.0f} events/s, {statistics.median(cpu):.0f} per CPU s",
            )
        )
        return ratio
    finally:
        county.program.stop()


def _send_all(callers: list[Caller], port: int) -> float:
    """Send everything; return the seconds in which central was asked for anything.

    What the stations do, making requests and reading answers, is done on machines of their own.
    """
    seconds = 0.0
    with ThreadPoolExecutor(len(callers)) as pool:
        while any(caller.unsent() for caller in callers):
            requests = [caller.rounds.begin() for caller in callers]
            began = time.monotonic()
            answers = list(pool.map(lambda request: _post(port, request), requests))
            seconds += time.monotonic() - began
            for caller, answer in zip(callers, answers, strict=True):
                caller.rounds.take_answer(answer)
    return seconds


def _post(port: int, request: bytes) -> bytes:
    connection = http.client.HTTPConnection("127.0.0.1", port, timeout=SECONDS_MAX)
    try:
        connection.request("POST", ROUND_PATH, request)
        answer = connection.getresponse()
        assert answer.status == http.HTTPStatus.OK, answer.status
        return answer.read()
    finally:
        connection.close()


def _floor(folder: Path, row_bytes: int) -> float:
    """Return what the machine allows now: check on all cores, then store in batches of 100."""
    raw = floors.rows_per_second(folder, 10_000, 100, row_bytes)
    for path in folder.glob("floor-*"):
        path.unlink()
    return 1 / (1 / floors.checks_per_second() + 1 / raw)
