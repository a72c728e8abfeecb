"""What became of the end of a log: closed by the next epoch, lost by number, or recovered.

The first event of an epoch closes the one before it. Positions it calls lost are passed by every
cursor; an original that turns up later, and what another copy of the machine wrote, is kept as
*recovered*, travels to the author and up to central, and is never applied by itself.
"""

from __future__ import annotations

from collections.abc import Iterable, Iterator

from msgspec.structs import replace

from sync.engine import purge, receipts, routing, trust
from sync.engine.core import Core, count
from sync.engine.tree import Tree
from sync.protocol import bodies, canonical
from sync.protocol.envelope import (
    EPOCH_OPENED,
    Event,
    check_body,
    parse_envelope,
)
from sync.protocol.errors import BadSignature, Malformed
from sync.protocol.limits import BODY_BYTES_MAX
from sync.protocol.lives import LOST, LOST_MAX, recovered_ref, unpack_event, wrap_recovered
from sync.protocol.names import EventName, LogName
from sync.protocol.ports import GOOD, RECOVERED, LogState, Refused, StoredEvent, Transaction
from sync.protocol.receipts import chain_next
from sync.protocol.statements import Statement

_CLOSED = "closed"
"""Statement kind under which the last position of a closed log is kept."""


def closed_at(transaction: Transaction, log: LogName) -> int | None:
    """Return the last position of a log that a later epoch closed, None while it is open."""
    raw = transaction.statement(_CLOSED, f"{log.station}/{log.epoch}")
    return None if raw is None else int(raw)


def close(transaction: Transaction, log: LogName, last: int, lost: Iterable[int]) -> None:
    """Close a log at a position; what is lost of it becomes a hole where it is not held.

    A freeze ends here: which content goes on was decided by whoever gave the next epoch's voucher.
    """
    transaction.put_statement(_CLOSED, f"{log.station}/{log.epoch}", str(last).encode())
    for position in lost:
        if transaction.event(EventName(*log, position)) is None:
            transaction.refuse(Refused(log, position, LOST, b""))
    held = transaction.log(log)
    if held is not None:
        transaction.put_log(pass_over(transaction, replace(held, frozen="")))


def pass_holes(transaction: Transaction, log: LogState) -> LogState:
    """Return the log with its cursor moved past refused and lost positions that follow it."""
    holes = {r.position: r.hash for r in transaction.refusals(log.name)}
    while log.position + 1 in holes:
        passed = holes[log.position + 1]
        log = replace(log, position=log.position + 1, chain=chain_next(log.chain, passed))
    return log


def pass_over(transaction: Transaction, log: LogState) -> LogState:
    """Return the log with its cursor moved over holes and over events held already."""
    holes = {r.position: r.hash for r in transaction.refusals(log.name)}
    while True:
        at = log.position + 1
        held = transaction.event(EventName(*log.name, at))
        if held is not None:
            log = replace(log, position=at, chain=chain_next(log.chain, held.event.hash))
        elif at in holes:
            log = replace(log, position=at, chain=chain_next(log.chain, holes[at]))
        else:
            return log


def note_opening(transaction: Transaction, stored: StoredEvent) -> None:
    """Take in what the first event of an epoch says of the epoch before it."""
    if stored.type != EPOCH_OPENED or stored.name.position != 1 or stored.standing != GOOD:
        return
    if stored.event.body is None:
        return
    try:
        opened = canonical.load_as(stored.event.body, bodies.EpochOpened, bytes_max=BODY_BYTES_MAX)
    except Malformed:
        return
    before = LogName(stored.name.station, opened.previous_epoch)
    if not 0 < before.epoch < stored.name.epoch or closed_at(transaction, before) is not None:
        return
    lost = [p for p in positions_of(opened.lost) if p <= opened.previous]
    close(transaction, before, opened.previous, lost)


def positions_of(runs: Iterable[list[int]]) -> Iterator[int]:
    """Yield the positions of runs [first, last], at most `LOST_MAX` of them."""
    left = LOST_MAX
    for run in runs:
        if len(run) != 2 or run[0] < 1:
            continue
        for position in range(run[0], min(run[1], run[0] + left - 1) + 1):
            yield position
            left -= 1


