"""A node's own lives: it is halted, gets its log back, and opens the next epoch.

Whatever brought it about (a rollback, a copy, a restore, a rebuilt machine), the way on is one:
halt; fetch the own logs back from the parent, and pieces of them from the children; what differs
here leaves the log as *recovered*; with a voucher open a new epoch that names the one before, the
last position known of it, and those lost.
"""

from __future__ import annotations

from msgspec.structs import replace

from sync.engine import halt as halts
from sync.engine import intake, receipts, record, recovery, routing, tree, trust
from sync.engine.core import Core, Effects, count
from sync.engine.halt import Halt, halted
from sync.engine.tree import Tree
from sync.protocol import canonical, lives, rounds, statements
from sync.protocol.envelope import Event
from sync.protocol.errors import NoCertificate, PeerProtocolError
from sync.protocol.limits import PROTOCOL_VERSION
from sync.protocol.lives import Ask, Head, code_of
from sync.protocol.names import EventName, LogName
from sync.protocol.ports import LogState, Refused, StoredEvent, Transaction
from sync.protocol.receipts import chain_next
from sync.protocol.rounds import Answer, OwnLog
from sync.protocol.statements import Voucher

_ROLLED_BACK = (lives.REWIND, lives.RESTORED, lives.BEHIND, lives.REBUILT)
"""What also lost receipts this node gave: its disk lives a new incarnation."""
_FINAL = (lives.FORK, lives.SECOND_COPY, lives.OLDER_LIFE)
WAIT_FOR_CHILDREN_MS = 600_000
"""A child that does not come within this holds up no new epoch; what it brings later is kept."""
PIECES_MAX = 4096


def stop(core: Core, transaction: Transaction, now_ms: int, reason: str, effects: Effects) -> None:
    """Halt the own log for a reason; halted already, a graver reason takes its place.

    The ask is made once: its check code stays the same until the epoch is opened.
    """
    present = halted(transaction)
    if present is not None:
        if reason != present.reason and reason in _FINAL:
            halts.put(transaction, replace(present, reason=reason))
        return
    waiting: list[str] = []
    if reason in _ROLLED_BACK:
        halts.new_life(core, transaction, now_ms, effects)
        waiting = [link.station for link in transaction.child_links()]
    count(transaction, f"halted/{reason}")
    halt = Halt(reason=reason, since_ms=now_ms, waiting=waiting)
    halts.put(transaction, _with_ask(core, transaction, now_ms, halt))
    effects.life = True


def _with_ask(core: Core, transaction: Transaction, now_ms: int, halt: Halt) -> Halt:
    """Return the halt with an ask signed by the present key, unless nobody is to be asked."""
    if core.signer_from is None or core.is_root or halt.reason == lives.REBUILT:
        return halt
    seed = core.chance.bytes(32)
    ask = Ask(
        v=PROTOCOL_VERSION,
        station=core.station,
        epoch=core.epoch,
        incarnation=transaction.meta(halts.INCARNATION) or core.incarnation,
        key=core.signer_from(seed).public_key(),
        reason=halt.reason,
        position=record.own_log(core, transaction).position,
        asked_ms=now_ms,
    )
    said = trust.sign(core, statements.ASK, canonical.dumps(ask))
    return replace(halt, seed=seed, ask=statements.encode(said))


def code(halt: Halt) -> str:
    """Return the check code of a halted node's ask, empty when it asks nobody."""
    return code_of(statements.decode(halt.ask).read(Ask).key) if halt.ask else ""


# Getting the own logs back.


def wanted(core: Core, transaction: Transaction, halt: Halt) -> list[OwnLog]:
    """Return from where on the parent is asked for the own logs; none when they are whole."""
    found = []
    for head in halt.heads:
        log = transaction.log(LogName(core.station, head.epoch))
        if log is None:
            found.append(OwnLog(head.epoch, 0))
        elif not _agrees(transaction, log, head):
            behind = log.position < head.position and halt.reason in _ROLLED_BACK
            found.append(OwnLog(head.epoch, log.position if behind else 0))
    return found


def _agrees(transaction: Transaction, log: LogState, head: Head) -> bool:
    """Return whether an own log holds just what the parent holds of it."""
    if log.position < head.position:
        return False
    return not head.position or (receipts.chain_at(transaction, log, head.position) == head.chain)


