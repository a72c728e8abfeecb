"""Which child gets which stream, and in what order (DESIGN 6, routing).

Routing is a function of (events held, tree). A child gets the good events of every stream whose
audience meets its subtree, except those written in that subtree: they came from there. What came by
a file past the child is the exception to that: it is owed where it concerns others below the child.
"""

from __future__ import annotations

from collections.abc import Iterable, Iterator

from msgspec.structs import replace

from sync.engine import audience, trust
from sync.engine.core import Core
from sync.engine.tree import Tree
from sync.protocol import bundles, digest, statements
from sync.protocol.envelope import HLC_COUNTER
from sync.protocol.names import LogName
from sync.protocol.ports import (
    GOOD,
    INCOMPLETE,
    RECOVERED,
    REVOKED,
    SET_ASIDE,
    ChildLink,
    StoredEvent,
    Transaction,
)
from sync.protocol.statements import Statement

EVENT = "event"
DIGEST_TREE = "digest_tree"
"""Version of the tree by which the digest of what came from the parent was last reckoned."""
UP = "^"
"""Name of the outbox towards the parent; it carries statements only, events go by cursor."""
BYPASSED = "+"
"""Ends the source of an event that came by a file past the nodes between its author and here."""
BY_FILE = "file_last"
"""Kind under which the newest bundle taken from a maker, on a way, is remembered."""
_OUT = (REVOKED, RECOVERED)
SETTLED = "settled_streams"
JUDGED_AT_ONCE_MAX = 10_000
_TOLD = "told"
_SERVED = "served"
SETTLING_MS = 24 * 3600 * 1000
_SHAPE = "shape"
OUTBOX_PAGE = 1_000


def settle(core: Core, tree: Tree, transaction: Transaction, event: StoredEvent) -> None:
    """Take a newly stored event into its stream, route it, and judge anew what waited for it.

    A loop and not a recursion: thousands may wait for one opening event.
    """
    if event.standing != GOOD:
        return
    take_in(tree, transaction, event)
    waiting = _waiting(transaction.stream_events(event.stream))
    moved = True
    while moved and waiting:
        moved = False
        for one in waiting:
            moved = _judge_again(core, tree, transaction, one) or moved
        waiting = _waiting(transaction.stream_events(event.stream)) if moved else []


def judge_waiting(core: Core, tree: Tree, transaction: Transaction) -> None:
    """Judge anew what waits for a right, after the tree of stations changed."""
    standing = [
        *transaction.events_standing(INCOMPLETE, JUDGED_AT_ONCE_MAX),
        *transaction.events_standing(SET_ASIDE, JUDGED_AT_ONCE_MAX),
    ]
    for waiting in standing:
        fresh = transaction.event(waiting.name)
        if fresh is not None and _judge_again(core, tree, transaction, fresh):
            settle(core, tree, transaction, transaction.event(waiting.name) or fresh)


def _waiting(events: Iterable[StoredEvent]) -> list[StoredEvent]:
    return [event for event in events if _may_still_be_good(event)]


def _may_still_be_good(event: StoredEvent) -> bool:
    """A station that adds itself may have its right from an event that is still under way."""
    return event.standing == INCOMPLETE or event.reason == audience.NOT_IN_AUDIENCE


def take_in(tree: Tree, transaction: Transaction, event: StoredEvent) -> None:
    """Add a good event's members to its stream's audience and owe it where it belongs."""
    transaction.add_audience(event.stream, audience.members_added(event))
    _route(tree, transaction, event)


def _judge_again(core: Core, tree: Tree, transaction: Transaction, waiting: StoredEvent) -> bool:
    """Judge an event that waited; return whether it now stands otherwise."""
    if not _may_still_be_good(waiting):
        return False
    standing, reason = audience.judge(core, tree, transaction, waiting)
    if standing in (INCOMPLETE, waiting.standing):
        return False
    transaction.set_standing(waiting.name, standing, reason)
    if standing == GOOD:
        note_settled(transaction, [waiting.stream])
        take_in(tree, transaction, replace(waiting, standing=standing, reason=reason))
    return True


def note_settled(transaction: Transaction, streams: Iterable[str]) -> None:
    """Have streams shown anew: what counts in them changed without a new event."""
    noted = set((transaction.meta(SETTLED) or "").split())
    transaction.set_meta(SETTLED, " ".join(sorted(noted.union(streams))))


def take_settled(transaction: Transaction) -> list[str]:
    """Return the streams in which events held before came to count or ceased to, once."""
    streams = (transaction.meta(SETTLED) or "").split()
    if streams:
        transaction.set_meta(SETTLED, "")
    return streams


