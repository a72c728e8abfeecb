"""Whether this node's own log may grow, and which life of its disk this is.

A node that was rolled back, copied, restored or rebuilt is *halted*: it writes nothing of its own
until it has its log back from its neighbours and a voucher for a new epoch. What it carries for
others goes on meanwhile.
"""

from __future__ import annotations

import msgspec

from sync.engine import clock
from sync.engine.core import Core, Effects, count
from sync.protocol import names
from sync.protocol.errors import LogStopped
from sync.protocol.lives import Head
from sync.protocol.ports import MetaTable, Transaction

HALT = "halt"
INCARNATION = "incarnation"
_BEHIND_AT = "behind_at_ms"
BEHIND_EVERY_MS = 600_000
"""A child that claims receipts this node never gave can make it begin anew this often."""


class Halt(msgspec.Struct, frozen=True, omit_defaults=True):
    """Why the own log stands still, and what is there already of what it waits for.

    Shapes: `seed` is the private one-use key of `ask`; `heads` what the parent holds of the own
    logs; `waiting` the children that have not yet shown that they hold nothing this node lacks.
    """

    reason: str
    since_ms: int
    seed: bytes = b""
    ask: bytes = b""
    heads: list[Head] = []
    heard: bool = False
    waiting: list[str] = []
    voucher: bytes = b""
    progress: int = 0


def halted(transaction: MetaTable) -> Halt | None:
    """Return why the own log stands still, None when it does not."""
    raw = transaction.meta(HALT)
    return msgspec.json.decode(raw, type=Halt) if raw else None


def put(transaction: MetaTable, halt: Halt | None) -> None:
    """Keep the halt, or end it."""
    transaction.set_meta(HALT, "" if halt is None else msgspec.json.encode(halt).decode())


def with_voucher(halt: Halt, seed: bytes, voucher: bytes) -> Halt:
    """Return the halt of a node that makes out its own voucher, to a key of its own."""
    return msgspec.structs.replace(halt, seed=seed, voucher=voucher)


def require_running(transaction: MetaTable) -> None:
    """Pass if the own log may grow. Raises: LogStopped."""
    if transaction.meta(HALT):
        raise LogStopped


def new_life(core: Core, transaction: Transaction, now_ms: int, effects: Effects) -> str:
    """Draw and keep a newer incarnation; it is taken up after the commit (`effects.life`)."""
    present = transaction.meta(INCARNATION) or core.incarnation
    trusted = clock.trusted_ms(transaction, now_ms) or now_ms
    newer = max(trusted, int(max(present, core.incarnation)[:13]) + 1)
    drawn = names.incarnation(newer, core.chance.bytes(8))
    transaction.set_meta(INCARNATION, drawn)
    count(transaction, "incarnations")
    effects.life = True
    return drawn


def adopt(core: Core, transaction: MetaTable) -> None:
    """Take up the incarnation that was drawn last."""
    core.incarnation = max(core.incarnation, transaction.meta(INCARNATION) or "")


def found_behind(core: Core, transaction: Transaction, now_ms: int, effects: Effects) -> bool:
    """Begin a new incarnation because a neighbour has this node's word for more than it holds.

    Shapes: returns False when the last such beginning was a moment ago; then nothing changes.
    """
    last = int(transaction.meta(_BEHIND_AT) or "0")
    if last and 0 <= now_ms - last < BEHIND_EVERY_MS:
        return False
    transaction.set_meta(_BEHIND_AT, str(now_ms))
    count(transaction, "found_behind")
    new_life(core, transaction, now_ms, effects)
    return True
