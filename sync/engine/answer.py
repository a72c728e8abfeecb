"""The parent's answer: receipts, the next token, what the link owes, small packs along with it."""

from __future__ import annotations

from collections.abc import Sequence

import msgspec
from msgspec.structs import replace

from sync.engine import (
    along_with,
    asks,
    fetching,
    gaps,
    give_back,
    news,
    notices,
    outbox,
    receipts,
    revocation,
    tree,
)
from sync.engine.core import Core
from sync.engine.give_back import GivenBack
from sync.engine.parent import Session
from sync.protocol import canonical, compression, digest, frames, rounds
from sync.protocol.compression import Packing
from sync.protocol.envelope import Event
from sync.protocol.frames import Frame
from sync.protocol.limits import (
    PROTOCOL_VERSION,
    ROUND_SENT_BYTES_MIN,
    ROUND_SENT_BYTES_TARGET,
)
from sync.protocol.ports import BlobStore, Transaction
from sync.protocol.receipts import LogReceipt
from sync.protocol.rounds import Answer, Hello

HINT_MS = 300_000
RECEIPTS_BYTES_MAX = 192 * 1024
"""An answer has a limit; a log left out is offered again, comes as a duplicate and has its turn."""


def finish(
    core: Core, transaction: Transaction, now_ms: int, session: Session, blobs: BlobStore
) -> bytes:
    """Return the whole answer to a request whose frames were taken."""
    hello = session.hello
    answer = Answer(
        v=PROTOCOL_VERSION,
        station=core.station,
        epoch=core.epoch,
        incarnation=core.incarnation,
        nonce=hello.nonce,
        verdict=session.verdict,
        reason=session.reason,
        challenge=session.challenge,
        token=session.token,
        dictionary=compression.DICTIONARY_NEWEST,
    )
    if session.verdict == rounds.REVOKED:
        return _stream(core, session, answer, revocation.told(transaction, session.child))
    vouchers = _voucher(transaction, hello)
    if session.verdict not in (rounds.OK, rounds.REWIND, rounds.FORK):
        return _stream(core, session, answer, vouchers)
    given = _receipts(core, transaction, now_ms, session)
    stopped = _frozen(transaction, session)
    answer = replace(answer, receipts=given, frozen=stopped, statements=session.statements)
    if session.verdict == rounds.REWIND:  # by these it sees whether it lacks anything
        answer = replace(answer, heads=give_back.heads(transaction, hello.station))
    if session.aside:
        return _stream(core, session, answer, vouchers)
    heads, back = [], GivenBack([], more=False)
    told = hello.fetching and session.live
    if told:
        heads, back = (
            give_back.heads(transaction, hello.station),
            give_back.load(transaction, hello),
        )
    if core.is_root:
        notices.make_time_mark(core, transaction, now_ms)
    link = transaction.child_link(session.child)
    after = hello.acknowledged if hello.acknowledged_incarnation == core.incarnation else 0
    room = _room(hello.budget)
    load = outbox.load(transaction, session.child, after, _packing(session), room)
    shape = tree.load(core, transaction, now_ms)
    answer = replace(
        answer,
        through=load.through,
        more=load.more or back.more,
        digest=link.digest if link is not None else b"",
        tree=shape.version(session.child),
        hint_ms=HINT_MS,
        heads=heads or answer.heads,
        heads_told=told,
    )
    compared = _compared(core, shape, transaction, session, answer)
    along = along_with.small_blobs(transaction, session, load, after, blobs)
    bodies = fetching.give(core, shape, transaction, session.child, hello.bodies)
    before = _before(shape, transaction, session, room - sum(map(len, load.sent)))
    parts: list[Frame | bytes] = [*vouchers, *compared, *back.frames, *load.sent, *bodies]
    return _stream(core, session, answer, [*parts, *before, *along])


