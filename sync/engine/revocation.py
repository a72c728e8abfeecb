"""Stations trusted no longer (DESIGN 10): cuts spread, refuse, and take effect on what is held.

A revocation is a statement of the authority, one per station, the newest counts. It is told to
every node. Above its cut an event is held as evidence and receipted like any other, so that no log
has a hole and nobody waits; but it is applied nowhere and routed nowhere, and neither is what was
written by a right that only such events gave. The position decides, never the time of arrival.
"""

from __future__ import annotations

from collections.abc import Iterable, Mapping

from msgspec.structs import replace

from sync.engine import audience, dues, recovery, routing, tree, trust
from sync.engine.core import Core, Effects, count
from sync.engine.tree import Tree
from sync.protocol import canonical, digest, frames, statements
from sync.protocol.errors import BadSignature, Malformed
from sync.protocol.frames import Frame
from sync.protocol.limits import PROTOCOL_VERSION
from sync.protocol.names import EventName, LogName, check_station
from sync.protocol.ports import (
    GOOD,
    RECOVERED,
    REVOKED,
    Signer,
    StoredEvent,
    Transaction,
)
from sync.protocol.statements import Cut, Revocation, Statement

RIGHT_REVOKED = "right_revoked"
"""Written by a right that only events above a cut gave."""
_PAGE = 500


def of(transaction: Transaction, station: str) -> Revocation | None:
    """Return the newest revocation of a station held here."""
    raw = transaction.statement(statements.REVOCATION, station)
    return None if raw is None else statements.decode(raw).read(Revocation)


def refuses(transaction: Transaction, log: LogName) -> bool:
    """Return whether a caller of this epoch is turned away."""
    held = of(transaction, log.station)
    return held is not None and not held.trusts(log.epoch)


def issue(
    core: Core,
    transaction: Transaction,
    now_ms: int,
    authority: Signer,
    station: str,
    *,
    cuts: Mapping[int, int],
    trusted_from: int,
    reason: str,
) -> Effects:
    """At central: revoke a station, or say anew where its cuts lie and from when it is trusted.

    Shapes: `cuts` maps epoch to last good position and replaces those said before.
    """
    held = of(transaction, station)
    payload = canonical.dumps(
        Revocation(
            v=PROTOCOL_VERSION,
            station=station,
            cuts=[Cut(epoch, cuts[epoch]) for epoch in sorted(cuts)],
            trusted_from=trusted_from,
            issued_ms=max(now_ms, held.issued_ms + 1 if held is not None else 0),
            reason=reason,
        )
    )
    unsigned = Statement(statements.REVOCATION, payload, b"", statements.AUTHORITY)
    signature = authority.sign(unsigned.message())
    effects = Effects()
    take(core, transaction, now_ms, replace(unsigned, signature=signature), effects)
    return effects


def take(
    core: Core,
    transaction: Transaction,
    now_ms: int,
    statement: Statement,
    effects: Effects,
    *,
    from_child: bool = False,
) -> None:
    """Hold a revocation if it is newer, let it take effect here, and hand it on.

    From a child comes what a restored ancestor no longer knows: it goes on up.

    Raises: BadSignature, Malformed.
    """
    if not trust.signed_by_authority(core, statement):
        raise BadSignature("revocation of somebody else than the authority")
    fresh = statement.read(Revocation)
    check_station(fresh.station)
    if any(cut.last_good < 0 for cut in fresh.cuts):
        raise Malformed("a cut before the first position")
    before = of(transaction, fresh.station)
    if before is not None and fresh.issued_ms <= before.issued_ms:
        return
    transaction.put_statement(statements.REVOCATION, fresh.station, statements.encode(statement))
    tree.changed(transaction)
    shape = tree.load(core, transaction, now_ms)
    moved = [
        stream
        for stream in _streams_between(transaction, before, fresh)
        if _judge_stream(core, shape, transaction, stream)
    ]
    routing.note_settled(transaction, moved)
    dues.owe_all(shape, transaction, routing.derive_moved(shape, transaction))
    transaction.set_meta(routing.DIGEST_TREE, "")  # what lies above the cut is no part of it
    for link in transaction.child_links():
        transaction.enqueue(link.station, statements.REVOCATION, fresh.station)
    if from_child and not core.is_root:
        transaction.enqueue(routing.UP, statements.REVOCATION, fresh.station)
    count(transaction, "revocations")
    effects.judged = effects.news = True


def told(transaction: Transaction, station: str) -> list[Frame]:
    """Return what a revoked caller is told: where its cut lies and why."""
    raw = transaction.statement(statements.REVOCATION, station)
    return [] if raw is None else frames.statement_frames([raw])


