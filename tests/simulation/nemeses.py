"""What befalls the world in the chaos: each nemesis one function, switched on by the plan."""

from __future__ import annotations

from collections.abc import Callable

from tests.simulation import custody_forging, hands, plan, sticks
from tests.simulation.disk import KINDS
from tests.simulation.network import DOWN, UP, Clog
from tests.simulation.world import World

TEN_YEARS_MS = 10 * 365 * 24 * 3600 * 1000
JUMP_MS_MAX = 15_000


def partition(world: World) -> None:
    """Cut an uplink for a while."""
    child = world.rng.choice(world.children())
    world.network.cut[child] = world.step + world.rng.randrange(5, 40)
    world.note(f"{child} cut")


def one_way(world: World) -> None:
    """Let requests or answers of one link vanish for a while."""
    child, way = world.rng.choice(world.children()), world.rng.choice([UP, DOWN])
    until = world.step + world.rng.randrange(5, 30)
    world.network.clogs.append(Clog(child, world.step, until, way))
    world.note(f"{child} clogged {way}")


def swizzle(world: World) -> None:
    """Clog some links one by one, then unclog them in another order."""
    children = world.children()
    chosen = world.rng.sample(children, world.rng.randrange(1, len(children) + 1))
    world.network.swizzle(chosen, world.step, world.rng.randrange(1, 4))
    world.note(f"swizzle {chosen}")


def disk(world: World) -> None:
    """Let a disk fail at one of its next commits."""
    code, kind = world.rng.choice(list(world.stations)), world.rng.choice(KINDS)
    world.stations[code].store.arm(kind, world.rng.randrange(1, 8))
    world.note(f"{code} {kind}")


def power(world: World) -> None:
    """Take the power from a station."""
    code = world.rng.choice(list(world.stations))
    if world.node(code):
        world.crash(code)


def clock(world: World) -> None:
    """Set a clock a few seconds off."""
    code = world.rng.choice(list(world.stations))
    world.stations[code].clock.jump(world.rng.randrange(-JUMP_MS_MAX, JUMP_MS_MAX))
    world.note(f"{code} clock")


def wild_clock(world: World) -> None:
    """Set a clock ten years off, or right again if it was."""
    code = world.rng.choice(list(world.stations))
    held = world.stations[code].clock
    if held.wild:
        held.set_right()
    else:
        held.jump(world.rng.choice([-TEN_YEARS_MS, TEN_YEARS_MS]))
    world.note(f"{code} clock {held.offset_ms}")


def late_registers(world: World) -> None:
    """Let no pack come to some station: it and all below it learn of new stations and moves later.

    Its neighbours go by the newer edition meanwhile.
    """
    child = world.rng.choice(world.children())
    world.network.packs_late[child] = world.step + world.rng.randrange(10, 60)
    world.note(f"{child} gets no packs")


STRIKES: dict[str, tuple[int, Callable[[World], None]]] = {
    plan.PARTITION: (2, partition),
    plan.ONE_WAY: (2, one_way),
    plan.SWIZZLE: (1, swizzle),
    plan.DISK: (4, disk),
    plan.POWER: (2, power),
    plan.CLOCK: (1, clock),
    plan.WILD_CLOCK: (2, wild_clock),
    plan.FORGED: (3, hands.forge),
    plan.NEWER: (3, hands.write_newer),
    plan.SPOILED: (2, hands.spoil),
    plan.BROKEN_FOLD: (2, hands.break_fold),
    plan.LATE_REGISTERS: (4, late_registers),
    plan.STICKS: (12, sticks.pass_on),
    plan.HELPED_ITSELF: (3, custody_forging.help_itself),
}
"""Weight among the steps (acts and calls have about 50 each), and what to do."""


def strike(world: World, name: str) -> None:
    """Let one nemesis strike."""
    world.count(f"nemesis_{name}")
    STRIKES[name][1](world)
