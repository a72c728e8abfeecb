"""The parent's answer: receipts, the next token, what the link owes, blobs asked for."""

from __future__ import annotations

import msgspec

from sync.engine import notices, outbox, receipts, registers, revocation, tree
from sync.engine.core import Core
from sync.engine.parent import Session
from sync.protocol import canonical, compression, frames, rounds
from sync.protocol.compression import Packing
from sync.protocol.frames import BlobPiece, Frame
from sync.protocol.limits import PROTOCOL_VERSION, ROUND_BYTES_TARGET
from sync.protocol.ports import BlobStore, LogState, Transaction
from sync.protocol.receipts import LogReceipt
from sync.protocol.rounds import Answer, Wanted

HINT_MS = 30_000
BLOB_PIECE_BYTES = 128 * 1024
RECEIPTS_BYTES_MAX = 192 * 1024
"""An answer has a limit; a log left out is offered again, comes as a duplicate and has its turn."""


def finish(
    core: Core, transaction: Transaction, now_ms: int, session: Session, blobs: BlobStore
) -> bytes:
    """Return the whole answer to a request whose frames were taken."""
    hello = session.hello
    if session.verdict != rounds.OK:
        return _stream(
            core,
            session,
            Answer(
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
            ),
            revocation.told(transaction, session.child)
            if session.verdict == rounds.REVOKED
            else [],
        )
    given = _receipts(core, transaction, now_ms, session)
    if core.is_root:
        notices.make_time_mark(core, transaction, now_ms)
    link = transaction.child_link(session.child)
    after = hello.acknowledged if hello.acknowledged_incarnation == core.incarnation else 0
    load = outbox.load(transaction, session.child, after, _packing(session))
    shape = tree.load(core, transaction, now_ms)
    wanted = _wanted(shape, transaction, session)
    pieces, cut = _blobs(wanted, blobs, sum(len(f.payload) for f in load.frames))
    answer = Answer(
        v=PROTOCOL_VERSION,
        station=core.station,
        epoch=core.epoch,
        incarnation=core.incarnation,
        nonce=hello.nonce,
        verdict=rounds.OK,
        token=session.token,
        receipts=given,
        through=load.through,
        more=load.more or cut,
        digest=link.digest if link is not None else b"",
        tree=shape.version(session.child),
        frozen=[f"{r.name.station}/{r.name.epoch}" for r in _frozen(transaction, session)],
        hint_ms=HINT_MS,
        statements=session.statements,
        dictionary=compression.DICTIONARY_NEWEST,
    )
    return _stream(core, session, answer, [*load.frames, *pieces])


def _receipts(
    core: Core, transaction: Transaction, now_ms: int, session: Session
) -> list[LogReceipt]:
    asked = session.hello.ask_receipts
    asked = asked or session.hello.acknowledged_incarnation != core.incarnation
    logs = transaction.logs()
    chosen = [log for log in logs if log.name in session.touched]
    if asked:
        more = [log for log in logs if log.source == session.child]
        chosen += [log for log in more if log.name not in session.touched]
    given, size = [], 0
    for log in chosen:
        if core.is_root:
            receipts.issue_central(core, transaction, now_ms, log)
        receipt = receipts.give(transaction, log)
        size += len(msgspec.json.encode(receipt)) + 1
        if size <= RECEIPTS_BYTES_MAX:
            given.append(receipt)
    return given


def _frozen(transaction: Transaction, session: Session) -> list[LogState]:
    return [log for log in transaction.logs() if log.frozen and log.source == session.child]


def _wanted(shape: tree.Tree, transaction: Transaction, session: Session) -> list[Wanted]:
    """What the child asks for of the packs that concern its subtree; knowing a hash is no right."""
    if not session.hello.wanted:
        return []
    named = {
        pack.sha256
        for shelf, manifest in registers.manifests(transaction)
        if registers.concerns(shape, session.child, shelf)
        for pack in [*manifest.base, *manifest.chain]
    }
    return [want for want in session.hello.wanted if want.sha256 in named]


def _blobs(wanted: list[Wanted], blobs: BlobStore, used: int) -> tuple[list[Frame], bool]:
    found: list[Frame] = []
    for want in wanted:
        size = blobs.size(want.sha256)
        at = want.offset
        while size is not None and at < size:
            if used > ROUND_BYTES_TARGET:
                return found, True
            data = blobs.read(want.sha256, at, BLOB_PIECE_BYTES)
            if not data:
                break  # dropped since its size was asked
            found.append(frames.encode_blob(BlobPiece(want.sha256, size, at, data)))
            at += len(data)
            used += len(data)
    return found, False


def _stream(core: Core, session: Session, answer: Answer, rest: list[Frame]) -> bytes:
    ahead: list[Frame] = []
    if session.hello.acknowledged_incarnation != core.incarnation:
        ahead.append(frames.encode_statements(0, [core.certificate]))
    return frames.encode_stream([*ahead, _signed(core, answer), *rest], _packing(session))


def _packing(session: Session) -> Packing:
    return compression.packing_for(session.hello.dictionary, compression.LEVEL_QUICK)


def _signed(core: Core, answer: Answer) -> Frame:
    payload = canonical.dumps(answer)
    signature = core.signer.sign(rounds.answer_message(payload))
    return Frame(frames.ANSWER, rounds.encode_header(signature, payload))
