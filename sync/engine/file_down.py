"""A bundle from above, at the station it is addressed to; its maker need not be the parent."""

from __future__ import annotations

from msgspec.structs import replace

from sync.engine import clock, file_book, intake, notices, receipts, registers, tree
from sync.engine.core import Core, Effects, count
from sync.engine.file_session import Session
from sync.protocol import bundles, digest, frames, statements
from sync.protocol.bundles import BundleFacts
from sync.protocol.errors import Malformed, PeerProtocolError
from sync.protocol.names import LogName
from sync.protocol.ports import BlobStore, Transaction
from sync.protocol.statements import TimeMark


def take_facts(
    core: Core, transaction: Transaction, now_ms: int, session: Session, facts: BundleFacts
) -> None:
    """Book the maker's receipts and where its bundle goes on from, unless it is of a past life."""
    maker, life = facts.station, facts.incarnation
    if session.facts is None:
        session.past = file_book.is_past_life(transaction, maker, life)
        held = file_book.held_of(transaction, maker, life)
        session.contiguous = session.past or facts.after <= held
        newest = (life, facts.number) >= file_book.last_taken(transaction, maker, bundles.DOWN)
        session.told = facts.verdict if newest and not session.past else ""
        if not session.past:
            file_book.note_held(transaction, maker, life, held)
    if session.past:
        return
    link = transaction.parent_link()
    by_link = link is not None and (link.station, link.incarnation) == (maker, life)
    for receipt in facts.receipts:
        own = receipt.station == core.station
        before = _covered(core, transaction, now_ms, receipt.log) if own else 0
        more = file_book.note_receipt(transaction, maker, life, receipt, now_ms)
        if by_link:
            receipts.take(transaction, receipt)
        if more and own:
            session.covered += max(receipt.pos - before, 0)


def _covered(core: Core, transaction: Transaction, now_ms: int, name: LogName) -> int:
    """Return up to where some node above was known to hold a log."""
    log = transaction.log(name)
    if log is None:
        return 0
    shape = tree.load(core, transaction, now_ms)
    said = file_book.receipts_of(core, shape, transaction, log.name)
    return max([log.parent_position, log.central_position, *(one.position for one in said)])


def take_statements(
    core: Core, transaction: Transaction, now_ms: int, session: Session, payload: bytes
) -> Effects:
    """Take certificates, receipts of central, manifests; of a time mark only that it is later."""
    effects = Effects()
    through, raws = frames.decode_statements(payload)
    for raw in raws:
        if _is_late_mark(transaction, now_ms, raw):
            continue
        notices.take(core, transaction, now_ms, raw, from_child=None, effects=effects)
        clock.not_behind(transaction)
    _received(transaction, session, through)
    return effects


def _is_late_mark(transaction: Transaction, now_ms: int, raw: bytes) -> bool:
    """Return whether a time mark was so long under way that it says nothing new.

    A file takes days: its mark is only a floor under the time, not the time.
    """
    try:
        statement = statements.decode(raw)
        if statement.kind != statements.TIME_MARK:
            return False
        at_ms = statement.read(TimeMark).at_ms
    except PeerProtocolError:
        return False  # counted where it is taken
    held = transaction.statement(statements.TIME_MARK, "")
    if held is not None and at_ms < statements.decode(held).read(TimeMark).at_ms:
        return False  # an older one, or central's clock was put right: it is told by its serial
    return at_ms <= (clock.trusted_ms(transaction, now_ms) or now_ms)


def take_events(
    core: Core, transaction: Transaction, now_ms: int, session: Session, payload: bytes
) -> Effects:
    """Take events handed down past whatever lies between."""
    effects = Effects()
    through, events = frames.decode_events(payload)
    shape = tree.load(core, transaction, now_ms)
    below = shape.subtree(core.station)
    intake.foresee(transaction, events)
    added, doubted = digest.EMPTY, False
    for event in events:
        try:
            name = intake.claimed_name(event)
        except Malformed:
            count(transaction, "events_without_name")
            session.failed += 1
            continue
        became = intake.from_parent(
            core, shape, transaction, now_ms, event, session.source, effects
        )
        if became in (intake.TAKEN, intake.KEPT_ASIDE):
            session.taken += 1
            if became == intake.TAKEN and name.station not in below:
                added = digest.add(added, event.hash)
        elif became == intake.DUPLICATE:
            session.known += 1
        else:
            session.failed += 1
        doubted = doubted or became == intake.DOUBTED
    link = transaction.parent_link()
    if link is not None:
        both = digest.add(link.digest, added)
        transaction.put_parent_link(replace(link, digest=both))
    if not doubted:
        _received(transaction, session, through)
    return effects


def _received(transaction: Transaction, session: Session, through: int) -> None:
    if session.past or not session.contiguous or session.facts is None:
        return
    maker, life = session.maker, session.manifest.incarnation
    held = file_book.held_of(transaction, maker, life)
    if through <= held:
        return
    file_book.note_held(transaction, maker, life, through)
    link = transaction.parent_link()
    if link is not None and (link.station, link.incarnation) == (maker, life):
        transaction.put_parent_link(replace(link, received=max(through, link.received)))


def take_blob(transaction: Transaction, blobs: BlobStore, payload: bytes) -> Effects:
    """Take a piece of a pack that a manifest held here names."""
    piece = frames.decode_blob(payload)
    if registers.lacks(transaction, blobs, piece.sha256, piece.size):
        blobs.put_piece(piece.sha256, piece.size, piece.offset, piece.data)
    return Effects()
