"""Statements from a neighbour: certificates, attachments, time marks, receipts, manifests.

Each is verified, held if it is newer than what is held, and handed on in its own direction. One
that fails is counted and passed over; the others go on.
"""

from __future__ import annotations

import hashlib

from sync.engine import (
    asks,
    carried,
    clock,
    dues,
    freeze,
    gaps,
    lives,
    purge,
    receipts,
    recovery,
    registers,
    revocation,
    routing,
    tree,
    trust,
)
from sync.engine.core import Core, Effects, count
from sync.protocol import canonical, statements
from sync.protocol.errors import BadSignature, PeerProtocolError, RegisterRefused
from sync.protocol.limits import PROTOCOL_VERSION
from sync.protocol.names import LogName
from sync.protocol.ports import Transaction
from sync.protocol.statements import Attachment, Statement, TimeMark

SPOILED = "spoiled_statements"
SPOILED_KEPT = 2_048
"""More than one frame holds, or what is always bad in it would be asked for without end."""
SPOILED_HEX = 16
TIME_MARK_EVERY_MS = 60 * 60 * 1000


def take(
    core: Core,
    transaction: Transaction,
    now_ms: int,
    raw: bytes,
    *,
    from_child: str | None,
    effects: Effects,
) -> str:
    """Take one statement; return "" or the stable code of what was wrong with it."""
    try:
        statement = statements.decode(raw)
        if statement.kind == statements.CERTIFICATE:
            log = trust.take_certificate(core, transaction, raw, first_hand_ms=None)
            if from_child is None:
                _hand_on(core, transaction, now_ms, log)
        elif statement.kind == statements.REVOCATION:
            revocation.take(
                core, transaction, now_ms, statement, effects, from_child=from_child is not None
            )
        elif statement.kind not in statements.KINDS:
            shape = tree.load(core, transaction, now_ms)
            fresh = carried.take(core, shape, transaction, raw, from_child=from_child)
            effects.news = effects.news or fresh
        elif statement.kind == statements.PURGE:
            purge.take(core, transaction, statement, effects, from_child=from_child is not None)
        elif from_child is not None:
            _from_child(core, transaction, now_ms, statement, from_child, effects)
        else:
            _from_parent(core, transaction, now_ms, statement, effects)
    except (PeerProtocolError, RegisterRefused) as error:
        count(transaction, f"statements_refused/{error.code}")
        return error.code
    return ""


def spoiled(transaction: Transaction, refused: list[bytes]) -> bool:
    """Return whether statements were refused that may come better another time.

    What comes again in the same bytes is bad at its source: asking for it would never end.
    """
    if not refused:
        return False
    known = (transaction.meta(SPOILED) or "").split()
    marks = [hashlib.sha256(raw).hexdigest()[:SPOILED_HEX] for raw in refused]
    fresh = [mark for mark in dict.fromkeys(marks) if mark not in known]
    if fresh:
        transaction.set_meta(SPOILED, " ".join([*known, *fresh][-SPOILED_KEPT:]))
    return bool(fresh)


def revive(core: Core, transaction: Transaction, now_ms: int, effects: Effects) -> int:
    """Take what former releases carried unread and this one knows; return how many.

    Called once at start.
    """
    found = carried.understood(transaction)
    for raw in found:
        author = carried.author_of(statements.decode(raw))
        shape = tree.load(core, transaction, now_ms)
        child = shape.child_towards(core.station, author) if author else ""
        take(core, transaction, now_ms, raw, from_child=child or None, effects=effects)
    return len(found)


def _hand_on(core: Core, transaction: Transaction, now_ms: int, log: LogName) -> None:
    """Owe the certificate of a node above to the children, which seal their files to it."""
    shape = tree.load(core, transaction, now_ms)
    if log.station not in trust.ancestors(core, shape, transaction):
        return
    for link in transaction.child_links():
        routing.owe_certificate(transaction, link, log)


