"""The thread that tidies up when nothing else is to be done: prunes once a day."""

from __future__ import annotations

import threading
from collections.abc import Callable

import structlog

from sync.protocol.errors import StorageError

log = structlog.get_logger("node.caretaker")

LOOKS_EVERY_SECONDS = 900.0


class Caretaker:
    """Calls `tidy` now and then until stopped; what fails waits for the next time."""

    def __init__(self, tidy: Callable[[], None], *, every_seconds: float = LOOKS_EVERY_SECONDS):
        self._tidy = tidy
        self._every = every_seconds
        self._stopped = threading.Event()
        self._thread = threading.Thread(target=self._run, name="caretaker", daemon=True)
        self._thread.start()

    def stop(self) -> None:
        """End after the work in hand."""
        self._stopped.set()
        self._thread.join(timeout=60)

    def _run(self) -> None:
        while not self._stopped.wait(self._every):
            try:
                self._tidy()
            except StorageError as error:
                log.warning("tidying_waits", code=error.code)
            except Exception:  # the one net under this loop: it is told and tried again
                log.exception("tidying_broke")
