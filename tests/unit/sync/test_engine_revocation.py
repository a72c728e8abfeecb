"""A revoked station: its cut decides everywhere and at any time what of it counts."""

from __future__ import annotations

import pytest

from sync.engine import revocation, tree
from sync.engine.core import Effects
from sync.protocol import canonical, rounds, statements
from sync.protocol.errors import BadSignature
from sync.protocol.ports import GOOD, REVOKED, StoredEvent
from sync.protocol.statements import Revocation, Statement
from sync.signing import Ed25519Signer
from tests.unit.sync.harness import AUTHORITY, Node, World, certify, seed_of, verdict_of

THIEF = "CG0111"


def revoke(world: World, last_good: int | None, *, trusted_from: int = 0) -> None:
    """Revoke the thief at central, by default at what central holds."""
    central, thief = world.central, world.nodes[THIEF]
    with central.store.write() as transaction:
        log = transaction.log(thief.core.log)
        held = log.position if log is not None else 0
        revocation.issue(
            central.core,
            transaction,
            world.clock.later(1000),
            AUTHORITY,
            THIEF,
            cuts={thief.core.epoch: held if last_good is None else last_good},
            trusted_from=trusted_from,
            reason="演示",
        )


def standings(stored: StoredEvent, *nodes: Node) -> list[str]:
    return [node.standing(stored) for node in nodes]


def test_every_node_learns_it_and_the_parent_refuses_the_station(world: World) -> None:
    """One round after a relay learnt it, the station is told so, with the cut and the reason."""
    thief, parent = world.nodes[THIEF], world.nodes["CG0101"]
    revoke(world, None)
    parent.sync(world.central)
    raw = parent.serve(thief.begin())
    assert rounds.REVOKED == verdict_of(raw).verdict
    thief.take(raw)
    for node in (thief, parent):
        with node.store.read() as transaction:
            held = revocation.of(transaction, THIEF)
        assert held is not None
        assert "演示" == held.reason
    world.settle()
    for node in world.nodes.values():
        with node.store.read() as transaction:
            assert revocation.of(transaction, THIEF) is not None, node.code


def test_what_counted_above_the_cut_counts_nowhere_any_more(world: World) -> None:
    """The cut works backwards: also where an event was applied and handed on long ago."""
    thief, member, parent = (world.nodes[c] for c in (THIEF, "CG0211", "CG0101"))
    case = thief.record(added=["CG0211"])
    later = thief.record(stream=str(case.name))
    world.settle()
    everywhere = (thief, parent, world.central, member)
    assert [GOOD] * 4 == standings(later, *everywhere)
    revoke(world, case.name.position)
    world.settle()
    assert [REVOKED] * 4 == standings(later, *everywhere)
    assert [GOOD] * 4 == standings(case, *everywhere)


@pytest.mark.parametrize("above", [True, False])
def test_what_arrives_after_the_revocation_follows_the_cut(world: World, above: bool) -> None:
    """Position decides, not time: below it counts, above it is kept, receipted and not routed."""
    thief, member, parent = (world.nodes[c] for c in (THIEF, "CG0112", "CG0101"))
    case = thief.record(added=["CG0112", "CG0211"])
    thief.sync(parent)  # the parent holds it, central does not yet
    revoke(world, case.name.position - above)
    world.settle()
    expected = REVOKED if above else GOOD
    assert [expected] * 2 == standings(case, parent, world.central)
    assert member.holds(case) is not above
    assert world.nodes["CG0211"].holds(case) is not above
    assert case.name.position == world.central.log(thief.core.log).position
    assert case.name.position == parent.log(thief.core.log).parent_position


def test_a_raised_cut_applies_and_routes_what_was_held_back(world: World) -> None:
    """Evidence is not lost: a person at central looks at it and lets it count."""
    thief, member, parent = (world.nodes[c] for c in (THIEF, "CG0211", "CG0101"))
    case = thief.record(added=["CG0211"])
    thief.sync(parent)
    revoke(world, 1)
    world.settle()
    assert not member.holds(case)
    revoke(world, case.name.position)
    world.settle()
    assert [GOOD] * 3 == standings(case, member, parent, world.central)


def test_a_right_given_above_the_cut_is_gone_and_given_back_with_it(world: World) -> None:
    """Who was let in only by a revoked event does not write, in whatever order it all came."""
    thief, guest, township = (world.nodes[c] for c in (THIEF, "CG0211", "CG0101"))
    case = thief.record(added=["CG0112"])
    letting_in = thief.record(stream=str(case.name), added=["CG0211"])
    world.settle()
    act = guest.record(stream=str(case.name))
    world.settle()
    assert [GOOD] * 3 == standings(act, guest, township, world.central)
    revoke(world, case.name.position)
    late = guest.record(stream=str(case.name))
    world.settle()
    for one in (act, late):
        assert [REVOKED] * 2 == standings(one, guest, world.central)
    assert GOOD != township.standing(late)
    revoke(world, letting_in.name.position)
    world.settle()
    for one in (act, late):
        assert [GOOD] * 3 == standings(one, guest, township, world.central)