def _from_child(
    core: Core,
    transaction: Transaction,
    now_ms: int,
    statement: Statement,
    child: str,
    effects: Effects,
) -> None:
    if statement.kind == statements.ATTACHMENT:
        if _attachment(core, transaction, now_ms, statement, effects) and not core.is_root:
            transaction.enqueue(
                routing.UP, statements.ATTACHMENT, LogName.parse(statement.signer)[0]
            )
            effects.news = True
        _correct(core, transaction, now_ms, statement, child)
    elif statement.kind == statements.RECEIPT:
        gaps.adopt(core, tree.load(core, transaction, now_ms), transaction, statement, child)
    else:
        _of_lives_below(core, transaction, now_ms, statement, child, effects)


def _correct(
    core: Core, transaction: Transaction, now_ms: int, statement: Statement, child: str
) -> None:
    """Tell a child that brought an older word than is held here that the station is gone."""
    station = LogName.parse(statement.signer).station
    link = transaction.child_link(child)
    held = transaction.statement(statements.ATTACHMENT, station)
    if link is None or held is None or held == statements.encode(statement):
        return
    if station not in tree.load(core, transaction, now_ms).subtree(child):
        routing.owe_signer(transaction, link, statements.decode(held))
        transaction.enqueue(child, statements.ATTACHMENT, station)


def _attachment(
    core: Core, transaction: Transaction, now_ms: int, statement: Statement, effects: Effects
) -> bool:
    """Hold a station's word for who its parent is, if it is newer; return whether it was.

    That of a revoked station is held and handed on too, for when it is trusted again; until then
    the tree passes it over. Those below that had the station in their subtree until now are told:
    it is gone from there.
    """
    station = trust.signed_by_station(core, transaction, statement)
    attachment = statement.read(Attachment)
    if attachment.station != station:
        raise BadSignature("attachment of another station")
    held = transaction.statement(statements.ATTACHMENT, station)
    before = (False, 0) if held is None else _weight(transaction, statements.decode(held))
    if _weight(transaction, statement) <= before or station == core.station:
        return False
    had = tree.load(core, transaction, now_ms)
    transaction.put_statement(statements.ATTACHMENT, station, statements.encode(statement))
    if had.stands_under(station, attachment.parent):
        return True  # as the register says: a county that comes for the first time moves nothing
    tree.changed(transaction)
    shape = tree.load(core, transaction, now_ms)
    for link in transaction.child_links():
        if station in had.subtree(link.station) and station not in shape.subtree(link.station):
            routing.owe_signer(transaction, link, statement)
            transaction.enqueue(link.station, statements.ATTACHMENT, station)
    came_back = routing.derive_moved(shape, transaction)
    dues.owe_all(shape, transaction, came_back)
    for child in came_back:
        routing.note_served(transaction, child, now_ms)
    # What central said of its log may lie in the outbox of a child it does not live under any more.
    towards = shape.child_towards(core.station, station)
    receipts.owe_held(
        transaction, towards, shape.subtree(station), dues.known_to(transaction, towards)
    )
    if towards != station:  # a child of this node says itself what editions it has
        registers.owe_grown(had, shape, transaction, towards)
    revocation.judge_anew(core, shape, transaction)
    effects.judged = True
    return True


def _weight(transaction: Transaction, statement: Statement) -> tuple[bool, int]:
    """By this an attachment is the newer one: a thief's counts less, whatever time it names."""
    trusted = not revocation.refuses(transaction, LogName.parse(statement.signer))
    return trusted, statement.read(Attachment).since_ms


def _stands(core: Core, transaction: Transaction, said: Statement | None) -> bool:
    """Return whether what an earlier epoch of this station signed counts, or this one signed it."""
    if said is None or said.signer == core.signer_name:
        return said is not None
    return not revocation.refuses(transaction, LogName.parse(said.signer))


def _of_lives_below(
    core: Core,
    transaction: Transaction,
    now_ms: int,
    statement: Statement,
    child: str,
    effects: Effects,
) -> None:
    """Asks, evidence and recovered events climb to central; what only goes down is passed over."""
    shape = tree.load(core, transaction, now_ms)
    if statement.kind == statements.ASK:
        if asks.asker(statement) not in shape.subtree(child):
            raise BadSignature("ask from elsewhere")
        asks.take(core, transaction, statement, effects)
    elif statement.kind == statements.EVIDENCE:
        freeze.take(core, shape, transaction, statement, child, effects)
    elif statement.kind == statements.RECOVERED:
        fresh = recovery.take(core, shape, transaction, now_ms, statement, child)
        effects.news = effects.news or fresh


