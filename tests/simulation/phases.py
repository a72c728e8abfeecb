"""The phases of a seeded run: warm up, chaos, a relay alone, healing, final checks."""

from __future__ import annotations

import shutil
import tempfile
from pathlib import Path
from typing import NamedTuple

from sync.engine import answer
from sync.protocol.ports import Transaction
from tests.simulation import network, second_lane, workload
from tests.simulation.auditor import Wrong
from tests.simulation.catalogue import (
    ALL_STATIONS,
    FIRST_STATIONS,
    LATE_VILLAGE,
    PARENTS,
)
from tests.simulation.disk import KINDS
from tests.simulation.final_checks import check_all
from tests.simulation.relay import make_well, relay_alone
from tests.simulation.world import Failure, World

STEPS = 80
ACTS_MIN = 30
STEPS_MAX = 600
WARM_SWEEPS = 3
REAL_EVERY = 10
"""One seed in ten runs on SQLCipher files with Ed25519."""
HEAL_SWEEPS_MAX = 40
PATIENCE_STEPS = 6
"""A child gives up an unanswered round after so many steps."""
PASS_MS_MAX = 15_000


class Report(NamedTuple):
    """What a run came to."""

    seed: int
    trace: str
    steps: int
    sweeps: int
    counts: dict[str, int]
    fates: dict[str, int]
    struck: list[str]
    events: int


def run(seed: int) -> Report:
    """Run one seed to its end. Raises: Failure."""
    folder = _folder() if seed % REAL_EVERY == 0 else None
    world = World(seed, folder=folder)
    along = answer.BLOB_ALONG_BYTES_MAX
    # The simulated packs are so small that they would all come along in rounds.
    answer.BLOB_ALONG_BYTES_MAX = world.rng.choice((0, 0, 600))
    try:
        sweeps = _phases(world)
    except Wrong as wrong:
        raise Failure(seed, world.step, str(wrong)) from wrong
    finally:
        answer.BLOB_ALONG_BYTES_MAX = along
        world.close()
        if folder is not None:
            shutil.rmtree(folder, ignore_errors=True)
    struck = [kind for s in world.stations.values() for kind in s.store.struck]
    return Report(
        seed, world.trace, world.step, sweeps, world.counts, world.network.counts, struck,
        len(world.auditor.committed),
    )  # fmt: skip


def _folder() -> Path:
    shared = Path("/dev/shm")
    return Path(tempfile.mkdtemp(prefix="yizhan-", dir=shared if shared.is_dir() else None))


def _phases(world: World) -> int:
    begin(world)
    chaos(world)
    relay_alone(world)
    sweeps = heal(world)
    check_all(world.checkers, world.rng)
    return sweeps


def begin(world: World) -> None:
    """Enrol the first stations and publish; mostly let the registers travel before the chaos."""
    for code in FIRST_STATIONS:
        world.enrol(code)
    world.publish(1)
    if world.rng.random() < 0.85:
        world.network.weights = network.CLEAN
        for _ in range(WARM_SWEEPS):
            for child in FIRST_STATIONS[1:]:
                world.exchange(child)
    world.network.weights = network.ROUGH