def _route(tree: Tree, transaction: Transaction, event: StoredEvent) -> None:
    members = transaction.audience(event.stream)
    routed = transaction.routes(event.stream)
    # By the members' ways up: a node may have thousands of children, a stream a few members.
    for station in tree.ways_up(members):
        link = None if station == tree.own else transaction.child_link(station)
        if link is None or not serves(tree, transaction, station):
            continue
        if link.station not in routed:
            transaction.add_route(event.stream, link.station)
            fresh = list(transaction.stream_events(event.stream))
        elif event.audience:  # somebody new below the link may be concerned by what bypassed it
            held = transaction.stream_events(event.stream)
            fresh = [event, *(e for e in held if _bypassed(e) and e.name != event.name)]
        else:
            fresh = [event]
        _owe(tree, transaction, link, fresh, members)


def serves(tree: Tree, transaction: Transaction, station: str) -> bool:
    """Return whether this node owes a station anything: its children, and who brings it files."""
    if tree.is_child(station):
        return True
    brings = transaction.statement(BY_FILE, f"{station}/{bundles.UP}") is not None
    return brings and station in tree.subtree(tree.own)


def _owe(
    tree: Tree,
    transaction: Transaction,
    link: ChildLink,
    events: Iterable[StoredEvent],
    members: frozenset[str],
) -> None:
    total = link.digest
    below = tree.subtree(link.station)
    served_ms = int(transaction.statement(_SERVED, link.station) or b"0")
    for event in events:
        if event.standing == GOOD and _lacks(tree, members, event, below):
            if event.name.station not in below:
                total = digest.add(total, event.event.hash)
                if served_ms and _was_given(transaction, event, served_ms):
                    continue
            owe_certificate(transaction, link, event.name.log)
            transaction.enqueue(link.station, EVENT, str(event.name))
    transaction.put_child_link(replace(link, digest=total))


def _was_given(transaction: Transaction, event: StoredEvent, served_ms: int) -> bool:
    """Return whether a child that moved here most likely has an event from its former parent.

    Written before it came and handed down here within a day of that. If it lacks one all the same,
    the digests differ, and comparing them brings it.
    """
    old = event.hlc // HLC_COUNTER < served_ms > event.received_ms - SETTLING_MS
    return old and event.source != "" and transaction.child_link(event.source) is None


def _bypassed(event: StoredEvent) -> bool:
    return event.source.endswith(BYPASSED)


def _lacks(tree: Tree, members: frozenset[str], event: StoredEvent, below: frozenset[str]) -> bool:
    """Return whether a child may lack an event: written elsewhere, or come by a file past it."""
    author = event.name.station
    if author not in below:
        return True
    return _bypassed(event) and not members.isdisjoint(below - tree.subtree(author))


def owe_certificate(transaction: Transaction, link: ChildLink, log: LogName) -> None:
    """Owe a log's certificate to a child that was not told of it in its present incarnation."""
    if note_told(transaction, link, log):
        transaction.enqueue(link.station, statements.CERTIFICATE, f"{log.station}/{log.epoch}")


def note_told(transaction: Transaction, link: ChildLink, log: LogName) -> bool:
    """Note that a child holds a log's certificate; return whether that is news."""
    ref = f"{link.station}/{log.station}/{log.epoch}"
    if transaction.statement(_TOLD, ref) == link.incarnation.encode():
        return False
    transaction.put_statement(_TOLD, ref, link.incarnation.encode())
    return True


def note_served(transaction: Transaction, child: str, now_ms: int) -> None:
    """Note that a child was another parent's until now: what is older it was given there."""
    transaction.put_statement(_SERVED, child, str(now_ms).encode())


def owe_ancestors(core: Core, tree: Tree, transaction: Transaction, child: str) -> None:
    """Owe a child the certificates of the nodes above it, which it seals its files to."""
    link = transaction.child_link(child)
    if link is None:
        return
    for station in trust.ancestors(core, tree, transaction):
        log = trust.newest_log(core, transaction, station)
        if log is not None:
            owe_certificate(transaction, link, log)


def owe_signer(transaction: Transaction, link: ChildLink, statement: Statement) -> None:
    """Owe a child the certificate a station's statement is checked by."""
    owe_certificate(transaction, link, LogName.parse(statement.signer))


def digest_held(tree: Tree, transaction: Transaction, station: str, parent: str) -> bytes:
    """Return the digest of what a station holds of what its parent owes it: both ends agree on it.

    An event from the parent counts however it is judged here; the parent found it good.
    """
    return digest.total(
        [event.event.hash for event in held_from_above(tree, transaction, station, parent)]
    )


