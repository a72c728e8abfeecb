"""Revocations and purges that meet moves, other trees and new epochs: all nodes come to one end."""

from __future__ import annotations

from collections.abc import Callable

import pytest

from sync.engine import intake, notices, record, recovery, routing, tree
from sync.engine.core import Effects
from sync.protocol import frames, statements
from sync.protocol.ports import GOOD, INCOMPLETE, REVOKED, StoredEvent
from sync.protocol.statements import Attachment
from tests.fakes.memory_store import MemoryStore
from tests.unit.sync.harness import Node, World, altered, certify
from tests.unit.sync.test_engine_homes import OTHER, OWN, STATION, attach, settled
from tests.unit.sync.test_engine_purge import erase
from tests.unit.sync.test_engine_revocation import revoke


def parent_by(node: Node, code: str) -> str:
    """Return a station's parent by the tree a node sees."""
    with node.store.read() as transaction:
        return tree.load(node.core, transaction, node.clock.ms).parents[code]


def attachment_at(node: Node, code: str) -> str:
    """Return the parent a station's attachment names as held at a node, "" if none is held."""
    with node.store.read() as transaction:
        raw = transaction.statement(statements.ATTACHMENT, code)
    return "" if raw is None else statements.decode(raw).read(Attachment).parent


def carry(transaction_from: Node, to: Node, code: str) -> None:
    """Let an attachment come to a node as its child would hand it up."""
    with transaction_from.store.read() as transaction:
        raw = transaction.statement(statements.ATTACHMENT, code)
    assert raw is not None
    certify(to, transaction_from)
    to.do(
        lambda transaction: notices.take(
            to.core, transaction, to.clock.ms, raw, from_child=OTHER, effects=Effects()
        )
    )


@pytest.mark.parametrize("attachment_first", [True, False])
def test_a_revoked_stations_move_counts_from_when_it_is_trusted_again(
    world: World, attachment_first: bool
) -> None:
    """Until then the register's word counts, whether the move or the revocation came first."""
    central, station = world.central, world.nodes[STATION]
    steps: list[Callable[[], None]] = [
        lambda: carry(station, central, STATION),
        lambda: revoke(world, None),
    ]
    attach(world, STATION, OTHER)
    for step in steps if attachment_first else reversed(steps):
        step()
    assert OWN == parent_by(central, STATION)
    assert OTHER == attachment_at(central, STATION)
    revoke(world, None, trusted_from=station.core.epoch)
    assert OTHER == parent_by(central, STATION)


def test_an_attachment_of_a_revoked_station_is_known_all_the_way_up(world: World) -> None:
    """Struck off as taken and passed over by a relay, it would never come again."""
    station, parent = world.nodes[STATION], world.nodes[OTHER]
    attach(world, STATION, OTHER)
    station.sync(parent)  # before anybody heard; its parent has still to hand it on
    revoke(world, None)
    settled(world)
    revoke(world, None, trusted_from=station.core.epoch)
    settled(world)
    assert OTHER == attachment_at(world.central, STATION)
    assert OTHER == parent_by(world.central, STATION)


def test_a_new_epoch_says_anew_where_it_belongs(world: World) -> None:
    """The word of the epoch before is that of a thief's key."""
    station = world.nodes[STATION]
    attach(world, STATION, OTHER)
    settled(world)
    revoke(world, None, trusted_from=world.clock.later(1000))
    settled(world)
    assert OWN == parent_by(world.central, STATION)
    fresh = Node(world.clock, STATION, OTHER, epoch=world.clock.later(1000), life=3)
    fresh.put_back(station.disk())
    fresh.do(lambda t: t.put_certificate(fresh.core.log, fresh.core.certificate))
    fresh.do(lambda t: notices.attach(fresh.core, t, world.clock.ms))
    certify(world.central, fresh)
    carry(fresh, world.central, STATION)
    assert OTHER == parent_by(world.central, STATION)


def test_a_right_by_attachment_counts_whatever_came_first(world: World) -> None:
    """An event of the station's new parent waits for the attachment, and not for longer."""
    station, other, central = world.nodes[STATION], world.nodes[OTHER], world.central
    attach(world, STATION, OTHER)
    case = station.record()
    for _ in range(3):
        station.round(other)
    act = other.record(stream=str(case.name))
    assert GOOD == other.standing(act)
    request = altered(
        other.begin(), lambda frame: None if frame.type == frames.STATEMENTS else frame
    )
    central.serve(request)
    assert GOOD == central.standing(case)
    assert INCOMPLETE == central.standing(act)
    settled(world)
    assert GOOD == central.standing(act)


