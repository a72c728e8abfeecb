"""Seeded runs of the whole tree: every promise holds in each of them, and each can be replayed."""

from __future__ import annotations

import os
import subprocess
import sys

import pytest

from tests.simulation import nemeses
from tests.simulation.plan import REAL_EVERY, THREAD_EVERY, plan_of
from tests.simulation.runner import run_seeds

SEEDS = 600
"""What two cores run within four minutes at 0.35 CPU s a seed in memory and 1.1 on real files."""
FIRST = 1
ROUNDS_MIN = 15
USUAL_ACTS = {
    "received", "entrusted", "signed_for", "accepted", "not_accepted", "defects_told",
    "supplement_received", "supplement_complete", "review_started", "step_done", "decided",
    "handed_over", "handed_back", "taken_over", "task_reported", "void_requested",
    "voided",
}  # fmt: skip
"""What the clerks of so many seeds do at least; a change of the workload shall not lose one."""


def test_promises_hold_in_seeded_runs() -> None:
    """Chaos, a relay alone, links broken for good, healing: every promise, in every seed."""
    summary = run_seeds(FIRST, SEEDS)
    assert not summary.failures, "\n".join(str(found) for found in summary.failures)
    assert SEEDS == summary.seeds
    idle = [r.seed for r in summary.reports if r.counts.get("acts", 0) < r.plan.acts_min]
    assert len(idle) <= SEEDS // 100, idle
    for report in summary.reports:
        assert ROUNDS_MIN <= report.counts["rounds"], report.seed
    fates = {fate for report in summary.reports for fate in report.fates}
    assert {f"{way}_{fate}" for way in ("request", "answer", "ask")
            for fate in ("straight", "drop", "delay", "double", "cut")} == fates  # fmt: skip
    struck = {kind for report in summary.reports for kind in report.struck}
    assert {"before_commit", "after_commit", "disk_full"} == struck
    for name in nemeses.STRIKES:
        assert summary.total(f"nemesis_{name}") > SEEDS // 20, name
    for wrote in ("forged", "demo_of_next_release", "demo_breaks_fold"):
        assert summary.total(f"wrote_{wrote}"), wrote
    assert summary.total("relay_phase") > SEEDS // 3
    assert summary.total("liveness_phase") > SEEDS // 5
    assert summary.total("nemesis_clone") > SEEDS // 20
    assert summary.total("decrees_phase") > SEEDS // 8
    for came_of in ("decreed_revoke", "decreed_purge", "decreed_trust", "pruned"):
        assert summary.total(came_of) > SEEDS // 100, came_of
    for came_of in ("stick_taken", "stick_again", "stick_past", "by_stick_alone", "months_later"):
        assert summary.total(came_of) > SEEDS // 100, came_of
    for came_of in ("clone_confirmed_True", "clone_open_True", "rollback_behind_noticed"):
        assert summary.total(came_of), came_of
    done = {name.removeprefix("act_") for r in summary.reports for name in r.counts
            if name.startswith("act_")}  # fmt: skip
    assert not USUAL_ACTS - done


@pytest.mark.parametrize("seed", [3, REAL_EVERY, THREAD_EVERY])
def test_the_same_seed_gives_the_same_trace(seed: int) -> None:
    """Two processes with different hash seeds run step for step alike."""
    code = f"from tests.simulation.phases import run; print('trace', run({seed}).trace)"
    traces = {
        subprocess.run(
            [sys.executable, "-c", code],
            env={**os.environ, "PYTHONHASHSEED": salt},
            capture_output=True, text=True, check=True,
        ).stdout.splitlines()[-1]
        for salt in ("1", "2")
    }  # fmt: skip
    assert 1 == len(traces)
    assert len("trace ") + 64 == len(traces.pop())


def test_a_seed_is_the_same_whatever_ran_before_it_in_its_process() -> None:
    """The worlds grown once per process leave nothing of one seed in the next."""
    seed = next(s for s in range(20, 60) if plan_of(s).warm and not plan_of(s).real)
    runs = [run_seeds(first, seed - first + 1).reports for first in (seed, seed - 2)]
    traces = {report.trace for reports in runs for report in reports if report.seed == seed}
    assert 1 == len(traces)


def test_every_seed_has_a_configuration_of_its_own() -> None:
    """Swarm: no nemesis is always on, none is always off, and sizes differ."""
    plans = [plan_of(seed) for seed in range(1, 301)]
    for name in plans[0].nemeses | plans[1].nemeses | set(nemeses.STRIKES):
        assert 0 < sum(name in plan.nemeses for plan in plans) < len(plans), name
    assert 3 == len({plan.forest for plan in plans})
    assert len({plan.nemeses for plan in plans}) > len(plans) // 2
