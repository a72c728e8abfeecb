"""Ctrl-C and SIGTERM as one exception in the main thread, held back where it would lose a child."""

from __future__ import annotations

import signal
import threading
from collections.abc import Iterator
from contextlib import contextmanager
from types import FrameType

from demo.problems import Interrupted


class Interrupts:
    """Raises `Interrupted` once; later signals change nothing, the end is under way by then."""

    def __init__(self) -> None:
        self._held = 0
        self._pending = False
        self._raised = False

    def install(self) -> None:
        """Take over SIGINT and SIGTERM; call from the main thread."""
        signal.signal(signal.SIGINT, self._arrived)
        signal.signal(signal.SIGTERM, self._arrived)

    @contextmanager
    def held(self) -> Iterator[None]:
        """Let the body finish first; in threads other than the main one signals never arrive."""
        if threading.current_thread() is not threading.main_thread():
            yield
            return
        self._held += 1
        try:
            yield
        finally:
            self._held -= 1
        if self._pending and not self._held:
            self._raise()

    def _arrived(self, _number: int, _frame: FrameType | None) -> None:
        if self._held:
            self._pending = True
        else:
            self._raise()

    def _raise(self) -> None:
        self._pending = False
        if not self._raised:
            self._raised = True
            raise Interrupted
