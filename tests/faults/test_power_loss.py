"""Power loss under the shipped driver, the real schema and migrations (G1).

A real process works on a real file; what it asked of the disk is recorded call by call. Each cut
takes the power at some call: what was synced stays, the rest is lost, torn into sectors, reordered.
The product's own store then opens what is left and must hold everything it had said was saved.
"""

from __future__ import annotations

import multiprocessing
from functools import partial

import pytest

from tests.faults.conftest import lack
from tests.faults.power.lives import LIVES, Series, run_series
from tests.faults.power.recording import available
from tests.faults.scale import PROCESSES, shown, size

CUTS_PER_LIFE = size(20, 100)
SERIES = size(2, 40)
"""20,000 cuts in a whole run."""
FIRST = 1


@pytest.fixture(autouse=True)
def _strace() -> None:
    if not available():
        lack("strace is missing: apt-get install strace")


def _play(synchronous: str, series: int) -> list[Series]:
    task = partial(run_series, synchronous=synchronous, cuts_per_life=CUTS_PER_LIFE)
    with multiprocessing.get_context("fork").Pool(PROCESSES) as pool:
        seeds = range(FIRST, FIRST + series)
        results = pool.imap_unordered(task, seeds)
        return list(shown(f"power loss, {synchronous}, series", series, results))


def test_no_acknowledged_commit_is_lost_when_the_power_goes() -> None:
    """Over all cuts of all lives: the file opens, holds all that was told, whole and in order."""
    played = _play("FULL", SERIES)
    assert not [broken for series in played for broken in series.broken]
    assert SERIES * LIVES * CUTS_PER_LIFE == sum(series.cuts for series in played)
    # The cuts were real: some kept a commit nobody had been told of yet.
    counts = sum((series.counts for series in played[1:]), played[0].counts)
    assert counts["more_than_told"]
    assert counts["as_told"] > counts["more_than_told"]


def test_the_same_cuts_lose_commits_with_synchronous_normal() -> None:
    """The suite bites: a writer that syncs less loses what it had said was saved."""
    played = _play("NORMAL", 1)
    lost = [b for series in played for b in series.broken if b.sentence.startswith("told as saved")]
    assert len(lost) > CUTS_PER_LIFE
