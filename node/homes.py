"""Which parent is called: a fallback when the own one stays silent, and the own one again.

Time is that of a clock that only goes forward. A parent that answers that it is busy is there.
"""

from __future__ import annotations

from collections.abc import Callable, Iterator
from typing import Protocol

import structlog

from node.agent import Road
from node.blob_giving import BlobRoad, Incoming
from sync.engine import homes
from sync.engine.core import Core
from sync.engine.homes import Home, Place
from sync.protocol.errors import PeerBusy
from sync.protocol.ports import Store

log = structlog.get_logger("node.homes")

AWAY_AFTER_SECONDS = 600.0
"""So long without an answered round, and the node goes to a fallback."""
LOOK_BACK_SECONDS = 120.0
"""How often a node at a fallback looks whether its own parent is there again."""
LOOKS_TO_RETURN = 2
"""So many looks in a row have to find it: a parent that comes and goes is not run after."""


class ProbedRoad(Road, Protocol):
    """A road that can tell whether anybody is at its other end."""

    def alive(self) -> bool: ...


class HomeRoad:
    """The road to whoever is this node's parent now; decides who that is."""

    def __init__(
        self,
        core: Core,
        store: Store,
        clock_ms: Callable[[], int],
        seconds: Callable[[], float],
        *,
        enrolled: Place,
        make: Callable[[str], ProbedRoad],
        away_after: float = AWAY_AFTER_SECONDS,
    ) -> None:
        self._core = core
        self._store = store
        self._clock_ms = clock_ms
        self._seconds = seconds
        self._enrolled = enrolled
        self._make = make
        self._away_after = away_after
        self._roads: dict[Place, ProbedRoad] = {}
        self._answered = seconds()
        self._looked = seconds()
        self._found = 0

    @property
    def sent(self) -> int:
        """Bytes that went out, to all parents."""
        return sum(road.sent for road in self._roads.values())

    @property
    def received(self) -> int:
        """Bytes that came in, from all parents."""
        return sum(road.received for road in self._roads.values())

    def round(self, request: bytes) -> Iterator[bytes]:
        """Carry a round to the present parent."""
        try:
            yield from self._to(self._core.parent or "").round(request)
        except PeerBusy:
            self._answered = self._seconds()
            raise
        self._answered = self._seconds()

    def close(self) -> None:
        """Close all connections."""
        for road in self._roads.values():
            road.close()

    def url(self, station: str) -> str:
        """Return the address of a parent, "" if none is known."""
        with self._store.read() as transaction:
            known = homes.url_of(self._core, transaction, self._clock_ms(), station)
        return known or (self._enrolled.url if station == self._enrolled.station else "")

    def tend(self) -> None:
        """Follow the register and the operator, go to a fallback, or return, if it is time."""
        now_ms = self._clock_ms()
        with self._store.write() as transaction:
            if homes.follow(self._core, transaction, now_ms):
                self._moved("follows")
            here = homes.home(self._core, transaction)
            places = homes.places(self._core, transaction, now_ms)
        if here.away and self._own_is_back(here):
            self._attach(here.own, "returns")
        elif self._seconds() - self._answered >= self._away_after:
            self._attach(self._next(here, [place.station for place in places]), "falls_back")

    def _next(self, here: Home, fallbacks: list[str]) -> str:
        """Return whom to try next: the fallbacks in turn, then the own parent."""
        turn = [here.own, *fallbacks]
        at = turn.index(here.now) if here.now in turn else 0
        return turn[(at + 1) % len(turn)]

    def _own_is_back(self, here: Home) -> bool:
        if self._seconds() - self._looked < LOOK_BACK_SECONDS:
            return False
        self._looked = self._seconds()
        self._found = self._found + 1 if self._to(here.own).alive() else 0
        return self._found >= LOOKS_TO_RETURN

    def _attach(self, station: str, why: str) -> None:
        if station != self._core.parent:
            with self._store.write() as transaction:
                homes.attach_to(self._core, transaction, self._clock_ms(), station)
        self._moved(why)

    def _moved(self, why: str) -> None:
        """Give whoever is called now the whole time to answer."""
        self._answered = self._looked = self._seconds()
        self._found = 0
        log.info("parent", why=why, parent=self._core.parent)

    def _to(self, station: str) -> ProbedRoad:
        place = Place(station, self.url(station))
        if place not in self._roads:
            self._roads[place] = self._make(place.url)
        return self._roads[place]


class HomeBlobRoad:
    """The second lane to whoever is this node's parent now."""

    def __init__(
        self, core: Core, url: Callable[[str], str], make: Callable[[str], BlobRoad]
    ) -> None:
        self._core = core
        self._url = url
        self._make = make
        self._station = ""
        self._road: BlobRoad | None = None

    def _now(self) -> BlobRoad:
        station = self._core.parent or ""
        if self._road is None or station != self._station:
            if self._road is not None:
                self._road.close()
            self._station, self._road = station, self._make(self._url(station))
        return self._road

    def send(self, ask: bytes) -> None:
        """Send an ask; after a move over a new connection."""
        self._now().send(ask)

    def answer(self) -> Incoming:
        """Return the next answer."""
        return self._now().answer()

    def abort(self) -> None:
        """Break off what is waited for."""
        if self._road is not None:
            self._road.abort()

    def close(self) -> None:
        """Close the connection."""
        if self._road is not None:
            self._road.close()
