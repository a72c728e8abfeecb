"""A machine put back in mid-traffic: an edge, a relay or central, silently or by its operator.

Its disk is that of some steps ago; what was written since is only where it was sent. It must find
out, get back what any other disk holds, say by number what is lost, open the next epoch with a
voucher and go on. Nobody else may lose, freeze or suspect anything. What must come of it is
reckoned from the disks as they were just after the machine was put back.
"""

from __future__ import annotations

from collections.abc import Callable
from typing import NamedTuple

from sync.engine import halt, lives
from sync.engine.core import Effects
from sync.protocol.frames import EVENTS, decode_stream, encode_stream
from sync.protocol.lives import RESTORED
from tests.simulation import approver, census, rest, sticks, workload
from tests.simulation.auditor import Wrong
from tests.simulation.catalogue import CENTRAL
from tests.simulation.census import Announced, Survivors
from tests.simulation.station import Station
from tests.simulation.world import World

SILENT, KNOWN = "silent", "known"
"""A snapshot of the virtual machine was put back; a backup was restored by its command."""
BEFORE_MAX, AFTER_MAX = 30, 25
"""Steps between the image and the setback, and before everything is healed."""
HEALINGS_MAX = 8
CENTRAL_CHANCE = 0.3
BREAKS_OFF_CHANCE = 0.4
ACTS_LAST = 3
CUT_SHORT = b"cut"


class SetBack(NamedTuple):
    """Who was put back how, and what was left on the disks then."""

    victim: str
    how: str
    survivors: Survivors
    announced: Announced


def strike(world: World, step: Callable[[World], None], calm: Callable[[World], None]) -> SetBack:
    """Take an image, go on for some steps, put the image in place, and go on with calmer ones.

    Shapes: `calm` steps write nothing that only the auditor tells from good.
    """
    rng = world.rng
    world.network.mend()
    world.network.weights = world.plan.weights
    victim = CENTRAL if rng.random() < CENTRAL_CHANCE else rng.choice(world.children())
    how = rng.choice([SILENT, KNOWN])
    image = world.stations[victim].image()
    _steps(world, step, rng.randrange(BEFORE_MAX))
    if victim != CENTRAL and rng.random() < BREAKS_OFF_CHANCE:
        _break_off(world, victim)
    for code, station in world.stations.items():
        world.look([code])
        station.store.disarm()
    world.unwatched.update(world.stations)
    _put_back(world, victim, image, how)
    survivors = census.of(world, victim)
    announced = census.announced(world, victim)
    _steps(world, calm, rng.randrange(AFTER_MAX), operator=True)
    return SetBack(victim, how, survivors, announced)


def _break_off(world: World, victim: str) -> None:
    """Let the line break in the victim's last request: the parent hears of more than it gets."""
    made_of = workload.CASES_MAX, world.forest.stations
    for _ in range(ACTS_LAST):
        world.act(victim, lambda node: workload.one_act(node, world.rng, *made_of))
    world.project(victim)
    request: bytes | None = world.guarded(victim, lambda node: node.rounds.begin())
    parent = world.node(world.parents[victim])
    if request is None or parent is None:
        return
    ahead = list(decode_stream(request))
    if ahead[-1].type == EVENTS:
        cut = encode_stream(ahead[:-1]) + CUT_SHORT
        world.guarded(world.parents[victim], lambda node: node.rounds.serve(cut))
        world.count("broken_off")


def _steps(
    world: World, step: Callable[[World], None], count: int, *, operator: bool = False
) -> None:
    for _ in range(count):
        world.step += 1
        world.true.pass_ms(world.rng.randrange(15_000))
        step(world)
        if operator and world.rng.random() < 0.2:
            approver.approve(world)


def _put_back(world: World, victim: str, image: Station, how: str) -> None:
    world.note(f"{victim} is put back, {how}")
    world.count(f"setback_{how}")
    world.count("setback_central" if victim == CENTRAL else "setback_below")
    world.inflight.pop(victim, None)
    gone = world.stations[victim]
    gone.store.dead = True
    image.life = gone.life + 1
    world.stations[victim] = image
    if how == KNOWN:
        core = image.identity.core()
        with image.durable.write() as transaction:
            halt.put(transaction, None)
            halt.adopt(core, transaction)
            lives.stop(core, transaction, image.clock(), RESTORED, Effects())
    world.start(victim)


def recover(world: World, told: SetBack) -> int:
    """Heal everything, answer who asks, until nobody is halted; return the sweeps it took.

    A child that never agrees holds up the new epoch for ten minutes, no longer.
    Raises: Wrong.
    """
    sweeps = 0
    sticks.clear_out(world, months=False)  # a voucher given now is not good for months
    if told.victim == CENTRAL:
        world.counts.pop("published_2", None)
    for _ in range(HEALINGS_MAX):
        sweeps += rest.heal(world)
        if not approver.approve(world) and not _halted(world):
            census.take(world, told.victim, told.survivors, told.announced)
            return sweeps
        world.true.pass_ms(lives.WAIT_FOR_CHILDREN_MS // 3)
    raise Wrong(f"{_halted(world)} stayed halted although their asks were answered")


def _halted(world: World) -> list[str]:
    found = []
    for code, station in world.stations.items():
        with station.durable.read() as transaction:
            if halt.halted(transaction) is not None:
                found.append(code)
    return found
