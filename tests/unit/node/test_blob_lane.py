"""The thread of the second lane on a road that keeps breaking."""

from __future__ import annotations

import itertools
import threading
from collections import deque

import pytest

from node.blob_lane import BlobLane
from node.blobs import BlobExchange
from node.lane_gate import LaneGate
from sync.protocol.errors import PeerUnreachable
from tests.unit.sync.harness import county
from tests.unit.sync.test_second_lane import held, told

WAIT_SECONDS = 30.0


class Body:
    """An answer that is all here."""

    def __init__(self, data: bytes) -> None:
        self._data = data

    def read(self) -> bytes:
        data, self._data = self._data, b""
        return data


class BreakingRoad:
    """Carries two answers, then breaks; `dead` carries none."""

    def __init__(self, parent: BlobExchange, *, dead: bool = False) -> None:
        self._parent = parent
        self._dead = dead
        self._waiting: deque[bytes] = deque()
        self._answers = itertools.count(1)
        self.tried = threading.Semaphore(0)

    def send(self, ask: bytes) -> None:
        self._waiting.append(ask)

    def answer(self) -> Body:
        self.tried.release()
        if self._dead or next(self._answers) % 3 == 0:
            raise PeerUnreachable("broke")
        return Body(b"".join(self._parent.serve(self._waiting.popleft()).pieces))

    def abort(self) -> None:
        """Nothing to break off."""

    def close(self) -> None:
        self._waiting.clear()


def lane_on(road: BreakingRoad, child: BlobExchange) -> BlobLane:
    """Return a lane whose clock makes every link look slow."""
    clock = itertools.count()
    return BlobLane(child, road, LaneGate(), seconds=lambda: float(next(clock)), jitter=lambda: 0.5)


def test_a_road_that_carries_something_between_breaks_is_tried_soon_again(
    monkeypatch: pytest.MonkeyPatch,
) -> None:
    """The pause grows only while nothing comes; what came is kept and the whole arrives."""
    monkeypatch.setattr("node.blob_lane.FIRST_PAUSE_SECONDS", 0.01)
    village, township, _ = told(county())
    lane = lane_on(BreakingRoad(township.exchange), village.exchange)
    seen: list[int] = []
    failed = lane._failed

    def noting(code: str) -> float:
        pause = failed(code)
        seen.append(lane.failures)
        return pause

    monkeypatch.setattr(lane, "_failed", noting)
    lane.start()
    try:
        pause = threading.Event()
        for _ in range(int(WAIT_SECONDS / 0.02)):
            if held(village) == 24:
                break
            pause.wait(0.02)
    finally:
        lane.stop()
    assert 24 == held(village)
    assert len(seen) > 1
    assert {1} == set(seen)


def test_a_dead_road_is_tried_ever_more_seldom(monkeypatch: pytest.MonkeyPatch) -> None:
    """Each attempt in vain doubles the pause."""
    monkeypatch.setattr("node.blob_lane.FIRST_PAUSE_SECONDS", 0.01)
    village, township, _ = told(county())
    road = BreakingRoad(township.exchange, dead=True)
    lane = lane_on(road, village.exchange)
    lane.start()
    try:
        for _ in range(4):
            assert road.tried.acquire(timeout=WAIT_SECONDS)
    finally:
        lane.stop()
    assert lane.failures >= 3
