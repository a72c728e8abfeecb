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
from benchmarks.nodes import family_cpu_seconds
from benchmarks.rows import Report, Row
from sync.transport.http_client import ROUND_PATH
from tests import postgres_server
from tests.postgres_server import Cluster

STATIONS = 8
EVENTS = 700
"""Per station."""
TURNS = 5
KIND = "sync.bench"
"""No fact of a case: showing cases comes after the receipt and is no part of this figure."""
AS_FAST = 0.9
FIRST_PORT = 22_000
SECONDS_MAX = 600.0


class _Side:
    """One central with its stations, and what each turn came to.

    Units: `rates` events per second, `cpu` seconds per event, of central and of its server.
    """

    def __init__(self, folder: Path, first_port: int, cluster: Cluster | None) -> None:
        self._folder = folder
        self._server = cluster.server.pid if cluster is not None else 0
        self.rates: list[float] = []
        self.shares: list[float] = []
        self.own: list[float] = []
        self.cpu: list[float] = []
        codes = [f"V{number:06d}" for number in range(STATIONS)]
        stations = [station_row(code, "village", CENTRAL) for code in codes]
        url = cluster.database() if cluster is not None else ""
        self.county = County(folder, stations, first_port, url)
        self.county.publish([])
        self.county.program.start()
        self._callers = [Caller(self.county.authority, code) for code in codes]
        port = self.county.program.sync_port
        asyncio.run(
            drain(self._callers, port, ROUND_PATH, at_once=STATIONS, seconds_max=SECONDS_MAX)
        )

    def turn(self, bodies: list[workload.Json]) -> None:
        """Measure the floor, then hand up every body by every station."""
        row_bytes = len(json.dumps(bodies[0], ensure_ascii=False).encode()) + 500
        floor = _floor(self._folder, row_bytes)
        for caller in self._callers:
            for body in bodies:
                caller.act(body, kind=KIND)
        program, events = self.county.program, STATIONS * len(bodies)
        own, server = program.cpu_seconds(), family_cpu_seconds(self._server)
        rate = events / _send_all(self._callers, program.sync_port)
        own = program.cpu_seconds() - own
        server = family_cpu_seconds(self._server) - server
        self.rates.append(rate)
        self.shares.append(rate / floor)
        self.own.append(own / events)
        self.cpu.append((own + server) / events)

    def tell(self, report: Report, kind: str) -> None:
        """Add the row of this database."""
        rate, own, cpu = map(statistics.median, (self.rates, self.own, self.cpu))
        note = f"{rate:.0f} events/s, {1 / own:.0f} per CPU s"
        note += f" of its own, {1 / cpu:.0f} with the server's" if self._server else ""
        report.add(Row(f"sync.ingest.{kind}", statistics.median(self.shares), "of floor", 1, 0.7,
                       at_most=False, note=note))  # fmt: skip


def measure(report: Report, folder: Path) -> None:
    """Measure a file, and in turn with it a server's database where there is one to start."""
    bodies = workload.cases(workload.matters(500), EVENTS)
    if postgres_server.programs() is None:
        print(f"  sync.ingest.postgresql: {postgres_server.MISSING}")
        _measure(report, folder, bodies, None)
        return
    cluster = Cluster(on_disk=True)
    try:
        _measure(report, folder, bodies, cluster)
    finally:
        cluster.close()


def _measure(
    report: Report, folder: Path, bodies: list[workload.Json], cluster: Cluster | None
) -> None:
    sides: list[_Side] = []
    try:
        sides.append(_Side(folder / "sqlite", FIRST_PORT, None))
        if cluster is not None:
            sides.append(_Side(folder / "postgresql", FIRST_PORT + 10, cluster))
        for _ in range(TURNS):
            for side in sides:
                side.turn(bodies)
    finally:
        for side in sides:
            side.county.program.stop()
    for side, kind in zip(sides, ("sqlite", "postgresql"), strict=False):
        side.tell(report, kind)
    if cluster is not None:
        _compare(report, *sides)


def _compare(report: Report, in_file: _Side, in_server: _Side) -> None:
    by_wall = [s / f for f, s in zip(in_file.rates, in_server.rates, strict=True)]
    by_cpu = [f / s for f, s in zip(in_file.cpu, in_server.cpu, strict=True)]
    for name, ratios in (("", by_wall), ("_cpu", by_cpu)):
        note = f"median of {TURNS} pairs in turn, {min(ratios):.2f} to {max(ratios):.2f}"
        note += ", the server's processor time counted" if name else ""
        report.add(Row(f"sync.ingest.postgresql_to_sqlite{name}", statistics.median(ratios),
                       "times", 1, AS_FAST, at_most=False, note=note))  # fmt: skip


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
