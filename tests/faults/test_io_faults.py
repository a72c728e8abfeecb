"""A fault at every I/O call of a scripted day: refused in one line, tried again, nothing lost.

The fault is put into one system call of a real process, on the store's own files only.
"""

from __future__ import annotations

import multiprocessing
import re
import subprocess
import sys
from collections import Counter
from pathlib import Path
from typing import NamedTuple

import pytest

from tests.faults.conftest import lack
from tests.faults.power.lives import Harm, check
from tests.faults.power.recording import ROOT, available
from tests.faults.scale import FULL, PROCESSES, shown, size

NAMES = ("node.db", "node.db-wal", "node.db.new", "node.db.new-wal", "node.db.new-journal")
SYNCS = "fsync,fdatasync"
KINDS = {
    "no space left": ("pwrite64", "error=ENOSPC"),
    "write error": ("pwrite64", "error=EIO"),
    "nothing written": ("pwrite64", "retval=0"),
    "sync error": (SYNCS, "error=EIO"),
    "read error": ("pread64", "error=EIO"),
    "size error": ("ftruncate", "error=EIO"),
}
SAMPLE = size(8, 0)


class Fault(NamedTuple):
    """One call that fails, by its number among the calls of its kind and thread."""

    kind: str
    index: int
    folder: Path


class Day(NamedTuple):
    """How a day under a fault went; `harm` is what it must not have done."""

    fault: Fault
    refused: int
    harm: str


@pytest.fixture(autouse=True)
def _strace() -> None:
    if not available():
        lack("strace is missing: apt-get install strace")


def _strace_command(folder: Path, *options: str) -> list[str]:
    path = folder / "node.db"
    only = [word for name in NAMES for word in ("-P", str(path.with_name(name)))]
    day = [sys.executable, "-m", "tests.faults.power.day", str(path)]
    return ["strace", "-f", "-qq", *only, *options, *day]


def _day(fault: Fault) -> Day:
    fault.folder.mkdir()
    calls, injected = KINDS[fault.kind]
    command = _strace_command(
        fault.folder, "-o", "/dev/null", "-e", f"trace={calls}",
        "-e", f"inject={calls}:{injected}:when={fault.index}",
    )  # fmt: skip
    ran = subprocess.run(command, cwd=ROOT, capture_output=True, text=True, timeout=120)
    said = ran.stdout.split("\n")
    told = max((int(line) for line in said if line.isdigit()), default=0)
    refused = sum(1 for line in said if line.startswith("refused"))
    if ran.returncode != 0:
        return Day(fault, refused, f"ended with {ran.returncode}: {ran.stderr[-300:]}")
    image = {p.name: p.read_bytes() for p in fault.folder.iterdir() if "-shm" not in p.name}
    try:
        check(image, told)
    except Harm as harm:
        return Day(fault, refused, str(harm))
    return Day(fault, refused, "")


def _count_calls(folder: Path) -> Counter[str]:
    """Return how many calls of each sort the busiest thread of an undisturbed day makes."""
    folder.mkdir()
    log = folder.with_suffix(".log")
    traced = ",".join({calls for calls, _ in KINDS.values()})
    command = _strace_command(folder, "-o", str(log), "-e", f"trace={traced}")
    subprocess.run(command, cwd=ROOT, check=True, capture_output=True, timeout=120)
    calls = Counter(re.findall(r"^(\d+) +(\w+)\(", log.read_text(), re.MULTILINE))
    found: Counter[str] = Counter()
    for (_, call), count in calls.items():
        found[call] = max(found[call], count)
    return found


def test_a_fault_at_every_io_call_loses_nothing(tmp_path: Path) -> None:
    """Every day ends well: each batch was saved in the end, and what was told is there."""
    calls = _count_calls(tmp_path / "undisturbed")
    faults = []
    for kind, (names, _) in KINDS.items():
        count = max(calls[name] for name in names.split(","))
        assert count, kind
        indices = range(1, count + 1)
        chosen = indices if FULL else indices[:: max(count // SAMPLE, 1)]
        faults += [Fault(kind, i, tmp_path / f"{kind.replace(' ', '_')}_{i}") for i in chosen]
    with multiprocessing.get_context("fork").Pool(PROCESSES) as pool:
        results = pool.imap_unordered(_day, faults)
        days = list(shown("I/O faults, days", len(faults), results))
    assert not [day for day in days if day.harm]
    noticed = Counter(day.fault.kind for day in days if day.refused)
    assert {"no space left", "write error", "nothing written", "sync error"} <= noticed.keys()
