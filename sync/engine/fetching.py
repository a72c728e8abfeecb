"""Bodies dropped here and needed again: asked for in the hello, given by the parent or from above.

A body is taken only for an envelope held here, and only if it is the one the envelope names.
"""

from __future__ import annotations

from collections.abc import Iterable

from sync.engine import purge, routing
from sync.engine.core import Core, Effects
from sync.engine.tree import Tree
from sync.protocol import frames
from sync.protocol.envelope import Event, check_body, parse_envelope
from sync.protocol.errors import Malformed, PeerProtocolError
from sync.protocol.frames import Frame
from sync.protocol.limits import BODIES_WANTED_MAX, FRAME_BYTES_TARGET
from sync.protocol.names import EventName
from sync.protocol.ports import StoredEvent, Transaction

_WANTED = "bodies_wanted"
WANTED_KEPT = 2000
"""More than any one page or case needs; beyond it the rest is asked for when it is opened again."""


def want(transaction: Transaction, names: Iterable[EventName]) -> None:
    """Have bodies asked for in the rounds to come, until they are here or known to be purged."""
    noted = dict.fromkeys((transaction.meta(_WANTED) or "").split())
    fresh = {str(name): None for name in names if str(name) not in noted}
    if fresh:
        transaction.set_meta(_WANTED, " ".join([*noted, *fresh][-WANTED_KEPT:]))


def wanted(transaction: Transaction) -> list[str]:
    """Return the names to ask for now; what has come meanwhile is no longer wanted."""
    noted = (transaction.meta(_WANTED) or "").split()
    still = [name for name in noted if _lacking(transaction, EventName.parse(name))]
    if still != noted:
        transaction.set_meta(_WANTED, " ".join(still))
    return still[:BODIES_WANTED_MAX]


def lacking(transaction: Transaction, events: Iterable[StoredEvent]) -> list[EventName]:
    """Return the events whose body is not here and was not purged."""
    without = [event.name for event in events if event.event.body is None]
    return [name for name in without if purge.basis_of(transaction, name) is None]


def give(
    core: Core, tree: Tree, transaction: Transaction, child: str, names: Iterable[str]
) -> list[Frame]:
    """Return what a child asked for and may have; what is not here is wanted from above.

    A child may have what it is sent anyway: events of its subtree, and of streams routed to it.
    """
    below = tree.subtree(child)
    found: list[Event] = []
    missing: list[EventName] = []
    for text in names:
        try:
            held = transaction.event(EventName.parse(text))
        except Malformed:
            continue
        if held is None:
            continue
        if held.name.station not in below and child not in transaction.routes(held.stream):
            continue
        if held.event.body is not None:
            found.append(held.event)
        else:
            missing += lacking(transaction, [held])
    if missing and not core.is_root:
        want(transaction, missing)
    return _framed(found)


def take(transaction: Transaction, event: Event, effects: Effects) -> None:
    """Put a body back that came with an event held without it, if it was asked for."""
    noted = (transaction.meta(_WANTED) or "").split()
    if not noted or event.body is None:
        return
    name = parse_envelope(event.envelope).name
    held = transaction.event(name)
    if str(name) not in noted or held is None or not lacking(transaction, [held]):
        return
    try:
        check_body(parse_envelope(held.event.envelope), event)
    except PeerProtocolError:
        return  # asked for again; the envelope here is the true one
    transaction.restore_body(name, event.salt, event.body)
    routing.note_settled(transaction, [held.stream])
    effects.judged = True


def _lacking(transaction: Transaction, name: EventName) -> bool:
    held = transaction.event(name)
    return held is not None and bool(lacking(transaction, [held]))


def _framed(events: list[Event]) -> list[Frame]:
    found: list[Frame] = []
    batch: list[Event] = []
    size = 0
    for event in events:
        if batch and size > FRAME_BYTES_TARGET:
            found.append(frames.encode_events(0, batch))
            batch, size = [], 0
        batch.append(event)
        size += frames.event_bytes(event)
    return [*found, frames.encode_events(0, batch)] if batch else found
