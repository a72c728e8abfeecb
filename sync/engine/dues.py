"""What a child is owed whatever its cases are: the time, revocations, purges, central's receipts.

A child that is new here, has a new life, or was another parent's for a while may have missed any
of it, and no digest would tell.
"""

from __future__ import annotations

from collections.abc import Iterable

from sync.engine import carried, receipts, registers, routing
from sync.engine.tree import Tree
from sync.protocol import digest, statements
from sync.protocol.ports import Transaction

KNOWN = "known"
"""Kind under which the marks are kept of what a child showed that it holds."""
DECREES = (statements.REVOCATION, statements.PURGE)
"""Statements of the authority that go to every node."""


def owe(shape: Tree, transaction: Transaction, child: str) -> None:
    """Owe a child the newest time mark, every decree, what is only carried, central's receipts.

    What it showed that it holds is left out; it loses none of that but in a new life.
    """
    known = known_to(transaction, child)
    owe_time_mark(transaction, child, known)
    for kind in DECREES:
        held = transaction.statements(kind)
        if digest.mark(raw for _, raw in held) in known:
            continue
        for ref, _ in held:
            transaction.enqueue(child, kind, ref)
    carried.owe_all(shape, transaction, child)
    receipts.owe_held(transaction, child, shape.subtree(child), known)


def known_to(transaction: Transaction, child: str) -> frozenset[bytes]:
    """Return the marks of what a child showed that it holds."""
    return digest.marks(transaction.statement(KNOWN, child) or b"")


def owe_all(shape: Tree, transaction: Transaction, children: Iterable[str]) -> None:
    """Owe all of it, and the editions, to each of these children that came back from elsewhere.

    What it said of its editions as it came was answered before it was known to be back, and let
    go of with the news that it had left; one that is here for the first time was told nothing.
    """
    for child in children:
        owe(shape, transaction, child)
        link = transaction.child_link(child)
        if link is not None and link.rounds > 1:
            registers.owe_editions(shape, transaction, child, {})


def owe_time_mark(
    transaction: Transaction, child: str, known: frozenset[bytes] = frozenset()
) -> None:
    """Owe a child the newest time mark, with the certificate it is checked by."""
    held = transaction.statement(statements.TIME_MARK, "")
    link = transaction.child_link(child)
    if held is None or link is None or digest.mark([held]) in known:
        return
    routing.owe_signer(transaction, link, statements.decode(held))
    transaction.enqueue(child, statements.TIME_MARK, "")


def offer_up(transaction: Transaction) -> None:
    """Tell a parent of a new incarnation what is held for everybody: its backup may be older."""
    for kind in DECREES:
        for ref, _ in transaction.statements(kind):
            transaction.enqueue(routing.UP, kind, ref)
    carried.offer_up(transaction)
