"""How much to ask for at once on the second lane, judged by how fast the last answers came.

On a slow link the unit is a slice with two of them under way, so that a case waits behind little;
on a fast one there is one ask at a time, growing until it takes about a second. Time is an
argument.
"""

from __future__ import annotations

from collections import deque

from sync.protocol.limits import BLOB_ANSWER_BYTES_MAX, BLOB_SLICE_BYTES

SLOW_BYTES_PER_SECOND = 125_000
"""1 Mbit/s: below it slices are sent one by one (DESIGN 7)."""
SLOW_IN_FLIGHT = 2
ASK_SECONDS = 1.0
"""Longer than any way there and back, so that a long link is not taken for a slow one."""
SURE_BYTES = 64 * 1024
"""An answer of this size says by itself how fast the link is; slices only several in a row do."""
PROBE_BYTES = 32 * 1024
HINTS_FIRST = 2
"""Slices that came right behind one another are a hint that the link is long and not slow: after
so many a larger ask tries it; each time in vain, the next try waits for four times as many."""
WINDOW = 4
GROWTH_MAX = 16
_LEAST_SECONDS = 0.001


class Pacer:
    """Size and number of the asks under way; begins with one slice, as if the link were slow.

    Units: `rate` bytes a second, 0 before the first answer.
    """

    def __init__(self) -> None:
        self.rate = 0.0
        self.ask_bytes = BLOB_SLICE_BYTES
        self._done = 0.0
        self._window: deque[tuple[float, int]] = deque(maxlen=WINDOW)
        self._hints = 0
        self._hints_needed = HINTS_FIRST

    def book(self, count: int, sent: float, done: float) -> None:
        """Take note of an answer: its bytes, when it was asked for and when it was here, seconds.

        An answer nothing else was under way with is judged with the way there and back in it, so
        a link that looks fast by it is. Others are judged over several: a road may hold back and
        then let go at once.
        """
        alone = sent >= self._done
        since = sent if alone else self._done
        self._done = done
        now = count / max(done - since, _LEAST_SECONDS)
        if alone:
            self._window.clear()
        self._window.append((done, count))
        if count >= PROBE_BYTES or (alone and now > self.rate):
            self._settle(now)
            if count >= PROBE_BYTES and self.slow:
                self._hints_needed *= 4
        elif len(self._window) == WINDOW:
            span = self._window[-1][0] - self._window[0][0]
            moved = sum(size for _, size in self._window) - self._window[0][1]
            self._settle(moved / max(span, _LEAST_SECONDS))
        self._look_for_length(alone=alone, now=now)

    def _look_for_length(self, *, alone: bool, now: float) -> None:
        if not self.slow or alone:
            return
        self._hints += now >= 4 * SLOW_BYTES_PER_SECOND
        if self._hints >= self._hints_needed:
            self._hints, self.ask_bytes = 0, PROBE_BYTES

    def _settle(self, rate: float) -> None:
        self.rate = rate
        if self.slow:
            self.ask_bytes = BLOB_SLICE_BYTES
            return
        grown = min(int(rate * ASK_SECONDS), self.ask_bytes * GROWTH_MAX, BLOB_ANSWER_BYTES_MAX)
        self.ask_bytes = max(grown, SURE_BYTES)

    @property
    def slow(self) -> bool:
        """Whether the link is below 1 Mbit/s, or was not measured yet."""
        return self.rate < SLOW_BYTES_PER_SECOND

    @property
    def in_flight(self) -> int:
        """Return how many asks may be under way; the first goes alone, to measure."""
        probing = self.ask_bytes > BLOB_SLICE_BYTES
        return SLOW_IN_FLIGHT if self.rate and self.slow and not probing else 1