def fetched(core: Core, transaction: Transaction, halt: Halt) -> bool:
    """Return whether the own logs are here as far as the parent holds them."""
    return core.is_root or (halt.heard and not wanted(core, transaction, halt))


def heed(
    core: Core, transaction: Transaction, now_ms: int, answer: Answer, effects: Effects
) -> bool:
    """Take in what an answer says of this node's own life; return whether to come again at once."""
    before = halted(transaction)
    if answer.verdict == rounds.REWIND:
        if before is None and _was_overtaken(core, transaction, answer):
            return True
        stop(core, transaction, now_ms, lives.REWIND, effects)
    elif answer.verdict == rounds.FORK:
        known = answer.reason if answer.reason in lives.REASONS else lives.FORK
        stop(core, transaction, now_ms, known, effects)
    present = halted(transaction)
    if present is None:
        return False
    own = sum(log.position for log in transaction.logs() if log.name.station == core.station)
    told = present.heard or answer.heads_told
    heads = answer.heads or present.heads
    moved = before is None or own != present.progress or heads != present.heads
    halts.put(transaction, replace(present, heads=heads, heard=told, progress=own))
    _take_holes(core, transaction, heads)
    if present.reason == lives.OLDER_LIFE:
        _hand_in(core, transaction, now_ms)
        return False
    if told and fetched(core, transaction, replace(present, heads=heads, heard=told)):
        effects.life = True
        return before is None
    return moved


def _was_overtaken(core: Core, transaction: Transaction, answer: Answer) -> bool:
    """Return whether a file came to the parent before a hello that knew less: nothing is lacking.

    Who was put back holds less than the parent heard of, or something else in its place.
    """
    log = transaction.log(core.log)
    return log is not None and any(
        head.epoch == core.epoch and head.heard <= log.position and _agrees(transaction, log, head)
        for head in answer.heads
    )


def _hand_in(core: Core, transaction: Transaction, now_ms: int) -> None:
    """Another machine goes on: what only this one wrote is handed in to be checked."""
    shape = tree.load(core, transaction, now_ms)
    for log in transaction.logs():
        if log.name.station == core.station and log.position > log.parent_position:
            recovery.set_aside(core, shape, transaction, log, log.parent_position + 1)


def _take_holes(core: Core, transaction: Transaction, heads: list[Head]) -> None:
    for head in heads:
        log = LogName(core.station, head.epoch)
        known = {r.position for r in transaction.refusals(log)}
        for hole in head.holes:
            if (
                hole.position not in known
                and transaction.event(EventName(*log, hole.position)) is None
            ):
                transaction.refuse(Refused(log, hole.position, hole.reason, hole.hash))
        held = transaction.log(log)
        if held is not None and head.holes:  # nobody gives an event behind which it lies
            transaction.put_log(recovery.pass_holes(transaction, held))


def own_event(
    core: Core,
    shape: Tree,
    transaction: Transaction,
    now_ms: int,
    event: Event,
    source: str,
    effects: Effects,
) -> str:
    """Take an event of this very station from a neighbour and return what became of it.

    One of the present log that is not held here proves that this disk is older than its own word:
    nobody else has the key. Of a closed log it comes too late: it is kept as recovered.
    """
    name = intake.claimed_name(event)
    held = transaction.event(name)
    if held is not None and held.event.envelope == event.envelope:
        return intake.DUPLICATE
    try:
        stored = recovery.verified(core, transaction, now_ms, event, "")
    except NoCertificate:
        return intake.GAP
    except PeerProtocolError:
        count(transaction, "events_doubted")
        return intake.DOUBTED
    log = intake.log_state(transaction, name.log, "")
    passed = held is None and name.position <= log.position
    if passed or recovery.closed_at(transaction, name.log) is not None:
        recovery.keep(core, shape, transaction, stored)
        return intake.RECOVERED
    if halted(transaction) is None:
        stop(core, transaction, now_ms, lives.BEHIND, effects)
    if held is not None:
        if source != core.parent:
            recovery.keep(core, shape, transaction, stored)
            return intake.RECOVERED
        log = recovery.set_aside(core, shape, transaction, log, name.position)
    _put_back(core, shape, transaction, now_ms, log, stored, effects)
    return intake.TAKEN


