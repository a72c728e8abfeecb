"""A fault of ours in one round or one projection is told and tried again; the thread lives on."""

from __future__ import annotations

import threading
from typing import cast

from node.agent import Agent
from node.lane_gate import LaneGate
from node.projector import Projector
from node.rounds import Outcome, Rounds
from sync.engine.core import Effects
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
