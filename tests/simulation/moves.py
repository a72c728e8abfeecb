"""Stations that go to another parent in mid-traffic, with all that is below them, and back or not.

A fallback stands in for a parent that is silent, a person moves a station, a station is moved while
its parent is still handing it the history of its cases. The new parent takes the logs from where
central's receipt proves them, several parents never double an event, and in the end whoever is
above a station now holds all of it.
"""

from __future__ import annotations

from collections.abc import Callable

from sync.engine import homes
from tests.simulation.auditor import Wrong
from tests.simulation.catalogue import CENTRAL, DEPTHS, DISTRICT, DISTRICT_2, LAST_EDITION
from tests.simulation.relay import make_well
from tests.simulation.station import SimNode
from tests.simulation.world import World

STEPS = 36
MOVES_MAX = 5
STAYS_CHANCE = 0.5
BY_REGISTER_CHANCE = 0.4
LAST_EDITION_CHANCE = 0.5


def wander(world: World, step: Callable[[World], None]) -> None:
    """Move stations among steps of the chaos; in half of the seeds all go home in the end."""
    rng = world.rng
    world.note("stations move")
    world.network.mend()
    world.network.weights = world.plan.weights
    at = sorted(rng.sample(range(STEPS), rng.randrange(1, MOVES_MAX + 1)))
    for turn in range(STEPS):
        world.step += 1
        world.true.pass_ms(rng.randrange(15_000))
        if turn in at:
            _move_one(world)
        step(world)
    if "published_2" in world.counts and rng.random() < LAST_EDITION_CHANCE:
        make_well(world, CENTRAL)
        world.publish(LAST_EDITION)
    if not world.moved and rng.random() < STAYS_CHANCE:
        for code in sorted(world.stations):
            if world.parents[code] != world.enrolled_under(code):
                make_well(world, code)
                move(world, code, world.enrolled_under(code))


def _move_one(world: World) -> None:
    """Move a station there is, the latest more often: its history is still on the way."""
    late = [code for code in world.forest.late if code in world.stations]
    chosen = late if late and world.rng.random() < 0.3 else world.children()
    code = world.rng.choice(chosen)
    places = places_for(world, code)
    if not places:
        return
    parent = world.rng.choice(places)
    if world.rng.random() < BY_REGISTER_CHANCE:
        move_by_register(world, code, parent)
    else:
        move(world, code, parent)


def move_by_register(world: World, code: str, parent: str) -> None:
    """Publish an edition that has a station under another parent; it goes there when it reads it.

    Others may read it before or long after that, its former and its new parent among them.
    """
    before = world.moved
    world.moved = (*before, (code, parent))
    if not world.publish(2):
        world.moved = before
        return
    world.auditor.parents_ever[code].add(parent)
    world.note(f"{code} is to move to {parent}")
    world.count("moves_published")


def places_for(world: World, code: str) -> list[str]:
    """Return who else may be the parent of a station: of a higher tier, in its own district."""
    district = next((c for c in world.auditor.path(code)[1:] if c in (DISTRICT, DISTRICT_2)), "")
    depth = DEPTHS[code]
    return [
        other
        for other in sorted(world.stations)
        if district in world.auditor.path(other)
        and code not in world.auditor.path(other)
        and DEPTHS[other] < depth
        and other != world.parents[code]
        and district
    ]


def check_followed(world: World) -> None:
    """Every station is where the register says, if that moved it. Raises: Wrong."""
    for code, parent in dict(world.moved).items():
        with world.stations[code].durable.read() as transaction:
            here = homes.home(world.stations[code].core, transaction)
        if here.own != parent:
            raise Wrong(f"{code} was moved to {parent} by the register and belongs to {here.own}")


def move(world: World, code: str, parent: str) -> None:
    """Let a station belong to another parent, as its node does when it gives up its own."""

    def doing(node: SimNode) -> bool:
        with node.database.write() as transaction:
            homes.attach_to(node.core, transaction, node.clock_ms(), parent)
        return True

    done = world.guarded(code, doing)
    world.follow_home(code)
    world.note(f"{code} moves to {parent} {done}")
    if world.parents[code] == parent:
        world.count("moves")
    world.look([code])
