"""The child's side of a round: one request with all there is to say, one answer taken in frames."""

from __future__ import annotations

from dataclasses import dataclass

from msgspec.structs import replace

from sync.engine import (
    acquaint,
    compare,
    dues,
    fetching,
    gaps,
    give_back,
    intake,
    lives,
    notices,
    outgoing,
    receipts,
    record,
    recovery,
    registers,
    routing,
    tree,
    trust,
    upward,
)
from sync.engine.core import Core, Effects, count
from sync.engine.halt import Halt, halted
from sync.engine.outgoing import UNMEASURED, Budget
from sync.protocol import canonical, compression, digest, frames, rounds, statements
from sync.protocol.compression import Packing
from sync.protocol.envelope import Event
from sync.protocol.errors import BadSignature, Malformed
from sync.protocol.frames import Frame
from sync.protocol.limits import (
    PROTOCOL_VERSION,
)
from sync.protocol.names import LogName
from sync.protocol.ports import BlobStore, LogState, ParentLink, Transaction
from sync.protocol.rounds import NONCE_BYTES, Answer, Hello
from sync.protocol.statements import Health

MOVED = b"moved"
"""In the place of a nonce: this parent is called again after another one."""
PARENT_SPEAKS = "parent_speaks"
"""Which parent answered last, and the protocol version it speaks."""
FROZEN_ABOVE = "frozen_above"
"""The parent takes nothing more of this log; one frozen here still has its good part handed up."""
_TOLD = (rounds.OK, rounds.REWIND, rounds.FORK)
INTRODUCED_AFTER_FAILURES = 2
"""A parent that does not answer may have been rebuilt and no longer know who is calling."""


def begin_round(
    core: Core,
    transaction: Transaction,
    now_ms: int,
    health: Health | None = None,
    budget: Budget = UNMEASURED,
) -> bytes:
    """Return the request of a new round; the same facts go out again until a receipt covers them.

    Bounds: `budget` for the events as sent, one frame at least.
    After an unanswered round the request carries no events: it fetches the receipt first.
    """
    assert core.parent is not None, "central has no parent to call"
    link = transaction.parent_link() or ParentLink(station=core.parent)
    core.parent = link.station  # a move that found the disk full is known in memory alone
    unanswered = bool(link.nonce)
    shape = tree.load(core, transaction, now_ms)
    link = _digest_anew(core, shape, transaction, link)
    if unanswered:
        compare.forget(transaction)
    nonce = core.chance.bytes(NONCE_BYTES)
    own = record.own_log(core, transaction)
    halt = halted(transaction)
    unsent = _unsent(core, transaction, halt)[: outgoing.LOGS_PER_ROUND]
    holes, untold = outgoing.holes(transaction, unsent)
    introduce = not link.incarnation or link.failures >= INTRODUCED_AFTER_FAILURES
    behind = outgoing.holes_behind(transaction) if introduce else []
    hello = Hello(
        v=PROTOCOL_VERSION,
        station=core.station,
        epoch=core.epoch,
        incarnation=core.incarnation,
        nonce=nonce,
        token=link.token,
        proof=link.challenge,
        position=own.position,
        chain=own.chain,
        acknowledged=link.received,
        acknowledged_incarnation=link.incarnation,
        digest=link.digest,
        tree=shape.version(core.station),
        editions={} if link.told_editions else transaction.editions(),
        holes=[*holes, *behind][: outgoing.HOLES_PER_ROUND],
        health=health,
        dictionary=compression.DICTIONARY_NEWEST,
        ask_receipts=unanswered,
        given=_given(link, own),
        ask=b"" if halt is None else halt.ask,
        own=[] if halt is None else lives.wanted(core, transaction, halt),
        fetching=halt is not None and not lives.fetched(core, transaction, halt),
        budget=budget.down,
        lacking=gaps.lacking(transaction),
        bodies=fetching.wanted(transaction),
        known=acquaint.known(core, shape, transaction) if introduce or link.nonce == MOVED else b"",
    )
    packing = _packing(transaction, link, unanswered=unanswered)
    payload = canonical.dumps(hello)
    signature = core.signer.sign(rounds.hello_message(core.parent, payload))
    out: list[Frame | bytes] = []
    certificates = outgoing.certificates(core, transaction, unsent, first=introduce)
    out += frames.statement_frames(certificates)
    out.append(Frame(frames.HELLO, rounds.encode_header(signature, payload)))
    proving = bool(link.challenge) and link.verdict.startswith(rounds.PROVE)
    if not unanswered and not proving:
        out += compare.due(shape, transaction, core.station, link.station)
        out += upward.load(core, transaction, certificates)
        out += outgoing.events(transaction, unsent, untold, packing, budget.up)
    elif link.nonce == MOVED:
        # Before this parent hears of the leaving from above, and lets go of what is owed here.
        out += upward.load(core, transaction, certificates)
    transaction.put_parent_link(
        replace(link, nonce=nonce, last_attempt_ms=now_ms, failures=link.failures + 1)
    )
    return frames.encode_stream(out, packing)


