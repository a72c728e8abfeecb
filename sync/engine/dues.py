"""What a child is owed whatever its cases are: the time, revocations, purges, central's receipts.

A child that is new here, has a new life, or was another parent's for a while may have missed any
of it, and no digest would tell.
"""

from __future__ import annotations

from collections.abc import Iterable

from sync.engine import carried, receipts, routing
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
    known = digest.marks(transaction.statement(KNOWN, child) or b"")
    owe_time_mark(transaction, child, known)
    for kind in DECREES:
        held = transaction.statements(kind)
        if digest.mark(raw for _, raw in held) in known:
            continue
        for ref, _ in held:
            transaction.enqueue(child, kind, ref)
    carried.owe_all(shape, transaction, child)
    receipts.owe_held(transaction, child, known)


def owe_all(shape: Tree, transaction: Transaction, children: Iterable[str]) -> None:
    """Owe all of it to each of these children."""
    for child in children:
        owe(shape, transaction, child)


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
