"""Everything put right, and rounds until nothing moves any more."""

from __future__ import annotations

from sync.engine.compare import EVERY_MS
from sync.protocol.ports import Transaction
from tests.simulation.auditor import Wrong
from tests.simulation.relay import make_well
from tests.simulation.world import World

SWEEPS_MAX = 40


def heal(world: World) -> int:
    """Put everything right and make rounds until nothing moves; return the sweeps it took.

    Raises: Wrong, when it does not come to rest.
    """
    world.note("heal")
    world.network.mend()
    for code in world.forest.late:
        if code not in world.stations:
            world.enrol(code)
    for code, station in world.stations.items():
        station.clock.set_right()
        make_well(world, code)
    if "published_2" not in world.counts:
        world.publish(2)
    while world.network.pool:
        world.deliver(world.network.pick())
    sweeps = _settle(world)
    world.true.pass_ms(EVERY_MS)  # ends that differ though nothing is owed say so once a minute
    return sweeps + _settle(world)


def _settle(world: World) -> int:
    quiet: dict[str, object] = {}
    for sweep in range(SWEEPS_MAX):
        world.step += 1
        world.true.pass_ms(1000)
        if not _sweep(world, _order(world, sweep), quiet):
            return sweep
    raise Wrong(f"the tree did not come to rest within {SWEEPS_MAX} sweeps")


def _order(world: World, sweep: int) -> list[str]:
    """From below upwards, so that much arrives in one sweep, then from above downwards."""
    children = sorted(world.children(), key=lambda code: len(world.auditor.path(code)))
    return children if sweep % 2 else children[::-1]


def _sweep(world: World, children: list[str], quiet: dict[str, object]) -> bool:
    """Make rounds on every link where the last one, or anybody since, changed an end of it."""
    moved = False
    for child in children:
        before = _ends(world, child)
        if quiet.get(child) == before:
            continue
        world.exchange_all(child)
        after = _ends(world, child)
        if after == before:
            quiet[child] = after
        moved = True
    return moved


def _ends(world: World, child: str) -> object:
    """Return what still changes at both ends of a link while there is anything to do."""
    found = []
    for code in (child, world.parents[child]):
        station = world.stations[code]
        with station.durable.read() as transaction:
            found.append((code, station.waiting.pending, _of_disk(transaction)))
    return found


def _of_disk(transaction: Transaction) -> object:
    link = transaction.parent_link()
    return (
        transaction.event_count(),
        list(transaction.logs()),
        transaction.editions(),
        [(child.station, transaction.outbox_count(child.station))
         for child in transaction.child_links()],
        transaction.outbox_count("^"),
        transaction.meta("bodies_wanted"),
        link is not None and (link.received, link.told_editions, link.verdict),
    )  # fmt: skip