def owed(tree: Tree, transaction: Transaction, child: str) -> Iterator[StoredEvent]:
    """Yield the events held here that a child's link is about: what it should hold of others."""
    below = tree.subtree(child)
    for stream in transaction.streams_of(below):
        for event in transaction.stream_events(stream):
            if event.standing == GOOD and event.name.station not in below:
                yield event


def digests_by_author(
    tree: Tree, transaction: Transaction, station: str, parent: str
) -> dict[str, tuple[int, bytes]]:
    """Return per author how many events `digest_held` sums, and their sum."""
    sums: dict[str, tuple[int, bytes]] = {}
    for event in held_from_above(tree, transaction, station, parent):
        number, total = sums.get(event.name.station, (0, digest.EMPTY))
        sums[event.name.station] = number + 1, digest.add(total, event.event.hash)
    return sums


def held_of_author(
    tree: Tree, transaction: Transaction, station: str, parent: str, author: str
) -> list[StoredEvent]:
    """Return the events of one author that `digest_held` sums, in the order of their names."""
    held = held_from_above(tree, transaction, station, parent)
    return sorted((e for e in held if e.name.station == author), key=lambda e: e.name)


def held_from_above(
    tree: Tree, transaction: Transaction, station: str, parent: str
) -> Iterator[StoredEvent]:
    """Yield the events `digest_held` sums."""
    below = tree.subtree(station)
    for stream in transaction.streams_of(below):
        for event in transaction.stream_events(stream):
            counts = event.standing == GOOD or (parent and event.source == parent)
            if counts and event.standing not in _OUT and event.name.station not in below:
                yield event


def derive_link(
    tree: Tree,
    transaction: Transaction,
    child: str,
    *,
    left: frozenset[str] | None = None,
    quiet: bool = False,
) -> None:
    """Derive a child's routes, outbox and digest anew from the events held.

    Shapes: with `left`, the stations gone from the subtree since it was last derived, only what a
    change of the tree adds is owed: streams new to the link, and what those stations wrote. None
    owes everything: to a child that holds nothing yet. `quiet` owes nothing: the child was served
    by another parent meanwhile, and comparing the digests tells what it lacks.
    """
    below = tree.subtree(child)
    routed, streams = transaction.streams_routed(child), transaction.streams_of(below)
    for stream in routed.difference(streams):
        transaction.drop_route(stream, child)
    link = transaction.child_link(child)
    if link is None:
        return
    total = digest.EMPTY
    for stream in streams:
        transaction.add_route(stream, child)
        members = transaction.audience(stream)
        for event in transaction.stream_events(stream):
            author = event.name.station
            if event.standing != GOOD or not _lacks(tree, members, event, below):
                continue
            if author not in below:
                total = digest.add(total, event.event.hash)
            fresh = left is None or stream not in routed or author in left
            if fresh and not quiet:
                owe_certificate(transaction, link, event.name.log)
                transaction.enqueue(child, EVENT, str(event.name))
    transaction.put_child_link(replace(link, digest=total))
    # One that is back and whose attachment is still to come is to be seen as back when it comes.
    served = serves(tree, transaction, child)
    transaction.put_statement(_SHAPE, child, ",".join(sorted(below)).encode() if served else b"")


def derive_moved(tree: Tree, transaction: Transaction) -> list[str]:
    """Derive anew the links whose subtree has another shape than when they were last derived.

    A child that belongs to another parent now is owed nothing any more. Returns those that came
    back: what they were owed meanwhile is for the caller to say.
    """
    came_back: list[str] = []
    for link in transaction.child_links():
        below = tree.subtree(link.station)
        shape = (transaction.statement(_SHAPE, link.station) or b"").decode()
        before = frozenset(shape.split(","))
        if not serves(tree, transaction, link.station):
            if shape:
                _forget(transaction, link.station)
        elif not shape:
            derive_link(tree, transaction, link.station, quiet=True)
            came_back.append(link.station)
        elif before != below:
            derive_link(tree, transaction, link.station, left=before - below)
    return came_back


def _forget(transaction: Transaction, child: str) -> None:
    for stream in transaction.streams_routed(child):
        transaction.drop_route(stream, child)
    while page := transaction.outbox(child, 0, OUTBOX_PAGE):
        for item in page:
            if item.kind == statements.CERTIFICATE:  # owed, but never told: it may come back
                transaction.drop_statement(_TOLD, f"{child}/{item.ref}")
        transaction.acknowledge(child, page[-1].sequence)
    transaction.put_statement(_SHAPE, child, b"")