def _from_parent(
    core: Core,
    transaction: Transaction,
    now_ms: int,
    statement: Statement,
    effects: Effects,
) -> None:
    shape = tree.load(core, transaction, now_ms)
    if statement.kind == statements.RECEIPT:
        if receipts.take_central(core, shape, transaction, statement):
            effects.news = True
    elif statement.kind == statements.ATTACHMENT:
        _attachment(core, transaction, now_ms, statement, effects)
    elif statement.kind == statements.TIME_MARK:
        _time_mark(core, transaction, now_ms, statement)
    elif statement.kind == statements.MANIFEST:
        registers.take_manifest(core, shape, transaction, statement)
    elif statement.kind == statements.VOUCHER:
        voucher = asks.take_voucher(core, shape, transaction, statement)
        lives.take_voucher(core, transaction, statements.encode(statement), voucher, effects)
        effects.news = True
    elif statement.kind == statements.RECOVERED:
        fresh = recovery.take(core, shape, transaction, now_ms, statement, "")
        effects.news = effects.news or fresh


def _time_mark(core: Core, transaction: Transaction, now_ms: int, statement: Statement) -> None:
    if trust.signed_by_station(core, transaction, statement) != core.root:
        raise BadSignature("time mark of somebody else than central")
    mark = statement.read(TimeMark)
    held = transaction.statement(statements.TIME_MARK, "")
    before = None if held is None else statements.decode(held).read(TimeMark)
    if before is not None and _age(mark) <= _age(before):
        return
    transaction.put_statement(statements.TIME_MARK, "", statements.encode(statement))
    transaction.set_meta(clock.TRUSTED_OFFSET, str(mark.at_ms - now_ms))
    transaction.set_meta(clock.TRUSTED_AT, str(now_ms))
    for link in transaction.child_links():
        dues.owe_time_mark(transaction, link.station)


def _age(mark: TimeMark) -> tuple[str, int]:
    """By this and not by the time it names: a clock of central may have been years ahead."""
    return mark.incarnation, mark.serial


def make_time_mark(core: Core, transaction: Transaction, now_ms: int) -> None:
    """At central: sign the time anew when the last mark is old, and owe it to every child."""
    held = transaction.statement(statements.TIME_MARK, "")
    serial = 0
    if held is not None:
        last = statements.decode(held).read(TimeMark)
        # A restored central may have said something else since, of a clock that was wrong.
        same_life = last.incarnation == core.incarnation
        if same_life and last.at_ms <= now_ms < last.at_ms + TIME_MARK_EVERY_MS:
            return
        serial = last.serial
    mark = TimeMark(PROTOCOL_VERSION, now_ms, core.incarnation, serial + 1)
    statement = trust.sign(core, statements.TIME_MARK, canonical.dumps(mark))
    transaction.put_statement(statements.TIME_MARK, "", statements.encode(statement))
    for link in transaction.child_links():
        dues.owe_time_mark(transaction, link.station)


def attach(core: Core, transaction: Transaction, now_ms: int) -> None:
    """Sign who this station's parent is now, once per parent, and owe it upwards."""
    if core.parent is None:
        return
    held = transaction.statement(statements.ATTACHMENT, core.station)
    said = None if held is None else statements.decode(held)
    before = None if said is None else said.read(Attachment)
    if before is not None and before.parent == core.parent and _stands(core, transaction, said):
        return
    # Newer than the last one also where the clock was ahead when that was signed.
    since_ms = now_ms if before is None else max(now_ms, before.since_ms + 1)
    attachment = Attachment(PROTOCOL_VERSION, core.station, core.parent, since_ms)
    statement = trust.sign(core, statements.ATTACHMENT, canonical.dumps(attachment))
    transaction.put_statement(statements.ATTACHMENT, core.station, statements.encode(statement))
    tree.changed(transaction)
    transaction.enqueue(routing.UP, statements.ATTACHMENT, core.station)
