"""Sticks: bundles of the production file engine, carried by people from anybody to anybody.

All that were ever made stay in a drawer for the length of the seed, so each is brought at once,
never, twice, in another order, damaged, or months later: after a purge, a revocation, a move, or
after the machine that made or took it was put back.
"""

from __future__ import annotations

import hashlib
import io
import tempfile
from collections.abc import Callable
from pathlib import Path
from typing import TYPE_CHECKING, Any, NamedTuple

from node.files import Files
from sync.engine import file_book
from sync.protocol.bodies import SealedFor
from sync.protocol.errors import BundleDamaged, BundleRefused
from sync.protocol.sealing import TAG_BYTES
from tests.simulation.auditor import Committed, Wrong
from tests.simulation.catalogue import CENTRAL
from tests.simulation.relay import make_well
from tests.simulation.station import SimNode

if TYPE_CHECKING:
    from tests.simulation.world import World

SHARED_MEMORY = Path("/dev/shm")
DRAWER_MAX = 60
BROUGHT_AT_ONCE = 0.35
DAMAGED, ASTRAY = 0.06, 0.06
"""How often a stick is spoiled on its way, or brought to somebody it was not made for."""
DAY_MS = 24 * 3600 * 1000
MONTHS_MS = 100 * DAY_MS
"""Longer than anybody waits for an answer by file."""
MONTHS_CHANCE = 0.2
OLD_MAX = 8
TURNS = 2
TAKEN = ("taken", "past", "again")


class Stick(NamedTuple):
    """A bundle in somebody's drawer. Shapes: `readers` are those it was sealed to."""

    raw: bytes
    maker: str
    way: str
    readers: list[str]


class OpenSealing:
    """Implements `sealing.Sealing`: finds damage and hides nothing, for the engine's part only."""

    def wrap(self, to: str, public_key: bytes, file_key: bytes) -> SealedFor:
        return SealedFor(to, b"", file_key)

    def unwrap(self, sealed: SealedFor) -> bytes:
        return sealed.wrapped

    def chunks(self, file_key: bytes, salt: bytes) -> OpenChunks:
        return OpenChunks(file_key + salt)


class OpenChunks:
    """Implements `sealing.Chunks`."""

    def __init__(self, key: bytes) -> None:
        self._key = key

    def seal(self, nonce: bytes, plain: bytes) -> bytes:
        return plain + self._tag(nonce, plain)

    def open(self, nonce: bytes, sealed: bytes) -> bytes:
        plain = sealed[:-TAG_BYTES]
        if sealed != self.seal(nonce, plain):
            raise BundleDamaged("chunk")
        return plain

    def _tag(self, nonce: bytes, plain: bytes) -> bytes:
        return hashlib.sha256(self._key + nonce + plain).digest()[:TAG_BYTES]


def pass_on(world: World) -> None:
    """Let somebody make a stick, bring one, or both."""
    if world.drawer and world.rng.random() < 0.5:
        _bring_one(world)
        return
    code = world.rng.choice(world.children())
    above = world.auditor.path(code)[1:]
    if world.rng.random() < 0.55:
        made = make(world, code, "")
    else:
        made = make(world, world.rng.choice(above), code)
    if made is not None and world.rng.random() < BROUGHT_AT_ONCE:
        bring(world, made, _goal(world, made))


def make(world: World, maker: str, to: str) -> Stick | None:
    """Let a node write a bundle, up or down to a station; None where it cannot yet."""

    def doing(node: SimNode, folder: Path) -> Stick | None:
        try:
            files = _files(node, folder)
            done = files.export_down(to, folder) if to else files.export_up(folder)
        except BundleRefused:
            return None
        return Stick(done.path.read_bytes(), maker, done.way, done.readers)

    made: Stick | None = _at(world, maker, doing)
    world.note(f"{maker} makes a stick for {to or 'above'} {made is not None}")
    if made is not None:
        world.count(f"sticks_{made.way}")
        world.auditor.by_stick = True
        world.drawer.append(made)
        if len(world.drawer) > DRAWER_MAX:
            world.drawer.pop(world.rng.randrange(DRAWER_MAX))
    return made


def bring(world: World, stick: Stick, where: str, *, damaged: bool = False) -> bool:
    """Bring a stick to a node; return whether it was taken in. Raises: Wrong."""
    raw = _damage(world, stick.raw) if damaged else stick.raw

    def doing(node: SimNode, folder: Path) -> str:
        try:
            taken = _files(node, folder).import_upload(io.BytesIO(raw))
        except BundleRefused as refusal:
            return refusal.code
        return "again" if taken.already else "past" if taken.past else "taken"

    came_of: str | None = _at(world, where, doing)
    world.note(f"{where} is brought a stick of {stick.maker} {len(stick.raw)} {came_of}")
    if came_of is None:
        return False
    world.count(f"stick_{came_of}")
    held = came_of in TAKEN
    if held and (damaged or where not in stick.readers):
        raise Wrong(f"{where} took a stick of {stick.maker} that is damaged or not for it")
    return held


