"""Real processes of the product, set up by its command lines, and what they cost."""

from __future__ import annotations

import http.client
import json
import os
import signal
import subprocess
import sys
import time
from collections.abc import Mapping, Sequence
from contextlib import suppress
from dataclasses import dataclass, field
from pathlib import Path
from typing import Any

ROOT = Path(__file__).resolve().parent.parent
HOST = "127.0.0.1"
READY_SECONDS = 120.0
TICKS = os.sysconf("SC_CLK_TCK")
MIB = 1024 * 1024


class BenchFailed(Exception):
    """A program of the product did not do what the measurement needs."""


def command(*words: str, environment: Mapping[str, str] | None = None) -> Any:
    """Run a command line of the product and return its JSON answer. Raises: BenchFailed."""
    ran = subprocess.run(
        [sys.executable, "-m", *words, "--json"], cwd=ROOT, capture_output=True, text=True,
        check=False, env={**os.environ, **(environment or {})},
    )  # fmt: skip
    if ran.returncode not in (0, 3):
        raise BenchFailed(f"{' '.join(words)}: {ran.stdout[-300:]} {ran.stderr[-600:]}")
    return json.loads(ran.stdout)


def family_cpu_seconds(pid: int) -> float:
    """Return the processor time of a process and its children, ended ones too; 0 without one."""
    if not pid:
        return 0.0
    total = sum(_stat(pid)[11:15])
    for place in Path("/proc").glob("[0-9]*"):
        with suppress(OSError):  # it ended meanwhile
            fields = _stat(int(place.name))
            total += sum(fields[11:13]) if fields[1] == pid else 0
    return total / TICKS


def _stat(pid: int) -> list[int]:
    """Return what the kernel counts of a process, from its state (as 0) on."""
    fields = Path(f"/proc/{pid}/stat").read_text().rpartition(")")[2].split()
    return [0, *map(int, fields[1:])]


@dataclass
class Program:
    """One running node."""

    folder: Path
    port: int
    sync_port: int
    words: Sequence[str]
    environment: dict[str, str] = field(default_factory=dict)
    process: subprocess.Popen[bytes] | None = None

    def start(self) -> None:
        """Start it and wait until it is ready. Raises: BenchFailed."""
        listen = ["--listen", f"{HOST}:{self.port}", "--sync-listen", f"{HOST}:{self.sync_port}"]
        log = self.folder.with_suffix(".log").open("ab")
        self.process = subprocess.Popen(
            [sys.executable, "-m", *self.words, "--data", str(self.folder), *listen],
            cwd=ROOT, stdout=log, stderr=log, env={**os.environ, **self.environment},
        )  # fmt: skip
        log.close()
        until = time.monotonic() + READY_SECONDS
        while not self.ready():
            if self.process.poll() is not None or time.monotonic() > until:
                raise BenchFailed(f"{self.folder.name} did not start, see its log")
            time.sleep(0.05)

    def ready(self) -> bool:
        """Return whether it answers; without registers it is not ready for people yet."""
        connection = http.client.HTTPConnection(HOST, self.port, timeout=5)
        try:
            connection.request("GET", "/healthz")
            return connection.getresponse().status == http.HTTPStatus.OK
        except (OSError, http.client.HTTPException):
            return False
        finally:
            connection.close()

    def stop(self, *, kill: bool = False) -> None:
        """End it, by SIGKILL if so wanted."""
        if self.process is not None:
            self.process.send_signal(signal.SIGKILL if kill else signal.SIGTERM)
            self.process.wait(60)
            self.process = None

    def cpu_seconds(self) -> float:
        """Return the processor time it has used, its threads included."""
        assert self.process is not None
        return sum(_stat(self.process.pid)[11:13]) / TICKS

    def memory_mib(self, what: str = "VmRSS") -> float:
        """Return its resident memory now, or its peak (`VmHWM`)."""
        assert self.process is not None
        for line in Path(f"/proc/{self.process.pid}/status").read_text().splitlines():
            if line.startswith(what + ":"):
                return int(line.split()[1]) / 1024
        raise BenchFailed(what)

    def forget_peak(self) -> None:
        """Let the peak count from here."""
        assert self.process is not None
        Path(f"/proc/{self.process.pid}/clear_refs").write_text("5")
