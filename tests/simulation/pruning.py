"""A verified backup at central, and stations that drop the bodies it covers of ended cases.

Whoever needs one again has it fetched from above; what was purged meanwhile never comes.
"""

from __future__ import annotations

from sync.engine import receipts
from sync.protocol.receipts import Cursor
from tests.simulation.catalogue import CENTRAL
from tests.simulation.station import SimNode
from tests.simulation.world import World

PRUNE_CHANCE = 0.5


def back_up(world: World) -> None:
    """Let central sign that all it holds stands in a verified backup."""

    def at(node: SimNode) -> bool:
        with node.database.write() as transaction:
            for log in transaction.logs():
                copied = Cursor(log.position, log.chain)
                receipts.issue_backup(node.core, transaction, node.clock_ms(), log.name, copied)
        return True

    done = world.guarded(CENTRAL, at) is not None
    world.look([CENTRAL])
    world.note(f"back up {done}")


def prune_some(world: World) -> None:
    """Let stations drop what they may; those that were not told of the backup drop nothing."""
    for code in world.children():
        if world.rng.random() < PRUNE_CHANCE:
            freed = world.guarded(code, lambda node: node.prune(-1))
            world.look([code])
            if freed is not None and freed.bodies:
                world.count("pruned")
                world.note(f"{code} prunes {freed.bodies}")
