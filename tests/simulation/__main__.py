"""`python -m tests.simulation --seeds N --from M [--bug NAME] [--verbose] [--bites]`"""

from __future__ import annotations

import argparse
import sys

from tests.simulation import bugs
from tests.simulation.runner import Found, run_one, run_seeds, settle_process

EXIT_BROKEN = 1


def main() -> int:
    """Run seeds and return the exit code: 1 when a promise was broken."""
    parser = argparse.ArgumentParser(prog="python -m tests.simulation", description=__doc__)
    parser.add_argument("--seeds", type=int, default=100)
    parser.add_argument("--from", dest="first", type=int, default=1)
    parser.add_argument("--bug", default="", choices=["", *bugs.BUGS])
    parser.add_argument("--verbose", action="store_true")
    parser.add_argument("--bites", action="store_true", help="the table of the seeded bugs")
    given = parser.parse_args()
    settle_process()
    if given.bites:
        return bites(given.seeds)

    told = 0

    def progress(done: int, failures: list[Found], seconds: float) -> None:
        nonlocal told
        for found in failures[told:]:
            print(f"\n{found}", flush=True)
        told = len(failures)
        if done % 50 and done < given.seeds:
            return
        rate = done / seconds if seconds else 0.0
        sys.stderr.write(f"\r{done}/{given.seeds} seeds, {rate:.1f}/s, {told} failures ")
        sys.stderr.flush()

    summary = run_seeds(given.first, given.seeds, bug=given.bug, progress=progress)
    sys.stderr.write("\n")
    if given.verbose:
        for report in summary.reports:
            print(report)
    print(summary.line())
    return EXIT_BROKEN if summary.failures else 0


def bites(seeds_max: int) -> int:
    """Print a row per seeded bug with the number of seeds it took; 1 when one was not caught."""
    missed = 0
    for name, made in bugs.BUGS.items():
        tried = range(1, seeds_max + 1)
        caught = next((s for s in tried if isinstance(run_one((s, name)), Found)), 0)
        missed += not caught
        print(
            f"| `{name}` | {' '.join((made.__doc__ or '').split())} | {caught or '–'} |", flush=True
        )
    return EXIT_BROKEN if missed else 0


if __name__ == "__main__":
    sys.exit(main())