def settle(core: Core, shape: Tree, transaction: Transaction, event: StoredEvent) -> None:
    """Take a newly stored event into its stream, whatever cuts that stream meets."""
    if not shape.revocations or not _touched(transaction, event.stream):
        routing.settle(core, shape, transaction, event)
        return
    if event.standing == GOOD:
        routing.take_in(shape, transaction, event)
    if _judge_stream(core, shape, transaction, event.stream):
        routing.note_settled(transaction, [event.stream])


def judge_anew(core: Core, shape: Tree, transaction: Transaction) -> None:
    """Judge anew what waits for a right, or lost it with a cut, after the tree changed."""
    routing.judge_waiting(core, shape, transaction)
    held_back = transaction.events_standing(REVOKED, routing.JUDGED_AT_ONCE_MAX)
    streams = {event.stream for event in held_back if event.reason == RIGHT_REVOKED}
    moved = [s for s in sorted(streams) if _judge_stream(core, shape, transaction, s)]
    routing.note_settled(transaction, moved)


def _touched(transaction: Transaction, stream: str) -> bool:
    return any(event.standing == REVOKED for event in transaction.stream_events(stream))


def _streams_between(
    transaction: Transaction, before: Revocation | None, fresh: Revocation
) -> list[str]:
    """Return the streams with an event of the station on which the two do not say the same."""
    found: dict[str, None] = {}
    for epoch in transaction.epochs(fresh.station):
        after = 0
        while page := transaction.log_events(LogName(fresh.station, epoch), after, _PAGE):
            for event in page:
                was = before is not None and before.above_cut(epoch, event.name.position)
                if was != fresh.above_cut(epoch, event.name.position):
                    found[event.stream] = None
            after = page[-1].name.position
    return list(found)


def _judge_stream(core: Core, shape: Tree, transaction: Transaction, stream: str) -> bool:
    """Judge all events of a stream from scratch; return whether any counts otherwise now.

    The result is the least set that follows from the openings and rights below the cuts, so the
    order of arrival is immaterial.
    """
    events = [e for e in transaction.stream_events(stream) if e.standing != RECOVERED]
    everybody = transaction.audience(stream)
    by_itself = _standings(core, shape, events, frozenset())
    vouched = frozenset(
        e.name
        for e in events
        if by_itself[e.name][0] != GOOD
        and (
            audience.found_good_above(core, shape, everybody, e)
            # By a former parent, when it came; nothing else makes such an event good.
            or (e.standing == GOOD and audience.elsewhere(shape, everybody, e))
        )
    )
    below = [e for e in events if not shape.above_cut(e.name)]
    standing = _standings(core, shape, below, vouched)
    as_if = _standings(core, shape, events, vouched) if vouched else by_itself
    moved = False
    for event in events:
        fresh = standing.get(event.name, (REVOKED, audience.ABOVE_CUT))
        if fresh[0] not in (GOOD, REVOKED) and as_if[event.name][0] == GOOD:
            fresh = REVOKED, RIGHT_REVOKED
        if fresh == (event.standing, event.reason):
            continue
        moved = True
        transaction.set_standing(event.name, *fresh)
        if event.standing == GOOD:
            _take_out(shape, transaction, event)
        elif fresh[0] == GOOD:
            counts = replace(event, standing=GOOD, reason="")
            routing.take_in(shape, transaction, counts)
            recovery.note_opening(transaction, counts)
    return moved


def _standings(
    core: Core, shape: Tree, events: Iterable[StoredEvent], vouched: frozenset[EventName]
) -> dict[EventName, tuple[str, str]]:
    """Return how each of these events stands if they were all there is."""
    members: frozenset[str] = frozenset()
    found: dict[EventName, tuple[str, str]] = {}
    waiting = list(events)
    moved = True
    while moved:
        before = len(waiting)
        for event in waiting:
            found[event.name] = audience.judge_by(
                core, shape, members, event, vouched=event.name in vouched
            )
            if found[event.name][0] == GOOD:
                members |= audience.members_added(event)
        waiting = [event for event in waiting if found[event.name][0] != GOOD]
        moved = len(waiting) < before
    return found


def _take_out(shape: Tree, transaction: Transaction, event: StoredEvent) -> None:
    """Take an event that ceased to count out of what children are reckoned to hold."""
    routed = transaction.routes(event.stream)
    for link in transaction.child_links():
        if link.station in routed and event.name.station not in shape.subtree(link.station):
            less = digest.difference(link.digest, event.event.hash[: digest.DIGEST_BYTES])
            transaction.put_child_link(replace(link, digest=less))
