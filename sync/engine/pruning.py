"""Bodies dropped here because a verified backup holds them (DESIGN 5, pruned).

Never an envelope, never what is not on the rung *backed up*, never what the caller still needs.
"""

from __future__ import annotations

from collections.abc import Callable
from typing import NamedTuple

from sync.engine.core import Core, count
from sync.protocol.ports import GOOD, LogState, StoredEvent, Transaction

OWN_KINDS = "sync."
"""What the sync floor itself needs to read is never pruned."""
PAGE = 500


class Freed(NamedTuple):
    """What a pass of pruning dropped, and how many bodies it went over."""

    bodies: int
    bytes: int
    seen: int

    def add(self, other: Freed) -> Freed:
        """Return both together."""
        return Freed(self.bodies + other.bodies, self.bytes + other.bytes, self.seen + other.seen)


NOTHING = Freed(0, 0, 0)


def page(
    core: Core,
    transaction: Transaction,
    log: LogState,
    after: int,
    before_ms: int,
    may_go: Callable[[str], bool],
) -> tuple[Freed, int]:
    """Drop bodies of one page of a log; return what was freed and the last position looked at.

    Shapes: the position is 0 at the end of what a backup covers; `may_go` says of a stream
    whether nobody works with it any more. Units: `before_ms` when an event must have come in.
    """
    covered = min(log.backup_position, log.position if core.is_root else log.parent_position)
    events = [
        event
        for event in transaction.log_events(log.name, after, PAGE)
        if event.name.position <= covered
    ]
    freed = Freed(0, 0, len(events))
    for event in events:
        if _may_go(event, before_ms) and may_go(event.stream):
            freed = freed.add(Freed(1, transaction.drop_body(event.name), 0))
    count(transaction, "bodies_pruned", freed.bodies)
    return freed, events[-1].name.position if len(events) == PAGE else 0


def _may_go(event: StoredEvent, before_ms: int) -> bool:
    return (
        event.event.body is not None
        and event.standing == GOOD
        and event.received_ms < before_ms
        and not event.type.startswith(OWN_KINDS)
    )
