"""How often and how much: jitter, a parent left alone when it asks, budgets by measured rate."""

from __future__ import annotations

import threading
from typing import cast

import pytest

from node import pace, traffic
from node.agent import Agent, Reporter, Road
from node.lane_gate import LaneGate
from node.pace import Meter, Used
from node.rounds import Rounds
from sync.protocol.errors import PeerBusy, PeerTimedOut
from sync.protocol.limits import ROUND_SENT_BYTES_MIN, ROUND_SENT_BYTES_TARGET
from tests.fakes.memory_store import MemoryStore
from tests.unit.node.test_agent_nets import Quiet

WAIT_SECONDS = 20.0
SLOW_BYTES_PER_SECOND = 8_000


def test_idle_stations_call_rarely_and_never_all_at_once() -> None:
    """Five minutes on average, spread over half to one and a half of it; sooner while it moves."""
    far = pace.ACTIVE_FOR_SECONDS + 1
    idle = [
        pace.pause(300, failures=0, since_moved=far, jitter=jitter / 10) for jitter in range(10)
    ]
    assert min(idle) == 150
    assert 400 < max(idle) < 450
    assert pace.pause(300, failures=0, since_moved=5, jitter=0.5) == pace.ACTIVE_SECONDS
    assert pace.pause(1, failures=0, since_moved=5, jitter=0.5) == 1


def test_failures_stretch_the_pause_within_bounds() -> None:
    """A dead parent is not hammered, and not forgotten either."""
    pauses = [pace.pause(30, failures=n, since_moved=0, jitter=0.5) for n in (0, 4, 400)]
    assert pauses == [30, 60, 30 * pace.BACKOFF_FACTOR_MAX]


def test_a_busy_parent_is_never_called_before_the_time_it_asked_for() -> None:
    """Retry-After is the least; the rest is spread."""
    assert [pace.busy_pause(40, 300, jitter) for jitter in (0.0, 0.5)] == [40, 60]
    assert pace.busy_pause(0, 300, 0.0) == pace.ACTIVE_SECONDS


def test_a_parents_hint_counts_within_reason() -> None:
    """Central may slow a tree down; nobody is sent away for a day."""
    assert [pace.hinted(ms) for ms in (0, 60_000, 1, 10**9)] == [300, 60, 5, 3600]


def test_a_round_on_a_thin_link_takes_about_twenty_seconds() -> None:
    """The budget follows the measured rate both ways, and halves when rounds break."""
    meter = Meter()
    assert meter.budget().up == pace.FIRST_BUDGET_BYTES
    for _ in range(20):
        meter.note(80_000, 2_000, 82_000 / SLOW_BYTES_PER_SECOND)
    assert abs(meter.budget().up - SLOW_BYTES_PER_SECOND * pace.ROUND_SECONDS) < 100
    before = meter.budget().up
    meter.broke(before)
    assert meter.budget().up == before // 2
    for _ in range(20):
        meter.broke(100_000)
    assert meter.budget().up == ROUND_SENT_BYTES_MIN


def test_a_fast_link_and_a_setting_bound_the_budget() -> None:
    """No round takes the parent's memory; the operator's word is the last."""
    fast, set_low = Meter(), Meter(ceiling=32 * 1024)
    for meter in (fast, set_low):
        meter.note(400_000, 0, 0.001)
    assert fast.budget().down == ROUND_SENT_BYTES_TARGET
    assert set_low.budget().up == 32 * 1024


def test_idle_rounds_say_nothing_about_the_rate() -> None:
    """They measure the delay of the line."""
    meter = Meter()
    meter.note(120, 120, 2.0)
    assert meter.rate == 0


def test_what_the_link_carried_is_booked_by_day() -> None:
    """One row a day, in China's time."""
    store = MemoryStore()
    day_ms = 24 * 3600 * 1000
    with store.write() as transaction:
        traffic.book(transaction, 0, Used(1, 10, 20))
        traffic.book(transaction, 1, Used(2, 1, 2))
        traffic.book(transaction, day_ms, Used(1, 5, 6))
        traffic.book(transaction, day_ms, Used())
    with store.read() as transaction:
        days = traffic.days(transaction)
    assert [(d.rounds, d.up, d.down) for d in days] == [(3, 11, 22), (1, 5, 6)]


class _Sent:
    """Rounds with a parent that is busy."""

    def __init__(self) -> None:
        self.begun = 0
        self.noted = threading.Event()

    def begin(self, *given: object) -> bytes:
        """Return a request."""
        self.begun += 1
        return b""

    def take_answer(self, parts: object) -> None:
        """The answer never comes."""
        raise PeerBusy("503", retry_after=WAIT_SECONDS)

    def was_busy(self, hint_ms: int) -> None:
        """Note that the parent was busy."""
        assert hint_ms >= WAIT_SECONDS * 1000
        self.noted.set()


def test_local_news_does_not_shorten_the_time_a_busy_parent_asked_for() -> None:
    """However much is written here, one request per client until Retry-After is over."""
    sent, quiet = _Sent(), Quiet()
    agent = Agent(
        cast(Rounds, sent),
        quiet,
        interval_seconds=0.01,
        jitter=lambda: 0.0,
        reporter=quiet,
        gate=LaneGate(),
    )
    agent.start()
    try:
        assert sent.noted.wait(WAIT_SECONDS)
        for _ in range(5):
            agent.wake()
        assert not threading.Event().wait(0.3)
        assert sent.begun == 1
        assert agent.failures == 0
    finally:
        agent.stop()


class _Cut:
    """Rounds of which each is cut after `up` bytes; a road that counts them."""

    lost = received = 0

    def __init__(self, up: int) -> None:
        self._up = up
        self.sent = self.begun = 0
        self.again = threading.Event()

    def switch_due(self) -> None:
        """Do nothing."""

    def begin(self, *given: object) -> bytes:
        """Return a request, and say when it is not the first."""
        self.begun += 1
        if self.begun > 1:
            self.again.set()
        return b""

    def round(self, request: bytes) -> list[bytes]:
        """Carry the bytes, as far as they come."""
        self.sent += self._up
        return []

    def take_answer(self, parts: object) -> None:
        """The answer never comes."""
        raise PeerTimedOut("cut")

    def close(self) -> None:
        """Do nothing."""

    def health_news(self) -> None:
        """Return no news."""

    def health_lost(self) -> None:
        """Do nothing."""


@pytest.mark.parametrize(("up", "begun"), [(100_000, 2), (400, 1)])
def test_a_round_that_was_cut_while_it_carried_much_is_followed_up_once(
    up: int, begun: int
) -> None:
    """The road was there a moment ago; one that stays dead and quiet stations wait as ever."""
    cut = _Cut(up)
    agent = Agent(
        cast(Rounds, cut),
        cast(Road, cut),
        interval_seconds=300,
        jitter=lambda: 0.0,
        reporter=cast(Reporter, cut),
        gate=LaneGate(),
    )
    agent.start()
    try:
        assert (begun > 1) == cut.again.wait(WAIT_SECONDS / 4 if begun > 1 else 1.0)
        assert not threading.Event().wait(0.6)
        assert begun == cut.begun == agent.failures
    finally:
        agent.stop()
