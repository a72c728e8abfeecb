"""The parent's side of a round: hello checked, frames taken one by one, answer given."""

from __future__ import annotations

from dataclasses import dataclass, field

from msgspec.structs import replace

from sync.engine import (
    clock,
    intake,
    notices,
    ratchet,
    receipts,
    registers,
    revocation,
    routing,
    tree,
    trust,
)
from sync.engine.core import Core, Effects, count
from sync.protocol import canonical, digest, frames, rounds, statements
from sync.protocol.errors import BadSignature, Malformed, PeerProtocolError
from sync.protocol.frames import Frame
from sync.protocol.names import LogName
from sync.protocol.ports import ChildLink, Refused, Transaction
from sync.protocol.rounds import Hello
from sync.protocol.statements import Certificate


@dataclass(slots=True)
class Session:
    """What the parent remembers between the frames of one request."""

    hello: Hello
    verdict: str
    reason: str = ""
    token: bytes = b""
    challenge: bytes = b""
    touched: set[LogName] = field(default_factory=set)
    offered: dict[LogName, int] = field(default_factory=dict)
    """How far the events of each log in this request went."""
    statements: int = 0

    @property
    def child(self) -> str:
        return self.hello.station


def receive_hello(core: Core, transaction: Transaction, now_ms: int, raw: bytes) -> Session:
    """Return the session of a child whose hello verifies, with the verdict on it.

    Raises: Malformed, LimitExceeded, UnsupportedVersion, NoCertificate, BadSignature.
    """
    signature, payload = rounds.split_header(raw)
    hello = rounds.decode_header(payload, Hello)
    log = LogName(hello.station, hello.epoch)
    key = trust.station_key(core, transaction, log)
    if not core.verifier.verify(key, rounds.hello_message(core.station, payload), signature):
        raise BadSignature("hello")
    if hello.station == core.station:
        raise BadSignature("a node does not call itself")
    if revocation.refuses(transaction, log):
        return Session(hello, rounds.REVOKED)
    link = _link(core, transaction, now_ms, hello)
    verdict, link = ratchet.check(core, transaction, link, hello)
    if verdict != rounds.OK:
        transaction.put_child_link(link)
        return Session(hello, verdict, reason=link.suspect, challenge=link.challenge)
    health = canonical.dumps(hello.health) if hello.health is not None else link.health
    link = replace(link, last_contact_ms=now_ms, rounds=link.rounds + 1, health=health)
    transaction.put_child_link(link)
    verdict = _head_verdict(transaction, log, hello)
    moved = _book(core, transaction, now_ms, hello, verdict)
    return Session(hello, verdict, token=link.token, touched=moved)


def receive_frame(
    core: Core, transaction: Transaction, now_ms: int, session: Session, frame: Frame
) -> Effects:
    """Take one further frame of a request, in a transaction of its own.

    Raises: Malformed; the frames before it stay committed.
    """
    effects = Effects()
    if session.verdict != rounds.OK:
        return effects
    if frame.type == frames.EVENTS:
        shape = tree.load(core, transaction, now_ms)
        for event in frames.decode_events(frame.payload)[1]:
            try:
                intake.from_child(core, shape, transaction, now_ms, event, session.child, effects)
                name = intake.claimed_name(event)
                session.touched.add(name.log)
                session.offered[name.log] = max(name.position, session.offered.get(name.log, 0))
            except Malformed:
                count(transaction, "events_without_name")
    elif frame.type == frames.STATEMENTS:
        through, raws = frames.decode_statements(frame.payload)
        for raw in raws:
            notices.take(core, transaction, now_ms, raw, from_child=session.child, effects=effects)
        session.statements = max(session.statements, through)
    return effects


def receive_introduction(
    core: Core, transaction: Transaction, now_ms: int, frame: Frame, caller: str
) -> None:
    """Take the certificates a child sends ahead of its hello.

    Its own is judged for expiry here, at first hand, by the later of clock and trusted time; those
    of its subtree were judged by their own parents, and one that fails is counted and passed over:
    what it would prove is refused event by event, and the rest of the subtree goes on.
    Raises: VoucherRefused, BadSignature, Malformed of its own: the caller answers with the code.
    """
    latest = max(now_ms, clock.trusted_ms(transaction, now_ms) or 0)
    for raw in frames.decode_statements(frame.payload)[1]:
        statement = statements.decode(raw)
        if statement.kind != statements.CERTIFICATE:
            continue
        own = statement.read(Certificate).station == caller
        try:
            trust.take_certificate(core, transaction, raw, first_hand_ms=latest if own else None)
        except PeerProtocolError as error:
            if own:
                raise
            count(transaction, f"statements_refused/{error.code}")


