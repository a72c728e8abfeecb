"""A world whose stations have their registers, grown once per process and copied for each seed.

One seed in seven begins cold instead, and every seed on real files does its own warm-up.
"""

from __future__ import annotations

from functools import lru_cache

from tests.simulation import network, planting, second_lane
from tests.simulation.catalogue import Forest
from tests.simulation.plan import usual
from tests.simulation.world import World

SWEEPS = 3


def begin(world: World) -> None:
    """Enrol the first stations and publish; mostly let the registers travel before the chaos."""
    plan = world.plan
    if plan.warm and not plan.real:
        world.adopt(_grown(plan.forest, planting.active()))
        return
    for code in plan.forest.first:
        world.enrol(code)
    world.publish(1)
    if plan.warm:
        _warm_up(world)


@lru_cache(maxsize=8)
def _grown(forest: Forest, bug: str) -> World:
    """Return the model; named by the bug it grew up with, so that a replay grows the same."""
    world = World(0, plan=usual()._replace(forest=forest))
    with second_lane.coming_along(0):
        for code in forest.first:
            world.enrol(code)
        world.publish(1)
        _warm_up(world)
    return world


def _warm_up(world: World) -> None:
    world.network.weights = network.CLEAN
    for _ in range(SWEEPS):
        for child in world.children():
            world.exchange(child)
