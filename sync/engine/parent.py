"""The parent's side of a round: hello checked, frames taken one by one, answer given."""

from __future__ import annotations

from contextlib import suppress
from dataclasses import dataclass, field

from msgspec.structs import replace

from sync.engine import (
    acquaint,
    asks,
    behind,
    clock,
    compare,
    dues,
    freeze,
    give_back,
    intake,
    lives,
    notices,
    ratchet,
    receipts,
    recovery,
    registers,
    revocation,
    routing,
    tree,
    trust,
)
from sync.engine.core import Core, Effects, count
from sync.protocol import canonical, digest, frames, rounds, statements
from sync.protocol.envelope import Event
from sync.protocol.errors import BadSignature, Malformed, PeerProtocolError
from sync.protocol.frames import Frame
from sync.protocol.lives import OLDER_LIFE, Seen
from sync.protocol.names import LogName
from sync.protocol.ports import ChildLink, LogState, Refused, Store, Transaction
from sync.protocol.rounds import Hello
from sync.protocol.statements import Certificate


@dataclass(slots=True)
class Session:
    """What the parent remembers between the frames of one request.

    Shapes: `live` the caller showed that it is no late double; `aside` it speaks for others only:
    it gets no token and nothing from the link's outbox; `stopped` logs taken no further;
    `spoiled` a statement was refused for the first time, so none behind it is acknowledged.
    """

    hello: Hello
    verdict: str
    reason: str = ""
    token: bytes = b""
    challenge: bytes = b""
    touched: set[LogName] = field(default_factory=set)
    offered: dict[LogName, int] = field(default_factory=dict)
    """How far the events of each log in this request went."""
    stopped: set[LogName] = field(default_factory=set)
    statements: int = 0
    spoiled: bool = False
    live: bool = False
    aside: bool = False
    effects: Effects = field(default_factory=Effects)

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
    effects = Effects()
    if hello.ask:
        asks.take_quietly(core, transaction, hello.ask, effects)
    known = transaction.child_link(hello.station)
    if known is not None and known.epoch > hello.epoch:
        return Session(hello, rounds.FORK, OLDER_LIFE, aside=True, effects=effects)
    if behind.begun_anew(core, transaction, now_ms, hello, effects):
        return Session(hello, rounds.BUSY, aside=True, effects=effects)
    verdict = _head_verdict(core, transaction, now_ms, log, hello)
    if verdict == rounds.FORK:
        return _frozen_session(core, transaction, now_ms, hello, known, effects)
    same_life = known is not None and known.incarnation == hello.incarnation
    if verdict == rounds.REWIND and same_life and not hello.fetching:
        # It was put back without knowing it: its tokens are old too, and say nothing more.
        return Session(hello, verdict, aside=True, effects=effects)
    link = _link(core, transaction, now_ms, hello)
    turned, link = ratchet.check(core, transaction, link, hello)
    if turned != rounds.OK:
        transaction.put_child_link(link)
        if link.suspect:
            _second_copy(core, transaction, now_ms, log, hello, link)
            return _frozen_session(core, transaction, now_ms, hello, link, effects)
        return Session(hello, turned, challenge=link.challenge, effects=effects)
    live = bool(hello.token)
    health = canonical.dumps(hello.health) if hello.health is not None else link.health
    link = replace(link, last_contact_ms=now_ms, rounds=link.rounds + 1, health=health)
    transaction.put_child_link(link)
    give_back.hear(transaction, log, hello.position)
    if hello.known:
        acquaint.note_known(core, tree.load(core, transaction, now_ms), transaction, hello)
    moved = _book(core, transaction, now_ms, hello, effects)
    acquaint.adopt_introduced(core, transaction, now_ms, hello.station, effects)
    return Session(hello, verdict, token=link.token, touched=moved, live=live, effects=effects)


