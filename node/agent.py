"""The thread that calls the parent: at once when there is news, else at a jittered interval.

It knows the link only by whether rounds are answered. A failure is counted, logged without any
body, and tried again later; nothing is ever dropped here.
"""

from __future__ import annotations

import threading
import time
from collections.abc import Callable, Iterable, Iterator
from typing import Protocol

import structlog

from node import pace
from node.lane_gate import LaneGate
from node.pace import Meter
from node.rounds import Outcome, Rounds
from sync.protocol.errors import (
    PeerBusy,
    PeerProtocolError,
    StorageError,
    TransportError,
    UnsupportedVersion,
)
from sync.protocol.statements import Health

log = structlog.get_logger("node.agent")

ROUNDS_IN_A_ROW_MAX = 200
"""After so many rounds without a pause the agent breathes for one interval."""


class Road(Protocol):
    """Carries one request to the parent and brings its answer as it arrives.

    `sent` and `received` count the bytes it took so far, headers included.
    """

    @property
    def sent(self) -> int: ...

    @property
    def received(self) -> int: ...

    def round(self, request: bytes) -> Iterable[bytes]: ...

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
        meter: Meter | None = None,
        tend: Callable[[], None] = lambda: None,
    ) -> None:
        self._rounds = rounds
        self._gate = gate
        self._road = road
        self._set_interval = interval_seconds
        self._hinted = pace.IDLE_SECONDS
        self._jitter = jitter
        self._reporter = reporter
        self.meter = meter or Meter()
        self._tend = tend
        self._wake = threading.Event()
        self._stopped = threading.Event()
        self._thread = threading.Thread(target=self._run, name="agent", daemon=True)
        self._moved_at = time.monotonic()
        self._leave_alone = 0.0
        """Seconds the parent asked to be left alone; nothing local shortens them."""
        self.failures = 0
        self._cut = False
        """The last round broke while it carried much, and the one before was answered."""

    @property
    def _interval(self) -> float:
        return self._set_interval or self._hinted

    def start(self) -> None:
        """Begin calling."""
        self._thread.start()

    def wake(self) -> None:
        """Make the next round happen at once."""
        self._moved_at = time.monotonic()
        self._wake.set()

    def stop(self) -> None:
        """End after the round in flight."""
        self._stopped.set()
        self._wake.set()
        self._thread.join(timeout=90)
        self._road.close()

    def _run(self) -> None:
        spread = min(pace.START_SPREAD_SECONDS, self._interval / 10)
        self._wake.wait(spread * self._jitter())
        while not self._stopped.is_set():
            self._switch_due()
            in_a_row = 0
            self._wake.clear()
            while self._one_round(following=in_a_row > 0) and in_a_row < ROUNDS_IN_A_ROW_MAX:
                in_a_row += 1
                if self._stopped.is_set():
                    return
            self._rest()

    def _switch_due(self) -> None:
        """An edition whose day has come is taken whether the parent answers or not."""
        try:
            self._rounds.switch_due()
        except StorageError as error:
            log.warning("edition_waits", code=error.code)
        except Exception:  # the calling goes on
            log.exception("edition_broke")

    def _rest(self) -> None:
        """Wait for the next round; a busy parent is left alone whatever happens here."""
        if self._leave_alone:
            seconds, self._leave_alone = self._leave_alone, 0.0
            self._stopped.wait(seconds)
            return
        if self._cut:
            self._cut = False
            self._stopped.wait(pace.again_after_cut(self._jitter()))
            return
        self._wake.wait(
            pace.pause(
                self._interval,
                failures=self.failures,
                since_moved=time.monotonic() - self._moved_at,
                jitter=self._jitter(),
            )
        )

    def _one_round(self, *, following: bool) -> bool:
        """Make one round and return whether another is worth making at once."""
        began, sent, received = time.monotonic(), self._road.sent, self._road.received
        try:
            if not following:
                self._tend()
            outcome = self._round(following=following)
        except PeerBusy as error:
            self._busy(error)
            return False
        except UnsupportedVersion as error:
            self._apart(error)
            return self._failed(sent)
        except (TransportError, PeerProtocolError, StorageError) as error:
            log.warning("round_failed", code=error.code, failures=self.failures + 1)
            return self._failed(sent)
        except Exception:  # the one net under this loop: a fault of ours is told and waits
            log.exception("round_broke", failures=self.failures + 1)
            return self._failed(sent)
        self.failures = 0
        self._hinted = pace.hinted(outcome.hint_ms)
        up, down = self._road.sent - sent, self._road.received - received
        self.meter.note(up, down, time.monotonic() - began)
        if outcome.more or outcome.effects.stored:
            self._moved_at = time.monotonic()
        return outcome.more

    def _round(self, *, following: bool) -> Outcome:
        request = self._rounds.begin(
            self._reporter.health_news(), self.meter.budget(), self.meter.take_used()
        )
        with self._gate.round(request, following=following):
            return self._rounds.take_answer(_until(self._stopped, self._road.round(request)))

    def _busy(self, error: PeerBusy) -> None:
        """The parent is there and took nothing: that is no failure of the road."""
        self._leave_alone = pace.busy_pause(error.retry_after, self._interval, self._jitter())
        log.info("parent_busy", seconds=round(self._leave_alone))
        self._reporter.health_lost()
        try:
            self._rounds.was_busy(int(self._leave_alone * 1000))
        except StorageError as failed:
            log.warning("round_failed", code=failed.code)

    def _apart(self, error: UnsupportedVersion) -> None:
        """The parent is there, but one of the two is too old for the other: the page says so."""
        log.warning("versions_apart", code=error.code, sentence=error.sentence)
        try:
            self._rounds.versions_apart()
        except StorageError as failed:
            log.warning("round_failed", code=failed.code)

    def _failed(self, sent: int) -> bool:
        self.failures += 1
        went = self._road.sent - sent
        self._cut = self.failures == 1 and went >= pace.RATED_BYTES_MIN
        self.meter.broke(went)
        self._reporter.health_lost()
        return False


def _until(stopped: threading.Event, parts: Iterable[bytes]) -> Iterator[bytes]:
    """Yield the parts of an answer; a node that stops does not wait for the rest of them."""
    for part in parts:
        yield part
        if stopped.is_set():
            raise TransportError("stopping")
