"""What a receipt does to a log held here, and central's own receipts on their way down."""

from __future__ import annotations

from msgspec.structs import replace

from sync.engine import routing, trust
from sync.engine.core import Core, count
from sync.protocol import canonical, statements
from sync.protocol.errors import BadSignature, Malformed
from sync.protocol.limits import PROTOCOL_VERSION, REFUSED_LISTED_MAX
from sync.protocol.names import EventName, LogName
from sync.protocol.ports import LogState, Refused, Transaction
from sync.protocol.receipts import CentralReceipt, LogReceipt, Refusal, chain_next, chain_start
from sync.protocol.statements import Statement

CENTRAL = "central"
BACKUP = "backup"
RUNGS = (CENTRAL, BACKUP)


def give(transaction: Transaction, log: LogState) -> LogReceipt:
    """Return this node's receipt for a log: its cursor and its holes."""
    holes = [r for r in transaction.refusals(log.name) if r.position <= log.position]
    return LogReceipt(
        station=log.name.station,
        epoch=log.name.epoch,
        pos=log.position,
        chain=log.chain,
        refused=[Refusal(r.position, r.reason) for r in holes[-REFUSED_LISTED_MAX:]],
    )


def take(transaction: Transaction, receipt: LogReceipt) -> bool:
    """Book the parent's receipt for a log held here; return whether it covers more than before.

    A receipt for positions not written, or over another content, books nothing.
    """
    log = transaction.log(receipt.log)
    if log is None or receipt.pos > log.position:
        return False
    if not _same_chain(transaction, log, receipt.pos, receipt.chain):
        count(transaction, "receipts_over_other_content")
        return False
    known = {r.position for r in transaction.refusals(log.name)}
    for refusal in receipt.refused:
        if refusal.position not in known and refusal.position <= receipt.pos:
            transaction.refuse(Refused(log.name, refusal.position, refusal.reason, b""))
    if receipt.pos <= log.parent_position:
        return False
    transaction.put_log(replace(log, parent_position=receipt.pos))
    return True


def chain_at(transaction: Transaction, log: LogState, position: int) -> bytes:
    """Return the chain check sum of a log held here at a position, empty if it is not known.

    Holes, and events handed down before their log was held, have none of their own: reckoned anew.
    """
    if position == log.position:
        return log.chain
    holes = {r.position: r.hash for r in transaction.refusals(log.name) if r.hash}
    passed: list[bytes] = []
    chain = chain_start(log.name) if 0 <= position < log.position else b""
    for at in range(position, 0, -1):
        found = transaction.event(EventName(*log.name, at))
        if found is not None and found.chain:
            chain = found.chain
            break
        event_hash = holes.get(at) or (b"" if found is None else found.event.hash)
        if not event_hash:
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
    payload = CentralReceipt(
        v=PROTOCOL_VERSION,
        station=log.name.station,
        epoch=log.name.epoch,
        pos=log.position,
        chain=log.chain,
        rung=CENTRAL,
        issued_ms=now_ms,
        incarnation=core.incarnation,
    )
    statement = trust.sign(core, statements.RECEIPT, canonical.dumps(payload))
    ref = _ref(log.name, CENTRAL)
    transaction.put_statement(statements.RECEIPT, ref, statements.encode(statement))
    transaction.put_log(replace(log, central_position=log.position))
    _owe(transaction, log.source, ref, statement)


def take_central(core: Core, transaction: Transaction, statement: Statement) -> bool:
    """Hold central's receipt if it is newer, book its rung, hand it on; return whether it was new.

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
    if log is None or receipt.pos > log.position:
        return False
    if not _same_chain(transaction, log, receipt.pos, receipt.chain):
        raise BadSignature("central's receipt is over another content")
    transaction.put_statement(statements.RECEIPT, ref, statements.encode(statement))
    if receipt.rung == CENTRAL:
        transaction.put_log(replace(log, central_position=receipt.pos))
    else:
        transaction.put_log(replace(log, backup_position=receipt.pos))
    _owe(transaction, log.source, ref, statement)
    return True


def _owe(transaction: Transaction, source: str, ref: str, statement: Statement) -> None:
    link = transaction.child_link(source) if source else None
    if link is not None:
        routing.owe_signer(transaction, link, statement)
        transaction.enqueue(source, statements.RECEIPT, ref)


def _ref(log: LogName, rung: str) -> str:
    return f"{log.station}/{log.epoch}/{rung}"
