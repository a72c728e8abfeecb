"""The simulator bites: each seeded protocol bug is caught within a few seeds."""

from __future__ import annotations

import re
from pathlib import Path

import pytest

from tests.simulation.bugs import BUGS
from tests.simulation.phases import RAISED
from tests.simulation.plan import REAL_EVERY
from tests.simulation.runner import Found, run_one

SEEDS_MAX = 2000
STOPS_THE_NODE = {"broken_fold_stops"}
"""Bugs that show as an exception; in any other it would be the patch that is wrong."""
DOCUMENT = Path(__file__).parents[2] / "docs" / "simulator.md"


@pytest.mark.parametrize("bug", BUGS)
def test_a_seeded_protocol_bug_is_caught(bug: str) -> None:
    """A mistake of one line breaks a promise in one of the first runs, and says which."""
    memory = [seed for seed in range(1, SEEDS_MAX + 1) if seed % REAL_EVERY]
    runs = (run_one((seed, bug)) for seed in memory)
    found = next((result for result in runs if isinstance(result, Found)), None)
    assert found is not None, f"{bug} was not caught within {SEEDS_MAX} seeds"
    assert found.sentence.startswith(RAISED) == (bug in STOPS_THE_NODE), found.sentence
    assert f"--from {found.seed} --bug {bug}" in found.replay


def test_the_table_in_the_docs_lists_every_bug_with_what_it_says_of_itself() -> None:
    """At least twenty bugs, each with a row: its name, its sentence, the seeds it took."""
    rows = re.findall(r"^\| `(\w+)` \| (.+?) \| (\d+) \|$", DOCUMENT.read_text(), re.MULTILINE)
    said = {name: " ".join((made.__doc__ or "").split()) for name, made in BUGS.items()}
    assert {name: text for name, text, _ in rows} == said
    assert all(int(seeds) <= SEEDS_MAX for *_, seeds in rows)
    assert len(said) >= 20
