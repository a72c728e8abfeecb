"""`python -m benchmarks sync [--only NAME]`: measure, show a table, write build/bench/sync.json."""

from __future__ import annotations

import argparse
import sys
import tempfile
import time
from collections.abc import Callable
from pathlib import Path

from benchmarks import (
    case_pages,
    first_load,
    herd,
    ingest,
    offline_cases,
    rehoming,
    stick,
    thin_link,
)
from benchmarks.rows import Report

Measure = Callable[[Report, Path], object]
SYNC: dict[str, Measure] = {
    "first_load": first_load.measure,
    "cases_up": offline_cases.measure,
    "case_page": case_pages.measure,
    "rehoming": rehoming.measure,
    "ingest": ingest.measure,
    "stick": stick.measure,
    "thin_link": thin_link.measure,
    "herd": herd.measure,
}
SUITES = {"sync": SYNC}


def main() -> int:
    """Run a suite and return 0 when every measurement could be taken, targets met or not."""
    parser = argparse.ArgumentParser(prog="python -m benchmarks", description=__doc__)
    parser.add_argument("suite", choices=SUITES)
    parser.add_argument("--only", default="", help="one part of the suite")
    given = parser.parse_args()
    report = Report(given.suite)
    chosen = {n: m for n, m in SUITES[given.suite].items() if given.only in ("", n)}
    if not chosen:
        parser.error(f"no part {given.only}; there are {', '.join(SUITES[given.suite])}")
    for name, measure in chosen.items():
        began = time.monotonic()
        print(f"… {name}", flush=True)
        with tempfile.TemporaryDirectory(prefix="yizhan-bench-") as folder:
            measure(report, Path(folder))
        print(f"  {name}: {time.monotonic() - began:.0f} s", flush=True)
    missed = [row.name for row in report.rows if not row.ok]
    print(f"{len(report.rows)} figures, {len(missed)} beyond their target: {', '.join(missed)}")
    print(report.write(keep=bool(given.only)))
    return 0


if __name__ == "__main__":
    sys.exit(main())
