"""Many seeds over two processes, counted; a failure with the command that replays it."""

from __future__ import annotations

import gc
import logging
import multiprocessing
import signal
import time
from collections.abc import Callable, Iterable, Iterator
from contextlib import nullcontext, suppress
from typing import NamedTuple

import structlog

from tests.simulation.bugs import BUGS
from tests.simulation.phases import Report, run
from tests.simulation.planting import planted
from tests.simulation.world import Failure

PROCESSES = 2
GC_AFTER = 50_000


class Found(NamedTuple):
    """A broken promise, with what replays it."""

    seed: int
    step: int
    sentence: str
    replay: str

    def __str__(self) -> str:
        return f"seed {self.seed}, step {self.step}: {self.sentence}\nreplay: {self.replay}"


class Summary(NamedTuple):
    """What a batch of seeds came to."""

    seeds: int
    seconds: float
    failures: list[Found]
    reports: list[Report]

    def total(self, what: str) -> int:
        """Return a count summed over the runs."""
        return sum(report.counts.get(what, 0) for report in self.reports)

    def line(self) -> str:
        """Return the batch in one line."""
        rate = self.seeds / self.seconds if self.seconds else 0.0
        return (
            f"{self.seeds} seeds in {self.seconds:.0f} s ({rate:.1f}/s): {self.total('acts')} acts,"
            f" {self.total('rounds')} rounds, {self.total('crashes')} crashes,"
            f" {self.total('partitions')} partitions, {len(self.failures)} failures"
        )


def replay_command(seed: int, bug: str) -> str:
    """Return the one line that replays a seed."""
    planted_bug = f" --bug {bug}" if bug else ""
    return f"python -m tests.simulation --seeds 1 --from {seed}{planted_bug} --verbose"


def run_one(task: tuple[int, str]) -> Report | Found:
    """Run one seed, with a bug planted if one is named."""
    seed, bug = task
    with planted(bug, BUGS[bug]) if bug else nullcontext():
        try:
            return run(seed)
        except Failure as failure:
            return Found(seed, failure.step, failure.sentence, replay_command(seed, bug))


def run_seeds(
    first: int,
    count: int,
    *,
    bug: str = "",
    stop_at_first: bool = False,
    progress: Callable[[int, list[Found], float], None] = lambda done, failures, seconds: None,
) -> Summary:
    """Run seeds `first` … and return the summary; with `stop_at_first` end at the first failure.

    Ctrl-C ends it early, with the summary of what was run.
    """
    began = time.monotonic()
    tasks = [(seed, bug) for seed in range(first, first + count)]
    failures: list[Found] = []
    reports: list[Report] = []
    with suppress(KeyboardInterrupt):
        for result in _results(tasks):
            if isinstance(result, Found):
                failures.append(result)
            else:
                reports.append(result)
            progress(len(failures) + len(reports), failures, time.monotonic() - began)
            if failures and stop_at_first:
                break
    seconds = time.monotonic() - began
    return Summary(len(failures) + len(reports), seconds, failures, reports)


def settle_process() -> None:
    """Make a process fit for many seeds: quiet, and collecting garbage rarely.

    A world dies as a whole; a tenth of the time went into looking for its parts.
    """
    gc.set_threshold(GC_AFTER)
    structlog.configure(wrapper_class=structlog.make_filtering_bound_logger(logging.CRITICAL))


def _begin_worker() -> None:
    settle_process()
    signal.signal(signal.SIGINT, signal.SIG_IGN)  # Ctrl-C is the parent's to answer


def _results(tasks: list[tuple[int, str]]) -> Iterator[Report | Found]:
    if len(tasks) == 1:
        yield from map(run_one, tasks)
        return
    gc.collect()
    gc.freeze()
    with multiprocessing.get_context("fork").Pool(
        PROCESSES, _begin_worker, maxtasksperchild=200
    ) as pool:
        results: Iterable[Report | Found] = pool.imap_unordered(run_one, tasks)
        yield from results
