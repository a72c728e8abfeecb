"""Bodies dropped when a backup holds them, and fetched again from above when needed."""

from __future__ import annotations

from msgspec.structs import replace

from sync.engine import fetching, pruning, tree
from sync.protocol.names import EventName, LogName
from sync.protocol.ports import StoredEvent
from tests.unit.sync.harness import Node, World
from tests.unit.sync.test_engine_purge import body_at, erase


def back_up(node: Node, log: LogName, position: int) -> None:
    """Let a node know that a verified backup holds a log up to a position."""
    with node.store.write() as transaction:
        state = transaction.log(log)
        assert state is not None
        transaction.put_log(replace(state, backup_position=position))


def prune(node: Node, log: LogName, *, old: bool = True, closed: bool = True) -> pruning.Freed:
    """Prune a log at a node, everything being old and closed enough unless said otherwise."""
    with node.store.write() as transaction:
        state = transaction.log(log)
        assert state is not None
        before = node.clock.ms + 1 if old else 0
        return pruning.page(node.core, transaction, state, 0, before, lambda _: closed)[0]


def settled_case(world: World, *, body: str = "演示") -> StoredEvent:
    """Return a case of the first village at rest, with a member below the other township."""
    case = world.nodes["CG0111"].record(added=["CG0211"], body={"text": body})
    world.settle()
    return case


def want(node: Node, *names: EventName) -> None:
    node.do(lambda transaction: fetching.want(transaction, names))


def test_only_what_is_backed_up_old_and_closed_goes(world: World) -> None:
    """Each of the three conditions keeps a body; the epoch's own first event stays always."""
    author = world.nodes["CG0111"]
    case = settled_case(world)
    log = author.core.log
    assert 0 == prune(author, log).bodies
    back_up(author, log, case.name.position)
    later = author.record()
    world.settle()
    assert 0 == prune(author, log, old=False).bodies
    assert 0 == prune(author, log, closed=False).bodies
    freed = prune(author, log)
    assert 1 == freed.bodies
    assert freed.bytes > len(case.event.body or b"")
    assert (b"", None) == body_at(author, case.name)
    assert body_at(author, later.name)[1] is not None
    assert body_at(author, EventName(*log, 1))[1] is not None
    assert 0 == prune(author, log).bodies


def test_nothing_unsent_goes_whatever_a_backup_is_said_to_hold(world: World) -> None:
    """A parent of a new incarnation may be offered the log again."""
    author = world.nodes["CG0111"]
    case = settled_case(world)
    back_up(author, author.core.log, case.name.position)
    with author.store.write() as transaction:
        state = transaction.log(author.core.log)
        assert state is not None
        transaction.put_log(replace(state, parent_position=0))
    assert 0 == prune(author, author.core.log).bodies


def test_a_pruned_body_comes_back_from_the_parent(world: World) -> None:
    """Asked for in one round, there with its answer, byte for byte."""
    author, township = world.nodes["CG0111"], world.nodes["CG0101"]
    case = settled_case(world)
    back_up(author, author.core.log, case.name.position)
    prune(author, author.core.log)
    want(author, case.name)
    assert author.round(township).judged
    assert author.holds(case)
    with author.store.write() as transaction:
        assert [] == fetching.wanted(transaction)


def test_a_body_pruned_at_the_relay_too_is_passed_down_the_tree(world: World) -> None:
    """The relay asks its own parent and hands the body on."""
    author, township = world.nodes["CG0111"], world.nodes["CG0101"]
    case = settled_case(world)
    for node in (author, township):
        back_up(node, author.core.log, case.name.position)
        prune(node, author.core.log)
    want(author, case.name)
    author.round(township)
    assert not author.holds(case)
    township.round(world.central)
    author.round(township)
    assert author.holds(case)
    assert township.holds(case)


def test_a_new_member_gets_history_without_bodies_and_fetches_them(world: World) -> None:
    """A relay that pruned hands on what it has; the newcomer asks for the rest."""
    author, township, newcomer = (world.nodes[c] for c in ("CG0111", "CG0101", "CG0112"))
    case = settled_case(world)
    back_up(township, author.core.log, case.name.position)
    prune(township, author.core.log)
    author.record(stream=str(case.name), added=["CG0112"])
    world.settle()
    assert (b"", None) == body_at(newcomer, case.name)
    want(newcomer, case.name)
    for _ in range(2):
        newcomer.round(township)
        township.round(world.central)
    newcomer.round(township)
    assert newcomer.holds(case)


def test_a_stranger_is_given_no_body(world: World) -> None:
    """Knowing a name is no right: only what a child is sent anyway is given to it."""
    settled_case(world)
    secret = world.nodes["CG0111"].record()
    world.settle()
    stranger, township = world.nodes["CG0211"], world.nodes["CG0201"]
    with world.central.store.write() as transaction:
        shape = tree.load(world.central.core, transaction, world.clock.ms)
        given = fetching.give(
            world.central.core, shape, transaction, township.code, [str(secret.name), "x"]
        )
    assert [] == given
    assert stranger.event(secret.name) is None


def test_a_purged_body_never_comes_back(world: World) -> None:
    """What was wanted and is purged meanwhile is wanted no longer."""
    author = world.nodes["CG0111"]
    case = settled_case(world)
    back_up(author, author.core.log, case.name.position)
    prune(author, author.core.log)
    want(author, case.name)
    erase(world, case)
    world.settle()
    assert (b"", None) == body_at(author, case.name)
    with author.store.write() as transaction:
        assert [] == fetching.wanted(transaction)


def test_another_body_than_the_envelopes_is_not_taken(world: World) -> None:
    """A parent cannot slip in a text of its own."""
    author, township = world.nodes["CG0111"], world.nodes["CG0101"]
    case = settled_case(world)
    back_up(author, author.core.log, case.name.position)
    prune(author, author.core.log)
    want(author, case.name)
    with township.store.write() as transaction:
        transaction.drop_body(case.name)
        transaction.restore_body(case.name, bytes(16), b'{"text":"x"}')
    author.round(township)
    assert (b"", None) == body_at(author, case.name)