def chaos(world: World) -> None:
    """Acts, rounds and faults in any order, until enough has happened."""
    second = world.rng.randrange(STEPS // 4, STEPS // 2)
    late = second + world.rng.randrange(5, 30)
    while world.step < STEPS or (not _enough(world) and world.step < STEPS_MAX):
        world.step += 1
        world.true.pass_ms(world.rng.randrange(PASS_MS_MAX))
        if world.step >= second and "published_2" not in world.counts:
            world.publish(2)
        if world.step == late:
            world.enrol(LATE_VILLAGE)
        _restart(world)
        _one_step(world)
        if world.step % 20 == 0:
            world.checkers.owed_or_held()


def _enough(world: World) -> bool:
    """Return whether the chaos has seen enough acts and at least one crash or partition."""
    struck = world.counts.get("crashes", 0) + world.counts.get("partitions", 0)
    return bool(struck) and world.counts.get("acts", 0) >= ACTS_MIN


def _restart(world: World) -> None:
    for code, station in world.stations.items():
        if station.node is None and station.up_again_at <= world.step:
            world.note(f"{code} starts")
            world.start(code)


def _one_step(world: World) -> None:
    rng = world.rng
    what = rng.choices(_STEPS, _STEP_WEIGHTS)[0]
    codes = list(world.stations)
    children = [code for code in codes if PARENTS[code]]
    if what == "act":
        _act(world, codes)
    elif what == "call":
        _call(world, children)
    elif what == "arrive":
        if world.network.pool:
            world.deliver(world.network.pick())
        if world.late_asks:
            second_lane.serve_late(world)
    elif what == "partition":
        child = rng.choice(children)
        world.network.cut[child] = world.step + rng.randrange(5, 40)
        world.count("partitions")
        world.note(f"{child} cut")
    elif what == "disk":
        code = rng.choice(codes)
        kind = rng.choice(KINDS)
        world.stations[code].store.arm(kind, rng.randrange(1, 8))
        world.note(f"{code} {kind}")
    elif what == "power":
        code = rng.choice(codes)
        if world.node(code):
            world.crash(code)
    elif what == "clock":
        code = rng.choice(codes)
        world.stations[code].clock.jump(rng.randrange(-15_000, 15_000))
        world.count("jumps")
    else:
        world.project(rng.choice(codes))


_STEPS = ("act", "call", "arrive", "partition", "disk", "power", "clock", "project")
_STEP_WEIGHTS = (48, 52, 6, 2, 3, 1, 1, 8)


def _act(world: World, codes: list[str]) -> None:
    code = world.rng.choice(codes)
    streams = sum(1 for s in world.auditor.of_stream.values() if s[0].log[0] == code)
    cases = streams - 1 if world.counts.get("acts", 0) < workload.CASES_MAX * 3 else 99
    world.act(code, lambda node: workload.one_act(node, world.rng, cases))


def _call(world: World, children: list[str]) -> None:
    child = world.rng.choice(children)
    waiting = world.inflight.get(child)
    if waiting is None or world.step - waiting.since > PATIENCE_STEPS:
        world.call(child)


def heal(world: World) -> int:
    """Put everything right and make rounds until nothing moves; return the sweeps it took.

    Raises: Wrong, when it does not come to rest.
    """
    world.note("heal")
    world.network.cut.clear()
    world.network.weights = network.CLEAN
    if LATE_VILLAGE not in world.stations:
        world.enrol(LATE_VILLAGE)
    for code in world.stations:
        make_well(world, code)
    if "published_2" not in world.counts:
        world.publish(2)
    while world.network.pool:
        world.deliver(world.network.pick())
    before: object = None
    for sweep in range(HEAL_SWEEPS_MAX):
        world.step += 1
        world.true.pass_ms(1000)
        for child in world.rng.sample(ALL_STATIONS[1:], len(ALL_STATIONS) - 1):
            world.exchange(child)
        now = _moving(world)
        if now == before:
            return sweep
        before = now
    raise Wrong(f"the tree did not come to rest within {HEAL_SWEEPS_MAX} sweeps")


def _moving(world: World) -> object:
    """Return what still changes while there is anything to do."""
    found = []
    for code, station in world.stations.items():
        with station.durable.read() as transaction:
            found.append((code, station.waiting.pending, _of_disk(transaction)))
    return found


def _of_disk(transaction: Transaction) -> object:
    link = transaction.parent_link()
    return (
        transaction.event_count(),
        sorted(transaction.logs(), key=lambda log: log.name),
        sorted(transaction.editions().items()),
        [(child.station, transaction.outbox_count(child.station))
         for child in transaction.child_links()],
        link is not None and (link.received, link.told_editions, link.verdict),
    )  # fmt: skip
