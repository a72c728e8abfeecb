"""A province's stations call again at once after an outage, over real HTTP; and what a quiet round
costs a central that knows them all."""

from __future__ import annotations

import asyncio
import http.client
import threading
import time
from pathlib import Path

from benchmarks.callers import Caller, Tally, drain, idle_rounds
from benchmarks.county import CENTRAL, County, station_row
from benchmarks.rows import Report, Row
from stations.row import StationRow
from sync.transport.http_client import ROUND_PATH

STATIONS = 15_549
FEW = 100
VILLAGES_PER_DIVISION = 100
"""A village reads the stations of its own division, not of the province."""
AT_ONCE_GENTLY = 48
AT_ONCE = 512
"""Connections open at once: more than central has places and a queue for."""
DRAINED_SECONDS = 30 * 60.0
INTERACTIVE_EVERY_SECONDS = 0.25
IDLE_CALLERS, IDLE_ROUNDS = 50, 6
IDLE_GROWTH = 1.5
FIRST_PORT = 21_000


class Clerk(threading.Thread):
    """Opens central's login page again and again, and notes how long it takes."""

    def __init__(self, port: int) -> None:
        super().__init__(daemon=True)
        self._port = port
        self.ended = threading.Event()
        self.waits: list[float] = []
        self.failed = 0

    def run(self) -> None:
        while not self.ended.wait(INTERACTIVE_EVERY_SECONDS):
            began = time.monotonic()
            connection = http.client.HTTPConnection("127.0.0.1", self._port, timeout=60)
            try:
                connection.request("GET", "/login")
                if connection.getresponse().read() == b"":
                    self.failed += 1
            except (OSError, http.client.HTTPException):
                self.failed += 1
            finally:
                connection.close()
            self.waits.append(time.monotonic() - began)


def measure(report: Report, folder: Path, stations: int = STATIONS) -> None:
    """Take every station in once, then let all call at the same moment with a case each."""
    rows = [_village(number) for number in range(stations)]
    county = County(folder, rows, FIRST_PORT)
    county.publish([])
    county.program.start()
    try:
        callers = _take_in(county, [row.code for row in rows[:FEW]], "first")
        few = _idle(county, callers)
        callers += _take_in(county, [row.code for row in rows[FEW:]], "all")
        _call_at_once(report, county, callers)
        many = _idle(county, callers[-IDLE_CALLERS:])
        limit = few * 1000
        report.add(Row("sync.idle_round.cpu", many * 1000, "ms", limit, limit * IDLE_GROWTH,
                       note=f"central knows {stations} logs; limit: it knows {FEW}"))  # fmt: skip
    finally:
        county.program.stop()


def _village(number: int) -> StationRow:
    division = f"539{number // VILLAGES_PER_DIVISION:03d}000000"
    return station_row(f"V{number:06d}", "village", CENTRAL, division)


def _take_in(county: County, codes: list[str], what: str) -> list[Caller]:
    signer = county.authority
    callers = [Caller(signer, code) for code in codes]
    asyncio.run(_crowd(callers, county.program.sync_port, f"taken in ({what})", AT_ONCE_GENTLY))
    return callers


def _idle(county: County, callers: list[Caller]) -> float:
    """Return the processor seconds central needs for a round in which nothing is new."""
    port, chosen = county.program.sync_port, callers[:IDLE_CALLERS]
    idle_rounds(chosen, port, ROUND_PATH, 2)  # what is still owed goes down first
    before = county.program.cpu_seconds()
    idle_rounds(chosen, port, ROUND_PATH, IDLE_ROUNDS)
    return (county.program.cpu_seconds() - before) / (len(chosen) * IDLE_ROUNDS)


def _call_at_once(report: Report, county: County, callers: list[Caller]) -> None:
    for caller in callers:
        caller.act({"at_ms": 1, "note": "演示"})
    clerk = Clerk(county.program.port)
    clerk.start()
    county.program.forget_peak()
    before, began = county.program.cpu_seconds(), time.monotonic()
    tally = asyncio.run(_crowd(callers, county.program.sync_port, "drained", AT_ONCE))
    seconds = time.monotonic() - began
    cpu = county.program.cpu_seconds() - before
    clerk.ended.set()
    clerk.join()
    left = sum(caller.unsent() for caller in callers)
    p99 = sorted(clerk.waits)[int(len(clerk.waits) * 0.99)]
    away = tally.refused.get(503, 0)
    errors = sum(n for status, n in tally.refused.items() if status not in (0, 503))
    made = tally.rounds + sum(tally.refused.values())
    count = len(callers)
    report.add(Row("sync.herd.drained", seconds, "s", 0, DRAINED_SECONDS,
                   note=f"{count} stations, {AT_ONCE} connections at once"))  # fmt: skip
    report.add(Row("sync.herd.interactive_p99", p99, "s", 0, 1.0,
                   note=f"{len(clerk.waits)} pages opened meanwhile"))  # fmt: skip
    report.add(Row("sync.herd.lost", left, "events", 0, 0))
    report.add(Row("sync.herd.errors", errors + clerk.failed, "answers", 0, 0))
    report.add(Row("sync.herd.sent_away", away / count, "of calls", 0, 10,
                   note=f"{away} answers 503, {tally.told_when} of them with Retry-After; "
                   f"{tally.refused.get(0, 0)} not answered"))  # fmt: skip
    report.add(Row("sync.herd.requests_per_station", made / count, "requests", 1, 12,
                   note=f"{tally.rounds} answered"))  # fmt: skip
    report.add(Row("sync.herd.cpu_per_station", cpu / count * 1000, "ms", 0, 20,
                   note=f"{cpu:.0f} s in all"))  # fmt: skip
    report.add(Row("sync.herd.memory_peak", county.program.memory_mib("VmHWM"), "MiB", 0, 512))


async def _crowd(callers: list[Caller], port: int, what: str, at_once: int) -> Tally:
    task = asyncio.create_task(
        drain(callers, port, ROUND_PATH, at_once=at_once, seconds_max=DRAINED_SECONDS)
    )
    began, told = time.monotonic(), 0
    while not task.done():
        await asyncio.wait({task}, timeout=20)
        done = sum(1 for caller in callers if not caller.unsent())
        if done * 10 // len(callers) > told:
            told = done * 10 // len(callers)
            print(f"  {what}: {done}/{len(callers)}, {time.monotonic() - began:.0f} s", flush=True)
    return task.result()
