"""A bundle from below, at any node above its maker."""

from __future__ import annotations

from msgspec.structs import replace

from sync.engine import (
    dues,
    file_book,
    intake,
    news,
    notices,
    receipts,
    recovery,
    registers,
    routing,
    tree,
)
from sync.engine.core import Core, Effects, count
from sync.engine.file_session import Gap, Session
from sync.engine.tree import Tree
from sync.protocol import bundles, frames, rounds
from sync.protocol.bundles import BundleFacts
from sync.protocol.errors import BundleNotOurs, Malformed
from sync.protocol.names import LogName
from sync.protocol.ports import ChildLink, Refused, Transaction

_WRONG = (intake.DOUBTED, intake.REFUSED, intake.FORK, intake.FROZEN, intake.RECOVERED)


def take_facts(
    core: Core, transaction: Transaction, now_ms: int, session: Session, facts: BundleFacts
) -> None:
    """Book what the maker holds and lacks, unless newer word of it is known.

    Raises: BundleNotOurs (its maker is not below this node).
    """
    shape = tree.load(core, transaction, now_ms)
    session.source = _source(core, shape, session.maker)
    if session.facts is None:
        _book(core, shape, transaction, now_ms, session, facts)
    below = shape.subtree(session.maker)
    for hole in facts.holes:
        log = LogName(hole.station, hole.epoch)
        if hole.station not in below:
            continue
        session.touched.add(log)
        held = intake.log_state(transaction, log, session.source)
        if hole.position > held.position:
            transaction.refuse(Refused(log, hole.position, hole.reason, hole.hash))
            transaction.put_log(recovery.pass_holes(transaction, held))
            news.note(transaction, log)


def _source(core: Core, shape: Tree, maker: str) -> str:
    """Return the child of this node that the maker is, or lies below."""
    child = shape.child_towards(core.station, maker)
    if not child and core.is_root:
        child = shape.path(maker)[-1]  # everybody is below central, also who is not listed yet
    if not child:
        raise BundleNotOurs(f"{maker} is not below this node")
    return child


def _book(
    core: Core,
    shape: Tree,
    transaction: Transaction,
    now_ms: int,
    session: Session,
    facts: BundleFacts,
) -> None:
    maker = session.maker
    link = transaction.child_link(maker)
    twice = file_book.is_number_used(transaction, session.manifest, session.digest)
    last = file_book.last_taken(transaction, maker, bundles.UP)
    session.past = (facts.incarnation, facts.number) < last
    if link is not None and facts.incarnation < link.incarnation:
        session.past = True
    session.told = _verdict(transaction, facts, twice=twice)
    if session.past:
        return
    file_book.note_verdict(transaction, maker, session.told)
    served = routing.serves(shape, transaction, maker)
    # From its first bundle on, and not from its end, is what comes of it owed to the maker.
    file_book.note_last(transaction, maker, bundles.UP, facts.incarnation, 0)
    if link is None or link.incarnation != facts.incarnation or link.epoch != facts.epoch:
        _new_life(core, shape, transaction, now_ms, facts)
    else:
        transaction.put_child_link(replace(link, last_contact_ms=now_ms))
        if not served:  # it left for another parent, and is here by file again
            routing.derive_link(shape, transaction, maker)
    _acknowledge(core, shape, transaction, maker, facts)
    registers.owe_editions(shape, transaction, maker, facts.editions)
    file_book.note_editions(transaction, maker, facts.editions)


def _verdict(transaction: Transaction, facts: BundleFacts, *, twice: bool) -> str:
    """Return `fork` or `rewind` where the maker's own log is not the one held here.

    Holding less is no proof: the bundle may have been under way while the link was up.
    """
    log = transaction.log(LogName(facts.station, facts.epoch))
    if log is None:
        return ""
    if log.frozen:
        return rounds.FORK
    if 0 < facts.position <= log.position:
        chain = receipts.chain_at(transaction, log, facts.position)
        if chain and chain != facts.chain:
            return rounds.FORK
    if twice:
        count(transaction, "bundle_numbers_twice")
        return rounds.REWIND
    return ""


