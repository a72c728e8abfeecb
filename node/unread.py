"""Cases with records of kinds this program does not know: shown anew by one that knows them.

A record of an unknown kind is held, handed on and listed, and changes nothing. The case list and
the acts by rule follow at the first start of a release that understands it.
"""

from __future__ import annotations

from collections.abc import Iterable

from casework.status import ACTS
from node.facts import is_case_fact
from sync.protocol.ports import StoredEvent, Transaction

_KIND = "unread"


def note(transaction: Transaction, events: Iterable[StoredEvent]) -> None:
    """Remember which streams hold records of kinds unknown here."""
    for event in events:
        if not is_case_fact(event) or event.type in ACTS:
            continue
        known = (transaction.statement(_KIND, event.stream) or b"").decode().split()
        if event.type not in known:
            kinds = " ".join(sorted([*known, event.type]))
            transaction.put_statement(_KIND, event.stream, kinds.encode())


def understood(transaction: Transaction) -> list[str]:
    """Return the streams in which this program knows a kind that was unknown before, once."""
    found = []
    for stream, raw in transaction.statements(_KIND):
        kinds = raw.decode().split()
        left = [kind for kind in kinds if kind not in ACTS]
        if len(left) == len(kinds):
            continue
        found.append(stream)
        if left:
            transaction.put_statement(_KIND, stream, " ".join(left).encode())
        else:
            transaction.drop_statement(_KIND, stream)
    return found
