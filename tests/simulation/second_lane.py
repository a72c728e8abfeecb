"""The second lane in the simulated county: asks lost, cut off in mid-answer, doubled and overtaken.

A connection pairs an ask with its answer, so what comes late comes to nobody; the parent serves it
all the same, and what it cannot serve any more it must refuse.
"""

from __future__ import annotations

from collections.abc import Iterator
from contextlib import contextmanager
from typing import TYPE_CHECKING
from unittest.mock import patch

from node.blobs import BlobExchange, Taken
from sync.engine import along_with
from sync.engine import blobs as engine
from sync.engine.blobs import Want
from sync.protocol.blobs import Part
from tests.simulation.network import CUT, DELAY, DOUBLE, DROP

if TYPE_CHECKING:
    from tests.simulation.world import World

ASKS_MAX = 50
SLICES = (200, 700, 8192, 1 << 20)


@contextmanager
def coming_along(bytes_max: int) -> Iterator[None]:
    """Let packs up to a size come in rounds; as it is, all of the simulated ones would."""
    with patch.object(along_with, "BLOB_ALONG_BYTES_MAX", bytes_max):
        yield


def fetch(world: World, child: str) -> bool:
    """Let a child make one ask over the road as it is; return whether another is worth making."""
    if world.network.packs_late.get(child, 0) > world.step:
        return False
    wants: list[Want] | None = world.guarded(child, lambda node: node.exchange.wanted())
    if not wants:
        return False
    parts = engine.parts_of(wants, world.network.rng.choice(SLICES))
    ask: bytes | None = world.guarded(child, lambda node: node.exchange.ask(parts))
    if ask is None:
        return False
    world.count("asks")
    fate = world.network.fate_of_ask(child, world.step)
    world.note(f"{child} asks {len(parts)} {fate}")
    if fate == DROP:
        return False
    if fate in (DELAY, DOUBLE):
        world.late_asks.append((child, ask))
    if fate == DELAY:
        return False
    given = serve(world, child, ask)
    if given is None:
        return False
    if fate == CUT:
        given = world.network.shorten(given)
    return _take(world, child, wants, parts, given)


def fetch_all(world: World, child: str) -> None:
    """Let a child fetch over a good road until nothing is left that its parent has."""
    for _ in range(ASKS_MAX):
        if not fetch(world, child):
            return


def serve(world: World, child: str, ask: bytes) -> bytes | None:
    """Return what the parent answers to an ask, None when it refuses or is down."""

    def doing(exchange: BlobExchange) -> bytes:
        return b"".join(exchange.serve(ask).pieces)

    parent = world.parent_of(child)
    given: bytes | None = world.guarded(parent, lambda node: doing(node.exchange))
    world.note(f"{parent} gives {child} {given is not None and len(given)}")
    return given


def serve_late(world: World) -> None:
    """Let an ask arrive that nobody waits for any more."""
    child, ask = world.late_asks.pop(0)
    world.count("late_asks" if serve(world, child, ask) is not None else "late_asks_refused")


def _take(world: World, child: str, wants: list[Want], parts: list[Part], given: bytes) -> bool:
    def doing(exchange: BlobExchange) -> Taken:
        taker = exchange.taker(wants, parts)
        taker.feed(given)
        taker.flush()
        taken = taker.taken()
        if taken.whole:
            exchange.switch()
        return taken

    taken: Taken | None = world.guarded(child, lambda node: doing(node.exchange))
    world.look([child])
    if taken is None:
        return False
    world.counts["blobs_fetched"] = world.counts.get("blobs_fetched", 0) + taken.whole
    return taken.stored > 0
