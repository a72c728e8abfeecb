"""The thread of the second lane: fetches what is wanted, hands files up, and gives way to rounds.

It is woken when a round brought something, and comes back by itself after a failure, later each
time. Whatever was stored before a cut is never asked for again.
"""

from __future__ import annotations

import threading
from collections import deque
from collections.abc import Callable
from typing import Final, NamedTuple

import structlog

from node.blob_giving import BlobRoad, Giver
from node.blobs import BlobExchange, Taker
from node.lane_gate import LaneGate
from sync.engine import blobs as engine
from sync.engine.blobs import Want
from sync.engine.pacing import Pacer
from sync.protocol.blobs import Part
from sync.protocol.errors import PeerProtocolError, PeerUnreachable, StorageError, TransportError
from sync.transport.blob_client import LaneBusy

log = structlog.get_logger("node.blob_lane")

FIRST_PAUSE_SECONDS: Final = 0.5
LONGEST_PAUSE_SECONDS: Final = 120.0
GATE_SECONDS: Final = 60.0
"""A round that takes longer than this does not hold the lane back for ever."""
IDLE_SECONDS: Final = 300.0
TIDY_SECONDS: Final = 3600.0


class UnderWay(NamedTuple):
    """An ask whose answer has not come yet; `sent` when, in seconds."""

    parts: list[Part]
    taker: Taker
    sent: float


class BlobLane:
    """Fetches from the parent until stopped."""

    def __init__(
        self,
        exchange: BlobExchange,
        road: BlobRoad,
        gate: LaneGate,
        *,
        seconds: Callable[[], float],
        jitter: Callable[[], float],
    ) -> None:
        self._exchange = exchange
        self._road = road
        self._gate = gate
        self._seconds = seconds
        self._jitter = jitter
        self._pacer = Pacer()
        self._giver = Giver(exchange, road, seconds=seconds, may_ask=self._may_ask)
        exchange.on_wish = self.wake
        self._wake = threading.Event()
        self._stopped = threading.Event()
        self._thread = threading.Thread(target=self._run, name="blobs", daemon=True)
        self.failures = 0
        self._sent_away = False
        self._moved = 0
        self._tidied = 0.0
        self.fetched = 0
        """Bytes stored since the start."""

    @property
    def rate(self) -> float:
        """Bytes a second last measured on the way down; 0 before the first."""
        return self._pacer.rate

    @property
    def rate_up(self) -> float:
        """Bytes a second last measured on the way up; 0 before the first."""
        return self._giver.pacer.rate

    @property
    def sent(self) -> int:
        """Bytes the parent took since the start."""
        return self._giver.sent

    def start(self) -> None:
        """Begin fetching."""
        self._thread.start()

    def wake(self) -> None:
        """Look at once whether there is something to fetch."""
        self._wake.set()

    def stop(self) -> None:
        """End; an answer under way is broken off, what came of it stays."""
        self._stopped.set()
        self._wake.set()
        self._road.abort()
        self._thread.join(timeout=30)

    def _run(self) -> None:
        while not self._stopped.is_set():
            pause = self._one_pass()
            if self._sent_away:
                self._stopped.wait(pause)
            elif pause:
                # What is missing may come any moment: news ends the waiting, but not at once.
                self._stopped.wait(min(pause, FIRST_PAUSE_SECONDS))
                self._wake.wait(max(pause - FIRST_PAUSE_SECONDS, 0))
            else:
                self._wake.wait(IDLE_SECONDS)
            self._wake.clear()
            if self._seconds() - self._tidied > TIDY_SECONDS:
                self._tidied = self._seconds()
                self._tidy()
        self._road.close()

    def _tidy(self) -> None:
        try:
            self._exchange.tidy()
        except StorageError as error:
            log.warning("blobs_not_tidied", code=error.code)

    def _one_pass(self) -> float:
        """Fetch what is wanted now; return the seconds to wait before trying again, 0 when done."""
        self._sent_away = False
        try:
            missing = self._fetch_all() + self._giver.give()
        except LaneBusy as busy:
            self._sent_away = True
            return max(self._failed(busy.code), busy.seconds * (1 + self._jitter() / 4))
        except (TransportError, PeerProtocolError, StorageError) as error:
            return self._failed(error.code)
        except Exception:  # the one net under this loop: a fault of ours is told and waits
            log.exception("blob_lane_broke", failures=self.failures + 1)
            return self._failed("")
        if missing:
            return self._failed("not_here_yet")
        self.failures = 0
        return 0.0

    def _failed(self, code: str) -> float:
        self._road.close()
        # A link that is cut every minute and carries something in between is no failing one.
        moved = self.fetched + self.sent
        self.failures = 1 if moved != self._moved else self.failures + 1
        self._moved = moved
        if code and not self._stopped.is_set():
            log.info("blobs_not_fetched", code=code, failures=self.failures)
        pause = min(FIRST_PAUSE_SECONDS * 2.0 ** min(self.failures - 1, 16), LONGEST_PAUSE_SECONDS)
        return pause * (0.75 + self._jitter() / 2)

    def _fetch_all(self) -> int:
        """Fetch until nothing more comes; a manifest that came says what else is wanted."""
        missing, before = 0, -1
        while not self._stopped.is_set() and before != self.fetched:
            before = self.fetched
            missing = self._fetch(self._exchange.wanted())
        return missing

    def _fetch(self, wants: list[Want]) -> int:
        """Ask for everything wanted, a few asks under way; return how many the parent lacks."""
        left, missing = wants, 0
        under_way: deque[UnderWay] = deque()
        while (left or under_way) and not self._stopped.is_set():
            while left and self._may_ask(len(under_way), self._pacer.in_flight):
                parts = engine.parts_of(left, self._pacer.ask_bytes)
                request = self._exchange.ask(parts)
                if request is None:
                    return missing + 1  # no round was answered yet
                self._road.send(request)
                taker = self._exchange.taker(wants, parts)
                under_way.append(UnderWay(parts, taker, self._seconds()))
                left = engine.rest_after(left, parts)
            missing += self._receive(under_way.popleft())
        return missing

    def _may_ask(self, under_way: int, allowed: int) -> bool:
        """Whether another ask may go out; waits for a higher lane when none is under way."""
        if self._gate.busy and not under_way:
            self._gate.wait_free(GATE_SECONDS)
        elif self._gate.busy:
            return False
        return under_way < allowed

    def _receive(self, ask: UnderWay) -> int:
        answer = self._road.answer()
        try:
            while data := answer.read():
                ask.taker.feed(data)
        finally:
            ask.taker.flush()
            stored, whole, missing = ask.taker.taken()
            self.fetched += stored
            if whole:
                self._exchange.switch()
        if stored:
            self._pacer.book(stored, ask.sent, self._seconds())
        if not missing and stored < sum(part.count for part in ask.parts):
            raise PeerUnreachable("the answer ended early")
        return missing
