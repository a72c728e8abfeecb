"""The phases of a seeded run: warm up, chaos, a relay alone, broken links, healing, checks."""

from __future__ import annotations

import shutil
import tempfile
from collections.abc import Callable
from contextlib import nullcontext
from pathlib import Path
from typing import NamedTuple

from sync.engine import compare
from tests.simulation import moves, nemeses, plan, second_lane, setbacks, sticks, workload
from tests.simulation.auditor import Wrong
from tests.simulation.census import AtItsLimit
from tests.simulation.copies import befall
from tests.simulation.decrees import decrees
from tests.simulation.final_checks import check_all
from tests.simulation.liveness import stay_alive
from tests.simulation.plan import Plan, plan_of
from tests.simulation.relay import relay_alone
from tests.simulation.rest import heal
from tests.simulation.thrift import thrifty
from tests.simulation.warm import begin
from tests.simulation.world import Failure, World

STEPS_MAX = 400
PATIENCE_STEPS = 6
"""A child gives up an unanswered round after so many steps."""
PASS_MS_MAX = 15_000
CASES_PER_STATION = 3
LATE_STRIKES = 3
"""Cases have gone through several hands by then, so that somebody can help himself."""
RAISED = "raised"
"""Begins the sentence over an exception nobody declared."""


class Report(NamedTuple):
    """What a run came to."""

    seed: int
    plan: Plan
    trace: str
    steps: int
    sweeps: int
    counts: dict[str, int]
    fates: dict[str, int]
    struck: list[str]
    events: int


def run(seed: int) -> Report:
    """Run one seed to its end. Raises: Failure."""
    made_of = plan_of(seed)
    folder = _folder() if made_of.real else None
    world = World(seed, folder=folder, plan=made_of)
    try:
        with second_lane.coming_along(made_of.along), nullcontext() if folder else thrifty():
            sweeps = _phases(world)
    except Wrong as wrong:
        raise Failure(seed, world.step, str(wrong)) from wrong
    except Exception as error:  # what the production code should not have let through
        raise Failure(seed, world.step, f"{RAISED} {error!r}") from error
    finally:
        world.close()
        if folder is not None:
            shutil.rmtree(folder, ignore_errors=True)
    struck = [kind for s in world.stations.values() for kind in s.store.struck]
    return Report(
        seed, made_of, world.trace, world.step, sweeps, world.counts, world.network.counts, struck,
        len(world.auditor.committed),
    )  # fmt: skip


def _folder() -> Path:
    shared = Path("/dev/shm")
    return Path(tempfile.mkdtemp(prefix="yizhan-", dir=shared if shared.is_dir() else None))


def _phases(world: World) -> int:
    begin(world)
    chaos(world)
    if plan.HELPED_ITSELF in world.plan.nemeses:
        for _ in range(LATE_STRIKES):
            nemeses.strike(world, plan.HELPED_ITSELF)
    if plan.RELAY_ALONE in world.plan.nemeses:
        relay_alone(world)
    if plan.LIVENESS in world.plan.nemeses:
        stay_alive(world)
    if plan.DECREES in world.plan.nemeses:
        decrees(world, _any_step(world.plan))
    if plan.MOVES in world.plan.nemeses:
        moves.wander(world, _any_step(world.plan))
    if plan.STICKS in world.plan.nemeses and plan.SETBACK not in world.plan.nemeses:
        sticks.by_stick_alone(world)
        sticks.clear_out(world)
    if plan.SETBACK in world.plan.nemeses:
        calm = world.plan._replace(nemeses=world.plan.nemeses - plan.HANDS)
        struck = setbacks.strike(world, _any_step(world.plan), _any_step(calm))
        try:
            sweeps = setbacks.recover(world, struck)
        except AtItsLimit:
            world.count("setback_at_its_limit")
            return 0
    else:
        sweeps = heal(world)
    if world.auditor.anybody_moved:
        world.true.pass_ms(compare.EVERY_MS)  # so often ends that differ compare what they hold
        sweeps += heal(world)
    check_all(world.checkers, world.rng)
    moves.check_followed(world)
    befall(world)
    return sweeps


def chaos(world: World) -> None:
    """Acts, rounds and faults in any order, until enough has happened."""
    steps, rng = world.plan.steps, world.rng
    world.network.weights = world.plan.weights
    second, late = _when_known(world)
    any_step = _any_step(world.plan)
    while world.step < steps or (not _enough(world) and world.step < STEPS_MAX):
        world.step += 1
        world.true.pass_ms(rng.randrange(PASS_MS_MAX))
        if world.step >= second and "published_2" not in world.counts:
            world.publish(2)
        for code, step in late.items():
            if world.step == step:
                world.enrol(code)
        any_step(world)
        if world.step % 20 == 0:
            world.checkers.owed_or_held()


def _when_known(world: World) -> tuple[int, dict[str, int]]:
    """Return the step of the second edition, and of each late station's enrolment.

    A late station is enrolled after the edition it stands in, or before anybody ever read of it.
    """
    steps, rng = world.plan.steps, world.rng
    second = rng.randrange(steps // 4, steps // 2)
    late = {code: second + rng.randrange(2, steps // 3) for code in world.forest.late}
    if plan.LATE_REGISTERS in world.plan.nemeses:
        second += steps // 2
    return second, late


def _enough(world: World) -> bool:
    """Return whether the chaos has seen enough acts and at least one nemesis."""
    struck = any(name.startswith("nemesis_") for name in world.counts)
    struck = struck or not world.plan.nemeses & nemeses.STRIKES.keys()
    return struck and world.counts.get("acts", 0) >= world.plan.acts_min


def _any_step(made_of: Plan) -> Callable[[World], None]:
    """Return what lets one thing happen that a plan allows."""
    usual, weights = _steps(made_of)

    def step(world: World) -> None:
        _restart(world)
        _one_step(world, world.rng.choices(usual, weights)[0])

    return step


def _restart(world: World) -> None:
    for code, station in world.stations.items():
        if station.node is None and station.up_again_at <= world.step:
            world.note(f"{code} starts")
            world.start(code)


_USUAL = {"act": 52, "call": 48, "arrive": 8, "project": 8}


def _steps(made_of: Plan) -> tuple[list[str], list[int]]:
    """Return what a step of the chaos may be, and how often."""
    weights = dict(_USUAL)
    if plan.SLOW in made_of.nemeses:
        weights["arrive"] //= 2
    for name, (weight, _) in nemeses.STRIKES.items():
        if name in made_of.nemeses:
            weights[name] = weight
    return list(weights), list(weights.values())


def _one_step(world: World, what: str) -> None:
    rng = world.rng
    if what == "act":
        _act(world)
    elif what == "call":
        _call(world)
    elif what == "arrive":
        if world.network.pool:
            world.deliver(world.network.pick())
        if world.late_asks:
            second_lane.serve_late(world)
    elif what == "project":
        world.project(rng.choice(list(world.stations)))
    else:
        nemeses.strike(world, what)


def _act(world: World) -> None:
    code = world.rng.choice(list(world.stations))
    own = sum(1 for s in world.auditor.cases() if world.auditor.of_stream[s][0].log[0] == code)
    acted = world.counts.get("acts", 0)
    cases = own if acted < len(world.stations) * CASES_PER_STATION else workload.CASES_MAX
    there = world.forest.stations
    world.act(code, lambda node: workload.one_act(node, world.rng, cases, there))


def _call(world: World) -> None:
    child = world.rng.choice(world.children())
    waiting = world.inflight.get(child)
    if waiting is None or world.step - waiting.since > PATIENCE_STEPS:
        world.call(child)
