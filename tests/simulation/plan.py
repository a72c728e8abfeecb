"""What one seed is made of: its tree, its length, and which of all nemeses it meets (swarm).

Not every seed meets everything: a fault that is always on hides what only shows without it.
"""

from __future__ import annotations

import random
from typing import NamedTuple

from tests.simulation.catalogue import SMALL, USUAL, WIDE, Forest
from tests.simulation.network import ROUGH, Weights

REAL_EVERY = 10
"""One seed in ten runs on SQLCipher files with Ed25519."""
THREAD_EVERY = 50
"""One in fifty with the writer thread between, as the programs have it."""

LOST, LATE, DOUBLED, CUT_SHORT = "lost", "late", "doubled", "cut_short"
"""Fates of single messages."""
PARTITION, ONE_WAY, SWIZZLE, SLOW = "partition", "one_way", "swizzle", "slow"
DISK, POWER, CLOCK, WILD_CLOCK = "disk", "power", "clock", "wild_clock"
FORGED, NEWER, BROKEN_FOLD, SPOILED = "forged", "newer", "broken_fold", "spoiled"
RELAY_ALONE, LIVENESS = "relay_alone", "liveness"
CLONE, ROLLBACK = "clone", "rollback"
DECREES = "decrees"
HELPED_ITSELF = "helped_itself"
SETBACK, MOVES = "setback", "moves"
STICKS, LATE_REGISTERS = "sticks", "late_registers"
HANDS = frozenset({FORGED, NEWER, BROKEN_FOLD, SPOILED, HELPED_ITSELF})
"""Writers of what no page would write: only who saw it written tells it from good."""

_CHANCE = {
    LOST: 0.6,
    LATE: 0.6,
    DOUBLED: 0.6,
    CUT_SHORT: 0.6,
    PARTITION: 0.5,
    ONE_WAY: 0.3,
    SWIZZLE: 0.3,
    SLOW: 0.25,
    DISK: 0.5,
    POWER: 0.5,
    CLOCK: 0.5,
    WILD_CLOCK: 0.25,
    FORGED: 0.25,
    NEWER: 0.25,
    BROKEN_FOLD: 0.2,
    SPOILED: 0.2,
    RELAY_ALONE: 0.5,
    LIVENESS: 0.3,
    CLONE: 0.25,
    ROLLBACK: 0.25,
    DECREES: 0.25,
    SETBACK: 0.45,
    HELPED_ITSELF: 0.3,
    MOVES: 0.45,
    STICKS: 0.3,
    LATE_REGISTERS: 0.3,
}
NEMESES = tuple(_CHANCE)
_WHOLE = frozenset({DECREES, SETBACK, MOVES})
"""Phases that change what the oracles go by; a seed has one of them at most."""
_FOREST = ((SMALL, 50), (USUAL, 42), (WIDE, 8))
_STEPS = ((30, 60), (40, 30), (90, 10))
"""Least number of steps of the chaos, and how many seeds in a hundred have it."""
_ACTS_PER_STEP = 4
WARM_CHANCE = 0.85
LAZY_CHANCE = 0.4


class Plan(NamedTuple):
    """The configuration of one seed."""

    forest: Forest
    real: bool
    thread: bool
    warm: bool
    lazy: bool
    steps: int
    acts_min: int
    along: int
    """Packs up to so many bytes come along in rounds, others on the second lane."""
    nemeses: frozenset[str]

    @property
    def weights(self) -> Weights:
        """Return the fates of messages in the chaos."""
        on = self.nemeses
        return Weights(
            ROUGH.straight,
            ROUGH.drop if LOST in on else 0,
            (3 * ROUGH.delay if SLOW in on else ROUGH.delay) if {LATE, SLOW} & on else 0,
            ROUGH.double if DOUBLED in on else 0,
            ROUGH.cut if CUT_SHORT in on else 0,
        )


def usual() -> Plan:
    """Return the plan of a test that says itself what happens: the usual tree, no faults."""
    return Plan(USUAL, False, False, False, False, 0, 0, 0, frozenset())


def plan_of(seed: int) -> Plan:
    """Return what a seed is made of."""
    rng = random.Random(f"yizhan/{seed}/plan")
    real = seed % REAL_EVERY == 0
    forest = rng.choices([f for f, _ in _FOREST], [w for _, w in _FOREST])[0]
    steps = rng.choices([s for s, _ in _STEPS], [w for _, w in _STEPS])[0]
    if real:
        forest = USUAL if forest is WIDE else forest
        steps = _STEPS[0][0]
    warm, lazy = rng.random() < WARM_CHANCE, rng.random() < LAZY_CHANCE
    along = rng.choice((0, 0, 600))
    nemeses = _apart({name for name, chance in _CHANCE.items() if rng.random() < chance}, rng)
    return Plan(
        forest=forest,
        real=real,
        thread=seed % THREAD_EVERY == 0,
        warm=warm,
        lazy=lazy,
        steps=steps,
        acts_min=steps // _ACTS_PER_STEP,
        along=0 if LATE_REGISTERS in nemeses else along,
        nemeses=nemeses,
    )


def _apart(nemeses: set[str], rng: random.Random) -> frozenset[str]:
    """Return the nemeses without those whose oracles do not know each other's doings."""
    whole = sorted(nemeses & _WHOLE)
    left = nemeses - _WHOLE | ({rng.choice(whole)} if whole else set())
    # Who was above a station once may write to its cases: what was not its business before is now.
    return frozenset(left - {FORGED, HELPED_ITSELF} if MOVES in left else left)
