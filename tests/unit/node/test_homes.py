"""A node goes to a fallback when its parent stays silent, and returns when it is really there."""

from __future__ import annotations

from collections.abc import Iterator

import pytest

from node.homes import AWAY_AFTER_SECONDS, LOOK_BACK_SECONDS, HomeRoad
from sync.engine import homes
from sync.engine.homes import Place
from sync.protocol.errors import PeerBusy, PeerUnreachable
from tests.unit.sync.harness import Node, World

OWN, FIRST, SECOND = "CG0101", "CG0201", "CG0301"


class FakeRoad:
    """A road that counts what goes over it."""

    def __init__(self, url: str, dead: set[str], busy: set[str]) -> None:
        self.url = url
        self.sent = self.received = 0
        self._dead = dead
        self._busy = busy

    def round(self, request: bytes) -> Iterator[bytes]:
        """Answer unless the other end is dead."""
        if self.url in self._dead:
            raise PeerUnreachable("dead")
        if self.url in self._busy:
            raise PeerBusy("503")
        self.sent += len(request)
        self.received += 1
        yield b"!"

    def alive(self) -> bool:
        """Say whether the other end is there."""
        return self.url not in self._dead

    def close(self) -> None:
        """Do nothing."""


class Roaming:
    """A station with a parent and two fallbacks, and a clock the test moves."""

    def __init__(self) -> None:
        self.now = 0.0
        self.dead: set[str] = set()
        self.busy: set[str] = set()
        self.world = World()
        self.node: Node = self.world.enrol("CG0111", OWN, "village")
        self.node.do(
            lambda transaction: homes.set_fallbacks(
                self.node.core, transaction, [Place(FIRST, "first"), Place(SECOND, "second")]
            )
        )
        self.road = HomeRoad(
            self.node.core,
            self.node.store,
            lambda: self.world.clock.ms,
            lambda: self.now,
            enrolled=Place(OWN, "own"),
            make=lambda url: FakeRoad(url, self.dead, self.busy),
        )

    def round(self, seconds: float = 30.0) -> str:
        """Let time pass, make a round, and return who is the parent now."""
        self.now += seconds
        self.world.clock.later(int(seconds * 1000))
        self.road.tend()
        try:
            list(self.road.round(b"hello"))
        except (PeerUnreachable, PeerBusy):
            return str(self.node.core.parent)
        return str(self.node.core.parent)


@pytest.fixture
def roaming() -> Roaming:
    """Everybody answers."""
    return Roaming()


def test_a_silent_parent_is_left_for_a_fallback_after_the_set_time(roaming: Roaming) -> None:
    """Not at the first unanswered round, and not before."""
    assert roaming.round() == OWN
    roaming.dead.add("own")
    for _ in range(int(AWAY_AFTER_SECONDS / 30) - 1):
        assert roaming.round() == OWN
    assert roaming.round() == FIRST
    assert roaming.road.sent == 2 * len(b"hello")


def test_a_silent_fallback_is_left_for_the_next_and_in_the_end_for_the_own_parent(
    roaming: Roaming,
) -> None:
    """Each has the whole time to answer; the turn begins again at the own parent."""
    roaming.dead |= {"own", "first", "second"}
    turn = [roaming.round(AWAY_AFTER_SECONDS) for _ in range(4)]
    assert turn == [FIRST, SECOND, OWN, FIRST]


def test_the_node_returns_when_its_own_parent_is_found_twice_in_a_row(roaming: Roaming) -> None:
    """A parent that comes and goes is not run after."""
    roaming.dead.add("own")
    assert roaming.round(AWAY_AFTER_SECONDS) == FIRST
    roaming.dead.clear()
    assert roaming.round(LOOK_BACK_SECONDS) == FIRST
    roaming.dead.add("own")
    assert roaming.round(LOOK_BACK_SECONDS) == FIRST
    roaming.dead.clear()
    assert roaming.round(LOOK_BACK_SECONDS) == FIRST
    assert roaming.round(LOOK_BACK_SECONDS) == OWN


def test_a_busy_parent_is_there(roaming: Roaming) -> None:
    """To be sent away is an answer; nobody moves for it."""
    roaming.busy.add("own")
    for _ in range(50):
        assert roaming.round() == OWN


def test_without_a_fallback_a_node_stays_and_goes_on_trying(roaming: Roaming) -> None:
    """There is nobody else to go to."""
    roaming.node.do(lambda transaction: homes.set_fallbacks(roaming.node.core, transaction, []))
    roaming.dead.add("own")
    assert [roaming.round(AWAY_AFTER_SECONDS) for _ in range(3)] == [OWN] * 3


def test_a_command_is_followed_before_the_next_round(roaming: Roaming) -> None:
    """Written by another process, read by the running node."""
    place = Place(SECOND, "elsewhere")
    roaming.node.do(lambda transaction: homes.command(roaming.node.core, transaction, place))
    assert roaming.round() == SECOND
    assert roaming.road.url(SECOND) == "elsewhere"


def test_where_a_node_was_attached_outlives_a_restart(roaming: Roaming) -> None:
    """It goes on at the fallback, knowing where it belongs."""
    roaming.dead.add("own")
    assert roaming.round(AWAY_AFTER_SECONDS) == FIRST
    core = roaming.node.core
    core.parent = OWN  # as node.json says
    with roaming.node.store.write() as transaction:
        homes.begin(core, transaction, roaming.world.clock.ms)
        assert homes.home(core, transaction).away
    assert core.parent == FIRST
