"""Lanes: the second lane waits while a round that has something to say is under way."""

from __future__ import annotations

import threading
from collections.abc import Iterator
from contextlib import contextmanager
from typing import Final

IDLE_ROUND_BYTES: Final = 700
"""A request up to this size says little more than that its sender is there."""


class LaneGate:
    """Shared by the two threads that call the parent."""

    def __init__(self) -> None:
        self._changed = threading.Condition()
        self._higher = 0

    @contextmanager
    def higher(self) -> Iterator[None]:
        """Hold the second lane back for one block."""
        with self._changed:
            self._higher += 1
        try:
            yield
        finally:
            with self._changed:
                self._higher -= 1
                self._changed.notify_all()

    @contextmanager
    def round(self, request: bytes, *, following: bool) -> Iterator[None]:
        """Hold the second lane back for a round that is more than idle or follows another."""
        if following or len(request) > IDLE_ROUND_BYTES:
            with self.higher():
                yield
        else:
            yield

    @property
    def busy(self) -> bool:
        """Whether a higher lane has something under way."""
        return self._higher > 0

    def wait_free(self, seconds: float) -> bool:
        """Wait until no higher lane is busy, at most so long; return whether it is free."""
        with self._changed:
            return self._changed.wait_for(lambda: not self._higher, seconds)