def _frozen_session(
    core: Core,
    transaction: Transaction,
    now_ms: int,
    hello: Hello,
    link: ChildLink | None,
    effects: Effects,
) -> Session:
    """Return the session of a copy whose log is frozen: what it carries for others goes on.

    The ratchet is out of step with two machines at it; a nonce of the last answer shows that the
    caller lives.
    """
    log = transaction.log(LogName(hello.station, hello.epoch))
    reason = log.frozen if log is not None and log.frozen else rounds.FORK
    if link is None:
        return Session(hello, rounds.FORK, reason, aside=True, effects=effects)
    live = bool(link.challenge) and hello.proof == link.challenge
    fresh = core.chance.bytes(rounds.NONCE_BYTES)
    transaction.put_child_link(replace(link, challenge=fresh, last_contact_ms=now_ms))
    moved = _book(core, transaction, now_ms, hello, effects) if live else set()
    return Session(
        hello,
        rounds.FORK,
        reason,
        challenge=fresh,
        touched=moved,
        live=live,
        aside=not live,
        effects=effects,
    )


def _second_copy(
    core: Core,
    transaction: Transaction,
    now_ms: int,
    log: LogName,
    hello: Hello,
    link: ChildLink,
) -> None:
    held = intake.log_state(transaction, log, hello.station)
    freeze.second_copy(
        core,
        transaction,
        now_ms,
        held,
        Seen(link.incarnation, held.position, held.chain, link.last_contact_ms),
        Seen(hello.incarnation, hello.position, hello.chain, now_ms),
    )


def foresee(core: Core, store: Store, *ahead: Frame) -> None:
    """Have the signatures in frames checked before a turn of the store's one writer is asked for.

    Whatever cannot be read here is judged when the frame is received.
    """
    events: list[Event] = []
    for frame in ahead:
        if frame.type == frames.EVENTS:
            with suppress(Malformed):
                events += frames.decode_events(frame.payload)[1]
    unknown = intake.authors_unread(core, events)
    if unknown:
        with store.read() as transaction:
            intake.read_keys(core, transaction, unknown)
    core.verifier.foresee(intake.signatures(core, events))


def receive_frame(
    core: Core, transaction: Transaction, now_ms: int, session: Session, frame: Frame
) -> Effects:
    """Take one further frame of a request, in a transaction of its own.

    Raises: Malformed; the frames before it stay committed.
    """
    effects = Effects()
    if session.verdict not in (rounds.OK, rounds.REWIND, rounds.FORK):
        return effects
    if frame.type == frames.EVENTS:
        shape = tree.load(core, transaction, now_ms)
        events = frames.decode_events(frame.payload)[1]
        intake.foresee(transaction, events)
        for event in events:
            try:
                _take_event(core, shape, transaction, now_ms, session, event, effects)
            except Malformed:
                count(transaction, "events_without_name")
    elif frame.type == frames.STATEMENTS:
        through, raws = frames.decode_statements(frame.payload)
        child = session.child
        refused = [
            raw
            for raw in raws
            if notices.take(core, transaction, now_ms, raw, from_child=child, effects=effects)
        ]
        # What was spoiled on the way, and whatever comes behind it, is sent once more.
        session.spoiled = notices.spoiled(transaction, refused) or session.spoiled
        if not session.spoiled:
            session.statements = max(session.statements, through)
    elif frame.type == frames.COMPARE:
        shape = tree.load(core, transaction, now_ms)
        compare.offer(shape, transaction, session.hello, compare.read(frame.payload))
    return effects


def _take_event(
    core: Core,
    shape: tree.Tree,
    transaction: Transaction,
    now_ms: int,
    session: Session,
    event: Event,
    effects: Effects,
) -> None:
    name, child = intake.claimed_name(event), session.child
    if name.station == core.station:
        lives.own_event(core, shape, transaction, now_ms, event, child, effects)
        return
    if session.verdict != rounds.OK and name.station == child:
        return  # of the log that is in doubt nothing is taken; the rest goes on
    became = intake.from_child(core, shape, transaction, now_ms, event, child, effects)
    session.touched.add(name.log)
    if name.position == 1:
        # An opening closes the epoch before it; a lost end of that is receipted with it or never.
        session.touched.update(LogName(name.station, e) for e in transaction.epochs(name.station))
    session.offered[name.log] = max(name.position, session.offered.get(name.log, 0))
    if became in (intake.FORK, intake.FROZEN, intake.RECOVERED):
        session.stopped.add(name.log)