def _new_life(
    core: Core, shape: Tree, transaction: Transaction, now_ms: int, facts: BundleFacts
) -> None:
    before = transaction.child_link(facts.station)
    first = before.first_contact_ms if before is not None else now_ms
    transaction.put_child_link(
        ChildLink(
            station=facts.station,
            epoch=facts.epoch,
            incarnation=facts.incarnation,
            first_contact_ms=first,
            last_contact_ms=now_ms,
        )
    )
    transaction.acknowledge(facts.station, transaction.last_sequence(facts.station))
    routing.derive_link(shape, transaction, facts.station)
    routing.owe_ancestors(core, shape, transaction, facts.station)
    dues.owe(shape, transaction, facts.station)
    file_book.note_acknowledged(core, transaction, facts.station, 0)


def _acknowledge(
    core: Core, shape: Tree, transaction: Transaction, maker: str, facts: BundleFacts
) -> None:
    """Let go what the maker holds; offer all anew if it holds less than it said before."""
    said = [
        held.sequence
        for held in facts.held
        if (held.issuer, held.incarnation) == (core.station, core.incarnation)
    ]
    through = min(max(said, default=0), transaction.last_sequence(maker))
    if through < file_book.acknowledged(core, transaction, maker):
        routing.derive_link(shape, transaction, maker)
    else:
        transaction.acknowledge(maker, through)
    file_book.note_acknowledged(core, transaction, maker, through)


def take_statements(
    core: Core, transaction: Transaction, now_ms: int, session: Session, payload: bytes
) -> Effects:
    """Take certificates, attachments and whatever else travels up as a statement."""
    effects = Effects()
    for raw in frames.decode_statements(payload)[1]:
        notices.take(core, transaction, now_ms, raw, from_child=session.maker, effects=effects)
    return effects


def take_events(
    core: Core, transaction: Transaction, now_ms: int, session: Session, payload: bytes
) -> Effects:
    """Take events of the maker and its subtree as if the child on its road had handed them up."""
    effects = Effects()
    shape = tree.load(core, transaction, now_ms)
    bypassed = session.source != session.maker
    events = frames.decode_events(payload)[1]
    intake.foresee(transaction, events)
    for event in events:
        try:
            name = intake.claimed_name(event)
        except Malformed:
            count(transaction, "events_without_name")
            session.failed += 1
            continue
        became = intake.from_child(
            core,
            shape,
            transaction,
            now_ms,
            event,
            session.source,
            effects,
            bypassed=bypassed,
        )
        session.touched.add(name.log)
        if became == intake.TAKEN:
            session.taken += 1
        elif became == intake.DUPLICATE:
            session.known += 1
        elif became == intake.GAP and name.log not in session.gaps:
            log = intake.log_state(transaction, name.log, session.source)
            session.gaps[name.log] = Gap(name.log, log.position, name.position)
        elif became in _WRONG:
            if became == intake.REFUSED:  # nobody between here and its author heard of it
                news.note(transaction, name.log)
            session.failed += 1
    return effects


def give_receipts(core: Core, transaction: Transaction, now_ms: int, session: Session) -> None:
    """Make sure each log of the bundle will have its receipt; central signs how far it holds it.

    A log that was not begun here has one too, at 0: its station learns from where on to give it.
    """
    made = session.manifest
    session.touched.add(LogName(made.station, made.epoch))
    for name in session.touched:
        if transaction.log(name) is None:
            transaction.put_log(intake.log_state(transaction, name, session.source))
    if not core.is_root:
        return
    for name in sorted(session.touched):
        log = transaction.log(name)
        if log is not None:
            receipts.issue_central(core, transaction, now_ms, log)
