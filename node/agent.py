"""The thread that calls the parent: at once when there is news, else at a jittered interval.

It knows the link only by whether rounds are answered. A failure is counted, logged without any
body, and tried again later; nothing is ever dropped here.
"""

from __future__ import annotations

import threading
from collections.abc import Callable
from typing import Protocol

import structlog

from node.lane_gate import LaneGate
from node.rounds import Rounds
from sync.protocol.errors import PeerProtocolError, StorageError, TransportError
from sync.protocol.statements import Health

log = structlog.get_logger("node.agent")

ROUNDS_IN_A_ROW_MAX = 200
"""After so many rounds without a pause the agent breathes for one interval."""
BACKOFF_FACTOR_MAX = 4


class Road(Protocol):
    """Carries one request to the parent and brings its answer."""

    def round(self, request: bytes) -> bytes: ...

    def close(self) -> None: ...


class Reporter(Protocol):
    """Says what this node's health is, when that is worth telling."""

    def health_news(self) -> Health | None: ...

    def health_lost(self) -> None: ...


class Agent:
    """Runs rounds with the parent until stopped."""

    def __init__(
        self,
        rounds: Rounds,
        road: Road,
        *,
        interval_seconds: float,
        jitter: Callable[[], float],
        reporter: Reporter,
        gate: LaneGate,
    ) -> None:
        self._rounds = rounds
        self._gate = gate
        self._road = road
        self._interval = interval_seconds
        self._jitter = jitter
        self._reporter = reporter
        self._wake = threading.Event()
        self._stopped = threading.Event()
        self._thread = threading.Thread(target=self._run, name="agent", daemon=True)
        self.failures = 0

    def start(self) -> None:
        """Begin calling."""
        self._thread.start()

    def wake(self) -> None:
        """Make the next round happen at once."""
        self._wake.set()

    def stop(self) -> None:
        """End after the round in flight."""
        self._stopped.set()
        self._wake.set()
        self._thread.join(timeout=90)
        self._road.close()

    def _run(self) -> None:
        while not self._stopped.is_set():
            in_a_row = 0
            while self._one_round(following=in_a_row > 0) and in_a_row < ROUNDS_IN_A_ROW_MAX:
                in_a_row += 1
                if self._stopped.is_set():
                    return
            self._wake.wait(self._pause())
            self._wake.clear()

    def _pause(self) -> float:
        """Return the seconds to wait: the interval with up to a quarter of jitter either way."""
        stretch = min(1 + self.failures / 4, BACKOFF_FACTOR_MAX)
        return self._interval * stretch * (0.75 + self._jitter() / 2)

    def _one_round(self, *, following: bool) -> bool:
        """Make one round and return whether another is worth making at once."""
        try:
            request = self._rounds.begin(self._reporter.health_news())
            with self._gate.round(request, following=following):
                answer = self._road.round(request)
            outcome = self._rounds.take_answer(answer)
        except (TransportError, PeerProtocolError, StorageError) as error:
            log.warning("round_failed", code=error.code, failures=self.failures + 1)
            return self._failed()
        except Exception:  # the one net under this loop: a fault of ours is told and waits
            log.exception("round_broke", failures=self.failures + 1)
            return self._failed()
        self.failures = 0
        return outcome.more

    def _failed(self) -> bool:
        self.failures += 1
        self._reporter.health_lost()
        return False