def test_who_comes_back_is_told_the_purges_he_missed(world: World) -> None:
    """Struck off when the child left, never heard at the other parent."""
    station, own, other = world.nodes[STATION], world.nodes[OWN], world.nodes[OTHER]
    case = station.record()
    settled(world)
    erase(world, case)
    own.sync(world.central)  # owes it to its child now
    attach(world, STATION, OTHER)
    station.sync(other)  # which has not heard of the purge
    other.sync(world.central)
    own.sync(world.central)  # the child is gone, and what it was owed with it
    attach(world, STATION, OWN)
    for _ in range(3):
        station.sync(own)
    with station.store.read() as transaction:
        assert transaction.statements(statements.PURGE)


def test_an_epoch_that_is_trusted_late_closes_the_one_before_it(world: World) -> None:
    """Else one node would let count what comes too late, and another keep it as recovered."""
    old, parent = world.nodes[STATION], world.nodes[OWN]
    revoke(world, 0)
    settled(world)
    fresh = Node(world.clock, STATION, OWN, epoch=world.clock.later(1000), life=3)
    fresh.store = MemoryStore()
    first: StoredEvent = fresh.do(
        lambda t: record.open_epoch(fresh.core, t, world.clock.ms, old.core.log, 3, [[2, 3]])
    )
    certify(parent, fresh)
    with parent.store.write() as transaction:
        shape = tree.load(parent.core, transaction, world.clock.ms)
        intake.from_child(
            parent.core, shape, transaction, world.clock.ms, first.event, STATION, Effects()
        )
    assert REVOKED == parent.standing(first)
    revoke(world, 0, trusted_from=fresh.core.epoch)
    parent.sync(world.central)
    assert GOOD == parent.standing(first)
    with parent.store.read() as transaction:
        assert 3 == recovery.closed_at(transaction, old.core.log)


def test_a_right_lost_with_a_cut_is_found_again_by_another_tree(world: World) -> None:
    """Whoever had the new tree before the cut judges so; whoever gets it after shall too."""
    thief, guest = world.nodes[STATION], world.nodes["CG0211"]
    case = thief.record(added=["CG0112"])
    thief.record(stream=str(case.name), added=["CG0211"])
    world.settle()
    act = guest.record(stream=str(case.name))
    world.settle()
    revoke(world, case.name.position)
    world.settle()
    assert REVOKED == world.central.standing(act)
    row = world.rows["CG0112"]["attributes"][0]
    world.rows["CG0112"]["attributes"] = [{**row, "parent": "CG0211", "from": "2019-01-01"}, row]
    world.publish_stations()
    world.settle()
    assert GOOD == world.central.standing(act)


def test_what_comes_to_count_in_a_stream_that_was_cut_is_shown_anew(world: World) -> None:
    """By a right that comes late, also in an event casework never looks at."""
    thief, township, guest = (world.nodes[c] for c in (STATION, OWN, "CG0112"))
    case = thief.record()
    world.settle()
    letting_in = township.record(stream=str(case.name), kind="sync.noted", added=["CG0112"])
    above = thief.record(stream=str(case.name))
    thief.sync(township)
    guest.sync(township)
    act = guest.record(stream=str(case.name))
    revoke(world, case.name.position)
    central = world.central
    for stored in (above, act):
        hand_up(central, stored)
    assert [REVOKED, INCOMPLETE] == [central.standing(above), central.standing(act)]
    central.do(routing.take_settled)
    hand_up(central, letting_in)
    assert GOOD == central.standing(act)
    assert [str(case.name)] == central.do(routing.take_settled)


def hand_up(node: Node, stored: StoredEvent) -> None:
    """Let an event come to a node as its township would hand it up."""
    with node.store.write() as transaction:
        shape = tree.load(node.core, transaction, node.clock.ms)
        intake.from_child(
            node.core, shape, transaction, node.clock.ms, stored.event, OWN, Effects()
        )
