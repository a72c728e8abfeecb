"""The simulator bites: each seeded protocol bug is caught within a few seeds."""

from __future__ import annotations

import pytest

from tests.simulation.bugs import BUGS
from tests.simulation.plan import REAL_EVERY
from tests.simulation.runner import Found, run_one

SEEDS_MAX = 2000


@pytest.mark.parametrize("bug", BUGS)
def test_a_seeded_protocol_bug_is_caught(bug: str) -> None:
    """A mistake of one line breaks a promise in one of the first runs, and says which."""
    memory = [seed for seed in range(1, SEEDS_MAX + 1) if seed % REAL_EVERY]
    runs = (run_one((seed, bug)) for seed in memory)
    found = next((result for result in runs if isinstance(result, Found)), None)
    assert found is not None, f"{bug} was not caught within {SEEDS_MAX} seeds"
    assert found.sentence
    assert f"--from {found.seed} --bug {bug}" in found.replay
