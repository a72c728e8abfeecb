"""kill -9 of a real writer process loses nothing that it said was durable.

This shows that a crash of the program is harmless. It does not show durability over a power cut:
the page cache survives a kill (research: reliability 7); the power-loss suite is for that.
"""

from __future__ import annotations

import os
import random
import subprocess
import sys
from pathlib import Path

from sync.store.database import Database
from tests.fakes.sample_events import SAMPLE_KEY
from tests.faults import kill9_writer

KILLS = 10
ACKNOWLEDGED_BEFORE_KILL_MAX = 120
SEED = 20261122
ROOT = Path(__file__).parents[2]


def run_until_killed(path: Path, *, start: int, acknowledgements: int) -> list[int]:
    """Start a writer, kill it after so many acknowledgements, return all it gave."""
    process = subprocess.Popen(
        [sys.executable, kill9_writer.__file__, str(path), str(start)],
        stdout=subprocess.PIPE,
        cwd=ROOT,
        env={**os.environ, "PYTHONPATH": str(ROOT)},
    )
    assert process.stdout is not None
    with process.stdout:
        try:
            given = [int(process.stdout.readline()) for _ in range(acknowledgements)]
        finally:
            process.kill()
        # What was printed before the kill came down counts too.
        given += [int(line) for line in process.stdout.read().split(b"\n") if line]
    assert process.wait() == -9
    return given


def test_kill_9_loses_nothing_acknowledged_and_invents_nothing(tmp_path: Path) -> None:
    """Over ten killed lives every acknowledged event is there with its outbox row, each once."""
    path = tmp_path / "node.db"
    chance = random.Random(SEED)
    acknowledged: set[int] = set()
    for life in range(KILLS):
        start = life * 1_000_000 + 1
        given = run_until_killed(
            path,
            start=start,
            acknowledgements=chance.randint(1, ACKNOWLEDGED_BEFORE_KILL_MAX),
        )
        acknowledged.update(given)
        with Database(path, SAMPLE_KEY, must_exist=True) as database, database.read() as t:
            events = t.events_after(0, 10**9)
            owed = t.outbox("parent", 0, 10**9)
        held = {event.name.position for event in events}
        assert acknowledged <= held
        # An event that was committed but not yet acknowledged may be there: one per thread.
        assert len(held - acknowledged) <= kill9_writer.THREADS * (life + 1)
        assert len(held) == len(events)
        assert {item.ref for item in owed} == {str(event.name) for event in events}
