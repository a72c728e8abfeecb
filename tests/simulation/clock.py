"""Simulated time: one true clock, and per node a clock of its own that is off and jumps."""

from __future__ import annotations

START_MS = 1_795_395_600_000
"""Monday 2026-11-23, nine o'clock in China."""


class TrueClock:
    """What time it really is; it only goes forward."""

    def __init__(self, now_ms: int = START_MS) -> None:
        self.now_ms = now_ms

    def pass_ms(self, by: int) -> None:
        """Let time go by."""
        self.now_ms += by


WILD_MS = 24 * 3600 * 1000
"""Farther off than this is not skew, but a dead battery or a wrong year."""


class NodeClock:
    """What a node believes: the true time plus an offset somebody may change under it."""

    def __init__(self, true: TrueClock, offset_ms: int = 0) -> None:
        self._true = true
        self.offset_ms = offset_ms
        self.ever_wild = False

    def jump(self, by: int) -> None:
        """Set the clock forward or back."""
        self.offset_ms += by
        self.ever_wild = self.ever_wild or self.wild

    @property
    def wild(self) -> bool:
        """Return whether the clock is more than a day off."""
        return abs(self.offset_ms) > WILD_MS

    def set_right(self) -> None:
        """Set the clock by a watch, as the page asks for in large letters."""
        if self.wild:
            self.offset_ms = 0

    def __call__(self) -> int:
        return self._true.now_ms + self.offset_ms