def _voucher(transaction: Transaction, hello: Hello) -> list[Frame]:
    """The voucher a halted copy asks for, once it is held here; nobody else can use it."""
    raw = asks.voucher_for(transaction, hello.ask) if hello.ask else None
    return [] if raw is None else [frames.encode_statements(0, [raw])]


def _compared(
    core: Core, shape: tree.Tree, transaction: Transaction, session: Session, answer: Answer
) -> list[Frame]:
    """Say per author what this incarnation holds, once, to a child that holds something else."""
    hello = session.hello
    before = hello.acknowledged_incarnation
    if not before or before == core.incarnation or hello.digest == answer.digest:
        return []
    return [give_back.compare(shape, transaction, hello.station)]


def _receipts(
    core: Core, transaction: Transaction, now_ms: int, session: Session
) -> list[LogReceipt]:
    hello = session.hello
    asked = hello.ask_receipts or hello.acknowledged_incarnation != core.incarnation
    touched = session.touched | gaps.lowered(transaction, session.child, session.touched)
    touched |= news.due(transaction, session.child, hello.token, session.token)
    chosen = [log for name in sorted(touched) if (log := transaction.log(name)) is not None]
    if asked:
        more = transaction.logs(source=session.child)
        chosen += [log for log in more if log.name not in touched]
    given, size = [], 0
    for log in chosen:
        if core.is_root:
            receipts.issue_central(core, transaction, now_ms, log)
        relayed = not asked and log.name.station != session.child
        receipt = receipts.give(
            transaction, log, session.offered.get(log.name, 0) if relayed else 0
        )
        size += len(msgspec.json.encode(receipt)) + 1
        if size <= RECEIPTS_BYTES_MAX:
            given.append(receipt)
    return given


def _frozen(transaction: Transaction, session: Session) -> list[str]:
    """The logs this child need not offer further: frozen, or brought too late."""
    found = {log.name for log in transaction.logs(source=session.child, frozen=True)}
    return [f"{name.station}/{name.epoch}" for name in sorted(found | session.stopped)]


def _before(shape: tree.Tree, transaction: Transaction, session: Session, room: int) -> list[bytes]:
    """Return what lies before logs the child took over, last in line and within what is left."""
    found: list[bytes] = []
    batch: list[Event] = []
    size, packing = 0, _packing(session)
    for event in gaps.asked(shape, transaction, session.child, session.hello.lacking):
        if room <= 0:
            break
        batch.append(event)
        size += frames.event_bytes(event)
        if size > frames.events_target(packing, room):
            sent = frames.encode_frames(frames.encode_events(0, batch), packing)
            found += sent
            room -= sum(map(len, sent))
            batch, size = [], 0
    if batch:
        found += frames.encode_frames(frames.encode_events(0, batch), packing)
    return found


def _room(budget: int) -> int:
    """Return how many bytes an answer may take: what the child asked for, within reason."""
    if budget <= 0:
        return ROUND_SENT_BYTES_TARGET
    return min(max(budget, ROUND_SENT_BYTES_MIN), ROUND_SENT_BYTES_TARGET)


def _stream(core: Core, session: Session, answer: Answer, rest: Sequence[Frame | bytes]) -> bytes:
    ahead: list[Frame] = []
    shown = digest.mark([core.certificate]) in digest.marks(session.hello.known)
    if session.hello.acknowledged_incarnation != core.incarnation and not shown:
        ahead.append(frames.encode_statements(0, [core.certificate]))
    return frames.encode_stream([*ahead, _signed(core, answer), *rest], _packing(session))


def _packing(session: Session) -> Packing:
    hello = session.hello
    return compression.packing_for(hello.dictionary, compression.LEVEL_QUICK, hello.v)


def _signed(core: Core, answer: Answer) -> Frame:
    payload = canonical.dumps(answer)
    signature = core.signer.sign(rounds.answer_message(payload))
    return Frame(frames.ANSWER, rounds.encode_header(signature, payload))
