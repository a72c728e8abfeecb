"""A county's worth of stations calls again at once after an outage, over real HTTP."""

from __future__ import annotations

import asyncio
import http.client
import threading
import time
from pathlib import Path

from benchmarks.callers import Caller, Tally, drain
from benchmarks.county import CENTRAL, County, station_row
from benchmarks.rows import Report, Row
from sync.transport.http_client import ROUND_PATH

STATIONS = 15_549
AT_ONCE = 256
DRAINED_SECONDS = 30 * 60.0
INTERACTIVE_EVERY_SECONDS = 0.25
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
    codes = [f"V{number:06d}" for number in range(stations)]
    county = County(folder, [station_row(code, "village", CENTRAL) for code in codes], FIRST_PORT)
    county.publish([])
    signer = county.authority
    county.program.start()
    try:
        callers = [Caller(signer, code) for code in codes]
        asyncio.run(_crowd(callers, county.program.sync_port, "taken in"))
        for caller in callers:
            caller.act({"at_ms": 1, "note": "演示"})
        clerk = Clerk(county.program.port)
        clerk.start()
        before, began = county.program.cpu_seconds(), time.monotonic()
        tally = asyncio.run(_crowd(callers, county.program.sync_port, "drained"))
        seconds = time.monotonic() - began
        cpu = county.program.cpu_seconds() - before
        clerk.ended.set()
        clerk.join()
        left = sum(caller.unsent() for caller in callers)
        waits = sorted(clerk.waits)
        p99 = waits[int(len(waits) * 0.99)]
        errors = sum(n for status, n in tally.refused.items() if status not in (0, 429, 503))
        made = tally.rounds + sum(tally.refused.values())
        report.add(Row("sync.herd.interactive_p99", p99, "s", 0, 1.0))
        report.add(Row("sync.herd.drained", seconds, "s", 0, DRAINED_SECONDS))
        report.add(Row("sync.herd.lost", left, "events", 0, 0))
        report.add(Row("sync.herd.errors", errors + clerk.failed, "answers", 0, 0))
        report.add(Row("sync.herd.requests_per_station", made / stations, "requests", 1, 5))
        report.add(Row("sync.herd.cpu_per_station", cpu / stations * 1000, "ms", 0, 20))
    finally:
        county.program.stop()


async def _crowd(callers: list[Caller], port: int, what: str) -> Tally:
    task = asyncio.create_task(
        drain(callers, port, ROUND_PATH, at_once=AT_ONCE, seconds_max=DRAINED_SECONDS)
    )
    while not task.done():
        await asyncio.wait({task}, timeout=5)
        done = sum(1 for caller in callers if not caller.unsent())
        print(f"\r  {what}: {done}/{len(callers)}", end="", flush=True)
    print()
    return task.result()
