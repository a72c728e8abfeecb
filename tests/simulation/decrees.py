"""Central's decrees amid the chaos: a station revoked with a cut, bodies purged, trust given again.

Their statements meet the events they are about before, after, in the middle of a case, or where
those never were. All stations come to one picture (G3), and what was purged is nowhere (G10).
"""

from __future__ import annotations

from collections.abc import Callable
from typing import Any

from msgspec.structs import replace

from node.facts import is_case_fact
from sync.engine import purge, revocation
from sync.engine.core import Effects
from sync.protocol import canonical, statements
from sync.protocol.limits import PROTOCOL_VERSION
from sync.protocol.names import LogName
from sync.protocol.ports import StoredEvent, Transaction
from sync.protocol.statements import Purge, Statement
from tests.simulation.catalogue import CENTRAL
from tests.simulation.decreed_checks import check_decreed
from tests.simulation.pruning import back_up, prune_some
from tests.simulation.relay import make_well
from tests.simulation.rest import heal
from tests.simulation.station import SimNode
from tests.simulation.world import World

STEPS = 24
PURGED_AT_MOST = 4
RELAY_CHANCE = 0.25
"""How often the revoked station has others below it: all of them are cut off with it."""
PRUNED_CHANCE = 0.6
WAITS_CHANCE = 0.75
"""How often it is trusted again only after all others came to rest without it."""
BASIS = "演示依据"


def decrees(world: World, any_step: Callable[[World], None]) -> None:
    """Revoke, cut elsewhere, purge and trust again among steps of the chaos; check at rest.

    Leaves the station trusted again, for the checks that follow. Raises: Wrong.
    """
    world.note("decrees")
    world.network.mend()
    world.network.weights = world.plan.weights
    make_well(world, CENTRAL)
    victim = _victim(world)
    pruned = world.rng.random() < PRUNED_CHANCE
    due: list[Callable[[World], None]] = [back_up] if pruned else []
    due += [lambda w: revoke(w, victim), purge_some]
    due += world.rng.choices([lambda w: revoke(w, victim), purge_some, purge_unseen], k=2)
    due += [prune_some, prune_some] if pruned else []
    waits = world.rng.random() < WAITS_CHANCE
    if not waits:
        due.append(lambda w: trust_again(w, victim))
    at = sorted(world.rng.sample(range(STEPS), len(due)))
    for step in range(STEPS):
        world.step += 1
        world.true.pass_ms(world.rng.randrange(15_000))
        if step in at:
            due[at.index(step)](world)
        any_step(world)
    if waits:
        heal(world)
        check_decreed(world.checkers, below(world, victim))
    make_well(world, CENTRAL)
    trust_again(world, victim)
    world.count("decrees_phase")


def _victim(world: World) -> str:
    children = world.children()
    relays = [code for code in children if len(below(world, code)) > 1]
    leaves = [code for code in children if code not in relays]
    return world.rng.choice(relays if world.rng.random() < RELAY_CHANCE else leaves)


def below(world: World, code: str) -> set[str]:
    """Return a station and all below it."""
    return {other for other in world.stations if code in world.auditor.path(other)}


def revoke(world: World, victim: str) -> None:
    """Revoke a station, or say anew where its cut lies: at what central holds, below or beyond."""
    epoch = world.stations[victim].identity.epoch
    written = len(world.auditor.of_log[victim, epoch])

    def doing(node: SimNode, transaction: Transaction) -> None:
        log = transaction.log(LogName(victim, epoch))
        held = 0 if log is None else log.position
        last = world.rng.choice([held, world.rng.randint(0, held), world.rng.randint(0, written)])
        _issue(world, node, transaction, victim, {epoch: last}, 0)

    _at_central(world, f"revoke {victim}", doing)


def trust_again(world: World, victim: str) -> None:
    """Trust a station again, all that it wrote included."""
    epoch = world.stations[victim].identity.epoch

    def doing(node: SimNode, transaction: Transaction) -> None:
        _issue(world, node, transaction, victim, {}, epoch)

    _at_central(world, f"trust {victim}", doing)


def _issue(
    world: World,
    node: SimNode,
    transaction: Transaction,
    victim: str,
    cuts: dict[int, int],
    trusted_from: int,
) -> None:
    revocation.issue(
        node.core, transaction, node.clock_ms(), world.authority, victim,
        cuts=cuts, trusted_from=trusted_from, reason="演示",
    )  # fmt: skip


def purge_some(world: World) -> None:
    """Purge facts of cases that central holds, an opening among them now and then."""

    def doing(node: SimNode, transaction: Transaction) -> None:
        facts = [e for e in transaction.events_after(0, 100_000) if _may_go(e)]
        chosen = world.rng.sample(facts, min(world.rng.randint(1, PURGED_AT_MOST), len(facts)))
        if chosen:
            purge.issue(
                node.core, transaction, node.clock_ms(), world.authority, chosen,
                basis=BASIS, actor="node",
            )  # fmt: skip

    _at_central(world, "purge", doing)


def _may_go(event: StoredEvent) -> bool:
    return is_case_fact(event) and event.event.body is not None


def purge_unseen(world: World) -> None:
    """Purge what central does not hold: a restored central hands on such a purge from below."""
    held = world.checkers.held[CENTRAL]
    unseen = [name for name, entry in world.auditor.committed.items()
              if name not in held and name not in world.auditor.spoiled
              and not entry.kind.startswith("sync.")]  # fmt: skip
    if not unseen:
        return
    names = sorted(world.rng.sample(unseen, min(PURGED_AT_MOST, len(unseen))))

    def doing(node: SimNode, transaction: Transaction) -> None:
        issued = max([node.clock_ms(), *(int(ref) + 1 for ref, _ in
                                         transaction.statements(statements.PURGE))])  # fmt: skip
        payload = canonical.dumps(Purge(PROTOCOL_VERSION, names, BASIS, issued))
        unsigned = Statement(statements.PURGE, payload, b"", statements.AUTHORITY)
        signed = replace(unsigned, signature=world.authority.sign(unsigned.message()))
        purge.take(node.core, transaction, signed, Effects())

    _at_central(world, "purge unseen", doing)


def _at_central(world: World, what: str, doing: Callable[[SimNode, Transaction], None]) -> None:
    def at(node: SimNode) -> Any:
        with node.database.write() as transaction:
            doing(node, transaction)
        node.catch_up()
        return True

    done = world.guarded(CENTRAL, at) is not None
    world.look([CENTRAL])
    world.note(f"{what} {done}")
    if done:
        world.count(f"decreed_{what.split()[0]}")
