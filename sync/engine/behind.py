"""A child has this node's word for more than this node holds: it was put back (DESIGN 7, lives).

A token further than any remembered is proof: only this node signs them. What a child merely claims
is none, and may not stop anybody's work; it only begins a new incarnation, now and then.
"""

from __future__ import annotations

from sync.engine import halt, lives, ratchet
from sync.engine.core import Core, Effects, count
from sync.protocol.lives import BEHIND
from sync.protocol.names import LogName
from sync.protocol.ports import Transaction
from sync.protocol.rounds import Hello


def begun_anew(
    core: Core, transaction: Transaction, now_ms: int, hello: Hello, effects: Effects
) -> bool:
    """Begin a new life if a child shows that this disk is an older one; return whether it did.

    With proof the own log is halted too: its next positions may have been written before.
    """
    if hello.acknowledged_incarnation != core.incarnation:
        return False
    if _proves(core, transaction, hello) and halt.halted(transaction) is None:
        count(transaction, "found_behind")
        lives.stop(core, transaction, now_ms, BEHIND, effects)
        return True
    return _claims(core, transaction, hello) and (
        halt.found_behind(core, transaction, now_ms, effects)
    )


def _proves(core: Core, transaction: Transaction, hello: Hello) -> bool:
    """Return whether a child shows a token given after all that is remembered of it."""
    link = transaction.child_link(hello.station)
    if link is None or link.incarnation < hello.incarnation:
        return ratchet.of_the_future(core, b"", hello)
    same_life = link.incarnation == hello.incarnation
    return same_life and ratchet.of_the_future(core, link.token, hello)


def _claims(core: Core, transaction: Transaction, hello: Hello) -> bool:
    """Return whether a child says that it holds or was given more than is known here."""
    link = transaction.child_link(hello.station)
    if link is None or hello.acknowledged > transaction.last_sequence(hello.station):
        return True
    if _proves(core, transaction, hello):
        return True
    held = transaction.log(LogName(hello.station, hello.epoch))
    given = hello.position if hello.given < 0 else hello.given
    return given > (0 if held is None else held.position)