def _packing(transaction: Transaction, link: ParentLink, *, unanswered: bool) -> Packing:
    """Return how to pack for the parent; nothing is taken for granted after an unanswered round.

    It may run an older release since: what that cannot read would never be answered.
    """
    station, _, heard = (transaction.meta(PARENT_SPEAKS) or "").partition(" ")
    if unanswered or station != link.station:
        return compression.packing_for(0, compression.LEVEL_TIGHT)
    return compression.packing_for(link.dictionary, compression.LEVEL_TIGHT, int(heard))


def _given(link: ParentLink, own: LogState) -> int:
    """How much of the own log the parent gave a receipt for; after a move that is not known."""
    if link.nonce == MOVED:
        return 0
    return -1 if own.parent_position == own.position else own.parent_position


def _unsent(core: Core, transaction: Transaction, halt: Halt | None) -> list[LogState]:
    """The logs to offer: of a halted node its own wait until it is known which copy goes on."""
    return [
        log
        for log in transaction.logs_unsent()
        if log.frozen != FROZEN_ABOVE and (halt is None or log.name.station != core.station)
    ]


def _digest_anew(
    core: Core, shape: tree.Tree, transaction: Transaction, link: ParentLink
) -> ParentLink:
    """Return the link, its digest reckoned anew when the parent is or the subtree's shape changed.

    The parent reckons its end anew by the same tree; what moved is counted alike on both ends.
    """
    version = shape.version(core.station)
    if link.incarnation and transaction.meta(routing.DIGEST_TREE) == version:
        return link
    transaction.set_meta(routing.DIGEST_TREE, version)
    held = routing.digest_held(shape, transaction, core.station, link.station)
    return replace(link, digest=held)


def was_busy(transaction: Transaction, hint_ms: int) -> None:
    """Book that the round begun last was sent away unread: the parent is there, nothing is open."""
    link = transaction.parent_link()
    if link is not None:
        transaction.put_parent_link(
            replace(link, nonce=b"", verdict=rounds.BUSY, hint_ms=hint_ms, failures=0)
        )


def versions_apart(transaction: Transaction) -> None:
    """Book that the parent and this node cannot talk; what was begun is begun again as it was.

    Not the first time: it may only be without a dictionary, and the next round does without.
    """
    link = transaction.parent_link()
    if link is not None and link.failures > 1:
        transaction.put_parent_link(replace(link, verdict=rounds.APART))


@dataclass(slots=True)
class Taking:
    """What the child remembers between the frames of one answer."""

    doubted: bool = False
    """Something did not verify: nothing from there on counts as received, it is owed again."""


def receive_frame(
    core: Core,
    transaction: Transaction,
    now_ms: int,
    blobs: BlobStore,
    taking: Taking,
    frame: Frame,
) -> Effects:
    """Take one frame of the answer, in a transaction of its own.

    Raises: BadSignature, NoCertificate, Malformed: the rest of the answer is dropped, what was
    committed stays.
    """
    effects = Effects()
    if frame.type == frames.ANSWER:
        _answer(core, transaction, now_ms, frame.payload, effects)
    elif frame.type == frames.EVENTS:
        through, events = frames.decode_events(frame.payload)
        if _handed_down(core, transaction, now_ms, events, effects):
            taking.doubted = True
        if not through and gaps.close(transaction):
            effects.more = True
        _received(transaction, through, taking)
    elif frame.type == frames.STATEMENTS:
        through, raws = frames.decode_statements(frame.payload)
        refused = [
            raw
            for raw in raws
            if notices.take(core, transaction, now_ms, raw, from_child=None, effects=effects)
        ]
        _received(transaction, through, taking, spoiled=notices.spoiled(transaction, refused))
    elif frame.type == frames.COMPARE:
        _offer_back(core, transaction, now_ms, frame.payload, effects)
    elif frame.type == frames.BLOB:
        piece = frames.decode_blob(frame.payload)
        if registers.lacks(transaction, blobs, piece.sha256, piece.size):
            blobs.put_piece(piece.sha256, piece.size, piece.offset, piece.data)
    return effects


def _offer_back(
    core: Core, transaction: Transaction, now_ms: int, raw: bytes, effects: Effects
) -> None:
    """The parent lives a new life: owe it what it lacks, whoever wrote it."""
    link = transaction.parent_link()
    if link is None:
        return
    shape = tree.load(core, transaction, now_ms)
    offered = give_back.offer_back(shape, transaction, core.station, link.station, raw)
    count(transaction, "events_offered_back", offered)
    effects.more = effects.more or bool(offered)


def _received(
    transaction: Transaction, through: int, taking: Taking, *, spoiled: bool = False
) -> None:
    """Book what was received; what was spoiled on the way is owed anew once editions are told.

    Behind something doubted nothing is booked: a later frame would pass it over for good.
    """
    link = transaction.parent_link()
    if link is None:
        return
    last = link.received if taking.doubted else max(through, link.received)
    if spoiled or last > link.received:
        told = link.told_editions and not spoiled
        transaction.put_parent_link(replace(link, received=last, told_editions=told))


