"""The thread that shows received events as cases, so that no receipt ever waits for casework."""

from __future__ import annotations

import threading
from collections.abc import Callable

import structlog

from sync.protocol.errors import StorageError

log = structlog.get_logger("node.projector")

RETRY_SECONDS = 5.0


class Projector:
    """Calls `catch_up` whenever there is something new, and again after a storage error."""

    def __init__(self, catch_up: Callable[[], None]) -> None:
        self._catch_up = catch_up
        self._wake = threading.Event()
        self._stopped = threading.Event()
        self._thread = threading.Thread(target=self._run, name="projector", daemon=True)
        self._thread.start()

    def wake(self) -> None:
        """Have what is new projected."""
        self._wake.set()

    def stop(self) -> None:
        """End after the step in hand."""
        self._stopped.set()
        self._wake.set()
        self._thread.join(timeout=60)

    def _run(self) -> None:
        while not self._stopped.is_set():
            self._wake.wait()
            self._wake.clear()
            try:
                self._catch_up()
                continue
            except StorageError as error:
                log.warning("projection_waits", code=error.code)
            except Exception:  # the one net under this loop: it is told and tried again
                log.exception("projection_broke")
            if not self._stopped.wait(RETRY_SECONDS):
                self._wake.set()
