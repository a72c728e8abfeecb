"""What a child is owed whatever its cases are: the time, revocations, purges, central's receipts.

A child that is new here, has a new life, or was another parent's for a while may have missed any
of it, and no digest would tell.
"""

from __future__ import annotations

from collections.abc import Iterable

from sync.engine import receipts, routing
from sync.protocol import statements
from sync.protocol.ports import Transaction

DECREES = (statements.REVOCATION, statements.PURGE)
"""Statements of the authority that go to every node."""


def owe(transaction: Transaction, child: str) -> None:
    """Owe a child the newest time mark, every decree, and central's receipts for its logs."""
    owe_time_mark(transaction, child)
    for kind in DECREES:
        for ref, _ in transaction.statements(kind):
            transaction.enqueue(child, kind, ref)
    receipts.owe_held(transaction, child)


def owe_all(transaction: Transaction, children: Iterable[str]) -> None:
    """Owe all of it to each of these children."""
    for child in children:
        owe(transaction, child)


def owe_time_mark(transaction: Transaction, child: str) -> None:
    """Owe a child the newest time mark, with the certificate it is checked by."""
    held = transaction.statement(statements.TIME_MARK, "")
    link = transaction.child_link(child)
    if held is None or link is None:
        return
    routing.owe_signer(transaction, link, statements.decode(held))
    transaction.enqueue(child, statements.TIME_MARK, "")


def offer_up(transaction: Transaction) -> None:
    """Tell a parent of a new incarnation every decree: its backup may be older than they are."""
    for kind in DECREES:
        for ref, _ in transaction.statements(kind):
            transaction.enqueue(routing.UP, kind, ref)
