"""What a receipt does to a log held here, and central's own receipts on their way down."""

from __future__ import annotations

from collections.abc import Iterable

from msgspec.structs import replace

from sync.engine import gaps, news, routing, tree, trust
from sync.engine.core import Core, count
from sync.engine.tree import Tree
from sync.protocol import canonical, digest, statements
from sync.protocol.errors import BadSignature, Malformed
from sync.protocol.limits import PROTOCOL_VERSION, REFUSED_LISTED_MAX
from sync.protocol.lives import LOST
from sync.protocol.names import EventName, LogName
from sync.protocol.ports import LogState, Refused, Transaction
from sync.protocol.receipts import (
    CentralReceipt,
    Cursor,
    LogReceipt,
    Refusal,
    chain_next,
    chain_start,
)
from sync.protocol.statements import Statement

CENTRAL = "central"
BACKUP = "backup"
RUNGS = (CENTRAL, BACKUP)


def give(transaction: Transaction, log: LogState, at: int = 0) -> LogReceipt:
    """Return this node's receipt for a log: its cursor and its holes.

    Shapes: `at` is how far the child showed to hold a log of its subtree (0 when it did not say):
    where this node was given more by a file, the child could not check a receipt for all of it.
    """
    pos, chain = log.position, log.chain
    if 0 < at < pos:
        pos, chain = at, chain_at(transaction, log, at)
    holes = [r for r in transaction.refusals(log.name) if r.position <= pos]
    return LogReceipt(
        station=log.name.station,
        epoch=log.name.epoch,
        pos=pos,
        chain=chain,
        refused=[Refusal(r.position, r.reason) for r in holes if r.reason != LOST][
            -REFUSED_LISTED_MAX:
        ],
        lost=[r.position for r in holes if r.reason == LOST][-REFUSED_LISTED_MAX:],
    )


def take(transaction: Transaction, receipt: LogReceipt, *, lower: bool = False) -> bool:
    """Book the parent's receipt for a log held here; return whether it covers more than before.

    A receipt for positions not written, or over another content, books nothing. One that covers
    less than before is passed over, unless with `lower` it is the parent's last word.
    """
    log = transaction.log(receipt.log)
    if log is None or receipt.pos > log.position:
        return False
    gap = gaps.of(transaction, log.name)
    if lower and gap is not None and receipt.pos < gap.through:
        if not gaps.shown(transaction, log.name):
            return False
        log = gaps.give_up(transaction, log)  # the parent lacks what is not held here either
        if receipt.pos > log.position:
            return False
    if not _same_chain(transaction, log, receipt.pos, receipt.chain):
        count(transaction, "receipts_over_other_content")
        return False
    known = {r.position for r in transaction.refusals(log.name)}
    for refusal in receipt.refused:
        if refusal.position not in known and refusal.position <= receipt.pos:
            transaction.refuse(Refused(log.name, refusal.position, refusal.reason, b""))
            news.note(transaction, log.name)
    if lower and receipt.pos < log.parent_position:
        # Less than was believed when this node came to the parent: the rest is offered again.
        transaction.put_log(replace(log, parent_position=receipt.pos))
        count(transaction, "receipts_lower_than_believed")
    if receipt.pos <= log.parent_position:
        return False
    transaction.put_log(replace(log, parent_position=receipt.pos))
    if log.source:
        _book_earlier(transaction, log.name)
    return True


def _book_earlier(transaction: Transaction, name: LogName) -> None:
    """Book central's receipts that came before the events they cover, and hand them down.

    The events went up by a file, or this node was put back and its child had not called yet: then
    nobody was there to be owed them.
    """
    for rung in RUNGS:
        raw = transaction.statement(statements.RECEIPT, _ref(name, rung))
        log = transaction.log(name)
        if raw is None or log is None:
            continue
        receipt = statements.decode(raw).read(CentralReceipt)
        known = log.central_position if rung == CENTRAL else log.backup_position
        if known < receipt.pos <= log.position and _same_chain(
            transaction, log, receipt.pos, receipt.chain
        ):
            _book_rung(transaction, log, receipt)
            link = transaction.child_link(log.source)
            if link is not None:
                routing.owe_signer(transaction, link, statements.decode(raw))
                transaction.enqueue(log.source, statements.RECEIPT, _ref(name, rung))


def _book_rung(transaction: Transaction, log: LogState, receipt: CentralReceipt) -> None:
    if receipt.rung == CENTRAL:
        transaction.put_log(replace(log, central_position=receipt.pos))
    else:
        transaction.put_log(replace(log, backup_position=receipt.pos))


def chain_at(transaction: Transaction, log: LogState, position: int) -> bytes:
    """Return the chain check sum of a log held here at a position, empty if it is not known.

    Holes, and events handed down before their log was held, have none of their own: reckoned anew.
    """
    if position == log.position:
        return log.chain
    holes = {
        r.position: r.hash for r in transaction.refusals(log.name) if r.hash or r.reason == LOST
    }
    gap = gaps.of(transaction, log.name)
    passed: list[bytes] = []
    chain = chain_start(log.name) if 0 <= position < log.position else b""
    for at in range(position, 0, -1):
        if gap is not None and at == gap.through:
            chain = gap.chain
            break
        found = transaction.event(EventName(*log.name, at))
        if found is not None and found.chain:
            chain = found.chain
            break
        event_hash = holes.get(at) or (b"" if found is None else found.event.hash)
        if not event_hash and at not in holes:
            return b""
        passed.append(event_hash)
    for event_hash in reversed(passed):
        chain = chain_next(chain, event_hash)
    return chain


