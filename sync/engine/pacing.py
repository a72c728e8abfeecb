"""How much to ask for at once on the second lane, judged by how fast the last answers came.

On a slow link the unit is a slice with two of them under way, so that a case waits behind little;
on a fast one an ask grows until it takes about half a second. Time is an argument.
"""

from __future__ import annotations

from collections import deque

from sync.protocol.limits import BLOB_ANSWER_BYTES_MAX, BLOB_SLICE_BYTES

SLOW_BYTES_PER_SECOND = 125_000
"""1 Mbit/s: below it slices are sent one by one (DESIGN 7)."""
IN_FLIGHT = 2
ASK_SECONDS = 0.5
SURE_BYTES = 64 * 1024
"""An answer of this size says by itself how fast the link is; slices only several in a row do."""
WINDOW = 4
_GROWTH = 4
_GROWTH_ALONE = 16
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
        if alone and (now > self.rate or count >= SURE_BYTES):
            self._settle(now, _GROWTH_ALONE)
        elif not alone and count >= SURE_BYTES:
            self._settle(now, _GROWTH)
        elif len(self._window) == WINDOW:
            span = self._window[-1][0] - self._window[0][0]
            moved = sum(size for _, size in self._window) - self._window[0][1]
            self._settle(moved / max(span, _LEAST_SECONDS), _GROWTH)

    def _settle(self, rate: float, growth: int) -> None:
        self.rate = rate
        if self.slow:
            self.ask_bytes = BLOB_SLICE_BYTES
            return
        grown = min(int(rate * ASK_SECONDS), self.ask_bytes * growth, BLOB_ANSWER_BYTES_MAX)
        self.ask_bytes = max(grown, BLOB_SLICE_BYTES)

    @property
    def slow(self) -> bool:
        """Whether the link is below 1 Mbit/s, or was not measured yet."""
        return self.rate < SLOW_BYTES_PER_SECOND

    @property
    def in_flight(self) -> int:
        """Return how many asks may be under way; the first goes alone, to measure."""
        return IN_FLIGHT if self.rate else 1
