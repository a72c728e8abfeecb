"""How much is asked for at once, on links whose speed and length are known."""

from __future__ import annotations

from collections import deque

import pytest

from sync.engine.pacing import Pacer
from sync.protocol.limits import BLOB_SLICE_BYTES


class Link:
    """A road with a rate and a way there and back; `burst` lets so much through at once."""

    def __init__(self, rate: float, there_and_back: float, *, burst: int = 1) -> None:
        self.rate = rate
        self.there_and_back = there_and_back
        self.burst = burst
        self.free_at = 0.0
        self.passed = 0

    def arrives(self, count: int, sent: float) -> float:
        """Return when the last byte of an answer asked for at `sent` is here."""
        self.free_at = max(self.free_at, sent + self.there_and_back) + count / self.rate
        self.passed += count
        late = -self.passed % self.burst / self.rate if self.burst > 1 else 0.0
        return self.free_at + late


def fetch(link: Link, pacer: Pacer, total: int, now: float = 0.0) -> tuple[float, list[int], int]:
    """Fetch so many bytes; return how long it took, the asks, and the most bytes under way."""
    begun, asks, most = now, list[int](), 0
    under_way: deque[tuple[int, float, float]] = deque()
    left = total
    while left or under_way:
        while left and len(under_way) < pacer.in_flight:
            count = min(pacer.ask_bytes, left)
            under_way.append((count, now, link.arrives(count, now)))
            asks.append(count)
            left -= count
        most = max(most, sum(count for count, _, _ in under_way))
        count, sent, done = under_way.popleft()
        now = max(now, done)
        pacer.book(count, sent, now)
    return now - begun, asks, most


def test_a_fast_link_needs_few_asks() -> None:
    """Two megabytes over a local road: three asks."""
    _, asks, _ = fetch(Link(20e6, 0.002), Pacer(), 2_000_000)
    assert 3 == len(asks)


@pytest.mark.parametrize("burst", [1, 4096])
def test_a_slow_link_has_little_under_way_and_is_never_idle(burst: int) -> None:
    """64 kbit/s and 600 ms: slices of 8 KiB, at most 20 KiB of them, 95 % of the road."""
    seconds, asks, most = fetch(Link(8000, 0.6, burst=burst), Pacer(), 400_000)
    assert {BLOB_SLICE_BYTES} == set(asks[:-1])
    assert most <= 20 * 1024
    assert 400_000 / seconds >= 0.95 * 8000


def test_a_slow_link_that_lets_go_in_bursts_is_seldom_taken_for_a_long_one() -> None:
    """What looks like a long link is tried with little, and ever more seldom."""
    _, asks, most = fetch(Link(8000, 0.6, burst=16_384), Pacer(), 4_000_000)
    assert most <= 48 * 1024
    assert sum(count > BLOB_SLICE_BYTES for count in asks) <= 5


def test_a_long_fast_link_is_used() -> None:
    """10 Mbit/s with 100 ms there and back: most of it, an ask taking about a second."""
    seconds, asks, _ = fetch(Link(1.25e6, 0.1), Pacer(), 20_000_000)
    assert 20_000_000 / seconds >= 0.8 * 1.25e6
    assert max(asks) <= 1.5 * 1.25e6


def test_a_link_that_becomes_slow_is_noticed_by_the_next_answer() -> None:
    """One large ask is caught on it; from then on slices."""
    pacer = Pacer()
    seconds, _, _ = fetch(Link(1.25e6, 0.05), pacer, 5_000_000)
    assert not pacer.slow
    _, asks, _ = fetch(Link(8000, 0.6), pacer, 3_000_000, now=seconds + 10)
    assert {BLOB_SLICE_BYTES} == set(asks[1:-1])


def test_a_link_that_becomes_fast_is_noticed() -> None:
    """A station moved to a better road does not stay with slices."""
    pacer = Pacer()
    seconds, _, _ = fetch(Link(8000, 0.6), pacer, 50_000)
    assert pacer.slow
    _, asks, _ = fetch(Link(20e6, 0.002), pacer, 5_000_000, now=seconds + 10)
    assert len(asks) < 20
