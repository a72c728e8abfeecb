"""Seeded runs of the whole tree: every promise holds in each of them, and each can be replayed."""

from __future__ import annotations

import os
import subprocess
import sys

import pytest

from tests.simulation.phases import ACTS_MIN, REAL_EVERY
from tests.simulation.runner import run_seeds

SEEDS = 500
FIRST = 1
ROUNDS_MIN = 60


def test_promises_hold_in_500_seeded_runs() -> None:
    """Chaos, a relay alone, healing: nothing lost, doubled or invented; one picture, one holder."""
    summary = run_seeds(FIRST, SEEDS)
    assert not summary.failures, "\n".join(str(found) for found in summary.failures)
    assert SEEDS == summary.seeds
    for report in summary.reports:
        assert ACTS_MIN <= report.counts["acts"], report.seed
        assert ROUNDS_MIN <= report.counts["rounds"], report.seed
        assert report.counts.get("crashes", 0) + report.counts.get("partitions", 0), report.seed
    fates = {fate for report in summary.reports for fate in report.fates}
    assert {f"{way}_{fate}" for way in ("request", "answer")
            for fate in ("straight", "drop", "delay", "double", "cut")} == fates  # fmt: skip
    struck = {kind for report in summary.reports for kind in report.struck}
    assert {"before_commit", "after_commit", "disk_full"} == struck
    with_relay = sum(1 for report in summary.reports if report.counts.get("relay_phase"))
    assert with_relay > SEEDS // 2


@pytest.mark.parametrize("seed", [3, REAL_EVERY])
def test_the_same_seed_gives_the_same_trace(seed: int) -> None:
    """Two processes with different hash seeds run step for step alike."""
    code = f"from tests.simulation.phases import run; print(run({seed}).trace)"
    traces = {
        subprocess.run(
            [sys.executable, "-c", code],
            env={**os.environ, "PYTHONHASHSEED": salt},
            capture_output=True, text=True, check=True,
        ).stdout
        for salt in ("1", "2")
    }  # fmt: skip
    assert 1 == len(traces)
    assert 65 == len(traces.pop())