def _same_chain(transaction: Transaction, log: LogState, position: int, chain: bytes) -> bool:
    ours = chain_at(transaction, log, position)
    return bool(ours) and ours == chain


def issue_central(core: Core, transaction: Transaction, now_ms: int, log: LogState) -> None:
    """At central: sign how far a log is held, and owe it to the child the log came from."""
    if log.central_position >= log.position:
        return
    transaction.put_log(replace(log, central_position=log.position))
    _issue(core, transaction, now_ms, log, CENTRAL, Cursor(log.position, log.chain))


def issue_backup(
    core: Core, transaction: Transaction, now_ms: int, name: LogName, copied: Cursor
) -> bool:
    """At central: sign how far a log stands in a verified backup; return whether that is news.

    A copy that does not hold what is held here is not a backup of it: nothing is signed.
    """
    log = transaction.log(name)
    if log is None or not log.backup_position < copied.position <= log.position:
        return False
    if not _same_chain(transaction, log, copied.position, copied.chain):
        return False
    transaction.put_log(replace(log, backup_position=copied.position))
    _issue(core, transaction, now_ms, log, BACKUP, copied)
    return True


def _issue(
    core: Core, transaction: Transaction, now_ms: int, log: LogState, rung: str, at: Cursor
) -> None:
    payload = CentralReceipt(
        v=PROTOCOL_VERSION,
        station=log.name.station,
        epoch=log.name.epoch,
        pos=at.position,
        chain=at.chain,
        rung=rung,
        issued_ms=now_ms,
        incarnation=core.incarnation,
    )
    statement = trust.sign(core, statements.RECEIPT, canonical.dumps(payload))
    ref = _ref(log.name, rung)
    transaction.put_statement(statements.RECEIPT, ref, statements.encode(statement))
    _owe(tree.load(core, transaction, now_ms), transaction, log.name, log.source, ref, statement)


def central_life(transaction: Transaction, log: LogName) -> str:
    """Return the incarnation of central that gave the newest receipt held of a log, "" for none."""
    raw = transaction.statement(statements.RECEIPT, _ref(log, CENTRAL))
    return "" if raw is None else statements.decode(raw).read(CentralReceipt).incarnation


def held_of(transaction: Transaction, log: LogName) -> list[bytes]:
    """Return central's receipts held of a log, as they were signed."""
    found = (transaction.statement(statements.RECEIPT, _ref(log, rung)) for rung in RUNGS)
    return [raw for raw in found if raw is not None]


def take_central(core: Core, shape: Tree, transaction: Transaction, statement: Statement) -> bool:
    """Hold central's receipt if it is newer, book its rung, hand it on; return whether it was new.

    One over events that went up by a file past this node is handed on, and the log taken over from
    there: they are fetched from above, and the author need not send them again.
    Raises: BadSignature (not central's, or over another content than ours), NoCertificate,
    Malformed.
    """
    if trust.signed_by_station(core, transaction, statement) != core.root:
        raise BadSignature("receipt of somebody else than central")
    receipt = statement.read(CentralReceipt)
    if receipt.rung not in RUNGS:
        raise Malformed("rung")
    name = LogName(receipt.station, receipt.epoch)
    ref = _ref(name, receipt.rung)
    held = transaction.statement(statements.RECEIPT, ref)
    if held is not None:
        before = statements.decode(held).read(CentralReceipt)
        if (receipt.incarnation, receipt.pos) <= (before.incarnation, before.pos):
            return False
    log = transaction.log(name)
    if log is not None and receipt.pos <= log.position:
        if not _same_chain(transaction, log, receipt.pos, receipt.chain):
            raise BadSignature("central's receipt is over another content")
        _book_rung(transaction, log, receipt)
    elif not (child := shape.child_towards(core.station, name.station)):
        if log is None and name.station != core.station:
            # A file told above of a station not heard of here yet: booked when its log comes.
            transaction.put_statement(statements.RECEIPT, ref, statements.encode(statement))
        return False
    elif log is not None:
        # Else an author put back to before that file would be told by nobody, and write there anew.
        gaps.adopt(core, shape, transaction, statement, child)
    transaction.put_statement(statements.RECEIPT, ref, statements.encode(statement))
    _owe(shape, transaction, name, "" if log is None else log.source, ref, statement)
    return True


def owe_held(
    transaction: Transaction,
    child: str,
    below: Iterable[str],
    known: frozenset[bytes] = frozenset(),
) -> None:
    """Owe a child central's receipts for logs that came from it, and of stations now below it.

    Shapes: `known` are the marks of those it has.
    """
    link = transaction.child_link(child)
    if link is None:
        return
    names = {log.name for log in transaction.logs(source=child)}
    names |= {LogName(station, e) for station in below for e in transaction.epochs(station)}
    for name in sorted(names):
        for rung in RUNGS:
            ref = _ref(name, rung)
            raw = transaction.statement(statements.RECEIPT, ref)
            if raw is not None and digest.mark([raw]) not in known:
                routing.owe_signer(transaction, link, statements.decode(raw))
                transaction.enqueue(child, statements.RECEIPT, ref)


def _owe(
    shape: Tree,
    transaction: Transaction,
    log: LogName,
    source: str,
    ref: str,
    statement: Statement,
) -> None:
    """Owe a receipt to the child a log came from, and to the one its station lives under now."""
    for child in sorted({source, shape.child_towards(shape.own, log.station)}):
        link = transaction.child_link(child) if child else None
        if link is not None:
            routing.owe_signer(transaction, link, statement)
            transaction.enqueue(child, statements.RECEIPT, ref)


def _ref(log: LogName, rung: str) -> str:
    return f"{log.station}/{log.epoch}/{rung}"
