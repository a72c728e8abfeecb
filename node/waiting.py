"""Cases whose next act by rule waits: for a register, or until this station is trusted again.

A station may be offered a case before it has the stations register, or one pinned to a version of
its matter that is still on the way, or while it is revoked. Nothing else would ever look at such a
case again.
"""

from __future__ import annotations

import hashlib

from casework import rules
from casework.case import Case
from casework.context import Context
from sync.protocol import statements
from sync.protocol.ports import Transaction

_STREAMS = "waiting_for_registers"
_ASKED = "waiting_asked_with"


def lacks_register(context: Context, case: Case) -> bool:
    """Return whether this station would have to act on a case and cannot judge it yet."""
    authors = {name.partition("/")[0] for name in rules.unasked(case)}
    if any(author not in context.tree for author in authors):
        return True
    if context.station not in (case.holder, case.offered_to):
        return False
    return context.station not in context.tree or context.find_pinned(case) is None


def note(transaction: Transaction, stream: str) -> None:
    """Have a stream projected again when the registers or this station's standing change."""
    streams = set((transaction.meta(_STREAMS) or "").split())
    if stream not in streams:
        transaction.set_meta(_STREAMS, " ".join(sorted(streams | {stream})))


def take(transaction: Transaction, station: str) -> list[str]:
    """Return the streams that waited at a station, once for every change of what they wait for."""
    streams = (transaction.meta(_STREAMS) or "").split()
    if not streams:
        return []
    revoked = transaction.statement(statements.REVOCATION, station) or b""
    editions = repr(sorted(transaction.editions().items())).encode()
    asked = hashlib.sha256(editions + revoked).hexdigest()
    if transaction.meta(_ASKED) == asked:
        return []
    transaction.set_meta(_STREAMS, "")
    transaction.set_meta(_ASKED, asked)
    return streams