def _put_back(
    core: Core,
    shape: Tree,
    transaction: Transaction,
    now_ms: int,
    log: LogState,
    stored: StoredEvent,
    effects: Effects,
) -> None:
    """Store an own event again, at its place in the log or as a piece beyond its head."""
    log = recovery.pass_holes(transaction, log)
    if stored.name.position == log.position + 1:
        stored = replace(stored, chain=chain_next(log.chain, stored.event.hash))
    intake.hold(core, shape, transaction, now_ms, stored, effects)
    transaction.put_log(recovery.pass_over(transaction, log))


def met(transaction: Transaction, child: str, *, nothing_lacking: bool, effects: Effects) -> None:
    """Note that a child of a halted node was heard and holds nothing this node lacks."""
    halt = halted(transaction)
    if halt is not None and nothing_lacking and child in halt.waiting:
        left = [one for one in halt.waiting if one != child]
        halts.put(transaction, replace(halt, waiting=left))
        effects.life = effects.life or not left


# The voucher, and the next epoch.


def take_voucher(
    core: Core, transaction: Transaction, raw: bytes, voucher: Voucher, effects: Effects
) -> None:
    """Keep the voucher this halted copy asked for; one for another copy is passed over."""
    halt = halted(transaction)
    if halt is None or not halt.ask or voucher.station != core.station:
        return
    if statements.decode(halt.ask).read(Ask).key == voucher.key:
        halts.put(transaction, replace(halt, voucher=raw))
        effects.life = True


def may_open(core: Core, transaction: Transaction, now_ms: int) -> bool:
    """Return whether everything within reach is back, so that the next epoch may be opened."""
    halt = halted(transaction)
    if halt is None or not fetched(core, transaction, halt):
        return False
    late = not 0 <= now_ms - halt.since_ms < WAIT_FOR_CHILDREN_MS
    return not halt.waiting or late


def open_next(core: Core, transaction: Transaction, now_ms: int) -> StoredEvent:
    """Open the epoch `core` was just given keys for, naming the one before it; the halt ends.

    Idempotent: an epoch already opened returns its first event again.
    """
    halt = halted(transaction)
    halts.put(transaction, None)
    former = max(
        (
            log.name
            for log in transaction.logs()
            if log.name.station == core.station and log.name.epoch < core.epoch
        ),
        default=None,
    )
    if former is None:
        return record.open_epoch(core, transaction, now_ms, None, 0)
    heard = max((h.heard for h in halt.heads if h.epoch == former.epoch), default=0) if halt else 0
    last, lost = _last_known(transaction, former, heard)
    recovery.close(transaction, former, last, lost)
    for stream in noted_streams(transaction):
        routing.note_settled(transaction, [stream])
    return record.open_epoch(core, transaction, now_ms, former, last, recovery.runs_of(lost))


def _last_known(transaction: Transaction, former: LogName, heard: int) -> tuple[int, list[int]]:
    """Return the last position known of a log, and which up to there are held nowhere in reach."""
    log = transaction.log(former)
    assert log is not None, "a former log was chosen from those held"
    pieces = transaction.log_events(former, log.position, PIECES_MAX)
    last = max([log.position, heard, *(piece.name.position for piece in pieces)])
    last = min(last, log.position + lives.LOST_MAX)
    held = {piece.name.position for piece in pieces}
    holes = {refused.position for refused in transaction.refusals(former)}
    positions = range(log.position + 1, last + 1)
    return last, [at for at in positions if at not in held and at not in holes]


_NOTED = "streams_halted"


def note_stream(transaction: Transaction, stream: str) -> None:
    """Have a stream looked at again once the epoch is opened: a rule would have acted on it."""
    streams = set((transaction.meta(_NOTED) or "").split())
    if stream not in streams:
        transaction.set_meta(_NOTED, " ".join(sorted(streams | {stream})))


def noted_streams(transaction: Transaction) -> list[str]:
    """Return the streams noted while halted, once."""
    streams = (transaction.meta(_NOTED) or "").split()
    if streams:
        transaction.set_meta(_NOTED, "")
    return streams