def _handed_down(
    core: Core,
    transaction: Transaction,
    now_ms: int,
    events: list[Event],
    effects: Effects,
) -> bool:
    """Take events of other subtrees; return whether one was doubted and is asked for once more."""
    link = transaction.parent_link()
    if link is None:
        return False
    shape = tree.load(core, transaction, now_ms)
    total, doubted = link.digest, False
    below = shape.subtree(core.station)
    for event in events:
        try:
            author = intake.claimed_name(event).station
            take = lives.own_event if author == core.station else intake.from_parent
            became = take(core, shape, transaction, now_ms, event, link.station, effects)
            written_above = author not in below
        except Malformed:
            count(transaction, "events_without_name")
            continue
        if became == intake.DUPLICATE:
            fetching.take(transaction, event, effects)
        if became == intake.TAKEN and written_above:
            total = digest.add(total, event.hash)
        doubted = doubted or became == intake.DOUBTED
    transaction.put_parent_link(replace(link, digest=total))
    return doubted


def _answer(
    core: Core, transaction: Transaction, now_ms: int, raw: bytes, effects: Effects
) -> None:
    link = transaction.parent_link()
    signature, payload = rounds.split_header(raw)
    answer = rounds.decode_header(payload, Answer)
    if link is None or answer.nonce != link.nonce or not link.nonce:
        raise BadSignature("an answer to no round of ours")
    if answer.station != link.station:
        raise BadSignature("an answer of somebody else than the parent")
    key = trust.station_key(core, transaction, LogName(answer.station, answer.epoch))
    if not core.verifier.verify(key, rounds.answer_message(payload), signature):
        raise BadSignature("answer")
    transaction.set_meta(PARENT_SPEAKS, f"{link.station} {answer.v}")
    # A round without events, or the first with a new parent, says nothing of what is taken.
    resting = link.failures <= 1 and not link.challenge
    if answer.incarnation != link.incarnation:
        link = _new_parent_life(transaction, link, answer)
        resting = False
    link = replace(
        link,
        nonce=b"",
        verdict=answer.verdict if not answer.reason else f"{answer.verdict}/{answer.reason}",
        # A halted node says them once as well: its next life is owed every edition anyway.
        told_editions=link.told_editions or answer.verdict in _TOLD,
        challenge=answer.challenge,
        hint_ms=answer.hint_ms,
        token=answer.token or link.token,
        dictionary=answer.dictionary,
        failures=0,
        last_success_ms=now_ms,
    )
    differs = False
    if answer.verdict == rounds.OK:
        shape = tree.load(core, transaction, now_ms)
        differs = compare.notice(transaction, link, answer, shape.version(core.station), now_ms)
        transaction.acknowledge(routing.UP, answer.statements)
        for receipt in answer.receipts:
            resting = not receipts.take(transaction, receipt, lower=True) and resting
    elif answer.verdict in (rounds.REWIND, rounds.FORK):
        transaction.acknowledge(routing.UP, answer.statements)
        for receipt in answer.receipts:
            receipts.take(transaction, receipt, lower=True)
    transaction.put_parent_link(link)
    again = lives.heed(core, transaction, now_ms, answer, effects)
    for name in answer.frozen:
        _freeze(transaction, name)
    # What the parent did not take this time is offered again later, not at once and for ever.
    unsent = bool(_unsent(core, transaction, halted(transaction)))
    owed = bool(answer.statements) and transaction.outbox_count(routing.UP) > 0
    unsent = unsent and answer.verdict == rounds.OK and not resting
    prove = answer.verdict == rounds.PROVE and not answer.reason
    effects.more = answer.more or prove or unsent or again or owed or differs


def _new_parent_life(transaction: Transaction, link: ParentLink, answer: Answer) -> ParentLink:
    """Forget what an earlier incarnation of the parent said it holds; offer it all again."""
    if link.incarnation:
        count(transaction, "parent_incarnations")
        for log in transaction.logs():
            log = gaps.give_up(transaction, log)
            if log.parent_position:
                transaction.put_log(replace(log, parent_position=0))
        for station, _ in transaction.statements(statements.ATTACHMENT):
            transaction.enqueue(routing.UP, statements.ATTACHMENT, station)
        dues.offer_up(transaction)
    return replace(link, incarnation=answer.incarnation, received=0, told_editions=False, token=b"")


def _freeze(transaction: Transaction, name: str) -> None:
    """Offer a log no further; one that a later epoch closed goes on, however late this was said."""
    log = transaction.log(LogName.parse(name))
    if log is None or recovery.closed_at(transaction, log.name) is not None:
        return
    if log.frozen != FROZEN_ABOVE:
        transaction.put_log(replace(log, frozen=FROZEN_ABOVE))