def claimed_caller(raw: bytes) -> str:
    """Return the station an unverified hello claims to be. Raises: Malformed, LimitExceeded."""
    return rounds.decode_header(rounds.split_header(raw)[1], Hello).station


def _link(core: Core, transaction: Transaction, now_ms: int, hello: Hello) -> ChildLink:
    link = transaction.child_link(hello.station)
    if link is not None and link.incarnation == hello.incarnation and link.epoch == hello.epoch:
        return link
    fresh = ChildLink(
        station=hello.station,
        epoch=hello.epoch,
        incarnation=hello.incarnation,
        first_contact_ms=link.first_contact_ms if link is not None else now_ms,
    )
    if link is not None and hello.incarnation < link.incarnation:
        return replace(link, suspect=ratchet.SECOND_COPY)  # an older life of this node calls
    transaction.put_child_link(fresh)
    shape = tree.load(core, transaction, now_ms)
    transaction.acknowledge(hello.station, transaction.last_sequence(hello.station))
    routing.derive_link(shape, transaction, hello.station)
    routing.owe_ancestors(core, shape, transaction, hello.station)
    notices.owe_time_mark(transaction, hello.station)
    revocation.owe_all(transaction, hello.station)
    _owe_receipts(transaction, hello.station)
    return transaction.child_link(hello.station) or fresh


def _owe_receipts(transaction: Transaction, child: str) -> None:
    link = transaction.child_link(child)
    for log in transaction.logs():
        if log.source != child or link is None:
            continue
        for rung in receipts.RUNGS:
            ref = f"{log.name.station}/{log.name.epoch}/{rung}"
            raw = transaction.statement(statements.RECEIPT, ref)
            if raw is not None:
                routing.owe_signer(transaction, link, statements.decode(raw))
                transaction.enqueue(child, statements.RECEIPT, ref)


def _head_verdict(transaction: Transaction, log: LogName, hello: Hello) -> str:
    held = transaction.log(log)
    if held is None:
        return rounds.OK
    if hello.position < held.position:
        return rounds.REWIND
    if hello.position == held.position and hello.chain != held.chain:
        transaction.put_log(replace(held, frozen=rounds.FORK))
        count(transaction, "logs_frozen")
        return rounds.FORK
    return rounds.OK


def _book(
    core: Core, transaction: Transaction, now_ms: int, hello: Hello, verdict: str
) -> set[LogName]:
    """Book what an accepted hello says of what it holds, lacks and cannot hand on.

    Shapes: returns the logs it named holes of, which are owed a receipt even without an event.
    """
    moved: set[LogName] = set()
    if verdict != rounds.OK:
        return moved
    shape = tree.load(core, transaction, now_ms)
    child = hello.station
    if hello.acknowledged_incarnation == core.incarnation:
        transaction.acknowledge(child, hello.acknowledged)
        _heal(shape, transaction, hello)
    if hello.editions or hello.acknowledged_incarnation != core.incarnation:
        registers.owe_editions(shape, transaction, child, hello.editions)
    below = shape.subtree(child)
    for hole in hello.holes:
        log = LogName(hole.station, hole.epoch)
        if hole.station not in below:
            continue
        moved.add(log)
        held = intake.log_state(transaction, log, child)
        if hole.position > held.position:
            transaction.refuse(Refused(log, hole.position, hole.reason, hole.hash))
            transaction.put_log(intake.pass_holes(transaction, held))
    return moved


def _heal(shape: tree.Tree, transaction: Transaction, hello: Hello) -> None:
    """Derive a link anew when it is idle and the ends do not hold the same; once per difference."""
    link = transaction.child_link(hello.station)
    idle = transaction.outbox_count(hello.station) == 0
    if link is None or not idle or hello.tree != shape.version(hello.station):
        return
    if len(hello.digest) != digest.DIGEST_BYTES or hello.digest == link.digest:
        return
    apart = digest.difference(link.digest, hello.digest)
    if apart != link.healed:
        transaction.put_child_link(replace(link, healed=apart))
        routing.derive_link(shape, transaction, hello.station)
        count(transaction, "links_healed")
