"""The end of some seeds: a machine is put back to an old image of it, or lives on twice.

What must come of it is said by the tree alone: who held what, and who called how often. Before it
everything was at rest and checked, so whatever is frozen or suspected now is checked to be the
copied station's and nobody else's.
"""

from __future__ import annotations

from sync.protocol.ports import ParentLink
from tests.simulation import plan, workload
from tests.simulation.auditor import Wrong
from tests.simulation.catalogue import CENTRAL, MATTERS
from tests.simulation.station import Station
from tests.simulation.world import World

NOTICED = ("rewind", "fork")
"""Verdicts; `prove` with a reason is one as well."""
LIVE_ON_MAX = 10
CONFIRMED = 2
"""Rounds after which the parent knows that the newest token came through."""


def befall(world: World) -> None:
    """Copy or put back one station, and check that it is noticed, alone and in time.

    Raises: Wrong.
    """
    kinds = sorted({plan.CLONE, plan.ROLLBACK} & world.plan.nemeses)
    if not kinds:
        return
    kind = world.rng.choice(kinds)
    victim = world.rng.choice(world.children())
    world.note(f"{kind} of {victim}")
    _live_on(world, victim)
    image = world.stations[victim].image()
    if kind == plan.ROLLBACK:
        _live_on(world, victim)
        if not _put_back(world, victim, image):
            return
    elif not _live_twice(world, victim, image):
        return
    world.count(f"nemesis_{kind}")
    _nobody_else(world, victim)
    _others_go_on(world, victim)


def _live_on(world: World, victim: str) -> None:
    """Let some acts and rounds pass over good roads, half of them the later victim's."""
    for _ in range(world.rng.randrange(LIVE_ON_MAX)):
        world.step += 1
        world.true.pass_ms(world.rng.randrange(5_000))
        code = victim if world.rng.random() < 0.5 else world.rng.choice(world.children())
        if world.rng.random() < 0.4:
            _write(world, code)
        else:
            world.exchange(code)


def _write(world: World, code: str) -> bool:
    fields = {"matter": world.rng.choice(MATTERS), "applicant": {"name": "演示申请人"},
              "materials": workload.ticks("M1", "M2")}  # fmt: skip
    for act in ("received", "entrusted"):
        deed = world.act(code, lambda node, act=act: workload.do(node, act, None, dict(fields)))  # type: ignore[misc]
        if deed is not None and deed.names:
            return True
    return False


def _put_back(world: World, victim: str, image: Station) -> bool:
    """Start the old image; when it lies behind its parent, the first round must say so.

    Returns whether it calls the parent the machine called last.
    """
    held = _position(world, world.parent_of(victim), victim)
    world.unwatched.add(victim)
    if not _run(world, victim, image):
        return False
    behind = _position(world, victim, victim) < held
    noticed = _noticed(world, victim)
    if behind and not noticed:
        raise Wrong(f"{victim} was put back behind its parent and was not told in one round")
    world.count(f"rollback_{'behind' if behind else 'not_behind'}_{'noticed' if noticed else 'ok'}")
    return True


def _live_twice(world: World, victim: str, image: Station) -> bool:
    """Let a copy call after the original did, and both write until their logs meet.

    Returns whether they did: one that calls another parent by now does not, here.
    """
    original = world.stations[victim]
    rounds = world.rng.randrange(4)
    for _ in range(rounds):
        if world.rng.random() < 0.5:
            _write(world, victim)
        world.exchange(victim)
    world.unwatched.update(world.stations)
    if not _run(world, victim, image):
        return False
    if world.rng.random() < 0.5:
        _write(world, victim)
    noticed = _noticed(world, victim)
    if rounds >= CONFIRMED and not noticed:
        raise Wrong(f"the second copy of {victim} was not noticed at its first contact")
    world.count(f"clone_{'confirmed' if rounds >= CONFIRMED else 'open'}_{noticed}")
    turns = 0
    while not noticed:
        turns += 1
        if turns > 4:
            raise Wrong(f"two copies of {victim} wrote and called in turn and were not noticed")
        copy, world.stations[victim] = world.stations[victim], original
        original = copy
        wrote = _write(world, victim)
        noticed = _noticed(world, victim) or not wrote
    return True


def _run(world: World, code: str, station: Station) -> bool:
    """Start a machine; return whether it calls the parent that was called last."""
    parent = world.parents[code]
    world.inflight.pop(code, None)
    world.stations[code] = station
    world.start(code)
    world.follow_home(code)  # at its start it follows the register it holds
    if world.parents[code] == parent:
        return True
    world.count("copy_apart")
    return False


def _noticed(world: World, child: str) -> bool:
    """Return whether a station is told at its next contact; `prove` is answered at once."""
    verdict = ""
    for _ in range(2):
        world.exchange(child)
        verdict = _link(world, child).verdict
        if verdict != "prove":
            break
    world.note(f"{child} is told {verdict}")
    return verdict.split("/")[0] in NOTICED or verdict == "prove/second_copy"


def _link(world: World, child: str) -> ParentLink:
    with world.stations[child].durable.read() as transaction:
        link = transaction.parent_link()
    assert link is not None, f"{child} never called anybody"
    return link


def _position(world: World, where: str, author: str) -> int:
    """Return how much of a station's log a node holds."""
    with world.stations[where].durable.read() as transaction:
        log = transaction.log(world.stations[author].identity.log)
    return log.position if log is not None else 0


def _nobody_else(world: World, victim: str) -> None:
    """No honest station is frozen or suspected."""
    for code, station in world.stations.items():
        with station.durable.read() as transaction:
            frozen = [log.name for log in transaction.logs() if log.frozen]
            suspects = [link.station for link in transaction.child_links() if link.suspect]
        for name in [*(log.station for log in frozen), *suspects]:
            if name != victim:
                raise Wrong(f"{name} is honest and frozen or suspected at {code}")


def _others_go_on(world: World, victim: str) -> None:
    """What others write goes up as before, also beside a frozen log."""
    paths = {code: world.auditor.path(code) for code in world.children()}
    free = [code for code, path in paths.items() if victim not in path]
    free = [code for code in free if world.node(code) is not None]
    if not free:
        return
    code = world.rng.choice(free)
    if not _write(world, code):
        return
    written = _position(world, code, code)
    for child in paths[code][:-1]:
        world.exchange_all(child)
    if _position(world, CENTRAL, code) < written:
        raise Wrong(f"{code} is honest and its log did not go up beside the one of {victim}")
