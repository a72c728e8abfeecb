"""Bodies erased everywhere by order of central (DESIGN 6, 10; G10).

In each stream concerned central records a signed `sync.purged` event, which goes where the stream
goes and says by what rule; a statement of the authority naming the same events goes to every node,
for those that held the stream once, were restored, or will find a body on an old stick. Either one
erases. A node remembers what was purged by name, so that a body that comes later is dropped at
once; envelopes, chains, receipts and digests never covered a body and are left as they are.
"""

from __future__ import annotations

from collections.abc import Iterable, Sequence
from contextlib import suppress

import msgspec
from msgspec.structs import asdict, replace

from sync.engine import record, routing, trust
from sync.engine.core import Core, Effects, count
from sync.protocol import canonical, statements
from sync.protocol.bodies import Purged
from sync.protocol.envelope import PURGED, Event
from sync.protocol.errors import BadSignature, Malformed
from sync.protocol.limits import PROTOCOL_VERSION, PURGED_MAX
from sync.protocol.lives import Evidence, unpack_event
from sync.protocol.names import EventName
from sync.protocol.ports import Signer, StoredEvent, Transaction
from sync.protocol.statements import Purge, Statement

TRACES = "traces_to_erase"
"""How many purges the database file may still hold traces of; erased after their commit."""
TAKEN = "count/purges"
"""Meta: how many purges were taken here."""
_PURGED = "purged_body"
"""Kind under which a node remembers each purged body: ref the event's name, content the basis."""
_ANY = "any_purged_body"


def issue(
    core: Core,
    transaction: Transaction,
    now_ms: int,
    authority: Signer,
    events: Sequence[StoredEvent],
    *,
    basis: str,
    actor: str,
    subject: str = "",
) -> Effects:
    """At central: have the bodies of these events erased on every node.

    Shapes: `basis` names the rule or order, `subject` the number people know the matter by.
    Bounds: `limits.PURGED_MAX` events.
    """
    assert core.is_root, "only central has bodies erased"
    assert len(events) <= PURGED_MAX, "more events than one purge may name"
    effects = Effects()
    issued_ms = now_ms
    while transaction.statement(statements.PURGE, str(issued_ms)) is not None:
        issued_ms += 1
    everything = sorted(str(event.name) for event in events)
    payload = canonical.dumps(Purge(PROTOCOL_VERSION, everything, basis, issued_ms))
    unsigned = Statement(statements.PURGE, payload, b"", statements.AUTHORITY)
    signature = authority.sign(unsigned.message())
    # First: who heard of the event has the statement too, and hands it up after a restore.
    take(core, transaction, replace(unsigned, signature=signature), effects)
    for stream in dict.fromkeys(event.stream for event in events):
        names = [str(event.name) for event in events if event.stream == stream]
        effects.stored.append(
            record.record(
                core,
                transaction,
                now_ms,
                stream=stream,
                kind=PURGED,
                actor=actor,
                added=(),
                body=asdict(Purged(events=names, basis=basis, subject=subject)),
            )
        )
    return effects


def take(
    core: Core,
    transaction: Transaction,
    statement: Statement,
    effects: Effects,
    *,
    from_child: bool = False,
) -> None:
    """Erase what a purge names, remember it, and hand it on; again it changes nothing.

    Raises: BadSignature, Malformed.
    """
    if not trust.signed_by_authority(core, statement):
        raise BadSignature("purge of somebody else than the authority")
    purge = statement.read(Purge)
    names = [EventName.parse(name) for name in purge.events]
    if len(names) > PURGED_MAX:
        raise Malformed("purge")
    ref = str(purge.issued_ms)
    raw = statements.encode(statement)
    held = transaction.statement(statements.PURGE, ref)
    if held == raw:
        return
    if held is not None:
        raise Malformed("two purges of one moment")
    transaction.put_statement(statements.PURGE, ref, raw)
    _erase(transaction, names, purge.basis, effects)
    for link in transaction.child_links():
        transaction.enqueue(link.station, statements.PURGE, ref)
    if from_child and not core.is_root:
        transaction.enqueue(routing.UP, statements.PURGE, ref)
    count(transaction, "purges")
    effects.news = True


def heed(core: Core, transaction: Transaction, stored: StoredEvent, effects: Effects) -> None:
    """Erase what a purge recorded in a stream names, as soon as it is held here."""
    if stored.type != PURGED or stored.name.station != core.root or stored.event.body is None:
        return
    try:
        purged = msgspec.json.decode(stored.event.body, type=Purged)
        names = [EventName.parse(name) for name in purged.events]
    except (msgspec.DecodeError, Malformed):
        count(transaction, "purges_unreadable")
        return
    _erase(transaction, names, purged.basis, effects)


def spared(transaction: Transaction, name: EventName, event: Event) -> Event:
    """Return an event as it may be held here: without salt and body once it was purged."""
    if event.body is None or basis_of(transaction, name) is None:
        return event
    return event._replace(salt=b"", body=None)


def basis_of(transaction: Transaction, name: EventName) -> str | None:
    """Return by what rule an event's body was purged, None if it was not."""
    if transaction.meta(_ANY) is None:
        return None  # every event taken in asks, and hardly any node ever purged one
    raw = transaction.statement(_PURGED, str(name))
    return None if raw is None else raw.decode()


def subject_of(events: Iterable[StoredEvent], root: str) -> str:
    """Return the number a purged stream is still known by, as central's purge says it."""
    for event in events:
        if event.type == PURGED and event.name.station == root and event.event.body is not None:
            said: str = msgspec.json.decode(event.event.body, type=Purged).subject
            if said:
                return said
    return ""


def _erase(
    transaction: Transaction, names: Iterable[EventName], basis: str, effects: Effects
) -> None:
    streams: set[str] = set()
    for name in names:
        if basis_of(transaction, name) is None:
            transaction.set_meta(_ANY, "1")
            transaction.put_statement(_PURGED, str(name), basis.encode())
        streams.update(one.stream for one in transaction.recovered(name))
        transaction.drop_recovered_bodies(name)
        _erase_evidence(transaction, name)
        held = transaction.event(name)
        if held is not None:
            streams.add(held.stream)
            if held.event.body is not None:
                transaction.drop_body(name)
    if streams:
        routing.note_settled(transaction, streams)
        transaction.set_meta(TRACES, str(int(transaction.meta(TRACES) or "0") + 1))
        effects.judged = True


def _erase_evidence(transaction: Transaction, name: EventName) -> None:
    """Erase the evidence of a fork at a position: it quotes both contents, signed as it is."""
    raw = transaction.statement(statements.EVIDENCE, str(name))
    if raw is None:
        return
    with suppress(Malformed):  # evidence of a second copy quotes none
        unpack_event(statements.decode(raw).read(Evidence).first)
        transaction.drop_statement(statements.EVIDENCE, str(name))
