"""Events from a neighbour: verified, held, passed over or refused, one by one.

From a child a log comes gapless, so the cursor is a position. From the parent come chosen events of
other subtrees, so the cursor is the link's sequence. Whatever is wrong with one event, the others
of its frame go on.
"""

from __future__ import annotations

from collections.abc import Iterable, Iterator
from contextlib import suppress
from functools import lru_cache

import msgspec
from msgspec.structs import replace

from sync.engine import (
    audience,
    clock,
    freeze,
    purge,
    recovery,
    revocation,
    routing,
    trust,
)
from sync.engine.core import Core, Effects, count
from sync.engine.tree import Tree
from sync.protocol.envelope import (
    Check,
    Envelope,
    Event,
    check_body,
    parse_envelope,
    signed_message,
)
from sync.protocol.errors import Malformed, NoCertificate, PeerProtocolError
from sync.protocol.names import EventName, LogName
from sync.protocol.ports import LogState, Refused, StoredEvent, Transaction
from sync.protocol.receipts import chain_next, chain_start

TAKEN = "taken"
KEPT_ASIDE = "kept_aside"
"""Taken and receipted, and above the cut of a revoked station: no part of a link's digest."""
DUPLICATE = "duplicate"
GAP = "gap"
DOUBTED = "doubted"
REFUSED = "refused"
FROZEN = "frozen"
FORK = "fork"
RECOVERED = "recovered"
DOUBTS_MAX = 1
"""What does not verify is asked for once more, then refused (DESIGN 7)."""
CLAIMS_KEPT = 1024
"""Envelopes whose claimed names are remembered: each is asked for several times in its frame."""
CLAIM_BYTES_MAX = 1024
"""A larger envelope is read anew each time: what strangers send fills no memory."""


class _Claim(msgspec.Struct):
    """Just enough of an envelope to say which position is refused, and of what stream."""

    station: str
    epoch: int
    pos: int
    stream: msgspec.Raw = msgspec.Raw()


def _claim(envelope: bytes) -> tuple[EventName, str]:
    """Return the name and the stream ("" if it is none) an envelope claims. Raises: Malformed."""
    return _claim_kept(envelope) if len(envelope) <= CLAIM_BYTES_MAX else _claim_read(envelope)


@lru_cache(maxsize=CLAIMS_KEPT)
def _claim_kept(envelope: bytes) -> tuple[EventName, str]:
    return _claim_read(envelope)


def _claim_read(envelope: bytes) -> tuple[EventName, str]:
    try:
        claim = msgspec.json.decode(envelope, type=_Claim)
    except (msgspec.DecodeError, RecursionError, UnicodeDecodeError) as error:
        raise Malformed("envelope without a name") from error
    name, stream = f"{claim.station}/{claim.epoch}/{claim.pos}", bytes(claim.stream)[1:-1]
    found = EventName.parse(name)
    if stream == name.encode():
        return found, name
    with suppress(Malformed, UnicodeDecodeError):
        return found, str(EventName.parse(stream.decode("ascii")))
    return found, ""


def claimed_name(event: Event) -> EventName:
    """Return the name an unverified envelope claims. Raises: Malformed."""
    return _claim(event.envelope)[0]


def foresee(transaction: Transaction, events: Iterable[Event]) -> None:
    """Tell the store which events and streams are asked for next; a claim may well be false."""
    claims = [(name, stream) for _, name, stream in _claims(events)]
    streams = [stream for _, stream in claims if stream]
    transaction.foresee([name for name, _ in claims], streams)


def _claims(events: Iterable[Event]) -> Iterator[tuple[Event, EventName, str]]:
    """Yield events with the names and streams they claim; those that claim none are left out."""
    for event in events:
        try:
            name, stream = _claim(event.envelope)
        except Malformed:
            continue
        yield event, name, stream


def authors_unread(core: Core, events: Iterable[Event]) -> set[LogName]:
    """Return the logs these events claim to be of whose keys were not asked for so far."""
    return {name.log for _, name, _ in _claims(events)} - core.keys.keys()


def read_keys(core: Core, transaction: Transaction, logs: Iterable[LogName]) -> None:
    """Have the keys of those logs at hand whose certificates are held."""
    for log in logs:
        with suppress(PeerProtocolError):
            trust.station_key(core, transaction, log)


def signatures(core: Core, events: Iterable[Event]) -> list[Check]:
    """Return the signatures to be checked of events whose authors' keys are at hand."""
    found: list[Check] = []
    for event, name, _ in _claims(events):
        key = core.keys.get(name.log)
        if key is not None:
            found.append(Check(key, signed_message("event", event.envelope), event.signature))
    return found


def log_state(transaction: Transaction, log: LogName, source: str) -> LogState:
    """Return the state of a log held here, an empty one when it is new."""
    return transaction.log(log) or LogState(log, 0, chain_start(log), source=source)


