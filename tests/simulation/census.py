"""What is on the disks, counted from outside after a machine was put back, and what must follow.

Its former auditor saw things that are gone with the disk. A new one is made of what central holds
in the end, once that was held against what had survived.
"""

from __future__ import annotations

from typing import NamedTuple

from sync.protocol.names import EventName, LogName
from sync.protocol.ports import RECOVERED, StoredEvent, Transaction
from tests.simulation.auditor import Wrong
from tests.simulation.catalogue import CENTRAL
from tests.simulation.checkers import Checkers
from tests.simulation.world import World

PAGE = 10_000


class AtItsLimit(Exception):
    """A relay that was put back silently wrote in the place of what only its children held."""


class Copy(NamedTuple):
    """One content of one position."""

    name: str
    envelope: bytes


class Survivors(NamedTuple):
    """What was held anywhere just after a machine was put back.

    Shapes: `above` is what others wrote and what an ancestor of its author held: it stays what it
    is. `below` is what only the victim or nodes below it held of the victim's own log: it comes
    back, unless the victim wrote something else in its place before it knew.
    """

    above: frozenset[Copy]
    below: frozenset[Copy]


class Announced(NamedTuple):
    """How far its parent heard that a log was written, whether it got all of it or not."""

    epoch: int
    position: int


def announced(world: World, victim: str) -> Announced:
    """Return what the parent of a machine heard of its log, from the parent's disk."""
    epoch = world.stations[victim].identity.epoch
    if victim == CENTRAL:
        return Announced(epoch, 0)
    with world.stations[world.parents[victim]].durable.read() as transaction:
        raw = transaction.statement("heard", f"{victim}/{epoch}")
    return Announced(epoch, int(raw or b"0"))


def of(world: World, victim: str) -> Survivors:
    """Return what is on the disks now."""
    above: set[Copy] = set()
    below: set[Copy] = set()
    for code in world.stations:
        for stored in _held(world, code):
            name = str(stored.name)
            author = stored.name.station
            if name in world.auditor.spoiled:
                continue
            safe = author != victim or code in world.auditor.path(author)[1:]
            (above if safe else below).add(Copy(name, stored.event.envelope))
    return Survivors(frozenset(above), frozenset(below - above))


def _held(world: World, code: str) -> list[StoredEvent]:
    with world.stations[code].durable.read() as transaction:
        found = transaction.events_after(0, PAGE)
    return [stored for stored in found if stored.standing != RECOVERED]


def take(world: World, victim: str, survivors: Survivors, told: Announced) -> None:
    """Check what became of everything that survived; then look at the world with new eyes.

    Raises: Wrong; AtItsLimit, where ADR 10 says that a node below keeps what it was given.
    """
    good = {str(stored.name): stored for stored in _held(world, CENTRAL)}
    with world.stations[CENTRAL].durable.read() as transaction:
        recovered = {
            Copy(str(stored.name), stored.event.envelope)
            for stored in transaction.events_standing(RECOVERED, PAGE)
        }
    for copy in sorted(survivors.above):
        there = good.get(copy.name)
        if there is None or there.event.envelope != copy.envelope:
            raise Wrong(f"{copy.name} was held above its author and is not at central any more")
    for copy in sorted(survivors.below):
        there = good.get(copy.name)
        fine = there is not None and there.event.envelope == copy.envelope
        if not fine and copy not in recovered:
            if there is not None and copy.name.split("/")[0] == victim:
                raise AtItsLimit  # it wrote there again before a child could tell it
            raise Wrong(f"{copy.name} survived below {victim} and never came to central")
    _nobody_keeps_other_content(world, victim, good, recovered)
    lost = _lost(world, victim, good)
    for position in range(1, told.position + 1):
        name = f"{victim}/{told.epoch}/{position}"
        if name not in good and name not in lost | world.auditor.spoiled:
            raise Wrong(f"{name} was announced, is nowhere, and nobody is told that it is lost")
    world.counts["lost_positions"] = len(lost)
    world.counts["recovered_events"] = len(recovered)
    spoiled = [
        stored
        for code in world.stations
        for stored in _held(world, code)
        if stored.name.station == code and str(stored.name) in world.auditor.spoiled
    ]
    world.auditor.spoiled -= _beyond_their_logs(world)
    world.auditor = auditor = world.auditor.anew([*good.values()], spoiled, lost, victim)
    world.checkers = Checkers(world.stations, auditor, CENTRAL)
    world.unwatched.clear()
    world.look(list(world.stations))


def _beyond_their_logs(world: World) -> set[str]:
    """Return the names of what did not verify and was never sent: with the disk it is gone."""
    gone = set()
    for name in map(EventName.parse, world.auditor.spoiled):
        with world.stations[name.station].durable.read() as transaction:
            log = transaction.log(name.log)
        if log is None or log.position < name.position:
            gone.add(str(name))
    return gone


def _nobody_keeps_other_content(
    world: World, victim: str, good: dict[str, StoredEvent], recovered: set[Copy]
) -> None:
    for code in world.stations:
        for stored in _held(world, code):
            name, envelope = str(stored.name), stored.event.envelope
            there = good.get(name)
            if there is None and Copy(name, envelope) not in recovered:
                continue  # never sent, or it does not verify
            if there is None or there.event.envelope != envelope:
                if stored.name.station == victim and victim in world.auditor.path(code)[1:]:
                    raise AtItsLimit
                raise Wrong(f"{code} holds another content of {name} than central")


def _lost(world: World, victim: str, good: dict[str, StoredEvent]) -> set[str]:
    """Return what is lost of the victim's logs: by number, the same all the way up.

    Nothing that is held is called lost, and nothing else is missing.
    """
    told = {code: _called_lost(world, code, victim) for code in world.auditor.path(victim)}
    lost = told[victim]
    for code, names in told.items():
        if names < lost and all(_came_by_file(world, code, name) for name in lost - names):
            raise AtItsLimit  # a stick of the former life was there before the new epoch
        if names != lost:
            raise Wrong(f"{code} calls {names} of {victim} lost, not {lost}")
    if held := sorted(lost & good.keys()):
        raise Wrong(f"{held[0]} is held at central and called lost")
    return lost


def _came_by_file(world: World, code: str, name: str) -> bool:
    with world.stations[code].durable.read() as transaction:
        held = transaction.event(EventName.parse(name))
    return held is not None and held.source.endswith("+")


def _called_lost(world: World, code: str, victim: str) -> set[str]:
    with world.stations[code].durable.read() as transaction:
        return {
            f"{victim}/{epoch}/{refused.position}"
            for epoch in _epochs(transaction, victim)
            for refused in transaction.refusals(LogName(victim, epoch))
            if refused.reason == "lost"
        }


def _epochs(transaction: Transaction, station: str) -> list[int]:
    return [log.name.epoch for log in transaction.logs() if log.name.station == station]