def _damage(world: World, raw: bytes) -> bytes:
    if world.rng.random() < 0.5:
        return raw[: world.rng.randrange(len(raw))]
    at = world.rng.randrange(1, TAG_BYTES + 1)
    return raw[:-at] + bytes([raw[-at] ^ 1]) + raw[len(raw) - at + 1 :]


def _bring_one(world: World) -> None:
    """Bring one stick of the drawer, one of the newest mostly, to a reader mostly."""
    rng = world.rng
    newest = world.drawer[-4:] if rng.random() < 0.6 else world.drawer
    stick = rng.choice(newest)
    where = rng.choice(list(world.stations)) if rng.random() < ASTRAY else _goal(world, stick)
    bring(world, stick, where, damaged=rng.random() < DAMAGED)


def _goal(world: World, stick: Stick) -> str:
    return world.rng.choice(sorted(set(stick.readers) & world.stations.keys()))


def clear_out(world: World, *, months: bool = True) -> None:
    """Let somebody find old sticks in a drawer, months later now and then, and bring them."""
    if not world.drawer:
        return
    if months and world.rng.random() < MONTHS_CHANCE and _all_known(world):
        world.true.pass_ms(MONTHS_MS)
        world.count("months_later")
        world.note("months later")
    for stick in world.rng.sample(world.drawer, min(OLD_MAX, len(world.drawer))):
        bring(world, stick, _goal(world, stick))
    world.count("sticks_cleared_out")


def by_stick_alone(world: World) -> None:
    """Let one station and central meet by sticks only: all between them comes across, both ways.

    Raises: Wrong.
    """
    code = world.rng.choice(world.children())
    own = world.auditor.of_log[code, world.stations[code].identity.epoch]
    for well in (code, CENTRAL):
        world.stations[well].clock.set_right()
        make_well(world, well)
    # What does not verify is asked for once more before what lies behind it goes on.
    for _ in range(TURNS + sum(entry.name in world.auditor.spoiled for entry in own)):
        up = make(world, code, "")
        if up is None or CENTRAL not in up.readers:
            world.count("by_stick_alone_skipped")  # it never heard of central
            return
        bring(world, up, CENTRAL)
        down = make(world, CENTRAL, code)
        if down is None:
            raise Wrong(f"{code} brought a stick and central makes none for it")
        bring(world, down, code)
    world.count("by_stick_alone")
    _check_across(world, code, own)


def _check_across(world: World, code: str, own: list[Committed]) -> None:
    auditor, checkers = world.auditor, world.checkers
    central = checkers.held[CENTRAL]
    if missing := [e.name for e in own if e.name not in central | auditor.passed()]:
        raise Wrong(f"{missing[0]} was on every stick to central and is not there")
    for stream in auditor.cases():
        there = checkers.decrees.counting(auditor, stream, central)
        # What a station below wrote and took past `code` by a stick of its own comes from there.
        others = {n for n in there.names if code not in auditor.path(n.split("/")[0])[1:]}
        if code in there.members and (missing := sorted(others - checkers.held[code])):
            raise Wrong(f"{missing[0]} is at central, and no stick to {code} brought it")
    identity = world.stations[code].identity
    with world.stations[code].durable.read() as transaction:
        said = file_book.furthest(identity.core(), transaction)
        log = transaction.log(identity.log)
    told = max(said.position, log.central_position if log is not None else 0)
    if told < len(own):
        raise Wrong(f"{code} was told by stick of {told} of its events at central, not {len(own)}")


def _all_known(world: World) -> bool:
    """Return whether every voucher was shown to all above: none is good for months."""
    return all(
        entries[0].name in world.checkers.held[above]
        for code in world.children()
        if (entries := world.auditor.of_log[code, world.stations[code].identity.epoch])
        for above in world.auditor.path(code)[1:]
    )


def _files(node: SimNode, folder: Path) -> Files:
    return Files(node.rounds, OpenSealing(), folder, node.clock_ms, node._after_commit)


def _at(world: World, code: str, doing: Callable[[SimNode, Path], Any]) -> Any:
    shared = SHARED_MEMORY if SHARED_MEMORY.is_dir() else None
    with tempfile.TemporaryDirectory(prefix="yizhan-stick-", dir=shared) as folder:
        found = world.guarded(code, lambda node: doing(node, Path(folder)))
    world.look([code])
    return found