def receive_introduction(
    core: Core, transaction: Transaction, now_ms: int, frame: Frame, caller: str
) -> None:
    """Take the certificates a child sends ahead of its hello.

    Its own is judged for expiry here, at first hand, by the later of clock and trusted time, unless
    a receipt of central comes along: a station that moves here was admitted before. Those
    of its subtree were judged by their own parents, and one that fails is counted and passed over:
    what it would prove is refused event by event, and the rest of the subtree goes on.
    Raises: VoucherRefused, BadSignature, Malformed of its own: the caller answers with the code.
    """
    latest = max(now_ms, clock.trusted_ms(transaction, now_ms) or 0)
    told = [statements.decode(raw) for raw in frames.decode_statements(frame.payload)[1]]
    known = {
        log
        for one in told
        if (log := acquaint.known_at_central(core, transaction, one)) is not None
    }
    for statement in told:
        if statement.kind == statements.RECEIPT and caller in {log.station for log in known}:
            transaction.put_statement(acquaint.INTRODUCED, caller, statements.encode(statement))
        if statement.kind != statements.CERTIFICATE:
            continue
        read = statement.read(Certificate)
        own = read.station == caller
        judged = own and LogName(read.station, read.epoch) not in known
        try:
            trust.take_certificate(
                core,
                transaction,
                statements.encode(statement),
                first_hand_ms=latest if judged else None,
            )
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
        return link  # an older life of this node calls: the ratchet asks for a live proof
    transaction.put_child_link(fresh)
    shape = tree.load(core, transaction, now_ms)
    transaction.acknowledge(hello.station, transaction.last_sequence(hello.station))
    # Who holds something already was served by another parent: the digests tell what is lacking.
    served = hello.digest not in (b"", digest.EMPTY)
    routing.derive_link(shape, transaction, hello.station, quiet=served)
    acquaint.note_known(core, shape, transaction, hello)
    # One that was put back believes it has told its editions, and those it lost were receipted.
    registers.owe_editions(shape, transaction, hello.station, hello.editions)
    dues.owe(shape, transaction, hello.station)
    routing.owe_ancestors(core, shape, transaction, hello.station)
    if served:
        routing.note_served(transaction, hello.station, now_ms)
    return transaction.child_link(hello.station) or fresh


def _head_verdict(
    core: Core, transaction: Transaction, now_ms: int, log: LogName, hello: Hello
) -> str:
    held = intake.log_state(transaction, log, hello.station)
    if recovery.closed_at(transaction, log) is not None:
        return rounds.OK
    if held.frozen:
        return rounds.FORK
    if hello.position <= held.position and not _same_past(transaction, held, hello):
        link = transaction.child_link(hello.station)
        met_ms = 0 if link is None else link.last_contact_ms
        freeze.second_copy(
            core,
            transaction,
            now_ms,
            held,
            Seen("" if link is None else link.incarnation, held.position, held.chain, met_ms),
            Seen(hello.incarnation, hello.position, hello.chain, now_ms),
        )
        return rounds.FORK
    # Also of what never came: a request was broken off behind its hello, and the disk put back.
    known = max(held.position, give_back.heard(transaction, log))
    return rounds.REWIND if hello.position < known else rounds.OK


def _same_past(transaction: Transaction, held: LogState, hello: Hello) -> bool:
    """Return whether the caller's log is the beginning of the one held here."""
    there = receipts.chain_at(transaction, held, hello.position)
    return not there or there == hello.chain


def _book(
    core: Core, transaction: Transaction, now_ms: int, hello: Hello, effects: Effects
) -> set[LogName]:
    """Book what an accepted hello says of what it holds, lacks and cannot hand on.

    Shapes: returns the logs it named holes of, which are owed a receipt even without an event.
    """
    moved: set[LogName] = set()
    shape = tree.load(core, transaction, now_ms)
    child = hello.station
    if hello.acknowledged_incarnation == core.incarnation:
        transaction.acknowledge(child, hello.acknowledged)
        alike = _alike(shape, transaction, hello)
        lives.met(transaction, child, nothing_lacking=alike, effects=effects)
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
            transaction.put_log(recovery.pass_holes(transaction, held))
    return moved


def _alike(shape: tree.Tree, transaction: Transaction, hello: Hello) -> bool:
    """Return whether both ends hold the same of what this link carries down."""
    link = transaction.child_link(hello.station)
    same_tree = hello.tree == shape.version(hello.station)
    return link is not None and same_tree and hello.digest == link.digest
