"""`python -m tests.simulation --seeds N --from M [--bug NAME] [--verbose]`"""

from __future__ import annotations

import argparse
import sys

from tests.simulation import bugs
from tests.simulation.runner import run_seeds, settle_process

EXIT_BROKEN = 1


def main() -> int:
    """Run seeds and return the exit code: 1 when a promise was broken."""
    parser = argparse.ArgumentParser(prog="python -m tests.simulation", description=__doc__)
    parser.add_argument("--seeds", type=int, default=100)
    parser.add_argument("--from", dest="first", type=int, default=1)
    parser.add_argument("--bug", default="", choices=["", *bugs.BUGS])
    parser.add_argument("--verbose", action="store_true")
    given = parser.parse_args()
    settle_process()

    def progress(done: int, bad: int, seconds: float) -> None:
        if done % 50 and done < given.seeds:
            return
        rate = done / seconds if seconds else 0.0
        sys.stderr.write(f"\r{done}/{given.seeds} seeds, {rate:.1f}/s, {bad} failures ")
        sys.stderr.flush()

    summary = run_seeds(given.first, given.seeds, bug=given.bug, progress=progress)
    sys.stderr.write("\n")
    for found in summary.failures:
        print(found)
    if given.verbose:
        for report in summary.reports:
            print(report)
    print(summary.line())
    return EXIT_BROKEN if summary.failures else 0


if __name__ == "__main__":
    sys.exit(main())