def runs_of(positions: Iterable[int]) -> list[list[int]]:
    """Return ascending positions as runs [first, last]."""
    runs: list[list[int]] = []
    for position in positions:
        if runs and runs[-1][1] == position - 1:
            runs[-1][1] = position
        else:
            runs.append([position, position])
    return runs


def keep(core: Core, tree: Tree, transaction: Transaction, stored: StoredEvent) -> bool:
    """Keep a verified event as recovered and hand it on; return whether it was new here."""
    same = stored.event.envelope
    held = transaction.event(stored.name)
    known = [held] if held is not None else []
    known += transaction.recovered(stored.name)
    if any(one.event.envelope == same for one in known):
        return False
    bodied = purge.spared(transaction, stored.name, stored.event)
    kept = replace(stored, event=bodied, standing=RECOVERED, reason=RECOVERED, chain=b"")
    transaction.put_event(kept)
    count(transaction, "events_recovered")
    hand_on(core, tree, transaction, stored)
    return True


def set_aside(
    core: Core, tree: Tree, transaction: Transaction, log: LogState, first: int
) -> LogState:
    """Take the end of an own log, from a position on, out of it as recovered.

    Shapes: returns the log as it is then; the streams concerned are to be projected anew.
    """
    before = receipts.chain_at(transaction, log, first - 1)
    tail = list(transaction.log_events(log.name, first - 1, LOST_MAX))
    for stored in tail:
        transaction.set_standing(stored.name, RECOVERED, RECOVERED)
        routing.note_settled(transaction, [stored.stream])
        hand_on(core, tree, transaction, stored)
        count(transaction, "events_recovered")
    log = replace(
        log,
        position=first - 1,
        chain=before,
        parent_position=min(log.parent_position, first - 1),
        central_position=min(log.central_position, first - 1),
        backup_position=min(log.backup_position, first - 1),
    )
    transaction.put_log(log)
    for link in transaction.child_links():
        routing.derive_link(tree, transaction, link.station)
    return log


def hand_on(core: Core, tree: Tree, transaction: Transaction, stored: StoredEvent) -> None:
    """Owe a recovered event to the parent, and to the child its author lives under."""
    ref = recovered_ref(str(stored.name), stored.event)
    if not core.is_root:
        transaction.enqueue(routing.UP, RECOVERED, ref)
    for link in transaction.child_links():
        if stored.name.station in tree.subtree(link.station):
            routing.owe_certificate(transaction, link, stored.name.log)
            transaction.enqueue(link.station, RECOVERED, ref)


def statement(transaction: Transaction, ref: str) -> bytes | None:
    """Return a recovered event as the statement it travels as, by the ref it is owed under."""
    name = EventName.parse(ref.rpartition("/")[0])
    for stored in transaction.recovered(name):
        if recovered_ref(str(name), stored.event) == ref:
            return wrap_recovered(stored.event, f"{name.station}/{name.epoch}")
    return None


def take(
    core: Core, tree: Tree, transaction: Transaction, now_ms: int, said: Statement, source: str
) -> bool:
    """Take a recovered event from a neighbour; return whether it was new here.

    Shapes: `source` is the child it came from, or "" for the parent and a salvaged disk.
    Raises: BadSignature, NoCertificate, Malformed, LimitExceeded.
    """
    stored = verified(core, transaction, now_ms, unpack_event(said.payload), source)
    if source and stored.name.station not in tree.subtree(source):
        raise BadSignature("recovered event of a station elsewhere")
    return keep(core, tree, transaction, stored)


def verified(
    core: Core, transaction: Transaction, now_ms: int, event: Event, source: str
) -> StoredEvent:
    """Return an event as it would be stored, once its author's signature holds.

    Raises: BadSignature, NoCertificate, Malformed, LimitExceeded.
    """
    envelope = parse_envelope(event.envelope)
    trust.check_author(core, transaction, envelope.name, event)
    check_body(envelope, event)
    return StoredEvent.of(envelope, event, now_ms, source=source)


def lost_positions(transaction: Transaction, log: LogName) -> list[int]:
    """Return the positions of a log that are lost."""
    return [r.position for r in transaction.refusals(log) if r.reason == LOST]