def test_links_agree_on_their_digests_after_a_cut(world: World) -> None:
    """Nothing is sent again for ever because of what ceased to count."""
    thief = world.nodes[THIEF]
    case = thief.record(added=["CG0211"])
    thief.record(stream=str(case.name), added=["CG0112"])
    world.settle()
    revoke(world, case.name.position)
    world.settle()
    for node in world.nodes.values():
        if node.core.parent is None or node is thief:
            continue
        above = world.nodes[node.core.parent]
        with above.store.read() as transaction, node.store.read() as below:
            link, parent_link = transaction.child_link(node.code), below.parent_link()
        assert link is not None
        assert parent_link is not None
        assert link.digest == parent_link.digest, node.code
    assert [0] * 6 == [node.count("links_healed") for node in world.nodes.values()]


def test_all_epochs_are_refused_until_the_station_is_trusted_again(world: World) -> None:
    """Also one opened with a voucher that was still out; not one from `trusted_from` on."""
    revoke(world, None)
    world.settle()
    parent = world.nodes["CG0101"]
    old = world.nodes[THIEF]
    spare = Node(world.clock, THIEF, "CG0101", epoch=old.core.epoch + 5, life=2)
    certify(parent, spare)
    assert rounds.REVOKED == verdict_of(parent.serve(spare.begin())).verdict
    revoke(world, None, trusted_from=world.clock.later(1000))
    world.settle()
    fresh = Node(world.clock, THIEF, "CG0101", epoch=world.clock.later(1000), life=3)
    certify(parent, fresh)
    assert rounds.OK == verdict_of(parent.serve(fresh.begin())).verdict
    assert rounds.REVOKED == verdict_of(parent.serve(old.begin())).verdict


def test_a_restored_central_learns_its_revocations_from_below(world: World) -> None:
    """A backup from before the theft does not let the thief in again."""
    central = world.central
    before = central.disk()
    revoke(world, None)
    world.settle()
    central.put_back(before)
    central.new_life(9)
    world.settle()
    with central.store.read() as transaction:
        assert revocation.of(transaction, THIEF) is not None


def test_the_revoked_station_moves_nothing_in_the_tree(world: World) -> None:
    """Its attachment would have others' cases sent to where it likes."""
    thief, other = world.nodes[THIEF], world.nodes["CG0201"]
    revoke(world, None)
    world.settle()
    world.clock.later(1000)
    payload = statements.Attachment(1, THIEF, "CG0201", world.clock.ms)
    statement = Statement(
        statements.ATTACHMENT, canonical.dumps(payload), b"", thief.core.signer_name
    )
    signed = Statement(
        statement.kind,
        statement.payload,
        thief.signer.sign(statement.message()),
        statement.signer,
    )
    certify(other, thief)
    with other.store.write() as transaction:
        transaction.enqueue("^", statements.ATTACHMENT, THIEF)
        transaction.put_statement(statements.ATTACHMENT, THIEF, statements.encode(signed))
    other.sync(world.central)
    with world.central.store.read() as transaction:
        shape = tree.load(world.central.core, transaction, world.clock.ms)
    assert "CG0101" == shape.parents[THIEF]


def test_only_the_authority_revokes_and_the_newest_counts(world: World) -> None:
    """A township cannot have a neighbour refused; an older statement changes nothing."""
    central = world.central
    revoke(world, 1)
    with central.store.read() as transaction:
        older = transaction.statement(statements.REVOCATION, THIEF)
    revoke(world, 2)
    assert older is not None
    with central.store.write() as transaction:
        again = statements.decode(older)
        revocation.take(central.core, transaction, world.clock.ms, again, Effects())
        held = revocation.of(transaction, THIEF)
    assert held is not None
    assert [2] == [cut.last_good for cut in held.cuts]
    payload = canonical.dumps(Revocation(1, "CG0112", [], 0, world.clock.ms, "演示"))
    stranger = Ed25519Signer(seed_of("stranger"))
    unsigned = Statement(statements.REVOCATION, payload, b"", statements.AUTHORITY)
    forged = Statement(
        unsigned.kind, payload, stranger.sign(unsigned.message()), statements.AUTHORITY
    )
    with central.store.write() as transaction, pytest.raises(BadSignature):
        revocation.take(central.core, transaction, world.clock.ms, forged, Effects())
