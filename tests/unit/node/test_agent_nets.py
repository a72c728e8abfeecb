"""A fault of ours in one round or one projection is told and tried again; the thread lives on."""

from __future__ import annotations

import threading
from typing import cast

import pytest

from node.agent import Agent
from node.lane_gate import LaneGate
from node.program import Node
from node.projector import Projector
from node.rounds import Outcome, Rounds
from sync.engine.core import Effects
from sync.protocol.errors import DiskFull
from sync.protocol.statements import Health

WAIT_SECONDS = 20.0


class BrokenOnce:
    """Rounds of which the first breaks in a way nobody foresaw."""

    def __init__(self) -> None:
        self.calls = self.looked = 0
        self.answered = threading.Event()

    def switch_due(self) -> None:
        """Note that editions to come were looked at, road or no road."""
        self.looked += 1

    def begin(self, *given: object) -> bytes:
        """Return a request, but for the first time."""
        self.calls += 1
        if self.calls == 1:
            raise KeyError("a fault of ours")
        return b""

    def take_answer(self, parts: object) -> Outcome:
        """Note that a round came through."""
        self.answered.set()
        return Outcome(Effects(), more=False)


class Quiet:
    """A road and a reporter with nothing to say."""

    lost = sent = received = 0

    def round(self, request: bytes) -> list[bytes]:
        """Return an empty answer."""
        return []

    def close(self) -> None:
        """Do nothing."""

    def health_news(self) -> Health | None:
        """Return no news."""
        return None

    def health_lost(self) -> None:
        """Count how often it is told that a round failed."""
        self.lost += 1


def test_a_round_that_breaks_does_not_end_the_calling() -> None:
    """The next round is made all the same, and health is told anew."""
    rounds, quiet = BrokenOnce(), Quiet()
    agent = Agent(
        cast(Rounds, rounds),
        quiet,
        interval_seconds=0.01,
        jitter=lambda: 0.5,
        reporter=quiet,
        gate=LaneGate(),
    )
    agent.start()
    try:
        assert rounds.answered.wait(WAIT_SECONDS)
        assert 1 == quiet.lost
        assert rounds.looked >= 2, "before every call, answered or not"
    finally:
        agent.stop()
    assert 0 == agent.failures, "an answered round ends the backing off"


def test_a_projection_that_breaks_is_tried_again() -> None:
    """The thread that shows cases outlives a fault and comes back to it by itself."""
    calls: list[int] = []
    again = threading.Event()

    def catch_up() -> None:
        calls.append(1)
        if len(calls) == 1:
            raise KeyError("a fault of ours")
        again.set()

    projector = Projector(catch_up)
    try:
        projector.wake()
        assert again.wait(WAIT_SECONDS)
    finally:
        projector.stop()


class DiskFullNode(Node):
    """A node whose life cannot be tended just now; nothing else of it is there."""

    def __init__(self, projector: Projector) -> None:
        self._projector = projector
        self.blob_lane = None

    def tend_life(self) -> None:
        """Find no room on the disk."""
        raise DiskFull("no room")


def test_what_was_committed_is_shown_though_the_disk_is_full_for_what_follows() -> None:
    """Nobody would wake the projection for it again before the next event."""
    shown = threading.Event()
    projector = Projector(shown.set)
    effects = Effects(judged=True, life=True)
    with pytest.raises(DiskFull):
        DiskFullNode(projector)._after_commit(effects)
    assert shown.wait(WAIT_SECONDS)
    projector.stop()
