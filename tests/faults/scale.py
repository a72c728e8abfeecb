"""Two sizes of the same suite: a sample with every test run, the whole by `make faults`."""

from __future__ import annotations

import os
import sys
import time
from collections.abc import Iterable, Iterator
from typing import TypeVar

T = TypeVar("T")
FULL = os.environ.get("FAULTS") == "full"
PROCESSES = 2


def size(sample: int, full: int) -> int:
    """Return how many of something this run tries."""
    return full if FULL else sample


def shown(what: str, total: int, results: Iterable[T]) -> Iterator[T]:
    """Yield the results and, in a whole run, a line of progress with the rate."""
    began = time.monotonic()
    for done, result in enumerate(results, 1):
        yield result
        if FULL:
            rate = done / max(time.monotonic() - began, 0.001)
            sys.stderr.write(f"\r{what}: {done}/{total}, {rate:.1f}/s ")
            sys.stderr.flush()
    if FULL:
        sys.stderr.write("\n")