def from_child(
    core: Core,
    tree: Tree,
    transaction: Transaction,
    now_ms: int,
    event: Event,
    source: str,
    effects: Effects,
    *,
    bypassed: bool = False,
) -> str:
    """Take one event of a log of a child's subtree and return what became of it.

    Shapes: `bypassed` when it came by a file past the child, which may not hold it.
    """
    name = claimed_name(event)
    log = log_state(transaction, name.log, source)
    if name.position <= log.position:
        return _again(core, tree, transaction, now_ms, log, name, event, source)
    if log.frozen:
        return FROZEN
    held = transaction.event(name)  # handed down once, before its station moved below this node
    if held is not None and held.event.envelope != event.envelope:
        return _again(core, tree, transaction, now_ms, log, name, event, source)
    closed = recovery.closed_at(transaction, name.log)
    if closed is not None and name.position > closed:
        return _kept(core, tree, transaction, now_ms, event, source)
    if name.position > log.position + 1:
        if held is None and name.station not in tree.subtree(source):
            return _piece(core, tree, transaction, now_ms, event, source, effects)
        return GAP
    try:
        envelope = _verified(core, transaction, event)
    except NoCertificate:
        return GAP
    except PeerProtocolError as error:
        if name.station not in tree.subtree(source):
            return DOUBTED  # nobody can have a stranger's position refused
        return _doubt(transaction, log, name, event, error)
    chain = chain_next(log.chain, event.hash)
    if held is None:
        mark = routing.BYPASSED if bypassed else ""
        stored = StoredEvent.of(envelope, event, now_ms, source=source + mark, chain=chain)
        hold(core, tree, transaction, now_ms, stored, effects)
    advanced = replace(log, position=name.position, chain=chain, source=source)
    transaction.put_log(recovery.pass_holes(transaction, advanced))
    return TAKEN


def _piece(
    core: Core,
    tree: Tree,
    transaction: Transaction,
    now_ms: int,
    event: Event,
    source: str,
    effects: Effects,
) -> str:
    """Take back an event this node handed down in an earlier life: held, without a cursor."""
    try:
        envelope = _verified(core, transaction, event)
    except NoCertificate:
        return GAP
    except PeerProtocolError:
        return DOUBTED
    stored = StoredEvent.of(envelope, event, now_ms, source=source)
    hold(core, tree, transaction, now_ms, stored, effects)
    return TAKEN


def _kept(
    core: Core, tree: Tree, transaction: Transaction, now_ms: int, event: Event, source: str
) -> str:
    """Keep as recovered what comes too late for its log."""
    try:
        stored = recovery.verified(core, transaction, now_ms, event, source)
    except PeerProtocolError:
        return DOUBTED
    recovery.keep(core, tree, transaction, stored)
    return RECOVERED


def from_parent(
    core: Core,
    tree: Tree,
    transaction: Transaction,
    now_ms: int,
    event: Event,
    source: str,
    effects: Effects,
) -> str:
    """Take one event handed down and return what became of it."""
    name = claimed_name(event)
    held = transaction.event(name)
    if held is not None:
        return DUPLICATE if held.event.envelope == event.envelope else FORK
    try:
        envelope = _verified(core, transaction, event)
    except PeerProtocolError:
        # No hole is noted: the log may come gapless from a child one day, with the true event.
        if transaction.doubts(name) > DOUBTS_MAX:
            return REFUSED
        transaction.doubt(name)
        count(transaction, "events_doubted")
        if transaction.doubts(name) <= DOUBTS_MAX:
            return DOUBTED
        count(transaction, "events_refused")
        return REFUSED
    if name.log == core.log:
        return REFUSED
    if name.station in tree.subtree(core.station):
        source += routing.BYPASSED  # it came by a file to a node above, past this one
    stored = StoredEvent.of(envelope, event, now_ms, source=source)
    return hold(core, tree, transaction, now_ms, stored, effects)


def _verified(core: Core, transaction: Transaction, event: Event) -> Envelope:
    claimed = claimed_name(event)
    trust.check_author(core, transaction, claimed, event)
    envelope = parse_envelope(event.envelope)
    check_body(envelope, event)
    return envelope


def hold(
    core: Core,
    tree: Tree,
    transaction: Transaction,
    now_ms: int,
    stored: StoredEvent,
    effects: Effects,
) -> str:
    """Store a verified event, judge it, route it, and take in what it says of its log."""
    if not clock.follow(transaction, stored.hlc, now_ms):
        count(transaction, "events_ahead_of_clock")
    standing, reason = audience.judge(core, tree, transaction, stored)
    bodied = purge.spared(transaction, stored.name, stored.event)
    stored = replace(stored, event=bodied, standing=standing, reason=reason)
    stored = transaction.put_event(stored)
    effects.stored.append(stored)
    revocation.settle(core, tree, transaction, stored)
    purge.heed(core, transaction, stored, effects)
    recovery.note_opening(transaction, stored)
    effects.news = True
    return KEPT_ASIDE if tree.above_cut(stored.name) else TAKEN


def _again(
    core: Core,
    tree: Tree,
    transaction: Transaction,
    now_ms: int,
    log: LogState,
    name: EventName,
    event: Event,
    source: str,
) -> str:
    held = transaction.event(name)
    if held is not None and held.event.envelope == event.envelope:
        return DUPLICATE
    if held is None and name.position not in recovery.lost_positions(transaction, name.log):
        return DUPLICATE
    if held is None or recovery.closed_at(transaction, name.log) is not None:
        return _kept(core, tree, transaction, now_ms, event, source)
    try:
        _verified(core, transaction, event)
    except PeerProtocolError:
        return DOUBTED  # only the author's own signature can prove a fork
    freeze.fork(core, transaction, now_ms, log, held.event, event)
    return FORK


def _doubt(
    transaction: Transaction,
    log: LogState,
    name: EventName,
    event: Event,
    error: PeerProtocolError,
) -> str:
    transaction.doubt(name)
    count(transaction, "events_doubted")
    if transaction.doubts(name) <= DOUBTS_MAX:
        return DOUBTED
    transaction.refuse(Refused(name.log, name.position, error.code, event.hash))
    transaction.put_log(recovery.pass_holes(transaction, log))
    count(transaction, "events_refused")
    return REFUSED
