"""A receipt books what its issuer durably holds of our content, and nothing else."""

from __future__ import annotations

import pytest
from msgspec.structs import replace

from sync.engine import receipts, tree, trust
from sync.protocol import canonical, statements
from sync.protocol.errors import BadSignature, Malformed
from sync.protocol.names import LogName
from sync.protocol.receipts import CentralReceipt, LogReceipt, Refusal
from tests.unit.sync.harness import Node, World


def own_receipt(node: Node, position: int) -> LogReceipt:
    """Return a true receipt for a log at a position."""

    def step(transaction: object) -> bytes:
        return receipts.chain_at(transaction, node.log(), position)

    log = node.core.log
    return LogReceipt(log.station, log.epoch, position, node.do(step))


def take(node: Node, receipt: LogReceipt) -> bool:
    took: bool = node.do(lambda transaction: receipts.take(transaction, receipt))
    return took


def test_a_true_receipt_moves_the_rung_of_the_parent(world: World) -> None:
    """Position and chain fit: what lies below is with the parent."""
    village = world.nodes["CG0111"]
    village.record()
    assert take(village, own_receipt(village, 2))
    assert 2 == village.log().parent_position


def test_a_receipt_over_another_content_books_nothing(world: World) -> None:
    """Same position, other chain: it speaks of something else, and is counted."""
    village = world.nodes["CG0111"]
    village.record()
    lie = replace(own_receipt(village, 2), chain=b"?" * 16, refused=[Refusal(2, "malformed")])
    assert not take(village, lie)
    assert 1 == village.log().parent_position
    assert [] == village.refusals(village.core.log)
    assert 1 == village.count("receipts_over_other_content")


@pytest.mark.parametrize("position", [-1, 3, 10**9])
@pytest.mark.parametrize("chain", [b"", b"?" * 16])
def test_a_receipt_for_positions_never_written_books_nothing(
    world: World, position: int, chain: bytes
) -> None:
    """Neither beyond the head nor before the start, and an empty chain is nobody's."""
    village = world.nodes["CG0111"]
    village.record()
    log = village.core.log
    assert not take(village, LogReceipt(log.station, log.epoch, position, chain))
    assert 1 == village.log().parent_position


def test_a_receipt_for_an_unknown_log_books_nothing(world: World) -> None:
    """A log that is not held here has no rung here."""
    assert not take(world.nodes["CG0111"], LogReceipt("CG9999", 1, 0, b""))


def test_an_older_receipt_takes_nothing_back(world: World) -> None:
    """Receipts that overtake each other leave the greater position."""
    village = world.nodes["CG0111"]
    village.record()
    take(village, own_receipt(village, 2))
    assert not take(village, own_receipt(village, 1))
    assert 2 == village.log().parent_position


def test_centrals_receipt_reaches_the_author_through_its_relay(world: World) -> None:
    """The rung `central` is signed by central and handed down as it is."""
    village = world.nodes["CG0111"]
    stored = village.record()
    village.sync(world.nodes["CG0101"])
    assert stored.name.position == village.log().parent_position
    assert stored.name.position > village.log().central_position
    world.settle()
    assert stored.name.position == village.log().central_position


def central_receipt(by: Node, of: LogName, position: int, chain: bytes, **changes: object):
    """Return a receipt signed by a node."""
    payload = CentralReceipt(
        1, of.station, of.epoch, position, chain, "central", 1, by.core.incarnation
    )
    fields = replace(payload, **changes)
    return trust.sign(by.core, statements.RECEIPT, canonical.dumps(fields))


def take_central(node: Node, statement: statements.Statement) -> bool:
    took: bool = node.do(
        lambda tx: receipts.take_central(node.core, tree.load(node.core, tx, 0), tx, statement)
    )
    return took


def test_a_central_receipt_of_somebody_else_is_refused(world: World) -> None:
    """A relay cannot say in central's name how far central holds."""
    village, township = world.nodes["CG0111"], world.nodes["CG0101"]
    village.record()
    forged = central_receipt(township, village.core.log, 2, village.log().chain)
    with pytest.raises(BadSignature):
        take_central(village, forged)
    assert 1 == village.log().central_position


def test_a_central_receipt_over_another_content_is_refused(world: World) -> None:
    """Central holds something else at this position: that is for a person, not for the rung."""
    village = world.nodes["CG0111"]
    village.record()
    with pytest.raises(BadSignature):
        take_central(village, central_receipt(world.central, village.core.log, 2, b"?" * 16))
    assert 1 == village.log().central_position


def test_a_central_receipt_of_an_unknown_rung_is_refused(world: World) -> None:
    """Four rungs, never mixed up."""
    village = world.nodes["CG0111"]
    village.record()
    odd = central_receipt(world.central, village.core.log, 2, village.log().chain, rung="moon")
    with pytest.raises(Malformed):
        take_central(village, odd)


def test_the_rung_backed_up_is_apart_from_the_rung_central(world: World) -> None:
    """A receipt of one rung never moves another."""
    village = world.nodes["CG0111"]
    village.record()
    log = village.log()
    statement = central_receipt(world.central, log.name, 2, log.chain, rung="backup")
    assert take_central(village, statement)
    assert (1, 2) == (village.log().central_position, village.log().backup_position)
    assert not take_central(village, statement)


def test_centrals_receipt_that_came_before_the_log_is_handed_down_with_it(world: World) -> None:
    """A relay put back hears central's word before its child calls again: the child is owed it."""
    village, township = world.nodes["CG0111"], world.nodes["CG0101"]
    village.record()
    world.settle()
    log = township.log(village.core.log)
    township.do(lambda t: t.put_log(replace(log, parent_position=0, central_position=0)))
    assert 0 == township.do(lambda t: t.outbox_count("CG0111"))
    assert take(township, LogReceipt(*log.name, log.position, log.chain))
    assert log.position == township.log(log.name).central_position
    owed = township.do(lambda t: t.outbox_count("CG0111"))
    assert owed > 0
    assert not take(township, LogReceipt(*log.name, log.position, log.chain))
    assert owed == township.do(lambda t: t.outbox_count("CG0111"))
