"""Liveness: some links stay broken for good, and what has a whole path still gets through in time.

Safety alone would be content with a tree that stands still.
"""

from __future__ import annotations

from tests.simulation import network
from tests.simulation.auditor import Wrong
from tests.simulation.catalogue import CENTRAL
from tests.simulation.network import BOTH, DOWN, UP, Clog
from tests.simulation.relay import make_well
from tests.simulation.world import World

INTERVALS_MAX = 3
"""For what was written to be at central; its receipt comes down a link per interval."""
FOR_EVER = 10**9


def stay_alive(world: World) -> None:
    """Break some links for good; everything with a whole path drains in three sync intervals.

    In an interval each station calls once of itself, and again while it has news.
    Raises: Wrong.
    """
    _break_some(world)
    healthy = _healthy(world)
    written = {name for name, entry in world.auditor.committed.items()
               if entry.log[0] in healthy and name not in world.auditor.spoiled}  # fmt: skip
    heads = {code: len(world.auditor.of_log[code, world.stations[code].identity.epoch])
             for code in healthy}  # fmt: skip
    links = max(len(world.auditor.path(code)) for code in healthy) - 1
    # What does not verify is asked for once more before what lies behind it goes on.
    within = INTERVALS_MAX + len(world.auditor.spoiled)
    if world.stations[CENTRAL].clock.ever_wild:
        within += links  # a station enrolled since is let in where the right time has come down to
    for _ in range(within):
        _interval(world, healthy)
    lacking = sorted(written - world.checkers.held[CENTRAL])
    if lacking:
        raise Wrong(f"{lacking[0]} had a whole path to central and did not get there in time")
    # What came to central in the last of them has its receipt a link further with each interval.
    for _ in range(links):
        _interval(world, healthy)
    for code in healthy - {CENTRAL}:
        with world.stations[code].durable.read() as transaction:
            log = transaction.log(world.stations[code].identity.log)
        if log is None or min(log.parent_position, log.central_position) < heads[code]:
            raise Wrong(f"{code} had a whole path to central and was not told in time: {log}")
    world.count("liveness_phase")


def _break_some(world: World) -> None:
    """Leave one leaf's path whole, and break each other link with an even chance, one way or both.

    A link is whole only with everything above it.
    """
    world.note("some links break for good")
    world.network.mend()
    for code, station in world.stations.items():
        station.clock.set_right()
        make_well(world, code)
    while world.network.pool:
        world.deliver(world.network.pick())
    leaf = world.rng.choice([c for c in world.children() if c not in world.parents.values()])
    for child in world.children():
        if child not in world.auditor.path(leaf) and world.rng.random() < 0.5:
            way = world.rng.choice([UP, DOWN, BOTH])
            world.network.clogs.append(Clog(child, 0, FOR_EVER, way))
    world.network.weights = network.CLEAN


def _healthy(world: World) -> set[str]:
    broken = {clog.child for clog in world.network.clogs}
    return {code for code in world.stations if broken.isdisjoint(world.auditor.path(code))}


def _interval(world: World, healthy: set[str]) -> None:
    """Let every station call in any order; one that has something new calls again at once."""
    world.step += 1
    world.true.pass_ms(30_000)
    children = world.rng.sample(world.children(), len(world.children()))
    world.woken.clear()
    for child in children:
        world.exchange_all(child)
    for _ in range(len(children)):
        woken = sorted(world.woken & healthy & set(children))
        world.woken.clear()
        if not woken:
            return
        for child in woken:
            world.exchange_all(child)
